-- Telling people, by the channels that each of them wants; called by jobs, which act for the organization.

-- Tells each person once per key; whoever is no member, or wants the kind nowhere, is skipped. By Telegram is told who
-- linked a chat, or asked for it by name; an announcement that goes there says of the others that they were skipped. What is not wanted in the
-- console lies in the archive, for its other channels. Returns how many were told, and the deliveries that wait for
-- their time, with what decides about it. p_forced: nobody is asked.
--: definer; execute: portal_admin
CREATE FUNCTION app.notify(p_users integer[], p_kind text, p_urgency text, p_key text, p_title text, p_body text, p_link text,
  p_hostel uuid, p_channels text[], p_offered text[], p_forced boolean, p_source uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_now timestamptz := app.now();
  v_told integer;
  v_ids uuid[];
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'People are told things by the product, not by each other.' USING ERRCODE = 'VR403';
  END IF;
  WITH wanted AS (
    SELECT m.user_id, array_agg(c.channel) AS channels
    FROM members m CROSS JOIN unnest(p_offered) AS c (channel)
    LEFT JOIN notification_preferences p ON p.org_id = m.org_id AND p.user_id = m.user_id AND p.kind = p_kind AND p.channel = c.channel
    WHERE m.org_id = v_org AND m.user_id = ANY (p_users) AND m.removed_at IS NULL
      AND CASE WHEN p_forced THEN c.channel = ANY (p_channels) ELSE coalesce(p.wanted, c.channel = ANY (p_channels)) END
      AND (c.channel <> 'telegram' OR p.wanted OR p_source IS NOT NULL OR EXISTS (
        SELECT FROM telegram_chats t WHERE t.org_id = m.org_id AND t.user_id = m.user_id AND t.purpose = 'personal'
          AND t.linked_at IS NOT NULL AND t.blocked_at IS NULL))
    GROUP BY m.user_id
  ), told AS (
    INSERT INTO notifications (org_id, hostel_id, user_id, kind, urgency, title, body, link, key, read_at, archived_at)
    SELECT v_org, p_hostel, w.user_id, p_kind, p_urgency, left(p_title, 200), p_body, p_link, p_key, s.aside, s.aside
    FROM wanted w CROSS JOIN LATERAL (SELECT CASE WHEN 'in_app' <> ALL (w.channels) THEN v_now END AS aside) s
    ON CONFLICT (org_id, user_id, key) DO NOTHING
    RETURNING id, user_id
  ), made AS (
    INSERT INTO notification_deliveries (org_id, notification_id, hostel_id, user_id, kind, channel, state, due_at, sent_at, delivered_at, source_id)
    SELECT v_org, t.id, p_hostel, t.user_id, p_kind, c.channel, CASE WHEN c.channel = 'in_app' THEN 'delivered' ELSE 'queued' END,
           v_now, s.at, s.at, p_source
    FROM told t JOIN wanted w USING (user_id) CROSS JOIN LATERAL unnest(w.channels) AS c (channel)
    CROSS JOIN LATERAL (SELECT CASE WHEN c.channel = 'in_app' THEN v_now END AS at) s
    RETURNING id, channel
  )
  SELECT (SELECT count(*) FROM told), ARRAY(SELECT id FROM made WHERE channel <> 'in_app') INTO v_told, v_ids;
  RETURN jsonb_build_object('told', v_told, 'waiting', CASE WHEN cardinality(v_ids) = 0 THEN '[]'::jsonb ELSE app.deliveries_waiting(v_ids) END);
END
$$;

-- What decides when deliveries leave: quiet hours, and when the newest before them of the same kind left or will leave.
--: definer; execute: nobody
CREATE FUNCTION app.deliveries_waiting(p_ids uuid[]) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'id', d.id, 'quiet_from', s.quiet_from, 'quiet_to', s.quiet_to, 'zone', coalesce(s.timezone, h.timezone, o.timezone),
    'last', (SELECT max(coalesce(e.sent_at, e.due_at)) FROM notification_deliveries e
             WHERE e.org_id = d.org_id AND e.user_id = d.user_id AND e.channel = d.channel AND e.kind = d.kind AND e.id <> ALL (p_ids)
               AND e.state IN ('queued', 'sent', 'delivered', 'read') AND e.due_at > app.now() - interval '10 minutes'))), '[]')
  FROM notification_deliveries d JOIN organizations o ON o.id = d.org_id
  LEFT JOIN hostels h ON h.org_id = d.org_id AND h.id = d.hostel_id
  LEFT JOIN notification_settings s ON s.org_id = d.org_id AND s.user_id = d.user_id
  WHERE d.org_id = app.current_org() AND d.id = ANY (p_ids)
