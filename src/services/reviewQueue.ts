/**
 * The queue of a dataset: hands each reviewer the example that is most worth a look and holds it for them, so that no
 * two have the same at once. What comes first is said by review_rank() (prisma/migrations, *_review_queue).
 */
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import { Prisma, type Example } from '../generated/prisma/client.ts';
import { lockDataset } from './dataset.ts';
import { ExampleHeldError, NotFoundError } from './errors.ts';
import type { Viewer } from './viewer.ts';

/** How long an example is held for a reviewer who does not ask again, in seconds. */
const LEASE_SECONDS = 300;

/** An example that is held for the viewer. */
export interface HeldExample {
  example: Example;
  /** Since when. */
  takenAt: Date;
  /** Until when, unless the viewer asks again. */
  heldUntil: Date;
}

/** Why a viewer may find nothing to review: how the dataset's undecided examples stand to them. */
export interface QueueCounts {
  heldByOthers: number;
  /** Reviewed by the viewer, and waiting for others. */
  waitingForOthers: number;
}

export type ReviewQueue = ReturnType<typeof createReviewQueue>;

export function createReviewQueue({
  db,
  leaseSeconds = LEASE_SECONDS,
}: {
  db: Pick<Database, 'withTenant' | 'clientOf'>;
  leaseSeconds?: number | undefined;
}) {
  return {
    /**
     * The example that is held for the viewer, for the full time from now on; else the next one of the queue, and null
     * when there is none for them. `skip` puts off the one that they hold: it comes last for them. Throws NotFoundError.
     */
    async take(viewer: Viewer, datasetId: string, { skip = false } = {}): Promise<HeldExample | null> {
      return db.withTenant(viewer.tenantId, async (tx) => {
        // Takers of a dataset come one after the other: each sees what the one before has taken.
        await lockDataset(tx, viewer, datasetId);
        if (skip) await putOff(tx, viewer, datasetId);
        else {
          const held = await renew(tx, viewer, datasetId);
          if (held) return held;
        }
        await tx.reviewLease.deleteMany({
          where: { tenantId: viewer.tenantId, datasetId, reviewer: viewer.subject },
        });
        const next =
          (await nextExample(tx, viewer, datasetId)) ?? (await longestPutOff(tx, viewer, datasetId));
        return next === undefined ? null : hold(tx, viewer, datasetId, next);
      });
    },

    /** Gives the example back, if the viewer holds it; harmless otherwise. Throws NotFoundError. */
    async release(viewer: Viewer, exampleId: string): Promise<Example> {
      const { tenantId, subject } = viewer;
      return db.withTenant(tenantId, async (tx) => {
        const example = await tx.example.findFirst({ where: { id: exampleId, tenantId } });
        if (!example) throw new NotFoundError('example', exampleId);
        await tx.reviewLease.deleteMany({ where: { exampleId, tenantId, reviewer: subject } });
        return example;
      });
    },

    /** How the undecided examples of a dataset stand to the viewer. */
    async counts(viewer: Viewer, datasetId: string): Promise<QueueCounts> {
      const [counts] = await db.clientOf(viewer.tenantId).$queryRaw<QueueCounts[]>`
          SELECT
            (SELECT count(*)::int FROM finetuning_review_leases AS lease JOIN finetuning_examples AS example
              ON example.id = lease.example_id AND NOT validated AND NOT rejected
              WHERE lease.dataset_id = ${datasetId}::uuid AND lease.tenant_id = ${viewer.tenantId}::uuid
                AND lease.reviewer <> ${viewer.subject} AND lease_until > now()) AS "heldByOthers",
            (SELECT count(*)::int FROM finetuning_reviews AS review JOIN finetuning_examples AS example
              ON example.id = review.example_id AND example.revision = review.example_revision
                AND NOT validated AND NOT rejected
              WHERE review.dataset_id = ${datasetId}::uuid AND review.tenant_id = ${viewer.tenantId}::uuid
                AND review.reviewer = ${viewer.subject} AND undone_at IS NULL) AS "waitingForOthers"`;
      return counts ?? { heldByOthers: 0, waitingForOthers: 0 };
    },
  };

  /** Makes the viewer's lease last its full time again; null when they have none, or its example needs no review of theirs. */
  async function renew(tx: Tx, viewer: Viewer, datasetId: string): Promise<HeldExample | null> {
    const [lease] = await tx.$queryRaw<{ exampleId: string; takenAt: Date; heldUntil: Date }[]>`
      UPDATE finetuning_review_leases AS lease
      SET lease_until = clock_timestamp() + make_interval(secs => ${leaseSeconds}::float8)
      FROM finetuning_examples AS example
      WHERE lease.dataset_id = ${datasetId}::uuid AND lease.tenant_id = ${viewer.tenantId}::uuid
        AND lease.reviewer = ${viewer.subject} AND lease_until > now()
        AND example.id = lease.example_id AND NOT validated AND NOT rejected
        AND NOT jsonb_exists(reviewers::jsonb, ${viewer.subject})
      RETURNING lease.example_id AS "exampleId", taken_at AS "takenAt", lease_until AS "heldUntil"`;
    return lease ? heldExample(tx, viewer, lease) : null;
  }

  async function hold(tx: Tx, viewer: Viewer, datasetId: string, exampleId: string): Promise<HeldExample> {
    const [lease] = await tx.$queryRaw<{ exampleId: string; takenAt: Date; heldUntil: Date }[]>`
      INSERT INTO finetuning_review_leases (tenant_id, example_id, dataset_id, reviewer, taken_at, lease_until)
      SELECT ${viewer.tenantId}::uuid, ${exampleId}::uuid, ${datasetId}::uuid, ${viewer.subject}, at,
        at + make_interval(secs => ${leaseSeconds}::float8)
      FROM clock_timestamp() AS at
      ON CONFLICT (example_id) DO UPDATE
        SET reviewer = excluded.reviewer, taken_at = excluded.taken_at, lease_until = excluded.lease_until
        WHERE finetuning_review_leases.lease_until <= now()
      RETURNING example_id AS "exampleId", taken_at AS "takenAt", lease_until AS "heldUntil"`;
    if (!lease) throw new Error(`The example ${exampleId} was taken by two reviewers at once.`);
    return heldExample(tx, viewer, lease);
  }
}

