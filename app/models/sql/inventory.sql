-- The storeroom: what comes and goes, what it is worth, what was counted. Items are locked in the order of their ids.

-- A quantity as a sentence of the database says it: 2.5 kg.
--: definer
CREATE FUNCTION app.stock_words(p_quantity numeric, p_unit text) RETURNS text
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT trim_scale(p_quantity) || ' ' || p_unit
$$;

-- Whether the caller keeps the storeroom of a house. Raises.
--: definer
CREATE FUNCTION app.may_keep_stock(p_hostel uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM hostels WHERE org_id = app.current_org() AND id = p_hostel AND deleted_at IS NULL)
     OR NOT app.allowed_in('inventory', 'read', p_hostel) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404', COLUMN = 'hostel';
  ELSIF NOT app.allowed_in('inventory', p_action, p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- Moves one item that is locked already. With a price it comes in at that, else at the average of what is there; p_value says
-- instead what a reversal takes back. The last of it takes all its value along.
--: definer
CREATE FUNCTION app.move_item(p_item uuid, p_kind text, p_quantity numeric, p_price bigint, p_value bigint, p_batch uuid, p_about jsonb, p_on date)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_item inventory_items;
  v_value bigint;
BEGIN
  SELECT * INTO STRICT v_item FROM inventory_items WHERE org_id = v_org AND id = p_item;
  IF v_item.unit IN ('pieces', 'packs', 'bottles') AND p_quantity <> trunc(p_quantity) THEN
    RAISE EXCEPTION '% is counted in whole numbers.', v_item.name USING ERRCODE = 'VR422', COLUMN = 'quantity-' || p_item;
  ELSIF v_item.stock + p_quantity < 0 AND v_item.stock = 0 THEN
    RAISE EXCEPTION 'Nothing of % is in stock.', v_item.name USING ERRCODE = 'VR409', COLUMN = 'quantity-' || p_item;
  ELSIF v_item.stock + p_quantity < 0 THEN
    RAISE EXCEPTION 'Only % of % are in stock.', app.stock_words(v_item.stock, v_item.unit), v_item.name
      USING ERRCODE = 'VR409', COLUMN = 'quantity-' || p_item;
  ELSIF v_item.stock + p_quantity > 100000 THEN
    RAISE EXCEPTION 'That would be more of % than a storeroom holds.', v_item.name USING ERRCODE = 'VR422', COLUMN = 'quantity-' || p_item;
  END IF;
  v_value := CASE
    WHEN v_item.stock + p_quantity = 0 THEN -v_item.value_paise
    WHEN p_value IS NOT NULL THEN greatest(p_value, -v_item.value_paise)
    WHEN p_price IS NOT NULL THEN round(p_price * p_quantity)
    WHEN v_item.stock > 0 THEN round(v_item.value_paise * p_quantity / v_item.stock)
    ELSE round(v_item.price_paise * p_quantity) END; -- found by counting where nothing should be
  UPDATE inventory_items SET stock = stock + p_quantity, value_paise = value_paise + v_value,
    price_paise = CASE WHEN p_quantity > 0 AND p_price > 0 AND p_value IS NULL THEN p_price ELSE price_paise END
  WHERE org_id = v_org AND id = p_item;
  INSERT INTO inventory_moves (org_id, hostel_id, item_id, batch_id, kind, quantity, value_paise, stock_after, price_paise, supplier, bill_number,
                               reason, note, happened_on, reverses_id, created_at)
  VALUES (v_org, v_item.hostel_id, p_item, p_batch, p_kind, p_quantity, v_value, v_item.stock + p_quantity, p_price,
          coalesce(p_about ->> 'supplier', ''), coalesce(p_about ->> 'bill', ''), p_about ->> 'reason', coalesce(p_about ->> 'note', ''), p_on,
          (p_about ->> 'reverses')::uuid, app.now());
  RETURN v_value;
END
$$;

-- Books what was bought, used, thrown away, given back or there at first. p_lines: [{item, quantity, price}], quantities
-- without a sign; p_about: {supplier, bill, reason, note}. Sent twice (p_batch), it is one. Everything or nothing is written.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.book_stock(p_hostel uuid, p_kind text, p_lines jsonb, p_about jsonb, p_on date, p_batch uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_today date := app.house_day(p_hostel);
  v_line record;
  v_booked integer;
BEGIN
  PERFORM app.may_keep_stock(p_hostel, 'update');
  PERFORM pg_advisory_xact_lock(hashtextextended('stock:' || p_batch, 0)); -- a double click waits for its first half
  SELECT count(*) INTO v_booked FROM inventory_moves WHERE org_id = v_org AND batch_id = p_batch;
  IF v_booked > 0 THEN
    RETURN v_booked;
  ELSIF p_kind NOT IN ('opening', 'purchase', 'use', 'waste', 'return') THEN
    RAISE EXCEPTION 'Choose one from the list.' USING ERRCODE = 'VR422', COLUMN = 'kind';
  ELSIF p_on IS NULL OR p_on NOT BETWEEN v_today - 31 AND v_today THEN
    RAISE EXCEPTION 'Give a day of the last month, not later than today.' USING ERRCODE = 'VR422', COLUMN = 'on';
  ELSIF p_kind = 'waste' AND coalesce(p_about ->> 'reason', '') NOT IN ('spoiled', 'expired', 'left_over', 'burnt', 'spilled', 'pests', 'other') THEN
    RAISE EXCEPTION 'Say why it was thrown away.' USING ERRCODE = 'VR422', COLUMN = 'reason';
  ELSIF p_kind = 'waste' AND p_about ->> 'reason' = 'other' AND btrim(coalesce(p_about ->> 'note', '')) = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'note';
  ELSIF length(p_about ->> 'note') > 200 OR length(p_about ->> 'supplier') > 120 OR length(p_about ->> 'bill') > 60 THEN
    RAISE EXCEPTION 'One of the texts is too long.' USING ERRCODE = 'VR422';
  ELSIF jsonb_array_length(p_lines) NOT BETWEEN 1 AND 200 OR EXISTS (SELECT FROM jsonb_array_elements(p_lines) l WHERE (l ->> 'quantity')::numeric <= 0) THEN
    RAISE EXCEPTION 'Give a quantity of at least one item.' USING ERRCODE = 'VR422', COLUMN = 'lines';
  END IF;
  PERFORM FROM inventory_items WHERE org_id = v_org AND id IN (SELECT (l ->> 'item')::uuid FROM jsonb_array_elements(p_lines) l) ORDER BY id FOR UPDATE;
  v_booked := 0;
  FOR v_line IN
    SELECT i.id, i.name, (l ->> 'quantity')::numeric AS quantity, (l ->> 'price')::bigint AS price
    FROM jsonb_array_elements(p_lines) l
    LEFT JOIN inventory_items i ON i.org_id = v_org AND i.hostel_id = p_hostel AND i.id = (l ->> 'item')::uuid AND i.deleted_at IS NULL ORDER BY i.name
  LOOP
    IF v_line.id IS NULL THEN
      RAISE EXCEPTION 'One of these items is not kept here any more.' USING ERRCODE = 'VR404', COLUMN = 'lines';
    ELSIF v_line.quantity IS NULL OR v_line.quantity > 100000 OR v_line.quantity <> round(v_line.quantity, 3) THEN
      RAISE EXCEPTION 'Write a quantity like 2.5, with three decimals at most.' USING ERRCODE = 'VR422', COLUMN = 'quantity-' || v_line.id;
    ELSIF p_kind = 'purchase' AND v_line.price IS NULL OR v_line.price NOT BETWEEN 0 AND 10000000 THEN
      RAISE EXCEPTION 'Say what % cost.', v_line.name USING ERRCODE = 'VR422', COLUMN = 'price-' || v_line.id;
    ELSIF p_kind = 'opening' AND EXISTS (SELECT FROM inventory_moves WHERE org_id = v_org AND item_id = v_line.id) THEN
      RAISE EXCEPTION '% has moved already: count it instead.', v_line.name USING ERRCODE = 'VR409', COLUMN = 'quantity-' || v_line.id;
    END IF;
    PERFORM app.move_item(v_line.id, p_kind, CASE WHEN p_kind IN ('opening', 'purchase') THEN v_line.quantity ELSE -v_line.quantity END,
                          CASE WHEN p_kind IN ('opening', 'purchase') THEN coalesce(v_line.price, 0) END, NULL, p_batch,
                          jsonb_strip_nulls(p_about || CASE WHEN p_kind = 'waste' THEN '{}' ELSE '{"reason": null}'::jsonb END), p_on);
    v_booked := v_booked + 1;
  END LOOP;
  RETURN v_booked;
END
$$;

-- Books the differences of a stock take and keeps that it was one; returns how many there were. p_lines: [{item, seen, counted}],
-- where `seen` is what the sheet said: if that is not so any more, nothing is booked, and it is said of which items.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.count_stock(p_hostel uuid, p_lines jsonb, p_note text, p_batch uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_day date := app.house_day(p_hostel);
  v_line record;
  v_moved text;
  v_items integer := jsonb_array_length(p_lines);
  v_differ integer := 0;
  v_value bigint := 0;
BEGIN
  PERFORM app.may_keep_stock(p_hostel, 'update');
  PERFORM pg_advisory_xact_lock(hashtextextended('stock:' || p_batch, 0));
  SELECT differences INTO v_differ FROM inventory_counts WHERE org_id = v_org AND id = p_batch;
  IF FOUND THEN
    RETURN v_differ;
  ELSIF v_items NOT BETWEEN 1 AND 1000 THEN
    RAISE EXCEPTION 'Count at least one item.' USING ERRCODE = 'VR422', COLUMN = 'lines';
  ELSIF length(p_note) > 200 THEN
    RAISE EXCEPTION 'The note takes at most 200 characters.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
  v_differ := 0;
  PERFORM FROM inventory_items WHERE org_id = v_org AND id IN (SELECT (l ->> 'item')::uuid FROM jsonb_array_elements(p_lines) l) ORDER BY id FOR UPDATE;
  IF (SELECT count(DISTINCT i.id) FROM jsonb_array_elements(p_lines) l
      JOIN inventory_items i ON i.org_id = v_org AND i.hostel_id = p_hostel AND i.id = (l ->> 'item')::uuid AND i.deleted_at IS NULL) < v_items THEN
    RAISE EXCEPTION 'One of these items is not kept here any more.' USING ERRCODE = 'VR404', COLUMN = 'lines';
  END IF;
  SELECT string_agg(i.name, ', ' ORDER BY i.name) INTO v_moved FROM jsonb_array_elements(p_lines) l
  JOIN inventory_items i ON i.org_id = v_org AND i.id = (l ->> 'item')::uuid AND i.stock <> (l ->> 'seen')::numeric;
  IF v_moved IS NOT NULL THEN
    RAISE EXCEPTION 'Stock has moved since this sheet was opened, of: %. Nothing was booked: count these again.', v_moved
      USING ERRCODE = 'VR409', COLUMN = 'lines';
  END IF;
  FOR v_line IN
    SELECT i.id, (l ->> 'counted')::numeric AS counted, (l ->> 'counted')::numeric - i.stock AS difference
    FROM jsonb_array_elements(p_lines) l JOIN inventory_items i ON i.org_id = v_org AND i.id = (l ->> 'item')::uuid ORDER BY i.name
  LOOP
    IF v_line.counted IS NULL OR v_line.counted NOT BETWEEN 0 AND 100000 OR v_line.counted <> round(v_line.counted, 3) THEN
      RAISE EXCEPTION 'Write a quantity like 2.5, with three decimals at most.' USING ERRCODE = 'VR422', COLUMN = 'quantity-' || v_line.id;
    ELSIF v_line.difference <> 0 THEN
      v_value := v_value + app.move_item(v_line.id, 'count', v_line.difference, NULL, NULL, p_batch,
                                         jsonb_build_object('note', btrim(coalesce(p_note, ''))), v_day);
      v_differ := v_differ + 1;
    END IF;
  END LOOP;
  INSERT INTO inventory_counts (org_id, id, hostel_id, counted_on, items, differences, value_paise, note, created_at)
  VALUES (v_org, p_batch, p_hostel, v_day, v_items, v_differ, v_value, btrim(coalesce(p_note, '')), app.now());
  RETURN v_differ;
END
$$;

-- Turns a move round that was a mistake, once, and says why; it counts for the day of the mistake.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.reverse_stock(p_move uuid, p_why text, p_batch uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_move inventory_moves;
BEGIN
  SELECT * INTO v_move FROM inventory_moves WHERE org_id = v_org AND id = p_move;
  IF NOT FOUND OR NOT app.allowed_in('inventory', 'read', v_move.hostel_id) THEN
    RAISE EXCEPTION 'There is no such move.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.may_keep_stock(v_move.hostel_id, 'approve');
  PERFORM app.assert_reason(p_why);
  PERFORM FROM inventory_items WHERE org_id = v_org AND id = v_move.item_id FOR UPDATE;
  IF EXISTS (SELECT FROM inventory_moves WHERE org_id = v_org AND batch_id = p_batch AND reverses_id = p_move) THEN
    RETURN;
  ELSIF v_move.reverses_id IS NOT NULL THEN
    RAISE EXCEPTION 'This is a correction itself: book what is right instead.' USING ERRCODE = 'VR409';
  ELSIF EXISTS (SELECT FROM inventory_moves WHERE org_id = v_org AND reverses_id = p_move) THEN
    RAISE EXCEPTION 'This was corrected already.' USING ERRCODE = 'VR409';
  ELSIF length(p_why) > 200 THEN
    RAISE EXCEPTION 'The note takes at most 200 characters.' USING ERRCODE = 'VR422', COLUMN = 'note';
  ELSIF EXISTS (SELECT FROM inventory_items WHERE org_id = v_org AND id = v_move.item_id AND deleted_at IS NOT NULL) THEN
    RAISE EXCEPTION 'This item was removed: bring it back first.' USING ERRCODE = 'VR409';
  END IF;
  PERFORM app.move_item(v_move.item_id, v_move.kind, -v_move.quantity, v_move.price_paise, -v_move.value_paise, p_batch, jsonb_strip_nulls(jsonb_build_object(
    'supplier', v_move.supplier, 'bill', v_move.bill_number, 'reason', v_move.reason, 'note', btrim(p_why), 'reverses', p_move)), v_move.happened_on);
END
$$;

-- The canteen's people hear of what has to be bought, once until it is filled up again.
--: definer
CREATE FUNCTION app.note_low_stock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.low AND NOT OLD.low AND NEW.deleted_at IS NULL THEN
    PERFORM app.enqueue('inventory.low', jsonb_build_object('item_id', NEW.id));
  END IF;
  RETURN NULL;
END
$$;

-- Who booked, for those who may see what was booked.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.stock_people(p_ids uuid[]) RETURNS TABLE (id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT b.id, m.name
  FROM (SELECT org_id, id, hostel_id, created_by FROM inventory_moves UNION ALL SELECT org_id, id, hostel_id, created_by FROM inventory_counts) b
  JOIN members m ON m.org_id = b.org_id AND m.user_id = b.created_by
  WHERE b.org_id = app.current_org() AND b.id = ANY (p_ids) AND (app.is_system() OR app.is_staff() AND app.allowed_in('inventory', 'read', b.hostel_id))
$$;
