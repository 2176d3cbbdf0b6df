/** The server as a process starts it, from its configuration to its end. */
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createLogger } from '../src/log.ts';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { readConfig } from '../src/config.ts';
import { DirectoryLockedError } from '../src/db/lock.ts';
import { startServer } from '../src/main.ts';
import { newDataset } from './support/calls.ts';
import { createServerDatabase } from './support/database.ts';
import { openSocket } from './support/follow.ts';
import { startTestServer } from './support/server.ts';

const log = createLogger('silent');
const environment = async () => ({
  PORT: '0',
  DATA_DIR: mkdtempSync(join(tmpdir(), 'tunesmith-main-')),
  SANDBOX_SPEED: '1000',
  ...(await serverDatabase()),
});
async function serverDatabase() {
  const DATABASE_URL = await createServerDatabase();
  return DATABASE_URL === undefined ? {} : { DATABASE_URL };
}

test('it starts, serves, and closes in time with clients attached', async () => {
  const server = await startServer(readConfig(await environment()), log);
  expect(server.provider).toBe('sandbox');
  const body = JSON.stringify({
    query: 'mutation { createDataset(input: { name: "x" }) { ... on Dataset { id } } }',
  });
  const made = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const { data } = (await made.json()) as { data: { createDataset: { id: string } } };
  const { id } = data.createDataset;

  const socket = openSocket({ url: server.url, headers: {} });
  const overSocket = socket.start('subscription ($id: ID!) { datasetUpdated(id: $id) { name } }', { id });
  overSocket.ended.catch(() => undefined);
  expect(await overSocket.first).toEqual({ datasetUpdated: { name: 'x' } });
  const stream = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({
      query: 'subscription ($id: ID!) { datasetUpdated(id: $id) { name } }',
      variables: { id },
    }),
  });
  const streamEnds = stream.text().catch((error: unknown) => String(error));
  // Clients that are there and take nothing any more.
  const dead = new WebSocket(`${server.url.replace(/^http/, 'ws')}/graphql`, 'graphql-transport-ws');
  const [upgraded] = (await once(dead, 'upgrade')) as [IncomingMessage];
  dead.on('error', () => undefined);
  upgraded.socket.pause();
  const deafStream = connect(Number(new URL(server.url).port), '127.0.0.1');
  deafStream.on('error', () => undefined);
  deafStream.write(
    `GET /graphql?query=${encodeURIComponent('subscription { trainingRunsUpdated { id } }')} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`,
  );
  await once(deafStream, 'readable');

  // A request that is half sent when the closing begins.
  const { port, hostname } = new URL(server.url);
  const halfway = connect(Number(port), hostname);
  await once(halfway, 'connect');
  halfway.write('GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n');

  const began = performance.now();
  const closing = server.close();
  expect(await socket.closed).toBe(1001);
  halfway.write('\r\n');
  expect(await text(halfway)).toMatch(/^HTTP\/1\.1 503 /);
  await closing;
  expect(performance.now() - began).toBeLessThan(10_000);
  await streamEnds;
  await expect(fetch(`${server.url}/health/live`)).rejects.toThrow('fetch failed');
}, 120_000);

test('what was asked behind something that goes on does not begin, and does not outlive its client', async () => {
  const server = await startServer(readConfig(await environment()), log);
  const { port, hostname } = new URL(server.url);
  const body = JSON.stringify({ query: 'subscription { trainingRunsUpdated { id } }' });
  const head = `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n`;
  const client = connect(Number(port), hostname);
  client.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`.repeat(3));
  await once(client, 'data');
  const followed = async () =>
    /^tunesmith_subscriptions (\d+)$/m.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1];
  await expect.poll(followed).toBe('1');
  client.destroy();
  await expect.poll(followed).toBe('0');
  await server.close();
}, 60_000);

test('what it had is there again after a restart', async () => {
  const given = await environment();
  const first = await startServer(readConfig(given), log);
  const body = JSON.stringify({
    query: 'mutation { createDataset(input: { name: "kept" }) { __typename } }',
  });
  await fetch(`${first.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  await first.close();
  const second = await startServer(readConfig(given), log);
  const answered = await fetch(`${second.url}/graphql?query={datasets{edges{node{name}}}}`, {
    headers: { accept: 'application/json' },
  });
  expect(await answered.json()).toEqual({ data: { datasets: { edges: [{ node: { name: 'kept' } }] } } });
  await second.close();
}, 120_000);

test.skipIf(process.env['TEST_DATABASE_URL'])(
  'a second server on the same directory is refused',
  async () => {
    const config = readConfig(await environment());
    const server = await startServer(config, log);
    await expect(startServer(config, log)).rejects.toThrow(DirectoryLockedError);
    await server.close();
  },
  60_000,
);

test('a start that fails gives back what it had taken', async () => {
  const given = await environment();
  const first = await startServer(readConfig(await environment()), log);
  const { port } = new URL(first.url);
  await expect(startServer(readConfig({ ...given, PORT: port }), log)).rejects.toThrow('EADDRINUSE');
  const second = await startServer(readConfig(given), log);
  await Promise.all([first.close(), second.close()]);
}, 120_000);

test('an upload that the end breaks off is let go before the database is', async () => {
  const server = await startTestServer();
  const client = await server.asNewTenant();
  const datasetId = await newDataset(client);
  const stored = new Promise((resolve) => server.db.notifications.listen(resolve));
  const sending = request(`${client.url}/import/examples/${datasetId}`, {
    method: 'POST',
    headers: { ...client.headers, 'content-type': 'application/x-ndjson' },
  });
  const broken = once(sending, 'error');
  // Some batches, and a line that is never ended.
  for (let index = 0; index < 2500; index += 1)
    sending.write(
      `{"messages":[{"role":"user","content":"Question ${index}"},{"role":"assistant","content":"Yes."}]}\n`,
    );
  sending.write('{"messages":[{"role":"user","content":"Ques');
  await stored;
  await server.close();
  await broken;
  expect(server.logged.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50)).toEqual([]);
}, 60_000);

test('a request that was broken off in its body does not keep the server from closing', async () => {
  const server = await startTestServer();
  const { hostname, port } = new URL(server.url);
  const head = `POST /graphql HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\n`;
  for (const rest of ['Content-Length: 0\r\n\r\nno request', 'Content-Length: 100\r\n\r\n{', '\r\n{']) {
    const socket = connect(Number(port), hostname, () => socket.end(head + rest));
    socket.resume();
    await once(socket, 'close');
  }
  await expect(server.close()).resolves.toBeUndefined();
}, 30_000);
