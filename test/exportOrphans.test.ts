/** Files that are no export's are deleted; those that are stay, also when an export takes one meanwhile. */
import { text } from 'node:stream/consumers';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createExportService } from '../src/services/export.ts';
import {
  addExamples,
  datasetId,
  db,
  directory,
  exportIt,
  format,
  line,
  service,
  setUpExports,
  store,
  trainingFile,
  viewer,
} from './support/exports.ts';
import { finishing } from './support/finishing.ts';

setUpExports();

const NEVER = new AbortController().signal;
const OLD = new Date('2026-01-01T00:00:00Z');
const LATER = new Date('2026-01-01T01:00:00Z');

/** What a process leaves that dies with the file finished and the row not published. */
async function orphan(content: string): Promise<string> {
  const writer = await store.create();
  await writer.write(content);
  const { key } = await writer.finish((sha256) => `${viewer.tenantId}/${sha256}.jsonl`);
  await utimes(join(directory, key), OLD, OLD);
  return key;
}

test('an old file that is no export’s goes; a young one, an export’s and a stranger’s stay', async () => {
  await addExamples(2);
  const kept = trainingFile(await exportIt()).key;
  await utimes(join(directory, kept), OLD, OLD);
  const [old, young] = [await orphan('old'), await orphan('young')];
  await utimes(join(directory, young), LATER, LATER);
  const writer = await store.create();
  await writer.finish(() => 'not/ours.txt');
  await utimes(join(directory, 'not/ours.txt'), OLD, OLD);
  expect(await service.sweepOrphans(LATER, NEVER)).toBe(1);
  const sizes = [old, young, kept, 'not/ours.txt'].map((key) => store.size(key));
  expect((await Promise.all(sizes)).map((size) => size !== null)).toEqual([false, true, true, true]);
});

test('an orphan that an export takes while it is swept is there in the end', async () => {
  await addExamples(2);
  const key = await orphan(line(1) + line(2));
  // The sweep comes after the export has found the file, and before its row is there.
  const meanwhile = createExportService({
    db,
    store: finishing(store, async (finish, keyOf) => {
      const file = await finish(keyOf);
      await service.sweepOrphans(LATER, NEVER);
      return file;
    }),
  });
  const made = await meanwhile.exportDataset(viewer, { datasetId, format });
  expect(trainingFile(made).key).toBe(key);
  expect(await text(store.open(key))).toBe(line(1) + line(2));
});
