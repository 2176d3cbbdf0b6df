import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { autoEpochs, epochRange } from '../src/services/epochs.ts';
import { cutOf } from '../src/services/tokens/longExamples.ts';
import type { TestClient } from './support/client.ts';
import { ended, launch, newDataset } from './support/runs.ts';
import { newTenant } from './support/server.ts';

const Estimate = graphql(`
  query CostEstimateOf($id: ID!, $baseModel: String!, $nEpochs: Int, $provider: String) {
    dataset(id: $id) {
      tokens
      costEstimate(baseModel: $baseModel, nEpochs: $nEpochs, provider: $provider) {
        __typename
        ... on CostEstimate {
          provider
          baseModel
          examples
          tokens
          cutExamples
          cutTokens
          epochs {
            lower
            expected
            upper
          }
          trainedTokens {
            lower
            expected
            upper
          }
          costUsd {
            lower
            expected
            upper
          }
          usdPerMTokens
          priceValidFrom
          priceAsOf
          priceSource
          reasons
        }
        ... on Error {
          code
          message
        }
      }
    }
  }
`);

const ExportEstimate = graphql(`
  mutation CostOfExport($id: ID!) {
    exportDataset(input: { datasetId: $id }) {
      ... on Export {
        tokens
        costEstimate(baseModel: "sandbox-small", nEpochs: 2) {
          ... on CostEstimate {
            tokens
            costUsd {
              expected
            }
          }
        }
      }
    }
  }
`);

const RunCost = graphql(`
  query CostOfRun($id: ID!) {
    trainingRun(id: $id) {
      estimatedCostUsd {
        lower
        expected
        upper
      }
      trainingCostUsd
      estimateError
    }
  }
`);

const Accuracy = graphql(`
  query CostAccuracy {
    estimateAccuracy {
      count
      meanAbsoluteError
      medianAbsoluteError
      bias
    }
  }
`);

async function estimate(
  client: TestClient,
  id: string,
  args: { baseModel: string; nEpochs?: number; provider?: string },
) {
  const { dataset } = await client.run(Estimate, { id, ...args });
  if (!dataset) throw new Error('There is no dataset');
  return { ...dataset.costEstimate, datasetTokens: dataset.tokens };
}

describe('epochs', () => {
  test('left to the provider they are what the cookbook says', () => {
    const cases = { 1: 25, 4: 25, 10: 10, 33: 3, 34: 3, 8333: 3, 8334: 2, 12_501: 1, 100_000: 1 };
    const counted = Object.keys(cases).map((examples) => [examples, autoEpochs(Number(examples))]);
    expect(Object.fromEntries(counted)).toEqual(cases);
  });

  test('what is expected lies within the bounds, and those within 1 and 25', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (examples) => {
        const { lower, expected, upper } = epochRange(examples, null);
        expect([1 <= lower, lower <= expected, expected <= upper, upper <= 25]).toEqual([
          true,
          true,
          true,
          true,
        ]);
      }),
    );
  });

  test('given, they are certain', () => {
    expect(epochRange(1000, 7)).toEqual({ lower: 7, expected: 7, upper: 7 });
  });
});

test('of a long example only what the model learns is paid', () => {
  expect(cutOf([9000, 70_000, 65_536, 65_537], 65_536)).toEqual({ count: 2, cutTokens: 4465n });
});

