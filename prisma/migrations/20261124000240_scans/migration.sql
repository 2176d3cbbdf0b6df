-- AlterTable
ALTER TABLE "finetuning_example_scans" ADD COLUMN     "claimed_until" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "finetuning_example_scans_rules_example_id_idx" ON "finetuning_example_scans"("rules", "example_id" DESC);

-- Every example waits for its scan from the moment that it is written or edited: rules 0. So what is due is found by an
-- index, and nothing can forget to ask.
CREATE FUNCTION await_scan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO finetuning_example_scans (tenant_id, example_id, revision, rules)
  SELECT tenant_id, id, revision, 0 FROM new_rows;
  RETURN NULL;
END
$$;

CREATE FUNCTION await_scan_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE finetuning_example_scans
  SET revision = NEW.revision, rules = 0, findings = '[]', finding_count = 0, kinds = '{}', claimed_until = NULL
  WHERE tenant_id = NEW.tenant_id AND example_id = NEW.id;
  RETURN NULL;
END
$$;

CREATE TRIGGER await_scan AFTER INSERT ON finetuning_examples REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION await_scan();
CREATE TRIGGER await_scan_again AFTER UPDATE OF revision ON finetuning_examples
  FOR EACH ROW WHEN (OLD.revision <> NEW.revision) EXECUTE FUNCTION await_scan_again();

-- Examples from before. FORCE would hide them from an owner that is no superuser.
ALTER TABLE finetuning_examples NO FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_example_scans NO FORCE ROW LEVEL SECURITY;
INSERT INTO finetuning_example_scans (tenant_id, example_id, revision, rules)
SELECT tenant_id, id, revision, 0 FROM finetuning_examples
ON CONFLICT DO NOTHING;
ALTER TABLE finetuning_examples FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_example_scans FORCE ROW LEVEL SECURITY;

-- The scanner claims across tenants and learns nothing but which examples are due; it reads and writes as the tenant.
CREATE POLICY system ON finetuning_example_scans TO tunesmith_system USING (true) WITH CHECK (true);
GRANT SELECT (tenant_id, example_id, rules, claimed_until), UPDATE (claimed_until)
  ON finetuning_example_scans TO tunesmith_system;
