/** What the tests of exports share: a database, and for each test a tenant with a dataset and an empty store. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, vi } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { createExportService, type ExportService } from '../../src/services/export.ts';
import type { ReadyExport } from '../../src/services/exportFiles.ts';
import { createDirectoryStore } from '../../src/services/exportStore/directory.ts';
import type { ExportStore } from '../../src/services/exportStore/port.ts';
import type { Viewer } from '../../src/services/viewer.ts';
import { openTestDatabase } from './database.ts';
import { expectAllClosed } from './openFiles.ts';

export const format = 'OPENAI_CHAT_JSONL' as const;
export let db: Database;
export let directory: string;
export let store: ExportStore;
export let service: ExportService;
export let viewer: Viewer;
export let datasetId: string;

/** To be called once at the top of a test file. */
export function setUpExports(): void {
  vi.setConfig({ testTimeout: 60_000 }); // Thousands of rows, on a machine that may be busy.
  beforeAll(async () => {
    db = await openTestDatabase((error) => {
      throw error;
    });
  }, 120_000);
  afterAll(() => db.close());

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tunesmith-export-'));
    store = createDirectoryStore(directory);
    service = createExportService({ db, store });
    viewer = await newViewer();
    datasetId = await newDataset(viewer, 'Answer as our best agents do.');
    return async () => {
      await expectAllClosed(directory);
      await rm(directory, { recursive: true, force: true });
    };
  });
}

export async function newViewer(): Promise<Viewer> {
  const tenant = await db.asSystem((tx) => tx.tenant.create({ data: { name: randomUUID() } }));
  return { tenantId: tenant.id, subject: 'test', role: 'ADMIN' as const };
}

export async function newDataset(
  { tenantId }: Viewer,
  systemPrompt: string | null = null,
  name = 'Calls',
): Promise<string> {
  const data = { tenantId, name, systemPrompt };
  return (await db.withTenant(tenantId, (tx) => tx.dataset.create({ data }))).id;
}

/** Adds validated examples `Question n`, counted as 12 tokens, from position `first` on, each answer with `padding` more characters. */
export async function addExamples(
  count: number,
  { first = 1, padding = 0, dataset = datasetId } = {},
): Promise<void> {
  await db.withTenant(
    viewer.tenantId,
    (tx) => tx.$executeRaw`
      INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response,
        validated, source, content_hash, tokens)
      SELECT ${viewer.tenantId}::uuid, ${dataset}::uuid, n, messages, 'u', 'a', true, 'MANUAL', messages_hash(messages), 12
      FROM generate_series(${first}::int, ${first + count - 1}::int) AS n,
      LATERAL (SELECT jsonb_build_array(
        jsonb_build_object('content', 'Question ' || n, 'role', 'user'),
        jsonb_build_object('role', 'assistant', 'content', 'Answer ' || n || repeat(md5(n::text), ${padding}::int / 32))
      ) AS messages) AS made`,
  );
}

/** Changes the wording of the example at the position as an edit does: the old one is kept as a revision. */
export async function edit(position: number, answer: string): Promise<void> {
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

export function line(question: number, answer = `Answer ${question}`): string {
  const messages = [
    { role: 'system', content: 'Answer as our best agents do.' },
    { role: 'user', content: `Question ${question}` },
    { role: 'assistant', content: answer },
  ];
  return `${JSON.stringify({ messages })}\n`;
}

export const exportIt = (signal?: AbortSignal) =>
  service.exportDataset(viewer, { datasetId, format }, signal);
export const trainingFile = (made: ReadyExport) => service.trainingFile(made);
export const exportRows = () =>
  db.withTenant(viewer.tenantId, (tx) => tx.export.findMany({ where: { tenantId: viewer.tenantId } }));
export const memberCount = () =>
  db.withTenant(viewer.tenantId, (tx) => tx.exportExample.count({ where: { tenantId: viewer.tenantId } }));
export const temporaryFiles = () => readdir(join(directory, 'tmp'));

/** The service on a store that calls `onWrite` before each write, with the number of the write, from 1. */
export function interrupted(onWrite: (write: number) => Promise<void> | void): ExportService {
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
