/** Runs on two files, and on preference pairs: what the provider is given, and what a crash leaves. */
import { expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { NewJob } from '../src/services/providers/port.ts';
import { newTenant } from './support/server.ts';
import { ended, launch, newDataset, refusedLaunch } from './support/runs.ts';
import { standIn } from './support/standIn.ts';
import { db, launchOn, NEVER, setUpWorkshop, systemWith } from './support/workshop.ts';

setUpWorkshop();

const RunSplitExport = graphql(`
  mutation RunSplitExport($input: ExportDatasetInput!) {
    exportDataset(input: $input) {
      ... on Export {
        id
        exampleCount
      }
    }
  }
`);

const RunSplitExamples = graphql(`
  query RunSplitExamples($id: ID!) {
    dataset(id: $id) {
      examples(first: 100) {
        edges {
          node {
            id
          }
        }
      }
    }
  }
`);

const RunSplitRepair = graphql(`
  mutation RunSplitRepair($edit: UpdateExampleInput!, $validate: ValidateExamplesInput!) {
    updateExample(input: $edit) {
      __typename
    }
    validateExamples(input: $validate) {
      __typename
    }
  }
`);

const split = { validationShare: 0.2, seed: 5 };
const linesOf = (content = '') => content.trimEnd().split('\n');

function watched() {
  const jobs: NewJob[] = [];
  const provider = standIn((it) => ({
    createJob: async (job) => {
      jobs.push(job);
      return it.add(job);
    },
  }));
  return { jobs, provider, system: systemWith(provider) };
}

test('a launch with a split uploads both files, once each, and submits with both', async () => {
  const { jobs, provider, system } = watched();
  const run = await launchOn(system, { split });
  await system.worker.advanceDueRuns(NEVER);
  const row = await run.row();
  expect(row.step).toBe('FOLLOW');
  expect(jobs).toMatchObject([
    {
      trainingFileId: row.trainingFileId,
      validationFileId: row.validationFileId,
      method: { type: 'SUPERVISED' },
    },
  ]);
  const file = (id: string | null) => provider.files.find((one) => one.id === id);
  expect(file(row.trainingFileId)?.name).toBe(`tunesmith-${run.id}.jsonl`);
  expect(file(row.validationFileId)?.name).toBe(`tunesmith-${run.id}-validation.jsonl`);
  expect(linesOf(file(row.trainingFileId)?.content)).toHaveLength(10);
  expect(linesOf(file(row.validationFileId)?.content)).toHaveLength(2);
  expect(await run.told()).toContainEqual(expect.stringContaining('Set aside 2 for validation.'));

  provider.set({ status: 'SUCCEEDED', model: 'ft:x', trainedTokens: 10 });
  await system.poller.pollActiveRuns(NEVER);
  await system.worker.advanceDueRuns(NEVER);
  expect((await run.row()).step).toBe('DONE');
  expect(provider.files).toEqual([]);
});

test.each(['training_file_id', 'validation_file_id'])(
  'an upload that was answered and not saved is found again: %s',
  async (column) => {
    const { provider, system } = watched();
    const run = await launchOn(system, { split });
    await system.worker.advanceDueRuns(NEVER);
    const { trainingFileId, validationFileId } = await run.row();
    await db.asSystem((tx) =>
      tx.$executeRawUnsafe(
        `UPDATE finetuning_training_runs SET step = 'UPLOAD', ${column} = NULL WHERE id = '${run.id}'`,
      ),
    );
    await system.worker.advanceDueRuns(NEVER);
    expect(provider.calls.get('uploadFile')).toBe(2);
    expect(await run.row()).toMatchObject({ trainingFileId, validationFileId });
  },
);

test('a worker that dies between the two uploads leaves the second to the next', async () => {
  const { provider, jobs } = watched();
  let uploads = 0;
  const dying = systemWith({
    ...standIn(),
    findFiles: (...asked) => provider.findFiles(...asked),
    uploadFile: async (file) => {
      uploads += 1;
      if (uploads > 1) throw new Error('killed');
      return provider.uploadFile(file);
    },
  });
  const run = await launchOn(dying, { split });
  await dying.worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({ step: 'UPLOAD', validationFileId: null });
  await run.pass(100);
  await systemWith(provider).worker.advanceDueRuns(NEVER);
  const row = await run.row();
  expect(provider.files).toHaveLength(2);
  expect(provider.calls.get('uploadFile')).toBe(2);
  expect(row.validationFileId).not.toBeNull();
  expect(jobs).toHaveLength(1);
  expect(row.step).toBe('FOLLOW');
});

test('a split that cannot be made when the worker comes to it ends the run, and says why', async () => {
  const { system, provider } = watched();
  await expect(launchOn(system, { split: { validationShare: 0.5 } })).rejects.toMatchObject({
    code: 'SPLIT_IMPOSSIBLE',
  });
  const run = await launchOn(system, { split });
  const { datasetId } = await run.row();
  const { tenantId } = run.viewer;
  const [one] = await db.withTenant(tenantId, (tx) => tx.example.findMany({ where: { datasetId }, take: 1 }));
  await system.services.examples.reject(run.viewer, { ids: [one?.id ?? ''] }, null);
  await system.worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({
    status: 'FAILED',
    errorCode: 'SPLIT_IMPOSSIBLE',
    errorMessage: expect.stringContaining('11 examples cannot be split'),
  });
  expect(provider.files).toEqual([]);
});

test('the sandbox trains with a validation file, and its loss arrives', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 20);
  const { id } = await launch(client, { datasetId, split: { validationShare: 0.2 } });
  const run = await ended(client, id);
  expect(run.status).toBe('SUCCEEDED');
  expect(run.metrics.some(({ validLoss }) => validLoss != null && validLoss > 0)).toBe(true);
});

