-- Calls are ordered by sid in SQL and in JavaScript alike, so not by the server's language.
ALTER TABLE call_transcriptions ALTER COLUMN call_sid TYPE text COLLATE "C";

ALTER TABLE call_transcriptions
  ADD CONSTRAINT call_transcriptions_confidence_range CHECK (transcript_confidence BETWEEN 0 AND 1);
ALTER TABLE finetuning_examples
  ADD CONSTRAINT finetuning_examples_quality_range CHECK (quality_score BETWEEN 0 AND 1),
  ADD CONSTRAINT finetuning_examples_one_verdict CHECK (NOT (validated AND rejected));

-- A signed-in tenant sees its own rows and no others, and cannot write any for others. FORCE holds the tables' owner to
-- it as well. The system role sees all rows of the tables that it has been granted.
DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY[
    'call_transcriptions', 'finetuning_datasets', 'finetuning_examples', 'finetuning_example_revisions',
    'finetuning_exports', 'finetuning_export_examples', 'finetuning_training_runs', 'finetuning_run_events',
    'finetuning_checkpoints'
  ] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I TO tunesmith_app USING (tenant_id = (SELECT current_tenant())) '
      'WITH CHECK (tenant_id = (SELECT current_tenant()))', tenant_table);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO tunesmith_app', tenant_table);
  END LOOP;
END
$$;

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenants TO tunesmith_app USING (id = (SELECT current_tenant()));
CREATE POLICY system ON tenants TO tunesmith_system USING (true) WITH CHECK (true);
GRANT SELECT ON tenants TO tunesmith_app;
GRANT SELECT, INSERT ON tenants TO tunesmith_system;

CREATE POLICY system ON finetuning_training_runs TO tunesmith_system USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON finetuning_training_runs TO tunesmith_system;
CREATE POLICY system ON finetuning_exports TO tunesmith_system USING (true);
GRANT SELECT, DELETE ON finetuning_exports TO tunesmith_system;

-- The catalogue belongs to nobody and is kept up to date at every start.
GRANT SELECT ON base_models, base_model_prices TO tunesmith_app, tunesmith_system;
GRANT INSERT, UPDATE ON base_models, base_model_prices TO tunesmith_system;
