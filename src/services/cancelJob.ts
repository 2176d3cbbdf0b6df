import { ProviderError } from './errors.ts';
import type { Provider } from './providers/port.ts';

/**
 * Cancels a job at its provider. Returns the provider's refusal, or null: a job that has ended meanwhile refuses, and its
 * status tells how it ended. Throws ProviderError when the provider may do it later.
 */
export async function cancelJob(
  provider: Provider,
  jobId: string,
  signal: AbortSignal,
): Promise<ProviderError | null> {
  try {
    await provider.cancelJob(jobId, signal);
    return null;
  } catch (error) {
    if (error instanceof ProviderError && !error.retryable) return error;
    throw error;
  }
}
