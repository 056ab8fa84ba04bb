-- The audit trigger and what goes with it.

--: definer
CREATE FUNCTION app.refuse_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% is a log: rows are never changed or removed.', TG_TABLE_NAME USING ERRCODE = 'VR403';
END
$$;

-- What a row looks like in the log: masked columns show that there is a value, not which.
--: invoker
CREATE FUNCTION app.masked(p_row jsonb, p_columns text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT p_row || coalesce((SELECT jsonb_object_agg(c, '•••') FROM unnest(p_columns) c WHERE p_row ->> c IS NOT NULL), '{}')
$$;

-- One row per changed row: all of it when it comes or goes, the columns that differ when it changes.
--: definer
CREATE FUNCTION app.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  -- The keys of the search box repeat the name; how often somebody asked is told by the inquiries themselves.
  v_before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - '{updated_at,name_key,last_name_key,last_asked_at,times_asked}'::text[] END;
  v_after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - '{updated_at,name_key,last_name_key,last_asked_at,times_asked}'::text[] END;
  v_row jsonb := coalesce(v_after, v_before);
  v_user integer := app.current_user_id();
BEGIN
  IF TG_OP = 'UPDATE' THEN
    SELECT jsonb_object_agg(b.key, b.value), jsonb_object_agg(b.key, v_after -> b.key) INTO v_before, v_after
    FROM jsonb_each(v_before) b WHERE b.value IS DISTINCT FROM v_after -> b.key;
    IF v_before IS NULL THEN
      RETURN NULL;
    END IF;
  END IF;
  IF TG_NARGS > 0 THEN
    v_before := app.masked(v_before, TG_ARGV);
    v_after := app.masked(v_after, TG_ARGV);
  END IF;
  INSERT INTO audit_log (org_id, actor_id, actor, portal, request_id, action, table_name, row_id, hostel_id, before, after, reason)
  VALUES (CASE WHEN TG_TABLE_NAME = 'organizations' THEN (v_row ->> 'id')::uuid ELSE (v_row ->> 'org_id')::uuid END,
          v_user,
          CASE WHEN v_user IS NOT NULL THEN 'user' WHEN app.is_system() THEN 'system' ELSE session_user::text END,
          current_setting('role'), NULLIF(current_setting('app.request_id', true), ''), lower(TG_OP), TG_TABLE_NAME,
          coalesce(v_row ->> 'id', v_row ->> 'user_id'), (v_row ->> 'hostel_id')::uuid, v_before, v_after,
          NULLIF(coalesce(NULLIF(current_setting('app.reason', true), ''), current_setting('app.note', true)), ''));
  RETURN NULL;
END
$$;

-- Something that happened without changing a row: a reveal, an export, a service access.
--: definer; execute: signed_in, service
CREATE FUNCTION app.note_event(p_action text, p_subject text, p_row text, p_reason text, p_data jsonb DEFAULT NULL)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO audit_log (org_id, actor_id, actor, portal, request_id, action, table_name, row_id, after, reason)
  VALUES (app.current_org(), app.current_user_id(),
          CASE WHEN app.current_user_id() IS NOT NULL THEN 'user' WHEN app.is_system() THEN 'system'
               ELSE session_user::text END,
          current_setting('role'), NULLIF(current_setting('app.request_id', true), ''), p_action, p_subject, p_row, p_data,
          p_reason)
  RETURNING seq
$$;

-- Sign-ins and changes of credentials, told by the auth login for every organization the person belongs to.
--: definer; execute: auth
CREATE FUNCTION app.note_account(p_user integer, p_action text, p_data jsonb DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO audit_log (org_id, actor_id, actor, portal, action, table_name, row_id, after)
  SELECT m.org_id, p_user, 'user', 'sign-in', p_action, 'ab_user', p_user::text, p_data
  FROM (SELECT org_id FROM members WHERE user_id = p_user AND removed_at IS NULL
        UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT FROM members WHERE user_id = p_user AND removed_at IS NULL)) m
$$;

-- The clock, the newest number given out, and which cluster this is. Read it before taking the snapshot that goes
-- with it: then whoever holds an older number is in that snapshot, running or ended.
--: definer; execute: service
CREATE FUNCTION app.audit_horizon() RETURNS TABLE (at timestamptz, seq bigint, system_id text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT clock_timestamp(), coalesce(pg_sequence_last_value('public.audit_log_seq_seq'), 0), system_identifier::text
  FROM pg_control_system()
$$;

-- How far the log is sealed, for the health page. Numbers of the whole installation, contents of nobody.
--: definer; execute: portal_admin, portal_platform, service
CREATE FUNCTION app.audit_state()
RETURNS TABLE (batches bigint, last_sealed_at timestamptz, unsealed_rows bigint, oldest_unsealed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  -- Late commits have a batch end below the one before it: the highest of the last ones counts.
  WITH newest AS (SELECT number, sealed_at, last_seq FROM audit_batches ORDER BY number DESC LIMIT 100),
       waiting AS (SELECT at FROM audit_log
                   WHERE seq > coalesce((SELECT max(last_seq) FROM newest), 0) ORDER BY seq LIMIT 100000)
  SELECT coalesce((SELECT max(number) FROM newest), 0), (SELECT max(sealed_at) FROM newest), count(*), min(at)
  FROM waiting
$$;

-- Which batch an entry of the caller's organization is sealed in; no row while it waits.
--: definer; execute: portal_admin
CREATE FUNCTION app.audit_seal_of(p_seq bigint) RETURNS TABLE (batch bigint, sealed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT b.number, b.sealed_at
  FROM audit_log l JOIN audit_batches b ON l.seq BETWEEN b.first_seq AND b.last_seq AND l.seq = ANY (b.seqs)
  WHERE l.seq = p_seq AND l.org_id = app.current_org() AND app.can('audit', 'read')
$$;

-- That somebody changed a row, not what: for those who may read it and not the log. Steps of its lifecycle (p_state names
-- that column) are told by its history.
--: definer; execute: portal_admin, portal_management
CREATE FUNCTION app.edits_of(p_table text, p_row text, p_resource text, p_state text)
RETURNS TABLE (at timestamptz, seq bigint, actor_id integer, actor text, action text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT l.at, l.seq, l.actor_id, l.actor, l.action FROM audit_log l
  WHERE l.org_id = app.current_org() AND l.table_name = p_table AND l.row_id = p_row
    AND app.can(p_resource, 'read') AND coalesce(l.hostel_id = ANY ((SELECT app.reach(p_resource, 'read'))::uuid[]), true)
    AND (p_state IS NULL OR (l.action <> 'insert' AND NOT (l.action = 'update' AND l.after ? p_state)))
$$;
