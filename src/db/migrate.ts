/** Brings a database to the state of prisma/migrations. Safe when several replicas start at once. */
import { readdir, readFile } from 'node:fs/promises';
import type { Pool } from 'pg';
import { packageRoot } from '../paths.ts';

const MIGRATIONS = new URL('prisma/migrations/', packageRoot);

/** Any number that nothing else in the database locks on: the one replica that holds it migrates. */
const MIGRATION_LOCK = 7_386_151_062;

export class MigrationError extends Error {
  override readonly name = 'MigrationError';

  constructor(cause: unknown) {
    const said = cause instanceof Error ? cause.message : String(cause);
    const denied = cause instanceof Error && 'code' in cause && cause.code === '42501';
    const hint = denied ? ' The account lacks a right; docs/operating.md says which ones it needs.' : '';
    super(`The database could not be brought up to date, and nothing was changed: ${said}.${hint}`, {
      cause,
    });
  }
}

export interface Migration {
  name: string;
  sql: string;
}

/** The migrations in prisma/migrations, oldest first. */
export async function readMigrations(): Promise<Migration[]> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.toSorted().map(async (name) => ({
      name,
      sql: await readFile(new URL(`${name}/migration.sql`, MIGRATIONS), 'utf8'),
    })),
  );
}

/** Applies what is missing and returns the names of what it applied. `shared`: others may migrate at the same time. */
export async function migrate(
  pool: Pool,
  migrations: Migration[],
  { shared }: { shared: boolean },
): Promise<string[]> {
  if (await allApplied(pool, migrations)) return [];
  if (!shared) return apply(pool, migrations);
  // Who had to wait for the lock finds the work done.
  return underLock(pool, async () => ((await allApplied(pool, migrations)) ? [] : apply(pool, migrations)));
}

/** Throws when there are migrations that the database lacks. */
export async function requireMigrated(pool: Pool, migrations: Migration[]): Promise<void> {
  const missing = await missingMigrations(pool, migrations);
  if (missing.length > 0) throw new Error(`The database lacks ${missing.length} migrations`);
}

/** Loading the engine takes longer than everything else at start, so it is asked only when there is work for it. */
async function allApplied(pool: Pool, migrations: Migration[]): Promise<boolean> {
  return (await missingMigrations(pool, migrations)).length === 0;
}

/** The names of those that the database does not have. */
export async function missingMigrations(
  pool: Pick<Pool, 'query'>,
  migrations: Migration[],
): Promise<string[]> {
  const table = await pool.query<{ exists: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists`,
  );
  if (!table.rows[0]?.exists) return migrations.map(({ name }) => name);
  const applied = await pool.query<{ migration_name: string }>(
    'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  const names = new Set(applied.rows.map((row) => row.migration_name));
  return migrations.flatMap(({ name }) => (names.has(name) ? [] : [name]));
}

async function apply(pool: Pool, migrations: Migration[]): Promise<string[]> {
  const { FILTERS, openSchemaEngine, poolAdapter, readSchema } = await import('./schemaEngine.ts');
  let cause: unknown;
  const adapter = poolAdapter(pool, (error) => {
    cause = error;
  });
  const engine = await openSchemaEngine(adapter, await readSchema());
  try {
    const result = await engine.applyMigrations({
      migrationsList: migrationsList(migrations),
      filters: FILTERS,
    });
    return result.appliedMigrationNames;
  } catch (error) {
    if (cause === undefined) throw error;
    // The script was one transaction and left nothing behind but this note, which would stop every later attempt.
    await pool.query('DELETE FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL');
    throw new MigrationError(cause);
  } finally {
    engine.free();
  }
}

/** The migrations as the schema engine takes them. */
export function migrationsList(migrations: Migration[]) {
  return {
    baseDir: 'prisma/migrations',
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: sql } },
    })),
  };
}

/** The lock belongs to a connection of its own, and falls with it. */
async function underLock<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await work();
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    client.release();
  }
}
