/**
 * Reads as one statement each, without Prisma's engine: it takes three to five times as long as the database to say the
 * same. A question is asked in Prisma's words and answered as Prisma would; what is not understood here is left to Prisma.
 */
import { from, isRecord, placeOf, Unsupported, type Draft } from './statement.ts';
import { LIST_ARGS, listShape, requireOnly } from './shape.ts';
import { whereSql } from './where.ts';

export interface ReadStatement {
  text: string;
  values: unknown[];
  /** The answer, of the text in the one column of the one row. */
  read: (text: string) => unknown;
}

const COUNT_ARGS = new Set(['where']);

/** Null of what is left to Prisma. `operation`: of Prisma's, such as findMany. */
export function readStatement(model: string, operation: string, args: unknown): ReadStatement | null {
  try {
    if (!isRecord(args)) return null;
    if (operation === 'findMany') return findMany(model, args);
    if (operation === 'count') return count(model, args);
    return operation.startsWith('find') ? findOne(model, args) : null;
  } catch (error) {
    if (error instanceof Unsupported) return null;
    throw error;
  }
}

function findMany(model: string, args: Record<string, unknown>): ReadStatement {
  requireOnly(args, LIST_ARGS);
  const draft: Draft = { values: [], places: 0 };
  const { sql, read } = listShape(draft, placeOf(model, draft), model, args, 'TRUE');
  return {
    text: `SELECT ${sql}::text AS rows`,
    values: draft.values,
    read: (text) => read(JSON.parse(text)),
  };
}

function findOne(model: string, args: Record<string, unknown>): ReadStatement {
  if (args['take'] !== undefined) throw new Unsupported('The first of several');
  const { read, ...statement } = findMany(model, { ...args, take: 1 });
  return {
    ...statement,
    read(text) {
      const rows = read(text);
      return Array.isArray(rows) ? (rows[0] ?? null) : null;
    },
  };
}

function count(model: string, args: Record<string, unknown>): ReadStatement {
  requireOnly(args, COUNT_ARGS);
  const draft: Draft = { values: [], places: 0 };
  const place = placeOf(model, draft);
  const where = whereSql(draft, place, args['where'] ?? {});
  return {
    text: `SELECT count(*)::text AS rows FROM ${from(place)} WHERE ${where}`,
    values: draft.values,
    read: Number,
  };
}
