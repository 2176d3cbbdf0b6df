-- CreateEnum
CREATE TYPE "personal_data_policy" AS ENUM ('BLOCK', 'REDACT', 'ALLOW');

-- CreateEnum
CREATE TYPE "review_verdict" AS ENUM ('ACCEPT', 'REJECT');

-- CreateEnum
CREATE TYPE "export_part" AS ENUM ('TRAINING', 'VALIDATION');

-- CreateEnum
CREATE TYPE "split_group" AS ENUM ('CALL', 'PHONE_NUMBER');

-- AlterTable
ALTER TABLE "finetuning_datasets" ADD COLUMN     "min_reviews" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "own_system_prompt_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "personal_data_policy" "personal_data_policy" NOT NULL DEFAULT 'ALLOW',
ADD COLUMN     "system_prompt_tokens" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "validated_tokens" BIGINT NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "finetuning_examples" ADD COLUMN     "own_system_prompt" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "tokens" INTEGER;

-- AlterTable
ALTER TABLE "finetuning_export_examples" ADD COLUMN     "part" "export_part" NOT NULL DEFAULT 'TRAINING',
ALTER COLUMN "example_id" DROP NOT NULL;

-- AlterTable
ALTER TABLE "finetuning_exports" ADD COLUMN     "files_deleted_at" TIMESTAMPTZ(3),
ADD COLUMN     "personal_data_policy" "personal_data_policy" NOT NULL DEFAULT 'ALLOW',
ADD COLUMN     "personal_data_report" JSONB,
ADD COLUMN     "split_group" "split_group",
ADD COLUMN     "split_seed" INTEGER,
ADD COLUMN     "tainted_at" TIMESTAMPTZ(3),
ADD COLUMN     "tokens" BIGINT,
ADD COLUMN     "validation_bytes" BIGINT,
ADD COLUMN     "validation_example_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "validation_sha256" TEXT,
ADD COLUMN     "validation_share" DOUBLE PRECISION,
ADD COLUMN     "validation_tokens" BIGINT;

-- AlterTable
ALTER TABLE "finetuning_training_runs" ADD COLUMN     "estimated_cost_usd" DECIMAL(14,6),
ADD COLUMN     "estimated_lower_usd" DECIMAL(14,6),
ADD COLUMN     "estimated_upper_usd" DECIMAL(14,6),
ADD COLUMN     "validation_file_id" TEXT;

-- AlterTable
ALTER TABLE "tenants" ADD COLUMN     "monthly_budget_usd" DECIMAL(14,6);

-- CreateTable
CREATE TABLE "finetuning_example_scans" (
    "tenant_id" UUID NOT NULL,
    "example_id" UUID NOT NULL,
    "revision" INTEGER NOT NULL,
    "rules" INTEGER NOT NULL,
    "findings" JSONB NOT NULL DEFAULT '[]',
    "finding_count" INTEGER NOT NULL DEFAULT 0,
    "kinds" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "scanned_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "finetuning_example_scans_pkey" PRIMARY KEY ("example_id")
);

-- CreateTable
CREATE TABLE "finetuning_duplicate_groups" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "dataset_id" UUID NOT NULL,
    "best_example_id" UUID NOT NULL,
    "size" INTEGER NOT NULL,
    "threshold" DOUBLE PRECISION NOT NULL,
    "found_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "finetuning_duplicate_groups_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "finetuning_duplicate_members" (
    "tenant_id" UUID NOT NULL,
    "group_id" UUID NOT NULL,
    "example_id" UUID NOT NULL,
    "similarity" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "finetuning_duplicate_members_pkey" PRIMARY KEY ("group_id","example_id")
);

-- CreateTable
CREATE TABLE "finetuning_reviews" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "dataset_id" UUID NOT NULL,
    "example_id" UUID NOT NULL,
    "example_revision" INTEGER NOT NULL,
    "reviewer" TEXT NOT NULL,
    "verdict" "review_verdict" NOT NULL,
    "rating" INTEGER,
    "reason" TEXT,
    "seconds" DOUBLE PRECISION,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "undone_at" TIMESTAMPTZ(3),

    CONSTRAINT "finetuning_reviews_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "finetuning_review_leases" (
    "tenant_id" UUID NOT NULL,
    "example_id" UUID NOT NULL,
    "dataset_id" UUID NOT NULL,
    "reviewer" TEXT NOT NULL,
    "taken_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lease_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "finetuning_review_leases_pkey" PRIMARY KEY ("example_id")
);

-- CreateTable
CREATE TABLE "audit_entries" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "detail" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_example_scans_tenant_id_example_id_key" ON "finetuning_example_scans"("tenant_id", "example_id");

-- CreateIndex
CREATE INDEX "finetuning_duplicate_groups_dataset_id_size_id_idx" ON "finetuning_duplicate_groups"("dataset_id", "size" DESC, "id");

