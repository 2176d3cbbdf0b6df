import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type Database } from '../src/db/database.ts';
import { NotFoundError, NothingToExportError } from '../src/services/errors.ts';
import { createExportService, type ExportService } from '../src/services/export.ts';
import { createDirectoryStore, type ExportStore } from '../src/services/exportStore.ts';
import type { Viewer } from '../src/services/viewer.ts';

const format = 'OPENAI_CHAT_JSONL' as const;
let db: Database;
let directory: string;
let store: ExportStore;
let service: ExportService;
let viewer: Viewer;
let datasetId: string;

beforeAll(async () => {
  db = await openDatabase({
    onError: (error) => {
      throw error;
    },
  });
}, 120_000);
afterAll(() => db.close());

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tunesmith-export-'));
  store = createDirectoryStore(directory);
  service = createExportService({ db, store });
  viewer = await newViewer();
  datasetId = await newDataset(viewer, 'Answer as our best agents do.');
  return () => rm(directory, { recursive: true, force: true });
});

async function newViewer(): Promise<Viewer> {
  const tenant = await db.asSystem((tx) => tx.tenant.create({ data: { name: 'Test' } }));
  return { tenantId: tenant.id, subject: 'test' };
}

async function newDataset({ tenantId }: Viewer, systemPrompt: string | null = null): Promise<string> {
  const data = { tenantId, name: 'Calls', systemPrompt };
  return (await db.withTenant(tenantId, (tx) => tx.dataset.create({ data }))).id;
}

/** Adds validated examples `Question n` from position `first` on, each answer with `padding` more characters. */
async function addExamples(
  count: number,
  { first = 1, padding = 0, dataset = datasetId } = {},
): Promise<void> {
  await db.withTenant(
    viewer.tenantId,
    (tx) => tx.$executeRaw`
      INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response,
        validated, source, content_hash)
      SELECT ${viewer.tenantId}::uuid, ${dataset}::uuid, n, messages, 'u', 'a', true, 'MANUAL', messages_hash(messages)
      FROM generate_series(${first}::int, ${first + count - 1}::int) AS n,
      LATERAL (SELECT jsonb_build_array(
        jsonb_build_object('content', 'Question ' || n, 'role', 'user'),
        jsonb_build_object('role', 'assistant', 'content', 'Answer ' || n || repeat(md5(n::text), ${padding}::int / 32))
      ) AS messages) AS made`,
  );
}

/** Changes the wording of the example at the position as an edit does: the old one is kept as a revision. */
async function edit(position: number, answer: string): Promise<void> {
  const { tenantId } = viewer;
  await db.withTenant(tenantId, async (tx) => {
    await tx.$executeRaw`
      INSERT INTO finetuning_example_revisions (tenant_id, example_id, revision, messages, tools, parallel_tool_calls, replaced_by)
      SELECT tenant_id, id, revision, messages, tools, parallel_tool_calls, 'test' FROM finetuning_examples
      WHERE dataset_id = ${datasetId}::uuid AND position = ${position}`;
    await tx.$executeRaw`
      UPDATE finetuning_examples SET revision = revision + 1,
        messages = jsonb_set(messages, '{1,content}', to_jsonb(${answer}::text)),
        content_hash = messages_hash(jsonb_set(messages, '{1,content}', to_jsonb(${answer}::text)))
      WHERE dataset_id = ${datasetId}::uuid AND position = ${position}`;
  });
}

function line(question: number, answer = `Answer ${question}`): string {
  const messages = [
    { role: 'system', content: 'Answer as our best agents do.' },
    { role: 'user', content: `Question ${question}` },
    { role: 'assistant', content: answer },
  ];
  return `${JSON.stringify({ messages })}\n`;
}

const exportIt = (signal?: AbortSignal) => service.exportDataset(viewer, { datasetId, format }, signal);
const exportRows = () =>
  db.withTenant(viewer.tenantId, (tx) => tx.export.findMany({ where: { tenantId: viewer.tenantId } }));
