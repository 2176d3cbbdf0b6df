-- The number by which a caller is known, however it was written: digits with the country's prefix as stored, `00` read as
-- `+`, the marks of writing (spaces, dashes, dots, slashes, brackets, a trunk zero in brackets) and the scheme left out.
-- Nothing is guessed: a number without its country's prefix is another number. What is no number, such as a SIP address,
-- stands for itself in lower case. Stored in call_transcriptions.caller_number, so that it is computed once and indexed.
CREATE FUNCTION normal_phone_number(written text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT nullif(CASE
    WHEN digits ~ '^00[1-9][0-9]*$' THEN '+' || substr(digits, 3)
    WHEN digits ~ '^[+]?[0-9]+$' THEN digits
    ELSE address
  END, '')
  FROM (
    SELECT address,
      regexp_replace(regexp_replace(address, '^([+][0-9]+)[(]0[)]', '\1'), '[-./()\u2010-\u2015\u2212]', '', 'g') AS digits
    FROM (
      SELECT regexp_replace(regexp_replace(
        lower(translate(regexp_replace(written,
          '[\u0009-\u000d\u0020\u0085\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f\u2060\u2066-\u2069\u3000\ufeff]', '', 'g'),
          '＋０１２３４５６７８９', '+0123456789') COLLATE "C"),
        '^(tel|sms|callto|whatsapp):', ''), '^sips?:([+][0-9]+)@.*$', '\1') AS address
    ) AS bare
  ) AS read
$$;

-- CreateEnum
CREATE TYPE "erasure_task_kind" AS ENUM ('EXPORT_FILES', 'PROVIDER_FILES');

-- AlterTable
ALTER TABLE "call_transcriptions" ADD COLUMN     "caller_number" TEXT GENERATED ALWAYS AS (normal_phone_number(phone_number)) STORED;

-- AlterTable
ALTER TABLE "tenants" ADD COLUMN     "caller_salt" BYTEA NOT NULL DEFAULT (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- CreateTable
CREATE TABLE "caller_erasures" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "number_hash" BYTEA NOT NULL,
    "number" TEXT,
    "number_ending" TEXT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "calls" INTEGER NOT NULL DEFAULT 0,
    "examples" INTEGER NOT NULL DEFAULT 0,
    "exports" INTEGER NOT NULL DEFAULT 0,
    "runs_cancelled" INTEGER NOT NULL DEFAULT 0,
    "data_erased_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),
    "lifted_at" TIMESTAMPTZ(3),
    "lease_until" TIMESTAMPTZ(3),
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "caller_erasures_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "caller_erasure_tasks" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "erasure_id" UUID NOT NULL,
    "kind" "erasure_task_kind" NOT NULL,
    "export_id" UUID NOT NULL,
    "run_id" UUID,
    "settles_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "problem" TEXT,
    "files" INTEGER NOT NULL DEFAULT 0,
    "done_at" TIMESTAMPTZ(3),

    CONSTRAINT "caller_erasure_tasks_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "caller_suppressions" (
    "tenant_id" UUID NOT NULL,
    "hash" BYTEA NOT NULL,
    "erasure_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "caller_suppressions_pkey" PRIMARY KEY ("tenant_id","hash")
);

-- CreateTable
CREATE TABLE "tainted_files" (
    "tenant_id" UUID NOT NULL,
    "sha256" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tainted_files_pkey" PRIMARY KEY ("tenant_id","sha256")
);

-- CreateIndex
CREATE INDEX "caller_erasures_tenant_id_requested_at_id_idx" ON "caller_erasures"("tenant_id", "requested_at", "id");

-- CreateIndex
CREATE INDEX "caller_erasures_tenant_id_number_hash_idx" ON "caller_erasures"("tenant_id", "number_hash");

-- CreateIndex
CREATE INDEX "caller_erasures_completed_at_next_attempt_at_idx" ON "caller_erasures"("completed_at", "next_attempt_at");

-- CreateIndex
CREATE UNIQUE INDEX "caller_erasures_tenant_id_id_key" ON "caller_erasures"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "caller_erasure_tasks_tenant_id_export_id_idx" ON "caller_erasure_tasks"("tenant_id", "export_id");

-- CreateIndex
CREATE INDEX "caller_erasure_tasks_tenant_id_run_id_idx" ON "caller_erasure_tasks"("tenant_id", "run_id");

-- CreateIndex
CREATE INDEX "caller_erasure_tasks_tenant_id_erasure_id_idx" ON "caller_erasure_tasks"("tenant_id", "erasure_id");

-- CreateIndex
CREATE UNIQUE INDEX "caller_erasure_tasks_erasure_id_export_id_run_id_key" ON "caller_erasure_tasks"("erasure_id", "export_id", "run_id") NULLS NOT DISTINCT;

-- CreateIndex
CREATE INDEX "caller_suppressions_tenant_id_erasure_id_idx" ON "caller_suppressions"("tenant_id", "erasure_id");

-- CreateIndex
CREATE INDEX "call_transcriptions_tenant_id_caller_number_created_at_id_idx" ON "call_transcriptions"("tenant_id", "caller_number", "created_at", "id");

-- CreateIndex
CREATE INDEX "finetuning_checkpoints_tenant_id_model_id_idx" ON "finetuning_checkpoints"("tenant_id", "model_id");

-- CreateIndex
CREATE INDEX "finetuning_exports_tenant_id_sha256_idx" ON "finetuning_exports"("tenant_id", "sha256");

-- CreateIndex
CREATE INDEX "finetuning_exports_tenant_id_validation_sha256_idx" ON "finetuning_exports"("tenant_id", "validation_sha256");

-- CreateIndex
CREATE INDEX "finetuning_training_runs_tenant_id_result_model_id_idx" ON "finetuning_training_runs"("tenant_id", "result_model_id");

-- AddForeignKey
ALTER TABLE "caller_erasures" ADD CONSTRAINT "caller_erasures_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "caller_erasure_tasks" ADD CONSTRAINT "caller_erasure_tasks_tenant_id_erasure_id_fkey" FOREIGN KEY ("tenant_id", "erasure_id") REFERENCES "caller_erasures"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "caller_erasure_tasks" ADD CONSTRAINT "caller_erasure_tasks_tenant_id_export_id_fkey" FOREIGN KEY ("tenant_id", "export_id") REFERENCES "finetuning_exports"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "caller_erasure_tasks" ADD CONSTRAINT "caller_erasure_tasks_tenant_id_run_id_fkey" FOREIGN KEY ("tenant_id", "run_id") REFERENCES "finetuning_training_runs"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "caller_suppressions" ADD CONSTRAINT "caller_suppressions_tenant_id_erasure_id_fkey" FOREIGN KEY ("tenant_id", "erasure_id") REFERENCES "caller_erasures"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tainted_files" ADD CONSTRAINT "tainted_files_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What stands for a caller's number or a call's sid where that itself must not be kept. The salt is the tenant's own.
CREATE FUNCTION caller_hash(kind text, value text) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(caller_salt || convert_to(kind || ' ' || value, 'UTF8')) FROM tenants WHERE id = current_tenant()
$$;

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY[
    'caller_erasures', 'caller_erasure_tasks', 'caller_suppressions', 'tainted_files'
  ] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO tunesmith_app USING (tenant_id = (SELECT current_tenant())) '
      'WITH CHECK (tenant_id = (SELECT current_tenant()))', tenant_table);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO tunesmith_app', tenant_table);
  END LOOP;
END
$$;
-- Only a caller who is let in again is taken from the list; erasures and what they did stay.
GRANT DELETE ON caller_suppressions TO tunesmith_app;

-- The job looks for erasures that are not done yet.
CREATE POLICY system ON caller_erasures TO tunesmith_system USING (true);
GRANT SELECT ON caller_erasures TO tunesmith_system;
