/** The lines of exports in blocks: found by their examples, read page by page, and kept from losing what they name. */
import { PGlite } from '@electric-sql/pglite';
import { describe, expect, test } from 'vitest';
import { readMigrations } from '../src/db/migrate.ts';
import type { Tx } from '../src/db/tenancy.ts';
import { systemClock } from '../src/services/clock.ts';
import { emptyLines, examplesOfLines, LINES_OF_EXAMPLE } from '../src/services/exportBlocks.ts';
import { freeze } from '../src/services/exportFreeze.ts';
import { createLineageService } from '../src/services/lineage.ts';
import {
  addExamples,
  datasetId,
  db,
  edit,
  exportIt,
  format,
  service,
  setUpExports,
  viewer,
} from './support/exports.ts';

setUpExports();

const asTenant = <T>(work: (tx: Tx) => Promise<T>) => db.withTenant(viewer.tenantId, work);
const unvalidate = (positions: number[], validated = false) =>
  asTenant((tx) =>
    tx.example.updateMany({ where: { datasetId, position: { in: positions } }, data: { validated } }),
  );
const splitIt = (validationShare: number, seed: number) =>
  service.exportDataset(viewer, { datasetId, format, split: { validationShare, seed, groupBy: 'CALL' } });
const begin = (tx: Tx) => freeze(tx, viewer, { datasetId, format, split: null }, systemClock);
const deleteAt = (tx: Tx, position: number) =>
  tx.$executeRaw`DELETE FROM finetuning_examples WHERE dataset_id = ${datasetId}::uuid AND position = ${position}`;
const every = (n: number, most: number) =>
  Array.from({ length: Math.floor(most / n) }, (_, index) => (index + 1) * n);

interface Held {
  exampleId: string;
  exportId: string;
  line: number;
}

/** By taking all blocks apart. */
const heldByLines = () =>
  asTenant(
    (tx) => tx.$queryRaw<Held[]>`
      SELECT example_id AS "exampleId", export_id AS "exportId", line FROM finetuning_export_examples
      WHERE tenant_id = ${viewer.tenantId}::uuid AND example_id IS NOT NULL ORDER BY 1, 2`,
  );

/** By keys. */
const heldByExamples = () =>
  asTenant(
    (tx) => tx.$queryRaw<Held[]>`
      SELECT example.id AS "exampleId", export_id AS "exportId", first_line + nth - 1 AS line
      FROM finetuning_examples AS example CROSS JOIN LATERAL ${LINES_OF_EXAMPLE} AS held
      WHERE example.tenant_id = ${viewer.tenantId}::uuid ORDER BY 1, 2`,
  );

describe('an example', () => {
  test('is found in each export that holds it, whole or split, and in no other', async () => {
    await addExamples(1100, { padding: 640 });
    await exportIt();
    await splitIt(0.2, 1);
    await unvalidate(every(3, 1100));
    await edit(4, 'Another answer');
    await splitIt(0.4, 2);
    await unvalidate(every(2, 1100));
    await exportIt();
    const held = await heldByLines();
    expect(held.length).toBeGreaterThan(3000);
    expect(await heldByExamples()).toEqual(held);
    const [first] = held;
    if (!first) throw new Error('Exports hold examples');
    const found = await createLineageService({ db }).readyBlocks(viewer, [first.exampleId, datasetId]);
    expect(
      found
        .get(first.exampleId)
        ?.map(({ exportId }) => exportId)
        .toSorted(),
    ).toEqual(held.flatMap(({ exampleId, exportId }) => (exampleId === first.exampleId ? [exportId] : [])));
    expect(found.get(datasetId)).toEqual([]);
  });

  test('that was erased leaves its line, and its neighbours where they were', async () => {
    await addExamples(600, { padding: 640 });
    const made = await splitIt(0.25, 3);
    const before = await heldByLines();
    const gone = every(50, 600);
    const ids = await asTenant((tx) =>
      tx.example.findMany({ where: { datasetId, position: { in: gone } }, select: { id: true } }),
    );
    const erased = new Set(ids.map(({ id }) => id));
    await asTenant(async (tx) => {
      await emptyLines(tx, viewer.tenantId, [...erased]);
      for (const position of gone) await deleteAt(tx, position);
    });
    const left = before.filter(({ exampleId }) => !erased.has(exampleId));
    expect(left).toHaveLength(588);
    expect(await heldByLines()).toEqual(left);
    expect(await heldByExamples()).toEqual(left);
    const lines = before.map(({ line }) => line);
    const found = await asTenant((tx) => examplesOfLines(tx, made, [0, 601, ...lines]));
    expect(found).toEqual(
      new Map(before.map(({ exampleId, line }) => [line, erased.has(exampleId) ? null : exampleId])),
    );
  });

  test('that an export holds cannot be deleted, and what none holds can', async () => {
    await addExamples(300);
    await unvalidate([7]);
    const made = await exportIt();
    await expect(asTenant((tx) => deleteAt(tx, 251))).rejects.toThrow(/export holds/);
    expect(await asTenant((tx) => deleteAt(tx, 7))).toBe(1);
    await asTenant((tx) => tx.export.deleteMany({ where: { id: made.id } }));
    expect(await asTenant((tx) => deleteAt(tx, 251))).toBe(1);
  });

  test('that is deleted while an export begins is either not in it, or not deleted', async () => {
    await addExamples(10);
    let begun: Promise<unknown> = Promise.resolve();
    await asTenant(async (tx) => {
      await deleteAt(tx, 3);
      begun = asTenant(begin); // It waits for the dataset that the deletion has changed.
    });
    await begun;
    expect(await heldByLines()).toHaveLength(9);

    await addExamples(1, { first: 11 });
    let deleted: Promise<unknown> = Promise.resolve();
    await asTenant(async (tx) => {
      await begin(tx);
      deleted = asTenant((other) => deleteAt(other, 11));
      deleted.catch(() => undefined);
    });
    await expect(deleted).rejects.toThrow(/export holds/);
    expect(await heldByLines()).toHaveLength(19);
  });
});