-- CreateIndex
CREATE INDEX "finetuning_duplicate_groups_tenant_id_best_example_id_idx" ON "finetuning_duplicate_groups"("tenant_id", "best_example_id");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_duplicate_groups_tenant_id_id_key" ON "finetuning_duplicate_groups"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "finetuning_duplicate_members_tenant_id_example_id_idx" ON "finetuning_duplicate_members"("tenant_id", "example_id");

-- CreateIndex
CREATE INDEX "finetuning_reviews_tenant_id_example_id_idx" ON "finetuning_reviews"("tenant_id", "example_id");

-- CreateIndex
CREATE INDEX "finetuning_reviews_dataset_id_reviewer_created_at_idx" ON "finetuning_reviews"("dataset_id", "reviewer", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_reviews_tenant_id_id_key" ON "finetuning_reviews"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "finetuning_review_leases_dataset_id_reviewer_idx" ON "finetuning_review_leases"("dataset_id", "reviewer");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_review_leases_tenant_id_example_id_key" ON "finetuning_review_leases"("tenant_id", "example_id");

-- CreateIndex
CREATE INDEX "audit_entries_tenant_id_created_at_id_idx" ON "audit_entries"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "audit_entries_tenant_id_subject_type_subject_id_idx" ON "audit_entries"("tenant_id", "subject_type", "subject_id");

-- CreateIndex
CREATE UNIQUE INDEX "audit_entries_tenant_id_id_key" ON "audit_entries"("tenant_id", "id");

-- AddForeignKey
ALTER TABLE "finetuning_example_scans" ADD CONSTRAINT "finetuning_example_scans_tenant_id_example_id_fkey" FOREIGN KEY ("tenant_id", "example_id") REFERENCES "finetuning_examples"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_duplicate_groups" ADD CONSTRAINT "finetuning_duplicate_groups_tenant_id_dataset_id_fkey" FOREIGN KEY ("tenant_id", "dataset_id") REFERENCES "finetuning_datasets"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_duplicate_groups" ADD CONSTRAINT "finetuning_duplicate_groups_tenant_id_best_example_id_fkey" FOREIGN KEY ("tenant_id", "best_example_id") REFERENCES "finetuning_examples"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_duplicate_members" ADD CONSTRAINT "finetuning_duplicate_members_tenant_id_group_id_fkey" FOREIGN KEY ("tenant_id", "group_id") REFERENCES "finetuning_duplicate_groups"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_duplicate_members" ADD CONSTRAINT "finetuning_duplicate_members_tenant_id_example_id_fkey" FOREIGN KEY ("tenant_id", "example_id") REFERENCES "finetuning_examples"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_reviews" ADD CONSTRAINT "finetuning_reviews_tenant_id_dataset_id_fkey" FOREIGN KEY ("tenant_id", "dataset_id") REFERENCES "finetuning_datasets"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_reviews" ADD CONSTRAINT "finetuning_reviews_tenant_id_example_id_fkey" FOREIGN KEY ("tenant_id", "example_id") REFERENCES "finetuning_examples"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_review_leases" ADD CONSTRAINT "finetuning_review_leases_tenant_id_dataset_id_fkey" FOREIGN KEY ("tenant_id", "dataset_id") REFERENCES "finetuning_datasets"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_review_leases" ADD CONSTRAINT "finetuning_review_leases_tenant_id_example_id_fkey" FOREIGN KEY ("tenant_id", "example_id") REFERENCES "finetuning_examples"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE tenants
  ADD CONSTRAINT tenants_monthly_budget_positive CHECK (monthly_budget_usd >= 0);
ALTER TABLE finetuning_datasets
  ADD CONSTRAINT finetuning_datasets_min_reviews_range CHECK (min_reviews BETWEEN 1 AND 10);
ALTER TABLE finetuning_reviews
  ADD CONSTRAINT finetuning_reviews_rating_range CHECK (rating BETWEEN 1 AND 5);

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY[
    'finetuning_example_scans', 'finetuning_duplicate_groups', 'finetuning_duplicate_members', 'finetuning_reviews',
    'finetuning_review_leases', 'audit_entries'
  ] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO tunesmith_app USING (tenant_id = (SELECT current_tenant())) '
      'WITH CHECK (tenant_id = (SELECT current_tenant()))', tenant_table);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO tunesmith_app', tenant_table);
    -- What was done stays done: nobody rewrites the audit log.
    IF tenant_table <> 'audit_entries' THEN
      EXECUTE format('GRANT UPDATE, DELETE ON %I TO tunesmith_app', tenant_table);
    END IF;
  END LOOP;
END
$$;

GRANT UPDATE (monthly_budget_usd) ON tenants TO tunesmith_app;
