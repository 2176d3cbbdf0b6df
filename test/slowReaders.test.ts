/** Clients that stop reading cost little and nobody else, are told to go, and may go on where they were. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { beforeEach, expect, test } from 'vitest';
import { changeRun, lockRun } from '../src/services/runChange.ts';
import type { TestClient } from './support/client.ts';
import { openRawSocket, type RawSocket } from './support/rawSocket.ts';
import { Events, Updates } from './support/runDocuments.ts';
import { launch, newDataset, readRun, rowId } from './support/runs.ts';
import type { TestServer } from './support/server.ts';
import { standIn } from './support/standIn.ts';
import { serverWith, setUpWorkshop } from './support/workshop.ts';

const EVENTS =
  'subscription ($id: ID!, $afterSeq: Int) { trainingRunEvents(id: $id, afterSeq: $afterSeq) { seq message } }';
const TOO_SLOW = { code: 4429, reason: 'Too slow: reconnect and go on with afterSeq.' };

setUpWorkshop();

let server: TestServer;
let client: TestClient;
let id: string;

async function start(slowReaders: { limit: number; grace?: number }) {
  const provider = standIn();
  server = await serverWith(provider, { slowReaders });
  client = await server.asNewTenant();
  id = (await launch(client, { datasetId: await newDataset(client, 12) })).id;
  await expect.poll(() => provider.jobs.length, { timeout: 10_000 }).toBe(1);
}

beforeEach(() => start({ limit: 500 }));

const followers = () => server.system.services.runFeed.followers();
const lines = (msg: string): { waiting: number }[] =>
  server.logged.map((line) => JSON.parse(line)).filter((line) => line.msg === msg);
const openSocket = () => openRawSocket(client.url, client.headers);
const seqsOf = ({ results }: RawSocket, name: string) =>
  (results.get(name) ?? []).map(
    (data) => (data as { trainingRunEvents: { seq: number } }).trainingRunEvents.seq,
  );
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

/** More than the operating system keeps for a connection: some 10 MB on its way to each reader. */
async function tellMuch(batches = 12) {
  const message = 'word '.repeat(1_000);
  const events = Array.from({ length: 250 }, () => ({ type: 'MESSAGE' as const, message }));
  for (let batch = 0; batch < batches; batch += 1) {
    await server.db.withTenant(client.tenantId, async (tx) =>
      changeRun(tx, await lockRun(tx, client.tenantId, rowId(id)), {}, events),
    );
  }
}
const cancel = () =>
  server.db.withTenant(client.tenantId, async (tx) =>
    changeRun(tx, await lockRun(tx, client.tenantId, rowId(id)), { status: 'CANCELLED', step: 'DONE' }, [
      { type: 'STATUS', message: 'Over.' },
    ]),
  );

interface Stream {
  response: IncomingMessage;
  seqs: () => number[];
  /** Settles at the end, or when it is cut off. */
  closed: Promise<unknown>;
}