const memberCount = () =>
  db.withTenant(viewer.tenantId, (tx) => tx.exportExample.count({ where: { tenantId: viewer.tenantId } }));
const temporaryFiles = () => readdir(join(directory, 'tmp'));

/** The service on a store that calls `onWrite` before each write, with the number of the write, from 1. */
function interrupted(onWrite: (write: number) => Promise<void> | void): ExportService {
  return createExportService({
    db,
    store: {
      ...store,
      async create() {
        const writer = await store.create();
        let writes = 0;
        return {
          ...writer,
          async write(chunk) {
            await onWrite((writes += 1));
            await writer.write(chunk);
          },
        };
      },
    },
  });
}

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
    const content = await text(service.openFile(made));
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
    expect(service.keyOf(made)).toBe(`${viewer.tenantId}/${made.sha256}.jsonl`);
    expect(await service.hasFile(made)).toBe(true);
    expect(await text(service.openFile(made, { start: 1, end: 10 }))).toBe(content.slice(1, 11));
    const members = await db.withTenant(viewer.tenantId, (tx) =>
      tx.exportExample.findMany({
        where: { exportId: made.id },
        orderBy: { line: 'asc' },
        include: { example: true },
      }),
    );
    expect(members.map((member) => [member.line, member.example.position, member.exampleRevision])).toEqual([
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
    const content = await text(service.openFile(await exportIt()));
    expect(content).toBe(`${JSON.stringify({ messages, tools, parallel_tool_calls: false })}\n`);
  });

  test(
    'of 20,000 examples is written in memory that does not grow with it',
    { timeout: 240_000 },
    async () => {
      await addExamples(20_000, { padding: 4096 });
      setFlagsFromString('--expose-gc');
      const collectGarbage: () => void = runInNewContext('gc');
      const held: number[] = [];
      const measured = interrupted((write) => {
        if (write % 4 !== 0) return;
        collectGarbage();
        const { heapUsed, external } = process.memoryUsage();
        held.push((heapUsed + external) / 1024 / 1024);
      });
      const made = await measured.exportDataset(viewer, { datasetId, format });
      expect(Number(made.bytes)).toBeGreaterThan(80e6);
      expect(held.length).toBeGreaterThan(4);
      expect(Math.max(...held) - Math.min(...held)).toBeLessThan(25);

      const hash = createHash('sha256');
      let [lines, bytes] = [0, 0];
      for await (const chunk of service.openFile(made)) {
        if (!Buffer.isBuffer(chunk)) throw new Error('The file is read as bytes');
        hash.update(chunk);
        bytes += chunk.length;
        for (const byte of chunk) if (byte === 10) lines += 1;
      }
      expect({ lines, bytes: BigInt(bytes), sha256: hash.digest('hex') }).toEqual({
        lines: 20_000,
        bytes: made.bytes,
        sha256: made.sha256,
      });
    },
  );

  test('is read in pages of bounded size, and a line longer than a page is still written', async () => {
    await addExamples(3, { padding: 6 * 1024 * 1024 });
    await addExamples(2000, { first: 4 });
    let pages = 0;
    const counted = interrupted((write) => {
      pages = write;
    });
    const made = await counted.exportDataset(viewer, { datasetId, format });
    expect(made.exampleCount).toBe(2003);
    // md5 repeated compresses well, so how many long lines share a page is PostgreSQL's to say.
    expect(pages).toBeGreaterThanOrEqual(3);
    const content = await text(service.openFile(made));
    expect(content.split('\n')).toHaveLength(2004);
    expect(content.endsWith(line(2002) + line(2003))).toBe(true);
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
        .update(await text(service.openFile(made[2])))
        .digest('hex'),
    ).toBe(made[0].sha256);
  });

  test('give a lost file again, byte for byte, though an example has been edited since and put back', async () => {
    await addExamples(3);
    const first = await exportIt();
    const content = await text(service.openFile(first));
    await store.delete(service.keyOf(first));
    expect(await service.hasFile(first)).toBe(false);
    expect(await exportIt()).toEqual(first);
    expect(await text(service.openFile(first))).toBe(content);
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
    expect(await text(service.openFile(made))).toBe(expected);
    expect(await text(service.openFile(await service.requireReady(viewer, old.id)))).toBe(
      line(1) + line(2) + line(3),
    );
  });
});

