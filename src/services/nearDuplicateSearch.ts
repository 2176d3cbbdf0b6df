/** Searches for near-duplicates in a thread of its own, since a hundred thousand examples take seconds. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../paths.ts';

export type SearchRequest =
  | { kind: 'add'; messages: readonly string[] }
  | { kind: 'groups'; threshold: number }
  | { kind: 'similarities'; pairs: readonly (readonly [number, number])[] };

/** What the thread answers to each kind of request. */
export interface SearchAnswers {
  add: null;
  groups: number[][];
  similarities: number[];
}

/** One search; its functions are called one after the other. */
export interface NearDuplicateSearch {
  /**
   * Takes the next examples: the messages of each, as JSON text. They are counted from 0 in the order of their adding.
   * Resolves when they are read, so that no more than a page of texts is held; give a few hundred at a time.
   */
  add(messages: readonly string[]): Promise<void>;
  /** The groups among all that were added, as their numbers: see `nearDuplicateGroups`. */
  groups(threshold: number): Promise<number[][]>;
  /** How similar the two examples of each pair are, 0 to 1. */
  similarities(pairs: readonly (readonly [number, number])[]): Promise<number[]>;
}

/**
 * Hands a new search to `work` and ends its thread when `work` is done. An abort of `signal` ends the search at once:
 * whatever is waited for fails with the signal's reason.
 */
export async function withNearDuplicateSearch<Result>(
  work: (search: NearDuplicateSearch) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  signal?.throwIfAborted();
  const worker = new Worker(workerUrl('nearDuplicateWorker'));
  const ended = new AbortController();
  // Without a listener an error between two questions would be nobody's, and end the process.
  worker.on('error', (error) => ended.abort(error));
  const stop = () => ended.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });

  async function ask<Kind extends SearchRequest['kind']>(
    request: Extract<SearchRequest, { kind: Kind }>,
  ): Promise<SearchAnswers[Kind]> {
    ended.signal.throwIfAborted();
    worker.postMessage(request);
    try {
      const [answer] = await once(worker, 'message', { signal: ended.signal });
      return answer;
    } catch (error) {
      ended.signal.throwIfAborted(); // Tells why, where `once` only tells that it was aborted.
      throw error;
    }
  }

  try {
    return await work({
      add: async (messages) => void (await ask<'add'>({ kind: 'add', messages })),
      groups: (threshold) => ask<'groups'>({ kind: 'groups', threshold }),
      similarities: (pairs) => ask<'similarities'>({ kind: 'similarities', pairs }),
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
