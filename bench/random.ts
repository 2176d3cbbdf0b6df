/** The same numbers for the same seed, on every machine. */
export function seededRandom(seed: number) {
  let state = seed >>> 0;
  /** From 0 up to, and not including, 1. */
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0; // mulberry32
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    random,
    /** A whole number from 0 up to, and not including, `below`. */
    below: (below: number): number => Math.floor(random() * below),
    pick: <T>(list: readonly T[]): T => {
      const picked = list[Math.floor(random() * list.length)];
      if (picked === undefined) throw new Error('There is nothing to pick from');
      return picked;
    },
  };
}

export type SeededRandom = ReturnType<typeof seededRandom>;
