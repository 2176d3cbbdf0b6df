import type { Tx } from '../db/tenancy.ts';
import type { TrainingRun } from '../generated/prisma/client.ts';
import { changeRun, shutOut, type LockedRun } from './runChange.ts';

/**
 * Cancels a locked run that is not final: at once while there is no job yet or a person has looked for one
 * (NEEDS_REVIEW); else the wish is noted, and the poller repeats it at the provider until the job has ended.
 * `who` is told in the run's events.
 */
export function askToCancel(tx: Tx, run: LockedRun, who: string): Promise<TrainingRun> {
  const nothingSubmitted = run.providerJobId === null && run.submitIntentAt === null;
  if (!nothingSubmitted && run.status !== 'NEEDS_REVIEW') {
    return changeRun(tx, run, { cancelRequestedAt: run.now }, [
      { type: 'PROGRESS', message: `${who} asked to cancel.` },
    ]);
  }
  const when = nothingSubmitted ? 'before anything was submitted' : 'after a review';
  return changeRun(
    tx,
    run,
    {
      status: 'CANCELLED',
      step: 'CLEANUP',
      ...shutOut(run),
      cancelRequestedAt: run.now,
      completedAt: run.now,
      nextAttemptAt: run.now,
    },
    [{ type: 'STATUS', message: `Cancelled by ${who} ${when}.` }],
  );
}
