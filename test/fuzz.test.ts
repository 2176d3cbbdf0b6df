/** A small part of `npm run fuzz`: another seed each time, told when something is found. */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '../bench/random.ts';
import { fuzz } from '../fuzz/fuzz.ts';
import { faultsOf } from '../fuzz/judge.ts';
import { randomOperation } from '../fuzz/operations.ts';
import { startFuzzedServer, type FuzzedServer } from '../fuzz/server.ts';
import { createServerDatabase } from './support/database.ts';

let server: FuzzedServer;
beforeAll(async () => {
  server = await startFuzzedServer(await createServerDatabase());
});
afterAll(() => server.close());

test('nobody gets more than a refusal, however wrong what is sent', async () => {
  const seed = randomInt(2 ** 31);
  const { faults, requests, frames, answers } = await fuzz(server, { requests: 250, frames: 100, seed });
  expect(faults.slice(0, 3), `npm run fuzz -- --requests 250 --frames 100 --seed ${seed}`).toEqual([]);
  expect(requests).toBe(250);
  expect(frames).toBeGreaterThanOrEqual(100);
  // What is sent gets far enough to be carried out, and to be refused.
  expect(answers).toMatchObject({
    200: expect.any(Number),
    400: expect.any(Number),
    404: expect.any(Number),
  });
}, 120_000);

test('the same seed makes the same', () => {
  const scene = { ids: ['a', 'b'], cursors: ['c'], downloads: [] };
  const make = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 20 }, () => randomOperation(random, scene));
  };
  expect(make(7)).toEqual(make(7));
  expect(make(7)).not.toEqual(make(8));
});

test.each([
  ['{"errors":[{"message":"x","stack":"Error: x"}]}', 'shows a stack'],
  ['Error: x\n    at work (/somewhere/x.js:1:2)', 'shows a stack'],
  ['{"extensions":{"originalError":{}}}', 'shows an original error'],
  ['select: SELECT id FROM tenants', 'shows SQL'],
  [`no such file ${process.cwd()}/x`, 'shows a path of the machine'],
  ['{"extensions":{"code":"INTERNAL_ERROR"}}', 'is an unexpected error'],
])('%j is found', (text, fault) => {
  expect(faultsOf(text, '/nowhere/at/all')).toContain(fault);
});
