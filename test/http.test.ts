import { beforeAll, describe, expect, test } from 'vitest';
import { newTenant } from './support/server.ts';
import { send } from './support/rawHttp.ts';
import type { TestClient } from './support/client.ts';

let client: TestClient;
beforeAll(async () => {
  client = await newTenant();
});

const JSON_TYPE = { 'content-type': 'application/json' };
const ask = (query: string) => JSON.stringify({ query });
const post = (body: string, headers: Record<string, string> = JSON_TYPE) =>
  send(`${client.url}/graphql`, { method: 'POST', headers: { ...client.headers, ...headers }, body });
const parsed = ({ body }: { body: string }): Record<string, unknown> =>
  JSON.parse(body) as Record<string, unknown>;
const refusal = (code: string) => ({ error: { code, message: expect.any(String) } });
/** The same where GraphQL's clients ask. */
const graphqlRefusal = (code: string) => ({
  errors: [{ message: expect.any(String), extensions: { code } }],
});

const upgrade = (headers: Record<string, string>) =>
  send(`${client.url}/graphql`, {
    headers: {
      ...client.headers,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.from('0123456789abcdef').toString('base64'),
      'sec-websocket-protocol': 'graphql-transport-ws',
      ...headers,
    },
  });

describe('addresses', () => {
  test.each([
    '/nothing',
    '/graphql/',
    '/health',
    '/import',
    '/exports/a',
    '/%00',
    '/%E0%A4%A',
    '//evil.example/graphql',
    '/health/ready/x',
  ])('%s is not there', async (path) => {
    const answer = await send(`${client.url}${path}`);
    expect(answer.status).toBe(404);
    expect(parsed(answer)).toEqual(refusal('NOT_FOUND'));
    expect(answer.headers['content-type']).toContain('application/json');
  });

  test('the root leads to GraphQL', async () => {
    expect(await send(client.url)).toMatchObject({ status: 302, headers: { location: '/graphql' } });
  });

  test('health is told', async () => {
    expect(parsed(await send(`${client.url}/health/live`))).toEqual({ status: 'live' });
    expect(parsed(await send(`${client.url}/health/ready`))).toEqual({
      status: 'ready',
      checks: { database: 'ok', migrations: 'ok', store: 'ok' },
    });
  });

  test.each(['variables', 'extensions'])('%s in an address must be JSON', async (name) => {
    const query = encodeURIComponent('{ datasets { totalCount } }');
    const answer = await send(`${client.url}/graphql?query=${query}&${name}=nothing`);
    expect([answer.status, parsed(answer)]).toEqual([400, graphqlRefusal('INVALID_INPUT')]);
  });
});

