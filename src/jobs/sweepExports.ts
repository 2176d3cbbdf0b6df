import type { Clock } from '../services/clock.ts';
import type { ExportService } from '../services/export.ts';
import type { Job } from './scheduler.ts';

const ABANDONED_AFTER = 24 * 60 * 60_000;

/** Removes what processes that died left of unfinished exports. */
export function sweepExports(exports: Pick<ExportService, 'sweepAbandoned'>, clock: Clock): Job {
  return {
    name: 'sweepExports',
    pattern: '0 17 * * * *',
    timeoutMs: 60_000,
    run: () => exports.sweepAbandoned(new Date(clock.now().getTime() - ABANDONED_AFTER)),
  };
}
