import type { Dataset } from '../../generated/prisma/client.ts';

/**
 * How many tokens a file of the dataset's validated examples has, with the system prompt in each that has none of its
 * own; null while some are still to be counted.
 */
export function datasetTokens(
  dataset: Pick<
    Dataset,
    | 'systemPrompt'
    | 'systemPromptTokens'
    | 'uncountedCount'
    | 'validatedCount'
    | 'validatedTokens'
    | 'ownSystemPromptCount'
  >,
): bigint | null {
  const { systemPrompt, systemPromptTokens, uncountedCount, validatedCount, ownSystemPromptCount } = dataset;
  if (uncountedCount > 0 || (systemPrompt && systemPromptTokens === 0)) return null;
  const prompts = BigInt(validatedCount - ownSystemPromptCount) * BigInt(systemPromptTokens);
  return dataset.validatedTokens + prompts;
}
