-- DropIndex
DROP INDEX "finetuning_review_leases_dataset_id_reviewer_idx";

-- AlterTable
ALTER TABLE "finetuning_examples" ADD COLUMN     "accept_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "decided_by_reviews" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "flagged" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "reject_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "reviewers" TEXT NOT NULL DEFAULT '[]';

-- CreateTable
CREATE TABLE "finetuning_review_skips" (
    "tenant_id" UUID NOT NULL,
    "example_id" UUID NOT NULL,
    "reviewer" TEXT NOT NULL,
    "skipped_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "finetuning_review_skips_pkey" PRIMARY KEY ("example_id","reviewer")
);

-- CreateIndex
CREATE INDEX "finetuning_review_skips_tenant_id_example_id_idx" ON "finetuning_review_skips"("tenant_id", "example_id");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_review_leases_dataset_id_reviewer_key" ON "finetuning_review_leases"("dataset_id", "reviewer");

-- AddForeignKey
ALTER TABLE "finetuning_review_skips" ADD CONSTRAINT "finetuning_review_skips_tenant_id_example_id_fkey" FOREIGN KEY ("tenant_id", "example_id") REFERENCES "finetuning_examples"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Names are compared byte by byte, whatever the server's language.
ALTER TABLE finetuning_examples ALTER COLUMN reviewers TYPE text COLLATE "C";

-- A reviewer has one say on a wording, however often the request arrives.
CREATE UNIQUE INDEX finetuning_reviews_one_say ON finetuning_reviews (example_id, example_revision, reviewer)
  WHERE undone_at IS NULL;

-- What is most worth a look comes first, that is, has the lowest rank:
-- 1. where reviewers disagree; 2. what is begun, so that it gets done; 3. where personal data was found; 4. the rest.
-- Within each: what more reviewers have seen; then the quality that says least, which is the one nearest to 0.5 or
-- none; and of two as near the lower one.
CREATE FUNCTION review_rank(accepts int, rejects int, flagged boolean, quality numeric) RETURNS int
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN accepts > 0 AND rejects > 0 THEN 0 WHEN accepts + rejects > 0 THEN 1 WHEN flagged THEN 2 ELSE 3 END
      * 100000
    + (99 - least(accepts + rejects, 99)) * 1000
    + (abs(coalesce(quality, 0.5) - 0.5) * 200)::int + coalesce((quality > 0.5)::int, 0)
$$;

-- The queue. Examples that the same people have reviewed lie together, so that a reviewer's own are passed over at once
-- and not one by one.
CREATE INDEX finetuning_examples_review_queue ON finetuning_examples (
  dataset_id, reviewers, review_rank(accept_count, reject_count, flagged, quality_score), position
) WHERE NOT validated AND NOT rejected;

-- A new wording wants new reviews: those of the old one no longer count.
CREATE FUNCTION lift_reviews() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.accept_count := 0;
  NEW.reject_count := 0;
  NEW.reviewers := '[]';
  NEW.decided_by_reviews := false;
  RETURN NEW;
END
$$;
CREATE TRIGGER lift_reviews BEFORE UPDATE ON finetuning_examples
  FOR EACH ROW WHEN (OLD.revision <> NEW.revision) EXECUTE FUNCTION lift_reviews();

-- The queue knows by the example's own row whether anything was found in its present wording. Who writes scans has locked
-- the dataset before, as all who write its examples do.
CREATE FUNCTION flag_scanned_examples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Claims change no findings, and are made by a role that may not see examples.
  IF EXISTS (
    SELECT FROM new_rows JOIN old_rows USING (example_id)
    WHERE (new_rows.finding_count > 0) <> (old_rows.finding_count > 0)
  ) THEN
    UPDATE finetuning_examples AS example SET flagged = new_rows.finding_count > 0
    FROM new_rows
    WHERE example.tenant_id = new_rows.tenant_id AND example.id = new_rows.example_id
      AND example.revision = new_rows.revision AND example.flagged <> (new_rows.finding_count > 0);
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER flag_updated AFTER UPDATE ON finetuning_example_scans REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION flag_scanned_examples();

ALTER TABLE finetuning_review_skips ENABLE ROW LEVEL SECURITY;
ALTER TABLE finetuning_review_skips FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON finetuning_review_skips TO tunesmith_app
  USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON finetuning_review_skips TO tunesmith_app;

CREATE INDEX finetuning_examples_decided_by_reviews ON finetuning_examples (dataset_id) WHERE decided_by_reviews;

-- Scans from before. FORCE would hide the rows from an owner that is no superuser.
ALTER TABLE finetuning_examples NO FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_example_scans NO FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_datasets NO FORCE ROW LEVEL SECURITY;
UPDATE finetuning_examples AS example SET flagged = true
FROM finetuning_example_scans AS scan
WHERE scan.example_id = example.id AND scan.revision = example.revision AND scan.finding_count > 0;
ALTER TABLE finetuning_examples FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_example_scans FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_datasets FORCE ROW LEVEL SECURITY;
