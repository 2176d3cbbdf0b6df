/** What is asked of a row, as one JSON array of it, and how such an array becomes what Prisma would have given. */
import { Prisma } from '../../generated/prisma/client.ts';
import { pageSql } from './order.ts';
import {
  columnSql,
  from,
  given,
  isRecord,
  placeOf,
  Unsupported,
  type Draft,
  type Place,
} from './statement.ts';
import type { Column, Relation } from './tables.ts';
import { tieSql, whereSql } from './where.ts';

type Read = (json: unknown) => unknown;

export interface Shape {
  sql: string;
  read: Read;
}

interface Part extends Shape {
  name: string;
}

const ROW_ARGS = new Set(['select', 'include']);
export const LIST_ARGS: ReadonlySet<string> = new Set([
  'select',
  'include',
  'where',
  'orderBy',
  'take',
  'skip',
  'cursor',
]);

/** What a selection came to, and what it added to its statement. */
interface KnownShape extends Shape {
  values: readonly unknown[];
  places: number;
}

/** Of selections that are frozen, which plans hand in again and again: by where in a statement they stood. */
const known = new WeakMap<object, Map<string, KnownShape>>();

/** A row with the columns and relations that are asked for. */
export function rowShape(draft: Draft, place: Place, args: Record<string, unknown>): Shape {
  const { select } = args;
  if (!isRecord(select) || !Object.isFrozen(select)) return newRowShape(draft, place, args);
  const shapes = known.get(select) ?? new Map<string, KnownShape>();
  known.set(select, shapes);
  const at = `${place.alias} ${draft.places} ${draft.values.length}`;
  const present = shapes.get(at);
  if (present) {
    draft.values.push(...present.values);
    draft.places = present.places;
    return present;
  }
  const before = draft.values.length;
  const shape = newRowShape(draft, place, args);
  shapes.set(at, { ...shape, values: draft.values.slice(before), places: draft.places });
  return shape;
}

function newRowShape(draft: Draft, place: Place, args: Record<string, unknown>): Shape {
  const parts = partsOf(draft, place, args);
  return {
    sql: `json_build_array(${parts.map(({ sql }) => sql).join(', ')})`,
    read(json) {
      if (json === null) return null;
      const cells = listOf(json);
      const row: Record<string, unknown> = {};
      let n = 0;
      for (const { name, read } of parts) {
        row[name] = read(cells[n]);
        n += 1;
      }
      return row;
    },
  };
}

function partsOf(draft: Draft, place: Place, { select, include }: Record<string, unknown>): Part[] {
  const { columns, relations } = place.table;
  const asked = given(select ?? include ?? {}).filter(([, value]) => value !== false);
  const ofColumns = select
    ? asked.map(([name]) => name).filter((name) => Object.hasOwn(columns, name))
    : Object.keys(columns);
  const others = asked.filter(([name]) => !Object.hasOwn(columns, name));
  return [
    ...ofColumns.map((name) => ({ name, ...columnShape(place, name) })),
    ...others.map(([name, value]) => {
      if (name === '_count') return { name, ...countsShape(draft, place, value) };
      const relation = relations[name];
      if (!relation) throw new Unsupported(name);
      return { name, ...relationShape(draft, place, relation, value) };
    }),
  ];
}

const asItIs: Read = (json) => json;

/** Of what JSON has no word for, or none that is exact. */
const READS: Readonly<
  Partial<Record<Column['scalar'], { sql: (sql: string) => string; read: (text: string) => unknown }>>
> = {
  DateTime: { sql: (sql) => sql, read: (text) => new Date(text) },
  BigInt: { sql: (sql) => `${sql}::text`, read: BigInt },
  Decimal: { sql: (sql) => `${sql}::text`, read: (text) => new Prisma.Decimal(text) },
  Bytes: {
    sql: (sql) => `encode(${sql}, 'hex')`,
    read: (text) => new Uint8Array(Buffer.from(text, 'hex')),
  },
};

function columnShape(place: Place, name: string): Shape {
  const sql = columnSql(place, name);
  const { scalar, isList } = place.table.columns[name] ?? {};
  const special = scalar && READS[scalar];
  if (!special) return { sql, read: asItIs };
  if (isList) throw new Unsupported('A list of something');
  return {
    sql: special.sql(sql),
    read: (json) => (typeof json === 'string' ? special.read(json) : null),
  };
}

/** As a part of the row that it belongs to. */
function relationShape(draft: Draft, outer: Place, relation: Relation, value: unknown): Shape {
  const args = value === true ? {} : value;
  if (!isRecord(args)) throw new Unsupported('An odd relation');
  requireOnly(args, relation.isList ? LIST_ARGS : ROW_ARGS);
  const place = placeOf(relation.model, draft);
  const tie = tieSql(outer, place, relation);
  if (relation.isList) return listShape(draft, place, relation.model, args, tie);
  const { sql, read } = rowShape(draft, place, args);
  return { sql: `(SELECT ${sql} FROM ${from(place)} WHERE ${tie})`, read };
}

/** A list of rows. `condition`: what holds of them besides what is asked. */
export function listShape(
  draft: Draft,
  place: Place,
  model: string,
  args: Record<string, unknown>,
  condition: string,
): Shape {
  const row = rowShape(draft, place, args);
  const where = whereSql(draft, place, args['where'] ?? {});
  const page = pageSql(draft, place, model, args);
  const conditions = [condition, where, page.where].filter((each) => each !== null && each !== 'TRUE');
  const filtered = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
  return {
    sql: `(SELECT coalesce(json_agg(row), '[]') FROM (SELECT ${row.sql} AS row FROM ${from(place)}${filtered}${page.sql}) ${place.alias}_rows)`,
    read(json) {
      const rows = listOf(json).map((each) => row.read(each));
      return page.reversed ? rows.toReversed() : rows;
    },
  };
}

/** How many rows relations have. */
function countsShape(draft: Draft, outer: Place, value: unknown): Shape {
  if (!isRecord(value) || !isRecord(value['select'])) throw new Unsupported('Counts of everything');
  const counts = given(value['select']).map(([name, wanted]) => {
    const relation = outer.table.relations[name];
    if (!relation?.isList) throw new Unsupported(name);
    const place = placeOf(relation.model, draft);
    const where = isRecord(wanted) ? whereSql(draft, place, wanted['where'] ?? {}) : 'TRUE';
    const tie = tieSql(outer, place, relation);
    return { name, sql: `(SELECT count(*) FROM ${from(place)} WHERE ${tie} AND ${where})` };
  });
  return {
    sql: `json_build_array(${counts.map(({ sql }) => sql).join(', ')})`,
    read: (json) => Object.fromEntries(counts.map(({ name }, n) => [name, listOf(json)[n]])),
  };
}

export function requireOnly(args: Record<string, unknown>, names: ReadonlySet<string>): void {
  for (const [name] of given(args)) if (!names.has(name)) throw new Unsupported(name);
}

function listOf(json: unknown): readonly unknown[] {
  if (!Array.isArray(json)) throw new Error('The database gave something other than a list');
  return json;
}
