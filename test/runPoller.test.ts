import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProviderError } from '../src/services/errors.ts';
import type { JobStatus } from '../src/services/providers/port.ts';
import { nextStatus } from '../src/services/runStatus.ts';
import type { System } from '../src/system.ts';
import { gone, lost, message, RAW, standIn, type StandIn } from './support/standIn.ts';
import { db, faults, launchOn, NEVER, setUpWorkshop, systemWith, type Launched } from './support/workshop.ts';

setUpWorkshop();

/** A run that has been submitted, and its job at the stand-in. */
async function followed(provider: StandIn) {
  const system = systemWith(provider);
  const run = await launchOn(system);
  await system.worker.advanceDueRuns(NEVER);
  const jobId = (await run.row()).providerJobId ?? '';
  return { system, run, jobId, poll: () => system.poller.pollActiveRuns(NEVER) };
}

const messagesOf = async (run: Launched) => (await run.told()).filter((words) => /^m\d+$/.test(words));

/** Runs whose jobs the provider has, each made after the one before. */
async function submitted(system: System, count: number): Promise<Launched[]> {
  const runs: Launched[] = [];
  while (runs.length < count) {
    runs.push(await launchOn(system));
    await system.worker.advanceDueRuns(NEVER);
  }
  return runs;
}

test('shuffled reports never take a run back, and every change is told once', async () => {
  const statuses: JobStatus[] = ['VALIDATING_FILES', 'QUEUED', 'RUNNING', 'PAUSED', 'UNKNOWN', 'SUCCEEDED'];
  const [shuffled] = fc.sample(
    fc.array(fc.constantFrom(...statuses.slice(0, 5)), { minLength: 25, maxLength: 25 }),
    { seed: 7, numRuns: 1 },
  );
  const provider = standIn();
  const { run, poll } = await followed(provider);
  let expected = (await run.row()).status;
  let changes = 0;
  for (const status of [...(shuffled ?? []), 'SUCCEEDED' as const, 'RUNNING' as const]) {
    provider.set({
      status,
      rawStatus: RAW[status],
      ...(status === 'SUCCEEDED' && { model: 'ft:x', trainedTokens: 1000 }),
    });
    await poll();
    const next = nextStatus(expected, status);
    if (next !== expected) changes += 1;
    expected = next;
    expect((await run.row()).status).toBe(expected);
  }
  expect(expected).toBe('SUCCEEDED');
  expect((await run.told()).filter((words) => words.includes('→'))).toHaveLength(changes);
});

test('a state that nobody knows changes nothing and does no harm', async () => {
  const provider = standIn();
  const { run, jobId, poll } = await followed(provider);
  provider.set({ status: 'UNKNOWN', rawStatus: RAW.UNKNOWN });
  provider.events.set(jobId, [message('e1', 'm1')]);
  const before = await run.row();
  await poll();
  expect(await run.row()).toMatchObject({
    status: before.status,
    providerEventCursor: 'e1',
    completedAt: null,
  });
  expect(await messagesOf(run)).toEqual(['m1']);
  expect(faults).toEqual([]);
});

test('the provider’s events come once each, in order, also when it repeats itself', async () => {
  const provider = standIn((it) => ({
    // Does not know where it left off, as some imitations do not.
    listEvents: async (jobId) => it.events.get(jobId) ?? [],
  }));
  const { run, jobId, poll } = await followed(provider);
  const events = Array.from({ length: 30 }, (_, n) => message(`e${n}`, `m${n}`));
  for (const count of [10, 10, 25, 30]) {
    provider.events.set(jobId, events.slice(0, count));
    await poll();
  }
  expect(await messagesOf(run)).toEqual(events.map((event) => event.message));
});

test('ten thousand events that came while nobody looked are taken at once', async () => {
  const provider = standIn();
  const { run, jobId, poll } = await followed(provider);
  provider.events.set(
    jobId,
    Array.from({ length: 10_000 }, (_, n) => message(`e${n}`, `m${n}`)),
  );
  await poll();
  const { lastSeq } = await run.row();
  const [stored] = await db.withTenant(
    run.viewer.tenantId,
    (tx) => tx.$queryRaw<{ count: number; max: number; messages: number }[]>`
    SELECT count(*)::int AS count, max(seq) AS max, (count(*) FILTER (WHERE type = 'MESSAGE'))::int AS messages
    FROM finetuning_run_events WHERE run_id = ${run.id}::uuid`,
  );
  expect(stored).toEqual({ count: lastSeq, max: lastSeq, messages: 10_000 });
  expect(faults).toEqual([]);
}, 60_000);

test('what a finished job reports is kept: model, tokens, cost, end', async () => {
  const provider = standIn();
  const { run, poll } = await followed(provider);
  const finishedAt = new Date(Date.now() + 60_000);
  provider.set({
    status: 'SUCCEEDED',
    model: 'ft:x',
    trainedTokens: 1_234_567,
    finishedAt,
    hyperparameters: { nEpochs: 7, batchSize: 2, learningRateMultiplier: 1.8 },
  });
  await poll();
  const row = await run.row();
  expect(row).toMatchObject({
    status: 'SUCCEEDED',
    step: 'CLEANUP',
    resultModelId: 'ft:x',
    trainedTokens: 1_234_567n,
    completedAt: finishedAt,
  });
  expect(row).toMatchObject({ nEpochs: 7, batchSize: 2, learningRateMultiplier: 1.8 });
  const price = await db.asSystem((tx) =>
    tx.baseModelPrice.findUniqueOrThrow({ where: { id: row.priceId ?? '' } }),
  );
  expect(row.trainingCostUsd?.toString()).toBe(
    price.trainingUsdPerMTokens.mul(1_234_567).div(1_000_000).toDecimalPlaces(6).toString(),
  );
});

