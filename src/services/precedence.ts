/** What somebody waits for goes before what can wait for it: on few cores, side by side, both would take longer. */

/** After so many seconds what waits does a piece of its work all the same, so that it gets done under a steady load. */
const LONGEST_WAIT_SECONDS = 15;

export type Precedence = ReturnType<typeof createPrecedence>;

export function createPrecedence(longestWaitSeconds = LONGEST_WAIT_SECONDS) {
  let underWay = 0;
  const waiting = new Set<() => void>();

  return {
    /** Does work that somebody waits for. */
    async first<Result>(work: () => Promise<Result>): Promise<Result> {
      underWay += 1;
      try {
        return await work();
      } finally {
        underWay -= 1;
        if (underWay === 0) for (const goOn of waiting) goOn();
      }
    },

    /** Settles once no such work is under way, or that has taken too long, or `signal` is aborted. */
    async afterwards(signal: AbortSignal): Promise<void> {
      if (underWay === 0 || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const goOn = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', goOn);
          waiting.delete(goOn);
          resolve();
        };
        const timer = setTimeout(goOn, longestWaitSeconds * 1000);
        signal.addEventListener('abort', goOn);
        waiting.add(goOn);
      });
    },
  };
}
