-- AlterTable
ALTER TABLE "finetuning_training_runs" ADD COLUMN "news_asked_at" TIMESTAMPTZ(3);
