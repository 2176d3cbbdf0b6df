-- CreateEnum
CREATE TYPE "call_direction" AS ENUM ('INBOUND', 'OUTBOUND');

-- CreateEnum
CREATE TYPE "example_source" AS ENUM ('CALL', 'MANUAL', 'IMPORT');

-- CreateEnum
CREATE TYPE "export_format" AS ENUM ('OPENAI_CHAT_JSONL');

-- CreateEnum
CREATE TYPE "export_state" AS ENUM ('WRITING', 'READY');

-- CreateEnum
CREATE TYPE "training_run_status" AS ENUM ('PREPARING', 'VALIDATING_FILES', 'QUEUED', 'RUNNING', 'PAUSED', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'NEEDS_REVIEW');

-- CreateEnum
CREATE TYPE "training_run_step" AS ENUM ('EXPORT', 'UPLOAD', 'SUBMIT', 'FOLLOW', 'CLEANUP', 'DONE');

-- CreateEnum
CREATE TYPE "run_event_type" AS ENUM ('STATUS', 'PROGRESS', 'MESSAGE', 'METRICS', 'CHECKPOINT', 'WARNING');

-- CreateEnum
CREATE TYPE "run_event_level" AS ENUM ('INFO', 'WARN', 'ERROR');

-- CreateTable
CREATE TABLE "tenants" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tenants_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "call_transcriptions" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "call_sid" TEXT NOT NULL,
    "phone_number" TEXT,
    "direction" "call_direction",
    "call_status" TEXT NOT NULL DEFAULT 'completed',
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "duration_seconds" INTEGER,
    "transcript_confidence" DOUBLE PRECISION,
    "topic" TEXT,
    "turns" JSONB NOT NULL DEFAULT '[]',
    "transcript_text" TEXT,
    "imported_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "call_transcriptions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "finetuning_datasets" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "system_prompt" TEXT,
    "example_count" INTEGER NOT NULL DEFAULT 0,
    "validated_count" INTEGER NOT NULL DEFAULT 0,
    "rejected_count" INTEGER NOT NULL DEFAULT 0,
    "last_position" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "finetuning_datasets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "finetuning_examples" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "dataset_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "messages" JSONB NOT NULL,
    "tools" JSONB,
    "parallel_tool_calls" BOOLEAN,
    "user_message" TEXT NOT NULL,
    "assistant_response" TEXT NOT NULL,
    "quality_score" DECIMAL(3,2),
    "validated" BOOLEAN NOT NULL DEFAULT false,
    "validated_by" TEXT,
    "validated_at" TIMESTAMPTZ(3),
    "rejected" BOOLEAN NOT NULL DEFAULT false,
    "rejected_by" TEXT,
    "rejected_at" TIMESTAMPTZ(3),
    "rejection_reason" TEXT,
    "source" "example_source" NOT NULL,
    "call_transcription_id" UUID,
    "first_turn" INTEGER,
    "last_turn" INTEGER,
    "content_hash" BYTEA NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "finetuning_examples_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "finetuning_example_revisions" (
    "tenant_id" UUID NOT NULL,
    "example_id" UUID NOT NULL,
    "revision" INTEGER NOT NULL,
    "messages" JSONB NOT NULL,
    "tools" JSONB,
    "parallel_tool_calls" BOOLEAN,
    "replaced_by" TEXT NOT NULL,
    "replaced_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "finetuning_example_revisions_pkey" PRIMARY KEY ("example_id","revision")
);

-- CreateTable
CREATE TABLE "finetuning_exports" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "dataset_id" UUID NOT NULL,
    "format" "export_format" NOT NULL,
    "state" "export_state" NOT NULL DEFAULT 'WRITING',
    "system_prompt" TEXT,
    "selection_hash" BYTEA NOT NULL,
    "example_count" INTEGER NOT NULL,
    "bytes" BIGINT,
    "sha256" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "finetuning_exports_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "finetuning_export_examples" (
    "tenant_id" UUID NOT NULL,
    "export_id" UUID NOT NULL,
    "line" INTEGER NOT NULL,
    "example_id" UUID NOT NULL,
    "example_revision" INTEGER NOT NULL,

    CONSTRAINT "finetuning_export_examples_pkey" PRIMARY KEY ("export_id","line")
);

