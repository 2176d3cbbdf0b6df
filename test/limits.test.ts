/** Each limit: at it passes, one past is refused with a code, over every transport. */
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { buildSchema, parse } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { documentSize } from '../src/http/limits/documentSize.ts';
import { DEFAULT_LIMITS } from '../src/http/limits/limits.ts';
import type { TestClient } from './support/client.ts';
import { send } from './support/rawHttp.ts';
import { openBareSocket, openRawSocket } from './support/rawSocket.ts';
import { newTenant } from './support/server.ts';

let client: TestClient;
beforeAll(async () => {
  client = await newTenant();
});

const post = (body: string, headers: Record<string, string> = {}) =>
  send(`${client.url}/graphql`, {
    method: 'POST',
    headers: { ...client.headers, 'content-type': 'application/json', ...headers },
    body,
  });
const repeated = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');

const aliases = (count: number) => `{ ${repeated(count, (index) => `a${index}: __typename`)} }`;
/** Nineteen levels and what is in the last. */
const deep = (last: string) =>
  `{ datasets(first: 1) { edges { node { ${four(four(four(four(last))))} } } } }`;
const four = (inside: string) => `examples(first: 1) { edges { node { dataset { ${inside} } } } }`;
/** Sixteen tokens and these. */
const statuses = (count: number) =>
  `{ trainingRuns(filter: { status: [${repeated(count, () => 'FAILED')}] }) { totalCount } }`;
const CASES = [
  {
    code: 'TOO_MANY_TOKENS',
    at: statuses(DEFAULT_LIMITS.tokens - 16),
    past: statuses(DEFAULT_LIMITS.tokens - 15),
  },
  { code: 'TOO_DEEP', at: deep('id'), past: deep('examples(first: 1) { totalCount }') },
  {
    code: 'TOO_MANY_ALIASES',
    at: aliases(DEFAULT_LIMITS.aliases),
    past: aliases(DEFAULT_LIMITS.aliases + 1),
  },
  {
    code: 'TOO_MANY_DIRECTIVES',
    at: `{ ${repeated(50, () => '__typename @include(if: true)')} }`,
    past: `{ ${repeated(51, () => '__typename @include(if: true)')} }`,
  },
  {
    code: 'TOO_COMPLEX',
    at: '{ datasets(first: 100) { edges { node { examples(first: 100) { edges { node { id } } } } } } }',
    past: `{ datasets(first: 100) { edges { node { examples(first: 100) { edges { node { ${repeated(30, () => 'id')} } } } } } } }`,
  },
];

describe.each(CASES)('$code', ({ code, at, past }) => {
  test.each(['application/json', 'text/event-stream'])('over HTTP as %s', async (accept) => {
    expect((await post(JSON.stringify({ query: at }), { accept })).body).not.toContain('"errors"');
    const refused = await post(JSON.stringify({ query: past }), { accept });
    expect(refused.body).toContain(`"code":"${code}"`);
    expect(refused.body).toContain('GRAPHQL_MAX_');
  });

  test('over WebSocket, which stays open', async () => {
    const raw = await openRawSocket(client.url, client.headers);
    const answers: string[] = [];
    const both = new Promise<void>((resolve) => {
      raw.socket.on('message', (data: Buffer) => {
        answers.push(data.toString());
        if (data.toString().includes('"complete"')) resolve();
      });
    });
    raw.subscribe('past', past);
    raw.subscribe('at', at);
    await both;
    expect(answers.find((answer) => answer.includes('"past"'))).toContain(code);
    expect(raw.results.get('at')).toHaveLength(1);
    raw.socket.terminate();
  });
});

