/** Answers on a Redis server are one for all replicas, and never older than a mutation that any of them answered. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type Database } from '../src/db/database.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { createRedisCache } from '../src/http/redisCache.ts';
import type { Question, ResponseCache } from '../src/http/responseCache.ts';
import { createServerDatabase } from './support/database.ts';
import { startTestRedis, type TestRedis } from './support/redis.ts';

const TENANT = '019ab000-0000-7000-8000-000000000034';
const question: Question = {
  viewer: { tenantId: TENANT, role: 'VIEWER', subject: 'me' },
  body: '{"query":"{ datasets { totalCount } }"}',
  type: 'application/json',
};
const sources = { tables: new Set(['finetuning_datasets']), personal: false, momentary: false };
const answerOf = (body: string) => ({ body: Buffer.from(body), label: 'query' });

const held = async ({ cache }: { cache: ResponseCache }) =>
  (await cache.find(question)).answer?.body.toString();

/** Keeps an answer, as soon as Redis is there to take it. */
async function keep({ cache }: { cache: ResponseCache }, body: string): Promise<void> {
  await expect
    .poll(
      async () => {
        const found = await cache.find(question);
        if (found.answer?.body.toString() !== body) found.keep(answerOf(body), sources);
        return held({ cache });
      },
      { timeout: 20_000 },
    )
    .toBe(body);
}

async function change({ db, cache }: { db: Database; cache: ResponseCache }, name: string): Promise<void> {
  await db.withTenant(TENANT, (tx) => tx.dataset.create({ data: { tenantId: TENANT, name } }));
  await cache.caughtUp();
}

describe.runIf(process.env['TEST_DATABASE_URL'])('answers on a Redis server', () => {
  let databaseUrl: string;
  let redis: TestRedis;
  const opened: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    databaseUrl = (await createServerDatabase()) ?? '';
    redis = await startTestRedis();
  });
  afterEach(async () => {
    for (const close of opened.splice(0)) await close();
    await redis.close();
  });

  async function replica(): Promise<{ db: Database; cache: ResponseCache }> {
    const db = await openDatabase({
      databaseUrl,
      poolSize: 4,
      redis: { url: redis.url, onAway: () => undefined, onBack: () => undefined },
      onError: (error) => console.error('database:', error.message),
    });
    await ensureTenant(db, TENANT);
    const cache = createRedisCache({
      url: redis.url,
      prefix: `tunesmith:${await db.name()}:`,
      notifications: db.notifications,
      maxAgeSeconds: 60,
    });
    opened.push(async () => {
      cache.close();
      await db.close();
    });
    return { db, cache };
  }

  test('are told by each replica, until any of them has changed what they tell', async () => {
    const [one, two] = [await replica(), await replica()];
    await keep(two, 'none'); // So both have connected, and begun no new era after it.
    await keep(one, 'none');
    for (let round = 0; round < 20; round += 1) {
      const [writer, reader] = round % 2 === 0 ? [one, two] : [two, one];
      await keep(writer, `${round} before`);
      expect(await held(reader)).toBe(`${round} before`);
      await change(writer, `dataset ${round}`);
      expect(await held(reader)).toBeUndefined();
    }
  });

  test('are not kept when what they tell changed while they were worked out', async () => {
    const [one, two] = [await replica(), await replica()];
    await keep(two, 'none');
    const begun = await one.cache.find(question);
    await change(two, 'meanwhile');
    begun.keep(answerOf('before'), sources);
    await one.cache.caughtUp();
    expect(await held(one)).toBeUndefined();
    expect(await held(two)).toBeUndefined();
  });

  test('are forgotten when Redis was away, and nobody waits for it', async () => {
    const one = await replica();
    await keep(one, 'before');
    await redis.cut();
    await change(one, 'unmarked');
    expect(await held(one)).toBeUndefined();
    await redis.mend();
    await keep(one, 'after');
    expect(await held(one)).toBe('after');
  });

  test('a Redis that does not answer holds nobody up for long', async () => {
    const one = await replica();
    await keep(one, 'before');
    redis.stall();
    const began = performance.now();
    expect(await held(one)).toBeUndefined();
    await change(one, 'unmarked');
    expect(performance.now() - began).toBeLessThan(15_000);
    await redis.mend();
    await keep(one, 'after');
  });
});
