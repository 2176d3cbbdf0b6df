/** Bars and curves drawn with characters. Pure. */

/** A bar for a share from 0 to 1, its two parts apart so that they can be coloured; also told apart without colour. */
export function bar(share: number, width: number): { done: string; left: string } {
  const filled = Math.round(Math.min(1, Math.max(0, Number.isNaN(share) ? 0 : share)) * width);
  return { done: '━'.repeat(filled), left: '─'.repeat(width - filled) };
}

export interface Point {
  x: number;
  y: number;
}

export interface CurveOptions {
  /** Columns and rows of the drawing itself, labels not counted. */
  width: number;
  height: number;
  xLabel: string;
  yLabel: string;
  /** Colours the drawing. */
  paint?: (text: string) => string;
}

/** A character of the braille block holds two columns of four dots; these are the bits, column by column. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];

/** The curve through the points, with its axes: `height` + 3 lines. Empty for fewer than two points. */
export function curve(points: readonly Point[], options: CurveOptions): string[] {
  const sorted = points
    .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
    .toSorted((a, b) => a.x - b.x);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined || sorted.length < 2) return [];
  const { width, height, xLabel, yLabel, paint = (text: string) => text } = options;
  const ys = sorted.map(({ y }) => y);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];

  const canvas = createCanvas(width, height);
  let before: Point | null = null;
  for (const { x, y } of sorted) {
    const dot = {
      x: place(x, first.x, last.x, width * 2),
      y: height * 4 - 1 - place(y, low, high, height * 4),
    };
    canvas.line(before ?? dot, dot);
    before = dot;
  }

  const decimals = high - low >= 10 ? 0 : high - low >= 0.1 ? 2 : 4;
  const labels = Array.from({ length: height }, (_, row) => {
    if (row !== 0 && row !== height - 1 && row !== Math.floor((height - 1) / 2)) return '';
    return (height === 1 ? high : high - ((high - low) * row) / (height - 1)).toFixed(decimals);
  });
  const margin = Math.max(...labels.map((label) => label.length));
  const rows = canvas.rows().map((row, index) => {
    const label = labels[index] ?? '';
    return `${label.padStart(margin)} ${label === '' ? '│' : '┤'}${paint(row)}`.trimEnd();
  });
  const [from, to] = [String(first.x), String(last.x)];
  const middle = xLabel.padStart(Math.floor((width + xLabel.length) / 2) - from.length);
  return [
    `${' '.repeat(margin + 1)}${yLabel}`,
    ...rows,
    `${' '.repeat(margin + 1)}└${'─'.repeat(width)}`,
    `${' '.repeat(margin + 2)}${from}${middle.padEnd(width - from.length - to.length)}${to}`,
  ];
}

/** Which of `cells` places between `from` and `to` a value has. */
function place(value: number, from: number, to: number, cells: number): number {
  return to === from ? Math.floor(cells / 2) : Math.round(((value - from) / (to - from)) * (cells - 1));
}

function createCanvas(width: number, height: number) {
  const cells = new Uint8Array(width * height);
  function set(x: number, y: number): void {
    const cell = Math.floor(y / 4) * width + Math.floor(x / 2);
    cells[cell] = (cells[cell] ?? 0) | (DOTS[x % 2]?.[y % 4] ?? 0);
  }
  return {
    line(from: Point, to: Point): void {
      const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
      for (let step = 0; step <= steps; step += 1) {
        set(
          Math.round(from.x + ((to.x - from.x) * step) / steps),
          Math.round(from.y + ((to.y - from.y) * step) / steps),
        );
      }
    },
    rows: () =>
      Array.from({ length: height }, (_, row) =>
        Array.from(cells.subarray(row * width, (row + 1) * width), (dots) =>
          dots === 0 ? ' ' : String.fromCodePoint(0x28_00 + dots),
        ).join(''),
      ),
  };
}
