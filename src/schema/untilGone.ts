import type { Course } from '../services/course.ts';

/**
 * A subscription as GraphQL's executors want it: an iterator whose `return`, called when the client goes, ends the work
 * at once, also while it waits. (A generator's own `return` waits until the generator gets on.)
 */
export function untilGone<T>(start: (signal: AbortSignal) => AsyncGenerator<T>): AsyncIterableIterator<T> {
  const gone = new AbortController();
  const source = start(gone.signal);
  return {
    next: () => source.next(),
    return: async () => {
      gone.abort();
      await source.return(undefined);
      return { done: true, value: undefined };
    },
    throw: async (error) => {
      gone.abort();
      return source.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** One that can be gone on with from what was told: `start` is given that, `placeOf` says how far it is. */
export function courseOf<T>(
  start: (signal: AbortSignal, told?: T) => AsyncGenerator<T>,
  placeOf: (told: T) => unknown,
  from?: T,
): Course<T> {
  return Object.assign(
    untilGone((signal) => start(signal, from)),
    { placeOf, after: (told: T) => courseOf(start, placeOf, told) },
  );
}
