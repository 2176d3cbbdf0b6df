/** Subscribing and unsubscribing, over and over: in the end nobody follows. */
import { runAlone } from '../support/alone.ts';
import { openClient, UPDATES } from '../support/follow.ts';
import { openScene, type SceneOptions } from '../support/scene.ts';

export interface SubscribeCyclesOptions extends SceneOptions {
  /** 50,000 by default. */
  cycles?: number;
  /** Over how many sockets at once; 50 by default. */
  sockets?: number;
}

export interface SubscribeCyclesFigures {
  cycles: number;
  /** Results that came; a third of the cycles ends before there is one. */
  results: number;
  followersLeft: number;
  /** The greatest number of followers at once: proof that there were some. */
  mostFollowers: number;
  seconds: number;
}

const ALL = 'subscription { trainingRunsUpdated { id } }';
/** How long the last ones may take to be gone, in milliseconds. */
const PATIENCE = 10_000;

export async function subscribeCycles({
  cycles = 50_000,
  sockets = 50,
  ...sceneOptions
}: SubscribeCyclesOptions = {}): Promise<SubscribeCyclesFigures> {
  const scene = await openScene(sceneOptions);
  const { client, id, server } = scene;
  const { runFeed, changeFeed } = server.system.services;
  const followers = (): number => runFeed.followers() + changeFeed.followers();
  try {
    const began = performance.now();
    let begun = 0;
    let results = 0;
    let mostFollowers = 0;
    await Promise.all(
      Array.from({ length: sockets }, async () => {
        const connection = openClient(client);
        while (begun < cycles) {
          begun += 1;
          const payload = begun % 2 === 0 ? { query: UPDATES, variables: { id } } : { query: ALL };
          if (begun % 3 === 0) {
            await leaveAtOnce(connection, payload);
          } else {
            for await (const _ of connection.iterate(payload)) {
              results += 1;
              mostFollowers = Math.max(mostFollowers, followers());
              break;
            }
          }
        }
        await connection.dispose();
      }),
    );
    const deadline = performance.now() + PATIENCE;
    while (followers() > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return {
      cycles: begun,
      results,
      followersLeft: followers(),
      mostFollowers,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    };
  } finally {
    await scene.close();
  }
}

/** Unsubscribes without waiting for a result. */
async function leaveAtOnce(
  connection: ReturnType<typeof openClient>,
  payload: { query: string; variables?: Record<string, unknown> },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = connection.subscribe(payload, { next: () => undefined, error: reject, complete: resolve });
    setImmediate(stop);
  });
}

await runAlone(import.meta.url, subscribeCycles);
