/** Where a benchmark of the server takes place: a new database and directory, tenants with keys, and servers beside it. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openSandboxProcess } from '../crashtest/messages.ts';
import { openDatabase, type Database } from '../src/db/database.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { packageRoot } from '../src/paths.ts';
import { createApiKeyService } from '../src/services/apiKey.ts';
import { systemClock } from '../src/services/clock.ts';
import { serverViewer } from '../src/services/viewer.ts';
import { createDatabase } from '../test/support/database.ts';
import type { BenchOptions } from './frame.ts';
import { startPeer, startProduct, type Product, type ServerProcess } from './processes.ts';

export interface Tenant {
  id: string;
  /** Its key, an admin's. */
  headers: { authorization: string };
}

/** What is opened here is closed when the work is done, the last first. */
export interface World {
  /** A new, migrated database on the server that was named. */
  databaseUrl: string;
  /** A connection that sees and may everything. */
  sql: pg.Client;
  /** The product's own way to the database, in this process. */
  db: Database;
  /** For files that a benchmark makes. */
  directory: string;
  addTenant(name: string): Promise<Tenant>;
  /** The built product on this database, which lets in only who has a key and limits no rates. */
  startProduct(name: string, env?: Record<string, string>): Promise<Product>;
  startPeer(entry: URL, args: string[], execPath?: string): Promise<ServerProcess>;
  /** What has the product train at a sandbox in a process of its own. */
  startProvider(): Promise<Record<'OPENAI_API_KEY' | 'OPENAI_BASE_URL', string>>;
  /** Closes what is not closed otherwise. */
  later(close: () => unknown): void;
}

/** So that what is measured is the work, not being refused it. */
const NO_LIMITS = { RATE_LIMIT_PER_MINUTE: '1000000000', SOCKETS_PER_PRINCIPAL: '1000000' };

/** Does `work` on a new database. */
export async function withWorld<T>(
  { databaseUrl }: Pick<BenchOptions, 'databaseUrl'>,
  work: (world: World) => Promise<T>,
): Promise<T> {
  if (databaseUrl === undefined) throw new Error('This benchmark needs a PostgreSQL server');
  const closers: (() => unknown)[] = [];
  try {
    return await work(await openWorld(databaseUrl, (close) => closers.push(close)));
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

async function openWorld(serverUrl: string, later: World['later']): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'tunesmith-bench-'));
  later(() => rm(directory, { recursive: true, force: true }));
  const { url: databaseUrl, drop } = await createDatabase(
    serverUrl,
    `tunesmith_bench_${randomUUID().replaceAll('-', '')}`,
  );
  later(drop);
  const db = await openDatabase({ databaseUrl, onError: fail });
  later(() => db.close());
  const sql = new pg.Client({ connectionString: databaseUrl });
  await sql.connect();
  later(() => sql.end());
  const apiKeys = createApiKeyService({ db, clock: systemClock, onError: fail });
  const closing = async <Started extends { close(): Promise<void> }>(starting: Promise<Started>) => {
    const started = await starting;
    later(() => started.close());
    return started;
  };
  return {
    databaseUrl,
    sql,
    db,
    directory,
    later,
    async addTenant(name) {
      const id = randomUUID();
      await ensureTenant(db, id, name);
      const { key } = await apiKeys.create(serverViewer(id, 'bench'), { name: 'bench', role: 'ADMIN' });
      return { id, headers: { authorization: `Bearer ${key}` } };
    },
    async startProduct(name, env = {}) {
      const dataDir = join(directory, name);
      await mkdir(dataDir, { recursive: true, mode: 0o700 });
      const shipped = {
        DATA_DIR: dataDir,
        DATABASE_URL: databaseUrl,
        NODE_ENV: 'production',
        AUTH: 'required',
      };
      return closing(startProduct({ ...shipped, ...NO_LIMITS, ...env }));
    },
    startPeer: (entry, args, execPath) => closing(startPeer(entry, args, execPath)),
    async startProvider() {
      const sandbox = openSandboxProcess({
        dataDir: join(directory, 'sandbox'),
        entry: new URL('dist/crashtestSandbox.js', packageRoot),
      });
      return { OPENAI_API_KEY: 'sandbox', OPENAI_BASE_URL: (await closing(sandbox)).url };
    },
  };
}

function fail(error: unknown): never {
  throw error;
}
