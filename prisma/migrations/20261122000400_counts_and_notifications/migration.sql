-- A dataset's counts are kept by the database, so that no way of writing examples can forget them. One statement, one
-- update, however many examples it touched.
CREATE FUNCTION count_inserted_examples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE finetuning_datasets AS dataset
  SET example_count = dataset.example_count + change.examples,
      validated_count = dataset.validated_count + change.validated,
      rejected_count = dataset.rejected_count + change.rejected,
      updated_at = now()
  FROM (
    SELECT dataset_id, count(*) AS examples, count(*) FILTER (WHERE validated) AS validated,
      count(*) FILTER (WHERE rejected) AS rejected
    FROM new_rows GROUP BY dataset_id
  ) AS change
  WHERE dataset.id = change.dataset_id;
  RETURN NULL;
END
$$;

CREATE FUNCTION count_updated_examples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE finetuning_datasets AS dataset
  SET validated_count = dataset.validated_count + change.validated,
      rejected_count = dataset.rejected_count + change.rejected,
      updated_at = now()
  FROM (
    SELECT dataset_id, sum(validated) AS validated, sum(rejected) AS rejected
    FROM (
      SELECT dataset_id, validated::int AS validated, rejected::int AS rejected FROM new_rows
      UNION ALL
      SELECT dataset_id, -validated::int, -rejected::int FROM old_rows
    ) AS rows
    GROUP BY dataset_id
  ) AS change
  WHERE dataset.id = change.dataset_id;
  RETURN NULL;
END
$$;

CREATE FUNCTION count_deleted_examples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE finetuning_datasets AS dataset
  SET example_count = dataset.example_count - change.examples,
      validated_count = dataset.validated_count - change.validated,
      rejected_count = dataset.rejected_count - change.rejected,
      updated_at = now()
  FROM (
    SELECT dataset_id, count(*) AS examples, count(*) FILTER (WHERE validated) AS validated,
      count(*) FILTER (WHERE rejected) AS rejected
    FROM old_rows GROUP BY dataset_id
  ) AS change
  WHERE dataset.id = change.dataset_id;
  RETURN NULL;
END
$$;

CREATE TRIGGER count_inserted AFTER INSERT ON finetuning_examples REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_examples();
CREATE TRIGGER count_updated AFTER UPDATE ON finetuning_examples REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_updated_examples();
CREATE TRIGGER count_deleted AFTER DELETE ON finetuning_examples REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_examples();

-- Whoever follows a dataset or a run is woken when it has changed; the notification carries ids alone, and is sent when
-- the transaction commits. Equal ones of a transaction arrive once.
CREATE FUNCTION notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify(
    'tunesmith', json_build_object('kind', TG_ARGV[0], 'tenantId', NEW.tenant_id, 'id', NEW.id)::text
  );
  RETURN NULL;
END
$$;

CREATE TRIGGER notify_change AFTER INSERT OR UPDATE ON finetuning_datasets
  FOR EACH ROW EXECUTE FUNCTION notify_change('dataset');
-- A run is raised to its next number by whatever is worth telling; leases and polls alone wake nobody.
CREATE TRIGGER notify_insert AFTER INSERT ON finetuning_training_runs
  FOR EACH ROW EXECUTE FUNCTION notify_change('run');
CREATE TRIGGER notify_update AFTER UPDATE ON finetuning_training_runs
  FOR EACH ROW WHEN (OLD.last_seq <> NEW.last_seq) EXECUTE FUNCTION notify_change('run');
