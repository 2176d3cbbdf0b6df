/** Judging examples: by ids or by a filter, all or none, with exact counts. */
import { expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { addExamples, countsOf, example, examplesOf, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { reject, scores, setQuality, sixExamples, validate } from './support/review.ts';
import { newTenant } from './support/server.ts';

const Verdict = graphql(`
  query DataReviewVerdict($id: ID!) {
    example(id: $id) {
      validated
      validatedBy
      validatedAt
      rejected
      rejectedBy
      rejectedAt
      rejectionReason
    }
  }
`);

const verdictOf = async (client: TestClient, id: string | undefined) =>
  (await client.run(Verdict, { id: id ?? '' })).example;

const payload = (matched: number, changed: number) => ({ __typename: 'ReviewPayload', matched, changed });
const missing = (type: string) =>
  Buffer.from(`${type}:019ab000-0000-7000-8000-000000000001`).toString('base64');

test('validates by ids; again changes nothing; an id given twice counts once', async () => {
  const [client, datasetId, ids] = await sixExamples();
  const some = ids.slice(0, 2);
  expect(await validate(client, { ids: [...some, ...some] })).toEqual(payload(2, 2));
  const before = await verdictOf(client, ids[0]);
  expect(before).toEqual({
    validated: true,
    validatedBy: 'tester',
    validatedAt: expect.any(String),
    rejected: false,
    rejectedBy: null,
    rejectedAt: null,
    rejectionReason: null,
  });
  expect(await validate(client, { ids: ids.slice(0, 3) })).toEqual(payload(3, 1));
  expect(await verdictOf(client, ids[0])).toEqual(before);
  expect(await countsOf(client, datasetId)).toEqual({ exampleCount: 6, validatedCount: 3, rejectedCount: 0 });
});

test('a rejected example can be validated, and the other way round', async () => {
  const [client, datasetId, ids] = await sixExamples();
  await validate(client, { ids: ids.slice(0, 4) });
  expect(await reject(client, { ids: ids.slice(2), reason: ' Too vague. ' })).toEqual(payload(4, 4));
  expect(await countsOf(client, datasetId)).toEqual({ exampleCount: 6, validatedCount: 2, rejectedCount: 4 });
  expect(await verdictOf(client, ids[2])).toEqual({
    validated: false,
    validatedBy: null,
    validatedAt: null,
    rejected: true,
    rejectedBy: 'tester',
    rejectedAt: expect.any(String),
    rejectionReason: 'Too vague.',
  });
  expect(await reject(client, { ids: ids.slice(2, 3), reason: 'Other' })).toEqual(payload(1, 0));
  expect(await validate(client, { ids: ids.slice(2, 3) })).toEqual(payload(1, 1));
  expect(await verdictOf(client, ids[2])).toMatchObject({
    validated: true,
    rejected: false,
    rejectedBy: null,
    rejectionReason: null,
  });
  expect(await countsOf(client, datasetId)).toEqual({ exampleCount: 6, validatedCount: 3, rejectedCount: 3 });
  expect(await reject(client, { ids: ids.slice(0, 1), reason: '' })).toEqual(payload(1, 1));
  expect(await verdictOf(client, ids[0])).toMatchObject({ rejected: true, rejectionReason: null });
});

test('judges by a filter, such as a quality of 0.85 or better, within one dataset', async () => {
  const [client, datasetId] = await sixExamples();
  const other = await newDataset(client, 'Other');
  await addExamples(client, other, [example('Q', 'A', 1)]);
  expect(await validate(client, { datasetId, filter: { minQualityScore: 0.85 } })).toEqual(payload(3, 3));
  expect((await examplesOf(client, datasetId)).map(({ validated }) => validated)).toEqual([
    false,
    false,
    true,
    true,
    true,
    false,
  ]);
  expect(await reject(client, { datasetId, filter: { validated: false, maxQualityScore: 1 } })).toEqual(
    payload(2, 2),
  );
  expect(await validate(client, { datasetId, filter: { search: 'nothing like this' } })).toEqual(
    payload(0, 0),
  );
  expect(await countsOf(client, datasetId)).toEqual({ exampleCount: 6, validatedCount: 3, rejectedCount: 2 });
  expect(await validate(client, { datasetId })).toEqual(payload(6, 3));
  expect(await countsOf(client, datasetId)).toEqual({ exampleCount: 6, validatedCount: 6, rejectedCount: 0 });
  expect(await countsOf(client, other)).toEqual({ exampleCount: 1, validatedCount: 0, rejectedCount: 0 });
});

test('one id that is not there refuses them all', async () => {
  const [client, datasetId, ids] = await sixExamples();
  const [stranger, , foreign] = await sixExamples();
  for (const other of [missing('Example'), foreign[0] ?? '']) {
    const some = [...ids, other];
    for (const answer of [
      await validate(client, { ids: some }),
      await reject(client, { ids: some }),
      await setQuality(client, some, 0.5),
    ]) {
      expect(answer).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' });
    }
  }
  expect(await examplesOf(client, datasetId)).toMatchObject(
    scores.map((score) => ({ validated: false, rejected: false, qualityScore: score ?? null })),
  );
  expect(await verdictOf(stranger, foreign[0])).toMatchObject({ validated: false, rejected: false });
  expect(await validate(client, { datasetId: missing('Dataset') })).toMatchObject({ code: 'NOT_FOUND' });
});

test('takes 1 to 1,000 ids, of any number of datasets', async () => {
  const client = await newTenant();
  const ids: string[] = [];
  for (const name of ['One', 'Two']) {
    const datasetId = await newDataset(client, name);
    for (const part of [0, 1, 2]) {
      const examples = Array.from({ length: 167 }, (_, index) => example(`${part}.${index}`));
      expect(await addExamples(client, datasetId, examples)).toMatchObject({ added: 167 });
    }
    ids.push(...(await examplesOf(client, datasetId)).map(({ id }) => id));
  }
  expect(ids).toHaveLength(1002);
  const refusal = {
    __typename: 'InvalidInputError',
    code: 'INVALID_INPUT',
    faults: [{ field: 'input.ids' }],
  };
  for (const some of [ids.slice(0, 1001), []]) {
    expect(await validate(client, { ids: some })).toMatchObject(refusal);
    expect(await reject(client, { ids: some })).toMatchObject(refusal);
    expect(await setQuality(client, some, 1)).toMatchObject(refusal);
  }
  expect(await validate(client, { ids: ids.slice(1, 1001) })).toEqual(payload(1000, 1000));
});

test('sets the quality, with two decimals, as the database rounds', async () => {
  const [client, datasetId, ids] = await sixExamples();
  expect(await setQuality(client, ids.slice(0, 3), 0.85)).toEqual(payload(3, 2));
  for (const [given, kept] of [
    [0.285, 0.29],
    [0.994, 0.99],
    [0.995, 1],
    [0, 0],
    [0.004, 0],
    [1, 1],
  ] as const) {
    await setQuality(client, ids.slice(5), given);
    expect((await examplesOf(client, datasetId))[5]?.qualityScore).toBe(kept);
  }
  expect(await setQuality(client, ids.slice(5), 0.999)).toEqual(payload(1, 0));
  for (const wrong of [-0.01, 1.01]) {
    expect(await setQuality(client, ids, wrong)).toMatchObject({ faults: [{ field: 'input.qualityScore' }] });
  }
});
