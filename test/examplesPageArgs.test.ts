/** Pages asked for wrongly, on every list that there is: a fault of the caller's, told with a code. */
import { isListType, isNonNullType, isObjectType, type GraphQLField } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../src/schema/index.ts';
import { addExamples, example, exportedLines, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { newTenant } from './support/server.ts';

let client: TestClient;
let datasetId: string;
beforeAll(async () => {
  client = await newTenant();
  datasetId = await newDataset(client);
  await addExamples(client, datasetId, [example('One'), example('Two')], true);
  await exportedLines(client, datasetId);
});

const cursor = (text: string) => JSON.stringify(Buffer.from(text).toString('base64'));
const wrongPages = [
  'first: 101',
  'last: 101',
  'first: 2147483647',
  'first: -1',
  'last: -1',
  'first: 1, after: ""',
  'first: 1, after: "nonsense"',
  'first: 1, after: "\\u0000"',
  `first: 1, after: ${cursor('GPC:S:nonsense')}`,
  `first: 1, after: ${cursor('GPC:S:019ab000-0000-7000-8000-00000000000z')}`,
  `first: 1, after: ${cursor('GPC:N:5')}`,
  `first: 1, after: ${cursor('GPC:D:5')}`,
  `first: 1, after: ${cursor('GPC:J:{"id":{"not":""}}')}`,
  `first: 1, after: ${cursor('GPC:T:["S:a"]')}`,
  `first: 1, after: ${cursor('GPC:T:["S:019ab000-0000-7000-8000-000000000001","N:99999999999"]')}`,
  `last: 1, before: ${cursor('GPC:S:nonsense')}`,
  `first: 1, before: ${cursor('GPC:S:019ab000-0000-7000-8000-000000000001')}`,
];

const isConnection = (field: GraphQLField<unknown, unknown>) =>
  field.args.some(({ name }) => name === 'after');
const query = schema.getQueryType();
const roots = Object.values(query?.getFields() ?? {}).filter(isConnection);

describe.each(roots.map(({ name }) => name))('the list %s', (name) => {
  test.each(wrongPages)('refuses (%s)', async (page) => {
    const { errors } = await client.answer(`{ ${name}(${page}) { edges { cursor } } }`);
    expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['INVALID_INPUT']);
  });

  test('takes 0 to 100', async () => {
    for (const size of [0, 100]) {
      expect(await client.answer(`{ ${name}(first: ${size}) { edges { cursor } } }`)).toMatchObject({
        data: { [name]: expect.anything() },
      });
    }
  });
});

test('every list within another thing refuses wrong pages too', async () => {
  const nested = ['Dataset', 'Export', 'Example'].flatMap((typeName) => {
    const type = schema.getType(typeName);
    if (!isObjectType(type)) throw new Error(`${typeName} is no object type`);
    return Object.values(type.getFields())
      .filter(isConnection)
      .map(({ name }) => [typeName, name] as const);
  });
  expect(nested.map((path) => path.join('.'))).toEqual([
    'Dataset.duplicateGroups',
    'Dataset.examples',
    'Dataset.exports',
    'Dataset.trainingRuns',
    'Export.examples',
    'Export.trainingRuns',
    'Example.exports',
    'Example.reviews',
    'Example.revisions',
  ]);
  for (const [typeName, field] of nested) {
    const root = `${typeName.toLowerCase()}s`;
    for (const page of wrongPages) {
      const { errors } = await client.answer(
        `{ ${root} { edges { node { ${field}(${page}) { edges { cursor } } } } } }`,
      );
      expect([field, page, errors?.map(({ extensions }) => extensions?.['code'])]).toEqual([
        field,
        page,
        ['INVALID_INPUT'],
      ]);
    }
    expect(
      (await client.answer(`{ ${root} { edges { node { ${field}(first: 1) { edges { cursor } } } } } }`))
        .errors,
    ).toBeUndefined();
  }
});

test('a cursor of one list is none of a list of another kind', async () => {
  const answer = await client.answer(
    '{ exports { edges { cursor node { examples { edges { cursor } } } } } }',
  );
  const lines =
    JSON.stringify(answer.data)
      .match(/"cursor":"([^"]+)"/g)
      ?.map((found) => found.slice(10, -1)) ?? [];
  expect(lines).toHaveLength(3);
  const [row = '', line = ''] = lines;
  const codes = async (page: string) =>
    (await client.answer(page)).errors?.map(({ extensions }) => extensions?.['code']);
  expect(await codes(`{ exports(after: "${line}") { edges { cursor } } }`)).toEqual(['INVALID_INPUT']);
  expect(
    await codes(`{ exports { edges { node { examples(after: "${row}") { edges { cursor } } } } } }`),
  ).toEqual(['INVALID_INPUT']);
  expect(
    await codes(`{ exports { edges { node { examples(after: "${line}") { edges { cursor } } } } } }`),
  ).toBeUndefined();
});

test('no list at all comes without pages', () => {
  const unpaged = Object.values(query?.getFields() ?? {}).filter(({ type }) =>
    isListType(isNonNullType(type) ? type.ofType : type),
  );
  expect(unpaged.map(({ name }) => name).toSorted()).toEqual(['baseModels', 'nodes', 'providers']);
});
