/** `dataset.report`: counted from what is there, with what to do next. */
import { describe, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { nextSteps, type Facts } from '../src/services/reportAdvice.ts';
import { BINS, histogramOf } from '../src/services/reportBins.ts';
import type { SplitInput } from '../src/generated/gql/graphql.ts';
import { addExamples, call, collect, example, examplesOf, importCalls, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { findDuplicates, keepBest } from './support/duplicates.ts';
import { reject, validate } from './support/review.ts';
import { newTenant, sharedServer } from './support/server.ts';

const Report = graphql(`
  query ReportOfDataset($id: ID!) {
    dataset(id: $id) {
      report {
        counts {
          total
          validated
          rejected
          undecided
        }
        bySource {
          source
          counts {
            total
            validated
            rejected
            undecided
          }
        }
        tokens {
          count
        }
        totalTokens
        uncountedTokens
        quality {
          ...ReportBars
        }
        unrated
        messagesPerExample {
          ...ReportBars
        }
        questionLength {
          ...ReportBars
        }
        answerLength {
          ...ReportBars
        }
        topics {
          top {
            topic
            examples
          }
          otherTopics
          otherExamples
          withoutTopic
        }
        duplicates {
          foundAt
          threshold
          compared
          groups
          examples
          openGroups
          changedSince
        }
        personalData {
          scanned
          unscanned
          examplesWithFindings
          byKind {
            kind
            examples
          }
        }
        latestExport {
          exampleCount
        }
        latestSplit {
          exampleCount
          validationExampleCount
          split {
            validationShare
            seed
            groupBy
          }
        }
        next {
          code
          message
          operation
        }
      }
    }
  }

  fragment ReportBars on Histogram {
    count
    mean
    bins {
      from
      to
      count
    }
  }
`);

async function reportOf(client: TestClient, id: string) {
  const report = (await client.run(Report, { id })).dataset?.report;
  if (!report) throw new Error('There is no report');
  return report;
}

const ReportExport = graphql(`
  mutation ReportExport($input: ExportDatasetInput!) {
    exportDataset(input: $input) {
      ... on Export {
        id
      }
      ... on Error {
        message
      }
    }
  }
`);

async function exportDataset(client: TestClient, datasetId: string, split?: SplitInput): Promise<void> {
  const input = { datasetId, ...(split && { split }) };
  const { exportDataset: made } = await client.run(ReportExport, { input });
  expect(made).toEqual({ id: expect.any(String) });
}

/** Examples of which no two are near-duplicates. */
const numbered = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    example(
      ['What', 'does', 'this', 'cost'].map((word) => `${word}${n}`).join(' '),
      `It is ${n}, and ${n * n}`,
    ),
  );

const codesOf = ({ next }: { next: { code: string }[] }) => next.map(({ code }) => code);

test('an empty dataset: nothing to count, examples to collect', async () => {
  const client = await newTenant();
  const report = await reportOf(client, await newDataset(client));
  const none = { count: 0, mean: null, bins: [] };
  expect(report).toMatchObject({
    counts: { total: 0, validated: 0, rejected: 0, undecided: 0 },
    bySource: [],
    totalTokens: 0,
    uncountedTokens: 0,
    quality: none,
    messagesPerExample: none,
    questionLength: none,
    answerLength: none,
    topics: { top: [], otherTopics: 0, otherExamples: 0, withoutTopic: 0 },
    duplicates: {
      foundAt: null,
      threshold: null,
      compared: null,
      groups: 0,
      examples: 0,
      openGroups: 0,
      changedSince: 0,
    },
    personalData: { scanned: 0, unscanned: 0, examplesWithFindings: 0, byKind: [] },
    latestExport: null,
    latestSplit: null,
  });
  expect(codesOf(report)).toEqual(['COLLECT_EXAMPLES']);
});

/** 25 topics of one call each, the first with two; three examples by hand, one of them rejected. */
async function mixedDataset(): Promise<[client: TestClient, datasetId: string]> {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  const calls = Array.from({ length: 26 }, (_, index) =>
    call(
      `CA${index}`,
      [`caller: What does number ${index} cost today, please?`, `agent: It is ${'x'.repeat(20)} ${index}`],
      {
        topic: `Topic ${String(Math.max(1, index)).padStart(2, '0')}`,
        transcript_confidence: 0.95,
      },
    ),
  );
  await importCalls(client, calls);
  await collect(client, { datasetId });
  await addExamples(client, datasetId, [
    example('Q'.repeat(20), 'A'.repeat(5000), 0.1),
    { messages: [...example('One?').messages, ...example('Two?').messages] },
    example('Rejected?', 'Yes', 1),
  ]);
  const last = (await examplesOf(client, datasetId)).at(-1);
  await reject(client, { ids: [last?.id ?? ''] });
  return [client, datasetId];
}

test('counts by state, source, quality, length and topic; the rejected ones only by state', async () => {
  const [client, datasetId] = await mixedDataset();
  const report = await reportOf(client, datasetId);
  expect(report.counts).toEqual({ total: 29, validated: 26, rejected: 1, undecided: 2 });
  expect(report.bySource).toEqual([
    { source: 'CALL', counts: { total: 26, validated: 26, rejected: 0, undecided: 0 } },
    { source: 'MANUAL', counts: { total: 3, validated: 0, rejected: 1, undecided: 2 } },
  ]);
  const filled = ({ bins }: typeof report.quality) => bins.filter(({ count }) => count > 0);
  expect(filled(report.quality)).toEqual([
    { from: 0.1, to: 0.2, count: 1 },
    { from: 0.9, to: null, count: 26 },
  ]);
  expect(report.quality.mean).toBeCloseTo((26 * 0.95 + 0.1) / 27);
  expect(report).toMatchObject({ unrated: 1, quality: { count: 27 } });
  expect(filled(report.messagesPerExample)).toEqual([
    { from: 0, to: 3, count: 27 },
    { from: 3, to: 5, count: 1 },
  ]);
  expect(report.messagesPerExample.mean).toBeCloseTo(58 / 28);
  expect(filled(report.questionLength)).toEqual([
    { from: 0, to: 20, count: 1 },
    { from: 20, to: 50, count: 27 },
  ]);
  expect(report.answerLength.bins.at(-1)).toEqual({ from: 5000, to: null, count: 1 });
  expect(report.topics).toMatchObject({ otherTopics: 5, otherExamples: 5, withoutTopic: 2 });
  expect(report.topics.top).toHaveLength(20);
  expect(report.topics.top.slice(0, 2)).toEqual([
    { topic: 'Topic 01', examples: 2 },
    { topic: 'Topic 02', examples: 1 },
  ]);
});

test('tells what to do next, step by step to the launch, and every operation can be sent as it stands', async () => {
  const [client, datasetId] = await mixedDataset();
  await addExamples(client, datasetId, [example('Twice?', 'Twice.'), example('Twice', 'Twice')]);
  const seen: string[] = [];
  for (let round = 0; round < 12; round += 1) {
    const { next } = await reportOf(client, datasetId);
    const [first] = next;
    if (!first) break;
    seen.push(first.code);
    const { data, errors } = await client.answer(first.operation);
    expect({ errors, said: JSON.stringify(data) }).toEqual({
      errors: undefined,
      said: expect.not.stringContaining('"code"'),
    });
    if (first.code === 'REVIEW_EXAMPLES') await validate(client, { datasetId, filter: { rejected: false } });
  }
  expect(seen).toEqual([
    'FIND_DUPLICATES',
    'KEEP_BEST_OF_DUPLICATES',
    'REVIEW_EXAMPLES',
    'EXPORT_DATASET',
    'LAUNCH_TRAINING_RUN',
  ]);
});

test('an export is old when another would be made, and not because something else of the dataset has changed', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  // A word each, so that no two are alike and kept together.
  const words =
    'parcel invoice Denmark breakfast router holiday contract engine ticket window garden piano lawyer bicycle';
  const examples = words.split(' ').map((word) => example(`${word} `.repeat(5), `${word}, `.repeat(5)));
  await addExamples(client, datasetId, examples, true);
  const made = await client.answer(
    `mutation { exportDataset(input: { datasetId: "${datasetId}", split: { validationShare: 0.2 } }) { __typename ... on Error { message } } }`,
  );
  expect(made).toMatchObject({ data: { exportDataset: { __typename: 'Export' } } });
  const change = (values: string) =>
    client.answer(`mutation { updateDataset(input: { id: "${datasetId}", ${values} }) { __typename } }`);
  const codes = async () => (await reportOf(client, datasetId)).next.map(({ code }) => code);
  expect(await codes()).not.toContain('EXPORT_DATASET');
  await change('description: "What they ask"');
  await addExamples(client, datasetId, [example('Not looked at yet?')]);
  expect(await codes()).not.toContain('EXPORT_DATASET');
  await change('systemPrompt: "Count."');
  expect(await codes()).toContain('EXPORT_DATASET');
  await change('systemPrompt: null');
  expect(await codes()).not.toContain('EXPORT_DATASET');
  await addExamples(client, datasetId, [example('One more?')], true);
  expect(await codes()).toContain('EXPORT_DATASET');
});

