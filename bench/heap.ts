/** What a server holds in memory, without what only waits to be collected: asked over Node's inspector. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';

const answer = z.object({
  id: z.int(),
  result: z.object({ result: z.object({ value: z.number().optional() }).optional() }).optional(),
});

/** The bytes of the JavaScript heap and of buffers beside it. `inspectorUrl`: where the process said it listens. */
export async function heapBytes(inspectorUrl: string): Promise<number> {
  const socket = new WebSocket(inspectorUrl);
  await once(socket, 'open');
  const waiting = new Map<number, (value: number | undefined) => void>();
  socket.on('message', (data) => {
    const said = answer.safeParse(JSON.parse(Buffer.isBuffer(data) ? data.toString() : 'null')); // Events, which have no id, are left aside.
    if (said.success) waiting.get(said.data.id)?.(said.data.result?.result?.value);
  });
  const ask = (method: string, params: object = {}): Promise<number | undefined> =>
    new Promise((resolve) => {
      const id = waiting.size + 1;
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
  try {
    await ask('HeapProfiler.enable');
    await ask('HeapProfiler.collectGarbage');
    await ask('HeapProfiler.collectGarbage');
    const expression = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';
    const bytes = await ask('Runtime.evaluate', { expression, returnByValue: true });
    if (bytes === undefined) throw new Error('The inspector did not tell the memory');
    return bytes;
  } finally {
    socket.close();
    await once(socket, 'close');
  }
}
