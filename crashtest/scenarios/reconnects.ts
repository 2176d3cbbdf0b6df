/**
 * Clients whose connections break again and again while events flow, and who come back with the last number they saw:
 * no gap, no repeat, up to the run's last event.
 */
import type { WebSocket } from 'ws';
import { runAlone } from '../support/alone.ts';
import { createTally, EVENTS, followWith, openClient, seqOf, type Tally } from '../support/follow.ts';
import { openScene, type Scene, type SceneOptions } from '../support/scene.ts';

export interface ReconnectsOptions extends SceneOptions {
  /** 200 by default. */
  clients?: number;
  /** Of each client; 20 by default. */
  disconnects?: number;
  /** Of the random numbers, so that a run can be repeated. */
  seed?: number;
}

export interface ReconnectsFigures {
  clients: number;
  /** All clients' together. */
  disconnects: number;
  events: number;
  reachedFinal: number;
  missing: number;
  repeated: number;
  followersLeft: number;
  seconds: number;
}

/** A client leaves after at most so many events. */
const LONGEST_STAY = 25;

export async function reconnects({
  clients = 200,
  disconnects = 20,
  seed = 1,
  ...sceneOptions
}: ReconnectsOptions = {}): Promise<ReconnectsFigures> {
  const scene = await openScene(sceneOptions);
  try {
    const random = randomFrom(seed);
    const began = performance.now();
    const tallies = Array.from({ length: clients }, () => createTally());
    let settled = 0;
    let broken = 0;
    const following = tallies.map(async (tally) => {
      for (let turn = 0; turn < disconnects; turn += 1) {
        await stay(scene, tally, 1 + Math.floor(random() * LONGEST_STAY));
        broken += 1;
      }
      settled += 1;
      await stay(scene, tally, Infinity);
    });
    const failed = Promise.all(following);
    // Now one event, now a burst, until everybody has been away as often as shall be.
    while (settled < clients) await Promise.race([failed, scene.tell(1 + Math.floor(random() * 4))]);
    const final = await scene.finish();
    await failed;
    return {
      clients,
      disconnects: broken,
      events: final,
      reachedFinal: tallies.filter(({ last }) => last === final).length,
      missing: tallies.reduce((sum, { missing }) => sum + missing, 0),
      repeated: tallies.reduce((sum, { repeated }) => sum + repeated, 0),
      followersLeft: scene.server.system.services.runFeed.followers(),
      seconds: Math.round((performance.now() - began) / 100) / 10,
    };
  } finally {
    await scene.close();
  }
}

/** Follows from where the tally is, and cuts the connection after so many events, or follows to the end. */
async function stay({ client, id }: Scene, tally: Tally, events: number): Promise<void> {
  let socket: WebSocket | undefined;
  let seen = 0;
  const connection = openClient(client, (opened) => {
    socket = opened;
  });
  try {
    await followWith(connection, EVENTS, { id, afterSeq: tally.last }, (data) => {
      if (seen >= events) return; // What arrived behind the break is as if it had not.
      tally.see(seqOf(data));
      seen += 1;
      if (seen >= events) socket?.terminate();
    });
  } catch (error) {
    if (seen < events) throw error;
  } finally {
    await connection.dispose();
  }
}

/** mulberry32: numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

await runAlone(import.meta.url, reconnects);