test('near-duplicates: what was found, what is open, and what has changed since', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  await addExamples(client, datasetId, [
    example('Where is it?', 'Here'),
    example('Where is it', 'Here!'),
    example('Where is it', 'here'),
    example('Who is that?'),
  ]);
  await findDuplicates(client, { datasetId, threshold: 0.9 });
  const found = { threshold: 0.9, compared: 4, groups: 1, examples: 3, openGroups: 1, changedSince: 0 };
  expect((await reportOf(client, datasetId)).duplicates).toEqual({ ...found, foundAt: expect.any(String) });
  await addExamples(client, datasetId, [example('A new one?')]);
  await keepBest(client, { datasetId });
  const report = await reportOf(client, datasetId);
  expect(report.duplicates).toMatchObject({ ...found, openGroups: 0, changedSince: 1 });
  expect(codesOf(report)).toEqual(['FIND_DUPLICATES', 'REVIEW_EXAMPLES', 'COLLECT_EXAMPLES']);
});

test('personal data: what was found, and what to do about it', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  await addExamples(client, datasetId, [
    example('Write to anna.smith@example.com please'),
    example('My address is bob.jones@example.com, and my number is +1 415 555 2671'),
    example('Three?'),
  ]);
  const { system } = await sharedServer();
  await expect
    .poll(async () => {
      await system.services.exampleScans.scanDue(new AbortController().signal);
      return (await reportOf(client, datasetId)).personalData.unscanned;
    })
    .toBe(0);
  const report = await reportOf(client, datasetId);
  expect(report.personalData).toMatchObject({ scanned: 3, examplesWithFindings: 2 });
  expect(report.personalData.byKind).toContainEqual({ kind: 'EMAIL', examples: 2 });
  expect(codesOf(report)).toContain('SET_PERSONAL_DATA_POLICY');
  const advised = report.next.find(({ code }) => code === 'SET_PERSONAL_DATA_POLICY');
  expect(await client.answer(advised?.operation ?? '')).toEqual({
    data: { updateDataset: { id: datasetId } },
  });
  expect(codesOf(await reportOf(client, datasetId))).not.toContain('SET_PERSONAL_DATA_POLICY');
});

