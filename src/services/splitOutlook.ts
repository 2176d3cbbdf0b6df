/** Whether a split can be made, as far as a launch finds out while it is waited for; the worker makes it. */
import type { Database } from '../db/database.ts';
import type { Dataset } from '../generated/prisma/client.ts';
import { SplitImpossibleError } from './errors.ts';
import type { Split } from './exportInput.ts';
import { DEFAULT_THRESHOLD, nearDuplicateGroups } from './nearDuplicates.ts';
import { conversationText, shingleSet } from './shingles.ts';
import { MIN_TRAINING, NAMED_EXAMPLES } from './split.ts';
import { createTies, type TiedExample } from './splitTies.ts';

/** As many examples, and as many bytes of them as PostgreSQL stores them, are split on trial. */
const MOST = { examples: 250, bytes: 1024 * 1024 };

/**
 * Throws SplitImpossibleError where the worker would, of what is validated now. Of many or long examples, and of those
 * that are to be redacted before they are compared, only that there are too few is known before.
 */
export async function requireSplittable(
  db: Pick<Database, 'withTenant'>,
  dataset: Dataset,
  split: Split,
): Promise<void> {
  const { tenantId, id, validatedCount, personalDataPolicy } = dataset;
  if (validatedCount <= MIN_TRAINING) throw new SplitImpossibleError(validatedCount, []);
  if (validatedCount > MOST.examples || personalDataPolicy === 'REDACT') return;
  const examples = await db.withTenant(
    tenantId,
    (tx) => tx.$queryRaw<(TiedExample & { id: string })[]>`
    SELECT id, messages, "callId", "callerNumber" FROM (
      SELECT example.id, example.messages, position, call.id AS "callId", caller_number AS "callerNumber",
        sum(pg_column_size(messages)) OVER () AS bytes
      FROM finetuning_examples AS example
      LEFT JOIN call_transcriptions AS call
        ON call.tenant_id = example.tenant_id AND call.id = call_transcription_id
      WHERE example.tenant_id = ${tenantId}::uuid AND dataset_id = ${id}::uuid AND validated
    ) AS example
    WHERE bytes <= ${MOST.bytes}
    ORDER BY position`,
  );
  if (examples.length === 0) return;
  const ties = createTies(examples.length, split);
  for (const example of examples) ties.add(example);
  const shingles = examples.map(({ messages }) => shingleSet(conversationText(messages)));
  ties.joinNearDuplicates(nearDuplicateGroups(shingles, DEFAULT_THRESHOLD));
  const division = ties.divide(split.validationShare);
  if (!('inTheWay' in division)) return;
  const groups = division.inTheWay.map(({ members, ties: why }) => ({
    exampleCount: members.length,
    ties: why,
    exampleIds: members.slice(0, NAMED_EXAMPLES).flatMap((index) => examples[index]?.id ?? []),
  }));
  throw new SplitImpossibleError(examples.length, groups);
}
