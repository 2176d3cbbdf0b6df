/** What is asked of rows and of what belongs to them, as SQL, and how the answer becomes what Prisma would have given. */
import type { SentValue } from '../textsQuery.ts';
import { pageSql } from './order.ts';
import {
  from,
  given,
  isRecord,
  LIST_ARGS,
  placeOf,
  requireOnly,
  ROW_ARGS,
  Unsupported,
  type Draft,
  type Place,
} from './statement.ts';
import type { Relation } from './tables.ts';
import { columnShape, listOf, partsShape, type Part, type Shape } from './values.ts';
import { tieSql, whereSql } from './where.ts';
import { templateOf, writtenSql } from './written.ts';

/** What a selection came to, and what it added to its statement. */
interface KnownShape extends Shape {
  values: readonly SentValue[];
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
  const { select } = args;
  const template = templateOf(select);
  if (!template || !isRecord(select)) return partsShape(partsOf(draft, place, args));
  return { sql: writtenSql(draft, place, select, template), read: (row) => row };
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
  const { sql, read, reversed } = rowsSql(draft, place, model, args, condition);
  return {
    sql: `(SELECT coalesce(json_agg(row), '[]') FROM (${sql}) ${place.alias}_rows)`,
    read(json) {
      const rows = listOf(json).map((each) => read(each));
      return reversed ? rows.toReversed() : rows;
    },
  };
}

/** The same rows one by one; `reversed`: from the last to the first. */
export function rowsSql(
  draft: Draft,
  place: Place,
  model: string,
  args: Record<string, unknown>,
  condition: string,
): Shape & { reversed: boolean } {
  const row = rowShape(draft, place, args);
  const where = whereSql(draft, place, args['where'] ?? {});
  const { where: pageWhere, sql, reversed } = pageSql(draft, place, model, args);
  const conditions = [condition, where, pageWhere].filter((each) => each !== null && each !== 'TRUE');
  const filtered = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
  return { sql: `SELECT ${row.sql} AS row FROM ${from(place)}${filtered}${sql}`, read: row.read, reversed };
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
