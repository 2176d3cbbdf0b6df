/** A statement that is being written: its values, and names for the tables in it. */
import { tables } from '../../generated/tables.ts';
import type { SentValue } from '../textsQuery.ts';
import type { Column, Table, Tables } from './tables.ts';

/** The question has something in it that only Prisma knows how to ask. */
export class Unsupported extends Error {}

const known: Tables = tables;

/** A table at one place of a statement. */
export interface Place {
  table: Table;
  alias: string;
}

export interface Draft {
  values: SentValue[];
  places: number;
}

export function placeOf(model: string, draft: Draft): Place {
  const table = known[model];
  if (!table) throw new Unsupported(`There is no model ${model}`);
  draft.places += 1;
  return { table, alias: `t${draft.places}` };
}

export const from = ({ table, alias }: Place) => `"public"."${table.table}" ${alias}`;

export function columnOf({ table }: Place, field: string): Column {
  const column = table.columns[field];
  if (!column) throw new Unsupported(`There is no column for ${field}`);
  return column;
}

export const columnSql = (place: Place, field: string) => `${place.alias}."${columnOf(place, field).column}"`;

/**
 * The value's place in the statement. What has two values stands in it itself: PostgreSQL then knows how many rows there
 * are of either, and keeps its plan (pageSizeSql).
 */
export function valueSql(draft: Draft, { scalar, sqlType }: Column, value: unknown): string {
  if (typeof value === 'boolean' && scalar === 'Boolean') return value ? 'TRUE' : 'FALSE';
  draft.values.push(sent(scalar, value));
  return `$${draft.values.length}::${sqlType}`;
}

export function numberSql(draft: Draft, value: number): string {
  draft.values.push(String(value));
  return `$${draft.values.length}::bigint`;
}

/**
 * How many rows at most, as itself. Behind a $1 PostgreSQL takes it for a tenth of the rows there are: of a large table a
 * plan for any values then looks so bad that one is made anew each time, which takes longer than the reading.
 */
export const pageSizeSql = (take: number) => String(Math.abs(take));

function sent(scalar: string, value: unknown): SentValue {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  if (value instanceof Date) return value.toISOString();
  if (scalar === 'Bytes' && value instanceof Uint8Array) return Buffer.from(value);
  throw new Unsupported(`A value of ${scalar}`);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** What is given of it: to Prisma `undefined` is as good as not there. */
export function given(value: unknown): [string, unknown][] {
  if (!isRecord(value)) throw new Unsupported('Something other than an object');
  return Object.entries(value).filter(([, each]) => each !== undefined);
}

export const ROW_ARGS: ReadonlySet<string> = new Set(['select', 'include']);
export const LIST_ARGS: ReadonlySet<string> = new Set([
  'select',
  'include',
  'where',
  'orderBy',
  'take',
  'skip',
  'cursor',
]);

export function requireOnly(args: Record<string, unknown>, names: ReadonlySet<string>): void {
  for (const [name] of given(args)) if (!names.has(name)) throw new Unsupported(name);
}
