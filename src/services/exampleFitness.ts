/** Which stored examples the providers take. New ones are checked when they come (`parseExample`); older ones may not be. */
import type { Tx } from '../db/tenancy.ts';
import { InvalidInputError } from './errors.ts';
import type { Viewer } from './viewer.ts';

const REASON =
  'The provider does not take it: a message is empty, or a tool answers a call that was not made. Edit it, then validate it.';

/**
 * Rejects what has just been validated, at `validatedAt`, though no provider takes it, and returns how many there were. Examples that were
 * asked for by id are not rejected but refused: throws InvalidInputError, which names them.
 */
export async function refuseUntrainable(
  tx: Tx,
  { tenantId }: Viewer,
  selection: { ids: string[] } | { ids?: undefined; datasetId: string; validatedAt: Date },
  fieldOf = (index: number) => `input.ids[${index}]`,
): Promise<number> {
  if (selection.ids === undefined) {
    return tx.$executeRaw`
      UPDATE finetuning_examples SET validated = false, validated_by = NULL, validated_at = NULL,
        rejected = true, rejected_by = 'rule: trainable', rejected_at = now(), rejection_reason = ${REASON},
        updated_at = now()
      WHERE tenant_id = ${tenantId}::uuid AND dataset_id = ${selection.datasetId}::uuid AND validated
        AND validated_at = ${selection.validatedAt} AND NOT messages_trainable(messages)`;
  }
  const { ids } = selection;
  const unfit = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM finetuning_examples
    WHERE tenant_id = ${tenantId}::uuid AND id = ANY(${ids}::uuid[]) AND NOT messages_trainable(messages)`;
  if (unfit.length === 0) return 0;
  throw new InvalidInputError(
    unfit.map(({ id }) => ({
      field: fieldOf(ids.indexOf(id)),
      message:
        'must be an example that the provider takes; in this one a message is empty, or a tool answers a call that was not made: edit it first',
    })),
  );
}
