/** The figures as a table for people and as an object for programs. */
import type { Figure } from './frame.ts';

export type Measured = Figure & {
  peakMemoryMb: number;
  /** What one item costs, as a share of what it costs with a tenth of the data; 1 is linear. */
  growth?: number;
};

/** Adds how each figure has grown from those of a tenth of the data. */
export function withGrowth(figures: Measured[], tenth: Measured[]): Measured[] {
  return figures.map((figure) => {
    const small = tenth.find(({ name }) => name === figure.name);
    return small ? { ...figure, growth: costOf(figure) / costOf(small) } : figure;
  });
}

/** Of one item: what is told as a speed costs the less the higher it is. */
function costOf({ unit, ours, work = 1 }: Figure): number {
  return unit.endsWith('/s') ? 1 / ours : ours / work;
}

/** `{NAME: {ours, limit, peer, ratioToLimit, ratioToPeer, goal, reached, …}}` */
export function asObject(figures: Measured[]): Record<string, object> {
  return Object.fromEntries(
    figures.map(({ name, also, ...figure }) => [
      name,
      {
        ...figure,
        ratioToLimit: ratio(figure.ours, figure.limit),
        ratioToPeer: ratio(figure.ours, figure.peer),
        ...also,
      },
    ]),
  );
}

export function asTable(figures: Measured[]): string {
  const rows = figures.map(({ name, unit, ours, limit, peer, goal, reached, peakMemoryMb, also = {} }) => [
    name,
    `${shown(ours)} ${unit}`,
    times(ratio(ours, limit)),
    times(ratio(ours, peer)),
    goal,
    reached ? 'reached' : 'MISSED',
    `${shown(peakMemoryMb)} MB`,
    Object.entries(also)
      .map(([what, value]) => `${what} ${shown(value)}`)
      .join(', '),
  ]);
  const head = ['benchmark', 'ours', 'to limit', 'to peer', 'goal', '', 'peak memory', 'also'];
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
