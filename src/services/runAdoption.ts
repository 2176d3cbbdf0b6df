import type { TrainingRun } from '../generated/prisma/client.ts';
import type { ProviderJob } from './providers/port.ts';
import type { RunChange } from './runChange.ts';
import { adoptedStatus } from './runStatus.ts';

/** How a run changes that has got its job, whether the job was just made, looked for, or named by a person. */
export function adoption(
  run: TrainingRun,
  job: ProviderJob,
  now: Date,
  message: string,
): Required<RunChange> {
  return {
    set: {
      providerJobId: job.id,
      step: 'FOLLOW',
      status: adoptedStatus(run.status, job.status),
      attempts: 0,
      nextAttemptAt: now,
      // A run in review had been told that it has none.
      errorCode: null,
      errorMessage: null,
    },
    events: [{ type: 'STATUS', message }],
  };
}
