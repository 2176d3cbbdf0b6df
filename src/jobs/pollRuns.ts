import type { RunPoller } from '../services/runPoller.ts';
import type { Job } from './scheduler.ts';

/** Asks the providers about running jobs. */
export function pollRuns(poller: RunPoller, pattern: string): Job {
  return { name: 'pollRuns', pattern, timeoutMs: 60_000, run: (signal) => poller.pollActiveRuns(signal) };
}
