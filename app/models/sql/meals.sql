-- Meals by plan: who says until when that they are away, who may eat, and who did.

-- The first day of a house for which leave can still be said, or taken back.
--: definer; execute: portal_admin, portal_canteen, portal_resident
CREATE FUNCTION app.first_leave_day(p_hostel uuid) RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT local::date + CASE WHEN local::time < coalesce(s.leave_until, time '20:00') THEN 1 ELSE 2 END
  FROM (SELECT app.now() AT TIME ZONE timezone AS local FROM hostels WHERE org_id = app.current_org() AND id = p_hostel) h
  LEFT JOIN meal_settings s ON s.org_id = app.current_org() AND s.hostel_id = p_hostel
$$;

-- Whether the caller decides about somebody's meals here: their own (behind the gate), or as staff of the canteen. Raises.
--: definer
CREATE FUNCTION app.may_say_leave(p_hostel uuid, p_user integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM hostels WHERE org_id = app.current_org() AND id = p_hostel AND deleted_at IS NULL)
     OR NOT app.allowed_in('canteen', 'read', p_hostel)
     OR NOT app.is_staff() AND (p_user IS DISTINCT FROM app.current_user_id() OR NOT app.is_admitted()) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404', COLUMN = 'hostel';
  ELSIF NOT app.allowed_in('canteen', CASE WHEN app.is_staff() THEN 'update' ELSE 'create' END, p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('leave:' || app.current_org() || p_hostel || p_user, 0));
END
$$;

