import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { build } from '../../scripts/build.ts';

/** Builds the worker threads' code; afterwards drops the databases that the tests made on TEST_DATABASE_URL. */
export default async function setup(): Promise<() => Promise<void>> {
  await build();
  const runId = randomBytes(6).toString('hex');
  process.env['TEST_RUN_ID'] = runId;
  return async () => {
    const url = process.env['TEST_DATABASE_URL'];
    if (!url) return;
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE datname LIKE $1',
      [`tunesmith_test_${runId}_%`],
    );
    for (const { datname } of rows) await client.query(`DROP DATABASE "${datname}" WITH (FORCE)`);
    await client.end();
  };
}
