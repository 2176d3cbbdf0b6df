-- Whoever follows a dataset is woken when it is deleted too: until now they heard of it only when all is read anyway.
CREATE OR REPLACE FUNCTION notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed record;
  change text;
  changes text;
BEGIN
  IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
  change := json_build_object('kind', TG_ARGV[0], 'tenantId', changed.tenant_id, 'id', changed.id);
  IF current_setting('tunesmith.bus', true) = 'redis' THEN
    changes := coalesce(current_setting('tunesmith.changes', true), '');
    IF strpos(changes, change) = 0 THEN
      PERFORM set_config('tunesmith.changes', concat_ws(',', nullif(changes, ''), change), true);
    END IF;
  ELSE
    PERFORM pg_notify('tunesmith', change);
  END IF;
  RETURN NULL;
END
$$;

DROP TRIGGER notify_change ON finetuning_datasets;
CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OR DELETE ON finetuning_datasets
  FOR EACH ROW EXECUTE FUNCTION notify_change('dataset');
