import { deadline, REQUEST_TIMEOUT } from './deadline.ts';
import { ProviderError } from './errors.ts';
import type { Provider, ProviderJob } from './providers/port.ts';

const PAGE = 100;
/** By how much the provider's clock may differ from ours, in milliseconds. */
const CLOCK_SKEW = 60_000;

/**
 * Those of `wanted` that the provider lists, page by page. It ends early when the pages that had none of them are as many
 * as what is left: to ask for those one by one costs no more. Throws ProviderError when asking again later may help.
 */
export async function* listedJobs(
  provider: Provider,
  wanted: ReadonlySet<string>,
  oldestCreatedAt: Date,
  signal: AbortSignal,
): AsyncGenerator<ProviderJob[]> {
  const oldest = oldestCreatedAt.getTime() - CLOCK_SKEW;
  const found = new Set<string>();
  let after: string | null = null;
  let inVain = 0;
  while (inVain < wanted.size - found.size) {
    const page = await readPage(provider, after, signal);
    if (page === null) return;
    const jobs = page.jobs.filter(({ id }) => wanted.has(id) && !found.has(id));
    for (const { id } of jobs) found.add(id);
    if (jobs.length === 0) inVain += 1;
    yield jobs;
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
