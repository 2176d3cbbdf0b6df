import type { Job } from './scheduler.ts';

/** Keeps the embedded database from growing and its plans from ageing; a server does that by itself. */
export function maintainDatabase(maintain: () => Promise<void>): Job {
  return { name: 'maintainDatabase', pattern: '0 41 * * * *', timeoutMs: 10 * 60_000, run: maintain };
}
