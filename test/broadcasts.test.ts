/** Subscribers who ask the same go on together, each at his own pace. */
import { GraphQLError } from 'graphql';
import { beforeEach, expect, test } from 'vitest';
import { createBroadcasts, type Asked } from '../src/http/broadcasts.ts';
import { courseOf } from '../src/schema/untilGone.ts';

let last: number;
let wakers: Set<() => void>;
/** Sources that are read from. */
let open: number;
let failsAt: number;
let personalFrom: number;
let worked: string[];
let following: number;
let follow: ReturnType<typeof createBroadcasts>;

beforeEach(() => {
  [last, wakers, open, failsAt, personalFrom, worked, following] = [0, new Set(), 0, -1, Infinity, [], 0];
  follow = createBroadcasts({
    mask: (error) => new GraphQLError(`masked: ${String(error)}`),
    started() {
      following += 1;
      return () => void (following -= 1);
    },
  });
});

/** Numbers without a gap: all after `from` up to the last there is, then each as it comes; -1 ends it. */
async function* numbers(signal: AbortSignal, from = 0): AsyncGenerator<number> {
  open += 1;
  try {
    for (let next = from + 1; !signal.aborted; next += 1) {
      while (next > last && !signal.aborted)
        await new Promise<void>((resolve) => {
          wakers.add(resolve);
          signal.addEventListener('abort', () => resolve());
        });
      if (signal.aborted) return;
      if (next === failsAt) throw new Error('It is gone');
      yield next;
    }
  } finally {
    open -= 1;
  }
}

function tellUpTo(number: number): void {
  last = number;
  for (const waker of wakers) waker();
  wakers.clear();
}

const turns = async (count = 50) => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
};

function listen(subject = 'she', { from = 0, question = 'numbers' } = {}) {
  const told: string[] = [];
  const waiting: (() => void)[] = [];
  const one = { told, reads: true, ended: null as string | null, readOn, leave: () => undefined as void };
  const asked: Asked = {
    question,
    source: courseOf<number>(numbers, (number) => number, from),
    viewer: { tenantId: 'T', subject, role: 'VIEWER' },
    async answer(event, viewer) {
      const personal = Number(event) >= personalFrom;
      const text = personal ? `${String(event)} for ${viewer.subject}` : String(event);
      worked.push(text);
      return { result: {}, text, personal };
    },
  };
  one.leave = follow(asked, {
    tell({ text }, taken) {
      told.push(text);
      if (one.reads) setImmediate(taken);
      else waiting.push(taken);
    },
    ended: (error) => void (one.ended = error?.message ?? 'over'),
  });
  function readOn() {
    one.reads = true;
    for (const taken of waiting.splice(0)) taken();
  }
  return one;
}
const upTo = (number: number, from = 1) =>
  Array.from({ length: number - from + 1 }, (_, index) => String(from + index));

test('those who were told the same are one, wherever they began', async () => {
  tellUpTo(3);
  const followers = [listen(), listen()];
  await turns();
  followers.push(listen('he', { from: 2 }));
  await turns();
  expect(followers.map(({ told }) => told)).toEqual([upTo(3), upTo(3), ['3']]);
  expect([open, following]).toEqual([1, 3]);
  worked = [];
  tellUpTo(5);
  await turns();
  expect(worked).toEqual(['4', '5']);
  expect(followers.map(({ told }) => told)).toEqual([upTo(5), upTo(5), upTo(5, 3)]);
});

test('whoever asks something else is told by another', async () => {
  tellUpTo(1);
  const followers = [listen(), listen('she', { question: 'others' })];
  await turns();
  expect(open).toBe(2);
  for (const { leave } of followers) leave();
});

test('the first may leave, and nothing is read from when the last has', async () => {
  tellUpTo(1);
  const [first, second, third] = [listen(), listen(), listen()];
  await turns();
  first.leave();
  first.leave();
  tellUpTo(2);
  await turns();
  expect([first.told, second.told, third.told]).toEqual([['1'], upTo(2), upTo(2)]);
  expect(following).toBe(2);
  second.leave();
  third.leave();
  await turns();
  expect([open, following]).toEqual([0, 0]);
  // Whoever comes then begins anew.
  const fourth = listen();
  await turns();
  expect([fourth.told, open]).toEqual([upTo(2), 1]);
});

test('who is slow keeps nobody waiting, goes on where he was, and is with the others again', async () => {
  tellUpTo(1);
  const [slow, slower, quick] = [listen(), listen(), listen()];
  await turns();
  slow.reads = false;
  slower.reads = false;
  tellUpTo(100);
  await turns(300);
  expect([slow.told, quick.told]).toEqual([upTo(2), upTo(100)]);
  slow.readOn(); // So much was kept.
  await turns(300);
  expect([slow.told, open]).toEqual([upTo(100), 1]);
  tellUpTo(1_000);
  await turns(2_500);
  expect(slow.told).toEqual(upTo(1_000));
  expect(slower.told).toEqual(upTo(2));
  slower.readOn(); // So much was not.
  await turns(100);
  expect(open).toBe(2);
  await turns(5_000);
  expect(slower.told).toEqual(upTo(1_000));
  expect(open).toBe(1);
  worked = [];
  tellUpTo(1_001);
  await turns();
  expect(worked).toEqual(['1001']);
  expect([slow, slower, quick].map(({ told }) => told)).toEqual(Array(3).fill(upTo(1_001)));
});

test('what is for one alone is told to none of the others', async () => {
  tellUpTo(1);
  const [she, he] = [listen('she'), listen('he')];
  await turns();
  expect(open).toBe(1);
  personalFrom = 2;
  tellUpTo(3);
  await turns(100);
  expect(she.told).toEqual(['1', '2 for she', '3 for she']);
  expect(he.told).toEqual(['1', '2 for he', '3 for he']);
  expect(open).toBe(2);
  personalFrom = Infinity;
  tellUpTo(4);
  await turns();
  expect([she.told.at(-1), he.told.at(-1), open]).toEqual(['4', '4', 1]);
});

test('all are told of a failure, masked, after what came before it', async () => {
  tellUpTo(1);
  const [slow, quick] = [listen(), listen()];
  await turns();
  slow.reads = false;
  failsAt = 4;
  tellUpTo(4);
  await turns();
  expect([quick.told, quick.ended]).toEqual([upTo(3), 'masked: Error: It is gone']);
  expect([slow.told, slow.ended]).toEqual([upTo(2), null]);
  slow.readOn();
  await turns();
  expect([slow.told, slow.ended]).toEqual([upTo(3), 'masked: Error: It is gone']);
  expect([open, following]).toEqual([0, 0]);
});
