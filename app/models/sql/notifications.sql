-- Telling people; called by jobs, which act for the organization.

-- Tells each person once per key; whoever is no member is skipped. Returns how many were told.
--: definer; execute: portal_admin
CREATE FUNCTION app.notify(p_users integer[], p_kind text, p_key text, p_title text, p_body text, p_link text, p_hostel uuid)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'People are told things by the product, not by each other.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO notifications (org_id, hostel_id, user_id, kind, title, body, link, key)
  SELECT app.current_org(), p_hostel, m.user_id, p_kind, left(p_title, 200), p_body, p_link, p_key
  FROM members m WHERE m.org_id = app.current_org() AND m.user_id = ANY (p_users) AND m.removed_at IS NULL
  ON CONFLICT (org_id, user_id, key) DO NOTHING;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

-- All staff who hold a capability in a hostel, through any portal. Residents, of whom there are many, are left out
-- before each remaining person is looked at closely.
--: definer; execute: portal_admin, portal_management
CREATE FUNCTION app.people_who_can(p_resource text, p_action text, p_hostel uuid) RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.user_id FROM members m
  WHERE m.org_id = app.current_org() AND m.removed_at IS NULL
    AND m.user_id IN (SELECT s.user_id FROM memberships s JOIN roles USING (role)
                      WHERE s.org_id = app.current_org() AND s.status = 'active' AND roles.rank > 10)
    AND EXISTS (SELECT FROM app.active_roles(m.org_id, m.user_id) r WHERE r.rank > 10)
    AND app.person_can(m.user_id, p_resource, p_action, p_hostel)
$$;
