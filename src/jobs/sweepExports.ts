import type { Clock } from '../services/clock.ts';
import type { ExportService } from '../services/export.ts';
import type { Job } from './scheduler.ts';

const ABANDONED_AFTER = 24 * 60 * 60_000;
/** Longer than from a file's last byte to its row; a sweep that is too early costs the writing of a file, and harms nothing. */
const ORPHANED_AFTER = 60 * 60_000;

/** Removes what processes that died left of unfinished exports: rows, and files that are no export's. */
export function sweepExports(
  exports: Pick<ExportService, 'sweepAbandoned' | 'sweepOrphans'>,
  clock: Clock,
): Job {
  return {
    name: 'sweepExports',
    pattern: '0 17 * * * *',
    timeoutMs: 60_000,
    async run(signal) {
      const now = clock.now().getTime();
      await exports.sweepAbandoned(new Date(now - ABANDONED_AFTER));
      await exports.sweepOrphans(new Date(now - ORPHANED_AFTER), signal);
    },
  };
}
