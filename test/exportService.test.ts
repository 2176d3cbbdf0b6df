import { createHash } from 'node:crypto';
import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { NotFoundError, NothingToExportError } from '../src/services/errors.ts';
import { createExportService } from '../src/services/export.ts';
import {
  addExamples,
  datasetId,
  db,
  directory,
  edit,
  exportIt,
  exportRows,
  format,
  interrupted,
  line,
  memberCount,
  newDataset,
  newViewer,
  service,
  setUpExports,
  store,
  temporaryFiles,
  trainingFile,
  viewer,
} from './support/exports.ts';

setUpExports();

describe('the file', () => {
  test('holds the validated examples in order, and the row tells its size and hash', async () => {
    await addExamples(5);
    await db.withTenant(viewer.tenantId, async (tx) => {
      await tx.example.updateMany({ where: { datasetId, position: 2 }, data: { validated: false } });
      await tx.example.updateMany({
        where: { datasetId, position: 4 },
        data: { validated: false, rejected: true },
      });
    });
    const made = await exportIt();
    const content = await text(service.openFile(trainingFile(made)));
    expect(content).toBe(line(1) + line(3) + line(5));
    expect(made).toMatchObject({
      tenantId: viewer.tenantId,
      datasetId,
      state: 'READY',
      exampleCount: 3,
      systemPrompt: 'Answer as our best agents do.',
      bytes: BigInt(Buffer.byteLength(content)),
      sha256: createHash('sha256').update(content).digest('hex'),
    });
    expect(trainingFile(made).key).toBe(`${viewer.tenantId}/${made.sha256}.jsonl`);
    expect(await service.hasFile(trainingFile(made))).toBe(true);
    expect(await text(service.openFile(trainingFile(made), { start: 1, end: 10 }))).toBe(
      content.slice(1, 11),
    );
    const members = await db.withTenant(viewer.tenantId, (tx) =>
      tx.exportExample.findMany({
        where: { exportId: made.id },
        orderBy: { line: 'asc' },
        include: { example: true },
      }),
    );
    expect(members.map((member) => [member.line, member.example?.position, member.exampleRevision])).toEqual([
      [1, 1, 1],
      [2, 3, 1],
      [3, 5, 1],
    ]);
    expect(await temporaryFiles()).toEqual([]);
  });

  test('carries tools, weights and texts of every kind unchanged', async () => {
    const messages = [
      { role: 'system', content: 'Own.' },
      { role: 'user', content: 'a\n\u2028"\\😀' },
      {
        role: 'assistant',
        content: null,
        weight: 0,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', content: '', tool_call_id: 'c' },
      { role: 'assistant', content: 'Done.' },
    ];
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
    await db.withTenant(viewer.tenantId, (tx) =>
      tx.example.create({
        data: {
          tenantId: viewer.tenantId,
          datasetId,
          position: 1,
          messages,
          tools,
          parallelToolCalls: false,
          userMessage: 'u',
          assistantResponse: 'a',
          validated: true,
          source: 'MANUAL',
          contentHash: new Uint8Array(32),
        },
      }),
    );
    const content = await text(service.openFile(trainingFile(await exportIt())));
    expect(content).toBe(`${JSON.stringify({ messages, tools, parallel_tool_calls: false })}\n`);
  });
});

describe('the same examples', () => {
  test('give the same export, and nothing is written twice', async () => {
    await addExamples(3);
    const first = await exportIt();
    const unwritable = interrupted(() => {
      throw new Error('written twice');
    });
    expect(await unwritable.exportDataset(viewer, { datasetId, format })).toEqual(first);
    expect(await exportRows()).toHaveLength(1);
    expect(await memberCount()).toBe(3);
  });

  test('in two datasets give two exports and one file', async () => {
    await addExamples(3);
    const first = await exportIt();
    const other = await db.withTenant(viewer.tenantId, (tx) =>
      tx.dataset.create({
        data: { tenantId: viewer.tenantId, name: 'Other', systemPrompt: 'Answer as our best agents do.' },
      }),
    );
    await addExamples(3, { dataset: other.id });
    const second = await service.exportDataset(viewer, { datasetId: other.id, format });
    expect(second.id).not.toBe(first.id);
    expect(second.sha256).toBe(first.sha256);
    expect(await readdir(join(directory, viewer.tenantId))).toHaveLength(1);
  });

  test('exported several times at once give one hash and one row', async () => {
    await addExamples(2500);
    const made = await Promise.all([exportIt(), exportIt(), exportIt()]);
    expect(new Set(made.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(await exportRows()).toHaveLength(1);
    expect(await memberCount()).toBe(2500);
    expect(await temporaryFiles()).toEqual([]);
    expect(
      createHash('sha256')
        .update(await text(service.openFile(trainingFile(made[2]))))
        .digest('hex'),
    ).toBe(made[0].sha256);
  });

  test('give a lost or damaged file again, byte for byte', async () => {
    await addExamples(3);
    const first = await exportIt();
    const content = await text(service.openFile(trainingFile(first)));
    const lose = [
      () => store.delete(trainingFile(first).key),
      () => truncate(join(directory, trainingFile(first).key), 10),
    ];
    for (const losing of lose) {
      await losing();
      expect(await service.hasFile(trainingFile(first))).toBe(false);
      expect(await exportIt()).toEqual(first);
      expect(await text(service.openFile(trainingFile(first)))).toBe(content);
    }
    expect(await exportRows()).toHaveLength(1);
  });
});

describe('what was changed gives a new export, while the old one still serves its bytes', () => {
  test.each<[string, () => Promise<unknown>, string]>([
    ['an edited example', () => edit(2, 'Better'), line(1) + line(2, 'Better') + line(3)],
    [
      'a rejected example',
      () =>
        db.withTenant(viewer.tenantId, (tx) =>
          tx.example.updateMany({
            where: { datasetId, position: 2 },
            data: { validated: false, rejected: true },
          }),
        ),
      line(1) + line(3),
    ],
    ['an added example', () => addExamples(1, { first: 4 }), line(1) + line(2) + line(3) + line(4)],
    [
      'another system prompt',
      () =>
        db.withTenant(viewer.tenantId, (tx) =>
          tx.dataset.updateMany({ where: { id: datasetId }, data: { systemPrompt: 'Be brief.' } }),
        ),
      (line(1) + line(2) + line(3)).replaceAll('Answer as our best agents do.', 'Be brief.'),
    ],
  ])('%s', async (_what, change, expected) => {
    await addExamples(3);
    const old = await exportIt();
    await change();
    const made = await exportIt();
    expect(made.id).not.toBe(old.id);
    expect(made.selectionHash).not.toEqual(old.selectionHash);
    expect(await text(service.openFile(trainingFile(made)))).toBe(expected);
    expect(await text(service.openFile(trainingFile(await service.requireReady(viewer, old.id))))).toBe(
      line(1) + line(2) + line(3),
    );
  });
});

describe('refused', () => {
  test('a dataset without validated examples', async () => {
    await expect(exportIt()).rejects.toThrow(NothingToExportError);
    await addExamples(2);
    await db.withTenant(viewer.tenantId, (tx) =>
      tx.example.updateMany({ where: { datasetId }, data: { validated: false } }),
    );
    await expect(exportIt()).rejects.toThrow(NothingToExportError);
    expect(await exportRows()).toEqual([]);
  });

  test.each(['019ab000-0000-7000-8000-000000000001', 'no id at all', ''])(
    'the unknown id "%s"',
    async (id) => {
      await expect(service.exportDataset(viewer, { datasetId: id, format })).rejects.toThrow(NotFoundError);
      await expect(service.requireReady(viewer, id)).rejects.toThrow(NotFoundError);
    },
  );

  test("another tenant's dataset and export", async () => {
    await addExamples(2);
    const made = await exportIt();
    const stranger = await newViewer();
    await expect(service.exportDataset(stranger, { datasetId, format })).rejects.toThrow(NotFoundError);
    await expect(service.requireReady(stranger, made.id)).rejects.toThrow(NotFoundError);
    expect(await service.requireReady(viewer, made.id)).toEqual({ ...made, dataset: { name: 'Calls' } });
  });
});

test('what dead processes left is swept, of all tenants, and nothing else', async () => {
  await addExamples(2);
  const ready = await exportIt();
  const left = await newViewer();
  const leftDataset = await newDataset(left);
  const row = (createdAt: string) => ({
    tenantId: left.tenantId,
    datasetId: leftDataset,
    format,
    selectionHash: new Uint8Array(32),
    exampleCount: 2,
    createdAt: new Date(createdAt),
  });
  await db.withTenant(left.tenantId, (tx) =>
    tx.export.createMany({ data: [row('2026-01-01T00:00:00Z'), row('2026-01-01T02:00:00Z')] }),
  );
  expect(await service.sweepAbandoned(new Date('2026-01-01T01:00:00Z'))).toBe(1);
  const rest = await db.withTenant(left.tenantId, (tx) => tx.export.findMany());
  expect(rest.map(({ createdAt }) => createdAt)).toEqual([new Date('2026-01-01T02:00:00Z')]);
  expect((await service.requireReady(viewer, ready.id)).id).toBe(ready.id);
});

test('an export begins at the time that the clock tells', async () => {
  await addExamples(1);
  const clock = { now: () => new Date('2026-11-23T10:00:00.123Z') };
  const made = await createExportService({ db, store, clock }).exportDataset(viewer, { datasetId, format });
  expect(made.createdAt).toEqual(clock.now());
});
