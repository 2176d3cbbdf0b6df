/** Runs in numbers: none is left out, and what is new of each arrives. */
import { expect, test } from 'vitest';
import { providersOf } from '../src/providers.ts';
import type { Provider } from '../src/services/providers/port.ts';
import { createRunLease } from '../src/services/runLease.ts';
import { createRunNewsReader } from '../src/services/runNews.ts';
import { createRunPoller, type RunPollerOptions } from '../src/services/runPoller.ts';
import { gone, lost, message, standIn, type StandIn } from './support/standIn.ts';
import { db, faults, launchOn, NEVER, setUpWorkshop, systemWith, type Launched } from './support/workshop.ts';

setUpWorkshop();

function pollerOf(provider: Provider, options: Partial<RunPollerOptions> = {}) {
  return createRunPoller({
    db,
    providers: providersOf(provider),
    lease: createRunLease({ db }),
    onError: (error) => faults.push(error),
    ...options,
  });
}

/** A run and `count` - 1 like it, of the same tenant, whose jobs the provider has: the newest is the last. */
async function followed(provider: StandIn, count: number): Promise<{ run: Launched; jobs: string[] }> {
  const system = systemWith(provider);
  const run = await launchOn(system);
  await system.worker.advanceDueRuns(NEVER);
  const [first] = provider.jobs;
  if (!first) throw new Error('no job');
  const copies = Array.from({ length: count - 1 }, (_, n) => `job-${n}`);
  for (const id of copies) provider.jobs.unshift({ ...first, id, runId: null });
  await db.withTenant(
    run.viewer.tenantId,
    (tx) => tx.$executeRaw`
      INSERT INTO finetuning_training_runs (tenant_id, dataset_id, export_id, provider, base_model, status, step,
        request_hash, provider_job_id, price_id, n_epochs, batch_size, learning_rate_multiplier)
      SELECT tenant_id, dataset_id, export_id, provider, base_model, status, step,
        request_hash, job, price_id, n_epochs, batch_size, learning_rate_multiplier
      FROM finetuning_training_runs, unnest(${copies}::text[]) AS job WHERE id = ${run.id}::uuid`,
  );
  return { run, jobs: [first.id, ...copies] };
}

/** The jobs whose runs were asked about. */
async function asked({ viewer }: Launched): Promise<string[]> {
  const rows = await db.withTenant(viewer.tenantId, (tx) =>
    tx.trainingRun.findMany({ where: { lastPolledAt: { not: null } } }),
  );
  return rows.map(({ providerJobId }) => providerJobId ?? '').toSorted();
}

test('where there are more runs than a tick takes, each has its turn', async () => {
  const provider = standIn();
  const { run, jobs } = await followed(provider, 5);
  const poller = pollerOf(provider, { runsATick: 2 });
  for (let tick = 0; tick < 3; tick += 1) await poller.pollActiveRuns(NEVER);
  expect(await asked(run)).toEqual(jobs.toSorted());
});

test('runs that cannot be asked about do not keep the others from their turn', async () => {
  const provider = standIn((it) => ({
    async getJob(id) {
      const job = it.jobs.find((one) => one.id === id);
      if (id === 'job-0') throw new Error('The provider’s answer makes no sense.');
      if (id === 'job-1') throw gone();
      return job ?? Promise.reject(gone());
    },
  }));
  const { run, jobs } = await followed(provider, 4);
  const poller = pollerOf(provider, { runsATick: 1 });
  for (let tick = 0; tick < 4; tick += 1) await poller.pollActiveRuns(NEVER);
  expect(await asked(run)).toEqual(jobs.filter((id) => id !== 'job-0').toSorted());
  expect(faults).toHaveLength(1);
});

const MANY = 120;
/** Where the stand-in's jobs begin. */
const STATUS = 'QUEUED';

const row = (run: Launched, jobId: string) =>
  db.withTenant(run.viewer.tenantId, (tx) =>
    tx.trainingRun.findFirstOrThrow({
      where: { providerJobId: jobId },
      include: { events: { orderBy: { seq: 'asc' } } },
    }),
  );

test('of many runs those that changed are told, the others only marked, and each once', async () => {
  const provider = standIn();
  const { run } = await followed(provider, MANY);
  const poll = () => pollerOf(provider).pollActiveRuns(NEVER);
  const startsAt = new Date('2030-01-01T00:00:00Z');
  provider.jobs = provider.jobs.map((job) =>
    ['job-3', 'job-4'].includes(job.id) ? { ...job, status: 'RUNNING', estimatedFinishAt: startsAt } : job,
  );
  expect(await poll()).toBe(MANY);
  expect(await poll()).toBe(MANY);
  expect((await asked(run)).length).toBe(MANY);
  for (const id of ['job-3', 'job-4']) {
    const changed = await row(run, id);
    expect(changed).toMatchObject({
      status: 'RUNNING',
      estimatedCompletionAt: startsAt,
      leaseUntil: null,
      lastSeq: 1,
    });
    expect(changed.startedAt).not.toBeNull();
    expect(changed.events).toMatchObject([
      {
        seq: 1,
        type: 'STATUS',
        message: `${STATUS} → RUNNING.`,
        state: expect.objectContaining({ status: 'RUNNING', estimatedCompletionAt: startsAt.toISOString() }),
      },
    ]);
  }
  expect(await row(run, 'job-5')).toMatchObject({ status: STATUS, lastSeq: 0, leaseUntil: null });
  expect(provider.calls.get('listEvents')).toBeUndefined();
  expect(faults).toEqual([]);
});

