-- Which wording of which example is which line, many lines to a row: a row a line took a key to the export and one to the
-- example with each, and most of an export's time.

-- CreateTable
CREATE TABLE "finetuning_export_blocks" (
    "tenant_id" UUID NOT NULL,
    "export_id" UUID NOT NULL,
    "first_line" INTEGER NOT NULL,
    "part" "export_part" NOT NULL,
    "example_ids" UUID[],
    "revisions" INTEGER[],
    "positions" INTEGER[],
    "is_validation" BOOLEAN NOT NULL GENERATED ALWAYS AS (part = 'VALIDATION') STORED,
    "last_position" INTEGER NOT NULL GENERATED ALWAYS AS (positions[cardinality(positions)]) STORED,

    CONSTRAINT "finetuning_export_blocks_pkey" PRIMARY KEY ("export_id","first_line")
);

-- Ids and positions do not get smaller by being compressed, which takes longer than writing them.
ALTER TABLE finetuning_export_blocks
  ALTER COLUMN example_ids SET NOT NULL, ALTER COLUMN example_ids SET STORAGE EXTERNAL,
  ALTER COLUMN positions SET NOT NULL, ALTER COLUMN positions SET STORAGE EXTERNAL,
  ALTER COLUMN revisions SET NOT NULL,
  ADD CONSTRAINT finetuning_export_blocks_alike CHECK (
    cardinality(example_ids) > 0 AND cardinality(example_ids) = cardinality(revisions)
    AND cardinality(example_ids) = cardinality(positions));

-- An example that was erased has left no position: that of the line before it stands in.
INSERT INTO finetuning_export_blocks (tenant_id, export_id, first_line, part, example_ids, revisions, positions)
SELECT tenant_id, export_id, min(line), part, array_agg(example_id ORDER BY line),
  array_agg(example_revision ORDER BY line), array_agg(position ORDER BY line)
FROM (
  SELECT member.*, row_number() OVER of_part - 1 AS nth, coalesce(max(example.position) OVER of_part, 0) AS position
  FROM finetuning_export_examples AS member
  LEFT JOIN finetuning_examples AS example
    ON example.tenant_id = member.tenant_id AND example.id = member.example_id
  WINDOW of_part AS (PARTITION BY member.export_id, member.part ORDER BY member.line)
) AS placed
GROUP BY tenant_id, export_id, part, nth / 250;

DROP TABLE finetuning_export_examples;

-- CreateIndex
CREATE INDEX "finetuning_export_blocks_export_id_is_validation_last_posit_idx" ON "finetuning_export_blocks"("export_id", "is_validation", "last_position");

-- AddForeignKey
ALTER TABLE "finetuning_export_blocks" ADD CONSTRAINT "finetuning_export_blocks_tenant_id_export_id_fkey" FOREIGN KEY ("tenant_id", "export_id") REFERENCES "finetuning_exports"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE finetuning_export_blocks ENABLE ROW LEVEL SECURITY;
ALTER TABLE finetuning_export_blocks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON finetuning_export_blocks TO tunesmith_app USING (tenant_id = (SELECT current_tenant()))
  WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON finetuning_export_blocks TO tunesmith_app;

CREATE TRIGGER notify_table_insert AFTER INSERT ON finetuning_export_blocks
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION notify_table();
CREATE TRIGGER notify_table_update AFTER UPDATE ON finetuning_export_blocks
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION notify_table();
CREATE TRIGGER notify_table_delete AFTER DELETE ON finetuning_export_blocks
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION notify_table();

-- The lines one by one, for reading. Whoever asks for some of them says in which blocks they are, by `first_line`.
CREATE VIEW finetuning_export_examples WITH (security_invoker = true) AS
SELECT block.tenant_id, block.export_id, block.part, block.first_line, (block.first_line + nth - 1)::int AS line,
  member.example_id, member.example_revision
FROM finetuning_export_blocks AS block
CROSS JOIN LATERAL unnest(block.example_ids, block.revisions) WITH ORDINALITY
  AS member (example_id, example_revision, nth);
GRANT SELECT ON finetuning_export_examples TO tunesmith_app;

-- In which line of each export of its dataset an example is. Within a part lines go by position: the first block that
-- ends at or after it is the only one that may hold it. Row level security keeps comparisons of enums from indexes, as
-- they are not leakproof; those of booleans are.
CREATE FUNCTION finetuning_export_lines(tenant uuid, dataset uuid, example uuid, place int)
RETURNS TABLE (export_id uuid, part export_part, first_line int, nth int) LANGUAGE sql STABLE AS $$
  SELECT block.export_id, block.part, block.first_line, found.nth
  FROM finetuning_exports AS export
  CROSS JOIN unnest(ARRAY[false, true]) AS part (is_validation)
  CROSS JOIN LATERAL (
    SELECT * FROM finetuning_export_blocks AS block
    WHERE block.tenant_id = export.tenant_id AND block.export_id = export.id AND block.is_validation = part.is_validation
      AND block.last_position >= place
    ORDER BY block.last_position LIMIT 1
  ) AS block
  CROSS JOIN LATERAL (SELECT array_position(block.positions, place) AS nth) AS found
  WHERE export.tenant_id = tenant AND export.dataset_id = dataset AND block.example_ids[found.nth] = example
$$;

-- An example that an export holds goes only once its line no longer names it, as erasures see to. What deletes examples has
-- locked their dataset by now, as whoever begins an export does: count_deleted, which comes before by its name, changes it.
CREATE FUNCTION keep_exported_examples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM old_rows AS example
    CROSS JOIN LATERAL finetuning_export_lines(example.tenant_id, example.dataset_id, example.id, example.position)
  ) THEN
    RAISE foreign_key_violation USING MESSAGE = 'An export holds an example that was to be deleted';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER keep_exported AFTER DELETE ON finetuning_examples
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_exported_examples();

-- What an export is made of, read without the examples themselves.
CREATE INDEX finetuning_examples_validated_idx ON finetuning_examples (dataset_id, position)
  INCLUDE (tenant_id, id, revision) WHERE validated;
