/** Kills and stops servers at random, with a provider that goes wrong at random, under many launches. */
import { randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import type { FaultPlan } from '../src/sandbox/faults.ts';
import type { ServerProcess } from './serverProcess.ts';
import { isWhole } from './api.ts';
import { rowId } from '../test/support/runs.ts';
import type { World } from './world.ts';

export interface RunsResult {
  runs: number;
  /** Jobs that the provider made. */
  jobs: number;
  /** Runs for which more than one job was made. */
  doubleLaunches: number;
  /** Runs of whose jobs more than one was left to run. */
  doubledAndKept: number;
  /** Runs that were acknowledged and did not come to an end. */
  lostRuns: number;
  needsReview: number;
  secondsToSettle: number;
}

/**
 * What the provider does wrong, each now and then. Not what leaves it open whether there is a job: two of those in a row
 * are, rightly, a person's to settle, and what is to be shown is that kills alone never need one.
 */
function troubles(listDelay: number): FaultPlan {
  return {
    dropCreateResponses: 0.05,
    refuse: [
      { probability: 0.04, status: 429, retryAfterSeconds: 1 },
      { probability: 0.03, status: 500, on: 'upload' },
      { probability: 0.03, status: 503, on: 'get', retryAfterSeconds: 2 },
    ],
    listDelaySeconds: { min: 0, max: listDelay },
  };
}

/** `count` launches, while the servers are killed and stopped, each every few seconds. */
export async function launchUnderFire(world: World, count: number): Promise<RunsResult> {
  const { sandbox, servers, api, waits } = world;
  const datasetId = await api.newDataset();
  await sandbox.setFaults(troubles(waits.listDelay));
  const peace = new AbortController();
  const fire = servers.map((server) => harass(server, waits.lease, peace.signal));
  const ids = await launchAll(world, datasetId, count);
  // Most runs are still on their way.
  await after(10_000);
  peace.abort();
  await Promise.all(fire);
  return settled(world, ids);
}

/** `count` launches of which the provider carries out every one and answers none. */
export async function launchUnanswered(world: World, count: number): Promise<RunsResult> {
  const datasetId = await world.api.newDataset();
  await world.sandbox.setFaults({
    dropCreateResponses: 1,
    listDelaySeconds: { min: 0, max: world.waits.listDelay },
  });
  return settled(world, await launchAll(world, datasetId, count));
}

async function launchAll({ api }: World, datasetId: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  const keys = Array.from({ length: count }, () => randomUUID()).values();
  await Promise.all(
    Array.from({ length: 5 }, async () => {
      for (const key of keys) ids.push(await api.launch(datasetId, key));
    }),
  );
  return ids;
}

async function harass(server: ServerProcess, lease: number, peace: AbortSignal): Promise<void> {
  while (!peace.aborted) {
    await after(2_000 + Math.random() * 6_000);
    if (Math.random() < 0.6) {
      await server.kill();
      await server.start();
    } else {
      server.stop();
      await after((lease + 1) * 1000 * Math.random() * 2);
      server.goOn();
    }
  }
}

/** Waits until every run has come to its end, and compares the ledger with the database. */
async function settled(world: World, ids: string[]): Promise<RunsResult> {
  const { api, sandbox } = world;
  const began = performance.now();
  for (let counts = await api.counts(); counts.unfinished > 0; counts = await api.counts()) {
    if (performance.now() - began > 600_000) break;
    await after(250);
  }
  const secondsToSettle = (performance.now() - began) / 1000;
  // The sweep may have to look once more.
  await after(5_000);
  const jobs = await world.jobs();
  const states = await Promise.all(ids.map((id) => api.run(id)));
  return {
    runs: new Set(ids).size,
    jobs: (await sandbox.ledger()).jobs.length,
    doubleLaunches: [...jobs.values()].filter(({ made }) => made > 1).length,
    doubledAndKept: [...jobs.values()].filter(({ kept }) => kept > 1).length,
    lostRuns: states.filter(
      (run) =>
        (!isWhole(run) && run.status !== 'NEEDS_REVIEW') ||
        (run.status === 'SUCCEEDED' && !jobs.has(rowId(run.id))),
    ).length,
    needsReview: states.filter(({ status }) => status === 'NEEDS_REVIEW').length,
    secondsToSettle,
  };
}
