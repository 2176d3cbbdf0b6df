/** Asking that a caller be erased, or let in again: what is noted before anything is done. */
import type { Tx } from '../db/tenancy.ts';
import { Prisma, type CallerErasure } from '../generated/prisma/client.ts';
import { recordAudit } from './audit.ts';
import { callerNumber } from './callerNumber.ts';
import { exportsHolding } from './erasureData.ts';
import { CallerNotErasedError } from './errors.ts';
import { modelsOfExports, type TrainedModel } from './lineage.ts';
import { lockSuppressions } from './suppression.ts';
import type { Viewer } from './viewer.ts';

/** What an erasure has done, or would do. */
export interface ErasureCounts {
  calls: number;
  examples: number;
  exports: number;
  files: number;
  /** Runs whose files at the provider are not known to be gone. */
  providerFilesPending: number;
  runsCancelled: number;
  models: TrainedModel[];
}

/**
 * How long an erasure is left to whoever asked for it, who would else be told that nothing was there to erase, in
 * milliseconds; longer than they try. Past it the job takes up what a kill has left.
 */
const HEAD_START = 20_000;

const afterWhoAsked = (): Date => new Date(Date.now() + HEAD_START);

/**
 * Puts the caller on the list of those whom imports reject, and notes that their data have to go. A caller who is on
 * the list already keeps their erasure, which is taken up again should there be calls of theirs.
 * Throws InvalidInputError.
 */
export async function beginErasure(tx: Tx, viewer: Viewer, phoneNumber: string): Promise<CallerErasure> {
  const { tenantId } = viewer;
  const number = await callerNumber(tx, phoneNumber, 'input.phoneNumber');
  await lockSuppressions(tx, viewer);
  const before = await suppressing(tx, tenantId, number);
  if (before) {
    const left = await tx.callTranscription.findFirst({
      where: { tenantId, callerNumber: number },
      select: { id: true },
    });
    if (!left || before.dataErasedAt === null) return before;
    const [reopened] = await tx.callerErasure.updateManyAndReturn({
      where: { id: before.id, tenantId },
      data: { number, dataErasedAt: null, completedAt: null, nextAttemptAt: afterWhoAsked() },
    });
    return reopened ?? before;
  }
  const numberHash = await hashOf(tx, number);
  const erasure = await tx.callerErasure.create({
    data: {
      tenantId,
      number,
      numberHash,
      numberEnding: number.slice(-2),
      requestedBy: viewer.subject,
      nextAttemptAt: afterWhoAsked(),
    },
  });
  await tx.callerSuppression.create({ data: { tenantId, hash: numberHash, erasureId: erasure.id } });
  await recordAudit(tx, viewer, {
    action: 'ERASE_CALLER',
    subjectType: 'CallerErasure',
    subjectId: erasure.id,
    detail: { numberEnding: erasure.numberEnding },
  });
  return erasure;
}

/** Takes the caller and their calls from the list. Throws InvalidInputError, CallerNotErasedError. */
export async function liftErasure(tx: Tx, viewer: Viewer, phoneNumber: string): Promise<CallerErasure> {
  const { tenantId } = viewer;
  const number = await callerNumber(tx, phoneNumber, 'input.phoneNumber');
  await lockSuppressions(tx, viewer);
  const erasure = await suppressing(tx, tenantId, number);
  if (!erasure) throw new CallerNotErasedError();
  await tx.callerSuppression.deleteMany({ where: { tenantId, erasureId: erasure.id } });
  const [lifted] = await tx.callerErasure.updateManyAndReturn({
    where: { id: erasure.id, tenantId },
    data: { liftedAt: new Date() },
  });
  await recordAudit(tx, viewer, {
    action: 'ALLOW_CALLER',
    subjectType: 'CallerErasure',
    subjectId: erasure.id,
    detail: { numberEnding: erasure.numberEnding },
  });
  return lifted ?? erasure;
}

/** What the erasure would do. Throws InvalidInputError. */
export async function previewErasure(
  tx: Tx,
  { tenantId }: Viewer,
  phoneNumber: string,
): Promise<ErasureCounts> {
  const number = await callerNumber(tx, phoneNumber, 'input.phoneNumber');
  const examplesOfCaller = Prisma.sql`
    SELECT example.id FROM call_transcriptions AS call
    JOIN finetuning_examples AS example
      ON example.tenant_id = call.tenant_id AND example.call_transcription_id = call.id
    WHERE call.tenant_id = ${tenantId}::uuid AND call.caller_number = ${number}`;
  const [counts] = await tx.$queryRaw<{ calls: number; examples: number }[]>`
    SELECT (SELECT count(*)::int FROM (${examplesOfCaller}) AS example) AS examples,
      (SELECT count(*)::int FROM call_transcriptions
        WHERE tenant_id = ${tenantId}::uuid AND caller_number = ${number}) AS calls`;
  const { exports } = await exportsHolding(tx, tenantId, examplesOfCaller);
  const fresh = exports.flatMap(({ id, untainted }) => (untainted ? [id] : []));
  const files = await tx.export.findMany({
    where: { tenantId, id: { in: fresh } },
    select: { sha256: true, validationSha256: true },
  });
  const runs = await tx.trainingRun.findMany({
    where: { tenantId, exportId: { in: fresh } },
    select: { status: true, cancelRequestedAt: true },
  });
  const active = runs.filter(
    ({ status, cancelRequestedAt }) =>
      cancelRequestedAt === null && !['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(status),
  );
  return {
    calls: counts?.calls ?? 0,
    examples: counts?.examples ?? 0,
    exports: fresh.length,
    files: new Set(
      files.flatMap(({ sha256, validationSha256 }) => [sha256 ?? [], validationSha256 ?? []].flat()),
    ).size,
    providerFilesPending: runs.length,
    runsCancelled: active.length,
    models: await modelsOfExports(
      tx,
      tenantId,
      exports.map(({ id }) => id),
    ),
  };
}

/** The salted hash that stands for the number. */
export async function hashOf(tx: Tx, number: string): Promise<Uint8Array<ArrayBuffer>> {
  const [row] = await tx.$queryRaw<{ hash: Uint8Array<ArrayBuffer> | null }[]>`
    SELECT caller_hash('number', ${number}) AS hash`;
  if (!row?.hash) throw new Error('The tenant is not there');
  return row.hash;
}

async function suppressing(tx: Tx, tenantId: string, number: string): Promise<CallerErasure | null> {
  const hash = await hashOf(tx, number);
  const found = await tx.callerSuppression.findFirst({
    where: { tenantId, hash },
    include: { erasure: true },
  });
  return found?.erasure ?? null;
}
