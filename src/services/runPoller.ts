/** Asks the providers about running jobs and writes down what has changed. */
import type { Database } from '../db/database.ts';
import type { BaseModelPrice, Prisma, TrainingRun } from '../generated/prisma/client.ts';
import { onRun } from '../observe/runs.ts';
import { cancelJob } from './cancelJob.ts';
import { noCrash, type ReachCrashPoint } from './crashPoint.ts';
import { deadline } from './deadline.ts';
import { ProviderError } from './errors.ts';
import { afterReport, changeEvents, checkpointEvent, metricsJson, providerEvent } from './jobNews.ts';
import type { JobCheckpoint, JobEvent, Provider, ProviderJob, Providers } from './providers/port.ts';
import { changeRun, lockRun } from './runChange.ts';
import type { RunLease } from './runLease.ts';

import { isFinal } from './runStatus.ts';

/** As many runs as one tick takes. */
const RUNS_A_TICK = 1000;
/** From how many jobs on the provider is asked for its list rather than for each job. */
const LIST_FROM = 5;
const PAGE = 100;
/** Requests under way at once. */
const CONCURRENCY = 16;
/** In milliseconds. */
const REQUEST_TIMEOUT = 15_000;
/** A job that the provider does not know must stay unknown for this long before its run is given up; in milliseconds. */
const MISSING_FOR = 60_000;
/** By how much the provider's clock may differ from ours, in milliseconds. */
const CLOCK_SKEW = 60_000;

export interface RunPollerOptions {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  providers: Providers;
  lease: RunLease;
  reach?: ReachCrashPoint | undefined;
  onError: (error: unknown, run: TrainingRun) => void;
  /** For how long a job must be unknown to the provider until its run is given up; in milliseconds. */
  missingFor?: number | undefined;
}

export type RunPoller = ReturnType<typeof createRunPoller>;

export function createRunPoller({
  db,
  providers,
  lease,
  reach = noCrash,
  onError,
  missingFor = MISSING_FOR,
}: RunPollerOptions) {
  return {
    /** Asks about all runs that are followed and not asked about by another replica. Returns how many. */
    async pollActiveRuns(signal: AbortSignal): Promise<number> {
      const runs = await lease.claim(['FOLLOW'], RUNS_A_TICK);
      try {
        for (const name of new Set(runs.map((run) => run.provider))) {
          const provider = providers.get(name);
          const group = runs.filter((run) => run.provider === name);
          if (provider) await pollGroup(provider, group, signal);
        }
      } finally {
        await lease.release(runs);
      }
      return runs.length;
    },

    /** Asks about one run now, unless `broken` is aborted. Throws ProviderError. */
    async pollOne(run: TrainingRun, broken = new AbortController().signal): Promise<void> {
      const provider = providers.get(run.provider);
      if (!provider || run.providerJobId === null) return;
      const signal = deadline(broken, REQUEST_TIMEOUT);
      await record(provider, run, await provider.getJob(run.providerJobId, signal), signal);
    },
  };

  async function pollGroup(provider: Provider, runs: TrainingRun[], signal: AbortSignal): Promise<void> {
    const { found: listed, broken } =
      runs.length >= LIST_FROM ? await listedJobs(provider, runs, signal) : NOT_LISTED;
    // A provider that does not give its list now would hardly like to be asked about each job instead.
    const unsettled = broken === null ? [] : runs.filter((run) => !listed.has(run.providerJobId ?? ''));
    await postpone(unsettled, broken?.retryAfterSeconds ?? 0);
    const asked = runs.filter((run) => !unsettled.includes(run));
    await inParallel(asked, CONCURRENCY, async (run) => {
      const jobId = run.providerJobId ?? '';
      const request = deadline(signal, REQUEST_TIMEOUT);
      try {
        await onRun(run, 'poll', async () => {
          if (run.cancelRequestedAt !== null) await cancelJob(provider, jobId, request);
          await record(provider, run, listed.get(jobId) ?? (await provider.getJob(jobId, request)), request);
        });
      } catch (error) {
        if (!signal.aborted)
          await recordFailure(run, error).catch((failure: unknown) => onError(failure, run));
      }
    });
  }

  async function postpone(runs: TrainingRun[], seconds: number): Promise<void> {
    if (runs.length === 0) return;
    const ids = runs.map(({ id }) => id);
    await db.asSystem(
      (tx) => tx.$executeRaw`
        UPDATE finetuning_training_runs
        SET next_attempt_at = now() + make_interval(secs => ${seconds}::float8), last_polled_at = now()
        WHERE id = ANY(${ids}::uuid[]) AND step = 'FOLLOW'`,
    );
  }

  /** Writes down what is new about a job, in one transaction. */
  async function record(
    provider: Provider,
    run: TrainingRun,
    job: ProviderJob,
    signal: AbortSignal,
  ): Promise<void> {
    const { events, checkpoints } = await fetchNews(provider, run, job, signal);
    reach('pollRead', run.id);
    let ended = false;
    await db.withTenant(run.tenantId, async (tx) => {
      const current = await lockRun(tx, run.tenantId, run.id);
      if (isFinal(current.status)) return;
      const { now } = current;
      const patch = afterReport(current, job, await priceOf(tx, current), now);
      for (const checkpoint of checkpoints) await saveCheckpoint(tx, current, checkpoint);
      const lastEvent = events.at(-1);
      await changeRun(
        tx,
        current,
        {
          ...patch,
          lastPolledAt: now,
          missingSince: null,
          attempts: 0,
          ...(lastEvent && { providerEventCursor: lastEvent.id }),
          ...(isFinal(patch.status) && { step: 'CLEANUP', nextAttemptAt: now }),
        },
        [...events.map(providerEvent), ...checkpoints.map(checkpointEvent), ...changeEvents(current, patch)],
      );
      ended = isFinal(patch.status);
    });
    if (ended) reach('endSaved', run.id);
  }

  /** A provider that cannot be reached changes nothing; a job that stays unknown to it ends the run. */
  async function recordFailure(run: TrainingRun, error: unknown): Promise<void> {
    if (!(error instanceof ProviderError)) return onError(error, run);
    await db.withTenant(run.tenantId, async (tx) => {
      const current = await lockRun(tx, run.tenantId, run.id);
      if (isFinal(current.status)) return;
      const { now } = current;
      const gone = error.code === 'PROVIDER_NOT_FOUND' || error.code === 'PROVIDER_FORBIDDEN';
      if (!gone) {
        const nextAttemptAt = new Date(now.getTime() + (error.retryAfterSeconds ?? 0) * 1000);
        await changeRun(tx, current, { lastPolledAt: now, nextAttemptAt }, []);
      } else if (current.missingSince === null) {
        const message = `The provider no longer gives out the job: ${error.message} Looking again.`;
        await changeRun(tx, current, { lastPolledAt: now, missingSince: now }, [
          { type: 'MESSAGE', level: 'WARN', message },
        ]);
      } else if (now.getTime() - current.missingSince.getTime() >= missingFor) {
        const failure = {
          errorCode: error.code,
          errorMessage: error.message,
          completedAt: now,
          lastPolledAt: now,
        };
        await changeRun(tx, current, { status: 'FAILED', step: 'CLEANUP', nextAttemptAt: now, ...failure }, [
          { type: 'STATUS', level: 'ERROR', message: error.message },
        ]);
      }
    });
  }
}

