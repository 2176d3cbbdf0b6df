/** The commands of docs/operating/backup.md, as they stand there: what is restored is what there was, and works. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openDatabase, type Database } from '../src/db/database.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { packageRoot } from '../src/paths.ts';
import { providersOf } from '../src/providers.ts';
import { startSandbox } from '../src/sandbox/server.ts';
import { createDirectoryStore } from '../src/services/exportStore/directory.ts';
import { serverViewer } from '../src/services/viewer.ts';
import { call, importCalls } from './support/calls.ts';
import { createServerDatabase } from './support/database.ts';
import { exportOf, sha256 } from './support/exportOf.ts';
import { callsOf } from './support/importedCalls.ts';
import { ended, launch, newDataset, reached } from './support/runs.ts';
import { sandboxProvider, startTestServer } from './support/server.ts';
import { readWholeDatabase } from './support/wholeDatabase.ts';

const TENANT = '00000000-0000-7000-8000-0000000000b7';
const onError = (error: Error) => console.error('database:', error.message);
const page = readFileSync(new URL('docs/operating/backup.md', packageRoot), 'utf8');

/** Runs the commands that the page shows under a heading. */
async function runShown(title: string, env: Record<string, string>, cwd: string): Promise<void> {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
  const commands = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
  expect(commands).not.toEqual([]);
  await promisify(execFile)('sh', ['-ec', commands.join('')], { cwd, env: { ...process.env, ...env } });
}

/** What PostgreSQL's own programs read, for the database that the URL names. */
function environmentOf(databaseUrl: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  return {
    PGHOST: hostname,
    PGPORT: port === '' ? '5432' : port,
    PGUSER: decodeURIComponent(username),
    ...(password !== '' && { PGPASSWORD: decodeURIComponent(password) }),
    PGDATABASE: pathname.slice(1),
  };
}

async function withDatabase<T>(dataDir: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase({ dataDir, onError });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** The tenant's calls, as a server on this database tells them. */
async function callsIn(db: Database) {
  const server = await startTestServer({ db });
  try {
    return await callsOf(server.asTenant(TENANT));
  } finally {
    await server.close();
  }
}

test.runIf(process.env['TEST_DATABASE_URL'])(
  'a restored PostgreSQL database holds every row, right and policy, and its runs go on',
  async () => {
    const databaseUrl = (await createServerDatabase()) ?? '';
    const directory = mkdtempSync(join(tmpdir(), 'tunesmith-backup-'));
    const store = createDirectoryStore(join(directory, 'exports'));
    const sandbox = await startSandbox({ speed: 1 });
    const providers = providersOf(sandboxProvider(sandbox));
    const start = async () => {
      const db = await openDatabase({ databaseUrl, poolSize: 8, onError });
      const server = await startTestServer({ db, store, sandbox, providers });
      return { server, close: () => server.close().then(() => db.close()) };
    };

    const before = await start();
    const client = await before.server.asNewTenant();
    await importCalls(client, [call('KEPT1', ['caller: What does it cost?', 'agent: Nine euros.'])]);
    const datasetId = await newDataset(client, 20);
    const made = await exportOf(client, datasetId);
    const admin = serverViewer(client.tenantId, 'test');
    const { key } = await before.server.system.services.apiKeys.create(admin, {
      name: 'kept',
      role: 'VIEWER',
    });
    const { id: runId } = await launch(client, { datasetId });
    await reached(client, runId, 'RUNNING');
    await before.close();
    const kept = await readWholeDatabase(databaseUrl);
    expect(kept.rows).toMatchObject({
      call_transcriptions: { count: 1 },
      finetuning_examples: { count: 20 },
      finetuning_training_runs: { count: 1 },
      api_keys: { count: 1 },
    });

    await runShown('PostgreSQL', environmentOf(databaseUrl), directory);
    expect(await readWholeDatabase(databaseUrl)).toEqual(kept);

    const after = await start();
    const again = after.server.asTenant(client.tenantId);
    const same = await exportOf(again, datasetId);
    expect({ id: same.id, sha256: same.sha256 }).toEqual({ id: made.id, sha256: made.sha256 });
    const file = new Uint8Array(await (await fetch(same.downloadUrl)).arrayBuffer());
    expect(sha256(file)).toBe(made.sha256);
    expect(await after.server.system.services.apiKeys.authenticate(key)).toMatchObject({
      viewer: { tenantId: client.tenantId },
    });
    expect((await ended(again, runId)).status).toBe('SUCCEEDED');
    await after.close();
    await sandbox.close();
  },
  120_000,
);

test.skipIf(process.env['TEST_DATABASE_URL'])(
  'a copy of the directory of a stopped embedded database starts with the same data',
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tunesmith-backup-'));
    const before = await withDatabase(dataDir, async (db) => {
      await ensureTenant(db, TENANT, 'kept');
      const server = await startTestServer({ db });
      await importCalls(server.asTenant(TENANT), [
        call('KEPT1', ['caller: What does it cost?', 'agent: Nine euros.']),
      ]);
      await server.close();
      return callsIn(db);
    });
    expect(before).toHaveLength(1);
    const copy = join(mkdtempSync(join(tmpdir(), 'tunesmith-backup-')), 'data');
    cpSync(dataDir, copy, { recursive: true });
    expect(await withDatabase(copy, callsIn)).toEqual(before);
  },
  120_000,
);
