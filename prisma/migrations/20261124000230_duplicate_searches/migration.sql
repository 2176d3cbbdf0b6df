-- AlterTable
ALTER TABLE "finetuning_datasets" ADD COLUMN     "duplicates_compared" INTEGER,
ADD COLUMN     "duplicates_found_at" TIMESTAMPTZ(3),
ADD COLUMN     "duplicates_threshold" DOUBLE PRECISION;

-- AlterTable
ALTER TABLE "finetuning_duplicate_groups" ADD COLUMN     "settled_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "finetuning_duplicate_members" ADD COLUMN     "example_revision" INTEGER NOT NULL,
ADD COLUMN     "kept" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "number" INTEGER NOT NULL;

-- CreateIndex
CREATE UNIQUE INDEX "finetuning_duplicate_members_group_id_number_key" ON "finetuning_duplicate_members"("group_id", "number");
