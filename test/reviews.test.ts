/** Reviews: what they come to, what is refused, and what an edit, an undo or a direct decision makes of them. */
import { beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { ReviewExampleInput } from '../src/generated/gql/graphql.ts';
import { countsOf, exportedLines } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { reject, validate } from './support/review.ts';
import {
  accept,
  decline,
  edit,
  letLeasesLapse,
  newRoom,
  review,
  reviewId,
  rowId,
  setMinReviews,
  statusOf,
  take,
  takeWords,
  undo,
} from './support/reviewers.ts';
import { newTenant, sharedServer } from './support/server.ts';

beforeAll(sharedServer, 120_000);

const Shown = graphql(`
  query ReviewsShown($id: ID!) {
    example(id: $id) {
      validated
      validatedBy
      rejected
      rejectedBy
      rejectionReason
      averageRating
      reviews(first: 10) {
        totalCount
        edges {
          node {
            reviewer
            verdict
            rating
            exampleRevision
            undoneAt
          }
        }
      }
      revisions(first: 10) {
        totalCount
        edges {
          node {
            revision
            replacedBy
            replacedAt
            messages {
              content
            }
          }
        }
      }
    }
  }
`);

async function shown(client: TestClient, id: string) {
  const { example } = await client.run(Shown, { id });
  if (!example) throw new Error('There is no such example');
  return example;
}

test('one review decides where one is asked for: who, why and how long is kept', async () => {
  const { alice, bob, datasetId, ids } = await newRoom([0.5, 0.6]);
  const [first = '', second = ''] = ids;
  await take(alice, datasetId);
  expect(
    await review(alice, {
      exampleId: first,
      exampleRevision: 1,
      verdict: 'ACCEPT',
      rating: 4,
      reason: ' Good. ',
    }),
  ).toEqual({
    __typename: 'Review',
    id: expect.any(String),
    reviewer: 'alice',
    verdict: 'ACCEPT',
    rating: 4,
    reason: 'Good.',
    seconds: expect.any(Number),
    exampleRevision: 1,
    undoneAt: null,
    example: {
      validated: true,
      validatedBy: 'alice',
      rejected: false,
      rejectedBy: null,
      rejectionReason: null,
    },
  });
  // Bob has not taken it, and nobody else has: that is allowed, and no time is known.
  expect(await decline(bob, second, 'Vague')).toMatchObject({
    seconds: null,
    example: { validated: false, rejected: true, rejectedBy: 'bob', rejectionReason: 'Vague' },
  });
  expect(await countsOf(alice, datasetId)).toEqual({ exampleCount: 2, validatedCount: 1, rejectedCount: 1 });
  expect(await exportedLines(alice, datasetId)).toHaveLength(1);
});

test('the majority of at least minReviews decides, and a tie waits for one more', async () => {
  const { alice, bob, carol, datasetId, ids } = await newRoom([0.5, 0.5], { minReviews: 2 });
  const [tied = '', clear = ''] = ids;
  expect(await accept(alice, tied)).toMatchObject({ example: { validated: false, rejected: false } });
  expect(await decline(bob, tied, 'No')).toMatchObject({ example: { validated: false, rejected: false } });
  expect(await takeWords(carol, datasetId)).toBe('Q0');
  expect(await decline(carol, tied, 'Not so')).toMatchObject({
    example: { rejected: true, rejectedBy: 'bob, carol', rejectionReason: 'No; Not so' },
  });
  await accept(bob, clear);
  expect(await accept(alice, clear)).toMatchObject({
    example: { validated: true, validatedBy: 'bob, alice' },
  });
});

test('another number of reviews decides anew, but not what was decided directly', async () => {
  const { alice, bob, datasetId, ids } = await newRoom([0.5, 0.5, 0.5]);
  const [once = '', twice = '', directly = ''] = ids;
  await setMinReviews(alice, datasetId, 2);
  for (const id of [once, twice]) await accept(alice, id);
  await decline(bob, twice);
  await validate(alice, { ids: [directly] });
  expect(await setMinReviews(alice, datasetId, 1)).toMatchObject({ minReviews: 1, validatedCount: 2 });
  expect(await shown(alice, once)).toMatchObject({ validated: true, validatedBy: 'alice' });
  expect(await shown(alice, twice)).toMatchObject({ validated: false, rejected: false });
  expect(await setMinReviews(alice, datasetId, 2)).toMatchObject({ minReviews: 2, validatedCount: 1 });
  expect(await shown(alice, once)).toMatchObject({ validated: false, validatedBy: null });
  for (const minReviews of [0, 11]) {
    expect(await setMinReviews(alice, datasetId, minReviews)).toMatchObject({
      faults: [{ field: 'input.minReviews' }],
    });
  }
});

test('an example in another’s hands is theirs to judge and to edit', async () => {
  const { alice, bob, datasetId, ids } = await newRoom([0.5]);
  const [id = ''] = ids;
  await take(alice, datasetId);
  expect(await accept(bob, id)).toMatchObject({
    __typename: 'ExampleHeldError',
    code: 'EXAMPLE_HELD',
    heldBy: 'alice',
    heldUntil: expect.any(String),
  });
  expect(await edit(bob, id, 'Mine')).toMatchObject({ code: 'EXAMPLE_HELD', heldBy: 'alice' });
  expect(await shown(alice, id)).toMatchObject({ reviews: { totalCount: 0 }, revisions: { totalCount: 0 } });
  await letLeasesLapse(alice);
  expect(await accept(bob, id)).toMatchObject({ reviewer: 'bob' });
  expect(await accept(alice, id)).toMatchObject({ code: 'ALREADY_DECIDED' });
});

test('an edit keeps the example in hand, lifts the reviews of the old wording, and shows the original', async () => {
  const { alice, bob, carol, datasetId, ids } = await newRoom([0.5], { minReviews: 2 });
  const [id = ''] = ids;
  await review(alice, { exampleId: id, verdict: 'ACCEPT', rating: 2 });
  await take(bob, datasetId);
  expect(await edit(bob, id, 'A better answer')).toMatchObject({ revision: 2, validated: false });
  expect(await take(bob, datasetId)).toMatchObject({ example: { id, revision: 2 } });
  expect(await takeWords(carol, datasetId)).toBeNull();
  expect(await review(carol, { exampleId: id, exampleRevision: 1, verdict: 'ACCEPT' })).toMatchObject({
    code: 'EXAMPLE_CHANGED',
  });
  expect(await statusOf(alice, datasetId)).toMatchObject({ undecided: 1, inReview: 0, leased: 1 });
  await review(bob, { exampleId: id, exampleRevision: 2, verdict: 'ACCEPT', rating: 5 });
  await review(carol, { exampleId: id, verdict: 'ACCEPT', rating: 4 });
  expect(await shown(alice, id)).toEqual({
    validated: true,
    validatedBy: 'bob, carol',
    rejected: false,
    rejectedBy: null,
    rejectionReason: null,
    averageRating: 4.5,
    reviews: {
      totalCount: 3,
      edges: [
        { node: { reviewer: 'carol', verdict: 'ACCEPT', rating: 4, exampleRevision: 2, undoneAt: null } },
        { node: { reviewer: 'bob', verdict: 'ACCEPT', rating: 5, exampleRevision: 2, undoneAt: null } },
        { node: { reviewer: 'alice', verdict: 'ACCEPT', rating: 2, exampleRevision: 1, undoneAt: null } },
      ],
    },
    revisions: {
      totalCount: 1,
      edges: [
        {
          node: {
            revision: 1,
            replacedBy: 'bob',
            replacedAt: expect.any(String),
            messages: [{ content: 'Q0' }, { content: 'A0' }],
          },
        },
      ],
    },
  });
});

test('an undone review counts for nothing: the others decide, or the queue has it again', async () => {
  const { alice, bob, carol, datasetId, ids } = await newRoom([0.5], { minReviews: 2 });
  const [id = ''] = ids;
  const mine = await reviewId(alice, id);
  await decline(bob, id);
  const third = await reviewId(carol, id);
  expect(await shown(alice, id)).toMatchObject({ validated: true, validatedBy: 'alice, carol' });
  expect(await undo(bob, mine)).toMatchObject({ __typename: 'ReviewRefusedError', code: 'NOT_YOUR_REVIEW' });
  expect(await undo(alice, mine)).toMatchObject({
    undoneAt: expect.any(String),
    example: { validated: false, validatedBy: null, rejected: false },
  });
  expect(await undo(alice, mine)).toMatchObject({ __typename: 'Review', undoneAt: expect.any(String) });
  expect(await countsOf(alice, datasetId)).toEqual({ exampleCount: 1, validatedCount: 0, rejectedCount: 0 });
  expect(await takeWords(alice, datasetId)).toBe('Q0');
  expect(await decline(alice, id)).toMatchObject({ example: { rejected: true, rejectedBy: 'bob, alice' } });
  expect(await undo(carol, third)).toMatchObject({ example: { rejected: true } });
  expect(await shown(alice, id)).toMatchObject({ rejectedBy: 'bob, alice', reviews: { totalCount: 4 } });
});

test('an undo after an export leaves the file as it is; after an edit it is refused', async () => {
  const { alice, bob, datasetId, ids } = await newRoom([0.5]);
  const [id = ''] = ids;
  const first = await reviewId(alice, id);
  expect(await exportedLines(alice, datasetId)).toHaveLength(1);
  expect(await undo(alice, first)).toMatchObject({ example: { validated: false } });
  expect(await exportedLines(alice, datasetId)).toHaveLength(0);
  const second = await reviewId(alice, id);
  await edit(bob, id, 'Other words');
  expect(await undo(alice, second)).toMatchObject({ code: 'EXAMPLE_CHANGED' });
});

test('a direct decision stands above the reviews, also when one of them is undone', async () => {
  const { alice, bob, datasetId, ids } = await newRoom([0.5]);
  const [id = ''] = ids;
  const mine = await reviewId(alice, id);
  await reject(bob, { ids, reason: 'Not ours' });
  expect(await undo(alice, mine)).toMatchObject({ example: { validated: false, rejected: true } });
  expect(await shown(alice, id)).toMatchObject({ rejectedBy: 'bob', rejectionReason: 'Not ours' });
  await validate(bob, { datasetId });
  expect(await statusOf(alice, datasetId)).toMatchObject({ undecided: 0, reviewed: 0 });
});

test('saying the same again is harmless, saying something else wants an undo first', async () => {
  const { alice, datasetId, ids } = await newRoom([0.5]);
  const [id = ''] = ids;
  const twice = await Promise.all([accept(alice, id), accept(alice, id)]);
  expect(twice[0]).toMatchObject({ __typename: 'Review' });
  expect(twice[1]).toEqual(twice[0]);
  expect(await decline(alice, id)).toMatchObject({ code: 'ALREADY_REVIEWED' });
  expect(await statusOf(alice, datasetId)).toMatchObject({ reviewed: 1, reviewers: [{ accepted: 1 }] });
});

test.each<[name: string, input: Partial<ReviewExampleInput>, field: string]>([
  ['a rating of 0', { rating: 0 }, 'input.rating'],
  ['a rating of 6', { rating: 6 }, 'input.rating'],
  ['a reason that is too long', { reason: 'x'.repeat(1001) }, 'input.reason'],
  ['a reason that cannot be stored', { reason: 'a\0' }, 'input.reason'],
  ['an id that is none', { exampleId: 'x' }, 'input.exampleId'],
])('refuses %s, and changes nothing', async (_name, input, field) => {
  const { alice, ids } = await newRoom([0.5]);
  const [id = ''] = ids;
  expect(await review(alice, { exampleId: id, verdict: 'ACCEPT', ...input })).toMatchObject({
    code: 'INVALID_INPUT',
    faults: [{ field }],
  });
  expect(await shown(alice, id)).toMatchObject({ validated: false, reviews: { totalCount: 0 } });
});

test('what no provider takes cannot be accepted, but rejected', async () => {
  const { tenant, alice, ids } = await newRoom([0.5]);
  const [id = ''] = ids;
  const { db } = await sharedServer();
  await db.withTenant(
    tenant.tenantId,
    (tx) => tx.$executeRaw`UPDATE finetuning_examples
      SET messages = '[{"role": "user", "content": ""}, {"role": "assistant", "content": "a"}]'
      WHERE id = ${rowId(id)}::uuid`,
  );
  expect(await accept(alice, id)).toMatchObject({ faults: [{ field: 'input.exampleId' }] });
  expect(await decline(alice, id)).toMatchObject({ example: { rejected: true } });
});

test('knows no example or review of other tenants', async () => {
  const { alice, ids } = await newRoom([0.5]);
  const [id = ''] = ids;
  const mine = await reviewId(alice, id);
  const stranger = (await newTenant()).as('alice');
  expect(await accept(stranger, id)).toMatchObject({ code: 'NOT_FOUND' });
  expect(await undo(stranger, mine)).toMatchObject({ code: 'NOT_FOUND' });
  expect(await undo(alice, id)).toMatchObject({ code: 'INVALID_INPUT' });
});
