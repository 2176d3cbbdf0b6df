/** How a report sorts examples: fixed bins, so that reports of different days and datasets can be laid beside each other. */

/** The lower bounds of the bins; each reaches to the next one, the last has no end. */
export const BINS = {
  /** Tokens of an example, as a line of a training file. */
  tokens: [0, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 32_768, 65_536],
  /** The quality of an example, in tenths; the last holds those of 1 too. */
  quality: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
  /** Messages of an example. */
  messages: [0, 3, 5, 9, 17, 33, 65],
  /** Characters of what the user said last, and of what the assistant answered. */
  characters: [0, 20, 50, 100, 200, 500, 1000, 2000, 5000],
} as const satisfies Record<string, readonly number[]>;

export interface Bin {
  from: number;
  /** Not in the bin itself; null for the last. */
  to: number | null;
  count: number;
}

export interface Histogram {
  /** How many examples have such a value. */
  count: number;
  mean: number | null;
  bins: Bin[];
}

/** What was counted for one bin; `bin` is counted from 1, null for those without a value. */
export interface BinCount {
  bin: number | null;
  count: number;
  sum: number | null;
}

/** The histogram, from the first bin up to the last that holds anything. */
export function histogramOf(lowerBounds: readonly number[], counted: readonly BinCount[]): Histogram {
  const found = new Map(counted.map((each) => [each.bin, each]));
  const last = Math.max(0, ...counted.map(({ bin }) => bin ?? 0));
  const bins = lowerBounds.slice(0, last).map((from, index) => ({
    from,
    to: lowerBounds[index + 1] ?? null,
    count: found.get(index + 1)?.count ?? 0,
  }));
  const count = bins.reduce((sum, bin) => sum + bin.count, 0);
  const sum = counted.reduce((total, each) => total + (each.bin === null ? 0 : (each.sum ?? 0)), 0);
  return { count, mean: count === 0 ? null : sum / count, bins };
}