test('lines that were kept one by one are kept in blocks', async () => {
  const pglite = await PGlite.create();
  const migrations = await readMigrations();
  const at = migrations.findIndex(({ name }) => name.endsWith('_export_blocks'));
  for (const { sql } of migrations.slice(0, at)) await pglite.exec(sql);
  await pglite.exec(`
    INSERT INTO tenants (name) VALUES ('t');
    INSERT INTO finetuning_datasets (tenant_id, name, last_position) SELECT id, 'd', 700 FROM tenants;
    INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response,
      validated, source, content_hash)
    SELECT tenant_id, id, place, '[]', 'q', 'a', true, 'MANUAL', messages_hash(to_jsonb(place))
    FROM finetuning_datasets, generate_series(1, 700) AS place;
    INSERT INTO finetuning_exports (tenant_id, dataset_id, format, state, selection_hash, example_count, validation_example_count)
    SELECT tenant_id, id, 'OPENAI_CHAT_JSONL', 'READY', '', count, 700 - count
    FROM finetuning_datasets, unnest(ARRAY[700, 500]) AS count;
    INSERT INTO finetuning_export_examples (tenant_id, export_id, line, part, example_id, example_revision)
    SELECT export.tenant_id, export.id,
      row_number() OVER (PARTITION BY export.id ORDER BY export.example_count = 500 AND position % 7 < 2, position),
      CASE WHEN export.example_count = 500 AND position % 7 < 2 THEN 'VALIDATION' ELSE 'TRAINING' END::export_part,
      CASE WHEN position % 250 <> 0 THEN example.id END, position
    FROM finetuning_exports AS export JOIN finetuning_examples AS example USING (dataset_id);`);
  const lines = `SELECT export_id, part, line, example_id, example_revision FROM finetuning_export_examples ORDER BY 1, 3`;
  const before = await pglite.query(lines);
  for (const { sql } of migrations.slice(at)) await pglite.exec(sql);
  expect(before.rows).toHaveLength(1400);
  expect((await pglite.query(lines)).rows).toEqual(before.rows);
  const held = await pglite.query(`
    SELECT count(*)::int AS lines, count(DISTINCT held.export_id)::int AS exports
    FROM finetuning_examples AS example,
      finetuning_export_lines(example.tenant_id, example.dataset_id, example.id, example.position) AS held`);
  expect(held.rows).toEqual([{ lines: 1396, exports: 2 }]);
  const most = await pglite.query(
    'SELECT max(cardinality(example_ids)) AS lines, count(*)::int AS blocks FROM finetuning_export_blocks',
  );
  expect(most.rows).toEqual([{ lines: 250, blocks: 6 }]);
  await pglite.close();
}, 120_000);
