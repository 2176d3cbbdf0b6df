import { beforeEach, describe, expect, test, vi } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { changeRun, lockRun } from '../src/services/runChange.ts';
import { createChangeFeed } from '../src/services/changeFeed.ts';
import { createRunFeed } from '../src/services/runFeed.ts';
import type { TestClient } from './support/client.ts';
import { AddExamples, Cancel, Events, Updates } from './support/runDocuments.ts';
import { ended, launch, newDataset, readRun, rowId } from './support/runs.ts';
import { db, serverWith, setUpWorkshop } from './support/workshop.ts';
import { standIn, type StandIn } from './support/standIn.ts';
import type { TestServer } from './support/server.ts';

const DatasetUpdates = graphql(`
  subscription RunDatasetUpdates($id: ID!) {
    datasetUpdated(id: $id) {
      exampleCount
      validatedCount
    }
  }
`);

const AllUpdates = graphql(`
  subscription RunAllUpdates {
    trainingRunsUpdated {
      id
      status
      lastSeq
    }
  }
`);

setUpWorkshop();

let provider: StandIn;
let server: TestServer;
let client: TestClient;

beforeEach(async () => {
  provider = standIn();
  server = await serverWith(provider);
  client = await server.asNewTenant();
});

const followers = () => server.system.services.runFeed.followers();

/** Changes the run as the worker does: one event with the state after it. */
async function tell(id: string, words: string, type: 'PROGRESS' | 'MESSAGE' = 'PROGRESS') {
  await server.db.withTenant(client.tenantId, async (tx) =>
    changeRun(tx, await lockRun(tx, client.tenantId, rowId(id)), {}, [{ type, message: words }]),
  );
}
const launched = async () => (await launch(client, { datasetId: await newDataset(client, 12) })).id;
const submitted = () => vi.waitUntil(() => provider.jobs.length === 1, { timeout: 10_000 });
const finish = () => provider.set({ status: 'SUCCEEDED', model: 'ft:x', trainedTokens: 1000 });

describe.each(['follow', 'followSse'] as const)('%s', (way) => {
  test('the present state comes first, then every change in order, then the end', async () => {
    const id = await launched();
    const states: { status: string; lastSeq: number }[] = [];
    for await (const { trainingRunUpdated: run } of client[way](Updates, { id })) {
      states.push({ status: run.status, lastSeq: run.lastSeq });
      if (run.status === 'QUEUED' && provider.jobs[0]?.status === 'QUEUED')
        provider.set({ status: 'RUNNING' });
      if (run.status === 'RUNNING') finish();
    }
    const told = states.map(({ status }) => status);
    expect(told.at(-1)).toBe('SUCCEEDED');
    expect([...new Set(told)].slice(-3)).toEqual(['QUEUED', 'RUNNING', 'SUCCEEDED']);
    const seqs = states.map(({ lastSeq }) => lastSeq);
    expect(new Set(seqs).size).toBe(seqs.length);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(followers()).toBe(0);
  });

  test('every event comes, from the first to the last, once', async () => {
    const id = await launched();
    const seqs: number[] = [];
    for await (const { trainingRunEvents } of client[way](Events, { id })) {
      seqs.push(trainingRunEvents.seq);
      if (seqs.length === 3)
        for (let n = 0; n < 20; n += 1) await tell(id, `change ${n}`, n % 2 ? 'MESSAGE' : 'PROGRESS');
      if (seqs.length === 15) {
        await submitted();
        finish();
      }
    }
    const { lastSeq } = await readRun(client, id);
    expect(lastSeq).toBeGreaterThan(23);
    expect(seqs).toEqual(Array.from({ length: lastSeq }, (_, index) => index + 1));
  });

  test('who comes back with afterSeq misses nothing and hears nothing twice', async () => {
    const id = await launched();
    const seqs: number[] = [];
    for await (const { trainingRunEvents } of client[way](Events, { id })) {
      seqs.push(trainingRunEvents.seq);
      if (seqs.length === 3) break;
    }
    await expect.poll(followers).toBe(0);
    await tell(id, 'while away');
    await submitted();
    finish();
    for await (const { trainingRunEvents } of client[way](Events, { id, afterSeq: seqs.at(-1) ?? 0 }))
      seqs.push(trainingRunEvents.seq);
    const { lastSeq } = await readRun(client, id);
    expect(seqs).toEqual(Array.from({ length: lastSeq }, (_, index) => index + 1));

    const states: number[] = [];
    for await (const { trainingRunUpdated: run } of client[way](Updates, { id, afterSeq: 2 }))
      states.push(run.lastSeq);
    expect(states[0]).toBe(3);
    expect(states.at(-1)).toBe(lastSeq);
    for await (const { trainingRunEvents } of client[way](Events, { id, afterSeq: lastSeq }))
      states.push(trainingRunEvents.seq);
    expect(states.at(-1)).toBe(lastSeq);
  });

  test('who comes after the end is told the end, and it is over', async () => {
    const id = await launched();
    await client.run(Cancel, { id });
    await ended(client, id).catch(() => undefined);
    const late: string[] = [];
    for await (const { trainingRunUpdated } of client[way](Updates, { id }))
      late.push(trainingRunUpdated.status);
    expect(late).toEqual([(await readRun(client, id)).status]);
  });

  test('leaving frees what following costs', async () => {
    const id = await launched();
    for (let n = 0; n < 3; n += 1) {
      for await (const _ of client[way](Updates, { id })) {
        expect(followers()).toBeGreaterThan(0);
        break;
      }
      for await (const _ of client[way](AllUpdates, {})) break;
    }
    await expect.poll(followers).toBe(0);
  });
});

