-- The canteen: orders with their money and their portions in one transaction, and what becomes of both.
-- Locks are taken in one order everywhere: the order, its dishes by id, the wallet.

-- Places and pays an order of one meal for the caller. p_items: [{dish, quantity, despite: [what makes them ill and is in
-- it, as they were told]}]; p_seen: what the caller was told that it costs. Sent twice (p_id), it is one order. Everything or nothing is written.
--: definer; execute: portal_resident
CREATE FUNCTION app.place_order(p_hostel uuid, p_items jsonb, p_seen bigint, p_note text, p_id uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_me integer := app.current_user_id();
  v_hostel hostels;
  v_room uuid;
  v_dishes uuid[];
  v_quantities integer[];
  v_found record;
  v_short record;
  v_harmful text;
  v_number bigint;
  v_held bigint;
BEGIN
  SELECT * INTO v_hostel FROM hostels WHERE org_id = v_org AND id = p_hostel AND deleted_at IS NULL;
  IF NOT FOUND OR NOT app.is_admitted() OR NOT app.allowed_in('canteen', 'create', p_hostel) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404', COLUMN = 'hostel';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('order:' || p_id, 0)); -- a double click waits for its first half
  IF EXISTS (SELECT FROM canteen_orders WHERE org_id = v_org AND id = p_id AND user_id = v_me) THEN
    RETURN p_id;
  END IF;
  SELECT array_agg(dish ORDER BY dish), array_agg(quantity ORDER BY dish) INTO v_dishes, v_quantities
  FROM (SELECT (i ->> 'dish')::uuid AS dish, sum((i ->> 'quantity')::integer)::integer AS quantity
        FROM jsonb_array_elements(p_items) AS i GROUP BY 1) AS asked;
  IF v_dishes IS NULL OR cardinality(v_dishes) > 40 THEN
    RAISE EXCEPTION 'Choose what you would like first.' USING ERRCODE = 'VR422', COLUMN = 'items';
  ELSIF NOT 1 <= ALL (v_quantities) OR NOT 20 >= ALL (v_quantities) THEN
    RAISE EXCEPTION 'Order 1 to 20 portions of a dish.' USING ERRCODE = 'VR422', COLUMN = 'items';
  ELSIF length(btrim(coalesce(p_note, ''))) > 200 THEN
    RAISE EXCEPTION 'The note takes at most 200 characters.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
  SELECT b.room_id INTO v_room FROM stays s JOIN beds b ON b.org_id = s.org_id AND b.id = s.bed_id
  WHERE s.org_id = v_org AND s.user_id = v_me AND s.hostel_id = p_hostel AND s.status = 'current' AND s.hidden_at IS NULL;
  IF v_room IS NULL THEN
    RAISE EXCEPTION 'You have no room in this house now, so there is nowhere to bring it.' USING ERRCODE = 'VR409';
  END IF;
  IF NOT app.count_hit('canteen_order', v_org || ':' || v_me,
                       date_trunc('day', app.now() AT TIME ZONE v_hostel.timezone) AT TIME ZONE v_hostel.timezone, 20) THEN
    RAISE EXCEPTION 'You have ordered 20 times today, which is the limit.' USING ERRCODE = 'VR429';
  END IF;

  PERFORM FROM canteen_menu WHERE org_id = v_org AND id = ANY (v_dishes) ORDER BY id FOR UPDATE;
  SELECT count(*) AS dishes, count(DISTINCT (m.served_on, m.meal)) AS meals, min(m.served_on) AS served_on, min(m.meal) AS meal,
         min(m.order_until) AS until, sum(m.price_paise * a.quantity)::bigint AS total INTO v_found
  FROM unnest(v_dishes, v_quantities) AS a (dish, quantity)
  JOIN canteen_menu m ON m.org_id = v_org AND m.id = a.dish AND m.hostel_id = p_hostel AND m.deleted_at IS NULL;
  IF v_found.dishes < cardinality(v_dishes) THEN
    RAISE EXCEPTION 'One of these dishes is not on the menu any more.' USING ERRCODE = 'VR409', COLUMN = 'items';
  ELSIF v_found.meals > 1 THEN
    RAISE EXCEPTION 'Order each meal by itself.' USING ERRCODE = 'VR422', COLUMN = 'items';
  ELSIF v_found.until <= app.now() THEN
    RAISE EXCEPTION 'It is too late to order this meal.' USING ERRCODE = 'VR409';
  END IF;
  SELECT m.name, m.stock INTO v_short FROM unnest(v_dishes, v_quantities) AS a (dish, quantity)
  JOIN canteen_menu m ON m.org_id = v_org AND m.id = a.dish AND m.stock < a.quantity ORDER BY m.name LIMIT 1;
  IF FOUND AND v_short.stock = 0 THEN
    RAISE EXCEPTION '% is sold out.', v_short.name USING ERRCODE = 'VR409', COLUMN = 'items';
  ELSIF FOUND THEN
    RAISE EXCEPTION 'Only % left of %.', v_short.stock, v_short.name USING ERRCODE = 'VR409', COLUMN = 'items';
  END IF;
  SELECT m.name INTO v_harmful FROM jsonb_array_elements(p_items) AS i
  JOIN canteen_menu m ON m.org_id = v_org AND m.id = (i ->> 'dish')::uuid
  JOIN meal_needs n ON n.org_id = v_org AND n.user_id = v_me
  WHERE EXISTS (SELECT FROM unnest(m.allergens) AS a WHERE a = ANY (n.allergens) AND NOT coalesce(i -> 'despite' ? a, false)) ORDER BY 1 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% contains what makes you ill: tick that you want it all the same.', v_harmful USING ERRCODE = 'VR409', COLUMN = 'despite';
  ELSIF p_seen <> v_found.total THEN
    RAISE EXCEPTION 'A price has changed in the meantime: look at it again.' USING ERRCODE = 'VR409', COLUMN = 'items';
  END IF;
  -- Without a lock: app.book refuses for good, this only says how much is missing.
  SELECT balance_paise + limit_paise INTO v_held FROM wallet_balance_cache
  WHERE org_id = v_org AND hostel_id = p_hostel AND user_id = v_me AND NOT frozen;
  IF v_held < v_found.total THEN
    RAISE EXCEPTION 'This costs %, and there is % in your wallet: % more is needed.', app.amount_words(v_found.total, v_hostel.currency),
      app.amount_words(v_held, v_hostel.currency), app.amount_words(v_found.total - v_held, v_hostel.currency) USING ERRCODE = 'VR409';
  END IF;

  v_number := app.next_number(v_org, 'canteen', p_hostel);
  INSERT INTO canteen_orders (org_id, id, hostel_id, number, user_id, room_id, served_on, meal, total_paise, note, placed_at, moved_at)
  VALUES (v_org, p_id, p_hostel, v_number, v_me, v_room, v_found.served_on, v_found.meal, v_found.total, btrim(coalesce(p_note, '')), app.now(), app.now());
  INSERT INTO canteen_order_items (org_id, hostel_id, order_id, dish_id, user_id, name, quantity, price_paise)
  SELECT v_org, p_hostel, p_id, m.id, v_me, m.name, a.quantity, m.price_paise
  FROM unnest(v_dishes, v_quantities) AS a (dish, quantity) JOIN canteen_menu m ON m.org_id = v_org AND m.id = a.dish;
  UPDATE canteen_menu m SET stock = m.stock - a.quantity
  FROM unnest(v_dishes, v_quantities) AS a (dish, quantity) WHERE m.org_id = v_org AND m.id = a.dish;
  PERFORM app.book('order:' || p_id, 'order', p_hostel, v_found.total, 'wallet', v_me, 'canteen', NULL,
                   (SELECT reference FROM canteen_orders WHERE org_id = v_org AND id = p_id), 'canteen_orders', p_id);
  UPDATE canteen_orders SET status = 'placed' WHERE org_id = v_org AND id = p_id;
  PERFORM app.enqueue('canteen.moved', jsonb_build_object('order_id', p_id, 'state', 'placed', 'by', v_me));
  -- Of each dish the kitchen is told once.
  PERFORM app.enqueue('canteen.low_stock', jsonb_build_object('dish_id', m.id), m.id::text) FROM canteen_menu m
  WHERE m.org_id = v_org AND m.id = ANY (v_dishes)
    AND m.stock <= coalesce((SELECT low_stock FROM canteen_settings WHERE org_id = v_org AND hostel_id = p_hostel), 5);
  RETURN p_id;
END
$$;

-- What is not delivered yet goes to where its person lives now.
--: definer
CREATE FUNCTION app.bring_to_new_room() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.status = 'current' THEN
    UPDATE canteen_orders o SET room_id = b.room_id FROM beds b
    WHERE b.org_id = NEW.org_id AND b.id = NEW.bed_id AND o.org_id = NEW.org_id AND o.user_id = NEW.user_id AND o.hostel_id = NEW.hostel_id
      AND o.status IN ('placed', 'confirmed', 'preparing', 'ready') AND o.room_id <> b.room_id;
  END IF;
  RETURN NULL;
END
$$;

-- What a step of an order brings with it. Cancelled in time: the portions and the money come back at once. Once it is
-- cooked, the money comes back if somebody in charge approves it (C4).
--: definer
CREATE FUNCTION app.on_order_move(p_id uuid, p_event text, p_from text, p_to text, p_args jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_order canteen_orders;
BEGIN
  SELECT * INTO v_order FROM canteen_orders WHERE org_id = app.current_org() AND id = p_id;
  IF NOT app.is_staff() AND v_order.user_id IS DISTINCT FROM app.current_user_id() THEN
    RAISE EXCEPTION 'There is no such canteen order.' USING ERRCODE = 'VR404';
  ELSIF p_to IS NULL AND p_event = 'cancel' AND p_from IN ('preparing', 'ready') THEN
    RAISE EXCEPTION 'It is being cooked already: say why, and ask for the money.' USING ERRCODE = 'VR409';
  ELSIF p_to IS NULL OR p_event = 'cancel_late' AND current_setting('app.note') = '' THEN
    RETURN; -- app.move says why not
  END IF;
  IF p_event = 'cancel' THEN
    PERFORM FROM canteen_menu WHERE org_id = v_order.org_id
      AND id IN (SELECT dish_id FROM canteen_order_items WHERE org_id = v_order.org_id AND order_id = p_id) ORDER BY id FOR UPDATE;
    UPDATE canteen_menu m SET stock = m.stock + i.quantity FROM canteen_order_items i
    WHERE i.org_id = v_order.org_id AND i.order_id = p_id AND m.org_id = i.org_id AND m.id = i.dish_id;
    PERFORM app.book('order:' || p_id || ':refund', 'refund', v_order.hostel_id, v_order.total_paise, 'canteen', NULL, 'wallet', v_order.user_id,
                     v_order.reference, 'canteen_orders', p_id);
  ELSIF p_event = 'cancel_late' THEN
    PERFORM app.write_proposal(v_order.hostel_id, 'refund', v_order.user_id, '', v_order.total_paise,
                               v_order.reference || ': ' || current_setting('app.note'), 'canteen_orders', p_id, NULL);
  END IF;
  UPDATE canteen_orders SET moved_at = app.now(), refund = CASE p_event WHEN 'cancel' THEN 'done' WHEN 'cancel_late' THEN 'asked' ELSE refund END
  WHERE org_id = v_order.org_id AND id = p_id;
  PERFORM app.enqueue('canteen.moved', jsonb_build_object('order_id', p_id, 'state', p_to, 'by', app.current_user_id()));
END
$$;

-- The refund of an order was decided.
--: definer
CREATE FUNCTION app.follow_canteen_refund() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.source = 'canteen_orders' AND NEW.status <> OLD.status THEN
    UPDATE canteen_orders SET refund = CASE NEW.status WHEN 'approved' THEN 'done' ELSE 'refused' END
    WHERE org_id = NEW.org_id AND id = NEW.source_id AND refund = 'asked';
    PERFORM app.enqueue('canteen.refunded', jsonb_build_object('order_id', NEW.source_id));
  END IF;
  RETURN NULL;
END
$$;

-- How many portions are left, as the kitchen counts them.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.set_dish_stock(p_dish uuid, p_stock integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid := (SELECT hostel_id FROM canteen_menu WHERE org_id = app.current_org() AND id = p_dish AND deleted_at IS NULL);
BEGIN
  IF v_hostel IS NULL OR NOT app.allowed_in('canteen', 'read', v_hostel) THEN
    RAISE EXCEPTION 'There is no such dish.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('canteen', 'update', v_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF p_stock IS NULL OR p_stock NOT BETWEEN 0 AND 5000 THEN
    RAISE EXCEPTION 'Give a number of portions from 0 to 5000.' USING ERRCODE = 'VR422', COLUMN = 'stock';
  END IF;
  UPDATE canteen_menu SET stock = p_stock WHERE org_id = app.current_org() AND id = p_dish;
END
$$;

-- The canteen's times in a house. Dishes that kept the time of their meal, and can still be ordered, move with it.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.set_canteen(p_hostel uuid, p_until time[], p_summary time, p_low integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_zone text := (SELECT timezone FROM hostels WHERE org_id = app.current_org() AND id = p_hostel AND deleted_at IS NULL);
  v_before time[];
BEGIN
  IF v_zone IS NULL OR NOT app.allowed_in('canteen', 'read', p_hostel) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('canteen', 'approve', p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF p_low NOT BETWEEN 0 AND 1000 THEN
    RAISE EXCEPTION 'Give a number of portions from 0 to 1000.' USING ERRCODE = 'VR422', COLUMN = 'low_stock';
  END IF;
  INSERT INTO canteen_settings (org_id, hostel_id) VALUES (v_org, p_hostel) ON CONFLICT (org_id, hostel_id) DO NOTHING;
  SELECT ARRAY[breakfast_until, lunch_until, snacks_until, dinner_until] INTO v_before FROM canteen_settings
  WHERE org_id = v_org AND hostel_id = p_hostel FOR UPDATE;
  UPDATE canteen_settings SET breakfast_until = p_until[1], lunch_until = p_until[2], snacks_until = p_until[3], dinner_until = p_until[4],
    summary_at = p_summary, low_stock = p_low WHERE org_id = v_org AND hostel_id = p_hostel;
  UPDATE canteen_menu d SET order_until = (d.served_on + p_until[m.place]) AT TIME ZONE v_zone
  FROM unnest(ARRAY['breakfast', 'lunch', 'snacks', 'dinner']) WITH ORDINALITY AS m (meal, place)
  WHERE d.org_id = v_org AND d.hostel_id = p_hostel AND d.meal = m.meal AND d.deleted_at IS NULL AND d.served_on >= app.house_day(p_hostel)
    AND d.order_until = (d.served_on + v_before[m.place]) AT TIME ZONE v_zone;
END
$$;

-- Whom orders are for, which the kitchen may know of those that it cooks; and, until they are delivered, what makes them ill.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.order_people(p_orders uuid[]) RETURNS TABLE (order_id uuid, name text, allergens text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT o.id, m.name, CASE WHEN o.status IN ('placed', 'confirmed', 'preparing', 'ready') THEN coalesce(n.allergens, '{}') ELSE '{}' END
  FROM canteen_orders o JOIN members m ON m.org_id = o.org_id AND m.user_id = o.user_id
  LEFT JOIN meal_needs n ON n.org_id = o.org_id AND n.user_id = o.user_id
  WHERE o.org_id = app.current_org() AND o.id = ANY (p_orders)
    AND (app.is_system() OR app.is_staff() AND app.allowed_in('canteen', 'read', o.hostel_id))
$$;

-- Asks for the summary of each house whose time for it has come today, once a day.
--: definer; execute: service
CREATE FUNCTION app.ask_canteen_summaries() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH house AS (
    SELECT h.org_id, h.id, (app.now() AT TIME ZONE h.timezone) AS local, coalesce(s.summary_at, time '22:30') AS at
    FROM hostels h LEFT JOIN canteen_settings s ON s.org_id = h.org_id AND s.hostel_id = h.id WHERE h.deleted_at IS NULL),
  asked AS (
    INSERT INTO outbox (org_id, kind, payload, key)
    SELECT org_id, 'canteen.summary', jsonb_build_object('hostel_id', id, 'day', local::date), id || ':' || local::date FROM house
    WHERE local::time >= at AND EXISTS (SELECT FROM canteen_orders o WHERE o.org_id = house.org_id AND o.hostel_id = house.id
                                        AND o.served_on = house.local::date)
    ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING RETURNING 1)
  SELECT count(*) FROM asked
$$;
