/**
 * Rows that PostgreSQL writes as the JSON that is told of them, in place of values that are read here and written again.
 * A template says what is written: texts as they are, and between them what comes of columns and relations.
 */
import { byteTextOf, textOf } from '../../byteText.ts';
import { pageSql } from './order.ts';
import {
  columnOf,
  columnSql,
  from,
  isRecord,
  LIST_ARGS,
  placeOf,
  requireOnly,
  ROW_ARGS,
  Unsupported,
  type Draft,
  type Place,
} from './statement.ts';
import type { Scalar } from './tables.ts';
import { columnsShape } from './values.ts';
import { tieSql, whereSql } from './where.ts';

export type Template = readonly Piece[];

export type Piece =
  | string
  /** A column's value as JSON. */
  | { column: string }
  /** A decimal's or large whole number's as a number. */
  | { number: string }
  /** A column's value behind a word, in Base64. */
  | { encoded: string; column: string }
  /** A related row, or null. */
  | { row: string; template: Template }
  /** A page of related rows: `template` of each, `page` of the whole. */
  | { rows: string; template: Template; page: readonly PagePiece[] }
  /** Columns for whoever fills the hole with their say (`filled`). */
  | { hole: number; columns: readonly string[] };

export type PagePiece =
  | string
  | { of: 'rows' | 'hasNextPage' | 'hasPreviousPage' }
  | { cursorOf: 'first' | 'last'; encoded: string };

/** One row as it was written, with its id if it has one, of the bytes of which each is a character (byteText.ts). */
export class Written {
  readonly id: string;
  readonly text: string;

  constructor(row: string) {
    const end = row.indexOf(AFTER_ID);
    this.id = textOf(row.slice(0, end));
    this.text = row.slice(end + 1);
  }
}

/** Between what is written stands what JSON writes otherwise, so that it is never part of it. */
const AFTER_ID = '\x1f';
const AROUND_HOLES = '\x1d';
const AFTER_NUMBER = '\x1c';

const templates = new WeakMap<object, Template>();

/** Rows of which this is selected are written, and become `Written`. */
export function writeRows(select: object, template: Template): void {
  templates.set(select, template);
}

export function templateOf(select: unknown): Template | undefined {
  return select instanceof Object ? templates.get(select) : undefined;
}

/** `reversed`: they came from the last to the first. */
export function readRows(texts: readonly string[], reversed: boolean): Written[] {
  const rows = texts.map((text) => new Written(text));
  return reversed ? rows.toReversed() : rows;
}

/** Reads what a hole was given of a row of the model. */
export function columnsReader(model: string, columns: readonly string[]): (json: string) => unknown {
  const { read } = columnsShape(placeOf(model, { values: [], places: 0 }), columns);
  return (json) => read(JSON.parse(json));
}

/** The text with its holes filled: `say` is given a hole's number and the JSON of its columns. */
export function filled(text: string, say: (hole: number, columns: string) => string): string {
  const parts = text.split(AROUND_HOLES);
  for (let n = 1; n < parts.length; n += 2) {
    const hole = parts[n] ?? '';
    const end = hole.indexOf(AFTER_NUMBER);
    parts[n] = byteTextOf(say(Number(hole.slice(0, end)), textOf(hole.slice(end + 1))));
  }
  return parts.join('');
}

/** A row that is asked for, as SQL. */
export function writtenSql(
  draft: Draft,
  place: Place,
  select: Record<string, unknown>,
  template: Template,
): string {
  const id = 'id' in place.table.columns ? columnSql(place, 'id') : literal('');
  return concatSql([id, literal(AFTER_ID), ...rowParts(draft, place, select, template)]);
}

function rowParts(draft: Draft, place: Place, select: unknown, template: Template): string[] {
  if (!isRecord(select)) throw new Unsupported('A row of which nothing is selected');
  return template.map((piece) => pieceSql(draft, place, select, piece));
}

function pieceSql(draft: Draft, place: Place, select: Record<string, unknown>, piece: Piece): string {
  if (typeof piece === 'string') return literal(piece);
  if ('encoded' in piece) return encodedSql(piece.encoded, columnSql(place, piece.column));
  if ('column' in piece) return valueAsJson(place, piece.column, FORMS);
  if ('number' in piece) return valueAsJson(place, piece.number, NUMBERS);
  if ('hole' in piece) return holeSql(place, piece);
  const name = 'row' in piece ? piece.row : piece.rows;
  const relation = place.table.relations[name];
  const args = select[name];
  if (!relation || !isRecord(args)) throw new Unsupported(name);
  const inner = placeOf(relation.model, draft);
  const tie = tieSql(place, inner, relation);
  if ('rows' in piece) return pageOfRows(draft, inner, relation.model, args, tie, piece);
  requireOnly(args, ROW_ARGS);
  const row = concatSql(rowParts(draft, inner, args['select'], piece.template));
  return `coalesce((SELECT ${row} FROM ${from(inner)} WHERE ${tie}), 'null')`;
}

