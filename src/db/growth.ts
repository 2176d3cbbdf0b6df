/** Has the database look again at tables that have grown: its plans for a table are those for what it held then. */
import type pg from 'pg';

export type GrowingTable = 'call_transcriptions' | 'finetuning_examples' | 'finetuning_duplicate_members';

/** From how many new rows on it looks anew; and not before a table has grown by so much of what was added before. */
const MANY = 500;
const SHARE = 0.25;

/**
 * Plans for a table of which nothing is known are those for an empty one, ten times slower than they need to be. A server
 * would look by itself within a minute or so, the embedded database never. Nobody waits for it, as looking at a hundred
 * thousand rows takes a second or two. `onError` is told when it could not look.
 */
export function createGrowth(pool: pg.Pool, onError: (error: Error) => void) {
  const tables = new Map<GrowingTable, { known: number; added: number }>();

  /** So many rows were added, and committed. */
  return function grew(table: GrowingTable, rows: number): void {
    const size = tables.get(table) ?? { known: 0, added: 0 };
    tables.set(table, size);
    size.added += rows;
    if (size.added < Math.max(MANY, size.known * SHARE)) return;
    size.known += size.added;
    size.added = 0;
    pool.query(`ANALYZE ${table}`).catch(onError);
  };
}
