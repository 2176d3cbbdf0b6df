/** Deleting files of exports: never one that an export is about to take for its own. */
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import type { ExportStore, StoredFile } from './exportStore/port.ts';

interface Deps {
  db: Pick<Database, 'withTenant'>;
  store: Pick<ExportStore, 'size' | 'delete'>;
}

/** Keeps everybody else who asks for it off the files until the transaction ends. */
export async function keepFiles(tx: Tx, keys: string[]): Promise<void> {
  // In one order everywhere, so that no two wait for each other.
  for (const key of keys.toSorted())
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`export file ${key}`}, 0))`;
}

/**
 * Deletes a file that held an erased caller's words, or lay beside one that did: unless an export that holds nothing of
 * theirs has it too. Returns whether there was one. Whoever publishes an export takes the lock as well: either its row is
 * there first, and the file stays; or the file is gone first, and the exporter writes it again.
 */
export async function deleteUnneeded(
  { db, store }: Deps,
  tenantId: string,
  { key, sha256 }: Pick<StoredFile, 'key' | 'sha256'>,
): Promise<boolean> {
  const isThere = (await store.size(key)) !== null;
  return db.withTenant(tenantId, async (tx) => {
    await keepFiles(tx, [key]);
    const where = { tenantId, taintedAt: null, OR: [{ sha256 }, { validationSha256: sha256 }] };
    if (await tx.export.findFirst({ where, select: { id: true } })) return false;
    // Waits for a store, as the sweep of orphans does: the lock has to hold until the file is gone.
    await store.delete(key);
    return isThere;
  });
}
