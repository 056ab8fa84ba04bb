-- States move here and nowhere else.

--: definer; execute: everyone
CREATE FUNCTION app.now() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT clock_timestamp() + coalesce((SELECT shift FROM clock), interval '0')
$$;

-- When the present change happened: now, unless the import function says otherwise. Every function that may be
-- called by a portal clears the setting first.
--: definer
CREATE FUNCTION app.event_time() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(NULLIF(current_setting('app.event_at', true), '')::timestamptz, app.now())
$$;

-- Some steps are taken with words only.
--: definer
CREATE FUNCTION app.assert_reason(p_reason text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF btrim(coalesce(p_reason, '')) = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
END
$$;

-- What jobs do through a portal's role, and nobody else.
--: definer
CREATE FUNCTION app.assert_system() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- An illegal move is refused to everybody, the superuser at a psql prompt included. The second argument names the
-- column of the state where it is not `status`.
--: definer
CREATE FUNCTION app.guard_lifecycle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_new text;
  v_old text;
BEGIN
  IF TG_NARGS > 1 THEN
    v_new := to_jsonb(NEW) ->> TG_ARGV[1];
    v_old := to_jsonb(OLD) ->> TG_ARGV[1];
  ELSE
    v_new := NEW.status;
    v_old := OLD.status;
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF v_new <> (SELECT initial FROM lifecycle_machines WHERE machine = TG_ARGV[0]) THEN
      RAISE EXCEPTION 'A new % cannot begin as %.', replace(TG_ARGV[0], '_', ' '), replace(v_new, '_', ' ')
        USING ERRCODE = 'VR409';
    END IF;
  ELSIF v_new <> v_old AND NOT EXISTS (
      SELECT FROM lifecycle_transitions
      WHERE machine = TG_ARGV[0] AND from_state = v_old AND to_state = v_new) THEN
    RAISE EXCEPTION 'A % cannot go from % to %.', replace(TG_ARGV[0], '_', ' '), replace(v_old, '_', ' '),
      replace(v_new, '_', ' ') USING ERRCODE = 'VR409';
  END IF;
  RETURN NEW;
END
$$;

-- Legal? allowed? still in the state it is in? Then the state changes; triggers keep clock, history and audit.
-- The machine's hook sees (id, event, from, to, args) before the change; `to` is NULL where the event is not
-- possible in the present state, so that it can give a better reason than the general one.
--: definer; execute: staff, portal_resident
CREATE FUNCTION app.move(p_machine text, p_id uuid, p_event text, p_note text DEFAULT '', p_args jsonb DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_machine lifecycle_machines := (SELECT m FROM lifecycle_machines m WHERE machine = p_machine);
  v_step lifecycle_transitions;
  v_from text;
  v_hostel uuid;
BEGIN
  PERFORM set_config('app.event_at', '', true), set_config('app.event', p_event, true),
          set_config('app.note', coalesce(btrim(p_note), ''), true);
  IF v_machine.machine IS NULL THEN
    RAISE EXCEPTION 'There is no such lifecycle.' USING ERRCODE = 'VR404';
  END IF;
  EXECUTE format('SELECT status, hostel_id FROM public.%I WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE',
                 v_machine.table_name) INTO v_from, v_hostel USING app.current_org(), p_id;
  SELECT * INTO v_step FROM lifecycle_transitions WHERE machine = p_machine AND event = p_event LIMIT 1;
  IF v_from IS NULL OR NOT (app.is_system() OR (app.is_staff() OR app.is_admitted()) AND coalesce(app.allowed_in(v_step.resource, 'read', v_hostel), true)) THEN
    RAISE EXCEPTION 'There is no such %.', replace(p_machine, '_', ' ') USING ERRCODE = 'VR404';
  END IF;
  -- A step without a capability is the product's own: NULL must not pass for a yes.
  IF NOT app.is_system() AND NOT coalesce(app.allowed_in(v_step.resource, v_step.action, v_hostel), v_step.machine IS NULL) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  SELECT * INTO v_step FROM lifecycle_transitions
  WHERE machine = p_machine AND event = p_event AND from_state = v_from;
  IF v_machine.hook IS NOT NULL THEN
    EXECUTE format('SELECT app.%I($1, $2, $3, $4, $5)', v_machine.hook)
    USING p_id, p_event, v_from, v_step.to_state, p_args;
  END IF;
  IF v_step.machine IS NULL THEN
    RAISE EXCEPTION 'This % is %, so that is not possible any more.', replace(p_machine, '_', ' '), replace(v_from, '_', ' ')
      USING ERRCODE = 'VR409';
  END IF;
  IF app.is_system() AND NOT v_step.by_system THEN
    RAISE EXCEPTION 'Only a person may do that.' USING ERRCODE = 'VR403';
  END IF;
  IF v_step.needs_note AND current_setting('app.note') = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
  EXECUTE format('UPDATE public.%I SET status = $3 WHERE org_id = $1 AND id = $2', v_machine.table_name)
  USING app.current_org(), p_id, v_step.to_state;
  RETURN v_step.to_state;
END
$$;
