-- Bookings of amenities and the line behind each slot. A booking takes its place by the version of the slot; all that offers
-- places or gives them back locks the slot first. A person's own doings wait for each other (app.may_book).

-- Whether the caller may book for somebody in a hostel: residents for themselves, behind the gate; staff for residents. Raises.
--: definer
CREATE FUNCTION app.may_book(p_hostel uuid, p_user integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF p_hostel IS NULL OR NOT app.is_system() AND NOT app.allowed_in('amenities', 'read', p_hostel)
     OR NOT app.is_staff() AND (p_user IS DISTINCT FROM app.current_user_id() OR NOT app.is_admitted()) THEN
    RAISE EXCEPTION 'There is no such slot.' USING ERRCODE = 'VR404';
  ELSIF NOT app.is_system() AND NOT app.allowed_in('amenities', 'create', p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF NOT EXISTS (SELECT FROM app.active_roles(app.current_org(), p_user) r WHERE r.role = 'resident' AND coalesce(r.hostel_id = p_hostel, true)) THEN
    RAISE EXCEPTION 'Choose somebody who lives in this house.' USING ERRCODE = 'VR422', COLUMN = 'person';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('amenities:' || app.current_org() || p_user, 0));
END
$$;

-- Whether the caller may do this to an amenity, as staff. Raises; returns its hostel.
--: definer
CREATE FUNCTION app.assert_amenity(p_amenity uuid, p_action text) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid := (SELECT hostel_id FROM amenities WHERE org_id = app.current_org() AND id = p_amenity);
BEGIN
  IF v_hostel IS NULL OR NOT (app.is_system() OR app.is_staff() AND app.allowed_in('amenities', 'read', v_hostel)) THEN
    RAISE EXCEPTION 'There is no such amenity.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_system() OR app.allowed_in('amenities', p_action, v_hostel)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  RETURN v_hostel;
END
$$;

-- Until when somebody who did not come too often books nothing of an amenity: p_missed times within its days.
--: definer
CREATE FUNCTION app.amenity_blocked_until(p_amenity uuid, p_user integer) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT max(late + make_interval(days => blocked_days)) FROM (
    SELECT b.starts_at AS late, lag(b.starts_at, greatest(a.missed - 1, 0)::integer) OVER (ORDER BY b.starts_at) AS early, a.within_days, a.blocked_days
    FROM amenity_bookings b JOIN amenities a ON a.org_id = b.org_id AND a.id = b.amenity_id
    WHERE b.org_id = app.current_org() AND b.amenity_id = p_amenity AND b.user_id = p_user AND b.status = 'no_show' AND a.missed > 0) missed
  WHERE early >= late - make_interval(days => within_days)
$$;

-- Whether somebody cannot have a place in a slot, whatever is free; p_raise: says why. p_wait: their own offer does not count.
--: definer
CREATE FUNCTION app.is_hindered(p_slot uuid, p_user integer, p_raise boolean, p_wait uuid DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_slot record;
  v_until timestamptz;
  v_other text;
BEGIN
  SELECT s.amenity_id, s.day, s.starts_at, s.ends_at, s.per_day, a.parallel, h.timezone INTO v_slot FROM amenity_slots s
  JOIN amenities a ON a.org_id = v_org AND a.id = s.amenity_id JOIN hostels h ON h.org_id = v_org AND h.id = s.hostel_id
  WHERE s.org_id = v_org AND s.id = p_slot;
  v_until := app.amenity_blocked_until(v_slot.amenity_id, p_user);
  IF v_until > app.now() THEN
    IF p_raise THEN
      RAISE EXCEPTION 'After bookings without coming, this can be booked again from % on.', to_char(v_until AT TIME ZONE v_slot.timezone, 'FMDD FMMonth YYYY')
        USING ERRCODE = 'VR409';
    END IF;
    RETURN true;
  END IF;
  SELECT a.name INTO v_other FROM amenity_bookings b JOIN amenities a ON a.org_id = v_org AND a.id = b.amenity_id
  WHERE b.org_id = v_org AND b.user_id = p_user AND b.status = 'booked' AND b.starts_at < v_slot.ends_at AND b.ends_at > v_slot.starts_at
    AND NOT (b.parallel OR v_slot.parallel) LIMIT 1;
  IF FOUND THEN
    IF p_raise THEN
      RAISE EXCEPTION 'There is another booking at this time: %.', v_other USING ERRCODE = 'VR409';
    END IF;
    RETURN true;
  ELSIF v_slot.per_day <= (SELECT count(*) FROM amenity_bookings WHERE org_id = v_org AND user_id = p_user AND amenity_id = v_slot.amenity_id
                           AND day = v_slot.day AND status <> 'cancelled')
                        + (SELECT count(*) FROM amenity_waits w JOIN amenity_slots s ON s.org_id = v_org AND s.id = w.slot_id
                           WHERE w.org_id = v_org AND w.user_id = p_user AND w.amenity_id = v_slot.amenity_id AND w.status = 'offered'
                             AND w.id IS DISTINCT FROM p_wait AND s.day = v_slot.day) THEN
    IF p_raise THEN
      RAISE EXCEPTION 'One person can book this % times a day.', v_slot.per_day USING ERRCODE = 'VR409';
    END IF;
    RETURN true;
  END IF;
  RETURN false;
END
$$;

-- Writes the booking of a place that was taken in the slot.
--: definer
CREATE FUNCTION app.write_booking(p_id uuid, p_slot uuid, p_user integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO amenity_bookings (org_id, id, hostel_id, amenity_id, slot_id, user_id, day, starts_at, ends_at, parallel, booked_at)
  SELECT s.org_id, p_id, s.hostel_id, s.amenity_id, s.id, p_user, s.day, s.starts_at, s.ends_at, a.parallel, app.now()
  FROM amenity_slots s JOIN amenities a ON a.org_id = s.org_id AND a.id = s.amenity_id WHERE s.org_id = app.current_org() AND s.id = p_slot
$$;

-- Ends offers whose time is over and offers what is free to those in line, in their order; once the slot has begun, or is
-- closed, nobody waits any more. Locks the slot.
--: definer
CREATE FUNCTION app.turn_slot(p_slot uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_now timestamptz := app.now();
  v_slot amenity_slots;
  v_wait record;
  v_held integer;
  v_minutes integer;
BEGIN
  SELECT * INTO v_slot FROM amenity_slots WHERE org_id = v_org AND id = p_slot FOR UPDATE;
  FOR v_wait IN UPDATE amenity_waits SET status = 'lapsed'
                WHERE org_id = v_org AND slot_id = p_slot AND (status = 'offered' AND offered_until <= v_now
                  OR status IN ('waiting', 'offered') AND (v_slot.starts_at <= v_now OR v_slot.state <> 'open'))
                RETURNING id, offered_until LOOP
    IF v_wait.offered_until IS NOT NULL THEN
      PERFORM app.enqueue('amenities.wait', jsonb_build_object('wait_id', v_wait.id, 'state', 'lapsed'));
    END IF;
  END LOOP;
  v_held := (SELECT count(*) FROM amenity_waits WHERE org_id = v_org AND slot_id = p_slot AND status = 'offered');
  v_minutes := (SELECT offer_minutes FROM amenities WHERE org_id = v_org AND id = v_slot.amenity_id);
  FOR v_wait IN SELECT id, user_id FROM amenity_waits WHERE org_id = v_org AND slot_id = p_slot AND status = 'waiting' ORDER BY seq LOOP
    EXIT WHEN v_slot.booked_count + v_held >= v_slot.capacity;
    -- Who could not take it now keeps their place in line.
    CONTINUE WHEN app.is_hindered(p_slot, v_wait.user_id, false);
    UPDATE amenity_waits SET status = 'offered', offered_until = least(v_now + make_interval(mins => v_minutes), v_slot.starts_at)
    WHERE org_id = v_org AND id = v_wait.id;
    PERFORM app.enqueue('amenities.wait', jsonb_build_object('wait_id', v_wait.id, 'state', 'offered'));
    v_held := v_held + 1;
  END LOOP;
  IF v_held <> v_slot.held_count THEN
    UPDATE amenity_slots SET held_count = v_held, version = version + 1 WHERE org_id = v_org AND id = p_slot;
  END IF;
END
$$;

-- Takes the place that was offered. Taken twice, it is one booking.
--: definer; execute: portal_admin, portal_amenity, portal_resident
CREATE FUNCTION app.take_place(p_wait uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_wait amenity_waits;
  v_slot amenity_slots;
BEGIN
  SELECT * INTO v_wait FROM amenity_waits WHERE org_id = v_org AND id = p_wait;
  PERFORM app.may_book(v_wait.hostel_id, v_wait.user_id);
  SELECT * INTO v_slot FROM amenity_slots WHERE org_id = v_org AND id = v_wait.slot_id FOR UPDATE;
  SELECT * INTO v_wait FROM amenity_waits WHERE org_id = v_org AND id = p_wait;
  IF v_wait.status = 'taken' THEN
    RETURN p_wait;
  ELSIF v_wait.status <> 'offered' OR v_wait.offered_until <= app.now() OR v_slot.state <> 'open' THEN
    RAISE EXCEPTION 'This offer has ended.' USING ERRCODE = 'VR409';
  END IF;
  PERFORM app.is_hindered(v_slot.id, v_wait.user_id, true, p_wait);
  UPDATE amenity_waits SET status = 'taken' WHERE org_id = v_org AND id = p_wait;
  UPDATE amenity_slots SET booked_count = booked_count + 1, held_count = held_count - 1, version = version + 1 WHERE org_id = v_org AND id = v_slot.id;
  PERFORM app.write_booking(p_wait, v_slot.id, v_wait.user_id);
  RETURN p_wait;
END
$$;

-- Books a place in a slot, for the caller or (staff) for p_user; what was offered is thereby taken. Sent twice (p_id), or for
-- a slot that is booked, it is one booking. The place goes to whoever finds the slot in the version that they read.
--: definer; execute: portal_admin, portal_amenity, portal_resident
CREATE FUNCTION app.book_slot(p_slot uuid, p_id uuid, p_user integer DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_user integer := coalesce(p_user, app.current_user_id());
  v_slot amenity_slots;
  v_known uuid;
BEGIN
  PERFORM app.may_book((SELECT hostel_id FROM amenity_slots WHERE org_id = v_org AND id = p_slot), v_user);
  SELECT id INTO v_known FROM amenity_bookings
  WHERE org_id = v_org AND user_id = v_user AND (id = p_id OR slot_id = p_slot AND status <> 'cancelled') ORDER BY id <> p_id LIMIT 1;
  IF FOUND THEN
    RETURN v_known;
  END IF;
  SELECT id INTO v_known FROM amenity_waits WHERE org_id = v_org AND slot_id = p_slot AND user_id = v_user AND status = 'offered' AND offered_until > app.now();
  IF FOUND THEN
    RETURN app.take_place(v_known);
  END IF;
  PERFORM app.is_hindered(p_slot, v_user, true);
  LOOP
    SELECT * INTO v_slot FROM amenity_slots WHERE org_id = v_org AND id = p_slot;
    IF v_slot.starts_at <= app.now() AND NOT app.is_system() THEN
      RAISE EXCEPTION 'This slot has begun already.' USING ERRCODE = 'VR409';
    ELSIF v_slot.state <> 'open' THEN
      RAISE EXCEPTION 'It is closed then.' USING ERRCODE = 'VR409';
    END IF;
    IF v_slot.booked_count + v_slot.held_count >= v_slot.capacity THEN
      IF NOT EXISTS (SELECT FROM amenity_waits WHERE org_id = v_org AND slot_id = p_slot AND status = 'offered' AND offered_until <= app.now()) THEN
        RAISE EXCEPTION 'Slot full: you can wait in line for it.' USING ERRCODE = 'VR409';
      END IF;
      PERFORM app.turn_slot(p_slot);
      CONTINUE;
    END IF;
    UPDATE amenity_slots SET booked_count = booked_count + 1, version = version + 1
    WHERE org_id = v_org AND id = p_slot AND version = v_slot.version AND state = 'open' AND booked_count + held_count < capacity;
    EXIT WHEN FOUND;
  END LOOP;
  UPDATE amenity_waits SET status = 'left' WHERE org_id = v_org AND slot_id = p_slot AND user_id = v_user AND status = 'waiting';
  PERFORM app.write_booking(p_id, p_slot, v_user);
  IF v_user IS DISTINCT FROM app.current_user_id() AND NOT app.is_system() THEN
    PERFORM app.enqueue('amenities.booking', jsonb_build_object('booking_id', p_id, 'state', 'booked'));
  END IF;
  RETURN p_id;
END
$$;

-- The last place in the line of a full slot. Asked again it is the same place.
--: definer; execute: portal_admin, portal_amenity, portal_resident
CREATE FUNCTION app.join_line(p_slot uuid, p_id uuid, p_user integer DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_user integer := coalesce(p_user, app.current_user_id());
  v_slot amenity_slots;
  v_known uuid;
BEGIN
  PERFORM app.may_book((SELECT hostel_id FROM amenity_slots WHERE org_id = v_org AND id = p_slot), v_user);
  PERFORM app.turn_slot(p_slot);
  SELECT * INTO v_slot FROM amenity_slots WHERE org_id = v_org AND id = p_slot;
  SELECT id INTO v_known FROM amenity_waits WHERE org_id = v_org AND user_id = v_user AND (id = p_id OR slot_id = p_slot AND status IN ('waiting', 'offered'))
  ORDER BY id <> p_id LIMIT 1;
  IF FOUND THEN
    RETURN v_known;
  ELSIF v_slot.starts_at <= app.now() THEN
    RAISE EXCEPTION 'This slot has begun already.' USING ERRCODE = 'VR409';
  ELSIF v_slot.state <> 'open' THEN
    RAISE EXCEPTION 'It is closed then.' USING ERRCODE = 'VR409';
  ELSIF EXISTS (SELECT FROM amenity_bookings WHERE org_id = v_org AND slot_id = p_slot AND user_id = v_user AND status <> 'cancelled') THEN
    RAISE EXCEPTION 'This slot is booked already.' USING ERRCODE = 'VR409';
  ELSIF v_slot.booked_count + v_slot.held_count < v_slot.capacity THEN
    RAISE EXCEPTION 'There is a free place: book it.' USING ERRCODE = 'VR409';
  ELSIF 10 <= (SELECT count(*) FROM amenity_waits WHERE org_id = v_org AND user_id = v_user AND status = 'waiting') THEN
    RAISE EXCEPTION 'One person can wait for 10 slots at most.' USING ERRCODE = 'VR429';
  END IF;
  PERFORM app.is_hindered(p_slot, v_user, true);
  INSERT INTO amenity_waits (org_id, id, hostel_id, amenity_id, slot_id, user_id, starts_at, ends_at)
  VALUES (v_org, p_id, v_slot.hostel_id, v_slot.amenity_id, p_slot, v_user, v_slot.starts_at, v_slot.ends_at);
  RETURN p_id;
END
$$;

-- Out of the line, or no to what was offered: the next in line is offered the place.
--: definer; execute: portal_admin, portal_amenity, portal_resident
CREATE FUNCTION app.leave_line(p_wait uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_wait record;
BEGIN
  SELECT hostel_id, user_id, slot_id INTO v_wait FROM amenity_waits WHERE org_id = app.current_org() AND id = p_wait;
  PERFORM app.may_book(v_wait.hostel_id, v_wait.user_id);
  PERFORM FROM amenity_slots WHERE org_id = app.current_org() AND id = v_wait.slot_id FOR UPDATE;
  UPDATE amenity_waits SET status = 'left' WHERE org_id = app.current_org() AND id = p_wait AND status IN ('waiting', 'offered');
  PERFORM app.turn_slot(v_wait.slot_id);
END
$$;

-- The booking, its slot locked, if the caller may do this to it. Raises; returns whether it is somebody else's.
--: definer
CREATE FUNCTION app.take_booking(p_booking uuid, p_action text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_booking record;
BEGIN
  SELECT hostel_id, user_id, slot_id INTO v_booking FROM amenity_bookings WHERE org_id = app.current_org() AND id = p_booking;
  IF NOT FOUND OR NOT (app.is_system() OR app.allowed_in('amenities', 'read', v_booking.hostel_id))
     OR NOT app.is_staff() AND (v_booking.user_id IS DISTINCT FROM app.current_user_id() OR NOT app.is_admitted()) THEN
    RAISE EXCEPTION 'There is no such booking.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_system() OR app.allowed_in('amenities', CASE WHEN app.is_staff() THEN p_action ELSE 'create' END, v_booking.hostel_id)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM FROM amenity_slots WHERE org_id = app.current_org() AND id = v_booking.slot_id FOR UPDATE;
  RETURN v_booking.user_id IS DISTINCT FROM app.current_user_id();
END
$$;

-- Calls a booking off: the place is free at once, and offered to the next in line. Who does it for somebody says why, and
-- they hear of it. Twice is once.
--: definer; execute: portal_admin, portal_amenity, portal_resident
CREATE FUNCTION app.cancel_booking(p_booking uuid, p_why text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_others boolean := app.take_booking(p_booking, 'update');
  v_booking amenity_bookings;
BEGIN
  SELECT * INTO v_booking FROM amenity_bookings WHERE org_id = v_org AND id = p_booking;
  IF v_booking.status = 'cancelled' THEN
    RETURN;
  ELSIF v_booking.status <> 'booked' OR v_booking.starts_at <= app.now() THEN
    RAISE EXCEPTION 'It has begun already, so it cannot be cancelled.' USING ERRCODE = 'VR409';
  ELSIF v_others THEN
    PERFORM app.assert_reason(p_why);
    PERFORM app.enqueue('amenities.booking', jsonb_build_object('booking_id', p_booking, 'state', 'cancelled'));
  END IF;
  UPDATE amenity_bookings SET status = 'cancelled', reason = left(btrim(coalesce(p_why, '')), 300) WHERE org_id = v_org AND id = p_booking;
  UPDATE amenity_slots SET booked_count = booked_count - 1, version = version + 1 WHERE org_id = v_org AND id = v_booking.slot_id;
  PERFORM app.turn_slot(v_booking.slot_id);
END
$$;

-- Whether somebody came, within a week after it began; who did not hears of it.
--: definer; execute: portal_admin, portal_amenity
CREATE FUNCTION app.mark_booking(p_booking uuid, p_came boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_wanted text := CASE WHEN p_came THEN 'attended' ELSE 'no_show' END;
  v_booking amenity_bookings;
BEGIN
  PERFORM app.take_booking(p_booking, 'update');
  SELECT * INTO v_booking FROM amenity_bookings WHERE org_id = app.current_org() AND id = p_booking;
  IF v_booking.status = 'cancelled' THEN
    RAISE EXCEPTION 'This booking was cancelled.' USING ERRCODE = 'VR409';
  ELSIF v_booking.starts_at > app.now() THEN
    RAISE EXCEPTION 'It has not begun yet.' USING ERRCODE = 'VR409';
  ELSIF v_booking.starts_at < app.now() - interval '7 days' AND NOT app.is_system() THEN
    RAISE EXCEPTION 'Say it within a week.' USING ERRCODE = 'VR409';
  ELSIF v_booking.status <> v_wanted THEN
    UPDATE amenity_bookings SET status = v_wanted WHERE org_id = v_booking.org_id AND id = p_booking;
    IF NOT p_came AND NOT app.is_system() THEN
      PERFORM app.enqueue('amenities.booking', jsonb_build_object('booking_id', p_booking, 'state', v_wanted));
    END IF;
  END IF;
END
$$;

-- Whose bookings and places in line these are, for staff.
--: definer; execute: portal_admin, portal_amenity
CREATE FUNCTION app.amenity_people(p_ids uuid[]) RETURNS TABLE (id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT found.id, m.name FROM (
    SELECT org_id, id, hostel_id, user_id FROM amenity_bookings WHERE org_id = app.current_org() AND id = ANY (p_ids)
    UNION ALL SELECT org_id, id, hostel_id, user_id FROM amenity_waits WHERE org_id = app.current_org() AND id = ANY (p_ids)) found
  JOIN members m ON m.org_id = found.org_id AND m.user_id = found.user_id
  WHERE app.is_system() OR app.is_staff() AND app.allowed_in('amenities', 'read', found.hostel_id)
$$;

-- For whom staff can book: who lives in the house.
--: definer; execute: portal_admin, portal_amenity
CREATE FUNCTION app.amenity_guests(p_hostel uuid) RETURNS TABLE (user_id integer, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT m.user_id, m.name FROM memberships s JOIN members m ON m.org_id = s.org_id AND m.user_id = s.user_id AND m.removed_at IS NULL
  WHERE s.org_id = app.current_org() AND s.role = 'resident' AND s.status = 'active' AND coalesce(s.hostel_id = p_hostel, true)
    AND (app.is_system() OR app.is_staff() AND app.allowed_in('amenities', 'create', p_hostel))
  ORDER BY m.name, m.user_id
$$;
