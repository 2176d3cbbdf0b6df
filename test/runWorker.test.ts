import { expect, test } from 'vitest';
import { ProviderError } from '../src/services/errors.ts';
import type { NewJob } from '../src/services/providers/port.ts';
import { lost, standIn } from './support/standIn.ts';
import { db, launchOn, NEVER, setUpWorkshop, systemWith } from './support/workshop.ts';

setUpWorkshop();

test('a run is exported, uploaded and submitted, once each', async () => {
  const jobs: NewJob[] = [];
  const provider = standIn((it) => ({
    createJob: async (job) => {
      jobs.push(job);
      return it.add(job);
    },
  }));
  const system = systemWith(provider);
  const run = await launchOn(system);
  expect(await system.worker.advanceDueRuns(NEVER)).toBe(1);
  expect(await system.worker.advanceDueRuns(NEVER)).toBe(0);
  const row = await run.row();
  expect(row).toMatchObject({
    step: 'FOLLOW',
    status: 'QUEUED',
    leaseUntil: null,
    providerJobId: provider.jobs[0]?.id,
  });
  expect(provider.files[0]).toMatchObject({ id: row.trainingFileId, name: `tunesmith-${run.id}.jsonl` });
  expect(provider.files[0]?.content.trimEnd().split('\n')).toHaveLength(12);
  expect(jobs).toMatchObject([
    { runId: run.id, baseModel: 'sandbox-small-2026-01-01', trainingFileId: row.trainingFileId },
  ]);
});

test('a create whose answer is lost: the job is found by the run’s id and adopted', async () => {
  const provider = standIn((it) => ({
    createJob: async (job) => {
      it.add(job);
      throw lost();
    },
  }));
  const system = systemWith(provider);
  const run = await launchOn(system);
  await system.worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({
    status: 'PREPARING',
    step: 'SUBMIT',
    providerJobId: null,
    attempts: 1,
  });
  await run.pass(10);
  await system.worker.advanceDueRuns(NEVER);
  expect(provider.jobs).toHaveLength(1);
  expect(provider.calls.get('createJob')).toBe(1);
  expect(await run.row()).toMatchObject({
    step: 'FOLLOW',
    status: 'QUEUED',
    providerJobId: provider.jobs[0]?.id,
  });
  expect((await run.told()).at(-1)).toContain(`Found job ${provider.jobs[0]?.id}`);
});

test('a job that had ended before it was found still brings its model, tokens and cost', async () => {
  const provider = standIn((it) => ({
    createJob: async (job) => {
      it.add(job);
      it.set({ status: 'SUCCEEDED', model: 'ft:quick', trainedTokens: 1000 });
      throw lost();
    },
  }));
  const system = systemWith(provider);
  const run = await launchOn(system);
  await system.worker.advanceDueRuns(NEVER);
  await run.pass(10);
  await system.worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({ step: 'FOLLOW', status: 'VALIDATING_FILES' });
  await system.poller.pollActiveRuns(NEVER);
  expect(await run.row()).toMatchObject({
    step: 'CLEANUP',
    status: 'SUCCEEDED',
    resultModelId: 'ft:quick',
    trainedTokens: 1000n,
    trainingCostUsd: expect.anything(),
  });
});

test('of a run with two jobs the first is adopted', async () => {
  const provider = standIn((it) => ({
    createJob: async (job) => {
      it.add(job);
      it.add(job);
      throw lost();
    },
  }));
  const system = systemWith(provider);
  const run = await launchOn(system);
  await system.worker.advanceDueRuns(NEVER);
  await run.pass(10);
  await system.worker.advanceDueRuns(NEVER);
  expect((await run.row()).providerJobId).toBe(provider.jobs[1]?.id);
});

test('a create that nobody knows of is repeated once, after two empty lists a wait apart, then left to a person', async () => {
  const provider = standIn(() => ({
    createJob: async () => {
      throw lost();
    },
  }));
  const system = systemWith(provider, 60_000);
  const run = await launchOn(system);
  const creates = () => provider.calls.get('createJob');
  const advance = async (seconds: number) => {
    await run.pass(seconds);
    await system.worker.advanceDueRuns(NEVER);
  };
  await advance(0);
  await advance(5); // The first empty list.
  expect([creates(), provider.calls.get('findJobs')]).toEqual([1, 1]);
  expect((await run.row()).submitCheckedAt).not.toBeNull();
  await advance(50); // Too early for the second.
  expect([creates(), provider.calls.get('findJobs')]).toEqual([1, 1]);
  await advance(11); // The second empty list: once more.
  expect([creates(), provider.calls.get('findJobs')]).toEqual([2, 2]);
  await advance(5);
  await advance(61);
  expect([creates(), provider.calls.get('findJobs')]).toEqual([2, 4]);
  expect(await run.row()).toMatchObject({
    status: 'NEEDS_REVIEW',
    errorCode: 'SUBMISSION_UNSETTLED',
    completedAt: null,
  });
  await advance(1000);
  expect([creates(), provider.calls.get('findJobs')]).toEqual([2, 4]);

  // A person has looked: the run can be put to rest.
  expect(await system.services.trainingRuns.cancel(run.viewer, run.id)).toMatchObject({
    status: 'CANCELLED',
  });
  await system.worker.advanceDueRuns(NEVER);
  expect(provider.files).toEqual([]);
  expect(creates()).toBe(2);
});

