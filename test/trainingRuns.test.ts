import { beforeAll, expect, test } from 'vitest';
import { trainingCostUsd } from '../src/services/price.ts';
import { Prisma } from '../src/generated/prisma/client.ts';
import { graphql } from '../src/generated/gql/index.ts';
import { newTenant, sharedServer } from './support/server.ts';
import { Refresh } from './support/runDocuments.ts';
import { ended, launch, newDataset, question, rowId } from './support/runs.ts';

// The first file that needs it waits for the server to start.
beforeAll(sharedServer, 120_000);

const Runs = graphql(`
  query RunList($filter: TrainingRunFilter, $orderBy: TrainingRunOrder, $first: Int, $after: String) {
    trainingRuns(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          id
          status
        }
      }
    }
  }
`);

const Node = graphql(`
  query RunNode($id: ID!) {
    node(id: $id) {
      __typename
      ... on TrainingRun {
        status
      }
    }
  }
`);

const idsOf = ({ trainingRuns }: { trainingRuns: { edges: { node: { id: string } }[] } }) =>
  trainingRuns.edges.map((edge) => edge.node.id);

test('a run tells everything about itself', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 20);
  const launched = await launch(client, { datasetId, hyperparameters: { nEpochs: 3 } });
  const run = await ended(client, launched.id);

  expect(run).toMatchObject({
    status: 'SUCCEEDED',
    baseModel: 'sandbox-small-2026-01-01',
    providerJobId: expect.stringMatching(/^ftjob-/),
    resultModelId: expect.stringMatching(/^ft:sandbox-small-2026-01-01:/),
    errorCode: null,
    errorMessage: null,
    dataset: { id: datasetId },
    // What was left to the provider is filled in when it says.
    hyperparameters: {
      nEpochs: 3,
      batchSize: expect.any(Number),
      learningRateMultiplier: expect.any(Number),
    },
  });

  const tokens = run.trainedTokens ?? 0;
  expect(tokens).toBeGreaterThan(0);
  expect(tokens % 3).toBe(0);
  const price = run.price?.trainingUsdPerMTokens ?? 0;
  expect(price).toBeGreaterThan(0);
  expect(run.trainingCostUsd).toBeGreaterThan(0);
  expect(run.trainingCostUsd).toBe(Number(((tokens * price) / 1e6).toFixed(6)));
  expect(trainingCostUsd(BigInt(tokens), new Prisma.Decimal(price)).toNumber()).toBe(run.trainingCostUsd);

  const times = [run.createdAt, run.startedAt, run.completedAt].map((time) => Date.parse(time ?? ''));
  expect(times.every(Number.isFinite)).toBe(true);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(run.lastPolledAt).not.toBeNull();
});

test('a run leads to its export, the lines and their examples', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 12);
  const { id } = await launch(client, { datasetId });
  const run = await ended(client, id);
  expect(run.export).toMatchObject({ exampleCount: 12, examples: { totalCount: 12 } });
  expect(run.export?.examples.edges.map((edge) => edge.node)).toEqual(
    Array.from({ length: 12 }, (_, n) => ({ line: n + 1, example: { userMessage: question(n) } })),
  );
});

test('a run has its events, a falling loss and checkpoints', async () => {
  const client = await newTenant();
  const { id } = await launch(client, {
    datasetId: await newDataset(client, 20),
    hyperparameters: { nEpochs: 4 },
  });
  const run = await ended(client, id);
  const events = run.events.edges.map((edge) => edge.node);
  expect(run.events.totalCount).toBe(run.lastSeq);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const told = events.map(({ message }) => message).join('\n');
  for (const words of [
    'accepted',
    'Exported 20 examples',
    'Uploaded',
    'Submitted as job',
    'SUCCEEDED',
    'Checkpoint',
  ]) {
    expect(told).toContain(words);
  }
  expect(run.metrics.length).toBeGreaterThan(3);
  const steps = run.metrics.map(({ step }) => step ?? 0);
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  const losses = run.metrics.map(({ trainLoss }) => trainLoss ?? 0);
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);
  for (const { trainAccuracy } of run.metrics) {
    expect(trainAccuracy).toBeGreaterThanOrEqual(0);
    expect(trainAccuracy).toBeLessThanOrEqual(1);
  }
  expect(run.checkpoints.map(({ step }) => step)).toHaveLength(3);
  for (const { modelId, step, metrics } of run.checkpoints) {
    expect(modelId).toBe(`${run.resultModelId}:ckpt-step-${step}`);
    expect(metrics.step).toBe(step);
  }
});

test('what was uploaded for a run is deleted at the provider after its end', async () => {
  const { sandbox, db } = await sharedServer();
  const client = await newTenant();
  const { id } = await launch(client, { datasetId: await newDataset(client, 12) });
  await ended(client, id);
  // The run ends for its followers first; the worker that was woken by that cleans up.
  await expect
    .poll(() => db.withTenant(client.tenantId, (tx) => tx.trainingRun.findFirst({ select: { step: true } })))
    .toEqual({ step: 'DONE' });
  const answered = await fetch(`${sandbox.url}/files?purpose=fine-tune`, {
    headers: { authorization: 'Bearer sandbox' },
  });
  const files = (await answered.json()) as { data: { filename: string }[] };
  expect(files.data.filter(({ filename }) => filename.includes(rowId(id)))).toEqual([]);
});

test('runs are listed: filtered, ordered, page by page, one’s own only', async () => {
  const client = await newTenant();
  const [datasetId, other] = [await newDataset(client, 12, 'a'), await newDataset(client, 12, 'b')];
  const ids: string[] = [];
  for (const dataset of [datasetId, other, datasetId]) {
    const { id } = await launch(client, { datasetId: dataset });
    await ended(client, id);
    ids.unshift(id);
  }
  const all = await client.run(Runs, {});
  expect(idsOf(all)).toEqual(ids);
  expect(all.trainingRuns.totalCount).toBe(3);
  expect(idsOf(await client.run(Runs, { orderBy: { field: 'CREATED_AT', direction: 'ASC' } }))).toEqual(
    ids.toReversed(),
  );
  expect(idsOf(await client.run(Runs, { filter: { datasetId: other } }))).toEqual([ids[1]]);
  expect(idsOf(await client.run(Runs, { filter: { status: ['SUCCEEDED'], provider: 'sandbox' } }))).toEqual(
    ids,
  );
  expect((await client.run(Runs, { filter: { status: ['RUNNING'] } })).trainingRuns.totalCount).toBe(0);
  const first = await client.run(Runs, { first: 2 });
  expect(idsOf(first)).toEqual(ids.slice(0, 2));
  const rest = await client.run(Runs, { first: 2, after: first.trainingRuns.pageInfo.endCursor ?? null });
  expect([idsOf(rest), rest.trainingRuns.pageInfo.hasNextPage]).toEqual([ids.slice(2), false]);

  const neighbour = await newTenant();
  expect((await neighbour.run(Runs, {})).trainingRuns.totalCount).toBe(0);
  expect(await neighbour.run(Node, { id: ids[0] ?? '' })).toEqual({ node: null });
  expect(await client.run(Node, { id: ids[0] ?? '' })).toEqual({
    node: { __typename: 'TrainingRun', status: 'SUCCEEDED' },
  });
  expect(await neighbour.run(Refresh, { id: ids[0] ?? '' })).toMatchObject({
    refreshTrainingRun: { code: 'NOT_FOUND' },
  });
});
