/** `npm run soak` on a small scale: what it counts is right. */
import { expect, test } from 'vitest';
import { percentile, soak } from '../soak/soak.ts';

test('every request is answered, and every change reaches whoever follows', async () => {
  const told: string[] = [];
  const figures = await soak({
    seconds: 3,
    warmUpSeconds: 1,
    rate: 20,
    subscribers: 24,
    databaseUrl: process.env['TEST_DATABASE_URL'] || undefined,
    tell: (words) => told.push(words),
  });
  expect({ ...figures, told }).toMatchObject({ requests: 60, errors: 0, subscribers: 24, missedChanges: 0 });
  expect(figures.p99Ms).toBeGreaterThanOrEqual(figures.p50Ms);
  expect(figures.rssStartMb).toBeGreaterThan(50);
}, 120_000);

test('one that is not over in time says where it is', async () => {
  const hanging = soak({
    seconds: 60,
    warmUpSeconds: 60,
    rate: 1,
    subscribers: 2,
    databaseUrl: process.env['TEST_DATABASE_URL'] || undefined,
    limitSeconds: 0.1,
    tell: () => undefined,
  });
  await expect(hanging).rejects.toThrow('Not over after 0.1 s, while making datasets.');
}, 120_000);

test('a percentile is the value that so many are not above', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([50, 99, 100].map((percent) => percentile(values, percent))).toEqual([50, 99, 100]);
  expect(percentile([], 50)).toBe(0);
});
