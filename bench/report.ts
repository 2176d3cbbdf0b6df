/** The figures as a table for people and as an object for programs. */
import { growthOf, type Figure } from './frame.ts';

export type Measured = Figure & {
  /** The benchmark that it is of. */
  of: string;
  peakMemoryMb: number;
};

/** Adds how each figure has grown from those of a tenth of the data. A share is no cost. */
export function withGrowth(figures: Measured[], tenth: Measured[]): Measured[] {
  return figures.map((figure) => {
    const small = tenth.find(({ name }) => name === figure.name);
    return small && figure.unit !== 'share' ? { ...figure, growth: growthOf(figure, small) } : figure;
  });
}

/**
 * `{NAME: {ours, limit, peer, ratioToLimit, ratioToPeer, goal, reached, …}}`. A benchmark without a figure of its own name
 * has under it the first of its figures that misses its goal, or else the first.
 */
export function asObject(figures: Measured[]): Record<string, object> {
  const names = new Set(figures.map(({ name }) => name));
  const shown = new Map<string, Measured>();
  for (const figure of figures) {
    const stands = names.has(figure.of) ? figure : shown.get(figure.of);
    if (!stands || (stands.reached && !figure.reached)) shown.set(figure.of, figure);
    shown.set(figure.name, figure);
  }
  return Object.fromEntries(
    [...shown].map(([name, { also, name: figureName, ...figure }]) => [
      name,
      {
        ...(name !== figureName && { figure: figureName }),
        ...figure,
        ratioToLimit: ratio(figure.ours, figure.limit),
        ratioToPeer: ratio(figure.ours, figure.peer),
        ...also,
      },
    ]),
  );
}

export function asTable(figures: Measured[]): string {
  const rows = figures.map(
    ({ name, unit, ours, limit, peer, goal, reached, growth, peakMemoryMb, also = {} }) => [
      name,
      `${shown(ours)} ${unit}`,
      times(ratio(ours, limit)),
      times(ratio(ours, peer)),
      goal,
      reached ? 'reached' : 'MISSED',
      times(growth ?? null),
      `${shown(peakMemoryMb)} MB`,
      Object.entries(also)
        .map(([what, value]) => `${what} ${shown(value)}`)
        .join(', '),
    ],
  );
  const head = ['benchmark', 'ours', 'to limit', 'to peer', 'goal', '', 'growth', 'peak memory', 'also'];
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function ratio(ours: number, other: number | null): number | null {
  return other === null || other === 0 ? null : ours / other;
}

export const times = (value: number | null) => (value === null ? '–' : `× ${shown(value)}`);
export const shown = (value: number) => (Number.isInteger(value) ? String(value) : value.toPrecision(3));
