/** What a process of followers, followers.ts, and its parent say to each other, and the parent's side. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Followed } from './rawFollower.ts';

const followed = z.object({
  kind: z.enum(['raw', 'webSocket', 'eventStream']),
  url: z.url(),
  headers: z.record(z.string(), z.string()),
  query: z.string(),
  variables: z.record(z.string(), z.unknown()),
});
export const toFollowers = z.union([
  /** Answered by `open` when all have heard their first message. */
  z.object({ followed, count: z.int() }),
  /** Answered by `expecting`, and by `allAt` when each has heard a message with this text in it. */
  z.object({ expect: z.string().min(1) }),
]);
const fromFollowers = z.union([
  z.object({ open: z.int() }),
  z.object({ expecting: z.literal(true) }),
  z.object({ allAt: z.number(), alike: z.boolean(), message: z.string() }),
]);

export type FollowersSay = z.infer<typeof fromFollowers>;

export interface FollowerProcess {
  /** Has everyone wait for a message that holds this text; the result settles when the last has it. */
  expect(text: string): Promise<{ heard: Promise<{ allAt: number; message: string }> }>;
  close(): Promise<void>;
}

/** Resolves when `count` followers are there and have heard their first message. */
export async function openFollowers(what: Followed, count: number): Promise<FollowerProcess> {
  const child = fork(fileURLToPath(new URL('followers.ts', import.meta.url)), [], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const gone = exited.then(() => {
    throw new Error('The followers ended');
  });
  gone.catch(() => undefined);
  async function next(): Promise<FollowersSay> {
    const [said]: unknown[] = await Promise.race([once(child, 'message'), gone]);
    return fromFollowers.parse(said);
  }

  const opened = next();
  child.send({ followed: what, count } satisfies z.infer<typeof toFollowers>);
  await opened;
  return {
    async expect(text) {
      const answered = next();
      child.send({ expect: text } satisfies z.infer<typeof toFollowers>);
      await answered;
      const heard = next().then((said) => {
        if (!('allAt' in said)) throw new Error('The followers said something else');
        if (!said.alike) throw new Error('The followers did not all hear the same');
        return said;
      });
      heard.catch(() => undefined);
      return { heard };
    },
    async close() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
