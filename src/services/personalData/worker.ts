/** The thread that searches for personal data; see thread.ts, which starts it. */
import { parentPort } from 'node:worker_threads';
import type { ThreadAnswer, ThreadRequest } from './thread.ts';
import { createWork } from './work.ts';

const parent = parentPort;
if (!parent) throw new Error('personalDataWorker runs as a worker thread only');

const work = createWork();

parent.on('message', ({ id, ...asked }: ThreadRequest) => {
  parent.postMessage(answer(id, asked));
});

function answer(id: number, asked: Omit<ThreadRequest, 'id'>): ThreadAnswer {
  try {
    return { id, result: asked.items.map((item) => perform(asked.kind, item)) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

function perform(kind: ThreadRequest['kind'], item: string): unknown {
  return kind === 'inspect' ? work.inspect(item) : work[kind](JSON.parse(item));
}