test('a run is over once: what is reported later changes nothing', async () => {
  const provider = standIn();
  const { system, run, poll } = await followed(provider);
  provider.set({ status: 'FAILED', error: { code: 'c', message: 'why' } });
  await poll();
  const row = await run.row();
  expect(row).toMatchObject({ status: 'FAILED', errorCode: 'c', errorMessage: 'why' });
  provider.set({ status: 'SUCCEEDED', model: 'ft:x' });
  await poll();
  await system.poller.pollOne(row);
  expect(await run.row()).toMatchObject({ status: 'FAILED', resultModelId: null, lastSeq: row.lastSeq });
});

test('a job that the provider lost fails its run, but only after it stayed lost', async () => {
  let away = true;
  const provider = standIn((it) => ({
    getJob: async () => {
      if (away) throw gone();
      return it.jobs[0] ?? Promise.reject(gone());
    },
  }));
  const { run, poll } = await followed(provider);
  await poll();
  expect(await run.row()).toMatchObject({ status: 'QUEUED', missingSince: expect.any(Date) });
  await run.pass(50);
  await poll();
  expect((await run.row()).status).toBe('QUEUED');
  // It is there again: the count begins anew.
  away = false;
  await poll();
  expect((await run.row()).missingSince).toBeNull();
  away = true;
  await poll();
  expect((await run.row()).status).toBe('QUEUED');
  await run.pass(61);
  await poll();
  expect(await run.row()).toMatchObject({
    status: 'FAILED',
    errorCode: 'PROVIDER_NOT_FOUND',
    completedAt: expect.any(Date),
  });
  expect((await run.told()).filter((words) => words.includes('Looking again'))).toHaveLength(2);
});

test('a provider that is away changes nothing; its Retry-After is honoured', async () => {
  let error = lost();
  const provider = standIn(() => ({
    getJob: async () => {
      throw error;
    },
  }));
  const { run, poll } = await followed(provider);
  const before = await run.row();
  await poll();
  expect(await run.row()).toMatchObject({ status: 'QUEUED', missingSince: null, lastSeq: before.lastSeq });
  error = new ProviderError('PROVIDER_RATE_LIMITED', 'Slow down.', true, 120);
  const now = Date.now();
  await poll();
  expect((await run.row()).nextAttemptAt.getTime()).toBeGreaterThanOrEqual(now + 120_000);
  const asked = provider.calls.get('getJob');
  expect(await poll()).toBe(0);
  expect(provider.calls.get('getJob')).toBe(asked);
});

test('many jobs are asked for as a list, and those that it lacks singly', async () => {
  const provider = standIn();
  const system = systemWith(provider);
  const runs = await submitted(system, 6);
  const [newest] = provider.jobs;
  if (!newest) throw new Error('no job');
  provider.jobs = provider.jobs.map((job) => ({ ...job, status: 'RUNNING' }));
  const listJobs = provider.listJobs.bind(provider);
  provider.listJobs = async (page, signal) => {
    const { jobs, hasMore } = await listJobs(page, signal);
    return { jobs: jobs.filter(({ id }) => id !== newest.id), hasMore };
  };
  expect(await system.poller.pollActiveRuns(NEVER)).toBe(6);
  for (const run of runs)
    expect(await run.row()).toMatchObject({ status: 'RUNNING', startedAt: expect.any(Date) });
  expect(provider.calls.get('getJob')).toBe(1);
});

test('a provider that refuses its list for now is not asked about each job instead', async () => {
  const provider = standIn();
  const system = systemWith(provider);
  const runs = await submitted(system, 6);
  provider.listJobs = async () => {
    throw new ProviderError('PROVIDER_RATE_LIMITED', 'Slow down.', true, 45);
  };
  const before = Date.now();
  expect(await system.poller.pollActiveRuns(NEVER)).toBe(6);
  expect(provider.calls.get('getJob')).toBeUndefined();
  for (const run of runs) {
    const { nextAttemptAt, status } = await run.row();
    expect(status).toBe('QUEUED');
    expect(nextAttemptAt.getTime() - before).toBeGreaterThanOrEqual(45_000);
  }
  expect(await system.poller.pollActiveRuns(NEVER)).toBe(0);
});

test('two pollers at once ask about each run once', async () => {
  const provider = standIn();
  const [one, two] = [systemWith(provider), systemWith(provider)];
  const runs = await submitted(one, 4);
  for (const job of provider.jobs)
    provider.events.set(job.id, [message(`${job.id} 1`, 'm1'), message(`${job.id} 2`, 'm2')]);
  const asked = await Promise.all([one.poller.pollActiveRuns(NEVER), two.poller.pollActiveRuns(NEVER)]);
  expect(asked.reduce((sum, count) => sum + count, 0)).toBe(4);
  for (const run of runs) expect(await messagesOf(run)).toEqual(['m1', 'm2']);
});

test('asked side by side about one run, nothing is told twice', async () => {
  const provider = standIn();
  const { system, run, jobId, poll } = await followed(provider);
  provider.events.set(
    jobId,
    Array.from({ length: 50 }, (_, n) => message(`e${n}`, `m${n}`)),
  );
  provider.set({ status: 'RUNNING' });
  const row = await run.row();
  await Promise.all([poll(), ...Array.from({ length: 8 }, () => system.poller.pollOne(row))]);
  expect(await messagesOf(run)).toEqual(Array.from({ length: 50 }, (_, n) => `m${n}`));
  expect((await run.told()).filter((words) => words.includes('→'))).toHaveLength(1);
});
