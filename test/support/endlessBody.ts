import { setImmediate as immediate } from 'node:timers/promises';

const CHUNK = new Uint8Array(64 * 1024);

/**
 * What `work` comes to with a request's body that never ends by itself. `fetch` reads on, for nobody, when it has been
 * answered, and when it is aborted: so the body ends with the work, or it would keep the process busy ever after.
 */
export async function withEndlessBody<T>(work: (body: ReadableStream) => Promise<T>): Promise<T> {
  let over = false;
  const body = new ReadableStream({
    async pull(controller) {
      await immediate(); // Leaves the process its turns.
      if (over) controller.close();
      else controller.enqueue(CHUNK);
    },
  });
  try {
    return await work(body);
  } finally {
    over = true;
  }
}
