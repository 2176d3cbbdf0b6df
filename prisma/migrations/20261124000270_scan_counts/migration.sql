-- What was found in a dataset's examples is counted in one index, without a look at the examples or the findings.
ALTER TABLE "finetuning_example_scans" ADD COLUMN     "dataset_id" UUID;

-- FORCE would hide the rows from an owner that is no superuser.
ALTER TABLE finetuning_examples NO FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_example_scans NO FORCE ROW LEVEL SECURITY;
-- Nothing is found or unfound by this, and the trigger that looks for that would compare all rows.
ALTER TABLE finetuning_example_scans DISABLE TRIGGER flag_updated;
UPDATE finetuning_example_scans AS scan SET dataset_id = example.dataset_id
FROM finetuning_examples AS example WHERE example.id = scan.example_id;
ALTER TABLE finetuning_example_scans ENABLE TRIGGER flag_updated;
ALTER TABLE finetuning_examples FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_example_scans FORCE ROW LEVEL SECURITY;

ALTER TABLE "finetuning_example_scans" ALTER COLUMN "dataset_id" SET NOT NULL;

CREATE INDEX finetuning_example_scans_counts_idx ON finetuning_example_scans (
  tenant_id, dataset_id, rules, finding_count, kinds
);

-- No example ever changes its dataset.
CREATE OR REPLACE FUNCTION await_scan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO finetuning_example_scans (tenant_id, dataset_id, example_id, revision, rules)
  SELECT tenant_id, dataset_id, id, revision, 0 FROM new_rows;
  RETURN NULL;
END
$$;
