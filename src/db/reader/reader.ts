/**
 * Reads as one statement each, without Prisma's engine: it takes three to five times as long as the database to say the
 * same. A question is asked in Prisma's words and answered as Prisma would; what is not understood here is left to Prisma.
 */
import type { SentValue } from '../textsQuery.ts';
import { from, isRecord, LIST_ARGS, placeOf, requireOnly, Unsupported, type Draft } from './statement.ts';
import { listShape, rowsSql } from './shape.ts';
import { whereSql } from './where.ts';
import { readRows, templateOf } from './written.ts';

export interface ReadStatement {
  text: string;
  values: SentValue[];
  /** The answer, of the texts in the one column. */
  read: (texts: readonly string[]) => unknown;
  /** Whether the texts are of bytes (byteText.ts): those of rows as they are written. */
  asBytes: boolean;
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
  const place = placeOf(model, draft);
  if (templateOf(args['select'])) {
    const { sql, reversed } = rowsSql(draft, place, model, args, 'TRUE');
    return { text: sql, values: draft.values, asBytes: true, read: (rows) => readRows(rows, reversed) };
  }
  const { sql, read } = listShape(draft, place, model, args, 'TRUE');
  return {
    text: `SELECT ${sql}::text AS rows`,
    values: draft.values,
    read: ([text]) => read(JSON.parse(text ?? '')),
    asBytes: false,
  };
}

function findOne(model: string, args: Record<string, unknown>): ReadStatement {
  if (args['take'] !== undefined) throw new Unsupported('The first of several');
  const { read, ...statement } = findMany(model, { ...args, take: 1 });
  return {
    ...statement,
    read(texts) {
      const rows = read(texts);
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
    read: ([text]) => Number(text),
    asBytes: false,
  };
}
