/** What an erasure does within the database. Each batch is a transaction: all of it happens, or nothing. */
import type { Tx } from '../db/tenancy.ts';
import { Prisma, type CallerErasure } from '../generated/prisma/client.ts';
import { recordAudit } from './audit.ts';
import { emptyLines, LINES_OF_EXAMPLE } from './exportBlocks.ts';
import { askToCancel } from './runCancel.ts';
import { lockRun } from './runChange.ts';
import { isFinal } from './runStatus.ts';
import type { Viewer } from './viewer.ts';

const CALLS_A_BATCH = 200;
/** How long a file may be on its way to a provider that a worker has begun to send, in seconds: as long as an upload may take. */
const UPLOAD_SECONDS = 15 * 60;

/** What was deleted, marked and cancelled. */
export interface Erased {
  calls: number;
  examples: number;
  exports: number;
  runsCancelled: number;
}

/** A dataset was made while the transaction began: begin again. */
export class NewDatasetError extends Error {
  override readonly name = 'NewDatasetError';
}

/**
 * Erases the caller's next calls, with all that was made of them. Returns null when there was no call left.
 *
 * All datasets of the tenant are locked, as everybody does who writes examples or publishes an export: so nothing is
 * collected, exported or launched from what is being deleted. Throws NewDatasetError.
 */
export async function eraseBatch(tx: Tx, viewer: Viewer, erasure: CallerErasure): Promise<Erased | null> {
  const { tenantId } = viewer;
  const datasets = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM finetuning_datasets WHERE tenant_id = ${tenantId}::uuid ORDER BY id FOR UPDATE`;
  const calls = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM call_transcriptions WHERE tenant_id = ${tenantId}::uuid AND caller_number = ${erasure.number}
    ORDER BY call_sid LIMIT ${CALLS_A_BATCH} FOR UPDATE`;
  if (calls.length === 0) return null;
  const callIds = calls.map(({ id }) => id);
  const examples = await tx.example.findMany({
    where: { tenantId, callTranscriptionId: { in: callIds } },
    select: { id: true, datasetId: true },
  });
  const locked = new Set(datasets.map(({ id }) => id));
  if (examples.some(({ datasetId }) => !locked.has(datasetId))) throw new NewDatasetError();
  const exampleIds = examples.map(({ id }) => id);

  const exports = await taintExports(tx, viewer, erasure, exampleIds);
  const runsCancelled = await cancelRuns(tx, viewer, erasure);
  await deleteExamples(tx, tenantId, exampleIds);
  await tx.$executeRaw`
    INSERT INTO caller_suppressions (tenant_id, hash, erasure_id)
    SELECT tenant_id, caller_hash('call', call_sid), ${erasure.id}::uuid FROM call_transcriptions
    WHERE tenant_id = ${tenantId}::uuid AND id = ANY(${callIds}::uuid[])
    ON CONFLICT DO NOTHING`;
  await tx.callTranscription.deleteMany({ where: { tenantId, id: { in: callIds } } });
  const erased = { calls: calls.length, examples: examples.length, exports, runsCancelled };
  await tx.callerErasure.updateMany({
    where: { id: erasure.id, tenantId },
    data: {
      calls: { increment: erased.calls },
      examples: { increment: erased.examples },
      exports: { increment: erased.exports },
      runsCancelled: { increment: erased.runsCancelled },
    },
  });
  await recordAudit(tx, viewer, {
    action: 'DELETE_CALLER_DATA',
    subjectType: 'CallerErasure',
    subjectId: erasure.id,
    detail: { calls: erased.calls, examples: erased.examples },
  });
  return erased;
}

/** The files that hold the examples, by SHA-256, and the exports that hold them or one of those files. */
export async function exportsHolding(
  tx: Tx,
  tenantId: string,
  exampleIds: Prisma.Sql,
): Promise<{ files: string[]; exports: { id: string; untainted: boolean }[] }> {
  const held = await tx.$queryRaw<{ id: string; sha256: string | null }[]>`
    SELECT DISTINCT export.id, CASE held.part WHEN 'TRAINING' THEN sha256 ELSE validation_sha256 END AS sha256
    FROM finetuning_examples AS example
    CROSS JOIN LATERAL ${LINES_OF_EXAMPLE} AS held
    JOIN finetuning_exports AS export ON export.tenant_id = example.tenant_id AND export.id = held.export_id
    WHERE example.tenant_id = ${tenantId}::uuid AND example.id IN (${exampleIds})`;
  const ids = [...new Set(held.map(({ id }) => id))];
  const files = [...new Set(held.flatMap(({ sha256 }) => sha256 ?? []))];
  const exports = await tx.$queryRaw<{ id: string; untainted: boolean }[]>`
    SELECT id, tainted_at IS NULL AS untainted FROM finetuning_exports
    WHERE tenant_id = ${tenantId}::uuid
      AND (id = ANY(${ids}::uuid[]) OR sha256 = ANY(${files}) OR validation_sha256 = ANY(${files}))
    ORDER BY id`;
  return { files, exports };
}

