-- Prices, residents and stays. Who is in which bed is in beds.sql.

-- A kind of room belongs to one hostel.
--: definer
CREATE FUNCTION app.check_room_type_fits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.room_type_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM room_types t WHERE t.org_id = NEW.org_id AND t.id = NEW.room_type_id AND t.hostel_id = NEW.hostel_id) THEN
    RAISE EXCEPTION 'This kind of room is in another hostel.' USING ERRCODE = 'VR422', COLUMN = 'room_type';
  END IF;
  RETURN NEW;
END
$$;

-- Photos are in their room's hostel, whatever the caller says, and twelve at the most; counted under the room's lock.
--: definer
CREATE FUNCTION app.follow_room() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  SELECT hostel_id INTO NEW.hostel_id FROM rooms WHERE org_id = NEW.org_id AND id = NEW.room_id AND deleted_at IS NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no such room.' USING ERRCODE = 'VR404';
  END IF;
  IF (SELECT count(*) FROM room_photos WHERE org_id = NEW.org_id AND room_id = NEW.room_id AND deleted_at IS NULL) >= 12 THEN
    RAISE EXCEPTION 'A room has 12 photos at most: remove one first.' USING ERRCODE = 'VR429', COLUMN = 'files';
  END IF;
  RETURN NEW;
END
$$;

-- The day that it is in a hostel of the bound organization.
--: definer; execute: staff, portal_resident
CREATE FUNCTION app.house_day(p_hostel uuid) RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT (app.now() AT TIME ZONE timezone)::date FROM hostels WHERE org_id = app.current_org() AND id = p_hostel
$$;

-- What a month in a kind of room costs on a day; a price for this kind before one for all.
--: definer
CREATE FUNCTION app.rent_on(p_hostel uuid, p_room_type uuid, p_day date) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT amount_paise FROM tariffs
  WHERE org_id = app.current_org() AND hostel_id = p_hostel AND kind = 'rent' AND deleted_at IS NULL
    AND (room_type_id = p_room_type OR room_type_id IS NULL) AND daterange(valid_from, valid_until) @> p_day
  ORDER BY room_type_id NULLS LAST, id LIMIT 1
$$;

-- The person as a resident of a hostel: found, come back, or new with the next number.
--: definer
CREATE FUNCTION app.resident_of(p_hostel uuid, p_user integer, p_on date) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_resident residents;
BEGIN
  SELECT * INTO v_resident FROM residents WHERE org_id = v_org AND hostel_id = p_hostel AND user_id = p_user FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO residents (org_id, hostel_id, user_id, number, moved_in_on)
    VALUES (v_org, p_hostel, p_user, app.next_number(v_org, 'resident', p_hostel), p_on) RETURNING * INTO v_resident;
  ELSIF v_resident.status = 'left' THEN
    UPDATE residents SET status = 'current', moved_in_on = p_on, moved_out_on = NULL, hidden_at = NULL
    WHERE org_id = v_org AND id = v_resident.id;
  END IF;
  RETURN v_resident.id;
END
$$;

-- A stay that is over takes its resident out of the house, unless another begins.
--: definer
CREATE FUNCTION app.close_stay(p_stay uuid, p_on date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_resident uuid;
BEGIN
  UPDATE stays SET status = 'ended', until_on = p_on WHERE org_id = v_org AND id = p_stay RETURNING resident_id INTO v_resident;
  UPDATE residents SET status = 'left', moved_out_on = p_on
  WHERE org_id = v_org AND id = v_resident AND status <> 'left'
    AND NOT EXISTS (SELECT FROM stays WHERE org_id = v_org AND resident_id = v_resident AND status <> 'ended');
END
$$;