$$;

-- Gives deliveries the time at which they leave, and asks for the work.
--: definer; execute: portal_admin
CREATE FUNCTION app.plan_deliveries(p_ids uuid[], p_dues timestamptz[], p_reason text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  UPDATE notification_deliveries d SET due_at = p.due, reason = p_reason
  FROM unnest(p_ids, p_dues) AS p (id, due) WHERE d.org_id = app.current_org() AND d.id = p.id AND d.state = 'queued';
  INSERT INTO outbox (org_id, kind, payload, due_at)
  SELECT app.current_org(), 'notifications.send', jsonb_build_object('delivery_id', p.id),
         CASE WHEN p.due <= app.now() THEN clock_timestamp() ELSE p.due END
  FROM unnest(p_ids, p_dues) AS p (id, due);
END
$$;

-- What leaves with a delivery: itself and what else of its kind is due for the same person on the same channel, each
-- taken by one worker. Nothing if it was sent with another, or if it is not its time any more.
--: definer; execute: portal_admin
CREATE FUNCTION app.take_deliveries(p_id uuid) RETURNS TABLE (id uuid, user_id integer, channel text, kind text, urgency text, title text,
  body text, link text, notification_id uuid, attempts integer, muted boolean, quiet_from time, quiet_to time, zone text, due_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  RETURN QUERY
    SELECT d.id, d.user_id, d.channel, d.kind::text, n.urgency, n.title::text, n.body, n.link, n.id, d.attempts,
           n.urgency <> 'emergency' AND EXISTS (
             SELECT FROM notification_preferences p WHERE p.org_id = d.org_id AND p.user_id = d.user_id AND p.kind = d.kind
               AND p.channel = d.channel AND NOT p.wanted),
           s.quiet_from, s.quiet_to, coalesce(s.timezone, h.timezone, o.timezone)::text, d.due_at
    FROM notification_deliveries first
    JOIN notification_deliveries d ON d.org_id = first.org_id AND d.user_id = first.user_id AND d.channel = first.channel
      AND d.kind = first.kind AND d.due_at <= first.due_at AND d.state = 'queued'
    JOIN notifications n ON n.org_id = d.org_id AND n.id = d.notification_id
    JOIN organizations o ON o.id = d.org_id
    LEFT JOIN hostels h ON h.org_id = d.org_id AND h.id = d.hostel_id
    LEFT JOIN notification_settings s ON s.org_id = d.org_id AND s.user_id = d.user_id
    WHERE first.org_id = app.current_org() AND first.id = p_id AND first.state = 'queued' AND first.due_at <= app.now()
    ORDER BY d.created_at, d.id LIMIT 50 FOR UPDATE OF d SKIP LOCKED;
END
$$;

-- Whom a message goes to, and how it speaks to them.
--: definer; execute: portal_admin
CREATE FUNCTION app.notification_recipient(p_user integer) RETURNS TABLE (name text, email text, language text, organization text, phone_token text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  RETURN QUERY
    SELECT m.name::text, m.email::text, coalesce(app.language_of(m.user_id), o.settings ->> 'language', ''), o.name::text,
           CASE WHEN s.phone_confirmed_at IS NOT NULL THEN s.phone_token END
    FROM members m JOIN organizations o ON o.id = m.org_id
    LEFT JOIN notification_settings s ON s.org_id = m.org_id AND s.user_id = m.user_id
    WHERE m.org_id = app.current_org() AND m.user_id = p_user AND m.removed_at IS NULL;
END
$$;

-- What became of deliveries that were taken.
--: definer; execute: portal_admin
CREATE FUNCTION app.settle_deliveries(p_ids uuid[], p_state text, p_reason text, p_off bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  UPDATE notification_deliveries d SET state = CASE WHEN n.read_at IS NOT NULL AND p_state IN ('sent', 'delivered') AND n.archived_at IS NULL
                                                    THEN 'read' ELSE p_state END,
    reason = left(p_reason, 300), attempts = d.attempts + CASE WHEN p_state = 'skipped' THEN 0 ELSE 1 END,
    sent_at = CASE WHEN p_state IN ('sent', 'delivered') THEN app.now() END,
    delivered_at = CASE WHEN p_state = 'delivered' THEN app.now() END, off_digest = p_off
  FROM notifications n
  WHERE d.org_id = app.current_org() AND d.id = ANY (p_ids) AND d.state = 'queued' AND n.org_id = d.org_id AND n.id = d.notification_id;
END
$$;

-- After a failure that may pass: counted, and due again later.
--: definer; execute: portal_admin
CREATE FUNCTION app.retry_deliveries(p_ids uuid[], p_reason text, p_again timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  UPDATE notification_deliveries SET attempts = attempts + 1 WHERE org_id = app.current_org() AND id = ANY (p_ids) AND state = 'queued';
  PERFORM app.plan_deliveries(p_ids, array_fill(p_again, ARRAY[cardinality(p_ids)]), left(p_reason, 300));
END
$$;

-- A message that was given up is tried again from the start, by a person.
--: definer; execute: portal_admin
CREATE FUNCTION app.resend_delivery(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_found record;
BEGIN
  SELECT d.hostel_id, d.state INTO v_found FROM notification_deliveries d WHERE d.org_id = app.current_org() AND d.id = p_id FOR UPDATE;
  IF NOT FOUND OR NOT coalesce(v_found.hostel_id = ANY (app.reach('announcements', 'read')), true) THEN
    RAISE EXCEPTION 'There is no such message.' USING ERRCODE = 'VR404';
  ELSIF NOT coalesce(v_found.hostel_id = ANY (app.reach('announcements', 'update')), app.can('announcements', 'update')) THEN
    RAISE EXCEPTION 'Your role does not let you send messages again.' USING ERRCODE = 'VR403';
  ELSIF v_found.state <> 'failed' THEN
    RAISE EXCEPTION 'Only a message that was given up can be sent again.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE notification_deliveries SET state = 'queued', attempts = 0, due_at = app.now() WHERE org_id = app.current_org() AND id = p_id;
  INSERT INTO outbox (org_id, kind, payload) VALUES (app.current_org(), 'notifications.send', jsonb_build_object('delivery_id', p_id));
END
$$;

-- Whoever opened something in the console has read it, on whatever channel it reached them.
--: definer; execute: nobody
CREATE FUNCTION app.note_read() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF OLD.read_at IS NULL AND NEW.read_at IS NOT NULL THEN
    UPDATE notification_deliveries SET state = 'read', read_at = NEW.read_at
    WHERE org_id = NEW.org_id AND notification_id = NEW.id AND state IN ('sent', 'delivered');
  END IF;
  RETURN NULL;
END
$$;

-- What was handed to Telegram's sender has arrived, or cannot.
--: definer; execute: nobody
CREATE FUNCTION app.note_telegram() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.state <> OLD.state AND NEW.part = 1 AND starts_with(NEW.key, 'delivery ') THEN
    UPDATE notification_deliveries SET state = CASE NEW.state WHEN 'sent' THEN 'delivered' ELSE 'failed' END,
      delivered_at = CASE WHEN NEW.state = 'sent' THEN app.now() END, reason = CASE WHEN NEW.state = 'sent' THEN '' ELSE left(NEW.reason, 300) END
    WHERE org_id = NEW.org_id AND id = substr(NEW.key, 10, 36)::uuid AND state = 'sent' AND NEW.state IN ('sent', 'failed');
  END IF;
  RETURN NULL;
END
$$;

-- Whether the caller linked a chat of Telegram.
--: definer; execute: signed_in
CREATE FUNCTION app.has_telegram() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM telegram_chats WHERE org_id = app.current_org() AND user_id = app.current_user_id() AND purpose = 'personal'
                 AND linked_at IS NOT NULL)
$$;

-- Somebody's own choices: [{kind, channel, wanted}], and quiet hours (both or none).
--: definer; execute: signed_in
CREATE FUNCTION app.choose_notifications(p_choices jsonb, p_from time, p_to time, p_zone text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF app.current_org() IS NULL OR app.current_user_id() IS NULL THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO notification_preferences AS p (org_id, user_id, kind, channel, wanted)
  SELECT app.current_org(), app.current_user_id(), c.kind, c.channel, c.wanted
  FROM jsonb_to_recordset(p_choices) AS c (kind text, channel text, wanted boolean)
  ON CONFLICT (org_id, user_id, kind, channel) DO UPDATE SET wanted = excluded.wanted WHERE p.wanted <> excluded.wanted;
  INSERT INTO notification_settings AS s (org_id, user_id, quiet_from, quiet_to, timezone)
  VALUES (app.current_org(), app.current_user_id(), p_from, p_to, p_zone)
  ON CONFLICT (org_id, user_id) DO UPDATE SET quiet_from = p_from, quiet_to = p_to, timezone = p_zone
  WHERE (s.quiet_from, s.quiet_to, s.timezone) IS DISTINCT FROM (p_from, p_to, p_zone);
END
$$;

-- A number for text messages, sealed, until it is confirmed by the code that it gets; NULL takes it away.
--: definer; execute: signed_in
CREATE FUNCTION app.set_notification_phone(p_token text, p_masked text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF app.current_org() IS NULL OR app.current_user_id() IS NULL THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO notification_settings (org_id, user_id, phone_token, phone_masked)
  VALUES (app.current_org(), app.current_user_id(), p_token, p_masked)
  ON CONFLICT (org_id, user_id) DO UPDATE SET phone_token = p_token, phone_masked = p_masked, phone_confirmed_at = NULL;
END
$$;

-- The sealed number of the caller, which is not confirmed yet, to make its code from.
--: definer; execute: signed_in
CREATE FUNCTION app.unconfirmed_phone() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT phone_token FROM notification_settings
  WHERE org_id = app.current_org() AND user_id = app.current_user_id() AND phone_confirmed_at IS NULL
$$;

-- The same of anybody, for whoever sends the code.
--: definer; execute: portal_admin
CREATE FUNCTION app.phone_to_confirm(p_user integer) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  RETURN (SELECT phone_token FROM notification_settings
          WHERE org_id = app.current_org() AND user_id = p_user AND phone_confirmed_at IS NULL);
END
$$;

-- Sealed numbers of all organizations that an older key sealed, and their place under the current one.
--: definer; execute: service
CREATE FUNCTION app.notification_phones_to_rotate(p_prefix text, p_after uuid, p_most integer)
RETURNS TABLE (org_id uuid, id uuid, user_id integer, phone_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT s.org_id, s.id, s.user_id, s.phone_token FROM notification_settings s
  WHERE (p_after IS NULL OR s.id > p_after) AND s.phone_token IS NOT NULL AND NOT starts_with(s.phone_token, p_prefix)
  ORDER BY s.id LIMIT p_most
$$;

--: definer; execute: service
CREATE FUNCTION app.rotate_notification_phone(p_org uuid, p_id uuid, p_seen text, p_token text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE notification_settings SET phone_token = p_token WHERE org_id = p_org AND id = p_id AND phone_token = p_seen
$$;

-- The caller knows the code: this very number may be written to.
--: definer; execute: signed_in
CREATE FUNCTION app.confirm_notification_phone(p_token text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH done AS (
    UPDATE notification_settings SET phone_confirmed_at = app.now()
    WHERE org_id = app.current_org() AND user_id = app.current_user_id() AND phone_token = p_token RETURNING 1)
  SELECT EXISTS (SELECT FROM done)
$$;

-- The link at the foot of a mail: whoever holds its secret turns that kind off by e-mail for that one person. Returns
-- the kind; NULL if no mail had this link.
--: definer; execute: portals
CREATE FUNCTION app.mute_by_letter(p_digest bytea, p_only_look boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_found record;
BEGIN
  SELECT org_id, user_id, kind, channel INTO v_found FROM notification_deliveries WHERE off_digest = p_digest LIMIT 1;
  IF FOUND AND NOT p_only_look THEN
    INSERT INTO notification_preferences (org_id, user_id, kind, channel, wanted)
    VALUES (v_found.org_id, v_found.user_id, v_found.kind, v_found.channel, false)
    ON CONFLICT (org_id, user_id, kind, channel) DO UPDATE SET wanted = false;
  END IF;
  RETURN v_found.kind;
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
