/** What reviewers say of examples: one say each on a wording, which they may take back. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import type { Example, Review } from '../generated/prisma/client.ts';
import { lockDataset } from './dataset.ts';
import { NotFoundError, ReviewRefusedError } from './errors.ts';
import { lockExample } from './example.ts';
import { refuseUntrainable } from './exampleFitness.ts';
import { parseInput } from './input.ts';
import { refuseHeldByOther } from './reviewQueue.ts';
import { settleExample } from './reviewVerdict.ts';
import { storableText } from './text.ts';
import type { Viewer } from './viewer.ts';
import { recordAudit } from './audit.ts';

const saySchema = z.object({
  verdict: z.enum(['ACCEPT', 'REJECT']),
  exampleRevision: z.int().nullish(),
  rating: z.int().min(1).max(5).nullish(),
  reason: storableText('The reason', 1000).nullish(),
});

export type Say = z.input<typeof saySchema>;

export type ReviewService = ReturnType<typeof createReviewService>;

export function createReviewService({ db }: { db: Pick<Database, 'withTenant'> }) {
  return {
    /**
     * Records what the viewer says of an example, and gives it back. They need not hold it, as long as nobody else does.
     * The same again gives the review that is there. Throws InvalidInputError, NotFoundError, ExampleHeldError,
     * ReviewRefusedError.
     */
    async judge(viewer: Viewer, exampleId: string, input: Say): Promise<Review> {
      const { verdict, exampleRevision, ...rest } = parseInput(saySchema, input);
      const say = { verdict, rating: rest.rating ?? null, reason: rest.reason || null };
      return db.withTenant(viewer.tenantId, async (tx) => {
        const example = await lockExample(tx, viewer, exampleId);
        if (exampleRevision != null && exampleRevision !== example.revision)
          throw new ReviewRefusedError('EXAMPLE_CHANGED');
        const before = await standingReview(tx, viewer, example);
        if (before) {
          if (saysTheSame(before, say)) return before;
          throw new ReviewRefusedError('ALREADY_REVIEWED');
        }
        if (example.validated || example.rejected) throw new ReviewRefusedError('ALREADY_DECIDED');
        await refuseHeldByOther(tx, viewer, exampleId);
        if (verdict === 'ACCEPT')
          await refuseUntrainable(tx, viewer, { ids: [exampleId] }, () => 'input.exampleId');
        const id = await record(tx, viewer, example, say);
        const own = { exampleId, tenantId: viewer.tenantId, reviewer: viewer.subject };
        await tx.reviewLease.deleteMany({ where: own });
        await tx.reviewSkip.deleteMany({ where: own });
        await settleExample(tx, viewer, example.datasetId, exampleId);
        await recordAudit(tx, viewer, {
          action: 'REVIEW_EXAMPLE',
          subjectType: 'Example',
          subjectId: exampleId,
          detail: { verdict, revision: example.revision },
        });
        return tx.review.findFirstOrThrow({ where: { id, tenantId: viewer.tenantId } });
      });
    },

    /**
     * Takes a review back: the example is what the other reviews say, or goes back to the queue. A direct decision stands,
     * and so do exports. Again changes nothing. Throws NotFoundError, ReviewRefusedError.
     */
    async undo(viewer: Viewer, reviewId: string): Promise<Review> {
      const where = { id: reviewId, tenantId: viewer.tenantId };
      return db.withTenant(viewer.tenantId, async (tx) => {
        const found = await tx.review.findFirst({ where });
        if (!found) throw new NotFoundError('review', reviewId);
        if (found.reviewer !== viewer.subject) throw new ReviewRefusedError('NOT_YOUR_REVIEW');
        await lockDataset(tx, viewer, found.datasetId);
        const review = await tx.review.findFirstOrThrow({ where, include: { example: true } });
        if (review.undoneAt !== null) return review;
        if (review.example.revision !== review.exampleRevision)
          throw new ReviewRefusedError('EXAMPLE_CHANGED');
        await tx.$executeRaw`UPDATE finetuning_reviews SET undone_at = clock_timestamp()
          WHERE id = ${reviewId}::uuid AND tenant_id = ${viewer.tenantId}::uuid`;
        await settleExample(tx, viewer, review.datasetId, review.exampleId);
        await recordAudit(tx, viewer, {
          action: 'UNDO_REVIEW',
          subjectType: 'Example',
          subjectId: review.exampleId,
          detail: { verdict: review.verdict, revision: review.exampleRevision },
        });
        return tx.review.findFirstOrThrow({ where });
      });
    },
  };
}

function standingReview(tx: Tx, { tenantId, subject }: Viewer, { id, revision }: Example) {
  return tx.review.findFirst({
    where: { exampleId: id, exampleRevision: revision, tenantId, reviewer: subject, undoneAt: null },
  });
}

function saysTheSame(
  before: Pick<Review, 'verdict' | 'rating' | 'reason'>,
  say: Pick<Review, 'verdict' | 'rating' | 'reason'>,
): boolean {
  return before.verdict === say.verdict && before.rating === say.rating && before.reason === say.reason;
}

/** Adds the review, with the time since the example was handed out if it is still held; gives its id. */
async function record(
  tx: Tx,
  { tenantId, subject }: Viewer,
  { id, datasetId, revision }: Example,
  { verdict, rating, reason }: Pick<Review, 'verdict' | 'rating' | 'reason'>,
): Promise<string> {
  const [added] = await tx.$queryRaw<[{ id: string }]>`
    INSERT INTO finetuning_reviews
      (tenant_id, dataset_id, example_id, example_revision, reviewer, verdict, rating, reason, created_at, seconds)
    SELECT ${tenantId}::uuid, ${datasetId}::uuid, ${id}::uuid, ${revision}, ${subject}, ${verdict}::review_verdict,
      ${rating}::int, ${reason}, at, (
        SELECT extract(epoch FROM at - taken_at) FROM finetuning_review_leases
        WHERE example_id = ${id}::uuid AND tenant_id = ${tenantId}::uuid AND reviewer = ${subject} AND lease_until > at
      )
    FROM clock_timestamp() AS at
    RETURNING id`;
  return added.id;
}
