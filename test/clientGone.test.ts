/** Long work for a client that leaves before it is answered. */
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { lockDataset } from '../src/services/dataset.ts';
import { parseId } from '../src/schema/ids.ts';
import { addExamples, example, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { findDuplicates } from './support/duplicates.ts';
import { sharedServer, type TestServer } from './support/server.ts';

const query = 'mutation ($id: ID!) { findDuplicates(input: { datasetId: $id }) { __typename } }';
/** Long enough for a message to arrive. */
const ARRIVED = 300;

/** Asks for the search; what it returns leaves. */
type Ask = (client: TestClient, id: string) => () => void;

const overHttp =
  (accept: string): Ask =>
  (client, id) => {
    const aborter = new AbortController();
    const body = JSON.stringify({ query, variables: { id } });
    const headers = { 'content-type': 'application/json', accept };
    client
      .fetch('/graphql', { method: 'POST', headers, body, signal: aborter.signal })
      .catch(() => undefined);
    return () => aborter.abort();
  };

const overSocket =
  (leave: 'complete' | 'close'): Ask =>
  ({ url, headers }, id) => {
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: () => undefined,
      webSocketImpl: class extends WebSocket {
        constructor(address: string, protocols: string) {
          super(address, protocols, { headers });
        }
      },
    });
    const ignore = { next: () => undefined, error: () => undefined, complete: () => undefined };
    const complete = client.subscribe({ query, variables: { id } }, ignore);
    return leave === 'complete' ? complete : () => client.terminate();
  };

/** While `work` runs no search for near-duplicates ends, and so none but the first begins. */
async function whileSearchesWait(
  { db, system }: TestServer,
  { tenantId }: TestClient,
  id: string,
  work: () => Promise<void>,
) {
  const viewer = { tenantId, subject: 'tester', role: 'ADMIN' } as const;
  const datasetId = parseId('Dataset', id);
  let first: Promise<unknown> = Promise.resolve();
  await db.withTenant(tenantId, async (tx) => {
    await lockDataset(tx, viewer, datasetId);
    first = system.services.duplicates.find(viewer, { datasetId });
    await work();
  });
  await first;
}

const ways: [way: string, ask: Ask][] = [
  ['HTTP', overHttp('application/json')],
  ['HTTP through Yoga', overHttp('application/graphql+json, application/json')],
  ['a WebSocket that stays', overSocket('complete')],
  ['a WebSocket that goes', overSocket('close')],
];

test.each(ways)('a search whose client leaves is not begun: %s', async (_way, ask) => {
  const server = await sharedServer();
  const client = await server.asNewTenant();
  const [busy, left] = [await newDataset(client, 'busy'), await newDataset(client, 'left')];
  await addExamples(client, left, [example('Hello?', 'Good morning.')]);
  const faults = () => server.logged.filter((line) => line.includes('errorId')).length;
  const faultsBefore = faults();
  await whileSearchesWait(server, client, busy, async () => {
    const leave = ask(client, left);
    await wait(ARRIVED);
    leave();
    await wait(ARRIVED);
  });
  // Searches take turns: when this one has ended, so have those before.
  expect(await findDuplicates(client, { datasetId: busy })).toMatchObject({ groups: 0 });
  const where = { id: parseId('Dataset', left) };
  const row = await server.db.withTenant(client.tenantId, (tx) => tx.dataset.findFirstOrThrow({ where }));
  expect(row.duplicatesFoundAt).toBeNull();
  expect(faults()).toBe(faultsBefore);
});
