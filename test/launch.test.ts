import { beforeAll, expect, test } from 'vitest';
import { lockDataset } from '../src/services/dataset.ts';
import { serverViewer } from '../src/services/viewer.ts';
import { newTenant, sharedServer } from './support/server.ts';
import { ExportDataset } from './support/runDocuments.ts';
import { ended, launch, newDataset, readRun, refusedLaunch, rowId } from './support/runs.ts';

// The first file that needs it waits for the server to start.
beforeAll(sharedServer, 120_000);

test('a launch answers at once with the run in PREPARING, and says what was asked for', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 60);
  const run = await launch(client, {
    datasetId,
    provider: 'sandbox',
    hyperparameters: { nEpochs: 2, batchSize: 10, learningRateMultiplier: 0.5 },
    suffix: 'support',
    seed: 42,
    requestKey: 'first',
  });
  expect(run).toMatchObject({
    status: 'PREPARING',
    provider: 'sandbox',
    baseModel: 'sandbox-small-2026-01-01',
    suffix: 'support',
    seed: 42,
    requestKey: 'first',
    providerJobId: null,
    hyperparameters: { nEpochs: 2, batchSize: 10, learningRateMultiplier: 0.5 },
    warnings: [],
  });
  const done = await ended(client, run.id);
  expect(done.status).toBe('SUCCEEDED');
  expect(done.resultModelId).toContain(':support:');
  expect(done.hyperparameters).toEqual({ nEpochs: 2, batchSize: 10, learningRateMultiplier: 0.5 });
});

test('an export is launched on as it is', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 12);
  const { exportDataset } = await client.run(ExportDataset, { input: { datasetId } });
  if (!('id' in exportDataset)) throw new Error(exportDataset.message);
  const run = await launch(client, { exportId: exportDataset.id });
  const done = await ended(client, run.id);
  expect(done.export).toMatchObject({ id: exportDataset.id, sha256: exportDataset.sha256, exampleCount: 12 });
});

test('fewer than 10 validated examples are refused, fewer than 50 warned of', async () => {
  const client = await newTenant();
  const [few, some] = [await newDataset(client, 9, 'few'), await newDataset(client, 10, 'some')];
  expect(await refusedLaunch(client, { datasetId: few })).toMatchObject({
    __typename: 'InsufficientExamplesError',
    code: 'INSUFFICIENT_EXAMPLES',
    have: 9,
    need: 10,
  });
  const run = await launch(client, { datasetId: some });
  expect(run.warnings).toEqual([
    { code: 'FEW_EXAMPLES', message: expect.stringContaining('Only 10 examples') },
  ]);
  const { exportDataset } = await client.run(ExportDataset, { input: { datasetId: few } });
  if (!('id' in exportDataset)) throw new Error(exportDataset.message);
  expect(await refusedLaunch(client, { exportId: exportDataset.id })).toMatchObject({ have: 9, need: 10 });
});

test('the same requestKey gives the same run; with other arguments it is refused', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 50);
  const input = { datasetId, requestKey: 'again', hyperparameters: { nEpochs: 1 } };
  const first = await launch(client, input);
  const second = await launch(client, {
    ...input,
    hyperparameters: { nEpochs: 1, batchSize: null },
    suffix: null,
  });
  expect(second.id).toBe(first.id);
  await ended(client, first.id);
  expect((await launch(client, input)).id).toBe(first.id);
  for (const other of [
    { seed: 1 },
    { suffix: 'x' },
    { hyperparameters: { nEpochs: 2 } },
    { baseModel: 'sandbox-large' },
  ]) {
    expect(await refusedLaunch(client, { ...input, ...other })).toMatchObject({
      __typename: 'RequestKeyReusedError',
      code: 'REQUEST_KEY_REUSED',
    });
  }
  // Another tenant's key is another key.
  const neighbour = await newTenant();
  const theirs = await launch(neighbour, { ...input, datasetId: await newDataset(neighbour, 50) });
  expect(theirs.id).not.toBe(first.id);
});

test('20 launches at once with one requestKey are one run and one job', async () => {
  const { sandbox } = await sharedServer();
  const client = await newTenant();
  const datasetId = await newDataset(client, 50);
  const launches = Array.from({ length: 20 }, () => launch(client, { datasetId, requestKey: 'once' }));
  const ids = new Set((await Promise.all(launches)).map(({ id }) => id));
  expect(ids.size).toBe(1);
  const [id = ''] = ids;
  const { providerJobId } = await ended(client, id);
  const query = new URLSearchParams({ limit: '100', 'metadata[tunesmith_run_id]': rowId(id) });
  const answered = await fetch(`${sandbox.url}/fine_tuning/jobs?${query}`, {
    headers: { authorization: 'Bearer sandbox' },
  });
  const jobs = (await answered.json()) as { data: { id: string }[] };
  expect(jobs.data.map((job) => job.id)).toEqual([providerJobId]);
});