/** Marks the exports that hold the examples, and notes which files have to go. Returns how many were not marked before. */
async function taintExports(
  tx: Tx,
  viewer: Viewer,
  erasure: CallerErasure,
  exampleIds: string[],
): Promise<number> {
  const { tenantId } = viewer;
  const { files, exports } = await exportsHolding(
    tx,
    tenantId,
    Prisma.sql`SELECT unnest(${exampleIds}::uuid[])`,
  );
  const ids = exports.map(({ id }) => id);
  await tx.taintedFile.createMany({
    data: files.map((sha256) => ({ tenantId, sha256 })),
    skipDuplicates: true,
  });
  await tx.$executeRaw`
    UPDATE finetuning_exports SET tainted_at = now()
    WHERE tenant_id = ${tenantId}::uuid AND id = ANY(${ids}::uuid[]) AND tainted_at IS NULL`;
  await tx.$executeRaw`
    INSERT INTO caller_erasure_tasks (tenant_id, erasure_id, kind, export_id)
    SELECT ${tenantId}::uuid, ${erasure.id}::uuid, 'EXPORT_FILES', id FROM unnest(${ids}::uuid[]) AS tainted (id)
    ON CONFLICT DO NOTHING`;
  await tx.$executeRaw`
    INSERT INTO caller_erasure_tasks (tenant_id, erasure_id, kind, export_id, run_id, settles_at)
    SELECT tenant_id, ${erasure.id}::uuid, 'PROVIDER_FILES', export_id, id,
      now() + CASE WHEN step = 'UPLOAD' AND lease_until IS NOT NULL THEN make_interval(secs => ${UPLOAD_SECONDS}::int)
        ELSE interval '0' END
    FROM finetuning_training_runs
    WHERE tenant_id = ${tenantId}::uuid AND export_id = ANY(${ids}::uuid[])
    ON CONFLICT DO NOTHING`;
  const fresh = exports.filter(({ untainted }) => untainted);
  for (const { id } of fresh) {
    await recordAudit(tx, viewer, {
      action: 'TAINT_EXPORT',
      subjectType: 'Export',
      subjectId: id,
      detail: { erasureId: erasure.id },
    });
  }
  return fresh.length;
}

/** Cancels the active runs on the erasure's exports. Returns how many it asked to. */
async function cancelRuns(tx: Tx, viewer: Viewer, erasure: CallerErasure): Promise<number> {
  const { tenantId } = viewer;
  const active = await tx.trainingRun.findMany({
    where: {
      tenantId,
      cancelRequestedAt: null,
      status: { notIn: ['SUCCEEDED', 'FAILED', 'CANCELLED'] },
      erasureTasks: { some: { erasureId: erasure.id } },
    },
    orderBy: { id: 'asc' },
    select: { id: true },
  });
  let cancelled = 0;
  for (const { id } of active) {
    const run = await lockRun(tx, tenantId, id);
    if (isFinal(run.status)) continue;
    await askToCancel(tx, run, 'the erasure of a caller');
    cancelled += 1;
    await recordAudit(tx, viewer, {
      action: 'CANCEL_TRAINING_RUN',
      subjectType: 'TrainingRun',
      subjectId: id,
      detail: { erasureId: erasure.id },
    });
  }
  return cancelled;
}

/** Deletes examples with all that hangs on them. Exports keep their lines' numbers, without the example. */
async function deleteExamples(tx: Tx, tenantId: string, exampleIds: string[]): Promise<void> {
  const these = Prisma.sql`tenant_id = ${tenantId}::uuid AND example_id = ANY(${exampleIds}::uuid[])`;
  const groups = await tx.$queryRaw<{ id: string }[]>`
    SELECT DISTINCT group_id AS id FROM finetuning_duplicate_members WHERE ${these}`;
  await emptyLines(tx, tenantId, exampleIds);
  await tx.$executeRaw`
    DELETE FROM finetuning_examples WHERE tenant_id = ${tenantId}::uuid AND id = ANY(${exampleIds}::uuid[])`;
  if (groups.length === 0) return;
  // A group whose best is gone went with it; of the others some have become smaller.
  const smaller = Prisma.sql`tenant_id = ${tenantId}::uuid AND id = ANY(${groups.map(({ id }) => id)}::uuid[])`;
  await tx.$executeRaw`
    UPDATE finetuning_duplicate_groups AS "group"
    SET size = (SELECT count(*)::int FROM finetuning_duplicate_members AS member WHERE member.group_id = "group".id)
    WHERE ${smaller}`;
  await tx.$executeRaw`DELETE FROM finetuning_duplicate_groups WHERE ${smaller} AND size < 2`;
}
