/** Log lines tell which request, operation, tenant and person they belong to. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestClient } from './support/client.ts';
import { openSocket } from './support/follow.ts';
import { send } from './support/rawHttp.ts';
import { standIn, lost } from './support/standIn.ts';
import { launch, newDataset, rowId } from './support/runs.ts';
import { startTestServer, type TestServer } from './support/server.ts';
import { providersOf } from '../src/providers.ts';

let server: TestServer;
let client: TestClient;

beforeAll(async () => {
  const provider = standIn(() => ({ uploadFile: () => Promise.reject(lost()) }));
  server = await startTestServer({ providers: providersOf(provider), logLevel: 'debug' });
  client = await server.asNewTenant();
}, 120_000);
afterAll(() => server.close());

type Line = Record<string, unknown>;
const lines = (): Line[] => server.logged.map((line) => JSON.parse(line) as Line);
/** The line is written when the answer is sent, which the client may know before. */
const lineOf = async (fits: (line: Line) => boolean): Promise<Line> => {
  await expect.poll(() => lines().some(fits)).toBe(true);
  return lines().find(fits) ?? {};
};
const query = (text: string, headers: Record<string, string> = {}) =>
  client.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: text }),
  });

test('each request has one line, under the id that it was answered with', async () => {
  const response = await query('query Names { datasets { edges { node { name } } } }');
  const requestId = response.headers.get('x-request-id');
  expect(requestId).toMatch(/^[\da-f-]{36}$/);
  const line = await lineOf((one) => one['requestId'] === requestId);
  expect(line).toMatchObject({
    level: 30,
    msg: 'A request was answered',
    method: 'POST',
    path: '/graphql',
    status: 200,
    ms: expect.any(Number),
    tenantId: client.tenantId,
    subject: 'tester',
    operation: 'query Names',
  });
  expect(lines().filter((one) => one['requestId'] === requestId)).toHaveLength(1);
});

test('a request may bring its id, where that is harmless', async () => {
  const given = 'proxy-0123456789.ab_c';
  expect((await query('{ __typename }', { 'x-request-id': given })).headers.get('x-request-id')).toBe(given);
  await lineOf((one) => one['requestId'] === given);
  for (const odd of ['short', 'with spaces in it', '"quotes"-and-more', 'x'.repeat(65), '{}{}{}{}{}']) {
    const id = (await query('{ __typename }', { 'x-request-id': odd })).headers.get('x-request-id');
    expect(id).toMatch(/^[\da-f-]{36}$/);
  }
});

test('addresses are told without ids and queries, and probes at the level debug', async () => {
  await client.fetch('/exports/aaaa/bbbb?expires=1&signature=cccc');
  const line = await lineOf((one) => one['path'] === '/exports/:id/:id');
  expect(line).toMatchObject({ status: 403, level: 30 });
  await client.fetch('/something/else');
  expect(await lineOf((one) => one['path'] === 'other')).toMatchObject({ status: 404 });
  await client.fetch('/health/live');
  expect(await lineOf((one) => one['path'] === '/health/live')).toMatchObject({ level: 20 });
  expect(server.logged.join('')).not.toMatch(/aaaa|bbbb|cccc|something/);
});

test('operations over a WebSocket have a line each, and share the socket’s id', async () => {
  const socket = openSocket(client);
  await socket.until('query First { datasets { totalCount } }');
  await socket.until('query Second { nothing: datasets(first: -1) { totalCount } }');
  await socket.close();
  const first = await lineOf((one) => one['operation'] === 'query First');
  const second = await lineOf((one) => one['operation'] === 'query Second');
  expect(first).toMatchObject({ tenantId: client.tenantId, outcome: 'ok', socketId: expect.any(String) });
  expect(second).toMatchObject({ socketId: first['socketId'] });
  expect(second['requestId']).not.toBe(first['requestId']);
});

test('a request for a WebSocket is answered with its id, also where it is refused, and the log has it', async () => {
  const handshake = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'graphql-transport-ws',
  };
  const upgrade = (path: string, headers: Record<string, string> = {}) =>
    send(`${server.url}${path}`, { headers: { ...handshake, ...headers } });
  const accepted = await upgrade('/graphql', { 'x-request-id': 'from-a-proxy' });
  expect([accepted.status, accepted.headers['x-request-id']]).toEqual([101, 'from-a-proxy']);
  const refused = [
    [404, await upgrade('/nowhere')],
    [403, await upgrade('/graphql', { origin: 'https://evil.example' })],
    [400, await upgrade('/graphql', { 'sec-websocket-version': '1' })],
  ] as const;
  for (const [status, answer] of refused) {
    const requestId = answer.headers['x-request-id'];
    expect([answer.status, requestId]).toEqual([status, expect.stringMatching(/^[\da-f-]{36}$/)]);
    expect(await lineOf((one) => one['requestId'] === requestId)).toMatchObject({
      msg: 'A WebSocket was refused',
      status,
    });
  }
});

test('what a job does for a run is told with the run', async () => {
  const { id } = await launch(client, { datasetId: await newDataset(client, 12) });
  const line = await lineOf((one) => one['msg'] === 'A call to a provider failed');
  expect(line).toMatchObject({
    job: 'advanceRuns',
    runId: rowId(id),
    tenantId: client.tenantId,
    provider: 'sandbox',
    call: 'uploadFile',
    outcome: 'PROVIDER_UNREACHABLE',
  });
}, 60_000);
