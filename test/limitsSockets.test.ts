/** How much a client may hold open at once: operations of a socket, sockets and streams, and the size of a message. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { DEFAULT_LIMITS } from '../src/http/limits/limits.ts';
import { limitVariables } from '../src/limitVariables.ts';
import { newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { openBareSocket, openRawSocket } from './support/rawSocket.ts';
import { newTenant, startTestServer, type TestServer } from './support/server.ts';

test('a socket may have so many operations under way, and keeps them when one is refused', async () => {
  const client = await newTenant();
  const raw = await openRawSocket(client.url, client.headers);
  const refused = new Promise<string>((resolve) => {
    raw.socket.on('message', (data: Buffer) => {
      if (data.toString().includes('"error"')) resolve(data.toString());
    });
  });
  const id = await newDataset(client);
  const stream = `subscription { datasetUpdated(id: "${id}") { id } }`;
  for (let index = 0; index <= DEFAULT_LIMITS.socketOperations; index++) raw.subscribe(`s${index}`, stream);
  const answer = await refused;
  expect(answer).toContain('TOO_MANY_OPERATIONS');
  expect(answer).toContain(`"s${DEFAULT_LIMITS.socketOperations}"`);
  expect(raw.socket.readyState).toBe(raw.socket.OPEN);
  raw.socket.terminate();
});

/** A stream that is open when this resolves. */
async function openStream(client: TestClient, datasetId: string) {
  const aborted = new AbortController();
  const response = await client.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: `subscription { datasetUpdated(id: "${datasetId}") { id } }` }),
    signal: aborted.signal,
  });
  return { response, end: () => aborted.abort() };
}

describe('a principal who holds as many connections as are allowed', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ limits: { socketsPerPrincipal: 2 } });
  });
  afterAll(() => server.close());

  test('is refused another socket by 4429, another stream by 429, and served otherwise', async () => {
    const client = await server.asNewTenant();
    const datasetId = await newDataset(client);
    const first = await openRawSocket(server.url, client.headers);
    const stream = await openStream(client, datasetId);
    expect(stream.response.status).toBe(200);

    const refused = await openBareSocket(server.url, client.headers);
    refused.send({ type: 'connection_init' });
    expect(await refused.closed).toEqual({
      code: 4429,
      reason: expect.stringContaining('SOCKETS_PER_PRINCIPAL'),
    });
    const another = await openStream(client, datasetId);
    expect(another.response.status).toBe(429);
    expect(await another.response.json()).toMatchObject({
      errors: [{ message: expect.stringContaining('2'), extensions: { code: 'TOO_MANY_CONNECTIONS' } }],
    });
    expect((await client.answer('{ __typename }')).errors).toBeUndefined();
    expect(first.socket.readyState).toBe(first.socket.OPEN);

    // Others of the tenant have their own.
    const colleague = await openRawSocket(server.url, client.as('colleague').headers);
    colleague.socket.terminate();

    // What ends makes room.
    stream.end();
    await expect
      .poll(async () => {
        const again = await openStream(client, datasetId);
        again.end();
        return again.response.status;
      })
      .toBe(200);
    first.socket.terminate();
  });
});

const messageOf = (length: number) =>
  JSON.stringify({ id: 'a', type: 'subscribe', payload: { query: '{ __typename }' } }).padEnd(length);

describe('a message over WebSocket', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ limits: { frameBytes: 1_000 } });
  });
  afterAll(() => server.close());

  test('at the limit is read, one byte more closes with 1009', async () => {
    const client = await server.asNewTenant();
    const bare = await openBareSocket(server.url, client.headers);
    bare.send({ type: 'connection_init' });
    await bare.next();
    bare.send(messageOf(1_000));
    expect(await bare.next()).toMatchObject({ type: 'next', payload: { data: { __typename: 'Query' } } });
    bare.send(messageOf(1_001));
    expect(await bare.closed).toMatchObject({ code: 1009 });
  });
});

test('the variables set them', () => {
  expect(readConfig({ SOCKETS_PER_PRINCIPAL: '7', SOCKET_MAX_FRAME_BYTES: '1000' })).toMatchObject({
    SOCKETS_PER_PRINCIPAL: 7,
    SOCKET_MAX_FRAME_BYTES: 1_000,
    QUERY_TIMEOUT_SECONDS: DEFAULT_LIMITS.querySeconds,
    IMPORT_MAX_BYTES: DEFAULT_LIMITS.importBytes,
  });
});

test('docs/limits.md has every variable of a limit, with its default', () => {
  const rows = readFileSync('docs/limits.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const documented = new Map(
    rows.map(([, , value = '', variable = '']) => [variable.replaceAll('`', ''), value]),
  );
  expect([...documented.keys()]).toEqual(expect.arrayContaining(Object.keys(limitVariables)));
  const defaults = Object.entries(readConfig({})).filter(([name]) => name in limitVariables);
  for (const [name, value] of defaults.filter(([, one]) => typeof one === 'number'))
    expect([name, documented.get(name)]).toEqual([name, Number(value).toLocaleString('en')]);
});
