import type { JobSweep } from '../services/jobSweep.ts';
import type { Job } from './scheduler.ts';

/** Cancels jobs at the providers that no run follows. */
export function sweepJobs(sweep: JobSweep, pattern: string): Job {
  return { name: 'sweepJobs', pattern, timeoutMs: 120_000, run: (signal) => sweep.sweepJobs(signal) };
}
