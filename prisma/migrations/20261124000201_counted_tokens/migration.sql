-- AlterTable
ALTER TABLE "finetuning_datasets" ADD COLUMN     "uncounted_count" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "finetuning_exports" ADD COLUMN     "long_examples" INTEGER[] DEFAULT ARRAY[]::INTEGER[];

-- The few examples that a base model may cut off are found without a look at all the others.
CREATE INDEX finetuning_examples_long ON finetuning_examples (dataset_id, tokens) WHERE tokens > 8192;

-- The counting triggers again, now with tokens: a dataset's sums are right after every statement, whoever sent it.
CREATE OR REPLACE FUNCTION count_inserted_examples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE finetuning_datasets AS dataset
  SET example_count = dataset.example_count + change.examples,
      validated_count = dataset.validated_count + change.validated,
      rejected_count = dataset.rejected_count + change.rejected,
      uncounted_count = dataset.uncounted_count + change.uncounted,
      validated_tokens = dataset.validated_tokens + change.tokens,
      own_system_prompt_count = dataset.own_system_prompt_count + change.own_prompts,
      updated_at = now()
  FROM (
    SELECT dataset_id, count(*) AS examples, count(*) FILTER (WHERE validated) AS validated,
      count(*) FILTER (WHERE rejected) AS rejected, count(*) FILTER (WHERE tokens IS NULL) AS uncounted,
      coalesce(sum(tokens) FILTER (WHERE validated), 0) AS tokens,
      count(*) FILTER (WHERE validated AND own_system_prompt) AS own_prompts
    FROM new_rows GROUP BY dataset_id
  ) AS change
  WHERE dataset.id = change.dataset_id;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION count_updated_examples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE finetuning_datasets AS dataset
  SET validated_count = dataset.validated_count + change.validated,
      rejected_count = dataset.rejected_count + change.rejected,
      uncounted_count = dataset.uncounted_count + change.uncounted,
      validated_tokens = dataset.validated_tokens + change.tokens,
      own_system_prompt_count = dataset.own_system_prompt_count + change.own_prompts,
      updated_at = now()
  FROM (
    SELECT dataset_id, sum(sign * validated::int) AS validated, sum(sign * rejected::int) AS rejected,
      sum(sign * (tokens IS NULL)::int) AS uncounted,
      coalesce(sum(sign * tokens) FILTER (WHERE validated), 0) AS tokens,
      sum(sign * (validated AND own_system_prompt)::int) AS own_prompts
    FROM (
      SELECT 1 AS sign, dataset_id, validated, rejected, tokens, own_system_prompt FROM new_rows
      UNION ALL
      SELECT -1, dataset_id, validated, rejected, tokens, own_system_prompt FROM old_rows
    ) AS rows
    GROUP BY dataset_id
  ) AS change
  WHERE dataset.id = change.dataset_id;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION count_deleted_examples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE finetuning_datasets AS dataset
  SET example_count = dataset.example_count - change.examples,
      validated_count = dataset.validated_count - change.validated,
      rejected_count = dataset.rejected_count - change.rejected,
      uncounted_count = dataset.uncounted_count - change.uncounted,
      validated_tokens = dataset.validated_tokens - change.tokens,
      own_system_prompt_count = dataset.own_system_prompt_count - change.own_prompts,
      updated_at = now()
  FROM (
    SELECT dataset_id, count(*) AS examples, count(*) FILTER (WHERE validated) AS validated,
      count(*) FILTER (WHERE rejected) AS rejected, count(*) FILTER (WHERE tokens IS NULL) AS uncounted,
      coalesce(sum(tokens) FILTER (WHERE validated), 0) AS tokens,
      count(*) FILTER (WHERE validated AND own_system_prompt) AS own_prompts
    FROM old_rows GROUP BY dataset_id
  ) AS change
  WHERE dataset.id = change.dataset_id;
  RETURN NULL;
END
$$;

-- What was there before is counted by a job. FORCE would hide the rows from an owner that is no superuser.
ALTER TABLE finetuning_examples NO FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_datasets NO FORCE ROW LEVEL SECURITY;
UPDATE finetuning_datasets SET uncounted_count = example_count WHERE example_count > 0;
UPDATE finetuning_examples SET own_system_prompt = true WHERE messages->0->>'role' = 'system';
ALTER TABLE finetuning_examples FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_datasets FORCE ROW LEVEL SECURITY;

-- The job has to find, across tenants, where something is left to count, and sees nothing else.
CREATE POLICY uncounted ON finetuning_datasets FOR SELECT TO tunesmith_system
  USING (uncounted_count > 0 OR (system_prompt IS NOT NULL AND system_prompt_tokens = 0));
GRANT SELECT (id, tenant_id) ON finetuning_datasets TO tunesmith_system;
