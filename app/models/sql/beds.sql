-- Who has which bed when. Every function that chooses a bed begins with app.take_beds: it locks the beds in the order of
-- their ids and ends what is overdue, so that nobody is refused for the sake of a hold whose time is over.

-- Nothing that counts meets the period.
--: definer
CREATE FUNCTION app.is_vacant(p_bed uuid, p_period daterange) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT NOT EXISTS (SELECT FROM bed_allocations
                     WHERE org_id = app.current_org() AND bed_id = p_bed AND state = 'active' AND period && p_period)
$$;

-- Somebody is in line for the bed on days of the period.
--: definer
CREATE FUNCTION app.is_awaited(p_bed uuid, p_period daterange) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM bed_holds WHERE org_id = app.current_org() AND bed_id = p_bed AND state = 'queued'
                 AND daterange(from_on, until_on) && p_period)
$$;

-- How long a bed is held, or offered to the next in line, in its house.
--: definer
CREATE FUNCTION app.hold_time(p_hostel uuid, p_state text) RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT CASE p_state WHEN 'held' THEN make_interval(hours => hold_hours) ELSE make_interval(mins => offer_minutes) END
  FROM hostels WHERE org_id = app.current_org() AND id = p_hostel
$$;

-- Who lives, lived or wants to live in the houses of which the caller may see the residents: sales know them by name.
--: definer; execute: portal_sales
CREATE FUNCTION app.lodgers() RETURNS integer[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(array_agg(user_id), '{}') FROM (
    SELECT user_id FROM residents WHERE org_id = app.current_org() AND coalesce(hostel_id = ANY (app.reach('residents', 'read')), true)
    UNION SELECT user_id FROM bed_holds WHERE org_id = app.current_org() AND coalesce(hostel_id = ANY (app.reach('residents', 'read')), true)) known
$$;

-- Residents act for themselves in a house where they live or will; staff for others, by capability.
--: definer
CREATE FUNCTION app.may_hold(p_hostel uuid, p_user integer, p_action text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT CASE WHEN app.is_system() THEN true
              WHEN app.is_staff() THEN app.allowed_in('residents', p_action, p_hostel)
              ELSE p_user = app.current_user_id() AND EXISTS (
                SELECT FROM app.active_roles(app.current_org(), p_user) r
                WHERE r.role IN ('resident', 'pending_resident') AND coalesce(r.hostel_id = p_hostel, true)) END
$$;

--: definer
CREATE FUNCTION app.note_hold(p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM set_config('app.event_at', '', true), set_config('app.note', left(coalesce(btrim(p_note), ''), 500), true);
END
$$;

--: definer
CREATE FUNCTION app.write_hold_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_from text;
  v_event text := 'queue';
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.state = OLD.state THEN
      RETURN NULL;
    END IF;
    v_from := OLD.state;
    SELECT event INTO v_event FROM lifecycle_transitions
    WHERE machine = 'bed_hold' AND from_state = OLD.state AND to_state = NEW.state;
  END IF;
  -- What time brings about was nobody's doing, whoever came by when it was done.
  INSERT INTO bed_hold_events (org_id, hostel_id, bed_id, hold_id, from_status, to_status, event, changed_by, triggered_by,
                               note, event_at)
  VALUES (NEW.org_id, NEW.hostel_id, NEW.bed_id, NEW.id, v_from, NEW.state, v_event,
          CASE WHEN NEW.state NOT IN ('offered', 'expired', 'lapsed') THEN app.current_user_id() END,
          CASE WHEN NEW.state IN ('offered', 'expired', 'lapsed') OR app.current_user_id() IS NULL THEN 'system' ELSE 'user' END,
          CASE WHEN NEW.state = 'released' THEN coalesce(current_setting('app.note', true), '') ELSE '' END, app.now());
  IF NEW.state IN ('offered', 'expired') THEN
    PERFORM app.enqueue('residents.hold_moved', jsonb_build_object('hold_id', NEW.id, 'state', NEW.state));
  END IF;
  RETURN NULL;
END
$$;

-- The bed's days come free, or count no more.
--: definer
CREATE FUNCTION app.end_hold(p_hold uuid, p_state text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE bed_holds SET state = p_state WHERE org_id = app.current_org() AND id = p_hold;
  UPDATE bed_allocations SET state = CASE p_state WHEN 'released' THEN 'released' ELSE 'expired' END
  WHERE org_id = app.current_org() AND hold_id = p_hold AND kind = 'hold' AND state = 'active';
END
$$;

-- Offers the bed to the first in line whose days are free, and to later ones whose days meet nobody's before them.
--: definer
CREATE FUNCTION app.offer_bed(p_bed uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_hold bed_holds;
  v_before datemultirange := '{}';
  v_from date;
BEGIN
  FOR v_hold IN SELECT * FROM bed_holds WHERE org_id = v_org AND bed_id = p_bed AND state = 'queued' ORDER BY queued_at, id LOOP
    -- Days that are past are nobody's any more.
    v_from := greatest(v_hold.from_on, app.house_day(v_hold.hostel_id));
    IF v_hold.until_on <= v_from THEN
      PERFORM app.end_hold(v_hold.id, 'lapsed');
    ELSIF NOT v_before && daterange(v_from, v_hold.until_on) AND app.is_vacant(p_bed, daterange(v_from, v_hold.until_on)) THEN
      INSERT INTO bed_allocations (org_id, hostel_id, bed_id, period, kind, hold_id, user_id)
      VALUES (v_org, v_hold.hostel_id, p_bed, daterange(v_from, v_hold.until_on), 'hold', v_hold.id, v_hold.user_id);
      UPDATE bed_holds SET state = 'offered', from_on = v_from,
        offered_until = app.now() + app.hold_time(v_hold.hostel_id, 'offered')
      WHERE org_id = v_org AND id = v_hold.id;
    ELSE
      v_before := v_before + datemultirange(daterange(v_from, v_hold.until_on));
    END IF;
  END LOOP;
END
$$;

-- Locks beds, and those of the hostel with an overdue hold; ends what is overdue and offers it on. Returns how many.
--: definer
CREATE FUNCTION app.take_beds(p_hostel uuid, p_beds uuid[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_due uuid[];
  v_hold bed_holds;
  v_bed uuid;
  v_ended integer := 0;
BEGIN
  SELECT coalesce(array_agg(DISTINCT bed_id), '{}') INTO v_due FROM bed_holds
  WHERE org_id = v_org AND (p_hostel IS NULL OR hostel_id = p_hostel) AND state IN ('offered', 'held')
    AND coalesce(offered_until, held_until) <= app.now();
  PERFORM FROM beds WHERE org_id = v_org AND id = ANY (p_beds || v_due) ORDER BY id FOR UPDATE;
  FOREACH v_bed IN ARRAY v_due LOOP
    FOR v_hold IN SELECT * FROM bed_holds WHERE org_id = v_org AND bed_id = v_bed AND state IN ('offered', 'held')
                  AND coalesce(offered_until, held_until) <= app.now() ORDER BY queued_at LOOP
      PERFORM app.end_hold(v_hold.id, CASE v_hold.state WHEN 'held' THEN 'expired' ELSE 'lapsed' END);
      v_ended := v_ended + 1;
    END LOOP;
    PERFORM app.offer_bed(v_bed);
  END LOOP;
  RETURN v_ended;
END
$$;

-- Beds that a person holds or is offered in a hostel: one of them is held at a time.
--: definer
CREATE FUNCTION app.beds_held_by(p_hostel uuid, p_user integer) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(array_agg(bed_id), '{}') FROM bed_holds
  WHERE org_id = app.current_org() AND hostel_id = p_hostel AND user_id = p_user AND state IN ('offered', 'held')
$$;

-- Lets go of a person's other beds, and of their other places in line where p_lines; their beds must be locked.
--: definer
CREATE FUNCTION app.drop_others(p_hold uuid, p_lines boolean, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_mine bed_holds;
  v_other bed_holds;
BEGIN
  SELECT * INTO v_mine FROM bed_holds WHERE org_id = v_org AND id = p_hold;
  PERFORM app.note_hold(p_why);
  FOR v_other IN SELECT * FROM bed_holds
                 WHERE org_id = v_org AND hostel_id = v_mine.hostel_id AND user_id = v_mine.user_id AND id <> p_hold
                   AND (state IN ('held', 'offered') OR (p_lines AND state = 'queued')) ORDER BY bed_id LOOP
    PERFORM app.end_hold(v_other.id, 'released');
    IF v_other.state <> 'queued' THEN
      PERFORM app.offer_bed(v_other.bed_id);
    END IF;
  END LOOP;
END
$$;

-- Holds a bed from a day on, for the caller or (staff) for p_user: held if it is free and nobody waits for these days,
-- else the last place in line. Asked again it is the same hold; what was offered is thereby accepted. Returns the hold.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.hold_bed(p_bed uuid, p_from date, p_until date DEFAULT NULL, p_user integer DEFAULT NULL, p_id uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_user integer := coalesce(p_user, app.current_user_id());
  v_bed beds;
  v_hold bed_holds;
  v_today date;
BEGIN
  PERFORM app.note_hold('');
  SELECT * INTO v_bed FROM beds WHERE org_id = v_org AND id = p_bed AND deleted_at IS NULL;
  IF NOT FOUND OR NOT (app.may_hold(v_bed.hostel_id, v_user, 'create') OR app.allowed_in('residents', 'read', v_bed.hostel_id)) THEN
    RAISE EXCEPTION 'There is no such bed.' USING ERRCODE = 'VR404', COLUMN = 'bed';
  END IF;
  IF NOT app.may_hold(v_bed.hostel_id, v_user, 'create') THEN
    RAISE EXCEPTION 'Your role does not let you hold beds here.' USING ERRCODE = 'VR403';
  END IF;
  IF NOT EXISTS (SELECT FROM members WHERE org_id = v_org AND user_id = v_user AND removed_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404', COLUMN = 'member';
  END IF;
  PERFORM app.take_beds(v_bed.hostel_id, p_bed || app.beds_held_by(v_bed.hostel_id, v_user));
  SELECT * INTO v_hold FROM bed_holds
  WHERE org_id = v_org AND bed_id = p_bed AND user_id = v_user AND state IN ('queued', 'offered', 'held');
  IF FOUND AND v_hold.state = 'offered' THEN
    UPDATE bed_holds SET state = 'held', offered_until = NULL, held_until = app.now() + app.hold_time(hostel_id, 'held')
    WHERE org_id = v_org AND id = v_hold.id;
    PERFORM app.drop_others(v_hold.id, false, 'Another bed was chosen.');
    RETURN v_hold.id;
  ELSIF FOUND THEN
    IF v_hold.from_on <> p_from OR v_hold.until_on IS DISTINCT FROM p_until THEN
      RAISE EXCEPTION 'There is a hold on this bed for other days already: release that first.' USING ERRCODE = 'VR409';
    END IF;
    RETURN v_hold.id;
  END IF;
  IF EXISTS (SELECT FROM beds WHERE org_id = v_org AND id = p_bed AND deleted_at IS NOT NULL) THEN
    RAISE EXCEPTION 'There is no such bed.' USING ERRCODE = 'VR404', COLUMN = 'bed';
  END IF;
  v_today := app.house_day(v_bed.hostel_id);
  IF p_from IS NULL OR p_from < v_today OR p_from > v_today + 366 THEN
    RAISE EXCEPTION 'A bed is held from today on, or from a day within a year.' USING ERRCODE = 'VR422', COLUMN = 'from_on';
  END IF;
  IF p_until <= p_from THEN
    RAISE EXCEPTION 'The last day must come after the first.' USING ERRCODE = 'VR422', COLUMN = 'until_on';
  END IF;
  IF (SELECT count(*) FROM bed_holds WHERE org_id = v_org AND hostel_id = v_bed.hostel_id AND user_id = v_user AND state = 'queued') >= 5 THEN
    RAISE EXCEPTION 'Somebody can wait in line for 5 beds at most: release one first.' USING ERRCODE = 'VR429';
  END IF;
  INSERT INTO bed_holds (org_id, id, hostel_id, bed_id, user_id, from_on, until_on, queued_at)
  VALUES (v_org, coalesce(p_id, uuidv7()), v_bed.hostel_id, p_bed, v_user, p_from, p_until, app.now()) RETURNING * INTO v_hold;
  IF app.is_vacant(p_bed, daterange(p_from, p_until)) AND NOT EXISTS (
      SELECT FROM bed_holds WHERE org_id = v_org AND bed_id = p_bed AND state = 'queued' AND id <> v_hold.id
        AND daterange(from_on, until_on) && daterange(p_from, p_until)) THEN
    INSERT INTO bed_allocations (org_id, hostel_id, bed_id, period, kind, hold_id, user_id)
    VALUES (v_org, v_bed.hostel_id, p_bed, daterange(p_from, p_until), 'hold', v_hold.id, v_user);
    UPDATE bed_holds SET state = 'held', held_until = app.now() + app.hold_time(hostel_id, 'held')
    WHERE org_id = v_org AND id = v_hold.id;
    PERFORM app.drop_others(v_hold.id, false, 'Another bed was chosen.');
  END IF;
  RETURN v_hold.id;
END
$$;

-- The hold, its bed locked, if the caller may do this to it; the state is as it is after what was overdue has ended.
--: definer
CREATE FUNCTION app.find_hold(p_hold uuid, p_action text, p_others boolean) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_hold bed_holds;
BEGIN
  SELECT * INTO v_hold FROM bed_holds WHERE org_id = v_org AND id = p_hold;
  IF NOT FOUND OR NOT (app.may_hold(v_hold.hostel_id, v_hold.user_id, p_action)
                       OR (app.is_staff() AND app.allowed_in('residents', 'read', v_hold.hostel_id))) THEN
    RAISE EXCEPTION 'There is no such hold.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT app.may_hold(v_hold.hostel_id, v_hold.user_id, p_action) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM app.take_beds(v_hold.hostel_id, v_hold.bed_id || CASE WHEN p_others THEN app.beds_held_by(v_hold.hostel_id, v_hold.user_id) END);
  RETURN v_hold.bed_id;
END
$$;

--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.release_hold(p_hold uuid, p_why text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_bed uuid := app.find_hold(p_hold, 'update', false);
  v_state text := (SELECT state FROM bed_holds WHERE org_id = app.current_org() AND id = p_hold);
BEGIN
  IF v_state NOT IN ('queued', 'offered', 'held') THEN
    RAISE EXCEPTION 'This hold is % already.', v_state USING ERRCODE = 'VR409';
  END IF;
  PERFORM app.note_hold(p_why);
  PERFORM app.end_hold(p_hold, 'released');
  PERFORM app.offer_bed(v_bed);
END
$$;

-- The bed is theirs: the hold has no end any more, and their other holds go. For staff and for functions that approve.
--: definer; execute: portal_admin
CREATE FUNCTION app.confirm_hold(p_hold uuid, p_submission uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_hold bed_holds;
BEGIN
  PERFORM app.find_hold(p_hold, 'update', true);
  SELECT * INTO v_hold FROM bed_holds WHERE org_id = v_org AND id = p_hold;
  IF v_hold.state = 'expired' THEN
    RAISE EXCEPTION 'The hold on this bed ran out before it was confirmed: a bed has to be chosen again.' USING ERRCODE = 'VR409';
  ELSIF v_hold.state <> 'held' THEN
    RAISE EXCEPTION 'This hold is %, so it cannot be confirmed.', v_hold.state USING ERRCODE = 'VR409';
  END IF;
  UPDATE bed_holds SET state = 'confirmed', held_until = NULL, submission_id = p_submission WHERE org_id = v_org AND id = p_hold;
  PERFORM app.drop_others(p_hold, true, 'Another bed was confirmed.');
END
$$;

-- Ends what is overdue, in one hostel or in all of the bound organization, and says how many; by hand and by schedule.
--: definer; execute: portal_admin
CREATE FUNCTION app.expire_holds(p_hostel uuid DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.note_hold('');
  RETURN app.take_beds(p_hostel, '{}');
END
$$;

--: definer; execute: service
CREATE FUNCTION app.organizations_with_due_beds() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT org_id FROM bed_holds WHERE state IN ('offered', 'held') AND coalesce(offered_until, held_until) <= app.now()
  UNION
  SELECT s.org_id FROM stays s JOIN hostels h ON h.org_id = s.org_id AND h.id = s.hostel_id
  WHERE (s.status = 'upcoming' AND s.from_on <= (app.now() AT TIME ZONE h.timezone)::date)
     OR (s.status = 'current' AND s.until_on <= (app.now() AT TIME ZONE h.timezone)::date)
  UNION
  SELECT a.org_id FROM bed_allocations a
  JOIN stays s ON s.org_id = a.org_id AND s.id = a.stay_id AND s.status = 'current' AND s.bed_id <> a.bed_id
  JOIN hostels h ON h.org_id = s.org_id AND h.id = s.hostel_id
  WHERE a.state = 'active' AND a.period @> (app.now() AT TIME ZONE h.timezone)::date
$$;

-- What a new day brings: stays begin and end, and a change of bed that was planned for today has come.
--: definer; execute: portal_admin
CREATE FUNCTION app.turn_stays() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_stay stays;
  v_turned integer := 0;
BEGIN
  FOR v_stay IN SELECT * FROM stays WHERE org_id = v_org AND status <> 'ended' ORDER BY id FOR UPDATE LOOP
    IF v_stay.until_on <= app.house_day(v_stay.hostel_id) THEN
      PERFORM app.close_stay(v_stay.id, v_stay.until_on);
      v_turned := v_turned + 1;
      CONTINUE;
    END IF;
    UPDATE stays s SET status = 'current', bed_id = coalesce((
        SELECT a.bed_id FROM bed_allocations a WHERE a.org_id = v_org AND a.stay_id = s.id AND a.state = 'active'
          AND a.period @> app.house_day(s.hostel_id)), s.bed_id)
    WHERE s.org_id = v_org AND s.id = v_stay.id AND s.from_on <= app.house_day(s.hostel_id)
      AND (s.status = 'upcoming' OR EXISTS (
        SELECT FROM bed_allocations a WHERE a.org_id = v_org AND a.stay_id = s.id AND a.state = 'active'
          AND a.period @> app.house_day(s.hostel_id) AND a.bed_id <> s.bed_id));
    v_turned := v_turned + CASE WHEN FOUND THEN 1 ELSE 0 END;
  END LOOP;
  RETURN v_turned;
END
$$;
