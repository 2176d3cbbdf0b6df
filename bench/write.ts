/** docs/performance.md, as far as it is measured: what a person wrote there stays. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { ratio, shown, times, type Measured } from './report.ts';

const FILE = new URL('../docs/performance.md', import.meta.url);
const BEGIN = '<!-- Measured: npm run bench -- --write writes from here … -->';
const END = '<!-- … to here. -->';
const NAME = /^\| `(\w+)` \|/;

interface How {
  scale: number;
  rounds: number;
  date: Date;
}

/** Into the document, or into a copy of it in the file that is named. */
export function writePerformance(figures: Measured[], how: How, file: string | true): void {
  writeFileSync(file === true ? FILE : file, withFigures(readFileSync(FILE, 'utf8'), figures, how));
}

/** The document with these figures in it; of benchmarks that were not run the rows stay. Throws when there is no place. */
export function withFigures(document: string, figures: Measured[], how: How): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error('docs/performance.md has no place for what is measured');
  const rows = new Map<string, string>();
  for (const line of document.slice(begin, end).split('\n')) {
    const name = NAME.exec(line)?.[1];
    if (name !== undefined) rows.set(name, line);
  }
  for (const figure of figures) rows.set(figure.name, rowOf(figure, how));
  const table = [
    BEGIN,
    '',
    '| Benchmark | Ours | To limit | To peer | Goal | | Growth | Memory | Also | Measured |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.values(),
    '',
  ];
  return document.slice(0, begin) + table.join('\n') + document.slice(end);
}

function rowOf(figure: Measured, { scale, rounds, date }: How): string {
  const { name, unit, ours, limit, peer, goal, reached, growth, peakMemoryMb, also = {} } = figure;
  const more = Object.entries(also).map(([what, value]) => `${what} ${shown(value)}`);
  const where = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB`;
  const how = `${date.toISOString().slice(0, 10)}, scale ${scale}, ${rounds} rounds, Node ${process.versions.node}, ${where}`;
  const cells = [
    `\`${name}\``,
    `${shown(ours)} ${unit}`,
    times(ratio(ours, limit)),
    times(ratio(ours, peer)),
    goal,
    reached ? 'reached' : '**missed**',
    times(growth ?? null),
    `${shown(peakMemoryMb)} MB`,
    more.join(', '),
    how,
  ];
  return `| ${cells.join(' | ')} |`;
}
