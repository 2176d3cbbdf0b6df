/** What a process of followers, followers.ts, and its parent say to each other, and the parent's side. */
import { z } from 'zod';
import { forked } from './forked.ts';
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
  const program = forked('followers.ts');
  const next = async () => fromFollowers.parse(await program.next());
  const say = (message: z.infer<typeof toFollowers>) => program.say(message);

  const opened = next();
  say({ followed: what, count });
  await opened;
  return {
    async expect(text) {
      const answered = next();
      say({ expect: text });
      await answered;
      const heard = next().then((said) => {
        if (!('allAt' in said)) throw new Error('The followers said something else');
        if (!said.alike) throw new Error('The followers did not all hear the same');
        return said;
      });
      heard.catch(() => undefined);
      return { heard };
    },
    close: () => program.close(),
  };
}
