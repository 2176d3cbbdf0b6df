/**
 * What one subscriber has still to be told: a set of ids, so that a burst about one thing is one entry, and a subscriber
 * that does not read costs no more than the ids there are.
 */
export interface Mailbox {
  put(id: string): void;
  /** The ids put since the last take; waits for the first of them. Empty when `signal` is aborted. */
  take(signal: AbortSignal): Promise<string[]>;
}

export function createMailbox(): Mailbox {
  const waiting = new Set<string>();
  let wake: (() => void) | undefined;

  return {
    put(id) {
      waiting.add(id);
      wake?.();
    },
    async take(signal) {
      if (waiting.size === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            signal.removeEventListener('abort', done);
            resolve();
          };
          signal.addEventListener('abort', done);
          wake = done;
        });
      }
      const ids = signal.aborted ? [] : [...waiting];
      waiting.clear();
      return ids;
    },
  };
}