-- Somebody does not eat here from a day to another, both included. Leaves of the same meals that touch become one, which
-- keeps the id of the first. Sent twice (p_id), it is one. The resident hears of it if somebody else says it.
--: definer; execute: portal_admin, portal_canteen, portal_resident
CREATE FUNCTION app.take_leave(p_hostel uuid, p_user integer, p_first date, p_last date, p_meals text[], p_id uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_open date := app.first_leave_day(p_hostel);
  v_longest integer := coalesce((SELECT longest_days FROM meal_settings WHERE org_id = app.current_org() AND hostel_id = p_hostel), 60);
  v_meals text[] := (SELECT array_agg(DISTINCT m ORDER BY m) FROM unnest(p_meals) m);
  v_until date := p_last + 1;
  v_first date := p_first;
  v_kept uuid;
  v_same record;
BEGIN
  PERFORM app.may_say_leave(p_hostel, p_user);
  IF EXISTS (SELECT FROM meal_leaves WHERE org_id = v_org AND id = p_id AND user_id = p_user AND hostel_id = p_hostel) THEN
    RETURN p_id;
  ELSIF v_meals IS NULL OR NOT v_meals <@ ARRAY['breakfast', 'lunch', 'snacks', 'dinner'] THEN
    RAISE EXCEPTION 'Choose at least one meal.' USING ERRCODE = 'VR422', COLUMN = 'meals';
  ELSIF p_first IS NULL OR p_last IS NULL OR p_last < p_first THEN
    RAISE EXCEPTION 'The last day must not be before the first.' USING ERRCODE = 'VR422', COLUMN = 'last';
  ELSIF p_first < (CASE WHEN app.is_system() THEN p_first WHEN app.is_staff() THEN app.house_day(p_hostel) ELSE v_open END) THEN
    RAISE EXCEPTION 'It is too late for this day: the kitchen has planned it.' USING ERRCODE = 'VR409', COLUMN = 'first';
  ELSIF p_last > v_open + 366 THEN
    RAISE EXCEPTION 'This is too far ahead: say it up to a year before.' USING ERRCODE = 'VR422', COLUMN = 'last';
  ELSIF NOT EXISTS (SELECT FROM stays WHERE org_id = v_org AND hostel_id = p_hostel AND user_id = p_user AND hidden_at IS NULL
                    AND (mess_plan <> '' OR lunchbox) AND from_on <= p_last AND coalesce(until_on > p_first, true)) THEN
    RAISE EXCEPTION 'There is no meal plan in this house on these days.' USING ERRCODE = 'VR409';
  END IF;
  FOR v_same IN SELECT id, from_on, until_on FROM meal_leaves WHERE org_id = v_org AND hostel_id = p_hostel AND user_id = p_user AND meals = v_meals
                AND withdrawn_at IS NULL AND settled_at IS NULL AND from_on <= v_until AND until_on >= v_first ORDER BY from_on LOOP
    v_kept := coalesce(v_kept, v_same.id);
    v_first := least(v_first, v_same.from_on);
    v_until := greatest(v_until, v_same.until_on);
    UPDATE meal_leaves SET withdrawn_at = app.now() WHERE org_id = v_org AND id = v_same.id AND id <> v_kept;
  END LOOP;
  IF v_until - v_first > v_longest THEN
    RAISE EXCEPTION 'Leave lasts at most % days here.', v_longest USING ERRCODE = 'VR422', COLUMN = 'last';
  ELSIF v_kept IS NOT NULL THEN
    UPDATE meal_leaves SET from_on = v_first, until_on = v_until WHERE org_id = v_org AND id = v_kept;
  ELSE
    v_kept := p_id;
    INSERT INTO meal_leaves (org_id, id, hostel_id, user_id, from_on, until_on, meals) VALUES (v_org, p_id, p_hostel, p_user, v_first, v_until, v_meals);
  END IF;
  IF p_user IS DISTINCT FROM app.current_user_id() AND NOT app.is_system() THEN
    PERFORM app.enqueue('meals.leave', jsonb_build_object('leave_id', v_kept, 'taken_back', false));
  END IF;
  RETURN v_kept;
END
$$;

-- What can still be changed of a leave is taken back; nothing is left of one that has not begun. Of somebody else's one says
-- why, and they hear of it.
--: definer; execute: portal_admin, portal_canteen, portal_resident
CREATE FUNCTION app.end_leave(p_id uuid, p_why text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_leave record;
  v_open date;
BEGIN
  SELECT hostel_id, user_id INTO v_leave FROM meal_leaves WHERE org_id = app.current_org() AND id = p_id AND withdrawn_at IS NULL;
  IF NOT FOUND OR NOT app.is_staff() AND v_leave.user_id IS DISTINCT FROM app.current_user_id() THEN
    RAISE EXCEPTION 'There is no such leave.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.may_say_leave(v_leave.hostel_id, v_leave.user_id);
  IF v_leave.user_id IS DISTINCT FROM app.current_user_id() THEN
    PERFORM app.assert_reason(p_why);
  END IF;
  v_open := app.first_leave_day(v_leave.hostel_id);
  UPDATE meal_leaves SET withdrawn_at = CASE WHEN from_on >= v_open THEN app.now() END,
    until_on = CASE WHEN from_on >= v_open THEN until_on ELSE v_open END, reason = left(btrim(p_why), 300)
  WHERE org_id = app.current_org() AND id = p_id AND withdrawn_at IS NULL AND until_on > v_open;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'It is too late to change this leave.' USING ERRCODE = 'VR409';
  ELSIF v_leave.user_id IS DISTINCT FROM app.current_user_id() THEN
    PERFORM app.enqueue('meals.leave', jsonb_build_object('leave_id', p_id, 'taken_back', true));
  END IF;
END
$$;

-- Who said that they are away, for the staff that cooks for them.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.leave_people(p_leaves uuid[]) RETURNS TABLE (id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT l.id, m.name FROM meal_leaves l JOIN members m ON m.org_id = l.org_id AND m.user_id = l.user_id
  WHERE l.org_id = app.current_org() AND l.id = ANY (p_leaves)
    AND (app.is_system() OR app.is_staff() AND app.allowed_in('canteen', 'read', l.hostel_id))
$$;

-- The rebate of a leave is fixed; false where it was already. The caller books it in this transaction.
--: definer; execute: portal_admin
CREATE FUNCTION app.settle_leave(p_id uuid, p_paise bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  UPDATE meal_leaves SET settled_at = app.now(), rebate_paise = p_paise
  WHERE org_id = app.current_org() AND id = p_id AND settled_at IS NULL AND withdrawn_at IS NULL AND until_on < app.house_day(hostel_id);
  RETURN FOUND;
END
$$;

-- Asks for the rebate of each leave that is over: nothing can join it any more.
--: definer; execute: service
CREATE FUNCTION app.ask_meal_rebates() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH asked AS (
    INSERT INTO outbox (org_id, kind, payload, key)
    SELECT l.org_id, 'meals.rebate', jsonb_build_object('leave_id', l.id), l.id::text
    FROM meal_leaves l JOIN hostels h ON h.org_id = l.org_id AND h.id = l.hostel_id
    WHERE l.settled_at IS NULL AND l.withdrawn_at IS NULL AND l.until_on < (app.now() AT TIME ZONE h.timezone)::date
    ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING RETURNING 1)
  SELECT count(*) FROM asked
$$;

-- The rules of a house and what its plans include. p_plans: [{name, days: [breakfast, lunch, snacks, dinner]}]
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.set_meals(p_hostel uuid, p_until time, p_longest integer, p_days integer, p_percent integer, p_plans jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
BEGIN
  IF NOT EXISTS (SELECT FROM hostels WHERE org_id = v_org AND id = p_hostel AND deleted_at IS NULL) OR NOT app.allowed_in('canteen', 'read', p_hostel) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('canteen', 'approve', p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO meal_settings (org_id, hostel_id, leave_until, longest_days, rebate_days, rebate_percent)
  VALUES (v_org, p_hostel, p_until, p_longest, p_days, p_percent)
  ON CONFLICT (org_id, hostel_id) DO UPDATE SET leave_until = p_until, longest_days = p_longest, rebate_days = p_days, rebate_percent = p_percent;
  INSERT INTO meal_plans (org_id, hostel_id, name, days)
  SELECT v_org, p_hostel, p ->> 'name', (SELECT array_agg(d::smallint ORDER BY n) FROM jsonb_array_elements_text(p -> 'days') WITH ORDINALITY AS x (d, n))
  FROM jsonb_array_elements(p_plans) p
  ON CONFLICT (org_id, hostel_id, lower(name)) DO UPDATE SET days = EXCLUDED.days;
END
$$;

-- The plans that are sold in a house, with the days of their meals; those nobody wrote about are as usual.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.plans_of(p_hostel uuid) RETURNS TABLE (name text, days smallint[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT t.name, coalesce(p.days, '{127,127,0,127}')
  FROM (SELECT DISTINCT ON (lower(name)) name FROM tariffs WHERE org_id = app.current_org() AND hostel_id = p_hostel AND kind = 'mess'
        AND deleted_at IS NULL AND coalesce(valid_until > app.house_day(p_hostel), true) ORDER BY lower(name), valid_from DESC) t
  LEFT JOIN meal_plans p ON p.org_id = app.current_org() AND p.hostel_id = p_hostel AND lower(p.name) = lower(t.name)
  WHERE app.is_system() OR app.is_staff() AND app.allowed_in('canteen', 'read', p_hostel)
  ORDER BY t.name
$$;

-- Who is entitled to which meal on the days from one to before another, and whether they are away. A lunchbox is a lunch.
--: definer
CREATE FUNCTION app.eaters(p_hostel uuid, p_first date, p_until date) RETURNS TABLE (day date, meal text, user_id integer, bed_id uuid, away boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT d::date, m.meal, s.user_id, s.bed_id, EXISTS (
    SELECT FROM meal_leaves l WHERE l.org_id = s.org_id AND l.hostel_id = s.hostel_id AND l.user_id = s.user_id AND l.withdrawn_at IS NULL
      AND l.from_on <= d::date AND l.until_on > d::date AND m.meal = ANY (l.meals))
  FROM generate_series(p_first, p_until - 1, interval '1 day') d
  CROSS JOIN unnest(ARRAY['breakfast', 'lunch', 'snacks', 'dinner']) WITH ORDINALITY AS m (meal, place)
  JOIN stays s ON s.org_id = app.current_org() AND s.hostel_id = p_hostel AND s.hidden_at IS NULL
    AND s.from_on <= d::date AND coalesce(s.until_on > d::date, true)
  LEFT JOIN meal_plans p ON p.org_id = s.org_id AND p.hostel_id = s.hostel_id AND lower(p.name) = lower(s.mess_plan)
  WHERE s.mess_plan <> '' AND (coalesce(p.days, '{127,127,0,127}'))[m.place] >> (extract(isodow FROM d)::integer - 1) & 1 = 1
     OR s.lunchbox AND m.meal = 'lunch'
$$;

-- For each day and meal how many may eat, are away, ate (NULL where nobody ticked), and what was ordered besides.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.meal_days(p_hostel uuid, p_first date, p_until date)
RETURNS TABLE (day date, meal text, holders bigint, away bigint, ate bigint, ordered bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH plan AS (
    SELECT e.day, e.meal, count(*) AS holders, count(*) FILTER (WHERE e.away) AS away
    FROM app.eaters(p_hostel, p_first, p_until) e GROUP BY 1, 2),
  eaten AS (
    SELECT served_on AS day, meal, count(*) FILTER (WHERE ate) AS ate FROM meal_attendance
    WHERE org_id = app.current_org() AND hostel_id = p_hostel AND served_on >= p_first AND served_on < p_until GROUP BY 1, 2 HAVING bool_or(ate)),
  bought AS (
    SELECT o.served_on AS day, o.meal, sum(i.quantity)::bigint AS ordered FROM canteen_orders o
    JOIN canteen_order_items i ON i.org_id = o.org_id AND i.order_id = o.id
    WHERE o.org_id = app.current_org() AND o.hostel_id = p_hostel AND o.served_on >= p_first AND o.served_on < p_until
      AND o.status NOT IN ('cart', 'cancelled') GROUP BY 1, 2)
  SELECT d::date, m.meal, coalesce(holders, 0), coalesce(away, 0), ate, coalesce(ordered, 0)
  FROM generate_series(p_first, p_until - 1, interval '1 day') d
  CROSS JOIN unnest(ARRAY['breakfast', 'lunch', 'snacks', 'dinner']) WITH ORDINALITY AS m (meal, place)
  LEFT JOIN plan ON plan.day = d::date AND plan.meal = m.meal
  LEFT JOIN eaten ON eaten.day = d::date AND eaten.meal = m.meal
  LEFT JOIN bought ON bought.day = d::date AND bought.meal = m.meal
  WHERE app.is_system() OR app.is_staff() AND app.allowed_in('canteen', 'read', p_hostel)
  ORDER BY d, m.place
$$;

-- Who may eat a meal, for the staff that serves it: with the room, and what they said that they eat. What makes them ill
-- is told of meals that are still to come.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.meal_people(p_hostel uuid, p_day date, p_meal text)
RETURNS TABLE (user_id integer, name text, room text, food text, allergens text[], away boolean, ate boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT e.user_id, m.name, r.number, coalesce(nullif(n.food, ''), p.answers ->> 'food', ''),
    CASE WHEN p_day >= app.house_day(p_hostel) THEN coalesce(n.allergens, '{}') ELSE '{}' END, e.away, coalesce(a.ate, false)
  FROM app.eaters(p_hostel, p_day, p_day + 1) e
  JOIN members m ON m.org_id = app.current_org() AND m.user_id = e.user_id
  LEFT JOIN beds b ON b.org_id = m.org_id AND b.id = e.bed_id
  LEFT JOIN rooms r ON r.org_id = m.org_id AND r.id = b.room_id
  LEFT JOIN resident_preferences p ON p.org_id = m.org_id AND p.user_id = e.user_id
  LEFT JOIN meal_needs n ON n.org_id = m.org_id AND n.user_id = e.user_id
  LEFT JOIN meal_attendance a ON a.org_id = m.org_id AND a.hostel_id = p_hostel AND a.served_on = p_day AND a.meal = p_meal AND a.user_id = e.user_id
  WHERE e.meal = p_meal AND (app.is_system() OR app.is_staff() AND app.allowed_in('canteen', 'read', p_hostel))
  ORDER BY r.number, m.name, e.user_id
$$;

-- Whether somebody ate, ticked within a week.
--: definer; execute: portal_admin, portal_canteen
CREATE FUNCTION app.mark_meal(p_hostel uuid, p_day date, p_meal text, p_user integer, p_ate boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_today date := app.house_day(p_hostel);
BEGIN
  IF NOT app.allowed_in('canteen', 'read', p_hostel) OR NOT EXISTS (
    SELECT FROM app.eaters(p_hostel, p_day, p_day + 1) e WHERE e.meal = p_meal AND e.user_id = p_user) THEN
    RAISE EXCEPTION 'Nobody like this eats here then.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('canteen', 'update', p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF p_day NOT BETWEEN v_today - 7 AND v_today THEN
    RAISE EXCEPTION 'Tick meals of today and of the week before.' USING ERRCODE = 'VR409';
  END IF;
  INSERT INTO meal_attendance (org_id, hostel_id, user_id, served_on, meal, ate) VALUES (app.current_org(), p_hostel, p_user, p_day, p_meal, p_ate)
  ON CONFLICT (org_id, hostel_id, served_on, meal, user_id) DO UPDATE SET ate = p_ate;
END
$$;

-- What the caller eats, and what makes them ill.
--: definer; execute: portal_resident
CREATE FUNCTION app.set_meal_needs(p_food text, p_allergens text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_admitted() OR NOT app.can('canteen', 'create') THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO meal_needs (org_id, user_id, food, allergens) VALUES (app.current_org(), app.current_user_id(), p_food, p_allergens)
  ON CONFLICT (org_id, user_id) DO UPDATE SET food = p_food, allergens = p_allergens;
END
$$;
