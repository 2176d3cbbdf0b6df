import { setImmediate } from 'node:timers/promises';

/** Long work is done in slices of about this many milliseconds; a few such works may go on side by side. */
const SLICE_MS = 5;

/**
 * A function to await between pieces of long work: it returns at once until the slice is used up, then lets the event
 * loop turn. Throws the signal's reason when the work is no longer wanted.
 */
export function breather(signal?: AbortSignal): () => Promise<void> {
  let since = performance.now();
  return async () => {
    signal?.throwIfAborted();
    if (performance.now() - since < SLICE_MS) return;
    await setImmediate();
    since = performance.now();
  };
}

/** What `work` makes of the items, one after the other; now and then the event loop gets its turn. */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Result | Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const breathe = breather();
  for (const [index, item] of items.entries()) {
    results.push(await work(item, index));
    await breathe();
  }
  return results;
}
