/**
 * Which rows PostgreSQL writes as what is told of them: those of which only columns, ids and further such rows are told.
 * What a resolver makes of columns is filled in here. All else is read, and written here (compile.ts).
 */
import {
  getNullableType,
  isEnumType,
  isListType,
  isNonNullType,
  isScalarType,
  type GraphQLOutputType,
} from 'graphql';
import { tables } from '../../generated/tables.ts';
import type { Column, Scalar } from '../../db/reader/tables.ts';
import {
  columnsReader,
  filled,
  type PagePiece,
  type Piece,
  type Template,
  type Written,
} from '../../db/reader/written.ts';
import { hasColumn } from './connection.ts';
import { NotPlanned, type FieldPlan, type ObjectPlan, type Run } from './plan.ts';
import { neverWrite, type Wanted } from './selection.ts';
import { Told } from './told.ts';

export interface Writing {
  template: Template;
  holes: readonly Hole[];
}

/** What a resolver says, of columns as JSON, as JSON; undefined of one that has to be waited for. */
type Hole = (columns: string, run: Run) => string | undefined;

/** What is told has to be read first. */
class NotWritten extends Error {}

/** What is written of a field that rows are read for; null where they have to be read. */
export function writingOf({ object, gives }: FieldPlan): Writing | null {
  const holes: Hole[] = [];
  try {
    const { rows, page } = gives;
    if (!object) return null;
    if (rows) return { template: rowTemplate(object, rows, holes), holes };
    requireOnly(object, CONNECTION);
    const edge = partOf(object, 'edges')?.object ?? [];
    requireOnly(edge, EDGE);
    const node = partOf(edge, 'node')?.object;
    if (!page || !node) return null;
    const info = partOf(object, 'pageInfo')?.object ?? [];
    const tellsCursors = [...edge, ...info].some(({ name }) => CURSORS.has(name));
    if (tellsCursors && !hasColumn(page.model, 'id')) return null;
    return { template: rowTemplate(node, page, holes), holes };
  } catch (error) {
    if (error instanceof NotWritten) return null;
    throw error;
  }
}

export function toldOf({ text }: Written, rows: Wanted | null, run: Run): Told {
  if (!rows?.writing) throw new NotPlanned('Rows that nobody had written');
  const { holes } = rows.writing;
  run.hasTold = true;
  if (holes.length === 0) return new Told(text);
  return new Told(
    filled(text, (hole, columns) => {
      const said = holes[hole]?.(columns, run);
      if (said !== undefined) return said;
      neverWrite(rows);
      throw new NotPlanned('A hole that has to be waited for');
    }),
  );
}

/** What may be told of a page of rows, besides the rows, without having read them. */
const CONNECTION = new Set(['edges', 'pageInfo', 'totalCount', '__typename']);
const EDGE = new Set(['node', 'cursor', '__typename']);
const CURSORS = new Set(['cursor', 'startCursor', 'endCursor']);

function requireOnly(plan: ObjectPlan, names: ReadonlySet<string>): void {
  if (!plan.every(({ name }) => names.has(name))) throw new NotWritten();
}

/** The one field of that name. */
function partOf(plan: ObjectPlan | null | undefined, name: string): FieldPlan | undefined {
  const parts = plan?.filter((field) => field.name === name) ?? [];
  if (parts.length > 1) throw new NotWritten();
  return parts[0];
}

function rowTemplate(plan: ObjectPlan, { model }: Wanted, holes: Hole[]): Template {
  return objectOf(plan, (field) => valuePieces(field, model, holes));
}

/** An object's names, and what follows each. */
function objectOf<Part>(
  plan: ObjectPlan,
  piecesOf: (field: FieldPlan) => (Part | string)[],
): (Part | string)[] {
  const fields = plan.flatMap((field, n) => {
    if (field.condition) throw new NotWritten();
    const { origin } = field;
    const pieces = origin && 'text' in origin ? [origin.text] : piecesOf(field);
    return [`${n > 0 ? ',' : ''}${JSON.stringify(field.key)}:`, ...pieces];
  });
  return ['{', ...fields, '}'];
}

