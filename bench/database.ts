import { openDatabase, type Database } from '../src/db/database.ts';
import { createDatabase } from '../test/support/database.ts';
import type { BenchOptions } from './frame.ts';

/** Does `work` on a new, migrated database, which is gone afterwards: in memory, or on the server that was named. */
export async function withDatabase<T>(
  { databaseUrl }: Pick<BenchOptions, 'databaseUrl'>,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const name = `tunesmith_bench_${process.pid}_${Date.now()}`;
  const made = databaseUrl === undefined ? undefined : await createDatabase(databaseUrl, name);
  try {
    const db = await openDatabase({ databaseUrl: made?.url, onError: (error) => console.error(error) });
    try {
      return await work(db);
    } finally {
      await db.close();
    }
  } finally {
    await made?.drop();
  }
}
