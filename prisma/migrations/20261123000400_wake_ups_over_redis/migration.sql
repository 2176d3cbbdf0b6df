-- Wake-ups may travel over Redis instead of NOTIFY. A transaction that says so (tunesmith.bus) notes its changes in
-- tunesmith.changes, each once, separated by commas; who began it reads them before it commits and publishes them
-- afterwards. Both settings end with the transaction, and a savepoint that is rolled back takes its changes with it.
CREATE OR REPLACE FUNCTION notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  change text := json_build_object('kind', TG_ARGV[0], 'tenantId', NEW.tenant_id, 'id', NEW.id);
  changes text;
BEGIN
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
