/** Who did what to what, when. Entries are written in the transaction of what they tell, and never changed. */
import type { Tx } from '../db/tenancy.ts';
import type { AuditEntry, Prisma } from '../generated/prisma/client.ts';
import type { Viewer } from './viewer.ts';

export interface AuditNote {
  /** What was done, as a word that programs can rely on: `SET_MONTHLY_BUDGET`. */
  action: string;
  /** What kind of thing it was done to, by the name of its GraphQL type: `Dataset`. */
  subjectType: string;
  /** The thing's row id, or what stands for it where it has none or must not be told. */
  subjectId: string;
  /** What else is worth knowing. It is kept for good: no personal data in here. */
  detail?: Prisma.InputJsonObject;
}

/** Writes an entry as done by the viewer; it is kept if the transaction is. */
export function recordAudit(
  tx: Tx,
  { tenantId, subject }: Viewer,
  { action, subjectType, subjectId, detail = {} }: AuditNote,
): Promise<AuditEntry> {
  return tx.auditEntry.create({ data: { tenantId, actor: subject, action, subjectType, subjectId, detail } });
}
