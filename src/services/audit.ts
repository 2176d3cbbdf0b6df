/** Who did what to what, when, from where. Entries are written in the transaction of what they tell, and never changed. */
import type { Tx } from '../db/tenancy.ts';
import type { AuditEntry, Prisma } from '../generated/prisma/client.ts';
import type { Viewer } from './viewer.ts';

/** What can have been done, as words that programs can rely on. docs/operating.md says what each is of. */
export const AUDIT_ACTIONS = [
  'ADD_EXAMPLES',
  'ALLOW_CALLER',
  'ASK_MODEL',
  'CANCEL_TRAINING_RUN',
  'COLLECT_EXAMPLES',
  'COMPLETE_ERASURE',
  'CREATE_API_KEY',
  'CREATE_DATASET',
  'CREATE_TENANT',
  'DELETE_CALLER_DATA',
  'DELETE_DATASET',
  'DELETE_EXPORT_FILES',
  'DELETE_PROVIDER_FILES',
  'DOWNLOAD_EXPORT',
  'ERASE_CALLER',
  'EXPORT_DATASET',
  'FIND_DUPLICATES',
  'IMPORT_CALLS',
  'IMPORT_EXAMPLES',
  'KEEP_BEST_OF_DUPLICATES',
  'LAUNCH_TRAINING_RUN',
  'REJECT_EXAMPLES',
  'RESOLVE_TRAINING_RUN',
  'REVIEW_EXAMPLE',
  'REVOKE_API_KEY',
  'SET_MONTHLY_BUDGET',
  'SET_QUALITY_SCORE',
  'TAINT_EXPORT',
  'UNDO_REVIEW',
  'UPDATE_DATASET',
  'UPDATE_EXAMPLE',
  'VALIDATE_EXAMPLES',
] as const;

export interface AuditNote {
  action: (typeof AUDIT_ACTIONS)[number];
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
  { tenantId, subject, address }: Viewer,
  { action, subjectType, subjectId, detail = {} }: AuditNote,
): Promise<AuditEntry> {
  return tx.auditEntry.create({
    data: { tenantId, actor: subject, address: address ?? null, action, subjectType, subjectId, detail },
  });
}
