/** What only a person can settle, and jobs that nobody follows. */
import { beforeEach, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { gone, lost, standIn, type StandIn } from './support/standIn.ts';
import { db, faults, launchOn, NEVER, serverWith, setUpWorkshop, systemWith } from './support/workshop.ts';

setUpWorkshop();

const Resolve = graphql(`
  mutation RunResolve($input: ResolveTrainingRunInput!) {
    resolveTrainingRun(input: $input) {
      __typename
      ... on TrainingRun {
        status
        providerJobId
        errorCode
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

const newJob = (runId: string) => ({
  baseModel: 'm',
  trainingFileId: 'f',
  validationFileId: null,
  method: { type: 'SUPERVISED' as const },
  runId,
  suffix: null,
  seed: null,
  hyperparameters: { nEpochs: null, batchSize: null, learningRateMultiplier: null },
});
const globalId = (id: string) => Buffer.from(`TrainingRun:${id}`).toString('base64');

/** A run of which nobody knows whether it has a job. */
async function inReview(provider: StandIn) {
  const system = systemWith(provider, 0);
  const run = await launchOn(system);
  for (let attempt = 0; (await run.row()).status !== 'NEEDS_REVIEW'; attempt += 1) {
    if (attempt > 20) throw new Error('The run does not come to need a review');
    await run.pass(100);
    await system.worker.advanceDueRuns(NEVER);
  }
  return { system, run };
}

let provider: StandIn;
beforeEach(() => {
  provider = standIn(() => ({
    createJob: async () => {
      throw lost();
    },
  }));
});

test('a job that a person found is adopted, and followed to its end', async () => {
  const { system, run } = await inReview(provider);
  const job = provider.add(newJob(run.id));
  const server = await serverWith(provider, { pollPattern: '0 0 0 1 1 *' });
  const client = server.asTenant(run.viewer.tenantId);
  const input = { id: globalId(run.id), providerJobId: job.id };
  expect((await client.run(Resolve, { input })).resolveTrainingRun).toEqual({
    __typename: 'TrainingRun',
    status: 'QUEUED',
    providerJobId: job.id,
    errorCode: null,
  });
  expect((await client.run(Resolve, { input })).resolveTrainingRun).toMatchObject({
    code: 'RUN_NOT_IN_REVIEW',
  });
  provider.set({ status: 'SUCCEEDED', model: 'ft:found' });
  await system.poller.pollActiveRuns(NEVER);
  expect(await run.row()).toMatchObject({ status: 'SUCCEEDED', resultModelId: 'ft:found', step: 'CLEANUP' });
});

test('a run that a person gave up ends as failed; a job that appears later is cancelled', async () => {
  const { system, run } = await inReview(provider);
  const given = await system.services.trainingRuns.resolve(run.viewer, run.id, { giveUp: true });
  expect(given).toMatchObject({ status: 'FAILED', errorCode: 'SUBMISSION_UNSETTLED', step: 'CLEANUP' });
  const late = provider.add(newJob(run.id));
  expect(await system.jobSweep.sweepJobs(NEVER)).toBe(1);
  expect(provider.jobs.find(({ id }) => id === late.id)?.status).toBe('CANCELLED');
  expect((await run.told()).at(-1)).toContain(`Job ${late.id} was made for this run as well`);
  expect(await system.jobSweep.sweepJobs(NEVER)).toBe(0);
});

test('what cannot be adopted is refused, and the run stays in review', async () => {
  const { system, run } = await inReview(provider);
  const other = provider.add(newJob('00000000-0000-7000-8000-000000000001'));
  const server = await serverWith(provider, { pollPattern: '0 0 0 1 1 *' });
  const client = server.asTenant(run.viewer.tenantId);
  const answers = [];
  for (const resolution of [
    { providerJobId: other.id },
    { providerJobId: 'job-of-nobody' },
    {},
    { giveUp: false },
    { providerJobId: other.id, giveUp: true },
  ]) {
    const { data, errors } = await client.answer(Resolve, { input: { id: globalId(run.id), ...resolution } });
    answers.push(data?.resolveTrainingRun ?? errors);
  }
  expect(answers).toMatchObject([
    { code: 'INVALID_INPUT', message: expect.stringContaining('belongs to another') },
    { code: 'PROVIDER_NOT_FOUND', message: gone().message },
    { code: 'INVALID_INPUT', message: expect.stringContaining('giveUp: true') },
    { code: 'INVALID_INPUT' },
    { code: 'INVALID_INPUT' },
  ]);
  expect((await run.row()).status).toBe('NEEDS_REVIEW');
  const stranger = await server.asNewTenant();
  const { resolveTrainingRun } = await stranger.run(Resolve, {
    input: { id: globalId(run.id), giveUp: true },
  });
  expect(resolveTrainingRun).toMatchObject({ code: 'NOT_FOUND' });

  // A job that names no run, as one made by hand, can be one run's only.
  const unnamed = provider.add(newJob(run.id));
  provider.set({ runId: null });
  const another = await inReview(provider);
  const resolve = (of: typeof run) =>
    system.services.trainingRuns.resolve(of.viewer, of.id, { providerJobId: unnamed.id });
  expect(await resolve(run)).toMatchObject({ status: 'QUEUED', providerJobId: unnamed.id });
  await expect(resolve(another.run)).rejects.toThrow('belongs to another');
});

test('of two jobs for a run the one that it follows goes on', async () => {
  const plain = standIn();
  const system = systemWith(plain);
  const run = await launchOn(system);
  await system.worker.advanceDueRuns(NEVER);
  const followed = (await run.row()).providerJobId;
  const second = plain.add(newJob(run.id));
  const strangers = plain.add(newJob('00000000-0000-7000-8000-000000000002'));
  const unnamed = plain.add(newJob('not an id'));
  expect(await system.jobSweep.sweepJobs(NEVER)).toBe(1);
  const statuses = new Map(plain.jobs.map(({ id, status }) => [id, status]));
  expect([followed, second.id, strangers.id, unnamed.id].map((id) => statuses.get(id ?? ''))).toEqual([
    'QUEUED',
    'CANCELLED',
    'QUEUED',
    'QUEUED',
  ]);
  expect((await run.told()).filter((words) => words.includes(second.id))).toHaveLength(1);
  expect(await system.jobSweep.sweepJobs(NEVER)).toBe(0);
  expect(faults).toEqual([]);
});

test('a job that is listed only after all waits is given back to its run', async () => {
  const { system, run } = await inReview(provider);
  const late = provider.add(newJob(run.id));
  expect(await system.jobSweep.sweepJobs(NEVER)).toBe(1);
  expect(await run.row()).toMatchObject({ status: 'QUEUED', providerJobId: late.id, errorCode: null });
});

test('a job whose run is looking for it is left to the worker', async () => {
  const system = systemWith(provider);
  const run = await launchOn(system);
  await system.worker.advanceDueRuns(NEVER);
  const job = provider.add(newJob(run.id));
  expect(await system.jobSweep.sweepJobs(NEVER)).toBe(0);
  await run.pass(61);
  await system.worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({ step: 'FOLLOW', providerJobId: job.id });
  expect(await db.asSystem((tx) => tx.trainingRun.count({ where: { id: run.id } }))).toBe(1);
});