-- CreateTable
CREATE TABLE "finetuning_training_runs" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "dataset_id" UUID NOT NULL,
    "export_id" UUID,
    "provider" TEXT NOT NULL,
    "base_model" TEXT NOT NULL,
    "status" "training_run_status" NOT NULL DEFAULT 'PREPARING',
    "step" "training_run_step" NOT NULL DEFAULT 'EXPORT',
    "request_key" TEXT,
    "request_hash" BYTEA NOT NULL,
    "n_epochs" INTEGER,
    "batch_size" INTEGER,
    "learning_rate_multiplier" DOUBLE PRECISION,
    "suffix" TEXT,
    "seed" INTEGER,
    "warnings" JSONB NOT NULL DEFAULT '[]',
    "training_file_id" TEXT,
    "provider_job_id" TEXT,
    "result_model_id" TEXT,
    "trained_tokens" BIGINT,
    "training_cost_usd" DECIMAL(14,6),
    "price_id" UUID,
    "error_code" TEXT,
    "error_message" TEXT,
    "estimated_completion_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "last_polled_at" TIMESTAMPTZ(3),
    "last_seq" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "lease_until" TIMESTAMPTZ(3),
    "fence" INTEGER NOT NULL DEFAULT 0,
    "submit_intent_at" TIMESTAMPTZ(3),
    "submit_attempts" INTEGER NOT NULL DEFAULT 0,
    "submit_checked_at" TIMESTAMPTZ(3),
    "missing_since" TIMESTAMPTZ(3),
    "provider_event_cursor" TEXT,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "finetuning_training_runs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "finetuning_run_events" (
    "tenant_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "type" "run_event_type" NOT NULL,
    "level" "run_event_level" NOT NULL DEFAULT 'INFO',
    "message" TEXT NOT NULL,
    "data" JSONB,
    "state" JSONB,
    "provider_event_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "finetuning_run_events_pkey" PRIMARY KEY ("run_id","seq")
);

-- CreateTable
CREATE TABLE "finetuning_checkpoints" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "tenant_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "provider_checkpoint_id" TEXT NOT NULL,
    "model_id" TEXT NOT NULL,
    "step" INTEGER NOT NULL,
    "metrics" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "finetuning_checkpoints_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "base_models" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "provider" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "max_example_tokens" INTEGER NOT NULL,
    "min_examples" INTEGER NOT NULL,
    "max_file_bytes" BIGINT NOT NULL,
    "training_ends_at" TIMESTAMPTZ(3),
    "shutdown_at" TIMESTAMPTZ(3),
    "source" TEXT NOT NULL,
    "as_of" DATE NOT NULL,

    CONSTRAINT "base_models_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "base_model_prices" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "base_model_id" UUID NOT NULL,
    "valid_from" DATE NOT NULL,
    "training_usd_per_m_tokens" DECIMAL(12,6) NOT NULL,
    "input_usd_per_m_tokens" DECIMAL(12,6),
    "cached_input_usd_per_m_tokens" DECIMAL(12,6),
    "output_usd_per_m_tokens" DECIMAL(12,6),
    "source" TEXT NOT NULL,
    "as_of" DATE NOT NULL,

    CONSTRAINT "base_model_prices_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "call_transcriptions_tenant_id_transcript_confidence_created_idx" ON "call_transcriptions"("tenant_id", "transcript_confidence" DESC, "created_at", "call_sid");

-- CreateIndex
CREATE INDEX "call_transcriptions_tenant_id_created_at_id_idx" ON "call_transcriptions"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "call_transcriptions_tenant_id_call_sid_key" ON "call_transcriptions"("tenant_id", "call_sid");

-- CreateIndex
CREATE UNIQUE INDEX "call_transcriptions_tenant_id_id_key" ON "call_transcriptions"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "finetuning_datasets_tenant_id_created_at_id_idx" ON "finetuning_datasets"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_datasets_tenant_id_name_key" ON "finetuning_datasets"("tenant_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_datasets_tenant_id_id_key" ON "finetuning_datasets"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "finetuning_examples_dataset_id_validated_position_idx" ON "finetuning_examples"("dataset_id", "validated", "position");

-- CreateIndex
CREATE INDEX "finetuning_examples_dataset_id_quality_score_position_idx" ON "finetuning_examples"("dataset_id", "quality_score", "position");

-- CreateIndex
CREATE INDEX "finetuning_examples_tenant_id_call_transcription_id_idx" ON "finetuning_examples"("tenant_id", "call_transcription_id");

-- CreateIndex
CREATE INDEX "finetuning_examples_tenant_id_created_at_id_idx" ON "finetuning_examples"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_examples_tenant_id_id_key" ON "finetuning_examples"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_examples_dataset_id_content_hash_key" ON "finetuning_examples"("dataset_id", "content_hash");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_examples_dataset_id_position_key" ON "finetuning_examples"("dataset_id", "position");

-- CreateIndex
CREATE INDEX "finetuning_example_revisions_tenant_id_example_id_idx" ON "finetuning_example_revisions"("tenant_id", "example_id");

