/**
 * Files that are no export's: a process died between finishing a file and publishing its row. They hold what customers
 * said, and no erasure would find them.
 */
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import { keepFiles } from './exportFileKeeping.ts';
import type { ExportStore } from './exportStore/port.ts';

/** What export.ts calls its files: the tenant's id and the SHA-256. Others in the store are not ours to delete. */
const KEY = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/([0-9a-f]{64})\.\w+$/;
/** How many files are looked up at once. */
const BATCH = 500;

interface OldFile {
  key: string;
  tenantId: string;
  sha256: string;
}

interface Deps {
  db: Pick<Database, 'asSystem'>;
  store: Pick<ExportStore, 'list' | 'delete'>;
}

/**
 * Deletes files that were written before `olderThan` and belong to no export; returns how many.
 *
 * An export whose bytes are those of an orphan takes it for its own while the sweep is about to delete it. So the two
 * take turns, by the key: the sweep looks again and deletes under a lock that whoever publishes the export takes too.
 * Either the row is there first, and the file stays; or the file is gone first, which the exporter sees when its row is
 * committed, and writes it again.
 */
export async function sweepOrphans(
  { db, store }: Deps,
  olderThan: Date,
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0;
  for await (const files of batchesOf(store, olderThan)) {
    const kept = await db.asSystem((tx) => referenced(tx, files));
    for (const file of files) {
      if (signal.aborted) return deleted;
      if (kept.has(nameOf(file))) continue;
      deleted += await db.asSystem(async (tx) => {
        await keepFiles(tx, [file.key]);
        if ((await referenced(tx, [file])).size > 0) return 0;
        // Waits for a store within a transaction: the lock has to hold until the file is gone.
        await store.delete(file.key);
        return 1;
      });
    }
  }
  return deleted;
}

async function* batchesOf(store: Deps['store'], olderThan: Date): AsyncIterable<OldFile[]> {
  let batch: OldFile[] = [];
  for await (const { key, writtenAt } of store.list()) {
    const [, tenantId, sha256] = KEY.exec(key) ?? [];
    if (tenantId === undefined || sha256 === undefined || writtenAt >= olderThan) continue;
    batch.push({ key, tenantId, sha256 });
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Which of the files are an export's that has not had its files deleted, by their names. */
async function referenced(tx: Tx, files: OldFile[]): Promise<Set<string>> {
  const hashes = files.map(({ sha256 }) => sha256);
  const rows = await tx.export.findMany({
    where: {
      tenantId: { in: [...new Set(files.map(({ tenantId }) => tenantId))] },
      filesDeletedAt: null,
      OR: [{ sha256: { in: hashes } }, { validationSha256: { in: hashes } }],
    },
    select: { tenantId: true, sha256: true, validationSha256: true },
  });
  return new Set(
    rows.flatMap(({ tenantId, sha256, validationSha256 }) =>
      [sha256, validationSha256].flatMap((hash) => (hash === null ? [] : nameOf({ tenantId, sha256: hash }))),
    ),
  );
}

function nameOf({ tenantId, sha256 }: Pick<OldFile, 'tenantId' | 'sha256'>): string {
  return `${tenantId}/${sha256}`;
}
