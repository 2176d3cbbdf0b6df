import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type Database } from '../src/db/database.ts';
import type { WakeUp } from '../src/db/notifications.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { openTestDatabase } from './support/database.ts';
import { gate } from './support/standIn.ts';

const TENANT = '019ab000-0000-7000-8000-000000000001';
let db: Database;
const complaints: Error[] = [];

beforeAll(async () => {
  db = await openTestDatabase((error) => complaints.push(error));
  await ensureTenant(db, TENANT);
});
afterAll(() => db.close());

const addDataset = (name: string) =>
  db.withTenant(TENANT, (tx) => tx.dataset.create({ data: { tenantId: TENANT, name } }));

test('uuid_v7 gives version 7 ids: unique, and in order from one millisecond to the next', async () => {
  const rows = await db.asSystem(
    (tx) => tx.$queryRaw<{ id: string }[]>`SELECT uuid_v7()::text AS id FROM generate_series(1, 100000)`,
  );
  const ids = rows.map(({ id }) => id);
  expect(new Set(ids).size).toBe(100_000);
  expect(
    ids.filter((id) => !/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toEqual([]);
  expect(new Set(ids.map((id) => id[19])).size).toBe(4);
  const milliseconds = ids.map((id) => id.slice(0, 13));
  expect(milliseconds).toEqual(milliseconds.toSorted());
  expect(new Set(milliseconds).size).toBeGreaterThan(10);
});

test('the time in a uuid_v7 is the time it was made', async () => {
  const before = Date.now();
  const [made] = await db.asSystem((tx) => tx.$queryRaw<{ id: string }[]>`SELECT uuid_v7()::text AS id`);
  const told = Number.parseInt((made?.id ?? '').replaceAll('-', '').slice(0, 12), 16);
  expect(told).toBeGreaterThanOrEqual(before - 1000);
  expect(told).toBeLessThanOrEqual(Date.now() + 1000);
});

test('a transaction that fails leaves nothing', async () => {
  const failing = db.withTenant(TENANT, async (tx) => {
    await tx.dataset.create({ data: { tenantId: TENANT, name: 'gone' } });
    throw new Error('on purpose');
  });
  await expect(failing).rejects.toThrow('on purpose');
  expect(await db.withTenant(TENANT, (tx) => tx.dataset.count({ where: { name: 'gone' } }))).toBe(0);
  await db.ping();
});

test('a change wakes who listens, once it is committed and until they stop listening', async () => {
  const woken: WakeUp[] = [];
  const [inside, goOn] = [gate(), gate()];
  const stop = db.notifications.listen((wakeUp) => void woken.push(wakeUp));
  const adding = db.withTenant(TENANT, async (tx) => {
    const dataset = await tx.dataset.create({ data: { tenantId: TENANT, name: 'told' } });
    inside.open();
    await goOn.opened;
    return dataset;
  });
  await inside.opened;
  expect(woken).toEqual([]);
  goOn.open();
  const { id } = await adding;
  await expect.poll(() => woken).toEqual([{ kind: 'dataset', tenantId: TENANT, id }]);
  stop();
  await addDataset('not told');
  const last = gate();
  const stopLast = db.notifications.listen(last.open);
  await addDataset('told again');
  await last.opened;
  stopLast();
  expect(woken).toHaveLength(1);
});

test('counts follow every way of writing examples', async () => {
  const { id } = await addDataset('counted');
  const counts = () =>
    db.withTenant(TENANT, (tx) =>
      tx.dataset.findUnique({
        where: { id },
        select: { exampleCount: true, validatedCount: true, rejectedCount: true },
      }),
    );
  const run = (sql: string) => db.withTenant(TENANT, (tx) => tx.$executeRawUnsafe(sql));
  await run(`INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response, validated, source, content_hash)
    SELECT '${TENANT}', '${id}', n, '[]', 'u', 'a', n <= 60, 'MANUAL', sha256(n::text::bytea) FROM generate_series(1, 100) AS n`);
  expect(await counts()).toEqual({ exampleCount: 100, validatedCount: 60, rejectedCount: 0 });
  await run(
    `UPDATE finetuning_examples SET validated = false, rejected = true WHERE dataset_id = '${id}' AND position <= 10`,
  );
  expect(await counts()).toEqual({ exampleCount: 100, validatedCount: 50, rejectedCount: 10 });
  await run(`DELETE FROM finetuning_examples WHERE dataset_id = '${id}' AND position <= 20`);
  expect(await counts()).toEqual({ exampleCount: 80, validatedCount: 40, rejectedCount: 0 });
});

test.runIf(process.env['TEST_DATABASE_URL'])(
  'a listener whose connection breaks comes back, and says that it was away',
  async () => {
    const resumed = gate();
    const woken: WakeUp[] = [];
    const stop = db.notifications.listen((wakeUp) => {
      woken.push(wakeUp);
      if (wakeUp.kind === 'resumed') resumed.open();
    });
    await db.asSystem(async (tx) => {
      await tx.$executeRaw`SET LOCAL ROLE NONE`;
      await tx.$queryRaw`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'tunesmith-listener'`;
    });
    await resumed.opened;
    const { id } = await addDataset('after the break');
    await expect.poll(() => woken.at(-1)).toEqual({ kind: 'dataset', tenantId: TENANT, id });
    expect(complaints.length).toBeGreaterThan(0);
    stop();
  },
);

test('a server that is not there is an error, at once', async () => {
  const opening = openDatabase({
    databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing',
    onError: (error) => complaints.push(error),
  });
  await expect(opening).rejects.toThrow(/ECONNREFUSED/);
});
