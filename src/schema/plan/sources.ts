/** Where the value of a field comes from: rows that are read for it, its own row, or its resolver. */
import { encodeGlobalID } from '@pothos/plugin-relay';
import { getNamedType, isObjectType, Kind, type GraphQLField } from 'graphql';
import { givesWritten } from '../../db/reader/client.ts';
import { MAX_PAGE } from '../page.ts';
import { connectionOf, cursorColumns, hasColumn, pageQuery } from './connection.ts';
import {
  columnsLookedAt,
  declaredResolver,
  exposedColumn,
  modelOf,
  numberColumn,
  relatedRowsOf,
  relationOf,
  rowsFieldOf,
  selectionOf,
  type RelatedRows,
  type RowsField,
} from './fieldFacts.ts';
import { nodeTypeOf, type Origin, type Place } from './place.ts';
import { NotPlanned, type Run, type Value, type ValueOrigin } from './plan.ts';
import { cell, infoOf, resolved } from './resolver.ts';
import { neverWrite, selectOf, wantAllColumns, wantedOf, type Wanted } from './selection.ts';

export interface Source {
  value: Value;
  gives: Origin;
  origin?: ValueOrigin;
  /** Whether rows are read for it. */
  isRead?: boolean;
}

const GIVES_NO_ROWS: Origin = { rows: null, page: null };

export function sourceOf(place: Place): Source {
  const { rows, page } = place.origin;
  const rowsField = rowsFieldOf(place.field);
  const relatedRows = relatedRowsOf(place.field);
  if (rowsField?.list && rows && relatedRows && !isCount(place))
    return rowsWithRow(place, rows, rowsField.list, relatedRows);
  if (rowsField) return readRows(place, rowsField);
  if (rows) return ofRow(place, rows);
  if (page) return { value: resolved(place), gives: ofPage(place, page) };
  return { value: resolved(place), gives: GIVES_NO_ROWS };
}

/** What a part of a page gives: the rows themselves, or a further part of it. */
function ofPage({ field }: Place, page: Wanted): Origin {
  const type = getNamedType(field.type);
  const isRow = isObjectType(type) && modelOf(type) === page.model;
  return isRow ? { rows: page, page: null } : { rows: null, page };
}

function ofRow(place: Place, rows: Wanted): Source {
  const { type, field, selected, args } = place;
  if (field.name === 'id' && type.getInterfaces().some(({ name }) => name === 'Node')) {
    rows.columns.add('id');
    return {
      value: (row) => encodeGlobalID(type.name, String(cell(row, 'id'))),
      gives: GIVES_NO_ROWS,
      origin: { idOf: type.name },
    };
  }
  const relation = relationOf(field);
  if (relation !== null) return related(place, rows, relation);
  const selection = selectionOf(field);
  const column = exposedColumn(field);
  if (selection === undefined && column !== null) {
    rows.columns.add(column);
    return { value: (row) => cell(row, column), gives: GIVES_NO_ROWS, origin: { column } };
  }
  if (selection === undefined) {
    wantLookedAt(place, rows);
    return { value: resolved(place), gives: GIVES_NO_ROWS, ...madeOf(field, columnsLookedAt(field)) };
  }
  const resolve = declaredResolver(field);
  if (!resolve || typeof selection === 'function') throw new NotPlanned(field.name);
  rows.parts.push({ condition: selected.condition, select: () => selection });
  return {
    value: (row, run) => resolve(row, args(run.variables), run.context),
    gives: GIVES_NO_ROWS,
    ...madeOf(field, columnsIn(selection, rows.model)),
  };
}

function madeOf(
  field: GraphQLField<unknown, unknown>,
  columns: readonly string[] | null,
): { origin?: ValueOrigin } {
  const number = numberColumn(field);
  if (number !== null) return { origin: { number } };
  return columns ? { origin: { columns } } : {};
}

/** The columns that are selected, where there is nothing else. */
function columnsIn(selection: unknown, model: string): string[] | null {
  const selected = Object.entries(recordOf(selection));
  const isColumn = ([name, wanted]: [string, unknown]) => wanted === true && hasColumn(model, name);
  return selected.every(isColumn) ? selected.map(([name]) => name) : null;
}

/** The columns that the field's resolver looks at; all where it does not say which. */
function wantLookedAt({ field }: Place, rows: Wanted): void {
  const columns = columnsLookedAt(field);
  if (columns) for (const name of columns) rows.columns.add(name);
  else wantAllColumns(rows);
}

/** Rows that belong to a row, and come with it. */
function related(place: Place, rows: Wanted, relation: string): Source {
  const { field, selected, args } = place;
  const select = selectionOf(field);
  if (typeof select !== 'function') throw new NotPlanned(field.name);
  const nodeType = nodeTypeOf(field.type);
  const wanted = wantedOf(requiredModel(nodeType ?? getNamedType(field.type)));
  const selectedNames = new Set(namesIn(place));
  rows.parts.push({
    condition: selected.condition,
    select(run) {
      const given = args(run.variables);
      const nested = (query: unknown) => {
        const own: unknown =
          typeof query === 'function' ? Reflect.apply(query, undefined, [given, run.context]) : query;
        const take = cell(own, 'take');
        if (typeof take === 'number') run.takes.set(selected, take);
        return { ...recordOf(own), select: {} };
      };
      const asked: unknown = Reflect.apply(select, undefined, [
        given,
        run.context,
        nested,
        () => selectedNames,
      ]);
      return withRows(cell(asked, 'select'), relation, wanted, run);
    },
  });
  const origin = { relation };
  if (!nodeType) return { value: (row) => cell(row, relation), gives: { rows: wanted, page: null }, origin };
  // By which columns it is paged Pothos does not tell; where there is an id, it is that.
  const columns = cursorColumns(wanted.model, 'id');
  if (!hasColumn(wanted.model, 'id')) throw new NotPlanned('A list of rows without ids');
  wanted.columns.add('id');
  return {
    value: pageOfRelation(place, relation, columns, (row) => cell(cell(row, '_count'), relation)),
    gives: { rows: null, page: wanted },
    origin,
  };
}

