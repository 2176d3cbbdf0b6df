/** What an export of a dataset would say of the personal data in it, as far as its examples were searched. */
import type { Tx } from '../../db/tenancy.ts';
import type { Dataset } from '../../generated/prisma/client.ts';
import { RULES_VERSION, type PersonalDataKind } from '../personalData/kinds.ts';
import type { Findings } from './findings.ts';
import { error, warning } from './rule.ts';

const blocked = error(
  'PERSONAL_DATA_FOUND',
  'The example holds personal data, and the dataset is not exported with it. Edit or reject the example, or set personalDataPolicy to REDACT.',
);
const allowed = warning(
  'PERSONAL_DATA_ALLOWED',
  'Validated examples hold personal data, which the provider is given as it is. Set personalDataPolicy to REDACT to replace it.',
);

/** Of a dataset that blocks it, the first `most` examples; of one that allows it, how many; REDACT replaces it. */
export async function checkPersonalData(
  tx: Tx,
  dataset: Pick<Dataset, 'id' | 'tenantId' | 'personalDataPolicy'>,
  most: number,
  findings: Findings,
): Promise<void> {
  if (dataset.personalDataPolicy === 'BLOCK') {
    for (const { exampleId, kinds } of await flagged(tx, dataset, most))
      findings.add(blocked, { exampleId }, kinds.join(', '));
  } else if (dataset.personalDataPolicy === 'ALLOW') {
    const examples = await countFlagged(tx, dataset);
    if (examples > 0) findings.add(allowed, {}, `${examples} of them`);
  }
}

// Both spell out `validated AND flagged`, so that the planner sees that the index of these holds them all.

/** What older rules found is searched again soon, and may be nothing by the present ones, which an export goes by. */
function flagged(
  tx: Tx,
  { id, tenantId }: Pick<Dataset, 'id' | 'tenantId'>,
  most: number,
): Promise<{ exampleId: string; kinds: PersonalDataKind[] }[]> {
  return tx.$queryRaw`
    SELECT example.id AS "exampleId", scan.kinds
    FROM finetuning_examples AS example
    JOIN finetuning_example_scans AS scan ON scan.example_id = example.id AND scan.tenant_id = example.tenant_id
    WHERE example.tenant_id = ${tenantId}::uuid AND example.dataset_id = ${id}::uuid AND validated AND flagged
      AND scan.rules = ${RULES_VERSION}::int AND scan.finding_count > 0
    ORDER BY example.position LIMIT ${most}::int`;
}

async function countFlagged(tx: Tx, { id, tenantId }: Pick<Dataset, 'id' | 'tenantId'>): Promise<number> {
  const [row] = await tx.$queryRaw<{ examples: number }[]>`
    SELECT count(*)::int AS examples FROM finetuning_examples
    WHERE tenant_id = ${tenantId}::uuid AND dataset_id = ${id}::uuid AND validated AND flagged`;
  return row?.examples ?? 0;
}
