-- Stays: begun, moved to another bed, swapped, ended; and beds that repairs keep empty. Needs beds.sql.

--: definer
CREATE FUNCTION app.assert_residents(p_hostel uuid, p_action text, p_thing text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF p_hostel IS NULL OR NOT (app.is_system() OR app.allowed_in('residents', 'read', p_hostel)) THEN
    RAISE EXCEPTION 'There is no such %.', p_thing USING ERRCODE = 'VR404';
  END IF;
  IF NOT (app.is_system() OR app.allowed_in('residents', p_action, p_hostel)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- Gives a stay a bed for days that must be free, and that nobody waits for unless they are its own already.
--: definer
CREATE FUNCTION app.place_stay(p_stay uuid, p_bed uuid, p_period daterange) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_stay stays;
BEGIN
  SELECT * INTO v_stay FROM stays WHERE org_id = app.current_org() AND id = p_stay;
  IF NOT EXISTS (SELECT FROM beds WHERE org_id = v_stay.org_id AND id = p_bed AND hostel_id = v_stay.hostel_id AND deleted_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such bed in this hostel.' USING ERRCODE = 'VR404', COLUMN = 'bed';
  END IF;
  IF NOT app.is_vacant(p_bed, p_period) THEN
    RAISE EXCEPTION 'This bed is not free on all of these days.' USING ERRCODE = 'VR409', COLUMN = 'bed';
  END IF;
  INSERT INTO bed_allocations (org_id, hostel_id, bed_id, period, kind, stay_id, user_id)
  VALUES (v_stay.org_id, v_stay.hostel_id, p_bed, p_period, 'stay', p_stay, v_stay.user_id);
  UPDATE stays SET bed_id = p_bed WHERE org_id = v_stay.org_id AND id = p_stay
    AND (lower(p_period) <= app.house_day(hostel_id) OR lower(p_period) = from_on);
END
$$;

--: definer
CREATE FUNCTION app.assert_unawaited(p_bed uuid, p_period daterange) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF app.is_awaited(p_bed, p_period) THEN
    RAISE EXCEPTION 'Others wait in line for this bed on these days: they come first.' USING ERRCODE = 'VR409', COLUMN = 'bed';
  END IF;
END
$$;

-- Begins a stay, in a bed that was held and confirmed (p_hold), or in one that is free. Rent: as given, else the price of
-- the room's kind on the first day. Returns the stay.
--: definer; execute: portal_admin
CREATE FUNCTION app.begin_stay(p_user integer, p_bed uuid, p_from date, p_until date DEFAULT NULL, p_hold uuid DEFAULT NULL,
                               p_rent bigint DEFAULT NULL, p_mess text DEFAULT '', p_lunchbox boolean DEFAULT false, p_id uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_hold bed_holds;
  v_bed beds;
  v_type uuid;
  v_id uuid := coalesce(p_id, uuidv7());
  v_period daterange;
BEGIN
  PERFORM app.note_hold('');
  SELECT * INTO v_bed FROM beds WHERE org_id = v_org AND id = p_bed AND deleted_at IS NULL;
  PERFORM app.assert_residents(v_bed.hostel_id, 'create', 'bed');
  IF p_from IS NULL OR p_until <= p_from THEN
    RAISE EXCEPTION 'The last day must come after the first.' USING ERRCODE = 'VR422', COLUMN = 'until_on';
  END IF;
  v_period := daterange(p_from, p_until);
  IF NOT EXISTS (SELECT FROM members WHERE org_id = v_org AND user_id = p_user AND removed_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404', COLUMN = 'member';
  END IF;
  PERFORM app.take_beds(v_bed.hostel_id, ARRAY[p_bed]);
  IF p_hold IS NOT NULL THEN
    SELECT * INTO v_hold FROM bed_holds WHERE org_id = v_org AND id = p_hold AND bed_id = p_bed AND user_id = p_user;
    IF NOT FOUND OR v_hold.state <> 'confirmed' THEN
      RAISE EXCEPTION 'This bed is not confirmed for this person.' USING ERRCODE = 'VR409', COLUMN = 'hold';
    END IF;
    UPDATE bed_allocations SET state = 'released'
    WHERE org_id = v_org AND hold_id = p_hold AND kind = 'hold' AND state = 'active';
    IF NOT FOUND THEN
      RAISE EXCEPTION 'A stay has begun with this hold already.' USING ERRCODE = 'VR409', COLUMN = 'hold';
    END IF;
  ELSE
    PERFORM app.assert_unawaited(p_bed, v_period);
  END IF;
  SELECT room_type_id INTO v_type FROM rooms WHERE org_id = v_org AND id = v_bed.room_id;
  INSERT INTO stays (org_id, id, hostel_id, resident_id, user_id, bed_id, from_on, until_on, room_type_id, rent_paise, mess_plan, lunchbox)
  VALUES (v_org, v_id, v_bed.hostel_id, app.resident_of(v_bed.hostel_id, p_user, p_from), p_user, p_bed, p_from, p_until, v_type,
          coalesce(p_rent, app.rent_on(v_bed.hostel_id, v_type, p_from)), coalesce(p_mess, ''), coalesce(p_lunchbox, false));
  PERFORM app.place_stay(v_id, p_bed, v_period);
  IF p_from <= app.house_day(v_bed.hostel_id) THEN
    UPDATE stays SET status = 'current' WHERE org_id = v_org AND id = v_id;
  END IF;
  IF p_until <= app.house_day(v_bed.hostel_id) THEN
    PERFORM app.close_stay(v_id, p_until);
  END IF;
  PERFORM app.offer_bed(p_bed);
  RETURN v_id;
END
$$;

-- The days of a stay from p_on on: its beds come free then. Returns the period that is left to be given anew.
--: definer
CREATE FUNCTION app.cut_stay(p_stay uuid, p_on date) RETURNS daterange
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
BEGIN
  UPDATE bed_allocations SET state = 'released' WHERE org_id = v_org AND stay_id = p_stay AND state = 'active' AND lower(period) >= p_on;
  UPDATE bed_allocations SET period = daterange(lower(period), p_on)
  WHERE org_id = v_org AND stay_id = p_stay AND state = 'active' AND period @> p_on;
  RETURN (SELECT daterange(p_on, until_on) FROM stays WHERE org_id = v_org AND id = p_stay);
END
$$;

-- The stay, locked, on a day on which it lasts and which is not past; who may change it.
--: definer
CREATE FUNCTION app.find_stay(p_stay uuid, p_on date) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_stay stays;
BEGIN
  PERFORM app.note_hold('');
  SELECT * INTO v_stay FROM stays WHERE org_id = app.current_org() AND id = p_stay FOR UPDATE;
  PERFORM app.assert_residents(v_stay.hostel_id, 'update', 'stay');
  IF v_stay.status = 'ended' THEN
    RAISE EXCEPTION 'This stay has ended already.' USING ERRCODE = 'VR409';
  END IF;
  IF p_on IS NULL OR (p_on < app.house_day(v_stay.hostel_id) AND NOT app.is_system()) THEN
    RAISE EXCEPTION 'Choose today or a later day.' USING ERRCODE = 'VR422', COLUMN = 'on';
  END IF;
  IF p_on < v_stay.from_on OR p_on > v_stay.until_on THEN
    RAISE EXCEPTION 'This day lies outside of the stay.' USING ERRCODE = 'VR422', COLUMN = 'on';
  END IF;
  RETURN v_stay.hostel_id;
END
$$;

-- All beds that a stay has from a day on.
--: definer
CREATE FUNCTION app.beds_of_stay(p_stay uuid, p_on date) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(array_agg(bed_id), '{}') FROM bed_allocations
  WHERE org_id = app.current_org() AND stay_id = p_stay AND state = 'active' AND period && daterange(p_on, NULL)
$$;

--: definer
CREATE FUNCTION app.offer_beds(p_beds uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_bed uuid;
BEGIN
  FOR v_bed IN SELECT DISTINCT unnest(p_beds) ORDER BY 1 LOOP
    PERFORM app.offer_bed(v_bed);
  END LOOP;
END
$$;

-- To another bed from a day on; the bed before comes free on it.
--: definer; execute: portal_admin
CREATE FUNCTION app.transfer_stay(p_stay uuid, p_bed uuid, p_on date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid := app.find_stay(p_stay, p_on);
  v_before uuid[] := app.beds_of_stay(p_stay, p_on);
  v_period daterange;
BEGIN
  PERFORM app.take_beds(v_hostel, p_bed || v_before);
  IF p_bed = (SELECT bed_id FROM bed_allocations WHERE org_id = app.current_org() AND stay_id = p_stay AND state = 'active' AND period @> p_on)
     AND cardinality(v_before) = 1 THEN
    RAISE EXCEPTION 'They are in this bed already.' USING ERRCODE = 'VR409', COLUMN = 'bed';
  END IF;
  v_period := app.cut_stay(p_stay, p_on);
  IF isempty(v_period) THEN
    RAISE EXCEPTION 'This day lies outside of the stay.' USING ERRCODE = 'VR422', COLUMN = 'on';
  END IF;
  PERFORM app.assert_unawaited(p_bed, v_period);
  PERFORM app.place_stay(p_stay, p_bed, v_period);
  PERFORM app.offer_beds(v_before);
END
$$;

-- Two residents of a hostel change beds from a day on.
--: definer; execute: portal_admin
CREATE FUNCTION app.swap_stays(p_first uuid, p_second uuid, p_on date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_hostel uuid;
  v_beds uuid[];
  v_one uuid;
  v_other uuid;
BEGIN
  IF p_first = p_second THEN
    RAISE EXCEPTION 'Choose two different people.' USING ERRCODE = 'VR422', COLUMN = 'other';
  END IF;
  -- In the order of ids, as everybody does who locks two.
  v_hostel := app.find_stay(least(p_first, p_second), p_on);
  IF v_hostel <> app.find_stay(greatest(p_first, p_second), p_on) THEN
    RAISE EXCEPTION 'They live in different hostels.' USING ERRCODE = 'VR422', COLUMN = 'other';
  END IF;
  v_beds := app.beds_of_stay(p_first, p_on) || app.beds_of_stay(p_second, p_on);
  PERFORM app.take_beds(v_hostel, v_beds);
  SELECT bed_id INTO v_one FROM bed_allocations WHERE org_id = v_org AND stay_id = p_first AND state = 'active' AND period @> p_on;
  SELECT bed_id INTO v_other FROM bed_allocations WHERE org_id = v_org AND stay_id = p_second AND state = 'active' AND period @> p_on;
  IF v_one IS NULL OR v_other IS NULL THEN
    RAISE EXCEPTION 'This day lies outside of the stay.' USING ERRCODE = 'VR422', COLUMN = 'on';
  END IF;
  PERFORM app.cut_stay(p_first, p_on), app.cut_stay(p_second, p_on);
  PERFORM app.place_stay(p_first, v_other, daterange(p_on, (SELECT until_on FROM stays WHERE org_id = v_org AND id = p_first)));
  PERFORM app.place_stay(p_second, v_one, daterange(p_on, (SELECT until_on FROM stays WHERE org_id = v_org AND id = p_second)));
  PERFORM app.offer_beds(v_beds);
END
$$;

-- The last day is the one before p_on: from it on the bed is free. A day to come is written down, and comes.
--: definer; execute: portal_admin
CREATE FUNCTION app.end_stay(p_stay uuid, p_on date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid := app.find_stay(p_stay, p_on);
  v_beds uuid[] := app.beds_of_stay(p_stay, p_on);
BEGIN
  PERFORM app.take_beds(v_hostel, v_beds);
  PERFORM app.cut_stay(p_stay, p_on);
  UPDATE stays SET until_on = p_on WHERE org_id = app.current_org() AND id = p_stay;
  IF p_on <= app.house_day(v_hostel) OR p_on = (SELECT from_on FROM stays WHERE org_id = app.current_org() AND id = p_stay) THEN
    PERFORM app.close_stay(p_stay, p_on);
  ELSE
    UPDATE residents SET status = 'notice' WHERE org_id = app.current_org() AND status = 'current'
      AND id = (SELECT resident_id FROM stays WHERE org_id = app.current_org() AND id = p_stay);
  END IF;
  PERFORM app.offer_beds(v_beds);
END
$$;

-- Keeps a bed empty, for a repair or another reason. Returns the allocation.
--: definer; execute: portal_admin
CREATE FUNCTION app.block_bed(p_bed uuid, p_from date, p_until date DEFAULT NULL, p_request uuid DEFAULT NULL, p_why text DEFAULT '')
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_bed beds;
  v_id uuid;
BEGIN
  PERFORM app.note_hold('');
  SELECT * INTO v_bed FROM beds WHERE org_id = v_org AND id = p_bed AND deleted_at IS NULL;
  IF NOT FOUND OR NOT app.allowed_in('rooms', 'read', v_bed.hostel_id) THEN
    RAISE EXCEPTION 'There is no such bed.' USING ERRCODE = 'VR404', COLUMN = 'bed';
  END IF;
  IF NOT app.allowed_in('rooms', 'update', v_bed.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  IF p_request IS NOT NULL AND NOT EXISTS (
      SELECT FROM maintenance_requests r WHERE r.org_id = v_org AND r.id = p_request AND r.hostel_id = v_bed.hostel_id AND r.deleted_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such maintenance request.' USING ERRCODE = 'VR404';
  END IF;
  IF p_from IS NULL OR p_from < app.house_day(v_bed.hostel_id) THEN
    RAISE EXCEPTION 'Choose today or a later day.' USING ERRCODE = 'VR422', COLUMN = 'from_on';
  END IF;
  IF p_until <= p_from THEN
    RAISE EXCEPTION 'The last day must come after the first.' USING ERRCODE = 'VR422', COLUMN = 'until_on';
  END IF;
  PERFORM app.take_beds(v_bed.hostel_id, ARRAY[p_bed]);
  IF NOT app.is_vacant(p_bed, daterange(p_from, p_until)) THEN
    RAISE EXCEPTION 'This bed is not free on all of these days.' USING ERRCODE = 'VR409', COLUMN = 'bed';
  END IF;
  INSERT INTO bed_allocations (org_id, hostel_id, bed_id, period, kind, request_id, note)
  VALUES (v_org, v_bed.hostel_id, p_bed, daterange(p_from, p_until), 'block', p_request, left(coalesce(btrim(p_why), ''), 500))
  RETURNING id INTO v_id;
  RETURN v_id;
END
$$;

-- The bed can be given again from today on.
--: definer
CREATE FUNCTION app.lift_block(p_allocation uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_block bed_allocations;
  v_today date;
BEGIN
  SELECT * INTO v_block FROM bed_allocations WHERE org_id = v_org AND id = p_allocation;
  PERFORM app.take_beds(v_block.hostel_id, ARRAY[v_block.bed_id]);
  v_today := app.house_day(v_block.hostel_id);
  UPDATE bed_allocations SET
    state = CASE WHEN lower(period) >= v_today THEN 'released' ELSE state END,
    period = CASE WHEN lower(period) >= v_today THEN period ELSE daterange(lower(period), v_today) END
  WHERE org_id = v_org AND id = p_allocation AND state = 'active' AND NOT coalesce(upper(period) <= v_today, false);
  PERFORM app.offer_bed(v_block.bed_id);
END
$$;

--: definer; execute: portal_admin
CREATE FUNCTION app.unblock_bed(p_allocation uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_block bed_allocations;
BEGIN
  PERFORM app.note_hold('');
  SELECT * INTO v_block FROM bed_allocations WHERE org_id = app.current_org() AND id = p_allocation AND kind = 'block' AND state = 'active';
  IF NOT FOUND OR NOT app.allowed_in('rooms', 'read', v_block.hostel_id) THEN
    RAISE EXCEPTION 'This bed is not blocked any more.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT app.allowed_in('rooms', 'update', v_block.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM app.lift_block(p_allocation);
END
$$;

-- What was blocked for a repair is free when the repair is done.
--: definer
CREATE FUNCTION app.unblock_after_repair() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.status IN ('resolved', 'rejected') AND NEW.status <> OLD.status THEN
    PERFORM app.take_beds(NEW.hostel_id, ARRAY(SELECT bed_id FROM bed_allocations WHERE org_id = NEW.org_id AND request_id = NEW.id));
    PERFORM app.lift_block(id) FROM bed_allocations
    WHERE org_id = NEW.org_id AND request_id = NEW.id AND kind = 'block' AND state = 'active';
  END IF;
  RETURN NULL;
END
$$;

-- A bed that somebody has, or will have, is not taken away.
--: definer
CREATE FUNCTION app.keep_occupied_bed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL AND (
      NOT app.is_vacant(NEW.id, daterange(app.house_day(NEW.hostel_id), NULL)) OR app.is_awaited(NEW.id, daterange(NULL, NULL))) THEN
    RAISE EXCEPTION 'Bed % is taken, held or awaited by somebody, now or on a later day.', concat_ws('-',
      (SELECT number FROM rooms WHERE org_id = NEW.org_id AND id = NEW.room_id), NEW.label) USING ERRCODE = 'VR409';
  END IF;
  RETURN NEW;
END
$$;

-- Beds of a hostel as somebody who chooses one sees them: free, held or taken on any day of the period, and how many wait.
--: definer; execute: portal_admin, portal_sales, portal_resident
CREATE FUNCTION app.bed_choices(p_hostel uuid, p_from date, p_until date DEFAULT NULL)
RETURNS TABLE (bed_id uuid, label text, room_id uuid, number text, floor text, level smallint, room_type_id uuid, state text, waiting bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT b.id, b.label, r.id, r.number, f.name, f.level, r.room_type_id,
    CASE WHEN 'stay' = ANY (met.kinds) THEN 'taken' WHEN 'block' = ANY (met.kinds) THEN 'blocked' WHEN 'hold' = ANY (met.kinds) THEN 'held'
         ELSE 'free' END,
    (SELECT count(*) FROM bed_holds w WHERE w.org_id = b.org_id AND w.bed_id = b.id AND w.state = 'queued'
       AND daterange(w.from_on, w.until_on) && daterange(p_from, p_until))
  FROM beds b
  JOIN rooms r ON r.org_id = b.org_id AND r.id = b.room_id
  JOIN floors f ON f.org_id = r.org_id AND f.id = r.floor_id
  LEFT JOIN LATERAL (
    SELECT array_agg(a.kind) AS kinds FROM bed_allocations a
    LEFT JOIN bed_holds h ON h.org_id = a.org_id AND h.id = a.hold_id AND a.kind = 'hold'
    WHERE a.org_id = b.org_id AND a.bed_id = b.id AND a.state = 'active' AND a.period && daterange(p_from, p_until)
      AND coalesce(coalesce(h.offered_until, h.held_until) > app.now(), true)) met ON true
  WHERE b.org_id = app.current_org() AND b.hostel_id = p_hostel AND b.deleted_at IS NULL
    AND (app.may_hold(p_hostel, app.current_user_id(), 'read'))
  ORDER BY f.level, r.number, b.label
$$;
