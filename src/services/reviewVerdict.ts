/**
 * What the reviews of an example come to. Once as many reviewers as the dataset asks for have judged its present wording,
 * the majority decides; a tie waits for one more. A direct decision (validateExamples, rejectExamples) stands above this.
 */
import type { Tx } from '../db/tenancy.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { Viewer } from './viewer.ts';

/** Brings an example to what its reviews say now, and tells whoever follows the dataset. The dataset is locked. */
export async function settleExample(
  tx: Tx,
  viewer: Viewer,
  datasetId: string,
  exampleId: string,
): Promise<void> {
  await tx.$executeRaw`
    UPDATE finetuning_examples AS example
    SET accept_count = said.accepts, reject_count = said.rejects, reviewers = said.reviewers
    FROM (
      SELECT count(*) FILTER (WHERE verdict = 'ACCEPT') AS accepts, count(*) FILTER (WHERE verdict = 'REJECT') AS rejects,
        coalesce(jsonb_agg(reviewer ORDER BY reviewer COLLATE "C")::text, '[]') AS reviewers
      FROM finetuning_reviews AS review JOIN finetuning_examples AS judged
        ON judged.id = review.example_id AND judged.revision = review.example_revision
      WHERE review.example_id = ${exampleId}::uuid AND review.tenant_id = ${viewer.tenantId}::uuid AND undone_at IS NULL
    ) AS said
    WHERE example.id = ${exampleId}::uuid AND example.tenant_id = ${viewer.tenantId}::uuid`;
  await decide(tx, viewer, datasetId, Prisma.sql`AND example.id = ${exampleId}::uuid`);
  // By the clock and not by the transaction's beginning: two reviews at once are two changes.
  await tx.$executeRaw`
    UPDATE finetuning_datasets SET updated_at = clock_timestamp()
    WHERE id = ${datasetId}::uuid AND tenant_id = ${viewer.tenantId}::uuid`;
}

/** Brings all examples of a dataset to what their reviews say under its present `min_reviews`. The dataset is locked. */
export async function settleDataset(tx: Tx, viewer: Viewer, datasetId: string): Promise<void> {
  await decide(tx, viewer, datasetId, Prisma.empty);
}

async function decide(tx: Tx, { tenantId }: Viewer, datasetId: string, which: Prisma.Sql): Promise<void> {
  await tx.$executeRaw`
    WITH judged AS (
      SELECT example.id, example.revision, CASE
        WHEN accept_count + reject_count < min_reviews OR accept_count = reject_count THEN NULL
        WHEN accept_count > reject_count THEN 'ACCEPT' ELSE 'REJECT'
      END::review_verdict AS verdict
      FROM finetuning_examples AS example JOIN finetuning_datasets AS dataset ON dataset.id = example.dataset_id
      WHERE example.dataset_id = ${datasetId}::uuid AND example.tenant_id = ${tenantId}::uuid ${which}
        AND (decided_by_reviews OR (NOT validated AND NOT rejected AND accept_count + reject_count > 0))
    ), decision AS (
      SELECT judged.id, judged.verdict, string_agg(reviewer, ', ' ORDER BY review.created_at, review.id) AS names,
        string_agg(reason, '; ' ORDER BY review.created_at, review.id) AS reasons
      FROM judged LEFT JOIN finetuning_reviews AS review ON review.example_id = judged.id
        AND review.example_revision = judged.revision AND review.verdict = judged.verdict AND undone_at IS NULL
      GROUP BY judged.id, judged.verdict
    )
    UPDATE finetuning_examples AS example SET
      validated = decision.verdict IS NOT DISTINCT FROM 'ACCEPT',
      validated_by = CASE decision.verdict WHEN 'ACCEPT' THEN names END,
      validated_at = CASE decision.verdict WHEN 'ACCEPT' THEN coalesce(validated_at, now()) END,
      rejected = decision.verdict IS NOT DISTINCT FROM 'REJECT',
      rejected_by = CASE decision.verdict WHEN 'REJECT' THEN names END,
      rejected_at = CASE decision.verdict WHEN 'REJECT' THEN coalesce(rejected_at, now()) END,
      rejection_reason = CASE decision.verdict WHEN 'REJECT' THEN reasons END,
      decided_by_reviews = decision.verdict IS NOT NULL, updated_at = now()
    FROM decision
    WHERE example.id = decision.id AND (
      validated <> (decision.verdict IS NOT DISTINCT FROM 'ACCEPT')
      OR rejected <> (decision.verdict IS NOT DISTINCT FROM 'REJECT')
      OR (coalesce(validated_by, rejected_by) IS DISTINCT FROM names)
    )`;
}
