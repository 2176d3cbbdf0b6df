/** Where a soak takes place: the built server as a process of its own, a sandbox beside it, and a database for them. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openSandboxProcess } from '../crashtest/messages.ts';
import { createServerProcess } from '../crashtest/serverProcess.ts';
import { openDatabase } from '../src/db/database.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { packageRoot } from '../src/paths.ts';
import { createApiKeyService } from '../src/services/apiKey.ts';
import { systemClock } from '../src/services/clock.ts';
import { serverViewer } from '../src/services/viewer.ts';
import { createDatabase } from '../test/support/database.ts';
import type { Tenant } from './client.ts';
import { MALLOC, NODE_OPTIONS } from './nodeOptions.ts';

const run = promisify(execFile);
const TENANTS = 3;

const bundle = (name: string) => new URL(`dist/${name}.js`, packageRoot);

export interface World {
  url: string;
  /** The tenants that the server knows. */
  tenants: Tenant[];
  /** What the server's process alone holds in memory, in MB. */
  rssMb(): Promise<number>;
  /** Throws when the server has ended by itself. */
  close(): Promise<void>;
}

/**
 * `databaseUrl` names a PostgreSQL server, on which a database is made and dropped; embedded without it. The sandbox is in
 * a process of its own, so that its memory and its training are not counted with the server's.
 */
export async function openWorld(databaseUrl: string | undefined): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'tunesmith-soak-'));
  const database =
    databaseUrl === undefined
      ? undefined
      : await createDatabase(databaseUrl, `tunesmith_soak_${randomUUID().replaceAll('-', '')}`);
  const sandbox = await openSandboxProcess({
    dataDir: join(directory, 'sandbox'),
    entry: bundle('crashtestSandbox'),
  });
  const dataDir = join(directory, 'data');
  const server = await createServerProcess({
    dataDir,
    exportDir: join(directory, 'exports'),
    databaseUrl: database?.url,
    sandboxUrl: sandbox.url,
    leaseSeconds: 60,
    reconcileSeconds: 60,
    entry: bundle('crashtestServer'),
    nodeOptions: NODE_OPTIONS,
    env: { ...MALLOC, LOG_LEVEL: 'error', AUTH: 'required' },
  });

  async function close(): Promise<void> {
    const endedBefore = !server.runs();
    if (!endedBefore) await server.kill();
    await sandbox.close();
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
    if (endedBefore) throw new Error('The server ended by itself');
  }

  let tenants: Tenant[];
  try {
    tenants = await makeTenants(database?.url, dataDir);
    await server.start();
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  return {
    url: server.url,
    tenants,
    async rssMb() {
      const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(server.pid())]);
      return Math.round(Number(stdout) / 1024);
    },
    close,
  };
}

/** Before the server starts, since the embedded database belongs to one process at a time. */
async function makeTenants(databaseUrl: string | undefined, dataDir: string): Promise<Tenant[]> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const db = await openDatabase({ databaseUrl, dataDir, onError: fail });
  try {
    const apiKeys = createApiKeyService({ db, clock: systemClock, onError: fail });
    const tenants: Tenant[] = [];
    for (let n = 1; n <= TENANTS; n += 1) {
      const tenantId = randomUUID();
      await ensureTenant(db, tenantId, `Soak ${n}`);
      const { key } = await apiKeys.create(serverViewer(tenantId, 'soak'), { name: 'soak', role: 'ADMIN' });
      tenants.push({ headers: { authorization: `Bearer ${key}` } });
    }
    return tenants;
  } finally {
    await db.close();
  }
}

function fail(error: unknown): never {
  throw error;
}