/** The selection of a relation with what is wanted of its rows, in place of the nothing that it was made for. */
function withRows(asked: unknown, relation: string, wanted: Wanted, run: Run): object {
  const selection = recordOf(asked);
  const list = selection[relation];
  if (list === undefined) return selection; // Only their number is asked for.
  return { ...selection, [relation]: { ...recordOf(list), select: selectOf(wanted, run) } };
}

/** Rows that are read for the field. */
function readRows(place: Place, { resolve, list }: RowsField): Source {
  const { field, args, origin } = place;
  if (origin.rows) wantLookedAt(place, origin.rows);
  const info = infoOf(place);
  const wanted = wantedOf(requiredModel(list ? nodeTypeOf(field.type) : getNamedType(field.type)));
  if (!list) {
    return {
      value: (source, run) =>
        asWritten(
          resolve({ select: selectOf(wanted, run) }, source, args(run.variables), run.context, info),
          wanted,
        ),
      gives: { rows: wanted, page: null },
      isRead: true,
    };
  }
  const columns = cursorColumns(wanted.model, list.cursor);
  for (const column of columns) wanted.columns.add(column);
  const countsAlone = isCount(place);
  return {
    async value(source, run) {
      const given = args(run.variables);
      const page = pageAsked(list, columns, given, run);
      const query = { select: selectOf(wanted, run), ...page };
      const found = countsAlone ? [] : asWritten(resolve(query, source, given, run.context, info), wanted);
      const rows: unknown = await found;
      const totalCount = () => list.totalCount?.(source, given, run.context, info);
      return connectionOf(listOf(rows), given, { take: page.take, columns, totalCount });
    },
    gives: { rows: null, page: wanted },
    isRead: true,
  };
}

/** Rows that a connection reads, of a relation of its row: they come with it. */
function rowsWithRow(place: Place, rows: Wanted, list: List, { relation, asked }: RelatedRows): Source {
  const { field, selected, args } = place;
  wantLookedAt(place, rows);
  const info = infoOf(place);
  const wanted = wantedOf(requiredModel(nodeTypeOf(field.type)));
  const columns = cursorColumns(wanted.model, list.cursor);
  for (const column of columns) wanted.columns.add(column);
  rows.parts.push({
    condition: selected.condition,
    select(run) {
      const given = args(run.variables);
      const { take } = pageAsked(list, columns, given, run);
      run.takes.set(selected, take);
      return { [relation]: { ...recordOf(asked(given)), take, select: selectOf(wanted, run) } };
    },
  });
  return {
    value: pageOfRelation(
      place,
      relation,
      columns,
      (row, run) => () => list.totalCount?.(row, args(run.variables), run.context, info),
    ),
    gives: { rows: null, page: wanted },
    origin: { relation },
  };
}

type List = NonNullable<RowsField['list']>;

function pageAsked({ maxSize }: List, columns: string[], given: Record<string, unknown>, run: Run) {
  return pageQuery(given, { columns, maxSize: Number(maxSize?.(given, run.context) ?? MAX_PAGE) });
}

/** The page that came with the row. */
function pageOfRelation(
  { selected, args }: Place,
  relation: string,
  columns: readonly string[],
  totalCount: Value,
): Value {
  return (row, run) =>
    connectionOf(listOf(cell(row, relation) ?? []), args(run.variables), {
      take: run.takes.get(selected) ?? 0,
      columns,
      totalCount: totalCount(row, run),
    });
}

/** What a resolver gave. One that does not hand on what it read as it is may have looked at rows, which written ones do not let. */
function asWritten(found: unknown, wanted: Wanted): unknown {
  if (!wanted.writing || givesWritten(found)) return found;
  neverWrite(wanted);
  throw new NotPlanned('Rows that are not as they were written');
}

function requiredModel(type: ReturnType<typeof getNamedType> | undefined): string {
  const model = isObjectType(type) ? modelOf(type) : null;
  if (model === null) throw new NotPlanned('Rows of no model');
  return model;
}

/** Whether of a connection no more is told than how long it is. */
function isCount(place: Place): boolean {
  return namesIn(place).every((name) => name === 'totalCount' || name === '__typename');
}

function namesIn({ selected }: Place): string[] {
  return selected.nodes.flatMap(
    ({ selectionSet }) =>
      selectionSet?.selections.map((selection) =>
        selection.kind === Kind.FIELD ? selection.name.value : 'edges',
      ) ?? [],
  );
}

function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function listOf(rows: unknown): readonly object[] {
  if (!Array.isArray(rows)) throw new NotPlanned('Rows that are no list');
  return rows;
}
