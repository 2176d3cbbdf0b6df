/** Lists of examples: filters and order, of a dataset with every kind of example. */
import { beforeAll, expect, test } from 'vitest';
import type { ExampleFilter, ExampleOrder } from '../src/generated/gql/graphql.ts';
import { addExamples, call, collect, example, importCalls, importFile, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { Listed, page, walk } from './support/examplePages.ts';
import { reject, validate } from './support/review.ts';
import { newTenant } from './support/server.ts';

let client: TestClient;
let datasetId: string;

beforeAll(async () => {
  client = await newTenant();
  datasetId = await newDataset(client);
  await addExamples(client, datasetId, [
    example('100% sure?', 'Ja', 0.5),
    example('snake_case', 'Über alles', 0.85),
    example('back\\slash', 'Straße', 0.9),
    example('plain', 'nothing'),
  ]);
  await importCalls(client, [
    call('CA1', ['caller: What a long question that is!', 'agent: And what a long answer it got!']),
  ]);
  await collect(client, { datasetId });
  const lines = ['imported', 'Imported too'].map((content, at) => ({
    messages: [
      { role: 'user', content },
      { role: 'assistant', content: 'ok' },
    ],
    quality_score: at,
  }));
  await importFile(
    client,
    `/import/examples/${datasetId}`,
    'application/jsonl',
    lines.map((line) => JSON.stringify(line)).join('\n'),
  );
  const { examples } = await client.run(Listed, { datasetId });
  await reject(client, { ids: examples.edges.slice(0, 1).map(({ node }) => node.id) });
  await validate(client, { ids: examples.edges.slice(1, 3).map(({ node }) => node.id) });
});

const names = [
  '100% sure?',
  'snake_case',
  'back\\slash',
  'plain',
  'What a long question that is!',
  'imported',
  'Imported too',
];
const at = (...indexes: number[]) => indexes.map((index) => names[index]);

test.each<[filter: ExampleFilter, expected: (string | undefined)[]]>([
  [{}, names],
  [{ validated: true }, at(1, 2, 4)],
  [{ validated: false }, at(0, 3, 5, 6)],
  [{ rejected: true }, at(0)],
  [{ validated: false, rejected: false }, at(3, 5, 6)],
  [{ minQualityScore: 0.85 }, at(1, 2, 4, 6)],
  [{ maxQualityScore: 0.85 }, at(0, 1, 5)],
  [{ minQualityScore: 0.5, maxQualityScore: 0.85 }, at(0, 1)],
  [{ source: 'CALL' }, at(4)],
  [{ source: 'MANUAL' }, at(0, 1, 2, 3)],
  [{ source: 'IMPORT', search: 'TOO' }, at(6)],
  [{ search: '%' }, at(0)],
  [{ search: '_' }, at(1)],
  [{ search: '\\' }, at(2)],
  [{ search: '%\\' }, []],
  [{ search: 'üBER ALLES' }, at(1)],
  [{ search: 'STRA' }, at(2)],
  [{ search: 'LONG ANSWER' }, at(4)],
  [{ search: "'; DROP TABLE finetuning_examples; --" }, []],
  [{ search: '  ' }, names],
  [{ validated: null, search: null }, names],
])('keeps for %j', async (filter, expected) => {
  const { contents, totalCount } = await page(client, datasetId, { filter });
  expect(contents).toEqual(expected);
  expect(totalCount).toBe(expected.length);
});

test.each<[filter: ExampleFilter, field: string]>([
  [{ search: 'a\0' }, 'filter.search'],
  [{ search: '\ud800' }, 'filter.search'],
  [{ search: 'x'.repeat(1001) }, 'filter.search'],
  [{ minQualityScore: 1.1 }, 'filter.minQualityScore'],
  [{ maxQualityScore: -1 }, 'filter.maxQualityScore'],
])('refuses the filter %j', async (filter, field) => {
  const { errors } = await client.answer(Listed, { datasetId, filter });
  expect(errors?.[0]).toMatchObject({
    message: expect.stringContaining(field),
    extensions: { code: 'INVALID_INPUT' },
  });
});

test('orders by quality, those without one last', async () => {
  const rated = ['imported', '100% sure?', 'snake_case'];
  const ascending = (await page(client, datasetId, { orderBy: { field: 'QUALITY_SCORE', direction: 'ASC' } }))
    .contents;
  const descending = (
    await page(client, datasetId, { orderBy: { field: 'QUALITY_SCORE', direction: 'DESC' } })
  ).contents;
  expect(ascending).toEqual([...rated, expect.any(String), expect.any(String), 'Imported too', 'plain']);
  expect(descending).toEqual([...ascending.slice(0, -1).toReversed(), 'plain']);
  expect(
    (await page(client, datasetId, { orderBy: { field: 'POSITION', direction: 'DESC' } })).contents,
  ).toEqual(names.toReversed());
});

test('orders what is equal as it was added', async () => {
  const equal = await newDataset(client, 'Equal ones');
  const contents = Array.from({ length: 60 }, (_, index) => `Equal ${index}`);
  await addExamples(
    client,
    equal,
    contents.map((content) => example(content, 'Yes.', 0.5)),
  );
  for (const field of ['QUALITY_SCORE', 'CREATED_AT'] as const) {
    const orderBy = { field, direction: 'ASC' } as const;
    expect((await page(client, equal, { first: 100, orderBy })).contents).toEqual(contents);
  }
});

const orders = (['POSITION', 'QUALITY_SCORE', 'CREATED_AT', 'UPDATED_AT'] as const).flatMap((field) =>
  (['ASC', 'DESC'] as const).map((direction): ExampleOrder => ({ field, direction })),
);
test.each(orders)(
  'is walked forwards and backwards without a gap or a repeat, by $field $direction',
  async (orderBy) => {
    const { contents } = await page(client, datasetId, { orderBy });
    expect(contents.toSorted()).toEqual(names.toSorted());
    for (const size of [1, 2, 3]) {
      expect(await walk(client, datasetId, { first: size, orderBy })).toEqual(contents);
      expect(await walk(client, datasetId, { last: size, orderBy })).toEqual(contents);
    }
  },
);