test('all runs: the unfinished ones at once, then each that changes; those over before are left out', async () => {
  const over = await launched();
  await client.run(Cancel, { id: over });
  await expect.poll(async () => (await readRun(client, over)).status).toBe('CANCELLED');
  const datasetId = await newDataset(client, 12, 'more');
  const present = (await launch(client, { datasetId })).id;
  const neighbour = await server.asNewTenant();
  const theirs = (await launch(neighbour, { datasetId: await newDataset(neighbour, 12) })).id;
  const told: string[] = [];
  let later = '';
  for await (const { trainingRunsUpdated: run } of client.follow(AllUpdates, {})) {
    told.push(run.id);
    if (told.length === 1) later = (await launch(client, { datasetId })).id;
    if (run.id === later && run.status === 'QUEUED') break;
  }
  expect(told[0]).toBe(present);
  expect(told).toContain(later);
  expect(told).not.toContain(theirs);
  expect(told).not.toContain(over);
});

test('a dataset is told with every change of its counts', async () => {
  const id = await newDataset(client, 0);
  const counts: number[] = [];
  for await (const { datasetUpdated } of client.follow(DatasetUpdates, { id })) {
    counts.push(datasetUpdated.validatedCount);
    if (counts.length === 3) break;
    const messages = [
      { role: 'USER' as const, content: `question ${counts.length}` },
      { role: 'ASSISTANT' as const, content: 'answer' },
    ];
    await client.run(AddExamples, { input: { datasetId: id, examples: [{ messages }], autoValidate: true } });
  }
  expect(counts).toEqual([0, 1, 2]);
});

test('who follows a dataset is told by a wake-up that it was deleted, not only when all is read again', async () => {
  // A follower that slept through the wake-up would wait for ten minutes.
  const quiet = createChangeFeed({ db, readAnyway: 600_000 });
  const id = await newDataset(client, 2);
  const leaving = new AbortController();
  const viewer = { tenantId: client.tenantId, subject: 'tester', role: 'ADMIN' as const };
  const following = quiet.followDataset(viewer, rowId(id), leaving.signal);
  expect(await following.next()).toMatchObject({ value: { id: rowId(id), exampleCount: 2 } });
  const next = following.next();
  await client.answer(`mutation { deleteDataset(id: "${id}") { __typename } }`);
  expect(await next).toEqual({ done: true, value: undefined });
  leaving.abort();
}, 30_000);

test('all who follow one run are told of a change by its wake-up, none only when all is read again', async () => {
  const quiet = createRunFeed({ db, readAnyway: 600_000 });
  const id = await launched();
  // What the worker notes after the job is made comes before the first look, too.
  const noted = { runId: rowId(id), message: { startsWith: 'Submitted as job' } };
  await vi.waitUntil(async () => (await db.clientOf(client.tenantId).runEvent.count({ where: noted })) === 1);
  const leaving = new AbortController();
  const viewer = { tenantId: client.tenantId, subject: 'tester', role: 'ADMIN' as const };
  const following = Array.from({ length: 5 }, () => quiet.follow(viewer, rowId(id), null, leaving.signal));
  const first = await Promise.all(following.map((follower) => follower.next()));
  for (let n = 0; n < 3; n += 1) {
    // A follower that slept through the wake-up would wait for ten minutes.
    const next = Promise.all(following.map((follower) => follower.next()));
    await tell(id, `change ${n}`);
    const told = (await next).map((one) => (one.done ? [] : one.value.events.map(({ message }) => message)));
    expect(told).toEqual(first.map(() => [`change ${n}`]));
  }
  leaving.abort();
  await Promise.all(following.map((follower) => follower.return(undefined)));
  expect(quiet.followers()).toBe(0);
  quiet.close();
}, 30_000);

test('200 who follow one run all see its end', async () => {
  const id = await launched();
  await submitted();
  let waiting = 0;
  const all = Array.from({ length: 200 }, async () => {
    let last = '';
    for await (const { trainingRunUpdated } of client.follow(Updates, { id })) {
      if (last === '') waiting += 1;
      last = trainingRunUpdated.status;
    }
    return last;
  });
  await expect.poll(() => waiting, { timeout: 20_000 }).toBe(200);
  finish();
  expect(new Set(await Promise.all(all))).toEqual(new Set(['SUCCEEDED']));
  expect(followers()).toBe(0);
}, 60_000);