function valuePieces(field: FieldPlan, model: string, holes: Hole[]): Piece[] {
  const { origin, type } = field;
  if (!origin || 'text' in origin) throw new NotWritten();
  if ('idOf' in origin) return [{ encoded: `${origin.idOf}:`, column: 'id' }];
  if ('relation' in origin) return [relationPiece(field, model, origin.relation, holes)];
  if ('column' in origin) {
    const column = tables[model]?.columns[origin.column];
    if (!column || !isToldAsItIs(column, type)) throw new NotWritten();
    return [{ column: origin.column }];
  }
  if ('number' in origin) {
    if (isNonNullType(type)) throw new NotWritten();
    return [{ number: origin.number }];
  }
  const { columns } = origin;
  return [{ hole: holes.push(holeOf(field, model, columns)) - 1, columns }];
}

function relationPiece(field: FieldPlan, model: string, relation: string, holes: Hole[]): Piece {
  const { object, type, gives } = field;
  if (!object || isListType(getNullableType(type))) throw new NotWritten();
  if (gives.page) return { rows: relation, ...pageOf(object, gives.page, holes) };
  if (!gives.rows || (isNonNullType(type) && !isAlwaysThere(model, relation))) throw new NotWritten();
  return { row: relation, template: rowTemplate(object, gives.rows, holes) };
}

/** Pothos' word before the key of a cursor that is a text. */
const CURSOR = 'GPC:S:';

function pageOf(connection: ObjectPlan, rows: Wanted, holes: Hole[]) {
  const hasIds = hasColumn(rows.model, 'id');
  const edge = partOf(connection, 'edges')?.object ?? [];
  const template = objectOf<Piece>(edge, ({ name, object }) => {
    if (name === 'cursor' && hasIds) return [{ encoded: CURSOR, column: 'id' }];
    if (name !== 'node' || !object) throw new NotWritten();
    return [...rowTemplate(object, rows, holes)];
  });
  const page = objectOf<PagePiece>(connection, ({ name, object }) => {
    if (name === 'edges') return ['[', { of: 'rows' }, ']'];
    if (name !== 'pageInfo' || !object) throw new NotWritten();
    return objectOf<PagePiece>(object, (info) => {
      if (info.name === 'hasNextPage' || info.name === 'hasPreviousPage') return [{ of: info.name }];
      const isStart = info.name === 'startCursor';
      if ((!isStart && info.name !== 'endCursor') || !hasIds) throw new NotWritten();
      return [{ cursorOf: isStart ? 'first' : 'last', encoded: CURSOR }];
    });
  });
  return { template, page };
}

function nothing(): void {
  // It is asked again.
}

/** What the field's resolver says, and what is told of it. */
function holeOf({ value, complete }: FieldPlan, model: string, columns: readonly string[]): Hole {
  const read = columnsReader(model, columns);
  return (json, run) => {
    const found = value(read(json), run);
    if (found instanceof Promise) {
      run.pending.push(found.then(nothing, nothing));
      return undefined;
    }
    return JSON.stringify(complete(found, run)) ?? 'null';
  };
}

const KINDS: Readonly<Record<string, Scalar>> = {
  Boolean: 'Boolean',
  DateTime: 'DateTime',
  ID: 'String',
  Int: 'Int',
  String: 'String',
};

/** Whether PostgreSQL writes the column as the type does. */
function isToldAsItIs({ scalar, isNullable, isList }: Column, type: GraphQLOutputType): boolean {
  if (isList || (isNonNullType(type) && isNullable)) return false;
  const leaf = getNullableType(type);
  if (isEnumType(leaf))
    return scalar === 'Enum' && leaf.getValues().every(({ name, value }) => name === value);
  return isScalarType(leaf) && KINDS[leaf.name] === scalar;
}

/** Whether there is such a row of each, as foreign keys see to. */
function isAlwaysThere(model: string, relation: string): boolean {
  const { columns, relations } = tables[model] ?? {};
  const isRequired = (name: string) => columns?.[name]?.isNullable === false;
  return relations?.[relation]?.from.every(isRequired) ?? false;
}