const Estimates = graphql(`
  query ReportEstimates($id: ID!, $baseModel: String, $nEpochs: Int, $provider: String) {
    dataset(id: $id) {
      costEstimate(baseModel: "sandbox-small", nEpochs: 2) {
        ...ReportCost
      }
      report {
        estimate(baseModel: $baseModel, nEpochs: $nEpochs, provider: $provider) {
          ...ReportCost
          ... on Error {
            code
            message
          }
        }
        next {
          operation
        }
      }
    }
  }

  fragment ReportCost on CostEstimate {
    provider
    baseModel
    examples
    tokens
    costUsd {
      lower
      expected
      upper
    }
  }
`);

test('what training would cost: of the base model that a launch is advised for, or of another', async () => {
  const client = await newTenant();
  const id = await newDataset(client);
  const estimates = async (args: { baseModel?: string; nEpochs?: number; provider?: string } = {}) => {
    const { dataset } = await client.run(Estimates, { id, ...args });
    return { of: dataset?.costEstimate, estimate: dataset?.report.estimate };
  };
  expect((await estimates()).estimate).toMatchObject({ code: 'NOTHING_TO_ESTIMATE' });
  await addExamples(client, id, numbered(12), true);
  const known = await estimates({ baseModel: 'sandbox-small', nEpochs: 2 });
  expect(known.estimate).toMatchObject({ examples: 12, costUsd: { expected: expect.any(Number) } });
  expect(known.estimate).toEqual(known.of);
  const found = (await estimates()).estimate;
  expect(found).toMatchObject({ provider: 'sandbox', baseModel: expect.any(String), examples: 12 });
  await exportDataset(client, id);
  const { next } = await reportOf(client, id);
  const baseModel = found && 'baseModel' in found ? found.baseModel : '';
  expect(next.find(({ code }) => code === 'LAUNCH_TRAINING_RUN')?.operation).toContain(`"${baseModel}"`);
  expect((await estimates({ provider: 'openai' })).estimate).toMatchObject({ provider: 'openai' });
  expect((await estimates({ provider: 'nobody' })).estimate).toMatchObject({
    code: 'UNKNOWN_BASE_MODEL',
    message: expect.stringContaining('Name another provider'),
  });
  expect((await estimates({ baseModel: 'none' })).estimate).toMatchObject({ code: 'UNKNOWN_BASE_MODEL' });
  expect((await estimates({ nEpochs: 99 })).estimate).toMatchObject({ code: 'INVALID_INPUT' });
});

