-- Moving out. Whoever needs both locks the stay first and the move-out then. Needs stays.sql.

-- Staff by capability in the house, residents for themselves; what neither may see is not there.
--: definer
CREATE FUNCTION app.assert_move_out(p_hostel uuid, p_user integer, p_action text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF p_hostel IS NULL OR NOT (app.is_system() OR p_user = app.current_user_id() AND NOT app.is_staff() AND app.is_admitted()
                              OR app.is_staff() AND app.allowed_in('move_outs', 'read', p_hostel)) THEN
    RAISE EXCEPTION 'There is no such stay.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT (app.is_system() OR app.allowed_in('move_outs', p_action, p_hostel)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- What the bed of a stay is called; residents see no table of beds.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.bed_called(p_stay uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT r.number || '-' || b.label FROM stays s
  JOIN beds b ON b.org_id = s.org_id AND b.id = s.bed_id JOIN rooms r ON r.org_id = b.org_id AND r.id = b.room_id
  WHERE s.org_id = app.current_org() AND s.id = p_stay
    AND (s.user_id = app.current_user_id() AND app.is_admitted() OR app.is_staff() AND app.allowed_in('move_outs', 'read', s.hostel_id))
$$;

-- A day on which a stay, which would last until p_until, can be meant to end.
--: definer
CREATE FUNCTION app.assert_last_day(p_stay uuid, p_leaves date, p_until date) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_stay stays;
  v_today date;
BEGIN
  SELECT * INTO v_stay FROM stays WHERE org_id = app.current_org() AND id = p_stay;
  v_today := app.house_day(v_stay.hostel_id);
  IF v_stay.status = 'ended' THEN
    RAISE EXCEPTION 'This stay has ended already.' USING ERRCODE = 'VR409';
  ELSIF p_leaves IS NULL OR p_leaves <= v_today OR p_leaves <= v_stay.from_on OR p_leaves > v_today + 366 THEN
    RAISE EXCEPTION 'Choose a day after today and after the first day of the stay, within a year.' USING ERRCODE = 'VR422', COLUMN = 'leaves_on';
  ELSIF p_leaves > p_until THEN
    RAISE EXCEPTION 'The stay ends before this day.' USING ERRCODE = 'VR422', COLUMN = 'leaves_on';
  END IF;
END
$$;

-- Notice: the stay ends on p_leaves, the first day without them, from which on the bed may be given again. Returns the
-- move-out; sent again under the same id it is the same.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.give_notice(p_stay uuid, p_leaves date, p_why text DEFAULT '', p_id uuid DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_stay stays;
  v_house hostels;
  v_beds uuid[];
  v_id uuid := coalesce(p_id, uuidv7());
BEGIN
  PERFORM app.note_hold('');
  SELECT * INTO v_stay FROM stays WHERE org_id = v_org AND id = p_stay FOR UPDATE;
  PERFORM app.assert_move_out(v_stay.hostel_id, v_stay.user_id, 'create');
  IF EXISTS (SELECT FROM move_outs WHERE org_id = v_org AND id = p_id AND stay_id = p_stay) THEN
    RETURN p_id;
  ELSIF EXISTS (SELECT FROM move_outs WHERE org_id = v_org AND stay_id = p_stay AND status <> 'withdrawn') THEN
    RAISE EXCEPTION 'Notice has been given for this stay already.' USING ERRCODE = 'VR409';
  END IF;
  PERFORM app.assert_last_day(p_stay, p_leaves, v_stay.until_on);
  SELECT * INTO v_house FROM hostels WHERE org_id = v_org AND id = v_stay.hostel_id;
  v_beds := app.beds_of_stay(p_stay, p_leaves);
  PERFORM app.take_beds(v_stay.hostel_id, v_beds);
  PERFORM app.cut_stay(p_stay, p_leaves);
  UPDATE stays SET until_on = p_leaves WHERE org_id = v_org AND id = p_stay;
  UPDATE residents SET status = 'notice' WHERE org_id = v_org AND id = v_stay.resident_id AND status = 'current';
  INSERT INTO move_outs (org_id, id, hostel_id, resident_id, stay_id, user_id, noticed_on, notice_days, leaves_on, stayed_until, why)
  VALUES (v_org, v_id, v_stay.hostel_id, v_stay.resident_id, p_stay, v_stay.user_id, app.house_day(v_stay.hostel_id), v_house.notice_days, p_leaves,
          v_stay.until_on, left(coalesce(btrim(p_why), ''), 500));
  INSERT INTO move_out_items (org_id, hostel_id, user_id, move_out_id, position, name)
  SELECT v_org, v_stay.hostel_id, v_stay.user_id, v_id, listed.place, listed.name
  FROM unnest(v_house.inspection_items) WITH ORDINALITY AS listed (name, place);
  PERFORM app.offer_beds(v_beds);
  PERFORM app.enqueue('moveout.moved', jsonb_build_object('move_out_id', v_id, 'state', 'noticed'));
  RETURN v_id;
END
$$;

-- The move-out in p_states, locked after its stay, for somebody who may do this.
--: definer
CREATE FUNCTION app.find_move_out(p_id uuid, p_action text, p_states text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_found move_outs;
BEGIN
  PERFORM app.note_hold('');
  SELECT * INTO v_found FROM move_outs WHERE org_id = v_org AND id = p_id;
  PERFORM app.assert_move_out(v_found.hostel_id, v_found.user_id, p_action);
  PERFORM FROM stays WHERE org_id = v_org AND id = v_found.stay_id FOR UPDATE;
  SELECT * INTO v_found FROM move_outs WHERE org_id = v_org AND id = p_id FOR UPDATE;
  IF v_found.status = 'noticed' AND p_states = ARRAY['inspected'] THEN
    RAISE EXCEPTION 'Finish the inspection first.' USING ERRCODE = 'VR409';
  ELSIF v_found.status <> ALL (p_states) THEN
    RAISE EXCEPTION 'This move-out is % already, so that is not possible any more.', v_found.status USING ERRCODE = 'VR409';
  END IF;
END
$$;

-- A stay, locked, that was to end on p_from lasts until p_until (NULL: open), if its bed is there: for others it is refused.
--: definer
CREATE FUNCTION app.lengthen_stay(p_stay uuid, p_from date, p_until date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_more daterange := daterange(p_from, p_until);
  v_stay stays;
  v_bed uuid;
BEGIN
  SELECT * INTO v_stay FROM stays WHERE org_id = app.current_org() AND id = p_stay;
  SELECT bed_id INTO v_bed FROM bed_allocations
  WHERE org_id = v_stay.org_id AND stay_id = p_stay AND state = 'active' AND upper(period) = p_from;
  PERFORM app.take_beds(v_stay.hostel_id, ARRAY[v_bed]);
  IF v_bed IS NULL OR NOT app.is_vacant(v_bed, v_more) OR app.is_awaited(v_bed, v_more) THEN
    RAISE EXCEPTION 'Somebody else has this bed, or waits for it, from that day on: another bed is needed.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE bed_allocations SET period = daterange(lower(period), p_until)
  WHERE org_id = v_stay.org_id AND stay_id = p_stay AND state = 'active' AND upper(period) = p_from;
  UPDATE stays SET until_on = p_until WHERE org_id = v_stay.org_id AND id = p_stay;
END
$$;

-- They stay: as long as they meant to before, if nobody else has the bed by now.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.withdraw_notice(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_out move_outs;
BEGIN
  PERFORM app.find_move_out(p_id, 'update', ARRAY['noticed']);
  SELECT * INTO v_out FROM move_outs WHERE org_id = app.current_org() AND id = p_id;
  IF EXISTS (SELECT FROM stays WHERE org_id = v_out.org_id AND id = v_out.stay_id AND status = 'ended') THEN
    RAISE EXCEPTION 'This stay has ended already.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE move_outs SET status = 'withdrawn' WHERE org_id = v_out.org_id AND id = p_id;
  IF v_out.stayed_until IS DISTINCT FROM v_out.leaves_on THEN
    PERFORM app.lengthen_stay(v_out.stay_id, v_out.leaves_on, v_out.stayed_until);
  END IF;
  UPDATE residents SET status = 'current' WHERE org_id = v_out.org_id AND id = v_out.resident_id AND status = 'notice';
  PERFORM app.enqueue('moveout.moved', jsonb_build_object('move_out_id', p_id, 'state', 'withdrawn'));
END
$$;

-- Another day: an earlier one always, a later one if the bed is there. Residents choose until the inspection is done.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.change_last_day(p_id uuid, p_leaves date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_out move_outs;
  v_beds uuid[];
BEGIN
  PERFORM app.find_move_out(p_id, 'update', CASE WHEN app.is_staff() THEN ARRAY['noticed', 'inspected'] ELSE ARRAY['noticed'] END);
  SELECT * INTO v_out FROM move_outs WHERE org_id = app.current_org() AND id = p_id;
  IF p_leaves = v_out.leaves_on THEN
    RETURN;
  END IF;
  PERFORM app.assert_last_day(v_out.stay_id, p_leaves, v_out.stayed_until);
  IF p_leaves > v_out.leaves_on THEN
    PERFORM app.lengthen_stay(v_out.stay_id, v_out.leaves_on, p_leaves);
  ELSE
    v_beds := app.beds_of_stay(v_out.stay_id, p_leaves);
    PERFORM app.take_beds(v_out.hostel_id, v_beds), app.cut_stay(v_out.stay_id, p_leaves);
    UPDATE stays SET until_on = p_leaves WHERE org_id = v_out.org_id AND id = v_out.stay_id;
    PERFORM app.offer_beds(v_beds);
  END IF;
  PERFORM app.enqueue('moveout.moved', jsonb_build_object('move_out_id', p_id, 'state', 'moved'));
END
$$;

-- What was found of a thing.
--: definer; execute: portal_admin
CREATE FUNCTION app.judge_item(p_item uuid, p_condition text, p_deduction bigint, p_note text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid := (SELECT move_out_id FROM move_out_items WHERE org_id = app.current_org() AND id = p_item);
  v_out move_outs;
BEGIN
  PERFORM app.find_move_out(v_id, 'update', ARRAY['noticed', 'inspected']);
  SELECT * INTO v_out FROM move_outs WHERE org_id = app.current_org() AND id = v_id;
  IF v_out.status = 'inspected' AND p_condition = 'unseen' THEN
    RAISE EXCEPTION 'Everything has been inspected: say what was found.' USING ERRCODE = 'VR422', COLUMN = 'condition';
  END IF;
  UPDATE move_out_items SET condition = p_condition, deduction_paise = p_deduction, note = left(coalesce(btrim(p_note), ''), 500)
  WHERE org_id = v_out.org_id AND id = p_item;
END
$$;

-- Something more to look at in this move-out. Returns the item.
--: definer; execute: portal_admin
CREATE FUNCTION app.add_inspection_item(p_id uuid, p_name text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_out move_outs;
  v_next integer;
  v_id uuid;
BEGIN
  PERFORM app.find_move_out(p_id, 'update', ARRAY['noticed']);
  SELECT * INTO v_out FROM move_outs WHERE org_id = app.current_org() AND id = p_id;
  v_next := (SELECT coalesce(max(position), 0) + 1 FROM move_out_items WHERE org_id = v_out.org_id AND move_out_id = p_id);
  IF v_next > 80 THEN
    RAISE EXCEPTION 'This list is long enough: 80 things at most.' USING ERRCODE = 'VR429', COLUMN = 'name';
  END IF;
  INSERT INTO move_out_items (org_id, hostel_id, user_id, move_out_id, position, name)
  VALUES (v_out.org_id, v_out.hostel_id, v_out.user_id, p_id, v_next, btrim(p_name)) RETURNING id INTO v_id;
  RETURN v_id;
END
$$;

-- A photo of a thing, six at most.
--: definer; execute: portal_admin
CREATE FUNCTION app.add_inspection_photo(p_item uuid, p_file uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid := (SELECT move_out_id FROM move_out_items WHERE org_id = app.current_org() AND id = p_item);
  v_out move_outs;
BEGIN
  PERFORM app.find_move_out(v_id, 'update', ARRAY['noticed', 'inspected']);
  SELECT * INTO v_out FROM move_outs WHERE org_id = app.current_org() AND id = v_id;
  IF (SELECT count(*) FROM move_out_photos WHERE org_id = v_out.org_id AND item_id = p_item) >= 6 THEN
    RAISE EXCEPTION 'There are 6 photos of this already.' USING ERRCODE = 'VR429', COLUMN = 'files';
  END IF;
  IF NOT EXISTS (SELECT FROM files WHERE org_id = v_out.org_id AND id = p_file AND purpose = 'inspection' AND hostel_id = v_out.hostel_id
                 AND user_id = app.current_user_id() AND deleted_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such file.' USING ERRCODE = 'VR404', COLUMN = 'files';
  END IF;
  INSERT INTO move_out_photos (org_id, hostel_id, user_id, move_out_id, item_id, file_id)
  VALUES (v_out.org_id, v_out.hostel_id, v_out.user_id, v_out.id, p_item, p_file);
END
$$;

-- Everything has been looked at.
--: definer; execute: portal_admin
CREATE FUNCTION app.finish_inspection(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_out move_outs;
BEGIN
  PERFORM app.find_move_out(p_id, 'update', ARRAY['noticed']);
  SELECT * INTO v_out FROM move_outs WHERE org_id = app.current_org() AND id = p_id;
  IF EXISTS (SELECT FROM move_out_items WHERE org_id = v_out.org_id AND move_out_id = p_id AND condition = 'unseen') THEN
    RAISE EXCEPTION 'Not everything has been looked at yet.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE move_outs SET status = 'inspected' WHERE org_id = v_out.org_id AND id = p_id;
END
$$;

-- Writes down what was agreed, if it still rests on the same last day and the same damages. Who comes second is told so.
--: definer; execute: portal_admin
CREATE FUNCTION app.settle_move_out(p_id uuid, p_paid_until date, p_leaves date, p_deposit bigint, p_rent bigint, p_notice bigint,
                                    p_damages bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_out move_outs;
BEGIN
  PERFORM app.find_move_out(p_id, 'approve', ARRAY['inspected']);
  SELECT * INTO v_out FROM move_outs WHERE org_id = app.current_org() AND id = p_id;
  IF v_out.leaves_on <> p_leaves OR p_damages <> (
      SELECT coalesce(sum(deduction_paise), 0) FROM move_out_items WHERE org_id = v_out.org_id AND move_out_id = p_id) THEN
    RAISE EXCEPTION 'The day or the deductions were changed in the meantime: look at the settlement again.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE move_outs SET status = 'settled', paid_until = p_paid_until, deposit_paise = p_deposit, rent_paise = p_rent,
    notice_paise = p_notice, damages_paise = p_damages, settled_by = app.current_user_id(), settled_at = app.now()
  WHERE org_id = v_out.org_id AND id = p_id;
  UPDATE move_outs o SET status = 'left' WHERE o.org_id = v_out.org_id AND o.id = p_id
    AND EXISTS (SELECT FROM stays WHERE org_id = o.org_id AND id = o.stay_id AND status = 'ended');
  PERFORM app.enqueue('moveout.moved', jsonb_build_object('move_out_id', p_id, 'state', 'settled'));
END
$$;

-- A move-out follows its stay: to another last day while nothing is settled, and to its end on the day itself.
--: definer
CREATE FUNCTION app.follow_stay() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.until_on IS DISTINCT FROM OLD.until_on THEN
    IF EXISTS (SELECT FROM move_outs WHERE org_id = NEW.org_id AND stay_id = NEW.id AND status = 'settled' AND leaves_on <> NEW.until_on) THEN
      RAISE EXCEPTION 'The settlement of this stay is made for another last day.' USING ERRCODE = 'VR409';
    END IF;
    UPDATE move_outs SET leaves_on = NEW.until_on
    WHERE org_id = NEW.org_id AND stay_id = NEW.id AND status IN ('noticed', 'inspected') AND leaves_on <> NEW.until_on;
  END IF;
  IF NEW.status = 'ended' AND OLD.status <> 'ended' THEN
    UPDATE move_outs SET status = 'left' WHERE org_id = NEW.org_id AND stay_id = NEW.id AND status = 'settled';
  END IF;
  RETURN NULL;
END
$$;
