/** What is wanted of rows, as Prisma's `select`. */
import { isDeepStrictEqual } from 'node:util';
import { tables } from '../../generated/tables.ts';
import { NotPlanned, type Condition, type Run } from './plan.ts';

export type Select = Record<string, unknown>;

/** A part that arguments may have a say in. */
interface Part {
  condition: Condition | null;
  select: (run: Run) => unknown;
}

/** Gathered from all places of a query at which the rows are told of. */
export interface Wanted {
  model: string;
  columns: Set<string>;
  parts: Part[];
  /** The columns as a `select`, from when all are known. */
  ofColumns: Select | null;
}

export function wantedOf(model: string): Wanted {
  // One at least, since a row without columns is none to Prisma.
  const columns = Object.keys(tables[model]?.columns ?? {}).slice(0, 1);
  return { model, columns: new Set(columns), parts: [], ofColumns: null };
}

export function wantAllColumns({ model, columns }: Wanted): void {
  for (const name of Object.keys(tables[model]?.columns ?? {})) columns.add(name);
}

export function selectOf(wanted: Wanted, run: Run): Select {
  wanted.ofColumns ??= Object.fromEntries([...wanted.columns].map((name) => [name, true]));
  if (wanted.parts.length === 0) return wanted.ofColumns;
  const select = { ...wanted.ofColumns };
  for (const part of wanted.parts) {
    if (!part.condition || part.condition(run.variables)) merge(select, part.select(run));
  }
  return select;
}

/** Throws NotPlanned where one relation is wanted twice in unlike ways. */
function merge(select: Select, more: unknown): void {
  for (const [name, wanted] of entries(more)) {
    const present = select[name];
    if (wanted === undefined || isDeepStrictEqual(present, wanted)) continue;
    if (present === undefined) select[name] = wanted;
    else if (isSelectAlone(present) && isSelectAlone(wanted)) {
      const both: Select = {};
      merge(both, present.select);
      merge(both, wanted.select);
      select[name] = { select: both };
    } else throw new NotPlanned(`${name} is wanted in two ways`);
  }
}

function entries(select: unknown): [string, unknown][] {
  if (!(select instanceof Object)) throw new NotPlanned('A selection that is none');
  return Object.entries(select);
}

function isSelectAlone(wanted: unknown): wanted is { select: unknown } {
  return wanted instanceof Object && 'select' in wanted && Object.keys(wanted).length === 1;
}
