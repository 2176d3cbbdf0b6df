/** Live subscribers, and what they miss: of a run by its numbers, of a dataset by its growing count. */
import { createTally } from '../crashtest/support/follow.ts';
import type { Socket } from './client.ts';
import { DatasetUpdates, RunEvents, RunState } from './documents.ts';
import type { Growing, Lane } from './subjects.ts';

/** How long a dataset's change may be under way to its followers before it counts as missed, in milliseconds. */
const PATIENCE = 10_000;

export interface Followers {
  /** How many there are. */
  count: number;
  missed(): number;
  /** Has the followers of the lane follow its new run; settles when the run is over and compared. */
  followRun(lane: Lane, runId: string): Promise<void>;
  /** A dataset holds `known` examples now: each of its followers has to hear of it. */
  expectGrowth(dataset: Growing): void;
  /** Waits until every change of a dataset has arrived, or is missed. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

interface Expected {
  dataset: Growing;
  count: number;
  due: number;
}

/** Opens `count` WebSockets and shares them out: every second one follows a dataset, the others the runs of a lane. */
export async function openFollowers(
  { growing, lanes }: { growing: Growing[]; lanes: Lane[] },
  count: number,
  onError: (error: unknown) => void,
): Promise<Followers> {
  const sockets: Socket[] = [];
  const ofLane = new Map<Lane, Socket[]>(lanes.map((lane) => [lane, []]));
  const begun: Promise<void>[] = [];
  let expected: Expected[] = [];
  let missed = 0;
  let closing = false;

  for (let n = 0; n < count; n += 1) {
    const [dataset, lane] = [growing[(n >> 1) % growing.length], lanes[(n >> 1) % lanes.length]];
    const client = (n % 2 === 0 ? dataset : lane)?.client;
    if (!dataset || !lane || !client) throw new Error('There is nothing to follow');
    const socket = client.openSocket();
    sockets.push(socket);
    if (n % 2 === 0) begun.push(followDataset(socket, dataset));
    else ofLane.get(lane)?.push(socket);
  }
  await Promise.all(begun);

  /** Resolves when the present state has come. */
  function followDataset(socket: Socket, dataset: Growing): Promise<void> {
    const place = dataset.seen.push(0) - 1;
    return new Promise((resolve) => {
      socket
        .follow(DatasetUpdates, { id: dataset.id }, ({ datasetUpdated }) => {
          dataset.seen[place] = datasetUpdated.exampleCount;
          resolve();
        })
        .then(() => {
          throw new Error('The server ended the following of a dataset');
        })
        .catch((error: unknown) => {
          if (!closing) onError(error);
          resolve();
        });
    });
  }

  const lagging = ({ dataset, count: known }: Expected) => dataset.seen.filter((seen) => seen < known).length;

  function look(): void {
    const now = performance.now();
    const waiting = expected.filter((one) => lagging(one) > 0);
    for (const late of waiting.filter(({ due }) => due <= now)) missed += lagging(late);
    expected = waiting.filter(({ due }) => due > now);
  }
  const looking = setInterval(look, 1_000);

  return {
    count,
    missed: () => missed,
    async followRun(lane, runId) {
      const tallies = await Promise.all(
        (ofLane.get(lane) ?? []).map(async (socket) => {
          const tally = createTally();
          await socket
            .follow(RunEvents, { id: runId }, ({ trainingRunEvents: { seq } }) => tally.see(seq))
            .catch(onError);
          return tally;
        }),
      );
      const { trainingRun } = await lane.client.ask(RunState, { id: runId });
      const last = trainingRun?.lastSeq ?? 0;
      for (const tally of tallies) missed += tally.missing + tally.repeated + (last - tally.last);
    },
    expectGrowth(dataset) {
      expected.push({ dataset, count: dataset.known, due: performance.now() + PATIENCE });
    },
    async settled() {
      while (expected.length > 0) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        look();
      }
    },
    async close() {
      closing = true;
      clearInterval(looking);
      await Promise.all(sockets.map((socket) => socket.close()));
    },
  };
}
