import { collect } from './collect.ts';
import { embedded } from './embedded.ts';
import { exporting } from './export.ts';
import { fanout } from './fanout.ts';
import type { Benchmark } from './frame.ts';
import { imports } from './import.ts';
import { launch } from './launch.ts';
import { nearDuplicates } from './nearDuplicates.ts';
import { personalData } from './personalData.ts';
import { poll } from './poll.ts';
import { reads } from './reads.ts';
import { start } from './start.ts';
import { tokens } from './tokens.ts';

/** Every benchmark there is; each is a file beside this one. */
export const BENCHMARKS: Benchmark[] = [
  tokens,
  personalData,
  nearDuplicates,
  collect,
  imports,
  exporting,
  reads,
  fanout,
  poll,
  launch,
  start,
  embedded,
];

/** The benchmarks that the names mean, each a benchmark's or a group's; all without any. Throws for one that is unknown. */
export function chosen(names: string[]): Benchmark[] {
  const unknown = names.find((name) => !BENCHMARKS.some((one) => one.name === name || one.group === name));
  if (unknown !== undefined) {
    const known = [...new Set(BENCHMARKS.flatMap(({ name, group }) => [group, name]))];
    throw new Error(`There is no benchmark ${unknown}. There are ${known.join(', ')}.`);
  }
  return BENCHMARKS.filter(
    (one) => names.length === 0 || names.includes(one.name) || names.includes(one.group),
  );
}
