import type { ErasureService } from '../services/erasure.ts';
import type { Job } from './scheduler.ts';

/** Goes on with erasures that the one who asked did not see to their end: files that could not be deleted, runs that had to end. */
export function advanceErasures(erasures: Pick<ErasureService, 'advanceDue'>): Job {
  return {
    name: 'advanceErasures',
    pattern: '*/2 * * * * *',
    timeoutMs: 5 * 60_000,
    run: (signal) => erasures.advanceDue(signal),
  };
}
