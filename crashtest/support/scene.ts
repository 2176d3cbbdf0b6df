/** A whole server with one run to follow, whose job never moves by itself: the scenario writes the run's events. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { providersOf } from '../../src/providers.ts';
import { openLedger } from '../../src/sandbox/ledger.ts';
import { changeRun, lockRun, type RunPatch } from '../../src/services/runChange.ts';
import type { TestClient } from '../../test/support/client.ts';
import { createDatabase } from '../../test/support/database.ts';
import { launch, newDataset, rowId } from '../../test/support/runs.ts';
import { startTestServer, type TestServer } from '../../test/support/server.ts';
import { standIn } from '../../test/support/standIn.ts';

export interface SceneOptions {
  /** A PostgreSQL server on which a database is made and dropped; without it the database is embedded, in a directory. */
  databaseUrl?: string | undefined;
  /** See AppOptions. */
  slowReaders?: { limit?: number; grace?: number };
}

export interface Scene {
  server: TestServer;
  client: TestClient;
  /** The run's global id. */
  id: string;
  /** Adds this many events in one transaction; each changes the run's state as far as followers can see. */
  tell(count: number, message?: string): Promise<void>;
  /** Ends the run, and with it every subscription to it. Returns the number of its last event. */
  finish(): Promise<number>;
  close(): Promise<void>;
}

/** Once a year: nothing but the scenario moves the run. */
const NEVER = '0 0 0 1 1 *';

export async function openScene({ databaseUrl, slowReaders }: SceneOptions = {}): Promise<Scene> {
  const { db, drop } = await openSceneDatabase(databaseUrl);
  const provider = standIn();
  const server = await startTestServer({
    db,
    providers: providersOf(provider),
    sandbox: { url: '', ledger: openLedger(Date.now), close: async () => undefined },
    pollPattern: NEVER,
    ...(slowReaders && { slowReaders }),
  });
  const client = await server.asNewTenant();
  const { id } = await launch(client, { datasetId: await newDataset(client, 12) });
  await submitted();

  async function submitted(): Promise<void> {
    const row = await db.withTenant(client.tenantId, (tx) =>
      tx.trainingRun.findFirstOrThrow({ where: { id: rowId(id) } }),
    );
    if (row.step === 'FOLLOW') return;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return submitted();
  }

  async function add(
    count: number,
    message: string,
    type: 'PROGRESS' | 'STATUS',
    patch: RunPatch,
  ): Promise<number> {
    const events = Array.from({ length: count }, () => ({ type, message }));
    const { lastSeq } = await db.withTenant(client.tenantId, async (tx) =>
      changeRun(tx, await lockRun(tx, client.tenantId, rowId(id)), patch, events),
    );
    return lastSeq;
  }

  return {
    server,
    client,
    id,
    async tell(count, message = 'Something has changed.') {
      await add(count, message, 'PROGRESS', {});
    },
    finish: () => add(1, 'It is over.', 'STATUS', { status: 'CANCELLED', step: 'DONE' }),
    async close() {
      await server.close();
      await db.close();
      await drop();
    },
  };
}

const onError = (error: Error): void => console.error('database:', error.message);

async function openSceneDatabase(
  server: string | undefined,
): Promise<{ db: Database; drop: () => Promise<void> }> {
  if (server === undefined) {
    const dataDir = mkdtempSync(join(tmpdir(), 'tunesmith-scene-'));
    const db = await openDatabase({ dataDir, onError });
    return { db, drop: async () => rmSync(dataDir, { recursive: true, force: true }) };
  }
  const { url, drop } = await createDatabase(server, `tunesmith_scene_${randomUUID().replaceAll('-', '')}`);
  return { db: await openDatabase({ databaseUrl: url, onError }), drop };
}
