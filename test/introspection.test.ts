/** The switches for the schema and GraphiQL, off: over every transport. */
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestClient } from './support/client.ts';
import { send } from './support/rawHttp.ts';
import { openRawSocket } from './support/rawSocket.ts';
import { startTestServer, type TestServer } from './support/server.ts';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startTestServer({ introspection: false, graphiql: false });
  client = await server.asNewTenant();
});
afterAll(() => server.close());

const ask = async (query: string, accept = 'application/json') => {
  const headers = { ...client.headers, 'content-type': 'application/json', accept };
  const answer = await send(`${client.url}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query }),
  });
  return answer.body;
};

const REFUSED = [
  getIntrospectionQuery(),
  '{ __schema { queryType { name } } }',
  '{ a: __type(name: "Query") { fields { name } } }',
  '{ __type(name: "Query") { ...f } } fragment f on __Type { ofType { name } }',
];
const TOLD = ['{ __typename }', '{ __type(name: "Query") { name kind } }'];

test.each(['application/json', 'text/event-stream'])('over HTTP as %s', async (accept) => {
  for (const query of REFUSED) {
    const answer = await ask(query, accept);
    expect(answer, query).toContain('"code":"INTROSPECTION_OFF"');
    expect(answer, query).not.toContain('"data":{');
  }
  for (const query of TOLD) expect(await ask(query, accept), query).not.toContain('"errors"');
});

test('over WebSocket, which stays open', async () => {
  const raw = await openRawSocket(client.url, client.headers);
  const answered = new Promise<string[]>((resolve) => {
    const answers: string[] = [];
    raw.socket.on('message', (data: Buffer) => {
      answers.push(data.toString());
      if (data.toString().includes('"complete"')) resolve(answers);
    });
  });
  for (const [index, query] of REFUSED.entries()) raw.subscribe(`refused${index}`, query);
  raw.subscribe('told', '{ __typename }');
  const answers = await answered;
  for (const index of REFUSED.keys()) {
    expect(answers.find((answer) => answer.includes(`"refused${index}"`))).toContain('INTROSPECTION_OFF');
  }
  expect(raw.results.get('told')).toHaveLength(1);
  raw.socket.terminate();
});

test('a browser gets no GraphiQL', async () => {
  const answer = await send(`${client.url}/graphql`, { headers: { ...client.headers, accept: 'text/html' } });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.body).not.toContain('<script');
});
