/** Pages of lists: how long they may be, and that their cursors are ones this API gave out. */
import { InvalidInputError } from '../services/errors.ts';

export const MAX_PAGE = 100;
/** How long a page is that no size is asked for. */
export const DEFAULT_PAGE = 20;

export interface PageArgs {
  first?: number | null | undefined;
  last?: number | null | undefined;
  after?: string | null | undefined;
  before?: string | null | undefined;
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** The cursor of a row by its id, as Pothos writes it. */
const ROW = new RegExp(`^GPC:S:(${UUID})$`);
/** The cursor of a numbered row: the id of what it belongs to, and its number. */
const NUMBERED_ROW = new RegExp(`^GPC:T:\\["S:(${UUID})","N:(\\d{1,9})"\\]$`);

/** The `maxSize` of a connection whose cursor is the row's id. Throws InvalidInputError, before the database is asked. */
export function rowPage(args: PageArgs): number {
  return checkedPage(args, ROW);
}

/** As rowPage, for a connection whose cursor is a number within something. */
export function numberedPage(args: PageArgs): number {
  return checkedPage(args, NUMBERED_ROW);
}

/** The id of the row that the page begins or ends at; undefined without a cursor, or where it is a number. */
export function cursorRow({ after, before }: PageArgs): string | undefined {
  return ROW.exec(decoded(after ?? before ?? ''))?.[1];
}

/**
 * The condition, or being the row that the page begins at: Prisma leaves that row out by skipping one, and would skip
 * another in its place once a change, such as a review while reading, has made it miss the filter.
 */
export function orCursorRow<Where extends object>(
  where: Where,
  { after, before }: PageArgs,
): Where | { OR: (Where | { id: string })[] } {
  const id = cursorRow({ after, before });
  if (id === undefined || Object.keys(where).length === 0) return where;
  return { OR: [where, { id }] };
}

/**
 * The query of a page that begins where a condition says (`numbersOf`, `ownersOf`): given a cursor that is not one column,
 * Prisma reads the list to its end and cuts the page out in memory.
 */
export function withoutCursor<Query extends { cursor?: unknown; skip?: number }>({
  cursor: _cursor,
  skip: _skip,
  ...query
}: Query): Omit<Query, 'cursor' | 'skip'> {
  return query;
}

/** The numbers that the page may have, of a list in their order. */
export function numbersOf(page: PageArgs): { gt?: number; lt?: number } {
  return between(page, numberOf);
}

/** The ids of what its rows may belong to, of a list in their order, one row of each. */
export function ownersOf(page: PageArgs): { gt?: string; lt?: string } {
  return between(page, ownerOf);
}

function between<Key>({ after, before }: PageArgs, keyOf: (cursor: string) => Key): { gt?: Key; lt?: Key } {
  return { ...(after != null && { gt: keyOf(after) }), ...(before != null && { lt: keyOf(before) }) };
}

const numberOf = (cursor: string): number => Number(NUMBERED_ROW.exec(decoded(cursor))?.[2]);
const ownerOf = (cursor: string): string => NUMBERED_ROW.exec(decoded(cursor))?.[1] ?? '';

function checkedPage({ first, last, after, before }: PageArgs, cursor: RegExp): number {
  const faults = [
    ...faultOfSize('first', first),
    ...faultOfSize('last', last),
    ...faultOfCursor('after', after, cursor),
    ...faultOfCursor('before', before, cursor),
  ];
  if (faults.length > 0) throw new InvalidInputError(faults);
  return MAX_PAGE;
}

function faultOfSize(field: string, size: number | null | undefined) {
  if (size == null || (size >= 0 && size <= MAX_PAGE)) return [];
  return [{ field, message: `must be 0 to ${MAX_PAGE}, not ${size}` }];
}

function faultOfCursor(field: string, cursor: string | null | undefined, wanted: RegExp) {
  if (cursor == null || wanted.test(decoded(cursor))) return [];
  return [
    {
      field,
      message: `must be a cursor of this list, as this API gave it out, not ${JSON.stringify(cursor.slice(0, 80))}`,
    },
  ];
}

function decoded(cursor: string): string {
  return Buffer.from(cursor, 'base64').toString();
}
