-- Slots come and go with templates, and close for maintenance; who is booked then is told, and offered the nearest free slot.

-- Keeps the free place nearest in time for whoever lost a booking; NULL where there is none that they could have.
--: definer
CREATE FUNCTION app.offer_elsewhere(p_booking uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_now timestamptz := app.now();
  v_booking amenity_bookings;
  v_slot record;
  v_wait uuid;
BEGIN
  SELECT * INTO v_booking FROM amenity_bookings WHERE org_id = v_org AND id = p_booking;
  FOR v_slot IN SELECT id, starts_at, ends_at FROM amenity_slots
                WHERE org_id = v_org AND amenity_id = v_booking.amenity_id AND state = 'open' AND starts_at > v_now AND booked_count + held_count < capacity
                ORDER BY abs(extract(epoch FROM starts_at - v_booking.starts_at)), starts_at LOOP
    CONTINUE WHEN app.is_hindered(v_slot.id, v_booking.user_id, false)
      OR EXISTS (SELECT FROM amenity_waits WHERE org_id = v_org AND slot_id = v_slot.id AND user_id = v_booking.user_id AND status IN ('waiting', 'offered'))
      OR EXISTS (SELECT FROM amenity_bookings WHERE org_id = v_org AND slot_id = v_slot.id AND user_id = v_booking.user_id AND status <> 'cancelled');
    UPDATE amenity_slots SET held_count = held_count + 1, version = version + 1
    WHERE org_id = v_org AND id = v_slot.id AND state = 'open' AND booked_count + held_count < capacity;
    CONTINUE WHEN NOT FOUND;
    INSERT INTO amenity_waits (org_id, hostel_id, amenity_id, slot_id, user_id, starts_at, ends_at, moved_from)
    VALUES (v_org, v_booking.hostel_id, v_booking.amenity_id, v_slot.id, v_booking.user_id, v_slot.starts_at, v_slot.ends_at, p_booking)
    RETURNING id INTO v_wait;
    UPDATE amenity_waits SET status = 'offered', offered_until = least(v_now + interval '1 day', v_slot.starts_at) WHERE org_id = v_org AND id = v_wait;
    RETURN v_wait;
  END LOOP;
  RETURN NULL;
END
$$;

-- Slots that are not open any more lose their bookings and their line. First all are let go, then places elsewhere are
-- offered in the order in which they had booked.
--: definer
CREATE FUNCTION app.clear_slots(p_slots uuid[], p_why text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_slot uuid;
  v_booking uuid;
  v_lost uuid[];
BEGIN
  FOREACH v_slot IN ARRAY p_slots LOOP
    PERFORM app.turn_slot(v_slot);
  END LOOP;
  WITH gone AS (
    UPDATE amenity_bookings SET status = 'cancelled', reason = left(p_why, 300)
    WHERE org_id = v_org AND slot_id = ANY (p_slots) AND status = 'booked' RETURNING id, booked_at)
  SELECT coalesce(array_agg(id ORDER BY booked_at, id), '{}') INTO v_lost FROM gone;
  UPDATE amenity_slots s SET version = version + 1,
    booked_count = (SELECT count(*) FROM amenity_bookings b WHERE b.org_id = v_org AND b.slot_id = s.id AND b.status <> 'cancelled')
  WHERE org_id = v_org AND id = ANY (p_slots) AND booked_count > 0;
  FOREACH v_booking IN ARRAY v_lost LOOP
    PERFORM app.enqueue('amenities.moved', jsonb_build_object('booking_id', v_booking, 'wait_id', app.offer_elsewhere(v_booking)));
  END LOOP;
  RETURN cardinality(v_lost);
END
$$;

-- Slots as JSON; what has begun is the product's alone to write.
--: definer
CREATE FUNCTION app.slots_in(p_slots jsonb) RETURNS TABLE (day date, starts_at timestamptz, ends_at timestamptz, capacity integer, per_day integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT w.day, w.starts_at, w.ends_at, w.capacity, w.per_day
  FROM jsonb_to_recordset(p_slots) AS w (day date, starts_at timestamptz, ends_at timestamptz, capacity integer, per_day integer)
  WHERE w.starts_at > app.now() OR app.is_system()
$$;

-- Makes the slots of an amenity from one day to another what they should be: [{day, starts_at, ends_at, capacity, per_day}].
-- New ones appear, places follow, what is not wanted any more goes; of slots that are past nothing changes. Returns how
-- many are new. p_why is told to those who lose a booking.
--: definer; execute: portal_admin, portal_amenity
CREATE FUNCTION app.put_slots(p_amenity uuid, p_first date, p_last date, p_slots jsonb, p_why text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_hostel uuid := app.assert_amenity(p_amenity, 'update');
  v_now timestamptz := app.now();
  v_amenity amenities;
  v_slot uuid;
  v_gone uuid[];
  v_changed uuid[];
  v_new integer;
BEGIN
  SELECT * INTO v_amenity FROM amenities WHERE org_id = v_org AND id = p_amenity FOR UPDATE;
  PERFORM FROM amenity_slots WHERE org_id = v_org AND amenity_id = p_amenity AND day BETWEEN p_first AND p_last AND starts_at > v_now ORDER BY id FOR UPDATE;
  DELETE FROM amenity_slots s WHERE org_id = v_org AND amenity_id = p_amenity AND day BETWEEN p_first AND p_last AND starts_at > v_now AND state <> 'withdrawn'
    AND NOT EXISTS (SELECT FROM app.slots_in(p_slots) w WHERE w.starts_at = s.starts_at AND w.ends_at = s.ends_at)
    AND NOT EXISTS (SELECT FROM amenity_bookings b WHERE b.org_id = v_org AND b.slot_id = s.id)
    AND NOT EXISTS (SELECT FROM amenity_waits b WHERE b.org_id = v_org AND b.slot_id = s.id);
  WITH gone AS (
    UPDATE amenity_slots s SET state = 'withdrawn', version = version + 1
    WHERE org_id = v_org AND amenity_id = p_amenity AND day BETWEEN p_first AND p_last AND starts_at > v_now AND state <> 'withdrawn'
      AND NOT EXISTS (SELECT FROM app.slots_in(p_slots) w WHERE w.starts_at = s.starts_at AND w.ends_at = s.ends_at)
    RETURNING id)
  SELECT coalesce(array_agg(id), '{}') INTO v_gone FROM gone;
  WITH changed AS (
    UPDATE amenity_slots s SET capacity = greatest(w.capacity, s.booked_count + s.held_count), per_day = w.per_day, version = version + 1
    FROM app.slots_in(p_slots) w
    WHERE s.org_id = v_org AND s.amenity_id = p_amenity AND s.starts_at = w.starts_at AND s.state <> 'withdrawn' AND s.starts_at > v_now
      AND (s.capacity, s.per_day) IS DISTINCT FROM (greatest(w.capacity, s.booked_count + s.held_count), w.per_day)
    RETURNING s.id)
  SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO v_changed FROM changed;
  INSERT INTO amenity_slots (org_id, hostel_id, amenity_id, day, starts_at, ends_at, capacity, per_day, state)
  SELECT v_org, v_hostel, p_amenity, w.day, w.starts_at, w.ends_at, w.capacity, w.per_day,
    CASE WHEN w.ends_at > v_amenity.closed_from AND coalesce(w.starts_at < v_amenity.closed_until, true) THEN 'maintenance' ELSE 'open' END
  FROM app.slots_in(p_slots) w ORDER BY w.starts_at
  ON CONFLICT (org_id, amenity_id, starts_at) WHERE state <> 'withdrawn' DO NOTHING;
  GET DIAGNOSTICS v_new = ROW_COUNT;
  FOREACH v_slot IN ARRAY v_changed LOOP
    PERFORM app.turn_slot(v_slot);
  END LOOP;
  PERFORM app.clear_slots(v_gone, p_why);
  RETURN v_new;
END
$$;

-- Closes an amenity for maintenance, until a moment or until it is opened again: nothing can be booked then, and who was
-- booked is told. Returns how many lost a booking.
--: definer; execute: portal_admin, portal_amenity
CREATE FUNCTION app.close_amenity(p_amenity uuid, p_from timestamptz, p_until timestamptz, p_why text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_now timestamptz := app.now();
  v_shut uuid[];
BEGIN
  PERFORM app.assert_amenity(p_amenity, 'approve');
  PERFORM app.assert_reason(p_why);
  IF p_from IS NULL OR p_until <= greatest(p_from, v_now) THEN
    RAISE EXCEPTION 'It must be open again after it is closed, and in the future.' USING ERRCODE = 'VR422', COLUMN = 'until';
  END IF;
  PERFORM app.reopen_amenity(p_amenity);
  UPDATE amenities SET closed_from = p_from, closed_until = p_until, closed_why = left(btrim(p_why), 300) WHERE org_id = v_org AND id = p_amenity;
  PERFORM FROM amenity_slots WHERE org_id = v_org AND amenity_id = p_amenity AND ends_at > p_from AND coalesce(starts_at < p_until, true)
    AND starts_at > v_now AND state = 'open' ORDER BY id FOR UPDATE;
  WITH shut AS (
    UPDATE amenity_slots SET state = 'maintenance', version = version + 1
    WHERE org_id = v_org AND amenity_id = p_amenity AND ends_at > p_from AND coalesce(starts_at < p_until, true) AND starts_at > v_now AND state = 'open'
    RETURNING id)
  SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO v_shut FROM shut;
  RETURN app.clear_slots(v_shut, p_why);
END
$$;

-- What is closed can be booked again. Open already, nothing changes.
--: definer; execute: portal_admin, portal_amenity
CREATE FUNCTION app.reopen_amenity(p_amenity uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_amenity(p_amenity, 'approve');
  PERFORM FROM amenities WHERE org_id = app.current_org() AND id = p_amenity FOR UPDATE;
  UPDATE amenities SET closed_from = NULL, closed_until = NULL, closed_why = '' WHERE org_id = app.current_org() AND id = p_amenity AND closed_from IS NOT NULL;
  UPDATE amenity_slots SET state = 'open', version = version + 1
  WHERE org_id = app.current_org() AND amenity_id = p_amenity AND state = 'maintenance' AND starts_at > app.now();
END
$$;

-- What time brings about in the lines of this organization. Returns for how many slots.
--: definer; execute: portal_admin
CREATE FUNCTION app.turn_amenities() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_slot uuid;
  v_turned integer := 0;
BEGIN
  PERFORM app.assert_system();
  FOR v_slot IN SELECT DISTINCT slot_id FROM amenity_waits WHERE org_id = app.current_org() AND status IN ('waiting', 'offered')
                AND coalesce(offered_until, starts_at) <= app.now() ORDER BY slot_id LOOP
    PERFORM app.turn_slot(v_slot);
    v_turned := v_turned + 1;
  END LOOP;
  RETURN v_turned;
END
$$;

--: definer; execute: service
CREATE FUNCTION app.organizations_with_due_amenities() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT org_id FROM amenity_waits WHERE status IN ('waiting', 'offered') AND coalesce(offered_until, starts_at) <= app.now()
$$;

-- Asks for the slots of each house that has amenities, once on each of its days.
--: definer; execute: service
CREATE FUNCTION app.ask_amenity_slots() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH asked AS (
    INSERT INTO outbox (org_id, kind, payload, key)
    SELECT h.org_id, 'amenities.slots', jsonb_build_object('hostel_id', h.id), h.id || ':' || (app.now() AT TIME ZONE h.timezone)::date
    FROM hostels h WHERE h.deleted_at IS NULL AND EXISTS (SELECT FROM amenities a WHERE a.org_id = h.org_id AND a.hostel_id = h.id AND a.deleted_at IS NULL)
    ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING RETURNING 1)
  SELECT count(*) FROM asked
$$;