describe('an estimate', () => {
  test('is tokens times epochs times price, with the price’s date and source', async () => {
    const client = await newTenant();
    const id = await newDataset(client, 100);
    const found = await estimate(client, id, { baseModel: 'gpt-4.1-mini' });
    if (!('costUsd' in found)) throw new Error(JSON.stringify(found));
    const { datasetTokens, tokens, epochs, trainedTokens, costUsd } = found;
    expect(found).toMatchObject({
      provider: 'openai',
      baseModel: 'gpt-4.1-mini-2025-04-14',
      examples: 100,
      cutExamples: 0,
      cutTokens: 0,
      usdPerMTokens: 5,
      priceValidFrom: '2026-06-01',
      priceAsOf: '2026-06-01',
      priceSource: expect.stringContaining('pricing'),
    });
    expect(tokens).toBe(datasetTokens);
    expect(epochs).toEqual({ lower: 1, expected: 3, upper: 25 });
    expect(trainedTokens).toEqual({ lower: tokens, expected: 3 * tokens, upper: 25 * tokens });
    expect(costUsd.expected).toBeCloseTo((3 * tokens * 5) / 1e6, 6);
    expect(costUsd.upper).toBeCloseTo((25 * tokens * 5) / 1e6, 6);
    expect(found.reasons.join(' ')).toContain('left to openai');
  });

  test('has one bound when the epochs are given, and is the same for the export', async () => {
    const client = await newTenant();
    const id = await newDataset(client, 20);
    const found = await estimate(client, id, { baseModel: 'sandbox-small', nEpochs: 2 });
    if (!('costUsd' in found)) throw new Error(JSON.stringify(found));
    const { lower, expected, upper } = found.costUsd;
    expect([lower, upper]).toEqual([expected, expected]);
    const { exportDataset } = await client.run(ExportEstimate, { id });
    expect(exportDataset).toEqual({
      tokens: found.tokens,
      costEstimate: { tokens: found.tokens, costUsd: { expected } },
    });
  });

  test('is refused with a reason where there can be none', async () => {
    const client = await newTenant();
    const [full, empty] = [await newDataset(client, 1), await newDataset(client, 0, 'Empty')];
    const refused = (id: string, args: Parameters<typeof estimate>[2]) => estimate(client, id, args);
    expect(await refused(empty, { baseModel: 'sandbox-small' })).toMatchObject({
      code: 'NOTHING_TO_ESTIMATE',
    });
    expect(await refused(full, { baseModel: 'gpt-9' })).toMatchObject({ code: 'UNKNOWN_BASE_MODEL' });
    expect(await refused(full, { baseModel: 'gpt-4.1-mini', provider: 'nobody' })).toMatchObject({
      code: 'UNKNOWN_BASE_MODEL',
    });
    for (const args of [{ baseModel: 'gpt\u0000' }, { baseModel: 'sandbox-small', provider: '\u0000' }]) {
      expect(await refused(full, args)).toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringContaining('holds a NUL character'),
      });
    }
    for (const nEpochs of [0, -1, 51]) {
      expect(await refused(full, { baseModel: 'sandbox-small', nEpochs })).toMatchObject({
        __typename: 'InvalidInputError',
        message: expect.stringContaining('nEpochs'),
      });
    }
  });
});

test('after a run the actual cost stands beside the estimate, and the error of all is told', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 12);
  const none = await client.run(Accuracy, {});
  expect(none.estimateAccuracy).toMatchObject({ count: 0, meanAbsoluteError: null, bias: null });
  const run = await ended(client, (await launch(client, { datasetId, hyperparameters: { nEpochs: 2 } })).id);
  const { trainingRun } = await client.run(RunCost, { id: run.id });
  const { estimateAccuracy } = await client.run(Accuracy, {});
  const { expected = 0 } = trainingRun?.estimatedCostUsd ?? {};
  const actual = trainingRun?.trainingCostUsd ?? 0;
  expect(actual).toBeGreaterThan(0);
  expect(trainingRun?.estimateError).toBeCloseTo(actual / expected - 1, 9);
  // The sandbox has a tokenizer of its own, no byte-pair encoding.
  expect(Math.abs(actual / expected - 1)).toBeLessThan(0.3);
  const off = trainingRun?.estimateError ?? 0;
  expect(estimateAccuracy.count).toBe(1);
  expect(estimateAccuracy.bias).toBeCloseTo(off, 9);
  expect(estimateAccuracy.meanAbsoluteError).toBeCloseTo(Math.abs(off), 9);
  expect(estimateAccuracy.medianAbsoluteError).toBeCloseTo(Math.abs(off), 9);
});
