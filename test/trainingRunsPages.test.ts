/** A run's long lists, page by page. */
import { beforeAll, expect, test } from 'vitest';
import type { RunPagesQueryVariables } from '../src/generated/gql/graphql.ts';
import { graphql } from '../src/generated/gql/index.ts';
import { ended, launch, newDataset, rowId } from './support/runs.ts';
import { newTenant, sharedServer } from './support/server.ts';

// The first file that needs it waits for the server to start.
beforeAll(sharedServer, 120_000);

const EventPage = graphql(`
  query RunEventPage($id: ID!, $first: Int, $after: String, $afterSeq: Int) {
    trainingRun(id: $id) {
      events(first: $first, after: $after, afterSeq: $afterSeq) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        edges {
          node {
            seq
          }
        }
      }
    }
  }
`);

const Pages = graphql(`
  query RunPages($id: ID!, $first: Int, $last: Int, $after: String, $before: String) {
    trainingRun(id: $id) {
      events(first: $first, last: $last, after: $after, before: $before) {
        ...RunPageOfEvents
      }
      export {
        examples(first: $first, last: $last, after: $after, before: $before) {
          ...RunPageOfLines
        }
      }
    }
  }

  fragment RunPageOfEvents on TrainingRunEventsConnection {
    totalCount
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      node {
        seq
      }
    }
  }

  fragment RunPageOfLines on ExportExamplesConnection {
    totalCount
    pageInfo {
      hasNextPage
      hasPreviousPage
    }
    edges {
      node {
        line
      }
    }
  }
`);

test('events and lines are paged forwards and backwards', async () => {
  const client = await newTenant();
  const { id } = await launch(client, { datasetId: await newDataset(client, 12) });
  const { lastSeq } = await ended(client, id);
  const page = async (args: Omit<RunPagesQueryVariables, 'id'>) => {
    const { trainingRun } = await client.run(Pages, { id, ...args });
    const events = trainingRun?.events;
    const lines = trainingRun?.export?.examples;
    return {
      seqs: events?.edges.map(({ node }) => node.seq),
      lines: lines?.edges.map(({ node }) => node.line),
      more: [events?.pageInfo.hasPreviousPage, events?.pageInfo.hasNextPage],
      ends: [events?.pageInfo.startCursor ?? null, events?.pageInfo.endCursor ?? null] as const,
      counts: [events?.totalCount, lines?.totalCount],
    };
  };
  const counts = [lastSeq, 12];
  const first = await page({ first: 3 });
  expect(first).toMatchObject({ seqs: [1, 2, 3], lines: [1, 2, 3], more: [false, true], counts });
  const second = await page({ first: 2, after: first.ends[1] });
  expect(second).toMatchObject({ seqs: [4, 5], lines: [4, 5], more: [true, true], counts });
  const back = await page({ last: 2, before: second.ends[0] });
  expect(back).toMatchObject({ seqs: [2, 3], lines: [2, 3], more: [true, true], counts });
  const last = await page({ last: 2 });
  expect(last).toMatchObject({ seqs: [lastSeq - 1, lastSeq], lines: [11, 12], more: [true, false], counts });
  expect(await page({ first: 5, after: last.ends[1] })).toMatchObject({ seqs: [], more: [true, false] });
  expect(await page({ last: 5, before: first.ends[0] })).toMatchObject({ seqs: [], more: [false, true] });
});

test('ten thousand events of a run are read page by page without a gap', async () => {
  const { db } = await sharedServer();
  const client = await newTenant();
  const { id } = await launch(client, { datasetId: await newDataset(client, 12) });
  const { lastSeq } = await ended(client, id);
  await db.withTenant(client.tenantId, async (tx) => {
    await tx.$executeRaw`
      INSERT INTO finetuning_run_events (tenant_id, run_id, seq, type, message)
      SELECT ${client.tenantId}::uuid, ${rowId(id)}::uuid, n, 'MESSAGE', 'message ' || n FROM generate_series(${lastSeq + 1}::int, 10000) AS n`;
    await tx.trainingRun.update({ where: { id: rowId(id) }, data: { lastSeq: 10_000 } });
  });
  const seqs: number[] = [];
  let after: string | null = null;
  for (;;) {
    const { trainingRun }: Awaited<ReturnType<typeof page>> = await page(after);
    if (!trainingRun) throw new Error('The run is gone');
    seqs.push(...trainingRun.events.edges.map((edge) => edge.node.seq));
    if (!trainingRun.events.pageInfo.hasNextPage) break;
    after = trainingRun.events.pageInfo.endCursor ?? null;
  }
  expect(seqs).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1));
  const late = await client.run(EventPage, { id, first: 5, afterSeq: 9_998 });
  expect(late.trainingRun?.events.edges.map((edge) => edge.node.seq)).toEqual([9_999, 10_000]);

  function page(from: string | null) {
    return client.run(EventPage, { id, first: 100, after: from });
  }
}, 120_000);