test('the end of one of many is told with everything that came before it', async () => {
  const provider = standIn();
  const { run } = await followed(provider, MANY);
  provider.events.set('job-7', [message('e1', 'm1'), message('e2', 'm2')]);
  provider.jobs = provider.jobs.map((job) =>
    job.id === 'job-7' ? { ...job, status: 'SUCCEEDED', model: 'ft:x', trainedTokens: 1000 } : job,
  );
  await pollerOf(provider).pollActiveRuns(NEVER);
  const ended = await row(run, 'job-7');
  expect(ended).toMatchObject({
    status: 'SUCCEEDED',
    step: 'CLEANUP',
    resultModelId: 'ft:x',
    trainedTokens: 1000n,
  });
  expect(ended.trainingCostUsd).not.toBeNull();
  expect(ended.events.map((event) => event.message)).toEqual(['m1', 'm2', 'QUEUED → SUCCEEDED.']);
  expect(provider.calls.get('listEvents')).toBe(1);
});

/** As if nobody had asked for the runs' news for so long. */
const pass = (seconds: number) =>
  db.asSystem(
    (tx) => tx.$executeRaw`
      UPDATE finetuning_training_runs SET news_asked_at = coalesce(news_asked_at, updated_at) - make_interval(secs => ${seconds}::int)
      WHERE step = 'FOLLOW'`,
  );

test('what many running jobs tell is asked for in turn, apart from the poll', async () => {
  const provider = standIn();
  const { run } = await followed(provider, MANY);
  const reader = createRunNewsReader({
    db,
    providers: providersOf(provider),
    onError: (error) => faults.push(error),
  });
  provider.jobs = provider.jobs.map((job) => (job.id === 'job-9' ? job : { ...job, status: 'RUNNING' }));
  await pollerOf(provider).pollActiveRuns(NEVER);
  for (const { id } of provider.jobs) provider.events.set(id, [message(`${id} 1`, 'm1')]);
  expect(await reader.readNews(NEVER)).toBe(0);
  await pass(20);
  // Two at once share them out.
  const counts = await Promise.all([reader.readNews(NEVER), reader.readNews(NEVER)]);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(MANY - 1);
  await pass(20);
  expect(await reader.readNews(NEVER)).toBe(MANY - 1);
  const { events, providerEventCursor } = await row(run, 'job-8');
  expect(events.map((event) => event.message)).toEqual(['QUEUED → RUNNING.', 'm1']);
  expect(providerEventCursor).toBe('job-8 1');
  // A job that waits has less to tell, and is asked less often.
  expect((await row(run, 'job-9')).lastSeq).toBe(0);
  await pass(30);
  await reader.readNews(NEVER);
  expect((await row(run, 'job-9')).lastSeq).toBe(1);
  expect(faults).toEqual([]);
});

test('a provider that refuses news for now is not asked about the others', async () => {
  const provider = standIn();
  await followed(provider, MANY);
  const reader = createRunNewsReader({
    db,
    providers: providersOf(provider),
    onError: (error) => faults.push(error),
  });
  let requests = 0;
  provider.listEvents = async () => {
    requests += 1;
    throw lost();
  };
  await pass(100);
  await reader.readNews(NEVER);
  expect(requests).toBeLessThanOrEqual(16);
  expect(faults).toEqual([]);
});

test('a run is claimed as it stands in the database', async () => {
  const { run } = await followed(standIn(), 1);
  await db.withTenant(run.viewer.tenantId, (tx) =>
    tx.trainingRun.update({
      where: { id: run.id },
      data: {
        startedAt: new Date('2026-11-20T10:00:00.123Z'),
        estimatedCompletionAt: new Date('2026-11-20T12:00:00Z'),
        trainedTokens: 123_456_789_012n,
        trainingCostUsd: '1234.000001',
        learningRateMultiplier: 0.1,
        errorMessage: 'It said "no" – twice.\n',
      },
    }),
  );
  const [claimed] = await createRunLease({ db }).claimFollowed(10);
  expect(claimed).toBeDefined();
  expect(await run.row()).toMatchObject({ ...claimed });
});
