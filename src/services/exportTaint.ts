/** Keeps the words of erased callers out of what is exported. */
import type { Tx } from '../db/tenancy.ts';
import type { Export, ExportPart, Prisma } from '../generated/prisma/client.ts';
import { ExportTaintedError } from './errors.ts';

/** A caller whose words the export holds was erased while it was written: begin again, without them. */
export class TaintedMeanwhileError extends Error {
  override readonly name = 'TaintedMeanwhileError';
}

/**
 * Whether an export that is to be published was tainted meanwhile. If so it is kept as tainted, with its files, so that
 * the erasure finds and deletes them; the dataset is locked, and so no erasure is under way. Throws ExportTaintedError
 * when the files are ones that held an erased caller's words before.
 */
export async function taintedMeanwhile(
  tx: Tx,
  { id, tenantId }: Export,
  files: Pick<Prisma.ExportUpdateManyMutationInput, 'bytes' | 'validationBytes'> & {
    sha256: string;
    validationSha256: string | null;
  },
): Promise<boolean> {
  const row = await tx.export.findFirst({ where: { id, tenantId }, select: { taintedAt: true } });
  if (row?.taintedAt) {
    const parts = await tx.$queryRaw<{ part: ExportPart }[]>`
      SELECT DISTINCT part FROM finetuning_export_blocks
      WHERE tenant_id = ${tenantId}::uuid AND export_id = ${id}::uuid AND array_position(example_ids, NULL) IS NOT NULL`;
    const held = parts.flatMap(
      ({ part }) => (part === 'TRAINING' ? files.sha256 : files.validationSha256) ?? [],
    );
    await tx.taintedFile.createMany({
      data: held.map((sha256) => ({ tenantId, sha256 })),
      skipDuplicates: true,
    });
    await tx.export.updateMany({ where: { id, tenantId }, data: { ...files, state: 'READY' } });
    return true;
  }
  const hashes = [files.sha256, files.validationSha256].filter((hash) => hash !== null);
  const known = await tx.taintedFile.findFirst({ where: { tenantId, sha256: { in: hashes } } });
  if (known) throw new ExportTaintedError();
  return false;
}

/** Whether the export, of which lines cannot be read any more, was tainted. */
export async function isTainted(tx: Tx, { id, tenantId }: Export): Promise<boolean> {
  const row = await tx.export.findFirst({ where: { id, tenantId }, select: { taintedAt: true } });
  return row !== null && row.taintedAt !== null;
}
