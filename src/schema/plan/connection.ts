/** Pages of rows as connections, as Pothos makes them. */
import { formatPrismaCursor, parsePrismaCursor } from '@pothos/plugin-prisma';
import { tables } from '../../generated/tables.ts';
import { DEFAULT_PAGE, type PageArgs } from '../page.ts';
import { NotPlanned } from './plan.ts';

/** What a page is asked for with: one row more than it has, to know whether there are others. */
export interface PageQuery {
  take: number;
  skip: number;
  cursor?: Record<string, unknown>;
}

/** The columns that make a cursor, by Pothos' name for it. */
export function cursorColumns(model: string, cursor: string): string[] {
  return hasColumn(model, cursor) ? [cursor] : cursor.split('_');
}

export function hasColumn(model: string, column: string): boolean {
  return Object.hasOwn(tables[model]?.columns ?? {}, column);
}

/** Pages that are odd are left to Pothos, which says what is wrong with them. */
export function pageQuery(
  { first, last, after, before }: PageArgs,
  { columns, maxSize }: { columns: readonly string[]; maxSize: number },
): PageQuery {
  const isOdd =
    (before != null && (after != null || first != null)) ||
    (last != null && (after != null || first != null));
  if (isOdd) throw new NotPlanned('A page of two kinds');
  const size = Math.min(first ?? last ?? DEFAULT_PAGE, maxSize) + 1;
  const take = before != null || last != null ? -size : size;
  const from = after ?? before;
  if (from == null) return { take, skip: 0 };
  const [column] = columns;
  if (column === undefined || columns.length > 1) throw new NotPlanned('A cursor of several columns');
  return { take, skip: 1, cursor: { [column]: parsePrismaCursor(from) } };
}

/** Its cursor is seldom asked for, and takes longer to write than the rest. */
class Edge {
  readonly node: object;
  readonly #fields: string | string[];

  constructor(node: object, fields: string | string[]) {
    this.node = node;
    this.#fields = fields;
  }

  get cursor(): string {
    return formatPrismaCursor({ ...this.node }, this.#fields);
  }
}

export interface Connection {
  edges: Edge[];
  pageInfo: {
    readonly startCursor: string | null;
    readonly endCursor: string | null;
    hasNextPage: boolean;
    hasPreviousPage: boolean;
  };
  totalCount: unknown;
}

/** `take`: as the rows were asked for. An empty page at a cursor is left to Pothos: the cursor's row may be gone. */
export function connectionOf(
  rows: readonly object[],
  { after, before, last }: PageArgs,
  { take, columns, totalCount }: { take: number; columns: readonly string[]; totalCount?: unknown },
): Connection {
  const isFull = rows.length === Math.abs(take);
  const page = isFull ? (take < 0 ? rows.slice(1) : rows.slice(0, -1)) : rows;
  if (page.length === 0 && (after != null || before != null)) throw new NotPlanned('An empty page');
  const fields = columns.length === 1 ? (columns[0] ?? '') : [...columns];
  const edges = page.map((node) => new Edge(node, fields));
  return {
    edges,
    pageInfo: {
      get startCursor() {
        return edges[0]?.cursor ?? null;
      },
      get endCursor() {
        return edges.at(-1)?.cursor ?? null;
      },
      hasNextPage: before != null || (last == null && isFull),
      hasPreviousPage: after != null || (take < 0 && isFull),
    },
    totalCount,
  };
}
