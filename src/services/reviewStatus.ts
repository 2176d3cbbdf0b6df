/** How the review of a dataset stands: what is left, how far reviewers agree, and who has done how much how fast. */
import type { Database } from '../db/database.ts';
import { agreementOf, type Agreement } from './agreement.ts';
import type { Viewer } from './viewer.ts';

export interface ReviewProgress {
  /** Undecided examples that somebody has reviewed. */
  inReview: number;
  /** Examples whose verdict is what their reviews came to. */
  reviewed: number;
  /** Undecided examples that are held for somebody. */
  leased: number;
}

export interface ReviewerWork {
  reviewer: string;
  accepted: number;
  rejected: number;
  /** How often they gave an example a new wording. */
  edited: number;
  /** From being handed an example to the judgement; null when they took none from the queue. */
  medianSeconds: number | null;
  /** Judgements an hour of the time that examples were in their hands; null as above. */
  perHour: number | null;
  lastAt: Date;
  /** Of the judgements of others on what they judged too, how many agree with theirs, 0..100; null without any. */
  agreementWithOthers: number | null;
}

export type ReviewStatusService = ReturnType<typeof createReviewStatusService>;

export function createReviewStatusService({ db }: { db: Pick<Database, 'clientOf'> }) {
  return {
    /** How the datasets stand, by id. */
    async progress({ tenantId }: Viewer, ids: readonly string[]): Promise<Map<string, ReviewProgress>> {
      // A list of names sorts before the empty list, so that the queue's index finds them at once.
      const rows = await db.clientOf(tenantId).$queryRaw<(ReviewProgress & { id: string })[]>`
          SELECT dataset.id,
            (SELECT count(*)::int FROM finetuning_examples AS example
              WHERE example.dataset_id = dataset.id AND NOT validated AND NOT rejected AND reviewers < '[]') AS "inReview",
            (SELECT count(*)::int FROM finetuning_examples AS example
              WHERE example.dataset_id = dataset.id AND decided_by_reviews) AS "reviewed",
            (SELECT count(*)::int FROM finetuning_review_leases AS lease JOIN finetuning_examples AS example
              ON example.id = lease.example_id AND NOT validated AND NOT rejected
              WHERE lease.dataset_id = dataset.id AND lease_until > now()) AS "leased"
          FROM finetuning_datasets AS dataset
          WHERE dataset.tenant_id = ${tenantId}::uuid AND dataset.id = ANY(${[...ids]}::uuid[])`;
      return new Map(rows.map(({ id, ...progress }) => [id, progress]));
    },

    /** How far reviewers agree on the wordings that two or more of them have judged, earlier wordings included. */
    async agreement({ tenantId }: Viewer, ids: readonly string[]): Promise<Map<string, Agreement>> {
      const rows = await db.clientOf(tenantId).$queryRaw<
        { id: string; accepts: number; rejects: number; units: number }[]
      >`
          SELECT dataset_id AS id, accepts, rejects, count(*)::int AS units FROM (
            SELECT dataset_id, count(*) FILTER (WHERE verdict = 'ACCEPT')::int AS accepts,
              count(*) FILTER (WHERE verdict = 'REJECT')::int AS rejects
            FROM finetuning_reviews
            WHERE dataset_id = ANY(${[...ids]}::uuid[]) AND tenant_id = ${tenantId}::uuid AND undone_at IS NULL
            GROUP BY dataset_id, example_id, example_revision HAVING count(*) > 1
          ) AS wording
          GROUP BY dataset_id, accepts, rejects`;
      const judged = (id: string) =>
        rows
          .filter((row) => row.id === id)
          .map(({ accepts, rejects, units }) => ({ verdicts: [accepts, rejects], units }));
      return new Map(ids.map((id) => [id, agreementOf(judged(id))]));
    },

    /** Who has reviewed or edited examples of the dataset, the busiest first. Undone reviews count for nothing. */
    async reviewers({ tenantId }: Viewer, ids: readonly string[]): Promise<Map<string, ReviewerWork[]>> {
      const rows = await db.clientOf(tenantId).$queryRaw<(ReviewerWork & { id: string })[]>`
          WITH said AS (
            SELECT dataset_id, reviewer, verdict, seconds, created_at,
              count(*) OVER (PARTITION BY example_id, example_revision) - 1 AS others,
              count(*) OVER (PARTITION BY example_id, example_revision, verdict) - 1 AS agreeing
            FROM finetuning_reviews
            WHERE dataset_id = ANY(${[...ids]}::uuid[]) AND tenant_id = ${tenantId}::uuid AND undone_at IS NULL
          ), judged AS (
            SELECT dataset_id, reviewer, count(*) FILTER (WHERE verdict = 'ACCEPT')::int AS accepted,
              count(*) FILTER (WHERE verdict = 'REJECT')::int AS rejected,
              percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_seconds,
              count(seconds) * 3600 / nullif(sum(seconds), 0) AS per_hour, max(created_at) AS last_at,
              (100 * sum(agreeing) / nullif(sum(others), 0))::float8 AS agreement
            FROM said GROUP BY dataset_id, reviewer
          ), edits AS (
            SELECT dataset_id, replaced_by AS reviewer, count(*)::int AS edited, max(replaced_at) AS last_at
            FROM finetuning_example_revisions AS earlier JOIN finetuning_examples AS example
              ON example.id = earlier.example_id AND example.tenant_id = earlier.tenant_id
            WHERE earlier.tenant_id = ${tenantId}::uuid AND example.dataset_id = ANY(${[...ids]}::uuid[])
            GROUP BY dataset_id, replaced_by
          )
          SELECT dataset_id AS id, reviewer, coalesce(accepted, 0) AS accepted, coalesce(rejected, 0) AS rejected,
            coalesce(edited, 0) AS edited, median_seconds AS "medianSeconds", per_hour AS "perHour",
            greatest(judged.last_at, edits.last_at) AS "lastAt", agreement AS "agreementWithOthers"
          FROM judged FULL JOIN edits USING (dataset_id, reviewer)
          ORDER BY coalesce(accepted, 0) + coalesce(rejected, 0) DESC, coalesce(edited, 0) DESC, reviewer COLLATE "C"`;
      return new Map(ids.map((id) => [id, rows.filter((row) => row.id === id)]));
    },
  };
}