interface Listed {
  found: Map<string, ProviderJob>;
  /** Why the list ended early, when asking again later may help. */
  broken: ProviderError | null;
}

const NOT_LISTED: Listed = { found: new Map(), broken: null };

/** The runs' jobs as the provider's list has them; what the list does not settle is left out, and asked for singly. */
async function listedJobs(provider: Provider, runs: TrainingRun[], signal: AbortSignal): Promise<Listed> {
  const wanted = new Set(runs.map(({ providerJobId }) => providerJobId));
  const oldest = Math.min(...runs.map(({ createdAt }) => createdAt.getTime())) - CLOCK_SKEW;
  const found = new Map<string, ProviderJob>();
  let after: string | null = null;
  try {
    while (found.size < wanted.size) {
      const page = await provider.listJobs({ after, limit: PAGE }, deadline(signal, REQUEST_TIMEOUT));
      for (const job of page.jobs) if (wanted.has(job.id)) found.set(job.id, job);
      const last = page.jobs.at(-1);
      if (!page.hasMore || !last || last.createdAt.getTime() < oldest) break;
      after = last.id;
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.retryable) return { found, broken: error };
  }
  return { found, broken: null };
}

async function fetchNews(
  provider: Provider,
  run: TrainingRun,
  job: ProviderJob,
  signal: AbortSignal,
): Promise<{ events: JobEvent[]; checkpoints: JobCheckpoint[] }> {
  const events = await provider.listEvents(job.id, run.providerEventCursor, signal);
  const mayHaveCheckpoints = isFinal(job.status) || events.some(({ message }) => /checkpoint/i.test(message));
  return { events, checkpoints: mayHaveCheckpoints ? await provider.listCheckpoints(job.id, signal) : [] };
}

async function priceOf(
  tx: Prisma.TransactionClient,
  { priceId }: TrainingRun,
): Promise<BaseModelPrice | null> {
  return priceId === null ? null : tx.baseModelPrice.findUnique({ where: { id: priceId } });
}

async function saveCheckpoint(
  tx: Prisma.TransactionClient,
  run: TrainingRun,
  checkpoint: JobCheckpoint,
): Promise<void> {
  const key = { runId: run.id, providerCheckpointId: checkpoint.id };
  const { model, step, metrics, createdAt } = checkpoint;
  const data = { modelId: model, step, metrics: metricsJson(metrics), createdAt };
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
