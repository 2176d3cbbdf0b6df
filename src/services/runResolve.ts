/** What only a person can settle: whether the provider has a job for a run in NEEDS_REVIEW. */
import type { Database } from '../db/database.ts';
import type { TrainingRun } from '../generated/prisma/client.ts';
import { InvalidInputError, RunNotInReviewError } from './errors.ts';
import type { Provider, ProviderJob } from './providers/port.ts';
import { adoption } from './runAdoption.ts';
import { changeRun, lockRun, shutOut, type LockedRun, type RunChange } from './runChange.ts';
import type { Viewer } from './viewer.ts';
import { recordAudit } from './audit.ts';
import { REQUEST_TIMEOUT } from './deadline.ts';

/** Either the id of the job that was found at the provider, or that there is none. */
export type Resolution = { providerJobId: string } | { giveUp: true };

/** Settles a run in NEEDS_REVIEW. Throws NotFoundError, RunNotInReviewError, InvalidInputError, ProviderError. */
export async function resolveRun(
  db: Pick<Database, 'withTenant' | 'asSystem'>,
  provider: Provider,
  viewer: Viewer,
  run: TrainingRun,
  resolution: Resolution,
): Promise<TrainingRun> {
  requireInReview(run);
  const change =
    'giveUp' in resolution
      ? (current: LockedRun) => givenUp(current, viewer)
      : await adoptionOf(db, provider, viewer, run, resolution.providerJobId);
  return db.withTenant(viewer.tenantId, async (tx) => {
    const current = await lockRun(tx, viewer.tenantId, run.id);
    requireInReview(current);
    const { set, events = [] } = change(current);
    await recordAudit(tx, viewer, {
      action: 'RESOLVE_TRAINING_RUN',
      subjectType: 'TrainingRun',
      subjectId: run.id,
      detail: { ...resolution },
    });
    return changeRun(tx, current, { ...shutOut(current), ...set }, events);
  });
}

async function adoptionOf(
  db: Pick<Database, 'asSystem'>,
  provider: Provider,
  viewer: Viewer,
  run: TrainingRun,
  jobId: string,
): Promise<(current: LockedRun) => RunChange> {
  const job = await provider.getJob(jobId, AbortSignal.timeout(REQUEST_TIMEOUT));
  if (job.runId !== null && job.runId !== run.id) throw notThisRuns(job);
  // A job of no run that it names could have been adopted before, by another tenant's run too.
  const follower = await db.asSystem((tx) =>
    tx.trainingRun.findFirst({ where: { provider: run.provider, providerJobId: job.id } }),
  );
  if (follower) throw notThisRuns(job);
  return (current) =>
    adoption(current, job, current.now, `${viewer.subject} found job ${job.id} at the provider.`);
}

function givenUp(current: LockedRun, viewer: Viewer): RunChange {
  return {
    set: {
      status: 'FAILED',
      step: 'CLEANUP',
      completedAt: current.now,
      nextAttemptAt: current.now,
      attempts: 0,
    },
    events: [
      {
        type: 'STATUS',
        level: 'ERROR',
        message: `Given up by ${viewer.subject}: there is no job at the provider. Should one appear, it is cancelled.`,
      },
    ],
  };
}

function requireInReview({ status }: TrainingRun): void {
  if (status !== 'NEEDS_REVIEW') throw new RunNotInReviewError(status);
}

function notThisRuns(job: ProviderJob): InvalidInputError {
  return new InvalidInputError([
    { field: 'input.providerJobId', message: `must be a job of this run; ${job.id} belongs to another` },
  ]);
}
