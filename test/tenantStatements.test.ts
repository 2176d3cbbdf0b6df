import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import type { Database } from '../src/db/database.ts';
import { longText } from '../src/db/longText.ts';
import { Prisma } from '../src/generated/prisma/client.ts';
import { tenantPool, transactingWith } from '../src/db/tenantPool.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { sharedServer } from './support/server.ts';

let db: Database;
/** Two tenants, each with a dataset of that name. */
let tenants: { tenantId: string; datasetId: string }[];

beforeAll(async () => {
  ({ db } = await sharedServer());
  tenants = await Promise.all(
    Array.from({ length: 2 }, async () => {
      const tenantId = randomUUID();
      await ensureTenant(db, tenantId, `Statements of ${tenantId}`);
      const { id: datasetId } = await db.withTenant(tenantId, (tx) =>
        tx.dataset.create({ data: { tenantId, name: 'Ours' } }),
      );
      return { tenantId, datasetId };
    }),
  );
}, 60_000);

/** The pool's connections, one after the other, as whoever the server logged in as. */
async function settingsLeft(): Promise<unknown[]> {
  const looks = Array.from({ length: 12 }, () =>
    db.asSystem(async (tx) => {
      await tx.$executeRaw`SET LOCAL ROLE NONE`;
      return tx.$queryRaw`SELECT coalesce(current_setting('tunesmith.tenant_id', true), '') AS tenant,
        current_user = session_user AS "itself"`;
    }),
  );
  return (await Promise.all(looks)).flat();
}

test('a statement sees its tenant’s rows, and leaves nothing of the tenant on its connection', async () => {
  const [ours, theirs] = tenants;
  if (!ours || !theirs) throw new Error('There are two tenants');
  const seen = await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      const { tenantId } = n % 2 === 0 ? ours : theirs;
      const rows = await db.clientOf(tenantId).dataset.findMany();
      return rows.map((row) => row.tenantId);
    }),
  );
  expect(seen).toEqual(Array.from({ length: 40 }, (_, n) => [(n % 2 === 0 ? ours : theirs).tenantId]));
  for (const left of await settingsLeft()) expect(left).toEqual({ tenant: '', itself: true });
});

test('tenants who ask for one row each in the same moment are kept apart', async () => {
  const found = await Promise.all(
    tenants.flatMap(({ tenantId, datasetId }) =>
      Array.from({ length: 5 }, () => db.clientOf(tenantId).dataset.findUnique({ where: { id: datasetId } })),
    ),
  );
  expect(found.map((dataset) => dataset?.id)).toEqual(
    tenants.flatMap(({ datasetId }) => Array<string>(5).fill(datasetId)),
  );
  const [ours, theirs] = tenants;
  const foreign = await db
    .clientOf(ours?.tenantId ?? '')
    .dataset.findUnique({ where: { id: theirs?.datasetId ?? '' } });
  expect(foreign).toBeNull();
});

test('a statement that fails says why, and those after it work', async () => {
  const tenantId = tenants[0]?.tenantId ?? '';
  const client = db.clientOf(tenantId);
  await expect(client.$queryRaw`SELECT 1 / 0`).rejects.toThrow(/division by zero/);
  await expect(client.$queryRaw`SELECT nonsense`).rejects.toThrow(/nonsense/);
  await expect(client.$queryRaw`DELETE FROM audit_entries`).rejects.toThrow(/permission denied/);
  await expect(client.dataset.findMany({ where: { name: '\0' } })).rejects.toThrow(/invalid byte sequence/);
  expect(await client.dataset.count()).toBe(1);
  await expect(client.$queryRaw`SELECT current_setting('tunesmith.tenant_id') AS tenant`).resolves.toEqual([
    { tenant: tenantId },
  ]);
});

test('a statement that could not be prepared is prepared when it can be', async () => {
  const client = db.clientOf(tenants[0]?.tenantId ?? '');
  const table = `later_${randomUUID().replaceAll('-', '')}`;
  // On each connection, and more often than there are any.
  const ask = () =>
    Promise.allSettled(
      Array.from({ length: 24 }, async () => client.$queryRawUnsafe(`SELECT what FROM "${table}"`)),
    );
  for (const { status } of await ask()) expect(status).toBe('rejected');
  await db.asSystem(async (tx) => {
    await tx.$executeRaw`SET LOCAL ROLE NONE`;
    await tx.$executeRawUnsafe(`CREATE TABLE "${table}" (what text)`);
    await tx.$executeRawUnsafe(`GRANT SELECT ON "${table}" TO tunesmith_app`);
  });
  for (const { status } of await ask()) expect(status).toBe('fulfilled');
  await db.asSystem(async (tx) => {
    await tx.$executeRaw`SET LOCAL ROLE NONE`;
    await tx.$executeRawUnsafe(`DROP TABLE "${table}"`);
  });
});

