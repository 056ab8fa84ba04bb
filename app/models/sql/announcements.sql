-- Announcements: who is meant, when it is sent, and what became of it.

-- Whom an announcement is for: people with an active role there, of these roles, who live on this floor.
--: definer; execute: nobody
CREATE FUNCTION app.audience_of(p_hostel uuid, p_floor uuid, p_roles text[]) RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT s.user_id FROM memberships s
  JOIN members m ON m.org_id = s.org_id AND m.user_id = s.user_id AND m.removed_at IS NULL
  WHERE s.org_id = app.current_org() AND s.status = 'active'
    AND coalesce(s.valid_from <= app.now(), true) AND coalesce(s.valid_until > app.now(), true)
    AND (p_hostel IS NULL OR s.hostel_id = p_hostel OR s.hostel_id IS NULL AND p_floor IS NULL)
    AND (cardinality(p_roles) = 0 OR s.role = ANY (p_roles))
    AND (p_floor IS NULL OR EXISTS (
      SELECT FROM stays t JOIN beds b ON b.org_id = t.org_id AND b.id = t.bed_id JOIN rooms r ON r.org_id = b.org_id AND r.id = b.room_id
      WHERE t.org_id = s.org_id AND t.user_id = s.user_id AND t.status = 'current' AND r.floor_id = p_floor))
$$;

-- The announcement if the caller may do p_action to it, locked; refused like any other row of another hostel.
--: definer; execute: nobody
CREATE FUNCTION app.assert_announcement(p_id uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_found record;
BEGIN
  SELECT a.hostel_id INTO v_found FROM announcements a WHERE a.org_id = app.current_org() AND a.id = p_id AND a.deleted_at IS NULL FOR UPDATE;
  IF NOT FOUND OR NOT (CASE WHEN v_found.hostel_id IS NULL THEN app.can('announcements', 'read')
                       ELSE coalesce(v_found.hostel_id = ANY (app.reach('announcements', 'read')), true) END) THEN
    RAISE EXCEPTION 'There is no such announcement.' USING ERRCODE = 'VR404';
  ELSIF NOT (CASE WHEN v_found.hostel_id IS NULL AND p_action <> 'read' THEN app.everywhere('announcements', p_action)
             ELSE coalesce(v_found.hostel_id = ANY (app.reach('announcements', p_action)), true) END) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- How many people an announcement would reach now.
--: definer; execute: portal_admin
CREATE FUNCTION app.announcement_reach(p_id uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_announcement(p_id, 'read');
  RETURN (SELECT count(*) FROM announcements a CROSS JOIN LATERAL app.audience_of(a.hostel_id, a.floor_id, a.roles)
          WHERE a.org_id = app.current_org() AND a.id = p_id);
END
$$;

-- Gives an announcement its time, now if none is named. An emergency needs whoever may approve announcements, and no
-- second person: it must not wait for one.
--: definer; execute: portal_admin
CREATE FUNCTION app.release_announcement(p_id uuid, p_at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_at timestamptz := greatest(coalesce(p_at, app.now()), app.now());
  v_found record;
BEGIN
  PERFORM app.assert_announcement(p_id, 'create');
  SELECT a.state, a.emergency INTO v_found FROM announcements a WHERE a.org_id = app.current_org() AND a.id = p_id;
  IF v_found.state = 'sent' THEN
    RAISE EXCEPTION 'This announcement was sent already.' USING ERRCODE = 'VR409';
  ELSIF v_found.emergency THEN
    PERFORM app.assert_announcement(p_id, 'approve');
  END IF;
  UPDATE announcements SET state = 'scheduled', send_at = v_at WHERE org_id = app.current_org() AND id = p_id;
  INSERT INTO outbox (org_id, kind, payload, due_at) VALUES (app.current_org(), 'announcements.send', jsonb_build_object('announcement_id', p_id),
    CASE WHEN v_at <= app.now() THEN clock_timestamp() ELSE v_at END);
  RETURN v_at;
END
$$;

-- Takes the time away again, as long as it has not come.
--: definer; execute: portal_admin
CREATE FUNCTION app.withdraw_announcement(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_announcement(p_id, 'update');
  UPDATE announcements SET state = 'draft', send_at = NULL WHERE org_id = app.current_org() AND id = p_id AND state = 'scheduled';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Only an announcement that waits for its time can be taken back.' USING ERRCODE = 'VR409';
  END IF;
END
$$;

-- Whom to tell now that the time has come; nobody if it was taken back, put off or sent. It is sent once.
--: definer; execute: portal_admin
CREATE FUNCTION app.begin_announcement(p_id uuid) RETURNS integer[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_users integer[];
BEGIN
  PERFORM app.assert_system();
  UPDATE announcements SET state = 'sent', sent_at = app.now()
  WHERE org_id = app.current_org() AND id = p_id AND state = 'scheduled' AND send_at <= app.now() AND deleted_at IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT array_agg(u) INTO v_users FROM announcements a CROSS JOIN LATERAL app.audience_of(a.hostel_id, a.floor_id, a.roles) u
  WHERE a.org_id = app.current_org() AND a.id = p_id;
  UPDATE announcements SET told = coalesce(cardinality(v_users), 0) WHERE org_id = app.current_org() AND id = p_id;
  RETURN coalesce(v_users, '{}');
END
$$;

-- What became of an announcement, by channel and state.
--: definer; execute: portal_admin
CREATE FUNCTION app.announcement_figures(p_id uuid) RETURNS TABLE (channel text, state text, people bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_announcement(p_id, 'read');
  RETURN QUERY SELECT d.channel, d.state, count(*) FROM notification_deliveries d
    WHERE d.org_id = app.current_org() AND d.source_id = p_id GROUP BY d.channel, d.state;
END
$$;