/** Follows by server-sent events and reads when the test says so. */
async function openStream(afterSeq = 0): Promise<Stream> {
  const sent = request(`${client.url}/graphql`, {
    method: 'POST',
    headers: { ...client.headers, 'content-type': 'application/json', accept: 'text/event-stream' },
    agent: false,
  });
  sent.end(JSON.stringify({ query: EVENTS, variables: { id, afterSeq } }));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  response.on('error', () => undefined); // Cut off, as expected.
  return {
    response,
    closed: new Promise((resolve) => response.once('close', resolve)),
    seqs: () => [...text.matchAll(/"seq":(\d+),"message":"[^"]*"/g)].map(([, seq]) => Number(seq)),
  };
}

test('a reader on a WebSocket that stalls is told why and goes on; who reads misses nothing', async () => {
  const stalled = [await openSocket(), await openSocket()];
  for (const one of stalled) one.subscribe('events', EVENTS, { id, afterSeq: 0 });
  const healthy = (async () => {
    const seqs: number[] = [];
    for await (const { trainingRunEvents } of client.follow(Events, { id })) seqs.push(trainingRunEvents.seq);
    return seqs;
  })();
  await expect.poll(() => stalled.every((one) => seqsOf(one, 'events').length > 0)).toBe(true);
  await expect.poll(followers).toBe(2); // The two that are about to stall ask the same.
  for (const { socket } of stalled) socket.pause();

  await tellMuch();
  await expect.poll(() => lines('A WebSocket client was too slow').length, { timeout: 20_000 }).toBe(2);
  // What they held is free at once, and what waited in the process was one event each.
  await expect.poll(followers).toBe(1);
  for (const { waiting } of lines('A WebSocket client was too slow')) expect(waiting).toBeLessThan(20_000);

  for (const one of stalled) one.socket.resume();
  for (const one of stalled) expect(await one.closed).toEqual(TOO_SLOW);
  await cancel();
  const { lastSeq } = await readRun(client, id);
  expect(lastSeq).toBeGreaterThan(3_000);
  expect(await healthy).toEqual(upTo(lastSeq));
  for (const one of stalled) {
    const seqs = seqsOf(one, 'events');
    expect(seqs.length).toBeLessThan(lastSeq);
    for await (const { trainingRunEvents } of client.follow(Events, { id, afterSeq: seqs.at(-1) ?? 0 }))
      seqs.push(trainingRunEvents.seq);
    expect(seqs).toEqual(upTo(lastSeq));
  }
});

test('a reader of server-sent events that stalls is cut off and goes on; who reads misses nothing', async () => {
  const stalled = [await openStream(), await openStream()];
  await expect.poll(() => stalled.every((one) => one.seqs().length > 0)).toBe(true);
  for (const { response } of stalled) response.pause();
  const healthy = await openStream();

  await tellMuch();
  await expect.poll(() => lines('An HTTP client was too slow').length, { timeout: 20_000 }).toBe(2);
  await expect.poll(followers).toBe(1);
  for (const { waiting } of lines('An HTTP client was too slow')) expect(waiting).toBeLessThan(200_000);

  for (const { response } of stalled) response.resume();
  await Promise.all(stalled.map(({ closed }) => closed));
  await cancel();
  const { lastSeq } = await readRun(client, id);
  await healthy.closed;
  expect(healthy.seqs()).toEqual(upTo(lastSeq));
  for (const one of stalled) {
    const rest = await openStream(one.seqs().at(-1) ?? 0);
    await rest.closed;
    expect([...one.seqs(), ...rest.seqs()]).toEqual(upTo(lastSeq));
  }
});

test('a client that answers no pings is told to go too, before anything waits in the process', async () => {
  const quiet = await openSocket();
  quiet.subscribe('events', EVENTS, { id, afterSeq: 0 });
  await expect.poll(() => seqsOf(quiet, 'events').length).toBeGreaterThan(0);
  quiet.socket.pause();
  await expect.poll(followers, { timeout: 10_000 }).toBe(0);
  quiet.socket.resume();
  expect(await quiet.closed).toEqual(TOO_SLOW);
});

test('a client that has nothing to read stays for as long as it answers pings', async () => {
  const quiet = await openSocket();
  quiet.subscribe('events', EVENTS, { id, afterSeq: 0 });
  for (let ping = 0; ping < 8; ping += 1) await once(quiet.socket, 'ping'); // More than three limits.
  expect(quiet.socket.readyState).toBe(quiet.socket.OPEN);
  expect(followers()).toBe(1);
  quiet.socket.close();
});

test('what is asked by a client that takes no answers is not read any more', async () => {
  const asking = await openSocket();
  const large = '{ __schema { types { name description fields { name description } } } }';
  asking.subscribe('first', large);
  await expect.poll(() => asking.results.get('first')?.length, { timeout: 10_000 }).toBe(1);
  const bytes = JSON.stringify(asking.results.get('first')).length;
  asking.socket.pause();
  for (let n = 0; n < 5_000; n += 1) asking.subscribe(`query ${n}`, large);
  await expect.poll(() => lines('A WebSocket client was too slow').length, { timeout: 40_000 }).toBe(1);
  expect(lines('A WebSocket client was too slow')[0]?.waiting).toBeLessThan(2_000_000 + 20 * bytes);
  expect(bytes * 5_000).toBeGreaterThan(200_000_000);
  asking.socket.terminate();
});

test('one that does not answer the closing is cut off', async () => {
  await server.close();
  await start({ limit: 300, grace: 100 });
  const dead = await openSocket();
  dead.subscribe('updates', EVENTS, { id, afterSeq: 0 });
  await expect.poll(() => seqsOf(dead, 'updates').length).toBeGreaterThan(0);
  dead.socket.pause();
  await tellMuch();
  await expect.poll(() => lines('A WebSocket client was too slow').length, { timeout: 20_000 }).toBe(1);
  // Its own writing shows that nobody is there any more; it reads nothing that could tell.
  const broken = once(dead.socket, 'close');
  await expect
    .poll(() => {
      if (dead.socket.readyState === dead.socket.OPEN) dead.socket.ping();
      return dead.socket.readyState;
    })
    .not.toBe(dead.socket.OPEN);
  dead.socket.resume();
  await broken;
  for await (const { trainingRunUpdated } of client.follow(Updates, { id })) {
    expect(trainingRunUpdated.status).not.toBe('FAILED');
    break;
  }
});
