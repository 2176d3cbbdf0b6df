/**
 * Many who follow one run over a WebSocket each, while it changes one change at a time: the final number reaches all,
 * nothing is missing, nothing comes twice.
 */
import { runAlone } from '../support/alone.ts';
import { createTally, followWith, openClient, seqOf, UPDATES } from '../support/follow.ts';
import { openScene, type SceneOptions } from '../support/scene.ts';

export interface FanOutOptions extends SceneOptions {
  /** 1,000 by default. */
  subscribers?: number;
  /** 100 by default. */
  changes?: number;
}

export interface FanOutFigures {
  subscribers: number;
  changes: number;
  /** How many subscribers saw the run's last number. */
  reachedFinal: number;
  missing: number;
  repeated: number;
  /** How many follow after the run has ended; 0 unless something leaks. */
  followersLeft: number;
  /** From the first change to the last subscriber's last result. */
  seconds: number;
}

export async function fanOut({
  subscribers = 1_000,
  changes = 100,
  ...sceneOptions
}: FanOutOptions = {}): Promise<FanOutFigures> {
  const scene = await openScene(sceneOptions);
  const { client, id, server } = scene;
  const sockets: ReturnType<typeof openClient>[] = [];
  try {
    const arrivals: Promise<void>[] = [];
    const tallies = Array.from({ length: subscribers }, () => createTally());
    const following = tallies.map((tally) => {
      const socket = openClient(client);
      sockets.push(socket);
      const { promise: arrived, resolve } = withResolvers();
      arrivals.push(arrived);
      return followWith(socket, UPDATES, { id }, (data) => {
        // The first result is the present state, whatever its number.
        if (tally.last === 0) tally.last = seqOf(data);
        else tally.see(seqOf(data));
        resolve();
      });
    });
    await Promise.all(arrivals);
    const began = performance.now();
    for (let change = 0; change < changes - 1; change += 1) await scene.tell(1);
    const final = await scene.finish();
    await Promise.all(following);
    return {
      subscribers,
      changes,
      reachedFinal: tallies.filter(({ last }) => last === final).length,
      missing: tallies.reduce((sum, { missing }) => sum + missing, 0),
      repeated: tallies.reduce((sum, { repeated }) => sum + repeated, 0),
      followersLeft: server.system.services.runFeed.followers(),
      seconds: Math.round((performance.now() - began) / 100) / 10,
    };
  } finally {
    for (const socket of sockets) await socket.dispose();
    await scene.close();
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

await runAlone(import.meta.url, fanOut);
