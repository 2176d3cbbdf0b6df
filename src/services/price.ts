import { Prisma } from '../generated/prisma/client.ts';

/** Wide enough for every product of a bigint of tokens and a price, where Decimal's own 20 digits would round twice. */
const Exact = Prisma.Decimal.clone({ precision: 60 });

/**
 * What training on `trainedTokens` costs in USD at a price in USD per million tokens, rounded half up to the 6 decimal
 * places that the database keeps.
 */
export function trainingCostUsd(trainedTokens: bigint, usdPerMTokens: Prisma.Decimal): Prisma.Decimal {
  const cost = new Exact(trainedTokens.toString()).mul(usdPerMTokens).div(1_000_000);
  return new Prisma.Decimal(cost.toFixed(6, Prisma.Decimal.ROUND_HALF_UP));
}
