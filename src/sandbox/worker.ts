import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { startSandbox } from './server.ts';

/**
 * Runs the sandbox in a worker thread. `workerData` holds SandboxOptions without `now` and `faults`; the worker posts
 * `{url}` when it listens, and ends after the message 'close'. A start that fails is an 'error' event of the Worker.
 */
const options = z
  .strictObject({
    host: z.string().exactOptional(),
    port: z.number().exactOptional(),
    dataDir: z.string().exactOptional(),
    apiKey: z.string().exactOptional(),
    speed: z.number().or(z.literal(Infinity)).exactOptional(),
  })
  .parse(workerData ?? {});

if (parentPort === null) throw new Error('The sandbox worker is to be started as a worker thread.');
const port = parentPort;
const sandbox = await startSandbox(options);
port.on('message', (message: unknown) => {
  if (message === 'close') void sandbox.close().then(() => port.close());
});
port.postMessage({ url: sandbox.url });
