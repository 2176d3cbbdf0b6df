/** Times are right whatever zone the database server lives in. */
import { expect, test } from 'vitest';
import { openDatabase } from '../src/db/database.ts';
import { graphql } from '../src/generated/gql/index.ts';
import { call, collect, importCalls, newDataset } from './support/calls.ts';
import { createServerDatabase } from './support/database.ts';
import { startTestServer } from './support/server.ts';

const Times = graphql(`
  query DataCallTimes($from: DateTime, $to: DateTime) {
    callTranscriptions(filter: { from: $from, to: $to }) {
      edges {
        node {
          createdAt
          importedAt
        }
      }
    }
  }
`);

test.skipIf(!process.env['TEST_DATABASE_URL'])('a server in New York tells the same times', async () => {
  const url = new URL((await createServerDatabase()) ?? '');
  url.searchParams.set('options', '-c TimeZone=America/New_York');
  const db = await openDatabase({ databaseUrl: url.href, onError: (error) => console.error(error.message) });
  const server = await startTestServer({ db });
  try {
    const client = await server.asNewTenant();
    const began = Date.now();
    const createdAt = '2026-09-01T09:00:00.000Z';
    const turns = ['caller: What time is it, please?', 'agent: It is nine in the morning.'];
    await importCalls(client, [call('CA1', turns, { created_at: createdAt })]);
    expect(await importCalls(client, [call('CA1', turns, { created_at: createdAt })])).toMatchObject({
      unchanged: 1,
    });
    const { callTranscriptions } = await client.run(Times, {
      from: createdAt,
      to: '2026-09-01T09:00:00.001Z',
    });
    expect(callTranscriptions.edges).toMatchObject([{ node: { createdAt } }]);
    const imported = new Date(callTranscriptions.edges[0]?.node.importedAt ?? '').getTime();
    expect(Math.abs(imported - began)).toBeLessThan(60_000);
    expect((await client.run(Times, { from: '2026-09-01T09:00:00.001Z' })).callTranscriptions.edges).toEqual(
      [],
    );
    const datasetId = await newDataset(client);
    expect(await collect(client, { datasetId, from: '2026-09-01T09:00:00.001Z' })).toMatchObject({
      added: 0,
    });
    expect(
      await collect(client, { datasetId, from: createdAt, to: '2026-09-01T09:00:00.001Z' }),
    ).toMatchObject({ added: 1 });
  } finally {
    await server.close();
    await db.close();
  }
});
