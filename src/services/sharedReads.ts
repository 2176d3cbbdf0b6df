/**
 * Following by reading again after every wake-up, where all who follow one thing share what is read: a change costs one
 * statement, however many follow.
 */
import { isDeepStrictEqual } from 'node:util';
import { createMailbox } from './mailbox.ts';

/** Answers the question that `ask` reads; the same question after the same wake-up is read once. */
export type SharedRead<T> = (question: string, ask: () => Promise<T>) => Promise<T>;

interface Channel<T> {
  answers: Map<string, Promise<T>>;
  /** Those of before the last wake-up. */
  former: Map<string, Promise<T>>;
  /** Settles when the read that was begun last has ended, so that one follows the other. */
  settled: Promise<unknown>;
  wakers: Set<() => void>;
  timer: NodeJS.Timeout;
}

/** `readAnyway`: how long a lost wake-up can delay a change, in milliseconds. */
export function createSharedReads<T>(readAnyway: number) {
  const channels = new Map<string, Channel<T>>();

  function wakeUp(channel: Channel<T>): void {
    // What is being read may be from before the wake-up.
    if (channel.answers.size > 0) channel.former = channel.answers;
    channel.answers = new Map();
    for (const waker of channel.wakers) waker();
  }

  function open(key: string): Channel<T> {
    const present = channels.get(key);
    if (present) return present;
    const channel: Channel<T> = {
      answers: new Map(),
      former: new Map(),
      settled: Promise.resolve(),
      wakers: new Set(),
      timer: setInterval(() => wakeUp(channel), readAnyway),
    };
    channels.set(key, channel);
    return channel;
  }

  function read(channel: Channel<T>, question: string, ask: () => Promise<T>): Promise<T> {
    const known = channel.answers.get(question);
    if (known) return known;
    const { answers, former } = channel;
    const answer = channel.settled.then(async () => unlessChanged(former.get(question), await ask()));
    answers.set(question, answer);
    channel.settled = answer.catch(() => void answers.delete(question));
    return answer;
  }

  return {
    wake(key: string): void {
      const channel = channels.get(key);
      if (channel) wakeUp(channel);
    },
    wakeAll(): void {
      for (const channel of channels.values()) wakeUp(channel);
    },
    /** How many follow, over all keys. */
    followers: (): number => [...channels.values()].reduce((sum, { wakers }) => sum + wakers.size, 0),
    /** Yields at once, and after every wake-up of `key`, a way to read what it is about. */
    async *follow(key: string, signal: AbortSignal): AsyncGenerator<SharedRead<T>> {
      const mailbox = createMailbox();
      const waker = (): void => mailbox.put(key);
      const channel = open(key);
      channel.wakers.add(waker);
      try {
        while (!signal.aborted) {
          yield (question, ask) => read(channel, question, ask);
          await mailbox.take(signal);
        }
      } finally {
        channel.wakers.delete(waker);
        if (channel.wakers.size === 0) {
          clearInterval(channel.timer);
          channels.delete(key);
        }
      }
    },
  };
}

/** What is as it was stays the same object, by which those know each other who were told the same. */
async function unlessChanged<T>(before: Promise<T> | undefined, now: T): Promise<T> {
  const known = await before?.catch(() => undefined);
  return known !== undefined && isDeepStrictEqual(known, now) ? known : now;
}
