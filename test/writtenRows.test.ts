/** Rows that PostgreSQL writes are written as JSON.stringify would write them, and no others are. */
import { execute, parse, type DocumentNode } from 'graphql';
import { beforeAll, expect, test } from 'vitest';
import { schema } from '../src/schema/index.ts';
import { withNotedSubject, type Context } from '../src/schema/context.ts';
import { answerByPlan, bodyOf } from '../src/schema/plan/execute.ts';
import { Told } from '../src/schema/plan/told.ts';
import { serverViewer } from '../src/services/viewer.ts';
import type { TestClient } from './support/client.ts';
import { ended, launch, newDataset } from './support/runs.ts';
import { newTenant, sharedServer } from './support/server.ts';

/** What JSON writes in a way of its own, and what UTF-8 takes one to four bytes for. */
const ODD = `"quoted" \\ /slash\t\n\r\b\f \u0001\u001c\u001d\u001e\u001f\u007f \u2028\u2029 '' é ß – 漢字 🙂 \${x} %s $1`;

let client: TestClient;
let id: string;

beforeAll(async () => {
  client = await newTenant();
  id = await newDataset(client, 5, `Odd ${ODD}`);
  await newDataset(client, 0, 'None');
}, 120_000);

const documents = new Map<string, DocumentNode>();

/** The same of equal texts, as Yoga keeps them. */
function documentOf(query: string): DocumentNode {
  const document = documents.get(query) ?? parse(query);
  documents.set(query, document);
  return document;
}

async function bothWays(query: string, more: Record<string, unknown> = {}) {
  const { db, system } = await sharedServer();
  const contextValue: Context = {
    viewer: withNotedSubject(serverViewer(client.tenantId, 'written')),
    db: db.clientOf(client.tenantId),
    services: system.services,
    gone: () => new AbortController().signal,
  };
  const args = { schema, document: documentOf(query), variableValues: { id, ...more } };
  const data = await answerByPlan(args, contextValue);
  const told = JSON.stringify(await execute({ ...args, contextValue }));
  return { data, told };
}

test.each([
  ['an odd name', '{ name again: name }'],
  ['times, words, numbers, nothing', '{ createdAt personalDataPolicy exampleCount description __typename }'],
  [
    'pages and where they begin and end',
    `{ first: id examples(first: 2) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor node { id position validated qualityScore userMessage dataset { id name } } } } }`,
  ],
  [
    'pages from the end',
    '{ examples(last: 2) { edges { node { position } } pageInfo { hasPreviousPage hasNextPage startCursor } } }',
  ],
  ['all there is', '{ examples(first: 5) { edges { node { position } } pageInfo { hasNextPage } } }'],
  [
    'an empty page',
    '{ exports(first: 3) { edges { node { id } } pageInfo { hasNextPage startCursor endCursor } } }',
  ],
  [
    'pages of which only the kind is told',
    '{ examples { __typename } exports { __typename pageInfo { __typename } } trainingRuns { edges { __typename } } }',
  ],
  [
    'what resolvers make of columns',
    '{ examples { edges { node { position messages { role content } tools } } } }',
  ],
])('%s is written', async (_what, selection) => {
  const { data, told } = await bothWays(`query ($id: ID!) { dataset(id: $id) ${selection} }`);
  expect(data?.['dataset']).toBeInstanceOf(Told);
  expect(bodyOf({ data: data ?? {} }).toString()).toBe(told);
  expect(JSON.stringify({ data })).toBe(told);
});

test('a page of rows is written row by row', async () => {
  const { data, told } = await bothWays(
    '{ datasets(last: 1) { totalCount pageInfo { startCursor hasPreviousPage } edges { cursor node { name examples(first: 1) { edges { node { id } } } } } } }',
  );
  expect(data?.['datasets']).toMatchObject({ edges: [{ node: expect.any(Told) }] });
  expect(bodyOf({ data: data ?? {} }).toString()).toBe(told);
});

test('a run is written with a page of its events', async () => {
  const { id: runId } = await launch(client, { datasetId: await newDataset(client, 10, 'To train on') });
  await ended(client, runId);
  const { data, told } = await bothWays(
    'query ($run: ID!) { trainingRun(id: $run) { id events(last: 2, afterSeq: 1) { edges { node { seq type message createdAt } } pageInfo { hasNextPage hasPreviousPage } } } }',
    { run: runId },
  );
  expect(data?.['trainingRun']).toBeInstanceOf(Told);
  expect(bodyOf({ data: data ?? {} }).toString()).toBe(told);
  expect(told).toContain('"hasPreviousPage":true');
});

test.each([
  ['a count', '{ examples { totalCount } }'],
  ['a condition', '{ name @include(if: true) }'],
  ['what is read apart', '{ personalData { scanned } }'],
])('%s is read', async (_what, selection) => {
  const query = `query ($id: ID!) { dataset(id: $id) ${selection} }`;
  await bothWays(query); // What has to be waited for is found out.
  const { data, told } = await bothWays(query);
  expect(data?.['dataset']).not.toBeInstanceOf(Told);
  expect(bodyOf({ data: data ?? {} }).toString()).toBe(told);
});
