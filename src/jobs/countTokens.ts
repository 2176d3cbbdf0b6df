import type { TokenBacklog } from '../services/tokenBacklog.ts';
import type { Job } from './scheduler.ts';

/** Counts the tokens of examples that were stored without. */
export function countTokens(backlog: TokenBacklog, pattern: string): Job {
  return {
    name: 'countTokens',
    pattern,
    timeoutMs: 5 * 60_000,
    run: (signal) => backlog.countBacklog(signal),
  };
}
