/** Runs that fail, and runs that are cancelled. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../src/sandbox/server.ts';
import { ProviderError } from '../src/services/errors.ts';
import { Cancel, Refresh } from './support/runDocuments.ts';
import { ended, launch, newDataset, reached, readRun } from './support/runs.ts';
import { sandboxProvider } from './support/server.ts';
import { gate, lost, standIn } from './support/standIn.ts';
import { serverWith, setUpWorkshop } from './support/workshop.ts';

setUpWorkshop();

/** A sandbox whose jobs never get on, for what has to be caught under way. */
let slow: Sandbox;
beforeAll(async () => {
  slow = await startSandbox({ speed: 0.001 });
});
afterAll(() => slow.close());

const tenantOn = async (...args: Parameters<typeof serverWith>) => (await serverWith(...args)).asNewTenant();

const jobAtProvider = async (id: string | null | undefined) => {
  const answered = await fetch(`${slow.url}/fine_tuning/jobs/${id}`, {
    headers: { authorization: 'Bearer sandbox' },
  });
  return (await answered.json()) as { status: string };
};

test('a job that fails at the provider fails the run, with code and message', async () => {
  const provider = standIn((it) => ({
    createJob: async (job) => {
      const made = it.add(job);
      it.set({
        status: 'FAILED',
        rawStatus: 'failed',
        error: { code: 'invalid_training_file', message: 'Line 3 is not JSON.' },
      });
      return made;
    },
  }));
  const own = await tenantOn(provider);
  const { id } = await launch(own, { datasetId: await newDataset(own, 12) });
  const run = await ended(own, id);
  expect(run).toMatchObject({
    status: 'FAILED',
    errorCode: 'invalid_training_file',
    errorMessage: 'Line 3 is not JSON.',
    resultModelId: null,
    completedAt: expect.any(String),
  });
  expect(run.events.edges.at(-1)?.node).toMatchObject({
    type: 'STATUS',
    level: 'ERROR',
    message: expect.stringContaining('Line 3'),
  });
  expect(await own.run(Cancel, { id })).toMatchObject({
    cancelTrainingRun: { __typename: 'RunNotCancellableError', code: 'RUN_NOT_CANCELLABLE' },
  });
});

test('a run that succeeded can no longer be cancelled', async () => {
  const provider = standIn((it) => ({
    createJob: async (job) => {
      const made = it.add(job);
      it.set({ status: 'SUCCEEDED', model: 'ft:done', trainedTokens: 300 });
      return made;
    },
  }));
  const quick = await tenantOn(provider);
  const { id } = await launch(quick, { datasetId: await newDataset(quick, 12) });
  await ended(quick, id);
  expect(await quick.run(Cancel, { id })).toMatchObject({
    cancelTrainingRun: { __typename: 'RunNotCancellableError' },
  });
  expect((await readRun(quick, id)).status).toBe('SUCCEEDED');
});

test('cancelled while it is prepared, a run ends at once and its worker is shut out', async () => {
  const [uploading, goOn] = [gate(), gate()];
  const provider = standIn((it) => ({
    uploadFile: async ({ name, bytes }) => {
      uploading.open();
      await goOn.opened;
      const file = { id: 'file-late', name, bytes, content: '' };
      it.files.push(file);
      return file;
    },
  }));
  const own = await tenantOn(provider);
  const { id } = await launch(own, { datasetId: await newDataset(own, 12) });
  await uploading.opened;
  const { cancelTrainingRun } = await own.run(Cancel, { id });
  expect(cancelTrainingRun).toMatchObject({
    __typename: 'TrainingRun',
    status: 'CANCELLED',
    completedAt: expect.any(String),
  });
  goOn.open();
  await expect.poll(() => provider.files).toEqual([]);
  expect(provider.calls.get('createJob')).toBeUndefined();
  const run = await readRun(own, id);
  expect(run).toMatchObject({ status: 'CANCELLED', providerJobId: null });
  expect(run.events.edges.at(-1)?.node.message).toContain('Cancelled by tester');
  expect(await own.run(Cancel, { id })).toMatchObject({
    cancelTrainingRun: { __typename: 'RunNotCancellableError' },
  });
});

