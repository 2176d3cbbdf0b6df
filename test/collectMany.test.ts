/** Collecting from many calls: followed live, stopped half-way and gone on with, by two at once. */
import { expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { call, collect, countsOf, examplesOf, importCalls, newDataset } from './support/calls.ts';
import { newTenant, sharedServer } from './support/server.ts';

const Follow = graphql(`
  subscription DataCollectFollow($id: ID!) {
    datasetUpdated(id: $id) {
      exampleCount
      validatedCount
    }
  }
`);

const question = 'caller: Could you tell me when you open?';
const answer = 'agent: We open at nine in the morning.';
const many = Array.from({ length: 1500 }, (_, index) => call(`CA${index}`, [`${question} ${index}`, answer]));

test('many calls are followed live as they are collected', async () => {
  const client = await newTenant();
  await importCalls(client, many);
  const datasetId = await newDataset(client);
  const seen: { exampleCount: number; validatedCount: number }[] = [];
  let collected: ReturnType<typeof collect> | undefined;
  for await (const { datasetUpdated } of client.follow(Follow, { id: datasetId })) {
    seen.push(datasetUpdated);
    collected ??= collect(client, { datasetId, maxExamples: 2000 });
    if (datasetUpdated.exampleCount === 1500) break;
  }
  expect(await collected).toMatchObject({ added: 1500 });
  const counts = seen.map(({ exampleCount }) => exampleCount);
  expect(counts[0]).toBe(0);
  expect(counts.length).toBeGreaterThan(3);
  expect(counts).toEqual([...new Set(counts)].toSorted((a, b) => a - b));
  for (const { exampleCount, validatedCount } of seen) expect(validatedCount).toBe(exampleCount);
});

test('batches are kept when the collection is stopped, and the next one goes on', async () => {
  const client = await newTenant();
  await importCalls(client, many);
  const datasetId = await newDataset(client);
  const { services } = (await sharedServer()).system;
  const { db } = await sharedServer();
  const viewer = { tenantId: client.tenantId, subject: 'test', role: 'ADMIN' as const };
  const { id } = await db.withTenant(client.tenantId, (tx) => tx.dataset.findFirstOrThrow());
  const stop = new AbortController();
  const stopListening = db.notifications.listen((wakeUp) => {
    if (wakeUp.kind === 'dataset' && wakeUp.id === id) stop.abort();
  });
  const stopped = await services.collect.collect(viewer, { datasetId: id, maxExamples: 2000 }, stop.signal);
  stopListening();
  expect(stopped.added).toBeGreaterThan(0);
  expect(stopped.added).toBeLessThan(1500);
  expect(await countsOf(client, datasetId)).toEqual({
    exampleCount: stopped.added,
    validatedCount: stopped.added,
    rejectedCount: 0,
  });

  expect(await collect(client, { datasetId, maxExamples: 2000 })).toMatchObject({
    added: 1500 - stopped.added,
    alreadyThere: stopped.added,
  });
  const found = await examplesOf(client, datasetId);
  expect(found.map(({ position }) => position)).toEqual(many.map((_, index) => index + 1));
  expect(new Set(found.map(({ userMessage }) => userMessage)).size).toBe(1500);
});

test('calls can be collected by two at once without an example twice', async () => {
  const client = await newTenant();
  await importCalls(client, many.slice(0, 500));
  const datasetId = await newDataset(client);
  const results = await Promise.all([1, 2].map(() => collect(client, { datasetId, maxExamples: 2000 })));
  const sum = (field: 'added' | 'alreadyThere') =>
    results.reduce((total, result) => total + ('added' in result ? result[field] : NaN), 0);
  expect([sum('added'), sum('alreadyThere')]).toEqual([500, 500]);
  expect(await countsOf(client, datasetId)).toEqual({
    exampleCount: 500,
    validatedCount: 500,
    rejectedCount: 0,
  });
});
