/** The lines of an export of several blocks, page by page from either end, and the exports of an example. */
import { beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { LinePageQueryVariables } from '../src/generated/gql/graphql.ts';
import { newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { ExportDataset } from './support/runDocuments.ts';
import { rowId } from './support/runs.ts';
import { newTenant, sharedServer } from './support/server.ts';

const LinePage = graphql(`
  query LinePage($id: ID!, $first: Int, $last: Int, $after: String, $before: String) {
    export(id: $id) {
      exampleCount
      validationExampleCount
      examples(first: $first, last: $last, after: $after, before: $before) {
        totalCount
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        edges {
          node {
            part
            line
            example {
              id
              position
            }
          }
        }
      }
    }
  }
`);

const ExampleExports = graphql(`
  query ExampleExports($datasetId: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    examples(datasetId: $datasetId, first: 1) {
      edges {
        node {
          position
          exports(first: $first, after: $after, last: $last, before: $before) {
            totalCount
            pageInfo {
              hasNextPage
              hasPreviousPage
              startCursor
              endCursor
            }
            edges {
              node {
                line
                export {
                  id
                }
              }
            }
          }
        }
      }
    }
  }
`);

const EXAMPLES = 620;
let client: TestClient;
let datasetId: string;

beforeAll(async () => {
  const { db } = await sharedServer();
  client = await newTenant();
  datasetId = await newDataset(client);
  await db.withTenant(
    client.tenantId,
    (tx) => tx.$executeRaw`
      INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response,
        validated, source, content_hash, tokens)
      SELECT ${client.tenantId}::uuid, ${rowId(datasetId)}::uuid, n, messages, said, said, true, 'MANUAL',
        messages_hash(messages), 12
      FROM generate_series(1, ${EXAMPLES}::int) AS n
      CROSS JOIN LATERAL (SELECT string_agg(md5(concat(n, word)), ' ') AS said FROM generate_series(1, 20) AS word) AS spoken
      CROSS JOIN LATERAL (SELECT jsonb_build_array(
        jsonb_build_object('role', 'user', 'content', said), jsonb_build_object('role', 'assistant', 'content', said)
      ) AS messages) AS made`,
  );
}, 120_000);

async function exported(validationShare?: number, seed = 1): Promise<string> {
  const split = validationShare === undefined ? null : { validationShare, seed };
  const { exportDataset } = await client.run(ExportDataset, { input: { datasetId, split } });
  if (!('id' in exportDataset)) throw new Error(exportDataset.message);
  return exportDataset.id;
}

async function page(args: LinePageQueryVariables) {
  const { export: found } = await client.run(LinePage, args);
  if (!found) throw new Error('The export is gone');
  return found;
}

async function exportsOf(args: { first?: number; after?: string; last?: number; before?: string }) {
  const { examples } = await client.run(ExampleExports, { datasetId, ...args });
  const [edge] = examples.edges;
  if (!edge) throw new Error('There are examples');
  const { totalCount, pageInfo, edges } = edge.node.exports;
  expect(totalCount).toBe(4);
  return { ...pageInfo, ids: edges.map(({ node }) => node.export.id) };
}

test('lines have no gap and no double, from either end and whatever the size of a page', async () => {
  const id = await exported(0.3);
  const whole: Awaited<ReturnType<typeof page>>['examples']['edges'] = [];
  for (let after: string | null = null; ;) {
    const { examples }: Awaited<ReturnType<typeof page>> = await page({ id, first: 100, after });
    expect(examples.totalCount).toBe(EXAMPLES);
    expect(examples.pageInfo.hasPreviousPage).toBe(after !== null);
    whole.push(...examples.edges);
    after = examples.pageInfo.endCursor ?? null;
    if (!examples.pageInfo.hasNextPage) break;
  }
  const nodes = whole.map(({ node }) => node);
  const training = nodes.filter(({ part }) => part === 'TRAINING');
  const validation = nodes.filter(({ part }) => part === 'VALIDATION');
  expect(nodes).toEqual([...training, ...validation]);
  expect(validation).toHaveLength(186);
  for (const part of [training, validation]) {
    expect(part.map(({ line }) => line)).toEqual(part.map((_, index) => index + 1));
    const positions = part.map(({ example }) => example?.position ?? 0);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  }
  expect(new Set(nodes.map(({ example }) => example?.id)).size).toBe(EXAMPLES);

  const back: typeof nodes = [];
  for (let before: string | null = null; ;) {
    const { examples }: Awaited<ReturnType<typeof page>> = await page({ id, last: 73, before });
    expect(examples.pageInfo.hasNextPage).toBe(before !== null);
    back.unshift(...examples.edges.map(({ node }) => node));
    before = examples.pageInfo.startCursor ?? null;
    if (!examples.pageInfo.hasPreviousPage) break;
  }
  expect(back).toEqual(nodes);
}, 120_000);

test('an example tells its exports, page by page from either end', async () => {
  const ids = [
    await exported(),
    await exported(0.3),
    await exported(0.2, 5),
    await exported(0.4, 7),
  ].toSorted((a, b) => rowId(a).localeCompare(rowId(b)));
  const first = await exportsOf({ first: 3 });
  expect(first).toMatchObject({ ids: ids.slice(0, 3), hasNextPage: true, hasPreviousPage: false });
  const second = await exportsOf({ first: 3, after: first.endCursor ?? '' });
  expect(second).toMatchObject({ ids: ids.slice(3), hasNextPage: false, hasPreviousPage: true });
  const last = await exportsOf({ last: 2 });
  expect(last).toMatchObject({ ids: ids.slice(2), hasNextPage: false, hasPreviousPage: true });
  expect(await exportsOf({ last: 2, before: last.startCursor ?? '' })).toMatchObject({
    ids: ids.slice(0, 2),
    hasNextPage: true,
    hasPreviousPage: false,
  });
  expect(await exportsOf({ first: 1, after: last.endCursor ?? '' })).toMatchObject({ ids: [] });
}, 120_000);
