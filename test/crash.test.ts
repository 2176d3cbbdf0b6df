/** The quick part of `npm run crashtest`: real processes, killed at the points where a launch costs most. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crashAt } from '../crashtest/points.ts';
import { launchUnanswered } from '../crashtest/random.ts';
import { openWorld, type World } from '../crashtest/world.ts';
import { CRASH_POINTS } from '../src/services/crashPoint.ts';

const LONG = 180_000;
let world: World;
let datasetId: string;

beforeAll(async () => {
  world = await openWorld({
    waits: { lease: 2, reconcile: 1, listDelay: 0.5 },
    databaseUrl: process.env['TEST_DATABASE_URL'] || undefined,
  });
  datasetId = await world.api.newDataset();
}, LONG);
afterAll(() => world.close());

test.each([
  ['submitIntended', 'SUCCEEDED'],
  ['submitSent', 'SUCCEEDED'],
  ['cancelSent', 'CANCELLED'],
] as const)(
  'killed at %s, the run is %s, with one job, and every event is told once',
  async (point, status) => {
    expect(await crashAt(world, datasetId, point)).toEqual({
      point,
      status,
      doubleLaunches: 0,
      lost: false,
      needsReview: false,
      lostEvents: 0,
      repeatedEvents: 0,
      secondsToSettle: expect.any(Number),
    });
  },
  LONG,
);

test(
  'of launches that the provider carries out and does not answer each has one job',
  async () => {
    expect(await launchUnanswered(world, 8)).toMatchObject({
      runs: 8,
      doubleLaunches: 0,
      lostRuns: 0,
      needsReview: 0,
    });
    await expect.poll(() => world.filesLeft(), { timeout: 30_000 }).toBe(0);
  },
  LONG,
);

test('docs/operating.md has a line for every crash point', () => {
  const text = readFileSync(new URL('../docs/operating.md', import.meta.url), 'utf8');
  const lines = [...text.matchAll(/^\| `(\w+)` \| .+ \| .+ \|$/gm)].map(([, name]) => name);
  expect(lines.filter((name) => CRASH_POINTS.some((point) => point === name))).toEqual([...CRASH_POINTS]);
});
