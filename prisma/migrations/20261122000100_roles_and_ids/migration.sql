-- Two roles that nobody logs in as. A request works as tunesmith_app and sees one tenant; the worker that looks for
-- due training runs of all tenants works as tunesmith_system and may touch little else. Roles belong to the whole
-- server, so another database of Tunesmith's may have made them already.
DO $$
DECLARE
  wanted text;
  -- From version 16 on a role can be somebody's without that they may act as it; before, the two are one.
  right_needed text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['tunesmith_app', 'tunesmith_system'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOBYPASSRLS', wanted);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- Another database was quicker.
      END;
    END IF;
    IF NOT pg_has_role(current_user, wanted, right_needed) THEN
      EXECUTE format('GRANT %I TO current_user', wanted);
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), wanted);
  END LOOP;
END
$$;

-- A time-ordered UUID, RFC 9562 version 7: 48 bits of milliseconds, 12 bits of the millisecond's fraction
-- (the RFC's method 3), and 62 random bits.
CREATE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(
    overlay(
      overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send(us / 1000) FROM 3) FROM 1 FOR 6)
      PLACING int2send((28672 | ((us % 1000) * 4096 / 1000))::int2) FROM 7 FOR 2
    ),
    'hex'
  )::uuid
  FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us) AS clock
$$;

-- What makes two examples of a dataset the same. jsonb prints itself in one canonical way.
CREATE FUNCTION messages_hash(messages jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT sha256(convert_to(messages::text, 'UTF8'))
$$;

-- The tenant of this transaction; NULL outside of one, which matches no row.
CREATE FUNCTION current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT nullif(current_setting('tunesmith.tenant_id', true), '')::uuid
$$;