describe('who may ask', () => {
  const everywhere = ['/graphql', '/exports/1/2', '/import/call-transcriptions', '/nothing'];
  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:4000', '10.0.0.1'])(
    'nobody who calls this host %j',
    async (host) => {
      for (const path of everywhere) {
        const answer = await send(`${client.url}${path}`, { headers: { host } });
        expect(answer.status, path).toBe(403);
        const told = path === '/graphql' ? graphqlRefusal : refusal;
        expect(parsed(answer)).toEqual(told('FORBIDDEN_ORIGIN'));
      }
    },
  );

  test.each(['https://evil.example', 'null', 'http://127.0.0.1:1', 'file://', 'no url'])(
    'no page from %s',
    async (origin) => {
      for (const path of everywhere) {
        const answer = await send(`${client.url}${path}`, { headers: { origin } });
        expect(answer.status, path).toBe(403);
      }
    },
  );

  test('pages of our own, and programs', async () => {
    expect((await send(`${client.url}/health/live`, { headers: { origin: client.url } })).status).toBe(200);
    const { port } = new URL(client.url);
    expect((await send(`${client.url}/health/live`, { headers: { host: `localhost:${port}` } })).status).toBe(
      200,
    );
  });

  test('the same holds for WebSockets', async () => {
    expect((await upgrade({})).status).toBe(101);
    expect((await upgrade({ origin: client.url })).status).toBe(101);
    expect((await upgrade({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await upgrade({ origin: 'null' })).status).toBe(403);
    // A name that was made to lead here: page and host agree, and are foreign both.
    expect((await upgrade({ origin: 'http://evil.example', host: 'evil.example' })).status).toBe(403);
    expect((await upgrade({ host: 'evil.example' })).status).toBe(403);
  });
});

describe('operations', () => {
  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    '',
  ])('sent as %j are refused', async (type) => {
    const answer = await post(ask('{ __typename }'), type === '' ? {} : { 'content-type': type });
    expect(answer.status).toBe(415);
    expect(parsed(answer)).toEqual(graphqlRefusal('UNSUPPORTED_MEDIA_TYPE'));
  });

  test.each([
    '{',
    'no json',
    '',
    '[]',
    'null',
    '"text"',
    '{"query": 1}',
    '{"query": "{ __typename }", "variables": "x"}',
  ])('%j is refused, without a look inside', async (body) => {
    const answer = await post(body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body).not.toMatch(/stack|originalError|node_modules|SyntaxError/);
    expect(parsed(answer)['errors']).toBeDefined();
  });

  test.each([
    '{',
    '{ nothing }',
    'query A { __typename } query B { __typename }',
    'mutation { createDataset { __typename } }',
  ])('%j is answered with what is wrong', async (query) => {
    const answer = await post(ask(query));
    expect(answer.status).toBeLessThan(500);
    expect(parsed(answer)).toMatchObject({ errors: [{ message: expect.any(String) }] });
    expect(answer.body).not.toMatch(/stack|originalError|node_modules/);
  });

  const told = JSON.stringify({
    errors: [{ message: 'Operations come by GET or POST.', extensions: { code: 'METHOD_NOT_ALLOWED' } }],
  });
  test.each([
    ['HEAD', ''],
    ['PUT', `${told}\n`],
    ['DELETE', `${told}\n`],
    ['OPTIONS', `${told}\n`],
  ])('do not come by %s, of whomever', async (method, body) => {
    const answer = await send(`${client.url}/graphql?query={__typename}`, { method });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, POST' }, body });
  });

  test.each([
    ['application/graphql-response+json, application/json;q=0.9', 'application/graphql-response+json'],
    ['application/json', 'application/json'],
    ['*/*', 'application/json'],
    ['text/event-stream', 'application/json'],
  ])('that are refused for who takes %s are so as %s', async (accept, type) => {
    const answer = await post('x', { 'content-type': 'text/plain', accept });
    expect(answer.headers['content-type']).toBe(`${type}; charset=utf-8`);
    expect(parsed(answer)).toEqual(graphqlRefusal('UNSUPPORTED_MEDIA_TYPE'));
  });

  test('a mutation does not come by GET', async () => {
    const query = encodeURIComponent('mutation { createDataset(input: { name: "x" }) { __typename } }');
    const answer = await send(`${client.url}/graphql?query=${query}`, {
      headers: { ...client.headers, accept: 'application/json' },
    });
    expect(answer.status).toBe(405);
    expect(parsed(await post(ask('{ datasets { totalCount } }')))).toEqual({
      data: { datasets: { totalCount: 0 } },
    });
  });

  test('no other site is allowed to read', async () => {
    const answer = await post(ask('{ __typename }'), { ...JSON_TYPE, origin: client.url });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});

test('an operation nested thousands deep is refused, and is no fault of ours', async () => {
  const depth = 20_000;
  const answer = await post(ask(`{ ${'a { '.repeat(depth)} b ${'} '.repeat(depth)} }`));
  expect(answer.status).toBeLessThan(500);
  expect(answer.body).not.toContain('INTERNAL_ERROR');
  expect(parsed(answer)).toMatchObject({ errors: [{ message: expect.any(String) }] });
});

const get = (search: string) =>
  send(`${client.url}/graphql?query={__typename}&${search}`, {
    headers: { ...client.headers, ...JSON_TYPE, accept: 'application/json', 'x-tunesmith-csrf': '1' },
  });

describe('operations in the address', () => {
  test.each(['variables=no', 'variables={', 'extensions=%00', 'variables=1 2', 'extensions=__proto__'])(
    'with %s are refused, since that is no JSON',
    async (search) => {
      const answer = await get(search);
      expect(answer.status).toBe(400);
      expect(parsed(answer)).toEqual(graphqlRefusal('INVALID_INPUT'));
    },
  );

  test.each(['variables={}', 'variables=', 'variables={"a":1}&extensions={}'])(
    'with %s are run',
    async (search) => {
      const answer = await get(search);
      expect(answer.status).toBe(200);
      expect(parsed(answer)).toEqual({ data: { __typename: 'Query' } });
    },
  );
});
