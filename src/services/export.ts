import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import type { Export, ExportFormat } from '../generated/prisma/client.ts';
import { systemClock, type Clock } from './clock.ts';
import { lockDataset } from './dataset.ts';
import { ExportTaintedError, NotFoundError, NothingToExportError } from './errors.ts';
import { readMembers, renderMember } from './exportLines.ts';
import type { ByteRange, ExportStore, StoredFile } from './exportStore.ts';
import { isTainted, TaintedMeanwhileError, taintedMeanwhile } from './exportTaint.ts';
import { CHAT_LINE_VERSION } from './jsonl.ts';
import type { Viewer } from './viewer.ts';

export interface ExportDatasetInput {
  datasetId: string;
  format: ExportFormat;
}

/** An export whose file is complete; `bytes` is the file's size, `sha256` 64 hexadecimal digits. */
export type ReadyExport = Export & { state: 'READY'; bytes: bigint; sha256: string };

export type ExportService = ReturnType<typeof createExportService>;

type Deps = { db: Pick<Database, 'withTenant' | 'asSystem'>; store: ExportStore; clock?: Clock };

export function createExportService({ db, store, clock = systemClock }: Deps) {
  /**
   * Freezes the dataset's validated examples, in the order of their positions, into a file, and returns when the file
   * is complete. The same selection (examples, wordings, system prompt) gives the export that already holds it. An
   * edit during the export changes nothing in it. When it fails, or `signal` aborts it, neither a row nor a half-written
   * file stays behind; a whole file may, which the next export of the same bytes takes.
   * A caller who is erased meanwhile is not in it. Throws NotFoundError, NothingToExportError, ExportTaintedError when
   * the file would be one that held an erased caller's words, and the signal's reason.
   */
  async function exportDataset(
    viewer: Viewer,
    input: ExportDatasetInput,
    signal?: AbortSignal,
  ): Promise<ReadyExport> {
    for (;;) {
      try {
        return await exportOnce(viewer, input, signal);
      } catch (error) {
        if (!(error instanceof TaintedMeanwhileError)) throw error;
      }
    }
  }

  async function exportOnce(
    viewer: Viewer,
    { datasetId, format }: ExportDatasetInput,
    signal?: AbortSignal,
  ): Promise<ReadyExport> {
    if (!isUuid(datasetId)) throw new NotFoundError('dataset', datasetId);
    signal?.throwIfAborted();
    const frozen = await db.withTenant(viewer.tenantId, (tx) => freeze(tx, viewer, datasetId, format, clock));
    if (isReady(frozen)) {
      if (!(await hasFile(frozen))) await restore(viewer, frozen, signal);
      return frozen;
    }
    try {
      const file = await write(viewer, frozen, null, signal);
      const ready = await db.withTenant(viewer.tenantId, (tx) => publish(tx, viewer, frozen, file));
      if (ready) return ready;
      throw new TaintedMeanwhileError();
    } catch (error) {
      const tainted = await db.withTenant(viewer.tenantId, (tx) => isTainted(tx, frozen)).catch(() => false);
      // Should this fail too, sweepAbandoned finds the row later; the first error tells more.
      await db
        .withTenant(viewer.tenantId, (tx) => tx.export.deleteMany({ where: unfinished(frozen) }))
        .catch(() => undefined);
      throw tainted ? new TaintedMeanwhileError() : error;
    }
  }

  /** Whether the store has the file, whole. */
  async function hasFile(ready: ReadyExport): Promise<boolean> {
    return (await store.size(keyOf(ready))) === Number(ready.bytes);
  }

  /** Writes a file that was lost or cut short again, from the wordings that the database kept: the same bytes. */
  async function restore(viewer: Viewer, ready: ReadyExport, signal: AbortSignal | undefined): Promise<void> {
    await store.delete(keyOf(ready)); // A key that is taken keeps its file.
    await write(viewer, ready, ready.sha256, signal);
  }

  /** Writes the export's file page by page; memory does not grow with the export, no transaction lasts longer than a page. */
  async function write(
    viewer: Viewer,
    wanted: Export,
    expectedSha256: string | null,
    signal: AbortSignal | undefined,
  ): Promise<StoredFile> {
    const writer = await store.create();
    try {
      let line = 0;
      while (line < wanted.exampleCount) {
        signal?.throwIfAborted();
        const after = line;
        const page = await db.withTenant(viewer.tenantId, (tx) => readMembers(tx, wanted, after));
        if (page.length === 0) throw new Error(`Export ${wanted.id} was deleted while it was written`);
        await writer.write(page.map((member) => renderMember(wanted, member)).join(''));
        line += page.length;
      }
      signal?.throwIfAborted();
      return await writer.finish((sha256) => {
        if (expectedSha256 !== null && sha256 !== expectedSha256) {
          throw new Error(`Export ${wanted.id} cannot be repeated: its SHA-256 would be ${sha256}`);
        }
        return fileKey(wanted.tenantId, sha256);
      });
    } catch (error) {
      await writer.abort().catch(() => undefined); // The store sweeps what is left; the first error tells more.
      throw error;
    }
  }

  return {
    exportDataset,
    hasFile,
    keyOf,

    /**
     * The export and its dataset's name; one still being written is not visible. Throws NotFoundError,
     * ExportTaintedError.
     */
    async requireReady(
      viewer: Viewer,
      exportId: string,
    ): Promise<ReadyExport & { dataset: { name: string } }> {
      if (!isUuid(exportId)) throw new NotFoundError('export', exportId);
      const found = await db.withTenant(viewer.tenantId, (tx) =>
        tx.export.findFirst({
          where: { id: exportId, tenantId: viewer.tenantId, state: 'READY' },
          include: { dataset: { select: { name: true } } },
        }),
      );
      if (!found || !isReady(found)) throw new NotFoundError('export', exportId);
      if (found.taintedAt !== null) throw new ExportTaintedError();
      return found;
    },

    /** The file's bytes, or those in the range; the stream fails when the store has lost the file. */
    openFile(ready: ReadyExport, range?: ByteRange): Readable {
      return store.open(keyOf(ready), range);
    },

    /**
     * Deletes what processes that died left of exports begun before `olderThan`, of all tenants; returns how many.
     * Leave running ones the time they need: an export that is deleted while it is written fails.
     */
    async sweepAbandoned(olderThan: Date): Promise<number> {
      const { count } = await db.asSystem((tx) =>
        tx.export.deleteMany({ where: { state: 'WRITING', createdAt: { lt: olderThan } } }),
      );
      return count;
    },
  };
}

