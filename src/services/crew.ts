/** Work on a bounded number at once, taken on as it comes up. */

type Work = () => Promise<void>;

export function createCrew(limit: number) {
  const waiting: Work[] = [];
  const hands = new Set<Promise<void>>();
  const failures: unknown[] = [];

  async function workOn(): Promise<void> {
    try {
      for (let work = waiting.shift(); work; work = waiting.shift()) await work();
    } catch (error) {
      failures.push(error);
    }
  }

  return {
    add(work: Work): void {
      waiting.push(work);
      if (hands.size >= limit) return;
      const hand = workOn().finally(() => hands.delete(hand));
      hands.add(hand);
    },

    /** Settles when all is done, also what was added meanwhile. Throws what the first failed work threw. */
    async done(): Promise<void> {
      while (hands.size > 0) await Promise.all(hands);
      if (failures.length > 0) throw failures[0];
    },
  };
}
