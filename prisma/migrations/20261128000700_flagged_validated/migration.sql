-- The examples that an export would stop at or be warned of, so that a launch need not look at the others.
CREATE INDEX finetuning_examples_flagged_idx ON finetuning_examples (dataset_id, position) INCLUDE (tenant_id)
WHERE validated AND flagged;