/** The store's key of the export's file: equal files of a tenant are one. */
function keyOf(ready: Pick<ReadyExport, 'tenantId' | 'sha256'>): string {
  return fileKey(ready.tenantId, ready.sha256);
}

export function fileKey(tenantId: string, sha256: string): string {
  return `${tenantId}/${sha256}.jsonl`;
}

function isReady<Row extends Export>(row: Row): row is Row & ReadyExport {
  return row.state === 'READY' && row.bytes !== null && row.sha256 !== null;
}

function isUuid(id: string): boolean {
  return z.guid().safeParse(id).success;
}

function unfinished({ id, tenantId }: Export) {
  return { id, tenantId, state: 'WRITING' as const };
}

/** Finds the ready export of what is validated now, or begins one and notes which wording will be which line. */
async function freeze(
  tx: Tx,
  viewer: Viewer,
  datasetId: string,
  format: ExportFormat,
  clock: Clock,
): Promise<Export> {
  // Whoever changes examples changes the dataset's counts too, and so waits: both statements see the same examples.
  const { systemPrompt } = await lockDataset(tx, viewer, datasetId);
  const { tenantId } = viewer;
  const header = JSON.stringify([format, CHAT_LINE_VERSION, systemPrompt]);
  const [selection] = await tx.$queryRaw<{ count: number; hash: Uint8Array<ArrayBuffer> }[]>`
    SELECT count(*)::int AS count,
      sha256(convert_to(${header}::text || coalesce(
        string_agg(id::text || ' ' || revision::text, E'\n' ORDER BY position), ''), 'UTF8')) AS hash
    FROM finetuning_examples
    WHERE tenant_id = ${tenantId}::uuid AND dataset_id = ${datasetId}::uuid AND validated`;
  if (!selection || selection.count === 0) throw new NothingToExportError();
  const selectionHash = selection.hash;
  const existing = await tx.export.findFirst({
    where: { tenantId, datasetId, selectionHash, state: 'READY', taintedAt: null },
  });
  if (existing) return existing;
  const begun = await tx.export.create({
    data: {
      tenantId,
      datasetId,
      format,
      systemPrompt,
      selectionHash,
      exampleCount: selection.count,
      createdAt: clock.now(),
    },
  });
  const members = await tx.$executeRaw`
    INSERT INTO finetuning_export_examples (tenant_id, export_id, line, example_id, example_revision)
    SELECT tenant_id, ${begun.id}::uuid, row_number() OVER (ORDER BY position), id, revision
    FROM finetuning_examples
    WHERE tenant_id = ${tenantId}::uuid AND dataset_id = ${datasetId}::uuid AND validated`;
  if (members !== selection.count)
    throw new Error(`${selection.count} examples were counted and ${members} frozen`);
  return begun;
}

/** Makes the export visible; null when it was tainted meanwhile. Of two that wrote the same selection at once, the first to come here stays. */
async function publish(
  tx: Tx,
  viewer: Viewer,
  written: Export,
  file: StoredFile,
): Promise<ReadyExport | null> {
  const { id, tenantId, datasetId, selectionHash } = written;
  await lockDataset(tx, viewer, datasetId);
  const files = { bytes: file.bytes, sha256: file.sha256, validationSha256: null };
  if (await taintedMeanwhile(tx, written, files)) return null;
  const twin = await tx.export.findFirst({
    where: { tenantId, datasetId, selectionHash, state: 'READY', taintedAt: null },
  });
  if (twin && isReady(twin) && twin.sha256 === file.sha256) {
    await tx.export.deleteMany({ where: unfinished(written) });
    return twin;
  }
  const [ready] = await tx.export.updateManyAndReturn({
    where: unfinished(written),
    data: { state: 'READY', bytes: file.bytes, sha256: file.sha256 },
  });
  if (!ready || !isReady(ready)) throw new Error(`Export ${id} was deleted while it was written`);
  return ready;
}
