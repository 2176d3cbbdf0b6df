import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { databaseUrl, onServer, templateName } from './database.ts';
import { openArchive, searchArchive } from './logArchive.ts';

// In processes of their own: this one runs inside of Vite, which does not load everything as Node does.
const run = promisify(execFile);

/**
 * Builds dist/, where the worker threads' code lies. Afterwards drops the databases that the tests made on
 * TEST_DATABASE_URL, and fails the run when what its servers logged holds a secret that a test planted.
 */
export default async function setup(): Promise<() => Promise<void>> {
  await run('npm', ['run', 'build']);
  const runId = randomBytes(6).toString('hex');
  process.env['TEST_RUN_ID'] = runId;
  openArchive();
  const server = process.env['TEST_DATABASE_URL'];
  if (!server) return async () => requireSilence();
  await makeTemplate(server);
  return async () => {
    await dropDatabases(server, runId);
    requireSilence();
  };
}

function requireSilence(): void {
  const { lines, secrets, leaks } = searchArchive();
  if (secrets > 0) process.stdout.write(`\n${lines} log lines searched for ${secrets} planted secrets\n`);
  if (leaks.length === 0) return;
  process.exitCode = 1; // Of what a teardown throws, vitest tells, and ends with 0 all the same.
  throw new Error(`The log holds planted secrets:\n${leaks.slice(0, 5).join('\n')}`);
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
