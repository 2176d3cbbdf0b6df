import { afterAll, beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { providersOf } from '../src/providers.ts';
import type { TestClient } from './support/client.ts';
import { ended, launch, newDataset, readRun } from './support/runs.ts';
import { newTenant, sharedServer, startTestServer, type TestServer } from './support/server.ts';
import { standIn } from './support/standIn.ts';

const SetBudget = graphql(`
  mutation BudgetSet($usd: Float) {
    setMonthlyBudget(input: { usd: $usd }) {
      __typename
      ... on Budget {
        monthlyUsd
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

const Read = graphql(`
  query BudgetRead($provider: String) {
    budget(provider: $provider) {
      month
      monthlyUsd
      spentUsd
      committedUsd
      remainingUsd
      unestimatedRuns
      rehearsed
    }
  }
`);

const Launch = graphql(`
  mutation BudgetLaunch($datasetId: ID!, $baseModel: String!, $provider: String) {
    launchTrainingRun(
      input: {
        datasetId: $datasetId
        baseModel: $baseModel
        provider: $provider
        hyperparameters: { nEpochs: 2 }
      }
    ) {
      __typename
      ... on TrainingRun {
        id
        estimatedCostUsd {
          upper
        }
      }
      ... on BudgetExceededError {
        code
        message
        monthlyUsd
        spentUsd
        committedUsd
        runUpperUsd
      }
    }
  }
`);

const setBudget = async (client: TestClient, usd: number | null) =>
  (await client.run(SetBudget, { usd })).setMonthlyBudget;
const read = async (client: TestClient, provider?: string) => (await client.run(Read, { provider })).budget;
const tryLaunch = async (client: TestClient, datasetId: string, baseModel: string) =>
  (
    await client.run(Launch, {
      datasetId,
      baseModel,
      provider: baseModel.startsWith('sandbox') ? 'sandbox' : 'openai',
    })
  ).launchTrainingRun;

/** What a run of it may cost at the most. */
async function upperOf(client: TestClient, datasetId: string, baseModel: string): Promise<number> {
  const launched = await tryLaunch(client, datasetId, baseModel);
  if (!('id' in launched)) throw new Error(JSON.stringify(launched));
  return launched.estimatedCostUsd?.upper ?? 0;
}

let server: TestServer;
/** Nothing comes to an end here, and there are two providers. */
beforeAll(async () => {
  server = await startTestServer({
    clock: { now: () => new Date('2026-11-24T12:00:00Z') },
    providers: providersOf(standIn(undefined, 'openai'), standIn(undefined, 'sandbox')),
  });
});
afterAll(() => server.close());

test('a launch that could pass the budget is refused with the figures, and nothing is launched', async () => {
  const client = await server.asNewTenant();
  const datasetId = await newDataset(client, 20);
  const upper = await upperOf(client, datasetId, 'gpt-4.1');
  expect(await setBudget(client, 1.5 * upper)).toMatchObject({ monthlyUsd: 1.5 * upper });
  expect(await tryLaunch(client, datasetId, 'gpt-4.1')).toEqual({
    __typename: 'BudgetExceededError',
    code: 'BUDGET_EXCEEDED',
    message: expect.stringContaining('nEpochs'),
    monthlyUsd: 1.5 * upper,
    spentUsd: 0,
    committedUsd: upper,
    runUpperUsd: upper,
  });
  const budget = await read(client, 'openai');
  expect(budget).toMatchObject({
    month: '2026-11',
    committedUsd: upper,
    unestimatedRuns: 0,
    rehearsed: false,
  });
  expect(budget.remainingUsd).toBeCloseTo(0.5 * upper, 6);
  expect(await setBudget(client, 2 * upper)).toMatchObject({ __typename: 'Budget' });
  expect(await tryLaunch(client, datasetId, 'gpt-4.1')).toMatchObject({ __typename: 'TrainingRun' });
  expect(await read(client, 'openai')).toMatchObject({ committedUsd: 2 * upper, remainingUsd: 0 });
});

test('of launches at once no two take the same room', async () => {
  const client = await server.asNewTenant();
  const datasetId = await newDataset(client, 20);
  const upper = await upperOf(client, datasetId, 'gpt-4.1');
  await setBudget(client, 3.5 * upper);
  const results = await Promise.all(Array.from({ length: 6 }, () => tryLaunch(client, datasetId, 'gpt-4.1')));
  expect(results.filter(({ __typename }) => __typename === 'TrainingRun')).toHaveLength(2);
  expect(await read(client, 'openai')).toMatchObject({ committedUsd: 3 * upper });
});

test('what is rehearsed on the sandbox is held to the budget by itself', async () => {
  const client = await server.asNewTenant();
  const datasetId = await newDataset(client, 20);
  const upper = await upperOf(client, datasetId, 'gpt-4.1');
  await setBudget(client, 1.1 * upper);
  expect(await upperOf(client, datasetId, 'sandbox-large')).toBe(upper);
  expect(await tryLaunch(client, datasetId, 'sandbox-large')).toMatchObject({ code: 'BUDGET_EXCEEDED' });
  expect(await read(client, 'sandbox')).toMatchObject({ committedUsd: upper, rehearsed: true });
  expect(await read(client, 'openai')).toMatchObject({ committedUsd: upper, rehearsed: false });
});

test('what cannot be estimated could cost anything', async () => {
  const client = await server.asNewTenant();
  const datasetId = await newDataset(client, 20);
  await upperOf(client, datasetId, 'gpt-4.1');
  await setBudget(client, 1000);
  await server.db.withTenant(client.tenantId, (tx) =>
    tx.trainingRun.updateMany({ data: { estimatedUpperUsd: null } }),
  );
  expect(await tryLaunch(client, datasetId, 'gpt-4.1')).toMatchObject({
    code: 'BUDGET_EXCEEDED',
    message: expect.stringContaining('1 that were launched without an estimate'),
  });
  await server.db.withTenant(client.tenantId, async (tx) => {
    await tx.trainingRun.updateMany({
      data: { status: 'FAILED', completedAt: new Date('2026-11-24T11:00:00Z') },
    });
  });
  await server.db.asSystem((tx) =>
    tx.baseModelPrice.updateMany({
      where: { baseModel: { name: 'gpt-4.1-mini-2025-04-14' } },
      data: { validFrom: new Date('2026-11-25') },
    }),
  );
  expect(await tryLaunch(client, datasetId, 'gpt-4.1-mini')).toMatchObject({
    code: 'BUDGET_EXCEEDED',
    runUpperUsd: null,
    message: expect.stringContaining('cannot be estimated'),
  });
  await setBudget(client, null);
  expect(await tryLaunch(client, datasetId, 'gpt-4.1-mini')).toMatchObject({
    __typename: 'TrainingRun',
    estimatedCostUsd: null,
  });
});

test('what ended counts in the month of its end by its cost, or by its estimate where it may be billed', async () => {
  const client = await server.asNewTenant();
  const datasetId = await newDataset(client, 20);
  const upper = await upperOf(client, datasetId, 'gpt-4.1');
  const end = (data: object) =>
    server.db.withTenant(client.tenantId, (tx) => tx.trainingRun.updateMany({ data: { ...data } }));
  const spent = async () => (await read(client, 'openai')).spentUsd;
  await end({ status: 'SUCCEEDED', completedAt: new Date('2026-11-01T00:00:00Z'), trainingCostUsd: 0.25 });
  expect(await read(client, 'openai')).toMatchObject({ spentUsd: 0.25, committedUsd: 0, remainingUsd: null });
  await end({ trainingCostUsd: null });
  expect(await spent()).toBe(upper);
  await end({ status: 'CANCELLED', startedAt: null });
  expect(await spent()).toBe(0);
  await end({ startedAt: new Date('2026-10-30T00:00:00Z') });
  expect(await spent()).toBe(upper);
  await end({ status: 'FAILED' });
  expect(await spent()).toBe(0);
  await end({ status: 'SUCCEEDED', completedAt: new Date('2026-10-31T23:59:59Z'), trainingCostUsd: 9 });
  expect(await spent()).toBe(0);
  await end({ completedAt: new Date('2026-12-01T00:00:00Z') });
  expect(await spent()).toBe(0);
});

test('a budget is set, lifted and noted; nonsense is refused', async () => {
  const { db } = await sharedServer();
  const client = await newTenant();
  expect(await setBudget(client, 12.3456789)).toMatchObject({ monthlyUsd: 12.345679 });
  expect(await setBudget(client, null)).toMatchObject({ monthlyUsd: null });
  expect(await setBudget(client, -1)).toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('usd'),
  });
  const entries = await db.withTenant(client.tenantId, (tx) =>
    tx.auditEntry.findMany({ orderBy: { createdAt: 'asc' } }),
  );
  expect(entries.map(({ action, detail }) => [action, detail])).toEqual([
    ['SET_MONTHLY_BUDGET', { usd: '12.345679', before: null }],
    ['SET_MONTHLY_BUDGET', { usd: null, before: '12.345679' }],
  ]);
});

test('the whole way: what a run cost is spent, and what it might have is free again', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 12);
  await setBudget(client, 50);
  const run = await ended(client, (await launch(client, { datasetId })).id);
  const { trainingCostUsd } = await readRun(client, run.id);
  expect(await read(client)).toMatchObject({ spentUsd: trainingCostUsd, committedUsd: 0, rehearsed: true });
});
