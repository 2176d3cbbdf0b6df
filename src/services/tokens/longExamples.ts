/** What a provider cuts off: of an example past its base model's limit the end, which is not trained and not billed. */
import type { Tx } from '../../db/tenancy.ts';
import { Prisma, type Dataset } from '../../generated/prisma/client.ts';

/** From this many tokens on an example is kept track of; no base model's limit lies below. The index of the migration. */
export const LONG_EXAMPLE = 8192;

export interface LongExamples {
  /** How many examples are longer than the limit. */
  count: number;
  /** How many of their tokens lie past it. */
  cutTokens: bigint;
}

/** Of a file, from the tokens of its long lines. */
export function cutOf(longExamples: readonly number[], limit: number): LongExamples {
  const longer = longExamples.filter((tokens) => tokens > limit);
  const cutTokens = longer.reduce((sum, tokens) => sum + BigInt(tokens - limit), 0n);
  return { count: longer.length, cutTokens };
}

/** Of what a dataset would export now: its validated examples, with the system prompt where it belongs. */
export async function cutOfDataset(
  tx: Tx,
  dataset: Pick<Dataset, 'id' | 'tenantId' | 'systemPromptTokens'>,
  limit: number,
): Promise<LongExamples> {
  const [found] = await tx.$queryRaw<{ count: number; cutTokens: bigint }[]>`
    SELECT count(*)::int AS count, coalesce(sum(line_tokens - ${limit}::int), 0)::bigint AS "cutTokens"
    FROM (${longLines(dataset, limit)}) AS long`;
  return found ?? { count: 0, cutTokens: 0n };
}

export interface LongExample {
  exampleId: string;
  position: number;
  /** As a line of the file. */
  tokens: number;
}

/** Which they are, in the order of the file, `most` at most. */
export async function longExamplesOf(
  tx: Tx,
  dataset: Pick<Dataset, 'id' | 'tenantId' | 'systemPromptTokens'>,
  limit: number,
  most: number,
): Promise<LongExample[]> {
  return tx.$queryRaw<LongExample[]>`
    SELECT id AS "exampleId", position, line_tokens AS tokens
    FROM (${longLines(dataset, limit)}) AS long ORDER BY position LIMIT ${most}::int`;
}

function longLines(
  { id, tenantId, systemPromptTokens }: Pick<Dataset, 'id' | 'tenantId' | 'systemPromptTokens'>,
  limit: number,
): Prisma.Sql {
  const without = limit - systemPromptTokens;
  // Spelled out, so that the planner sees that the index of long examples holds them all.
  const indexed = without >= LONG_EXAMPLE ? Prisma.sql`AND tokens > 8192` : Prisma.empty;
  return Prisma.sql`
    SELECT id, position, tokens + CASE WHEN own_system_prompt THEN 0 ELSE ${systemPromptTokens}::int END AS line_tokens
    FROM finetuning_examples
    WHERE tenant_id = ${tenantId}::uuid AND dataset_id = ${id}::uuid AND validated ${indexed}
      AND tokens > CASE WHEN own_system_prompt THEN ${limit}::int ELSE ${without}::int END`;
}
