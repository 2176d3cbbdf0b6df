/** Server-sent events, with the graphql-sse client in its mode of one connection an operation. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createClient, type ClientOptions } from 'graphql-sse';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { providersOf } from '../src/providers.ts';
import { changeRun, lockRun } from '../src/services/runChange.ts';
import type { TestClient } from './support/client.ts';
import { launch, newDataset, readRun, rowId } from './support/runs.ts';
import { standIn } from './support/standIn.ts';
import { startTestServer, type TestServer } from './support/server.ts';

let server: TestServer;
let client: TestClient;

// A provider whose jobs stay as they are: nothing happens to a run but what a test does.
beforeAll(async () => {
  server = await startTestServer({ providers: providersOf(standIn()) });
  client = await server.asNewTenant();
});
afterAll(() => server.close());

const DATASET = 'subscription ($id: ID!) { datasetUpdated(id: $id) { name } }';
const EVENTS =
  'subscription ($id: ID!, $afterSeq: Int) { trainingRunEvents(id: $id, afterSeq: $afterSeq) { seq } }';
const followers = () => server.system.services.runFeed.followers();

const sse = (options: Partial<ClientOptions> = {}) =>
  createClient({ url: `${client.url}/graphql`, headers: client.headers, retryAttempts: 0, ...options });

interface Told {
  results: unknown[];
  /** Rejects as `error` would be called, resolves as `complete`. */
  ended: Promise<void>;
  stop: () => void;
}

function follow(over: ReturnType<typeof sse>, query: string, variables: Record<string, unknown> = {}): Told {
  const results: unknown[] = [];
  let stop: (() => void) | undefined;
  const ended = new Promise<void>((resolve, reject) => {
    stop = over.subscribe(
      { query, variables },
      { next: (result) => void results.push(result), error: reject, complete: resolve },
    );
  });
  return { results, ended, stop: () => stop?.() };
}

async function change(query: string, input: Record<string, unknown>): Promise<void> {
  const { errors } = await client.answer(query, input);
  expect(errors).toBeUndefined();
}
const rename = (id: string, name: string) =>
  change('mutation ($input: UpdateDatasetInput!) { updateDataset(input: $input) { __typename } }', {
    input: { id, name },
  });
async function tell(id: string): Promise<void> {
  await server.db.withTenant(client.tenantId, async (tx) =>
    changeRun(tx, await lockRun(tx, client.tenantId, rowId(id)), {}, [{ type: 'MESSAGE', message: 'news' }]),
  );
}

test('a query is one result and the end', async () => {
  const { results, ended } = follow(sse(), '{ providers { name } }');
  await ended;
  expect(results).toEqual([{ data: { providers: [{ name: 'sandbox' }] } }]);
});

const over = (id: string) =>
  server.db.withTenant(client.tenantId, async (tx) =>
    changeRun(tx, await lockRun(tx, client.tenantId, rowId(id)), { status: 'CANCELLED', step: 'DONE' }, [
      { type: 'STATUS', message: 'Over.' },
    ]),
  );
const seqsOf = (results: unknown[]) =>
  results.map(
    (result) => (result as { data: { trainingRunEvents: { seq: number } } }).data.trainingRunEvents.seq,
  );
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

/** A launched run to which nothing happens any more by itself. */
async function quietRun(): Promise<{ id: string; lastSeq: number }> {
  const { id } = await launch(client, { datasetId: await newDataset(client, 12, randomUUID()) });
  await expect.poll(async () => (await readRun(client, id)).status, { timeout: 10_000 }).toBe('QUEUED');
  return { id, lastSeq: (await readRun(client, id)).lastSeq };
}

test('a subscription is told what changes', async () => {
  const id = await newDataset(client, 0);
  const { results, ended, stop } = follow(sse(), DATASET, { id });
  await expect.poll(() => results).toEqual([{ data: { datasetUpdated: { name: 'Calls' } } }]);
  await rename(id, 'Renamed');
  await expect.poll(() => results.length).toBe(2);
  expect(results[1]).toEqual({ data: { datasetUpdated: { name: 'Renamed' } } });
  stop();
  await ended;
});