test('the latest split is told, even after an export without one', async () => {
  const client = await newTenant();
  const id = await newDataset(client);
  await addExamples(client, id, numbered(20), true);
  await exportDataset(client, id);
  expect((await reportOf(client, id)).latestSplit).toBeNull();
  await exportDataset(client, id, { validationShare: 0.2, seed: 7, groupBy: 'CALL' });
  await exportDataset(client, id, { validationShare: 0.1, seed: 8, groupBy: 'PHONE_NUMBER' });
  await addExamples(client, id, [example('One more?')], true);
  await exportDataset(client, id);
  expect(await reportOf(client, id)).toMatchObject({
    latestExport: { exampleCount: 21 },
    latestSplit: {
      exampleCount: 18,
      validationExampleCount: 2,
      split: { validationShare: 0.1, seed: 8, groupBy: 'PHONE_NUMBER' },
    },
  });
});

test('another tenant’s dataset has no report', async () => {
  const [client, other] = [await newTenant(), await newTenant()];
  expect(await other.run(Report, { id: await newDataset(client) })).toEqual({ dataset: null });
});

describe('histograms', () => {
  test('end with the last bin that holds something', () => {
    const bins = histogramOf(BINS.messages, [
      { bin: 2, count: 3, sum: 10 },
      { bin: null, count: 5, sum: null },
    ]);
    expect(bins).toEqual({
      count: 3,
      mean: 10 / 3,
      bins: [
        { from: 0, to: 3, count: 0 },
        { from: 3, to: 5, count: 3 },
      ],
    });
  });
});

describe('what to do next', () => {
  const facts: Facts = {
    total: 20,
    validated: 20,
    undecided: 0,
    duplicatesFoundAt: new Date(0),
    changedSinceSearch: 0,
    openGroups: 0,
    personalDataPolicy: 'ALLOW',
    examplesWithFindings: 0,
    latestExport: { changed: false, launched: true },
  };
  test.each<[Partial<Facts>, string[]]>([
    [{}, []],
    [{ latestExport: null }, ['EXPORT_DATASET']],
    [{ latestExport: { changed: true, launched: true } }, ['EXPORT_DATASET']],
    [{ latestExport: { changed: false, launched: false } }, ['LAUNCH_TRAINING_RUN']],
    [{ duplicatesFoundAt: null }, ['FIND_DUPLICATES']],
    [{ duplicatesFoundAt: null, openGroups: 1 }, ['FIND_DUPLICATES', 'KEEP_BEST_OF_DUPLICATES']],
    [{ validated: 9 }, ['COLLECT_EXAMPLES']],
    [{ validated: 1, undecided: 9, latestExport: null }, ['REVIEW_EXAMPLES']],
    [{ examplesWithFindings: 1 }, ['SET_PERSONAL_DATA_POLICY']],
    [{ examplesWithFindings: 1, personalDataPolicy: 'REDACT' }, []],
  ])('%o', (change, codes) => {
    expect(nextSteps({ ...facts, ...change }).map(({ code }) => code)).toEqual(codes);
  });
});
