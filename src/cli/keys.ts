/** `tunesmith keys`: makes, lists and revokes API keys, on the database itself: so the first key comes to be. */
import type { Config } from '../config.ts';
import type { Database } from '../db/database.ts';
import { DEFAULT_TENANT, ensureTenant, findTenant } from '../db/tenants.ts';
import type { ApiKey } from '../generated/prisma/client.ts';
import { createApiKeyService, type ApiKeyService } from '../services/apiKey.ts';
import { systemClock } from '../services/clock.ts';
import { ExpectedError, InvalidInputError } from '../services/errors.ts';
import { serverViewer, type Role, type Viewer } from '../services/viewer.ts';
import { CliError } from './failure.ts';
import { COMMAND_LINE, explained, openOwnDatabase } from './ownDatabase.ts';
import { openTerminal, type Style } from './terminal.ts';
import { renderTable, type Column } from './terminalTable.ts';
import { formatTime, plain } from './terminalText.ts';

interface TenantOption {
  /** Its id or name; the default tenant when left out. */
  tenant?: string;
  json?: boolean;
}

export interface CreateKeyOptions extends TenantOption {
  name: string;
  role: Role;
  /** How long it is good, in milliseconds; without end when left out. */
  expires?: number;
}

export type KeysOptions = TenantOption;

/** Prints the key, once, to standard output; what there is to say about it goes to standard error. */
export async function createKey({ name, role, expires, ...options }: CreateKeyOptions): Promise<void> {
  await withKeys(options, async (apiKeys, viewer) => {
    const expiresAt = expires === undefined ? null : new Date(systemClock.now().getTime() + expires);
    const { apiKey, key } = await apiKeys.create(viewer, { name, role, expiresAt });
    process.stdout.write(`${options.json ? JSON.stringify({ ...told(apiKey), key }) : key}\n`);
    const until = expiresAt === null ? 'without end' : `until ${expiresAt.toISOString()}`;
    openTerminal(process.stderr).print(
      `This is the key “${plain(apiKey.name)}”, with the role ${role}, good ${until}. It is shown only now: keep it.`,
      'Send it as the header "Authorization: Bearer …"; tunesmith takes it from the variable TUNESMITH_API_KEY.',
    );
  });
}

export async function listKeys(options: KeysOptions): Promise<void> {
  await withKeys(options, async (apiKeys, viewer) => {
    const list = await apiKeys.list(viewer);
    if (options.json) {
      process.stdout.write(`${JSON.stringify(list.map(told), null, 2)}\n`);
      return;
    }
    const out = openTerminal(process.stdout);
    const width = out.live ? out.width() : Infinity;
    out.print(...keysTable(list, width, out.style, systemClock.now()));
  });
}

/** Ends the good key that begins so; a whole key is taken too, for who finds one where it should not be. */
export async function revokeKey(beginning: string, options: KeysOptions): Promise<void> {
  await withKeys(options, async (apiKeys, viewer) => {
    const prefix = beginning.slice(0, PREFIX_LENGTH);
    const found = (await apiKeys.list(viewer)).filter((key) => key.prefix === prefix);
    const [apiKey, another] = found.filter(({ revokedAt }) => revokedAt === null);
    if (another)
      throw new CliError(
        `Several keys begin with ${plain(prefix)}. Revoke the one you mean with the mutation revokeApiKey, by its id.`,
      );
    if (apiKey === undefined)
      throw new CliError(
        found.length > 0
          ? `The key ${plain(prefix)} is revoked already.`
          : `There is no key ${plain(prefix)} in this tenant. "tunesmith keys list" tells which there are.`,
      );
    const revoked = await apiKeys.revoke(viewer, apiKey.id);
    if (options.json) process.stdout.write(`${JSON.stringify(told(revoked))}\n`);
    else
      openTerminal(process.stdout).print(
        `The key “${plain(revoked.name)}” (${revoked.prefix}) is revoked. Servers that run refuse it within seconds.`,
      );
  });
}

const PREFIX_LENGTH = 'tsk_'.length + 8;

const onError = (error: unknown): void => void process.stderr.write(`${String(error)}\n`);

async function withKeys(
  { tenant }: TenantOption,
  work: (apiKeys: ApiKeyService, viewer: Viewer) => Promise<void>,
): Promise<void> {
  await explained(async (config) => {
    const db = await opened(config);
    try {
      await ensureTenant(db, DEFAULT_TENANT);
      const tenantId = tenant === undefined ? DEFAULT_TENANT : await findTenant(db, tenant);
      if (tenantId === null)
        throw new CliError(
          `There is no tenant ${plain(tenant ?? '')}. "tunesmith tenants list" tells which there are.`,
        );
      const apiKeys = createApiKeyService({ db, clock: systemClock, onError });
      await work(apiKeys, serverViewer(tenantId, COMMAND_LINE));
    } catch (error) {
      throw error instanceof ExpectedError ? new CliError(inOptions(error)) : error;
    } finally {
      await db.close();
    }
  });
}

const OPTIONS: Record<string, string> = { 'input.name': '--name', 'input.expiresAt': '--expires' };

/** What it says, with the options in place of the arguments of the API. */
function inOptions(error: ExpectedError): string {
  if (!(error instanceof InvalidInputError)) return error.message;
  return error.faults.map(({ field, message }) => `${OPTIONS[field] ?? field} ${message}.`).join(' ');
}

/** The embedded database is one process's. The server that has it can make keys too. */
async function opened(config: Config): Promise<Database> {
  try {
    return await openOwnDatabase(config);
  } catch (error) {
    if (error instanceof Error && error.name === 'DirectoryLockedError')
      throw new CliError(
        `${error.message}\nA server that runs has apiKeys, createApiKey and revokeApiKey in its API, for admins: ask it instead, for example in GraphiQL.`,
      );
    throw error;
  }
}

/** What may be told of a key. */
function told({ id, name, prefix, role, createdBy, createdAt, expiresAt, revokedAt, lastUsedAt }: ApiKey) {
  return { id, name, prefix, role, createdBy, createdAt, expiresAt, revokedAt, lastUsedAt };
}

const COLUMNS: readonly Column[] = [
  { title: 'NAME', min: 8 },
  { title: 'PREFIX' },
  { title: 'ROLE' },
  { title: 'STATE' },
  { title: 'MADE BY', min: 8, dispensable: 2 },
  { title: 'CREATED', dispensable: 1 },
  { title: 'EXPIRES' },
  { title: 'LAST USED' },
];
const STATE = 3;

function keysTable(list: readonly ApiKey[], width: number, style: Style, now: Date): string[] {
  if (list.length === 0) return ['There are no keys yet. "tunesmith keys create" makes one.'];
  const rows = list.map((key) => [
    plain(key.name),
    key.prefix,
    key.role,
    stateOf(key, now),
    plain(key.createdBy),
    formatTime(key.createdAt, now),
    key.expiresAt === null ? 'never' : formatTime(key.expiresAt, now),
    key.lastUsedAt === null ? 'never' : formatTime(key.lastUsedAt, now),
  ]);
  return renderTable(COLUMNS, rows, width, (text, row, column) => {
    const cells = rows[row];
    if (cells === undefined) return style.dim(text);
    if (cells[STATE] !== 'good') return style.dim(text);
    return column === STATE ? style.good(text) : text;
  });
}

function stateOf({ revokedAt, expiresAt }: ApiKey, now: Date): string {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'good';
}
