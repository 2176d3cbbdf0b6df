/** One socket, many operations: what goes wrong with one is that one's affair. */
import { beforeAll, expect, test } from 'vitest';
import { newTenant, sharedServer } from './support/server.ts';
import { openSocket } from './support/follow.ts';
import { launch, newDataset } from './support/runs.ts';
import type { TestClient } from './support/client.ts';

let client: TestClient;
let datasetId: string;

beforeAll(async () => {
  client = await newTenant();
  datasetId = await newDataset(client, 12);
});

const globalId = (type: string, id: string) => Buffer.from(`${type}:${id}`).toString('base64');
const NOWHERE = '019ab000-0000-7000-8000-000000000002';
const FOLLOW =
  'subscription ($id: ID!, $afterSeq: Int) { trainingRunUpdated(id: $id, afterSeq: $afterSeq) { status } }';
const EVENTS =
  'subscription ($id: ID!, $afterSeq: Int) { trainingRunEvents(id: $id, afterSeq: $afterSeq) { seq } }';
const DATASET = 'subscription ($id: ID!) { datasetUpdated(id: $id) { name } }';

test('an operation that fails leaves the socket and its other subscriptions alone', async () => {
  const { id } = await launch(client, { datasetId });
  const neighbour = await newTenant();
  const theirDataset = await newDataset(neighbour, 12);
  const theirs = (await launch(neighbour, { datasetId: theirDataset })).id;
  const socket = openSocket(client);
  const open = socket.start(DATASET, { id: datasetId });
  expect(await open.first).toEqual({ datasetUpdated: { name: 'Calls' } });

  const cases: [string, Record<string, unknown>, string | undefined][] = [
    [FOLLOW, { id: globalId('TrainingRun', NOWHERE) }, 'NOT_FOUND'],
    [FOLLOW, { id: theirs }, 'NOT_FOUND'],
    [FOLLOW, { id: 'no id' }, 'INVALID_INPUT'],
    [FOLLOW, { id: datasetId }, 'INVALID_INPUT'],
    [FOLLOW, { id: globalId('TrainingRun', 'x') }, 'INVALID_INPUT'],
    [FOLLOW, { id, afterSeq: -1 }, 'INVALID_INPUT'],
    [EVENTS, { id: theirs }, 'NOT_FOUND'],
    [EVENTS, { id: 'no id' }, 'INVALID_INPUT'],
    [EVENTS, { id, afterSeq: -1 }, 'INVALID_INPUT'],
    [DATASET, { id: theirDataset }, 'NOT_FOUND'],
    [DATASET, { id: 'no id' }, 'INVALID_INPUT'],
    ['subscription { nothing }', {}, undefined],
    ['subscription {', {}, undefined],
    ['{ trainingRuns { wrong } }', {}, undefined],
  ];
  for (const [query, variables, code] of cases) {
    const about = `${query} ${JSON.stringify(variables)}`;
    const { data, errors } = await socket.until(query, variables);
    expect(errors, about).toMatchObject([
      { message: expect.any(String), ...(code && { extensions: { code } }) },
    ]);
    expect(data, about).toEqual([]);
    expect(JSON.stringify(errors), about).not.toMatch(/stack|originalError|node_modules/);
  }

  // The subscription that was there before is still told what happens, and the socket takes more.
  const { data } = await socket.until('{ providers { name } }');
  expect(data).toEqual([{ providers: [{ name: 'sandbox' }] }]);
  open.stop();
  await open.ended;
  await socket.close();
});

test('the same over server-sent events', async () => {
  for (const [variables, code] of [
    [{ id: globalId('TrainingRun', NOWHERE) }, 'NOT_FOUND'],
    [{ id: 'no id' }, 'INVALID_INPUT'],
  ] as const) {
    const response = await client.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: FOLLOW, variables }),
    });
    const body = await response.text();
    expect(body).toContain(`"code":"${code}"`);
    expect(body).not.toMatch(/stack|originalError/);
  }
});

test('what a socket held is freed when it is gone', async () => {
  const { runFeed, changeFeed } = (await sharedServer()).system.services;
  const { id } = await launch(client, { datasetId });
  const socket = openSocket(client);
  const started = [
    ...Array.from({ length: 10 }, () => socket.start(DATASET, { id: datasetId })),
    ...Array.from({ length: 10 }, () => socket.start('subscription { trainingRunsUpdated { id } }')),
    ...Array.from({ length: 10 }, () => socket.start(EVENTS, { id })),
  ];
  await Promise.all(started.map(({ first }) => first));
  // Those who ask the same follow as one, but for lists of runs.
  await expect.poll(() => [changeFeed.followers(), runFeed.followers()]).toEqual([11, 1]);
  await socket.close();
  await expect.poll(() => [changeFeed.followers(), runFeed.followers()]).toEqual([0, 0]);
});
