import { expect, test } from 'vitest';
import { createSharedReads } from '../src/services/sharedReads.ts';

const HOUR = 3_600_000;

/** Followers of one key, each reading one value after the other. */
function follow(reads: ReturnType<typeof createSharedReads<number>>, ask: () => Promise<number>) {
  const stop = new AbortController();
  const turns = reads.follow('key', stop.signal);
  return {
    async next(): Promise<number | undefined> {
      const turn = await turns.next();
      return turn.done ? undefined : turn.value('', ask);
    },
    stop(): void {
      stop.abort();
    },
  };
}

test('those who follow one thing share a read, and after a wake-up the next', async () => {
  const reads = createSharedReads<number>(HOUR);
  let asked = 0;
  const ask = async (): Promise<number> => (asked += 1);
  const followers = Array.from({ length: 50 }, () => follow(reads, ask));
  expect(new Set(await Promise.all(followers.map((follower) => follower.next())))).toEqual(new Set([1]));
  expect(reads.followers()).toBe(50);

  const waiting = followers.map((follower) => follower.next());
  reads.wake('another key');
  reads.wake('key');
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([2]));

  const ending = followers.map((follower) => follower.next());
  for (const follower of followers) follower.stop();
  expect(new Set(await Promise.all(ending))).toEqual(new Set([undefined]));
  expect(reads.followers()).toBe(0);
});

test('what was being read at a wake-up is not taken for what is there after it', async () => {
  const reads = createSharedReads<number>(HOUR);
  const pending: ((value: number) => void)[] = [];
  const ask = () => new Promise<number>((resolve) => pending.push(resolve));
  const [early, late] = [follow(reads, ask), follow(reads, ask)];
  const before = early.next();
  await expect.poll(() => pending.length).toBe(1);
  reads.wake('key');
  const after = late.next();
  pending[0]?.(1);
  expect(await before).toBe(1);
  await expect.poll(() => pending.length).toBe(2);
  pending[1]?.(2);
  expect(await after).toBe(2);
  early.stop();
  late.stop();
});

test('a read that fails is tried again by the next who asks', async () => {
  const reads = createSharedReads<number>(HOUR);
  let asked = 0;
  async function ask(): Promise<number> {
    asked += 1;
    if (asked === 1) throw new Error('The database is away');
    return asked;
  }
  const [first, second] = [follow(reads, ask), follow(reads, ask)];
  await expect(first.next()).rejects.toThrow('away');
  expect(await second.next()).toBe(2);
  first.stop();
  second.stop();
});
