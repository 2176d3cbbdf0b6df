/** How the review of a dataset stands: counts, agreement, reviewers; and who follows the dataset is told. */
import { beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import {
  accept,
  decline,
  edit,
  newRoom,
  reviewId,
  rowId,
  statusOf,
  take,
  undo,
  type Room,
} from './support/reviewers.ts';
import { sharedServer } from './support/server.ts';

beforeAll(sharedServer, 120_000);

const Updated = graphql(`
  subscription ReviewStatusUpdated($id: ID!) {
    datasetUpdated(id: $id) {
      validatedCount
      reviewStatus {
        inReview
        reviewed
      }
    }
  }
`);

/** As if the reviewer had needed so long for each example. */
async function needed({ tenant }: Room, reviewer: string, seconds: number[]): Promise<void> {
  const { db } = await sharedServer();
  const { tenantId } = tenant;
  await db.withTenant(tenantId, async (tx) => {
    const reviews = await tx.review.findMany({
      where: { tenantId, reviewer },
      orderBy: { createdAt: 'asc' },
    });
    for (const [at, { id }] of reviews.entries()) {
      await tx.review.update({ where: { id }, data: { seconds: seconds[at] ?? null } });
    }
  });
}

test('before anybody has reviewed there is nothing to tell', async () => {
  const { alice, datasetId } = await newRoom([0.5, 0.6]);
  expect(await statusOf(alice, datasetId)).toEqual({
    undecided: 2,
    inReview: 0,
    reviewed: 0,
    leased: 0,
    agreement: { examples: 0, percent: null, alpha: null },
    reviewers: [],
  });
});

test('the example of Krippendorff’s paper, reviewed: 60 percent, alpha 0.095, and what each has done', async () => {
  const room = await newRoom(Array(10).fill(0.5), { minReviews: 3 });
  const { alice, bob, carol, datasetId, ids } = room;
  const meg = '0100000010';
  const owen = '1110010000';
  for (const [at, id] of ids.entries()) {
    await (meg[at] === '1' ? accept(alice, id) : decline(alice, id));
    await (owen[at] === '1' ? accept(bob, id) : decline(bob, id));
  }
  await needed(room, 'alice', [4, 8, 60]);
  await undo(carol, await reviewId(carol, ids[0] ?? ''));
  await edit(carol, ids[9] ?? '', 'Better words');
  await take(carol, datasetId);
  const status = await statusOf(alice, datasetId);
  expect(status.agreement.alpha).toBeCloseTo(0.095, 3);
  expect(status).toMatchObject({
    undecided: 10,
    inReview: 9, // The edit has lifted the reviews of one; as a judged wording it still counts.
    reviewed: 0,
    leased: 1,
    agreement: { examples: 10, percent: 60 },
  });
  const lastAt: unknown = expect.any(String);
  expect(status.reviewers).toEqual([
    {
      reviewer: 'alice',
      accepted: 2,
      rejected: 8,
      edited: 0,
      medianSeconds: 8,
      perHour: 150,
      lastAt,
      agreementWithOthers: 60,
    },
    {
      reviewer: 'bob',
      accepted: 4,
      rejected: 6,
      edited: 0,
      medianSeconds: null,
      perHour: null,
      lastAt,
      agreementWithOthers: 60,
    },
    {
      reviewer: 'carol',
      accepted: 0,
      rejected: 0,
      edited: 1,
      medianSeconds: null,
      perHour: null,
      lastAt,
      agreementWithOthers: null,
    },
  ]);
});

test('of three on one example, each agrees with part of the others', async () => {
  const { alice, bob, carol, datasetId, ids } = await newRoom([0.5], { minReviews: 3 });
  const [id = ''] = ids;
  await accept(alice, id);
  await accept(bob, id);
  await decline(carol, id);
  const { agreement, reviewers } = await statusOf(alice, datasetId);
  expect(agreement.percent).toBeCloseTo(100 / 3, 9);
  expect(reviewers.map(({ reviewer, agreementWithOthers }) => [reviewer, agreementWithOthers])).toEqual([
    ['alice', 50],
    ['bob', 50],
    ['carol', 0],
  ]);
});

test('every review is pushed to who follows the dataset, also one that decides nothing', async () => {
  const { alice, bob, datasetId, ids } = await newRoom([0.5], { minReviews: 2 });
  const [id = ''] = ids;
  const seen: object[] = [];
  let mine = '';
  const steps = [
    async () => (mine = await reviewId(alice, id)),
    () => accept(bob, id),
    () => undo(alice, mine),
    () => edit(bob, id, 'Other words'),
  ];
  for await (const { datasetUpdated } of alice.follow(Updated, { id: datasetId })) {
    seen.push(datasetUpdated);
    const step = steps.shift();
    if (!step) break;
    await step();
  }
  expect(seen).toEqual([
    { validatedCount: 0, reviewStatus: { inReview: 0, reviewed: 0 } },
    { validatedCount: 0, reviewStatus: { inReview: 1, reviewed: 0 } },
    { validatedCount: 1, reviewStatus: { inReview: 0, reviewed: 1 } },
    { validatedCount: 0, reviewStatus: { inReview: 1, reviewed: 0 } },
    { validatedCount: 0, reviewStatus: { inReview: 0, reviewed: 0 } },
  ]);
});

test('the status stands on the dataset’s rows alone', async () => {
  const { tenant, alice, datasetId, ids } = await newRoom([0.5]);
  const other = await newRoom([0.5]);
  await accept(alice, ids[0] ?? '');
  expect((await statusOf(other.alice, other.datasetId)).reviewers).toEqual([]);
  expect(
    (await other.alice.answer('query ($id: ID!) { dataset(id: $id) { id } }', { id: datasetId })).data,
  ).toEqual({
    dataset: null,
  });
  const { db } = await sharedServer();
  const reviews = await db.withTenant(tenant.tenantId, (tx) => tx.review.findMany());
  expect(reviews.map(({ exampleId }) => exampleId)).toEqual([rowId(ids[0] ?? '')]);
});