/** The rows are numbered in the order in which they are asked for, which from the end of a list is the opposite one. */
function pageOfRows(
  draft: Draft,
  place: Place,
  model: string,
  args: Record<string, unknown>,
  tie: string,
  { template, page: pieces }: { template: Template; page: readonly PagePiece[] },
): string {
  requireOnly(args, LIST_ARGS);
  const { take, cursor } = args;
  if (typeof take !== 'number' || cursor !== undefined) throw new Unsupported('A page that is not the first');
  const row = concatSql(rowParts(draft, place, args['select'], template));
  const where = whereSql(draft, place, args['where'] ?? {});
  const page = pageSql(draft, place, model, args);
  const size = Math.abs(take) - 1;
  const [first, last] = page.reversed ? ['n DESC', 'n'] : ['n', 'n DESC'];
  const isFull = `(count(*) > ${size})::text`;
  const cursorSql = (order: string, word: string) =>
    orNull(encodedSql(word, `(array_agg(id ORDER BY ${order}) FILTER (WHERE n <= ${size}))[1]`));
  const parts = pieces.map((piece) => {
    if (typeof piece === 'string') return literal(piece);
    if ('cursorOf' in piece) return cursorSql(piece.cursorOf === 'first' ? first : last, piece.encoded);
    if (piece.of === 'rows') return `string_agg(row, ',' ORDER BY ${first}) FILTER (WHERE n <= ${size})`;
    if (piece.of === 'hasNextPage') return page.reversed ? `'false'` : isFull;
    return page.reversed ? isFull : `'false'`;
  });
  const { alias } = place;
  const tellsCursors = pieces.some((piece) => typeof piece === 'object' && 'cursorOf' in piece);
  const id = tellsCursors ? columnSql(place, 'id') : 'NULL';
  // HAVING has PostgreSQL write one page whatever is told of it, be it nothing of its rows.
  return `(SELECT ${concatSql(parts)} FROM (SELECT row_number() OVER () AS n, id, row FROM (SELECT ${id} AS id, ${row} AS row FROM ${from(place)} WHERE ${tie} AND ${where}${page.sql}) ${alias}_rows) ${alias}_numbered HAVING TRUE)`;
}

function holeSql(place: Place, { hole, columns }: { hole: number; columns: readonly string[] }): string {
  const row = columnsShape(place, columns);
  return concatSql([literal(`${AROUND_HOLES}${hole}${AFTER_NUMBER}`), row.sql, literal(AROUND_HOLES)]);
}

/** Base64 breaks its lines. */
const encodedSql = (word: string, sql: string) =>
  `'"' || translate(encode(convert_to(${literal(word)} || ${sql}, 'UTF8'), 'base64'), E'\\n', '') || '"'`;

/** What is written of a column of each kind that needs nobody's say; in UTC, as all that a tenant's statement reads. */
type Forms = Readonly<Partial<Record<Scalar, (sql: string, sqlType: string) => string>>>;

const FORMS: Forms = {
  String: (sql, sqlType) => (sqlType === 'uuid' ? `'"' || ${sql} || '"'` : `to_json(${sql})::text`),
  Enum: (sql) => `'"' || ${sql} || '"'`,
  Int: (sql) => `${sql}::text`,
  Boolean: (sql) => `${sql}::text`,
  DateTime: (sql) => `'"' || to_char(${sql}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"'`,
};

const NUMBERS: Forms = {
  BigInt: (sql) => `${sql}::text`,
  Decimal: (sql) => `trim_scale(${sql})::text`,
};

function valueAsJson(place: Place, name: string, forms: Forms): string {
  const { scalar, sqlType, isList, isNullable } = columnOf(place, name);
  const form = forms[scalar];
  if (!form || isList) throw new Unsupported(name);
  const sql = form(columnSql(place, name), sqlType);
  return isNullable ? orNull(sql) : sql;
}

const orNull = (sql: string) => `coalesce(${sql}, 'null')`;

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** A function of PostgreSQL's takes a hundred arguments. */
const MOST_ARGUMENTS = 100;

function concatSql(parts: readonly string[]): string {
  if (parts.length <= MOST_ARGUMENTS) return `concat(${parts.join(', ')})`;
  const [head, rest] = [parts.slice(0, MOST_ARGUMENTS - 1), parts.slice(MOST_ARGUMENTS - 1)];
  return `concat(${head.join(', ')}, ${concatSql(rest)})`;
}
