/** Worker and poller by hand: nothing ticks, and a wait is over when the test says so. One database a file. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import type { TrainingRun } from '../../src/generated/prisma/client.ts';
import { providersOf } from '../../src/providers.ts';
import { openLedger } from '../../src/sandbox/ledger.ts';
import { systemClock } from '../../src/services/clock.ts';
import { createDirectoryStore } from '../../src/services/exportStore/directory.ts';
import type { LaunchInput } from '../../src/services/launch.ts';
import type { Provider } from '../../src/services/providers/port.ts';
import type { Viewer } from '../../src/services/viewer.ts';
import { createSystem, type System, type SystemOptions } from '../../src/system.ts';
import { openTestDatabase } from './database.ts';
import { answer, question } from './runs.ts';
import { startTestServer, type TestServer, type TestServerOptions } from './server.ts';

export let db: Database;
/** What went wrong in the background and is nobody's expected failure. */
export const faults: unknown[] = [];
export const store = createDirectoryStore(mkdtempSync(join(tmpdir(), 'tunesmith-workshop-')));
export const NEVER = new AbortController().signal;

/** To be called once at the top of a test file. */
export function setUpWorkshop(): void {
  beforeAll(async () => {
    db = await openTestDatabase();
  });
  afterAll(() => db.close());
  // What a test leaves unfinished must not be found by the next one.
  afterEach(async () => {
    faults.length = 0;
    for (const server of servers.splice(0)) await server.close();
    await db.asSystem((tx) => tx.$executeRaw`UPDATE finetuning_training_runs SET step = 'DONE'`);
  });
}

const servers: TestServer[] = [];

/** A whole server on the file's database, with this provider; closed after the test if not before. */
export async function serverWith(provider: Provider, options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer({
    db,
    providers: providersOf(provider),
    sandbox: NO_SANDBOX,
    ...options,
  });
  let closed: Promise<void> | undefined;
  const own = { ...server, close: () => (closed ??= server.close()) };
  servers.push(own);
  return own;
}

const NO_SANDBOX = { url: '', ledger: openLedger(Date.now), close: async () => undefined };

export function systemWith(
  provider: Provider,
  reconcileWait = 60_000,
  options: Pick<SystemOptions, 'leaseSeconds' | 'reach'> = {},
): System {
  return createSystem({
    db,
    store,
    providers: providersOf(provider),
    clock: systemClock,
    downloadKeys: [{ kid: 'test', secret: Buffer.from('a secret that is only good for tests') }],
    publicUrl: () => 'http://localhost',
    reconcileWait,
    onError: (error) => faults.push(error),
    ...options,
  });
}

export interface Launched {
  id: string;
  viewer: Viewer;
  /** The run's row as it is now. */
  row(): Promise<TrainingRun>;
  /** The words of its events, in order. */
  told(): Promise<string[]>;
  /** Makes the run due, and moves the times it waits for into the past, by this many seconds. */
  pass(seconds: number): Promise<void>;
}

/** Launches a run of a new tenant on 12 examples. */
export async function launchOn(system: System, input: Partial<LaunchInput> = {}): Promise<Launched> {
  await system.services.baseModels.sync();
  const tenant = await db.asSystem((tx) => tx.tenant.create({ data: { name: randomUUID() } }));
  const viewer = { tenantId: tenant.id, subject: 'tester', role: 'ADMIN' as const };
  const { datasets, examples, trainingRuns } = system.services;
  const dataset = await datasets.create(viewer, { name: 'Calls' });
  const rows = Array.from({ length: 12 }, (_, n) => ({
    messages: [
      { role: 'user', content: question(n) },
      { role: 'assistant', content: answer(n) },
    ],
  }));
  await examples.add(viewer, dataset.id, rows, true);
  const { id } = await trainingRuns.launch(viewer, {
    datasetId: dataset.id,
    baseModel: 'sandbox-small',
    ...input,
  });
  return {
    id,
    viewer,
    row: () => db.withTenant(viewer.tenantId, (tx) => tx.trainingRun.findUniqueOrThrow({ where: { id } })),
    async told() {
      const events = await db.withTenant(viewer.tenantId, (tx) =>
        tx.runEvent.findMany({ where: { runId: id }, orderBy: { seq: 'asc' } }),
      );
      return events.map(({ message }) => message);
    },
    async pass(seconds) {
      await db.asSystem(
        (tx) => tx.$executeRaw`
          UPDATE finetuning_training_runs SET
            next_attempt_at = next_attempt_at - make_interval(secs => ${seconds}::int),
            submit_checked_at = submit_checked_at - make_interval(secs => ${seconds}::int),
            missing_since = missing_since - make_interval(secs => ${seconds}::int),
            lease_until = lease_until - make_interval(secs => ${seconds}::int)
          WHERE id = ${id}::uuid`,
      );
    },
  };
}
