-- Asking for capabilities within a bound transaction, and keeping overrides honest.

--: invoker; execute: everyone
CREATE FUNCTION app.can(p_resource text, p_action text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT current_setting('app.caps', true) = '*'
      OR position('|' || p_resource || '.' || p_action || '=' IN coalesce(current_setting('app.caps', true), '')) > 0
$$;

--: invoker; execute: everyone
CREATE FUNCTION app.org_wide(p_resource text, p_action text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT current_setting('app.caps', true) = '*'
      OR position('|' || p_resource || '.' || p_action || '=*' IN coalesce(current_setting('app.caps', true), '')) > 0
$$;

-- Held for what belongs to no hostel: for the whole organization, though the console may be narrowed to one hostel
-- just now, or an override may take some hostels out.
--: invoker; execute: everyone
CREATE FUNCTION app.everywhere(p_resource text, p_action text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT app.org_wide(p_resource, p_action)
      OR position('|' || p_resource || '.' || p_action || '=~' IN coalesce(current_setting('app.caps', true), '')) > 0
$$;

-- The hostels in which the capability is held: none if it is not held, NULL if it is held in all of them.
--: invoker; execute: everyone
CREATE FUNCTION app.reach(p_resource text, p_action text) RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN current_setting('app.caps', true) = '*' OR found.hostels = '*' THEN NULL
              ELSE string_to_array(translate(found.hostels, '~', ''), ',')::uuid[] END
  FROM (SELECT split_part(split_part(coalesce(current_setting('app.caps', true), ''),
                                     '|' || p_resource || '.' || p_action || '=', 2), '|', 1) AS hostels) found
$$;

--: invoker; execute: everyone
CREATE FUNCTION app.allowed_in(p_resource text, p_action text, p_hostel uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT app.org_wide(p_resource, p_action) OR coalesce(p_hostel = ANY (app.reach(p_resource, p_action)), false)
      OR (p_hostel IS NULL AND app.everywhere(p_resource, p_action))
$$;

-- Whether somebody else could do something in a hostel, through any portal: for choosing whom to give work to.
--: definer; execute: portal_admin, portal_management
CREATE FUNCTION app.person_can(p_user integer, p_resource text, p_action text, p_hostel uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_portal text;
  v_caps text;
BEGIN
  FOR v_portal IN SELECT DISTINCT portal FROM app.active_roles(app.current_org(), p_user) LOOP
    v_caps := app.capabilities(app.current_org(), p_user, v_portal);
    IF v_caps LIKE '%|' || p_resource || '.' || p_action || '=*%'
       OR v_caps ~ ('\|' || p_resource || '\.' || p_action || '=[^|]*' || p_hostel) THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END
$$;

-- Nobody overrides for themselves or for a role at or above their own, nor gives away what they do not hold.
--: definer
CREATE FUNCTION app.guard_override() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row permission_overrides := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  v_mine smallint := (SELECT max(rank) FROM app.active_roles(app.current_org(), app.current_user_id()));
  v_theirs smallint;
BEGIN
  -- Somebody has to be able to put things right.
  IF TG_OP <> 'DELETE' AND (v_row.role = 'owner' OR EXISTS (
      SELECT FROM app.active_roles(v_row.org_id, v_row.user_id) WHERE role = 'owner')) THEN
    RAISE EXCEPTION 'What an owner may do cannot be changed.' USING ERRCODE = 'VR403';
  END IF;
  IF app.is_system() OR EXISTS (
      SELECT FROM app.active_roles(app.current_org(), app.current_user_id()) WHERE role = 'owner') THEN
    RETURN v_row;
  END IF;
  v_theirs := CASE WHEN v_row.role IS NOT NULL THEN (SELECT rank FROM roles WHERE role = v_row.role)
                   ELSE (SELECT max(rank) FROM app.active_roles(v_row.org_id, v_row.user_id)) END;
  IF v_row.user_id = app.current_user_id() OR coalesce(v_theirs, 0) >= coalesce(v_mine, 0) THEN
    RAISE EXCEPTION 'You cannot change permissions of yourself, or of a role at or above your own.' USING ERRCODE = 'VR403';
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.allowed AND NOT app.allowed_in(NEW.resource, NEW.action, NEW.hostel_id) THEN
    RAISE EXCEPTION 'You cannot give a permission that you do not hold yourself.' USING ERRCODE = 'VR403';
  END IF;
  RETURN v_row;
END
$$;

-- Everything that decides what a person may do, for explaining it: all of it, whatever hostel the reader is narrowed to.
--: definer; execute: portal_admin
CREATE FUNCTION app.person_facts(p_user integer) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
BEGIN
  IF NOT app.can('permissions', 'read') OR NOT EXISTS (SELECT FROM members WHERE org_id = v_org AND user_id = p_user) THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
  END IF;
  RETURN jsonb_build_object(
    'now', app.now(),
    'removed', (SELECT removed_at IS NOT NULL FROM members WHERE org_id = v_org AND user_id = p_user),
    'memberships', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'role', m.role, 'hostel_id', m.hostel_id, 'status', m.status, 'valid_from', m.valid_from, 'valid_until', m.valid_until)
        ORDER BY r.rank DESC, m.id), '[]')
      FROM memberships m JOIN roles r ON r.role = m.role WHERE m.org_id = v_org AND m.user_id = p_user),
    'overrides', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'role', o.role, 'resource', o.resource, 'action', o.action, 'hostel_id', o.hostel_id, 'allowed', o.allowed)
        ORDER BY o.id), '[]')
      FROM permission_overrides o WHERE o.org_id = v_org AND (o.user_id = p_user OR o.role IN (
        SELECT m.role FROM memberships m WHERE m.org_id = v_org AND m.user_id = p_user))));
END
$$;
