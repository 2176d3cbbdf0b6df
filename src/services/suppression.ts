/**
 * The numbers and calls that imports must not bring back, since their caller was erased. Only salted hashes are kept.
 * An import holds the list while it writes, so that no call slips in between its look at the list and the erasure.
 */
import type { Tx } from '../db/tenancy.ts';
import type { Viewer } from './viewer.ts';

/** A call that is on the list, by its place in the batch, counted from 0. */
export interface SuppressedCall {
  index: number;
  /** By what it was recognised. */
  by: 'number' | 'call';
  erasedAt: Date;
}

/** Keeps the list as it is until the transaction ends: for imports, any number of which may work at once. */
export async function holdSuppressions(tx: Tx, { tenantId }: Viewer): Promise<void> {
  await tx.$queryRaw`SELECT true FROM pg_advisory_xact_lock_shared(hashtextextended(${listOf(tenantId)}, 0))`;
}

/** Waits for the imports that are writing; others wait until the transaction ends. */
export async function lockSuppressions(tx: Tx, { tenantId }: Viewer): Promise<void> {
  await tx.$queryRaw`SELECT true FROM pg_advisory_xact_lock(hashtextextended(${listOf(tenantId)}, 0))`;
}

const listOf = (tenantId: string) => `caller_suppressions ${tenantId}`;

/** Those of the calls, a JSON list with `callSid` and `phoneNumber`, that are on the list. */
export async function suppressedCalls(
  tx: Tx,
  { tenantId }: Viewer,
  calls: string,
): Promise<SuppressedCall[]> {
  const any = await tx.callerSuppression.findFirst({ where: { tenantId }, select: { erasureId: true } });
  if (!any) return []; // Hashing is not free, and most tenants have nobody on the list.
  return tx.$queryRaw<SuppressedCall[]>`
    SELECT DISTINCT ON (place) (place - 1)::int AS index, kind AS by, erasure.requested_at AS "erasedAt"
    FROM jsonb_array_elements(${calls}::jsonb) WITH ORDINALITY AS listed (call, place)
    CROSS JOIN LATERAL (VALUES
      ('number', normal_phone_number(call->>'phoneNumber')), ('call', call->>'callSid')
    ) AS known (kind, value)
    JOIN caller_suppressions AS suppression
      ON suppression.tenant_id = ${tenantId}::uuid AND suppression.hash = caller_hash(kind, value)
    JOIN caller_erasures AS erasure ON erasure.id = suppression.erasure_id AND erasure.tenant_id = suppression.tenant_id
    ORDER BY place, kind DESC`;
}
