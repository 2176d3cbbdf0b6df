/** Asks the providers about running jobs and writes down what has changed. */
import type { Database } from '../db/database.ts';
import type { TrainingRun } from '../generated/prisma/client.ts';
import { onRun } from '../observe/runs.ts';
import { cancelJob } from './cancelJob.ts';
import type { ReachCrashPoint } from './crashPoint.ts';
import { createCrew } from './crew.ts';
import { deadline, REQUEST_TIMEOUT } from './deadline.ts';
import { ProviderError } from './errors.ts';
import { markAsked, postpone, type FollowedRun } from './followedRuns.ts';
import { listedJobs } from './jobListing.ts';
import { tellsNothingNew } from './jobNews.ts';
import type { Provider, ProviderJob, Providers } from './providers/port.ts';
import { changeRun, lockRun } from './runChange.ts';
import type { RunLease } from './runLease.ts';
import { NEWS_APART_FROM } from './runNews.ts';
import { createRunReports, type JobReport } from './runReport.ts';
import { isFinal } from './runStatus.ts';

/** As many runs as one tick takes: a list of so many is read in ten seconds where a page takes 100 ms. */
const RUNS_A_TICK = 10_000;
/** From how many jobs on the provider is asked for its list rather than for each job. */
const LIST_FROM = 5;
/** As many runs as are written at once. */
const BATCH = 1_000;
/** Requests under way at once. */
const CONCURRENCY = 16;
/** A job that the provider does not know must stay unknown for this long before its run is given up; in milliseconds. */
const MISSING_FOR = 60_000;

export interface RunPollerOptions {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  providers: Providers;
  lease: RunLease;
  reach?: ReachCrashPoint | undefined;
  onError: (error: unknown, run: { id: string }) => void;
  /** For how long a job must be unknown to the provider until its run is given up; in milliseconds. */
  missingFor?: number | undefined;
  /** As many runs as one tick takes. */
  runsATick?: number | undefined;
}

export type RunPoller = ReturnType<typeof createRunPoller>;

export function createRunPoller({
  db,
  providers,
  lease,
  reach,
  onError,
  missingFor = MISSING_FOR,
  runsATick = RUNS_A_TICK,
}: RunPollerOptions) {
  const reports = createRunReports({ db, reach });

  return {
    /** Asks about all runs that are followed and not asked about by another replica. Returns how many. */
    async pollActiveRuns(signal: AbortSignal): Promise<number> {
      const runs = await lease.claimFollowed(runsATick);
      const marked = new Set<FollowedRun>();
      try {
        for (const name of new Set(runs.map((run) => run.provider))) {
          const provider = providers.get(name);
          const group = runs.filter((run) => run.provider === name);
          if (provider) await pollGroup(provider, group, marked, signal);
        }
      } finally {
        // Also those that could not be asked about give way to the others, unless it was the time that did not suffice.
        const rest = runs.filter((run) => !marked.has(run));
        await lease.release(rest, { toTheEnd: !signal.aborted });
      }
      return runs.length;
    },

    /** Asks about one run now, unless `broken` is aborted. Throws ProviderError. */
    async pollOne(run: TrainingRun, broken = new AbortController().signal): Promise<void> {
      const provider = providers.get(run.provider);
      if (!provider || run.providerJobId === null) return;
      const signal = deadline(broken, REQUEST_TIMEOUT);
      const job = await provider.getJob(run.providerJobId, signal);
      const news = await reports.fetchNews(provider, run, isFinal(job.status), signal);
      await reports.record({ run, job }, news);
    },
  };

  /** Adds to `marked` the runs that were let go already. */
  async function pollGroup(
    provider: Provider,
    runs: FollowedRun[],
    marked: Set<FollowedRun>,
    signal: AbortSignal,
  ): Promise<void> {
    const apart = runs.length >= NEWS_APART_FROM;
    const crew = createCrew(CONCURRENCY);
    const unlisted = new Map(runs.map((run) => [run.providerJobId ?? '', run]));
    const asked: FollowedRun[] = [];
    const standing: JobReport[] = [];

    /** Whatever there is to know about the run: a request or more, and a transaction if there is anything to write. */
    async function look(run: FollowedRun, listed?: ProviderJob): Promise<void> {
      const request = deadline(signal, REQUEST_TIMEOUT);
      const jobId = run.providerJobId ?? '';
      try {
        await onRun(run, 'poll', async () => {
          if (run.cancelRequestedAt !== null) await cancelJob(provider, jobId, request);
          const job = listed ?? (await provider.getJob(jobId, request));
          const news = await reports.fetchNews(provider, run, isFinal(job.status), request);
          const isQuiet = news.events.length === 0 && tellsNothingNew(run, job);
          if (isQuiet) asked.push(run);
          else await reports.record({ run, job }, news);
        });
      } catch (error) {
        if (!signal.aborted)
          await recordFailure(run, error).catch((failure: unknown) => onError(failure, run));
      }
    }

    async function flush(): Promise<void> {
      const [quiet, changed] = [asked.splice(0), standing.splice(0)];
      const written = await writeStanding(changed, ({ run, job }) => crew.add(() => look(run, job)));
      await markAsked(db, [...quiet, ...written], { withNews: !apart });
      for (const run of [...quiet, ...written]) marked.add(run);
    }

    if (runs.length >= LIST_FROM) {
      try {
        const oldest = new Date(Math.min(...runs.map(({ createdAt }) => createdAt.getTime())));
        for await (const page of listedJobs(provider, unlisted, oldest, signal)) {
          for (const report of page) {
            const { run, job } = report;
            if (!apart || run.cancelRequestedAt !== null || isFinal(job.status))
              crew.add(() => look(run, job));
            else if (tellsNothingNew(run, job)) asked.push(run);
            else standing.push(report);
          }
          if (asked.length + standing.length >= BATCH) crew.add(flush);
        }
      } catch (error) {
        if (!(error instanceof ProviderError)) {
          await crew.done();
          throw error;
        }
        // A provider that does not give its list now would hardly like to be asked about each job instead.
        await postpone(db, [...unlisted.values()], error.retryAfterSeconds ?? 0);
        unlisted.clear();
      }
    }
    for (const run of unlisted.values()) crew.add(() => look(run));
    await crew.done();
    await flush();
    // What could not be written together was handed back, to be looked at singly.
    await crew.done();
    await flush();
  }

  /** One transaction a tenant. Returns the runs that are written; `retry` is given what could not be written together. */
  async function writeStanding(
    written: JobReport[],
    retry: (report: JobReport) => void,
  ): Promise<FollowedRun[]> {
    const tenants = new Set(written.map(({ run }) => run.tenantId));
    const done: FollowedRun[] = [];
    for (const tenantId of tenants) {
      const own = written.filter(({ run }) => run.tenantId === tenantId);
      try {
        await reports.recordStanding(tenantId, own);
        done.push(...own.map(({ run }) => run));
      } catch {
        own.forEach(retry); // One by one, the one that is to blame is found.
      }
    }
    return done;
  }

  /** A provider that cannot be reached changes nothing; a job that stays unknown to it ends the run. */
  async function recordFailure(run: FollowedRun, error: unknown): Promise<void> {
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
