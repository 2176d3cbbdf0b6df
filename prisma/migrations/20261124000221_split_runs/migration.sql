-- AlterTable
ALTER TABLE "finetuning_training_runs" ADD COLUMN     "beta" DOUBLE PRECISION,
ADD COLUMN     "split_group" "split_group",
ADD COLUMN     "split_seed" INTEGER,
ADD COLUMN     "validation_share" DOUBLE PRECISION;
