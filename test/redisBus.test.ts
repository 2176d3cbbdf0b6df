import { createClient } from '@redis/client';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase, type Database } from '../src/db/database.ts';
import type { WakeUp } from '../src/db/notifications.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { createChangeFeed } from '../src/services/changeFeed.ts';
import { createServerDatabase } from './support/database.ts';
import { startTestRedis, type TestRedis } from './support/redis.ts';
import { gate } from './support/standIn.ts';

const TENANT = '019ab000-0000-7000-8000-000000000014';

interface Replica {
  db: Database;
  woken: WakeUp[];
  /** 'away', with the reason, and 'back', as they were reported. */
  reports: string[];
}

const addDataset = ({ db }: Replica, name: string) =>
  db.withTenant(TENANT, (tx) => tx.dataset.create({ data: { tenantId: TENANT, name } }));

const changed = (id: string): WakeUp => ({ kind: 'dataset', tenantId: TENANT, id });

describe.runIf(process.env['TEST_DATABASE_URL'])('wake-ups over Redis', () => {
  let databaseUrl: string;
  let redis: TestRedis;
  const opened: Database[] = [];

  beforeEach(async () => {
    databaseUrl = (await createServerDatabase()) ?? '';
    redis = await startTestRedis();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((db) => db.close()));
    await redis.close();
  });

  /** One of several processes on the database, and what it was woken with. */
  async function replica(): Promise<Replica> {
    const reports: string[] = [];
    const woken: WakeUp[] = [];
    const db = await openDatabase({
      databaseUrl,
      poolSize: 4,
      redis: {
        url: redis.url,
        onAway: (error) => void reports.push(`away: ${error.message}`),
        onBack: () => void reports.push('back'),
      },
      onError: (error) => console.error('database:', error.message),
    });
    opened.push(db);
    db.notifications.listen((wakeUp) => void woken.push(wakeUp));
    await ensureTenant(db, TENANT);
    return { db, woken, reports };
  }

  /** A client that publishes what it likes on the replicas' channel. */
  async function stranger() {
    const client = createClient({ url: redis.url, RESP: 2, maintNotifications: 'disabled' });
    client.on('error', () => undefined);
    await client.connect();
    onTestFinished(() => client.destroy());
    const channel = `tunesmith:${new URL(databaseUrl).pathname.slice(1)}`;
    return (message: string) => client.publish(channel, message);
  }

  test('a change on one replica wakes all of them, once, and nothing is NOTIFYed', async () => {
    const listener = new pg.Client({ connectionString: databaseUrl });
    const notified: unknown[] = [];
    await listener.connect();
    onTestFinished(() => listener.end());
    listener.on('notification', (message) => notified.push(message));
    await listener.query('LISTEN tunesmith');
    const [one, other] = [await replica(), await replica()];

    const { id } = await addDataset(one, 'told');
    expect(one.woken).toEqual([changed(id)]);
    await expect.poll(() => other.woken).toEqual([changed(id)]);
    const { id: second } = await addDataset(other, 'told the other way');
    await expect.poll(() => one.woken).toEqual([changed(id), changed(second)]);
    expect(other.woken).toEqual([changed(id), changed(second)]);

    await listener.query('SELECT 1'); // Notifications come before the answer.
    expect(notified).toEqual([]);
    expect([...one.reports, ...other.reports]).toEqual([]);
  });

  test('nobody listens with LISTEN', async () => {
    const { db } = await replica();
    const listeners = await db.asSystem(
      (tx) => tx.$queryRaw`SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'tunesmith-listener'`,
    );
    expect(listeners).toEqual([]);
  });

  test('many changes of a transaction come once each, after it is committed', async () => {
    const [one, other] = [await replica(), await replica()];
    const [inside, goOn] = [gate(), gate()];
    const working = one.db.withTenant(TENANT, async (tx) => {
      const ids: string[] = [];
      for (const name of ['a', 'b', 'c']) {
        const { id } = await tx.dataset.create({ data: { tenantId: TENANT, name } });
        ids.push(id);
        for (const systemPrompt of ['one', 'two']) {
          await tx.dataset.update({ where: { id }, data: { systemPrompt } });
        }
      }
      inside.open();
      await goOn.opened;
      return ids;
    });
    await inside.opened;
    expect([...one.woken, ...other.woken]).toEqual([]);
    goOn.open();
    const expected = (await working).map(changed);
    const { id: last } = await addDataset(one, 'last');
    await expect.poll(() => other.woken.at(-1)).toEqual(changed(last));
    expect(other.woken).toEqual([...expected, changed(last)]);
    expect(one.woken).toEqual(other.woken);
  });

  test('what is rolled back is not published, all of a transaction or a savepoint of it', async () => {
    const [one, other] = [await replica(), await replica()];
    const failing = one.db.withTenant(TENANT, async (tx) => {
      await tx.dataset.create({ data: { tenantId: TENANT, name: 'gone' } });
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    const id = await one.db.withTenant(TENANT, async (tx) => {
      const kept = await tx.dataset.create({ data: { tenantId: TENANT, name: 'kept' } });
      await tx.$executeRaw`SAVEPOINT attempt`;
      await tx.dataset.create({ data: { tenantId: TENANT, name: 'taken back' } });
      await tx.$executeRaw`ROLLBACK TO SAVEPOINT attempt`;
      return kept.id;
    });
    await expect.poll(() => other.woken).toEqual([changed(id)]);
    expect(one.woken).toEqual([changed(id)]);
  });

  test('a transaction that has failed inside of the database publishes nothing and fails nobody', async () => {
    const one = await replica();
    const result = await one.db.withTenant(TENANT, async (tx) => {
      await tx.dataset.create({ data: { tenantId: TENANT, name: 'gone' } });
      await tx.$queryRaw`SELECT 1 / 0`.catch(() => undefined);
      return 'answered';
    });
    expect(result).toBe('answered');
    expect(one.woken).toEqual([]);
  });

  test('while Redis is away a replica wakes its own, and when it is back everybody reads again', async () => {
    const [one, other] = [await replica(), await replica()];
    await redis.cut();
    await expect.poll(() => [one.reports.length, other.reports.length]).toEqual([1, 1]);
    const { id } = await addDataset(one, 'while away');
    expect(one.woken).toEqual([changed(id)]);
    expect(other.woken).toEqual([]);
    await redis.mend();
    await expect.poll(() => other.woken, { timeout: 10_000 }).toEqual([{ kind: 'resumed' }]);
    await expect.poll(() => one.woken.at(-1), { timeout: 10_000 }).toEqual({ kind: 'resumed' });
    const { id: after } = await addDataset(one, 'after');
    await expect.poll(() => other.woken.at(-1)).toEqual(changed(after));
    // Once an outage, however often it was tried.
    for (const { reports } of [one, other])
      expect(reports).toEqual([expect.stringMatching(/^away: /), 'back']);
  });

  test('followers hear of a change at once, and within 10 s while Redis is away', async () => {
    const [one, other] = [await replica(), await replica()];
    const { id } = await addDataset(one, 'followed');
    const controller = new AbortController();
    const following = createChangeFeed({ db: other.db }).followDataset(
      { tenantId: TENANT, subject: 'tester', role: 'ADMIN' as const },
      id,
      controller.signal,
    );
    /** What the follower is told next, and how many seconds after the change. */
    async function toldOf(name: string) {
      const telling = following.next(); // Before the change, so that only what comes after it can tell.
      const started = performance.now();
      await one.db.withTenant(TENANT, (tx) => tx.dataset.update({ where: { id }, data: { name } }));
      const { value } = await telling;
      return { name: value?.name, seconds: (performance.now() - started) / 1000 };
    }
    expect((await following.next()).value).toMatchObject({ name: 'followed' });
    const atOnce = await toldOf('at once');
    expect(atOnce.name).toBe('at once');
    expect(atOnce.seconds).toBeLessThan(4);
    await expect.poll(() => other.woken).toEqual([changed(id), changed(id)]);
    await redis.cut();
    const later = await toldOf('while away');
    expect(later.name).toBe('while away');
    expect(later.seconds).toBeLessThan(10);
    controller.abort();
    await following.return(undefined);
  });

  test('a Redis that takes messages and never answers is given up, and found again', async () => {
    const [one, other] = [await replica(), await replica()];
    redis.stall();
    const { id } = await addDataset(one, 'into the void');
    expect(one.woken).toEqual([changed(id)]);
    await expect
      .poll(() => one.reports, { timeout: 10_000 })
      .toEqual([expect.stringMatching(/not answered/)]);
    await redis.mend();
    await expect.poll(() => one.reports.at(-1), { timeout: 15_000 }).toBe('back');
    await expect.poll(() => other.woken.at(-1), { timeout: 15_000 }).toEqual({ kind: 'resumed' });
  });

  test('a start and an end with Redis away take no longer, and it is found later', async () => {
    await redis.cut();
    const one = await replica();
    expect(one.reports).toEqual([expect.stringMatching(/^away: .*ECONNREFUSED/)]);
    const { id } = await addDataset(one, 'alone');
    expect(one.woken).toEqual([changed(id)]);
    const two = await replica();
    const closing = performance.now();
    await two.db.close();
    opened.splice(opened.indexOf(two.db), 1);
    expect(performance.now() - closing).toBeLessThan(2000);
    await redis.mend();
    await expect.poll(() => one.woken.at(-1), { timeout: 10_000 }).toEqual({ kind: 'resumed' });
    expect(one.reports.at(-1)).toBe('back');
    expect(two.woken).not.toContainEqual({ kind: 'resumed' });
  });

  test('a start with a Redis that does not answer waits some seconds, no longer', async () => {
    redis.stall();
    const started = performance.now();
    const one = await replica();
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(one.reports).toEqual([expect.stringMatching(/not answered/)]);
  });

  test('what is no message of ours wakes nobody', async () => {
    const one = await replica();
    const publish = await stranger();
    const good = { kind: 'run', tenantId: TENANT, id: TENANT };
    const from = '019ab000-0000-4000-8000-000000000001';
    for (const message of [
      '',
      'nothing',
      '[]',
      '{}',
      JSON.stringify({ from, changes: [{ ...good, kind: 'resumed' }] }),
      JSON.stringify({ from, changes: [{ ...good, id: 'x' }] }),
      JSON.stringify({ from, changes: good }),
      JSON.stringify({ changes: [good] }),
    ]) {
      await publish(message);
    }
    await publish(JSON.stringify({ from, changes: [good] }));
    await expect.poll(() => one.woken).toEqual([good]);
  });

  test('another database on the same Redis hears nothing', async () => {
    const one = await replica();
    databaseUrl = (await createServerDatabase()) ?? '';
    const elsewhere = await replica();
    const { id } = await addDataset(elsewhere, 'elsewhere');
    const { id: own } = await addDataset(one, 'here');
    await expect.poll(() => elsewhere.woken).toEqual([changed(id)]);
    expect(one.woken).toEqual([changed(own)]);
  });
});
