/**
 * What a training will cost: tokens of one epoch × epochs × price. Pure.
 *
 * The tokens of an epoch are those of all lines, each up to the base model's limit: what lies past it is cut off, and
 * costs nothing. Validation files cost nothing. The bounds are those of the epochs (epochs.ts): batch size and learning
 * rate change no number of tokens. What the bounds cannot hold is told in `reasons`: providers do not publish how they
 * write messages and tools for the model, and bill by their own count.
 */
import type { BaseModel, BaseModelPrice, Prisma } from '../generated/prisma/client.ts';
import { epochRange, type Range } from './epochs.ts';
import { trainingCostUsd } from './price.ts';
import type { LongExamples } from './tokens/longExamples.ts';

export interface Material {
  examples: number;
  /** Of one epoch, nothing cut off yet. */
  tokens: bigint;
  cut: LongExamples;
}

export interface CostEstimate {
  model: BaseModel;
  price: BaseModelPrice;
  examples: number;
  /** Of one epoch, without what is cut off. */
  tokens: bigint;
  cut: LongExamples;
  epochs: Range;
  trainedTokens: { lower: bigint; expected: bigint; upper: bigint };
  costUsd: { lower: Prisma.Decimal; expected: Prisma.Decimal; upper: Prisma.Decimal };
  /** Why the bounds lie where they do, in sentences. */
  reasons: string[];
}

export function estimateCost(
  model: BaseModel,
  price: BaseModelPrice,
  { examples, tokens: whole, cut }: Material,
  nEpochs: number | null,
): CostEstimate {
  const tokens = whole - cut.cutTokens;
  const epochs = epochRange(examples, nEpochs);
  const trained = (times: number) => tokens * BigInt(times);
  const cost = (times: number) => trainingCostUsd(trained(times), price.trainingUsdPerMTokens);
  return {
    model,
    price,
    examples,
    tokens,
    cut,
    epochs,
    trainedTokens: ofRange(epochs, trained),
    costUsd: ofRange(epochs, cost),
    reasons: reasonsOf(model, examples, cut, epochs, nEpochs),
  };
}

function ofRange<T>({ lower, expected, upper }: Range, of: (epochs: number) => T) {
  return { lower: of(lower), expected: of(expected), upper: of(upper) };
}

function reasonsOf(
  { provider, name, maxExampleTokens }: BaseModel,
  examples: number,
  cut: LongExamples,
  { lower, expected, upper }: Range,
  nEpochs: number | null,
): string[] {
  const epochs =
    nEpochs === null
      ? `The number of epochs is left to ${provider}: by OpenAI's published rule ${expected} for ${examples} examples; the rule's limits (100 to 25,000 examples learned in all, 1 to 25 epochs) allow ${lower} to ${upper}. Give nEpochs to make the bounds one.`
      : `${nEpochs} epochs were asked for, so the bounds are one: each example is learned ${nEpochs} times, whatever the batch size.`;
  const long =
    cut.count === 0
      ? []
      : [
          `${cut.count} examples are longer than the ${maxExampleTokens} tokens that ${name} learns; ${cut.cutTokens} tokens are cut off at their ends and cost nothing.`,
        ];
  return [
    epochs,
    ...long,
    `Texts are counted exactly; what ${provider} puts around messages and tools is not published and is counted by OpenAI's cookbook, tools as JSON. The bill goes by the provider's count.`,
  ];
}
