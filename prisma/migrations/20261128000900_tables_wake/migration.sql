-- Whoever keeps answers hears which tables changed, and whose rows in them: with the wake-ups, when the change commits.

CREATE FUNCTION wake(change text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
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
END
$$;

CREATE OR REPLACE FUNCTION notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed record;
BEGIN
  IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
  PERFORM wake(json_build_object('kind', TG_ARGV[0], 'tenantId', changed.tenant_id, 'id', changed.id)::text);
  RETURN NULL;
END
$$;

-- Of a table whose rows belong to tenants.
CREATE FUNCTION notify_table() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  tenant uuid;
BEGIN
  FOR tenant IN SELECT DISTINCT tenant_id FROM changed LOOP
    PERFORM wake(json_build_object('kind', 'table', 'tenantId', tenant, 'table', TG_TABLE_NAME)::text);
  END LOOP;
  RETURN NULL;
END
$$;

-- Of a table that all tenants share.
CREATE FUNCTION notify_shared_table() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wake(json_build_object('kind', 'table', 'tenantId', NULL, 'table', TG_TABLE_NAME)::text);
  RETURN NULL;
END
$$;

-- One trigger for each event: those with transition tables may not have several.
DO $$
DECLARE
  name text;
  event text;
BEGIN
  FOR name IN
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
      AND a.attname = 'tenant_id' AND NOT a.attisdropped
  LOOP
    FOREACH event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
      EXECUTE format(
        'CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION notify_table()',
        'notify_table_' || lower(event), event, name, CASE event WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END);
    END LOOP;
  END LOOP;
  FOREACH name IN ARRAY ARRAY['tenants', 'base_models', 'base_model_prices'] LOOP
    EXECUTE format(
      'CREATE TRIGGER notify_shared_table AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH STATEMENT EXECUTE FUNCTION notify_shared_table()',
      name);
  END LOOP;
END
$$;
