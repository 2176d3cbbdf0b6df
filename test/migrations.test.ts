import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { expect, test } from 'vitest';
import { schemaDiff } from '../scripts/schemaDiff.ts';
import { openDatabase } from '../src/db/database.ts';
import { lockDirectory } from '../src/db/lock.ts';
import { readMigrations } from '../src/db/migrate.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { startNode } from './cli/support.ts';
import { createServerDatabase } from './support/database.ts';

const onError = (error: Error) => console.error(error);
const migrationChild = fileURLToPath(new URL('support/migrationChild.ts', import.meta.url));
const TENANT = '00000000-0000-7000-8000-000000000009';

test('the migrations say what schema.prisma says', async () => {
  expect(await schemaDiff()).toBe('');
}, 120_000);

test('a new database is migrated, an opened one is left as it is, with its rows', async () => {
  const databaseUrl = await createServerDatabase({ migrated: false });
  const dataDir = mkdtempSync(join(tmpdir(), 'tunesmith-migrations-'));
  const names = (await readMigrations()).map(({ name }) => name);
  const first = await openDatabase({ databaseUrl, dataDir, onError });
  expect(first.migrated).toEqual(names);
  await ensureTenant(first, TENANT, 'kept');
  await first.close();
  const second = await openDatabase({ databaseUrl, dataDir, onError });
  expect(second.migrated).toEqual([]);
  expect(await second.asSystem((tx) => tx.tenant.findMany())).toMatchObject([{ id: TENANT, name: 'kept' }]);
  await second.close();
}, 120_000);

test.runIf(process.env['TEST_DATABASE_URL'])(
  'four that open one new database at once migrate it once',
  async () => {
    const databaseUrl = await createServerDatabase({ migrated: false });
    const names = (await readMigrations()).map(({ name }) => name);
    const opened = await Promise.all(Array.from({ length: 4 }, () => openDatabase({ databaseUrl, onError })));
    expect(opened.map(({ migrated }) => migrated).toSorted((a, b) => a.length - b.length)).toEqual([
      [],
      [],
      [],
      names,
    ]);
    const [any] = opened;
    const applied = await any?.asSystem(async (tx) => {
      await tx.$executeRaw`SET LOCAL ROLE NONE`;
      return tx.$queryRaw`SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY 1`;
    });
    expect(applied).toEqual(names.map((name) => ({ migration_name: name })));
    await Promise.all(opened.map((one) => one.close()));
  },
  60_000,
);

test.skipIf(process.env['TEST_DATABASE_URL'])(
  'a database whose making was broken off is made anew',
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tunesmith-migrations-'));
    const whole = await openDatabase({ dataDir, onError });
    await whole.close();
    // What `kill -9` leaves of a first start: some of the files, not all of them.
    writeFileSync(join(dataDir, 'pgdata.unfinished'), '');
    rmSync(join(dataDir, 'pgdata/global'), { recursive: true });
    const anew = await openDatabase({ dataDir, onError });
    expect(anew.migrated).toEqual((await readMigrations()).map(({ name }) => name));
    await ensureTenant(anew, TENANT, 'kept');
    await anew.close();
    const again = await openDatabase({ dataDir, onError });
    expect(await again.asSystem((tx) => tx.tenant.findMany())).toMatchObject([{ id: TENANT }]);
    await again.close();
  },
  60_000,
);

test('a process that has migrated is not kept from ending', async () => {
  const { code, stdout, stderr } = await startNode(['--import', 'tsx', migrationChild]).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).not.toContain('Timeout');
}, 60_000);

test('a migration that fails says why, and leaves the directory free', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tunesmith-migrations-'));
  const before = await PGlite.create(join(dataDir, 'pgdata'));
  await before.exec('CREATE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql AS $$ SELECT gen_random_uuid() $$');
  await before.close();
  await expect(openDatabase({ dataDir, onError })).rejects.toThrow(/uuid_v7/);
  lockDirectory(dataDir).release();
}, 120_000);

test('what was validated without words is taken back', async () => {
  const pglite = await PGlite.create();
  const migrations = await readMigrations();
  const at = migrations.findIndex(({ name }) => name.endsWith('_trainable_examples'));
  for (const { sql } of migrations.slice(0, at)) await pglite.exec(sql);
  await pglite.exec(`
    INSERT INTO tenants (name) VALUES ('t');
    INSERT INTO finetuning_datasets (tenant_id, name, last_position) SELECT id, 'd', 2 FROM tenants;
    INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response,
      validated, validated_by, source, content_hash)
    SELECT tenant_id, id, place, messages, '', 'a', true, 'me', 'MANUAL', messages_hash(messages)
    FROM finetuning_datasets, jsonb_array_elements('[
      [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
      [{"role": "user", "content": ""}, {"role": "assistant", "content": "a"}]
    ]') WITH ORDINALITY AS listed (messages, place);`);
  for (const { sql } of migrations.slice(at)) await pglite.exec(sql);
  const examples = await pglite.query(
    'SELECT validated, rejected_by FROM finetuning_examples ORDER BY position',
  );
  expect(examples.rows).toEqual([
    { validated: true, rejected_by: null },
    { validated: false, rejected_by: 'rule: trainable' },
  ]);
  const counts = await pglite.query('SELECT validated_count, rejected_count FROM finetuning_datasets');
  expect(counts.rows).toEqual([{ validated_count: 1, rejected_count: 1 }]);
  await pglite.close();
}, 60_000);
