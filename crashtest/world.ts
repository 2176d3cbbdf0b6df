/** Where a crash test takes place: a sandbox with a ledger, and servers on one database, each a process of its own. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/paths.ts';
import { jobsByRun } from '../src/sandbox/ledger.ts';
import { createDatabase } from '../test/support/database.ts';
import { createApi, type Api } from './api.ts';
import { openSandboxProcess, type SandboxProcess } from './messages.ts';
import { createServerProcess, SHORT_LIVED, type ServerProcess } from './serverProcess.ts';

/** How long the product waits where it waits for a minute, and for how long the provider's list may lag; in seconds. */
export interface Waits {
  lease: number;
  reconcile: number;
  listDelay: number;
}

/** In the proportions of the product's own 60 s, 60 s and a list that lags for up to 30 s. */
export const SHORT_WAITS: Waits = { lease: 3, reconcile: 3, listDelay: 1.5 };
export const REAL_WAITS: Waits = { lease: 60, reconcile: 60, listDelay: 30 };

export interface World {
  waits: Waits;
  sandbox: SandboxProcess;
  servers: ServerProcess[];
  api: Api;
  /** What the ledger has of each run: how many jobs were made, and how many of them were not cancelled. */
  jobs(): Promise<Map<string, { made: number; kept: number }>>;
  /** How many of the runs' training files the provider still holds. */
  filesLeft(): Promise<number>;
  close(): Promise<void>;
}

export interface WorldOptions {
  waits: Waits;
  /** A PostgreSQL server, on which a database is made: then two servers share it. Embedded, one server, when left out. */
  databaseUrl?: string | undefined;
  /** How fast the sandbox trains; see SandboxOptions. */
  speed?: number;
}

const bundle = (name: string) => new URL(`dist/${name}.js`, packageRoot);

export async function openWorld({ waits, databaseUrl, speed = 4 }: WorldOptions): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'tunesmith-crashtest-'));
  const database =
    databaseUrl === undefined
      ? undefined
      : await createDatabase(databaseUrl, `tunesmith_crashtest_${randomUUID().replaceAll('-', '')}`);
  const sandbox = await openSandboxProcess({
    dataDir: join(directory, 'sandbox'),
    speed,
    entry: bundle('crashtestSandbox'),
  });
  const names = database ? ['one', 'two'] : ['one'];
  const servers = await Promise.all(
    names.map((name) =>
      createServerProcess({
        dataDir: join(directory, name),
        exportDir: join(directory, 'exports'),
        databaseUrl: database?.url,
        sandboxUrl: sandbox.url,
        leaseSeconds: waits.lease,
        reconcileSeconds: waits.reconcile,
        entry: bundle('crashtestServer'),
        nodeOptions: SHORT_LIVED,
      }),
    ),
  );
  for (const server of servers) await server.start();
  return {
    waits,
    sandbox,
    servers,
    api: createApi(servers.map(({ url }) => url)),
    async jobs() {
      const { jobs } = await sandbox.ledger();
      return new Map(
        [...jobsByRun(jobs)].map(([runId, ofRun]) => [
          runId,
          { made: ofRun.length, kept: ofRun.filter(({ cancelled }) => !cancelled).length },
        ]),
      );
    },
    async filesLeft() {
      const answer = await fetch(`${sandbox.url}/files?purpose=fine-tune`, {
        headers: { authorization: 'Bearer sandbox' },
      });
      const { data } = (await answer.json()) as { data: unknown[] };
      return data.length;
    },
    async close() {
      for (const server of servers) await server.kill();
      await sandbox.close();
      await database?.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
