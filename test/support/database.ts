import pg from 'pg';
import { openDatabase, type Database } from '../../src/db/database.ts';

let made = 0;

/** A database of its own: in memory, or on the server that TEST_DATABASE_URL names. */
export async function openTestDatabase(onError: (error: Error) => void = failLoudly): Promise<Database> {
  return openDatabase({ databaseUrl: await createServerDatabase(), poolSize: 8, onError });
}

/**
 * The URL of a new, migrated database on the server that TEST_DATABASE_URL names; undefined without one.
 * `migrated: false` leaves it empty.
 */
export async function createServerDatabase({ migrated = true } = {}): Promise<string | undefined> {
  const server = process.env['TEST_DATABASE_URL'];
  if (!server) return undefined;
  made += 1;
  const name = `tunesmith_test_${process.env['TEST_RUN_ID']}_${process.pid}_${made}`;
  const template = migrated ? ` TEMPLATE "${templateName()}"` : '';
  await onServer(server, (client) => client.query(`CREATE DATABASE "${name}"${template}`));
  return databaseUrl(server, name);
}

/** A new, empty database on the server, and how to drop it. */
export async function createDatabase(
  server: string,
  name: string,
): Promise<{ url: string; drop: () => Promise<void> }> {
  await onServer(server, (client) => client.query(`CREATE DATABASE "${name}"`));
  return {
    url: databaseUrl(server, name),
    drop: () =>
      onServer(server, async (client) => {
        const drop = `DROP DATABASE IF EXISTS "${name}"`;
        // The server waits some seconds for connections that are ending. One that it cuts off meanwhile throws where nobody listens.
        await client.query(drop).catch(() => client.query(`${drop} WITH (FORCE)`));
      }),
  };
}

/** Does `work` on a connection of its own to the server. */
export async function onServer(server: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** The migrated database that globalSetup makes. */
export function templateName(): string {
  return `tunesmith_test_${process.env['TEST_RUN_ID']}_template`;
}

/** The URL of another database on the same server. */
export function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

function failLoudly(error: Error): void {
  // An idle connection that ends with its database is no failure of a test; anything else should be seen.
  console.error('database:', error.message);
}
