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
