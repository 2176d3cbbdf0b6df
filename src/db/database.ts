/** Opens the database, embedded or a server, and gives the only ways to it: as a tenant, or as the system. */
import { PrismaPg } from '@prisma/adapter-pg';
import { callbackify } from 'node:util';
import pg from 'pg';
import { PrismaClient } from '../generated/prisma/client.ts';
import { createCopyOut, type CopyOut } from './copyOut.ts';
import { openEmbedded } from './embedded.ts';
import { createGrowth, type GrowingTable } from './growth.ts';
import { findImage } from './image.ts';
import { migrate, readMigrations, requireMigrated, type Migration } from './migrate.ts';
import { createHub, listenOnOwnConnection, type Notifications } from './notifications.ts';
import { givingBytes, socketOf } from './rowBytes.ts';
import type { RedisReports } from './redisBus.ts';
import { createTenancy, type Tenancy } from './tenancy.ts';
import { tenantPool, type Traced } from './tenantPool.ts';

export interface DatabaseOptions {
  /** A PostgreSQL server, version 15 or later; without it the database is embedded. */
  databaseUrl?: string | undefined;
  /** Where the embedded database lies; without it, in memory. */
  dataDir?: string | undefined;
  /** How many connections to the server may be open at once; the embedded database has one. */
  poolSize?: number | undefined;
  /** How long a server may work on a statement of `clientOf`; any time without it. The embedded database does not look. */
  statementTimeoutSeconds?: number | undefined;
  /** Carries wake-ups between those who have opened one server's database, in place of LISTEN and NOTIFY. */
  redis?: ({ url: string } & RedisReports) | undefined;
  /** In place of pg's own: one that is traced. */
  Client?: typeof pg.Client | undefined;
  /** Traces the statements that are outside of transactions, which pass the client by. */
  traced?: Traced | undefined;
  /** Told of errors that no caller is there to receive: a broken idle connection, the embedded database's death. */
  onError: (error: Error) => void;
}

export interface Database extends Tenancy, CopyOut {
  kind: 'embedded' | 'server';
  /** What the database is called on its server. */
  name(): Promise<string>;
  notifications: Notifications;
  /** The migrations that the database did not have before it was opened. */
  migrated: string[];
  /** Whether the database answers. */
  ping(): Promise<void>;
  /** Rejects when the database lacks a migration that this program has, as after an older backup is restored. */
  requireMigrated(): Promise<void>;
  /** Rows were added to a table, and committed: now and then the database has to look at it anew (growth.ts). */
  grew(table: GrowingTable, rows: number): void;
  /** What a server does by itself now and then and the embedded database does not: VACUUM and ANALYZE. */
  maintain(): Promise<void>;
  /** Settles, with the cause, when the database is lost for good. */
  lost: Promise<Error>;
  close(): Promise<void>;
}

const OLDEST_SERVER = 15;

export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return options.databaseUrl === undefined
    ? openEmbeddedDatabase(options)
    : openServerDatabase(options.databaseUrl, options);
}

async function openEmbeddedDatabase({
  dataDir,
  onError,
  Client = pg.Client,
  traced,
}: DatabaseOptions): Promise<Database> {
  const migrations = await readMigrations();
  const embedded = await openEmbedded({ dataDir, image: await findImage(migrations) });
  const hub = createHub();
  // The one connection listens for itself: PGlite's session delivers its own notifications.
  const pool = new pg.Pool({
    max: 1,
    idleTimeoutMillis: 0,
    Client: givingBytes(Client),
    user: 'postgres',
    database: 'postgres',
    stream: () => embedded.connect(),
    verify: callbackify((client: pg.PoolClient) => hub.attach(client)),
  });
  pool.on('error', onError);
  const { pool: ofTenants, ask } = tenantPool(pool, { timeoutMs: 0, traced });
  const prisma = new PrismaClient({ adapter: new PrismaPg(ofTenants), transactionOptions: TRANSACTION });
  async function close(): Promise<void> {
    await prisma.$disconnect();
    await pool.end();
    await embedded.close();
  }
  const applied = await migrate(pool, migrations, { shared: false }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    kind: 'embedded',
    name: async () => 'postgres',
    ...createTenancy({ prisma, ask }),
    ...createCopyOut(pool),
    notifications: {
      listen: hub.listen,
      listenToTables: hub.listenToTables,
      // On the one connection notifications come before the answer to the COMMIT that sent them.
      caughtUp: async () => undefined,
      close: async () => undefined,
    },
    migrated: embedded.fromImage ? migrations.map(({ name }) => name) : applied,
    lost: embedded.died,
    ping: () => ping(pool),
    requireMigrated: () => requireMigrated(pool, migrations),
    grew: createGrowth(pool, onError),
    async maintain() {
      await pool.query('VACUUM (ANALYZE)');
    },
    close,
  };
}

