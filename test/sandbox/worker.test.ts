import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { describe, expect, onTestFinished, test } from 'vitest';
import { clientOf, conversations, launch, tempDir, untilOver } from './support.ts';

describe('a worker thread', () => {
  test('posts its URL, serves, and ends on close', async () => {
    // Bundled as for a release: Node 20 runs no TypeScript in a worker.
    const outfile = join(await tempDir(), 'worker.mjs');
    const entry = fileURLToPath(new URL('../../src/sandbox/worker.ts', import.meta.url));
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    const worker = new Worker(outfile, { workerData: { speed: Infinity, apiKey: 'thread' } });
    onTestFinished(() => void worker.terminate());
    const [message] = await once(worker, 'message');
    const client = clientOf(message.url, 'thread');
    const job = await launch(client, conversations(10));
    expect((await untilOver(client, job.id)).status).toBe('succeeded');
    const exit = once(worker, 'exit');
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage('close');
    expect(await exit).toEqual([0]);
  });
});
