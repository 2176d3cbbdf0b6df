/** The list of datasets: filters, order, pages. */
import { beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { DatasetFilter, DatasetOrder } from '../src/generated/gql/graphql.ts';
import { addExamples, example, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { newTenant } from './support/server.ts';

const Datasets = graphql(`
  query DataDatasets($filter: DatasetFilter, $orderBy: DatasetOrder, $first: Int, $after: String) {
    datasets(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          name
        }
      }
    }
  }
`);

let client: TestClient;
const names = ['Beta 100%', 'alpha_1', 'Gamma\\x', 'Ärger', 'Delta'];
beforeAll(async () => {
  client = await newTenant();
  for (const [index, name] of names.entries()) {
    const id = await newDataset(client, name, { description: `Nummer ${index}: ÜBUNG` });
    const examples = Array.from({ length: index % 3 }, (_, at) => example(`Q${at}`));
    if (examples.length > 0) await addExamples(client, id, examples);
  }
});

const listed = async (filter: DatasetFilter | null, orderBy: DatasetOrder | null = null) => {
  const { datasets } = await client.run(Datasets, { filter, orderBy });
  expect(datasets.totalCount).toBe(datasets.edges.length);
  return datasets.edges.map(({ node }) => node.name);
};

test.each<[name: string, filter: DatasetFilter, expected: string[]]>([
  ['a percent sign', { search: '%' }, ['Beta 100%']],
  ['an underscore', { search: '_' }, ['alpha_1']],
  ['a backslash', { search: '\\' }, ['Gamma\\x']],
  ['any case', { search: 'DELTA' }, ['Delta']],
  ['an umlaut in any case', { search: 'äRG' }, ['Ärger']],
  ['the description too', { search: 'nummer 2: übung' }, ['Gamma\\x']],
  ['exactly a name', { name: 'Delta' }, ['Delta']],
  ['exactly a name, not its beginning', { name: 'Delt' }, []],
  ['both', { name: 'Delta', search: 'alpha' }, []],
])('finds by %s', async (_name, filter, expected) => {
  expect(await listed(filter)).toEqual(expected);
});

test('is ordered as asked', async () => {
  const newestFirst = names.toReversed();
  expect(await listed(null)).toEqual(newestFirst);
  expect(await listed({}, { field: 'CREATED_AT', direction: 'ASC' })).toEqual(names);
  expect(await listed(null, { field: 'EXAMPLE_COUNT' })).toEqual([
    'Gamma\\x',
    'Delta',
    'alpha_1',
    'Ärger',
    'Beta 100%',
  ]);
  const byName = await listed(null, { field: 'NAME', direction: 'ASC' });
  expect(byName.indexOf('Beta 100%')).toBeLessThan(byName.indexOf('Delta'));
  expect(await listed(null, { field: 'NAME', direction: 'DESC' })).toEqual(byName.toReversed());
});

test('is read page by page', async () => {
  const seen: string[] = [];
  const page = async (after: string | null) => {
    const orderBy: DatasetOrder = { field: 'EXAMPLE_COUNT', direction: 'ASC' };
    const { datasets } = await client.run(Datasets, { first: 2, after, orderBy });
    seen.push(...datasets.edges.map(({ node }) => node.name));
    return datasets.pageInfo;
  };
  let { hasNextPage, endCursor } = await page(null);
  while (hasNextPage) ({ hasNextPage, endCursor } = await page(endCursor ?? null));
  expect(seen).toEqual(['Beta 100%', 'Ärger', 'alpha_1', 'Delta', 'Gamma\\x']);
});
