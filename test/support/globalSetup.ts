import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { databaseUrl, onServer, templateName } from './database.ts';

// In processes of their own: this one runs inside of Vite, which does not load everything as Node does.
const run = promisify(execFile);

/** Builds dist/, where the worker threads' code lies; afterwards drops the databases that the tests made on TEST_DATABASE_URL. */
export default async function setup(): Promise<() => Promise<void>> {
  await run('npm', ['run', 'build']);
  const runId = randomBytes(6).toString('hex');
  process.env['TEST_RUN_ID'] = runId;
  const server = process.env['TEST_DATABASE_URL'];
  if (!server) return async () => undefined;
  await makeTemplate(server);
  return () => dropDatabases(server, runId);
}

/** A migrated database that the tests' own are copies of. */
async function makeTemplate(server: string): Promise<void> {
  await onServer(server, (client) => client.query(`CREATE DATABASE "${templateName()}"`));
  const env = { ...process.env, DATABASE_URL: databaseUrl(server, templateName()) };
  await run(process.execPath, ['dist/cli.js', 'migrate'], { env });
}

async function dropDatabases(server: string, runId: string): Promise<void> {
  await onServer(server, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE datname LIKE $1',
      [`tunesmith_test_${runId}_%`],
    );
    for (const { datname } of rows) await client.query(`DROP DATABASE "${datname}" WITH (FORCE)`);
  });
}
