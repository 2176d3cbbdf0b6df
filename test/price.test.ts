import { assert, bigInt, property } from 'fast-check';
import { expect, test } from 'vitest';
import { Prisma } from '../src/generated/prisma/client.ts';
import { trainingCostUsd } from '../src/services/price.ts';

const cost = (tokens: bigint, rate: string) => trainingCostUsd(tokens, new Prisma.Decimal(rate)).toFixed(6);

test.each([
  [1_000_000n, '5', '5.000000'],
  [123_456n, '25', '3.086400'],
  [0n, '25', '0.000000'],
  [1n, '3', '0.000003'],
  // Half of a millionth of a dollar goes up, and what is just below it down.
  [1n, '1.5', '0.000002'],
  [3n, '1.5', '0.000005'],
  [1n, '1.499999', '0.000001'],
  [1n, '0.5', '0.000001'],
])('%i tokens at %s USD a million cost %s USD', (tokens, rate, expected) => {
  expect(cost(tokens, rate)).toBe(expected);
});

test('is exact beyond what a number or 20 digits hold', () => {
  expect(cost(9_007_199_254_740_993n, '123456.789012')).toBe('1111999897981602.413508');
});

test('agrees with integers of millionths for any tokens and price', () => {
  assert(
    property(bigInt(0n, 10n ** 15n), bigInt(0n, 10n ** 12n - 1n), (tokens, rateInMillionths) => {
      const rate = new Prisma.Decimal(rateInMillionths.toString()).div(1_000_000);
      const expected = (tokens * rateInMillionths + 500_000n) / 1_000_000n;
      expect(BigInt(trainingCostUsd(tokens, rate).toFixed(6).replace('.', ''))).toBe(expected);
    }),
  );
});
