import type { RunWorker } from '../services/runWorker.ts';
import type { Job } from './scheduler.ts';

/** Takes launched runs to the provider. Kicked by every launch; the tick is for what had to wait. */
export function advanceRuns(worker: RunWorker, pattern: string): Job {
  return {
    name: 'advanceRuns',
    pattern,
    timeoutMs: 15 * 60_000, // A file of 512 MB over a slow line.
    atOnce: 4, // A slow upload holds up the few runs that were claimed with it, and nobody else.
    run: (signal) => worker.advanceDueRuns(signal),
  };
}
