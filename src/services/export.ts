import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import type { Export, ExportPart } from '../generated/prisma/client.ts';
import { systemClock, type Clock } from './clock.ts';
import { noCrash, type ReachCrashPoint } from './crashPoint.ts';
import { lockDataset } from './dataset.ts';
import { ExportTaintedError, NotFoundError } from './errors.ts';
import { freeze, readyTwin } from './exportFreeze.ts';
import { splitSchema, type ExportDatasetInput } from './exportInput.ts';
import { deleteUnneeded, keepFiles } from './exportFileKeeping.ts';
import {
  filesOf,
  isReady,
  keyOf,
  trainingFile,
  validationFile,
  type ExportFile,
  type ReadyExport,
} from './exportFiles.ts';
import { sweepOrphans } from './exportOrphans.ts';
import { assignParts } from './exportSplit.ts';
import type { LineStage } from './exportStage.ts';
import type { ByteRange, ExportStore, StoredFile } from './exportStore/port.ts';
import { isTainted, TaintedMeanwhileError, taintedMeanwhile } from './exportTaint.ts';
import { writeFiles, type WrittenFiles } from './exportWriting.ts';
import { parseInput } from './input.ts';
import type { Viewer } from './viewer.ts';
import { recordAudit } from './audit.ts';

export type ExportService = ReturnType<typeof createExportService>;

interface Deps {
  db: Pick<Database, 'withTenant' | 'asSystem' | 'copyOut'>;
  store: ExportStore;
  clock?: Clock;
  /** What happens to each line on its way, in this order. */
  stages?: readonly LineStage[];
  reach?: ReachCrashPoint | undefined;
}