describe('a page size that is a variable', () => {
  const query = `query ($first: Int, $other: Int = 2) { datasets(first: $first) { edges { node {
    examples(first: $first) { edges { node { exports(first: $other) { edges { node { ${repeated(15, () => '__typename')} } } } } } } } } } }`;
  const pages: [variables: unknown, told: string][] = [
    [{ first: 40 }, '"data":{'],
    [{ first: 100 }, 'TOO_COMPLEX'],
    [{ first: 1, other: 100 }, '"data":{'],
    [{ first: 60, other: 100 }, 'TOO_COMPLEX'],
    [{ first: 1_000_000 }, 'TOO_COMPLEX'],
    [{ first: null }, '"data":{'],
    [{}, '"data":{'],
    [{ first: 'all' }, 'TOO_COMPLEX'],
  ];
  test.each(pages)('counts with its value: %j', async (variables, told) => {
    expect(await post(JSON.stringify({ query, variables }))).toMatchObject({
      status: 200,
      body: expect.stringContaining(told),
    });
  });

  test.each([
    [100, '"data":{"nodes":[null'],
    [300, 'TOO_COMPLEX'],
    [4_000, 'TOO_COMPLEX'],
  ])('each of %i ids that are looked up counts', async (count, told) => {
    const ids = Array.from({ length: count }, () => btoa(`Dataset:${randomUUID()}`));
    const asVariable = { query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', variables: { ids } };
    expect((await post(JSON.stringify(asVariable))).body).toContain(told);
    const written = `{ nodes(ids: ${JSON.stringify(ids.slice(0, 300))}) { id } }`;
    expect((await post(JSON.stringify({ query: written }))).body).toContain(told);
  });

  test('over WebSocket too', async () => {
    const bare = await openBareSocket(client.url, client.headers);
    bare.send({ type: 'connection_init' });
    await bare.next();
    bare.send({ id: 'past', type: 'subscribe', payload: { query, variables: { first: 100 } } });
    expect(await bare.next()).toMatchObject({
      type: 'error',
      id: 'past',
      payload: [{ extensions: { code: 'TOO_COMPLEX' } }],
    });
    bare.send({ id: 'at', type: 'subscribe', payload: { query, variables: { first: 40 } } });
    expect(await bare.next()).toMatchObject({ type: 'next', id: 'at' });
    bare.socket.terminate();
  });
});

const bodyOf = (length: number) => JSON.stringify({ query: '{ __typename }' }).padEnd(length);
test('a body at the limit is read, one byte more is not', async () => {
  expect((await post(bodyOf(DEFAULT_LIMITS.bodyBytes))).status).toBe(200);
  const refused = await post(bodyOf(DEFAULT_LIMITS.bodyBytes + 1));
  expect(refused.status).toBe(413);
  expect(refused.body).toContain('"extensions":{"code":"BODY_TOO_LARGE"}');
});

const chunked = (length: number) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const headers = { ...client.headers, 'content-type': 'application/json' };
    const sent = request(`${client.url}/graphql`, { method: 'POST', headers }, (answer) => {
      answer.setEncoding('utf8');
      let body = '';
      answer.on('data', (chunk: string) => (body += chunk));
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    sent.once('error', reject);
    sent.write(bodyOf(length).slice(0, 20));
    sent.end(bodyOf(length).slice(20));
  });

test('a body that does not tell its length is counted while it is read', async () => {
  const read = await chunked(DEFAULT_LIMITS.bodyBytes);
  expect(read).toMatchObject({ status: 200, body: '{"data":{"__typename":"Query"}}' });
  const refused = await chunked(DEFAULT_LIMITS.bodyBytes + 1);
  expect(refused.status).toBe(413);
  expect(refused.body).toContain('"extensions":{"code":"BODY_TOO_LARGE"}');
});

test('operations in an array are refused', async () => {
  expect((await post('[{"query":"{ __typename }"}]')).status).toBe(400);
});

test('every answer has the security headers and its id, and no header twice', async () => {
  const paths = ['/graphql', '/health/live', '/nothing', '/exports/none/none'];
  const operations = ['{ __typename }', '{ nothing }', 'mutation { createDataset { __typename } }'];
  const answers = await Promise.all([
    ...paths.map((path) => send(`${client.url}${path}`)),
    ...operations.map((query) => post(JSON.stringify({ query }))),
    post('{ __typename }'), // No JSON: Yoga answers.
  ]);
  for (const { headers, headerNames } of answers) {
    expect(headerNames).toEqual([...new Set(headerNames)]);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'x-request-id': expect.stringMatching(/^[\w-]{36}$/),
    });
  }
});

describe('measuring', () => {
  const schema = buildSchema('type Query { me: Query, many: [Query!]! }');
  test('fragments that double each other take no time, and are counted', () => {
    const doubled = repeated(500, (n) => `fragment f${n} on Query { ...f${n + 1} ...f${n + 1} }`);
    const document = parse(`{ ...f0 } ${doubled} fragment f500 on Query { a: me { b: __typename } }`);
    expect(documentSize(schema, document).aliases).toBe(2 ** 501);
  });
  test('a cycle ends', () => {
    expect(documentSize(schema, parse('{ ...f } fragment f on Query { me { ...f } }')).depth).toBe(1);
  });
  test('depth and lists', () => {
    const size = documentSize(schema, parse('{ many { many { __typename } } }'));
    expect(size).toMatchObject({ depth: 3, complexity: 1 + 5 * (1 + 5) });
  });
});