async function openServerDatabase(
  databaseUrl: string,
  { poolSize = 10, statementTimeoutSeconds, redis, onError, Client = pg.Client, traced }: DatabaseOptions,
): Promise<Database> {
  const timeoutMs = (statementTimeoutSeconds ?? 0) * 1000;
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: Math.max(2, poolSize),
    application_name: 'tunesmith',
    Client: givingBytes(Client),
    stream: socketOf,
    // Statements here are short: compiling one takes longer than running it.
    verify: callbackify((client: pg.PoolClient) => client.query('SET jit = off')),
  });
  pool.on('error', onError);
  try {
    const migrations = await readMigrations();
    const migrated = await migrateServer(databaseUrl, migrations, onError);
    const bus = redis && (await connectRedis(await nameOf(pool), redis));
    const notifications = bus ?? (await listenOnOwnConnection(databaseUrl, onError));
    const { pool: ofTenants, ask } = tenantPool(pool, { timeoutMs, traced });
    const prisma = new PrismaClient({ adapter: new PrismaPg(ofTenants), transactionOptions: TRANSACTION });
    return {
      kind: 'server',
      name: () => nameOf(pool),
      ...createTenancy({ prisma, ask, publish: bus?.publish }),
      ...createCopyOut(pool),
      notifications,
      migrated,
      lost: new Promise(() => undefined), // A server may come back; the pool connects again.
      ping: () => ping(pool),
      requireMigrated: () => requireMigrated(pool, migrations),
      grew: createGrowth(pool, onError),
      maintain: async () => undefined, // The server's autovacuum does.
      async close() {
        await notifications.close();
        await prisma.$disconnect();
        await pool.end();
      },
    };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/** Loaded only where it is used: the client of Redis is large. */
async function connectRedis(name: string, { url, ...reports }: { url: string } & RedisReports) {
  const { openRedisBus } = await import('./redisBus.ts');
  return openRedisBus(url, `tunesmith:${name}`, reports);
}

async function nameOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ name: string }>('SELECT current_database() AS name');
  return rows[0]?.name ?? '';
}

/** On connections of its own: the schema engine locks the database for as long as the connection that it does so on lasts. */
async function migrateServer(
  connectionString: string,
  migrations: Migration[],
  onError: (error: Error) => void,
): Promise<string[]> {
  const pool = new pg.Pool({ connectionString, max: 3, application_name: 'tunesmith-migration' });
  pool.on('error', onError);
  try {
    await requireVersion(pool);
    return await migrate(pool, migrations, { shared: true });
  } finally {
    await pool.end();
  }
}

/** In milliseconds. Waiting for a connection is the normal case where there is only one. */
const TRANSACTION = { maxWait: 30_000, timeout: 60_000 };

async function ping(pool: pg.Pool): Promise<void> {
  await pool.query('SELECT 1');
}

async function requireVersion(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ version: string }>(
    `SELECT current_setting('server_version_num') AS version`,
  );
  const major = Math.floor(Number(rows[0]?.version) / 10_000);
  if (!(major >= OLDEST_SERVER)) {
    throw new Error(
      `DATABASE_URL names a PostgreSQL ${major} server; Tunesmith needs ${OLDEST_SERVER} or later.`,
    );
  }
}