test('it ends with what it follows', async () => {
  const { id, lastSeq } = await quietRun();
  const { results, ended } = follow(sse(), EVENTS, { id });
  await expect.poll(() => results.length).toBe(lastSeq);
  await over(id);
  await ended;
  expect(seqsOf(results)).toEqual(upTo(lastSeq + 1));
  expect(followers()).toBe(0);
});

test.each([
  ['{', {}, 'GRAPHQL_PARSE_FAILED'],
  ['{ nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
  ['subscription { nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
  [DATASET, {}, 'INVALID_INPUT'],
  [DATASET, { id: 'no id' }, 'INVALID_INPUT'],
  [DATASET, { id: Buffer.from(`Dataset:${randomUUID()}`).toString('base64') }, 'NOT_FOUND'],
  ['query A { __typename } query B { __typename }', {}, undefined],
])('what is wrong with %s and %j is told in the stream, which ends', async (query, variables, code) => {
  const { results, ended } = follow(sse(), query, variables);
  await ended;
  expect(results).toHaveLength(1);
  expect(results[0]).toMatchObject({
    errors: [{ message: expect.any(String), ...(code && { extensions: { code } }) }],
  });
  expect(JSON.stringify(results)).not.toMatch(/stack|originalError|node_modules/);
});

test('a query whose field fails has its data and its errors', async () => {
  const { results, ended } = follow(sse(), '{ providers { name } dataset(id: "no id") { name } }');
  await ended;
  expect(results).toMatchObject([{ errors: [{ extensions: { code: 'INVALID_INPUT' } }] }]);
});

test('who leaves is a follower no more', async () => {
  const { id } = await quietRun();
  const many = Array.from({ length: 20 }, () => follow(sse(), EVENTS, { id }));
  await expect.poll(() => many.every(({ results }) => results.length > 0)).toBe(true);
  expect(followers()).toBeGreaterThan(0);
  for (const { stop } of many) stop();
  await Promise.all(many.map(({ ended }) => ended));
  await expect.poll(followers).toBe(0);
});

test('who is cut off comes back and goes on after the last event that it has', async () => {
  const { id, lastSeq } = await quietRun();
  const cable = await openCable(new URL(client.url));
  const results: unknown[] = [];
  let connections = 0;
  const back = sse({
    url: `${cable.url}/graphql`,
    retryAttempts: 10,
    retry: async () => undefined,
    // The variables are read anew for each connection.
    fetchFn: (url: string, init: RequestInit) =>
      fetch(url, {
        ...init,
        body: JSON.stringify({ query: EVENTS, variables: { id, afterSeq: seqsOf(results).at(-1) ?? 0 } }),
      }),
  });
  const ended = new Promise<void>((resolve, reject) => {
    back.subscribe(
      { query: EVENTS, variables: { id } },
      { next: (result) => void results.push(result), error: reject, complete: resolve },
      { connected: () => (connections += 1) },
    );
  });
  for (let cuts = 1; cuts <= 3; cuts += 1) {
    await expect.poll(() => results.length).toBe(lastSeq + cuts - 1);
    cable.cut();
    await tell(id);
  }
  await expect.poll(() => results.length).toBe(lastSeq + 3);
  await over(id);
  await ended;
  expect(seqsOf(results)).toEqual(upTo(lastSeq + 4));
  expect(connections).toBe(4);
  await expect.poll(followers).toBe(0);
  cable.close();
});

/** A way to the server that can be cut. */
async function openCable({ hostname, port }: URL) {
  const sockets = new Set<Socket>();
  const cable = createServer((near) => {
    const far = connect(Number(port), hostname);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined); // It is cut; the other end is too.
      socket.once('close', () => {
        sockets.delete(socket);
        (socket === near ? far : near).destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(cable, 'listening');
  const address = cable.address();
  if (address === null || typeof address === 'string') throw new Error('The cable has no port');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut,
    close() {
      cut();
      cable.close();
    },
  };
}
