/** A process that asks, load.ts: what is said to it, and its parent's side. */
import { z } from 'zod';
import { forked } from './forked.ts';

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
  const program = forked('load.ts');
  return {
    async ask(order) {
      const answer = program.next();
      program.say(order);
      return loadOutcome.parse(await answer);
    },
    close: () => program.close(),
  };
}