export function createExportService({ db, store, clock = systemClock, stages = [], reach = noCrash }: Deps) {
  /**
   * Freezes the dataset's validated examples, in the order of their positions, into a file, and returns when the file
   * is complete. The same selection (examples, wordings, system prompt, format, split) gives the export that already
   * holds it. An edit during the export changes nothing in it. When it fails, or `signal` aborts it, neither a row nor a
   * half-written file stays behind; a whole file may, which the next export of the same bytes takes.
   * Nor is a caller in it who is erased meanwhile. Throws InvalidInputError, NotFoundError, NothingToExportError,
   * NothingToPairError, SplitImpossibleError, FormatCannotHoldError, ExportTaintedError when a file would be one that held
   * an erased caller's words, and the signal's reason.
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
    { datasetId, format, split }: ExportDatasetInput,
    signal?: AbortSignal,
  ): Promise<ReadyExport> {
    if (!isUuid(datasetId)) throw new NotFoundError('dataset', datasetId);
    const wanted = split ? parseInput(splitSchema, split, 'input.split') : null;
    signal?.throwIfAborted();
    const request = { datasetId, format, split: wanted };
    const frozen = await db.withTenant(viewer.tenantId, (tx) => freeze(tx, viewer, request, clock));
    if (isReady(frozen)) {
      await restore(frozen, signal);
      return frozen;
    }
    try {
      const placed = wanted ? await assignParts({ db, stages }, frozen, signal) : frozen;
      const files = await writeFiles({ db, store, stages }, placed, keyOf(placed), signal);
      reach('exportWritten', frozen.id);
      const ready = await db
        .withTenant(viewer.tenantId, (tx) => publish(tx, viewer, frozen, files))
        .catch(async (error: unknown) => {
          if (error instanceof ExportTaintedError) await drop(frozen, [files.training, files.validation]);
          throw error;
        });
      if (!ready) throw new TaintedMeanwhileError();
      await restore(ready, signal); // A sweep may have taken a file for an orphan until the row was there.
      return ready;
    } catch (error) {
      const tainted = await isTaintedNow(frozen).catch(() => false);
      // Should this fail too, sweepAbandoned finds the row later; the first error tells more.
      await db
        .withTenant(viewer.tenantId, (tx) => tx.export.deleteMany({ where: unfinished(frozen) }))
        .catch(() => undefined);
      throw tainted ? new TaintedMeanwhileError() : error;
    }
  }

  /** Whether the store has the file, whole. */
  async function hasFile(file: ExportFile): Promise<boolean> {
    return (await store.size(file.key)) === file.bytes;
  }

  /** Deletes files that hold, or may hold, what an erased caller said. */
  async function drop(
    { tenantId }: Export,
    files: (Pick<StoredFile, 'key' | 'sha256'> | null)[],
  ): Promise<void> {
    for (const file of files) if (file) await deleteUnneeded({ db, store }, tenantId, file);
  }

  const isTaintedNow = (row: Export) => db.withTenant(row.tenantId, (tx) => isTainted(tx, row));

  /**
   * Writes files that were lost or cut short again, from the wordings that the database kept: the same bytes. Throws
   * TaintedMeanwhileError when a caller in them was erased meanwhile; then they are not there.
   */
  async function restore(ready: ReadyExport, signal: AbortSignal | undefined): Promise<void> {
    let lost = false;
    for (const file of [trainingFile(ready), validationFile(ready)]) {
      if (file === null || (await hasFile(file))) continue;
      await store.delete(file.key); // A key that is taken keeps its file.
      lost = true;
    }
    if (!lost) return;
    try {
      await writeFiles({ db, store, stages }, ready, keyOf(ready), signal);
    } catch (error) {
      throw (await isTaintedNow(ready)) ? new TaintedMeanwhileError() : error;
    }
    // An erasure that came meanwhile has looked for the files before they were there.
    if (!(await isTaintedNow(ready))) return;
    await drop(ready, filesOf(ready));
    throw new TaintedMeanwhileError();
  }

  return {
    exportDataset,
    hasFile,
    trainingFile,
    validationFile,

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

    /** Notes that one of the export's files goes out, before it does. */
    async noteDownload(viewer: Viewer, { id, sha256 }: ReadyExport, part: ExportPart): Promise<void> {
      const detail = { part, sha256 };
      await db.withTenant(viewer.tenantId, (tx) =>
        recordAudit(tx, viewer, { action: 'DOWNLOAD_EXPORT', subjectType: 'Export', subjectId: id, detail }),
      );
    },

    /** The file's bytes, or those in the range; the stream fails when the store has lost the file. */
    openFile(file: ExportFile, range?: ByteRange): Readable {
      return store.open(file.key, range);
    },

    /** The same, piece by piece; each is good until the next is asked for. */
    piecesOf(file: ExportFile, range?: ByteRange): AsyncIterable<Buffer> {
      return store.pieces(file.key, range);
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

    /** Deletes whole files that were written before `olderThan` and are no export's, of all tenants; returns how many. */
    sweepOrphans: (olderThan: Date, signal: AbortSignal): Promise<number> =>
      sweepOrphans({ db, store }, olderThan, signal),
  };
}

function isUuid(id: string): boolean {
  return z.guid().safeParse(id).success;
}

function unfinished({ id, tenantId }: Export) {
  return { id, tenantId, state: 'WRITING' as const };
}

/** Makes the export visible; null when it was tainted meanwhile. Of two that wrote the same selection at once, the first to come here stays. */
async function publish(
  tx: Tx,
  viewer: Viewer,
  written: Export,
  { training, validation, findings }: WrittenFiles,
): Promise<ReadyExport | null> {
  await lockDataset(tx, viewer, written.datasetId);
  await keepFiles(tx, [training.key, ...(validation ? [validation.key] : [])]);
  const files = {
    bytes: training.bytes,
    sha256: training.sha256,
    validationBytes: validation?.bytes ?? null,
    validationSha256: validation?.sha256 ?? null,
  };
  if (await taintedMeanwhile(tx, written, files)) return null;
  const twin = await tx.export.findFirst({ where: readyTwin(written) });
  if (twin?.sha256 === files.sha256 && twin.validationSha256 === files.validationSha256 && isReady(twin)) {
    await tx.export.deleteMany({ where: unfinished(written) });
    return twin;
  }
  const [ready] = await tx.export.updateManyAndReturn({
    where: unfinished(written),
    data: { ...findings, ...files, state: 'READY' },
  });
  if (!ready || !isReady(ready)) throw new Error(`Export ${written.id} was deleted while it was written`);
  await recordAudit(tx, viewer, {
    action: 'EXPORT_DATASET',
    subjectType: 'Export',
    subjectId: ready.id,
    detail: { format: ready.format, examples: ready.exampleCount, sha256: ready.sha256 },
  });
  return ready;
}
