/** Asks the providers about running jobs and writes down what has changed. */
import type { Database } from '../db/database.ts';
import type { BaseModelPrice, Prisma, TrainingRun } from '../generated/prisma/client.ts';
import { ProviderError } from './errors.ts';
import { trainingCostUsd } from './price.ts';
import type { JobCheckpoint, JobEvent, JobMetrics, Provider, ProviderJob, Providers } from './providers/port.ts';
import { changeRun, lockRun, type NewRunEvent, type RunPatch } from './runChange.ts';
import { claimDueRuns, releaseRuns } from './runLease.ts';
import { isFinal, nextStatus } from './runStatus.ts';

/** As many runs as one tick takes. */
const RUNS_A_TICK = 1000;
/** From how many jobs on the provider is asked for its list rather than for each job. */
const LIST_FROM = 5;
const PAGE = 100;
/** Requests under way at once. */
const CONCURRENCY = 16;
const REQUEST_TIMEOUT = 15_000;
/** A job that the provider does not know must stay unknown for this long before its run is given up. */
const MISSING_FOR = 60_000;

export interface RunPollerOptions {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  providers: Providers;
  onError: (error: unknown, run: TrainingRun) => void;
}

export type RunPoller = ReturnType<typeof createRunPoller>;

export function createRunPoller({ db, providers, onError }: RunPollerOptions) {
  /** Asks about all runs that are followed and not asked about by another replica. Returns how many. */
  async function pollActiveRuns(signal: AbortSignal): Promise<number> {
    const runs = await claimDueRuns(db, ['FOLLOW'], RUNS_A_TICK);
    try {
      for (const name of new Set(runs.map((run) => run.provider))) {
        const provider = providers.get(name);
        if (provider) await pollGroup(provider, runs.filter((run) => run.provider === name), signal);
      }
    } finally {
      await releaseRuns(db, runs);
    }
    return runs.length;
  }

  /** Asks about one run now. Throws ProviderError. */
  async function pollOne(run: TrainingRun): Promise<void> {
    const provider = providers.get(run.provider);
    if (!provider || run.providerJobId === null) return;
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT);
    await record(provider, run, await provider.getJob(run.providerJobId, signal), signal);
  }

  async function pollGroup(provider: Provider, runs: TrainingRun[], signal: AbortSignal): Promise<void> {
    const listed = runs.length >= LIST_FROM ? await listJobs(provider, runs, signal) : new Map<string, ProviderJob>();
    await inParallel(runs, CONCURRENCY, async (run) => {
      try {
        const request = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT)]);
        if (run.cancelRequestedAt !== null) await repeatCancel(provider, run, request);
        const job = listed.get(run.providerJobId ?? '') ?? (await provider.getJob(run.providerJobId ?? '', request));
        await record(provider, run, job, request);
      } catch (error) {
        if (signal.aborted) return;
        await recordFailure(run, error).catch((failure: unknown) => onError(failure, run));
      }
    });
  }

  async function listJobs(provider: Provider, runs: TrainingRun[], signal: AbortSignal): Promise<Map<string, ProviderJob>> {
    const wanted = new Set(runs.map(({ providerJobId }) => providerJobId));
    const oldest = Math.min(...runs.map(({ createdAt }) => createdAt.getTime()));
    const found = new Map<string, ProviderJob>();
    let after: string | null = null;
    try {
      while (found.size < wanted.size) {
        const request = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT)]);
        const page = await provider.listJobs({ after, limit: PAGE }, request);
        for (const job of page.jobs) if (wanted.has(job.id)) found.set(job.id, job);
        const last = page.jobs.at(-1);
        if (!page.hasMore || !last || last.createdAt.getTime() < oldest - 60_000) break;
        after = last.id;
      }
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error; // What the list did not settle is asked for singly.
    }
    return found;
  }

  /** Writes down what is new about a job, in one transaction; nothing when nothing is. */
  async function record(provider: Provider, run: TrainingRun, job: ProviderJob, signal: AbortSignal): Promise<void> {
    const news = await fetchNews(provider, run, job, signal);
    await db.withTenant(run.tenantId, async (tx) => {
      const current = await lockRun(tx, run.tenantId, run.id);
      if (isFinal(current.status)) return;
      const patch = patchFrom(current, job, await priceOf(tx, current));
      const lastEvent = news.events.at(-1);
      const events = [...news.events.map(runEvent), ...news.checkpoints.map(checkpointEvent), ...ownEvents(current, patch)];
      for (const checkpoint of news.checkpoints) await saveCheckpoint(tx, current, checkpoint);
      const polled = { lastPolledAt: new Date(), missingSince: null, attempts: 0 };
      await changeRun(tx, current, { ...patch, ...polled, ...(lastEvent && { providerEventCursor: lastEvent.id }) }, events);
    });
  }

  function patchFrom(run: TrainingRun, job: ProviderJob, price: BaseModelPrice | null): RunPatch {
    const status = nextStatus(run.status, job.status);
    const trainedTokens = job.trainedTokens === null ? run.trainedTokens : BigInt(job.trainedTokens);
    const failed = status === 'FAILED' && job.error !== null;
    return {
      status,
      resultModelId: job.model ?? run.resultModelId,
      trainedTokens,
      ...(trainedTokens !== null && price && { trainingCostUsd: trainingCostUsd(trainedTokens, price.trainingUsdPerMTokens) }),
      nEpochs: run.nEpochs ?? job.hyperparameters.nEpochs,
      batchSize: run.batchSize ?? job.hyperparameters.batchSize,
      learningRateMultiplier: run.learningRateMultiplier ?? job.hyperparameters.learningRateMultiplier,
      estimatedCompletionAt: job.estimatedFinishAt ?? run.estimatedCompletionAt,
      ...(status === 'RUNNING' && run.startedAt === null && { startedAt: new Date() }),
      ...(failed && { errorCode: job.error?.code ?? null, errorMessage: job.error?.message ?? null }),
      ...(isFinal(status) && { completedAt: job.finishedAt ?? new Date(), step: 'CLEANUP', nextAttemptAt: new Date() }),
    };
  }

  /** A provider that cannot be reached changes nothing; a job that stays unknown to it ends the run. */
  async function recordFailure(run: TrainingRun, error: unknown): Promise<void> {
    if (!(error instanceof ProviderError)) return onError(error, run);
    await db.withTenant(run.tenantId, async (tx) => {
      const current = await lockRun(tx, run.tenantId, run.id);
      if (isFinal(current.status)) return;
      const gone = error.code === 'PROVIDER_NOT_FOUND' || error.code === 'PROVIDER_FORBIDDEN';
      const now = new Date();
      if (!gone) {
        const wait = error.retryAfterSeconds ?? 0;
        await changeRun(tx, current, { lastPolledAt: now, nextAttemptAt: new Date(now.getTime() + wait * 1000) }, []);
      } else if (current.missingSince === null) {
        await changeRun(tx, current, { lastPolledAt: now, missingSince: now }, [
          { type: 'MESSAGE', level: 'WARN', message: `The provider no longer gives out the job: ${error.message} Looking again.` },
        ]);
      } else if (now.getTime() - current.missingSince.getTime() >= MISSING_FOR) {
        await changeRun(
          tx,
          current,
          { status: 'FAILED', step: 'CLEANUP', errorCode: error.code, errorMessage: error.message, completedAt: now, lastPolledAt: now },
          [{ type: 'STATUS', level: 'ERROR', message: error.message }],
        );
      }
    });
  }

  return { pollActiveRuns, pollOne };
}

