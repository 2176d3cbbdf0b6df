/** A server that is killed between an export's last byte and its row leaves a file that the sweep removes. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createServerProcess, SHORT_LIVED } from '../crashtest/serverProcess.ts';
import { openDatabase } from '../src/db/database.ts';
import { packageRoot } from '../src/paths.ts';
import { createExportService } from '../src/services/export.ts';
import { createDirectoryStore } from '../src/services/exportStore/directory.ts';
import { addExamples, example, newDataset } from './support/calls.ts';
import { createClient } from './support/client.ts';
import { createServerDatabase } from './support/database.ts';
import { Export } from './support/exportOf.ts';

test('the file of an export that was never published is found and deleted', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tunesmith-export-crash-'));
  const [dataDir, exportDir] = [join(directory, 'data'), join(directory, 'exports')];
  const databaseUrl = await createServerDatabase();
  const server = await createServerProcess({
    dataDir,
    exportDir,
    databaseUrl,
    sandboxUrl: 'http://127.0.0.1:9',
    leaseSeconds: 60,
    reconcileSeconds: 60,
    entry: new URL('dist/crashtestServer.js', packageRoot),
    nodeOptions: SHORT_LIVED,
  });
  const files = async () =>
    (await readdir(exportDir, { recursive: true })).filter((name) => name.endsWith('.jsonl'));
  try {
    await server.start();
    const client = createClient(server.url, {}, '');
    const datasetId = await newDataset(client);
    await addExamples(client, datasetId, [example('A')], true);
    await server.order({ at: 'exportWritten', signal: 'SIGKILL' });
    await expect(client.run(Export, { datasetId })).rejects.toThrow('fetch failed');
    await server.ended();
    expect(await files()).toHaveLength(1);

    // The database as the dead server left it.
    const db = await openDatabase({
      databaseUrl,
      dataDir,
      onError: (error) => {
        throw error;
      },
    });
    try {
      const exports = createExportService({ db, store: createDirectoryStore(exportDir) });
      const signal = new AbortController().signal;
      expect(await exports.sweepOrphans(new Date(Date.now() + 1000), signal)).toBe(1);
    } finally {
      await db.close();
    }
    expect(await files()).toEqual([]);
  } finally {
    if (server.runs()) await server.kill();
    await rm(directory, { recursive: true, force: true });
  }
});
