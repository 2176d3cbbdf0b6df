/** graphql-transport-ws, message by message: what is answered, and with which code a socket is closed. */
import { once } from 'node:events';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { UnauthenticatedError, type Authenticate } from '../src/http/session.ts';
import type { TestClient } from './support/client.ts';
import { openBareSocket, type BareSocket } from './support/rawSocket.ts';
import { newDataset } from './support/runs.ts';
import { newTenant, sharedServer, startTestServer, type TestServer } from './support/server.ts';

let client: TestClient;
let datasetId: string;
let impatient: TestServer;

beforeAll(async () => {
  client = await newTenant();
  datasetId = await newDataset(client, 0);
  impatient = await startTestServer({ db: (await sharedServer()).db, initTimeout: 50 });
});
afterAll(() => impatient.close());

const INIT = { type: 'connection_init' };
const ACK = { type: 'connection_ack' };
const subscribe = (id: unknown, query: unknown = '{ __typename }', rest: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...rest },
});
const FOLLOW = 'subscription ($id: ID!) { datasetUpdated(id: $id) { name } }';
const followed = (name: string) => ({ datasetUpdated: { name } });

async function acknowledged(): Promise<BareSocket> {
  const bare = await openBareSocket(client.url, client.headers);
  bare.send(INIT);
  expect(await bare.next()).toEqual(ACK);
  return bare;
}

test.each(
  [
    'no json',
    '',
    'null',
    '[]',
    '1',
    '{}',
    { type: 'nothing' },
    { type: 1 },
    { type: 'start', id: '1', payload: { query: '{ __typename }' } },
    { type: 'connection_init', payload: 'text' },
    { type: 'ping', payload: 1 },
    { type: 'subscribe' },
    { type: 'subscribe', id: '1' },
    subscribe(''),
    subscribe(1),
    subscribe('1', 1),
    subscribe('1', '{ __typename }', { variables: 'text' }),
    subscribe('1', '{ __typename }', { operationName: 1 }),
    subscribe('1', '{ __typename }', { extensions: 'text' }),
    { type: 'complete' },
    { type: 'next', id: '1' },
    { type: 'error', id: '1', payload: [] },
  ].map((message) => [JSON.stringify(message), message]),
)('4400: %s is no message', async (_name, message) => {
  const bare = await acknowledged();
  bare.send(message);
  expect(await bare.closed).toEqual({ code: 4400, reason: 'Invalid message received' });
});

test('4400: neither is a binary frame that holds none', async () => {
  const bare = await acknowledged();
  bare.socket.send(Buffer.from([0, 255, 254, 192, 128]));
  expect(await bare.closed).toEqual({ code: 4400, reason: 'Invalid message received' });
});

test.each([
  ACK,
  { type: 'next', id: '1', payload: { data: {} } },
  { type: 'error', id: '1', payload: [{ message: 'x' }] },
])('4400: only a server says %j, and nobody has to look for a fault of ours in the log', async (message) => {
  const { logged } = await sharedServer();
  const before = logged.length;
  const bare = await acknowledged();
  bare.send(message);
  expect(await bare.closed).toEqual({ code: 4400, reason: 'Invalid message received' });
  expect(logged.slice(before).join('')).not.toContain('A WebSocket failed');
});

