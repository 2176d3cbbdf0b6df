/** A process that asks, load.ts: what is said to it, and its parent's side. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export const loadOrder = z.object({
  url: z.url(),
  headers: z.record(z.string(), z.string()),
  /** Each connection asks one of these, again and again. */
  bodies: z.array(z.string()).min(1),
  connections: z.int(),
  milliseconds: z.number(),
});
const loadOutcome = z.object({
  requests: z.int(),
  seconds: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
});

export type LoadOrder = z.infer<typeof loadOrder>;
export type LoadOutcome = z.infer<typeof loadOutcome>;

export interface LoadProcess {
  /** Asks for as long as the order says. Rejects when an answer was not as the first to the same question. */
  ask(order: LoadOrder): Promise<LoadOutcome>;
  close(): Promise<void>;
}

export function openLoadProcess(): LoadProcess {
  const child = fork(fileURLToPath(new URL('load.ts', import.meta.url)), [], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const gone = exited.then(() => {
    throw new Error('The process that asks ended');
  });
  gone.catch(() => undefined);
  return {
    async ask(order) {
      const answer = once(child, 'message');
      child.send(order);
      const [said]: unknown[] = await Promise.race([answer, gone]);
      return loadOutcome.parse(said);
    },
    async close() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
