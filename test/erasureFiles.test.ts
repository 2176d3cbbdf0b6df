/** An erasure that deletes a file, and an export that takes the same one for its own or writes it again, at once. */
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { providersOf } from '../src/providers.ts';
import { createErasureFiles } from '../src/services/erasureFiles.ts';
import { createExportService } from '../src/services/export.ts';
import type { ReadyExport } from '../src/services/exportFiles.ts';
import type { ExportStore } from '../src/services/exportStore/port.ts';
import {
  addExamples,
  datasetId,
  db,
  exportIt,
  format,
  line,
  newDataset,
  service,
  setUpExports,
  store,
  trainingFile,
  viewer,
} from './support/exports.ts';
import { finishing } from './support/finishing.ts';
import { gate, standIn } from './support/standIn.ts';

setUpExports();

const PROMPT = 'Answer as our best agents do.';
const WHOLE = () => line(1) + line(2);

/** The files of a tainted export are deleted, by an erasure whose store is `seen`. */
function erase(made: ReadyExport, seen: Pick<ExportStore, 'size' | 'delete'> = store) {
  const files = createErasureFiles({ db, store: seen, providers: providersOf(standIn()) });
  const task = {
    id: randomUUID(),
    tenantId: viewer.tenantId,
    erasureId: randomUUID(),
    kind: 'EXPORT_FILES' as const,
    exportId: made.id,
    runId: null,
    settlesAt: new Date(),
    nextAttemptAt: new Date(),
    attempts: 0,
    problem: null,
    files: 0,
    doneAt: null,
  };
  return files.attempt(viewer, task, new AbortController().signal);
}

/** As an erasure does to an export that holds the caller; `bytes`: this file of it does. */
async function taint(made: ReadyExport, bytes: boolean): Promise<void> {
  const { tenantId } = viewer;
  await db.withTenant(tenantId, async (tx) => {
    await tx.export.updateMany({ where: { id: made.id, tenantId }, data: { taintedAt: new Date() } });
    if (bytes) await tx.taintedFile.createMany({ data: [{ tenantId, sha256: made.sha256 }] });
  });
}

/** Another dataset of the same examples: its file is the same one. */
async function twinDataset(): Promise<string> {
  const twin = await newDataset(viewer, PROMPT, 'The same calls');
  await addExamples(2, { dataset: twin });
  return twin;
}

test('a file that an export has come to share while it was looked at stays', async () => {
  await addExamples(2);
  const tainted = await exportIt();
  const { key } = trainingFile(tainted);
  await taint(tainted, false);
  const twin = await twinDataset();
  const seen = {
    ...store,
    // The erasure has begun, and the other export comes in between.
    async size(of: string) {
      await service.exportDataset(viewer, { datasetId: twin, format });
      return store.size(of);
    },
  };
  expect(await erase(tainted, seen)).toEqual({ files: 0, waitingFor: null });
  expect(await text(store.open(key))).toBe(WHOLE());
});

test('a file that is deleted while an export takes it for its own is there in the end', async () => {
  await addExamples(2);
  const tainted = await exportIt();
  const { key } = trainingFile(tainted);
  await taint(tainted, false);
  const twin = await twinDataset();
  const [taken, deleted] = [gate(), gate()];
  const exports = createExportService({
    db,
    store: finishing(store, async (finish, keyOf) => {
      const file = await finish(keyOf); // The key is taken: the file that is there stays.
      taken.open();
      await deleted.opened;
      return file;
    }),
  });
  const exporting = exports.exportDataset(viewer, { datasetId: twin, format });
  await taken.opened;
  const seen = {
    ...store,
    async delete(of: string) {
      // Whoever publishes waits from here on for the lock.
      deleted.open();
      await store.delete(of);
    },
  };
  expect(await erase(tainted, seen)).toEqual({ files: 1, waitingFor: null });
  expect(trainingFile(await exporting).key).toBe(key);
  expect(await text(store.open(key))).toBe(WHOLE());
});

test('a lost file that is written again while its caller is erased is gone in the end', async () => {
  await addExamples(2);
  const made = await exportIt();
  const { key } = trainingFile(made);
  await store.delete(key);
  let once = 0;
  const exports = createExportService({
    db,
    store: finishing(store, async (finish, keyOf) => {
      // All lines are written; the erasure finds no file.
      if ((once += 1) === 1) {
        await taint(made, true);
        await erase(made);
      }
      return finish(keyOf);
    }),
  });
  await expect(exports.exportDataset(viewer, { datasetId, format })).rejects.toMatchObject({
    code: 'EXPORT_TAINTED',
  });
  expect(once).toBe(2); // It was begun anew, and came to the same bytes.
  expect(await store.size(key)).toBeNull();
});
