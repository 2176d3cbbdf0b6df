/** How long one request to a provider may take, in milliseconds. */
export const REQUEST_TIMEOUT = 15_000;

/** Aborted when `signal` is, or after `timeoutMs` milliseconds. */
export function deadline(signal: AbortSignal, timeoutMs: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
}
