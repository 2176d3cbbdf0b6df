/** Reads what is new about jobs, and writes it down. */
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import type { BaseModelPrice, TrainingRun } from '../generated/prisma/client.ts';
import { noCrash, type ReachCrashPoint } from './crashPoint.ts';
import type { FollowedRun } from './followedRuns.ts';
import { afterReport, changeEvents, checkpointEvent, metricsJson, providerEvent } from './jobNews.ts';
import type { JobCheckpoint, JobEvent, Provider, ProviderJob } from './providers/port.ts';
import { changeRun, changeRuns, lockRun, lockRuns } from './runChange.ts';
import { isFinal } from './runStatus.ts';

/** What a job has told since it was asked last. */
export interface JobNews {
  events: JobEvent[];
  checkpoints: JobCheckpoint[];
}

export interface JobReport {
  run: FollowedRun;
  job: ProviderJob;
}

export function createRunReports({
  db,
  reach = noCrash,
}: {
  db: Pick<Database, 'withTenant'>;
  reach?: ReachCrashPoint | undefined;
}) {
  return {
    /** `isOver`: the job tells nothing more after this. */
    async fetchNews(
      provider: Provider,
      run: FollowedRun,
      isOver: boolean,
      signal: AbortSignal,
    ): Promise<JobNews> {
      const jobId = run.providerJobId ?? '';
      const events = await provider.listEvents(jobId, run.providerEventCursor, signal);
      const mayHaveCheckpoints = isOver || events.some(({ message }) => /checkpoint/i.test(message));
      const checkpoints = mayHaveCheckpoints ? await provider.listCheckpoints(jobId, signal) : [];
      reach('pollRead', run.id);
      return { events, checkpoints };
    },

    /** Writes down what is new about a job, in one transaction. */
    async record({ run, job }: JobReport, { events, checkpoints }: JobNews): Promise<void> {
      let ended = false;
      await db.withTenant(run.tenantId, async (tx) => {
        const current = await lockRun(tx, run.tenantId, run.id);
        if (isFinal(current.status)) return;
        const { now } = current;
        const [price = null] = job.trainedTokens === null ? [] : await pricesOf(tx, [current]);
        const patch = afterReport(current, job, price, now);
        for (const checkpoint of checkpoints) await saveCheckpoint(tx, current, checkpoint);
        await changeRun(
          tx,
          current,
          {
            ...patch,
            lastPolledAt: now,
            newsAskedAt: now,
            missingSince: null,
            attempts: 0,
            ...cursorAfter(events),
            ...(isFinal(patch.status) && { step: 'CLEANUP', nextAttemptAt: now }),
          },
          [
            ...events.map(providerEvent),
            ...checkpoints.map(checkpointEvent),
            ...changeEvents(current, patch),
          ],
        );
        ended = isFinal(patch.status);
      });
      if (ended) reach('endSaved', run.id);
    },

    /**
     * Writes down how jobs of one tenant stand that are not over, in one transaction. What they have told is read later:
     * their runs' cursors stay.
     */
    async recordStanding(tenantId: string, reports: JobReport[]): Promise<void> {
      await db.withTenant(tenantId, async (tx) => {
        const reported = new Map(reports.map((report) => [report.run.id, report]));
        const locked = await lockRuns(tx, tenantId, [...reported.keys()]);
        const paid = reports.some(({ job }) => job.trainedTokens !== null);
        const prices = paid ? await pricesOf(tx, locked) : [];
        const changes = locked.flatMap((current) => {
          const report = reported.get(current.id);
          // Whoever took the run over asks for itself.
          if (report?.run.fence !== current.fence || isFinal(current.status)) return [];
          const price = prices.find(({ id }) => id === current.priceId) ?? null;
          const patch = afterReport(current, report.job, price, current.now);
          return [{ run: current, patch, events: changeEvents(current, patch) }];
        });
        await changeRuns(tx, tenantId, changes);
      });
    },

    /** Writes down what a job has told, whatever it is doing. */
    async recordNews(run: FollowedRun, { events, checkpoints }: JobNews): Promise<void> {
      if (events.length === 0) return;
      await db.withTenant(run.tenantId, async (tx) => {
        const current = await lockRun(tx, run.tenantId, run.id);
        if (isFinal(current.status)) return;
        for (const checkpoint of checkpoints) await saveCheckpoint(tx, current, checkpoint);
        await changeRun(tx, current, cursorAfter(events), [
          ...events.map(providerEvent),
          ...checkpoints.map(checkpointEvent),
        ]);
      });
    },
  };
}

function cursorAfter(events: JobEvent[]): { providerEventCursor?: string } {
  const last = events.at(-1);
  return last ? { providerEventCursor: last.id } : {};
}

async function pricesOf(tx: Tx, runs: Pick<TrainingRun, 'priceId'>[]): Promise<BaseModelPrice[]> {
  const ids = new Set(runs.flatMap(({ priceId }) => priceId ?? []));
  return ids.size === 0 ? [] : tx.baseModelPrice.findMany({ where: { id: { in: [...ids] } } });
}

async function saveCheckpoint(tx: Tx, run: TrainingRun, checkpoint: JobCheckpoint): Promise<void> {
  const key = { runId: run.id, providerCheckpointId: checkpoint.id };
  const { model, step, metrics, createdAt } = checkpoint;
  const data = { modelId: model, step, metrics: metricsJson(metrics), createdAt };
  await tx.checkpoint.upsert({
    where: { runId_providerCheckpointId: key },
    create: { ...key, tenantId: run.tenantId, ...data },
    update: data,
  });
}
