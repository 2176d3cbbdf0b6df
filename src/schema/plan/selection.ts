/** What is wanted of rows, as Prisma's `select`. */
import { isDeepStrictEqual } from 'node:util';
import { tables } from '../../generated/tables.ts';
import { writeRows } from '../../db/reader/written.ts';
import { NotPlanned, type Condition, type Run } from './plan.ts';
import type { Writing } from './writing.ts';

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
  /** What is selected in every run; null while nobody knows, or where runs differ. */
  fixed: Selected | null;
  differs: boolean;
  /** How the rows are written; null where they are read. */
  writing: Writing | null;
}

interface Selected {
  select: Select;
  takes: ReadonlyMap<object, number>;
}

export function wantedOf(model: string): Wanted {
  // One at least, since a row without columns is none to Prisma.
  const columns = Object.keys(tables[model]?.columns ?? {}).slice(0, 1);
  return { model, columns: new Set(columns), parts: [], fixed: null, differs: false, writing: null };
}

export function wantAllColumns({ model, columns }: Wanted): void {
  for (const name of Object.keys(tables[model]?.columns ?? {})) columns.add(name);
}

/** Frozen where it is the same in every run, so that the reader knows it again. */
export function selectOf(wanted: Wanted, run: Run): Select {
  if (!wanted.fixed && !wanted.differs) fix(wanted);
  if (!wanted.fixed) return newSelect(wanted, run);
  for (const [list, take] of wanted.fixed.takes) run.takes.set(list, take);
  return wanted.fixed.select;
}

/** Whoever looks at what differs from run to run is found out. */
const DIFFERENT = new NotPlanned('It differs from run to run');
function different(): never {
  throw DIFFERENT;
}
const untouchable = () =>
  new Proxy(Object.create(null), {
    get: different,
    has: different,
    ownKeys: different,
    getOwnPropertyDescriptor: different,
  });

function fix(wanted: Wanted): void {
  const takes = new Map<object, number>();
  try {
    const select = newSelect(wanted, {
      variables: untouchable(),
      context: untouchable(),
      takes,
      pending: [],
      hasTold: false,
    });
    wanted.fixed = { select: Object.freeze(select), takes };
  } catch (error) {
    if (error !== DIFFERENT) throw error;
    wanted.differs = true;
  }
}

/** From now on the rows are read. */
export function neverWrite(wanted: Wanted): void {
  wanted.writing = null;
  wanted.fixed = null;
}

function newSelect({ columns, parts, writing }: Wanted, run: Run): Select {
  const select: Select = Object.fromEntries([...columns].map((name) => [name, true]));
  if (writing) writeRows(select, writing.template);
  for (const part of parts) {
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
