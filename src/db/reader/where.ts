/** Prisma's conditions as SQL. */
import {
  columnOf,
  columnSql,
  from,
  given,
  isRecord,
  placeOf,
  Unsupported,
  valueSql,
  type Draft,
  type Place,
} from './statement.ts';
import type { Column, Relation } from './tables.ts';

export function whereSql(draft: Draft, place: Place, where: unknown): string {
  return all(given(where).map(([key, value]) => partSql(draft, place, key, value)));
}

const all = (parts: string[]) => (parts.length === 0 ? 'TRUE' : parts.join(' AND '));
const any = (parts: string[]) => (parts.length === 0 ? 'FALSE' : `(${parts.join(' OR ')})`);
const inBrackets = (sql: string) => `(${sql})`;

function partSql(draft: Draft, place: Place, key: string, value: unknown): string {
  const each = () =>
    (Array.isArray(value) ? value : [value]).map((part) => inBrackets(whereSql(draft, place, part)));
  if (key === 'AND') return all(each());
  if (key === 'OR') return any(each());
  if (key === 'NOT') return all(each().map((part) => `NOT ${part}`));
  const relation = place.table.relations[key];
  if (relation) return relationSql(draft, place, relation, value);
  if (isKey(key, value)) return whereSql(draft, place, value);
  return fieldSql(draft, columnOf(place, key), columnSql(place, key), value);
}

/** A key of several fields goes by their names, as `tenantId_callSid`. */
function isKey(key: string, value: unknown): boolean {
  return isRecord(value) && key.includes('_') && Object.keys(value).join('_') === key;
}

/** What ties a row of `inner` to one of `outer`. */
export function tieSql(outer: Place, inner: Place, { from: ours, to: theirs }: Relation): string {
  return ours
    .map((field, n) => `${columnSql(inner, theirs[n] ?? '')} = ${columnSql(outer, field)}`)
    .join(' AND ');
}

function relationSql(draft: Draft, place: Place, relation: Relation, value: unknown): string {
  const exists = (where: unknown) => {
    const inner = placeOf(relation.model, draft);
    return `EXISTS (SELECT FROM ${from(inner)} WHERE ${tieSql(place, inner, relation)} AND ${whereSql(draft, inner, where)})`;
  };
  if (!relation.isList) {
    if (!isRecord(value) || 'is' in value || 'isNot' in value)
      throw new Unsupported('A relation that is not');
    return exists(value);
  }
  return all(
    given(value).map(([quantifier, where]) => {
      if (quantifier === 'some') return exists(where);
      if (quantifier === 'none') return `NOT ${exists(where)}`;
      throw new Unsupported(quantifier);
    }),
  );
}

function fieldSql(draft: Draft, column: Column, sql: string, value: unknown): string {
  if (column.scalar === 'Json') throw new Unsupported('A condition on JSON');
  if (!isRecord(value)) return comparisonSql(draft, column, sql, 'equals', value, false);
  const { mode, ...comparisons } = value;
  return all(
    given(comparisons).map(([comparison, operand]) =>
      comparisonSql(draft, column, sql, comparison, operand, mode === 'insensitive'),
    ),
  );
}

const OPERATORS: Readonly<Record<string, string>> = { lt: '<', lte: '<=', gt: '>', gte: '>=' };
/** Prisma leaves the wildcards in what is searched for to whoever asks. */
const PATTERNS: Readonly<Record<string, (text: string) => string>> = {
  contains: (text) => `%${text}%`,
  startsWith: (text) => `${text}%`,
  endsWith: (text) => `%${text}`,
};

function comparisonSql(
  draft: Draft,
  column: Column,
  sql: string,
  comparison: string,
  operand: unknown,
  insensitive: boolean,
): string {
  if (column.isList) return listSql(draft, column, sql, comparison, operand);
  const pattern = PATTERNS[comparison];
  if (pattern) {
    if (typeof operand !== 'string' || column.sqlType !== 'text') throw new Unsupported(comparison);
    return `${sql} ${insensitive ? 'ILIKE' : 'LIKE'} ${valueSql(draft, column, pattern(operand))}`;
  }
  if (insensitive) throw new Unsupported('A comparison in any case');
  if (comparison === 'equals')
    return operand === null ? `${sql} IS NULL` : `${sql} = ${valueSql(draft, column, operand)}`;
  if (comparison === 'not' && !isRecord(operand))
    return operand === null ? `${sql} IS NOT NULL` : `${sql} <> ${valueSql(draft, column, operand)}`;
  if (comparison === 'in') return `${sql} = ANY (${arraySql(draft, column, operand)})`;
  if (comparison === 'notIn') return `${sql} <> ALL (${arraySql(draft, column, operand)})`;
  const operator = OPERATORS[comparison];
  if (operator === undefined || operand === null) throw new Unsupported(comparison);
  return `${sql} ${operator} ${valueSql(draft, column, operand)}`;
}

function listSql(draft: Draft, column: Column, sql: string, comparison: string, operand: unknown): string {
  if (comparison !== 'hasSome') throw new Unsupported(comparison);
  return `${sql} && ${arraySql(draft, column, operand)}`;
}

function arraySql(draft: Draft, { scalar, sqlType }: Column, values: unknown): string {
  const isPlain = scalar === 'String' || scalar === 'Enum' || scalar === 'Int';
  if (!isPlain || !Array.isArray(values)) throw new Unsupported('A list of something');
  if (!values.every((value) => typeof value === 'string' || typeof value === 'number'))
    throw new Unsupported('A list with something else in it');
  draft.values.push(arrayText(values));
  return `$${draft.values.length}::${sqlType}[]`;
}

/** A list as PostgreSQL reads one. */
function arrayText(values: readonly (string | number)[]): string {
  const quoted = values.map((value) => `"${String(value).replaceAll(/["\\]/g, '\\$&')}"`);
  return `{${quoted.join()}}`;
}
