/** Judgements that are refused, and change nothing. */
import { expect, test } from 'vitest';
import type { RejectExamplesInput } from '../src/generated/gql/graphql.ts';
import { countsOf } from './support/calls.ts';
import { reject, sixExamples, validate } from './support/review.ts';

test.each<[name: string, input: (datasetId: string, ids: string[]) => RejectExamplesInput, field: string]>([
  ['neither ids nor a dataset', () => ({}), 'input'],
  ['ids and a dataset', (datasetId, ids) => ({ ids, datasetId }), 'input'],
  ['ids and a filter', (_, ids) => ({ ids, filter: { validated: true } }), 'input.filter'],
  ['a filter alone', () => ({ filter: { validated: true } }), 'input'],
  ['an id of another type', (datasetId) => ({ ids: [datasetId] }), 'input.ids[0]'],
  ['an id that is none', (_, ids) => ({ ids: [...ids, 'x'] }), 'input.ids[6]'],
  ['a dataset id of another type', (_, [id = '']) => ({ datasetId: id }), 'input.datasetId'],
  [
    'a wrong filter',
    (datasetId) => ({ datasetId, filter: { minQualityScore: 2 } }),
    'input.filter.minQualityScore',
  ],
  [
    'a text that cannot be looked for',
    (datasetId) => ({ datasetId, filter: { search: '\0' } }),
    'input.filter.search',
  ],
])('refuses %s', async (_name, input, field) => {
  const [client, datasetId, ids] = await sixExamples();
  const refusal = { __typename: 'InvalidInputError', faults: [{ field }] };
  expect(await validate(client, input(datasetId, ids))).toMatchObject(refusal);
  expect(await reject(client, input(datasetId, ids))).toMatchObject(refusal);
});

test.each(['x'.repeat(1001), 'a\0', '\ud800'])('refuses a reason that cannot be kept', async (reason) => {
  const [client, datasetId, ids] = await sixExamples();
  expect(await reject(client, { ids, reason })).toMatchObject({ faults: [{ field: 'input.reason' }] });
  expect(await countsOf(client, datasetId)).toMatchObject({ rejectedCount: 0 });
});
