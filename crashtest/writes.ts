/** Kills a server on the embedded database while it writes, and looks whether what it acknowledged is there again. */
import { setTimeout as after } from 'node:timers/promises';
import type { World } from './world.ts';

export interface WritesResult {
  kills: number;
  acknowledged: number;
  /** Rows that were acknowledged and are not there. */
  lostRows: number;
  /** The slowest start after a kill, until the server answers. */
  secondsToReady: number;
}

export async function killUnderWrites({ servers, api }: World, kills: number): Promise<WritesResult> {
  const [server] = servers;
  if (!server) throw new Error('There is no server');
  const acknowledged = new Set<string>();
  let secondsToReady = 0;
  let writing = true;
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let n = 0; writing; n += 1) {
      // One whose answer was lost is refused when it is repeated, since its name is taken: it was never acknowledged.
      const id = await api.createDataset(`Written ${writer} ${n}`).catch(() => null);
      if (id !== null) acknowledged.add(id);
    }
  });
  for (let kill = 0; kill < kills; kill += 1) {
    await after(100 + Math.random() * 1_000);
    await server.kill();
    const began = performance.now();
    await server.start();
    const ready = await fetch(`${server.url}/health/ready`);
    if (!ready.ok) throw new Error(`The server is not ready: HTTP ${ready.status}`);
    secondsToReady = Math.max(secondsToReady, (performance.now() - began) / 1000);
  }
  writing = false;
  await Promise.all(writers);
  const there = await api.datasetIds();
  const lostRows = [...acknowledged].filter((id) => !there.has(id)).length;
  return { kills, acknowledged: acknowledged.size, lostRows, secondsToReady };
}