test('a connection keeps the statements asked last, and no more than it has room for', async () => {
  const client = db.clientOf(tenants[0]?.tenantId ?? '');
  const ask = async (n: number) => client.$queryRawUnsafe(`SELECT ${n} AS of_many`);
  // One after the other goes over one connection, while nobody else asks.
  for (let n = 0; n < 700; n += 1) await ask(n);
  await expect(ask(0)).resolves.toEqual([{ of_many: 0 }]);
  const [left] = await client.$queryRaw<{ kept: number; late: number }[]>`SELECT count(*)::int AS kept,
    count(*) FILTER (WHERE statement LIKE 'SELECT 6__ AS of_many')::int AS late
    FROM pg_prepared_statements WHERE name LIKE 'tunesmith\_%'`;
  expect(left?.kept).toBeLessThanOrEqual(501); // The tenant's settings besides.
  expect(left?.late).toBeGreaterThan(0);
});

/** Ends whoever copies this out, once there is somebody. */
async function endCopyOf(marked: string): Promise<void> {
  for (;;) {
    const rows = await db.asSystem(async (tx) => {
      await tx.$executeRaw`SET LOCAL ROLE NONE`;
      return tx.$queryRaw<object[]>`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND state = 'active' AND query LIKE ${`%COPY (SELECT '${marked}'%`}`;
    });
    if (rows.length > 0) return;
  }
}

test.runIf(process.env['TEST_DATABASE_URL'])(
  'a connection that breaks while it copies is not used again',
  async () => {
    const tenantId = tenants[0]?.tenantId ?? '';
    const marked = randomUUID();
    const copied = db.copyOut(tenantId, Prisma.sql`SELECT ${marked}, pg_sleep(60)::text`, () => undefined);
    const then = copied.catch(async () =>
      Promise.all(Array.from({ length: 12 }, async () => db.clientOf(tenantId).dataset.count())),
    );
    await endCopyOf(marked);
    await expect(copied).rejects.toThrow(/terminat/);
    expect(await then).toEqual(Array.from({ length: 12 }, () => 1));
  },
);

test('a statement of no tenant is refused before it is sent', async () => {
  const pool = new pg.Pool({ host: '127.0.0.1', port: 1 });
  await expect(tenantPool(pool, { timeoutMs: 0 }).pool.query('SELECT 1')).rejects.toThrow(
    'belongs to no tenant',
  );
  await pool.end();
});

test('a transaction of nobody is refused before it begins', async () => {
  const sent: string[] = [];
  const client = { query: (statement: unknown) => void sent.push(String(statement)) };
  const connection: unknown = await tenantPool(poolOf(client), { timeoutMs: 0 }).pool.connect();
  const query: unknown = connection instanceof Object && Reflect.get(connection, 'query');
  if (typeof query !== 'function') throw new Error('A connection takes queries');
  await expect(query({ text: 'BEGIN' })).rejects.toThrow('belongs to neither a tenant nor the system');
  expect(sent).toEqual([]);
  await transactingWith('SELECT 1', async () => query({ text: 'BEGIN' }));
  expect(sent).toEqual(['BEGIN; SELECT 1']);
});

/** A pool whose connections are this one. */
function poolOf(client: object): pg.Pool {
  return Object.assign(new pg.Pool({ host: '127.0.0.1', port: 1 }), { connect: async () => client });
}

test('a long text reaches its transaction’s statement as it is, and is sent once', async () => {
  const [ours] = tenants;
  if (!ours) throw new Error('There are two tenants');
  const text = `"\\u0000" \\ ' $1 ${'🎻 é\n'.repeat(50_000)}`;
  await db.withTenant(ours.tenantId, async (tx) => {
    const long = longText(text);
    const [row] = await tx.$queryRaw<
      { same: string; beside: string }[]
    >`SELECT ${long} AS same, ${'$2'}::text AS beside`;
    expect(row).toEqual({ same: text, beside: '$2' });
    const [again] = await tx.$queryRaw<{ same: string }[]>`SELECT ${long} AS same`;
    expect(again?.same).not.toBe(text);
  });
  expect(() => longText(text)).toThrow('belongs to no transaction');
});