test('the sandbox trains on preference pairs', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 12);
  const ids = (await client.run(RunSplitExamples, { id: datasetId })).dataset?.examples.edges.map(
    ({ node }) => node.id,
  );
  for (const [n, id] of (ids ?? []).entries()) {
    const edit = { id, assistantResponse: `Plan ${n} is yours for ${n * 3} euros a month, gladly.` };
    await client.run(RunSplitRepair, { edit, validate: { ids: [id] } });
  }
  const { exportDataset: made } = await client.run(RunSplitExport, {
    input: { datasetId, format: 'OPENAI_DPO_JSONL' },
  });
  if (!('id' in made)) throw new Error('The export was refused');
  expect(made.exampleCount).toBe(12);
  const { id } = await launch(client, { exportId: made.id, hyperparameters: { beta: 0.2, nEpochs: 1 } });
  const run = await ended(client, id);
  expect([run.status, run.errorMessage]).toEqual(['SUCCEEDED', null]);
});

test('what is not trained on, and what does not go together, is refused', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 12);
  const { exportDataset: table } = await client.run(RunSplitExport, { input: { datasetId, format: 'CSV' } });
  const { exportDataset: chat } = await client.run(RunSplitExport, { input: { datasetId } });
  if (!('id' in table) || !('id' in chat)) throw new Error('An export was refused');
  const refusals = [
    [{ exportId: table.id }, 'input.exportId'],
    [{ exportId: chat.id, split }, 'input.split'],
    [{ exportId: chat.id, hyperparameters: { beta: 0.1 } }, 'input.hyperparameters.beta'],
    [{ datasetId, hyperparameters: { beta: 0.1 } }, 'input.hyperparameters.beta'],
    [{ datasetId, split: { validationShare: 0.7 } }, 'input.split.validationShare'],
  ] as const;
  for (const [input, field] of refusals) {
    expect(await refusedLaunch(client, input)).toMatchObject({ code: 'INVALID_INPUT', faults: [{ field }] });
  }
  // What to do instead.
  expect(await refusedLaunch(client, { datasetId, hyperparameters: { beta: 0.1 } })).toMatchObject({
    faults: [{ message: expect.stringContaining('export the dataset with format OPENAI_DPO_JSONL') }],
  });
});
