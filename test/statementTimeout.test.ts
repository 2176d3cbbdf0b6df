/** What a database works on for too long is given up there too, so that nobody's patience costs the others theirs. */
import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../src/db/database.ts';
import { newDataset } from './support/calls.ts';
import { createServerDatabase } from './support/database.ts';
import { startTestServer, type TestServer } from './support/server.ts';

describe.runIf(process.env['TEST_DATABASE_URL'])('a statement of a query', () => {
  let server: TestServer;
  beforeAll(async () => {
    const db = await openDatabase({
      databaseUrl: await createServerDatabase(),
      statementTimeoutSeconds: 0.3,
      onError: (error) => console.error(error.message),
    });
    server = await startTestServer({ db, scheduled: false });
  }, 60_000);
  afterAll(() => server.close());

  test('is given up by PostgreSQL, and said to be too slow; work that may take long is not', async () => {
    const client = await server.asNewTenant();
    await newDataset(client);
    const told = new EventEmitter();
    const released = once(told, 'release');
    const held = once(told, 'held');
    const holding = server.db.withTenant(client.tenantId, async (tx) => {
      await tx.$executeRaw`LOCK TABLE finetuning_datasets IN ACCESS EXCLUSIVE MODE`;
      told.emit('held');
      await released;
    });
    await held;
    const fields = ['datasets { totalCount }', 'datasets { edges { node { id } } }'];
    for (const field of fields) {
      const { errors } = await client.answer(`{ ${field} }`);
      expect(errors).toMatchObject([
        {
          path: expect.arrayContaining(['datasets']),
          message: expect.stringContaining('STATEMENT_TIMEOUT_SECONDS'),
          extensions: { code: 'OPERATION_TIMEOUT' },
        },
      ]);
    }
    const added = newDataset(client, 'Waits');
    const waited = await server.db.withTenant(
      client.tenantId,
      (tx) => tx.$queryRaw`SELECT 1 AS done FROM pg_sleep(0.5)`,
    );
    expect(waited).toEqual([{ done: 1 }]);
    told.emit('release');
    await holding;
    expect(await added).not.toBe('');
  });
});