test('429 is waited out as long as the provider asks', async () => {
  let busy = true;
  const provider = standIn((it) => ({
    createJob: async (job) => {
      if (busy) throw new ProviderError('PROVIDER_RATE_LIMITED', 'Slow down.', true, 90);
      return it.add(job);
    },
  }));
  const system = systemWith(provider);
  const run = await launchOn(system);
  const before = Date.now();
  await system.worker.advanceDueRuns(NEVER);
  const { nextAttemptAt, submitIntentAt, attempts } = await run.row();
  expect(nextAttemptAt.getTime()).toBeGreaterThanOrEqual(before + 90_000);
  expect(nextAttemptAt.getTime()).toBeLessThanOrEqual(Date.now() + 90_000);
  expect([submitIntentAt, attempts]).toEqual([null, 1]);
  expect((await run.told()).at(-1)).toBe('Slow down. Trying again in 90 s.');
  busy = false;
  await run.pass(80);
  await system.worker.advanceDueRuns(NEVER);
  expect(provider.calls.get('createJob')).toBe(1);
  await run.pass(11);
  await system.worker.advanceDueRuns(NEVER);
  // The answer 429 proves that there is no job: it is created without a search.
  expect([provider.calls.get('createJob'), provider.calls.get('findJobs')]).toEqual([2, undefined]);
  expect((await run.row()).step).toBe('FOLLOW');
});

test('a refusal that waiting does not mend fails the run and says what to do', async () => {
  const provider = standIn(() => ({
    createJob: async () => {
      throw new ProviderError(
        'PROVIDER_QUOTA_EXCEEDED',
        'No quota left. Add credit there, then launch again.',
        false,
      );
    },
  }));
  const system = systemWith(provider);
  const run = await launchOn(system);
  await system.worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({
    status: 'FAILED',
    errorCode: 'PROVIDER_QUOTA_EXCEEDED',
    errorMessage: expect.stringContaining('Add credit'),
    completedAt: expect.any(Date),
  });
  await system.worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({ status: 'FAILED', step: 'DONE' });
  expect(provider.files).toEqual([]);
});

test('the waits between attempts grow, and stay within five minutes', async () => {
  const provider = standIn(() => ({
    findFiles: async () => {
      throw lost();
    },
  }));
  const system = systemWith(provider);
  const run = await launchOn(system);
  for (let attempt = 0; attempt < 12; attempt += 1) {
    await run.pass(1000);
    const before = Date.now();
    await system.worker.advanceDueRuns(NEVER);
    const { nextAttemptAt, attempts, status } = await run.row();
    expect([attempts, status]).toEqual([attempt + 1, 'PREPARING']);
    expect(nextAttemptAt.getTime() - before).toBeLessThanOrEqual(
      Math.min(2_000 * 2 ** attempt, 300_000) + 5_000,
    );
  }
});

test('a cancel that comes while a create is in doubt keeps the run from being submitted again', async () => {
  const provider = standIn(() => ({
    createJob: async () => {
      throw lost();
    },
  }));
  const system = systemWith(provider, 0);
  const run = await launchOn(system);
  await system.worker.advanceDueRuns(NEVER);
  expect(await system.services.trainingRuns.cancel(run.viewer, run.id)).toMatchObject({
    status: 'PREPARING',
  });
  await run.pass(10);
  await system.worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({ status: 'CANCELLED' });
  expect(provider.calls.get('createJob')).toBe(1);
});

test('a file that an earlier worker had uploaded is used, not uploaded again', async () => {
  const provider = standIn();
  const system = systemWith(provider);
  const run = await launchOn(system);
  await system.worker.advanceDueRuns(NEVER);
  const fileId = (await run.row()).trainingFileId;
  await db.asSystem(
    (tx) =>
      tx.$executeRaw`UPDATE finetuning_training_runs SET step = 'UPLOAD', training_file_id = NULL WHERE id = ${run.id}::uuid`,
  );
  await system.worker.advanceDueRuns(NEVER);
  expect(provider.calls.get('uploadFile')).toBe(1);
  expect((await run.row()).trainingFileId).toBe(fileId);
});

test('a run of a provider that is not set up waits until it is', async () => {
  const system = systemWith(standIn());
  const run = await launchOn(system);
  await systemWith(standIn(undefined, 'openai')).worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({ status: 'PREPARING', attempts: 1 });
  expect((await run.told()).at(-1)).toContain('no access to sandbox');
  await run.pass(10);
  await system.worker.advanceDueRuns(NEVER);
  expect((await run.row()).step).toBe('FOLLOW');
});
