/** Where a benchmark of the server takes place: the built one in a process of its own, on a database of its own. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openSandboxProcess } from '../crashtest/messages.ts';
import { createServerProcess } from '../crashtest/serverProcess.ts';
import { createClient, type Client } from '../soak/client.ts';
import { openDatabase, type Database } from '../src/db/database.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { packageRoot } from '../src/paths.ts';
import { createApiKeyService } from '../src/services/apiKey.ts';
import { systemClock } from '../src/services/clock.ts';
import { serverViewer } from '../src/services/viewer.ts';
import { createDatabase } from '../test/support/database.ts';
import type { BenchOptions } from './frame.ts';

export interface WorldTenant {
  id: string;
  /** Asks the server as an admin of the tenant. */
  client: Client;
  headers: Record<string, string>;
}

export interface World {
  /** Of the server; the same after every start. */
  url: string;
  databaseUrl: string;
  /** A connection that sees and may everything. */
  sql: pg.Client;
  /** The product's own way to the database, in this process. */
  db: Database;
  /** For files that a benchmark makes; gone afterwards. */
  directory: string;
  /** Where the server keeps its exports. */
  exportDir: string;
  tenants: WorldTenant[];
  /** Ends the server's process and starts another, whose peak of memory is its own. */
  restart(): Promise<void>;
  /** The most memory that the server's process has had, in megabytes. */
  peakMb(): Promise<number>;
}

/** How long an answer may take: collecting or exporting hundreds of thousands of examples is one request. */
const PATIENCE_MS = 1_200_000;

const bundle = (name: string) => new URL(`dist/${name}.js`, packageRoot);

/**
 * Does `work` beside a server that is there, on a new database of the server that --database-url names. A sandbox, in a
 * process of its own too, is its provider.
 */
export async function withWorld<T>(
  { databaseUrl }: Pick<BenchOptions, 'databaseUrl'>,
  tenants: number,
  work: (world: World) => Promise<T>,
): Promise<T> {
  if (databaseUrl === undefined) throw new Error('This benchmark needs --database-url');
  const closers: (() => Promise<void>)[] = [];
  try {
    return await work(await openWorld(databaseUrl, tenants, closers));
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

/** What is opened puts into `closers` how it is closed, so that all of it is when something fails on the way. */
async function openWorld(
  serverUrl: string,
  wanted: number,
  closers: (() => Promise<void>)[],
): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'tunesmith-bench-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  const database = await createDatabase(serverUrl, `tunesmith_bench_${randomUUID().replaceAll('-', '')}`);
  closers.push(() => database.drop());
  const db = await openDatabase({ databaseUrl: database.url, onError: fail });
  closers.push(() => db.close());
  const sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  closers.push(() => sql.end());
  const sandbox = await openSandboxProcess({
    dataDir: join(directory, 'sandbox'),
    entry: bundle('crashtestSandbox'),
  });
  closers.push(() => sandbox.close());
  const [dataDir, exportDir] = [join(directory, 'data'), join(directory, 'exports')];
  await mkdir(dataDir, { mode: 0o700 });
  const server = await createServerProcess({
    dataDir,
    exportDir,
    databaseUrl: database.url,
    sandboxUrl: sandbox.url,
    leaseSeconds: 60,
    reconcileSeconds: 60,
    entry: bundle('crashtestServer'),
    nodeOptions: ['--max-semi-space-size=32'], // As `npm start` and the image have it.
    env: { LOG_LEVEL: 'error', AUTH: 'required', RATE_LIMIT_PER_MINUTE: '1000000' },
  });
  const tenants = await makeTenants(db, server.url, wanted);
  closers.push(async () => {
    if (server.runs()) await server.kill();
  });
  await server.start();
  return {
    url: server.url,
    databaseUrl: database.url,
    sql,
    db,
    directory,
    exportDir,
    tenants,
    async restart() {
      await server.kill();
      await server.start();
    },
    peakMb: () => peakMemoryMb(server.pid()),
  };
}

/** The most memory that a process has had, in megabytes, as Linux tells it. */
export async function peakMemoryMb(pid: number | undefined): Promise<number> {
  return memoryMb(pid, 'VmHWM');
}

/** The memory that a process has, in megabytes, as Linux tells it. */
export async function memoryMb(pid: number | undefined, what: 'VmHWM' | 'VmRSS' = 'VmRSS'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return kilobytes / 1024;
}

async function makeTenants(db: Database, url: string, count: number): Promise<WorldTenant[]> {
  const apiKeys = createApiKeyService({ db, clock: systemClock, onError: fail });
  const tenants: WorldTenant[] = [];
  for (let n = 1; n <= count; n += 1) {
    const id = randomUUID();
    await ensureTenant(db, id, `Bench ${n}`);
    const { key } = await apiKeys.create(serverViewer(id, 'bench'), { name: 'bench', role: 'ADMIN' });
    const headers = { authorization: `Bearer ${key}` };
    tenants.push({ id, headers, client: createClient(url, { headers }, PATIENCE_MS) });
  }
  return tenants;
}

function fail(error: unknown): never {
  throw error;
}
