/** Lists of examples: filters, order, and walking through their pages. */
import { beforeAll, describe, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { ExampleFilter, ExampleOrder } from '../src/generated/gql/graphql.ts';
import { addExamples, call, collect, example, importCalls, importFile, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { newTenant } from './support/server.ts';

const Listed = graphql(`
  query DataExamplesListed(
    $datasetId: ID!
    $filter: ExampleFilter
    $orderBy: ExampleOrder
    $first: Int
    $after: String
    $last: Int
    $before: String
  ) {
    examples(
      datasetId: $datasetId
      filter: $filter
      orderBy: $orderBy
      first: $first
      after: $after
      last: $last
      before: $before
    ) {
      totalCount
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      edges {
        cursor
        node {
          id
          userMessage
        }
      }
    }
    dataset(id: $datasetId) {
      examples(
        filter: $filter
        orderBy: $orderBy
        first: $first
        after: $after
        last: $last
        before: $before
      ) {
        totalCount
        edges {
          cursor
          node {
            userMessage
          }
        }
      }
    }
  }
`);

const Validate = graphql(`
  mutation DataExamplesValidate($input: ValidateExamplesInput!) {
    validateExamples(input: $input) {
      __typename
    }
  }
`);

const Reject = graphql(`
  mutation DataExamplesReject($input: RejectExamplesInput!) {
    rejectExamples(input: $input) {
      __typename
    }
  }
`);

interface Page {
  first?: number;
  after?: string | null;
  last?: number;
  before?: string | null;
  filter?: ExampleFilter;
  orderBy?: ExampleOrder;
}

/** A page, which must be the same below the dataset as at the root. */
async function page(client: TestClient, datasetId: string, wanted: Page = {}) {
  const { examples, dataset } = await client.run(Listed, { datasetId, ...wanted });
  const contents = examples.edges.map(({ node }) => node.userMessage);
  expect(dataset?.examples.edges.map(({ node }) => node.userMessage)).toEqual(contents);
  return { ...examples, contents };
}

/** All pages one after the other; `between` happens after each. */
async function walk(client: TestClient, datasetId: string, wanted: Page, between = async (_contents: string[]) => {}) {
  const backwards = wanted.last !== undefined;
  const seen: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const { contents, pageInfo }: Awaited<ReturnType<typeof page>> = await page(client, datasetId, {
      ...wanted,
      ...(cursor !== null && { [backwards ? 'before' : 'after']: cursor }),
    });
    if (backwards) seen.unshift(...contents);
    else seen.push(...contents);
    await between(contents);
    if (!(backwards ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) return seen;
    cursor = (backwards ? pageInfo.startCursor : pageInfo.endCursor) ?? null;
  }
}

describe('a dataset of every kind of example', () => {
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
    await importCalls(client, [call('CA1', ['caller: What a long question that is!', 'agent: And what a long answer it got!'])]);
    await collect(client, { datasetId });
    const lines = ['imported', 'Imported too'].map((content, at) => ({
      messages: [{ role: 'user', content }, { role: 'assistant', content: 'ok' }],
      quality_score: at,
    }));
    await importFile(client, `/import/examples/${datasetId}`, 'application/jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
    const { examples } = await client.run(Listed, { datasetId });
    await client.run(Reject, { input: { ids: examples.edges.slice(0, 1).map(({ node }) => node.id) } });
    await client.run(Validate, { input: { ids: examples.edges.slice(1, 3).map(({ node }) => node.id) } });
  });

  const names = ['100% sure?', 'snake_case', 'back\\slash', 'plain', 'What a long question that is!', 'imported', 'Imported too'];
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
    expect(errors?.[0]).toMatchObject({ message: expect.stringContaining(field), extensions: { code: 'INVALID_INPUT' } });
  });

  test('orders by quality, those without one last', async () => {
    const rated = ['imported', '100% sure?', 'snake_case'];
    const ascending = (await page(client, datasetId, { orderBy: { field: 'QUALITY_SCORE', direction: 'ASC' } })).contents;
    const descending = (await page(client, datasetId, { orderBy: { field: 'QUALITY_SCORE', direction: 'DESC' } })).contents;
    expect(ascending).toEqual([...rated, expect.any(String), expect.any(String), 'Imported too', 'plain']);
    expect(descending).toEqual([...ascending.slice(0, -1).toReversed(), 'plain']);
    expect((await page(client, datasetId, { orderBy: { field: 'POSITION', direction: 'DESC' } })).contents).toEqual(names.toReversed());
  });

  const orders = (['POSITION', 'QUALITY_SCORE', 'CREATED_AT', 'UPDATED_AT'] as const).flatMap((field) =>
    (['ASC', 'DESC'] as const).map((direction): ExampleOrder => ({ field, direction })),
  );
  test.each(orders)('is walked forwards and backwards without a gap or a repeat, by $field $direction', async (orderBy) => {
    const { contents } = await page(client, datasetId, { orderBy });
    expect(contents.toSorted()).toEqual(names.toSorted());
    for (const size of [1, 2, 3]) {
      expect(await walk(client, datasetId, { first: size, orderBy })).toEqual(contents);
      expect(await walk(client, datasetId, { last: size, orderBy })).toEqual(contents);
    }
  });
});

describe('a dataset that changes while it is read', () => {
  const questions = Array.from({ length: 9 }, (_, index) => `Question ${index}`);
  async function nineExamples(): Promise<[TestClient, string]> {
    const client = await newTenant();
    const datasetId = await newDataset(client);
    await addExamples(client, datasetId, questions.map((question) => example(question)));
    return [client, datasetId];
  }

  test('is walked without a gap or a repeat while examples are added', async () => {
    const [client, datasetId] = await nineExamples();
    let added = 0;
    const addOne = async () => void (added < 6 && (await addExamples(client, datasetId, [example(`New ${(added += 1)}`)])));
    expect(await walk(client, datasetId, { first: 2 }, addOne)).toEqual([...questions, ...Array.from({ length: added }, (_, index) => `New ${index + 1}`)]);
    added = 5;
    expect((await walk(client, datasetId, { last: 4 }, addOne)).slice(0, 9)).toEqual(questions);
  });

  test.each([{ first: 2 }, { last: 2 }])('is reviewed page by page without missing one, by %j', async (size) => {
    const [client, datasetId] = await nineExamples();
    const review = async (contents: string[]) => {
      for (const search of contents) await client.run(Validate, { input: { datasetId, filter: { search } } });
    };
    expect(await walk(client, datasetId, { ...size, filter: { validated: false } }, review)).toEqual(questions);
    expect((await page(client, datasetId, { filter: { validated: false } })).contents).toEqual([]);
  });
});
