/**
 * The last line against paying twice: looks through the provider's list for jobs that nobody follows. Such a job can
 * come of a list that lagged for longer than the worker waited, or of a worker that stood still between its last look
 * at the clock and the act.
 */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { TrainingRun } from '../generated/prisma/client.ts';
import { cancelJob } from './cancelJob.ts';
import { deadline } from './deadline.ts';
import type { Provider, ProviderJob, Providers } from './providers/port.ts';
import { adoption } from './runAdoption.ts';
import { changeRun, lockRun, shutOut } from './runChange.ts';
import { isFinal } from './runStatus.ts';

/** Jobs made longer ago were looked at before, or have ended by themselves; in milliseconds. */
const LOOK_BACK = 48 * 60 * 60_000;
const PAGE = 100;
const REQUEST_TIMEOUT = 15_000;

const uuid = z.uuid();

export interface JobSweepOptions {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  providers: Providers;
  onError: (error: unknown, run: TrainingRun) => void;
}

export type JobSweep = ReturnType<typeof createJobSweep>;

export function createJobSweep({ db, providers, onError }: JobSweepOptions) {
  return {
    /**
     * Of every run that is known here, the provider may be at work on the one job that the run follows. Others are
     * cancelled; a run that has lost its job gets it back. Returns how many jobs were cancelled or given back.
     */
    async sweepJobs(signal: AbortSignal): Promise<number> {
      let settled = 0;
      for (const name of providers.names()) {
        const provider = providers.get(name);
        if (provider) settled += await sweepProvider(provider, signal);
      }
      return settled;
    },
  };

  async function sweepProvider(provider: Provider, signal: AbortSignal): Promise<number> {
    const jobs = await activeJobs(provider, signal);
    const runs = await db.asSystem((tx) =>
      tx.trainingRun.findMany({
        where: { provider: provider.name, id: { in: jobs.flatMap(({ runId }) => runId ?? []) } },
      }),
    );
    let settled = 0;
    // Oldest first: a run that has none gets its first one.
    for (const job of jobs.toReversed()) {
      const run = runs.find(({ id }) => id === job.runId);
      // Jobs of a run that is not known here are another installation's, on the same account.
      if (!run || run.providerJobId === job.id || signal.aborted) continue;
      try {
        if (await settle(provider, run, job, deadline(signal, REQUEST_TIMEOUT))) settled += 1;
      } catch (error) {
        if (!signal.aborted) onError(error, run);
      }
    }
    return settled;
  }

  async function settle(
    provider: Provider,
    { tenantId, id }: TrainingRun,
    job: ProviderJob,
    signal: AbortSignal,
  ): Promise<boolean> {
    const verdict = await db.withTenant(tenantId, async (tx) => {
      const run = await lockRun(tx, tenantId, id);
      if (run.providerJobId === job.id) return 'followed';
      if (run.providerJobId !== null || isFinal(run.status)) return 'surplus';
      // The worker is looking for it at this moment.
      if (run.submitIntentAt !== null && run.status !== 'NEEDS_REVIEW') return 'sought';
      const message = `Found job ${job.id}, which the provider had not listed before.`;
      const { set, events } = adoption(run, job, run.now, message);
      await changeRun(tx, run, { ...shutOut(run), ...set }, events);
      return 'givenBack';
    });
    if (verdict !== 'surplus') return verdict === 'givenBack';
    await cancelJob(provider, job.id, signal); // One that ended meanwhile leaves nothing to cancel.
    await db.withTenant(tenantId, async (tx) => {
      const run = await lockRun(tx, tenantId, id);
      const message = `Job ${job.id} was made for this run as well. It is cancelled.`;
      await changeRun(tx, run, {}, [
        { type: 'MESSAGE', level: 'WARN', message, providerEventId: `surplus:${job.id}` },
      ]);
    });
    return true;
  }
}

/** Jobs that are not over and name a run, newest first. */
async function activeJobs(provider: Provider, signal: AbortSignal): Promise<ProviderJob[]> {
  const oldest = Date.now() - LOOK_BACK;
  const found: ProviderJob[] = [];
  let after: string | null = null;
  for (;;) {
    const page = await provider.listJobs({ after, limit: PAGE }, deadline(signal, REQUEST_TIMEOUT));
    found.push(...page.jobs.filter((job) => !isFinal(job.status) && uuid.safeParse(job.runId).success));
    const last = page.jobs.at(-1);
    if (!page.hasMore || !last || last.createdAt.getTime() < oldest) return found;
    after = last.id;
  }
}
