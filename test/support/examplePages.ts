/** Pages of examples, and walks through them. */
import { expect } from 'vitest';
import { graphql } from '../../src/generated/gql/index.ts';
import type { ExampleFilter, ExampleOrder } from '../../src/generated/gql/graphql.ts';
import type { TestClient } from './client.ts';

export const Listed = graphql(`
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

interface Page {
  first?: number;
  after?: string | null;
  last?: number;
  before?: string | null;
  filter?: ExampleFilter;
  orderBy?: ExampleOrder;
}

/** A page, which must be the same below the dataset as at the root. */
export async function page(client: TestClient, datasetId: string, wanted: Page = {}) {
  const { examples, dataset } = await client.run(Listed, { datasetId, ...wanted });
  const contents = examples.edges.map(({ node }) => node.userMessage);
  expect(dataset?.examples.edges.map(({ node }) => node.userMessage)).toEqual(contents);
  return { ...examples, contents };
}

/** All pages one after the other; `between` happens after each. */
export async function walk(
  client: TestClient,
  datasetId: string,
  wanted: Page,
  between = async (_contents: string[]) => {},
) {
  const backwards = wanted.last !== undefined;
  const seen: string[] = [];
  for (let cursor: string | null = null; ;) {
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