describe('while the file is written', () => {
  test('edits, reviews and new examples change nothing in it', async () => {
    await addExamples(2500);
    const reference = Array.from({ length: 2500 }, (_, index) => line(index + 1)).join('');
    const disturbed = interrupted(async (write) => {
      if (write !== 1) return;
      await edit(1, 'too late for page one');
      await edit(1500, 'edited once');
      await edit(1500, 'edited twice');
      await db.withTenant(viewer.tenantId, async (tx) => {
        await tx.example.updateMany({ where: { datasetId, position: 2400 }, data: { validated: false } });
        await tx.dataset.updateMany({ where: { id: datasetId }, data: { systemPrompt: 'Changed.' } });
      });
      await addExamples(10, { first: 2501 });
    });
    const made = await disturbed.exportDataset(viewer, { datasetId, format });
    const content = await text(service.openFile(made));
    expect(content === reference).toBe(true);
    expect(made.systemPrompt).toBe('Answer as our best agents do.');
  });

  test('it is not visible', async () => {
    await addExamples(1);
    let seen: unknown;
    const watched = interrupted(async () => {
      const [row] = await exportRows();
      expect(row?.state).toBe('WRITING');
      seen = await service.requireReady(viewer, row?.id ?? '').catch((error: unknown) => error);
    });
    await watched.exportDataset(viewer, { datasetId, format });
    expect(seen).toBeInstanceOf(NotFoundError);
  });

  test('a failure leaves nothing behind, and the next export succeeds', async () => {
    await addExamples(2500);
    const failing = interrupted((write) => {
      if (write === 2) throw new Error('disk full');
    });
    await expect(failing.exportDataset(viewer, { datasetId, format })).rejects.toThrow('disk full');
    expect(await exportRows()).toEqual([]);
    expect(await memberCount()).toBe(0);
    expect(await temporaryFiles()).toEqual([]);
    expect((await exportIt()).exampleCount).toBe(2500);
  });

  test('an abort leaves nothing behind', async () => {
    await addExamples(2500);
    const controller = new AbortController();
    const aborted = interrupted(() => controller.abort(new Error('not wanted any more')));
    await expect(aborted.exportDataset(viewer, { datasetId, format }, controller.signal)).rejects.toThrow(
      'not wanted any more',
    );
    expect(await exportRows()).toEqual([]);
    expect(await temporaryFiles()).toEqual([]);
    await expect(exportIt(controller.signal)).rejects.toThrow('not wanted any more');
  });

  test('its deletion makes it fail, not end early', async () => {
    await addExamples(2500);
    const swept = interrupted(async (write) => {
      if (write === 2) await service.sweepAbandoned(new Date(Date.now() + 60_000));
    });
    await expect(swept.exportDataset(viewer, { datasetId, format })).rejects.toThrow(
      'was deleted while it was written',
    );
    expect(await temporaryFiles()).toEqual([]);
  });

  test('an example in a shape that cannot be written is named by its line, and its words are not', async () => {
    await addExamples(3);
    await db.withTenant(viewer.tenantId, (tx) =>
      tx.example.updateMany({
        where: { datasetId, position: 2 },
        data: { messages: [{ role: 'oracle', content: 'secret' }] },
      }),
    );
    const error: unknown = await exportIt().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^Line 2 of export .* cannot be written$/),
      cause: { message: expect.not.stringContaining('secret') },
    });
    expect(await exportRows()).toEqual([]);
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