async function heldExample(
  tx: Tx,
  { tenantId }: Viewer,
  { exampleId, ...lease }: { exampleId: string; takenAt: Date; heldUntil: Date },
): Promise<HeldExample> {
  return { ...lease, example: await tx.example.findFirstOrThrow({ where: { id: exampleId, tenantId } }) };
}

/** Throws ExampleHeldError when the example is held for another reviewer. */
export async function refuseHeldByOther(tx: Tx, viewer: Viewer, exampleId: string): Promise<void> {
  const [lease] = await tx.$queryRaw<{ reviewer: string; leaseUntil: Date }[]>`
    SELECT reviewer, lease_until AS "leaseUntil"
    FROM finetuning_review_leases AS lease JOIN finetuning_examples AS example
      ON example.id = lease.example_id AND NOT validated AND NOT rejected
    WHERE lease.example_id = ${exampleId}::uuid AND lease.tenant_id = ${viewer.tenantId}::uuid
      AND reviewer <> ${viewer.subject} AND lease_until > now()`;
  if (lease) throw new ExampleHeldError(lease.reviewer, lease.leaseUntil);
}

/**
 * The id of the undecided example that is most worth the viewer's look: held by nobody, not reviewed by them, not put
 * off by them. Examples lie in the index by who has reviewed them: it walks over those sets of people, few as they are,
 * and takes the first example of each, so that a million examples cost no more than a thousand.
 */
async function nextExample(tx: Tx, viewer: Viewer, datasetId: string): Promise<string | undefined> {
  // Of a dataset that has just grown the planner has no idea, and would rather sort it than walk along the index.
  await tx.$executeRaw`SELECT set_config('enable_sort', 'off', true)`;
  const [next] = await tx.$queryRaw<{ id: string }[]>(queueQuery(viewer, datasetId));
  return next?.id;
}

export function queueQuery({ tenantId, subject }: Viewer, datasetId: string): Prisma.Sql {
  return Prisma.sql`
    WITH RECURSIVE seen AS (
      (
        SELECT reviewers FROM finetuning_examples
        WHERE dataset_id = ${datasetId}::uuid AND tenant_id = ${tenantId}::uuid AND NOT validated AND NOT rejected
        ORDER BY reviewers LIMIT 1
      )
      UNION ALL
      SELECT (
        SELECT reviewers FROM finetuning_examples
        WHERE dataset_id = ${datasetId}::uuid AND tenant_id = ${tenantId}::uuid AND NOT validated AND NOT rejected
          AND reviewers > seen.reviewers
        ORDER BY reviewers LIMIT 1
      )
      FROM seen WHERE reviewers IS NOT NULL
    )
    SELECT first.id FROM seen CROSS JOIN LATERAL (
      SELECT id, position, review_rank(accept_count, reject_count, flagged, quality_score) AS rank
      FROM finetuning_examples AS example
      WHERE dataset_id = ${datasetId}::uuid AND tenant_id = ${tenantId}::uuid AND NOT validated AND NOT rejected
        AND reviewers = seen.reviewers
        AND NOT EXISTS (
          SELECT FROM finetuning_review_leases AS lease WHERE lease.example_id = example.id AND lease_until > now()
        )
        AND NOT EXISTS (
          SELECT FROM finetuning_review_skips AS skip WHERE skip.example_id = example.id AND reviewer = ${subject}
        )
      ORDER BY rank, position LIMIT 1
    ) AS first
    WHERE NOT jsonb_exists(seen.reviewers::jsonb, ${subject})
    ORDER BY rank, position LIMIT 1`;
}

/** Of the examples that the viewer put off, the one that waits longest. */
async function longestPutOff(
  tx: Tx,
  { tenantId, subject }: Viewer,
  datasetId: string,
): Promise<string | undefined> {
  const [next] = await tx.$queryRaw<{ id: string }[]>`
    SELECT example.id FROM finetuning_review_skips AS skip JOIN finetuning_examples AS example
      ON example.id = skip.example_id AND example.tenant_id = skip.tenant_id
    WHERE skip.reviewer = ${subject} AND skip.tenant_id = ${tenantId}::uuid AND example.dataset_id = ${datasetId}::uuid
      AND NOT validated AND NOT rejected AND NOT jsonb_exists(reviewers::jsonb, ${subject})
      AND NOT EXISTS (
        SELECT FROM finetuning_review_leases AS lease WHERE lease.example_id = example.id AND lease_until > now()
      )
    ORDER BY skipped_at, position LIMIT 1`;
  return next?.id;
}

async function putOff(tx: Tx, { tenantId, subject }: Viewer, datasetId: string): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO finetuning_review_skips (tenant_id, example_id, reviewer, skipped_at)
    SELECT tenant_id, example_id, reviewer, clock_timestamp() FROM finetuning_review_leases
    WHERE dataset_id = ${datasetId}::uuid AND tenant_id = ${tenantId}::uuid AND reviewer = ${subject}
      AND lease_until > now()
    ON CONFLICT (example_id, reviewer) DO UPDATE SET skipped_at = excluded.skipped_at`;
}
