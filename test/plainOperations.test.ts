/** What is answered past Yoga's HTTP is answered as Yoga answers it, to the byte. */
import { describe, expect, test, beforeAll } from 'vitest';
import { acceptedOf } from '../src/http/accepted.ts';
import type { TestClient } from './support/client.ts';
import { send } from './support/rawHttp.ts';
import { newTenant } from './support/server.ts';

let client: TestClient;
beforeAll(async () => {
  client = await newTenant();
});

const post = (accept: string, body: string) =>
  send(`${client.url}/graphql`, {
    method: 'POST',
    headers: { ...client.headers, 'content-type': 'application/json', accept },
    body,
  });

const two = 'query A { __typename } query B { datasets { totalCount } }';
const missing = '{ dataset(id: "RGF0YXNldDowMTkzYTAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDA=") { name } }';
const wide = `{ datasets(first: 100) { edges { node { examples(first: 100) { edges { node { ${Array.from({ length: 30 }, () => 'id').join(' ')} } } } } } } }`;
const sized = `query ($n: Int!) { datasets(first: $n) { edges { node { examples(first: $n) { edges { node { ${Array.from({ length: 30 }, () => 'id').join(' ')} } } } } } } }`;
const OPERATIONS: Record<string, unknown> = {
  'a query': { query: '{ datasets(first: 2) { totalCount edges { node { name } } } }' },
  'a query with variables': {
    query: 'query ($n: Int) { datasets(first: $n) { totalCount } }',
    variables: { n: 1 },
  },
  'nulls for what is left out': {
    query: '{ __typename }',
    variables: null,
    operationName: null,
    extensions: null,
  },
  extensions: { query: '{ __typename }', extensions: { persistedQuery: { version: 1 } } },
  'one of two by name': { query: two, operationName: 'B' },
  'one of two without a name': { query: two },
  'one by a name that is not there': { query: two, operationName: 'C' },
  'an empty name': { query: '{ __typename }', operationName: '' },
  'a mutation that is refused': {
    query: 'mutation { createDataset(input: { name: "" }) { __typename ... on Error { code message } } }',
  },
  'something that is not there': { query: missing },
  'an id of nothing': { query: '{ dataset(id: "x") { name } }' },
  'an id of nothing beside something': { query: '{ __typename node(id: "x") { id } }' },
  'a page too large': { query: '{ datasets(first: 101) { totalCount } }' },
  'a subscription': { query: 'subscription { trainingRunsUpdated { id } }' },
  'no text': { query: '' },
  'a syntax error': { query: '{ datasets(' },
  'an unknown field': { query: '{ datsets { totalCount } }' },
  'a variable that is missing': { query: 'query ($id: ID!) { dataset(id: $id) { name } }' },
  'a variable of a wrong type': {
    query: 'query ($n: Int) { datasets(first: $n) { totalCount } }',
    variables: { n: 'one' },
  },
  'too much': { query: wide },
  'a page whose size is a variable': { query: sized, variables: { n: 10 } },
  'a page whose size, as a variable, is too much': { query: sized, variables: { n: 100 } },
  'no query': { variables: {} },
  'a query that is no text': { query: 1 },
  'variables that are no object': { query: '{ __typename }', variables: [1] },
  'a name that is no text': { query: '{ __typename }', operationName: 1 },
  'more than an operation has': { query: '{ __typename }', id: 1 },
  'several operations': [{ query: '{ __typename }' }, { query: '{ __typename }' }],
  null: null,
  'a text': 'x',
};

describe.each(['application/json', 'application/graphql-response+json'])('as %s', (type) => {
  test.each(Object.entries(OPERATIONS))('%s', async (_name, operation) => {
    await expectSame(type, JSON.stringify(operation));
  });

  test.each(['', '{', '\uFEFF{"query":"{ __typename }"}', '{"query":"{ __typename }","query":"{ datasets"}'])(
    'the body %j',
    async (body) => expectSame(type, body),
  );
});

/** With its charset told, a type is left to Yoga. */
async function expectSame(type: string, body: string): Promise<void> {
  expect(acceptedOf(`${type}; charset=utf-8`).plainType).toBeNull();
  const yogas = told(await post(`${type}; charset=utf-8`, body));
  expect(told(await post(type, body))).toEqual(yogas);
  // From the second time on a query is known (knownQueries.ts).
  expect(told(await post(type, body))).toEqual(yogas);
}

function told({ status, headers, body }: Awaited<ReturnType<typeof post>>) {
  return { status, type: headers['content-type'], allow: headers['allow'], body };
}

test.each([
  [undefined, 'application/json'],
  ['*/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/graphql-response+json, application/json', 'application/graphql-response+json'],
  [' Application/JSON , application/graphql-response+json', 'application/json'],
  ['application/json;q=0.1, application/graphql-response+json', null],
  ['application/*', null],
  ['text/html', null],
  ['', null],
])('the type of %j is %s', (accept, type) => {
  expect(acceptedOf(accept).plainType).toBe(type);
});
