/** What all benchmarks share: how they are described, how contenders are timed, and how stalls are seen. */
import { isDeepStrictEqual } from 'node:util';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface BenchOptions {
  /** How much of the full amount of data is used: 1 is what the goals are set for. */
  scale: number;
  /** What the data is made from. */
  seed: number;
  /** A PostgreSQL server for databases of its own; only benchmarks that need one make any. */
  databaseUrl?: string | undefined;
  /** How often each contender is timed. */
  rounds: number;
  /** Tells what goes on. */
  tell: (words: string) => void;
}

/** One line of the table. What has no limit or peer has null there. */
export interface Figure {
  name: string;
  unit: string;
  ours: number;
  /** What cannot be passed, or must not. */
  limit: number | null;
  /** The best of what others offer for it. */
  peer: number | null;
  /** What is to be reached, for people. */
  goal: string;
  reached: boolean;
  /** What else was measured. */
  also?: Record<string, number>;
  /** How much was done, where `ours` is the time of all of it and grows with the scale. */
  work?: number;
  /** Of the process that did the work, where that was not the benchmark's own. */
  peakMemoryMb?: number;
  /** What one item costs, as a share of what it costs with a tenth of the data; 1 is linear. */
  growth?: number;
}

export interface Benchmark {
  name: string;
  group: string;
  /** Whether it can only be run on a PostgreSQL server. */
  needsServer?: boolean;
  /** Whether it measures two sizes ten times apart by itself; the others are run a second time with a tenth of the data. */
  growsItself?: boolean;
  run(options: BenchOptions): Promise<Figure[]>;
}

/** How the cost of one item has grown from a tenth of the data. */
export function growthOf(figure: Figure, tenth: Figure): number {
  return costOf(figure) / costOf(tenth);
}

/** Of one item: what is told as a speed costs the less the higher it is. */
function costOf({ unit, ours, work = 1 }: Figure): number {
  return unit.endsWith('/s') ? 1 / ours : ours / work;
}

export interface Contender<Input> {
  name: string;
  /** Makes room for the work; not timed. */
  before?: (input: Input) => unknown;
  /** Does the work and gives its result, which must be the same for all. */
  run: (input: Input) => unknown;
  /** Finds the result afterwards, where `run` does not give it; not timed. */
  result?: (input: Input) => unknown;
}

/**
 * The median of what each contender took, in seconds, by name. They take turns, so that a disturbance meets all of them:
 * one round to warm up, then `rounds` that count (see `firstRound`). `inputOf` makes what a round works on. Throws when two results differ.
 */
export async function race<Input>(
  contenders: Contender<Input>[],
  inputOf: (round: number) => Input,
  rounds: number,
): Promise<Map<string, number>> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = firstRound(rounds); round <= rounds; round += 1) {
    const input = inputOf(round);
    let expected: { by: string; result: unknown } | undefined;
    for (const { name, before, run, result: find } of contenders) {
      await before?.(input);
      const start = performance.now();
      const given = await run(input);
      const seconds = (performance.now() - start) / 1000;
      const result = find ? await find(input) : given;
      if (round > 0) times.get(name)?.push(seconds);
      expected ??= { by: name, result };
      if (!isDeepStrictEqual(result, expected.result)) {
        throw new Error(`${name} and ${expected.by} do not come to the same result`);
      }
    }
  }
  return new Map([...times].map(([name, all]) => [name, median(all)]));
}

/** The number of the first round: 0, which warms up and does not count. A single round is a quick look, and all there is. */
export function firstRound(rounds: number): 0 | 1 {
  return rounds === 1 ? 1 : 0;
}

/** Of sizes with their names, those that are still told apart at this scale, having at least so much; the first always. */
export function sizesAt(
  scale: number,
  sizes: Record<string, number>,
  least: number,
): { name: string; size: number }[] {
  return Object.entries(sizes)
    .map(([name, full]) => ({ name, size: Math.round(full * scale) }))
    .filter(({ size }, place) => place === 0 || size >= least);
}

export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('There is no median of nothing');
  return (low + high) / 2;
}

/** Does `work` and tells for how long the event loop stood still at most meanwhile, in milliseconds. */
export async function longestStall(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6;
}
