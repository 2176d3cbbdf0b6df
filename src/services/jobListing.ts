import { deadline, REQUEST_TIMEOUT } from './deadline.ts';
import { ProviderError } from './errors.ts';
import type { FollowedRun } from './followedRuns.ts';
import type { Provider } from './providers/port.ts';
import type { JobReport } from './runReport.ts';

const PAGE = 100;
/** By how much the provider's clock may differ from ours, in milliseconds. */
const CLOCK_SKEW = 60_000;

/**
 * Those of `wanted`, which are known there by their jobs, that the provider lists, page by page; it takes them out. It ends
 * early when the pages that had none of them are as many as what is left: to ask for those one by one costs no more. Throws
 * ProviderError when asking again later may help.
 */
export async function* listedJobs(
  provider: Provider,
  wanted: Map<string, FollowedRun>,
  oldestCreatedAt: Date,
  signal: AbortSignal,
): AsyncGenerator<JobReport[]> {
  const oldest = oldestCreatedAt.getTime() - CLOCK_SKEW;
  let after: string | null = null;
  let inVain = 0;
  while (inVain < wanted.size) {
    const page = await readPage(provider, after, signal);
    if (page === null) return;
    const reports: JobReport[] = [];
    for (const job of page.jobs) {
      const run = wanted.get(job.id);
      if (run) reports.push({ run, job });
      wanted.delete(job.id);
    }
    if (reports.length === 0) inVain += 1;
    yield reports;
    const last = page.jobs.at(-1);
    if (!page.hasMore || !last || last.createdAt.getTime() < oldest) return;
    after = last.id;
  }
}

/** null when the provider gives no list at all. */
async function readPage(provider: Provider, after: string | null, signal: AbortSignal) {
  try {
    return await provider.listJobs({ after, limit: PAGE }, deadline(signal, REQUEST_TIMEOUT));
  } catch (error) {
    if (error instanceof ProviderError && !error.retryable) return null;
    throw error;
  }
}
