/** Whatever several reviewers do in whatever order, side by side: the database keeps what the rules promise. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { TestClient } from './support/client.ts';
import { accept, decline, edit, newRoom, release, rowId, statusOf, take, undo } from './support/reviewers.ts';
import { sharedServer } from './support/server.ts';

beforeAll(sharedServer, 120_000);

const step = fc.record({
  who: fc.constantFrom('alice', 'bob', 'carol'),
  what: fc.constantFrom('take', 'skip', 'accept', 'decline', 'undo', 'edit', 'release'),
  which: fc.nat({ max: 2 }),
});

test('leases are never shared, and every state is what the reviews say', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 10 }),
      async (minReviews, rounds) => {
        const { tenant, datasetId, ids } = await newRoom([0.5, 0.6, 0.7], { minReviews });
        const given = new Map<string, string>();
        for (const [round, steps] of rounds.entries()) {
          await Promise.all(
            steps.map(async ({ who, what, which }, at) => {
              const person = tenant.as(who);
              const id = ids[which] ?? '';
              if (what === 'take' || what === 'skip') await take(person, datasetId, what === 'skip');
              else if (what === 'release') await release(person, id);
              else if (what === 'edit') await edit(person, id, `Answer ${which} of round ${round}.${at}`);
              else if (what === 'undo') await undo(person, given.get(`${who} ${which}`) ?? datasetId);
              else {
                const said = await (what === 'accept' ? accept : decline)(person, id);
                if ('id' in said) given.set(`${who} ${which}`, said.id);
              }
            }),
          );
          await expectSound(tenant, datasetId, minReviews);
        }
      },
    ),
    { numRuns: 5 },
  );
});

async function expectSound(tenant: TestClient, datasetId: string, minReviews: number): Promise<void> {
  const { db } = await sharedServer();
  const { examples, leases, dataset } = await db.withTenant(tenant.tenantId, async (tx) => ({
    examples: await tx.example.findMany({ include: { reviews: { where: { undoneAt: null } } } }),
    leases: await tx.reviewLease.findMany(),
    dataset: await tx.dataset.findFirstOrThrow({ where: { id: rowId(datasetId) } }),
  }));
  // An example in two hands, or a reviewer with two examples, would be two rows.
  expect(new Set(leases.map(({ exampleId }) => exampleId)).size).toBe(leases.length);
  expect(new Set(leases.map(({ reviewer }) => reviewer)).size).toBe(leases.length);
  for (const {
    id,
    revision,
    reviews,
    validated,
    rejected,
    acceptCount,
    rejectCount,
    reviewers,
  } of examples) {
    const counting = reviews.filter((one) => one.exampleRevision === revision);
    const accepts = counting.filter(({ verdict }) => verdict === 'ACCEPT').length;
    const rejects = counting.length - accepts;
    const decided = counting.length >= minReviews && accepts !== rejects;
    const names = counting.map(({ reviewer }) => reviewer);
    expect({ id, validated, rejected, acceptCount, rejectCount, reviewers: JSON.parse(reviewers) }).toEqual({
      id,
      validated: decided && accepts > rejects,
      rejected: decided && rejects > accepts,
      acceptCount: accepts,
      rejectCount: rejects,
      reviewers: names.toSorted(),
    });
    expect(new Set(names).size).toBe(names.length);
    const holder = leases.find(({ exampleId }) => exampleId === id)?.reviewer;
    expect(names).not.toContain(holder);
  }
  const undecided = examples.filter(({ validated, rejected }) => !validated && !rejected);
  expect([dataset.validatedCount, dataset.rejectedCount]).toEqual([
    examples.filter(({ validated }) => validated).length,
    examples.filter(({ rejected }) => rejected).length,
  ]);
  const status = await statusOf(tenant, datasetId);
  expect(status).toMatchObject({
    undecided: undecided.length,
    inReview: undecided.filter(({ reviewers }) => reviewers !== '[]').length,
    reviewed: examples.length - undecided.length,
    leased: leases.filter(({ exampleId }) => undecided.some(({ id }) => id === exampleId)).length,
  });
}
