-- Events: what may change of one and who hears of it, who has a place and who waits, calendars that are subscribed to.

-- What the caller may see of an event's house; what is for all houses is for everybody who may see any.
--: definer
CREATE FUNCTION app.event_in_reach(p_hostel uuid, p_action text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT (app.is_staff() OR app.is_admitted()) AND coalesce(p_hostel = ANY (app.reach('events', p_action)), app.can('events', p_action))
$$;

--: definer
CREATE FUNCTION app.keep_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_taken bigint;
BEGIN
  IF OLD.status = 'cancelled' THEN
    RAISE EXCEPTION 'This event is cancelled.' USING ERRCODE = 'VR409';
  ELSIF OLD.status = 'published' AND NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL AND OLD.ends_at > app.now() THEN
    RAISE EXCEPTION 'Cancel it first, so that those who answered hear of it.' USING ERRCODE = 'VR409';
  ELSIF OLD.status = 'published' AND NEW.status = 'cancelled' AND OLD.ends_at <= app.now() THEN
    RAISE EXCEPTION 'This event is over.' USING ERRCODE = 'VR409';
  ELSIF OLD.status = 'draft' AND NEW.status = 'published' AND NEW.starts_at <= app.now() THEN
    RAISE EXCEPTION 'This event would have begun already: give it another time first.' USING ERRCODE = 'VR409';
  ELSIF OLD.status = 'published' AND OLD.starts_at <= app.now()
      AND (NEW.starts_at, NEW.ends_at, NEW.capacity) IS DISTINCT FROM (OLD.starts_at, OLD.ends_at, OLD.capacity) THEN
    RAISE EXCEPTION 'This event has begun.' USING ERRCODE = 'VR409';
  END IF;
  IF NEW.capacity IS DISTINCT FROM OLD.capacity THEN
    v_taken := (SELECT sum(1 + guests) FROM event_replies WHERE org_id = NEW.org_id AND event_id = NEW.id AND state = 'coming');
    IF NEW.capacity < v_taken THEN
      RAISE EXCEPTION 'So many are coming already: %.', v_taken USING ERRCODE = 'VR409', COLUMN = 'capacity';
    END IF;
  END IF;
  IF NEW.status = 'cancelled' THEN
    NEW.reason := coalesce(current_setting('app.note', true), '');
  END IF;
  -- A calendar takes over what has a higher number.
  IF (NEW.title, NEW.description, NEW.place, NEW.starts_at, NEW.ends_at, NEW.status)
      IS DISTINCT FROM (OLD.title, OLD.description, OLD.place, OLD.starts_at, OLD.ends_at, OLD.status) THEN
    NEW.sequence := OLD.sequence + 1;
  END IF;
  RETURN NEW;
END
$$;

--: definer
CREATE FUNCTION app.follow_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.status = 'cancelled' THEN
    PERFORM app.enqueue('events.cancelled', jsonb_build_object('event_id', NEW.id));
  ELSIF NEW.status = 'published' AND OLD.status = 'published' THEN
    IF (NEW.title, NEW.place, NEW.starts_at, NEW.ends_at) IS DISTINCT FROM (OLD.title, OLD.place, OLD.starts_at, OLD.ends_at) THEN
      PERFORM app.enqueue('events.changed', jsonb_build_object('event_id', NEW.id, 'sequence', NEW.sequence));
    END IF;
    IF NEW.capacity IS DISTINCT FROM OLD.capacity THEN
      PERFORM app.fill_event(NEW.id);
    END IF;
  END IF;
  RETURN NULL;
END
$$;

-- Gives freed places to those who wait, strictly in their order: nobody who needs fewer passes somebody who needs more.
-- The caller holds the event's row.
--: definer
CREATE FUNCTION app.fill_event(p_event uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_capacity integer;
  v_taken bigint;
  v_next record;
BEGIN
  SELECT capacity INTO v_capacity FROM hostel_events
  WHERE org_id = v_org AND id = p_event AND status = 'published' AND deleted_at IS NULL AND starts_at > app.now();
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT coalesce(sum(1 + guests), 0) INTO v_taken FROM event_replies WHERE org_id = v_org AND event_id = p_event AND state = 'coming';
  FOR v_next IN SELECT id, guests FROM event_replies WHERE org_id = v_org AND event_id = p_event AND state = 'waiting' ORDER BY waiting_at, id LOOP
    v_taken := v_taken + 1 + v_next.guests;
    EXIT WHEN v_taken > v_capacity;
    UPDATE event_replies SET state = 'coming', waiting_at = NULL WHERE org_id = v_org AND id = v_next.id;
    PERFORM app.enqueue('events.moved_up', jsonb_build_object('reply_id', v_next.id));
  END LOOP;
END
$$;

-- The caller comes, perhaps, or not. Answers to one event come one after the other, so no place is given twice; the same
-- answer again changes nothing. Returns what it came to.
--: definer; execute: portal_resident
CREATE FUNCTION app.reply_to_event(p_event uuid, p_answer text, p_guests integer) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_me integer := app.current_user_id();
  v_now timestamptz;
  v_event record;
  v_old record;
  v_held integer := 0;
  v_wanted integer := 1 + coalesce(p_guests, 0);
  v_taken bigint;
  v_state text;
BEGIN
  SELECT hostel_id, status, starts_at, reply_until, capacity, guests_most INTO v_event FROM hostel_events
  WHERE org_id = v_org AND id = p_event AND deleted_at IS NULL FOR NO KEY UPDATE;
  v_now := app.now();
  IF NOT FOUND OR v_event.status = 'draft' OR NOT app.event_in_reach(v_event.hostel_id, 'create') THEN
    RAISE EXCEPTION 'There is no such event.' USING ERRCODE = 'VR404';
  ELSIF v_event.status = 'cancelled' THEN
    RAISE EXCEPTION 'This event is cancelled.' USING ERRCODE = 'VR409';
  ELSIF v_event.starts_at <= v_now THEN
    RAISE EXCEPTION 'This event has begun.' USING ERRCODE = 'VR409';
  ELSIF p_answer IS NULL OR p_answer NOT IN ('yes', 'maybe', 'no') THEN
    RAISE EXCEPTION 'Choose one from the list.' USING ERRCODE = 'VR422', COLUMN = 'answer';
  ELSIF v_event.reply_until <= v_now AND p_answer <> 'no' THEN
    RAISE EXCEPTION 'The time to answer is over. You can still say that you are not coming.' USING ERRCODE = 'VR409';
  ELSIF v_wanted NOT BETWEEN 1 AND 1 + v_event.guests_most THEN
    RAISE EXCEPTION 'So many guests can be brought at most: %.', v_event.guests_most USING ERRCODE = 'VR422', COLUMN = 'guests';
  ELSIF p_answer = 'yes' AND v_wanted > v_event.capacity THEN
    RAISE EXCEPTION 'This event has fewer places altogether: %.', v_event.capacity USING ERRCODE = 'VR422', COLUMN = 'guests';
  END IF;
  SELECT state, guests, waiting_at INTO v_old FROM event_replies WHERE org_id = v_org AND event_id = p_event AND user_id = v_me;
  IF v_old.state = 'coming' THEN
    v_held := 1 + v_old.guests;
  END IF;
  v_state := CASE p_answer WHEN 'maybe' THEN 'maybe' ELSE 'declined' END;
  IF p_answer = 'yes' THEN
    SELECT coalesce(sum(1 + guests), 0) INTO v_taken FROM event_replies WHERE org_id = v_org AND event_id = p_event AND state = 'coming';
    v_state := CASE
      WHEN v_wanted <= v_held THEN 'coming'
      WHEN v_taken - v_held + v_wanted > v_event.capacity OR EXISTS (
        SELECT FROM event_replies WHERE org_id = v_org AND event_id = p_event AND state = 'waiting' AND user_id <> v_me
          AND (v_old.waiting_at IS NULL OR waiting_at < v_old.waiting_at)) THEN 'waiting'
      ELSE 'coming' END;
    IF v_state = 'waiting' AND v_held > 0 THEN
      RAISE EXCEPTION 'There are not enough places for more guests. You keep the places that you have.' USING ERRCODE = 'VR409', COLUMN = 'guests';
    END IF;
  END IF;
  INSERT INTO event_replies AS r (org_id, hostel_id, event_id, user_id, state, guests, waiting_at)
  VALUES (v_org, v_event.hostel_id, p_event, v_me, v_state, CASE p_answer WHEN 'no' THEN 0 ELSE v_wanted - 1 END,
          CASE v_state WHEN 'waiting' THEN coalesce(v_old.waiting_at, v_now) END)
  ON CONFLICT (org_id, event_id, user_id) DO UPDATE SET state = excluded.state, guests = excluded.guests, waiting_at = excluded.waiting_at
  WHERE (r.state, r.guests) IS DISTINCT FROM (excluded.state, excluded.guests);
  PERFORM app.fill_event(p_event);
  RETURN (SELECT state FROM event_replies WHERE org_id = v_org AND event_id = p_event AND user_id = v_me);
END
$$;

-- How many places are taken, who may come and who waits; `ahead` of the caller, if they wait.
--: definer; execute: portal_admin, portal_amenity, portal_resident
CREATE FUNCTION app.event_counts(p_events uuid[]) RETURNS TABLE (event_id uuid, coming bigint, maybe bigint, waiting bigint, ahead bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT e.id, coalesce(sum(1 + r.guests) FILTER (WHERE r.state = 'coming'), 0), coalesce(sum(1 + r.guests) FILTER (WHERE r.state = 'maybe'), 0),
         count(*) FILTER (WHERE r.state = 'waiting'), count(*) FILTER (WHERE r.waiting_at < own.waiting_at)
  FROM hostel_events e
  LEFT JOIN event_replies own ON own.org_id = e.org_id AND own.event_id = e.id AND own.user_id = app.current_user_id()
  LEFT JOIN event_replies r ON r.org_id = e.org_id AND r.event_id = e.id
  WHERE e.org_id = app.current_org() AND e.id = ANY (p_events) AND app.event_in_reach(e.hostel_id, 'read') AND (app.is_staff() OR e.status <> 'draft')
  GROUP BY e.id
$$;

-- Who answered an event, for those who run it: those who come first, then those who wait in their order.
--: definer; execute: portal_admin, portal_amenity
CREATE FUNCTION app.event_people(p_event uuid) RETURNS TABLE (user_id integer, name text, room text, state text, guests smallint, answered_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT r.user_id, m.name::text, coalesce(room.number, '')::text, r.state, r.guests, r.updated_at
  FROM event_replies r JOIN members m ON m.org_id = r.org_id AND m.user_id = r.user_id
  LEFT JOIN LATERAL (
    SELECT o.number FROM stays s JOIN beds b ON b.org_id = s.org_id AND b.id = s.bed_id JOIN rooms o ON o.org_id = b.org_id AND o.id = b.room_id
    WHERE s.org_id = r.org_id AND s.user_id = r.user_id AND s.status = 'current' AND s.hidden_at IS NULL
      AND (r.hostel_id IS NULL OR s.hostel_id = r.hostel_id) LIMIT 1) room ON true
  WHERE r.org_id = app.current_org() AND r.event_id = p_event AND app.event_in_reach(r.hostel_id, 'read')
  ORDER BY array_position(ARRAY['coming', 'waiting', 'maybe', 'declined'], r.state), r.waiting_at, lower(m.name), r.user_id
$$;

-- Asks for the reminders that are due, in all organizations: each once for each time at which an event begins, so that
-- one that is moved is told of again.
--: definer; execute: service
CREATE FUNCTION app.ask_event_reminders() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH now AS (SELECT app.now() AS at), due AS (
    SELECT e.org_id, e.id, e.starts_at, CASE WHEN e.starts_at <= now.at + interval '1 hour' THEN 'hour' ELSE 'day' END AS which
    FROM hostel_events e, now
    WHERE e.status = 'published' AND e.deleted_at IS NULL AND e.starts_at > now.at AND e.starts_at <= now.at + interval '1 day'),
  asked AS (
    INSERT INTO outbox (org_id, kind, payload, key)
    SELECT org_id, 'events.remind', jsonb_build_object('event_id', id, 'which', which, 'starts_at', starts_at), concat_ws(':', id, which, starts_at AT TIME ZONE 'UTC')
    FROM due ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING RETURNING 1)
  SELECT count(*) FROM asked
$$;

-- A new address for the caller's calendar; the one before ends.
--: definer; execute: portal_admin, portal_amenity, portal_resident
CREATE FUNCTION app.make_event_feed(p_digest bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.can('events', 'read') OR NOT (app.is_staff() OR app.is_admitted()) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('event feed:' || app.current_org() || ':' || app.current_user_id(), 0));
  PERFORM app.end_event_feed();
  INSERT INTO event_feeds (org_id, user_id, digest) VALUES (app.current_org(), app.current_user_id(), p_digest);
END
$$;

--: definer; execute: portal_admin, portal_amenity, portal_resident
CREATE FUNCTION app.end_event_feed() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE event_feeds SET revoked_at = app.now() WHERE org_id = app.current_org() AND user_id = app.current_user_id() AND revoked_at IS NULL
$$;

-- What a calendar program that knows the secret is told: what its person may see now. No rows but the first, whose event
-- is NULL, if there is nothing; no row at all for what is no secret of anybody, or of somebody who may see no events any more.
--: definer; execute: portals
CREATE FUNCTION app.event_feed(p_digest bytea, p_since interval) RETURNS TABLE (id uuid, title text, description text, place text, starts_at timestamptz,
  ends_at timestamptz, timezone text, status text, reason text, sequence integer, changed_at timestamptz, house text, organization text, answer text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_feed record;
  v_caps text[];
BEGIN
  SELECT f.org_id, f.user_id, o.name INTO v_feed FROM event_feeds f JOIN organizations o ON o.id = f.org_id
  WHERE f.digest = p_digest AND f.revoked_at IS NULL AND o.deleted_at IS NULL;
  v_caps := (SELECT array_agg(c) FROM (SELECT DISTINCT r.portal FROM app.active_roles(v_feed.org_id, v_feed.user_id) r) p
             CROSS JOIN LATERAL app.capabilities(v_feed.org_id, v_feed.user_id, p.portal) c WHERE c LIKE '%|events.read=%');
  IF v_caps IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT NULL::uuid, NULL, NULL, NULL, NULL::timestamptz, NULL::timestamptz, NULL, NULL, NULL, NULL::integer, NULL::timestamptz, NULL,
                      v_feed.name::text, NULL;
  RETURN QUERY
    SELECT e.id, e.title::text, e.description, e.place::text, e.starts_at, e.ends_at, e.timezone::text, e.status, e.reason, e.sequence, e.updated_at,
           coalesce(h.name, '')::text, v_feed.name::text, coalesce(r.state, '')
    FROM hostel_events e
    LEFT JOIN hostels h ON h.org_id = e.org_id AND h.id = e.hostel_id
    LEFT JOIN event_replies r ON r.org_id = e.org_id AND r.event_id = e.id AND r.user_id = v_feed.user_id
    WHERE e.org_id = v_feed.org_id AND e.status <> 'draft' AND e.deleted_at IS NULL AND e.ends_at > app.now() - p_since
      AND EXISTS (SELECT FROM unnest(v_caps) c WHERE e.hostel_id IS NULL OR c LIKE '%|events.read=*%' OR c ~ ('\|events\.read=[^|]*' || e.hostel_id))
    ORDER BY e.starts_at, e.id LIMIT 500;
END
$$;
