/** Prisma's orders and pages as SQL. */
import {
  columnOf,
  columnSql,
  from,
  given,
  isRecord,
  numberSql,
  pageSizeSql,
  placeOf,
  Unsupported,
  type Draft,
  type Place,
} from './statement.ts';
import { whereSql } from './where.ts';

interface Key {
  field: string;
  sql: string;
  descending: boolean;
  /** As PostgreSQL has it by itself when undefined: nulls are the greatest. */
  nulls: 'first' | 'last' | undefined;
}

export interface Page {
  /** What follows WHERE conditions, with a space before it. */
  sql: string;
  /** A condition for being on the page, besides. */
  where: string | null;
  /** The page was asked for from its end: its rows come in the opposite order. */
  reversed: boolean;
}

interface PageArgs {
  orderBy?: unknown;
  take?: unknown;
  skip?: unknown;
  cursor?: unknown;
}

export function pageSql(draft: Draft, place: Place, model: string, args: PageArgs): Page {
  const take = wholeNumber(args.take);
  const skip = wholeNumber(args.skip);
  const reversed = take !== undefined && take < 0;
  const keys = keysOf(place, args.orderBy);
  if ((reversed || args.cursor !== undefined) && keys.length === 0)
    throw new Unsupported('A page of no order');
  const where = args.cursor === undefined ? null : afterSql(draft, place, model, keys, args.cursor, reversed);
  const parts = [
    keys.length > 0 && `ORDER BY ${keys.map((key) => keySql(key, reversed)).join(', ')}`,
    take !== undefined && `LIMIT ${pageSizeSql(take)}`,
    skip !== undefined && skip > 0 && `OFFSET ${numberSql(draft, skip)}`,
  ].filter((part) => part !== false);
  return { sql: parts.map((part) => ` ${part}`).join(''), where, reversed };
}

function wholeNumber(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new Unsupported('A page of an odd size');
  return value;
}

function keysOf(place: Place, orderBy: unknown): Key[] {
  const list: unknown[] = orderBy === undefined ? [] : Array.isArray(orderBy) ? orderBy : [orderBy];
  return list.flatMap((each) => given(each).map(([field, order]) => keyOf(place, field, order)));
}

function keyOf(place: Place, field: string, order: unknown): Key {
  const { sort, nulls } = isRecord(order) ? order : { sort: order, nulls: undefined };
  if (sort !== 'asc' && sort !== 'desc') throw new Unsupported('An odd order');
  if (nulls !== undefined && nulls !== 'first' && nulls !== 'last') throw new Unsupported('An odd order');
  return { field, sql: columnSql(place, field), descending: sort === 'desc', nulls };
}

function keySql({ sql, descending, nulls }: Key, reversed: boolean): string {
  const place = nulls && ` NULLS ${(nulls === 'first') === reversed ? 'LAST' : 'FIRST'}`;
  return `${sql} ${descending === reversed ? 'ASC' : 'DESC'}${place ?? ''}`;
}

/** The rows from the cursor's on. One comparison of all keys, which an index can answer, takes them all in one direction. */
function afterSql(
  draft: Draft,
  place: Place,
  model: string,
  keys: Key[],
  cursor: unknown,
  reversed: boolean,
): string {
  const descending = keys[0]?.descending ?? false;
  const isSimple = keys.every(
    (key) => key.descending === descending && !columnOf(place, key.field).isNullable,
  );
  if (!isSimple) throw new Unsupported('A cursor in an order of several directions');
  const row = placeOf(model, draft);
  const ours = keys.map(({ sql }) => sql).join(', ');
  const theirs = keys.map(({ field }) => columnSql(row, field)).join(', ');
  const operator = descending === reversed ? '>=' : '<=';
  return `(${ours}) ${operator} (SELECT ${theirs} FROM ${from(row)} WHERE ${whereSql(draft, row, cursor)})`;
}
