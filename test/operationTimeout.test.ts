/** What takes too long is answered, over every transport. The database is held up by a lock, and let go by the test. */
import { EventEmitter, once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { openBareSocket } from './support/rawSocket.ts';
import { startTestServer, type TestServer } from './support/server.ts';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startTestServer({ limits: { querySeconds: 0.3, mutationSeconds: 0.4 }, scheduled: false });
  client = await server.asNewTenant();
});
afterAll(() => server.close());

const letGo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const one of letGo.splice(0)) await one();
});

/** Nobody reads or writes datasets until `letGo`. */
async function holdDatasets(): Promise<void> {
  const told = new EventEmitter();
  const released = once(told, 'release');
  await new Promise<void>((held, failed) => {
    const holding = server.db.withTenant(client.tenantId, async (tx) => {
      await tx.$executeRaw`LOCK TABLE finetuning_datasets IN ACCESS EXCLUSIVE MODE`;
      held();
      await released;
    });
    holding.catch(failed);
    letGo.push(() => {
      told.emit('release');
      return holding;
    });
  });
}

const QUERY = '{ datasets { totalCount edges { node { id } } } }';
const NAMED = 'QUERY_TIMEOUT_SECONDS';

async function ask(accept: string) {
  const response = await client.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query: QUERY }),
  });
  return { status: response.status, body: await response.text() };
}

describe('a query', () => {
  test.each(['application/json', 'text/event-stream'])('over HTTP as %s', async (accept) => {
    await holdDatasets();
    const { status, body } = await ask(accept);
    expect(status).toBe(200);
    expect(body).toContain('"code":"OPERATION_TIMEOUT"');
    expect(body).toContain(NAMED);
  });

  test('over WebSocket, which stays open; a subscription on it goes on', async () => {
    const datasetId = await newDataset(client);
    const bare = await openBareSocket(server.url, client.headers);
    bare.send({ type: 'connection_init' });
    await bare.next();
    const subscription = `subscription { datasetUpdated(id: "${datasetId}") { id } }`;
    bare.send({ id: 'follow', type: 'subscribe', payload: { query: subscription } });
    expect(await bare.next()).toMatchObject({ id: 'follow', type: 'next' });
    await holdDatasets();
    bare.send({ id: 'slow', type: 'subscribe', payload: { query: QUERY } });
    expect(await bare.next()).toMatchObject({
      id: 'slow',
      payload: {
        errors: [{ message: expect.stringContaining(NAMED), extensions: { code: 'OPERATION_TIMEOUT' } }],
      },
    });
    expect(await bare.next()).toMatchObject({ id: 'slow', type: 'complete' });
    await letGo.pop()?.();
    bare.send({ id: 'again', type: 'subscribe', payload: { query: QUERY } });
    expect(await bare.next()).toMatchObject({ id: 'again', type: 'next', payload: { data: {} } });
    expect(bare.socket.readyState).toBe(bare.socket.OPEN);
    bare.socket.terminate();
  });
});

const made = (name: string) =>
  `${name}: createDataset(input: { name: "${name}" }) { ... on Error { message } }`;

test('a mutation is told to go on, and does; fields after it are not begun', async () => {
  await holdDatasets();
  const { data, errors } = await client.answer(`mutation { ${made('begun')} ${made('notBegun')} }`);
  expect(data ?? null).toBeNull();
  expect(errors).toMatchObject([
    {
      message: expect.stringMatching(/MUTATION_TIMEOUT_SECONDS.*goes on/),
      extensions: { code: 'OPERATION_TIMEOUT' },
    },
  ]);
  await letGo.pop()?.();
  const names = async () => {
    const found = await client.answer('{ datasets(filter: {}) { edges { node { name } } } }');
    return JSON.stringify(found.data);
  };
  await expect.poll(names).toContain('"begun"');
  expect(await names()).not.toContain('notBegun');
});
