/** Jobs whose ticks are counted and traced, and whose log lines name them. */
import type { Job } from '../jobs/scheduler.ts';
import { within } from './logContext.ts';
import type { Metrics } from './metrics.ts';
import { inSpan } from './spans.ts';

export function watchedJobs(jobs: Job[], metrics: Metrics): Job[] {
  return jobs.map((job) => ({
    ...job,
    run: (signal) =>
      within({ job: job.name }, async () => {
        try {
          const result = await inSpan(spanOf(job), () => job.run(signal));
          metrics.jobEnded(job.name, 'ok');
          return result;
        } catch (error) {
          metrics.jobEnded(job.name, 'error');
          throw error;
        }
      }),
  }));
}

const spanOf = ({ name }: Job) => ({ name: `job ${name}`, attributes: { 'tunesmith.job': name } });

/** When each job last ended, for the metrics; null for those that have not yet. */
export function lastTicks(jobs: Job[], ended: ReadonlyMap<string, Date>): Map<string, Date | null> {
  return new Map(jobs.map(({ name }) => [name, ended.get(name) ?? null]));
}
