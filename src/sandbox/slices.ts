import { setImmediate } from 'node:timers/promises';

/** Work in slices of about this many milliseconds, so that requests are answered in between. */
const SLICE_MS = 12;

/**
 * A function to await between pieces of long work: it returns at once until the slice is used up, then lets the
 * event loop turn. Throws the signal's reason when the work is no longer wanted.
 */
export function slices(signal: AbortSignal): () => Promise<void> {
  let start = performance.now();
  return async () => {
    signal.throwIfAborted();
    if (performance.now() - start < SLICE_MS) return;
    await setImmediate();
    start = performance.now();
    signal.throwIfAborted();
  };
}