-- CreateIndex
CREATE INDEX "finetuning_exports_dataset_id_selection_hash_idx" ON "finetuning_exports"("dataset_id", "selection_hash");

-- CreateIndex
CREATE INDEX "finetuning_exports_tenant_id_created_at_id_idx" ON "finetuning_exports"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_exports_tenant_id_id_key" ON "finetuning_exports"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "finetuning_export_examples_tenant_id_example_id_idx" ON "finetuning_export_examples"("tenant_id", "example_id");

-- CreateIndex
CREATE INDEX "finetuning_training_runs_tenant_id_created_at_id_idx" ON "finetuning_training_runs"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "finetuning_training_runs_dataset_id_created_at_id_idx" ON "finetuning_training_runs"("dataset_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "finetuning_training_runs_export_id_idx" ON "finetuning_training_runs"("export_id");

-- CreateIndex
CREATE INDEX "finetuning_training_runs_step_next_attempt_at_idx" ON "finetuning_training_runs"("step", "next_attempt_at");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_training_runs_tenant_id_id_key" ON "finetuning_training_runs"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_training_runs_tenant_id_request_key_key" ON "finetuning_training_runs"("tenant_id", "request_key");

-- CreateIndex
CREATE INDEX "finetuning_run_events_tenant_id_run_id_idx" ON "finetuning_run_events"("tenant_id", "run_id");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_run_events_run_id_provider_event_id_key" ON "finetuning_run_events"("run_id", "provider_event_id");

-- CreateIndex
CREATE INDEX "finetuning_checkpoints_tenant_id_run_id_idx" ON "finetuning_checkpoints"("tenant_id", "run_id");

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_checkpoints_run_id_provider_checkpoint_id_key" ON "finetuning_checkpoints"("run_id", "provider_checkpoint_id");

-- CreateIndex
CREATE UNIQUE INDEX "base_models_provider_name_key" ON "base_models"("provider", "name");

-- CreateIndex
CREATE UNIQUE INDEX "base_model_prices_base_model_id_valid_from_key" ON "base_model_prices"("base_model_id", "valid_from");

-- AddForeignKey
ALTER TABLE "call_transcriptions" ADD CONSTRAINT "call_transcriptions_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_datasets" ADD CONSTRAINT "finetuning_datasets_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_examples" ADD CONSTRAINT "finetuning_examples_tenant_id_dataset_id_fkey" FOREIGN KEY ("tenant_id", "dataset_id") REFERENCES "finetuning_datasets"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_examples" ADD CONSTRAINT "finetuning_examples_tenant_id_call_transcription_id_fkey" FOREIGN KEY ("tenant_id", "call_transcription_id") REFERENCES "call_transcriptions"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_example_revisions" ADD CONSTRAINT "finetuning_example_revisions_tenant_id_example_id_fkey" FOREIGN KEY ("tenant_id", "example_id") REFERENCES "finetuning_examples"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_exports" ADD CONSTRAINT "finetuning_exports_tenant_id_dataset_id_fkey" FOREIGN KEY ("tenant_id", "dataset_id") REFERENCES "finetuning_datasets"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_export_examples" ADD CONSTRAINT "finetuning_export_examples_tenant_id_export_id_fkey" FOREIGN KEY ("tenant_id", "export_id") REFERENCES "finetuning_exports"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_export_examples" ADD CONSTRAINT "finetuning_export_examples_tenant_id_example_id_fkey" FOREIGN KEY ("tenant_id", "example_id") REFERENCES "finetuning_examples"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_training_runs" ADD CONSTRAINT "finetuning_training_runs_tenant_id_dataset_id_fkey" FOREIGN KEY ("tenant_id", "dataset_id") REFERENCES "finetuning_datasets"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_training_runs" ADD CONSTRAINT "finetuning_training_runs_tenant_id_export_id_fkey" FOREIGN KEY ("tenant_id", "export_id") REFERENCES "finetuning_exports"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_training_runs" ADD CONSTRAINT "finetuning_training_runs_price_id_fkey" FOREIGN KEY ("price_id") REFERENCES "base_model_prices"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_run_events" ADD CONSTRAINT "finetuning_run_events_tenant_id_run_id_fkey" FOREIGN KEY ("tenant_id", "run_id") REFERENCES "finetuning_training_runs"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finetuning_checkpoints" ADD CONSTRAINT "finetuning_checkpoints_tenant_id_run_id_fkey" FOREIGN KEY ("tenant_id", "run_id") REFERENCES "finetuning_training_runs"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "base_model_prices" ADD CONSTRAINT "base_model_prices_base_model_id_fkey" FOREIGN KEY ("base_model_id") REFERENCES "base_models"("id") ON DELETE CASCADE ON UPDATE CASCADE;
