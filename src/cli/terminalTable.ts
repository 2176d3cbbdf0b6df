/** Tables that fit the terminal. Pure. */
import { pad, shorten, widthOf } from './terminalText.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** It may be shortened down to this many columns; without it never. */
  min?: number;
  /** Where a shortened text is cut: a name at its end, an id in its middle. */
  cut?: 'end' | 'middle';
  /** When shortening does not do, columns are left out, the highest number first; without one never. */
  dispensable?: number;
}

export interface Layout {
  /** The width of each column; null where it is left out. */
  widths: (number | null)[];
  gap: number;
}

/** Chooses widths so that no line is longer than `width`: first shortening what may be, then leaving columns out. */
export function fitColumns(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): Layout {
  const natural = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[index] ?? ''))),
  );
  const kept = new Set(columns.keys());
  const dropOrder = [...columns.keys()]
    .filter((index) => columns[index]?.dispensable !== undefined)
    .toSorted((a, b) => (columns[b]?.dispensable ?? 0) - (columns[a]?.dispensable ?? 0));
  for (;;) {
    for (const gap of [2, 1]) {
      const fitted = shrink(columns, natural, kept, width - gap * (kept.size - 1));
      if (fitted) return { widths: fitted, gap };
    }
    const dropped = dropOrder.shift();
    if (dropped === undefined) break;
    kept.delete(dropped);
  }
  return { widths: natural.map((wide, index) => (kept.has(index) ? wide : null)), gap: 1 };
}

/** The widest column that may still give gives, until all fit; null when they cannot. */
function shrink(
  columns: readonly Column[],
  natural: readonly number[],
  kept: ReadonlySet<number>,
  room: number,
): (number | null)[] | null {
  const widths = natural.map((wide, index) => (kept.has(index) ? wide : null));
  let over = widths.reduce<number>((sum, wide) => sum + (wide ?? 0), 0) - room;
  while (over > 0) {
    let widest: number | null = null;
    for (const [index, wide] of widths.entries()) {
      const min = columns[index]?.min;
      if (wide === null || min === undefined || wide <= Math.max(min, 1)) continue;
      if (widest === null || wide > (widths[widest] ?? 0)) widest = index;
    }
    if (widest === null) return null;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
  return widths;
}

/** How a cell is coloured; it gets the padded text, so colours do not count as width. `row` is -1 for the titles. */
export type Paint = (text: string, row: number, column: number) => string;

/** The table's lines, titles first, none longer than `width`. Cells are single-line texts without control characters. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: Paint = (text) => text,
): string[] {
  const { widths, gap } = fitColumns(columns, rows, width);
  const last = widths.findLastIndex((wide) => wide !== null);
  const line = (cells: readonly string[], row: number): string => {
    const parts: string[] = [];
    for (const [index, { align, cut }] of columns.entries()) {
      const wide = widths[index];
      if (wide === null || wide === undefined) continue;
      const text = shorten(cells[index] ?? '', wide, cut);
      // Spaces at the end of a line would only make it wrap in a narrower window.
      parts.push(paint(index === last && align !== 'right' ? text : pad(text, wide, align), row, index));
    }
    return parts.join(' '.repeat(gap));
  };
  return [
    line(
      columns.map(({ title }) => title),
      -1,
    ),
    ...rows.map((row, index) => line(row, index)),
  ];
}