test('every bad argument comes back as a fault that names it', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 50);
  const exportId = Buffer.from('Export:019ab000-0000-7000-8000-000000000002').toString('base64');
  const cases: [Parameters<typeof launch>[1], string][] = [
    [{}, 'input.datasetId'],
    [{ datasetId, exportId }, 'input.datasetId'],
    [{ datasetId: 'no id' }, 'input.datasetId'],
    [{ datasetId: exportId }, 'input.datasetId'],
    [{ exportId: datasetId }, 'input.exportId'],
    [{ datasetId: Buffer.from('Dataset:1').toString('base64') }, 'input.datasetId'],
    [{ datasetId, baseModel: '' }, 'input.baseModel'],
    [{ datasetId, provider: 'nobody' }, 'input.provider'],
    [{ datasetId, provider: '' }, 'input.provider'],
    [{ datasetId, hyperparameters: { nEpochs: 0 } }, 'input.hyperparameters.nEpochs'],
    [{ datasetId, hyperparameters: { nEpochs: 51 } }, 'input.hyperparameters.nEpochs'],
    [{ datasetId, hyperparameters: { batchSize: 0 } }, 'input.hyperparameters.batchSize'],
    [{ datasetId, hyperparameters: { batchSize: 257 } }, 'input.hyperparameters.batchSize'],
    [
      { datasetId, hyperparameters: { learningRateMultiplier: 0 } },
      'input.hyperparameters.learningRateMultiplier',
    ],
    [{ datasetId, suffix: '' }, 'input.suffix'],
    [{ datasetId, suffix: 'a b' }, 'input.suffix'],
    [{ datasetId, suffix: 'x'.repeat(65) }, 'input.suffix'],
    [{ datasetId, seed: -1 }, 'input.seed'],
    [{ datasetId, requestKey: ' ' }, 'input.requestKey'],
    [{ datasetId, requestKey: 'x'.repeat(201) }, 'input.requestKey'],
    [{ datasetId, requestKey: 'a\u0000b' }, 'input.requestKey'],
  ];
  for (const [input, field] of cases) {
    expect(await refusedLaunch(client, input), JSON.stringify(input)).toMatchObject({
      __typename: 'InvalidInputError',
      code: 'INVALID_INPUT',
      faults: [{ field, message: expect.any(String) }],
    });
  }
  const both = await refusedLaunch(client, { datasetId, seed: -1, suffix: 'a b' });
  expect('faults' in both && both.faults.map(({ field }) => field)).toEqual(['input.suffix', 'input.seed']);
});

test('what is not there, or another tenant’s, is not found', async () => {
  const client = await newTenant();
  const neighbour = await newTenant();
  const theirs = await newDataset(neighbour, 50);
  const { exportDataset } = await neighbour.run(ExportDataset, { input: { datasetId: theirs } });
  const exportId = 'id' in exportDataset ? exportDataset.id : '';
  const nowhere = Buffer.from('Dataset:019ab000-0000-7000-8000-000000000002').toString('base64');
  for (const input of [{ datasetId: theirs }, { exportId }, { datasetId: nowhere }]) {
    expect(await refusedLaunch(client, input)).toMatchObject({
      __typename: 'NotFoundError',
      code: 'NOT_FOUND',
    });
  }
});

test('an unknown base model is refused with those that there are', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 50);
  const refused = await refusedLaunch(client, { datasetId, baseModel: 'gpt-9' });
  expect(refused).toMatchObject({ __typename: 'BaseModelUnavailableError', code: 'UNKNOWN_BASE_MODEL' });
  expect(refused.message).toContain('sandbox-small-2026-01-01');
});

test('a launch that is refused leaves no run behind', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 50);
  const run = await launch(client, { datasetId, requestKey: 'k' });
  await refusedLaunch(client, { datasetId, requestKey: 'k', seed: 3 });
  await refusedLaunch(client, { datasetId, requestKey: 'other', seed: -3 });
  const { db } = await sharedServer();
  expect(await db.withTenant(client.tenantId, (tx) => tx.trainingRun.count())).toBe(1);
  expect((await readRun(client, run.id)).events.edges[0]?.node).toMatchObject({ seq: 1, type: 'STATUS' });
});

// On the embedded database there is one connection, for which everybody waits.
test.runIf(process.env['TEST_DATABASE_URL'])(
  'a launch does not wait for whoever writes the dataset’s examples',
  async () => {
    const client = await newTenant();
    const datasetId = await newDataset(client, 12);
    const { db } = await sharedServer();
    await db.withTenant(client.tenantId, async (tx) => {
      await lockDataset(tx, serverViewer(client.tenantId, 'tester'), rowId(datasetId));
      expect((await launch(client, { datasetId })).id).toBeTruthy();
    });
  },
);