test('4401: nothing is run before the connection is acknowledged', async () => {
  const bare = await openBareSocket(client.url, client.headers);
  bare.send(subscribe('1'));
  expect(await bare.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
});

test.each([undefined, 'graphql-ws', 'graphql-transport-ws-2', 'graphql-ws, graphql-transport-ws-2'])(
  '4406: the subprotocol %j is not spoken',
  async (protocol) => {
    // By hand: a client library leaves by itself when its protocol is not taken up.
    const upgrade = request(`${client.url}/graphql`, {
      headers: {
        ...client.headers,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': Buffer.from('0123456789abcdef').toString('base64'),
        ...(protocol && { 'sec-websocket-protocol': protocol }),
      },
    });
    const socket = await new Promise<Duplex>((resolve, reject) => {
      upgrade.once('error', reject);
      upgrade.once('upgrade', (_response, upgraded, head) => {
        if (head.length > 0) upgraded.unshift(head);
        resolve(upgraded);
      });
      upgrade.end();
    });
    const [frame]: unknown[] = await once(socket, 'data');
    if (!(frame instanceof Buffer)) throw new Error('No bytes came');
    expect([frame.readUInt8(0), frame.readUInt16BE(2), frame.subarray(4).toString()]).toEqual([
      0x88, // A closing frame.
      4406,
      'Subprotocol not acceptable',
    ]);
    socket.destroy();
  },
);

test('of several subprotocols the one that is spoken is taken', async () => {
  const bare = await openBareSocket(client.url, client.headers, ['graphql-ws', 'graphql-transport-ws']);
  expect(bare.socket.protocol).toBe('graphql-transport-ws');
  bare.send(INIT);
  expect(await bare.next()).toEqual(ACK);
  bare.socket.close();
});

test('4408: who does not introduce itself in time is told to go', async () => {
  const bare = await openBareSocket(impatient.url, client.headers);
  expect(await bare.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' });
});

test('4408 is for those who said nothing; who did may be silent for long', async () => {
  const bare = await openBareSocket(impatient.url, client.headers);
  bare.send(INIT);
  expect(await bare.next()).toEqual(ACK);
  // Another socket's time runs out after this one's would have.
  expect((await (await openBareSocket(impatient.url, client.headers)).closed).code).toBe(4408);
  bare.send({ type: 'ping' });
  expect(await bare.next()).toEqual({ type: 'pong' });
  bare.socket.close();
});

test('4409: the id of a running operation is taken, and free again afterwards', async () => {
  const bare = await acknowledged();
  for (let n = 0; n < 2; n += 1) {
    bare.send(subscribe('again'));
    expect(await bare.next()).toMatchObject({ id: 'again', type: 'next', payload: { data: {} } });
    expect(await bare.next()).toEqual({ id: 'again', type: 'complete' });
  }
  bare.send(subscribe('follow', FOLLOW, { variables: { id: datasetId } }));
  expect(await bare.next()).toMatchObject({ id: 'follow', type: 'next' });
  bare.send(subscribe('follow'));
  expect(await bare.closed).toEqual({ code: 4409, reason: 'Subscriber for follow already exists' });
});

test('4429: one introduces oneself once', async () => {
  const bare = await acknowledged();
  bare.send(INIT);
  expect(await bare.closed).toEqual({ code: 4429, reason: 'Too many initialisation requests' });
});

test('4429: nor twice at once', async () => {
  const bare = await openBareSocket(client.url, client.headers);
  bare.send(INIT);
  bare.send(INIT);
  expect((await bare.closed).code).toBe(4429);
});

test('1009: a frame of more than 256 KiB is not taken', async () => {
  const bare = await acknowledged();
  bare.send(subscribe('1', `{ __typename } # ${'x'.repeat(256 * 1024)}`));
  expect((await bare.closed).code).toBe(1009);
});

test('4403: who is not known is told so, and nothing is run', async () => {
  const server = await serverThat(async () => {
    throw new UnauthenticatedError('Nobody knows you.');
  });
  const bare = await openBareSocket(server.url, {});
  bare.send(INIT);
  const { code, reason } = await bare.closed;
  expect(code).toBe(4403);
  expect(reason).not.toBe('');
  await server.close();
});

test('4500: what goes wrong on our side is logged, and told as nothing more', async () => {
  const server = await serverThat(async () => {
    throw new Error('a secret of ours');
  });
  const bare = await openBareSocket(server.url, {});
  bare.send(INIT);
  expect(await bare.closed).toEqual({ code: 4500, reason: 'Internal server error' });
  expect(server.logged.join('')).toContain('a secret of ours');
  await server.close();
});

/** A server of the test's own, on the shared database, that finds out so who asks. */
const serverThat = async (authenticate: Authenticate) =>
  startTestServer({ db: (await sharedServer()).db, authenticate: () => authenticate });

test('a ping is answered with a pong that carries its payload, before and after the acknowledgement', async () => {
  const bare = await openBareSocket(client.url, client.headers);
  bare.send({ type: 'ping' });
  expect(await bare.next()).toEqual({ type: 'pong' });
  bare.send(INIT);
  expect(await bare.next()).toEqual(ACK);
  bare.send({ type: 'ping', payload: { at: [1, 'ä', null] } });
  expect(await bare.next()).toEqual({ type: 'pong', payload: { at: [1, 'ä', null] } });
  bare.send({ type: 'pong', payload: { unasked: true } });
  bare.send({ type: 'ping', payload: {} });
  expect(await bare.next()).toEqual({ type: 'pong', payload: {} });
  bare.socket.close();
});

test('the completing client is sent nothing more, and what it followed costs nothing more', async () => {
  const bare = await acknowledged();
  bare.send(subscribe('a', FOLLOW, { variables: { id: datasetId } }));
  expect(await bare.next()).toEqual({ id: 'a', type: 'next', payload: { data: followed('Calls') } });
  bare.send({ id: 'a', type: 'complete' });
  bare.send({ id: 'never there', type: 'complete' });
  bare.send(subscribe('b', FOLLOW, { variables: { id: datasetId } }));
  expect(await bare.next()).toEqual({ id: 'b', type: 'next', payload: { data: followed('Calls') } });
  await rename('Other calls');
  // It would be told to `a` too, and first, since `a` followed first.
  expect(await bare.next()).toEqual({ id: 'b', type: 'next', payload: { data: followed('Other calls') } });
  await rename('Calls');
  expect(await bare.next()).toMatchObject({ id: 'b' });
  bare.socket.close(1000);
});

test.each([
  '{',
  '',
  '{ nothing }',
  'subscription { nothing }',
  'query A { __typename } query B { __typename }',
  'fragment F on Query { __typename }',
  'subscription ($id: ID!) { a: datasetUpdated(id: $id) { name } b: datasetUpdated(id: $id) { name } }',
  'subscription ($id: Int!) { datasetUpdated(id: $id) { name } }',
  `{ ${'datasets { edges { node { '.repeat(50)} id ${'} } }'.repeat(50)} }`,
  'mutation { createDataset(input: 1) { __typename } }',
])('the bad operation %j ends by itself and leaves the socket to the others', async (query) => {
  const bare = await acknowledged();
  bare.send(subscribe('other', FOLLOW, { variables: { id: datasetId } }));
  expect(await bare.next()).toMatchObject({ id: 'other', type: 'next' });
  bare.send(subscribe('bad', query));
  const answer = await bare.next();
  const told = expect.arrayContaining([expect.objectContaining({ message: expect.any(String) })]);
  expect(answer).toMatchObject({ id: 'bad', type: 'error', payload: told });
  expect(JSON.stringify(answer)).not.toMatch(/stack|originalError|node_modules|file:/);
  await rename('Renamed');
  expect(await bare.next()).toEqual({ id: 'other', type: 'next', payload: { data: followed('Renamed') } });
  await rename('Calls');
  expect(await bare.next()).toMatchObject({ id: 'other' });
  bare.socket.close();
});

test('what fails while an operation follows ends that one alone, and tells nothing of ours', async () => {
  const { changeFeed } = impatient.system.services;
  const followDataset = changeFeed.followDataset.bind(changeFeed);
  const own = await impatient.asNewTenant();
  const id = await newDataset(own, 0);
  const bare = await openBareSocket(own.url, own.headers);
  bare.send(INIT);
  await bare.next();
  bare.send(subscribe('well', FOLLOW, { variables: { id } }));
  expect(await bare.next()).toMatchObject({ id: 'well', type: 'next' });
  changeFeed.followDataset = async function* failing(...args) {
    for await (const dataset of followDataset(...args)) {
      yield dataset;
      throw new Error('a secret of ours');
    }
  };
  // Another question than the first one's, which is followed already.
  bare.send(subscribe('ill', FOLLOW.replace('name', 'name id'), { variables: { id } }));
  expect(await bare.next()).toMatchObject({ id: 'ill', type: 'next' });
  const answer = await bare.next();
  expect(answer).toMatchObject({
    id: 'ill',
    type: 'error',
    payload: [{ message: expect.stringContaining('the log has it as') }],
  });
  expect(JSON.stringify(answer)).not.toContain('secret');
  changeFeed.followDataset = followDataset;
  bare.send({ type: 'ping' });
  expect(await bare.next()).toEqual({ type: 'pong' });
  expect(bare.socket.readyState).toBe(WebSocket.OPEN);
  bare.socket.close();
});

test('mutations are carried out as over HTTP, for whose role suffices', async () => {
  const create =
    'mutation { createDataset(input: { name: "Over a socket" }) { __typename ... on Dataset { name } } }';
  const viewer = await openBareSocket(client.url, client.withRole('VIEWER').headers);
  viewer.send(INIT);
  await viewer.next();
  viewer.send(subscribe('1', create));
  expect(await viewer.next()).toMatchObject({
    type: 'next',
    payload: { data: { createDataset: { __typename: 'ForbiddenError' } } },
  });
  viewer.socket.close();
  const admin = await acknowledged();
  admin.send(subscribe('1', create));
  const createDataset = { __typename: 'Dataset', name: 'Over a socket' };
  expect(await admin.next()).toEqual({ id: '1', type: 'next', payload: { data: { createDataset } } });
  expect(await admin.next()).toEqual({ id: '1', type: 'complete' });
  admin.socket.close();
});

async function rename(name: string): Promise<void> {
  const { errors } = await client.answer(
    'mutation ($input: UpdateDatasetInput!) { updateDataset(input: $input) { __typename } }',
    { input: { id: datasetId, name } },
  );
  expect(errors).toBeUndefined();
}

test('a socket that is never opened is no trouble', async () => {
  const socket = new WebSocket(`${client.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: client.headers,
  });
  socket.on('error', () => undefined);
  socket.terminate();
  const bare = await acknowledged();
  bare.socket.close();
  expect((await bare.closed).code).toBe(1005);
});
