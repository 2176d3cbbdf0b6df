/** Kills the server at every named crash point of a launch, and looks whether the run ends as it should, once. */
import { randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { followRun } from '../examples/client/follow.ts';
import type { CrashPoint } from '../src/services/crashPoint.ts';
import type { FaultPlan } from '../src/sandbox/faults.ts';
import { isWhole, type RunState } from './api.ts';
import type { ServerProcess } from './serverProcess.ts';
import { rowId } from '../test/support/runs.ts';
import type { World } from './world.ts';

/** Points that lie at the provider: the sandbox holds the request there, and the server is killed from outside. */
const HELD: Partial<Record<CrashPoint, FaultPlan>> = {
  uploadHalfSent: { holdUpload: true },
  submitSent: { holdCreate: true },
};
/** A run that is not over this long after the restart counts as lost, in milliseconds. */
const PATIENCE = 180_000;

export interface RoundResult {
  point: CrashPoint;
  status: RunState['status'];
  /** Jobs that the provider made for the run beyond the first. */
  doubleLaunches: number;
  /** Whether the run was acknowledged and then did not come to an end, or to one without its model, tokens and cost. */
  lost: boolean;
  needsReview: boolean;
  lostEvents: number;
  /** Events that came twice, or out of order. */
  repeatedEvents: number;
  /** From the restart to the run's end. */
  secondsToSettle: number;
}

/** One launch with a crash at `point`, followed live through it, to its end. */
export async function crashAt(world: World, datasetId: string, point: CrashPoint): Promise<RoundResult> {
  const { sandbox, servers, api, waits } = world;
  const listDelaySeconds = { min: 0, max: waits.listDelay };
  await sandbox.setFaults({ listDelaySeconds, ...HELD[point] });
  const signal = point === 'workerPaused' ? 'SIGSTOP' : 'SIGKILL';
  const hit = HELD[point] ? sandbox.held() : Promise.race(servers.map((server) => server.reached()));
  if (!HELD[point]) for (const server of servers) await server.order({ at: point, signal });

  const launched = api.launch(datasetId, randomUUID());
  launched.catch(() => undefined); // Awaited below.
  const cancelled =
    point === 'cancelSent' ? launched.then((id) => cancelWhenSubmitted(world, id)) : undefined;
  cancelled?.catch(() => undefined);
  await Promise.race([hit, tooLate(`Nothing came to ${point}`)]);
  const restartedAt = await recover(world, point);
  await sandbox.setFaults({ listDelaySeconds });
  await sandbox.releaseHeld();

  const id = await launched;
  const seen: number[] = [];
  const run = await follow(servers, id, seen);
  await cancelled;
  const secondsToSettle = (performance.now() - restartedAt) / 1000;
  const jobs = (await world.jobs()).get(rowId(id));
  const final = await api.run(id);
  return {
    point,
    status: final.status,
    doubleLaunches: Math.max(0, (jobs?.made ?? 0) - 1),
    lost: run === null || !isWhole(final) || (final.status === 'SUCCEEDED' && jobs === undefined),
    needsReview: final.status === 'NEEDS_REVIEW',
    ...compare(seen, run?.lastSeq ?? 0),
    secondsToSettle,
  };
}

/** Waits for the crash to have happened and makes everything work again. Returns when that was. */
async function recover({ servers, waits }: World, point: CrashPoint): Promise<number> {
  if (point === 'workerPaused') {
    // One of them stands still; for longer than its lease, so that another may take over.
    await after(waits.lease * 1000 + 1000);
    for (const server of servers) server.goOn();
  } else {
    // At a point that lies at the provider nobody knows which server's request it holds.
    if (HELD[point]) for (const server of servers) await server.kill();
    await Promise.race(servers.map((server) => server.ended()));
    for (const server of servers) if (!server.runs()) await server.start();
  }
  for (const server of servers) await server.order(null);
  return performance.now();
}

/** The run when it has ended, as the live subscription tells it; null when it does not end. */
async function follow(servers: ServerProcess[], runId: string, seen: number[]): Promise<RunState | null> {
  let final: { status: RunState['status']; lastSeq: number } | null = null;
  const [server] = servers;
  const events = followRun({
    url: server?.url ?? '',
    runId,
    retryAfter: 200,
    onFinal: (run) => {
      final = run;
    },
  });
  const late = after(PATIENCE, null, { ref: false });
  for (;;) {
    const next = await Promise.race([events.next(), late]);
    if (next === null || next.done) return final;
    seen.push(next.value.seq);
  }
}

async function tooLate(words: string): Promise<never> {
  await after(PATIENCE, null, { ref: false });
  throw new Error(words);
}

function compare(seen: number[], lastSeq: number): { lostEvents: number; repeatedEvents: number } {
  const distinct = new Set(seen);
  const outOfOrder = seen.filter((seq, index) => index > 0 && seq <= (seen[index - 1] ?? 0)).length;
  return { lostEvents: Math.max(0, lastSeq - distinct.size), repeatedEvents: outOfOrder };
}

/** Cancels the run as soon as the provider has a job for it. */
async function cancelWhenSubmitted({ api }: World, id: string): Promise<void> {
  while ((await api.run(id)).providerJobId === null) await after(50);
  await api.cancel(id);
}