test('cancelled while it runs, a run is cancelled at the provider too', async () => {
  const client = await tenantOn(sandboxProvider(slow));
  const { id } = await launch(client, { datasetId: await newDataset(client, 12, 'running') });
  await reached(client, id, 'VALIDATING_FILES');
  const { cancelTrainingRun } = await client.run(Cancel, { id });
  expect(cancelTrainingRun).toMatchObject({
    __typename: 'TrainingRun',
    status: 'CANCELLED',
    cancelRequestedAt: expect.any(String),
  });
  const { providerJobId, completedAt } = await readRun(client, id);
  expect(completedAt).not.toBeNull();
  expect(await jobAtProvider(providerJobId)).toMatchObject({ status: 'cancelled' });
});

test('a cancel that does not reach the provider is told, kept, and repeated', async () => {
  let away = true;
  const provider = standIn((it) => ({
    cancelJob: async (id) => {
      if (away) throw lost();
      it.set({ status: 'CANCELLED' });
      return it.getJob(id, AbortSignal.abort());
    },
  }));
  const own = await tenantOn(provider);
  const { id } = await launch(own, { datasetId: await newDataset(own, 12) });
  await reached(own, id, 'QUEUED');
  expect(await own.run(Cancel, { id })).toMatchObject({
    cancelTrainingRun: { __typename: 'ProviderError', code: 'PROVIDER_UNREACHABLE' },
  });
  expect(await readRun(own, id)).toMatchObject({ status: 'QUEUED', cancelRequestedAt: expect.any(String) });
  away = false;
  expect((await ended(own, id)).status).toBe('CANCELLED');
});

test('a job that ended just before the cancel decides how the run ended', async () => {
  const provider = standIn((it) => ({
    cancelJob: async () => {
      it.set({ status: 'SUCCEEDED', model: 'ft:done', trainedTokens: 300 });
      return sandboxRefusal();
    },
  }));
  const own = await tenantOn(provider);
  const { id } = await launch(own, { datasetId: await newDataset(own, 12) });
  await reached(own, id, 'QUEUED');
  expect(await own.run(Cancel, { id })).toMatchObject({
    cancelTrainingRun: { __typename: 'RunNotCancellableError' },
  });
  expect(await readRun(own, id)).toMatchObject({ status: 'SUCCEEDED', resultModelId: 'ft:done' });
});

function sandboxRefusal(): never {
  throw new ProviderError('PROVIDER_REFUSED', 'Job has already completed.', false);
}

test('refreshing asks the provider now', async () => {
  const provider = standIn();
  const tenant = await tenantOn(provider, { pollPattern: '0 0 0 1 1 *' });
  const { id } = await launch(tenant, { datasetId: await newDataset(tenant, 12) });
  await reached(tenant, id, 'QUEUED');
  provider.set({ status: 'RUNNING', estimatedFinishAt: new Date('2026-12-01T10:00:00Z') });
  expect(await tenant.run(Refresh, { id })).toMatchObject({
    refreshTrainingRun: { __typename: 'TrainingRun', status: 'RUNNING', lastPolledAt: expect.any(String) },
  });
  expect(await readRun(tenant, id)).toMatchObject({
    estimatedCompletionAt: '2026-12-01T10:00:00.000Z',
    startedAt: expect.any(String),
  });
  provider.jobs = [];
  expect(await tenant.run(Refresh, { id })).toMatchObject({
    refreshTrainingRun: { __typename: 'ProviderError', code: 'PROVIDER_NOT_FOUND', retryable: false },
  });
  expect((await readRun(tenant, id)).status).toBe('RUNNING');
});

test('what is malformed or not there is refused', async () => {
  const client = await tenantOn(standIn());
  for (const [id, code] of [
    ['no id', 'INVALID_INPUT'],
    [await newDataset(client, 0, 'empty'), 'INVALID_INPUT'],
    [Buffer.from('TrainingRun:019ab000-0000-7000-8000-000000000002').toString('base64'), 'NOT_FOUND'],
  ] as const) {
    expect(await client.run(Cancel, { id })).toMatchObject({ cancelTrainingRun: { code } });
    expect(await client.run(Refresh, { id })).toMatchObject({ refreshTrainingRun: { code } });
  }
});
