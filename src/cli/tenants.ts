/** `tunesmith tenants`: makes and lists tenants, on the database itself. */
import { DEFAULT_TENANT, ensureTenant, listTenants } from '../db/tenants.ts';
import { CliError } from './failure.ts';
import { createTenant } from '../services/tenant.ts';
import { COMMAND_LINE, explained, openOwnDatabase } from './ownDatabase.ts';
import { openTerminal } from './terminal.ts';
import { renderTable, type Column } from './terminalTable.ts';
import { formatTime, plain } from './terminalText.ts';
import type { Database } from '../db/database.ts';

export interface TenantsOptions {
  json?: boolean;
}

/** Prints the id to standard output, and what there is to say about it to standard error. */
export async function makeTenant(name: string, { json }: TenantsOptions): Promise<void> {
  await withDatabase(async (db) => {
    const made = await createTenant(db, name, COMMAND_LINE);
    if (made === null) throw new CliError(`There is a tenant ${plain(name)} already. Choose another name.`);
    process.stdout.write(`${json ? JSON.stringify(made) : made.id}\n`);
    openTerminal(process.stderr).print(
      `This is the id of the tenant “${plain(name)}”. A first key to it: tunesmith keys create --tenant ${made.id} --name NAME --role ADMIN`,
    );
  });
}

const COLUMNS: readonly Column[] = [
  { title: 'NAME', min: 8 },
  { title: 'ID' },
  { title: 'CREATED', dispensable: 1 },
];

export async function showTenants({ json }: TenantsOptions): Promise<void> {
  await withDatabase(async (db) => {
    const list = await listTenants(db);
    if (json) {
      process.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
      return;
    }
    const out = openTerminal(process.stdout);
    const rows = list.map(({ id, name, createdAt }) => [plain(name), id, formatTime(createdAt)]);
    const width = out.live ? out.width() : Infinity;
    out.print(
      ...renderTable(COLUMNS, rows, width, (text, row, column) =>
        row === -1 || column > 0 ? out.style.dim(text) : text,
      ),
    );
  });
}

async function withDatabase(work: (db: Database) => Promise<void>): Promise<void> {
  await explained(async (config) => {
    const db = await openOwnDatabase(config);
    try {
      await ensureTenant(db, DEFAULT_TENANT);
      await work(db);
    } finally {
      await db.close();
    }
  });
}
