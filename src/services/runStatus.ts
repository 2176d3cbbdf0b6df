import type { TrainingRunStatus } from '../generated/prisma/client.ts';
import type { JobStatus } from './providers/port.ts';

const FINAL: ReadonlySet<TrainingRunStatus | JobStatus> = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED']);

/** Whether nothing can change the status of a run, or of a job, any more. */
export function isFinal(status: TrainingRunStatus | JobStatus): boolean {
  return FINAL.has(status);
}

/** How far a run has come; reports from further back are late ones. */
const PROGRESS: Record<TrainingRunStatus, number> = {
  PREPARING: 0,
  NEEDS_REVIEW: 0,
  VALIDATING_FILES: 1,
  QUEUED: 2,
  RUNNING: 3,
  PAUSED: 3,
  SUCCEEDED: 4,
  FAILED: 4,
  CANCELLED: 4,
};

/**
 * The status after the provider has reported one. It never goes back: final is final, and a late report of an earlier
 * state or one of an unknown state changes nothing. Only a paused job may be queued again, which is how it resumes.
 */
export function nextStatus(current: TrainingRunStatus, reported: JobStatus): TrainingRunStatus {
  if (isFinal(current) || reported === 'UNKNOWN') return current;
  if (current === 'PAUSED' && (reported === 'QUEUED' || reported === 'RUNNING')) return reported;
  return PROGRESS[reported] > PROGRESS[current] || (current === 'RUNNING' && reported === 'PAUSED')
    ? reported
    : current;
}

/**
 * The status of a run that has just got its job, when that was found rather than made. A job that has ended meanwhile
 * is not over for us: the poller still has to read what came of it.
 */
export function adoptedStatus(current: TrainingRunStatus, reported: JobStatus): TrainingRunStatus {
  const next = nextStatus(current, reported);
  return isFinal(next) || PROGRESS[next] === 0 ? 'VALIDATING_FILES' : next;
}
