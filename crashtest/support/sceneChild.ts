/** A scene in a process of its own, so that its memory is the server's alone. Spoken to by messages. */
import { openScene, type SceneOptions } from './scene.ts';

/** What the parent may ask; each is answered with an Answer. */
export type Ask =
  | { ask: 'tell'; count: number; message: string }
  | { ask: 'memory' }
  | { ask: 'finish' }
  | { ask: 'close' };

export interface Answer {
  rss: number;
  /** What JavaScript holds: its heap and the buffers outside of it. */
  held: number;
  followers: number;
  /** After `finish`: the number of the last event. */
  final: number;
}

export interface Opened {
  url: string;
  headers: Record<string, string>;
  id: string;
}

const options = JSON.parse(process.argv[2] ?? '{}') as SceneOptions;
const scene = await openScene(options);
const { url, headers } = scene.client;

async function answer(message: Ask): Promise<void> {
  let final = 0;
  if (message.ask === 'tell') await scene.tell(message.count, message.message);
  if (message.ask === 'finish') final = await scene.finish();
  if (message.ask === 'memory') globalThis.gc?.();
  if (message.ask === 'close') await scene.close();
  const { rss, heapUsed, external } = process.memoryUsage();
  const followers = scene.server.system.services.runFeed.followers();
  process.send?.({ rss, held: heapUsed + external, followers, final } satisfies Answer);
  if (message.ask === 'close') process.disconnect();
}

process.on('message', (message) => {
  answer(message as Ask).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ url, headers, id: scene.id } satisfies Opened);
