import type { ExampleScanService } from '../services/exampleScan.ts';
import type { Job } from './scheduler.ts';

/** Searches examples for personal data. Kicked when a dataset changes; the tick is for what a dead process left. */
export function scanExamples(scans: Pick<ExampleScanService, 'scanDue'>): Job {
  return {
    name: 'scanExamples',
    pattern: '15 * * * * *',
    timeoutMs: 60 * 60_000, // The whole backlog, when the rules are new.
    run: (signal) => scans.scanDue(signal),
  };
}