async function priceOf(tx: Prisma.TransactionClient, run: TrainingRun): Promise<BaseModelPrice | null> {
  return run.priceId === null ? null : tx.baseModelPrice.findUnique({ where: { id: run.priceId } });
}

async function repeatCancel(provider: Provider, run: TrainingRun, signal: AbortSignal): Promise<void> {
  try {
    await provider.cancelJob(run.providerJobId ?? '', signal);
  } catch (error) {
    // A job that has ended meanwhile refuses to be cancelled; its status tells how it ended.
    if (!(error instanceof ProviderError) || error.retryable) throw error;
  }
}

async function fetchNews(
  provider: Provider,
  run: TrainingRun,
  job: ProviderJob,
  signal: AbortSignal,
): Promise<{ events: JobEvent[]; checkpoints: JobCheckpoint[] }> {
  const over = job.status === 'SUCCEEDED' || job.status === 'FAILED' || job.status === 'CANCELLED';
  const events = await provider.listEvents(job.id, run.providerEventCursor, signal);
  const mayHaveCheckpoints = over || events.some(({ message }) => /checkpoint/i.test(message));
  return { events, checkpoints: mayHaveCheckpoints ? await provider.listCheckpoints(job.id, signal) : [] };
}

function runEvent(event: JobEvent): NewRunEvent {
  return {
    type: event.kind,
    level: event.level,
    message: event.message,
    ...(event.metrics && { data: metricsJson(event.metrics) }),
    providerEventId: event.id,
    createdAt: event.createdAt,
  };
}

function checkpointEvent(checkpoint: JobCheckpoint): NewRunEvent {
  return {
    type: 'CHECKPOINT',
    message: `Checkpoint ${checkpoint.model} at step ${checkpoint.step}.`,
    data: { ...metricsJson(checkpoint.metrics), model: checkpoint.model, step: checkpoint.step },
    providerEventId: checkpoint.id,
    createdAt: checkpoint.createdAt,
  };
}

function metricsJson(metrics: JobMetrics): Prisma.InputJsonObject {
  return { ...metrics };
}

/** Events of our own about what the patch changes. */
function ownEvents(run: TrainingRun, patch: RunPatch): NewRunEvent[] {
  if (patch.status !== run.status) {
    const level = patch.status === 'FAILED' ? 'ERROR' : 'INFO';
    const why = patch.status === 'FAILED' && typeof patch.errorMessage === 'string' ? `: ${patch.errorMessage}` : '.';
    return [{ type: 'STATUS', level, message: `${run.status} → ${String(patch.status)}${why}` }];
  }
  const estimate = patch.estimatedCompletionAt;
  if (estimate instanceof Date && estimate.getTime() !== run.estimatedCompletionAt?.getTime()) {
    return [{ type: 'PROGRESS', message: `Expected to be done at ${estimate.toISOString()}.` }];
  }
  return [];
}

async function saveCheckpoint(tx: Prisma.TransactionClient, run: TrainingRun, checkpoint: JobCheckpoint): Promise<void> {
  const key = { runId: run.id, providerCheckpointId: checkpoint.id };
  const data = {
    modelId: checkpoint.model,
    step: checkpoint.step,
    metrics: metricsJson(checkpoint.metrics),
    createdAt: checkpoint.createdAt,
  };
  await tx.checkpoint.upsert({
    where: { runId_providerCheckpointId: key },
    create: { ...key, tenantId: run.tenantId, ...data },
    update: data,
  });
}

/** Does `work` on every item, on a bounded number at once. */
async function inParallel<T>(items: T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: Math.min(limit, items.length) }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
