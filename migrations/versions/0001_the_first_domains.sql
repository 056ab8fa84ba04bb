SET LOCAL check_function_bodies = off
--;;
CREATE TYPE public.uuidrange AS RANGE (subtype = uuid)
--;;
-- squawk-ignore ban-create-domain-with-constraint
CREATE DOMAIN public.ledger_kind AS text CHECK (VALUE IN ('top_up', 'payout', 'charge', 'payment', 'discount', 'late_fee', 'deposit', 'order', 'refund', 'rebate', 'transfer', 'settlement', 'fee', 'adjustment', 'write_off', 'opening', 'reversal'))
--;;
CREATE FUNCTION app.seal_of(p_role text, p_org text, p_user text, p_caps text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_key text;
BEGIN
  SELECT key INTO v_key FROM binding_keys WHERE id = 1;
  RETURN encode(sha256(convert_to(concat_ws('/', v_key, pg_backend_pid(), extract(epoch FROM transaction_timestamp()), p_role, p_org, p_user,
                                            p_caps, v_key), 'UTF8')), 'base64');
END
$$
--;;
CREATE FUNCTION app.is_genuine() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  RETURN coalesce(current_setting('app.seal', true), '') = app.seal_of(
    current_setting('role'), current_setting('app.org_id', true), current_setting('app.user_id', true),
    current_setting('app.caps', true));
END
$$
--;;
CREATE FUNCTION app.current_org() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_key text;
BEGIN
  IF coalesce(current_setting('app.org_id', true), '') = '' THEN
    RETURN NULL;
  END IF;
  SELECT key INTO v_key FROM binding_keys WHERE id = 1;
  IF current_setting('app.seal', true) = encode(sha256(convert_to(concat_ws('/',
       v_key, pg_backend_pid(), extract(epoch FROM transaction_timestamp()), current_setting('role'),
       current_setting('app.org_id'), current_setting('app.user_id', true), current_setting('app.caps', true), v_key),
       'UTF8')), 'base64') THEN
    RETURN current_setting('app.org_id')::uuid;
  END IF;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.current_user_id() RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF coalesce(current_setting('app.user_id', true), '') = '' OR NOT app.is_genuine() THEN
    RETURN NULL;
  END IF;
  RETURN current_setting('app.user_id')::integer;
END
$$
--;;
CREATE FUNCTION app.assume(p_org uuid, p_user integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM set_config('app.org_id', p_org::text, true), set_config('app.user_id', p_user::text, true),
          set_config('app.caps', '', true);
  PERFORM set_config('app.seal', app.seal_of(current_setting('role'), p_org::text, p_user::text, ''), true);
END
$$
--;;
CREATE FUNCTION app.act_for(p_user integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_user text := coalesce(p_user::text, '');
  v_caps text := CASE WHEN p_user IS NULL THEN '*' ELSE '' END;
BEGIN
  PERFORM set_config('app.user_id', v_user, true), set_config('app.caps', v_caps, true),
          set_config('app.seal', app.seal_of(current_setting('role'), current_setting('app.org_id'), v_user, v_caps), true);
END
$$
--;;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := clock_timestamp();
  RETURN NEW;
END
$$
--;;
CREATE FUNCTION app.limit_of(p_org uuid, p_metric text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT CASE WHEN o.limits ? p_metric THEN (o.limits ->> p_metric)::bigint ELSE p.most END
  FROM organizations o LEFT JOIN plan_limits p ON p.plan = o.plan AND p.metric = p_metric
  WHERE o.id = p_org
$$
--;;
CREATE FUNCTION app.refuse_limit(p_org uuid, p_metric text, p_most bigint, p_used bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_plan text := (SELECT initcap(plan) FROM organizations WHERE id = p_org);
BEGIN
  IF p_metric = 'storage' THEN
    RAISE EXCEPTION 'The % plan allows % of storage, and this would need %. Ask the owner to change the plan.',
      v_plan, pg_size_pretty(p_most), pg_size_pretty(p_used) USING ERRCODE = 'VR429', COLUMN = p_metric;
  END IF;
  RAISE EXCEPTION 'The % plan allows % %, and % are in use. Ask the owner to change the plan.',
    v_plan, p_most, CASE WHEN p_most = 1 THEN rtrim(p_metric, 's') ELSE p_metric END, p_used
    USING ERRCODE = 'VR429', COLUMN = p_metric;
END
$$
--;;
CREATE FUNCTION app.used(p_org uuid, p_metric text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  CASE p_metric
    WHEN 'hostels' THEN
      RETURN (SELECT count(*) FROM hostels WHERE org_id = p_org AND deleted_at IS NULL);
    WHEN 'users' THEN
      RETURN (SELECT count(DISTINCT user_id) FROM memberships
              WHERE org_id = p_org AND status = 'active' AND role NOT IN ('resident', 'pending_resident'));
    WHEN 'residents' THEN
      RETURN (SELECT count(DISTINCT user_id) FROM memberships
              WHERE org_id = p_org AND status = 'active' AND role IN ('resident', 'pending_resident'));
    ELSE
      RETURN (SELECT coalesce(sum(c.used), 0) FROM usage_counters c WHERE c.org_id = p_org AND c.metric = p_metric);
  END CASE;
END
$$
--;;
CREATE FUNCTION app.enforce_limit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_new jsonb := to_jsonb(NEW);
  v_metric text := TG_ARGV[0];
  v_org uuid := NEW.org_id;
  v_most bigint;
  v_used bigint;
BEGIN
  IF v_metric = 'users' THEN
    IF v_new ->> 'status' <> 'active' OR (TG_OP = 'UPDATE' AND to_jsonb(OLD) ->> 'status' = 'active') THEN
      RETURN NEW;
    END IF;
    IF v_new ->> 'role' IN ('resident', 'pending_resident') THEN
      v_metric := 'residents';
    END IF;
    IF EXISTS (SELECT FROM memberships m WHERE m.org_id = v_org AND m.user_id = (v_new ->> 'user_id')::int
               AND m.status = 'active' AND (m.role IN ('resident', 'pending_resident')) = (v_metric = 'residents')) THEN
      RETURN NEW;
    END IF;
  ELSIF v_new ->> 'deleted_at' IS NOT NULL
     OR (TG_OP = 'UPDATE' AND to_jsonb(OLD) ->> 'deleted_at' IS NULL) THEN
    RETURN NEW;
  END IF;
  v_most := app.limit_of(v_org, v_metric);
  IF v_most IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('limit:' || v_org || v_metric, 0));
    v_used := app.used(v_org, v_metric);
    IF v_used >= v_most THEN
      PERFORM app.refuse_limit(v_org, v_metric, v_most, v_used);
    END IF;
  END IF;
  RETURN NEW;
END
$$
--;;
CREATE FUNCTION app.check_limits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM jsonb_each(NEW.limits) l WHERE jsonb_typeof(l.value) NOT IN ('number', 'null')) THEN
    RAISE EXCEPTION 'A limit is a number, or nothing for no limit.' USING ERRCODE = 'VR422';
  END IF;
  RETURN NEW;
END
$$
--;;
CREATE FUNCTION app.add_usage(p_org uuid, p_metric text, p_by bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_most bigint := app.limit_of(p_org, p_metric);
  v_used bigint;
BEGIN
  INSERT INTO usage_counters AS c (org_id, metric, shard, used)
  VALUES (p_org, p_metric, pg_backend_pid() % 64, p_by)
  ON CONFLICT (org_id, metric, shard) DO UPDATE SET used = c.used + excluded.used;
  v_used := app.used(p_org, p_metric);
  IF p_by > 0 AND v_used > v_most THEN
    PERFORM app.refuse_limit(p_org, p_metric, v_most, v_used);
  END IF;
END
$$
--;;
CREATE FUNCTION app.organization_usage() RETURNS TABLE (metric text, used bigint, most bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.metric, app.used(app.current_org(), m.metric), app.limit_of(app.current_org(), m.metric)
  FROM unnest(ARRAY['users', 'hostels', 'residents', 'workflows', 'bots', 'storage', 'messages'])
       WITH ORDINALITY m (metric, place)
  WHERE app.current_org() IS NOT NULL
  ORDER BY m.place
$$
--;;
CREATE FUNCTION app.next_number(p_org uuid, p_series text, p_scope uuid) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO number_counters AS c (org_id, series, scope_id, last) VALUES (p_org, p_series, p_scope, 1)
  ON CONFLICT (org_id, series, scope_id) DO UPDATE SET last = c.last + 1
  RETURNING last
$$;

-- True while the hit is within the limit
--;;
CREATE FUNCTION app.count_hit(p_bucket text, p_key text, p_start timestamptz, p_most bigint) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO rate_limit_counters AS c (bucket, key, window_start, hits) VALUES (p_bucket, p_key, p_start, 1)
  ON CONFLICT (bucket, key, window_start) DO UPDATE SET hits = c.hits + 1
  RETURNING hits <= p_most
$$
--;;
CREATE FUNCTION app.forget_hits(p_before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH gone AS (DELETE FROM rate_limit_counters WHERE window_start < p_before RETURNING 1) SELECT count(*) FROM gone
$$;

-- A new tenant with its owner
--;;
CREATE FUNCTION app.create_organization(p_name text, p_slug text, p_plan text, p_owner integer, p_categories jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid;
BEGIN
  INSERT INTO organizations (name, slug, plan) VALUES (btrim(p_name), p_slug, p_plan) RETURNING id INTO v_org;
  PERFORM app.assume(v_org, p_owner);
  INSERT INTO members (org_id, user_id, name, email)
  SELECT v_org, u.id, btrim(u.first_name || ' ' || u.last_name), u.email FROM ab_user u WHERE u.id = p_owner;
  INSERT INTO memberships (org_id, user_id, role) VALUES (v_org, p_owner, 'owner');
  WITH given AS (
    SELECT c.value, c.ordinality FROM jsonb_array_elements(p_categories) WITH ORDINALITY c
  ), made AS (
    INSERT INTO maintenance_categories (org_id, code, name, icon, position)
    SELECT v_org, value ->> 'code', value ->> 'name', coalesce(value ->> 'icon', ''), ordinality FROM given
    RETURNING id, code
  )
  INSERT INTO maintenance_issue_types (org_id, category_id, name, position)
  SELECT v_org, made.id, i.value, i.ordinality
  FROM made JOIN given ON given.value ->> 'code' = made.code,
       jsonb_array_elements_text(given.value -> 'issues') WITH ORDINALITY i;
  RETURN v_org;
END
$$
--;;
CREATE FUNCTION app.platform_organizations() RETURNS TABLE (id uuid, name text, slug text, plan text, subscription_status text, limits jsonb, created_at timestamptz,
               hostels bigint, users bigint, residents bigint, storage bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT o.id, o.name, o.slug, o.plan, o.subscription_status, o.limits, o.created_at, app.used(o.id, 'hostels'),
         app.used(o.id, 'users'), app.used(o.id, 'residents'), app.used(o.id, 'storage')
  FROM organizations o
  WHERE session_user = 'viramah_service' OR app.is_super_admin()
  ORDER BY o.name
$$
--;;
CREATE FUNCTION app.set_plan(p_org uuid, p_plan text, p_status text, p_limits jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF session_user <> 'viramah_service' AND NOT app.is_super_admin() THEN
    RAISE EXCEPTION 'Only those who run the installation may change a plan.' USING ERRCODE = 'VR403';
  END IF;
  UPDATE organizations SET plan = p_plan, subscription_status = p_status, limits = p_limits WHERE id = p_org;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no such organization.' USING ERRCODE = 'VR404';
  END IF;
END
$$
--;;
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

-- Whether the caller may do this to an amenity, as staff. Raises
--;;
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
$$
--;;
CREATE FUNCTION app.amenity_blocked_until(p_amenity uuid, p_user integer) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT max(late + make_interval(days => blocked_days)) FROM (
    SELECT b.starts_at AS late, lag(b.starts_at, greatest(a.missed - 1, 0)::integer) OVER (ORDER BY b.starts_at) AS early, a.within_days, a.blocked_days
    FROM amenity_bookings b JOIN amenities a ON a.org_id = b.org_id AND a.id = b.amenity_id
    WHERE b.org_id = app.current_org() AND b.amenity_id = p_amenity AND b.user_id = p_user AND b.status = 'no_show' AND a.missed > 0) missed
  WHERE early >= late - make_interval(days => within_days)
$$;

-- Whether somebody cannot have a place in a slot, whatever is free
--;;
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
$$
--;;
CREATE FUNCTION app.write_booking(p_id uuid, p_slot uuid, p_user integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO amenity_bookings (org_id, id, hostel_id, amenity_id, slot_id, user_id, day, starts_at, ends_at, parallel, booked_at)
  SELECT s.org_id, p_id, s.hostel_id, s.amenity_id, s.id, p_user, s.day, s.starts_at, s.ends_at, a.parallel, app.now()
  FROM amenity_slots s JOIN amenities a ON a.org_id = s.org_id AND a.id = s.amenity_id WHERE s.org_id = app.current_org() AND s.id = p_slot
$$;

-- Ends offers whose time is over and offers what is free to those in line, in their order
--;;
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
$$
--;;
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

-- Books a place in a slot, for the caller or (staff) for p_user
--;;
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
$$
--;;
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
$$
--;;
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

-- The booking, its slot locked, if the caller may do this to it. Raises
--;;
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
$$
--;;
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

-- Whether somebody came, within a week after it began
--;;
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
$$
--;;
CREATE FUNCTION app.amenity_people(p_ids uuid[]) RETURNS TABLE (id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT found.id, m.name FROM (
    SELECT org_id, id, hostel_id, user_id FROM amenity_bookings WHERE org_id = app.current_org() AND id = ANY (p_ids)
    UNION ALL SELECT org_id, id, hostel_id, user_id FROM amenity_waits WHERE org_id = app.current_org() AND id = ANY (p_ids)) found
  JOIN members m ON m.org_id = found.org_id AND m.user_id = found.user_id
  WHERE app.is_system() OR app.is_staff() AND app.allowed_in('amenities', 'read', found.hostel_id)
$$
--;;
CREATE FUNCTION app.amenity_guests(p_hostel uuid) RETURNS TABLE (user_id integer, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT m.user_id, m.name FROM memberships s JOIN members m ON m.org_id = s.org_id AND m.user_id = s.user_id AND m.removed_at IS NULL
  WHERE s.org_id = app.current_org() AND s.role = 'resident' AND s.status = 'active' AND coalesce(s.hostel_id = p_hostel, true)
    AND (app.is_system() OR app.is_staff() AND app.allowed_in('amenities', 'create', p_hostel))
  ORDER BY m.name, m.user_id
$$
--;;
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
$$
--;;
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

-- Slots as JSON
--;;
CREATE FUNCTION app.slots_in(p_slots jsonb) RETURNS TABLE (day date, starts_at timestamptz, ends_at timestamptz, capacity integer, per_day integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT w.day, w.starts_at, w.ends_at, w.capacity, w.per_day
  FROM jsonb_to_recordset(p_slots) AS w (day date, starts_at timestamptz, ends_at timestamptz, capacity integer, per_day integer)
  WHERE w.starts_at > app.now() OR app.is_system()
$$;

-- Makes the slots of an amenity from one day to another what they should be: [{day, starts_at, ends_at, capacity, per_day}].
-- New ones appear, places follow, what is not wanted any more goes
--;;
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
$$
--;;
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
$$
--;;
CREATE FUNCTION app.reopen_amenity(p_amenity uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_amenity(p_amenity, 'approve');
  PERFORM FROM amenities WHERE org_id = app.current_org() AND id = p_amenity FOR UPDATE;
  UPDATE amenities SET closed_from = NULL, closed_until = NULL, closed_why = '' WHERE org_id = app.current_org() AND id = p_amenity AND closed_from IS NOT NULL;
  UPDATE amenity_slots SET state = 'open', version = version + 1
  WHERE org_id = app.current_org() AND amenity_id = p_amenity AND state = 'maintenance' AND starts_at > app.now();
END
$$
--;;
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
$$
--;;
CREATE FUNCTION app.organizations_with_due_amenities() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT org_id FROM amenity_waits WHERE status IN ('waiting', 'offered') AND coalesce(offered_until, starts_at) <= app.now()
$$
--;;
CREATE FUNCTION app.ask_amenity_slots() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH asked AS (
    INSERT INTO outbox (org_id, kind, payload, key)
    SELECT h.org_id, 'amenities.slots', jsonb_build_object('hostel_id', h.id), h.id || ':' || (app.now() AT TIME ZONE h.timezone)::date
    FROM hostels h WHERE h.deleted_at IS NULL AND EXISTS (SELECT FROM amenities a WHERE a.org_id = h.org_id AND a.hostel_id = h.id AND a.deleted_at IS NULL)
    ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING RETURNING 1)
  SELECT count(*) FROM asked
$$
--;;
CREATE FUNCTION app.audience_of(p_hostel uuid, p_floor uuid, p_roles text[]) RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT s.user_id FROM memberships s
  JOIN members m ON m.org_id = s.org_id AND m.user_id = s.user_id AND m.removed_at IS NULL
  WHERE s.org_id = app.current_org() AND s.status = 'active'
    AND coalesce(s.valid_from <= app.now(), true) AND coalesce(s.valid_until > app.now(), true)
    AND (p_hostel IS NULL OR s.hostel_id = p_hostel OR s.hostel_id IS NULL AND p_floor IS NULL)
    AND (cardinality(p_roles) = 0 OR s.role = ANY (p_roles))
    AND (p_floor IS NULL OR EXISTS (
      SELECT FROM stays t JOIN beds b ON b.org_id = t.org_id AND b.id = t.bed_id JOIN rooms r ON r.org_id = b.org_id AND r.id = b.room_id
      WHERE t.org_id = s.org_id AND t.user_id = s.user_id AND t.status = 'current' AND r.floor_id = p_floor))
$$;

-- The announcement if the caller may do p_action to it, locked
--;;
CREATE FUNCTION app.assert_announcement(p_id uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_found record;
BEGIN
  SELECT a.hostel_id INTO v_found FROM announcements a WHERE a.org_id = app.current_org() AND a.id = p_id AND a.deleted_at IS NULL FOR UPDATE;
  IF NOT FOUND OR NOT (CASE WHEN v_found.hostel_id IS NULL THEN app.can('announcements', 'read')
                       ELSE coalesce(v_found.hostel_id = ANY (app.reach('announcements', 'read')), true) END) THEN
    RAISE EXCEPTION 'There is no such announcement.' USING ERRCODE = 'VR404';
  ELSIF NOT (CASE WHEN v_found.hostel_id IS NULL AND p_action <> 'read' THEN app.everywhere('announcements', p_action)
             ELSE coalesce(v_found.hostel_id = ANY (app.reach('announcements', p_action)), true) END) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$
--;;
CREATE FUNCTION app.announcement_reach(p_id uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_announcement(p_id, 'read');
  RETURN (SELECT count(*) FROM announcements a CROSS JOIN LATERAL app.audience_of(a.hostel_id, a.floor_id, a.roles)
          WHERE a.org_id = app.current_org() AND a.id = p_id);
END
$$
--;;
CREATE FUNCTION app.release_announcement(p_id uuid, p_at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_at timestamptz := greatest(coalesce(p_at, app.now()), app.now());
  v_found record;
BEGIN
  PERFORM app.assert_announcement(p_id, 'create');
  SELECT a.state, a.emergency INTO v_found FROM announcements a WHERE a.org_id = app.current_org() AND a.id = p_id;
  IF v_found.state = 'sent' THEN
    RAISE EXCEPTION 'This announcement was sent already.' USING ERRCODE = 'VR409';
  ELSIF v_found.emergency THEN
    PERFORM app.assert_announcement(p_id, 'approve');
  END IF;
  UPDATE announcements SET state = 'scheduled', send_at = v_at WHERE org_id = app.current_org() AND id = p_id;
  INSERT INTO outbox (org_id, kind, payload, due_at) VALUES (app.current_org(), 'announcements.send', jsonb_build_object('announcement_id', p_id),
    CASE WHEN v_at <= app.now() THEN clock_timestamp() ELSE v_at END);
  RETURN v_at;
END
$$
--;;
CREATE FUNCTION app.withdraw_announcement(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_announcement(p_id, 'update');
  UPDATE announcements SET state = 'draft', send_at = NULL WHERE org_id = app.current_org() AND id = p_id AND state = 'scheduled';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Only an announcement that waits for its time can be taken back.' USING ERRCODE = 'VR409';
  END IF;
END
$$;

-- Whom to tell now that the time has come
--;;
CREATE FUNCTION app.begin_announcement(p_id uuid) RETURNS integer[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_users integer[];
BEGIN
  PERFORM app.assert_system();
  UPDATE announcements SET state = 'sent', sent_at = app.now()
  WHERE org_id = app.current_org() AND id = p_id AND state = 'scheduled' AND send_at <= app.now() AND deleted_at IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT array_agg(u) INTO v_users FROM announcements a CROSS JOIN LATERAL app.audience_of(a.hostel_id, a.floor_id, a.roles) u
  WHERE a.org_id = app.current_org() AND a.id = p_id;
  UPDATE announcements SET told = coalesce(cardinality(v_users), 0) WHERE org_id = app.current_org() AND id = p_id;
  RETURN coalesce(v_users, '{}');
END
$$
--;;
CREATE FUNCTION app.announcement_figures(p_id uuid) RETURNS TABLE (channel text, state text, people bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_announcement(p_id, 'read');
  RETURN QUERY SELECT d.channel, d.state, count(*) FROM notification_deliveries d
    WHERE d.org_id = app.current_org() AND d.source_id = p_id GROUP BY d.channel, d.state;
END
$$
--;;
CREATE FUNCTION app.kyc_passed(p_org uuid, p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM kyc_completions k
    LEFT JOIN onboarding_submissions s ON s.org_id = k.org_id AND s.id = k.submission_id
    WHERE k.org_id = p_org AND k.user_id = p_user AND (k.submission_id IS NULL OR s.state = 'approved'))
$$;

-- The gate: submission approved, kyc_complete, role resident. app.active_roles counts the role of a resident under the
-- first two alone, so capabilities and portals close with it
--;;
CREATE FUNCTION app.is_admitted() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM app.active_roles(app.current_org(), app.current_user_id()) WHERE role = 'resident')
$$
--;;
CREATE FUNCTION app.vouch_for_resident() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  INSERT INTO kyc_completions (org_id, user_id)
  SELECT NEW.org_id, NEW.user_id
  WHERE NOT EXISTS (SELECT FROM memberships WHERE org_id = NEW.org_id AND user_id = NEW.user_id AND role = 'pending_resident')
    AND NOT EXISTS (SELECT FROM onboarding_submissions WHERE org_id = NEW.org_id AND user_id = NEW.user_id)
  ON CONFLICT (org_id, user_id) DO NOTHING;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.lock_submission(p_id uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row onboarding_submissions;
BEGIN
  SELECT * INTO v_row FROM onboarding_submissions WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF NOT FOUND OR NOT (app.is_staff() AND app.allowed_in('onboarding', 'read', v_row.hostel_id)) THEN
    RAISE EXCEPTION 'There is no such submission.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT app.allowed_in('onboarding', p_action, v_row.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  IF v_row.state NOT IN ('pending_review', 'under_review') THEN
    RAISE EXCEPTION 'This submission was decided already.' USING ERRCODE = 'VR409';
  END IF;
END
$$
--;;
CREATE FUNCTION app.lock_review(p_id uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_submission(p_id, p_action);
  IF NOT EXISTS (SELECT FROM onboarding_submissions
                 WHERE org_id = app.current_org() AND id = p_id AND reviewer_id = app.current_user_id()) THEN
    RAISE EXCEPTION 'You do not review this submission at present: claim it first.' USING ERRCODE = 'VR409';
  END IF;
END
$$
--;;
CREATE FUNCTION app.claim_submission(p_id uuid, p_take_over boolean, p_reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row onboarding_submissions;
BEGIN
  PERFORM app.lock_submission(p_id, 'update');
  SELECT * INTO v_row FROM onboarding_submissions WHERE org_id = app.current_org() AND id = p_id;
  IF v_row.reviewer_id = app.current_user_id() THEN
    RETURN false;
  END IF;
  IF v_row.user_id = app.current_user_id() THEN
    RAISE EXCEPTION 'Nobody reviews their own submission.' USING ERRCODE = 'VR403';
  END IF;
  IF v_row.state = 'under_review' AND NOT coalesce(p_take_over, false) THEN
    RAISE EXCEPTION 'Somebody else reviews this submission already.' USING ERRCODE = 'VR409';
  END IF;
  IF v_row.state = 'under_review' THEN
    PERFORM app.assert_reason(p_reason);
    PERFORM app.enqueue('approval.taken_over', jsonb_build_object('submission_id', p_id, 'from', v_row.reviewer_id));
  END IF;
  UPDATE onboarding_submissions SET state = 'under_review', reviewer_id = app.current_user_id(), claimed_at = app.now(),
    handover = CASE WHEN v_row.state = 'under_review' THEN btrim(p_reason) ELSE handover END
  WHERE org_id = v_row.org_id AND id = p_id;
  RETURN true;
END
$$
--;;
CREATE FUNCTION app.release_submission(p_id uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row onboarding_submissions;
BEGIN
  PERFORM app.lock_review(p_id, 'update');
  PERFORM app.assert_reason(p_reason);
  SELECT * INTO v_row FROM onboarding_submissions WHERE org_id = app.current_org() AND id = p_id;
  UPDATE onboarding_submissions SET state = 'pending_review', reviewer_id = NULL, claimed_at = NULL, handover = btrim(p_reason)
  WHERE org_id = v_row.org_id AND id = p_id;
END
$$
--;;
CREATE FUNCTION app.note_checks(p_id uuid, p_checks jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row onboarding_submissions;
BEGIN
  PERFORM app.lock_review(p_id, 'update');
  SELECT * INTO v_row FROM onboarding_submissions WHERE org_id = app.current_org() AND id = p_id;
  INSERT INTO submission_checks (org_id, hostel_id, submission_id, name, outcome, reason, others)
  SELECT v_row.org_id, v_row.hostel_id, p_id, c.name, c.outcome, c.reason, c.others
  FROM jsonb_to_recordset(p_checks) AS c(name text, outcome text, reason text, others integer[])
  ON CONFLICT (org_id, submission_id, name) DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason, others = excluded.others;
END
$$
--;;
CREATE FUNCTION app.submission_matches(p_id uuid) RETURNS TABLE (what text, user_id integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_row onboarding_submissions;
BEGIN
  PERFORM app.lock_review(p_id, 'update');
  SELECT * INTO v_row FROM onboarding_submissions WHERE org_id = app.current_org() AND id = p_id;
  RETURN QUERY
  SELECT DISTINCT f.what, f.user_id FROM (
    SELECT CASE mine.name WHEN 'phone' THEN 'phone' ELSE 'identity' END AS what, theirs.user_id
    FROM personal_values mine
    JOIN personal_values theirs ON theirs.org_id = mine.org_id AND theirs.blind_index = mine.blind_index
      AND theirs.index_key = mine.index_key AND theirs.user_id <> mine.user_id
      AND theirs.name = ANY (CASE mine.name WHEN 'phone' THEN '{phone}' ELSE '{identity_number,parent_identity_number}' END::text[])
    WHERE mine.org_id = v_row.org_id AND mine.user_id = v_row.user_id AND mine.name IN ('phone', 'identity_number')
    UNION ALL
    -- Dots and what follows a plus change nothing for whoever reads the mail.
    SELECT 'email', theirs.user_id FROM members mine
    JOIN members theirs ON theirs.org_id = mine.org_id AND theirs.user_id <> mine.user_id AND theirs.removed_at IS NULL
      AND replace(regexp_replace(lower(theirs.email), '\+.*@', '@'), '.', '') = replace(regexp_replace(lower(mine.email), '\+.*@', '@'), '.', '')
    WHERE mine.org_id = v_row.org_id AND mine.user_id = v_row.user_id) f
  WHERE app.member_in_reach(f.user_id);
END
$$
--;;
CREATE FUNCTION app.decide_submission(p_id uuid, p_state text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE onboarding_submissions SET state = p_state, decided_at = app.now(), reason = p_reason
  WHERE org_id = app.current_org() AND id = p_id;
  PERFORM app.enqueue('approval.decided', jsonb_build_object('submission_id', p_id));
  PERFORM app.enqueue('approval.mail', jsonb_build_object('submission_id', p_id));
END
$$
--;;
CREATE FUNCTION app.approve_submission(p_id uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row onboarding_submissions;
  v_hold bed_holds;
  v_stay uuid;
BEGIN
  PERFORM app.lock_review(p_id, 'approve');
  SELECT * INTO v_row FROM onboarding_submissions WHERE org_id = app.current_org() AND id = p_id;
  IF NOT EXISTS (SELECT FROM app.active_roles(v_row.org_id, v_row.user_id) r
                 WHERE r.role IN ('pending_resident', 'resident') AND coalesce(r.hostel_id = v_row.hostel_id, true)) THEN
    RAISE EXCEPTION 'This person is suspended or not with this hostel any more.' USING ERRCODE = 'VR409';
  END IF;
  IF v_row.hold_id IS NULL THEN
    RAISE EXCEPTION 'No bed was chosen: ask for that first.' USING ERRCODE = 'VR409';
  END IF;
  PERFORM app.confirm_hold(v_row.hold_id, p_id);
  SELECT * INTO v_hold FROM bed_holds WHERE org_id = v_row.org_id AND id = v_row.hold_id;
  PERFORM app.decide_submission(p_id, 'approved', '');
  INSERT INTO kyc_completions (org_id, user_id, submission_id) VALUES (v_row.org_id, v_row.user_id, p_id)
  ON CONFLICT (org_id, user_id) DO UPDATE SET submission_id = excluded.submission_id;
  DELETE FROM memberships WHERE org_id = v_row.org_id AND user_id = v_row.user_id AND role = 'pending_resident'
    AND coalesce(hostel_id = v_row.hostel_id, true);
  INSERT INTO memberships (org_id, user_id, role, hostel_id) VALUES (v_row.org_id, v_row.user_id, 'resident', v_row.hostel_id)
  ON CONFLICT (org_id, user_id, role, hostel_id) DO UPDATE SET status = 'active', valid_from = NULL, valid_until = NULL;
  v_stay := app.begin_stay(v_row.user_id, v_hold.bed_id, v_hold.from_on, v_hold.until_on, v_hold.id, NULL, v_row.mess_plan, v_row.lunchbox);
  RETURN v_stay;
END
$$;

-- With words that the person reads
--;;
CREATE FUNCTION app.reject_submission(p_id uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row onboarding_submissions;
BEGIN
  PERFORM app.lock_review(p_id, 'approve');
  SELECT * INTO v_row FROM onboarding_submissions WHERE org_id = app.current_org() AND id = p_id;
  PERFORM app.assert_reason(p_reason);
  PERFORM app.expire_holds(v_row.hostel_id);
  IF EXISTS (SELECT FROM bed_holds WHERE org_id = v_row.org_id AND id = v_row.hold_id AND state IN ('queued', 'offered', 'held')) THEN
    PERFORM app.release_hold(v_row.hold_id, 'The submission was rejected.');
  END IF;
  PERFORM app.decide_submission(p_id, 'rejected', btrim(p_reason));
END
$$
--;;
CREATE FUNCTION app.request_revision(p_id uuid, p_flags jsonb, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row onboarding_submissions;
BEGIN
  PERFORM app.lock_review(p_id, 'approve');
  SELECT * INTO v_row FROM onboarding_submissions WHERE org_id = app.current_org() AND id = p_id;
  INSERT INTO submission_flags (org_id, hostel_id, submission_id, user_id, field, reason)
  SELECT v_row.org_id, v_row.hostel_id, p_id, v_row.user_id, f.field, btrim(f.reason)
  FROM jsonb_to_recordset(p_flags) AS f(field text, reason text) WHERE btrim(coalesce(f.reason, '')) <> '';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Name what has to be corrected, and why.' USING ERRCODE = 'VR422', COLUMN = 'flags';
  END IF;
  PERFORM app.decide_submission(p_id, 'needs_revision', btrim(coalesce(p_reason, '')));
END
$$;

-- What a message about a decision says, for the job that mails it
--;;
CREATE FUNCTION app.decision_letter(p_id uuid) RETURNS TABLE (email text, name text, organization text, hostel text, state text, reason text, language text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.email, m.name, o.name, h.name, s.state, s.reason, coalesce(app.language_of(m.user_id), o.settings ->> 'language')
  FROM onboarding_submissions s
  JOIN members m ON m.org_id = s.org_id AND m.user_id = s.user_id AND m.removed_at IS NULL
  JOIN organizations o ON o.id = s.org_id
  JOIN hostels h ON h.org_id = s.org_id AND h.id = s.hostel_id
  WHERE app.is_system() AND s.org_id = app.current_org() AND s.id = p_id AND s.decided_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM onboarding_submissions n WHERE n.org_id = s.org_id AND n.user_id = s.user_id AND n.round > s.round)
$$
--;;
CREATE FUNCTION app.is_super_admin() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM platform_roles WHERE user_id = app.current_user_id())
$$
--;;
CREATE FUNCTION app.is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT current_setting('app.caps', true) = '*'
$$
--;;
CREATE FUNCTION app.is_staff() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT current_setting('role') NOT IN ('portal_resident', 'portal_public')
$$;

-- The roles that count now, of one person in one organization
--;;
CREATE FUNCTION app.active_roles(p_org uuid, p_user integer) RETURNS TABLE (role text, portal text, rank smallint, hostel_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.role, r.portal, r.rank, m.hostel_id
  FROM memberships m
  JOIN members p ON p.org_id = m.org_id AND p.user_id = m.user_id AND p.removed_at IS NULL
  JOIN organizations o ON o.id = m.org_id AND o.deleted_at IS NULL
  JOIN roles r ON r.role = m.role
  WHERE m.org_id = p_org AND m.user_id = p_user AND m.status = 'active'
    AND (m.valid_from IS NULL OR m.valid_from <= app.now()) AND (m.valid_until IS NULL OR m.valid_until > app.now())
    AND (m.role <> 'resident' OR app.kyc_passed(p_org, p_user))
$$;

-- What a person may do through a portal, as '|resource.action=*|resource.action=hostel,hostel|': the matrix, then the
-- organization's overrides of the role, then those of the person; a refusal beats a permission at its level, and a
-- personal permission holds where the person works, not beyond. '*' is the whole organization; 'hostel,hostel' those
-- hostels; '~hostel,hostel' those and what belongs to no hostel (so '~hostel' is everything, narrowed to the hostel
-- chosen in the console). rules/people.py says the same in Python
--;;
CREATE FUNCTION app.capabilities(p_org uuid, p_user integer, p_portal text, p_hostel uuid DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_roles text[];
  v_hostels uuid[];
  v_caps text;
BEGIN
  SELECT array_agg(role), array_agg(hostel_id) INTO v_roles, v_hostels
  FROM app.active_roles(p_org, p_user) WHERE portal = p_portal;
  IF NOT EXISTS (SELECT FROM permission_overrides o
                 WHERE o.org_id = p_org AND (o.user_id = p_user OR o.role = ANY (v_roles))) THEN
    SELECT '|' || string_agg(line, '|') || '|' INTO v_caps FROM (
      SELECT p.resource || '.' || p.action || '=' || CASE
               WHEN bool_or(h.hostel_id IS NULL) THEN coalesce('~' || p_hostel, '*')
               ELSE string_agg(DISTINCT h.hostel_id::text, ',') END AS line
      FROM unnest(v_roles, v_hostels) h (role, hostel_id) JOIN role_permissions p ON p.role = h.role
      WHERE h.hostel_id IS NULL OR p_hostel IS NULL OR h.hostel_id = p_hostel
      GROUP BY p.resource, p.action) l;
    RETURN coalesce(v_caps, '||');
  END IF;
  WITH held AS MATERIALIZED (
    SELECT * FROM unnest(v_roles, v_hostels) h (role, hostel_id)
  ), overrides AS MATERIALIZED (
    SELECT o.role, o.resource, o.action, o.hostel_id, o.allowed FROM permission_overrides o
    WHERE o.org_id = p_org AND (o.user_id = p_user OR o.role = ANY (v_roles))
  ), places AS MATERIALIZED (
    SELECT NULL::uuid AS id UNION SELECT hostel_id FROM held UNION SELECT hostel_id FROM overrides
  ), said AS (  -- per role, or, without one, of the person: a refusal wins
    SELECT o.role, o.resource, o.action, x.id AS place, bool_and(o.allowed) AS allowed
    FROM overrides o JOIN places x ON o.hostel_id IS NULL OR o.hostel_id = x.id
    GROUP BY o.role, o.resource, o.action, x.id
  ), cells AS (
    SELECT role, resource, action, bool_or(granted) AS granted FROM (
      SELECT p.role, p.resource, p.action, true AS granted FROM role_permissions p WHERE p.role = ANY (v_roles)
      UNION ALL SELECT o.role, o.resource, o.action, false FROM overrides o WHERE o.role IS NOT NULL) c
    GROUP BY role, resource, action
  ), by_role AS (
    SELECT c.resource, c.action, x.id AS place, bool_or(coalesce(s.allowed, c.granted)) AS allowed
    FROM places x JOIN held h ON h.hostel_id IS NULL OR h.hostel_id = x.id JOIN cells c ON c.role = h.role
    LEFT JOIN said s ON s.role = c.role AND s.resource = c.resource AND s.action = c.action AND s.place IS NOT DISTINCT FROM x.id
    GROUP BY c.resource, c.action, x.id
  ), own AS (
    SELECT s.resource, s.action, s.place, s.allowed AND EXISTS (
             SELECT FROM held h WHERE h.hostel_id IS NULL OR h.hostel_id = s.place) AS allowed
    FROM said s WHERE s.role IS NULL
  ), verdicts AS (
    SELECT resource, action, place, allowed FROM own
    UNION ALL
    SELECT r.resource, r.action, r.place, r.allowed FROM by_role r
    WHERE NOT EXISTS (SELECT FROM own o WHERE o.resource = r.resource AND o.action = r.action
                      AND o.place IS NOT DISTINCT FROM r.place)
  ), summed AS (
    SELECT resource, action, count(*) = (SELECT count(*) FROM places) AS everywhere, bool_or(place IS NULL) AS elsewhere,
           coalesce(array_agg(place) FILTER (WHERE place IS NOT NULL), '{}') AS given
    FROM verdicts WHERE allowed GROUP BY resource, action
  ), lines AS (
    SELECT resource || '.' || action || '=' || CASE
      WHEN everywhere THEN coalesce('~' || p_hostel, '*')
      WHEN elsewhere THEN '~' || coalesce((
        SELECT string_agg(h.id::text, ',') FROM hostels h
        WHERE h.org_id = p_org AND (p_hostel IS NULL OR h.id = p_hostel)
          AND (h.id = ANY (given) OR NOT EXISTS (SELECT FROM places x WHERE x.id = h.id))), '')
      ELSE coalesce((SELECT string_agg(x::text, ',') FROM unnest(given) x WHERE p_hostel IS NULL OR x = p_hostel), '')
    END AS line FROM summed
  )
  SELECT '|' || string_agg(line, '|') FILTER (WHERE line NOT LIKE '%=') || '|' INTO v_caps FROM lines;
  RETURN coalesce(v_caps, '||');
END
$$;

-- The language a person chose
--;;
CREATE FUNCTION app.language_of(p_user integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT language FROM user_preferences WHERE user_id = p_user
$$
--;;
CREATE FUNCTION app.choose_language(p_language text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO user_preferences AS p (user_id, language) VALUES (app.current_user_id(), p_language)
  ON CONFLICT (user_id) DO UPDATE SET language = excluded.language WHERE p.language <> excluded.language
$$;

-- Who a person is in an organization and what the screens need to know of it, as one document
--;;
CREATE FUNCTION app.describe(p_user integer, p_org uuid, p_portals text[], p_hostel uuid, p_full boolean) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid;
  v_portals text[];
  v_portal text;
  v_hostel uuid;
  v_super boolean := EXISTS (SELECT FROM platform_roles WHERE user_id = p_user);
BEGIN
  SELECT m.org_id INTO v_org
  FROM (SELECT DISTINCT org_id FROM memberships WHERE user_id = p_user AND status = 'active') m
  JOIN organizations o ON o.id = m.org_id
  WHERE EXISTS (SELECT FROM app.active_roles(m.org_id, p_user))
  ORDER BY m.org_id = p_org DESC NULLS LAST, o.name LIMIT 1;
  IF v_super AND p_org IS NOT NULL THEN
    v_org := coalesce((SELECT id FROM organizations WHERE id = p_org AND deleted_at IS NULL), v_org);
  END IF;
  SELECT array_agg(portal ORDER BY rank DESC, portal) INTO v_portals
  FROM (SELECT portal, max(rank) AS rank FROM app.active_roles(v_org, p_user) GROUP BY portal) r;
  IF v_super THEN
    v_portals := coalesce(v_portals, '{}') || 'portal_platform'::text;
  END IF;
  IF v_portals IS NULL THEN
    RETURN NULL;
  END IF;
  v_portal := coalesce(
    (SELECT w.portal FROM unnest(p_portals) WITH ORDINALITY w (portal, place)
     WHERE w.portal = ANY (v_portals) ORDER BY w.place LIMIT 1), v_portals[1]);
  v_hostel := (SELECT id FROM hostels WHERE org_id = v_org AND id = p_hostel AND deleted_at IS NULL);
  RETURN jsonb_build_object(
    'user_id', p_user, 'org_id', v_org, 'portal', v_portal, 'hostel_id', v_hostel,
    'caps', CASE WHEN v_portal = 'portal_platform' THEN app.platform_capabilities()
                 ELSE app.capabilities(v_org, p_user, v_portal, v_hostel) END
  ) || CASE WHEN NOT p_full THEN '{}' ELSE jsonb_build_object(
    'portals', v_portals,
    'roles', (SELECT jsonb_agg(DISTINCT role) FROM app.active_roles(v_org, p_user)),
    'user', (SELECT jsonb_build_object('username', u.username, 'first_name', u.first_name, 'last_name', u.last_name,
                                       'email', u.email, 'language', app.language_of(u.id))
             FROM ab_user u WHERE u.id = p_user),
    'organization', (SELECT jsonb_build_object('name', o.name, 'slug', o.slug, 'timezone', o.timezone, 'currency',
                                               o.currency, 'country', o.country, 'plan', o.plan, 'language',
                                               o.settings ->> 'language', 'grouping', o.settings ->> 'grouping')
                     FROM organizations o WHERE o.id = v_org),
    'organizations', (SELECT jsonb_agg(jsonb_build_object('id', o.id, 'name', o.name) ORDER BY o.name)
                      FROM organizations o WHERE EXISTS (SELECT FROM app.active_roles(o.id, p_user))
                      AND o.id IN (SELECT org_id FROM memberships WHERE user_id = p_user)),
    'hostels', (SELECT jsonb_agg(jsonb_build_object('id', h.id, 'name', h.name, 'timezone', h.timezone) ORDER BY h.name)
                FROM hostels h WHERE h.org_id = v_org AND h.deleted_at IS NULL
                AND EXISTS (SELECT FROM app.active_roles(v_org, p_user) a
                            WHERE a.hostel_id IS NULL OR a.hostel_id = h.id)),
    'unread', (SELECT count(*) FROM notifications n
               WHERE n.org_id = v_org AND n.user_id = p_user AND n.read_at IS NULL)
  ) END;
END
$$
--;;
CREATE FUNCTION app.described(p_user integer, p_org uuid, p_portals text[], p_hostel uuid, p_full boolean) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_asked text := concat_ws('/', p_org, p_hostel, array_to_string(p_portals, ','));
  v_org_version bigint;
  v_user_version bigint;
  v_me jsonb;
BEGIN
  IF p_org IS NULL THEN
    RETURN app.describe(p_user, p_org, p_portals, p_hostel, p_full);
  END IF;
  v_org_version := coalesce((SELECT version FROM access_versions WHERE subject = 'org:' || p_org), 0);
  v_user_version := coalesce((SELECT version FROM access_versions WHERE subject = 'user:' || p_user), 0);
  SELECT c.document INTO v_me FROM access_cache c
  WHERE c.user_id = p_user AND c.asked = v_asked AND c.org_version = v_org_version AND c.user_version = v_user_version
    AND c.good_until > app.now();
  IF NOT FOUND THEN
    v_me := app.describe(p_user, p_org, p_portals, p_hostel, true) - 'unread';
    IF (v_me ->> 'org_id')::uuid = p_org AND NOT pg_is_in_recovery()
       AND pg_try_advisory_xact_lock(hashtextextended('access:' || p_user || v_asked, 0)) THEN
      INSERT INTO access_cache AS c (user_id, asked, document, org_version, user_version, good_until)
      SELECT p_user, v_asked, v_me, v_org_version, v_user_version, least(app.now() + interval '10 minutes', (
        SELECT min(moment) FROM memberships m, unnest(ARRAY[m.valid_from, m.valid_until]) moment
        WHERE m.user_id = p_user AND moment > app.now()))
      ON CONFLICT (user_id, asked) DO UPDATE SET document = excluded.document, org_version = excluded.org_version,
        user_version = excluded.user_version, good_until = excluded.good_until;
    END IF;
  END IF;
  IF NOT p_full THEN
    RETURN jsonb_build_object('user_id', p_user, 'org_id', v_me -> 'org_id', 'portal', v_me -> 'portal',
                              'hostel_id', v_me -> 'hostel_id', 'caps', v_me -> 'caps');
  END IF;
  RETURN v_me || jsonb_build_object('unread', (
    SELECT count(*) FROM notifications n
    WHERE n.org_id = (v_me ->> 'org_id')::uuid AND n.user_id = p_user AND n.read_at IS NULL));
END
$$;

-- Something that decides about access changed
--;;
CREATE FUNCTION app.change_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_rows jsonb := jsonb_build_array(CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
                                    CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
  v_subject text;
BEGIN
  FOR v_subject IN
    SELECT DISTINCT subject FROM jsonb_array_elements(v_rows) r, LATERAL (VALUES
      ('org:' || CASE WHEN TG_TABLE_NAME = 'organizations' THEN r ->> 'id' ELSE r ->> 'org_id' END),
      ('user:' || CASE WHEN TG_TABLE_NAME = 'ab_user' THEN r ->> 'id' ELSE r ->> 'user_id' END)) s (subject)
    WHERE subject IS NOT NULL ORDER BY subject
  LOOP
    INSERT INTO access_versions AS v (subject, version, changed_in)
    VALUES (v_subject, nextval('access_versions_seq'), pg_current_xact_id()::text::bigint)
    ON CONFLICT (subject) DO UPDATE SET version = excluded.version, changed_in = excluded.changed_in
    WHERE v.changed_in <> excluded.changed_in;
  END LOOP;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.platform_capabilities() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT '|' || string_agg(resource || '.' || action || '=*', '|') || '|' FROM role_permissions WHERE role = 'super_admin'
$$;

-- The person behind a session token
--;;
CREATE FUNCTION app.identify(p_digest bytea, p_org uuid, p_portals text[], p_hostel uuid, p_full boolean) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_session user_sessions;
  v_me jsonb;
BEGIN
  SELECT s.* INTO v_session FROM user_sessions s JOIN ab_user u ON u.id = s.user_id AND u.active
  WHERE s.digest = p_digest AND s.ended_at IS NULL AND s.expires_at > app.now()
    AND s.last_seen_at > app.now() - interval '7 days';
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF p_full AND v_session.last_seen_at < app.now() - interval '5 minutes' THEN
    UPDATE user_sessions SET last_seen_at = app.now() WHERE id = v_session.id;
  END IF;
  v_me := app.described(v_session.user_id, p_org, p_portals, p_hostel, p_full);
  -- Where the organization asks its staff for a second factor, a session without one can do nothing but set it up.
  IF NOT v_session.second_factor AND v_me ->> 'portal' NOT IN ('portal_resident', 'portal_platform')
     AND EXISTS (SELECT FROM organizations WHERE id = (v_me ->> 'org_id')::uuid AND settings -> 'require_totp' = 'true') THEN
    v_me := v_me || '{"caps": "|", "second_factor_due": true}';
  END IF;
  RETURN app.sealed(v_me)
         || jsonb_build_object('session_id', v_session.id, 'second_factor', v_session.second_factor);
END
$$
--;;
CREATE FUNCTION app.enter(p_me jsonb, p_request text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM app.set_binding(p_me ->> 'org_id', p_me ->> 'user_id', p_me ->> 'caps', p_me ->> 'seal', coalesce(p_me ->> 'portal', 'portal_public'), p_request);
END
$$
--;;
CREATE FUNCTION app.set_binding(p_org text, p_user text, p_caps text, p_seal text, p_portal text, p_request text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.org_id', coalesce(p_org, ''), true), set_config('app.user_id', coalesce(p_user, ''), true),
          set_config('app.caps', coalesce(p_caps, ''), true), set_config('app.seal', coalesce(p_seal, ''), true),
          set_config('app.request_id', coalesce(p_request, ''), true),
          set_config('app.reason', '', true), set_config('app.event_at', '', true), set_config('role', p_portal, true);
END
$$
--;;
CREATE FUNCTION app.bind(p_digest bytea, p_org uuid, p_portals text[], p_hostel uuid, p_request text, p_full boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_me jsonb := CASE WHEN p_digest IS NOT NULL THEN app.identify(p_digest, p_org, p_portals, p_hostel, p_full) END;
BEGIN
  PERFORM app.enter(v_me, p_request);
  RETURN v_me;
END
$$
--;;
CREATE FUNCTION app.bind_as(p_user integer, p_org uuid, p_portals text[], p_hostel uuid, p_request text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_me jsonb := app.describe_member(p_user, p_org, p_portals, p_hostel);
BEGIN
  IF v_me IS NULL OR (v_me ->> 'org_id')::uuid IS DISTINCT FROM p_org THEN
    RAISE EXCEPTION 'Person % has no active role in this organization.', p_user USING ERRCODE = 'VR403';
  END IF;
  PERFORM app.enter(v_me, p_request);
  RETURN v_me;
END
$$
--;;
CREATE FUNCTION app.describe_member(p_user integer, p_org uuid, p_portals text[], p_hostel uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.sealed(app.describe(p_user, p_org, p_portals, p_hostel, true))
$$
--;;
CREATE FUNCTION app.bind_system(p_org uuid, p_request text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM app.set_binding(p_org::text, '', '*', app.system_seal(p_org), 'portal_admin', p_request);
END
$$
--;;
CREATE FUNCTION app.system_seal(p_org uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  RETURN app.seal_of('portal_admin', p_org::text, '', '*');
END
$$
--;;
CREATE FUNCTION app.sealed(p_me jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT p_me || jsonb_build_object('seal', app.seal_of(
    p_me ->> 'portal', coalesce(p_me ->> 'org_id', ''), coalesce(p_me ->> 'user_id', ''), coalesce(p_me ->> 'caps', '')))
$$
--;;
CREATE FUNCTION app.member_in_reach(p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.org_wide('hostels', 'read') OR p_user = app.current_user_id() OR EXISTS (
    SELECT FROM memberships m WHERE m.org_id = app.current_org() AND m.user_id = p_user
    AND (m.hostel_id IS NULL OR m.hostel_id = ANY (app.reach('hostels', 'read'))))
$$
--;;
CREATE FUNCTION app.assert_may_grant(p_role text, p_hostel uuid, p_action text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_rank smallint := (SELECT rank FROM roles WHERE role = p_role);
  -- Only roles that reach the place count: the manager of one hostel makes nobody anything in another.
  v_mine smallint := (SELECT max(rank) FROM app.active_roles(app.current_org(), app.current_user_id())
                      WHERE hostel_id IS NULL OR hostel_id = p_hostel);
BEGIN
  IF app.current_org() IS NULL OR NOT app.allowed_in('members', p_action, p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you change who works here.' USING ERRCODE = 'VR403';
  END IF;
  IF v_rank IS NULL OR p_role = 'super_admin' THEN
    RAISE EXCEPTION 'There is no such role in an organization.' USING ERRCODE = 'VR422';
  END IF;
  IF NOT app.is_system() AND v_rank >= coalesce(v_mine, 0)
     AND v_mine IS DISTINCT FROM (SELECT rank FROM roles WHERE role = 'owner') THEN
    RAISE EXCEPTION 'You cannot give or take a role at or above your own.' USING ERRCODE = 'VR403';
  END IF;
END
$$
--;;
CREATE FUNCTION app.grant_role(p_user integer, p_role text, p_hostel uuid, p_from timestamptz, p_until timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid;
BEGIN
  PERFORM app.assert_may_grant(p_role, p_hostel, 'create');
  IF NOT EXISTS (SELECT FROM members WHERE org_id = app.current_org() AND user_id = p_user) THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
  END IF;
  IF p_role = 'owner' AND p_until IS NOT NULL THEN
    RAISE EXCEPTION 'Ownership has no end date.' USING ERRCODE = 'VR422', COLUMN = 'valid_until';
  END IF;
  UPDATE members SET removed_at = NULL WHERE org_id = app.current_org() AND user_id = p_user AND removed_at IS NOT NULL;
  INSERT INTO memberships (org_id, user_id, role, hostel_id, valid_from, valid_until)
  VALUES (app.current_org(), p_user, p_role, p_hostel, p_from, p_until) RETURNING id INTO v_id;
  RETURN v_id;
END
$$;

-- p_status NULL takes the role away
--;;
CREATE FUNCTION app.change_role(p_id uuid, p_status text, p_from timestamptz, p_until timestamptz, p_version timestamptz DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row memberships;
BEGIN
  SELECT * INTO v_row FROM memberships WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no such membership.' USING ERRCODE = 'VR404';
  END IF;
  IF v_row.updated_at <> p_version THEN
    RAISE EXCEPTION 'Somebody saved this first. What you typed is still here.' USING ERRCODE = 'VR409';
  END IF;
  -- Anybody may give up a role of their own, but suspending or prolonging it is for others.
  IF NOT (p_status IS NULL AND v_row.user_id = app.current_user_id()) THEN
    PERFORM app.assert_may_grant(v_row.role, v_row.hostel_id, CASE WHEN p_status IS NULL THEN 'delete' ELSE 'update' END);
  END IF;
  IF p_status IS NULL THEN
    DELETE FROM memberships WHERE org_id = v_row.org_id AND id = p_id;
  ELSE
    UPDATE memberships SET status = p_status, valid_from = p_from, valid_until = p_until
    WHERE org_id = v_row.org_id AND id = p_id;
  END IF;
  IF NOT EXISTS (SELECT FROM memberships WHERE org_id = v_row.org_id AND user_id = v_row.user_id) THEN
    UPDATE members SET removed_at = app.now() WHERE org_id = v_row.org_id AND user_id = v_row.user_id;
  END IF;
END
$$;

-- All roles of a person at once: 'active', 'suspended', or NULL to remove them from the organization
--;;
CREATE FUNCTION app.change_person(p_user integer, p_status text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row memberships;
BEGIN
  FOR v_row IN SELECT * FROM memberships WHERE org_id = app.current_org() AND user_id = p_user ORDER BY id LOOP
    PERFORM app.change_role(v_row.id, p_status, v_row.valid_from, v_row.valid_until);
  END LOOP;
  IF v_row.id IS NULL THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
  END IF;
END
$$
--;;
CREATE FUNCTION app.transfer_ownership(p_to integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_me integer := app.current_user_id();
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('owners:' || v_org, 0));
  IF NOT EXISTS (SELECT FROM app.active_roles(v_org, v_me) WHERE role = 'owner') THEN
    RAISE EXCEPTION 'Only an owner can hand over ownership.' USING ERRCODE = 'VR403';
  END IF;
  IF p_to = v_me THEN
    RAISE EXCEPTION 'You are the owner already.' USING ERRCODE = 'VR422';
  END IF;
  IF NOT EXISTS (SELECT FROM app.active_roles(v_org, p_to) WHERE portal NOT IN ('portal_resident', 'portal_public')) THEN
    RAISE EXCEPTION 'Ownership can only go to somebody who works here at present.' USING ERRCODE = 'VR422';
  END IF;
  INSERT INTO memberships (org_id, user_id, role) VALUES (v_org, p_to, 'owner')
  ON CONFLICT (org_id, user_id, role, hostel_id) DO UPDATE SET status = 'active', valid_from = NULL, valid_until = NULL;
  INSERT INTO memberships (org_id, user_id, role) VALUES (v_org, v_me, 'administrator')
  ON CONFLICT (org_id, user_id, role, hostel_id) DO UPDATE SET status = 'active', valid_from = NULL, valid_until = NULL;
  DELETE FROM memberships WHERE org_id = v_org AND user_id = v_me AND role = 'owner';
END
$$
--;;
CREATE FUNCTION app.add_member(p_user integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() OR app.current_org() IS NULL THEN
    RAISE EXCEPTION 'People join by an invitation.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO members (org_id, user_id, name, email)
  SELECT app.current_org(), u.id, btrim(u.first_name || ' ' || u.last_name), u.email FROM ab_user u WHERE u.id = p_user
  ON CONFLICT ON CONSTRAINT members_pkey DO UPDATE SET removed_at = NULL;
END
$$
--;;
CREATE FUNCTION app.keep_an_owner() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF OLD.role = 'owner' AND OLD.status = 'active'
     AND (TG_OP = 'DELETE' OR NEW.role <> 'owner' OR NEW.status <> 'active' OR NEW.valid_until IS NOT NULL) THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('owners:' || OLD.org_id, 0));
    IF NOT EXISTS (SELECT FROM memberships WHERE org_id = OLD.org_id AND role = 'owner' AND status = 'active'
                   AND id <> OLD.id AND valid_until IS NULL) THEN
      RAISE EXCEPTION 'The last owner cannot leave: make somebody else an owner first.' USING ERRCODE = 'VR409';
    END IF;
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;

-- The same invitation asked for twice is one
--;;
CREATE FUNCTION app.invite(p_id uuid, p_email text, p_name text, p_role text, p_hostel uuid, p_team_member uuid, p_digest bytea, p_expires timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_email text := lower(btrim(p_email));
BEGIN
  PERFORM app.assert_may_grant(p_role, p_hostel, 'create');
  PERFORM pg_advisory_xact_lock(hashtextextended('invite:' || v_org || v_email, 0));
  IF EXISTS (SELECT FROM invitations WHERE org_id = v_org AND id = p_id) THEN
    RETURN false;
  END IF;
  IF EXISTS (SELECT FROM memberships m JOIN members p ON p.org_id = m.org_id AND p.user_id = m.user_id
             WHERE m.org_id = v_org AND lower(p.email) = v_email AND m.role = p_role
               AND m.hostel_id IS NOT DISTINCT FROM p_hostel AND m.status = 'active') THEN
    RAISE EXCEPTION 'This person has this role already.' USING ERRCODE = 'VR409', COLUMN = 'email';
  END IF;
  UPDATE invitations SET status = 'expired', digest = NULL
  WHERE org_id = v_org AND lower(email) = v_email AND status = 'pending' AND expires_at <= app.now();
  INSERT INTO invitations (org_id, id, email, name, role, hostel_id, team_member_id, digest, expires_at)
  VALUES (v_org, p_id, v_email, btrim(p_name), p_role, p_hostel, p_team_member, p_digest, p_expires);
  RETURN true;
END
$$
--;;
CREATE FUNCTION app.change_invitation(p_id uuid, p_digest bytea, p_expires timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row invitations;
BEGIN
  SELECT * INTO v_row FROM invitations
  WHERE org_id = app.current_org() AND id = p_id AND status IN ('pending', 'expired') FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no such open invitation.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_may_grant(v_row.role, v_row.hostel_id, 'create');
  UPDATE invitations SET status = CASE WHEN p_digest IS NULL THEN 'revoked' ELSE 'pending' END, digest = p_digest,
    expires_at = coalesce(p_expires, expires_at) WHERE org_id = v_row.org_id AND id = p_id;
END
$$
--;;
CREATE FUNCTION app.is_account_unused(p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM ab_user WHERE id = p_user AND last_login IS NULL)
     AND EXISTS (SELECT FROM memberships WHERE user_id = p_user AND status = 'invited')
     AND NOT EXISTS (SELECT FROM memberships WHERE user_id = p_user AND status <> 'invited')
     AND NOT EXISTS (SELECT FROM invitations WHERE accepted_by = p_user)
$$;

-- What the page behind an invitation's link may show
--;;
CREATE FUNCTION app.open_invitation(p_digest bytea) RETURNS TABLE (org_id uuid, organization text, email text, name text, role text, hostel text, user_id integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.org_id, o.name, i.email, i.name, i.role,
         (SELECT h.name FROM hostels h WHERE h.org_id = i.org_id AND h.id = i.hostel_id),
         (SELECT u.id FROM ab_user u WHERE lower(u.email) = lower(i.email) AND NOT app.is_account_unused(u.id))
  FROM invitations i JOIN organizations o ON o.id = i.org_id AND o.deleted_at IS NULL
  WHERE i.digest = p_digest AND i.status = 'pending' AND i.expires_at > app.now()
$$;

-- Used once: the row is locked, and its digest forgotten. Makes the account if the address has none
--;;
CREATE FUNCTION app.accept_invitation(p_digest bytea, p_name text, p_user integer) RETURNS TABLE (user_id integer, org_id uuid, is_new boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_row invitations;
  v_user integer;
  v_new boolean := false;
BEGIN
  SELECT i.* INTO v_row FROM invitations i
  WHERE i.digest = p_digest AND i.status = 'pending' AND i.expires_at > app.now() FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'This invitation was used, withdrawn or has expired. Ask for a new one.' USING ERRCODE = 'VR404';
  END IF;
  -- What its author may no longer give, their invitation gives no longer.
  IF v_row.created_by IS NOT NULL AND NOT EXISTS (
      SELECT FROM app.active_roles(v_row.org_id, v_row.created_by) a
      WHERE (a.hostel_id IS NULL OR a.hostel_id = v_row.hostel_id)
        AND (a.role = 'owner' OR a.rank > (SELECT r.rank FROM roles r WHERE r.role = v_row.role))) THEN
    RAISE EXCEPTION 'This invitation was used, withdrawn or has expired. Ask for a new one.' USING ERRCODE = 'VR404';
  END IF;
  SELECT u.id INTO v_user FROM ab_user u WHERE lower(u.email) = lower(v_row.email);
  IF v_user IS NOT NULL AND v_user IS DISTINCT FROM p_user AND NOT app.is_account_unused(v_user) THEN
    RAISE EXCEPTION 'Please sign in as % to accept this invitation.', v_row.email USING ERRCODE = 'VR403';
  END IF;
  IF v_user IS NULL THEN
    v_user := app.create_account(v_row.email, coalesce(NULLIF(btrim(p_name), ''), v_row.name));
    v_new := true;
  END IF;
  PERFORM app.assume(v_row.org_id, v_user);
  INSERT INTO members AS m (org_id, user_id, name, email)
  SELECT v_row.org_id, u.id, btrim(u.first_name || ' ' || u.last_name), u.email FROM ab_user u WHERE u.id = v_user
  ON CONFLICT ON CONSTRAINT members_pkey DO UPDATE SET removed_at = NULL;
  INSERT INTO memberships AS m (org_id, user_id, role, hostel_id, created_by)
  VALUES (v_row.org_id, v_user, v_row.role, v_row.hostel_id, v_row.created_by)
  ON CONFLICT (org_id, user_id, role, hostel_id) DO UPDATE SET status = 'active';
  UPDATE team_members t SET user_id = v_user WHERE t.org_id = v_row.org_id AND t.id = v_row.team_member_id;
  UPDATE invitations i SET status = 'accepted', digest = NULL, accepted_by = v_user
  WHERE i.org_id = v_row.org_id AND i.id = v_row.id;
  RETURN QUERY SELECT v_user, v_row.org_id, v_new;
END
$$;

-- A person's account
--;;
CREATE FUNCTION app.create_account(p_email text, p_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_name text := regexp_replace(btrim(p_name), '\s+', ' ', 'g');
  v_email text := lower(btrim(p_email));
  v_id integer;
BEGIN
  IF EXISTS (SELECT FROM ab_user WHERE lower(email) = v_email) THEN
    RAISE EXCEPTION 'There is an account with this e-mail address already.' USING ERRCODE = 'VR409';
  END IF;
  INSERT INTO ab_user (id, first_name, last_name, username, email, active, login_count, fail_login_count, created_on, changed_on)
  VALUES (nextval('ab_user_id_seq'), left(regexp_replace(v_name, ' [^ ]*$', ''), 64),
          left(coalesce(substring(v_name FROM ' ([^ ]*)$'), ''), 64), v_email, v_email, true, 0, 0, now(), now())
  RETURNING id INTO v_id;
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.end_session(p_id uuid) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH done AS (
    UPDATE user_sessions SET ended_at = app.now()
    WHERE id = p_id AND ended_at IS NULL AND user_id = app.current_user_id() RETURNING 1)
  SELECT EXISTS (SELECT FROM done)
$$
--;;
CREATE FUNCTION app.end_sessions(p_user integer, p_but uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  IF p_user <> app.current_user_id() THEN
    IF NOT EXISTS (SELECT FROM members WHERE org_id = app.current_org() AND user_id = p_user) THEN
      RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
    END IF;
    PERFORM app.assert_may_grant(m.role, m.hostel_id, 'update') FROM memberships m
    WHERE m.org_id = app.current_org() AND m.user_id = p_user;
  END IF;
  UPDATE user_sessions SET ended_at = app.now()
  WHERE user_id = p_user AND ended_at IS NULL AND id IS DISTINCT FROM p_but;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$
--;;
CREATE FUNCTION app.set_platform_role(p_user integer, p_held boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF p_held THEN
    INSERT INTO platform_roles (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
  ELSE
    DELETE FROM platform_roles WHERE user_id = p_user;
  END IF;
END
$$
--;;
CREATE FUNCTION app.find_user(p_email text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT id FROM ab_user WHERE lower(email) = lower(btrim(p_email))
$$
--;;
CREATE FUNCTION app.set_account_active(p_user integer, p_active boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE ab_user SET active = p_active, changed_on = now() WHERE id = p_user;
  UPDATE user_sessions SET ended_at = app.now() WHERE user_id = p_user AND ended_at IS NULL AND NOT p_active
$$
--;;
CREATE FUNCTION app.account_address(p_user integer) RETURNS TABLE (email text, name text, language text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT email, btrim(first_name || ' ' || last_name), app.language_of(id) FROM ab_user WHERE id = p_user AND active
$$
--;;
CREATE FUNCTION app.refuse_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% is a log: rows are never changed or removed.', TG_TABLE_NAME USING ERRCODE = 'VR403';
END
$$
--;;
CREATE FUNCTION app.masked(p_row jsonb, p_columns text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT p_row || coalesce((SELECT jsonb_object_agg(c, '•••') FROM unnest(p_columns) c WHERE p_row ->> c IS NOT NULL), '{}')
$$
--;;
CREATE FUNCTION app.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  -- The keys of the search box repeat the name; how often somebody asked is told by the inquiries themselves.
  v_before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - '{updated_at,name_key,last_name_key,last_asked_at,times_asked}'::text[] END;
  v_after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - '{updated_at,name_key,last_name_key,last_asked_at,times_asked}'::text[] END;
  v_row jsonb := coalesce(v_after, v_before);
  v_user integer := app.current_user_id();
BEGIN
  IF TG_OP = 'UPDATE' THEN
    SELECT jsonb_object_agg(b.key, b.value), jsonb_object_agg(b.key, v_after -> b.key) INTO v_before, v_after
    FROM jsonb_each(v_before) b WHERE b.value IS DISTINCT FROM v_after -> b.key;
    IF v_before IS NULL THEN
      RETURN NULL;
    END IF;
  END IF;
  IF TG_NARGS > 0 THEN
    v_before := app.masked(v_before, TG_ARGV);
    v_after := app.masked(v_after, TG_ARGV);
  END IF;
  INSERT INTO audit_log (org_id, actor_id, actor, portal, request_id, action, table_name, row_id, hostel_id, before, after, reason)
  VALUES (CASE WHEN TG_TABLE_NAME = 'organizations' THEN (v_row ->> 'id')::uuid ELSE (v_row ->> 'org_id')::uuid END,
          v_user,
          CASE WHEN v_user IS NOT NULL THEN 'user' WHEN app.is_system() THEN 'system' ELSE session_user::text END,
          current_setting('role'), NULLIF(current_setting('app.request_id', true), ''), lower(TG_OP), TG_TABLE_NAME,
          coalesce(v_row ->> 'id', v_row ->> 'user_id'), (v_row ->> 'hostel_id')::uuid, v_before, v_after,
          NULLIF(coalesce(NULLIF(current_setting('app.reason', true), ''), current_setting('app.note', true)), ''));
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.note_event(p_action text, p_subject text, p_row text, p_reason text, p_data jsonb DEFAULT NULL) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO audit_log (org_id, actor_id, actor, portal, request_id, action, table_name, row_id, after, reason)
  VALUES (app.current_org(), app.current_user_id(),
          CASE WHEN app.current_user_id() IS NOT NULL THEN 'user' WHEN app.is_system() THEN 'system'
               ELSE session_user::text END,
          current_setting('role'), NULLIF(current_setting('app.request_id', true), ''), p_action, p_subject, p_row, p_data,
          p_reason)
  RETURNING seq
$$
--;;
CREATE FUNCTION app.note_account(p_user integer, p_action text, p_data jsonb DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO audit_log (org_id, actor_id, actor, portal, action, table_name, row_id, after)
  SELECT m.org_id, p_user, 'user', 'sign-in', p_action, 'ab_user', p_user::text, p_data
  FROM (SELECT org_id FROM members WHERE user_id = p_user AND removed_at IS NULL
        UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT FROM members WHERE user_id = p_user AND removed_at IS NULL)) m
$$
--;;
CREATE FUNCTION app.audit_horizon() RETURNS TABLE (at timestamptz, seq bigint, system_id text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT clock_timestamp(), coalesce(pg_sequence_last_value('public.audit_log_seq_seq'), 0), system_identifier::text
  FROM pg_control_system()
$$
--;;
CREATE FUNCTION app.audit_state() RETURNS TABLE (batches bigint, last_sealed_at timestamptz, unsealed_rows bigint, oldest_unsealed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  -- Late commits have a batch end below the one before it: the highest of the last ones counts.
  WITH newest AS (SELECT number, sealed_at, last_seq FROM audit_batches ORDER BY number DESC LIMIT 100),
       waiting AS (SELECT at FROM audit_log
                   WHERE seq > coalesce((SELECT max(last_seq) FROM newest), 0) ORDER BY seq LIMIT 100000)
  SELECT coalesce((SELECT max(number) FROM newest), 0), (SELECT max(sealed_at) FROM newest), count(*), min(at)
  FROM waiting
$$;

-- Which batch an entry of the caller's organization is sealed in
--;;
CREATE FUNCTION app.audit_seal_of(p_seq bigint) RETURNS TABLE (batch bigint, sealed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT b.number, b.sealed_at
  FROM audit_log l JOIN audit_batches b ON l.seq BETWEEN b.first_seq AND b.last_seq AND l.seq = ANY (b.seqs)
  WHERE l.seq = p_seq AND l.org_id = app.current_org() AND app.can('audit', 'read')
$$
--;;
CREATE FUNCTION app.edits_of(p_table text, p_row text, p_resource text, p_state text) RETURNS TABLE (at timestamptz, seq bigint, actor_id integer, actor text, action text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT l.at, l.seq, l.actor_id, l.actor, l.action FROM audit_log l
  WHERE l.org_id = app.current_org() AND l.table_name = p_table AND l.row_id = p_row
    AND app.can(p_resource, 'read') AND coalesce(l.hostel_id = ANY ((SELECT app.reach(p_resource, 'read'))::uuid[]), true)
    AND (p_state IS NULL OR (l.action <> 'insert' AND NOT (l.action = 'update' AND l.after ? p_state)))
$$
--;;
CREATE FUNCTION app.file_is_shown(p_file uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM maintenance_attachments a
    JOIN maintenance_requests r ON r.org_id = a.org_id AND r.id = a.request_id
    WHERE a.org_id = app.current_org() AND a.file_id = p_file AND a.deleted_at IS NULL AND r.deleted_at IS NULL
      AND r.user_id = app.current_user_id() AND app.is_admitted())
  OR EXISTS (
    SELECT FROM room_photos p JOIN files f ON f.org_id = p.org_id AND f.id = p.file_id AND f.purpose = 'room'
    WHERE p.org_id = app.current_org() AND p.file_id = p_file AND p.deleted_at IS NULL
      AND app.is_admitted() AND app.allowed_in('rooms', 'read', p.hostel_id))
  OR EXISTS (
    SELECT FROM canteen_menu d JOIN files f ON f.org_id = d.org_id AND f.id = d.photo_id AND f.purpose = 'dish'
    WHERE d.org_id = app.current_org() AND d.photo_id = p_file AND d.deleted_at IS NULL
      AND app.is_admitted() AND app.allowed_in('canteen', 'read', d.hostel_id))
  OR EXISTS (
    SELECT FROM hostel_events e JOIN files f ON f.org_id = e.org_id AND f.id = e.photo_id AND f.purpose = 'event'
    WHERE e.org_id = app.current_org() AND e.photo_id = p_file AND e.deleted_at IS NULL AND e.status <> 'draft'
      AND app.is_admitted() AND app.event_in_reach(e.hostel_id, 'read'))
  OR EXISTS (
    SELECT FROM move_out_photos p
    WHERE p.org_id = app.current_org() AND p.file_id = p_file AND p.user_id = app.current_user_id() AND app.is_admitted())
$$
--;;
CREATE FUNCTION app.count_storage() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM app.add_usage(NEW.org_id, 'storage', NEW.size);
  ELSIF OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN
    PERFORM app.add_usage(NEW.org_id, 'storage', -NEW.size);
  ELSIF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN
    PERFORM app.add_usage(NEW.org_id, 'storage', NEW.size);
  END IF;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.is_my_request(p_request uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM maintenance_requests WHERE org_id = app.current_org() AND id = p_request
                 AND user_id = app.current_user_id() AND deleted_at IS NULL)
$$;

-- Raises a request. In the residents' portal it is the caller's own and counts against the ten of the hostel's day
--;;
CREATE FUNCTION app.submit_request(p_hostel uuid, p_category uuid, p_issue uuid, p_room uuid, p_place text, p_description text, p_priority text, p_for integer DEFAULT NULL, p_id uuid DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_zone text;
  v_day timestamptz;
  v_id uuid;
BEGIN
  PERFORM set_config('app.event_at', '', true), set_config('app.event', 'submit', true), set_config('app.note', '', true);
  SELECT timezone INTO v_zone FROM hostels WHERE org_id = v_org AND id = p_hostel AND deleted_at IS NULL;
  IF NOT FOUND OR NOT (app.is_staff() OR app.is_admitted()) OR NOT app.allowed_in('maintenance', 'read', p_hostel) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404', COLUMN = 'hostel';
  END IF;
  IF NOT app.allowed_in('maintenance', 'create', p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you raise requests here.' USING ERRCODE = 'VR403';
  END IF;
  IF NOT app.is_staff() THEN
    p_for := app.current_user_id();
    v_day := date_trunc('day', app.now() AT TIME ZONE v_zone) AT TIME ZONE v_zone;
    IF NOT app.count_hit('maintenance_request', v_org || ':' || p_for, v_day, 10) THEN
      RAISE EXCEPTION 'You have raised 10 requests today, which is the limit. For an emergency, please call the hostel.'
        USING ERRCODE = 'VR429';
    END IF;
  END IF;
  INSERT INTO maintenance_requests (org_id, id, hostel_id, number, user_id, category_id, issue_type_id, room_id, place,
                                    description, priority, raised_at, clock_started_at)
  VALUES (v_org, coalesce(p_id, uuidv7()), p_hostel, app.next_number(v_org, 'maintenance', p_hostel), coalesce(p_for, app.current_user_id()), p_category,
          p_issue, p_room, coalesce(btrim(p_place), ''), coalesce(btrim(p_description), ''), p_priority, app.now(), app.now())
  RETURNING id INTO v_id;
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.check_request_fits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.issue_type_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM maintenance_issue_types t
      WHERE t.org_id = NEW.org_id AND t.id = NEW.issue_type_id AND t.category_id = NEW.category_id) THEN
    RAISE EXCEPTION 'This kind of issue belongs to another category.' USING ERRCODE = 'VR422', COLUMN = 'issue_type';
  END IF;
  IF NEW.room_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM rooms r WHERE r.org_id = NEW.org_id AND r.id = NEW.room_id AND r.hostel_id = NEW.hostel_id) THEN
    RAISE EXCEPTION 'This room is in another hostel.' USING ERRCODE = 'VR422', COLUMN = 'room';
  END IF;
  RETURN NEW;
END
$$
--;;
CREATE FUNCTION app.request_clock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_at timestamptz := app.event_time();
  v_target maintenance_sla_targets;
BEGIN
  IF NEW.status IN ('on_hold', 'resolved', 'rejected') THEN
    NEW.held_since := coalesce(NEW.held_since, greatest(v_at, NEW.clock_started_at));
  ELSIF NEW.held_since IS NOT NULL THEN
    NEW.held := NEW.held + greatest(v_at - NEW.held_since, interval '0');
    NEW.held_since := NULL;
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.status <> OLD.status THEN
    NEW.resolved_at := CASE WHEN NEW.status = 'resolved' THEN v_at END;
    IF NEW.status = 'escalated' THEN
      NEW.escalated_at := v_at;
    END IF;
  END IF;
  SELECT * INTO v_target FROM maintenance_sla_targets WHERE priority = NEW.priority;
  NEW.resolve_by := NEW.clock_started_at + make_interval(mins => v_target.resolve_minutes) + NEW.held;
  NEW.escalate_at := NEW.clock_started_at + make_interval(mins => v_target.escalate_minutes) + NEW.held;
  RETURN NEW;
END
$$
--;;
CREATE FUNCTION app.write_request_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_seq bigint;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.status = OLD.status THEN
    RETURN NULL;
  END IF;
  INSERT INTO maintenance_status_history (org_id, hostel_id, request_id, from_status, to_status, event, changed_by,
                                          triggered_by, note, event_at)
  VALUES (NEW.org_id, NEW.hostel_id, NEW.id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, NEW.status,
          NULLIF(current_setting('app.event', true), ''), app.current_user_id(),
          CASE WHEN app.current_user_id() IS NULL THEN 'system' ELSE 'user' END,
          coalesce(current_setting('app.note', true), ''), app.event_time())
  RETURNING seq INTO v_seq;
  -- An imported history tells nobody anything.
  IF coalesce(current_setting('app.event_at', true), '') = '' THEN
    PERFORM app.enqueue('maintenance.moved', jsonb_build_object('request_id', NEW.id, 'seq', v_seq), 'history:' || v_seq);
  END IF;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.give_request(p_request uuid, p_hostel uuid, p_user integer, p_outside text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE maintenance_assignments SET active = false, released_at = app.event_time()
  WHERE org_id = app.current_org() AND request_id = p_request AND active;
  IF p_user IS NOT NULL OR p_outside IS NOT NULL THEN
    INSERT INTO maintenance_assignments (org_id, hostel_id, request_id, user_id, outside_party, assigned_at)
    VALUES (app.current_org(), p_hostel, p_request, p_user, p_outside, app.event_time());
  END IF;
END
$$;

-- Who is meant by {"user_id": …} or {"outside_party": …}
--;;
CREATE FUNCTION app.assert_assignee(p_hostel uuid, p_args jsonb) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF (p_args ->> 'user_id' IS NULL) = (NULLIF(btrim(p_args ->> 'outside_party'), '') IS NULL) THEN
    RAISE EXCEPTION 'Choose one person, or name one outside party.' USING ERRCODE = 'VR422', COLUMN = 'assignee';
  END IF;
  IF p_args ->> 'user_id' IS NOT NULL AND NOT app.person_can((p_args ->> 'user_id')::int, 'maintenance', 'update', p_hostel) THEN
    RAISE EXCEPTION 'This person does not do repairs in this hostel.' USING ERRCODE = 'VR422', COLUMN = 'assignee';
  END IF;
END
$$;

-- Staff change only what is assigned to them and may claim what is assigned to nobody
--;;
CREATE FUNCTION app.on_request_move(p_id uuid, p_event text, p_from text, p_to text, p_args jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_me integer := app.current_user_id();
  v_request maintenance_requests;
  v_holder maintenance_assignments;
  v_decides boolean;
BEGIN
  SELECT * INTO v_request FROM maintenance_requests WHERE org_id = app.current_org() AND id = p_id;
  SELECT * INTO v_holder FROM maintenance_assignments WHERE org_id = app.current_org() AND request_id = p_id AND active;
  v_decides := app.is_system() OR app.allowed_in('maintenance', 'approve', v_request.hostel_id);
  IF NOT app.is_staff() AND v_request.user_id IS DISTINCT FROM v_me THEN
    RAISE EXCEPTION 'There is no such maintenance request.' USING ERRCODE = 'VR404';
  END IF;
  IF p_event = 'claim' THEN
    IF v_holder.id IS NOT NULL AND v_holder.user_id IS DISTINCT FROM v_me THEN
      RAISE EXCEPTION '% has claimed this request already.', coalesce(
        (SELECT name FROM members WHERE org_id = v_request.org_id AND user_id = v_holder.user_id), v_holder.outside_party)
        USING ERRCODE = 'VR409';
    END IF;
    IF p_to IS NOT NULL AND v_holder.id IS NULL THEN
      PERFORM app.give_request(p_id, v_request.hostel_id, v_me, NULL);
    END IF;
    RETURN;
  END IF;
  IF p_to IS NULL OR p_event = 'mark_unassigned' THEN
    RETURN;
  END IF;
  IF p_event = 'dispute' THEN
    IF v_request.user_id IS DISTINCT FROM v_me THEN
      RAISE EXCEPTION 'Only the person who raised a request can say that it is not fixed.' USING ERRCODE = 'VR403';
    END IF;
    IF v_request.resolved_at < app.now() - interval '7 days' THEN
      RAISE EXCEPTION 'This request was resolved more than 7 days ago: please raise a new one.' USING ERRCODE = 'VR409';
    END IF;
    RETURN;
  END IF;
  IF NOT v_decides AND v_holder.user_id IS DISTINCT FROM v_me THEN
    IF v_holder.id IS NULL THEN
      RAISE EXCEPTION 'This request is assigned to nobody: claim it first.' USING ERRCODE = 'VR403';
    END IF;
    RAISE EXCEPTION 'This request is assigned to somebody else.' USING ERRCODE = 'VR403';
  END IF;
  IF p_event = 'assign' THEN
    PERFORM app.assert_assignee(v_request.hostel_id, p_args);
    PERFORM app.give_request(p_id, v_request.hostel_id, (p_args ->> 'user_id')::int,
                             NULLIF(btrim(p_args ->> 'outside_party'), ''));
  ELSIF p_event IN ('release', 'reject') THEN
    PERFORM app.give_request(p_id, v_request.hostel_id, NULL, NULL);
  ELSIF p_event = 'start' AND v_holder.id IS NULL AND v_me IS NOT NULL THEN
    PERFORM app.give_request(p_id, v_request.hostel_id, v_me, NULL);
  ELSIF p_event = 'resolve' THEN
    UPDATE maintenance_requests SET resolution = current_setting('app.note')
    WHERE org_id = v_request.org_id AND id = p_id AND current_setting('app.note') <> '';
  END IF;
END
$$
--;;
CREATE FUNCTION app.reassign_request(p_id uuid, p_args jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_request maintenance_requests;
BEGIN
  PERFORM set_config('app.event_at', '', true);
  SELECT * INTO v_request FROM maintenance_requests
  WHERE org_id = app.current_org() AND id = p_id AND deleted_at IS NULL FOR UPDATE;
  IF NOT FOUND OR NOT app.allowed_in('maintenance', 'read', v_request.hostel_id) THEN
    RAISE EXCEPTION 'There is no such maintenance request.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT app.allowed_in('maintenance', 'approve', v_request.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  IF v_request.status NOT IN ('assigned', 'in_progress', 'on_hold', 'escalated') THEN
    RAISE EXCEPTION 'This maintenance request is %, so it cannot change hands.', replace(v_request.status, '_', ' ')
      USING ERRCODE = 'VR409';
  END IF;
  PERFORM app.assert_assignee(v_request.hostel_id, p_args);
  PERFORM app.give_request(p_id, v_request.hostel_id, (p_args ->> 'user_id')::int, NULLIF(btrim(p_args ->> 'outside_party'), ''));
  PERFORM app.enqueue('maintenance.reassigned', jsonb_build_object('request_id', p_id));
END
$$;

-- Escalates what is due in the bound organization
--;;
CREATE FUNCTION app.escalate_overdue(p_most integer) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid;
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'The sweep is the product''s own.' USING ERRCODE = 'VR403';
  END IF;
  FOR v_id IN
    SELECT id FROM maintenance_requests
    WHERE org_id = app.current_org() AND held_since IS NULL AND deleted_at IS NULL AND escalate_at <= app.now()
      AND escalated_at IS NULL AND status IN ('submitted', 'unassigned', 'assigned', 'in_progress')
    ORDER BY escalate_at LIMIT p_most FOR UPDATE SKIP LOCKED
  LOOP
    PERFORM app.move('maintenance_request', v_id, 'escalate', 'The time allowed for it has passed.');
    RETURN NEXT v_id;
  END LOOP;
END
$$
--;;
CREATE FUNCTION app.organizations_with_overdue() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT org_id FROM maintenance_requests
  WHERE held_since IS NULL AND deleted_at IS NULL AND escalate_at <= app.now()
    AND escalated_at IS NULL AND status IN ('submitted', 'unassigned', 'assigned', 'in_progress')
$$
--;;
CREATE FUNCTION app.follow_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  SELECT hostel_id INTO NEW.hostel_id FROM maintenance_requests
  WHERE org_id = NEW.org_id AND id = NEW.request_id AND deleted_at IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no such maintenance request.' USING ERRCODE = 'VR404';
  END IF;
  RETURN NEW;
END
$$
--;;
CREATE FUNCTION app.tell_of_comment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF coalesce(current_setting('app.event_at', true), '') = '' THEN
    PERFORM app.enqueue('maintenance.commented', jsonb_build_object('comment_id', NEW.id), 'comment:' || NEW.id);
  END IF;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.limit_attachments() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM 1 FROM maintenance_requests WHERE org_id = NEW.org_id AND id = NEW.request_id FOR UPDATE;
  IF (SELECT count(*) FROM maintenance_attachments
      WHERE org_id = NEW.org_id AND request_id = NEW.request_id AND deleted_at IS NULL) >= 5 THEN
    RAISE EXCEPTION 'A request takes 5 files, and it has them already.' USING ERRCODE = 'VR429';
  END IF;
  RETURN NEW;
END
$$;

-- One request from another system with its history at its own times: p_steps is [{event, state, at, note}] along
-- legal edges, the first being its submission. Daily limits and messages do not apply. A request that is still open
-- starts its clock now: nobody should be called at night about last year.
-- The product itself may say more of a step: who did it (by: a person's id
--;;
CREATE FUNCTION app.import_request(p_run uuid, p_hostel uuid, p_external text, p_category uuid, p_issue uuid, p_room uuid, p_place text, p_description text, p_priority text, p_resolution text, p_outside text, p_steps jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_trusted boolean := app.is_system();
  v_step jsonb;
  v_by integer;
  v_first timestamptz := (p_steps -> 0 ->> 'at')::timestamptz;
  v_closed boolean := p_steps -> -1 ->> 'state' IN ('resolved', 'rejected');
  v_id uuid;
BEGIN
  IF NOT app.allowed_in('imports', 'create', p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you import here.' USING ERRCODE = 'VR403';
  END IF;
  IF p_run IS NULL AND NOT v_trusted THEN
    RAISE EXCEPTION 'An import belongs to a run.' USING ERRCODE = 'VR422';
  END IF;
  FOR v_step IN SELECT s.value FROM jsonb_array_elements(p_steps) WITH ORDINALITY s ORDER BY s.ordinality
  LOOP
    PERFORM set_config('app.event_at', v_step ->> 'at', true), set_config('app.note', coalesce(v_step ->> 'note', ''), true),
            set_config('app.event', coalesce(CASE WHEN v_trusted THEN v_step ->> 'event' END, 'import'), true);
    IF v_trusted THEN
      v_by := (v_step ->> 'by')::int;
      PERFORM app.act_for(v_by);
    END IF;
    IF v_id IS NULL THEN
      INSERT INTO maintenance_requests (org_id, hostel_id, number, user_id, category_id, issue_type_id, room_id, place, description,
                                        priority, raised_at, clock_started_at, import_run_id, external_id, resolution)
      VALUES (v_org, p_hostel, app.next_number(v_org, 'maintenance', p_hostel), v_by, p_category, p_issue, p_room,
              coalesce(p_place, ''), coalesce(p_description, ''), p_priority, v_first,
              CASE WHEN v_closed OR p_run IS NULL THEN v_first ELSE app.now() END, p_run, p_external, coalesce(p_resolution, ''))
      RETURNING id INTO v_id;
    ELSIF v_trusted AND v_step ? 'comment' THEN
      INSERT INTO maintenance_comments (org_id, hostel_id, request_id, user_id, by_staff, body, created_at)
      VALUES (v_org, p_hostel, v_id, v_by, EXISTS (SELECT FROM app.active_roles(v_org, v_by) WHERE portal <> 'portal_resident'),
              v_step ->> 'comment', (v_step ->> 'at')::timestamptz);
    ELSIF v_trusted AND v_step ? 'file_id' THEN
      INSERT INTO maintenance_attachments (org_id, hostel_id, request_id, file_id, user_id, created_at)
      VALUES (v_org, p_hostel, v_id, (v_step ->> 'file_id')::uuid, v_by, (v_step ->> 'at')::timestamptz);
    ELSE
      IF v_step ->> 'state' = 'assigned' THEN
        PERFORM app.give_request(v_id, p_hostel, CASE WHEN v_trusted THEN (v_step ->> 'assignee')::int END,
          CASE WHEN v_trusted AND v_step ->> 'assignee' IS NOT NULL THEN NULL
               ELSE coalesce(NULLIF(btrim(p_outside), ''), 'Imported') END);
      END IF;
      UPDATE maintenance_requests SET status = v_step ->> 'state' WHERE org_id = v_org AND id = v_id;
    END IF;
  END LOOP;
  PERFORM set_config('app.event_at', '', true), set_config('app.note', '', true);
  IF v_trusted THEN
    PERFORM app.act_for(NULL);
  END IF;
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.is_vacant(p_bed uuid, p_period daterange) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT NOT EXISTS (SELECT FROM bed_allocations
                     WHERE org_id = app.current_org() AND bed_id = p_bed AND state = 'active' AND period && p_period)
$$
--;;
CREATE FUNCTION app.is_awaited(p_bed uuid, p_period daterange) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM bed_holds WHERE org_id = app.current_org() AND bed_id = p_bed AND state = 'queued'
                 AND daterange(from_on, until_on) && p_period)
$$
--;;
CREATE FUNCTION app.hold_time(p_hostel uuid, p_state text) RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT CASE p_state WHEN 'held' THEN make_interval(hours => hold_hours) ELSE make_interval(mins => offer_minutes) END
  FROM hostels WHERE org_id = app.current_org() AND id = p_hostel
$$
--;;
CREATE FUNCTION app.lodgers() RETURNS integer[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(array_agg(user_id), '{}') FROM (
    SELECT user_id FROM residents WHERE org_id = app.current_org() AND coalesce(hostel_id = ANY (app.reach('residents', 'read')), true)
    UNION SELECT user_id FROM bed_holds WHERE org_id = app.current_org() AND coalesce(hostel_id = ANY (app.reach('residents', 'read')), true)) known
$$;

-- Residents act for themselves in a house where they live or will
--;;
CREATE FUNCTION app.may_hold(p_hostel uuid, p_user integer, p_action text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT CASE WHEN app.is_system() THEN true
              WHEN app.is_staff() THEN app.allowed_in('residents', p_action, p_hostel)
              ELSE p_user = app.current_user_id() AND EXISTS (
                SELECT FROM app.active_roles(app.current_org(), p_user) r
                WHERE r.role IN ('resident', 'pending_resident') AND coalesce(r.hostel_id = p_hostel, true)) END
$$
--;;
CREATE FUNCTION app.note_hold(p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM set_config('app.event_at', '', true), set_config('app.note', left(coalesce(btrim(p_note), ''), 500), true);
END
$$
--;;
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
$$
--;;
CREATE FUNCTION app.end_hold(p_hold uuid, p_state text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE bed_holds SET state = p_state WHERE org_id = app.current_org() AND id = p_hold;
  UPDATE bed_allocations SET state = CASE p_state WHEN 'released' THEN 'released' ELSE 'expired' END
  WHERE org_id = app.current_org() AND hold_id = p_hold AND kind = 'hold' AND state = 'active';
END
$$
--;;
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

-- Locks beds, and those of the hostel with an overdue hold
--;;
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
$$
--;;
CREATE FUNCTION app.beds_held_by(p_hostel uuid, p_user integer) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(array_agg(bed_id), '{}') FROM bed_holds
  WHERE org_id = app.current_org() AND hostel_id = p_hostel AND user_id = p_user AND state IN ('offered', 'held')
$$;

-- Lets go of a person's other beds, and of their other places in line where p_lines
--;;
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
-- else the last place in line. Asked again it is the same hold
--;;
CREATE FUNCTION app.hold_bed(p_bed uuid, p_from date, p_until date DEFAULT NULL, p_user integer DEFAULT NULL, p_id uuid DEFAULT NULL) RETURNS uuid
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

-- The hold, its bed locked, if the caller may do this to it
--;;
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
$$
--;;
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
$$
--;;
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

-- Ends what is overdue, in one hostel or in all of the bound organization, and says how many
--;;
CREATE FUNCTION app.expire_holds(p_hostel uuid DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.note_hold('');
  RETURN app.take_beds(p_hostel, '{}');
END
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
CREATE FUNCTION app.assert_unawaited(p_bed uuid, p_period daterange) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF app.is_awaited(p_bed, p_period) THEN
    RAISE EXCEPTION 'Others wait in line for this bed on these days: they come first.' USING ERRCODE = 'VR409', COLUMN = 'bed';
  END IF;
END
$$
--;;
CREATE FUNCTION app.begin_stay(p_user integer, p_bed uuid, p_from date, p_until date DEFAULT NULL, p_hold uuid DEFAULT NULL, p_rent bigint DEFAULT NULL, p_mess text DEFAULT '', p_lunchbox boolean DEFAULT false, p_id uuid DEFAULT NULL) RETURNS uuid
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
$$
--;;
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

-- The stay, locked, on a day on which it lasts and which is not past
--;;
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
$$
--;;
CREATE FUNCTION app.beds_of_stay(p_stay uuid, p_on date) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(array_agg(bed_id), '{}') FROM bed_allocations
  WHERE org_id = app.current_org() AND stay_id = p_stay AND state = 'active' AND period && daterange(p_on, NULL)
$$
--;;
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

-- To another bed from a day on
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
CREATE FUNCTION app.block_bed(p_bed uuid, p_from date, p_until date DEFAULT NULL, p_request uuid DEFAULT NULL, p_why text DEFAULT '') RETURNS uuid
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
CREATE FUNCTION app.bed_choices(p_hostel uuid, p_from date, p_until date DEFAULT NULL) RETURNS TABLE (bed_id uuid, label text, room_id uuid, number text, floor text, level smallint, room_type_id uuid, state text, waiting bigint)
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
$$
--;;
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

-- Photos are in their room's hostel, whatever the caller says, and twelve at the most
--;;
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
$$
--;;
CREATE FUNCTION app.house_day(p_hostel uuid) RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT (app.now() AT TIME ZONE timezone)::date FROM hostels WHERE org_id = app.current_org() AND id = p_hostel
$$;

-- What a month in a kind of room costs on a day
--;;
CREATE FUNCTION app.rent_on(p_hostel uuid, p_room_type uuid, p_day date) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT amount_paise FROM tariffs
  WHERE org_id = app.current_org() AND hostel_id = p_hostel AND kind = 'rent' AND deleted_at IS NULL
    AND (room_type_id = p_room_type OR room_type_id IS NULL) AND daterange(valid_from, valid_until) @> p_day
  ORDER BY room_type_id NULLS LAST, id LIMIT 1
$$
--;;
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
$$
--;;
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
$$
--;;
CREATE FUNCTION app.keep_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF (to_jsonb(NEW) - ARRAY['paid_paise', 'reminded', 'updated_at', 'status', 'total_paise', 'reference'])
     IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['paid_paise', 'reminded', 'updated_at', 'status', 'total_paise', 'reference'])
     OR NEW.paid_paise < OLD.paid_paise THEN
    RAISE EXCEPTION 'An invoice that was issued is not changed: write a credit note.' USING ERRCODE = 'VR409';
  END IF;
  RETURN NEW;
END
$$
--;;
CREATE FUNCTION app.document_series(p_hostel uuid, p_day date, p_sort text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT code || '/' || y || '-' || lpad(((y + 1) % 100)::text, 2, '0') || '/' || p_sort
  FROM hostels CROSS JOIN LATERAL (SELECT extract(year FROM p_day - interval '3 months')) AS of_april (y) WHERE org_id = app.current_org() AND id = p_hostel
$$
--;;
CREATE FUNCTION app.next_document(p_hostel uuid, p_series text) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.next_number(app.current_org(), 'invoices/' || p_series, p_hostel)::integer
$$;

-- Issues what was not issued for its occasion before, and books it
--;;
CREATE FUNCTION app.issue_invoices(p_batch jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_one jsonb;
  v_id uuid;
  v_series text;
  v_posts jsonb := '[]';
BEGIN
  PERFORM app.assert_system();
  -- One at a time in a house, so that no number is taken for what turns out to be there.
  PERFORM pg_advisory_xact_lock(hashtextextended('billing/' || h, 0)) FROM (SELECT DISTINCT b ->> 'hostel' AS h FROM jsonb_array_elements(p_batch) b ORDER BY 1) x;
  FOR v_one IN SELECT b FROM jsonb_array_elements(p_batch) WITH ORDINALITY AS x (b, n) ORDER BY n LOOP
    CONTINUE WHEN EXISTS (SELECT FROM invoices WHERE org_id = v_org AND occasion = v_one ->> 'occasion');
    v_series := app.document_series((v_one ->> 'hostel')::uuid, (v_one ->> 'issued_on')::date, '');
    INSERT INTO invoices (org_id, hostel_id, user_id, resident_id, stay_id, kind, occasion, series, number, month, issued_on, due_on, seller, gstin, note,
                          currency, net_paise, tax_paise, created_by)
    SELECT v_org, h.id, (v_one ->> 'user')::integer, (v_one ->> 'resident')::uuid, (v_one ->> 'stay')::uuid, v_one ->> 'kind', v_one ->> 'occasion',
           v_series, app.next_document(h.id, v_series), (v_one ->> 'month')::date, (v_one ->> 'issued_on')::date, (v_one ->> 'due_on')::date, v_one ->> 'seller',
           v_one ->> 'gstin', coalesce(v_one ->> 'note', ''), h.currency, s.net, s.tax, NULL
    FROM hostels h, (SELECT sum((l ->> 'amount')::bigint) AS net, sum((l ->> 'cgst')::bigint + (l ->> 'sgst')::bigint + (l ->> 'igst')::bigint) AS tax
                     FROM jsonb_array_elements(v_one -> 'lines') l) s
    WHERE h.org_id = v_org AND h.id = (v_one ->> 'hostel')::uuid RETURNING id INTO v_id;
    PERFORM app.write_invoice_lines(v_id, v_one -> 'lines');
    v_posts := v_posts || jsonb_build_array(jsonb_build_object(
      'key', 'charge:' || (v_one ->> 'occasion'), 'hostel', v_one ->> 'hostel', 'source', 'invoices', 'source_id', v_id,
      'kind', CASE v_one ->> 'kind' WHEN 'deposit' THEN 'deposit' WHEN 'late_fee' THEN 'late_fee' ELSE 'charge' END,
      -- It happened on the day that it is of, also where that is written down later.
      'event_at', (SELECT CASE WHEN i.issued_on < app.house_day(i.hostel_id) THEN i.issued_on::timestamp AT TIME ZONE h.timezone END
                   FROM invoices i JOIN hostels h ON h.org_id = i.org_id AND h.id = i.hostel_id WHERE i.org_id = v_org AND i.id = v_id),
      'description', (SELECT reference FROM invoices WHERE org_id = v_org AND id = v_id), 'entries', app.invoice_entries(v_id)));
  END LOOP;
  IF jsonb_array_length(v_posts) > 0 THEN
    PERFORM app.post(v_posts);
  END IF;
  RETURN jsonb_array_length(v_posts);
END
$$
--;;
CREATE FUNCTION app.write_invoice_lines(p_invoice uuid, p_lines jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO invoice_lines (org_id, hostel_id, user_id, invoice_id, position, kind, account, description, from_on, until_on, amount_paise, tax_bp,
                             cgst_paise, sgst_paise, igst_paise, corrects_id)
  SELECT i.org_id, i.hostel_id, i.user_id, i.id, n, l ->> 'kind', l ->> 'account', left(coalesce(l ->> 'description', ''), 200), (l ->> 'from_on')::date,
         (l ->> 'until_on')::date, (l ->> 'amount')::bigint, (l ->> 'tax_bp')::smallint, (l ->> 'cgst')::bigint, (l ->> 'sgst')::bigint,
         (l ->> 'igst')::bigint, (l ->> 'corrects')::uuid
  FROM invoices i, jsonb_array_elements(p_lines) WITH ORDINALITY AS x (l, n) WHERE i.org_id = app.current_org() AND i.id = p_invoice
$$
--;;
CREATE FUNCTION app.invoice_entries(p_invoice uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT jsonb_build_array(jsonb_build_object('code', 'receivable', 'user', i.user_id, 'amount', -i.total_paise))
    || (SELECT jsonb_agg(jsonb_build_object('code', account, 'user', CASE account WHEN 'deposit' THEN i.user_id END, 'amount', amount) ORDER BY account)
        FROM (SELECT account, sum(amount_paise) AS amount FROM invoice_lines WHERE org_id = i.org_id AND invoice_id = i.id GROUP BY account) a)
    || CASE WHEN i.tax_paise > 0 THEN jsonb_build_array(jsonb_build_object('code', 'tax', 'amount', i.tax_paise)) ELSE '[]' END
  FROM invoices i WHERE i.org_id = app.current_org() AND i.id = p_invoice
$$
--;;
CREATE FUNCTION app.assert_invoice(p_invoice uuid, p_action text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid := (SELECT hostel_id FROM invoices WHERE org_id = app.current_org() AND id = p_invoice AND kind <> 'credit_note');
BEGIN
  IF v_hostel IS NULL OR NOT (app.is_system() OR app.is_staff() AND app.allowed_in('billing', 'read', v_hostel)) THEN
    RAISE EXCEPTION 'There is no such invoice.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_system() OR app.allowed_in('billing', p_action, v_hostel)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$
--;;
CREATE FUNCTION app.set_billing(p_hostel uuid, p_values jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_new billing_settings := jsonb_populate_record(NULL::billing_settings, p_values);
BEGIN
  IF NOT EXISTS (SELECT FROM hostels WHERE org_id = app.current_org() AND id = p_hostel)
     OR NOT (app.is_system() OR app.allowed_in('billing', 'read', p_hostel)) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_system() OR app.allowed_in('billing', 'approve', p_hostel)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO billing_settings AS s (org_id, hostel_id, legal_name, gstin, interstate, rent_tax_bp, food_tax_bp, other_tax_bp, exempt_reason, automatic,
                                bill_day, due_days, grace_days, late_flat_paise, late_percent_bp, late_since)
  VALUES (app.current_org(), p_hostel, v_new.legal_name, v_new.gstin, v_new.interstate, v_new.rent_tax_bp, v_new.food_tax_bp, v_new.other_tax_bp,
          v_new.exempt_reason, v_new.automatic, v_new.bill_day, v_new.due_days, v_new.grace_days, v_new.late_flat_paise, v_new.late_percent_bp,
          app.house_day(p_hostel))
  ON CONFLICT (org_id, hostel_id) DO UPDATE SET legal_name = excluded.legal_name, gstin = excluded.gstin, interstate = excluded.interstate,
    rent_tax_bp = excluded.rent_tax_bp, food_tax_bp = excluded.food_tax_bp, other_tax_bp = excluded.other_tax_bp,
    exempt_reason = excluded.exempt_reason, automatic = excluded.automatic, bill_day = excluded.bill_day, due_days = excluded.due_days,
    grace_days = excluded.grace_days, late_flat_paise = excluded.late_flat_paise, late_percent_bp = excluded.late_percent_bp,
    late_since = CASE WHEN (s.grace_days, s.late_flat_paise, s.late_percent_bp) = (excluded.grace_days, excluded.late_flat_paise, excluded.late_percent_bp)
                      THEN s.late_since ELSE excluded.late_since END;
END
$$
--;;
CREATE FUNCTION app.lay_payment(p_id uuid, p_hostel uuid, p_user integer, p_method text, p_amount bigint, p_invoices uuid[], p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_today date := app.house_day(p_hostel);
  v_left bigint := p_amount;
  v_one record;
  v_series text;
  v_ids uuid[] := '{}';
  v_sums bigint[] := '{}';
BEGIN
  IF coalesce(p_amount, 0) <= 0 THEN
    RAISE EXCEPTION 'Please give an amount.' USING ERRCODE = 'VR422', COLUMN = 'amount';
  END IF;
  FOR v_one IN SELECT id, total_paise - paid_paise AS open FROM invoices
               WHERE org_id = v_org AND hostel_id = p_hostel AND user_id = p_user AND status IN ('open', 'part_paid')
                 AND (p_invoices IS NULL OR id = ANY (p_invoices)) ORDER BY due_on, id FOR UPDATE LOOP
    EXIT WHEN v_left = 0;
    v_ids := v_ids || v_one.id;
    v_sums := v_sums || least(v_left, v_one.open);
    v_left := v_left - least(v_left, v_one.open);
  END LOOP;
  IF v_left > 0 THEN
    RAISE EXCEPTION 'This is more than what is still to be paid.' USING ERRCODE = 'VR409', COLUMN = 'amount';
  END IF;
  v_series := app.document_series(p_hostel, v_today, CASE WHEN p_method IN ('credit_note', 'discount', 'write_off') THEN 'A/' ELSE 'R/' END);
  INSERT INTO invoice_payments (org_id, id, hostel_id, user_id, method, series, number, amount_paise, currency, note, paid_on)
  SELECT v_org, p_id, h.id, p_user, p_method, v_series, app.next_document(h.id, v_series), p_amount, h.currency, left(coalesce(btrim(p_note), ''), 200), v_today
  FROM hostels h WHERE h.org_id = v_org AND h.id = p_hostel;
  INSERT INTO invoice_allocations (org_id, hostel_id, user_id, payment_id, invoice_id, amount_paise)
  SELECT v_org, p_hostel, p_user, p_id, x.id, x.amount FROM unnest(v_ids, v_sums) AS x (id, amount);
  UPDATE invoices i SET paid_paise = paid_paise + x.amount FROM unnest(v_ids, v_sums) AS x (id, amount) WHERE i.org_id = v_org AND i.id = x.id;
END
$$
--;;
CREATE FUNCTION app.pay_invoices(p_id uuid, p_hostel uuid, p_user integer, p_method text, p_amount bigint, p_invoices uuid[] DEFAULT NULL, p_note text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_own boolean := NOT app.is_staff() AND p_user = app.current_user_id() AND app.is_admitted();
BEGIN
  IF NOT EXISTS (SELECT FROM residents WHERE org_id = app.current_org() AND hostel_id = p_hostel AND user_id = p_user)
     OR NOT (app.is_system() OR v_own OR app.is_staff() AND app.allowed_in('billing', 'read', p_hostel)) THEN
    RAISE EXCEPTION 'There is no such invoice.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_system() OR v_own AND p_method = 'wallet'
             OR app.is_staff() AND app.allowed_in('billing', 'create', p_hostel) AND p_method IN ('cash', 'bank')) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('pay_invoices:' || p_id, 0)); -- the second of a double click waits, and finds the first
  IF EXISTS (SELECT FROM invoice_payments WHERE org_id = app.current_org() AND id = p_id) THEN
    RETURN;
  END IF;
  PERFORM app.lay_payment(p_id, p_hostel, p_user, p_method, p_amount, p_invoices, p_note);
  PERFORM app.book('invoices:' || p_id, 'payment', p_hostel, p_amount,
    p_method, CASE WHEN p_method IN ('wallet', 'deposit') THEN p_user END, 'receivable', p_user,
    (SELECT reference FROM invoice_payments WHERE org_id = app.current_org() AND id = p_id), 'invoice_payments', p_id);
END
$$;

-- Pays open invoices from the wallets of those who did not switch it off, where there is enough
--;;
CREATE FUNCTION app.pay_from_wallets(p_most integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_ids uuid[];
  v_one record;
  v_paid integer := 0;
BEGIN
  PERFORM app.assert_system();
  -- All of them locked before the first number is taken: who pays one of them by hand meanwhile waits, or comes first.
  SELECT array_agg(id) INTO v_ids FROM (
    SELECT i.id FROM invoices i JOIN wallet_balance_cache w ON w.org_id = i.org_id AND w.hostel_id = i.hostel_id AND w.user_id = i.user_id
    WHERE i.org_id = app.current_org() AND i.status IN ('open', 'part_paid') AND NOT w.frozen AND w.balance_paise >= i.total_paise - i.paid_paise
      AND NOT EXISTS (SELECT FROM billing_choices c WHERE c.org_id = i.org_id AND c.hostel_id = i.hostel_id AND c.user_id = i.user_id AND NOT c.from_wallet)
    ORDER BY i.due_on, i.id LIMIT p_most FOR UPDATE OF i SKIP LOCKED) found;
  FOR v_one IN SELECT id, hostel_id, user_id, total_paise - paid_paise AS open FROM invoices
               WHERE org_id = app.current_org() AND id = ANY (v_ids) AND status IN ('open', 'part_paid') ORDER BY due_on, id LOOP
    BEGIN
      PERFORM app.pay_invoices(uuidv7(), v_one.hostel_id, v_one.user_id, 'wallet', v_one.open, ARRAY[v_one.id]);
      v_paid := v_paid + 1;
    EXCEPTION WHEN SQLSTATE 'VR409' THEN NULL; -- spent, frozen or paid meanwhile
    END;
  END LOOP;
  RETURN v_paid;
END
$$
--;;
CREATE FUNCTION app.choose_paying(p_hostel uuid, p_from_wallet boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_admitted() OR NOT EXISTS (SELECT FROM residents WHERE org_id = app.current_org() AND hostel_id = p_hostel
                                          AND user_id = app.current_user_id()) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404';
  END IF;
  INSERT INTO billing_choices AS c (org_id, hostel_id, user_id, from_wallet)
  VALUES (app.current_org(), p_hostel, app.current_user_id(), p_from_wallet)
  ON CONFLICT (org_id, hostel_id, user_id) DO UPDATE SET from_wallet = excluded.from_wallet WHERE c.from_wallet <> excluded.from_wallet;
END
$$
--;;
CREATE FUNCTION app.assert_creditable(p_invoice uuid, p_lines jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM jsonb_array_elements(p_lines) c
             LEFT JOIN invoice_lines l ON l.org_id = app.current_org() AND l.invoice_id = p_invoice AND l.id = (c ->> 'line')::uuid
             LEFT JOIN LATERAL (SELECT coalesce(sum(amount_paise), 0) AS amount, coalesce(sum(cgst_paise), 0) AS cgst, coalesce(sum(sgst_paise), 0) AS sgst,
                                coalesce(sum(igst_paise), 0) AS igst FROM invoice_lines WHERE org_id = l.org_id AND corrects_id = l.id) d ON true
             WHERE l.id IS NULL OR (c ->> 'amount')::bigint <= 0 OR d.amount + (c ->> 'amount')::bigint > l.amount_paise
                OR d.cgst + (c ->> 'cgst')::bigint > l.cgst_paise OR d.sgst + (c ->> 'sgst')::bigint > l.sgst_paise
                OR d.igst + (c ->> 'igst')::bigint > l.igst_paise)
     OR (SELECT count(*) > count(DISTINCT (c ->> 'line')::uuid) FROM jsonb_array_elements(p_lines) c) THEN
    RAISE EXCEPTION 'This is more than what was charged and not credited yet.' USING ERRCODE = 'VR409', COLUMN = 'amount';
  END IF;
END
$$
--;;
CREATE FUNCTION app.write_credit_note(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text, p_occasion text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_day date;
  v_old invoices;
  v_series text;
  v_net bigint;
  v_tax bigint;
  v_open bigint;
  v_entries jsonb;
BEGIN
  SELECT * INTO v_old FROM invoices WHERE org_id = v_org AND id = p_invoice FOR UPDATE;
  IF EXISTS (SELECT FROM invoices WHERE org_id = v_org AND (id = p_id OR occasion = p_occasion)) THEN
    RETURN NULL;
  END IF;
  PERFORM app.assert_creditable(p_invoice, p_lines);
  SELECT sum((c ->> 'amount')::bigint), sum((c ->> 'cgst')::bigint + (c ->> 'sgst')::bigint + (c ->> 'igst')::bigint) INTO v_net, v_tax
  FROM jsonb_array_elements(p_lines) c;
  v_open := least(v_net + v_tax, v_old.total_paise - v_old.paid_paise);
  IF v_open > 0 THEN
    PERFORM app.lay_payment(p_id, v_old.hostel_id, v_old.user_id, 'credit_note', v_open, ARRAY[p_invoice], p_reason);
  END IF;
  v_day := app.house_day(v_old.hostel_id);
  v_series := app.document_series(v_old.hostel_id, v_day, 'CN/');
  INSERT INTO invoices (org_id, id, hostel_id, user_id, resident_id, stay_id, kind, occasion, series, number, corrects_id, month, issued_on, due_on,
                        seller, gstin, note, currency, net_paise, tax_paise)
  VALUES (v_org, p_id, v_old.hostel_id, v_old.user_id, v_old.resident_id, v_old.stay_id, 'credit_note', coalesce(p_occasion, 'credit:' || p_id),
          v_series, app.next_document(v_old.hostel_id, v_series), p_invoice, v_old.month, v_day, v_day, v_old.seller, v_old.gstin, left(btrim(p_reason), 500), v_old.currency, v_net, v_tax);
  PERFORM app.write_invoice_lines(p_id, (
    SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('corrects', l.id, 'amount', c -> 'amount', 'cgst', c -> 'cgst', 'sgst', c -> 'sgst', 'igst', c -> 'igst')
                     ORDER BY l.position)
    FROM jsonb_array_elements(p_lines) c JOIN invoice_lines l ON l.org_id = v_org AND l.id = (c ->> 'line')::uuid));
  -- The invoice's own entries turned round; of what is owed, only what is still open goes back there.
  SELECT jsonb_agg(e || jsonb_build_object('amount', CASE e ->> 'code' WHEN 'receivable' THEN v_open ELSE -(e ->> 'amount')::bigint END))
    || jsonb_build_array(jsonb_build_object('code', 'wallet', 'user', v_old.user_id, 'amount', v_net + v_tax - v_open)) INTO v_entries
  FROM jsonb_array_elements(app.invoice_entries(p_id)) e;
  RETURN (app.post(jsonb_build_array(jsonb_build_object(
    'key', 'credit:' || p_id, 'kind', 'refund', 'hostel', v_old.hostel_id, 'source', 'invoices', 'source_id', p_id,
    'description', (SELECT reference FROM invoices WHERE org_id = v_org AND id = p_id),
    'entries', (SELECT jsonb_agg(e) FROM jsonb_array_elements(v_entries) e WHERE (e ->> 'amount')::bigint <> 0)))))[1];
END
$$
--;;
CREATE FUNCTION app.credit_invoice(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text, p_occasion text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  PERFORM app.write_credit_note(p_id, p_invoice, p_lines, p_reason, p_occasion);
END
$$
--;;
CREATE FUNCTION app.propose_credit(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_old invoices;
BEGIN
  PERFORM app.assert_invoice(p_invoice, 'update');
  SELECT * INTO v_old FROM invoices WHERE org_id = app.current_org() AND id = p_invoice FOR UPDATE;
  IF NOT EXISTS (SELECT FROM ledger_proposals WHERE org_id = v_old.org_id AND id = p_id) THEN
    PERFORM app.assert_creditable(p_invoice, p_lines);
  END IF;
  IF EXISTS (SELECT FROM ledger_proposals WHERE org_id = v_old.org_id AND source_id = p_invoice AND kind = 'credit_note' AND status = 'proposed' AND id <> p_id) THEN
    RAISE EXCEPTION 'A credit note on this invoice waits for a decision already.' USING ERRCODE = 'VR409';
  END IF;
  PERFORM app.write_proposal(v_old.hostel_id, 'credit_note', v_old.user_id, '',
    (SELECT sum((c ->> 'amount')::bigint + (c ->> 'cgst')::bigint + (c ->> 'sgst')::bigint + (c ->> 'igst')::bigint) FROM jsonb_array_elements(p_lines) c)::bigint,
    p_reason, 'invoices', p_invoice, p_id, p_lines);
END
$$
--;;
CREATE FUNCTION app.propose_discount(p_id uuid, p_invoice uuid, p_amount bigint, p_reason text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_old invoices;
BEGIN
  PERFORM app.assert_invoice(p_invoice, 'update');
  SELECT * INTO v_old FROM invoices WHERE org_id = app.current_org() AND id = p_invoice;
  IF p_amount > v_old.total_paise - v_old.paid_paise THEN
    RAISE EXCEPTION 'This is more than what is still to be paid.' USING ERRCODE = 'VR409', COLUMN = 'amount';
  ELSIF EXISTS (SELECT FROM ledger_proposals WHERE org_id = v_old.org_id AND source_id = p_invoice AND kind = 'discount' AND status IN ('proposed', 'approved') AND id <> p_id) THEN
    RAISE EXCEPTION 'A discount on this invoice was proposed already.' USING ERRCODE = 'VR409';
  END IF;
  RETURN app.write_proposal(v_old.hostel_id, 'discount', v_old.user_id, '', p_amount, p_reason, 'invoices', p_invoice, p_id);
END
$$
--;;
CREATE FUNCTION app.follow_proposal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lay_payment(NEW.id, NEW.hostel_id, NEW.user_id, NEW.kind, NEW.amount_paise,
                          CASE WHEN NEW.source = 'invoices' THEN ARRAY[NEW.source_id] END, NEW.reason);
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.bill_settlement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.enqueue('billing.settlement', jsonb_build_object('move_out_id', NEW.id));
  RETURN NULL;
END
$$;

-- The deposit pays what is open
--;;
CREATE FUNCTION app.return_deposit(p_move_out uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_out move_outs;
  v_deposit uuid;
  v_held bigint;
  v_used bigint;
BEGIN
  PERFORM app.assert_system();
  SELECT * INTO v_out FROM move_outs WHERE org_id = v_org AND id = p_move_out AND status IN ('settled', 'left') FOR UPDATE;
  IF NOT FOUND OR EXISTS (SELECT FROM ledger_transactions WHERE org_id = v_org AND key = 'settlement:' || p_move_out || ':rest')
     OR EXISTS (SELECT FROM invoice_payments WHERE org_id = v_org AND id = p_move_out) THEN
    RETURN;
  END IF;
  v_deposit := app.ledger_account(v_out.hostel_id, 'deposit', v_out.user_id);
  SELECT coalesce(sum(amount_paise), 0) INTO v_held FROM ledger_entries WHERE org_id = v_org AND account_id = v_deposit;
  IF v_held < v_out.deposit_paise THEN
    PERFORM app.book('settlement:' || p_move_out || ':opening', 'opening', v_out.hostel_id, v_out.deposit_paise - v_held,
                     'opening', NULL, 'deposit', v_out.user_id, '', 'move_outs', p_move_out);
  END IF;
  SELECT least(v_out.deposit_paise, coalesce(sum(total_paise - paid_paise), 0)) INTO v_used FROM invoices
  WHERE org_id = v_org AND hostel_id = v_out.hostel_id AND user_id = v_out.user_id AND status IN ('open', 'part_paid');
  IF v_used > 0 THEN
    PERFORM app.pay_invoices(p_move_out, v_out.hostel_id, v_out.user_id, 'deposit', v_used);
  END IF;
  IF v_out.deposit_paise > v_used THEN
    PERFORM app.book('settlement:' || p_move_out || ':rest', 'refund', v_out.hostel_id, v_out.deposit_paise - v_used,
                     'deposit', v_out.user_id, 'wallet', v_out.user_id, '', 'move_outs', p_move_out);
    PERFORM app.write_proposal(v_out.hostel_id, 'payout', v_out.user_id, '', v_out.deposit_paise - v_used, 'What is left of the deposit',
                               'move_outs', p_move_out, NULL);
  END IF;
END
$$
--;;
CREATE FUNCTION app.note_reminded(p_invoices uuid[], p_steps integer[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  UPDATE invoices i SET reminded = x.step FROM unnest(p_invoices, p_steps) AS x (id, step) WHERE i.org_id = app.current_org() AND i.id = x.id;
END
$$
--;;
CREATE FUNCTION app.organizations_with_billing() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT org_id FROM billing_settings WHERE automatic UNION SELECT org_id FROM invoices WHERE status IN ('open', 'part_paid')
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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

-- Whom orders are for, which the kitchen may know of those that it cooks
--;;
CREATE FUNCTION app.order_people(p_orders uuid[]) RETURNS TABLE (order_id uuid, name text, allergens text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT o.id, m.name, CASE WHEN o.status IN ('placed', 'confirmed', 'preparing', 'ready') THEN coalesce(n.allergens, '{}') ELSE '{}' END
  FROM canteen_orders o JOIN members m ON m.org_id = o.org_id AND m.user_id = o.user_id
  LEFT JOIN meal_needs n ON n.org_id = o.org_id AND n.user_id = o.user_id
  WHERE o.org_id = app.current_org() AND o.id = ANY (p_orders)
    AND (app.is_system() OR app.is_staff() AND app.allowed_in('canteen', 'read', o.hostel_id))
$$
--;;
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
$$
--;;
CREATE FUNCTION app.import_contact(p_run uuid, p_contact jsonb, p_known text[]) RETURNS TABLE (contact_id uuid, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_hostel uuid := (SELECT hostel_id FROM import_runs WHERE org_id = v_org AND id = p_run);
  v_there record;
BEGIN
  PERFORM app.lock_import(p_run, 'create');
  IF NOT app.allowed_in('inquiries', 'create', v_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you write down inquiries here.' USING ERRCODE = 'VR403';
  END IF;
  SELECT c.id, c.deleted_at INTO v_there FROM contacts c
  WHERE c.org_id = v_org AND CASE WHEN p_contact ->> 'external_id' <> ''
    THEN c.external_id = p_contact ->> 'external_id' AND c.location_id = p_contact ->> 'location_id'
    ELSE c.phone_index = ANY (p_known) OR c.email_index = ANY (p_known) END
  ORDER BY c.deleted_at NULLS FIRST LIMIT 1;
  IF v_there.id IS NULL THEN
    INSERT INTO contacts (org_id, id, hostel_id, external_id, location_id, full_name, phone_token, phone_index, phone_masked,
                          email_token, email_index, email_masked, source, known_since)
    SELECT v_org, n.id, v_hostel, n.external_id, n.location_id, n.full_name, n.phone_token, n.phone_index, n.phone_masked,
           n.email_token, n.email_index, n.email_masked, n.source, n.known_since
    FROM jsonb_populate_record(NULL::contacts, p_contact) n;
    RETURN QUERY SELECT (p_contact ->> 'id')::uuid, 'created'::text;
  ELSIF v_there.deleted_at IS NOT NULL AND app.is_hidden_by_import(v_there.id) THEN
    UPDATE contacts SET deleted_at = NULL WHERE org_id = v_org AND id = v_there.id;
    RETURN QUERY SELECT v_there.id, 'restored'::text;
  ELSE
    RETURN QUERY SELECT v_there.id, 'unchanged'::text;
  END IF;
END
$$
--;;
CREATE FUNCTION app.hide_imported_contact(p_run uuid, p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_row import_rows;
  v_one contacts;
BEGIN
  PERFORM app.lock_import(p_run, 'delete');
  SELECT * INTO v_row FROM import_rows WHERE org_id = v_org AND run_id = p_run AND id = p_id;
  SELECT * INTO v_one FROM contacts WHERE org_id = v_org AND id = v_row.row_id FOR UPDATE;
  IF v_one.deleted_at IS NOT NULL THEN
    RAISE EXCEPTION 'The contact in row % was removed before.', v_row.number USING ERRCODE = 'VR409';
  ELSIF EXISTS (SELECT FROM inquiries i WHERE i.org_id = v_org AND i.created_at > v_row.settled_at
                AND (i.phone_index = v_one.phone_index OR i.email_index = v_one.email_index)) THEN
    RAISE EXCEPTION 'The contact in row % has asked for a bed since, so it stays.', v_row.number USING ERRCODE = 'VR409';
  END IF;
  UPDATE contacts SET deleted_at = app.now() WHERE org_id = v_org AND id = v_one.id;
END
$$
--;;
CREATE FUNCTION app.reveal_contact(p_id uuid, p_reason text) RETURNS TABLE (phone_token text, email_token text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid;
BEGIN
  SELECT c.hostel_id INTO v_hostel FROM contacts c WHERE c.org_id = app.current_org() AND c.id = p_id AND c.deleted_at IS NULL;
  IF NOT FOUND OR NOT app.allowed_in('inquiries', 'read', v_hostel) THEN
    RAISE EXCEPTION 'There is no such contact.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT app.allowed_in('inquiries', 'update', v_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you see this.' USING ERRCODE = 'VR403';
  END IF;
  IF btrim(coalesce(p_reason, '')) = '' THEN
    RAISE EXCEPTION 'Please say what you need it for.' USING ERRCODE = 'VR422', COLUMN = 'reason';
  END IF;
  PERFORM app.note_event('reveal', 'contacts', p_id::text, p_reason);
  RETURN QUERY SELECT c.phone_token, c.email_token FROM contacts c WHERE c.org_id = app.current_org() AND c.id = p_id;
END
$$
--;;
CREATE FUNCTION app.contacts_to_rotate(p_prefix text, p_after uuid, p_most integer) RETURNS TABLE (org_id uuid, id uuid, phone_token text, email_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT c.org_id, c.id, c.phone_token, c.email_token FROM contacts c
  WHERE (p_after IS NULL OR c.id > p_after)
    AND NOT (coalesce(starts_with(c.phone_token, p_prefix), true) AND coalesce(starts_with(c.email_token, p_prefix), true))
  ORDER BY c.id LIMIT p_most
$$
--;;
CREATE FUNCTION app.rotate_contact(p_org uuid, p_id uuid, p_seen text, p_seen_email text, p_phone_token text, p_phone_index text, p_email_token text, p_email_index text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE contacts SET phone_token = p_phone_token, phone_index = p_phone_index, email_token = p_email_token, email_index = p_email_index
  WHERE org_id = p_org AND id = p_id AND phone_token IS NOT DISTINCT FROM p_seen AND email_token IS NOT DISTINCT FROM p_seen_email
$$
--;;
CREATE FUNCTION app.import_rows_to_rotate(p_prefix text, p_after uuid, p_most integer) RETURNS TABLE (org_id uuid, id uuid, run_id uuid, number integer, sealed text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT r.org_id, r.id, r.run_id, r.number, r.sealed FROM import_rows r
  WHERE (p_after IS NULL OR r.id > p_after) AND r.sealed IS NOT NULL AND NOT starts_with(r.sealed, p_prefix)
  ORDER BY r.id LIMIT p_most
$$
--;;
CREATE FUNCTION app.rotate_import_row(p_org uuid, p_id uuid, p_seen text, p_sealed text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE import_rows SET sealed = p_sealed WHERE org_id = p_org AND id = p_id AND sealed = p_seen
$$
--;;
CREATE FUNCTION app.event_in_reach(p_hostel uuid, p_action text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT (app.is_staff() OR app.is_admitted()) AND coalesce(p_hostel = ANY (app.reach('events', p_action)), app.can('events', p_action))
$$
--;;
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
$$
--;;
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
$$
--;;
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

-- The caller comes, perhaps, or not. Answers to one event come one after the other, so no place is given twice
--;;
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

-- How many places are taken, who may come and who waits
--;;
CREATE FUNCTION app.event_counts(p_events uuid[]) RETURNS TABLE (event_id uuid, coming bigint, maybe bigint, waiting bigint, ahead bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT e.id, coalesce(sum(1 + r.guests) FILTER (WHERE r.state = 'coming'), 0), coalesce(sum(1 + r.guests) FILTER (WHERE r.state = 'maybe'), 0),
         count(*) FILTER (WHERE r.state = 'waiting'), count(*) FILTER (WHERE r.waiting_at < own.waiting_at)
  FROM hostel_events e
  LEFT JOIN event_replies own ON own.org_id = e.org_id AND own.event_id = e.id AND own.user_id = app.current_user_id()
  LEFT JOIN event_replies r ON r.org_id = e.org_id AND r.event_id = e.id
  WHERE e.org_id = app.current_org() AND e.id = ANY (p_events) AND app.event_in_reach(e.hostel_id, 'read') AND (app.is_staff() OR e.status <> 'draft')
  GROUP BY e.id
$$
--;;
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
$$
--;;
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

-- A new address for the caller's calendar
--;;
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
$$
--;;
CREATE FUNCTION app.end_event_feed() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE event_feeds SET revoked_at = app.now() WHERE org_id = app.current_org() AND user_id = app.current_user_id() AND revoked_at IS NULL
$$;

-- What a calendar program that knows the secret is told: what its person may see now. No rows but the first, whose event
-- is NULL, if there is nothing
--;;
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
$$
--;;
CREATE FUNCTION app.figure_hostels(p_hostel uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostels uuid[] := ARRAY(
    SELECT h.id FROM hostels h
    WHERE h.org_id = app.current_org() AND h.deleted_at IS NULL AND (p_hostel IS NULL OR h.id = p_hostel)
      AND app.allowed_in('maintenance', 'read', h.id));
BEGIN
  IF NOT app.is_staff() OR (p_hostel IS NOT NULL AND v_hostels = '{}') THEN
    RAISE EXCEPTION 'There are no figures here that you may see.' USING ERRCODE = 'VR404';
  END IF;
  RETURN v_hostels;
END
$$
--;;
CREATE FUNCTION app.maintenance_open_by_category(p_hostel uuid) RETURNS TABLE (category text, open bigint, overdue bigint, oldest_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT c.name, count(*), count(*) FILTER (WHERE f.resolve_by < coalesce(f.ended_at, app.now())), min(f.raised_at)
  FROM maintenance_request_facts f
  JOIN maintenance_categories c ON c.org_id = f.org_id AND c.id = f.category_id
  WHERE f.org_id = app.current_org() AND f.hostel_id = ANY ((SELECT app.figure_hostels(p_hostel))::uuid[])
    AND f.status NOT IN ('resolved', 'rejected')
  GROUP BY c.id, c.org_id, c.name ORDER BY 2 DESC, 1
$$
--;;
CREATE FUNCTION app.maintenance_resolution_times(p_hostel uuid, p_from timestamptz, p_until timestamptz, p_by text) RETURNS TABLE (name text, resolved bigint, late bigint, median_seconds double precision, p90_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT n.name, count(*), count(*) FILTER (WHERE f.resolve_by < f.ended_at),
         percentile_cont(0.5) WITHIN GROUP (ORDER BY f.seconds), percentile_cont(0.9) WITHIN GROUP (ORDER BY f.seconds)
  FROM maintenance_request_facts f
  JOIN maintenance_categories c ON c.org_id = f.org_id AND c.id = f.category_id
  LEFT JOIN members m ON m.org_id = f.org_id AND m.user_id = f.worker_id
  CROSS JOIN LATERAL (SELECT CASE WHEN p_by = 'category' THEN c.name ELSE coalesce(m.name, f.outside_party, '') END AS name,
                             CASE WHEN p_by = 'category' THEN c.id::text
                                  ELSE coalesce(f.worker_id::text, f.outside_party, '') END AS key) n
  WHERE f.org_id = app.current_org() AND f.hostel_id = ANY ((SELECT app.figure_hostels(p_hostel))::uuid[])
    AND f.status = 'resolved' AND f.raised_at >= p_from AND f.raised_at < p_until
  GROUP BY n.key, n.name ORDER BY 2 DESC, 1
$$;

-- By the week, from Monday on in the hostel's zone, in which requests were raised. `judged` are those whose outcome is
-- known: resolved, or open and late already
--;;
CREATE FUNCTION app.maintenance_breach_rate_by_week(p_hostel uuid, p_from timestamptz, p_until timestamptz) RETURNS TABLE (week date, raised bigint, judged bigint, late bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT f.week, count(*), count(*) FILTER (WHERE f.status = 'resolved' OR l.late), count(*) FILTER (WHERE l.late)
  FROM maintenance_request_facts f
  CROSS JOIN LATERAL (SELECT f.status <> 'rejected' AND f.resolve_by < coalesce(f.ended_at, app.now()) AS late) l
  WHERE f.org_id = app.current_org() AND f.hostel_id = ANY ((SELECT app.figure_hostels(p_hostel))::uuid[])
    AND f.raised_at >= p_from AND f.raised_at < p_until
  GROUP BY f.week ORDER BY f.week
$$
--;;
CREATE FUNCTION app.maintenance_common_issues(p_hostel uuid, p_from timestamptz, p_until timestamptz, p_most integer) RETURNS TABLE (category text, issue text, raised bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT c.name, coalesce(t.name, ''), count(*)
  FROM maintenance_request_facts f
  JOIN maintenance_categories c ON c.org_id = f.org_id AND c.id = f.category_id
  LEFT JOIN maintenance_issue_types t ON t.org_id = f.org_id AND t.id = f.issue_type_id
  WHERE f.org_id = app.current_org() AND f.hostel_id = ANY ((SELECT app.figure_hostels(p_hostel))::uuid[])
    AND f.raised_at >= p_from AND f.raised_at < p_until
  GROUP BY c.id, c.name, t.id, t.name ORDER BY 3 DESC, 1, 2 LIMIT p_most
$$;

-- Days of each hostel's own zone on which anything happened, p_from to p_until (not included), and, with an empty day, the
-- time before p_middle and the time from then on. The response is the median time until somebody took a request raised then
-- in hand
--;;
CREATE FUNCTION app.maintenance_by_day(p_hostel uuid, p_from date, p_middle date, p_until date) RETURNS TABLE (day date, recent boolean, raised bigint, resolved bigint, late bigint, response_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT d.day, d.recent, sum(d.raised), sum(d.resolved), count(*) FILTER (WHERE d.late),
         percentile_cont(0.5) WITHIN GROUP (ORDER BY d.response)
  FROM (
    SELECT l.day, l.day >= p_middle AS recent, e.raised, e.resolved, e.late, e.response
    FROM maintenance_request_facts f
    JOIN hostels h ON h.org_id = f.org_id AND h.id = f.hostel_id
    CROSS JOIN LATERAL (VALUES
      (f.raised_at, 1, 0, false, extract(epoch FROM f.responded_at - f.raised_at)),
      (CASE WHEN f.status = 'resolved' THEN f.ended_at END, 0, 1, f.resolve_by < f.ended_at, NULL)
    ) e (at, raised, resolved, late, response)
    CROSS JOIN LATERAL (SELECT (e.at AT TIME ZONE h.timezone)::date AS day) l
    WHERE f.org_id = app.current_org() AND f.hostel_id = ANY ((SELECT app.figure_hostels(p_hostel))::uuid[])
      AND (f.raised_at >= p_from - 1 OR f.ended_at >= p_from - 1) AND l.day >= p_from AND l.day < p_until
  ) d
  GROUP BY GROUPING SETS ((d.day), (d.recent))
$$
--;;
CREATE FUNCTION app.maintenance_figures_as_of() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT made_at FROM maintenance_figures_made
$$
--;;
CREATE FUNCTION app.refresh_maintenance_analytics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  REFRESH MATERIALIZED VIEW CONCURRENTLY maintenance_request_facts;
  REFRESH MATERIALIZED VIEW CONCURRENTLY maintenance_figures_made;
END
$$
--;;
CREATE FUNCTION app.readiness(p_roles text[]) RETURNS TABLE (
  migration text, lacking text[], last_scheduled_at timestamptz, last_done_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT (SELECT version_num FROM alembic_version),
         ARRAY(SELECT r FROM unnest(p_roles) r WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r)),
         (SELECT max(created_at) FROM outbox WHERE org_id IS NULL AND key IS NOT NULL),
         (SELECT max(finished_at) FROM outbox WHERE state = 'done')
$$
--;;
CREATE FUNCTION app.note_import_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.status = 'running' THEN
    NEW.started_by := app.current_user_id();
    NEW.started_at := app.now();
    NEW.finished_at := NULL;
  ELSIF NEW.status IN ('done', 'stopped') THEN
    NEW.finished_at := app.now();
  ELSIF NEW.status = 'undoing' THEN
    NEW.undone_by := app.current_user_id();
  ELSIF NEW.status = 'undone' THEN
    NEW.undone_at := app.now();
  END IF;
  RETURN NEW;
END
$$
--;;
CREATE FUNCTION app.lock_import(p_run uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_run import_runs;
BEGIN
  SELECT * INTO v_run FROM import_runs WHERE org_id = app.current_org() AND id = p_run AND deleted_at IS NULL FOR UPDATE;
  IF NOT FOUND OR NOT app.allowed_in('imports', 'read', v_run.hostel_id) THEN
    RAISE EXCEPTION 'There is no such import.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT app.allowed_in('imports', p_action, v_run.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you import here.' USING ERRCODE = 'VR403';
  END IF;
END
$$
--;;
CREATE FUNCTION app.stage_import_rows(p_run uuid, p_rows jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_run import_runs;
BEGIN
  PERFORM app.lock_import(p_run, 'create');
  SELECT * INTO v_run FROM import_runs WHERE org_id = app.current_org() AND id = p_run;
  IF v_run.status <> 'checking' THEN
    RAISE EXCEPTION 'This import is not being checked.' USING ERRCODE = 'VR409';
  END IF;
  IF p_rows IS NULL THEN
    DELETE FROM import_rows WHERE org_id = v_run.org_id AND run_id = p_run;
    RETURN;
  END IF;
  INSERT INTO import_rows (org_id, run_id, hostel_id, number, outcome, code, reason, column_name, source, request, sealed)
  SELECT v_run.org_id, p_run, v_run.hostel_id, r.number, CASE r.code WHEN '' THEN 'accepted' ELSE 'refused' END,
         r.code, r.reason, r."column", r.source, r.request, r.sealed
  FROM jsonb_to_recordset(p_rows) r (number integer, code text, reason text, "column" text, source jsonb, request jsonb, sealed text);
END
$$
--;;
CREATE FUNCTION app.count_imported_before(p_run uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_import(p_run, 'create');
  RETURN (SELECT count(*) FROM import_rows i
          JOIN maintenance_requests m
            ON m.org_id = i.org_id AND m.hostel_id = i.hostel_id AND m.external_id = i.request ->> 'external_id'
          WHERE i.org_id = app.current_org() AND i.run_id = p_run AND i.outcome = 'accepted' AND m.deleted_at IS NULL);
END
$$
--;;
CREATE FUNCTION app.import_batch(p_run uuid, p_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_run import_runs;
  v_now timestamptz := app.now();
  v_row import_rows;
  v_there record;
  v_id uuid;
  v_outcome text;
  v_code text;
  v_reason text;
  v_count integer := 0;
BEGIN
  PERFORM app.lock_import(p_run, 'create');
  SELECT * INTO v_run FROM import_runs WHERE org_id = app.current_org() AND id = p_run;
  IF v_run.status <> 'running' THEN
    RETURN 0;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('import:' || v_run.hostel_id, 0));
  FOR v_row IN
    SELECT * FROM import_rows WHERE org_id = v_run.org_id AND run_id = p_run AND outcome = 'accepted' ORDER BY number LIMIT p_most
  LOOP
    v_code := '';
    v_reason := '';
    SELECT m.id, m.deleted_at, m.import_run_id INTO v_there FROM maintenance_requests m
    WHERE m.org_id = v_run.org_id AND m.hostel_id = v_run.hostel_id AND m.external_id = v_row.request ->> 'external_id';
    v_id := v_there.id;
    IF v_id IS NULL THEN
      BEGIN
        v_id := app.import_new_request(p_run, v_run.hostel_id, v_row.request, v_now);
        v_outcome := 'created';
      EXCEPTION
        WHEN SQLSTATE 'VR422' THEN
          v_outcome := 'refused';
          v_code := 'no_longer_fits';
          v_reason := SQLERRM;
        WHEN integrity_constraint_violation OR data_exception THEN
          v_outcome := 'refused';
          v_code := 'no_longer_fits';
          v_reason := 'The row no longer fits what the hostel has now: please check the file again.';
      END;
    ELSIF v_there.deleted_at IS NULL THEN
      v_outcome := 'unchanged';
    ELSIF EXISTS (SELECT FROM import_rows h WHERE h.org_id = v_run.org_id AND h.row_id = v_id
                  AND h.run_id = v_there.import_run_id AND h.undo = 'hidden') THEN
      UPDATE maintenance_requests SET deleted_at = NULL, import_run_id = p_run WHERE org_id = v_run.org_id AND id = v_id;
      v_outcome := 'restored';
    ELSE
      v_outcome := 'unchanged';
      v_reason := 'Somebody has removed this request; it stays removed.';
    END IF;
    UPDATE import_rows SET outcome = v_outcome, code = v_code, reason = v_reason, row_id = v_id, settled_at = clock_timestamp(),
      source = CASE WHEN v_outcome = 'refused' THEN source ELSE '[]' END, request = NULL
    WHERE org_id = v_row.org_id AND id = v_row.id;
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
END
$$
--;;
CREATE FUNCTION app.import_new_request(p_run uuid, p_hostel uuid, p_in jsonb, p_now timestamptz) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.import_request(
    p_run, p_hostel, p_in ->> 'external_id', (p_in ->> 'category_id')::uuid, (p_in ->> 'issue_type_id')::uuid,
    (p_in ->> 'room_id')::uuid, p_in ->> 'place', p_in ->> 'description', p_in ->> 'priority', p_in ->> 'resolution',
    p_in ->> 'assignee',
    (SELECT jsonb_agg(CASE WHEN s.value ->> 'at' IS NULL THEN s.value || jsonb_build_object('at', p_now) ELSE s.value END
                      ORDER BY s.ordinality)
     FROM jsonb_array_elements(p_in -> 'steps') WITH ORDINALITY s))
$$
--;;
CREATE FUNCTION app.is_worked_on(p_request uuid, p_since timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM audit_log WHERE org_id = app.current_org() AND table_name = 'maintenance_requests'
                 AND row_id = p_request::text AND actor_id IS NOT NULL AND at > p_since)
      OR EXISTS (SELECT FROM maintenance_assignments WHERE org_id = app.current_org() AND request_id = p_request
                 AND created_by IS NOT NULL AND created_at > p_since)
      OR EXISTS (SELECT FROM maintenance_comments WHERE org_id = app.current_org() AND request_id = p_request
                 AND created_at > p_since AND deleted_at IS NULL)
      OR EXISTS (SELECT FROM maintenance_attachments WHERE org_id = app.current_org() AND request_id = p_request
                 AND created_at > p_since AND deleted_at IS NULL)
$$
--;;
CREATE FUNCTION app.undo_import_batch(p_run uuid, p_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_run import_runs;
  v_row import_rows;
  v_request maintenance_requests;
  v_reason text;
  v_count integer := 0;
BEGIN
  PERFORM app.lock_import(p_run, 'delete');
  SELECT * INTO v_run FROM import_runs WHERE org_id = app.current_org() AND id = p_run;
  IF v_run.status <> 'undoing' THEN
    RETURN 0;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('import:' || v_run.hostel_id, 0));
  FOR v_row IN
    SELECT * FROM import_rows
    WHERE org_id = v_run.org_id AND run_id = p_run AND outcome IN ('created', 'restored') AND undo IS NULL
    ORDER BY number LIMIT p_most
  LOOP
    SELECT * INTO v_request FROM maintenance_requests WHERE org_id = v_run.org_id AND id = v_row.row_id FOR UPDATE;
    v_reason := CASE
      WHEN v_request.deleted_at IS NOT NULL THEN v_request.reference || ' was removed before.'
      WHEN app.is_worked_on(v_row.row_id, v_row.settled_at) THEN v_request.reference || ' has been worked on since, so it stays.'
    END;
    IF v_reason IS NULL THEN
      UPDATE maintenance_requests SET deleted_at = app.now() WHERE org_id = v_run.org_id AND id = v_row.row_id;
    END IF;
    UPDATE import_rows SET undo = CASE WHEN v_reason IS NULL THEN 'hidden' ELSE 'kept' END, reason = coalesce(v_reason, '')
    WHERE org_id = v_row.org_id AND id = v_row.id;
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
END
$$
--;;
CREATE FUNCTION app.take_import_rows(p_run uuid, p_status text, p_most integer) RETURNS TABLE (id uuid, number integer, request jsonb, sealed text, row_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_run import_runs;
BEGIN
  PERFORM app.lock_import(p_run, CASE WHEN p_status = 'undoing' THEN 'delete' ELSE 'create' END);
  SELECT * INTO v_run FROM import_runs r WHERE r.org_id = app.current_org() AND r.id = p_run;
  IF v_run.status <> p_status THEN
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('import:' || v_run.hostel_id, 0));
  RETURN QUERY SELECT i.id, i.number, i.request, i.sealed, i.row_id FROM import_rows i
    WHERE i.org_id = v_run.org_id AND i.run_id = p_run AND CASE WHEN p_status = 'undoing'
      THEN i.outcome IN ('created', 'restored') AND i.undo IS NULL ELSE i.outcome = 'accepted' END
    -- What came last goes first: beds before their rooms.
    ORDER BY CASE WHEN p_status = 'undoing' THEN -i.number ELSE i.number END LIMIT p_most;
END
$$
--;;
CREATE FUNCTION app.settle_import_row(p_run uuid, p_id uuid, p_outcome text, p_reason text, p_row uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_import(p_run, 'create');
  UPDATE import_rows SET outcome = p_outcome, code = CASE WHEN p_outcome = 'refused' THEN 'no_longer_fits' ELSE '' END, reason = p_reason,
    row_id = p_row, settled_at = clock_timestamp(), source = CASE WHEN p_outcome = 'refused' THEN source ELSE '[]' END,
    sealed = CASE WHEN p_outcome = 'refused' THEN sealed END, request = NULL
  WHERE org_id = app.current_org() AND run_id = p_run AND id = p_id AND outcome = 'accepted';
END
$$
--;;
CREATE FUNCTION app.settle_import_undo(p_run uuid, p_id uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_import(p_run, 'delete');
  UPDATE import_rows SET undo = CASE WHEN p_reason = '' THEN 'hidden' ELSE 'kept' END, reason = p_reason
  WHERE org_id = app.current_org() AND run_id = p_run AND id = p_id AND outcome IN ('created', 'restored') AND undo IS NULL;
END
$$
--;;
CREATE FUNCTION app.is_hidden_by_import(p_row uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM import_rows WHERE org_id = app.current_org() AND row_id = p_row AND undo = 'hidden')
$$
--;;
CREATE FUNCTION app.is_import_touched(p_run uuid, p_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM import_rows i JOIN import_runs r ON r.org_id = i.org_id AND r.id = i.run_id
    JOIN audit_log a ON a.org_id = i.org_id AND a.row_id = i.row_id::text AND a.actor_id IS NOT NULL AND a.at > i.settled_at
      AND a.action IN ('insert', 'update') AND a.table_name = CASE r.kind WHEN 'occupancy' THEN 'stays' WHEN 'stock' THEN 'inventory_items' ELSE r.kind END
    WHERE i.org_id = app.current_org() AND i.run_id = p_run AND i.id = p_id)
$$;

-- Somebody who lives in a hostel already: known to the organization, with a number, and not yet let in. They get no message;
-- an invitation lets them in. Who is a resident there stays as they are
--;;
CREATE FUNCTION app.import_resident(p_run uuid, p_email text, p_name text, p_moved_in date) RETURNS TABLE (user_id integer, resident_id uuid, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_org uuid := app.current_org();
  v_hostel uuid := (SELECT r.hostel_id FROM import_runs r WHERE r.org_id = v_org AND r.id = p_run);
  v_user integer;
  v_resident residents;
  v_hidden boolean;
BEGIN
  PERFORM app.lock_import(p_run, 'create');
  PERFORM app.assert_residents(v_hostel, 'create', 'hostel');
  PERFORM app.assert_may_grant('resident', v_hostel, 'create');
  PERFORM pg_advisory_xact_lock(hashtextextended('account:' || lower(p_email), 0));
  SELECT coalesce((SELECT u.id FROM ab_user u WHERE lower(u.email) = lower(p_email)), app.create_account(p_email, p_name)) INTO v_user;
  SELECT * INTO v_resident FROM residents s WHERE s.org_id = v_org AND s.hostel_id = v_hostel AND s.user_id = v_user;
  v_hidden := v_resident.hidden_at IS NOT NULL;
  IF v_resident.id IS NOT NULL AND NOT v_hidden THEN
    RETURN QUERY SELECT v_user, v_resident.id, 'unchanged'::text;
    RETURN;
  END IF;
  INSERT INTO members (org_id, user_id, name, email) VALUES (v_org, v_user, p_name, lower(p_email))
  ON CONFLICT ON CONSTRAINT members_pkey DO UPDATE SET removed_at = NULL;
  INSERT INTO memberships (org_id, user_id, role, hostel_id, status) VALUES (v_org, v_user, 'resident', v_hostel, 'invited')
  ON CONFLICT (org_id, user_id, role, hostel_id) DO NOTHING;
  RETURN QUERY SELECT v_user, app.resident_of(v_hostel, v_user, p_moved_in), CASE WHEN v_hidden THEN 'restored' ELSE 'created' END;
END
$$
--;;
CREATE FUNCTION app.hide_imported_resident(p_run uuid, p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_row import_rows;
  v_one residents;
BEGIN
  PERFORM app.lock_import(p_run, 'delete');
  SELECT * INTO v_row FROM import_rows WHERE org_id = v_org AND run_id = p_run AND id = p_id;
  SELECT * INTO v_one FROM residents WHERE org_id = v_org AND id = v_row.row_id FOR UPDATE;
  IF v_one.hidden_at IS NOT NULL THEN
    RAISE EXCEPTION '% was removed before.', v_one.reference USING ERRCODE = 'VR409';
  ELSIF EXISTS (SELECT FROM stays WHERE org_id = v_org AND resident_id = v_one.id AND hidden_at IS NULL) THEN
    RAISE EXCEPTION '% has a bed or had one, so they stay.', v_one.reference USING ERRCODE = 'VR409';
  ELSIF app.is_import_touched(p_run, p_id)
     OR EXISTS (SELECT FROM memberships WHERE org_id = v_org AND user_id = v_one.user_id AND hostel_id = v_one.hostel_id AND status <> 'invited')
     OR EXISTS (SELECT FROM invitations i JOIN members m ON m.org_id = i.org_id AND lower(m.email) = lower(i.email)
                WHERE i.org_id = v_org AND m.user_id = v_one.user_id AND i.created_at > v_row.settled_at)
     OR EXISTS (SELECT FROM personal_values WHERE org_id = v_org AND user_id = v_one.user_id AND updated_at > v_row.settled_at)
     OR EXISTS (SELECT FROM documents WHERE org_id = v_org AND user_id = v_one.user_id AND created_at > v_row.settled_at) THEN
    RAISE EXCEPTION '% has been worked on since, so they stay.', v_one.reference USING ERRCODE = 'VR409';
  END IF;
  UPDATE residents SET hidden_at = app.now(), status = 'left', moved_out_on = moved_in_on WHERE org_id = v_org AND id = v_one.id;
  DELETE FROM memberships WHERE org_id = v_org AND user_id = v_one.user_id AND role = 'resident' AND hostel_id = v_one.hostel_id;
  UPDATE members SET removed_at = app.now() WHERE org_id = v_org AND user_id = v_one.user_id
    AND NOT EXISTS (SELECT FROM memberships WHERE org_id = v_org AND user_id = v_one.user_id);
END
$$
--;;
CREATE FUNCTION app.hide_imported_stay(p_run uuid, p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_stay stays;
  v_who text;
BEGIN
  PERFORM app.lock_import(p_run, 'delete');
  SELECT s.* INTO v_stay FROM import_rows i JOIN stays s ON s.org_id = i.org_id AND s.id = i.row_id
  WHERE i.org_id = v_org AND i.run_id = p_run AND i.id = p_id FOR UPDATE OF s;
  PERFORM app.assert_residents(v_stay.hostel_id, 'update', 'stay');
  v_who := (SELECT reference FROM residents WHERE org_id = v_org AND id = v_stay.resident_id);
  IF v_stay.hidden_at IS NOT NULL THEN
    RAISE EXCEPTION 'The stay of % was removed before.', v_who USING ERRCODE = 'VR409';
  ELSIF v_stay.status = 'ended' OR app.is_import_touched(p_run, p_id)
     OR EXISTS (SELECT FROM move_outs WHERE org_id = v_org AND stay_id = v_stay.id)
     OR (SELECT count(*) FROM bed_allocations WHERE org_id = v_org AND stay_id = v_stay.id) > 1 THEN
    RAISE EXCEPTION 'The stay of % has been worked on since, so it stays.', v_who USING ERRCODE = 'VR409';
  END IF;
  PERFORM app.note_hold(''), app.take_beds(v_stay.hostel_id, ARRAY[v_stay.bed_id]);
  UPDATE bed_allocations SET state = 'released' WHERE org_id = v_org AND stay_id = v_stay.id AND state = 'active';
  UPDATE stays SET status = 'ended', until_on = from_on, hidden_at = app.now() WHERE org_id = v_org AND id = v_stay.id;
  PERFORM app.offer_bed(v_stay.bed_id);
END
$$
--;;
CREATE FUNCTION app.stay_there(p_user integer, p_bed uuid, p_from date) RETURNS TABLE (id uuid, hidden boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT s.id, s.hidden_at IS NOT NULL FROM stays s
  WHERE s.org_id = app.current_org() AND s.user_id = p_user AND s.bed_id = p_bed AND s.from_on = p_from
    AND app.allowed_in('residents', 'read', s.hostel_id)
  ORDER BY s.hidden_at IS NULL DESC LIMIT 1
$$
--;;
CREATE FUNCTION app.organization_of_import(p_run uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT org_id FROM import_runs WHERE id = p_run
$$
--;;
CREATE FUNCTION app.inquiry_place(p_slug text, p_code text) RETURNS TABLE (org_id uuid, organization text, country text, language text, timezone text, hostel_id uuid, hostel text, hostels jsonb, phone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT o.id, o.name, o.country, coalesce(o.settings ->> 'language', ''), coalesce(h.timezone, o.timezone), h.id, h.name,
         coalesce((SELECT jsonb_agg(jsonb_build_object('code', lower(a.code), 'name', a.name, 'city', a.city) ORDER BY a.name)
                   FROM hostels a WHERE a.org_id = o.id AND a.deleted_at IS NULL), '[]'),
         coalesce(o.settings ->> 'public_phone', '')
  FROM organizations o LEFT JOIN hostels h ON h.org_id = o.id AND lower(h.code) = lower(p_code) AND h.deleted_at IS NULL
  WHERE o.slug = lower(p_slug) AND o.deleted_at IS NULL AND o.subscription_status IN ('trial', 'active')
    AND (p_code = '' OR h.id IS NOT NULL)
$$;

-- Counts an attempt of a network address
--;;
CREATE FUNCTION app.count_inquiry_attempt(p_address bytea, p_most integer, p_window interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_now timestamptz := app.now();
  v_first timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('inquiry attempt:' || encode(p_address, 'hex'), 0));
  SELECT at INTO v_first FROM inquiry_attempts WHERE address = p_address AND at > v_now - p_window
  ORDER BY at DESC OFFSET p_most - 1 LIMIT 1;
  IF FOUND THEN
    RETURN greatest(1, ceil(extract(epoch FROM v_first + p_window - v_now)))::integer;
  END IF;
  INSERT INTO inquiry_attempts (address, at) VALUES (p_address, v_now);
  RETURN 0;
END
$$
--;;
CREATE FUNCTION app.inquiry_of_device(p_org uuid, p_cookie bytea, p_local bytea, p_print bytea) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT d.inquiry_id FROM device_fingerprints d JOIN inquiries i ON i.org_id = d.org_id AND i.id = d.inquiry_id
  WHERE d.org_id = p_org AND i.deleted_at IS NULL
    AND (d.cookie = p_cookie OR d.local_token = p_local AND d.fingerprint = p_print)
  ORDER BY d.cookie = p_cookie DESC, d.seen_at DESC LIMIT 1
$$
--;;
CREATE FUNCTION app.knows_inquiry_device(p_org uuid, p_cookie bytea, p_local bytea, p_print bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.inquiry_of_device(p_org, p_cookie, p_local, p_print) IS NOT NULL
$$
--;;
CREATE FUNCTION app.store_inquiry(p_org uuid, p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_by integer, p_at timestamptz DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_number bigint := app.next_number(p_org, 'inquiry', p_org);
  v_at timestamptz := coalesce(p_at, app.now());
  v_first uuid;
  v_again uuid := (SELECT coalesce(duplicate_of, id) FROM inquiries WHERE org_id = p_org AND id = p_id);
BEGIN
  IF v_again IS NOT NULL THEN
    RETURN v_again;
  END IF;
  PERFORM set_config('app.event_at', coalesce(p_at::text, ''), true), set_config('app.event', 'ask', true), set_config('app.note', '', true);
  SELECT d.inquiry_id INTO v_first FROM inquiry_dedup_index d
  JOIN inquiries i ON i.org_id = d.org_id AND i.id = d.inquiry_id AND i.deleted_at IS NULL
  WHERE d.org_id = p_org AND d.digest = ANY (p_known) ORDER BY d.kind DESC LIMIT 1;
  INSERT INTO inquiries (org_id, id, hostel_id, number, full_name, phone_token, phone_index, phone_masked, email_token,
                         email_index, email_masked, message, language, move_in_on, source, campaign, referrer, asked_at,
                         owner_id, duplicate_of, created_by)
  SELECT p_org, p_id, p_hostel, v_number, l.full_name, l.phone_token, l.phone_index, l.phone_masked, l.email_token,
         l.email_index, l.email_masked, l.message, l.language, l.move_in_on, l.source, l.campaign, l.referrer, v_at,
         p_by, v_first, p_by
  FROM jsonb_populate_record(NULL::inquiries, p_lead) l;
  INSERT INTO inquiry_dedup_index AS d (org_id, kind, digest, inquiry_id, seen_at)
  SELECT p_org, found.kind, found.digest, coalesce(v_first, p_id), v_at
  FROM (VALUES ('email', p_lead ->> 'email_index'), ('phone', p_lead ->> 'phone_index')) found (kind, digest)
  WHERE found.digest IS NOT NULL ORDER BY found.kind
  ON CONFLICT (org_id, kind, digest) DO UPDATE SET seen_at = excluded.seen_at, inquiry_id = (  -- whose it was first, unless that is gone
    SELECT coalesce((SELECT id FROM inquiries WHERE org_id = p_org AND id = d.inquiry_id AND deleted_at IS NULL), excluded.inquiry_id));
  UPDATE inquiries SET times_asked = times_asked + 1, last_asked_at = v_at
  WHERE org_id = p_org AND id = coalesce(v_first, p_id);
  RETURN coalesce(v_first, p_id);
END
$$
--;;
CREATE FUNCTION app.has_inquiry(p_org uuid, p_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM inquiries WHERE org_id = p_org AND id = p_id)
$$
--;;
CREATE FUNCTION app.submit_inquiry(p_org uuid, p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_cookie bytea, p_new_cookie bytea, p_local bytea, p_print bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_before uuid := app.inquiry_of_device(p_org, p_cookie, p_local, p_print);
BEGIN
  IF NOT EXISTS (SELECT FROM organizations WHERE id = p_org AND deleted_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such organization.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.store_inquiry(p_org, p_hostel, p_id, p_lead, p_known, NULL);
  INSERT INTO device_fingerprints AS d (org_id, cookie, local_token, fingerprint, inquiry_id, seen_at)
  VALUES (p_org, p_new_cookie, p_local, p_print, p_id, app.now())
  ON CONFLICT (org_id, cookie) DO UPDATE SET seen_at = excluded.seen_at, local_token = coalesce(excluded.local_token, d.local_token),
    fingerprint = coalesce(excluded.fingerprint, d.fingerprint);
  INSERT INTO outbox (org_id, kind, payload, key, due_at)
  VALUES (p_org, 'inquiries.asked', jsonb_build_object('inquiry_id', p_id), p_id::text, clock_timestamp())
  ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING;
  RETURN EXISTS (SELECT FROM inquiries WHERE org_id = p_org AND id = v_before
                 AND (phone_index = ANY (p_known) OR email_index = ANY (p_known)));
END
$$
--;;
CREATE FUNCTION app.add_inquiry(p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[]) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF p_hostel IS NOT NULL AND NOT EXISTS (SELECT FROM hostels WHERE org_id = app.current_org() AND id = p_hostel AND deleted_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404', COLUMN = 'hostel';
  END IF;
  IF NOT app.is_system() AND NOT app.allowed_in('inquiries', 'create', p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you write down inquiries here.' USING ERRCODE = 'VR403';
  END IF;
  RETURN app.store_inquiry(app.current_org(), p_hostel, p_id, p_lead, p_known, app.current_user_id());
END
$$
--;;
CREATE FUNCTION app.import_inquiry(p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_at timestamptz, p_steps jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_first uuid;
  v_step jsonb;
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'The past is written by the product itself.' USING ERRCODE = 'VR403';
  END IF;
  v_first := app.store_inquiry(v_org, p_hostel, p_id, p_lead, p_known, NULL, p_at);
  FOR v_step IN SELECT * FROM jsonb_array_elements(p_steps) LOOP
    PERFORM app.act_for((v_step ->> 'by')::integer);
    PERFORM set_config('app.event_at', v_step ->> 'at', true), set_config('app.event', v_step ->> 'event', true),
            set_config('app.note', coalesce(v_step ->> 'note', ''), true),
            set_config('app.lost', coalesce(v_step ->> 'reason', ''), true);
    UPDATE inquiries SET status = v_step ->> 'state', owner_id = coalesce((v_step ->> 'owner')::integer, owner_id),
      next_action = coalesce(v_step ->> 'next_action', ''), next_action_at = (v_step ->> 'next_at')::timestamptz
    WHERE org_id = v_org AND id = p_id;
  END LOOP;
  PERFORM app.act_for(NULL), set_config('app.event_at', '', true), set_config('app.note', '', true);
  RETURN v_first;
END
$$
--;;
CREATE FUNCTION app.sees_inquiry(p_id uuid, p_action text DEFAULT 'read') RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM inquiries WHERE org_id = app.current_org() AND id = p_id
                 AND (app.is_system() OR app.allowed_in('inquiries', p_action, hostel_id)))
$$
--;;
CREATE FUNCTION app.inquiry_workers(p_hostel uuid) RETURNS TABLE (user_id integer, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.user_id, m.name FROM members m
  WHERE m.org_id = app.current_org() AND m.user_id IN (SELECT app.people_who_can('inquiries', 'update', p_hostel)) ORDER BY m.name
$$
--;;
CREATE FUNCTION app.is_colleague(p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM memberships m JOIN roles USING (role)
                 WHERE m.org_id = app.current_org() AND m.user_id = p_user AND roles.rank > 10)
$$;

-- When it came to its stage; who is reminded anew of what was put off
--;;
CREATE FUNCTION app.keep_inquiry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.stage_since := app.event_time();
    RETURN NEW;
  END IF;
  IF NEW.status <> OLD.status THEN
    NEW.stage_since := app.event_time();
    NEW.lost_reason := CASE WHEN NEW.status = 'lost' THEN coalesce(NULLIF(current_setting('app.lost', true), ''), 'other') END;
  END IF;
  IF NEW.next_action_at IS DISTINCT FROM OLD.next_action_at THEN
    NEW.reminded_at := NULL;
  END IF;
  IF NEW.owner_id IS DISTINCT FROM OLD.owner_id AND NEW.owner_id IS NOT NULL AND NEW.owner_id IS DISTINCT FROM app.current_user_id()
     AND coalesce(current_setting('app.event_at', true), '') = '' THEN
    IF NOT app.person_can(NEW.owner_id, 'inquiries', 'update', NEW.hostel_id) THEN
      RAISE EXCEPTION 'This person does not work on these inquiries.' USING ERRCODE = 'VR422', COLUMN = 'owner_id';
    END IF;
    PERFORM app.enqueue('inquiries.given', jsonb_build_object('inquiry_id', NEW.id, 'user_id', NEW.owner_id));
  END IF;
  RETURN NEW;
END
$$
--;;
CREATE FUNCTION app.write_inquiry_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_user integer := CASE WHEN TG_OP = 'INSERT' THEN NEW.created_by ELSE app.current_user_id() END;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.status = OLD.status THEN
    RETURN NULL;
  END IF;
  INSERT INTO inquiry_stage_history (org_id, inquiry_id, from_status, to_status, event, changed_by, triggered_by, note, event_at)
  VALUES (NEW.org_id, NEW.id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, NEW.status,
          NULLIF(current_setting('app.event', true), ''), v_user,
          CASE WHEN v_user IS NULL THEN 'system' ELSE 'user' END, coalesce(current_setting('app.note', true), ''),
          app.event_time());
  RETURN NULL;
END
$$;

-- Whoever first does something with it has it; why it is lost is one of the known reasons
--;;
CREATE FUNCTION app.on_inquiry_move(p_id uuid, p_event text, p_from text, p_to text, p_args jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row inquiries;
BEGIN
  SELECT * INTO v_row FROM inquiries WHERE org_id = app.current_org() AND id = p_id;
  IF v_row.duplicate_of IS NOT NULL THEN
    RAISE EXCEPTION 'This inquiry belongs to another one: move that one.' USING ERRCODE = 'VR409';
  END IF;
  IF p_to IS NULL THEN
    RETURN;
  END IF;
  IF p_event = 'reopen' AND v_row.invitation_id IS NOT NULL THEN
    RAISE EXCEPTION 'This person was invited already: withdraw the invitation first.' USING ERRCODE = 'VR409';
  END IF;
  IF p_event = 'lose' AND NOT coalesce(p_args ->> 'reason', '') = ANY (ARRAY['price', 'location', 'no_free_bed', 'not_as_expected',
                                                                    'chose_another', 'no_answer', 'not_serious', 'other']) THEN
    RAISE EXCEPTION 'Please say why it was lost.' USING ERRCODE = 'VR422', COLUMN = 'reason';
  END IF;
  PERFORM set_config('app.lost', CASE WHEN p_event = 'lose' THEN p_args ->> 'reason' ELSE '' END, true);
  UPDATE inquiries SET
    owner_id = coalesce(owner_id, app.current_user_id()),
    next_action = CASE WHEN p_to IN ('won', 'lost') THEN '' WHEN p_args ->> 'at' IS NOT NULL THEN 'Visit' ELSE next_action END,
    next_action_at = CASE WHEN p_to IN ('won', 'lost') THEN NULL ELSE coalesce((p_args ->> 'at')::timestamptz, next_action_at) END
  WHERE org_id = v_row.org_id AND id = p_id;
END
$$
--;;
CREATE FUNCTION app.merge_inquiries(p_from uuid, p_into uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_from inquiries;
  v_into inquiries;
BEGIN
  PERFORM 1 FROM inquiries WHERE org_id = v_org AND id IN (p_from, p_into) ORDER BY id FOR UPDATE;
  SELECT * INTO v_from FROM inquiries WHERE org_id = v_org AND id = p_from AND deleted_at IS NULL;
  SELECT * INTO v_into FROM inquiries WHERE org_id = v_org AND id = p_into AND deleted_at IS NULL;
  IF v_from.id IS NULL OR v_into.id IS NULL OR NOT app.sees_inquiry(p_from) OR NOT app.sees_inquiry(p_into) THEN
    RAISE EXCEPTION 'There is no such inquiry.' USING ERRCODE = 'VR404', COLUMN = 'into';
  END IF;
  IF NOT app.sees_inquiry(p_from, 'update') OR NOT app.sees_inquiry(p_into, 'update') THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  IF p_from = p_into THEN
    RAISE EXCEPTION 'Choose another inquiry than this one.' USING ERRCODE = 'VR422', COLUMN = 'into';
  END IF;
  IF v_from.duplicate_of IS NOT NULL OR v_into.duplicate_of IS NOT NULL OR v_from.invitation_id IS NOT NULL THEN
    RAISE EXCEPTION 'One of them belongs to another inquiry already, or was invited.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE inquiries SET duplicate_of = p_into, next_action = '', next_action_at = NULL
  WHERE org_id = v_org AND (id = p_from OR duplicate_of = p_from);
  UPDATE inquiry_dedup_index SET inquiry_id = p_into WHERE org_id = v_org AND inquiry_id = p_from;
  UPDATE inquiries SET
    times_asked = times_asked + v_from.times_asked, last_asked_at = greatest(last_asked_at, v_from.last_asked_at),
    source = CASE WHEN v_from.asked_at < asked_at THEN v_from.source ELSE source END,
    campaign = CASE WHEN v_from.asked_at < asked_at THEN v_from.campaign ELSE campaign END,
    referrer = CASE WHEN v_from.asked_at < asked_at THEN v_from.referrer ELSE referrer END,
    asked_at = least(asked_at, v_from.asked_at), move_in_on = coalesce(move_in_on, v_from.move_in_on),
    owner_id = coalesce(owner_id, v_from.owner_id), hostel_id = coalesce(hostel_id, v_from.hostel_id),
    next_action = CASE WHEN next_action = '' AND next_action_at IS NULL THEN v_from.next_action ELSE next_action END,
    next_action_at = CASE WHEN next_action = '' AND next_action_at IS NULL THEN v_from.next_action_at ELSE next_action_at END
  WHERE org_id = v_org AND id = p_into;
END
$$
--;;
CREATE FUNCTION app.reveal_inquiry(p_id uuid, p_reason text) RETURNS TABLE (phone_token text, email_token text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.sees_inquiry(p_id) THEN
    RAISE EXCEPTION 'There is no such inquiry.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT app.sees_inquiry(p_id, 'update') THEN
    RAISE EXCEPTION 'Your role does not let you see this.' USING ERRCODE = 'VR403';
  END IF;
  IF btrim(coalesce(p_reason, '')) = '' THEN
    RAISE EXCEPTION 'Please say what you need it for.' USING ERRCODE = 'VR422', COLUMN = 'reason';
  END IF;
  PERFORM app.note_event('reveal', 'inquiries', p_id::text, p_reason);
  RETURN QUERY SELECT i.phone_token, i.email_token FROM inquiries i WHERE i.org_id = app.current_org() AND i.id = p_id;
END
$$;

-- That somebody was invited to live here
--;;
CREATE FUNCTION app.convert_inquiry(p_id uuid, p_invitation uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row inquiries;
BEGIN
  SELECT * INTO v_row FROM inquiries WHERE org_id = app.current_org() AND id = p_id AND deleted_at IS NULL FOR UPDATE;
  IF NOT FOUND OR NOT app.sees_inquiry(p_id) THEN
    RAISE EXCEPTION 'There is no such inquiry.' USING ERRCODE = 'VR404';
  END IF;
  IF v_row.invitation_id IS DISTINCT FROM p_invitation AND EXISTS (
      SELECT FROM invitations WHERE org_id = v_row.org_id AND id = v_row.invitation_id
        AND (status = 'accepted' OR status = 'pending' AND expires_at > app.now())) THEN
    RAISE EXCEPTION 'This person was invited already.' USING ERRCODE = 'VR409';
  END IF;
  IF v_row.status <> 'won' THEN
    PERFORM app.move('inquiry', p_id, 'win');
  ELSIF NOT app.sees_inquiry(p_id, 'update') THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  UPDATE inquiries SET invitation_id = p_invitation WHERE org_id = v_row.org_id AND id = p_id;
END
$$;

-- Inquiries whose person has accepted the invitation
--;;
CREATE FUNCTION app.inquiries_of_residents() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.id FROM inquiries i JOIN invitations v ON v.org_id = i.org_id AND v.id = i.invitation_id
  WHERE i.org_id = app.current_org() AND v.status = 'accepted' AND app.can('inquiries', 'read')
$$
--;;
CREATE FUNCTION app.my_inquiry() RETURNS TABLE (id uuid, hostel_id uuid, full_name text, phone_token text, move_in_on date, source text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.id, i.hostel_id, i.full_name, i.phone_token, i.move_in_on, i.source
  FROM inquiries i JOIN invitations v ON v.org_id = i.org_id AND v.id = i.invitation_id
  WHERE i.org_id = app.current_org() AND v.accepted_by = app.current_user_id() AND i.deleted_at IS NULL
  ORDER BY i.asked_at DESC LIMIT 1
$$
--;;
CREATE FUNCTION app.organizations_with_reminders() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT org_id FROM inquiries WHERE next_action_at <= app.now() AND reminded_at IS NULL AND deleted_at IS NULL
$$;

-- Of what is due in the bound organization
--;;
CREATE FUNCTION app.take_inquiry_reminders(p_most integer) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Reminders are the product''s own.' USING ERRCODE = 'VR403';
  END IF;
  RETURN QUERY UPDATE inquiries i SET reminded_at = app.now()
  WHERE i.org_id = app.current_org() AND i.id IN (
    SELECT d.id FROM inquiries d WHERE d.org_id = app.current_org() AND d.next_action_at <= app.now() AND d.reminded_at IS NULL
      AND d.deleted_at IS NULL ORDER BY d.next_action_at LIMIT p_most FOR UPDATE SKIP LOCKED)
  RETURNING i.id;
END
$$;

-- Attempts decide nothing after their hour
--;;
CREATE FUNCTION app.forget_inquiry_traces(p_attempts timestamptz, p_devices timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  DELETE FROM inquiry_attempts WHERE at < p_attempts;
  DELETE FROM device_fingerprints WHERE seen_at < p_devices
$$
--;;
CREATE FUNCTION app.stock_words(p_quantity numeric, p_unit text) RETURNS text
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT trim_scale(p_quantity) || ' ' || p_unit
$$
--;;
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

-- Moves one item that is locked already. With a price it comes in at that, else at the average of what is there
--;;
CREATE FUNCTION app.move_item(p_item uuid, p_kind text, p_quantity numeric, p_price bigint, p_value bigint, p_batch uuid, p_about jsonb, p_on date) RETURNS bigint
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
-- without a sign
--;;
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

-- Books the differences of a stock take and keeps that it was one
--;;
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

-- Turns a move round that was a mistake, once, and says why
--;;
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
$$
--;;
CREATE FUNCTION app.note_low_stock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.low AND NOT OLD.low AND NEW.deleted_at IS NULL THEN
    PERFORM app.enqueue('inventory.low', jsonb_build_object('item_id', NEW.id));
  END IF;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.stock_people(p_ids uuid[]) RETURNS TABLE (id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT b.id, m.name
  FROM (SELECT org_id, id, hostel_id, created_by FROM inventory_moves UNION ALL SELECT org_id, id, hostel_id, created_by FROM inventory_counts) b
  JOIN members m ON m.org_id = b.org_id AND m.user_id = b.created_by
  WHERE b.org_id = app.current_org() AND b.id = ANY (p_ids) AND (app.is_system() OR app.is_staff() AND app.allowed_in('inventory', 'read', b.hostel_id))
$$
--;;
CREATE FUNCTION app.now() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT clock_timestamp() + coalesce((SELECT shift FROM clock), interval '0')
$$
--;;
CREATE FUNCTION app.event_time() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(NULLIF(current_setting('app.event_at', true), '')::timestamptz, app.now())
$$
--;;
CREATE FUNCTION app.assert_reason(p_reason text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF btrim(coalesce(p_reason, '')) = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
END
$$
--;;
CREATE FUNCTION app.assert_system() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$
--;;
CREATE FUNCTION app.guard_lifecycle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_new text;
  v_old text;
BEGIN
  IF TG_NARGS > 1 THEN
    v_new := to_jsonb(NEW) ->> TG_ARGV[1];
    v_old := to_jsonb(OLD) ->> TG_ARGV[1];
  ELSE
    v_new := NEW.status;
    v_old := OLD.status;
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF v_new <> (SELECT initial FROM lifecycle_machines WHERE machine = TG_ARGV[0]) THEN
      RAISE EXCEPTION 'A new % cannot begin as %.', replace(TG_ARGV[0], '_', ' '), replace(v_new, '_', ' ')
        USING ERRCODE = 'VR409';
    END IF;
  ELSIF v_new <> v_old AND NOT EXISTS (
      SELECT FROM lifecycle_transitions
      WHERE machine = TG_ARGV[0] AND from_state = v_old AND to_state = v_new) THEN
    RAISE EXCEPTION 'A % cannot go from % to %.', replace(TG_ARGV[0], '_', ' '), replace(v_old, '_', ' '),
      replace(v_new, '_', ' ') USING ERRCODE = 'VR409';
  END IF;
  RETURN NEW;
END
$$;

-- Legal? allowed? still in the state it is in? Then the state changes; triggers keep clock, history and audit.
-- The machine's hook sees (id, event, from, to, args) before the change
--;;
CREATE FUNCTION app.move(p_machine text, p_id uuid, p_event text, p_note text DEFAULT '', p_args jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_machine lifecycle_machines := (SELECT m FROM lifecycle_machines m WHERE machine = p_machine);
  v_step lifecycle_transitions;
  v_from text;
  v_hostel uuid;
BEGIN
  PERFORM set_config('app.event_at', '', true), set_config('app.event', p_event, true),
          set_config('app.note', coalesce(btrim(p_note), ''), true);
  IF v_machine.machine IS NULL THEN
    RAISE EXCEPTION 'There is no such lifecycle.' USING ERRCODE = 'VR404';
  END IF;
  EXECUTE format('SELECT status, hostel_id FROM public.%I WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE',
                 v_machine.table_name) INTO v_from, v_hostel USING app.current_org(), p_id;
  SELECT * INTO v_step FROM lifecycle_transitions WHERE machine = p_machine AND event = p_event LIMIT 1;
  IF v_from IS NULL OR NOT (app.is_system() OR (app.is_staff() OR app.is_admitted()) AND coalesce(app.allowed_in(v_step.resource, 'read', v_hostel), true)) THEN
    RAISE EXCEPTION 'There is no such %.', replace(p_machine, '_', ' ') USING ERRCODE = 'VR404';
  END IF;
  -- A step without a capability is the product's own: NULL must not pass for a yes.
  IF NOT app.is_system() AND NOT coalesce(app.allowed_in(v_step.resource, v_step.action, v_hostel), v_step.machine IS NULL) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  SELECT * INTO v_step FROM lifecycle_transitions
  WHERE machine = p_machine AND event = p_event AND from_state = v_from;
  IF v_machine.hook IS NOT NULL THEN
    EXECUTE format('SELECT app.%I($1, $2, $3, $4, $5)', v_machine.hook)
    USING p_id, p_event, v_from, v_step.to_state, p_args;
  END IF;
  IF v_step.machine IS NULL THEN
    RAISE EXCEPTION 'This % is %, so that is not possible any more.', replace(p_machine, '_', ' '), replace(v_from, '_', ' ')
      USING ERRCODE = 'VR409';
  END IF;
  IF app.is_system() AND NOT v_step.by_system THEN
    RAISE EXCEPTION 'Only a person may do that.' USING ERRCODE = 'VR403';
  END IF;
  IF v_step.needs_note AND current_setting('app.note') = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
  EXECUTE format('UPDATE public.%I SET status = $3 WHERE org_id = $1 AND id = $2', v_machine.table_name)
  USING app.current_org(), p_id, v_step.to_state;
  RETURN v_step.to_state;
END
$$
--;;
CREATE FUNCTION app.first_leave_day(p_hostel uuid) RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT local::date + CASE WHEN local::time < coalesce(s.leave_until, time '20:00') THEN 1 ELSE 2 END
  FROM (SELECT app.now() AT TIME ZONE timezone AS local FROM hostels WHERE org_id = app.current_org() AND id = p_hostel) h
  LEFT JOIN meal_settings s ON s.org_id = app.current_org() AND s.hostel_id = p_hostel
$$
--;;
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
$$
--;;
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

-- What can still be changed of a leave is taken back
--;;
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
$$
--;;
CREATE FUNCTION app.leave_people(p_leaves uuid[]) RETURNS TABLE (id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT l.id, m.name FROM meal_leaves l JOIN members m ON m.org_id = l.org_id AND m.user_id = l.user_id
  WHERE l.org_id = app.current_org() AND l.id = ANY (p_leaves)
    AND (app.is_system() OR app.is_staff() AND app.allowed_in('canteen', 'read', l.hostel_id))
$$;

-- The rebate of a leave is fixed
--;;
CREATE FUNCTION app.settle_leave(p_id uuid, p_paise bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  UPDATE meal_leaves SET settled_at = app.now(), rebate_paise = p_paise
  WHERE org_id = app.current_org() AND id = p_id AND settled_at IS NULL AND withdrawn_at IS NULL AND until_on < app.house_day(hostel_id);
  RETURN FOUND;
END
$$
--;;
CREATE FUNCTION app.ask_meal_rebates() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH asked AS (
    INSERT INTO outbox (org_id, kind, payload, key)
    SELECT l.org_id, 'meals.rebate', jsonb_build_object('leave_id', l.id), l.id::text
    FROM meal_leaves l JOIN hostels h ON h.org_id = l.org_id AND h.id = l.hostel_id
    WHERE l.settled_at IS NULL AND l.withdrawn_at IS NULL AND l.until_on < (app.now() AT TIME ZONE h.timezone)::date
    ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING RETURNING 1)
  SELECT count(*) FROM asked
$$
--;;
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

-- The plans that are sold in a house, with the days of their meals
--;;
CREATE FUNCTION app.plans_of(p_hostel uuid) RETURNS TABLE (name text, days smallint[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT t.name, coalesce(p.days, '{127,127,0,127}')
  FROM (SELECT DISTINCT ON (lower(name)) name FROM tariffs WHERE org_id = app.current_org() AND hostel_id = p_hostel AND kind = 'mess'
        AND deleted_at IS NULL AND coalesce(valid_until > app.house_day(p_hostel), true) ORDER BY lower(name), valid_from DESC) t
  LEFT JOIN meal_plans p ON p.org_id = app.current_org() AND p.hostel_id = p_hostel AND lower(p.name) = lower(t.name)
  WHERE app.is_system() OR app.is_staff() AND app.allowed_in('canteen', 'read', p_hostel)
  ORDER BY t.name
$$
--;;
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
$$
--;;
CREATE FUNCTION app.meal_days(p_hostel uuid, p_first date, p_until date) RETURNS TABLE (day date, meal text, holders bigint, away bigint, ate bigint, ordered bigint)
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
$$
--;;
CREATE FUNCTION app.meal_people(p_hostel uuid, p_day date, p_meal text) RETURNS TABLE (user_id integer, name text, room text, food text, allergens text[], away boolean, ate boolean)
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
$$
--;;
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
$$
--;;
CREATE FUNCTION app.set_meal_needs(p_food text, p_allergens text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_admitted() OR NOT app.can('canteen', 'create') THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO meal_needs (org_id, user_id, food, allergens) VALUES (app.current_org(), app.current_user_id(), p_food, p_allergens)
  ON CONFLICT (org_id, user_id) DO UPDATE SET food = p_food, allergens = p_allergens;
END
$$
--;;
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

-- What the bed of a stay is called
--;;
CREATE FUNCTION app.bed_called(p_stay uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT r.number || '-' || b.label FROM stays s
  JOIN beds b ON b.org_id = s.org_id AND b.id = s.bed_id JOIN rooms r ON r.org_id = b.org_id AND r.id = b.room_id
  WHERE s.org_id = app.current_org() AND s.id = p_stay
    AND (s.user_id = app.current_user_id() AND app.is_admitted() OR app.is_staff() AND app.allowed_in('move_outs', 'read', s.hostel_id))
$$
--;;
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
-- move-out
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
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
$$
--;;
CREATE FUNCTION app.settle_move_out(p_id uuid, p_paid_until date, p_leaves date, p_deposit bigint, p_rent bigint, p_notice bigint, p_damages bigint) RETURNS void
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
$$
--;;
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
$$
--;;
CREATE FUNCTION app.notify(p_users integer[], p_kind text, p_urgency text, p_key text, p_title text, p_body text, p_link text, p_hostel uuid, p_channels text[], p_offered text[], p_forced boolean, p_source uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_now timestamptz := app.now();
  v_told integer;
  v_ids uuid[];
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'People are told things by the product, not by each other.' USING ERRCODE = 'VR403';
  END IF;
  WITH wanted AS (
    SELECT m.user_id, array_agg(c.channel) AS channels
    FROM members m CROSS JOIN unnest(p_offered) AS c (channel)
    LEFT JOIN notification_preferences p ON p.org_id = m.org_id AND p.user_id = m.user_id AND p.kind = p_kind AND p.channel = c.channel
    WHERE m.org_id = v_org AND m.user_id = ANY (p_users) AND m.removed_at IS NULL
      AND CASE WHEN p_forced THEN c.channel = ANY (p_channels) ELSE coalesce(p.wanted, c.channel = ANY (p_channels)) END
      AND (c.channel <> 'telegram' OR p.wanted OR p_source IS NOT NULL OR EXISTS (
        SELECT FROM telegram_chats t WHERE t.org_id = m.org_id AND t.user_id = m.user_id AND t.purpose = 'personal'
          AND t.linked_at IS NOT NULL AND t.blocked_at IS NULL))
    GROUP BY m.user_id
  ), told AS (
    INSERT INTO notifications (org_id, hostel_id, user_id, kind, urgency, title, body, link, key, read_at, archived_at)
    SELECT v_org, p_hostel, w.user_id, p_kind, p_urgency, left(p_title, 200), p_body, p_link, p_key, s.aside, s.aside
    FROM wanted w CROSS JOIN LATERAL (SELECT CASE WHEN 'in_app' <> ALL (w.channels) THEN v_now END AS aside) s
    ON CONFLICT (org_id, user_id, key) DO NOTHING
    RETURNING id, user_id
  ), made AS (
    INSERT INTO notification_deliveries (org_id, notification_id, hostel_id, user_id, kind, channel, state, due_at, sent_at, delivered_at, source_id)
    SELECT v_org, t.id, p_hostel, t.user_id, p_kind, c.channel, CASE WHEN c.channel = 'in_app' THEN 'delivered' ELSE 'queued' END,
           v_now, s.at, s.at, p_source
    FROM told t JOIN wanted w USING (user_id) CROSS JOIN LATERAL unnest(w.channels) AS c (channel)
    CROSS JOIN LATERAL (SELECT CASE WHEN c.channel = 'in_app' THEN v_now END AS at) s
    RETURNING id, channel
  )
  SELECT (SELECT count(*) FROM told), ARRAY(SELECT id FROM made WHERE channel <> 'in_app') INTO v_told, v_ids;
  RETURN jsonb_build_object('told', v_told, 'waiting', CASE WHEN cardinality(v_ids) = 0 THEN '[]'::jsonb ELSE app.deliveries_waiting(v_ids) END);
END
$$
--;;
CREATE FUNCTION app.deliveries_waiting(p_ids uuid[]) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'id', d.id, 'quiet_from', s.quiet_from, 'quiet_to', s.quiet_to, 'zone', coalesce(s.timezone, h.timezone, o.timezone),
    'last', (SELECT max(coalesce(e.sent_at, e.due_at)) FROM notification_deliveries e
             WHERE e.org_id = d.org_id AND e.user_id = d.user_id AND e.channel = d.channel AND e.kind = d.kind AND e.id <> ALL (p_ids)
               AND e.state IN ('queued', 'sent', 'delivered', 'read') AND e.due_at > app.now() - interval '10 minutes'))), '[]')
  FROM notification_deliveries d JOIN organizations o ON o.id = d.org_id
  LEFT JOIN hostels h ON h.org_id = d.org_id AND h.id = d.hostel_id
  LEFT JOIN notification_settings s ON s.org_id = d.org_id AND s.user_id = d.user_id
  WHERE d.org_id = app.current_org() AND d.id = ANY (p_ids)
$$
--;;
CREATE FUNCTION app.plan_deliveries(p_ids uuid[], p_dues timestamptz[], p_reason text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  UPDATE notification_deliveries d SET due_at = p.due, reason = p_reason
  FROM unnest(p_ids, p_dues) AS p (id, due) WHERE d.org_id = app.current_org() AND d.id = p.id AND d.state = 'queued';
  INSERT INTO outbox (org_id, kind, payload, due_at)
  SELECT app.current_org(), 'notifications.send', jsonb_build_object('delivery_id', p.id),
         CASE WHEN p.due <= app.now() THEN clock_timestamp() ELSE p.due END
  FROM unnest(p_ids, p_dues) AS p (id, due);
END
$$
--;;
CREATE FUNCTION app.take_deliveries(p_id uuid) RETURNS TABLE (id uuid, user_id integer, channel text, kind text, urgency text, title text,
  body text, link text, notification_id uuid, attempts integer, muted boolean, quiet_from time, quiet_to time, zone text, due_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  RETURN QUERY
    SELECT d.id, d.user_id, d.channel, d.kind::text, n.urgency, n.title::text, n.body, n.link, n.id, d.attempts,
           n.urgency <> 'emergency' AND EXISTS (
             SELECT FROM notification_preferences p WHERE p.org_id = d.org_id AND p.user_id = d.user_id AND p.kind = d.kind
               AND p.channel = d.channel AND NOT p.wanted),
           s.quiet_from, s.quiet_to, coalesce(s.timezone, h.timezone, o.timezone)::text, d.due_at
    FROM notification_deliveries first
    JOIN notification_deliveries d ON d.org_id = first.org_id AND d.user_id = first.user_id AND d.channel = first.channel
      AND d.kind = first.kind AND d.due_at <= first.due_at AND d.state = 'queued'
    JOIN notifications n ON n.org_id = d.org_id AND n.id = d.notification_id
    JOIN organizations o ON o.id = d.org_id
    LEFT JOIN hostels h ON h.org_id = d.org_id AND h.id = d.hostel_id
    LEFT JOIN notification_settings s ON s.org_id = d.org_id AND s.user_id = d.user_id
    WHERE first.org_id = app.current_org() AND first.id = p_id AND first.state = 'queued' AND first.due_at <= app.now()
    ORDER BY d.created_at, d.id LIMIT 50 FOR UPDATE OF d SKIP LOCKED;
END
$$
--;;
CREATE FUNCTION app.notification_recipient(p_user integer) RETURNS TABLE (name text, email text, language text, organization text, phone_token text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  RETURN QUERY
    SELECT m.name::text, m.email::text, coalesce(app.language_of(m.user_id), o.settings ->> 'language', ''), o.name::text,
           CASE WHEN s.phone_confirmed_at IS NOT NULL THEN s.phone_token END
    FROM members m JOIN organizations o ON o.id = m.org_id
    LEFT JOIN notification_settings s ON s.org_id = m.org_id AND s.user_id = m.user_id
    WHERE m.org_id = app.current_org() AND m.user_id = p_user AND m.removed_at IS NULL;
END
$$
--;;
CREATE FUNCTION app.settle_deliveries(p_ids uuid[], p_state text, p_reason text, p_off bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  UPDATE notification_deliveries d SET state = CASE WHEN n.read_at IS NOT NULL AND p_state IN ('sent', 'delivered') AND n.archived_at IS NULL
                                                    THEN 'read' ELSE p_state END,
    reason = left(p_reason, 300), attempts = d.attempts + CASE WHEN p_state = 'skipped' THEN 0 ELSE 1 END,
    sent_at = CASE WHEN p_state IN ('sent', 'delivered') THEN app.now() END,
    delivered_at = CASE WHEN p_state = 'delivered' THEN app.now() END, off_digest = p_off
  FROM notifications n
  WHERE d.org_id = app.current_org() AND d.id = ANY (p_ids) AND d.state = 'queued' AND n.org_id = d.org_id AND n.id = d.notification_id;
END
$$
--;;
CREATE FUNCTION app.retry_deliveries(p_ids uuid[], p_reason text, p_again timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  UPDATE notification_deliveries SET attempts = attempts + 1 WHERE org_id = app.current_org() AND id = ANY (p_ids) AND state = 'queued';
  PERFORM app.plan_deliveries(p_ids, array_fill(p_again, ARRAY[cardinality(p_ids)]), left(p_reason, 300));
END
$$
--;;
CREATE FUNCTION app.resend_delivery(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_found record;
BEGIN
  SELECT d.hostel_id, d.state INTO v_found FROM notification_deliveries d WHERE d.org_id = app.current_org() AND d.id = p_id FOR UPDATE;
  IF NOT FOUND OR NOT coalesce(v_found.hostel_id = ANY (app.reach('announcements', 'read')), true) THEN
    RAISE EXCEPTION 'There is no such message.' USING ERRCODE = 'VR404';
  ELSIF NOT coalesce(v_found.hostel_id = ANY (app.reach('announcements', 'update')), app.can('announcements', 'update')) THEN
    RAISE EXCEPTION 'Your role does not let you send messages again.' USING ERRCODE = 'VR403';
  ELSIF v_found.state <> 'failed' THEN
    RAISE EXCEPTION 'Only a message that was given up can be sent again.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE notification_deliveries SET state = 'queued', attempts = 0, due_at = app.now() WHERE org_id = app.current_org() AND id = p_id;
  INSERT INTO outbox (org_id, kind, payload) VALUES (app.current_org(), 'notifications.send', jsonb_build_object('delivery_id', p_id));
END
$$
--;;
CREATE FUNCTION app.note_read() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF OLD.read_at IS NULL AND NEW.read_at IS NOT NULL THEN
    UPDATE notification_deliveries SET state = 'read', read_at = NEW.read_at
    WHERE org_id = NEW.org_id AND notification_id = NEW.id AND state IN ('sent', 'delivered');
  END IF;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.note_telegram() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.state <> OLD.state AND NEW.part = 1 AND starts_with(NEW.key, 'delivery ') THEN
    UPDATE notification_deliveries SET state = CASE NEW.state WHEN 'sent' THEN 'delivered' ELSE 'failed' END,
      delivered_at = CASE WHEN NEW.state = 'sent' THEN app.now() END, reason = CASE WHEN NEW.state = 'sent' THEN '' ELSE left(NEW.reason, 300) END
    WHERE org_id = NEW.org_id AND id = substr(NEW.key, 10, 36)::uuid AND state = 'sent' AND NEW.state IN ('sent', 'failed');
  END IF;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.has_telegram() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM telegram_chats WHERE org_id = app.current_org() AND user_id = app.current_user_id() AND purpose = 'personal'
                 AND linked_at IS NOT NULL)
$$
--;;
CREATE FUNCTION app.choose_notifications(p_choices jsonb, p_from time, p_to time, p_zone text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF app.current_org() IS NULL OR app.current_user_id() IS NULL THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO notification_preferences AS p (org_id, user_id, kind, channel, wanted)
  SELECT app.current_org(), app.current_user_id(), c.kind, c.channel, c.wanted
  FROM jsonb_to_recordset(p_choices) AS c (kind text, channel text, wanted boolean)
  ON CONFLICT (org_id, user_id, kind, channel) DO UPDATE SET wanted = excluded.wanted WHERE p.wanted <> excluded.wanted;
  INSERT INTO notification_settings AS s (org_id, user_id, quiet_from, quiet_to, timezone)
  VALUES (app.current_org(), app.current_user_id(), p_from, p_to, p_zone)
  ON CONFLICT (org_id, user_id) DO UPDATE SET quiet_from = p_from, quiet_to = p_to, timezone = p_zone
  WHERE (s.quiet_from, s.quiet_to, s.timezone) IS DISTINCT FROM (p_from, p_to, p_zone);
END
$$;

-- A number for text messages, sealed, until it is confirmed by the code that it gets
--;;
CREATE FUNCTION app.set_notification_phone(p_token text, p_masked text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF app.current_org() IS NULL OR app.current_user_id() IS NULL THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO notification_settings (org_id, user_id, phone_token, phone_masked)
  VALUES (app.current_org(), app.current_user_id(), p_token, p_masked)
  ON CONFLICT (org_id, user_id) DO UPDATE SET phone_token = p_token, phone_masked = p_masked, phone_confirmed_at = NULL;
END
$$
--;;
CREATE FUNCTION app.unconfirmed_phone() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT phone_token FROM notification_settings
  WHERE org_id = app.current_org() AND user_id = app.current_user_id() AND phone_confirmed_at IS NULL
$$
--;;
CREATE FUNCTION app.phone_to_confirm(p_user integer) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_system();
  RETURN (SELECT phone_token FROM notification_settings
          WHERE org_id = app.current_org() AND user_id = p_user AND phone_confirmed_at IS NULL);
END
$$
--;;
CREATE FUNCTION app.notification_phones_to_rotate(p_prefix text, p_after uuid, p_most integer) RETURNS TABLE (org_id uuid, id uuid, user_id integer, phone_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT s.org_id, s.id, s.user_id, s.phone_token FROM notification_settings s
  WHERE (p_after IS NULL OR s.id > p_after) AND s.phone_token IS NOT NULL AND NOT starts_with(s.phone_token, p_prefix)
  ORDER BY s.id LIMIT p_most
$$
--;;
CREATE FUNCTION app.rotate_notification_phone(p_org uuid, p_id uuid, p_seen text, p_token text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE notification_settings SET phone_token = p_token WHERE org_id = p_org AND id = p_id AND phone_token = p_seen
$$
--;;
CREATE FUNCTION app.confirm_notification_phone(p_token text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH done AS (
    UPDATE notification_settings SET phone_confirmed_at = app.now()
    WHERE org_id = app.current_org() AND user_id = app.current_user_id() AND phone_token = p_token RETURNING 1)
  SELECT EXISTS (SELECT FROM done)
$$;

-- The link at the foot of a mail: whoever holds its secret turns that kind off by e-mail for that one person. Returns
-- the kind
--;;
CREATE FUNCTION app.mute_by_letter(p_digest bytea, p_only_look boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_found record;
BEGIN
  SELECT org_id, user_id, kind, channel INTO v_found FROM notification_deliveries WHERE off_digest = p_digest LIMIT 1;
  IF FOUND AND NOT p_only_look THEN
    INSERT INTO notification_preferences (org_id, user_id, kind, channel, wanted)
    VALUES (v_found.org_id, v_found.user_id, v_found.kind, v_found.channel, false)
    ON CONFLICT (org_id, user_id, kind, channel) DO UPDATE SET wanted = false;
  END IF;
  RETURN v_found.kind;
END
$$
--;;
CREATE FUNCTION app.people_who_can(p_resource text, p_action text, p_hostel uuid) RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.user_id FROM members m
  WHERE m.org_id = app.current_org() AND m.removed_at IS NULL
    AND m.user_id IN (SELECT s.user_id FROM memberships s JOIN roles USING (role)
                      WHERE s.org_id = app.current_org() AND s.status = 'active' AND roles.rank > 10)
    AND EXISTS (SELECT FROM app.active_roles(m.org_id, m.user_id) r WHERE r.rank > 10)
    AND app.person_can(m.user_id, p_resource, p_action, p_hostel)
$$
--;;
CREATE FUNCTION app.forget_onboarding() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.destroyed_at IS NULL OR OLD.destroyed_at IS NOT NULL THEN
    RETURN NULL;
  END IF;
  DELETE FROM onboarding_drafts WHERE org_id = NEW.org_id AND user_id = NEW.user_id;
  DELETE FROM resident_preferences WHERE org_id = NEW.org_id AND user_id = NEW.user_id;
  DELETE FROM kyc_records WHERE org_id = NEW.org_id AND user_id = NEW.user_id;
  UPDATE onboarding_submissions SET answers = '{}', reason = '', handover = '' WHERE org_id = NEW.org_id AND user_id = NEW.user_id;
  UPDATE submission_flags SET reason = '' WHERE org_id = NEW.org_id AND user_id = NEW.user_id;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.onboarding_house() RETURNS TABLE (id uuid, name text, currency text, country text, today date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_org uuid := app.current_org();
  v_hostels uuid[];
BEGIN
  IF NOT EXISTS (SELECT FROM app.active_roles(v_org, app.current_user_id()) r WHERE r.role = 'pending_resident') THEN
    RAISE EXCEPTION 'You are not moving in here, so there is nothing to fill in.' USING ERRCODE = 'VR403';
  END IF;
  SELECT array_agg(DISTINCT h.id) INTO v_hostels FROM hostels h
  JOIN app.active_roles(v_org, app.current_user_id()) r ON r.role = 'pending_resident' AND coalesce(r.hostel_id = h.id, true)
  WHERE h.org_id = v_org AND h.deleted_at IS NULL;
  IF coalesce(cardinality(v_hostels), 0) <> 1 THEN
    RAISE EXCEPTION 'It is not decided yet which hostel you move into: please ask the people who invited you.' USING ERRCODE = 'VR409';
  END IF;
  RETURN QUERY SELECT h.id, h.name::text, h.currency::text, o.country::text, (app.now() AT TIME ZONE h.timezone)::date
    FROM hostels h JOIN organizations o ON o.id = h.org_id WHERE h.org_id = v_org AND h.id = v_hostels[1];
END
$$
--;;
CREATE FUNCTION app.onboarding_prices(p_day date) RETURNS TABLE (kind text, name text, amount_paise bigint, currency text, per text, room_type_id uuid, room_type text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT t.kind, t.name, t.amount_paise, t.currency, t.per, t.room_type_id, k.name
  FROM app.onboarding_house() h JOIN tariffs t ON t.org_id = app.current_org() AND t.hostel_id = h.id AND t.deleted_at IS NULL
  LEFT JOIN room_types k ON k.org_id = t.org_id AND k.id = t.room_type_id
  WHERE daterange(t.valid_from, t.valid_until) @> p_day ORDER BY t.kind, t.amount_paise, t.name
$$
--;;
CREATE FUNCTION app.open_onboarding() RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_user integer := app.current_user_id();
  v_house uuid := (SELECT id FROM app.onboarding_house());
  v_found onboarding_progress;
BEGIN
  INSERT INTO onboarding_progress (org_id, hostel_id, user_id) VALUES (v_org, v_house, v_user) ON CONFLICT (org_id, user_id) DO NOTHING;
  SELECT * INTO v_found FROM onboarding_progress WHERE org_id = v_org AND user_id = v_user FOR UPDATE;
  IF v_found.hostel_id <> v_house THEN
    -- They were invited into another house meanwhile: its beds are others.
    UPDATE onboarding_progress SET hostel_id = v_house, hold_id = NULL, last_completed_step = least(last_completed_step, 2)
    WHERE org_id = v_org AND id = v_found.id RETURNING * INTO v_found;
  END IF;
  IF EXISTS (SELECT FROM onboarding_submissions WHERE org_id = v_org AND user_id = v_user
             AND state IN ('pending_review', 'under_review')) THEN
    RAISE EXCEPTION 'You have sent this already. It can be changed again if the reviewer asks for it.' USING ERRCODE = 'VR409';
  END IF;
  RETURN v_found.id;
END
$$
--;;
CREATE FUNCTION app.save_onboarding_draft(p_step integer, p_data jsonb, p_version integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_open uuid := app.open_onboarding();
  v_progress onboarding_progress := (SELECT p FROM onboarding_progress p WHERE p.org_id = app.current_org() AND p.id = v_open);
  v_version integer := (SELECT version FROM onboarding_drafts
                        WHERE org_id = v_progress.org_id AND user_id = v_progress.user_id AND step = p_step);
BEGIN
  IF coalesce(v_version, 0) <> p_version THEN
    RAISE EXCEPTION 'This was changed on another device or in another tab. What you typed is still here.' USING ERRCODE = 'VR409';
  END IF;
  INSERT INTO onboarding_drafts (org_id, user_id, step, data) VALUES (v_progress.org_id, v_progress.user_id, p_step, p_data)
  ON CONFLICT (org_id, user_id, step) DO UPDATE SET data = onboarding_drafts.data || excluded.data, version = onboarding_drafts.version + 1
  RETURNING version INTO v_version;
  RETURN v_version;
END
$$
--;;
CREATE FUNCTION app.choose_onboarding_bed(p_hold uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_open uuid := app.open_onboarding();
  v_progress onboarding_progress := (SELECT p FROM onboarding_progress p WHERE p.org_id = app.current_org() AND p.id = v_open);
BEGIN
  UPDATE onboarding_progress SET hold_id = p_hold WHERE org_id = v_progress.org_id AND id = v_progress.id
    AND EXISTS (SELECT FROM bed_holds WHERE org_id = v_progress.org_id AND id = p_hold AND user_id = v_progress.user_id
                AND hostel_id = v_progress.hostel_id AND state IN ('queued', 'offered', 'held'));
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no such hold.' USING ERRCODE = 'VR404';
  END IF;
END
$$;

-- Lets go of the bed that was chosen, for other days or another one
--;;
CREATE FUNCTION app.leave_onboarding_bed(p_hold uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_bed uuid := app.find_hold(p_hold, 'update', false);
BEGIN
  IF EXISTS (SELECT FROM bed_holds WHERE org_id = app.current_org() AND id = p_hold AND state IN ('queued', 'offered', 'held')) THEN
    PERFORM app.note_hold('Other days were chosen.');
    PERFORM app.end_hold(p_hold, 'released');
    PERFORM app.offer_bed(v_bed);
  END IF;
END
$$
--;;
CREATE FUNCTION app.complete_onboarding_step(p_step integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_open uuid := app.open_onboarding();
  v_progress onboarding_progress := (SELECT p FROM onboarding_progress p WHERE p.org_id = app.current_org() AND p.id = v_open);
BEGIN
  IF p_step > v_progress.last_completed_step + 1 OR p_step NOT BETWEEN 1 AND 4 THEN
    RAISE EXCEPTION 'The steps before this one come first.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE onboarding_progress SET last_completed_step = p_step
  WHERE org_id = v_progress.org_id AND id = v_progress.id AND last_completed_step < p_step;
END
$$;

-- Whether this very submission was made already, by a double click
--;;
CREATE FUNCTION app.was_submitted(p_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM FROM onboarding_progress WHERE org_id = app.current_org() AND user_id = app.current_user_id() FOR UPDATE;
  RETURN EXISTS (SELECT FROM onboarding_submissions WHERE org_id = app.current_org() AND id = p_id AND user_id = app.current_user_id());
END
$$
--;;
CREATE FUNCTION app.submit_onboarding(p_id uuid, p_answers jsonb, p_changed text[], p_kyc jsonb, p_preferences jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_user integer := app.current_user_id();
  v_open uuid := app.open_onboarding();
  v_progress onboarding_progress := (SELECT p FROM onboarding_progress p WHERE p.org_id = app.current_org() AND p.id = v_open);
  v_hold bed_holds;
BEGIN
  IF v_progress.last_completed_step < 4 THEN
    RAISE EXCEPTION 'The steps before this one come first.' USING ERRCODE = 'VR409';
  END IF;
  SELECT * INTO v_hold FROM bed_holds WHERE org_id = v_org AND id = v_progress.hold_id;
  PERFORM app.take_beds(v_progress.hostel_id, ARRAY[v_hold.bed_id]);
  PERFORM FROM bed_holds WHERE org_id = v_org AND id = v_progress.hold_id AND state = 'held';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The bed you chose is not held for you any more: please choose a bed again.' USING ERRCODE = 'VR409', COLUMN = 'bed';
  END IF;
  INSERT INTO onboarding_submissions (org_id, id, hostel_id, user_id, round, hold_id, mess_plan, lunchbox, answers, changed, submitted_at)
  VALUES (v_org, p_id, v_progress.hostel_id, v_user,
          1 + (SELECT count(*) FROM onboarding_submissions WHERE org_id = v_org AND user_id = v_user), v_progress.hold_id,
          coalesce(p_answers ->> 'mess_plan', ''), coalesce(p_answers ->> 'lunchbox', '') <> '', p_answers, p_changed, app.now());
  INSERT INTO kyc_records (org_id, hostel_id, user_id, kind, full_name, facts, submission_id)
  SELECT v_org, v_progress.hostel_id, v_user, k.kind, k.full_name, k.facts, p_id
  FROM jsonb_to_recordset(p_kyc) AS k(kind text, full_name text, facts jsonb)
  ON CONFLICT (org_id, user_id, kind) DO UPDATE SET hostel_id = excluded.hostel_id, full_name = excluded.full_name,
    facts = excluded.facts, submission_id = excluded.submission_id;
  INSERT INTO resident_preferences (org_id, hostel_id, user_id, answers) VALUES (v_org, v_progress.hostel_id, v_user, p_preferences)
  ON CONFLICT (org_id, user_id) DO UPDATE SET hostel_id = excluded.hostel_id, answers = excluded.answers;
  UPDATE onboarding_progress SET onboarding_complete = true, last_completed_step = 5 WHERE org_id = v_org AND id = v_progress.id;
  PERFORM app.enqueue('onboarding.submitted', jsonb_build_object('submission_id', p_id));
END
$$
--;;
CREATE FUNCTION app.put_gateway_account(p_id uuid, p_hostel uuid, p_gateway text, p_name text, p_key_id text, p_secrets text, p_path text, p_addresses text[], p_default boolean, p_active boolean) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_there boolean := EXISTS (SELECT FROM gateway_accounts WHERE org_id = v_org AND id = p_id);
BEGIN
  IF p_hostel IS NOT NULL AND NOT EXISTS (SELECT FROM hostels WHERE org_id = v_org AND id = p_hostel AND deleted_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404', COLUMN = 'hostel';
  ELSIF NOT app.is_system() AND NOT app.allowed_in('payments', 'approve', p_hostel) OR v_there AND NOT app.is_system() AND NOT app.allowed_in(
      'payments', 'approve', (SELECT hostel_id FROM gateway_accounts WHERE org_id = v_org AND id = p_id)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  IF p_default THEN
    UPDATE gateway_accounts SET is_default = false WHERE org_id = v_org AND hostel_id IS NOT DISTINCT FROM p_hostel AND is_default AND id <> p_id;
  END IF;
  IF v_there THEN
    UPDATE gateway_accounts SET hostel_id = p_hostel, name = p_name, key_id = p_key_id, secrets_token = coalesce(p_secrets, secrets_token),
      addresses = p_addresses, is_default = p_default AND p_active, active = p_active
    WHERE org_id = v_org AND id = p_id;
  ELSE
    INSERT INTO gateway_accounts (org_id, id, hostel_id, gateway, name, key_id, secrets_token, webhook_path, addresses, is_default, active, created_by)
    VALUES (v_org, p_id, p_hostel, p_gateway, p_name, p_key_id, p_secrets, p_path, p_addresses, p_default AND p_active, p_active, app.current_user_id());
  END IF;
  RETURN p_id;
END
$$
--;;
CREATE FUNCTION app.gateway_account(p_id uuid) RETURNS TABLE (org_id uuid, id uuid, gateway text, key_id text, secrets_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT a.org_id, a.id, a.gateway, a.key_id, a.secrets_token FROM gateway_accounts a
  WHERE a.org_id = app.current_org() AND a.id = p_id
    AND (app.is_system() OR app.is_staff() AND app.allowed_in('payments', 'approve', a.hostel_id)
         OR app.is_admitted() AND EXISTS (SELECT FROM payment_intents i WHERE i.org_id = a.org_id AND i.account_id = a.id
                                          AND i.user_id = app.current_user_id() AND i.status = 'created'))
$$
--;;
CREATE FUNCTION app.note_gateway_test(p_id uuid, p_result text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE gateway_accounts SET tested_at = app.now(), test_result = left(p_result, 500)
  WHERE org_id = app.current_org() AND id = p_id AND app.allowed_in('payments', 'approve', hostel_id);
END
$$;

-- -- intents -------------------------------------------------------------------------------------------------------

-- Begins a top-up of the caller's own wallet, or finds the one that a second click, or another tab, has begun. `outcome`:
-- begun
--;;
CREATE FUNCTION app.begin_top_up(p_id uuid, p_hostel uuid, p_account uuid, p_amount bigint, p_confirmed boolean, p_lifetime interval) RETURNS TABLE (id uuid, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_user integer := app.current_user_id();
  v_now timestamptz := app.now();
  v_found uuid;
  v_account gateway_accounts;
  v_house hostels;
BEGIN
  IF NOT app.is_admitted() OR NOT app.allowed_in('payments', 'create', p_hostel)
     OR NOT EXISTS (SELECT FROM residents r WHERE r.org_id = v_org AND r.hostel_id = p_hostel AND r.user_id = v_user) THEN
    RAISE EXCEPTION 'Only residents have a wallet.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('top-up:' || v_org || ':' || v_user, 0));
  SELECT i.id INTO v_found FROM payment_intents i
  WHERE i.org_id = v_org AND i.user_id = v_user AND (i.id = p_id OR i.status IN ('created', 'pending') AND i.hostel_id = p_hostel
    AND i.account_id = p_account AND i.amount_paise = p_amount AND i.expires_at > v_now + interval '5 minutes')
  ORDER BY i.id = p_id DESC, i.created_at DESC LIMIT 1;
  IF v_found IS NOT NULL THEN
    RETURN QUERY SELECT v_found, 'begun';
    RETURN;
  END IF;
  SELECT * INTO v_account FROM gateway_accounts a WHERE a.org_id = v_org AND a.id = p_account AND a.active AND coalesce(a.hostel_id, p_hostel) = p_hostel;
  SELECT * INTO v_house FROM hostels h WHERE h.org_id = v_org AND h.id = p_hostel;
  IF v_account.id IS NULL THEN
    RAISE EXCEPTION 'Choose how you want to pay.' USING ERRCODE = 'VR404', COLUMN = 'account';
  END IF;
  IF (SELECT count(*) FROM payment_intents i WHERE i.org_id = v_org AND i.user_id = v_user
      AND i.created_at >= date_trunc('day', v_now AT TIME ZONE v_house.timezone) AT TIME ZONE v_house.timezone) >= 10 THEN
    RAISE EXCEPTION 'You have topped up ten times today. Please come back tomorrow.' USING ERRCODE = 'VR429';
  END IF;
  IF NOT p_confirmed AND (SELECT count(*) FROM payment_intents i WHERE i.org_id = v_org AND i.user_id = v_user
                          AND i.created_at > v_now - interval '60 seconds') >= 2 THEN
    PERFORM app.raise_payment_flag('velocity', v_user || ' ' || date_trunc('hour', v_now), p_hostel, v_user, NULL, NULL, v_account.gateway, p_amount,
                                   v_house.currency);
    RETURN QUERY SELECT NULL::uuid, 'confirm';
    RETURN;
  END IF;
  INSERT INTO payment_intents (org_id, id, hostel_id, user_id, account_id, gateway, reference, amount_paise, currency, expires_at, next_ask_at, created_at)
  VALUES (v_org, p_id, p_hostel, v_user, p_account, v_account.gateway, 'vr' || replace(p_id::text, '-', ''), p_amount, v_house.currency,
          v_now + p_lifetime, v_now + interval '2 minutes', v_now);
  RETURN QUERY SELECT p_id, 'begun';
END
$$;

-- The gateway has the order
--;;
CREATE FUNCTION app.open_checkout(p_id uuid, p_gateway_id text, p_url text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE payment_intents SET status = 'pending', gateway_id = p_gateway_id, checkout_url = p_url
  WHERE org_id = app.current_org() AND id = p_id AND user_id = app.current_user_id() AND status = 'created' AND app.is_admitted()
$$
--;;
CREATE FUNCTION app.ask_about_payment(p_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM payment_intents WHERE org_id = app.current_org() AND id = p_id AND status IN ('created', 'pending', 'failed', 'expired')
                 AND (app.is_system() OR app.is_staff() AND app.allowed_in('payments', 'read', hostel_id)
                      OR app.is_admitted() AND user_id = app.current_user_id())) THEN
    RETURN false;
  END IF;
  RETURN app.enqueue('payments.ask', jsonb_build_object('intent_id', p_id), p_id || ' ' || floor(extract(epoch FROM app.now()) / 5)) IS NOT NULL;
END
$$;

-- Intents of the organization that are due to be asked about
--;;
CREATE FUNCTION app.payments_to_ask(p_most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH due AS (
    SELECT id FROM payment_intents WHERE org_id = app.current_org() AND app.is_system() AND status IN ('created', 'pending')
    AND next_ask_at <= app.now() ORDER BY next_ask_at LIMIT p_most FOR UPDATE SKIP LOCKED),
  asked AS (
    UPDATE payment_intents i SET asks = asks + 1, next_ask_at = app.now() + least(interval '2 minutes' * 2 ^ asks, interval '3 hours')
    FROM due WHERE i.org_id = app.current_org() AND i.id = due.id RETURNING i.id)
  SELECT count(app.enqueue('payments.ask', jsonb_build_object('intent_id', id))) FROM asked
$$
--;;
CREATE FUNCTION app.organizations_with_open_payments() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT org_id FROM payment_intents WHERE status IN ('created', 'pending') AND next_ask_at <= app.now()
$$
--;;
CREATE FUNCTION app.raise_payment_flag(p_kind text, p_about text, p_hostel uuid, p_user integer, p_intent uuid, p_delivery uuid, p_gateway text, p_amount bigint, p_currency text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid;
BEGIN
  INSERT INTO payment_flags (org_id, hostel_id, user_id, intent_id, delivery_id, gateway, kind, about, amount_paise, currency)
  VALUES (app.current_org(), p_hostel, p_user, p_intent, p_delivery, p_gateway, p_kind, left(p_about, 200), p_amount, p_currency)
  ON CONFLICT (org_id, kind, about) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NOT NULL THEN
    PERFORM app.enqueue('payments.flagged', jsonb_build_object('flag_id', v_id));
  END IF;
END
$$
--;;
CREATE FUNCTION app.resolve_payment_flag(p_id uuid, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row payment_flags;
BEGIN
  SELECT * INTO v_row FROM payment_flags WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF v_row.id IS NULL OR NOT app.allowed_in('payments', 'read', v_row.hostel_id) THEN
    RAISE EXCEPTION 'There is no such flag.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('payments', 'update', v_row.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF v_row.resolved_at IS NOT NULL THEN
    RAISE EXCEPTION 'Somebody has looked at this already.' USING ERRCODE = 'VR409';
  ELSIF btrim(coalesce(p_note, '')) = '' THEN
    RAISE EXCEPTION 'Please say what you found.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
  UPDATE payment_flags SET resolved_at = app.now(), resolved_by = app.current_user_id(), resolution = left(btrim(p_note), 500)
  WHERE org_id = v_row.org_id AND id = p_id;
END
$$
--;;
CREATE FUNCTION app.webhook_account(p_gateway text, p_path text) RETURNS TABLE (org_id uuid, id uuid, key_id text, secrets_token text, addresses text[], updated_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT a.org_id, a.id, a.key_id, a.secrets_token, a.addresses, a.updated_at FROM gateway_accounts a
  WHERE a.webhook_path = p_path AND a.gateway = p_gateway
$$;

-- Keeps a webhook
--;;
CREATE FUNCTION app.keep_webhook(p_account uuid, p_path text, p_seen timestamptz, p_address text, p_headers jsonb, p_body bytea, p_digest bytea, p_size integer, p_verdict text, p_reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid;
  v_id uuid;
BEGIN
  INSERT INTO webhook_deliveries (org_id, hostel_id, account_id, gateway, received_at, address, headers, body, digest, size, verdict, reason)
  SELECT a.org_id, a.hostel_id, a.id, a.gateway, app.now(), p_address, p_headers, p_body, p_digest, p_size, p_verdict, p_reason
  FROM gateway_accounts a WHERE a.webhook_path = p_path AND a.id = p_account AND a.updated_at = p_seen
  RETURNING org_id, id INTO v_org, v_id;
  IF p_verdict = 'accepted' AND v_id IS NOT NULL THEN
    INSERT INTO outbox (org_id, kind, payload, due_at)
    VALUES (v_org, 'payments.delivery', jsonb_build_object('delivery_id', v_id), clock_timestamp());
  END IF;
  RETURN v_id IS NOT NULL;
END
$$
--;;
CREATE FUNCTION app.delivery_to_process(p_id uuid) RETURNS TABLE (account_id uuid, headers jsonb, body bytea, processed boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT d.account_id, d.headers, d.body, d.processed_at IS NOT NULL FROM webhook_deliveries d
  WHERE d.org_id = app.current_org() AND d.id = p_id AND d.verdict = 'accepted' AND app.is_system()
$$;

-- Empties bodies that were kept long enough, of all organizations
--;;
CREATE FUNCTION app.forget_webhook_bodies(p_before timestamptz, p_most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH old AS (
    SELECT org_id, id FROM webhook_deliveries WHERE body <> '' AND received_at < p_before AND (processed_at IS NOT NULL OR verdict <> 'accepted')
    LIMIT p_most),
  gone AS (UPDATE webhook_deliveries d SET body = '' FROM old WHERE d.org_id = old.org_id AND d.id = old.id RETURNING 1)
  SELECT count(*) FROM gone
$$
--;;
CREATE FUNCTION app.webhook_bodies_to_rotate(p_prefix bytea, p_after uuid, p_most integer) RETURNS TABLE (org_id uuid, id uuid, account_id uuid, body bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT d.org_id, d.id, d.account_id, d.body FROM webhook_deliveries d
  WHERE d.body <> '' AND substring(d.body FROM 1 FOR length(p_prefix)) <> p_prefix AND (p_after IS NULL OR d.id > p_after) ORDER BY d.id LIMIT p_most
$$
--;;
CREATE FUNCTION app.rotate_webhook_body(p_org uuid, p_id uuid, p_seen bytea, p_body bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE webhook_deliveries SET body = p_body WHERE org_id = p_org AND id = p_id AND body = p_seen
$$
--;;
CREATE FUNCTION app.take_payment(p_account uuid, p_event jsonb, p_source text, p_delivery uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_payment text := p_event ->> 'payment_id';
  v_amount bigint := (p_event ->> 'amount')::bigint;
  v_at timestamptz := coalesce((p_event ->> 'at')::timestamptz, app.now());
  v_row payment_intents;
  v_other boolean;
  v_wrong text;
  v_unusual boolean;
BEGIN
  SELECT * INTO v_row FROM payment_intents WHERE org_id = v_org AND account_id = p_account
    AND (reference = p_event ->> 'reference' OR p_event ->> 'reference' = '' AND gateway_id = p_event ->> 'gateway_id' AND gateway_id <> '') FOR UPDATE;
  SELECT intent_id IS DISTINCT FROM v_row.id INTO v_other FROM payment_confirmations
  WHERE org_id = v_org AND gateway = (SELECT gateway FROM gateway_accounts WHERE org_id = v_org AND id = p_account) AND payment_id = v_payment;
  IF NOT v_other THEN
    RETURN 'known';
  END IF;
  v_wrong := CASE WHEN v_row.id IS NULL THEN 'unknown_intent' WHEN v_row.currency <> p_event ->> 'currency' THEN 'currency_differs'
                  WHEN v_row.amount_paise <> v_amount THEN 'amount_differs'
                  WHEN v_other OR v_row.status IN ('paid', 'review', 'refunded') THEN 'paid_twice' END;
  IF v_wrong IS NOT NULL THEN
    PERFORM app.raise_payment_flag(v_wrong, v_payment, coalesce(v_row.hostel_id, a.hostel_id), v_row.user_id, v_row.id, p_delivery, a.gateway, v_amount,
                                   left(p_event ->> 'currency', 3))
    FROM gateway_accounts a WHERE a.org_id = v_org AND a.id = p_account;
    RETURN v_wrong;
  END IF;
  INSERT INTO payment_confirmations (org_id, hostel_id, user_id, intent_id, gateway, payment_id, amount_paise, currency, source, delivery_id, paid_at)
  VALUES (v_org, v_row.hostel_id, v_row.user_id, v_row.id, v_row.gateway, v_payment, v_amount, v_row.currency, p_source, p_delivery, v_at);
  -- Far above what this person ever paid, and no small amount: somebody looks at it before it can be spent.
  SELECT v_amount > greatest(2000000, 5 * coalesce(max(amount_paise), 0)) INTO v_unusual FROM payment_intents
  WHERE org_id = v_org AND user_id = v_row.user_id AND status = 'paid';
  UPDATE payment_intents SET status = CASE WHEN v_unusual THEN 'review' ELSE 'paid' END, paid_at = v_at, payment_id = v_payment,
    gateway_id = CASE gateway_id WHEN '' THEN coalesce(p_event ->> 'gateway_id', '') ELSE gateway_id END, reason = '', next_ask_at = NULL
  WHERE org_id = v_org AND id = v_row.id;
  PERFORM app.book('payment:' || v_row.gateway || ':' || v_payment, 'top_up', v_row.hostel_id, v_amount,
                   'clearing', NULL, CASE WHEN v_unusual THEN 'suspense' ELSE 'wallet' END, CASE WHEN NOT v_unusual THEN v_row.user_id END,
                   '', 'payment_intents', v_row.id, v_at, p_debit_party => v_row.gateway);
  IF v_unusual THEN
    PERFORM app.raise_payment_flag('unusual_amount', v_row.id::text, v_row.hostel_id, v_row.user_id, v_row.id, p_delivery, v_row.gateway, v_amount, v_row.currency);
  ELSIF v_row.status IN ('expired', 'failed') THEN
    PERFORM app.raise_payment_flag('late_payment', v_row.id::text, v_row.hostel_id, v_row.user_id, v_row.id, p_delivery, v_row.gateway, v_amount, v_row.currency);
  END IF;
  PERFORM app.enqueue('payments.settled', jsonb_build_object('intent_id', v_row.id), v_row.id || ' paid');
  RETURN CASE WHEN v_unusual THEN 'held_back' WHEN v_row.status IN ('expired', 'failed') THEN 'credited_late' ELSE 'credited' END;
END
$$;

-- One thing that a gateway has told, as the adapters put it
--;;
CREATE FUNCTION app.apply_payment_event(p_account uuid, p_event jsonb, p_source text, p_delivery uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_kind text := p_event ->> 'kind';
  v_intent uuid;
BEGIN
  IF v_kind = 'payment_paid' THEN
    RETURN app.take_payment(p_account, p_event, p_source, p_delivery);
  ELSIF v_kind IN ('failed', 'expired') THEN
    UPDATE payment_intents SET status = v_kind, reason = left(coalesce(p_event ->> 'reason', ''), 500), next_ask_at = NULL
    WHERE org_id = v_org AND account_id = p_account AND reference = p_event ->> 'reference' AND status IN ('created', 'pending');
    RETURN CASE WHEN FOUND THEN v_kind ELSE 'known' END;
  ELSIF v_kind = 'refund' THEN
    RETURN CASE WHEN count(app.enqueue('payments.refund_ask', jsonb_build_object('refund_id', r.id))) > 0 THEN 'asked' ELSE 'ignored' END
    FROM payment_refunds r JOIN payment_intents i ON i.org_id = r.org_id AND i.id = r.intent_id AND i.account_id = p_account
    WHERE r.org_id = v_org AND r.status = 'sent' AND (r.key = p_event ->> 'refund_key' OR r.refund_id <> '' AND r.refund_id = p_event ->> 'refund_id'
                                                      OR i.payment_id = p_event ->> 'payment_id');
  ELSIF v_kind = 'ask' THEN
    SELECT id INTO v_intent FROM payment_intents WHERE org_id = v_org AND account_id = p_account AND reference = p_event ->> 'reference';
    IF v_intent IS NULL THEN
      PERFORM app.raise_payment_flag('unknown_intent', coalesce(NULLIF(p_event ->> 'payment_id', ''), p_event ->> 'reference'), a.hostel_id, NULL, NULL, p_delivery,
                                     a.gateway, (p_event ->> 'amount')::bigint, left(p_event ->> 'currency', 3))
      FROM gateway_accounts a WHERE a.org_id = v_org AND a.id = p_account;
      RETURN 'unknown_intent';
    ELSIF EXISTS (SELECT FROM payment_confirmations WHERE org_id = v_org AND intent_id = v_intent AND payment_id = p_event ->> 'payment_id') THEN
      RETURN 'known'; -- the gateway has said so already
    END IF;
    PERFORM app.enqueue('payments.ask', jsonb_build_object('intent_id', v_intent, 'delivery_id', p_delivery), 'delivery ' || p_delivery);
    RETURN 'asked';
  END IF;
  RETURN 'ignored';
END
$$
--;;
CREATE FUNCTION app.apply_payment_answer(p_intent uuid, p_event jsonb, p_delivery uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_effect text;
BEGIN
  PERFORM app.assert_system();
  SELECT app.apply_payment_event(account_id, p_event, 'status', p_delivery) INTO v_effect FROM payment_intents
  WHERE org_id = app.current_org() AND id = p_intent;
  UPDATE webhook_deliveries SET effect = v_effect WHERE org_id = app.current_org() AND id = p_delivery;
  RETURN v_effect;
END
$$
--;;
CREATE FUNCTION app.process_delivery(p_id uuid, p_events jsonb, p_unreadable text DEFAULT '') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row webhook_deliveries;
  v_event jsonb;
  v_effect text := 'ignored';
  v_one text;
BEGIN
  SELECT * INTO v_row FROM webhook_deliveries WHERE org_id = app.current_org() AND id = p_id AND verdict = 'accepted' FOR UPDATE;
  IF v_row.id IS NULL OR NOT app.is_system() OR v_row.processed_at IS NOT NULL THEN
    RETURN v_row.effect;
  END IF;
  FOR v_event IN SELECT * FROM jsonb_array_elements(p_events) LOOP
    v_one := app.apply_payment_event(v_row.account_id, v_event, 'webhook', p_id);
    v_effect := CASE WHEN v_one = 'ignored' THEN v_effect ELSE v_one END;
  END LOOP;
  UPDATE webhook_deliveries SET processed_at = app.now(), events = p_events, reason = p_unreadable,
    effect = CASE WHEN p_unreadable <> '' THEN 'unreadable' ELSE v_effect END,
    intent_id = (SELECT i.id FROM payment_intents i, jsonb_array_elements(p_events) e WHERE i.org_id = v_row.org_id AND i.account_id = v_row.account_id
                 AND i.reference = e ->> 'reference' LIMIT 1)
  WHERE org_id = v_row.org_id AND id = p_id;
  RETURN v_effect;
END
$$
--;;
CREATE FUNCTION app.replay_delivery(p_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row webhook_deliveries;
  v_effects text;
BEGIN
  SELECT * INTO v_row FROM webhook_deliveries WHERE org_id = app.current_org() AND id = p_id;
  IF v_row.id IS NULL OR NOT app.allowed_in('payments', 'read', v_row.hostel_id) THEN
    RAISE EXCEPTION 'There is no such delivery.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('payments', 'update', v_row.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF v_row.verdict <> 'accepted' OR v_row.events IS NULL THEN
    RETURN 'refused';
  END IF;
  BEGIN
    SELECT coalesce(string_agg(app.apply_payment_event(v_row.account_id, e, 'webhook', p_id), ' '), 'ignored') INTO v_effects
    FROM jsonb_array_elements(v_row.events) e;
    RAISE EXCEPTION 'taken back' USING ERRCODE = 'VR000';
  EXCEPTION WHEN SQLSTATE 'VR000' THEN
    RETURN v_effects;
  END;
END
$$
--;;
CREATE FUNCTION app.decide_payment(p_id uuid, p_event text, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row payment_intents;
  v_key text;
BEGIN
  SELECT * INTO v_row FROM payment_intents WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  v_key := 'payment:' || v_row.gateway || ':' || v_row.payment_id;
  IF v_row.id IS NULL OR NOT app.allowed_in('payments', 'read', v_row.hostel_id) THEN
    RAISE EXCEPTION 'There is no such payment.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('payments', 'approve', v_row.hostel_id) OR v_row.user_id = app.current_user_id() THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF v_row.status <> 'review' THEN
    RAISE EXCEPTION 'Somebody has decided on this payment already.' USING ERRCODE = 'VR409';
  ELSIF p_event IS DISTINCT FROM 'accept' AND btrim(coalesce(p_note, '')) = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
  IF p_event = 'accept' THEN
    PERFORM app.book(v_key || ' accepted', 'top_up', v_row.hostel_id, v_row.amount_paise, 'suspense', NULL, 'wallet', v_row.user_id,
                     '', 'payment_intents', p_id, v_row.paid_at);
  ELSE
    INSERT INTO payment_refunds (org_id, hostel_id, user_id, intent_id, amount_paise, currency, key, reason)
    VALUES (v_row.org_id, v_row.hostel_id, v_row.user_id, p_id, v_row.amount_paise, v_row.currency, 'rf' || replace(p_id::text, '-', ''), left(btrim(p_note), 500));
    PERFORM app.approve_refund(r.id, app.book(v_key || ' sent back', 'payout', v_row.hostel_id, v_row.amount_paise,
      'suspense', NULL, 'clearing', NULL, 'Sent back', 'payment_refunds', r.id, p_credit_party => v_row.gateway))
    FROM payment_refunds r WHERE r.org_id = v_row.org_id AND r.key = 'rf' || replace(p_id::text, '-', '');
  END IF;
  UPDATE payment_intents SET status = CASE p_event WHEN 'accept' THEN 'paid' ELSE 'refunded' END, decided_by = app.current_user_id(),
    reason = left(btrim(coalesce(p_note, '')), 500), refunded_paise = CASE p_event WHEN 'accept' THEN 0 ELSE amount_paise END
  WHERE org_id = v_row.org_id AND id = p_id;
  UPDATE payment_flags SET resolved_at = app.now(), resolved_by = app.current_user_id(), resolution = left(coalesce(NULLIF(btrim(p_note), ''), p_event), 500)
  WHERE org_id = v_row.org_id AND intent_id = p_id AND kind = 'unusual_amount' AND resolved_at IS NULL;
  PERFORM app.enqueue('payments.settled', jsonb_build_object('intent_id', p_id), p_id || ' decided');
END
$$
--;;
CREATE FUNCTION app.approve_refund(p_id uuid, p_transaction uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE payment_refunds SET status = 'approved', transaction_id = p_transaction WHERE org_id = app.current_org() AND id = p_id;
  PERFORM app.enqueue('payments.refund', jsonb_build_object('refund_id', p_id), p_id::text);
END
$$;

-- Proposes to send money back
--;;
CREATE FUNCTION app.propose_payment_refund(p_id uuid, p_intent uuid, p_amount bigint, p_reason text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row payment_intents;
BEGIN
  SELECT * INTO v_row FROM payment_intents WHERE org_id = app.current_org() AND id = p_intent FOR UPDATE;
  IF v_row.id IS NULL OR NOT app.allowed_in('payments', 'read', v_row.hostel_id) THEN
    RAISE EXCEPTION 'There is no such payment.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('payments', 'create', v_row.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF EXISTS (SELECT FROM payment_refunds WHERE org_id = v_row.org_id AND id = p_id) THEN
    RETURN p_id; -- sent twice
  ELSIF v_row.status <> 'paid' THEN
    RAISE EXCEPTION 'Only what was paid can be refunded.' USING ERRCODE = 'VR409';
  ELSIF coalesce(p_amount, 0) <= 0 OR p_amount > v_row.amount_paise - coalesce((
      SELECT sum(amount_paise) FROM payment_refunds WHERE org_id = v_row.org_id AND intent_id = p_intent AND status NOT IN ('failed', 'rejected', 'withdrawn')), 0) THEN
    RAISE EXCEPTION 'This is more than is left of the payment.' USING ERRCODE = 'VR422', COLUMN = 'amount';
  END IF;
  INSERT INTO payment_refunds (org_id, id, hostel_id, user_id, intent_id, amount_paise, currency, key, reason)
  VALUES (v_row.org_id, p_id, v_row.hostel_id, v_row.user_id, p_intent, p_amount, v_row.currency, 'rf' || replace(p_id::text, '-', ''),
          left(btrim(coalesce(p_reason, '')), 500));
  UPDATE payment_refunds SET proposal_id = app.write_proposal(v_row.hostel_id, 'payout', v_row.user_id, v_row.gateway, p_amount, p_reason, 'payment_refunds', p_id, NULL)
  WHERE org_id = v_row.org_id AND id = p_id;
  RETURN p_id;
END
$$;

-- What was decided about the proposal holds for the refund
--;;
CREATE FUNCTION app.follow_refund_proposal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.source <> 'payment_refunds' OR NEW.status = OLD.status OR NEW.org_id IS DISTINCT FROM app.current_org() THEN
    RETURN NULL;
  ELSIF NEW.status = 'approved' THEN
    PERFORM app.approve_refund(NEW.source_id, NEW.transaction_id);
  ELSE
    UPDATE payment_refunds SET status = NEW.status WHERE org_id = NEW.org_id AND id = NEW.source_id AND status = 'proposed';
  END IF;
  RETURN NULL;
END
$$;

-- An attempt is written down before the gateway is asked
--;;
CREATE FUNCTION app.begin_refund_attempt(p_id uuid) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH begun AS (
    UPDATE payment_refunds SET status = 'sent', attempts = attempts + 1, attempted_at = app.now()
    WHERE org_id = app.current_org() AND id = p_id AND status IN ('approved', 'sent') AND app.is_system() RETURNING id)
  SELECT EXISTS (SELECT FROM begun WHERE app.enqueue('payments.refund_send', jsonb_build_object('refund_id', id)) IS NOT NULL)
$$
--;;
CREATE FUNCTION app.settle_refund(p_id uuid, p_refund_id text, p_state text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row payment_refunds;
BEGIN
  SELECT * INTO v_row FROM payment_refunds WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF NOT app.is_system() OR v_row.status IS DISTINCT FROM 'sent' THEN
    RETURN v_row.status;
  END IF;
  UPDATE payment_refunds SET refund_id = CASE p_refund_id WHEN '' THEN refund_id ELSE p_refund_id END, result = left(p_reason, 500),
    status = CASE p_state WHEN 'done' THEN 'done' WHEN 'failed' THEN 'failed' ELSE status END
  WHERE org_id = v_row.org_id AND id = p_id;
  IF p_state = 'done' THEN
    UPDATE payment_intents SET refunded_paise = refunded_paise + v_row.amount_paise,
      status = CASE WHEN refunded_paise + v_row.amount_paise = amount_paise THEN 'refunded' ELSE status END
    WHERE org_id = v_row.org_id AND id = v_row.intent_id AND status = 'paid';
  ELSIF p_state = 'failed' THEN
    PERFORM app.reverse(v_row.transaction_id, 'Refund failed');
    PERFORM app.raise_payment_flag('refund_failed', p_id::text, v_row.hostel_id, v_row.user_id, v_row.intent_id, NULL, i.gateway, v_row.amount_paise, v_row.currency)
    FROM payment_intents i WHERE i.org_id = v_row.org_id AND i.id = v_row.intent_id;
  END IF;
  RETURN p_state;
END
$$
--;;
CREATE FUNCTION app.can(p_resource text, p_action text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT current_setting('app.caps', true) = '*'
      OR position('|' || p_resource || '.' || p_action || '=' IN coalesce(current_setting('app.caps', true), '')) > 0
$$
--;;
CREATE FUNCTION app.org_wide(p_resource text, p_action text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT current_setting('app.caps', true) = '*'
      OR position('|' || p_resource || '.' || p_action || '=*' IN coalesce(current_setting('app.caps', true), '')) > 0
$$
--;;
CREATE FUNCTION app.everywhere(p_resource text, p_action text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT app.org_wide(p_resource, p_action)
      OR position('|' || p_resource || '.' || p_action || '=~' IN coalesce(current_setting('app.caps', true), '')) > 0
$$
--;;
CREATE FUNCTION app.reach(p_resource text, p_action text) RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN current_setting('app.caps', true) = '*' OR found.hostels = '*' THEN NULL
              ELSE string_to_array(translate(found.hostels, '~', ''), ',')::uuid[] END
  FROM (SELECT split_part(split_part(coalesce(current_setting('app.caps', true), ''),
                                     '|' || p_resource || '.' || p_action || '=', 2), '|', 1) AS hostels) found
$$
--;;
CREATE FUNCTION app.allowed_in(p_resource text, p_action text, p_hostel uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT app.org_wide(p_resource, p_action) OR coalesce(p_hostel = ANY (app.reach(p_resource, p_action)), false)
      OR (p_hostel IS NULL AND app.everywhere(p_resource, p_action))
$$
--;;
CREATE FUNCTION app.person_can(p_user integer, p_resource text, p_action text, p_hostel uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_portal text;
  v_caps text;
BEGIN
  FOR v_portal IN SELECT DISTINCT portal FROM app.active_roles(app.current_org(), p_user) LOOP
    v_caps := app.capabilities(app.current_org(), p_user, v_portal);
    IF v_caps LIKE '%|' || p_resource || '.' || p_action || '=*%'
       OR v_caps ~ ('\|' || p_resource || '\.' || p_action || '=[^|]*' || p_hostel) THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END
$$
--;;
CREATE FUNCTION app.guard_override() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row permission_overrides := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  v_mine smallint := (SELECT max(rank) FROM app.active_roles(app.current_org(), app.current_user_id()));
  v_theirs smallint;
BEGIN
  -- Somebody has to be able to put things right.
  IF TG_OP <> 'DELETE' AND (v_row.role = 'owner' OR EXISTS (
      SELECT FROM app.active_roles(v_row.org_id, v_row.user_id) WHERE role = 'owner')) THEN
    RAISE EXCEPTION 'What an owner may do cannot be changed.' USING ERRCODE = 'VR403';
  END IF;
  IF app.is_system() OR EXISTS (
      SELECT FROM app.active_roles(app.current_org(), app.current_user_id()) WHERE role = 'owner') THEN
    RETURN v_row;
  END IF;
  v_theirs := CASE WHEN v_row.role IS NOT NULL THEN (SELECT rank FROM roles WHERE role = v_row.role)
                   ELSE (SELECT max(rank) FROM app.active_roles(v_row.org_id, v_row.user_id)) END;
  IF v_row.user_id = app.current_user_id() OR coalesce(v_theirs, 0) >= coalesce(v_mine, 0) THEN
    RAISE EXCEPTION 'You cannot change permissions of yourself, or of a role at or above your own.' USING ERRCODE = 'VR403';
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.allowed AND NOT app.allowed_in(NEW.resource, NEW.action, NEW.hostel_id) THEN
    RAISE EXCEPTION 'You cannot give a permission that you do not hold yourself.' USING ERRCODE = 'VR403';
  END IF;
  RETURN v_row;
END
$$
--;;
CREATE FUNCTION app.person_facts(p_user integer) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
BEGIN
  IF NOT app.can('permissions', 'read') OR NOT EXISTS (SELECT FROM members WHERE org_id = v_org AND user_id = p_user) THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
  END IF;
  RETURN jsonb_build_object(
    'now', app.now(),
    'removed', (SELECT removed_at IS NOT NULL FROM members WHERE org_id = v_org AND user_id = p_user),
    'memberships', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'role', m.role, 'hostel_id', m.hostel_id, 'status', m.status, 'valid_from', m.valid_from, 'valid_until', m.valid_until)
        ORDER BY r.rank DESC, m.id), '[]')
      FROM memberships m JOIN roles r ON r.role = m.role WHERE m.org_id = v_org AND m.user_id = p_user),
    'overrides', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'role', o.role, 'resource', o.resource, 'action', o.action, 'hostel_id', o.hostel_id, 'allowed', o.allowed)
        ORDER BY o.id), '[]')
      FROM permission_overrides o WHERE o.org_id = v_org AND (o.user_id = p_user OR o.role IN (
        SELECT m.role FROM memberships m WHERE m.org_id = v_org AND m.user_id = p_user))));
END
$$
--;;
CREATE FUNCTION app.assert_personal(p_user integer, p_action text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF app.current_org() IS NULL OR NOT EXISTS (SELECT FROM members WHERE org_id = app.current_org() AND user_id = p_user)
     OR NOT (app.is_system() OR p_user = app.current_user_id() OR app.member_in_reach(p_user)) THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT (app.is_system() OR p_user = app.current_user_id() OR (app.is_staff() AND app.can('personal', p_action))) THEN
    RAISE EXCEPTION 'Your role does not let you do this with personal data.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- The person's key as the ring wrapped it, to write under
--;;
CREATE FUNCTION app.person_key(p_user integer, p_candidate text) RETURNS TABLE (id uuid, token text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM app.assert_personal(p_user, 'update');
  IF p_candidate IS NOT NULL THEN
    INSERT INTO person_keys (org_id, user_id, token) VALUES (app.current_org(), p_user, p_candidate)
    ON CONFLICT (org_id, user_id) WHERE destroyed_at IS NULL DO NOTHING;
  END IF;
  RETURN QUERY SELECT k.id, k.token FROM person_keys k
    WHERE k.org_id = app.current_org() AND k.user_id = p_user AND k.destroyed_at IS NULL;
END
$$;

-- Values of one person at once
--;;
CREATE FUNCTION app.put_personal(p_user integer, p_key uuid, p_values jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_personal(p_user, 'update');
  PERFORM FROM person_keys WHERE org_id = app.current_org() AND id = p_key AND user_id = p_user AND destroyed_at IS NULL
    FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The personal data of this person was erased a moment ago.' USING ERRCODE = 'VR409';
  END IF;
  DELETE FROM personal_values v USING jsonb_to_recordset(p_values) AS n(name text, token text)
  WHERE v.org_id = app.current_org() AND v.user_id = p_user AND v.name = n.name AND n.token IS NULL;
  INSERT INTO personal_values (org_id, user_id, key_id, name, token, blind_index, index_key, masked)
  SELECT app.current_org(), p_user, p_key, n.name, n.token, n.blind_index, n.index_key, n.masked
  FROM jsonb_to_recordset(p_values) AS n(name text, token text, blind_index text, index_key text, masked text)
  WHERE n.token IS NOT NULL
  ON CONFLICT (org_id, user_id, name) DO UPDATE SET key_id = excluded.key_id, token = excluded.token,
    blind_index = excluded.blind_index, index_key = excluded.index_key, masked = excluded.masked;
END
$$
--;;
CREATE FUNCTION app.reveal_personal(p_user integer, p_names text[], p_reason text) RETURNS TABLE (name text, token text, key_id uuid, key_token text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM app.assert_personal(p_user, 'approve');
  IF length(btrim(coalesce(p_reason, ''))) < 5 THEN
    RAISE EXCEPTION 'Say why you need to read this.' USING ERRCODE = 'VR422';
  END IF;
  PERFORM app.note_event('reveal', 'personal_values', p_user::text, p_reason, jsonb_build_object('names', to_jsonb(p_names)));
  RETURN QUERY SELECT v.name::text, v.token, k.id, k.token FROM personal_values v
    JOIN person_keys k ON k.org_id = v.org_id AND k.id = v.key_id
    WHERE v.org_id = app.current_org() AND v.user_id = p_user AND v.name = ANY (p_names);
END
$$
--;;
CREATE FUNCTION app.own_drafts() RETURNS TABLE (name text, token text, key_id uuid, key_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT v.name, v.token, k.id, k.token FROM personal_values v
  JOIN person_keys k ON k.org_id = v.org_id AND k.id = v.key_id
  WHERE v.org_id = app.current_org() AND v.user_id = app.current_user_id() AND v.name LIKE 'draft.%'
$$
--;;
CREATE FUNCTION app.find_personal(p_names text[], p_indexes text[]) RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT v.user_id FROM personal_values v
  WHERE v.org_id = app.current_org() AND v.name = ANY (p_names) AND v.blind_index = ANY (p_indexes)
    AND app.can('personal', 'read') AND app.member_in_reach(v.user_id)
  ORDER BY 1
$$;

-- Who read what of a person, the newest first
--;;
CREATE FUNCTION app.readings_of(p_user integer, p_most integer) RETURNS TABLE (at timestamptz, who text, own boolean, names text[], kind text, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_personal(p_user, 'read');
  RETURN QUERY
    SELECT l.at, m.name::text, l.actor_id IS NOT DISTINCT FROM p_user,
           ARRAY(SELECT jsonb_array_elements_text(l.after -> 'names')), d.kind, CASE WHEN app.is_staff() THEN l.reason END
    FROM audit_log l
    LEFT JOIN members m ON m.org_id = l.org_id AND m.user_id = l.actor_id
    LEFT JOIN documents d ON l.table_name = 'documents' AND d.org_id = l.org_id AND d.id::text = l.row_id
    WHERE l.org_id = app.current_org() AND l.action IN ('reveal', 'open')
      AND (l.table_name = 'personal_values' AND l.row_id = p_user::text OR l.table_name = 'documents' AND l.row_id IN (
        SELECT one.id::text FROM documents one WHERE one.org_id = app.current_org() AND one.user_id = p_user))
    ORDER BY l.seq DESC LIMIT p_most;
END
$$;

-- -- documents ---------------------------------------------------------------------------------------------------

-- The uploaded file becomes the person's, and a document of theirs
--;;
CREATE FUNCTION app.add_document(p_user integer, p_kind text, p_file uuid, p_until date, p_replaces uuid, p_most integer) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid;
BEGIN
  PERFORM app.assert_personal(p_user, 'update');
  -- One after the other for each person, so that two uploads at once count each other.
  PERFORM FROM members WHERE org_id = app.current_org() AND user_id = p_user FOR NO KEY UPDATE;
  UPDATE files SET user_id = p_user WHERE org_id = app.current_org() AND id = p_file AND purpose = 'identity'
    AND user_id IS NOT DISTINCT FROM coalesce(app.current_user_id(), user_id) AND deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM documents d WHERE d.org_id = files.org_id AND d.file_id = files.id)
    AND EXISTS (SELECT FROM person_keys k WHERE k.org_id = files.org_id AND k.id = files.key_id AND k.user_id = p_user
                AND k.destroyed_at IS NULL);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'This file is not there any more, or is not yours to give.' USING ERRCODE = 'VR404';
  END IF;
  IF p_replaces IS NOT NULL THEN
    PERFORM app.end_document(p_replaces, p_user, 'replaced');
  END IF;
  IF (SELECT count(*) FROM documents WHERE org_id = app.current_org() AND user_id = p_user AND kind = p_kind
      AND status = 'current') >= p_most THEN
    RAISE EXCEPTION 'There are % documents of this kind already. Remove one first.', p_most USING ERRCODE = 'VR409';
  END IF;
  INSERT INTO documents (org_id, user_id, kind, file_id, valid_until)
  VALUES (app.current_org(), p_user, p_kind, p_file, p_until) RETURNING id INTO v_id;
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.open_document(p_file uuid, p_reason text) RETURNS TABLE (user_id integer, key_token text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_found record;
BEGIN
  SELECT d.id, d.user_id, k.token INTO v_found FROM documents d
  JOIN files f ON f.org_id = d.org_id AND f.id = d.file_id AND f.deleted_at IS NULL
  JOIN person_keys k ON k.org_id = f.org_id AND k.id = f.key_id
  WHERE d.org_id = app.current_org() AND d.file_id = p_file;
  IF v_found.id IS NULL THEN
    RAISE EXCEPTION 'This document is not there any more.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_personal(v_found.user_id, 'approve');
  PERFORM app.note_event('open', 'documents', v_found.id::text, p_reason, NULL);
  RETURN QUERY SELECT v_found.user_id, v_found.token;
END
$$;

-- A document counts no more
--;;
CREATE FUNCTION app.end_document(p_id uuid, p_user integer, p_status text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_file uuid;
BEGIN
  UPDATE documents SET status = p_status WHERE org_id = app.current_org() AND id = p_id AND user_id = p_user
    AND status = 'current' RETURNING file_id INTO v_file;
  IF v_file IS NULL THEN
    RAISE EXCEPTION 'This document is not there any more.' USING ERRCODE = 'VR404';
  END IF;
  UPDATE files SET deleted_at = app.now() WHERE org_id = app.current_org() AND id = v_file AND deleted_at IS NULL;
END
$$
--;;
CREATE FUNCTION app.remove_document(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_user integer := (SELECT user_id FROM documents WHERE org_id = app.current_org() AND id = p_id);
BEGIN
  IF v_user IS NULL OR NOT (app.is_system() OR v_user = app.current_user_id()
                            OR (app.is_staff() AND app.member_in_reach(v_user))) THEN
    RAISE EXCEPTION 'This document is not there any more.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_personal(v_user, 'delete');
  PERFORM app.end_document(p_id, v_user, 'removed');
END
$$
--;;
CREATE FUNCTION app.require_document(p_kind text, p_required boolean, p_has_expiry boolean, p_roles text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF app.current_org() IS NULL OR NOT app.org_wide('organization', 'update') THEN
    RAISE EXCEPTION 'Your role does not let you change what this organization asks for.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO document_requirements (org_id, kind, required, has_expiry, roles)
  VALUES (app.current_org(), p_kind, p_required, p_has_expiry, p_roles)
  ON CONFLICT (org_id, kind) DO UPDATE SET required = excluded.required, has_expiry = excluded.has_expiry, roles = excluded.roles;
END
$$
--;;
CREATE FUNCTION app.people_to_redact(p_before timestamptz) RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.user_id FROM members m
  WHERE app.is_system() AND m.org_id = app.current_org() AND m.removed_at < p_before
    AND (EXISTS (SELECT FROM person_keys k WHERE k.org_id = m.org_id AND k.user_id = m.user_id AND k.destroyed_at IS NULL)
         OR EXISTS (SELECT FROM documents d WHERE d.org_id = m.org_id AND d.user_id = m.user_id AND d.status <> 'removed'))
  ORDER BY 1
$$;

-- The key goes, and with it every value, also those in the audit log and in old rows
--;;
CREATE FUNCTION app.redact_person(p_user integer) RETURNS TABLE (id uuid, storage_key text, key_token text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Only the product itself forgets people.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM FROM members WHERE org_id = app.current_org() AND user_id = p_user FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
  END IF;
  IF EXISTS (SELECT FROM memberships WHERE org_id = app.current_org() AND user_id = p_user) THEN
    RAISE EXCEPTION 'This person still has a role here. Take it away first.' USING ERRCODE = 'VR409';
  END IF;
  RETURN QUERY SELECT f.id, f.storage_key, k.token FROM files f JOIN person_keys k ON k.org_id = f.org_id AND k.id = f.key_id
    WHERE f.org_id = app.current_org() AND k.user_id = p_user AND k.destroyed_at IS NULL;
  UPDATE person_keys SET token = NULL, destroyed_at = app.now()
  WHERE org_id = app.current_org() AND user_id = p_user AND destroyed_at IS NULL;
  DELETE FROM personal_values WHERE org_id = app.current_org() AND user_id = p_user;
  DELETE FROM meal_needs WHERE org_id = app.current_org() AND user_id = p_user;
  UPDATE documents SET status = 'removed' WHERE org_id = app.current_org() AND user_id = p_user AND status <> 'removed';
  UPDATE files f SET deleted_at = app.now()
  WHERE f.org_id = app.current_org() AND f.purpose = 'identity' AND f.user_id = p_user AND f.deleted_at IS NULL;
END
$$
--;;
CREATE FUNCTION app.inquiries_of_person(p_user integer, p_indexes text[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.id FROM inquiries i
  WHERE i.org_id = app.current_org() AND i.phone_index <> 'erased'
    AND (i.phone_index = ANY (p_indexes) OR i.email_index = ANY (p_indexes) OR i.phone_index IN (
      SELECT known.phone_index FROM inquiries known JOIN invitations v ON v.org_id = known.org_id AND v.id = known.invitation_id
      WHERE known.org_id = app.current_org() AND v.accepted_by = p_user))
$$;

-- What they said when they asked for a bed, each time they did
--;;
CREATE FUNCTION app.erase_inquiries(p_user integer, p_indexes text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_ids uuid[] := ARRAY(SELECT app.inquiries_of_person(p_user, p_indexes));
BEGIN
  UPDATE inquiries SET full_name = 'Erased person', phone_token = 'erased', phone_index = 'erased', phone_masked = '••••',
    email_token = NULL, email_index = NULL, email_masked = NULL, message = '', referrer = '', next_action = ''
  WHERE org_id = app.current_org() AND id = ANY (v_ids);
  UPDATE inquiry_notes SET body = 'erased' WHERE org_id = app.current_org() AND inquiry_id = ANY (v_ids);
  DELETE FROM inquiry_dedup_index WHERE org_id = app.current_org() AND inquiry_id = ANY (v_ids);
  DELETE FROM contacts c WHERE c.org_id = app.current_org() AND (c.phone_index = ANY (p_indexes) OR c.email_index = ANY (p_indexes));
END
$$;

-- Redaction, and the name and addresses too
--;;
CREATE FUNCTION app.erase_person(p_user integer, p_indexes text[]) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_email text := (SELECT email FROM members WHERE org_id = app.current_org() AND user_id = p_user);
  v_name text := (SELECT name FROM members WHERE org_id = app.current_org() AND user_id = p_user);
  v_nobody text := 'erased-' || p_user || '@erased.invalid';
  v_files jsonb := (SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM app.redact_person(p_user) f);
  v_alone boolean := NOT EXISTS (SELECT FROM members WHERE user_id = p_user AND removed_at IS NULL AND org_id <> app.current_org())
    AND NOT EXISTS (SELECT FROM platform_roles WHERE user_id = p_user);
BEGIN
  UPDATE members SET name = 'Erased person', email = v_nobody, removed_at = coalesce(removed_at, app.now())
  WHERE org_id = app.current_org() AND user_id = p_user;
  UPDATE team_members SET name = 'Erased person', email = NULL, phone = NULL
  WHERE org_id = app.current_org() AND (user_id = p_user OR lower(email) = lower(v_email));
  PERFORM app.erase_inquiries(p_user, p_indexes);
  UPDATE invitations SET name = 'Erased person', email = v_nobody
  WHERE org_id = app.current_org() AND (accepted_by = p_user OR lower(email) = lower(v_email));
  DELETE FROM notifications WHERE org_id = app.current_org() AND user_id = p_user;
  DELETE FROM notification_preferences WHERE org_id = app.current_org() AND user_id = p_user;
  DELETE FROM notification_settings WHERE org_id = app.current_org() AND user_id = p_user;
  UPDATE notifications SET title = replace(title, v_name, 'Erased person'), body = replace(body, v_name, 'Erased person')
  WHERE org_id = app.current_org() AND length(v_name) > 3 AND strpos(title || body, v_name) > 0; -- what others were told of them
  DELETE FROM access_cache WHERE user_id = p_user;
  IF v_alone THEN
    DELETE FROM user_sessions WHERE user_id = p_user;
    DELETE FROM known_devices WHERE user_id = p_user;
    DELETE FROM provider_links WHERE user_id = p_user;
    UPDATE ab_user SET first_name = 'Erased', last_name = 'person', username = v_nobody, email = v_nobody, active = false WHERE id = p_user;
  END IF;
  PERFORM app.note_event('erase', 'members', p_user::text, NULL);
  RETURN jsonb_build_object('files', v_files, 'account', v_alone);
END
$$
--;;
CREATE FUNCTION app.organizations_with_personal_data() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT org_id FROM documents UNION SELECT org_id FROM person_keys WHERE destroyed_at IS NULL
$$
--;;
CREATE FUNCTION app.export_person(p_user integer, p_indexes text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_found record;
  v_rows jsonb;
  v_all jsonb;
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Only the product itself exports people.' USING ERRCODE = 'VR403';
  END IF;
  SELECT jsonb_build_object('account', to_jsonb(u) - '{password}'::text[], 'members', to_jsonb(m)) INTO v_all
  FROM members m JOIN ab_user u ON u.id = m.user_id WHERE m.org_id = app.current_org() AND m.user_id = p_user;
  IF v_all IS NULL THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
  END IF;
  FOR v_found IN
    SELECT k.conrelid::regclass AS name FROM pg_constraint k
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = 'user_id'
    WHERE k.contype = 'f' AND k.confrelid = 'members'::regclass AND k.conrelid <> 'person_keys'::regclass ORDER BY 1
  LOOP
    EXECUTE format('SELECT jsonb_agg(to_jsonb(t) - ''{org_id,token,phone_token,off_digest,key_id,blind_index,index_key,storage_key}''::text[]) '
                   'FROM %s t WHERE org_id = app.current_org() AND user_id = $1', v_found.name) INTO v_rows USING p_user;
    v_all := v_all || jsonb_build_object(v_found.name::text, coalesce(v_rows, '[]'));
  END LOOP;
  RETURN v_all || jsonb_build_object(
    'inquiries', (SELECT coalesce(jsonb_agg(to_jsonb(i) - '{org_id,phone_index,email_index}'::text[] ORDER BY i.number), '[]')
      FROM inquiries i WHERE i.id IN (SELECT app.inquiries_of_person(p_user, p_indexes))),
    'contacts', (SELECT coalesce(jsonb_agg(to_jsonb(c) - '{org_id,phone_index,email_index}'::text[] ORDER BY c.id), '[]')
      FROM contacts c WHERE c.org_id = app.current_org() AND (c.phone_index = ANY (p_indexes) OR c.email_index = ANY (p_indexes))),
    'sessions', (SELECT coalesce(jsonb_agg(to_jsonb(s) - '{digest}'::text[]), '[]') FROM user_sessions s WHERE user_id = p_user),
    'who_read_it', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', l.at, 'by', m.name, 'what', l.action, 'of', l.after,
        'reason', l.reason) ORDER BY l.seq), '[]')
      FROM audit_log l LEFT JOIN members m ON m.org_id = l.org_id AND m.user_id = l.actor_id
      WHERE l.org_id = app.current_org() AND (l.table_name = 'personal_values' AND l.row_id = p_user::text
        OR l.table_name = 'documents' AND l.action = 'open' AND l.row_id IN (
          SELECT id::text FROM documents d WHERE d.org_id = l.org_id AND d.user_id = p_user))));
END
$$
--;;
CREATE FUNCTION app.inquiries_to_rotate(p_prefix text, p_after uuid, p_most integer) RETURNS TABLE (org_id uuid, id uuid, phone_token text, email_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.org_id, i.id, i.phone_token, i.email_token FROM inquiries i
  WHERE (p_after IS NULL OR i.id > p_after) AND i.phone_token <> 'erased'
    AND NOT (starts_with(i.phone_token, p_prefix) AND coalesce(starts_with(i.email_token, p_prefix), true))
  ORDER BY i.id LIMIT p_most
$$;

-- New tokens and indexes of one inquiry, unless somebody changed it meanwhile
--;;
CREATE FUNCTION app.rotate_inquiry(p_org uuid, p_id uuid, p_seen text, p_phone_token text, p_phone_index text, p_email_token text, p_email_index text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_old inquiries;
BEGIN
  SELECT * INTO v_old FROM inquiries WHERE org_id = p_org AND id = p_id AND phone_token = p_seen FOR UPDATE;
  IF v_old.id IS NULL THEN
    RETURN;
  END IF;
  UPDATE inquiries SET phone_token = p_phone_token, phone_index = p_phone_index, email_token = p_email_token,
    email_index = p_email_index WHERE org_id = p_org AND id = p_id;
  INSERT INTO inquiry_dedup_index (org_id, kind, digest, inquiry_id, seen_at)
  SELECT d.org_id, d.kind, CASE d.kind WHEN 'phone' THEN p_phone_index ELSE p_email_index END, d.inquiry_id, d.seen_at
  FROM inquiry_dedup_index d
  WHERE d.org_id = p_org AND (d.kind = 'phone' AND d.digest = v_old.phone_index OR d.kind = 'email' AND d.digest = v_old.email_index)
  ON CONFLICT DO NOTHING;
  DELETE FROM inquiry_dedup_index d
  WHERE d.org_id = p_org AND (d.kind = 'phone' AND d.digest = v_old.phone_index AND d.digest <> p_phone_index
                              OR d.kind = 'email' AND d.digest = v_old.email_index AND d.digest <> p_email_index);
END
$$
--;;
CREATE FUNCTION app.start_task(p_id uuid, p_kind text, p_title jsonb, p_asked jsonb, p_total integer, p_subject uuid, p_most integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_user integer := app.current_user_id();
BEGIN
  IF NOT app.can('tasks', 'update') THEN
    RAISE EXCEPTION 'Your role does not let you start long work.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(':', 'tasks', v_org, v_user), 0));
  IF EXISTS (SELECT FROM tasks WHERE org_id = v_org AND id = p_id AND user_id = v_user) THEN
    RETURN false;
  END IF;
  IF p_most <= (SELECT count(*) FROM tasks WHERE org_id = v_org AND user_id = v_user AND kind = p_kind
                                       AND status IN ('queued', 'running', 'cancelling')) THEN
    RAISE EXCEPTION 'You have % of these waiting or running already. Let one end, or cancel it, and try again.', p_most
      USING ERRCODE = 'VR429';
  END IF;
  INSERT INTO tasks (org_id, id, kind, user_id, portal, title, asked, total, subject_id)
  VALUES (v_org, p_id, p_kind, v_user, current_setting('role'), p_title, p_asked, p_total, p_subject);
  RETURN true;
END
$$;

-- Moves a task along its lifecycle. People move their own, or, as administrators, everybody's
--;;
CREATE FUNCTION app.move_task(p_id uuid, p_event text, p_args jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_task tasks;
  v_move lifecycle_transitions;
BEGIN
  SELECT * INTO v_task FROM tasks WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF v_task.id IS NULL OR NOT (app.is_system() OR app.can('work', 'update')
      OR (v_task.user_id = app.current_user_id() AND app.can('tasks', 'update'))) THEN
    RAISE EXCEPTION 'There is no such task.' USING ERRCODE = 'VR404';
  END IF;
  SELECT * INTO v_move FROM lifecycle_transitions WHERE machine = 'task' AND event = p_event AND from_state = v_task.status;
  IF v_move.machine IS NULL THEN
    RAISE EXCEPTION 'This task is %, so that is not possible any more.', v_task.status USING ERRCODE = 'VR409';
  END IF;
  IF NOT app.is_system() AND v_move.resource IS NULL THEN
    RAISE EXCEPTION 'Only the product may do that.' USING ERRCODE = 'VR403';
  END IF;
  UPDATE tasks SET
    status = v_move.to_state,
    message = CASE WHEN p_event = 'retry' THEN '' ELSE coalesce(p_args ->> 'message', message) END,
    result = coalesce(p_args -> 'result', result),
    file_id = coalesce((p_args ->> 'file_id')::uuid, file_id),
    step = step + CASE WHEN p_event IN ('retry', 'cancel') THEN 1 ELSE 0 END,
    started_at = CASE WHEN p_event = 'begin' THEN coalesce(started_at, app.now()) ELSE started_at END,
    finished_at = CASE WHEN v_move.to_state IN ('done', 'failed', 'cancelled') THEN app.now() END,
    -- What was asked is forgotten once nobody can ask for it again.
    asked = CASE WHEN v_move.to_state IN ('done', 'cancelled') THEN '{}' ELSE asked END,
    cursor = CASE v_move.to_state WHEN 'done' THEN '{}' WHEN 'cancelled' THEN '{}' WHEN 'failed' THEN cursor || '{"failed": true}'
                                  ELSE cursor END
  WHERE org_id = v_task.org_id AND id = p_id;
  RETURN v_move.to_state;
END
$$;

-- What a task was asked to do and where its next step begins, held for that step to the end of the transaction
--;;
CREATE FUNCTION app.hold_task(p_id uuid) RETURNS TABLE (org_id uuid, status text, kind text, user_id integer, portal text, subject_id uuid,
                                                        asked jsonb, cursor jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Only the product may do that.' USING ERRCODE = 'VR403';
  END IF;
  IF pg_try_advisory_xact_lock(hashtextextended(concat_ws(':', 'task', app.current_org(), p_id), 0)) THEN
    RETURN QUERY SELECT t.org_id, t.status, t.kind, t.user_id, t.portal, t.subject_id, t.asked, t.cursor FROM tasks t
                 WHERE t.org_id = app.current_org() AND t.id = p_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'There is no such task.' USING ERRCODE = 'VR404';
    END IF;
  END IF;
END
$$
--;;
CREATE FUNCTION app.note_task(p_id uuid, p_done integer, p_total integer, p_cursor jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_status text;
BEGIN
  IF session_user <> 'viramah_service' THEN
    RAISE EXCEPTION 'Progress is told by whoever does the work.' USING ERRCODE = 'VR403';
  END IF;
  UPDATE tasks SET done = coalesce(p_done, done), total = coalesce(p_total, total), cursor = coalesce(p_cursor, cursor),
    step = step + CASE WHEN p_cursor IS NULL THEN 0 ELSE 1 END
  WHERE org_id = app.current_org() AND id = p_id RETURNING status INTO v_status;
  RETURN v_status;
END
$$
--;;
CREATE FUNCTION app.fail_task_of_work() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE tasks SET status = 'failed', finished_at = app.now(),
    message = 'Something went wrong on our side, again and again. It was recorded; please try again later.'
  WHERE org_id = NEW.org_id AND id = (NEW.payload ->> 'task_id')::uuid AND status IN ('queued', 'running', 'cancelling');
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.forget_tasks(p_before timestamptz, p_most integer DEFAULT 1000) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH old AS (
    SELECT org_id, id, file_id FROM tasks WHERE finished_at < p_before ORDER BY finished_at LIMIT p_most
  ), hidden AS (
    UPDATE files f SET deleted_at = app.now() FROM old WHERE f.org_id = old.org_id AND f.id = old.file_id AND f.deleted_at IS NULL
  ), gone AS (
    DELETE FROM tasks t USING old WHERE t.org_id = old.org_id AND t.id = old.id RETURNING 1
  )
  SELECT count(*) FROM gone
$$
--;;
CREATE FUNCTION app.live_readers(p_asked jsonb) RETURNS TABLE (place bigint, document jsonb, good_until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_one jsonb;
  v_session user_sessions;
BEGIN
  FOR place, v_one IN SELECT a.ordinality, a.value FROM jsonb_array_elements(p_asked) WITH ORDINALITY a LOOP
    document := NULL;
    SELECT s.* INTO v_session FROM user_sessions s JOIN ab_user u ON u.id = s.user_id AND u.active
    WHERE s.id = (v_one ->> 'session_id')::uuid AND s.user_id = (v_one ->> 'user_id')::integer AND s.ended_at IS NULL
      AND s.expires_at > app.now() AND s.last_seen_at > app.now() - interval '7 days';
    IF FOUND THEN
      document := app.described(v_session.user_id, (v_one ->> 'org_id')::uuid, ARRAY[v_one ->> 'portal'],
                                (v_one ->> 'hostel_id')::uuid, false);
      IF (document ->> 'org_id')::uuid IS DISTINCT FROM (v_one ->> 'org_id')::uuid
         OR document ->> 'portal' IS DISTINCT FROM v_one ->> 'portal' THEN
        document := NULL;
      ELSIF NOT v_session.second_factor AND document ->> 'portal' NOT IN ('portal_resident', 'portal_platform')
         AND EXISTS (SELECT FROM organizations WHERE id = (document ->> 'org_id')::uuid
                     AND settings -> 'require_totp' = 'true') THEN
        document := NULL;  -- as app.identify: until the second factor is set up, nothing
      END IF;
      document := document || jsonb_build_object('admitted', EXISTS (  -- as app.is_admitted
        SELECT FROM app.active_roles((document ->> 'org_id')::uuid, v_session.user_id) WHERE role = 'resident'));
    END IF;
    good_until := least(v_session.expires_at, (
      SELECT min(moment) FROM memberships m, unnest(ARRAY[m.valid_from, m.valid_until]) moment
      WHERE m.user_id = v_session.user_id AND moment > app.now()));
    RETURN NEXT;
  END LOOP;
END
$$
--;;
CREATE FUNCTION app.live_streams() RETURNS TABLE (name text, reading boolean, lost boolean, kept_bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT slot_name::text, active, invalidation_reason IS NOT NULL,
         pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint
  FROM pg_replication_slots WHERE database = current_database() AND slot_name LIKE 'viramah_live_%'
$$
--;;
CREATE FUNCTION app.amount_words(p_paise bigint, p_currency text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT '{' || p_currency || ' ' || p_paise || '}'
$$;

-- The account of a hostel's chart, opened if need be
--;;
CREATE FUNCTION app.account_of(p_org uuid, p_hostel uuid, p_code text, p_user integer, p_party text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid;
  v_currency text;
BEGIN
  SELECT id INTO v_id FROM ledger_accounts
  WHERE org_id = p_org AND hostel_id = p_hostel AND code = p_code AND coalesce(user_id, 0) = coalesce(p_user, 0) AND party = p_party;
  IF FOUND THEN
    RETURN v_id;
  END IF;
  SELECT currency INTO v_currency FROM hostels WHERE org_id = p_org AND id = p_hostel;
  IF v_currency IS NULL OR p_user IS NOT NULL AND NOT EXISTS (SELECT FROM members WHERE org_id = p_org AND user_id = p_user) THEN
    RAISE EXCEPTION 'There is no such account.' USING ERRCODE = 'VR404';
  END IF;
  INSERT INTO ledger_accounts (org_id, hostel_id, code, user_id, party, currency)
  VALUES (p_org, p_hostel, p_code, p_user, p_party, v_currency)
  ON CONFLICT (org_id, hostel_id, code, coalesce(user_id, 0), party) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN -- somebody else opened it meanwhile
    RETURN app.account_of(p_org, p_hostel, p_code, p_user, p_party);
  END IF;
  IF p_code = 'wallet' THEN
    INSERT INTO wallet_balance_cache (org_id, id, hostel_id, user_id, currency) VALUES (p_org, v_id, p_hostel, p_user, v_currency);
  END IF;
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.ledger_account(p_hostel uuid, p_code text, p_user integer DEFAULT NULL, p_party text DEFAULT '') RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.account_of(app.current_org(), p_hostel, p_code, p_user, p_party)
$$
--;;
CREATE FUNCTION app.keep_currency() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.currency <> OLD.currency AND EXISTS (SELECT FROM ledger_accounts WHERE org_id = OLD.org_id AND hostel_id = OLD.id) THEN
    RAISE EXCEPTION 'This hostel has books in % already: its currency cannot change.', OLD.currency USING ERRCODE = 'VR409', COLUMN = 'currency';
  END IF;
  RETURN NEW;
END
$$
--;;
CREATE FUNCTION app.open_wallet_of_resident() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.org_id = app.current_org() THEN
    PERFORM app.ledger_account(NEW.hostel_id, 'wallet', NEW.user_id);
  END IF;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.check_balanced() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added GROUP BY org_id, transaction_id, currency
             HAVING sum(amount_paise) <> 0 OR min(position) <> 1 OR max(position) <> count(*)) THEN
    RAISE EXCEPTION 'The entries of a transaction must sum to zero.' USING ERRCODE = 'VR422';
  END IF;
  RETURN NULL;
END
$$;

-- What was booked under a key before, or NULL
--;;
CREATE FUNCTION app.booked_before(p_key text, p_kind text, p_accounts uuid[], p_amounts bigint[]) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row ledger_transactions;
  v_same boolean;
BEGIN
  SELECT * INTO v_row FROM ledger_transactions WHERE org_id = app.current_org() AND key = p_key;
  SELECT v_row.kind = p_kind AND array_agg(account_id ORDER BY position) = p_accounts AND array_agg(amount_paise ORDER BY position) = p_amounts
  INTO v_same FROM ledger_entries WHERE org_id = v_row.org_id AND transaction_id = v_row.id;
  IF v_row.id IS NOT NULL AND NOT coalesce(v_same, false) THEN
    RAISE EXCEPTION 'Something else was booked under this key.' USING ERRCODE = 'VR409';
  END IF;
  RETURN v_row.id;
END
$$
--;;
CREATE FUNCTION app.refuse_debit(p_frozen boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF p_frozen THEN
    RAISE EXCEPTION 'This wallet is frozen: nothing can be taken from it until the office has looked into it.' USING ERRCODE = 'VR409';
  END IF;
  RAISE EXCEPTION 'There is not enough money in the wallet.' USING ERRCODE = 'VR409';
END
$$;

-- One posting of two sides, of which one at most is a wallet: what happens all day, in as few statements as it takes.
-- The transaction comes first, so that the same thing sent twice at once waits at its key
--;;
CREATE FUNCTION app.book(p_key text, p_kind text, p_hostel uuid, p_amount bigint, p_debit text, p_debit_user integer, p_credit text, p_credit_user integer, p_description text DEFAULT '', p_source text DEFAULT '', p_source_id uuid DEFAULT NULL, p_event_at timestamptz DEFAULT NULL, p_debit_party text DEFAULT '', p_credit_party text DEFAULT '') RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_now timestamptz := app.now();
  v_at timestamptz := coalesce(p_event_at, v_now);
  v_id uuid := uuidv7();
  v_user integer := CASE 'wallet' WHEN p_debit THEN p_debit_user WHEN p_credit THEN p_credit_user END;
  v_out bigint := CASE p_debit WHEN 'wallet' THEN p_amount ELSE -p_amount END; -- of the wallet
  v_wallet uuid;
  v_balance bigint;
  v_version bigint;
  v_frozen boolean;
  v_debit uuid;
  v_credit uuid;
  v_currency text;
BEGIN
  IF p_amount <= 0 THEN
    RAISE EXCEPTION 'Please give an amount.' USING ERRCODE = 'VR422', COLUMN = 'amount_paise';
  ELSIF p_debit = p_credit AND p_debit = 'wallet' THEN
    RAISE EXCEPTION 'From one wallet to another is for app.post.' USING ERRCODE = 'feature_not_supported';
  END IF;
  -- The person is read from the setting: app.current_org has just found it genuine.
  INSERT INTO ledger_transactions (org_id, id, hostel_id, key, kind, description, source, source_id, event_at, created_at, created_by)
  VALUES (v_org, v_id, p_hostel, p_key, p_kind, p_description, p_source, p_source_id, v_at, v_now,
          NULLIF(current_setting('app.user_id', true), '')::integer)
  ON CONFLICT (org_id, key) DO NOTHING;
  IF NOT FOUND THEN
    RETURN app.booked_before(p_key, p_kind, ARRAY[app.ledger_account(p_hostel, p_debit, p_debit_user, p_debit_party),
                                                  app.ledger_account(p_hostel, p_credit, p_credit_user, p_credit_party)], ARRAY[-p_amount, p_amount]);
  END IF;
  WHILE v_user IS NOT NULL AND v_wallet IS NULL LOOP
    UPDATE wallet_balance_cache SET balance_paise = balance_paise - v_out, version = version + 1, last_computed_at = v_now
    WHERE org_id = v_org AND hostel_id = p_hostel AND user_id = v_user
      AND (v_out < 0 OR balance_paise - v_out >= -limit_paise AND (NOT frozen OR p_kind = 'adjustment'))
    RETURNING id, balance_paise, version, currency INTO v_wallet, v_balance, v_version, v_currency;
    IF v_wallet IS NULL THEN -- refused, or not opened yet
      SELECT frozen AND p_kind <> 'adjustment' INTO v_frozen FROM wallet_balance_cache
      WHERE org_id = v_org AND hostel_id = p_hostel AND user_id = v_user AND v_out > 0;
      IF FOUND THEN
        PERFORM app.refuse_debit(v_frozen);
      END IF;
      PERFORM app.ledger_account(p_hostel, 'wallet', v_user);
    END IF;
  END LOOP;
  v_debit := CASE p_debit WHEN 'wallet' THEN v_wallet ELSE app.account_of(v_org, p_hostel, p_debit, p_debit_user, p_debit_party) END;
  v_credit := CASE p_credit WHEN 'wallet' THEN v_wallet ELSE app.account_of(v_org, p_hostel, p_credit, p_credit_user, p_credit_party) END;
  IF v_currency IS NULL THEN
    SELECT currency INTO v_currency FROM ledger_accounts WHERE org_id = v_org AND id = v_debit;
  END IF;
  INSERT INTO ledger_entries (org_id, transaction_id, position, hostel_id, account_id, user_id, kind, description, amount_paise, currency,
                              balance_paise, version, event_at, created_at)
  VALUES (v_org, v_id, 1, p_hostel, v_debit, p_debit_user, p_kind, p_description, -p_amount, v_currency,
          CASE p_debit WHEN 'wallet' THEN v_balance END, CASE p_debit WHEN 'wallet' THEN v_version END, v_at, v_now),
         (v_org, v_id, 2, p_hostel, v_credit, p_credit_user, p_kind, p_description, p_amount, v_currency,
          CASE p_credit WHEN 'wallet' THEN v_balance END, CASE p_credit WHEN 'wallet' THEN v_version END, v_at, v_now);
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.post(p_batch jsonb) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_now timestamptz := app.now();
  v_me integer := app.current_user_id(); -- once: within a statement it would be asked for each row
  v_tx integer[];
  v_n integer[];
  v_accounts uuid[];
  v_amounts bigint[];
  v_kinds text[];
  v_hostels uuid[];
  v_said text[];
  v_at timestamptz[];
  v_fresh uuid[];
  v_ids uuid[];
  v_wallets uuid[];
  v_sums bigint[];
  v_counts bigint[];
  v_doubtful boolean;
  v_frozen boolean;
BEGIN
  SELECT array_agg(b.n ORDER BY b.n, l.n), array_agg(l.n ORDER BY b.n, l.n), array_agg(l.amount ORDER BY b.n, l.n), array_agg(b.kind ORDER BY b.n, l.n),
         array_agg(b.hostel ORDER BY b.n, l.n), array_agg(coalesce(b.description, '') ORDER BY b.n, l.n),
         array_agg(coalesce(b.event_at, v_now) ORDER BY b.n, l.n),
         array_agg(coalesce(l.account,
           (SELECT id FROM ledger_accounts a WHERE a.org_id = v_org AND a.hostel_id = b.hostel AND a.code = l.code
                                               AND coalesce(a.user_id, 0) = coalesce(l."user", 0) AND a.party = coalesce(l.party, '')),
           app.account_of(v_org, b.hostel, l.code, l."user", coalesce(l.party, ''))) ORDER BY b.n, l.n)
  INTO v_tx, v_n, v_amounts, v_kinds, v_hostels, v_said, v_at, v_accounts
  FROM ROWS FROM (jsonb_to_recordset(p_batch) AS (kind text, hostel uuid, description text, event_at timestamptz, entries jsonb)) WITH ORDINALITY
         AS b (kind, hostel, description, event_at, entries, n),
       ROWS FROM (jsonb_to_recordset(b.entries) AS (account uuid, code text, "user" integer, party text, amount bigint)) WITH ORDINALITY
         AS l (account, code, "user", party, amount, n);
  WITH asked AS (
    SELECT * FROM ROWS FROM (jsonb_to_recordset(p_batch) AS (key text, kind text, hostel uuid, description text, source text, source_id uuid,
                                                             event_at timestamptz)) WITH ORDINALITY
             AS b (key, kind, hostel, description, source, source_id, event_at, n)),
  booked AS (
    INSERT INTO ledger_transactions (org_id, hostel_id, key, kind, description, source, source_id, event_at, created_at, created_by)
    SELECT v_org, hostel, key, kind, coalesce(description, ''), coalesce(source, ''), source_id, coalesce(event_at, v_now), v_now, v_me
    FROM asked ORDER BY key
    ON CONFLICT (org_id, key) DO NOTHING RETURNING id, key)
  SELECT array_agg(booked.id ORDER BY asked.n) INTO v_fresh FROM asked LEFT JOIN booked ON booked.key = asked.key;
  v_ids := v_fresh;
  IF array_position(v_fresh, NULL) IS NOT NULL THEN
    SELECT array_agg(coalesce(v_fresh[n], app.booked_before(t ->> 'key', t ->> 'kind',
             (SELECT array_agg(a ORDER BY x.place) FROM unnest(v_accounts, v_tx, v_n) AS x (a, tx, place) WHERE tx = n),
             (SELECT array_agg(a ORDER BY x.place) FROM unnest(v_amounts, v_tx, v_n) AS x (a, tx, place) WHERE tx = n))) ORDER BY n)
    INTO v_ids FROM jsonb_array_elements(p_batch) WITH ORDINALITY AS b (t, n);
  END IF;
  PERFORM FROM wallet_balance_cache WHERE org_id = v_org AND id = ANY (v_accounts) ORDER BY id FOR UPDATE;

  WITH entered AS (
    INSERT INTO ledger_entries (org_id, transaction_id, position, hostel_id, account_id, user_id, kind, description, amount_paise, currency,
                                balance_paise, version, event_at, created_at)
    SELECT v_org, v_fresh[x.tx], x.n, x.hostel, x.account, a.user_id, x.kind, x.said, x.amount, a.currency,
           w.balance_paise + sum(x.amount) OVER running, w.version + count(*) OVER running, x.at, v_now
    FROM unnest(v_tx, v_n, v_hostels, v_accounts, v_kinds, v_said, v_amounts, v_at) AS x (tx, n, hostel, account, kind, said, amount, at)
    JOIN ledger_accounts a ON a.org_id = v_org AND a.id = x.account AND a.hostel_id = x.hostel -- else it does not sum to zero, and is refused
    LEFT JOIN wallet_balance_cache w ON w.org_id = v_org AND w.id = x.account
    WHERE v_fresh[x.tx] IS NOT NULL
    WINDOW running AS (PARTITION BY x.account ORDER BY x.tx, x.n) ORDER BY x.tx, x.n
    RETURNING account_id, amount_paise, balance_paise, kind),
  moved AS (
    SELECT e.account_id AS id, sum(e.amount_paise)::bigint AS amount, count(*) AS entries,
           bool_or(e.amount_paise < 0 AND (e.balance_paise < -w.limit_paise OR w.frozen AND e.kind <> 'adjustment')) AS doubtful
    FROM entered e JOIN wallet_balance_cache w ON w.org_id = v_org AND w.id = e.account_id GROUP BY e.account_id)
  SELECT array_agg(id), array_agg(amount), array_agg(entries), bool_or(doubtful) INTO v_wallets, v_sums, v_counts, v_doubtful FROM moved;

  -- The limit holds after each transaction, not only after the last; within one it need not.
  IF v_doubtful THEN
    SELECT frozen AND kind <> 'adjustment' INTO v_frozen FROM (
      SELECT x.tx, x.amount, x.kind, w.frozen, w.limit_paise + w.balance_paise + sum(x.amount) OVER (PARTITION BY w.id ORDER BY x.tx) AS room
      FROM unnest(v_tx, v_accounts, v_amounts, v_kinds) AS x (tx, account, amount, kind)
      JOIN wallet_balance_cache w ON w.org_id = v_org AND w.id = x.account WHERE v_fresh[x.tx] IS NOT NULL) r
    WHERE amount < 0 AND (room < 0 OR frozen AND kind <> 'adjustment') ORDER BY tx LIMIT 1;
    IF FOUND THEN
      PERFORM app.refuse_debit(v_frozen);
    END IF;
  END IF;
  UPDATE wallet_balance_cache w SET balance_paise = w.balance_paise + d.amount, version = w.version + d.entries, last_computed_at = v_now
  FROM unnest(v_wallets, v_sums, v_counts) AS d (id, amount, entries) WHERE w.org_id = v_org AND w.id = d.id;
  RETURN v_ids;
END
$$
--;;
CREATE FUNCTION app.post_batch(p_batch jsonb) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Nobody books by hand: propose it.' USING ERRCODE = 'VR403';
  END IF;
  RETURN app.post(p_batch);
END
$$
--;;
CREATE FUNCTION app.post_one(p_key text, p_kind text, p_hostel uuid, p_amount bigint, p_debit text, p_debit_user integer, p_debit_party text, p_credit text, p_credit_user integer, p_credit_party text, p_description text, p_source text, p_source_id uuid, p_event_at timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Nobody books by hand: propose it.' USING ERRCODE = 'VR403';
  END IF;
  RETURN app.book(p_key, p_kind, p_hostel, p_amount, p_debit, p_debit_user, p_credit, p_credit_user, p_description, p_source, p_source_id,
                  p_event_at, p_debit_party, p_credit_party);
END
$$
--;;
CREATE FUNCTION app.reverse(p_transaction uuid, p_description text) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT (app.post(jsonb_build_array(jsonb_build_object(
    'key', 'reversal:' || t.id, 'kind', 'reversal', 'hostel', t.hostel_id, 'description', p_description, 'source', t.source, 'source_id', t.source_id,
    'entries', (SELECT jsonb_agg(jsonb_build_object('account', e.account_id, 'amount', -e.amount_paise) ORDER BY e.position)
                FROM ledger_entries e WHERE e.org_id = t.org_id AND e.transaction_id = t.id)))))[1]
  FROM ledger_transactions t WHERE t.org_id = app.current_org() AND t.id = p_transaction
$$
--;;
CREATE FUNCTION app.lock_wallet(p_wallet uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid;
BEGIN
  SELECT hostel_id INTO v_hostel FROM wallet_balance_cache WHERE org_id = app.current_org() AND id = p_wallet FOR UPDATE;
  IF v_hostel IS NULL OR NOT (app.is_system() OR app.allowed_in('wallet', 'read', v_hostel)) THEN
    RAISE EXCEPTION 'There is no such wallet.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_system() OR app.is_staff() AND app.allowed_in('wallet', p_action, v_hostel)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- Nothing can be taken from it until somebody has looked
--;;
CREATE FUNCTION app.freeze_wallet(p_wallet uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_wallet(p_wallet, 'update');
  PERFORM app.assert_reason(p_reason);
  UPDATE wallet_balance_cache SET frozen = true WHERE org_id = app.current_org() AND id = p_wallet AND NOT frozen;
  IF FOUND THEN
    INSERT INTO wallet_freezes (org_id, hostel_id, user_id, wallet_id, reason)
    SELECT org_id, hostel_id, user_id, id, left(btrim(p_reason), 500) FROM wallet_balance_cache
    WHERE org_id = app.current_org() AND id = p_wallet;
  ELSIF NOT app.is_system() THEN
    RAISE EXCEPTION 'This wallet is frozen already.' USING ERRCODE = 'VR409';
  END IF;
END
$$
--;;
CREATE FUNCTION app.unfreeze_wallet(p_wallet uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_wallet(p_wallet, 'approve');
  PERFORM app.assert_reason(p_reason);
  UPDATE wallet_balance_cache SET frozen = false WHERE org_id = app.current_org() AND id = p_wallet AND frozen;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'This wallet is not frozen.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE wallet_freezes SET lifted_at = app.now(), lifted_by = app.current_user_id(), lift_reason = left(btrim(p_reason), 500)
  WHERE org_id = app.current_org() AND wallet_id = p_wallet AND lifted_at IS NULL;
END
$$;

-- -- proposals -----------------------------------------------------------------------------------------------------

-- What an approved proposal books
--;;
CREATE FUNCTION app.proposal_entries(p_kind text, p_user integer, p_party text, p_amount bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_kind
    WHEN 'payout' THEN jsonb_build_array(jsonb_build_object('code', 'wallet', 'user', p_user, 'amount', -p_amount),
                                         CASE p_party WHEN '' THEN jsonb_build_object('code', 'bank', 'amount', p_amount)
                                              ELSE jsonb_build_object('code', 'clearing', 'party', p_party, 'amount', p_amount) END)
    ELSE jsonb_build_array(
      CASE WHEN p_user IS NULL THEN jsonb_build_object('code', 'clearing', 'party', p_party, 'amount', p_amount)
           WHEN p_kind IN ('write_off', 'discount') THEN jsonb_build_object('code', 'receivable', 'user', p_user, 'amount', p_amount)
           ELSE jsonb_build_object('code', 'wallet', 'user', p_user, 'amount', p_amount) END,
      jsonb_build_object('code', CASE p_kind WHEN 'adjustment' THEN 'adjustments' WHEN 'write_off' THEN 'write_offs'
                                             WHEN 'discount' THEN 'discounts' WHEN 'refund' THEN 'canteen' END, 'amount', -p_amount)) END
$$;

-- Written for whoever calls
--;;
CREATE FUNCTION app.write_proposal(p_hostel uuid, p_kind text, p_user integer, p_party text, p_amount bigint, p_reason text, p_source text, p_source_id uuid, p_id uuid, p_details jsonb DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid := coalesce(p_id, uuidv7());
  v_wallet wallet_balance_cache;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('proposal:' || v_id, 0)); -- the second of a double click waits, and finds the first
  IF EXISTS (SELECT FROM ledger_proposals WHERE org_id = app.current_org() AND id = v_id) THEN
    IF NOT EXISTS (SELECT FROM ledger_proposals WHERE org_id = app.current_org() AND id = v_id AND hostel_id = p_hostel
                   AND user_id IS NOT DISTINCT FROM p_user AND source_id IS NOT DISTINCT FROM p_source_id
                   AND proposed_by IS NOT DISTINCT FROM app.current_user_id()) THEN
      RAISE EXCEPTION 'Something else was proposed under this id.' USING ERRCODE = 'VR409';
    END IF;
    RETURN v_id; -- sent twice
  ELSIF btrim(coalesce(p_reason, '')) = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'reason';
  ELSIF coalesce(p_amount, 0) = 0 OR p_amount < 0 AND p_kind <> 'adjustment' THEN
    RAISE EXCEPTION 'Please give an amount.' USING ERRCODE = 'VR422', COLUMN = 'amount_paise';
  ELSIF p_user IS NOT NULL AND NOT EXISTS (SELECT FROM residents WHERE org_id = app.current_org() AND hostel_id = p_hostel AND user_id = p_user) THEN
    RAISE EXCEPTION 'There is no such resident.' USING ERRCODE = 'VR404', COLUMN = 'member';
  END IF;
  -- Without a lock: the posting refuses for good, this spares a second person a decision that cannot be carried out.
  SELECT * INTO v_wallet FROM wallet_balance_cache WHERE org_id = app.current_org() AND hostel_id = p_hostel AND user_id = p_user;
  IF NOT app.is_system() AND (p_kind = 'payout' OR p_amount < 0) AND abs(p_amount) > v_wallet.balance_paise + v_wallet.limit_paise THEN
    RAISE EXCEPTION 'There is only % in the wallet.', app.amount_words(v_wallet.balance_paise, v_wallet.currency) USING ERRCODE = 'VR409', COLUMN = 'amount';
  END IF;
  INSERT INTO ledger_proposals (org_id, id, hostel_id, kind, user_id, party, amount_paise, currency, reason, source, source_id, details, proposed_by)
  SELECT h.org_id, v_id, h.id, p_kind, p_user, coalesce(p_party, ''), p_amount, h.currency, left(btrim(p_reason), 500), coalesce(p_source, ''),
         p_source_id, p_details, app.current_user_id()
  FROM hostels h WHERE h.org_id = app.current_org() AND h.id = p_hostel;
  PERFORM app.enqueue('wallet.proposed', jsonb_build_object('proposal_id', v_id));
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.propose(p_hostel uuid, p_kind text, p_user integer, p_amount bigint, p_reason text, p_party text DEFAULT '', p_id uuid DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.allowed_in('wallet', 'read', p_hostel) OR NOT EXISTS (SELECT FROM hostels WHERE org_id = app.current_org() AND id = p_hostel) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404', COLUMN = 'hostel';
  ELSIF NOT app.allowed_in('wallet', 'create', p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF p_kind = 'refund' OR (p_user IS NULL) <> (coalesce(p_party, '') <> '') OR p_user IS NULL AND p_kind <> 'write_off' THEN
    RAISE EXCEPTION 'Please say whose account this is about.' USING ERRCODE = 'VR422', COLUMN = 'member';
  END IF;
  RETURN app.write_proposal(p_hostel, p_kind, p_user, p_party, p_amount, p_reason, '', NULL, p_id);
END
$$;

-- Whether there is anybody but the proposer, and whose money it is, who could approve
--;;
CREATE FUNCTION app.has_second_person(p_org uuid, p_hostel uuid, p_proposer integer, p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM members m, app.active_roles(p_org, m.user_id) r
    WHERE m.org_id = p_org AND m.removed_at IS NULL AND m.user_id IS DISTINCT FROM p_proposer AND m.user_id IS DISTINCT FROM p_user
      AND app.capabilities(p_org, m.user_id, r.portal) ~ ('\|wallet\.approve=(\*|[^|]*' || p_hostel || ')'))
$$
--;;
CREATE FUNCTION app.carry_out(p_id uuid, p_event text, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row ledger_proposals;
  v_tx uuid;
BEGIN
  SELECT * INTO v_row FROM ledger_proposals WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF p_event IS NULL OR p_event NOT IN ('approve', 'reject', 'withdraw') THEN
    RAISE EXCEPTION 'A proposal is approved, rejected or withdrawn.' USING ERRCODE = 'VR422';
  ELSIF v_row.status <> 'proposed' THEN
    RAISE EXCEPTION 'This proposal is % already.', v_row.status USING ERRCODE = 'VR409';
  ELSIF p_event = 'withdraw' AND v_row.proposed_by IS DISTINCT FROM app.current_user_id() THEN
    RAISE EXCEPTION 'Only who proposed it can withdraw it.' USING ERRCODE = 'VR403';
  ELSIF p_event <> 'withdraw' AND v_row.proposed_by = app.current_user_id() THEN
    RAISE EXCEPTION 'Nobody decides on their own proposal: somebody else has to.' USING ERRCODE = 'VR403';
  ELSIF p_event = 'approve' AND v_row.user_id = app.current_user_id() THEN
    RAISE EXCEPTION 'This is about your own money: somebody else has to approve it.' USING ERRCODE = 'VR403';
  ELSIF p_event = 'reject' AND btrim(coalesce(p_note, '')) = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
  IF p_event = 'approve' AND v_row.kind = 'credit_note' THEN
    v_tx := app.write_credit_note(p_id, v_row.source_id, v_row.details, v_row.reason);
  ELSIF p_event = 'approve' THEN
    v_tx := (app.post(jsonb_build_array(jsonb_build_object(
      'key', 'proposal:' || p_id, 'kind', v_row.kind, 'hostel', v_row.hostel_id, 'description', left(v_row.reason, 200),
      'source', coalesce(NULLIF(v_row.source, ''), 'ledger_proposals'), 'source_id', coalesce(v_row.source_id, p_id),
      'entries', app.proposal_entries(v_row.kind, v_row.user_id, v_row.party, v_row.amount_paise)))))[1];
  END IF;
  UPDATE ledger_proposals SET transaction_id = v_tx, decided_by = app.current_user_id(), decided_at = app.now(),
    decision = left(btrim(coalesce(p_note, '')), 500),
    status = CASE p_event WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' ELSE 'withdrawn' END
  WHERE org_id = v_row.org_id AND id = p_id;
  PERFORM app.enqueue('wallet.decided', jsonb_build_object('proposal_id', p_id));
END
$$
--;;
CREATE FUNCTION app.decide_proposal(p_id uuid, p_event text, p_note text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid := (SELECT hostel_id FROM ledger_proposals WHERE org_id = app.current_org() AND id = p_id);
BEGIN
  IF v_hostel IS NULL OR NOT app.allowed_in('wallet', 'read', v_hostel) THEN
    RAISE EXCEPTION 'There is no such proposal.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('wallet', CASE p_event WHEN 'withdraw' THEN 'create' ELSE 'approve' END, v_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM app.carry_out(p_id, p_event, p_note);
END
$$
--;;
CREATE FUNCTION app.platform_proposals() RETURNS TABLE (id uuid, org_id uuid, organization text, hostel text, kind text, amount_paise bigint, currency text, reason text, created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT p.id, p.org_id, o.name, h.name, p.kind, p.amount_paise, p.currency, p.reason, p.created_at
  FROM ledger_proposals p
  JOIN organizations o ON o.id = p.org_id AND o.deleted_at IS NULL
  JOIN hostels h ON h.org_id = p.org_id AND h.id = p.hostel_id
  WHERE app.is_super_admin() AND p.status = 'proposed' AND NOT app.has_second_person(p.org_id, p.hostel_id, p.proposed_by, p.user_id)
  ORDER BY p.created_at, p.id
$$
--;;
CREATE FUNCTION app.platform_decide(p_org uuid, p_id uuid, p_event text, p_note text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row ledger_proposals;
  v_me integer := app.current_user_id();
BEGIN
  SELECT * INTO v_row FROM ledger_proposals WHERE org_id = p_org AND id = p_id FOR UPDATE;
  IF NOT app.is_super_admin() OR v_row.id IS NULL OR app.has_second_person(p_org, v_row.hostel_id, v_row.proposed_by, v_row.user_id) THEN
    RAISE EXCEPTION 'There is no such proposal.' USING ERRCODE = 'VR404';
  ELSIF p_event NOT IN ('approve', 'reject') THEN
    RAISE EXCEPTION 'The platform approves or rejects.' USING ERRCODE = 'VR422';
  END IF;
  PERFORM app.assume(p_org, v_me);
  PERFORM set_config('app.reason', (SELECT 'Decided by the platform: ' || btrim(first_name || ' ' || last_name) FROM ab_user WHERE id = v_me), true);
  PERFORM app.carry_out(p_id, p_event, p_note);
END
$$
--;;
CREATE FUNCTION app.wallet_mismatches() RETURNS TABLE (wallet_id uuid, hostel_id uuid, user_id integer, cached_paise bigint, summed_paise bigint, entries bigint, version bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT w.id, w.hostel_id, w.user_id, w.balance_paise, coalesce(e.total, 0)::bigint, coalesce(e.entries, 0), w.version
  FROM wallet_balance_cache w
  LEFT JOIN (SELECT account_id, sum(amount_paise) AS total, count(*) AS entries, max(version) AS newest FROM ledger_entries
             WHERE org_id = app.current_org() AND version IS NOT NULL GROUP BY account_id) e ON e.account_id = w.id
  WHERE w.org_id = app.current_org() AND (app.is_system() OR app.allowed_in('wallet', 'read', w.hostel_id))
    AND (w.balance_paise <> coalesce(e.total, 0) OR w.version <> coalesce(e.entries, 0) OR w.version <> coalesce(e.newest, 0))
$$
--;;
CREATE FUNCTION app.ask_product() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Only the console itself seals and checks its books.' USING ERRCODE = 'VR403';
  END IF;
END
$$
--;;
CREATE FUNCTION app.ledger_horizon() RETURNS TABLE (at timestamptz, seq bigint, system_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.ask_product();
  RETURN QUERY SELECT app.now(), coalesce(pg_sequence_last_value('public.ledger_transactions_seq_seq'), 0), c.system_identifier::text
               FROM pg_control_system() c;
END
$$
--;;
CREATE FUNCTION app.add_ledger_batch(p_batch jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row ledger_batches := jsonb_populate_record(NULL::ledger_batches, p_batch || jsonb_build_object('org_id', app.current_org()));
BEGIN
  PERFORM app.ask_product();
  -- No join: sealing has the planner hash what it joins, which here would be all entries.
  SELECT coalesce(array_agg(seq ORDER BY seq, wallet), '{}'), coalesce(array_agg(wallet ORDER BY seq, wallet), '{}') INTO v_row.wallet_seqs, v_row.wallets
  FROM (SELECT t.seq, unnest(ARRAY(SELECT e.account_id FROM ledger_entries e WHERE e.org_id = t.org_id AND e.transaction_id = t.id
                                   AND e.version IS NOT NULL)) AS wallet
        FROM ledger_transactions t WHERE t.org_id = v_row.org_id AND t.seq = ANY (v_row.seqs)) x;
  INSERT INTO ledger_batches SELECT v_row.*;
END
$$
--;;
CREATE FUNCTION app.note_ledger_check(p_batches integer, p_transactions integer, p_findings integer, p_first text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid;
BEGIN
  PERFORM app.ask_product();
  INSERT INTO ledger_checks (org_id, batches, transactions, findings, first_finding, created_at)
  VALUES (app.current_org(), p_batches, p_transactions, p_findings, p_first, app.now()) RETURNING id INTO v_id;
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.ledger_organizations() RETURNS TABLE (org_id uuid, slug text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT id, slug FROM organizations ORDER BY created_at, id
$$;

-- How well all ledgers are kept, for the health page: numbers of the whole installation, contents of nobody. `wrong`: in
-- how many organizations the newest check found something
--;;
CREATE FUNCTION app.ledger_state() RETURNS TABLE (unsealed bigint, oldest_unsealed_at timestamptz, checked_at timestamptz, wrong bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(sum(waiting.n), 0)::bigint, min(waiting.oldest), min(newest.created_at), count(*) FILTER (WHERE newest.findings > 0)
  FROM organizations o
  -- Late commits have a batch end below the one before it: the highest of the last ones counts.
  LEFT JOIN LATERAL (SELECT max(b.last_seq) AS seq FROM (SELECT last_seq FROM ledger_batches WHERE org_id = o.id ORDER BY number DESC LIMIT 100) b) sealed ON true
  LEFT JOIN LATERAL (SELECT count(*) AS n, min(w.created_at) AS oldest FROM (
    SELECT created_at FROM ledger_transactions WHERE org_id = o.id AND seq > coalesce(sealed.seq, 0) ORDER BY seq LIMIT 10000) w) waiting ON true
  LEFT JOIN LATERAL (SELECT created_at, findings FROM ledger_checks WHERE org_id = o.id ORDER BY created_at DESC LIMIT 1) newest ON true
$$
--;;
CREATE FUNCTION app.add_statement(p_id uuid, p_account uuid, p_origin text, p_digest text, p_file uuid, p_lines jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_account gateway_accounts;
  v_known uuid;
BEGIN
  SELECT * INTO v_account FROM gateway_accounts WHERE org_id = v_org AND id = p_account FOR UPDATE;
  IF v_account.id IS NULL OR NOT (app.is_system() OR app.allowed_in('payments', 'read', v_account.hostel_id)) THEN
    RAISE EXCEPTION 'There is no such account at a gateway.' USING ERRCODE = 'VR404', COLUMN = 'account';
  ELSIF NOT (app.is_system() OR app.is_staff() AND app.allowed_in('payments', 'create', v_account.hostel_id)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  SELECT id INTO v_known FROM settlement_statements WHERE org_id = v_org AND account_id = p_account AND digest = p_digest;
  IF v_known IS NOT NULL THEN
    RETURN v_known;
  END IF;
  INSERT INTO settlement_statements (org_id, id, hostel_id, account_id, gateway, origin, digest, file_id, first_on, last_on, lines, added, net_paise, currency)
  SELECT v_org, p_id, v_account.hostel_id, p_account, v_account.gateway, p_origin, p_digest, p_file, min((l ->> 'settled_on')::date), max((l ->> 'settled_on')::date),
         count(*), count(DISTINCT l ->> 'line_id') FILTER (WHERE NOT EXISTS (SELECT FROM settlement_lines k
                    WHERE k.org_id = v_org AND k.account_id = p_account AND k.line_id = l ->> 'line_id')),
         sum((l ->> 'amount')::bigint - (l ->> 'fee')::bigint - (l ->> 'tax')::bigint), min(l ->> 'currency')
  FROM jsonb_array_elements(p_lines) l;
  INSERT INTO settlement_lines (org_id, hostel_id, account_id, statement_id, gateway, line_id, kind, payment_id, reference, gateway_refund_id, amount_paise,
                                fee_paise, tax_paise, currency, utr, settled_on, occurred_at)
  SELECT v_org, coalesce(v_account.hostel_id, CASE l ->> 'kind' WHEN 'fee' THEN (
           SELECT h.id FROM hostels h WHERE h.org_id = v_org AND h.currency = l ->> 'currency' ORDER BY h.created_at, h.id LIMIT 1) END),
         p_account, p_id, v_account.gateway, l ->> 'line_id', l ->> 'kind', l ->> 'payment_id', l ->> 'reference', l ->> 'refund_id',
         (l ->> 'amount')::bigint, (l ->> 'fee')::bigint, (l ->> 'tax')::bigint, l ->> 'currency', l ->> 'utr', (l ->> 'settled_on')::date, (l ->> 'at')::timestamptz
  FROM jsonb_array_elements(p_lines) l
  ON CONFLICT (org_id, account_id, line_id) DO NOTHING;
  PERFORM app.enqueue('reconciliation.match', jsonb_build_object('account_id', p_account), 'statement ' || p_id);
  RETURN p_id;
END
$$
--;;
CREATE FUNCTION app.book_line(p_line uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row settlement_lines;
  v_fees bigint;
  v_clearing bigint;
BEGIN
  SELECT l.* INTO v_row FROM settlement_lines l JOIN hostels h ON h.org_id = l.org_id AND h.id = l.hostel_id AND h.currency = l.currency
  WHERE l.org_id = app.current_org() AND l.id = p_line AND l.transaction_id IS NULL FOR UPDATE OF l;
  v_fees := v_row.fee_paise + v_row.tax_paise - CASE v_row.kind WHEN 'fee' THEN v_row.amount_paise ELSE 0 END;
  v_clearing := CASE v_row.kind WHEN 'fee' THEN 0 ELSE v_row.amount_paise END;
  IF v_row.id IS NULL OR v_fees = 0 AND v_clearing = 0 THEN
    RETURN;
  END IF;
  UPDATE settlement_lines SET transaction_id = (app.post(jsonb_build_array(jsonb_build_object(
      -- The row is one for an account and its line: two accounts of one gateway may number theirs alike.
      'key', 'settlement:' || v_row.gateway || ':' || v_row.id, 'kind', 'settlement', 'hostel', v_row.hostel_id,
      'source', 'settlement_lines', 'source_id', v_row.id,
      'entries', (SELECT jsonb_agg(e) FROM (VALUES
        (jsonb_build_object('code', 'bank', 'amount', v_fees - v_clearing)),
        (jsonb_build_object('code', 'gateway_fees', 'amount', -v_fees)),
        (jsonb_build_object('code', 'clearing', 'party', v_row.gateway, 'amount', v_clearing))) AS x (e) WHERE (e ->> 'amount')::bigint <> 0)))))[1]
  WHERE org_id = v_row.org_id AND id = p_line;
END
$$
--;;
CREATE FUNCTION app.settle_matches(p_pairs jsonb, p_lines uuid[], p_breaks jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_new integer;
BEGIN
  PERFORM app.assert_system();
  UPDATE settlement_lines l SET confirmation_id = c.id, refund_id = r.id, hostel_id = coalesce(l.hostel_id, c.hostel_id, r.hostel_id)
  FROM jsonb_array_elements(p_pairs) p
  LEFT JOIN payment_confirmations c ON c.org_id = v_org AND c.id = (p ->> 'confirmation')::uuid
  LEFT JOIN payment_refunds r ON r.org_id = v_org AND r.id = (p ->> 'refund')::uuid
  WHERE l.org_id = v_org AND l.id = (p ->> 'line')::uuid AND l.confirmation_id IS NULL AND l.refund_id IS NULL
    AND (l.transaction_id IS NULL OR l.hostel_id = coalesce(c.hostel_id, r.hostel_id));
  UPDATE settlement_lines l SET hostel_id = coalesce(c.hostel_id, r.hostel_id)
  FROM jsonb_array_elements(p_breaks) n
  LEFT JOIN payment_confirmations c ON c.org_id = v_org AND c.id = (n ->> 'confirmation')::uuid
  LEFT JOIN payment_refunds r ON r.org_id = v_org AND r.id = (n ->> 'refund')::uuid
  WHERE l.org_id = v_org AND l.id = (n ->> 'line')::uuid AND l.hostel_id IS NULL;
  PERFORM app.book_line(id) FROM (SELECT (p ->> 'line')::uuid AS id FROM jsonb_array_elements(p_pairs) p UNION SELECT unnest(p_lines) ORDER BY 1) x;
  -- What has its other side now does not miss it any more; a proposal that waits for it goes on.
  UPDATE reconciliation_breaks b SET status = 'matched', closed_at = app.now()
  FROM settlement_lines l
  WHERE b.org_id = v_org AND b.status = 'open' AND l.org_id = v_org AND (l.confirmation_id IS NOT NULL OR l.refund_id IS NOT NULL) AND (
    b.line_id = l.id AND b.cause IN ('missing_in_ledger', 'unknown_refund')
    OR b.cause IN ('late', 'missing_at_gateway') AND (b.confirmation_id = l.confirmation_id OR b.refund_id = l.refund_id))
    AND NOT EXISTS (SELECT FROM ledger_proposals p WHERE p.org_id = v_org AND p.id = b.proposal_id AND p.status = 'proposed');
  UPDATE reconciliation_breaks b SET status = 'matched', closed_at = app.now()
  WHERE b.org_id = v_org AND b.status = 'open' AND b.cause = 'late'
    AND EXISTS (SELECT FROM jsonb_array_elements(p_breaks) n WHERE n ->> 'cause' = 'missing_at_gateway' AND n ->> 'about' = b.about);
  WITH fresh AS (
    INSERT INTO reconciliation_breaks (org_id, hostel_id, account_id, gateway, cause, about, amount_paise, currency, line_id, confirmation_id, refund_id)
    SELECT v_org, coalesce(c.hostel_id, r.hostel_id, l.hostel_id), (n ->> 'account')::uuid, n ->> 'gateway', n ->> 'cause', n ->> 'about',
           (n ->> 'amount')::bigint, n ->> 'currency', l.id, c.id, r.id
    FROM jsonb_array_elements(p_breaks) n
    LEFT JOIN settlement_lines l ON l.org_id = v_org AND l.id = (n ->> 'line')::uuid
    LEFT JOIN payment_confirmations c ON c.org_id = v_org AND c.id = (n ->> 'confirmation')::uuid
    LEFT JOIN payment_refunds r ON r.org_id = v_org AND r.id = (n ->> 'refund')::uuid
    ON CONFLICT (org_id, cause, about) WHERE status <> 'matched' DO NOTHING RETURNING id)
  SELECT count(*) INTO v_new FROM fresh
  WHERE app.enqueue('reconciliation.found', jsonb_build_object('break_id', id), 'break ' || id) IS NOT NULL;
  RETURN v_new;
END
$$;

-- What is on its way in each hostel, by the ledger and by what payments, refunds and lines say
--;;
CREATE FUNCTION app.clearing_state() RETURNS TABLE (hostel_id uuid, gateway text, currency text, booked_paise bigint, expected_paise bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH side AS (
    SELECT a.hostel_id, a.party AS gateway, e.amount_paise AS booked, 0::bigint AS expected
    FROM ledger_accounts a JOIN ledger_entries e ON e.org_id = a.org_id AND e.account_id = a.id
    WHERE a.org_id = app.current_org() AND a.code = 'clearing'
    UNION ALL
    SELECT c.hostel_id, c.gateway, 0, -c.amount_paise FROM payment_confirmations c WHERE c.org_id = app.current_org()
    UNION ALL
    SELECT r.hostel_id, i.gateway, 0, r.amount_paise FROM payment_refunds r JOIN payment_intents i ON i.org_id = r.org_id AND i.id = r.intent_id
    WHERE r.org_id = app.current_org() AND r.status IN ('approved', 'sent', 'done')
    UNION ALL
    SELECT l.hostel_id, l.gateway, 0, CASE l.kind WHEN 'fee' THEN 0 ELSE l.amount_paise END FROM settlement_lines l
    WHERE l.org_id = app.current_org() AND l.transaction_id IS NOT NULL
    UNION ALL
    SELECT b.hostel_id, b.gateway, 0, p.amount_paise FROM reconciliation_breaks b JOIN ledger_proposals p ON p.org_id = b.org_id AND p.id = b.proposal_id
    WHERE b.org_id = app.current_org() AND p.status = 'approved')
  SELECT s.hostel_id, s.gateway, h.currency, sum(s.booked)::bigint, sum(s.expected)::bigint
  FROM side s JOIN hostels h ON h.org_id = app.current_org() AND h.id = s.hostel_id
  WHERE app.is_system() OR app.allowed_in('payments', 'read', s.hostel_id)
  GROUP BY s.hostel_id, s.gateway, h.currency
$$
--;;
CREATE FUNCTION app.check_clearing() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_found integer;
BEGIN
  PERFORM app.assert_system();
  UPDATE reconciliation_breaks b SET status = 'matched', closed_at = app.now()
  WHERE b.org_id = v_org AND b.status = 'open' AND b.cause = 'clearing_differs' AND NOT EXISTS (
    SELECT FROM app.clearing_state() s WHERE s.hostel_id = b.hostel_id AND s.gateway = b.gateway AND s.booked_paise - s.expected_paise = b.amount_paise);
  WITH fresh AS (
    INSERT INTO reconciliation_breaks (org_id, hostel_id, gateway, cause, about, amount_paise, currency)
    SELECT v_org, s.hostel_id, s.gateway, 'clearing_differs', s.hostel_id || ':' || s.gateway || ':' || (s.booked_paise - s.expected_paise),
           s.booked_paise - s.expected_paise, s.currency
    FROM app.clearing_state() s WHERE s.booked_paise <> s.expected_paise
    ON CONFLICT (org_id, cause, about) WHERE status <> 'matched' DO NOTHING RETURNING id)
  SELECT count(*) INTO v_found FROM fresh
  WHERE app.enqueue('reconciliation.found', jsonb_build_object('break_id', id), 'break ' || id) IS NOT NULL;
  RETURN v_found;
END
$$
--;;
CREATE FUNCTION app.lock_break(p_id uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row reconciliation_breaks;
BEGIN
  SELECT * INTO v_row FROM reconciliation_breaks WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF v_row.id IS NULL OR NOT app.allowed_in('payments', 'read', v_row.hostel_id) THEN
    RAISE EXCEPTION 'There is no such break.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_staff() AND app.allowed_in('wallet', p_action, v_row.hostel_id)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF v_row.status <> 'open' THEN
    RAISE EXCEPTION 'This break is settled already.' USING ERRCODE = 'VR409';
  ELSIF EXISTS (SELECT FROM ledger_proposals WHERE org_id = v_row.org_id AND id = v_row.proposal_id AND status = 'proposed') THEN
    RAISE EXCEPTION 'A proposal for this break waits for its decision.' USING ERRCODE = 'VR409';
  END IF;
END
$$
--;;
CREATE FUNCTION app.match_break(p_id uuid, p_other uuid, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_break reconciliation_breaks;
  v_line settlement_lines;
  v_hostel uuid;
  v_amount bigint;
BEGIN
  PERFORM app.lock_break(p_id, 'approve');
  SELECT * INTO v_break FROM reconciliation_breaks WHERE org_id = v_org AND id = p_id;
  SELECT * INTO v_line FROM settlement_lines WHERE org_id = v_org AND id = v_break.line_id FOR UPDATE;
  IF v_line.id IS NULL OR v_line.confirmation_id IS NOT NULL OR v_line.refund_id IS NOT NULL THEN
    RAISE EXCEPTION 'Only a line that has no other side can be matched.' USING ERRCODE = 'VR409';
  END IF;
  SELECT x.hostel_id, x.amount INTO v_hostel, v_amount FROM (
    SELECT c.hostel_id, c.amount_paise AS amount FROM payment_confirmations c
    WHERE c.org_id = v_org AND c.id = p_other AND v_line.kind = 'payment' AND c.gateway = v_line.gateway AND c.currency = v_line.currency
    UNION ALL
    SELECT r.hostel_id, -r.amount_paise FROM payment_refunds r JOIN payment_intents i ON i.org_id = r.org_id AND i.id = r.intent_id
    WHERE r.org_id = v_org AND r.id = p_other AND v_line.kind = 'refund' AND i.gateway = v_line.gateway AND r.currency = v_line.currency
      AND r.status IN ('approved', 'sent', 'done')) x
  WHERE app.allowed_in('wallet', 'approve', x.hostel_id) AND (v_line.transaction_id IS NULL OR x.hostel_id = v_line.hostel_id)
    AND NOT EXISTS (SELECT FROM settlement_lines l WHERE l.org_id = v_org AND p_other IN (l.confirmation_id, l.refund_id))
    AND NOT EXISTS (SELECT FROM reconciliation_breaks b WHERE b.org_id = v_org AND p_other IN (b.confirmation_id, b.refund_id)
                    AND (b.status IN ('written_off', 'corrected') OR b.proposal_id IS NOT NULL AND b.status = 'open'));
  IF v_hostel IS NULL THEN
    RAISE EXCEPTION 'There is no such payment that has no line yet.' USING ERRCODE = 'VR404', COLUMN = 'other';
  END IF;
  UPDATE settlement_lines SET hostel_id = v_hostel, confirmation_id = CASE kind WHEN 'payment' THEN p_other END, refund_id = CASE kind WHEN 'refund' THEN p_other END
  WHERE org_id = v_org AND id = v_line.id;
  PERFORM app.book_line(v_line.id);
  UPDATE reconciliation_breaks SET status = 'matched', closed_at = app.now(), closed_by = app.current_user_id(), note = left(btrim(coalesce(p_note, '')), 500),
    hostel_id = v_hostel
  WHERE org_id = v_org AND id = p_id;
  UPDATE reconciliation_breaks SET status = 'matched', closed_at = app.now(), closed_by = app.current_user_id()
  WHERE org_id = v_org AND status = 'open' AND cause IN ('late', 'missing_at_gateway') AND p_other IN (confirmation_id, refund_id);
  INSERT INTO reconciliation_breaks (org_id, hostel_id, account_id, gateway, cause, about, amount_paise, currency, line_id, confirmation_id, refund_id)
  SELECT v_org, v_hostel, v_line.account_id, v_line.gateway, 'amount_differs', 'line ' || v_line.id, v_amount - v_line.amount_paise, v_line.currency, v_line.id,
         CASE v_line.kind WHEN 'payment' THEN p_other END, CASE v_line.kind WHEN 'refund' THEN p_other END
  WHERE v_amount <> v_line.amount_paise ON CONFLICT (org_id, cause, about) WHERE status <> 'matched' DO NOTHING;
END
$$;

-- Proposes to write it off, or to correct the books
--;;
CREATE FUNCTION app.propose_break(p_id uuid, p_kind text, p_hostel uuid, p_reason text, p_proposal uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_row reconciliation_breaks;
  v_hostel uuid;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('proposal:' || p_proposal, 0)); -- as app.write_proposal
  IF EXISTS (SELECT FROM reconciliation_breaks WHERE org_id = v_org AND id = p_id AND proposal_id = p_proposal) THEN
    RETURN p_proposal; -- sent twice
  END IF;
  PERFORM app.lock_break(p_id, 'create');
  SELECT * INTO v_row FROM reconciliation_breaks WHERE org_id = v_org AND id = p_id;
  v_hostel := coalesce(v_row.hostel_id, p_hostel);
  IF v_hostel IS NULL OR NOT app.allowed_in('wallet', 'create', v_hostel) OR NOT EXISTS (SELECT FROM hostels WHERE org_id = v_org AND id = v_hostel) THEN
    RAISE EXCEPTION 'Please choose a hostel.' USING ERRCODE = 'VR422', COLUMN = 'hostel';
  ELSIF v_row.amount_paise = 0 THEN
    RAISE EXCEPTION 'There is nothing to book about this break.' USING ERRCODE = 'VR409';
  ELSIF p_kind NOT IN ('write_off', 'adjustment') OR p_kind = 'write_off' AND v_row.amount_paise < 0 THEN
    RAISE EXCEPTION 'Only what is missing can be written off: correct the books instead.' USING ERRCODE = 'VR409';
  END IF;
  IF v_row.hostel_id IS NULL THEN
    UPDATE settlement_lines SET hostel_id = v_hostel WHERE org_id = v_org AND id = v_row.line_id AND transaction_id IS NULL;
    PERFORM app.book_line(v_row.line_id);
    IF NOT EXISTS (SELECT FROM settlement_lines WHERE org_id = v_org AND id = v_row.line_id AND transaction_id IS NOT NULL) THEN
      RAISE EXCEPTION 'This hostel keeps its books in another currency.' USING ERRCODE = 'VR409';
    END IF;
  END IF;
  UPDATE reconciliation_breaks SET hostel_id = v_hostel,
    proposal_id = app.write_proposal(v_hostel, p_kind, NULL, v_row.gateway, v_row.amount_paise, p_reason, 'reconciliation_breaks', p_id, p_proposal)
  WHERE org_id = v_org AND id = p_id;
  RETURN p_proposal;
END
$$
--;;
CREATE FUNCTION app.follow_break_proposal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.source = 'reconciliation_breaks' AND NEW.status = 'approved' AND OLD.status <> 'approved' AND NEW.org_id = app.current_org() THEN
    UPDATE reconciliation_breaks SET status = CASE NEW.kind WHEN 'write_off' THEN 'written_off' ELSE 'corrected' END, closed_at = app.now(),
      closed_by = app.current_user_id(), note = NEW.reason
    WHERE org_id = NEW.org_id AND id = NEW.source_id AND status = 'open';
  END IF;
  RETURN NULL;
END
$$
--;;
CREATE FUNCTION app.resolve_break(p_id uuid, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_break(p_id, 'approve');
  PERFORM app.assert_reason(p_note);
  UPDATE reconciliation_breaks SET status = 'resolved', closed_at = app.now(), closed_by = app.current_user_id(), note = left(btrim(p_note), 500)
  WHERE org_id = app.current_org() AND id = p_id AND (amount_paise = 0 OR cause = 'clearing_differs');
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Money is missing or too much here: match it, write it off or correct the books.' USING ERRCODE = 'VR409';
  END IF;
END
$$
--;;
CREATE FUNCTION app.wants_known_device(p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM members m JOIN organizations o ON o.id = m.org_id, LATERAL app.active_roles(m.org_id, m.user_id) r
    WHERE m.user_id = p_user AND o.settings -> 'verify_devices' = 'true' AND r.role <> 'pending_resident')
$$
--;;
CREATE FUNCTION app.verify_devices(p_org uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE organizations SET settings = settings || '{"verify_devices": true}' WHERE id = p_org
$$;

-- The invitations that wait for whoever has proved to have an address and uses no account yet, the newest first
--;;
CREATE FUNCTION app.invitations_for(p_email text) RETURNS TABLE (digest bytea, email text, organization text, name text, role text, hostel text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.digest, o.email, o.organization, o.name, o.role, o.hostel
  FROM invitations i, LATERAL app.open_invitation(i.digest) o
  WHERE lower(i.email) = lower(p_email) AND i.status = 'pending' AND i.digest IS NOT NULL AND o.user_id IS NULL
  ORDER BY i.created_at DESC, i.id LIMIT 20
$$
--;;
CREATE FUNCTION app.assert_keeps_telegram(p_user integer) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT (app.is_system() OR app.is_staff() AND (app.org_wide('telegram', 'update') OR p_user IS NOT DISTINCT FROM app.current_user_id() AND p_user IS NOT NULL)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- Keeps a token that Telegram has confirmed, in the place of the one before
--;;
CREATE FUNCTION app.put_telegram_bot(p_id uuid, p_user integer, p_token text, p_number bigint, p_username text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_id uuid;
BEGIN
  PERFORM app.assert_keeps_telegram(p_user);
  IF p_user IS NOT NULL AND NOT EXISTS (SELECT FROM members WHERE org_id = v_org AND user_id = p_user AND removed_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such person.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('telegram bot ' || p_number, 0));
  IF EXISTS (SELECT FROM telegram_bots WHERE number = p_number AND (org_id, user_id) IS DISTINCT FROM (v_org, p_user)) THEN
    RAISE EXCEPTION 'This bot is in use already: make another one for this with the BotFather.' USING ERRCODE = 'VR409', COLUMN = 'token';
  END IF;
  -- The id goes into the seal of the token; chats of another bot are not this one's.
  DELETE FROM telegram_bots WHERE org_id = v_org AND user_id IS NOT DISTINCT FROM p_user AND id <> p_id AND number <> p_number;
  UPDATE telegram_bots SET token = p_token, username = p_username, verified = true, health_status = 'healthy', health_reason = '',
    last_health_check = app.now() WHERE org_id = v_org AND user_id IS NOT DISTINCT FROM p_user AND id = p_id RETURNING id INTO v_id;
  IF v_id IS NULL THEN
    INSERT INTO telegram_bots (org_id, id, user_id, token, number, username, verified, health_status, last_health_check, created_by)
    VALUES (v_org, p_id, p_user, p_token, p_number, p_username, true, 'healthy', app.now(), app.current_user_id()) RETURNING id INTO v_id;
  END IF;
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.remove_telegram_bot(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_bot telegram_bots;
BEGIN
  SELECT * INTO v_bot FROM telegram_bots WHERE org_id = app.current_org() AND id = p_id;
  IF v_bot.id IS NULL OR NOT (app.can('telegram', 'read') OR v_bot.user_id IS NOT DISTINCT FROM app.current_user_id()) THEN
    RAISE EXCEPTION 'There is no such bot.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_keeps_telegram(v_bot.user_id);
  DELETE FROM telegram_bots WHERE org_id = v_bot.org_id AND id = p_id;
END
$$;

-- Whose bot is in force for a person (none: the organization): their own, else the organization's
--;;
CREATE FUNCTION app.telegram_bot_of(p_user integer) RETURNS TABLE (id uuid, source text, username text, health_status text, health_reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT b.id, CASE WHEN b.user_id IS NULL THEN 'organization' ELSE 'user' END, b.username, b.health_status, b.health_reason
  FROM telegram_bots b WHERE b.org_id = app.current_org() AND (b.user_id = p_user OR b.user_id IS NULL)
    AND (app.is_system() OR app.can('telegram', 'read') OR p_user IS NOT DISTINCT FROM app.current_user_id())
  ORDER BY b.user_id NULLS LAST LIMIT 1
$$
--;;
CREATE FUNCTION app.telegram_token(p_id uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT b.token FROM telegram_bots b WHERE b.org_id = app.current_org() AND b.id = p_id
    AND (app.is_system() OR app.org_wide('telegram', 'update') OR b.user_id = app.current_user_id())
$$;

-- Remembers what happened to a bot
--;;
CREATE FUNCTION app.note_telegram(p_org uuid, p_bot uuid, p_kind text, p_chat uuid, p_update bigint, p_code integer, p_reason text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO telegram_health_events AS e (org_id, bot_id, kind, happened_at, chat_id, update_id, error_code, reason)
  SELECT p_org, p_bot, p_kind, app.now(), p_chat, p_update, p_code, left(coalesce(p_reason, ''), 300)
  WHERE p_org IS NOT NULL AND NOT EXISTS (SELECT FROM telegram_health_events k WHERE k.org_id = p_org AND k.bot_id IS NOT DISTINCT FROM p_bot AND k.kind = p_kind
                    AND p_kind IN ('sent', 'received') AND k.happened_at > app.now() - interval '10 seconds')
  ON CONFLICT (org_id, bot_id, kind) DO UPDATE SET happened_at = excluded.happened_at, times = e.times + 1, chat_id = excluded.chat_id,
    update_id = excluded.update_id, error_code = excluded.error_code, reason = excluded.reason
$$
--;;
CREATE FUNCTION app.note_telegram_health(p_id uuid, p_status text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_bot telegram_bots;
BEGIN
  SELECT * INTO v_bot FROM telegram_bots WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF v_bot.id IS NULL THEN
    RAISE EXCEPTION 'There is no such bot.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_keeps_telegram(v_bot.user_id);
  -- Each change is audited: that nothing changed is noted once a day here, and each time among the events.
  UPDATE telegram_bots SET health_status = p_status, health_reason = left(p_reason, 300), last_health_check = app.now()
  WHERE org_id = v_bot.org_id AND id = p_id
    AND (health_status <> p_status OR health_reason <> left(p_reason, 300) OR last_health_check IS NULL OR last_health_check < app.now() - interval '1 day');
  PERFORM app.note_telegram(v_bot.org_id, p_id, CASE WHEN p_status = 'broken' THEN 'refused' WHEN p_reason <> '' THEN 'taken' ELSE 'checked' END,
                            NULL, NULL, NULL, p_reason);
  IF p_status = 'broken' AND v_bot.health_status <> 'broken' THEN
    PERFORM app.enqueue('telegram.broken', jsonb_build_object('bot_id', p_id));
  END IF;
END
$$
--;;
CREATE FUNCTION app.begin_telegram_link(p_id uuid, p_user integer, p_hostel uuid, p_bot uuid, p_purpose text, p_digest text, p_lifetime interval) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_id uuid;
BEGIN
  PERFORM app.assert_keeps_telegram(p_user);
  IF p_bot IS NOT NULL AND NOT EXISTS (SELECT FROM telegram_bots WHERE org_id = v_org AND id = p_bot AND (user_id IS NULL OR user_id = p_user)) THEN
    RAISE EXCEPTION 'There is no such bot.' USING ERRCODE = 'VR404';
  END IF;
  INSERT INTO telegram_chats (org_id, id, user_id, hostel_id, bot_id, purpose, code_digest, code_expires_at, created_by)
  VALUES (v_org, p_id, p_user, p_hostel, p_bot, p_purpose, p_digest, app.now() + p_lifetime, app.current_user_id())
  ON CONFLICT (org_id, user_id, bot_id, purpose, hostel_id) DO UPDATE SET code_digest = excluded.code_digest, code_expires_at = excluded.code_expires_at
  RETURNING id INTO v_id;
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.remove_telegram_chat(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_chat telegram_chats;
BEGIN
  SELECT * INTO v_chat FROM telegram_chats WHERE org_id = app.current_org() AND id = p_id;
  IF v_chat.id IS NULL OR NOT (app.can('telegram', 'read') OR v_chat.user_id IS NOT DISTINCT FROM app.current_user_id()) THEN
    RAISE EXCEPTION 'There is no such chat.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_keeps_telegram(v_chat.user_id);
  DELETE FROM telegram_chats WHERE org_id = v_chat.org_id AND id = p_id;
END
$$
--;;
CREATE FUNCTION app.link_telegram_chat(p_bot uuid, p_digest text, p_number bigint, p_title text, p_group boolean) RETURNS TABLE (org_id uuid, id uuid, purpose text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE telegram_chats c SET number = p_number, title = left(p_title, 200), is_group = p_group, code_digest = NULL, code_expires_at = NULL,
    linked_at = app.now(), blocked_at = NULL, blocked_reason = ''
  WHERE c.code_digest = p_digest AND c.code_expires_at > app.now() AND c.bot_id IS NOT DISTINCT FROM p_bot
  RETURNING c.org_id, c.id, c.purpose
$$;

-- -- out -----------------------------------------------------------------------------------------------------------

-- Puts a message, in parts that fit, on its way to the chat that is in force
--;;
CREATE FUNCTION app.queue_telegram(p_user integer, p_hostel uuid, p_purpose text, p_key text, p_parts text[], p_html boolean, p_buttons jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_bot record;
  v_chat uuid;
  v_id uuid;
BEGIN
  PERFORM app.assert_system();
  SELECT id INTO v_id FROM telegram_messages WHERE org_id = v_org AND key = p_key AND part = 1;
  IF v_id IS NOT NULL THEN
    RETURN v_id;
  END IF;
  SELECT * INTO v_bot FROM app.telegram_bot_of(p_user);
  IF v_bot.health_status = 'broken' THEN
    RETURN NULL;
  END IF;
  SELECT c.id INTO v_chat FROM telegram_chats c
  WHERE c.org_id = v_org AND c.bot_id IS NOT DISTINCT FROM v_bot.id AND c.user_id IS NOT DISTINCT FROM p_user AND c.purpose = p_purpose
    AND (c.hostel_id IS NULL OR c.hostel_id = p_hostel) AND c.linked_at IS NOT NULL AND c.blocked_at IS NULL
  ORDER BY c.hostel_id NULLS LAST LIMIT 1;
  IF v_chat IS NULL THEN
    RETURN NULL;
  END IF;
  INSERT INTO telegram_messages (org_id, chat_id, key, part, body, html, buttons)
  SELECT v_org, v_chat, p_key, part, body, p_html, CASE WHEN part = cardinality(p_parts) THEN p_buttons ELSE '[]' END
  FROM unnest(p_parts) WITH ORDINALITY AS u(body, part) ORDER BY part
  ON CONFLICT (org_id, key, part) DO NOTHING;
  SELECT id INTO v_id FROM telegram_messages WHERE org_id = v_org AND key = p_key AND part = 1;
  RETURN v_id;
END
$$
--;;
CREATE FUNCTION app.claim_telegram(p_worker text, p_most integer, p_lease interval) RETURNS TABLE (org_id uuid, id uuid, bot_id uuid, chat_id uuid, chat_number bigint, is_group boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH RECURSIVE heads AS (
    (SELECT m.chat_id, m.number FROM telegram_messages m WHERE m.state = 'pending' ORDER BY m.chat_id, m.number LIMIT 1)
    UNION ALL
    SELECT n.chat_id, n.number FROM heads h CROSS JOIN LATERAL (
      SELECT m.chat_id, m.number FROM telegram_messages m WHERE m.state = 'pending' AND m.chat_id > h.chat_id ORDER BY m.chat_id, m.number LIMIT 1) n),
  free AS (
    SELECT m.org_id, m.id FROM heads h JOIN telegram_messages m ON m.chat_id = h.chat_id AND m.number = h.number AND m.state = 'pending'
    WHERE m.due_at <= clock_timestamp() AND (m.claimed_until IS NULL OR m.claimed_until < clock_timestamp())
    ORDER BY m.due_at, m.number LIMIT p_most FOR UPDATE OF m SKIP LOCKED),
  taken AS (
    UPDATE telegram_messages m SET claimed_by = p_worker, claimed_until = clock_timestamp() + p_lease FROM free
    WHERE m.org_id = free.org_id AND m.id = free.id RETURNING m.org_id, m.id, m.chat_id, m.due_at, m.number)
  SELECT t.org_id, t.id, c.bot_id, c.id, c.number, c.is_group FROM taken t JOIN telegram_chats c ON c.org_id = t.org_id AND c.id = t.chat_id
  ORDER BY t.due_at, t.number
$$;

-- Counts an attempt that is about to be made
--;;
CREATE FUNCTION app.begin_telegram(p_id uuid, p_worker text, p_lease interval) RETURNS TABLE (body text, html boolean, buttons jsonb, attempts integer, token text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH begun AS (
    UPDATE telegram_messages SET attempts = attempts + 1, attempted_at = clock_timestamp(), claimed_until = clock_timestamp() + p_lease
    WHERE id = p_id AND state = 'pending' AND claimed_by = p_worker RETURNING *)
  SELECT m.body, m.html, m.buttons, m.attempts, b.token FROM begun m JOIN telegram_chats c ON c.org_id = m.org_id AND c.id = m.chat_id
  LEFT JOIN telegram_bots b ON b.org_id = c.org_id AND b.id = c.bot_id
$$;

-- What became of an attempt. p_outcome: sent; later (p_pause, p_uncertain if it may have arrived); plain (the text again, p_text, as
-- plain text); failed; gone (nothing will ever arrive there: all that waits for the chat fails, and its owner is told); moved (the
-- chat has another number)
--;;
CREATE FUNCTION app.settle_telegram(p_id uuid, p_worker text, p_outcome text, p_number bigint, p_pause interval, p_uncertain boolean, p_code integer, p_reason text, p_text text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row telegram_messages;
  v_bot uuid;
BEGIN
  UPDATE telegram_messages SET claimed_by = NULL, claimed_until = NULL,
    state = CASE WHEN p_outcome = 'sent' THEN 'sent' WHEN p_outcome IN ('failed', 'gone') THEN 'failed' ELSE 'pending' END,
    sent_at = CASE WHEN p_outcome = 'sent' THEN clock_timestamp() END, message_number = CASE WHEN p_outcome = 'sent' THEN p_number END,
    due_at = CASE WHEN p_outcome IN ('later', 'plain', 'broken', 'moved') THEN clock_timestamp() + coalesce(p_pause, interval '0') ELSE due_at END,
    uncertain = uncertain + (coalesce(p_uncertain, false))::integer, reason = left(coalesce(p_reason, ''), 300),
    body = coalesce(p_text, body), html = html AND p_outcome <> 'plain'
  WHERE id = p_id AND state = 'pending' AND claimed_by = p_worker RETURNING * INTO v_row;
  IF v_row.id IS NULL THEN
    RETURN false;
  END IF;
  SELECT bot_id INTO v_bot FROM telegram_chats WHERE org_id = v_row.org_id AND id = v_row.chat_id;
  IF p_outcome = 'moved' THEN
    UPDATE telegram_chats SET number = p_number WHERE org_id = v_row.org_id AND id = v_row.chat_id;
  ELSIF p_outcome = 'gone' THEN
    PERFORM app.switch_telegram_chat_off(v_row.org_id, v_row.chat_id, p_reason);
  ELSIF p_outcome = 'broken' AND v_bot IS NOT NULL THEN
    UPDATE telegram_bots SET health_status = 'broken', health_reason = left(p_reason, 300) WHERE org_id = v_row.org_id AND id = v_bot AND health_status <> 'broken';
    IF FOUND THEN
      INSERT INTO outbox (org_id, kind, payload) VALUES (v_row.org_id, 'telegram.broken', jsonb_build_object('bot_id', v_bot));
    END IF;
  END IF;
  PERFORM app.note_telegram(v_row.org_id, v_bot, CASE p_outcome WHEN 'sent' THEN 'sent' WHEN 'gone' THEN 'chat_gone' WHEN 'broken' THEN 'refused' ELSE 'failed' END,
                            v_row.chat_id, NULL, p_code, p_reason);
  RETURN true;
END
$$;

-- Nothing goes to a chat any more that took the bot away
--;;
CREATE FUNCTION app.switch_telegram_chat_off(p_org uuid, p_chat uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE telegram_messages SET state = 'failed', reason = left(coalesce(p_reason, ''), 300), claimed_by = NULL, claimed_until = NULL
  WHERE org_id = p_org AND chat_id = p_chat AND state = 'pending';
  UPDATE telegram_chats SET blocked_at = app.now(), blocked_reason = left(coalesce(p_reason, ''), 300)
  WHERE org_id = p_org AND id = p_chat AND blocked_at IS NULL;
  IF FOUND THEN
    INSERT INTO outbox (org_id, kind, payload) VALUES (p_org, 'telegram.chat_gone', jsonb_build_object('chat_id', p_chat));
  END IF;
END
$$;

-- A worker gives back what it has not begun
--;;
CREATE FUNCTION app.release_telegram(p_ids uuid[], p_pauses double precision[], p_worker text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE telegram_messages m SET claimed_by = NULL, claimed_until = NULL, due_at = greatest(m.due_at, clock_timestamp() + make_interval(secs => u.pause))
  FROM unnest(p_ids, p_pauses) AS u(id, pause) WHERE m.id = u.id AND m.state = 'pending' AND m.claimed_by = p_worker
$$;

-- Texts are emptied once they were kept long enough
--;;
CREATE FUNCTION app.forget_telegram(p_before timestamptz, p_most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH gone AS (
    UPDATE telegram_messages SET body = '', buttons = '[]' WHERE id IN (
      SELECT id FROM telegram_messages WHERE body <> '' AND created_at < p_before AND state <> 'pending' LIMIT p_most) RETURNING 1),
  past AS (DELETE FROM telegram_updates WHERE received_at < p_before AND processed_at IS NOT NULL RETURNING 1)
  SELECT count(*) FROM gone
$$
--;;
CREATE FUNCTION app.keep_telegram_update(p_bot uuid, p_update bigint, p_body jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid;
  v_id uuid;
BEGIN
  SELECT org_id INTO v_org FROM telegram_bots WHERE id = p_bot;
  IF p_bot IS NOT NULL AND v_org IS NULL THEN
    RETURN false;
  END IF;
  INSERT INTO telegram_updates (org_id, bot_id, update_id, body) VALUES (v_org, p_bot, p_update, p_body)
  ON CONFLICT (org_id, bot_id, update_id) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NOT NULL THEN
    PERFORM app.note_telegram(v_org, p_bot, 'received', NULL, p_update, NULL, '');
    INSERT INTO outbox (org_id, kind, payload) VALUES (NULL, 'telegram.update', jsonb_build_object('update_id', v_id));
  END IF;
  RETURN v_id IS NOT NULL;
END
$$
--;;
CREATE FUNCTION app.note_wrong_telegram_secret(p_bot uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid;
BEGIN
  SELECT org_id INTO v_org FROM telegram_bots WHERE id = p_bot;
  PERFORM app.note_telegram(v_org, p_bot, 'wrong_secret', NULL, NULL, 403, '');
  INSERT INTO outbox (org_id, kind, payload, key)
  VALUES (v_org, 'telegram.reset', jsonb_build_object('bot_id', p_bot), coalesce(p_bot::text, 'installation') || ' ' || floor(extract(epoch FROM app.now()) / 300))
  ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING;
END
$$;

-- An update that came to a webhook: kept, known, wrong (the secret
--;;
CREATE FUNCTION app.receive_telegram_update(p_bot uuid, p_wanted text, p_given text, p_update bigint, p_body jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_wanted text := CASE WHEN p_bot IS NULL THEN p_wanted ELSE (SELECT secret_digest FROM telegram_bots WHERE id = p_bot) END;
BEGIN
  IF coalesce(v_wanted, '') = '' THEN
    RETURN 'unknown';
  ELSIF p_given <> v_wanted THEN
    PERFORM app.note_wrong_telegram_secret(p_bot);
    RETURN 'wrong';
  ELSIF p_update IS NULL THEN
    RETURN 'unreadable';
  END IF;
  RETURN CASE WHEN app.keep_telegram_update(p_bot, p_update, p_body) THEN 'kept' ELSE 'known' END;
END
$$
--;;
CREATE FUNCTION app.last_telegram_update(p_bot uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(max(update_id), 0) FROM telegram_updates
  WHERE org_id IS NOT DISTINCT FROM (SELECT b.org_id FROM telegram_bots b WHERE b.id = p_bot) AND bot_id IS NOT DISTINCT FROM p_bot
$$
--;;
CREATE FUNCTION app.telegram_update(p_id uuid) RETURNS TABLE (org_id uuid, bot_id uuid, update_id bigint, body jsonb)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT u.org_id, u.bot_id, u.update_id, u.body FROM telegram_updates u WHERE u.id = p_id AND u.processed_at IS NULL FOR UPDATE
$$
--;;
CREATE FUNCTION app.finish_telegram_update(p_id uuid, p_effect text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE telegram_updates SET processed_at = app.now(), effect = p_effect, body = NULL WHERE id = p_id
$$
--;;
CREATE FUNCTION app.telegram_member_changed(p_bot uuid, p_number bigint, p_there boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_count bigint := 0;
  v_chat record;
BEGIN
  FOR v_chat IN SELECT org_id, id FROM telegram_chats WHERE number = p_number AND bot_id IS NOT DISTINCT FROM p_bot LOOP
    v_count := v_count + 1;
    IF p_there THEN
      UPDATE telegram_chats SET blocked_at = NULL, blocked_reason = '' WHERE org_id = v_chat.org_id AND id = v_chat.id;
    ELSE
      PERFORM app.switch_telegram_chat_off(v_chat.org_id, v_chat.id, 'The bot was blocked.');
    END IF;
  END LOOP;
  RETURN v_count;
END
$$;

-- A new secret for the webhook of a bot
--;;
CREATE FUNCTION app.set_telegram_secret(p_id uuid, p_digest text, p_mode text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_keeps_telegram((SELECT coalesce(user_id, -1) FROM telegram_bots WHERE org_id = app.current_org() AND id = p_id));
  UPDATE telegram_bots SET secret_digest = p_digest, mode = p_mode WHERE org_id = app.current_org() AND id = p_id;
END
$$
--;;
CREATE FUNCTION app.enqueue(p_kind text, p_payload jsonb, p_key text DEFAULT NULL, p_due timestamptz DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO outbox (org_id, kind, payload, key, due_at)
  VALUES (app.current_org(), p_kind, p_payload, p_key, coalesce(p_due, clock_timestamp()))
  ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING
  RETURNING id
$$
--;;
CREATE FUNCTION app.enqueue_for(p_orgs uuid[], p_kind text, p_payload jsonb, p_key text DEFAULT NULL) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH asked AS (
    INSERT INTO outbox (org_id, kind, payload, key) SELECT id, p_kind, p_payload, p_key FROM organizations WHERE id = ANY (p_orgs)
    ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING
    RETURNING 1
  )
  SELECT count(*) FROM asked
$$
--;;
CREATE FUNCTION app.claim_work(p_worker text, p_most integer, p_lease interval, p_alone text[]) RETURNS TABLE (id uuid, org_id uuid, kind text, payload jsonb, attempts integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_org uuid;
  v_ids uuid[];
BEGIN
  SELECT o.org_id, ARRAY[o.id] INTO v_org, v_ids FROM outbox o
  WHERE o.state = 'pending' AND o.due_at <= v_now AND o.attempts = 0 AND o.kind <> ALL (p_alone)
  ORDER BY o.due_at, o.id LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF v_ids IS NOT NULL THEN
    IF v_org IS NOT NULL THEN
      v_ids := ARRAY(
        SELECT o.id FROM outbox o
        WHERE o.state = 'pending' AND o.due_at <= v_now AND o.attempts = 0 AND o.kind <> ALL (p_alone) AND o.org_id = v_org
        ORDER BY o.due_at, o.id LIMIT p_most FOR UPDATE SKIP LOCKED);
    END IF;
    IF cardinality(v_ids) = 1 THEN
      v_ids := ARRAY(
        SELECT o.id FROM outbox o
        WHERE o.state = 'pending' AND o.due_at <= v_now AND o.attempts = 0 AND o.kind <> ALL (p_alone)
        ORDER BY o.due_at, o.id LIMIT p_most FOR UPDATE SKIP LOCKED);
    END IF;
    -- A server that crashes may forget the claim: then nobody holds the rows, as if they had never been taken.
    PERFORM set_config('synchronous_commit', 'off', true);
  ELSE
    v_ids := ARRAY(
      SELECT o.id FROM outbox o
      WHERE o.state = 'pending' AND o.due_at <= v_now AND o.attempts > 0 AND o.claimed_until < v_now
      ORDER BY o.due_at, o.id LIMIT 1 FOR UPDATE SKIP LOCKED);
    IF cardinality(v_ids) = 0 THEN
      v_ids := ARRAY(
        SELECT o.id FROM outbox o
        WHERE o.state = 'pending' AND o.due_at <= v_now AND o.attempts = 0
        ORDER BY o.due_at, o.id LIMIT 1 FOR UPDATE SKIP LOCKED);
    END IF;
    IF cardinality(v_ids) = 0 THEN
      v_ids := ARRAY(
        SELECT o.id FROM outbox o
        WHERE o.state = 'pending' AND o.due_at <= v_now AND o.attempts > 0
          AND o.claimed_until IS NULL
        ORDER BY o.due_at, o.id LIMIT 1 FOR UPDATE SKIP LOCKED);
    END IF;
  END IF;
  RETURN QUERY
    WITH claimed AS (
      UPDATE outbox o SET claimed_by = p_worker, claimed_until = v_now + p_lease, attempts = o.attempts + 1
      WHERE o.id = ANY (v_ids)
      RETURNING o.id, o.org_id, o.kind, o.payload, o.attempts)
    SELECT * FROM claimed c ORDER BY array_position(v_ids, c.id); -- in the order in which it happened
END
$$
--;;
CREATE FUNCTION app.renew_work(p_ids uuid[], p_worker text, p_lease interval) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE outbox SET claimed_until = clock_timestamp() + p_lease
  WHERE id IN (SELECT id FROM outbox WHERE id = ANY (p_ids) AND state = 'pending' AND claimed_by = p_worker
               FOR UPDATE SKIP LOCKED)
$$
--;;
CREATE FUNCTION app.release_work(p_ids uuid[], p_worker text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE outbox SET claimed_by = NULL, claimed_until = NULL, attempts = attempts - 1
  WHERE id = ANY (p_ids) AND state = 'pending' AND claimed_by = p_worker
$$
--;;
CREATE FUNCTION app.finish_work(p_ids uuid[], p_worker text, p_relaxed boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  IF session_user <> 'viramah_service' THEN
    RAISE EXCEPTION 'Work is finished by whoever does it.' USING ERRCODE = 'VR403';
  END IF;
  UPDATE outbox SET state = 'done', finished_at = clock_timestamp(), last_error = NULL
  WHERE id = ANY (p_ids) AND state = 'pending' AND claimed_by = p_worker;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF p_relaxed THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  RETURN v_count = cardinality(p_ids);
END
$$
--;;
CREATE FUNCTION app.fail_work(p_id uuid, p_worker text, p_error text, p_again timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE outbox SET last_error = left(p_error, 2000), claimed_by = NULL, claimed_until = NULL,
    state = CASE WHEN p_again IS NULL THEN 'dead' ELSE 'pending' END, due_at = coalesce(p_again, due_at),
    finished_at = CASE WHEN p_again IS NULL THEN clock_timestamp() END
  WHERE id = p_id AND state = 'pending' AND claimed_by = p_worker
$$
--;;
CREATE FUNCTION app.resend_work(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_service boolean := session_user = 'viramah_service';
BEGIN
  IF NOT v_service AND NOT app.can('work', 'update') THEN
    RAISE EXCEPTION 'Your role does not let you resend work.' USING ERRCODE = 'VR403';
  END IF;
  UPDATE outbox SET state = 'pending', due_at = clock_timestamp(), attempts = 0, finished_at = NULL, claimed_by = NULL,
    claimed_until = NULL
  WHERE id = p_id AND state = 'dead' AND (org_id = app.current_org() OR v_service);
  IF NOT FOUND THEN
    IF EXISTS (SELECT FROM outbox WHERE id = p_id AND (org_id = app.current_org() OR v_service)) THEN
      RAISE EXCEPTION 'Only work that was given up can be sent again.' USING ERRCODE = 'VR409';
    END IF;
    RAISE EXCEPTION 'There is no such work.' USING ERRCODE = 'VR404';
  END IF;
END
$$
--;;
CREATE FUNCTION app.work_backlog() RETURNS TABLE (due bigint, oldest_seconds double precision, dead bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(sum(d.due), 0)::bigint,
         coalesce(extract(epoch FROM clock_timestamp() - min(d.oldest)), 0)::double precision,
         (SELECT count(*) FROM outbox WHERE state = 'dead')
  FROM (SELECT count(*) AS due, min(due_at) AS oldest FROM outbox
        WHERE state = 'pending' AND attempts = 0 AND due_at <= clock_timestamp()
        UNION ALL
        SELECT count(*), min(due_at) FROM outbox
        WHERE state = 'pending' AND attempts > 0 AND due_at <= clock_timestamp()) d
$$
--;;
CREATE FUNCTION app.forget_work(p_before timestamptz, p_most integer DEFAULT 10000) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH gone AS (
    DELETE FROM outbox WHERE id IN (
      SELECT id FROM outbox WHERE state = 'done' AND finished_at < p_before ORDER BY finished_at LIMIT p_most)
    RETURNING 1
  )
  SELECT count(*) FROM gone
$$
--;;
CREATE SEQUENCE ab_permission_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_view_menu_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_permission_view_role_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_user_role_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_role_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_permission_view_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_user_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_user_group_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_group_role_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_group_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_register_user_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE ab_api_key_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE
--;;
CREATE SEQUENCE access_versions_seq
--;;
CREATE TABLE ab_group (
	id INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	label VARCHAR(150), 
	description VARCHAR(512), 
	PRIMARY KEY (id), 
	UNIQUE (name)
)
--;;
CREATE TABLE ab_permission (
	id INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
)
--;;
CREATE TABLE ab_register_user (
	id INTEGER NOT NULL, 
	first_name VARCHAR(64) NOT NULL, 
	last_name VARCHAR(64) NOT NULL, 
	username VARCHAR(128) NOT NULL, 
	password VARCHAR(256), 
	email VARCHAR(320) NOT NULL, 
	registration_date TIMESTAMP WITHOUT TIME ZONE, 
	registration_hash VARCHAR(256), 
	PRIMARY KEY (id), 
	UNIQUE (username), 
	UNIQUE (email)
)
--;;
CREATE TABLE ab_role (
	id INTEGER NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
)
--;;
CREATE TABLE ab_user (
	id INTEGER NOT NULL, 
	first_name VARCHAR(64) NOT NULL, 
	last_name VARCHAR(64) NOT NULL, 
	username VARCHAR(128) NOT NULL, 
	password VARCHAR(256), 
	active BOOLEAN, 
	email VARCHAR(320) NOT NULL, 
	last_login TIMESTAMP WITHOUT TIME ZONE, 
	login_count INTEGER, 
	fail_login_count INTEGER, 
	created_on TIMESTAMP WITHOUT TIME ZONE, 
	changed_on TIMESTAMP WITHOUT TIME ZONE, 
	created_by_fk INTEGER, 
	changed_by_fk INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (username), 
	UNIQUE (email), 
	FOREIGN KEY(created_by_fk) REFERENCES ab_user (id), 
	FOREIGN KEY(changed_by_fk) REFERENCES ab_user (id)
)
--;;
CREATE TABLE ab_view_menu (
	id INTEGER NOT NULL, 
	name VARCHAR(250) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
)
--;;
CREATE TABLE access_cache (
	user_id INTEGER NOT NULL, 
	asked TEXT NOT NULL, 
	document JSONB NOT NULL, 
	org_version BIGINT NOT NULL, 
	user_version BIGINT NOT NULL, 
	good_until TIMESTAMP WITH TIME ZONE NOT NULL, 
	PRIMARY KEY (user_id, asked)
)
--;;
CREATE TABLE access_versions (
	subject TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	changed_in BIGINT NOT NULL, 
	PRIMARY KEY (subject)
)
--;;
CREATE TABLE audit_batches (
	number BIGINT NOT NULL, 
	key_id TEXT NOT NULL, 
	row_count INTEGER NOT NULL, 
	first_seq BIGINT NOT NULL, 
	last_seq BIGINT NOT NULL, 
	digest BYTEA NOT NULL, 
	sealed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	system_id TEXT NOT NULL, 
	sealed_xid BIGINT, 
	horizon_seq BIGINT, 
	horizon_xid BIGINT, 
	resumes BIGINT, 
	head BYTEA NOT NULL, 
	seqs BIGINT[] NOT NULL, 
	seals BYTEA NOT NULL, 
	PRIMARY KEY (number)
)
--;;
CREATE TABLE audit_log (
	xid BIGINT DEFAULT pg_current_xact_id()::text::bigint NOT NULL, 
	seq BIGINT GENERATED ALWAYS AS IDENTITY, 
	org_id UUID, 
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	actor_id INTEGER, 
	actor TEXT NOT NULL, 
	portal TEXT NOT NULL, 
	request_id TEXT, 
	action TEXT NOT NULL, 
	table_name TEXT NOT NULL, 
	row_id TEXT, 
	hostel_id UUID, 
	before JSONB, 
	after JSONB, 
	reason TEXT, 
	PRIMARY KEY (seq)
)
--;;
CREATE INDEX audit_log_actor ON audit_log (org_id, actor_id, seq)
--;;
CREATE INDEX audit_log_at ON audit_log USING brin (at)
--;;
CREATE INDEX audit_log_org ON audit_log (org_id, seq)
--;;
CREATE INDEX audit_log_row ON audit_log (org_id, table_name, row_id, seq)
--;;
CREATE TABLE binding_keys (
	id INTEGER NOT NULL, 
	key TEXT NOT NULL, 
	PRIMARY KEY (id)
)
--;;
CREATE TABLE clock (
	id INTEGER NOT NULL, 
	shift INTERVAL NOT NULL, 
	PRIMARY KEY (id)
)
--;;
CREATE TABLE inquiry_attempts (
	id UUID DEFAULT uuidv7() NOT NULL, 
	address BYTEA NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	PRIMARY KEY (id)
)
--;;
CREATE INDEX inquiry_attempts_address ON inquiry_attempts (address, at)
--;;
CREATE INDEX inquiry_attempts_at ON inquiry_attempts (at)
--;;
CREATE TABLE ledger_batches (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	wallet_seqs BIGINT[] DEFAULT '{}' NOT NULL, 
	wallets UUID[] DEFAULT '{}' NOT NULL, 
	number BIGINT NOT NULL, 
	key_id TEXT NOT NULL, 
	row_count INTEGER NOT NULL, 
	first_seq BIGINT NOT NULL, 
	last_seq BIGINT NOT NULL, 
	digest BYTEA NOT NULL, 
	sealed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	system_id TEXT NOT NULL, 
	sealed_xid BIGINT, 
	horizon_seq BIGINT, 
	horizon_xid BIGINT, 
	resumes BIGINT, 
	head BYTEA NOT NULL, 
	seqs BIGINT[] NOT NULL, 
	seals BYTEA NOT NULL, 
	PRIMARY KEY (org_id, number)
)
--;;
CREATE TABLE ledger_checks (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	batches INTEGER NOT NULL, 
	transactions INTEGER NOT NULL, 
	findings INTEGER NOT NULL, 
	first_finding TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id)
)
--;;
CREATE INDEX ledger_checks_newest ON ledger_checks (org_id, created_at)
--;;
CREATE TABLE ledger_entries (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	transaction_id UUID NOT NULL, 
	position SMALLINT NOT NULL, 
	seq BIGINT GENERATED ALWAYS AS IDENTITY, 
	hostel_id UUID NOT NULL, 
	account_id UUID NOT NULL, 
	user_id INTEGER, 
	kind public.ledger_kind NOT NULL, 
	description TEXT DEFAULT '' NOT NULL, 
	amount_paise BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	balance_paise BIGINT, 
	version BIGINT, 
	event_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, transaction_id, position), 
	CONSTRAINT ledger_entries_whole CHECK (amount_paise <> 0 AND abs(amount_paise) <= 10000000000 AND (balance_paise IS NULL) = (version IS NULL))
)
--;;
CREATE UNIQUE INDEX ledger_entries_account ON ledger_entries (org_id, account_id, seq)
--;;
CREATE TABLE ledger_transactions (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	xid BIGINT DEFAULT pg_current_xact_id()::text::bigint NOT NULL, 
	seq BIGINT GENERATED ALWAYS AS IDENTITY, 
	hostel_id UUID NOT NULL, 
	key TEXT NOT NULL, 
	kind public.ledger_kind NOT NULL, 
	description TEXT DEFAULT '' NOT NULL, 
	source TEXT DEFAULT '' NOT NULL, 
	source_id UUID, 
	event_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER, 
	PRIMARY KEY (org_id, id), 
	CONSTRAINT ledger_transactions_texts CHECK (length(key) BETWEEN 1 AND 120 AND length(description) <= 200)
)
--;;
CREATE UNIQUE INDEX ledger_transactions_key ON ledger_transactions (org_id, key)
--;;
CREATE UNIQUE INDEX ledger_transactions_order ON ledger_transactions (org_id, seq)
--;;
CREATE INDEX ledger_transactions_source ON ledger_transactions (org_id, source_id) WHERE source_id IS NOT NULL
--;;
CREATE TABLE lifecycle_machines (
	machine TEXT NOT NULL, 
	table_name TEXT NOT NULL, 
	initial TEXT NOT NULL, 
	hook TEXT, 
	PRIMARY KEY (machine)
)
--;;
CREATE TABLE login_attempts (
	id BIGINT GENERATED ALWAYS AS IDENTITY, 
	account VARCHAR(254) NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	succeeded BOOLEAN NOT NULL, 
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (id)
)
--;;
CREATE INDEX login_attempts_account ON login_attempts (account, at)
--;;
CREATE TABLE maintenance_sla_targets (
	priority TEXT NOT NULL, 
	resolve_minutes INTEGER NOT NULL, 
	escalate_minutes INTEGER NOT NULL, 
	PRIMARY KEY (priority)
)
--;;
CREATE TABLE organizations (
	id UUID DEFAULT uuidv7() NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	slug VARCHAR(63) NOT NULL, 
	plan TEXT DEFAULT 'free' NOT NULL, 
	subscription_status TEXT DEFAULT 'trial' NOT NULL, 
	limits JSONB DEFAULT '{}'::jsonb NOT NULL, 
	settings JSONB DEFAULT '{}'::jsonb NOT NULL, 
	timezone TEXT DEFAULT 'Asia/Kolkata' NOT NULL, 
	currency TEXT DEFAULT 'INR' NOT NULL, 
	country TEXT DEFAULT 'IN' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (id), 
	CONSTRAINT organizations_slug_form CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'), 
	CONSTRAINT organizations_plan_known CHECK (plan IN ('free','starter','professional','enterprise')), 
	CONSTRAINT organizations_subscription_known CHECK (subscription_status IN ('trial','active','inactive','cancelled')), 
	CONSTRAINT organizations_name_given CHECK (length(btrim(name)) > 0), 
	CONSTRAINT organizations_objects CHECK (jsonb_typeof(limits) = 'object' AND jsonb_typeof(settings) = 'object'), 
	CONSTRAINT organizations_currency_form CHECK (length(currency) = 3)
)
--;;
CREATE UNIQUE INDEX organizations_slug_key ON organizations (slug)
--;;
CREATE TABLE plan_limits (
	plan TEXT NOT NULL, 
	metric TEXT NOT NULL, 
	most BIGINT, 
	PRIMARY KEY (plan, metric)
)
--;;
CREATE TABLE rate_limit_counters (
	bucket TEXT NOT NULL, 
	key TEXT NOT NULL, 
	window_start TIMESTAMP WITH TIME ZONE NOT NULL, 
	hits BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (bucket, key, window_start)
)
--;;
CREATE TABLE roles (
	role TEXT NOT NULL, 
	rank SMALLINT NOT NULL, 
	portal TEXT NOT NULL, 
	PRIMARY KEY (role)
)
--;;
CREATE TABLE webhook_deliveries (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	account_id UUID NOT NULL, 
	gateway TEXT NOT NULL, 
	received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	address TEXT NOT NULL, 
	headers JSONB NOT NULL, 
	body BYTEA NOT NULL, 
	digest BYTEA DEFAULT '\x' NOT NULL, 
	size INTEGER NOT NULL, 
	verdict TEXT NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	processed_at TIMESTAMP WITH TIME ZONE, 
	effect TEXT, 
	events JSONB, 
	intent_id UUID, 
	PRIMARY KEY (org_id, id), 
	CONSTRAINT webhook_deliveries_verdict_known CHECK (verdict IN ('accepted', 'bad_signature', 'foreign_address', 'too_large', 'wrong_type')), 
	CONSTRAINT webhook_deliveries_effect_known CHECK (effect IN ('credited', 'credited_late', 'held_back', 'known', 'failed', 'expired', 'asked', 'ignored', 'unknown_intent', 'amount_differs', 'currency_differs', 'paid_twice', 'unreadable', 'refused'))
)
--;;
CREATE INDEX webhook_deliveries_bodies ON webhook_deliveries (received_at) WHERE body <> ''
--;;
CREATE INDEX webhook_deliveries_intent ON webhook_deliveries (org_id, intent_id) WHERE intent_id IS NOT NULL
--;;
CREATE INDEX webhook_deliveries_sort_received ON webhook_deliveries (org_id, received_at, id)
--;;
CREATE TABLE ab_api_key (
	id INTEGER NOT NULL, 
	uuid VARCHAR(36) NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	key_hash VARCHAR(256) NOT NULL, 
	lookup_hash VARCHAR(256), 
	key_prefix VARCHAR(16) NOT NULL, 
	user_id INTEGER NOT NULL, 
	scopes TEXT, 
	active BOOLEAN NOT NULL, 
	created_on TIMESTAMP WITHOUT TIME ZONE, 
	expires_on TIMESTAMP WITHOUT TIME ZONE, 
	revoked_on TIMESTAMP WITHOUT TIME ZONE, 
	last_used_on TIMESTAMP WITHOUT TIME ZONE, 
	PRIMARY KEY (id), 
	UNIQUE (uuid), 
	UNIQUE (lookup_hash), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id) ON DELETE CASCADE
)
--;;
CREATE UNIQUE INDEX idx_api_key_lookup_hash ON ab_api_key (lookup_hash)
--;;
CREATE INDEX idx_api_key_prefix ON ab_api_key (key_prefix)
--;;
CREATE INDEX idx_api_key_user_id ON ab_api_key (user_id)
--;;
CREATE TABLE ab_group_role (
	id INTEGER NOT NULL, 
	group_id INTEGER, 
	role_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (group_id, role_id), 
	FOREIGN KEY(group_id) REFERENCES ab_group (id) ON DELETE CASCADE, 
	FOREIGN KEY(role_id) REFERENCES ab_role (id) ON DELETE CASCADE
)
--;;
CREATE INDEX idx_group_id ON ab_group_role (group_id)
--;;
CREATE INDEX idx_group_role_id ON ab_group_role (role_id)
--;;
CREATE TABLE ab_permission_view (
	id INTEGER NOT NULL, 
	permission_id INTEGER NOT NULL, 
	view_menu_id INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (permission_id, view_menu_id), 
	FOREIGN KEY(permission_id) REFERENCES ab_permission (id), 
	FOREIGN KEY(view_menu_id) REFERENCES ab_view_menu (id)
)
--;;
CREATE INDEX idx_permission_id ON ab_permission_view (permission_id)
--;;
CREATE INDEX idx_view_menu_id ON ab_permission_view (view_menu_id)
--;;
CREATE TABLE ab_user_group (
	id INTEGER NOT NULL, 
	user_id INTEGER, 
	group_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (user_id, group_id), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id) ON DELETE CASCADE, 
	FOREIGN KEY(group_id) REFERENCES ab_group (id) ON DELETE CASCADE
)
--;;
CREATE INDEX idx_user_group_id ON ab_user_group (group_id)
--;;
CREATE INDEX idx_user_id ON ab_user_group (user_id)
--;;
CREATE TABLE ab_user_role (
	id INTEGER NOT NULL, 
	user_id INTEGER, 
	role_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (user_id, role_id), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id) ON DELETE CASCADE, 
	FOREIGN KEY(role_id) REFERENCES ab_role (id) ON DELETE CASCADE
)
--;;
CREATE TABLE known_devices (
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	digest BYTEA NOT NULL, 
	device VARCHAR(300) NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	used_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id)
)
--;;
CREATE INDEX known_devices_expires ON known_devices (expires_at)
--;;
CREATE UNIQUE INDEX known_devices_key ON known_devices (user_id, digest)
--;;
CREATE TABLE lifecycle_transitions (
	machine TEXT NOT NULL, 
	event TEXT NOT NULL, 
	from_state TEXT NOT NULL, 
	to_state TEXT NOT NULL, 
	resource TEXT, 
	action TEXT, 
	needs_note BOOLEAN DEFAULT 'false' NOT NULL, 
	by_system BOOLEAN DEFAULT 'false' NOT NULL, 
	PRIMARY KEY (machine, event, from_state), 
	FOREIGN KEY(machine) REFERENCES lifecycle_machines (machine)
)
--;;
CREATE INDEX lifecycle_transitions_edge ON lifecycle_transitions (machine, from_state, to_state)
--;;
CREATE TABLE mailed_proofs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	purpose TEXT NOT NULL, 
	user_id INTEGER, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	used_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (id), 
	CONSTRAINT mailed_proofs_purpose_known CHECK (purpose IN ('sign-in-link','device-code')), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id)
)
--;;
CREATE INDEX mailed_proofs_expires ON mailed_proofs (expires_at)
--;;
CREATE TABLE members (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	user_id INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	joined_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	removed_at TIMESTAMP WITH TIME ZONE, 
	name_key TEXT COLLATE "C" GENERATED ALWAYS AS (lower(name)) STORED NOT NULL, 
	last_name_key TEXT COLLATE "C" GENERATED ALWAYS AS (lower(substring(name from '[^ ]+$'))) STORED, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, user_id), 
	FOREIGN KEY(org_id) REFERENCES organizations (id), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id)
)
--;;
CREATE INDEX members_last_name_key ON members (org_id, last_name_key)
--;;
CREATE INDEX members_name_key ON members (org_id, name_key)
--;;
CREATE INDEX members_sort_name ON members (org_id, name, user_id)
--;;
CREATE INDEX members_user ON members (user_id)
--;;
CREATE TABLE number_counters (
	org_id UUID NOT NULL, 
	series TEXT NOT NULL, 
	scope_id UUID NOT NULL, 
	last BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (org_id, series, scope_id), 
	FOREIGN KEY(org_id) REFERENCES organizations (id)
)
--;;
CREATE TABLE outbox (
	id UUID DEFAULT uuidv7() NOT NULL, 
	org_id UUID, 
	kind TEXT NOT NULL, 
	payload JSONB DEFAULT '{}'::jsonb NOT NULL, 
	key TEXT, 
	state TEXT DEFAULT 'pending' NOT NULL, 
	due_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	claimed_by TEXT, 
	claimed_until TIMESTAMP WITH TIME ZONE, 
	last_error TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (id), 
	CONSTRAINT outbox_state_known CHECK (state IN ('pending', 'done', 'dead')), 
	FOREIGN KEY(org_id) REFERENCES organizations (id)
)
--;;
CREATE INDEX outbox_begun ON outbox (due_at, id) WHERE state = 'pending' AND attempts > 0
--;;
CREATE INDEX outbox_dead ON outbox (created_at, id) WHERE state = 'dead'
--;;
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE state = 'done'
--;;
CREATE UNIQUE INDEX outbox_key ON outbox (org_id, kind, key) NULLS NOT DISTINCT WHERE key IS NOT NULL
--;;
CREATE INDEX outbox_new ON outbox (due_at, id) WHERE state = 'pending' AND attempts = 0
--;;
CREATE INDEX outbox_new_here ON outbox (org_id, due_at, id) WHERE state = 'pending' AND attempts = 0
--;;
CREATE INDEX outbox_sort_created ON outbox (org_id, created_at, id)
--;;
CREATE INDEX outbox_sort_state ON outbox (org_id, state, created_at, id)
--;;
CREATE TABLE platform_roles (
	user_id INTEGER NOT NULL, 
	role TEXT DEFAULT 'super_admin' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (user_id), 
	CONSTRAINT platform_roles_known CHECK (role = 'super_admin'), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id), 
	FOREIGN KEY(role) REFERENCES roles (role)
)
--;;
CREATE TABLE provider_links (
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	provider TEXT NOT NULL, 
	subject VARCHAR(200) NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	used_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (id), 
	CONSTRAINT provider_links_provider_known CHECK (provider IN ('google','github')), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id)
)
--;;
CREATE UNIQUE INDEX provider_links_key ON provider_links (provider, subject)
--;;
CREATE UNIQUE INDEX provider_links_person_key ON provider_links (user_id, provider)
--;;
CREATE TABLE role_permissions (
	role TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	action TEXT NOT NULL, 
	PRIMARY KEY (role, resource, action), 
	FOREIGN KEY(role) REFERENCES roles (role)
)
--;;
CREATE TABLE usage_counters (
	org_id UUID NOT NULL, 
	metric TEXT NOT NULL, 
	shard SMALLINT NOT NULL, 
	used BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (org_id, metric, shard), 
	FOREIGN KEY(org_id) REFERENCES organizations (id)
)
--;;
CREATE TABLE user_credentials (
	user_id INTEGER NOT NULL, 
	password_hash TEXT, 
	password_changed_at TIMESTAMP WITH TIME ZONE, 
	totp_secret TEXT, 
	totp_confirmed_at TIMESTAMP WITH TIME ZONE, 
	totp_last_step BIGINT, 
	recovery_digests TEXT[] DEFAULT '{}' NOT NULL, 
	reset_digest BYTEA, 
	reset_expires_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (user_id), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id)
)
--;;
CREATE TABLE user_preferences (
	user_id INTEGER NOT NULL, 
	language TEXT NOT NULL, 
	PRIMARY KEY (user_id), 
	CONSTRAINT user_preferences_language_form CHECK (length(language) BETWEEN 2 AND 16), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id)
)
--;;
CREATE TABLE user_sessions (
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	digest BYTEA NOT NULL, 
	device VARCHAR(300) NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	second_factor BOOLEAN DEFAULT 'false' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (id), 
	FOREIGN KEY(user_id) REFERENCES ab_user (id)
)
--;;
CREATE UNIQUE INDEX user_sessions_digest_key ON user_sessions (digest)
--;;
CREATE INDEX user_sessions_user ON user_sessions (user_id, last_seen_at)
--;;
CREATE TABLE ab_permission_view_role (
	id INTEGER NOT NULL, 
	permission_view_id INTEGER, 
	role_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (permission_view_id, role_id), 
	FOREIGN KEY(permission_view_id) REFERENCES ab_permission_view (id) ON DELETE CASCADE, 
	FOREIGN KEY(role_id) REFERENCES ab_role (id) ON DELETE CASCADE
)
--;;
CREATE INDEX idx_permission_view_id ON ab_permission_view_role (permission_view_id)
--;;
CREATE INDEX idx_role_id ON ab_permission_view_role (role_id)
--;;
CREATE TABLE document_requirements (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	kind TEXT NOT NULL, 
	required BOOLEAN DEFAULT 'false' NOT NULL, 
	has_expiry BOOLEAN DEFAULT 'false' NOT NULL, 
	roles TEXT[] DEFAULT '{resident,pending_resident}' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT document_requirements_kind_known CHECK (kind IN ('identity', 'address', 'photo', 'student', 'parent_identity', 'agreement', 'police_verification', 'other'))
)
--;;
CREATE UNIQUE INDEX document_requirements_kind_key ON document_requirements (org_id, kind)
--;;
CREATE TABLE event_feeds (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	digest BYTEA NOT NULL, 
	revoked_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id)
)
--;;
CREATE INDEX event_feeds_digest ON event_feeds (digest) WHERE revoked_at IS NULL
--;;
CREATE UNIQUE INDEX event_feeds_digest_key ON event_feeds (org_id, digest)
--;;
CREATE UNIQUE INDEX event_feeds_person_key ON event_feeds (org_id, user_id) WHERE revoked_at IS NULL
--;;
CREATE TABLE hostels (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	code VARCHAR(12) NOT NULL, 
	timezone TEXT DEFAULT 'Asia/Kolkata' NOT NULL, 
	currency TEXT DEFAULT 'INR' NOT NULL, 
	address TEXT DEFAULT '' NOT NULL, 
	city TEXT DEFAULT '' NOT NULL, 
	hold_hours SMALLINT DEFAULT '48' NOT NULL, 
	offer_minutes SMALLINT DEFAULT '60' NOT NULL, 
	notice_days SMALLINT DEFAULT '30' NOT NULL, 
	inspection_items TEXT[] DEFAULT '{Keys,Bed,Mattress,Cupboard,Table and chair,Walls,Windows,Fan and lights,Bathroom}' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT hostels_named CHECK (length(btrim(name)) > 0 AND length(btrim(code)) > 0), 
	CONSTRAINT hostels_hold_times CHECK (hold_hours BETWEEN 1 AND 720 AND offer_minutes BETWEEN 5 AND 2880), 
	CONSTRAINT hostels_moving_out CHECK (notice_days BETWEEN 0 AND 365 AND cardinality(inspection_items) BETWEEN 1 AND 60)
)
--;;
CREATE UNIQUE INDEX hostels_code_key ON hostels (org_id, code) WHERE deleted_at IS NULL
--;;
CREATE INDEX hostels_sort_name ON hostels (org_id, name, id)
--;;
CREATE TABLE maintenance_categories (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	code VARCHAR(40) NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	icon TEXT DEFAULT '' NOT NULL, 
	position SMALLINT DEFAULT '0' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT maintenance_categories_named CHECK (length(btrim(name)) > 0)
)
--;;
CREATE UNIQUE INDEX maintenance_categories_code_key ON maintenance_categories (org_id, code) WHERE deleted_at IS NULL
--;;
CREATE INDEX maintenance_categories_sort_position ON maintenance_categories (org_id, position, id)
--;;
CREATE TABLE meal_needs (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	food TEXT DEFAULT '' NOT NULL, 
	allergens TEXT[] DEFAULT '{}' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT meal_needs_food_known CHECK (food IN ('', 'vegetarian', 'jain', 'vegan', 'eggs', 'everything')), 
	CONSTRAINT meal_needs_allergens_known CHECK (allergens <@ ARRAY['gluten', 'crustaceans', 'egg', 'fish', 'nuts', 'soya', 'milk', 'sulphites'])
)
--;;
CREATE UNIQUE INDEX meal_needs_person_key ON meal_needs (org_id, user_id)
--;;
CREATE TABLE notification_preferences (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	kind VARCHAR(60) NOT NULL, 
	channel TEXT NOT NULL, 
	wanted BOOLEAN NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT notification_preferences_channel_known CHECK (channel IN ('in_app', 'email', 'sms', 'telegram'))
)
--;;
CREATE UNIQUE INDEX notification_preferences_key ON notification_preferences (org_id, user_id, kind, channel)
--;;
CREATE TABLE notification_settings (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	quiet_from TIME WITHOUT TIME ZONE, 
	quiet_to TIME WITHOUT TIME ZONE, 
	timezone VARCHAR(60), 
	phone_token TEXT, 
	phone_masked VARCHAR(60), 
	phone_confirmed_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT notification_settings_quiet_whole CHECK ((quiet_from IS NULL) = (quiet_to IS NULL) AND quiet_from <> quiet_to), 
	CONSTRAINT notification_settings_phone_whole CHECK (num_nonnulls(phone_token, phone_masked) IN (0, 2))
)
--;;
CREATE UNIQUE INDEX notification_settings_key ON notification_settings (org_id, user_id)
--;;
CREATE TABLE notification_templates (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	channel TEXT NOT NULL, 
	language VARCHAR(12) NOT NULL, 
	kind VARCHAR(60) NOT NULL, 
	subject VARCHAR(200) DEFAULT '' NOT NULL, 
	body TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT notification_templates_channel_known CHECK (channel IN ('email', 'sms', 'telegram')), 
	CONSTRAINT notification_templates_said CHECK (length(btrim(body)) BETWEEN 1 AND 8000)
)
--;;
CREATE UNIQUE INDEX notification_templates_key ON notification_templates (org_id, channel, language, kind)
--;;
CREATE INDEX notification_templates_sort_created ON notification_templates (org_id, created_at, id)
--;;
CREATE TABLE onboarding_drafts (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	step SMALLINT NOT NULL, 
	data JSONB DEFAULT '{}' NOT NULL, 
	version INTEGER DEFAULT '1' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT onboarding_drafts_step_known CHECK (step BETWEEN 1 AND 5)
)
--;;
CREATE UNIQUE INDEX onboarding_drafts_step_key ON onboarding_drafts (org_id, user_id, step)
--;;
CREATE TABLE person_keys (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	token TEXT, 
	destroyed_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT person_keys_destroyed CHECK ((token IS NULL) = (destroyed_at IS NOT NULL))
)
--;;
CREATE UNIQUE INDEX person_keys_present_key ON person_keys (org_id, user_id) WHERE destroyed_at IS NULL
--;;
CREATE TABLE saved_views (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER DEFAULT app.current_user_id() NOT NULL, 
	screen VARCHAR(120) NOT NULL, 
	resource TEXT NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	query TEXT DEFAULT '' NOT NULL, 
	shared BOOLEAN DEFAULT 'false' NOT NULL, 
	is_default BOOLEAN DEFAULT 'false' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT saved_views_named CHECK (length(btrim(name)) > 0), 
	CONSTRAINT saved_views_query_length CHECK (length(query) <= 2000)
)
--;;
CREATE UNIQUE INDEX saved_views_default_key ON saved_views (org_id, user_id, screen) WHERE is_default
--;;
CREATE UNIQUE INDEX saved_views_name_key ON saved_views (org_id, user_id, screen, lower(name))
--;;
CREATE INDEX saved_views_screen ON saved_views (org_id, screen, name)
--;;
CREATE TABLE telegram_bots (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER, 
	token TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	username VARCHAR(64) NOT NULL, 
	mode TEXT DEFAULT 'webhook' NOT NULL, 
	secret_digest TEXT DEFAULT '' NOT NULL, 
	verified BOOLEAN DEFAULT false NOT NULL, 
	health_status TEXT DEFAULT 'unknown' NOT NULL, 
	health_reason TEXT DEFAULT '' NOT NULL, 
	last_health_check TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT telegram_bots_mode_known CHECK (mode IN ('webhook', 'polling')), 
	CONSTRAINT telegram_bots_health_status_known CHECK (health_status IN ('unknown', 'healthy', 'broken'))
)
--;;
CREATE INDEX telegram_bots_number ON telegram_bots (number)
--;;
CREATE UNIQUE INDEX telegram_bots_owner ON telegram_bots (org_id, user_id) NULLS NOT DISTINCT
--;;
CREATE TABLE amenities (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	kind TEXT DEFAULT 'other' NOT NULL, 
	place VARCHAR(200) DEFAULT '' NOT NULL, 
	description TEXT DEFAULT '' NOT NULL, 
	parallel BOOLEAN DEFAULT false NOT NULL, 
	offer_minutes INTEGER DEFAULT '30' NOT NULL, 
	missed SMALLINT DEFAULT '3' NOT NULL, 
	within_days SMALLINT DEFAULT '30' NOT NULL, 
	blocked_days SMALLINT DEFAULT '7' NOT NULL, 
	closed_from TIMESTAMP WITH TIME ZONE, 
	closed_until TIMESTAMP WITH TIME ZONE, 
	closed_why TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT amenities_kind_known CHECK (kind IN ('gym', 'laundry', 'study', 'tv', 'other')), 
	CONSTRAINT amenities_named CHECK (length(btrim(name)) > 0), 
	CONSTRAINT amenities_short CHECK (length(description) <= 1000 AND length(closed_why) <= 300), 
	CONSTRAINT amenities_offer CHECK (offer_minutes BETWEEN 1 AND 1440), 
	CONSTRAINT amenities_no_show_rule CHECK (missed BETWEEN 0 AND 100 AND within_days BETWEEN 1 AND 366 AND blocked_days BETWEEN 1 AND 366), 
	CONSTRAINT amenities_closed_forward CHECK (closed_until IS NULL OR closed_until > closed_from)
)
--;;
CREATE UNIQUE INDEX amenities_name_key ON amenities (org_id, hostel_id, lower(name)) WHERE deleted_at IS NULL
--;;
CREATE INDEX amenities_sort_name ON amenities (org_id, name, id)
--;;
CREATE TABLE billing_choices (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	from_wallet BOOLEAN NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id)
)
--;;
CREATE UNIQUE INDEX billing_choices_key ON billing_choices (org_id, hostel_id, user_id)
--;;
CREATE TABLE billing_settings (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	legal_name TEXT DEFAULT '' NOT NULL, 
	gstin TEXT DEFAULT '' NOT NULL, 
	interstate BOOLEAN DEFAULT 'false' NOT NULL, 
	rent_tax_bp SMALLINT DEFAULT '0' NOT NULL, 
	food_tax_bp SMALLINT DEFAULT '0' NOT NULL, 
	other_tax_bp SMALLINT DEFAULT '0' NOT NULL, 
	exempt_reason TEXT DEFAULT '' NOT NULL, 
	automatic BOOLEAN DEFAULT 'false' NOT NULL, 
	bill_day SMALLINT DEFAULT '1' NOT NULL, 
	due_days SMALLINT DEFAULT '7' NOT NULL, 
	grace_days SMALLINT DEFAULT '5' NOT NULL, 
	late_flat_paise BIGINT DEFAULT '0' NOT NULL, 
	late_percent_bp SMALLINT DEFAULT '0' NOT NULL, 
	late_since DATE DEFAULT CURRENT_DATE NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT billing_settings_days CHECK (bill_day BETWEEN 1 AND 28 AND due_days BETWEEN 0 AND 60 AND grace_days BETWEEN 0 AND 60), 
	CONSTRAINT billing_settings_tax CHECK (least(rent_tax_bp, food_tax_bp, other_tax_bp) >= 0 AND greatest(rent_tax_bp, food_tax_bp, other_tax_bp) <= 2800 AND (gstin <> '' OR greatest(rent_tax_bp, food_tax_bp, other_tax_bp) = 0)), 
	CONSTRAINT billing_settings_late CHECK (late_flat_paise BETWEEN 0 AND 1000000 AND late_percent_bp BETWEEN 0 AND 1000)
)
--;;
CREATE UNIQUE INDEX billing_settings_hostel_key ON billing_settings (org_id, hostel_id)
--;;
CREATE TABLE canteen_settings (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	breakfast_until TIME WITHOUT TIME ZONE DEFAULT '08:30' NOT NULL, 
	lunch_until TIME WITHOUT TIME ZONE DEFAULT '12:00' NOT NULL, 
	snacks_until TIME WITHOUT TIME ZONE DEFAULT '17:00' NOT NULL, 
	dinner_until TIME WITHOUT TIME ZONE DEFAULT '19:30' NOT NULL, 
	summary_at TIME WITHOUT TIME ZONE DEFAULT '22:30' NOT NULL, 
	low_stock SMALLINT DEFAULT '5' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT canteen_settings_low_stock CHECK (low_stock BETWEEN 0 AND 1000)
)
--;;
CREATE UNIQUE INDEX canteen_settings_hostel_key ON canteen_settings (org_id, hostel_id)
--;;
CREATE TABLE contacts (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	external_id TEXT DEFAULT '' NOT NULL, 
	location_id TEXT DEFAULT '' NOT NULL, 
	full_name VARCHAR(200) NOT NULL, 
	phone_token TEXT, 
	phone_index TEXT, 
	phone_masked VARCHAR(60), 
	email_token TEXT, 
	email_index TEXT, 
	email_masked VARCHAR(400), 
	source TEXT DEFAULT '' NOT NULL, 
	known_since TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT contacts_named CHECK (length(btrim(full_name)) > 0), 
	CONSTRAINT contacts_short_texts CHECK (length(external_id) <= 120 AND length(location_id) <= 120 AND length(source) <= 120), 
	CONSTRAINT contacts_phone_whole CHECK (num_nonnulls(phone_token, phone_index, phone_masked) IN (0, 3)), 
	CONSTRAINT contacts_email_whole CHECK (num_nonnulls(email_token, email_index, email_masked) IN (0, 3)), 
	CONSTRAINT contacts_reachable CHECK (num_nonnulls(phone_token, email_token) > 0)
)
--;;
CREATE INDEX contacts_email ON contacts (org_id, email_index) WHERE email_index IS NOT NULL
--;;
CREATE UNIQUE INDEX contacts_external_key ON contacts (org_id, location_id, external_id) WHERE external_id <> ''
--;;
CREATE INDEX contacts_phone ON contacts (org_id, phone_index) WHERE phone_index IS NOT NULL
--;;
CREATE INDEX contacts_sort_created ON contacts (org_id, created_at, id)
--;;
CREATE INDEX contacts_sort_name ON contacts (org_id, full_name, id)
--;;
CREATE TABLE files (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	user_id INTEGER DEFAULT app.current_user_id(), 
	purpose TEXT NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	media_type VARCHAR(100) NOT NULL, 
	size BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	storage_key TEXT NOT NULL, 
	key_id UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, key_id) REFERENCES person_keys (org_id, id), 
	CONSTRAINT files_not_empty CHECK (size > 0), 
	CONSTRAINT files_identity_sealed CHECK ((purpose = 'identity') = (key_id IS NOT NULL))
)
--;;
CREATE INDEX files_owner ON files (org_id, user_id)
--;;
CREATE UNIQUE INDEX files_storage_key ON files (org_id, storage_key)
--;;
CREATE TABLE floors (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	level SMALLINT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id)
)
--;;
CREATE UNIQUE INDEX floors_level_key ON floors (org_id, hostel_id, level) WHERE deleted_at IS NULL
--;;
CREATE INDEX floors_sort_level ON floors (org_id, level, id)
--;;
CREATE TABLE gateway_accounts (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	gateway TEXT NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	key_id VARCHAR(200) NOT NULL, 
	secrets_token TEXT NOT NULL, 
	webhook_path VARCHAR(64) NOT NULL, 
	addresses TEXT[] DEFAULT '{}' NOT NULL, 
	is_default BOOLEAN DEFAULT false NOT NULL, 
	active BOOLEAN DEFAULT true NOT NULL, 
	tested_at TIMESTAMP WITH TIME ZONE, 
	test_result VARCHAR(500), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT gateway_accounts_gateway_known CHECK (gateway IN ('phonepe', 'razorpay', 'stripe')), 
	CONSTRAINT gateway_accounts_default_active CHECK (active OR NOT is_default)
)
--;;
CREATE UNIQUE INDEX gateway_accounts_default ON gateway_accounts (org_id, hostel_id) NULLS NOT DISTINCT WHERE is_default
--;;
CREATE INDEX gateway_accounts_path ON gateway_accounts (webhook_path)
--;;
CREATE TABLE inventory_counts (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	counted_on DATE NOT NULL, 
	items INTEGER NOT NULL, 
	differences INTEGER NOT NULL, 
	value_paise BIGINT NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT inventory_counts_numbers CHECK (items > 0 AND differences BETWEEN 0 AND items), 
	CONSTRAINT inventory_counts_short CHECK (length(note) <= 200)
)
--;;
CREATE INDEX inventory_counts_house ON inventory_counts (org_id, hostel_id, created_at)
--;;
CREATE TABLE inventory_items (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	category TEXT NOT NULL, 
	unit TEXT NOT NULL, 
	reorder_level NUMERIC(12, 3) DEFAULT '0' NOT NULL, 
	fill_to NUMERIC(12, 3), 
	supplier TEXT DEFAULT '' NOT NULL, 
	allergens TEXT[] DEFAULT '{}' NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	stock NUMERIC(12, 3) DEFAULT '0' NOT NULL, 
	value_paise BIGINT DEFAULT '0' NOT NULL, 
	price_paise BIGINT DEFAULT '0' NOT NULL, 
	low BOOLEAN GENERATED ALWAYS AS (reorder_level > 0 AND stock <= reorder_level) STORED NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT inventory_items_named CHECK (length(btrim(name)) > 0), 
	CONSTRAINT inventory_items_category_known CHECK (category IN ('grains', 'pulses', 'vegetables', 'fruit', 'dairy', 'eggs_meat', 'oils', 'spices', 'beverages', 'cleaning', 'other')), 
	CONSTRAINT inventory_items_unit_known CHECK (unit IN ('kg', 'g', 'l', 'ml', 'pieces', 'packs', 'bottles')), 
	CONSTRAINT inventory_items_allergens_known CHECK (allergens <@ ARRAY['gluten', 'crustaceans', 'egg', 'fish', 'nuts', 'soya', 'milk', 'sulphites']), 
	CONSTRAINT inventory_items_stock CHECK (stock BETWEEN 0 AND 100000), 
	CONSTRAINT inventory_items_value CHECK (value_paise >= 0 AND (stock > 0 OR value_paise = 0)), 
	CONSTRAINT inventory_items_levels CHECK (reorder_level BETWEEN 0 AND 100000 AND fill_to BETWEEN reorder_level AND 100000), 
	CONSTRAINT inventory_items_whole CHECK (unit NOT IN ('bottles', 'packs', 'pieces') OR stock = trunc(stock)), 
	CONSTRAINT inventory_items_removed_empty CHECK (deleted_at IS NULL OR stock = 0), 
	CONSTRAINT inventory_items_short CHECK (length(note) <= 200 AND length(supplier) <= 120)
)
--;;
CREATE UNIQUE INDEX inventory_items_live_key ON inventory_items (org_id, hostel_id, id)
--;;
CREATE INDEX inventory_items_low ON inventory_items (org_id, hostel_id) WHERE low AND deleted_at IS NULL
--;;
CREATE UNIQUE INDEX inventory_items_name_key ON inventory_items (org_id, hostel_id, lower(name)) WHERE deleted_at IS NULL
--;;
CREATE INDEX inventory_items_sort_name ON inventory_items (org_id, name, id)
--;;
CREATE TABLE invoice_payments (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	method TEXT NOT NULL, 
	series TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	reference TEXT GENERATED ALWAYS AS (series || lpad(number::text, greatest(6, length(number::text)), '0')) STORED NOT NULL, 
	amount_paise BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	paid_on DATE NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT invoice_payments_method_known CHECK (method IN ('wallet', 'cash', 'bank', 'deposit', 'credit_note', 'discount', 'write_off')), 
	CONSTRAINT invoice_payments_amount CHECK (amount_paise > 0)
)
--;;
CREATE UNIQUE INDEX invoice_payments_number_key ON invoice_payments (org_id, hostel_id, series, number)
--;;
CREATE INDEX invoice_payments_person ON invoice_payments (org_id, user_id, paid_on)
--;;
CREATE TABLE ledger_accounts (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	code TEXT NOT NULL, 
	kind TEXT GENERATED ALWAYS AS (CASE code WHEN 'wallet' THEN 'liability' WHEN 'deposit' THEN 'liability' WHEN 'receivable' THEN 'asset' WHEN 'clearing' THEN 'asset' WHEN 'bank' THEN 'asset' WHEN 'cash' THEN 'asset' WHEN 'rent' THEN 'income' WHEN 'mess' THEN 'income' WHEN 'lunchbox' THEN 'income' WHEN 'canteen' THEN 'income' WHEN 'late_fees' THEN 'income' WHEN 'other_income' THEN 'income' WHEN 'tax' THEN 'liability' WHEN 'discounts' THEN 'expense' WHEN 'rebates' THEN 'expense' WHEN 'gateway_fees' THEN 'expense' WHEN 'write_offs' THEN 'expense' WHEN 'adjustments' THEN 'expense' WHEN 'suspense' THEN 'liability' WHEN 'opening' THEN 'equity' END) STORED NOT NULL, 
	party TEXT DEFAULT '' NOT NULL, 
	user_id INTEGER, 
	currency TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT ledger_accounts_code_known CHECK (code IN ('wallet', 'deposit', 'receivable', 'clearing', 'bank', 'cash', 'rent', 'mess', 'lunchbox', 'canteen', 'late_fees', 'other_income', 'tax', 'discounts', 'rebates', 'gateway_fees', 'write_offs', 'adjustments', 'suspense', 'opening')), 
	CONSTRAINT ledger_accounts_kind_known CHECK (kind IN ('asset', 'liability', 'income', 'expense', 'equity')), 
	CONSTRAINT ledger_accounts_of_a_person CHECK ((user_id IS NOT NULL) = (code IN ('deposit', 'receivable', 'wallet'))), 
	CONSTRAINT ledger_accounts_currency CHECK (currency ~ '^[A-Z]{3}$')
)
--;;
CREATE UNIQUE INDEX ledger_accounts_key ON ledger_accounts (org_id, hostel_id, code, coalesce(user_id, 0), party)
--;;
CREATE TABLE ledger_proposals (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	user_id INTEGER, 
	party TEXT DEFAULT '' NOT NULL, 
	amount_paise BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	reason VARCHAR(500) NOT NULL, 
	source TEXT DEFAULT '' NOT NULL, 
	source_id UUID, 
	details JSONB, 
	status TEXT DEFAULT 'proposed' NOT NULL, 
	proposed_by INTEGER, 
	decided_by INTEGER, 
	decided_at TIMESTAMP WITH TIME ZONE, 
	decision VARCHAR(500), 
	transaction_id UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, transaction_id) REFERENCES ledger_transactions (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, proposed_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT ledger_proposals_kind_known CHECK (kind IN ('adjustment', 'discount', 'write_off', 'payout', 'refund', 'credit_note')), 
	CONSTRAINT ledger_proposals_status_known CHECK (status IN ('proposed', 'approved', 'rejected', 'withdrawn')), 
	CONSTRAINT ledger_proposals_amount CHECK (amount_paise <> 0 AND abs(amount_paise) <= 10000000000 AND (amount_paise > 0 OR kind = 'adjustment')), 
	CONSTRAINT ledger_proposals_second_person CHECK (decided_by <> proposed_by OR status = 'withdrawn'), 
	CONSTRAINT ledger_proposals_posted CHECK ((status = 'approved') = (transaction_id IS NOT NULL)), 
	CONSTRAINT ledger_proposals_credit_of_what CHECK ((kind = 'credit_note') <= (source_id IS NOT NULL)), 
	CONSTRAINT ledger_proposals_reason_given CHECK (length(btrim(reason)) > 0)
)
--;;
CREATE INDEX ledger_proposals_open ON ledger_proposals (org_id, hostel_id, created_at) WHERE status = 'proposed'
--;;
CREATE INDEX ledger_proposals_person ON ledger_proposals (org_id, user_id)
--;;
CREATE INDEX ledger_proposals_sort_created ON ledger_proposals (org_id, created_at, id)
--;;
CREATE UNIQUE INDEX ledger_proposals_source ON ledger_proposals (org_id, source_id) WHERE source_id IS NOT NULL AND status IN ('proposed', 'approved') AND kind <> 'credit_note'
--;;
CREATE TABLE maintenance_issue_types (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	category_id UUID NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	position SMALLINT DEFAULT '0' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, category_id) REFERENCES maintenance_categories (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT maintenance_issue_types_named CHECK (length(btrim(name)) > 0)
)
--;;
CREATE UNIQUE INDEX maintenance_issue_types_key ON maintenance_issue_types (org_id, category_id, lower(name)) WHERE deleted_at IS NULL
--;;
CREATE INDEX maintenance_issue_types_sort_name ON maintenance_issue_types (org_id, name, id)
--;;
CREATE TABLE meal_attendance (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	served_on DATE NOT NULL, 
	meal TEXT NOT NULL, 
	ate BOOLEAN NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT meal_attendance_meal_known CHECK (meal IN ('breakfast', 'lunch', 'snacks', 'dinner'))
)
--;;
CREATE UNIQUE INDEX meal_attendance_key ON meal_attendance (org_id, hostel_id, served_on, meal, user_id)
--;;
CREATE TABLE meal_leaves (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	from_on DATE NOT NULL, 
	until_on DATE NOT NULL, 
	meals TEXT[] NOT NULL, 
	withdrawn_at TIMESTAMP WITH TIME ZONE, 
	settled_at TIMESTAMP WITH TIME ZONE, 
	rebate_paise BIGINT, 
	reason TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT meal_leaves_time_forward CHECK (until_on > from_on), 
	CONSTRAINT meal_leaves_meals_known CHECK (cardinality(meals) > 0 AND meals <@ ARRAY['breakfast', 'lunch', 'snacks', 'dinner']), 
	CONSTRAINT meal_leaves_rebate CHECK (rebate_paise >= 0), 
	CONSTRAINT meal_leaves_reason_short CHECK (length(reason) <= 300)
)
--;;
CREATE INDEX meal_leaves_open ON meal_leaves (org_id, until_on) WHERE settled_at IS NULL AND withdrawn_at IS NULL
--;;
CREATE INDEX meal_leaves_person ON meal_leaves (org_id, hostel_id, user_id, from_on)
--;;
CREATE TABLE meal_plans (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	days SMALLINT[] DEFAULT '{127,127,0,127}' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT meal_plans_days CHECK (cardinality(days) = 4 AND 0 <= ALL (days) AND 127 >= ALL (days))
)
--;;
CREATE UNIQUE INDEX meal_plans_name_key ON meal_plans (org_id, hostel_id, lower(name))
--;;
CREATE TABLE meal_settings (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	leave_until TIME WITHOUT TIME ZONE DEFAULT '20:00' NOT NULL, 
	longest_days SMALLINT DEFAULT '60' NOT NULL, 
	rebate_days SMALLINT DEFAULT '3' NOT NULL, 
	rebate_percent SMALLINT DEFAULT '50' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT meal_settings_longest CHECK (longest_days BETWEEN 1 AND 366), 
	CONSTRAINT meal_settings_rebate_days CHECK (rebate_days BETWEEN 1 AND 366), 
	CONSTRAINT meal_settings_percent CHECK (rebate_percent BETWEEN 0 AND 100)
)
--;;
CREATE UNIQUE INDEX meal_settings_hostel_key ON meal_settings (org_id, hostel_id)
--;;
CREATE TABLE memberships (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	role TEXT NOT NULL, 
	hostel_id UUID, 
	status TEXT DEFAULT 'active' NOT NULL, 
	valid_from TIMESTAMP WITH TIME ZONE, 
	valid_until TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	CONSTRAINT memberships_status_known CHECK (status IN ('invited', 'active', 'suspended')), 
	CONSTRAINT memberships_time_forward CHECK (valid_until > valid_from), 
	CONSTRAINT memberships_no_platform_role CHECK (role <> 'super_admin'), 
	CONSTRAINT memberships_wide_roles CHECK (role NOT IN ('owner', 'administrator') OR hostel_id IS NULL), 
	FOREIGN KEY(role) REFERENCES roles (role)
)
--;;
CREATE UNIQUE INDEX memberships_key ON memberships (org_id, user_id, role, hostel_id) NULLS NOT DISTINCT
--;;
CREATE INDEX memberships_user ON memberships (user_id)
--;;
CREATE TABLE notifications (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	user_id INTEGER NOT NULL, 
	kind VARCHAR(60) NOT NULL, 
	urgency TEXT DEFAULT 'normal' NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	body TEXT DEFAULT '' NOT NULL, 
	link TEXT DEFAULT '' NOT NULL, 
	key VARCHAR(200) NOT NULL, 
	read_at TIMESTAMP WITH TIME ZONE, 
	archived_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	CONSTRAINT notifications_urgency_known CHECK (urgency IN ('info', 'normal', 'urgent', 'emergency'))
)
--;;
CREATE UNIQUE INDEX notifications_key ON notifications (org_id, user_id, key)
--;;
CREATE UNIQUE INDEX notifications_live_key ON notifications (org_id, user_id, id)
--;;
CREATE INDEX notifications_sort_created ON notifications (org_id, user_id, created_at, id)
--;;
CREATE INDEX notifications_unread ON notifications (org_id, user_id) WHERE read_at IS NULL
--;;
CREATE TABLE permission_overrides (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	role TEXT, 
	user_id INTEGER, 
	resource TEXT NOT NULL, 
	action TEXT NOT NULL, 
	hostel_id UUID, 
	allowed BOOLEAN NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	CONSTRAINT permission_overrides_one_target CHECK ((role IS NULL) <> (user_id IS NULL)), 
	FOREIGN KEY(role) REFERENCES roles (role)
)
--;;
CREATE UNIQUE INDEX permission_overrides_key ON permission_overrides (org_id, role, user_id, resource, action, hostel_id) NULLS NOT DISTINCT
--;;
CREATE TABLE personal_values (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	key_id UUID NOT NULL, 
	token TEXT NOT NULL, 
	blind_index TEXT, 
	index_key TEXT, 
	masked VARCHAR(60) NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, key_id) REFERENCES person_keys (org_id, id), 
	CONSTRAINT personal_values_index_named CHECK ((blind_index IS NULL) = (index_key IS NULL))
)
--;;
CREATE INDEX personal_values_index ON personal_values (org_id, name, blind_index) WHERE blind_index IS NOT NULL
--;;
CREATE UNIQUE INDEX personal_values_name_key ON personal_values (org_id, user_id, name)
--;;
CREATE TABLE resident_preferences (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	answers JSONB DEFAULT '{}' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id)
)
--;;
CREATE UNIQUE INDEX resident_preferences_person_key ON resident_preferences (org_id, user_id)
--;;
CREATE TABLE residents (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	reference TEXT GENERATED ALWAYS AS ('R-' || CASE WHEN number < 10000 THEN lpad(number::text, 4, '0') ELSE number::text END) STORED NOT NULL, 
	status TEXT DEFAULT 'current' NOT NULL, 
	moved_in_on DATE NOT NULL, 
	moved_out_on DATE, 
	hidden_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT residents_status_known CHECK (status IN ('current', 'notice', 'left')), 
	CONSTRAINT residents_left_when CHECK ((status = 'left') = (moved_out_on IS NOT NULL))
)
--;;
CREATE UNIQUE INDEX residents_number_key ON residents (org_id, hostel_id, number)
--;;
CREATE UNIQUE INDEX residents_person_key ON residents (org_id, hostel_id, user_id)
--;;
CREATE INDEX residents_sort_moved_in ON residents (org_id, moved_in_on, id)
--;;
CREATE INDEX residents_sort_number ON residents (org_id, number, id)
--;;
CREATE INDEX residents_user ON residents (org_id, user_id)
--;;
CREATE TABLE room_types (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	capacity SMALLINT NOT NULL, 
	amenities TEXT[] DEFAULT '{}' NOT NULL, 
	description TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT room_types_capacity CHECK (capacity BETWEEN 1 AND 26), 
	CONSTRAINT room_types_named CHECK (length(btrim(name)) > 0)
)
--;;
CREATE UNIQUE INDEX room_types_name_key ON room_types (org_id, hostel_id, lower(name)) WHERE deleted_at IS NULL
--;;
CREATE INDEX room_types_sort_name ON room_types (org_id, name, id)
--;;
CREATE TABLE team_members (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	email VARCHAR(254), 
	phone VARCHAR(32), 
	external_id VARCHAR(120), 
	member_type TEXT DEFAULT 'operations' NOT NULL, 
	commission_type TEXT DEFAULT 'none' NOT NULL, 
	commission_rate NUMERIC(7, 4), 
	hostel_id UUID, 
	user_id INTEGER, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	CONSTRAINT team_members_type_known CHECK (member_type IN ('sales', 'support', 'operations', 'canteen', 'maintenance', 'amenities')), 
	CONSTRAINT team_members_commission_known CHECK (commission_type IN ('none','percentage','flat')), 
	CONSTRAINT team_members_commission_positive CHECK (commission_rate >= 0), 
	CONSTRAINT team_members_named CHECK (length(btrim(name)) > 0)
)
--;;
CREATE UNIQUE INDEX team_members_external_key ON team_members (org_id, external_id) WHERE deleted_at IS NULL
--;;
CREATE INDEX team_members_sort_name ON team_members (org_id, name, id)
--;;
CREATE TABLE telegram_chats (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	user_id INTEGER, 
	bot_id UUID, 
	purpose TEXT NOT NULL, 
	number BIGINT, 
	title TEXT DEFAULT '' NOT NULL, 
	is_group BOOLEAN DEFAULT false NOT NULL, 
	code_digest TEXT, 
	code_expires_at TIMESTAMP WITH TIME ZONE, 
	linked_at TIMESTAMP WITH TIME ZONE, 
	blocked_at TIMESTAMP WITH TIME ZONE, 
	blocked_reason TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, bot_id) REFERENCES telegram_bots (org_id, id) ON DELETE CASCADE, 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT telegram_chats_purpose_known CHECK (purpose IN ('personal', 'orders', 'inventory', 'summary', 'alerts'))
)
--;;
CREATE INDEX telegram_chats_code ON telegram_chats (code_digest) WHERE code_digest IS NOT NULL
--;;
CREATE INDEX telegram_chats_number ON telegram_chats (number) WHERE number IS NOT NULL
--;;
CREATE UNIQUE INDEX telegram_chats_owner ON telegram_chats (org_id, user_id, bot_id, purpose, hostel_id) NULLS NOT DISTINCT
--;;
CREATE TABLE telegram_health_events (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	bot_id UUID, 
	kind TEXT NOT NULL, 
	happened_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	times BIGINT DEFAULT '1' NOT NULL, 
	chat_id UUID, 
	update_id BIGINT, 
	error_code INTEGER, 
	reason TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, bot_id) REFERENCES telegram_bots (org_id, id) ON DELETE CASCADE, 
	CONSTRAINT telegram_health_events_kind_known CHECK (kind IN ('sent', 'failed', 'chat_gone', 'received', 'checked', 'refused', 'wrong_secret', 'taken'))
)
--;;
CREATE UNIQUE INDEX telegram_health_events_kind ON telegram_health_events (org_id, bot_id, kind) NULLS NOT DISTINCT
--;;
CREATE TABLE telegram_updates (
	id UUID DEFAULT uuidv7() NOT NULL, 
	org_id UUID, 
	bot_id UUID, 
	update_id BIGINT NOT NULL, 
	body JSONB, 
	received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	processed_at TIMESTAMP WITH TIME ZONE, 
	effect TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(org_id, bot_id) REFERENCES telegram_bots (org_id, id) ON DELETE CASCADE, 
	FOREIGN KEY(org_id) REFERENCES organizations (id)
)
--;;
CREATE UNIQUE INDEX telegram_updates_key ON telegram_updates (org_id, bot_id, update_id) NULLS NOT DISTINCT
--;;
CREATE INDEX telegram_updates_received ON telegram_updates (received_at)
--;;
CREATE TABLE amenity_slots (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	amenity_id UUID NOT NULL, 
	day DATE NOT NULL, 
	starts_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	capacity SMALLINT NOT NULL, 
	per_day SMALLINT DEFAULT '2' NOT NULL, 
	booked_count SMALLINT DEFAULT '0' NOT NULL, 
	held_count SMALLINT DEFAULT '0' NOT NULL, 
	version INTEGER DEFAULT '1' NOT NULL, 
	state TEXT DEFAULT 'open' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, amenity_id) REFERENCES amenities (org_id, id), 
	CONSTRAINT amenity_slots_state_known CHECK (state IN ('open', 'maintenance', 'withdrawn')), 
	CONSTRAINT amenity_slots_time_forward CHECK (ends_at > starts_at), 
	CONSTRAINT amenity_slots_counts CHECK (booked_count >= 0 AND held_count >= 0), 
	CONSTRAINT amenity_slots_booked CHECK (booked_count <= capacity), 
	CONSTRAINT amenity_slots_full CHECK (booked_count + held_count <= capacity)
)
--;;
CREATE INDEX amenity_slots_day ON amenity_slots (org_id, hostel_id, day, starts_at)
--;;
CREATE UNIQUE INDEX amenity_slots_live_key ON amenity_slots (org_id, hostel_id, id)
--;;
CREATE UNIQUE INDEX amenity_slots_start_key ON amenity_slots (org_id, amenity_id, starts_at) WHERE state <> 'withdrawn'
--;;
CREATE TABLE amenity_templates (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	amenity_id UUID, 
	kind TEXT NOT NULL, 
	days SMALLINT DEFAULT '127' NOT NULL, 
	first_on DATE, 
	last_on DATE, 
	opens TIME WITHOUT TIME ZONE DEFAULT '00:00' NOT NULL, 
	closes TIME WITHOUT TIME ZONE DEFAULT '00:00' NOT NULL, 
	slot_minutes SMALLINT DEFAULT '60' NOT NULL, 
	capacity SMALLINT DEFAULT '1' NOT NULL, 
	per_day SMALLINT DEFAULT '2' NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, amenity_id) REFERENCES amenities (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT amenity_templates_kind_known CHECK (kind IN ('weekly', 'special', 'closed')), 
	CONSTRAINT amenity_templates_days CHECK (days BETWEEN 1 AND 127), 
	CONSTRAINT amenity_templates_time_forward CHECK (last_on >= first_on), 
	CONSTRAINT amenity_templates_dated CHECK (kind = 'weekly' OR (first_on IS NOT NULL AND last_on IS NOT NULL)), 
	CONSTRAINT amenity_templates_whose CHECK (amenity_id IS NOT NULL OR kind = 'closed'), 
	CONSTRAINT amenity_templates_numbers CHECK (slot_minutes BETWEEN 10 AND 1440 AND capacity BETWEEN 1 AND 500 AND per_day BETWEEN 1 AND 48), 
	CONSTRAINT amenity_templates_note_short CHECK (length(note) <= 200)
)
--;;
CREATE INDEX amenity_templates_amenity ON amenity_templates (org_id, hostel_id, amenity_id)
--;;
CREATE TABLE announcements (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	title VARCHAR(150) NOT NULL, 
	body TEXT DEFAULT '' NOT NULL, 
	hostel_id UUID, 
	floor_id UUID, 
	roles TEXT[] DEFAULT '{}' NOT NULL, 
	channels TEXT[] DEFAULT '{in_app}' NOT NULL, 
	emergency BOOLEAN DEFAULT 'false' NOT NULL, 
	state TEXT DEFAULT 'draft' NOT NULL, 
	send_at TIMESTAMP WITH TIME ZONE, 
	sent_at TIMESTAMP WITH TIME ZONE, 
	told INTEGER DEFAULT '0' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, floor_id) REFERENCES floors (org_id, id), 
	CONSTRAINT announcements_state_known CHECK (state IN ('draft', 'scheduled', 'sent')), 
	CONSTRAINT announcements_channels_known CHECK (channels <@ ARRAY['in_app', 'email', 'sms', 'telegram'] AND cardinality(channels) > 0), 
	CONSTRAINT announcements_said CHECK (length(btrim(title)) > 0 AND length(body) <= 4000), 
	CONSTRAINT announcements_floor_of_a_hostel CHECK (floor_id IS NULL OR hostel_id IS NOT NULL)
)
--;;
CREATE INDEX announcements_sort_created ON announcements (org_id, created_at, id)
--;;
CREATE INDEX announcements_sort_state ON announcements (org_id, state, created_at, id)
--;;
CREATE TABLE canteen_menu (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	served_on DATE NOT NULL, 
	meal TEXT NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	description TEXT DEFAULT '' NOT NULL, 
	price_paise BIGINT NOT NULL, 
	portions INTEGER NOT NULL, 
	stock INTEGER NOT NULL, 
	order_until TIMESTAMP WITH TIME ZONE NOT NULL, 
	diet TEXT DEFAULT 'veg' NOT NULL, 
	allergens TEXT[] DEFAULT '{}' NOT NULL, 
	photo_id UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, photo_id) REFERENCES files (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT canteen_menu_meal_known CHECK (meal IN ('breakfast', 'lunch', 'snacks', 'dinner')), 
	CONSTRAINT canteen_menu_diet_known CHECK (diet IN ('veg', 'egg', 'non_veg', 'vegan', 'jain')), 
	CONSTRAINT canteen_menu_allergens_known CHECK (allergens <@ ARRAY['gluten', 'crustaceans', 'egg', 'fish', 'nuts', 'soya', 'milk', 'sulphites']), 
	CONSTRAINT canteen_menu_price CHECK (price_paise BETWEEN 1 AND 1000000), 
	CONSTRAINT canteen_menu_portions CHECK (portions BETWEEN 0 AND 5000), 
	CONSTRAINT canteen_menu_stock CHECK (stock >= 0), 
	CONSTRAINT canteen_menu_named CHECK (length(btrim(name)) > 0), 
	CONSTRAINT canteen_menu_description_short CHECK (length(description) <= 500)
)
--;;
CREATE UNIQUE INDEX canteen_menu_dish_key ON canteen_menu (org_id, hostel_id, served_on, meal, lower(name)) WHERE deleted_at IS NULL
--;;
CREATE UNIQUE INDEX canteen_menu_live_key ON canteen_menu (org_id, hostel_id, id)
--;;
CREATE INDEX canteen_menu_photo ON canteen_menu (org_id, photo_id) WHERE photo_id IS NOT NULL
--;;
CREATE INDEX canteen_menu_sort_served ON canteen_menu (org_id, served_on, id)
--;;
CREATE TABLE documents (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	file_id UUID NOT NULL, 
	valid_until DATE, 
	status TEXT DEFAULT 'current' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, file_id) REFERENCES files (org_id, id), 
	CONSTRAINT documents_kind_known CHECK (kind IN ('identity', 'address', 'photo', 'student', 'parent_identity', 'agreement', 'police_verification', 'other')), 
	CONSTRAINT documents_status_known CHECK (status IN ('current', 'replaced', 'removed'))
)
--;;
CREATE INDEX documents_ending ON documents (org_id, valid_until) WHERE status = 'current' AND valid_until IS NOT NULL
--;;
CREATE UNIQUE INDEX documents_file_key ON documents (org_id, file_id)
--;;
CREATE INDEX documents_person ON documents (org_id, user_id, kind)
--;;
CREATE TABLE hostel_events (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	title VARCHAR(120) NOT NULL, 
	description TEXT DEFAULT '' NOT NULL, 
	place VARCHAR(120) DEFAULT '' NOT NULL, 
	starts_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	timezone VARCHAR(60) NOT NULL, 
	reply_until TIMESTAMP WITH TIME ZONE, 
	capacity INTEGER, 
	guests_most SMALLINT DEFAULT '0' NOT NULL, 
	photo_id UUID, 
	status TEXT DEFAULT 'draft' NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	sequence INTEGER DEFAULT '0' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, photo_id) REFERENCES files (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT hostel_events_status_known CHECK (status IN ('draft', 'published', 'cancelled')), 
	CONSTRAINT hostel_events_time_forward CHECK (ends_at > starts_at AND ends_at <= starts_at + interval '31 days'), 
	CONSTRAINT hostel_events_answered_before CHECK (reply_until <= starts_at), 
	CONSTRAINT hostel_events_capacity CHECK (capacity BETWEEN 1 AND 10000), 
	CONSTRAINT hostel_events_guests CHECK (guests_most BETWEEN 0 AND 10), 
	CONSTRAINT hostel_events_said CHECK (length(btrim(title)) > 0 AND length(description) <= 4000)
)
--;;
CREATE INDEX hostel_events_coming ON hostel_events (starts_at) WHERE status = 'published' AND deleted_at IS NULL
--;;
CREATE INDEX hostel_events_photo ON hostel_events (org_id, photo_id) WHERE photo_id IS NOT NULL
--;;
CREATE INDEX hostel_events_sort_starts ON hostel_events (org_id, starts_at, id)
--;;
CREATE TABLE import_runs (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	file_id UUID NOT NULL, 
	filename VARCHAR(255) NOT NULL, 
	status TEXT DEFAULT 'uploaded' NOT NULL, 
	mapping JSONB DEFAULT '{}'::jsonb NOT NULL, 
	headers JSONB DEFAULT '[]'::jsonb NOT NULL, 
	counts JSONB DEFAULT '{}'::jsonb NOT NULL, 
	message TEXT DEFAULT '' NOT NULL, 
	started_by INTEGER, 
	undone_by INTEGER, 
	started_at TIMESTAMP WITH TIME ZONE, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	undone_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, file_id) REFERENCES files (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, started_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, undone_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT import_runs_status_known CHECK (status IN ('uploaded', 'checking', 'checked', 'running', 'stopped', 'done', 'undoing', 'undone', 'discarded')), 
	CONSTRAINT import_runs_kind_known CHECK (kind IN ('requests', 'rooms', 'beds', 'residents', 'occupancy', 'contacts', 'stock'))
)
--;;
CREATE UNIQUE INDEX import_runs_live_key ON import_runs (org_id, hostel_id, id)
--;;
CREATE INDEX import_runs_sort_created ON import_runs (org_id, created_at, id)
--;;
CREATE TABLE inventory_moves (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	item_id UUID NOT NULL, 
	batch_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	quantity NUMERIC(12, 3) NOT NULL, 
	value_paise BIGINT NOT NULL, 
	stock_after NUMERIC(12, 3) NOT NULL, 
	price_paise BIGINT, 
	supplier TEXT DEFAULT '' NOT NULL, 
	bill_number TEXT DEFAULT '' NOT NULL, 
	reason TEXT, 
	note TEXT DEFAULT '' NOT NULL, 
	happened_on DATE NOT NULL, 
	reverses_id UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, item_id) REFERENCES inventory_items (org_id, id), 
	FOREIGN KEY(org_id, reverses_id) REFERENCES inventory_moves (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT inventory_moves_kind_known CHECK (kind IN ('opening', 'purchase', 'use', 'waste', 'return', 'count')), 
	CONSTRAINT inventory_moves_reason_known CHECK (reason IN ('spoiled', 'expired', 'left_over', 'burnt', 'spilled', 'pests', 'other') AND (reason IS NOT NULL) = (kind = 'waste')), 
	CONSTRAINT inventory_moves_quantity CHECK (quantity <> 0 AND stock_after >= 0), 
	CONSTRAINT inventory_moves_value CHECK (sign(quantity) * sign(value_paise) >= 0), 
	CONSTRAINT inventory_moves_short CHECK (length(note) <= 200 AND length(supplier) <= 120 AND length(bill_number) <= 60)
)
--;;
CREATE UNIQUE INDEX inventory_moves_batch_key ON inventory_moves (org_id, batch_id, item_id)
--;;
CREATE INDEX inventory_moves_item ON inventory_moves (org_id, item_id, id)
--;;
CREATE UNIQUE INDEX inventory_moves_reverses_key ON inventory_moves (org_id, reverses_id) WHERE reverses_id IS NOT NULL
--;;
CREATE INDEX inventory_moves_sort_happened ON inventory_moves (org_id, happened_on, id)
--;;
CREATE TABLE invitations (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	role TEXT NOT NULL, 
	hostel_id UUID, 
	team_member_id UUID, 
	digest BYTEA, 
	status TEXT DEFAULT 'pending' NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	accepted_by INTEGER, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, accepted_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, team_member_id) REFERENCES team_members (org_id, id), 
	CONSTRAINT invitations_status_known CHECK (status IN ('pending','accepted','revoked','expired')), 
	FOREIGN KEY(role) REFERENCES roles (role)
)
--;;
CREATE INDEX invitations_digest ON invitations (digest)
--;;
CREATE UNIQUE INDEX invitations_pending_key ON invitations (org_id, lower(email), role, hostel_id) NULLS NOT DISTINCT WHERE status = 'pending'
--;;
CREATE INDEX invitations_sort_created ON invitations (org_id, created_at, id)
--;;
CREATE TABLE notification_deliveries (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	notification_id UUID NOT NULL, 
	hostel_id UUID, 
	user_id INTEGER NOT NULL, 
	kind VARCHAR(60) NOT NULL, 
	channel TEXT NOT NULL, 
	state TEXT DEFAULT 'queued' NOT NULL, 
	reason VARCHAR(300) DEFAULT '' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	due_at TIMESTAMP WITH TIME ZONE DEFAULT app.now() NOT NULL, 
	sent_at TIMESTAMP WITH TIME ZONE, 
	delivered_at TIMESTAMP WITH TIME ZONE, 
	read_at TIMESTAMP WITH TIME ZONE, 
	source_id UUID, 
	off_digest BYTEA, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, notification_id) REFERENCES notifications (org_id, id) ON DELETE CASCADE, 
	CONSTRAINT notification_deliveries_channel_known CHECK (channel IN ('in_app', 'email', 'sms', 'telegram')), 
	CONSTRAINT notification_deliveries_state_known CHECK (state IN ('queued', 'sent', 'delivered', 'read', 'failed', 'skipped'))
)
--;;
CREATE INDEX notification_deliveries_group ON notification_deliveries (org_id, user_id, channel, kind, due_at)
--;;
CREATE UNIQUE INDEX notification_deliveries_key ON notification_deliveries (org_id, notification_id, channel)
--;;
CREATE INDEX notification_deliveries_off ON notification_deliveries (off_digest) WHERE off_digest IS NOT NULL
--;;
CREATE INDEX notification_deliveries_sort_created ON notification_deliveries (org_id, created_at, id)
--;;
CREATE INDEX notification_deliveries_sort_state ON notification_deliveries (org_id, state, created_at, id)
--;;
CREATE INDEX notification_deliveries_source ON notification_deliveries (org_id, source_id, channel, state) WHERE source_id IS NOT NULL
--;;
CREATE TABLE payment_intents (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	account_id UUID NOT NULL, 
	gateway TEXT NOT NULL, 
	reference TEXT NOT NULL, 
	amount_paise BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	status TEXT DEFAULT 'created' NOT NULL, 
	gateway_id TEXT DEFAULT '' NOT NULL, 
	checkout_url TEXT DEFAULT '' NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	asks INTEGER DEFAULT '0' NOT NULL, 
	next_ask_at TIMESTAMP WITH TIME ZONE, 
	paid_at TIMESTAMP WITH TIME ZONE, 
	payment_id TEXT DEFAULT '' NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	refunded_paise BIGINT DEFAULT '0' NOT NULL, 
	decided_by INTEGER, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, account_id) REFERENCES gateway_accounts (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, decided_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT payment_intents_gateway_known CHECK (gateway IN ('phonepe', 'razorpay', 'stripe')), 
	CONSTRAINT payment_intents_status_known CHECK (status IN ('created', 'pending', 'paid', 'review', 'failed', 'expired', 'refunded')), 
	CONSTRAINT payment_intents_amount CHECK (amount_paise BETWEEN 10000 AND 10000000), 
	CONSTRAINT payment_intents_refunded CHECK (refunded_paise BETWEEN 0 AND amount_paise), 
	CONSTRAINT payment_intents_currency CHECK (currency ~ '^[A-Z]{3}$')
)
--;;
CREATE INDEX payment_intents_due ON payment_intents (next_ask_at) WHERE status IN ('created', 'pending') AND next_ask_at IS NOT NULL
--;;
CREATE UNIQUE INDEX payment_intents_live_key ON payment_intents (org_id, hostel_id, user_id, id)
--;;
CREATE INDEX payment_intents_person ON payment_intents (org_id, user_id, created_at)
--;;
CREATE UNIQUE INDEX payment_intents_reference ON payment_intents (org_id, reference)
--;;
CREATE INDEX payment_intents_sort_created ON payment_intents (org_id, created_at, id)
--;;
CREATE TABLE rooms (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	floor_id UUID NOT NULL, 
	number VARCHAR(20) NOT NULL, 
	kind TEXT DEFAULT 'shared' NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	room_type_id UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, floor_id) REFERENCES floors (org_id, id), 
	FOREIGN KEY(org_id, room_type_id) REFERENCES room_types (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT rooms_kind_known CHECK (kind IN ('single','shared','dormitory','common')), 
	CONSTRAINT rooms_number_given CHECK (length(btrim(number)) > 0)
)
--;;
CREATE INDEX rooms_floor ON rooms (org_id, floor_id)
--;;
CREATE UNIQUE INDEX rooms_number_key ON rooms (org_id, hostel_id, number) WHERE deleted_at IS NULL
--;;
CREATE INDEX rooms_sort_number ON rooms (org_id, number, id)
--;;
CREATE INDEX rooms_type ON rooms (org_id, room_type_id)
--;;
CREATE TABLE settlement_statements (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	account_id UUID NOT NULL, 
	gateway TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	file_id UUID, 
	first_on DATE NOT NULL, 
	last_on DATE NOT NULL, 
	lines INTEGER NOT NULL, 
	added INTEGER NOT NULL, 
	net_paise BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, account_id) REFERENCES gateway_accounts (org_id, id), 
	FOREIGN KEY(org_id, file_id) REFERENCES files (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT settlement_statements_gateway_known CHECK (gateway IN ('phonepe', 'razorpay', 'stripe')), 
	CONSTRAINT settlement_statements_origin_known CHECK (origin IN ('api', 'file'))
)
--;;
CREATE UNIQUE INDEX settlement_statements_key ON settlement_statements (org_id, account_id, digest)
--;;
CREATE INDEX settlement_statements_sort_created ON settlement_statements (org_id, created_at, id)
--;;
CREATE TABLE tariffs (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	room_type_id UUID, 
	name VARCHAR(80) NOT NULL, 
	amount_paise BIGINT NOT NULL, 
	currency TEXT DEFAULT 'INR' NOT NULL, 
	per TEXT DEFAULT 'month' NOT NULL, 
	valid_from DATE NOT NULL, 
	valid_until DATE, 
	subject UUID GENERATED ALWAYS AS (md5(hostel_id::text || '/' || kind || '/' || coalesce(room_type_id::text, '') || '/' || lower(name))::uuid) STORED NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, room_type_id) REFERENCES room_types (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT tariffs_one_price EXCLUDE USING gist (public.uuidrange(org_id, org_id, '[]') WITH &&, public.uuidrange(subject, subject, '[]') WITH &&, daterange(valid_from, valid_until) WITH &&) WHERE (deleted_at IS NULL), 
	CONSTRAINT tariffs_kind_known CHECK (kind IN ('rent', 'mess', 'lunchbox', 'deposit')), 
	CONSTRAINT tariffs_per_known CHECK (per IN ('month', 'once')), 
	CONSTRAINT tariffs_amount CHECK (amount_paise BETWEEN 0 AND 1000000000), 
	CONSTRAINT tariffs_time_forward CHECK (valid_until > valid_from), 
	CONSTRAINT tariffs_named CHECK (length(btrim(name)) > 0)
)
--;;
CREATE INDEX tariffs_hostel ON tariffs (org_id, hostel_id, kind)
--;;
CREATE INDEX tariffs_sort_from ON tariffs (org_id, valid_from, id)
--;;
CREATE TABLE tasks (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	kind TEXT NOT NULL, 
	user_id INTEGER NOT NULL, 
	portal TEXT NOT NULL, 
	title JSONB DEFAULT '{}'::jsonb NOT NULL, 
	asked JSONB DEFAULT '{}'::jsonb NOT NULL, 
	status TEXT DEFAULT 'queued' NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	total INTEGER, 
	cursor JSONB DEFAULT '{}'::jsonb NOT NULL, 
	step INTEGER DEFAULT '0' NOT NULL, 
	message TEXT DEFAULT '' NOT NULL, 
	result JSONB DEFAULT '{}'::jsonb NOT NULL, 
	subject_id UUID, 
	file_id UUID, 
	started_at TIMESTAMP WITH TIME ZONE, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, file_id) REFERENCES files (org_id, id), 
	CONSTRAINT tasks_kind_known CHECK (kind IN ('import_check', 'import_run', 'import_undo', 'report', 'bulk', 'billing')), 
	CONSTRAINT tasks_status_known CHECK (status IN ('queued', 'running', 'cancelling', 'done', 'failed', 'cancelled'))
)
--;;
CREATE INDEX tasks_active ON tasks (org_id, user_id) WHERE status IN ('cancelling', 'queued', 'running')
--;;
CREATE INDEX tasks_file ON tasks (org_id, file_id) WHERE file_id IS NOT NULL
--;;
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL
--;;
CREATE UNIQUE INDEX tasks_live_key ON tasks (org_id, user_id, id)
--;;
CREATE INDEX tasks_own ON tasks (org_id, user_id, created_at, id)
--;;
CREATE INDEX tasks_sort_created ON tasks (org_id, created_at, id)
--;;
CREATE UNIQUE INDEX tasks_subject_key ON tasks (org_id, subject_id) WHERE subject_id IS NOT NULL AND status IN ('cancelling', 'queued', 'running')
--;;
CREATE TABLE telegram_messages (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	chat_id UUID NOT NULL, 
	number BIGINT GENERATED ALWAYS AS IDENTITY, 
	key TEXT NOT NULL, 
	part SMALLINT DEFAULT '1' NOT NULL, 
	body TEXT NOT NULL, 
	html BOOLEAN NOT NULL, 
	buttons JSONB DEFAULT '[]' NOT NULL, 
	state TEXT DEFAULT 'pending' NOT NULL, 
	due_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	attempted_at TIMESTAMP WITH TIME ZONE, 
	uncertain INTEGER DEFAULT '0' NOT NULL, 
	claimed_by TEXT, 
	claimed_until TIMESTAMP WITH TIME ZONE, 
	sent_at TIMESTAMP WITH TIME ZONE, 
	message_number BIGINT, 
	reason TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, chat_id) REFERENCES telegram_chats (org_id, id) ON DELETE CASCADE, 
	CONSTRAINT telegram_messages_state_known CHECK (state IN ('pending', 'sent', 'failed')), 
	CONSTRAINT telegram_messages_body_fits CHECK (length(body) <= 4096)
)
--;;
CREATE INDEX telegram_messages_chat ON telegram_messages (org_id, chat_id, number)
--;;
CREATE INDEX telegram_messages_heads ON telegram_messages (chat_id, number) WHERE state = 'pending'
--;;
CREATE UNIQUE INDEX telegram_messages_key ON telegram_messages (org_id, key, part)
--;;
CREATE INDEX telegram_messages_old ON telegram_messages (created_at) WHERE body <> ''
--;;
CREATE TABLE wallet_balance_cache (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	currency TEXT NOT NULL, 
	balance_paise BIGINT DEFAULT '0' NOT NULL, 
	limit_paise BIGINT DEFAULT '0' NOT NULL, 
	version BIGINT DEFAULT '0' NOT NULL, 
	frozen BOOLEAN DEFAULT false NOT NULL, 
	last_computed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, id) REFERENCES ledger_accounts (org_id, id), 
	CONSTRAINT wallet_balance_cache_limit CHECK (balance_paise >= -limit_paise AND limit_paise >= 0)
)
 WITH (fillfactor = 50)
--;;
CREATE UNIQUE INDEX wallet_balance_cache_live_key ON wallet_balance_cache (org_id, hostel_id, user_id, id)
--;;
CREATE UNIQUE INDEX wallet_balance_cache_person_key ON wallet_balance_cache (org_id, hostel_id, user_id)
--;;
CREATE TABLE amenity_bookings (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	amenity_id UUID NOT NULL, 
	slot_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	status TEXT DEFAULT 'booked' NOT NULL, 
	day DATE NOT NULL, 
	starts_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	parallel BOOLEAN DEFAULT false NOT NULL, 
	booked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, amenity_id) REFERENCES amenities (org_id, id), 
	FOREIGN KEY(org_id, slot_id) REFERENCES amenity_slots (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT amenity_bookings_one_place EXCLUDE USING gist (public.uuidrange(org_id, org_id, '[]') WITH &&, int4range(user_id, user_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&) WHERE (status = 'booked' AND NOT parallel), 
	CONSTRAINT amenity_bookings_status_known CHECK (status IN ('booked', 'attended', 'no_show', 'cancelled')), 
	CONSTRAINT amenity_bookings_reason_short CHECK (length(reason) <= 300)
)
--;;
CREATE UNIQUE INDEX amenity_bookings_live_key ON amenity_bookings (org_id, hostel_id, user_id, id)
--;;
CREATE INDEX amenity_bookings_person ON amenity_bookings (org_id, user_id, starts_at, id)
--;;
CREATE UNIQUE INDEX amenity_bookings_person_key ON amenity_bookings (org_id, slot_id, user_id) WHERE status <> 'cancelled'
--;;
CREATE INDEX amenity_bookings_sort_starts ON amenity_bookings (org_id, starts_at, id)
--;;
CREATE INDEX amenity_bookings_usage ON amenity_bookings (org_id, hostel_id, day)
--;;
CREATE TABLE beds (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	room_id UUID NOT NULL, 
	label VARCHAR(12) NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, room_id) REFERENCES rooms (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id)
)
--;;
CREATE INDEX beds_hostel ON beds (org_id, hostel_id)
--;;
CREATE UNIQUE INDEX beds_label_key ON beds (org_id, room_id, label) WHERE deleted_at IS NULL
--;;
CREATE INDEX beds_sort_label ON beds (org_id, label, id)
--;;
CREATE TABLE canteen_orders (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	number INTEGER NOT NULL, 
	reference TEXT GENERATED ALWAYS AS ('CO-' || CASE WHEN number < 10000 THEN lpad(number::text, 4, '0') ELSE number::text END) STORED NOT NULL, 
	user_id INTEGER NOT NULL, 
	room_id UUID NOT NULL, 
	served_on DATE NOT NULL, 
	meal TEXT NOT NULL, 
	status TEXT DEFAULT 'cart' NOT NULL, 
	total_paise BIGINT NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	refund TEXT DEFAULT 'none' NOT NULL, 
	placed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	moved_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, room_id) REFERENCES rooms (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT canteen_orders_status_known CHECK (status IN ('cart', 'placed', 'confirmed', 'preparing', 'ready', 'delivered', 'completed', 'cancelled')), 
	CONSTRAINT canteen_orders_refund_known CHECK (refund IN ('none', 'asked', 'done', 'refused')), 
	CONSTRAINT canteen_orders_meal_known CHECK (meal IN ('breakfast', 'lunch', 'snacks', 'dinner')), 
	CONSTRAINT canteen_orders_total CHECK (total_paise > 0), 
	CONSTRAINT canteen_orders_note_short CHECK (length(note) <= 200)
)
--;;
CREATE INDEX canteen_orders_kitchen ON canteen_orders (org_id, hostel_id, served_on, meal)
--;;
CREATE UNIQUE INDEX canteen_orders_live_key ON canteen_orders (org_id, hostel_id, user_id, id)
--;;
CREATE UNIQUE INDEX canteen_orders_number_key ON canteen_orders (org_id, hostel_id, number)
--;;
CREATE INDEX canteen_orders_person ON canteen_orders (org_id, user_id, placed_at, id)
--;;
CREATE INDEX canteen_orders_sort_number ON canteen_orders (org_id, number, id)
--;;
CREATE INDEX canteen_orders_sort_placed ON canteen_orders (org_id, placed_at, id)
--;;
CREATE TABLE event_replies (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	event_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	guests SMALLINT DEFAULT '0' NOT NULL, 
	waiting_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, event_id) REFERENCES hostel_events (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT event_replies_state_known CHECK (state IN ('coming', 'waiting', 'maybe', 'declined')), 
	CONSTRAINT event_replies_guests CHECK (guests BETWEEN 0 AND 10), 
	CONSTRAINT event_replies_in_line CHECK ((state = 'waiting') = (waiting_at IS NOT NULL))
)
--;;
CREATE INDEX event_replies_person ON event_replies (org_id, user_id)
--;;
CREATE UNIQUE INDEX event_replies_person_key ON event_replies (org_id, event_id, user_id)
--;;
CREATE TABLE import_rows (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	run_id UUID NOT NULL, 
	hostel_id UUID NOT NULL, 
	number INTEGER NOT NULL, 
	outcome TEXT NOT NULL, 
	code TEXT DEFAULT '' NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	column_name TEXT DEFAULT '' NOT NULL, 
	source JSONB DEFAULT '[]'::jsonb NOT NULL, 
	request JSONB, 
	sealed TEXT, 
	row_id UUID, 
	settled_at TIMESTAMP WITH TIME ZONE, 
	undo TEXT, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, run_id) REFERENCES import_runs (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	CONSTRAINT import_rows_outcome_known CHECK (outcome IN ('accepted', 'refused', 'created', 'restored', 'unchanged')), 
	CONSTRAINT import_rows_undo_known CHECK (undo IN ('hidden', 'kept'))
)
--;;
CREATE UNIQUE INDEX import_rows_number_key ON import_rows (org_id, run_id, number)
--;;
CREATE INDEX import_rows_outcome ON import_rows (org_id, run_id, outcome, number)
--;;
CREATE INDEX import_rows_request ON import_rows (org_id, row_id) WHERE row_id IS NOT NULL
--;;
CREATE INDEX import_rows_undoable ON import_rows (org_id, run_id, number) WHERE outcome IN ('created', 'restored') AND undo IS NULL
--;;
CREATE TABLE inquiries (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	hostel_key UUID GENERATED ALWAYS AS (coalesce(hostel_id, '00000000-0000-0000-0000-000000000000'::uuid)) STORED NOT NULL, 
	number INTEGER NOT NULL, 
	reference TEXT GENERATED ALWAYS AS ('I-' || CASE WHEN number < 10000 THEN lpad(number::text, 4, '0') ELSE number::text END) STORED NOT NULL, 
	status TEXT DEFAULT 'new' NOT NULL, 
	stage_since TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	full_name VARCHAR(200) NOT NULL, 
	phone_token TEXT NOT NULL, 
	phone_index TEXT NOT NULL, 
	phone_masked VARCHAR(60) NOT NULL, 
	email_token TEXT, 
	email_index TEXT, 
	email_masked VARCHAR(400), 
	message TEXT DEFAULT '' NOT NULL, 
	language TEXT DEFAULT '' NOT NULL, 
	move_in_on DATE, 
	source VARCHAR(120) NOT NULL, 
	campaign TEXT DEFAULT '' NOT NULL, 
	referrer TEXT DEFAULT '' NOT NULL, 
	asked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	last_asked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	times_asked INTEGER DEFAULT '0' NOT NULL, 
	owner_id INTEGER, 
	next_action TEXT DEFAULT '' NOT NULL, 
	next_action_at TIMESTAMP WITH TIME ZONE, 
	reminded_at TIMESTAMP WITH TIME ZONE, 
	lost_reason TEXT, 
	duplicate_of UUID, 
	invitation_id UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, owner_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, duplicate_of) REFERENCES inquiries (org_id, id), 
	FOREIGN KEY(org_id, invitation_id) REFERENCES invitations (org_id, id), 
	CONSTRAINT inquiries_status_known CHECK (status IN ('new', 'contacted', 'visit_scheduled', 'visited', 'negotiating', 'won', 'lost')), 
	CONSTRAINT inquiries_lost_reason_known CHECK (lost_reason IN ('price', 'location', 'no_free_bed', 'not_as_expected', 'chose_another', 'no_answer', 'not_serious', 'other')), 
	CONSTRAINT inquiries_lost_why CHECK ((status = 'lost') = (lost_reason IS NOT NULL)), 
	CONSTRAINT inquiries_named_at_all CHECK (length(btrim(full_name)) > 0), 
	CONSTRAINT inquiries_message_length CHECK (length(message) <= 2000), 
	CONSTRAINT inquiries_short_texts CHECK (length(next_action) <= 120 AND length(campaign) <= 120 AND length(referrer) <= 120), 
	CONSTRAINT inquiries_email_whole CHECK (num_nonnulls(email_token, email_index, email_masked) IN (0, 3)), 
	CONSTRAINT inquiries_copy_of_another CHECK (duplicate_of <> id)
)
--;;
CREATE INDEX inquiries_board ON inquiries (org_id, status, stage_since, id) WHERE deleted_at IS NULL AND duplicate_of IS NULL
--;;
CREATE INDEX inquiries_copies ON inquiries (org_id, duplicate_of) WHERE duplicate_of IS NOT NULL
--;;
CREATE INDEX inquiries_due ON inquiries (next_action_at) WHERE reminded_at IS NULL AND deleted_at IS NULL
--;;
CREATE INDEX inquiries_email ON inquiries (org_id, email_index) WHERE email_index IS NOT NULL
--;;
CREATE INDEX inquiries_invitation ON inquiries (org_id, invitation_id) WHERE invitation_id IS NOT NULL
--;;
CREATE UNIQUE INDEX inquiries_live_key ON inquiries (org_id, hostel_key, id)
--;;
CREATE INDEX inquiries_named ON inquiries (org_id, lower(full_name))
--;;
CREATE UNIQUE INDEX inquiries_number_key ON inquiries (org_id, number)
--;;
CREATE INDEX inquiries_owner ON inquiries (org_id, owner_id)
--;;
CREATE INDEX inquiries_phone ON inquiries (org_id, phone_index)
--;;
CREATE INDEX inquiries_sort_asked ON inquiries (org_id, last_asked_at, id)
--;;
CREATE INDEX inquiries_sort_name ON inquiries (org_id, full_name, id)
--;;
CREATE INDEX inquiries_sort_next ON inquiries (org_id, next_action_at, id)
--;;
CREATE INDEX inquiries_sort_since ON inquiries (org_id, stage_since, id)
--;;
CREATE INDEX inquiries_sort_status ON inquiries (org_id, status, id)
--;;
CREATE TABLE maintenance_requests (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	number INTEGER NOT NULL, 
	reference TEXT GENERATED ALWAYS AS ('MR-' || CASE WHEN number < 10000 THEN lpad(number::text, 4, '0') ELSE number::text END) STORED NOT NULL, 
	user_id INTEGER, 
	category_id UUID NOT NULL, 
	issue_type_id UUID, 
	room_id UUID, 
	place TEXT DEFAULT '' NOT NULL, 
	description TEXT DEFAULT '' NOT NULL, 
	priority TEXT DEFAULT 'normal' NOT NULL, 
	status TEXT DEFAULT 'submitted' NOT NULL, 
	raised_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	clock_started_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	resolve_by TIMESTAMP WITH TIME ZONE, 
	escalate_at TIMESTAMP WITH TIME ZONE, 
	held INTERVAL DEFAULT interval '0' NOT NULL, 
	held_since TIMESTAMP WITH TIME ZONE, 
	escalated_at TIMESTAMP WITH TIME ZONE, 
	resolved_at TIMESTAMP WITH TIME ZONE, 
	resolution TEXT DEFAULT '' NOT NULL, 
	import_run_id UUID, 
	external_id VARCHAR(120), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, category_id) REFERENCES maintenance_categories (org_id, id), 
	FOREIGN KEY(org_id, issue_type_id) REFERENCES maintenance_issue_types (org_id, id), 
	FOREIGN KEY(org_id, room_id) REFERENCES rooms (org_id, id), 
	FOREIGN KEY(org_id, import_run_id) REFERENCES import_runs (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT maintenance_requests_status_known CHECK (status IN ('submitted', 'unassigned', 'assigned', 'in_progress', 'on_hold', 'escalated', 'resolved', 'rejected')), 
	CONSTRAINT maintenance_requests_priority_known CHECK (priority IN ('high', 'normal')), 
	CONSTRAINT maintenance_requests_description_length CHECK (length(description) <= 4000), 
	CONSTRAINT maintenance_requests_place_length CHECK (length(place) <= 200), 
	CONSTRAINT maintenance_requests_resolved_when CHECK (status <> 'resolved' OR resolved_at IS NOT NULL)
)
--;;
CREATE INDEX maintenance_requests_board ON maintenance_requests (org_id, status, resolve_by, id) WHERE deleted_at IS NULL AND status NOT IN ('resolved','rejected')
--;;
CREATE INDEX maintenance_requests_category ON maintenance_requests (org_id, category_id)
--;;
CREATE INDEX maintenance_requests_closed ON maintenance_requests (org_id, status, held_since) WHERE status IN ('resolved','rejected')
--;;
CREATE UNIQUE INDEX maintenance_requests_external_key ON maintenance_requests (org_id, hostel_id, external_id)
--;;
CREATE INDEX maintenance_requests_import ON maintenance_requests (org_id, import_run_id) WHERE import_run_id IS NOT NULL
--;;
CREATE UNIQUE INDEX maintenance_requests_number_key ON maintenance_requests (org_id, hostel_id, number)
--;;
CREATE INDEX maintenance_requests_requester ON maintenance_requests (org_id, user_id, raised_at, id)
--;;
CREATE INDEX maintenance_requests_sort_due ON maintenance_requests (org_id, resolve_by, id)
--;;
CREATE INDEX maintenance_requests_sort_number ON maintenance_requests (org_id, number, id)
--;;
CREATE INDEX maintenance_requests_sort_priority ON maintenance_requests (org_id, priority, id)
--;;
CREATE INDEX maintenance_requests_sort_raised ON maintenance_requests (org_id, raised_at, id)
--;;
CREATE INDEX maintenance_requests_sort_status ON maintenance_requests (org_id, status, id)
--;;
CREATE INDEX maintenance_requests_sweep ON maintenance_requests (escalate_at) WHERE held_since IS NULL AND deleted_at IS NULL AND escalated_at IS NULL
--;;
CREATE TABLE payment_confirmations (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	intent_id UUID NOT NULL, 
	gateway TEXT NOT NULL, 
	payment_id TEXT NOT NULL, 
	amount_paise BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	source TEXT NOT NULL, 
	delivery_id UUID, 
	paid_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, intent_id) REFERENCES payment_intents (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT payment_confirmations_gateway_known CHECK (gateway IN ('phonepe', 'razorpay', 'stripe')), 
	CONSTRAINT payment_confirmations_source_known CHECK (source IN ('webhook', 'status')), 
	CONSTRAINT payment_confirmations_payment_given CHECK (payment_id <> '')
)
--;;
CREATE UNIQUE INDEX payment_confirmations_intent ON payment_confirmations (org_id, intent_id)
--;;
CREATE UNIQUE INDEX payment_confirmations_key ON payment_confirmations (org_id, gateway, payment_id)
--;;
CREATE TABLE payment_flags (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	user_id INTEGER, 
	intent_id UUID, 
	delivery_id UUID, 
	gateway TEXT, 
	kind TEXT NOT NULL, 
	about TEXT NOT NULL, 
	amount_paise BIGINT, 
	currency TEXT, 
	resolved_at TIMESTAMP WITH TIME ZONE, 
	resolved_by INTEGER, 
	resolution VARCHAR(500), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, intent_id) REFERENCES payment_intents (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, resolved_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT payment_flags_kind_known CHECK (kind IN ('velocity', 'unusual_amount', 'late_payment', 'unknown_intent', 'amount_differs', 'currency_differs', 'paid_twice', 'refund_failed'))
)
--;;
CREATE UNIQUE INDEX payment_flags_key ON payment_flags (org_id, kind, about)
--;;
CREATE INDEX payment_flags_sort_created ON payment_flags (org_id, created_at, id)
--;;
CREATE TABLE payment_refunds (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	intent_id UUID NOT NULL, 
	proposal_id UUID, 
	transaction_id UUID, 
	amount_paise BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	status TEXT DEFAULT 'proposed' NOT NULL, 
	key TEXT NOT NULL, 
	refund_id TEXT DEFAULT '' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	attempted_at TIMESTAMP WITH TIME ZONE, 
	reason VARCHAR(500) NOT NULL, 
	result VARCHAR(500), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, intent_id) REFERENCES payment_intents (org_id, id), 
	FOREIGN KEY(org_id, proposal_id) REFERENCES ledger_proposals (org_id, id), 
	FOREIGN KEY(org_id, transaction_id) REFERENCES ledger_transactions (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT payment_refunds_status_known CHECK (status IN ('proposed', 'approved', 'sent', 'done', 'failed', 'rejected', 'withdrawn')), 
	CONSTRAINT payment_refunds_amount CHECK (amount_paise > 0)
)
--;;
CREATE INDEX payment_refunds_intent ON payment_refunds (org_id, intent_id)
--;;
CREATE UNIQUE INDEX payment_refunds_key ON payment_refunds (org_id, key)
--;;
CREATE TABLE room_photos (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	room_id UUID NOT NULL, 
	file_id UUID NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, room_id) REFERENCES rooms (org_id, id), 
	FOREIGN KEY(org_id, file_id) REFERENCES files (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id)
)
--;;
CREATE UNIQUE INDEX room_photos_file_key ON room_photos (org_id, file_id)
--;;
CREATE INDEX room_photos_room ON room_photos (org_id, room_id)
--;;
CREATE TABLE wallet_freezes (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	wallet_id UUID NOT NULL, 
	reason VARCHAR(500) NOT NULL, 
	lifted_at TIMESTAMP WITH TIME ZONE, 
	lifted_by INTEGER, 
	lift_reason VARCHAR(500), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, wallet_id) REFERENCES wallet_balance_cache (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, lifted_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT wallet_freezes_reason_given CHECK (length(btrim(reason)) > 0)
)
--;;
CREATE UNIQUE INDEX wallet_freezes_one ON wallet_freezes (org_id, wallet_id) WHERE lifted_at IS NULL
--;;
CREATE INDEX wallet_freezes_wallet ON wallet_freezes (org_id, wallet_id, created_at)
--;;
CREATE TABLE amenity_waits (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	amenity_id UUID NOT NULL, 
	slot_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	seq BIGINT GENERATED ALWAYS AS IDENTITY, 
	status TEXT DEFAULT 'waiting' NOT NULL, 
	starts_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	offered_until TIMESTAMP WITH TIME ZONE, 
	moved_from UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, amenity_id) REFERENCES amenities (org_id, id), 
	FOREIGN KEY(org_id, slot_id) REFERENCES amenity_slots (org_id, id), 
	FOREIGN KEY(org_id, moved_from) REFERENCES amenity_bookings (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT amenity_waits_status_known CHECK (status IN ('waiting', 'offered', 'taken', 'lapsed', 'left')), 
	CONSTRAINT amenity_waits_offered_until CHECK (status <> 'offered' OR offered_until IS NOT NULL)
)
--;;
CREATE INDEX amenity_waits_due ON amenity_waits ((coalesce(offered_until, starts_at))) WHERE status IN ('waiting','offered')
--;;
CREATE INDEX amenity_waits_line ON amenity_waits (org_id, slot_id, seq) WHERE status IN ('waiting','offered')
--;;
CREATE UNIQUE INDEX amenity_waits_live_key ON amenity_waits (org_id, hostel_id, user_id, id)
--;;
CREATE INDEX amenity_waits_person ON amenity_waits (org_id, user_id)
--;;
CREATE UNIQUE INDEX amenity_waits_person_key ON amenity_waits (org_id, slot_id, user_id) WHERE status IN ('waiting','offered')
--;;
CREATE TABLE bed_holds (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	bed_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	from_on DATE NOT NULL, 
	until_on DATE, 
	state TEXT DEFAULT 'queued' NOT NULL, 
	queued_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	held_until TIMESTAMP WITH TIME ZONE, 
	offered_until TIMESTAMP WITH TIME ZONE, 
	submission_id UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, bed_id) REFERENCES beds (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT bed_holds_state_known CHECK (state IN ('queued', 'offered', 'held', 'confirmed', 'expired', 'released', 'lapsed')), 
	CONSTRAINT bed_holds_time_forward CHECK (until_on > from_on), 
	CONSTRAINT bed_holds_held_until CHECK (state <> 'held' OR (held_until IS NOT NULL AND offered_until IS NULL)), 
	CONSTRAINT bed_holds_offered_until CHECK (state <> 'offered' OR offered_until IS NOT NULL)
)
--;;
CREATE INDEX bed_holds_line ON bed_holds (org_id, bed_id, queued_at, id) WHERE state IN ('queued','offered','held')
--;;
CREATE INDEX bed_holds_overdue ON bed_holds ((coalesce(offered_until, held_until))) WHERE state IN ('offered','held')
--;;
CREATE INDEX bed_holds_person ON bed_holds (org_id, user_id)
--;;
CREATE UNIQUE INDEX bed_holds_person_key ON bed_holds (org_id, bed_id, user_id) WHERE state IN ('queued','offered','held')
--;;
CREATE INDEX bed_holds_sort_queued ON bed_holds (org_id, queued_at, id)
--;;
CREATE TABLE canteen_order_items (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	order_id UUID NOT NULL, 
	dish_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	quantity SMALLINT NOT NULL, 
	price_paise BIGINT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, order_id) REFERENCES canteen_orders (org_id, id), 
	FOREIGN KEY(org_id, dish_id) REFERENCES canteen_menu (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT canteen_order_items_quantity CHECK (quantity BETWEEN 1 AND 20)
)
--;;
CREATE INDEX canteen_order_items_dish ON canteen_order_items (org_id, dish_id)
--;;
CREATE UNIQUE INDEX canteen_order_items_dish_key ON canteen_order_items (org_id, order_id, dish_id)
--;;
CREATE TABLE device_fingerprints (
	org_id UUID NOT NULL, 
	cookie BYTEA NOT NULL, 
	local_token BYTEA, 
	fingerprint BYTEA, 
	inquiry_id UUID NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, cookie), 
	FOREIGN KEY(org_id, inquiry_id) REFERENCES inquiries (org_id, id)
)
--;;
CREATE INDEX device_fingerprints_inquiry ON device_fingerprints (org_id, inquiry_id)
--;;
CREATE INDEX device_fingerprints_local ON device_fingerprints (org_id, local_token, fingerprint)
--;;
CREATE INDEX device_fingerprints_seen ON device_fingerprints (seen_at)
--;;
CREATE TABLE inquiry_dedup_index (
	org_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	inquiry_id UUID NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, kind, digest), 
	FOREIGN KEY(org_id, inquiry_id) REFERENCES inquiries (org_id, id), 
	CONSTRAINT inquiry_dedup_index_kind_known CHECK (kind IN ('email','phone'))
)
--;;
CREATE INDEX inquiry_dedup_index_inquiry ON inquiry_dedup_index (org_id, inquiry_id)
--;;
CREATE TABLE inquiry_notes (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	inquiry_id UUID NOT NULL, 
	parent_id UUID, 
	user_id INTEGER DEFAULT app.current_user_id(), 
	body TEXT NOT NULL, 
	by_staff BOOLEAN GENERATED ALWAYS AS (true) STORED NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, inquiry_id) REFERENCES inquiries (org_id, id), 
	FOREIGN KEY(org_id, parent_id) REFERENCES inquiry_notes (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT inquiry_notes_body CHECK (length(btrim(body)) BETWEEN 1 AND 4000)
)
--;;
CREATE INDEX inquiry_notes_inquiry ON inquiry_notes (org_id, inquiry_id, created_at)
--;;
CREATE TABLE inquiry_stage_history (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	seq BIGINT GENERATED ALWAYS AS IDENTITY, 
	inquiry_id UUID NOT NULL, 
	from_status TEXT, 
	to_status TEXT NOT NULL, 
	event TEXT, 
	changed_by INTEGER, 
	triggered_by TEXT NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	event_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, inquiry_id) REFERENCES inquiries (org_id, id), 
	FOREIGN KEY(org_id, changed_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT inquiry_stage_history_trigger_known CHECK (triggered_by IN ('user','system'))
)
--;;
CREATE INDEX inquiry_stage_history_inquiry ON inquiry_stage_history (org_id, inquiry_id, seq)
--;;
CREATE TABLE maintenance_assignments (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	request_id UUID NOT NULL, 
	user_id INTEGER, 
	outside_party VARCHAR(120), 
	active BOOLEAN DEFAULT 'true' NOT NULL, 
	assigned_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	released_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, request_id) REFERENCES maintenance_requests (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT maintenance_assignments_one_party CHECK (num_nonnulls(user_id, outside_party) = 1), 
	CONSTRAINT maintenance_assignments_released_when CHECK (active = (released_at IS NULL))
)
--;;
CREATE UNIQUE INDEX maintenance_assignments_live_key ON maintenance_assignments (org_id, hostel_id, id)
--;;
CREATE UNIQUE INDEX maintenance_assignments_one_active ON maintenance_assignments (org_id, request_id) WHERE active
--;;
CREATE INDEX maintenance_assignments_request ON maintenance_assignments (org_id, request_id)
--;;
CREATE INDEX maintenance_assignments_staff ON maintenance_assignments (org_id, user_id, active)
--;;
CREATE TABLE maintenance_attachments (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	request_id UUID NOT NULL, 
	file_id UUID NOT NULL, 
	user_id INTEGER DEFAULT app.current_user_id(), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, request_id) REFERENCES maintenance_requests (org_id, id), 
	FOREIGN KEY(org_id, file_id) REFERENCES files (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id)
)
--;;
CREATE UNIQUE INDEX maintenance_attachments_file_key ON maintenance_attachments (org_id, file_id)
--;;
CREATE INDEX maintenance_attachments_request ON maintenance_attachments (org_id, request_id)
--;;
CREATE TABLE maintenance_comments (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	request_id UUID NOT NULL, 
	parent_id UUID, 
	user_id INTEGER DEFAULT app.current_user_id(), 
	by_staff BOOLEAN DEFAULT app.is_staff() NOT NULL, 
	body TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, request_id) REFERENCES maintenance_requests (org_id, id), 
	FOREIGN KEY(org_id, parent_id) REFERENCES maintenance_comments (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	CONSTRAINT maintenance_comments_body CHECK (length(btrim(body)) BETWEEN 1 AND 4000)
)
--;;
CREATE INDEX maintenance_comments_request ON maintenance_comments (org_id, request_id, created_at)
--;;
CREATE TABLE maintenance_status_history (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	seq BIGINT GENERATED ALWAYS AS IDENTITY, 
	hostel_id UUID NOT NULL, 
	request_id UUID NOT NULL, 
	from_status TEXT, 
	to_status TEXT NOT NULL, 
	event TEXT, 
	changed_by INTEGER, 
	triggered_by TEXT NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	public_note TEXT GENERATED ALWAYS AS (CASE WHEN to_status IN ('in_progress','on_hold','resolved','rejected') THEN note ELSE '' END) STORED NOT NULL, 
	event_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, request_id) REFERENCES maintenance_requests (org_id, id), 
	FOREIGN KEY(org_id, changed_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT maintenance_status_history_trigger_known CHECK (triggered_by IN ('user','system'))
)
--;;
CREATE INDEX maintenance_status_history_request ON maintenance_status_history (org_id, request_id, seq)
--;;
CREATE TABLE settlement_lines (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	account_id UUID NOT NULL, 
	statement_id UUID NOT NULL, 
	gateway TEXT NOT NULL, 
	line_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	payment_id TEXT NOT NULL, 
	reference TEXT NOT NULL, 
	gateway_refund_id TEXT NOT NULL, 
	amount_paise BIGINT NOT NULL, 
	fee_paise BIGINT NOT NULL, 
	tax_paise BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	utr TEXT NOT NULL, 
	settled_on DATE NOT NULL, 
	occurred_at TIMESTAMP WITH TIME ZONE, 
	confirmation_id UUID, 
	refund_id UUID, 
	transaction_id UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, account_id) REFERENCES gateway_accounts (org_id, id), 
	FOREIGN KEY(org_id, statement_id) REFERENCES settlement_statements (org_id, id), 
	FOREIGN KEY(org_id, confirmation_id) REFERENCES payment_confirmations (org_id, id), 
	FOREIGN KEY(org_id, refund_id) REFERENCES payment_refunds (org_id, id), 
	FOREIGN KEY(org_id, transaction_id) REFERENCES ledger_transactions (org_id, id), 
	CONSTRAINT settlement_lines_kind_known CHECK (kind IN ('payment', 'refund', 'fee', 'adjustment')), 
	CONSTRAINT settlement_lines_one_side CHECK (confirmation_id IS NULL OR refund_id IS NULL)
)
--;;
CREATE UNIQUE INDEX settlement_lines_confirmation ON settlement_lines (org_id, confirmation_id) WHERE confirmation_id IS NOT NULL
--;;
CREATE UNIQUE INDEX settlement_lines_key ON settlement_lines (org_id, account_id, line_id)
--;;
CREATE UNIQUE INDEX settlement_lines_refund ON settlement_lines (org_id, refund_id) WHERE refund_id IS NOT NULL
--;;
CREATE INDEX settlement_lines_statement ON settlement_lines (org_id, statement_id)
--;;
CREATE TABLE stays (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	resident_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	bed_id UUID NOT NULL, 
	from_on DATE NOT NULL, 
	until_on DATE, 
	status TEXT DEFAULT 'upcoming' NOT NULL, 
	room_type_id UUID, 
	rent_paise BIGINT, 
	mess_plan TEXT DEFAULT '' NOT NULL, 
	lunchbox BOOLEAN DEFAULT 'false' NOT NULL, 
	hidden_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, resident_id) REFERENCES residents (org_id, id), 
	FOREIGN KEY(org_id, bed_id) REFERENCES beds (org_id, id), 
	FOREIGN KEY(org_id, room_type_id) REFERENCES room_types (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT stays_one_at_a_time EXCLUDE USING gist (public.uuidrange(org_id, org_id, '[]') WITH &&, public.uuidrange(resident_id, resident_id, '[]') WITH &&, daterange(from_on, until_on) WITH &&) WHERE (status <> 'ended'), 
	CONSTRAINT stays_status_known CHECK (status IN ('upcoming', 'current', 'ended')), 
	CONSTRAINT stays_time_forward CHECK (until_on >= from_on), 
	CONSTRAINT stays_ended_when CHECK (status <> 'ended' OR until_on IS NOT NULL), 
	CONSTRAINT stays_rent CHECK (rent_paise BETWEEN 0 AND 1000000000)
)
--;;
CREATE INDEX stays_bed ON stays (org_id, bed_id)
--;;
CREATE INDEX stays_resident ON stays (org_id, resident_id)
--;;
CREATE INDEX stays_sort_from ON stays (org_id, from_on, id)
--;;
CREATE INDEX stays_turning ON stays (org_id, status, from_on, until_on) WHERE status <> 'ended'
--;;
CREATE TABLE bed_allocations (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	bed_id UUID NOT NULL, 
	period DATERANGE NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT DEFAULT 'active' NOT NULL, 
	hold_id UUID, 
	stay_id UUID, 
	request_id UUID, 
	user_id INTEGER, 
	note TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, bed_id) REFERENCES beds (org_id, id), 
	FOREIGN KEY(org_id, hold_id) REFERENCES bed_holds (org_id, id), 
	FOREIGN KEY(org_id, stay_id) REFERENCES stays (org_id, id), 
	FOREIGN KEY(org_id, request_id) REFERENCES maintenance_requests (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT bed_allocations_no_bed_twice EXCLUDE USING gist (public.uuidrange(org_id, org_id, '[]') WITH &&, public.uuidrange(bed_id, bed_id, '[]') WITH &&, period WITH &&) WHERE (state = 'active'), 
	CONSTRAINT bed_allocations_kind_known CHECK (kind IN ('hold', 'stay', 'block')), 
	CONSTRAINT bed_allocations_state_known CHECK (state IN ('active', 'released', 'expired')), 
	CONSTRAINT bed_allocations_period CHECK (NOT isempty(period) AND NOT lower_inf(period)), 
	CONSTRAINT bed_allocations_whose CHECK ((kind = 'stay') = (stay_id IS NOT NULL) AND (kind <> 'hold' OR hold_id IS NOT NULL) AND (kind = 'block') = (user_id IS NULL))
)
--;;
CREATE INDEX bed_allocations_hold ON bed_allocations (org_id, hold_id) WHERE hold_id IS NOT NULL
--;;
CREATE INDEX bed_allocations_hostel ON bed_allocations (org_id, hostel_id, state)
--;;
CREATE INDEX bed_allocations_request ON bed_allocations (org_id, request_id) WHERE request_id IS NOT NULL
--;;
CREATE INDEX bed_allocations_stay ON bed_allocations (org_id, stay_id) WHERE stay_id IS NOT NULL
--;;
CREATE TABLE bed_hold_events (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	seq BIGINT GENERATED ALWAYS AS IDENTITY, 
	hostel_id UUID NOT NULL, 
	bed_id UUID NOT NULL, 
	hold_id UUID NOT NULL, 
	from_status TEXT, 
	to_status TEXT NOT NULL, 
	event TEXT NOT NULL, 
	changed_by INTEGER, 
	triggered_by TEXT NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	event_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, bed_id) REFERENCES beds (org_id, id), 
	FOREIGN KEY(org_id, hold_id) REFERENCES bed_holds (org_id, id), 
	FOREIGN KEY(org_id, changed_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT bed_hold_events_trigger_known CHECK (triggered_by IN ('user','system'))
)
--;;
CREATE INDEX bed_hold_events_bed ON bed_hold_events (org_id, bed_id, seq)
--;;
CREATE INDEX bed_hold_events_hold ON bed_hold_events (org_id, hold_id, seq)
--;;
CREATE TABLE invoices (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	resident_id UUID NOT NULL, 
	stay_id UUID, 
	kind TEXT NOT NULL, 
	occasion TEXT NOT NULL, 
	series TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	reference TEXT GENERATED ALWAYS AS (series || lpad(number::text, greatest(6, length(number::text)), '0')) STORED NOT NULL, 
	corrects_id UUID, 
	month DATE, 
	issued_on DATE NOT NULL, 
	due_on DATE NOT NULL, 
	seller TEXT DEFAULT '' NOT NULL, 
	gstin TEXT DEFAULT '' NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	currency TEXT NOT NULL, 
	net_paise BIGINT NOT NULL, 
	tax_paise BIGINT NOT NULL, 
	total_paise BIGINT GENERATED ALWAYS AS (net_paise + tax_paise) STORED NOT NULL, 
	paid_paise BIGINT DEFAULT '0' NOT NULL, 
	status TEXT GENERATED ALWAYS AS (CASE WHEN kind = 'credit_note' THEN 'issued' WHEN paid_paise >= net_paise + tax_paise THEN 'paid' WHEN paid_paise > 0 THEN 'part_paid' ELSE 'open' END) STORED NOT NULL, 
	reminded SMALLINT DEFAULT '0' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, resident_id) REFERENCES residents (org_id, id), 
	FOREIGN KEY(org_id, stay_id) REFERENCES stays (org_id, id), 
	FOREIGN KEY(org_id, corrects_id) REFERENCES invoices (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT invoices_kind_known CHECK (kind IN ('month', 'deposit', 'late_fee', 'settlement', 'credit_note')), 
	CONSTRAINT invoices_status_known CHECK (status IN ('open', 'part_paid', 'paid', 'issued')), 
	CONSTRAINT invoices_corrects_what CHECK ((kind = 'credit_note') = (corrects_id IS NOT NULL)), 
	CONSTRAINT invoices_amount CHECK (net_paise >= 0 AND tax_paise >= 0 AND net_paise + tax_paise > 0), 
	CONSTRAINT invoices_paid_within CHECK (paid_paise BETWEEN 0 AND net_paise + tax_paise), 
	CONSTRAINT invoices_days CHECK (due_on >= issued_on AND number > 0)
)
--;;
CREATE INDEX invoices_corrects ON invoices (org_id, corrects_id) WHERE corrects_id IS NOT NULL
--;;
CREATE UNIQUE INDEX invoices_number_key ON invoices (org_id, hostel_id, series, number)
--;;
CREATE UNIQUE INDEX invoices_occasion_key ON invoices (org_id, occasion)
--;;
CREATE INDEX invoices_open ON invoices (org_id, hostel_id, due_on) WHERE status IN ('open', 'part_paid')
--;;
CREATE INDEX invoices_person ON invoices (org_id, user_id, issued_on)
--;;
CREATE INDEX invoices_sort_due ON invoices (org_id, due_on, id)
--;;
CREATE INDEX invoices_sort_issued ON invoices (org_id, issued_on, id)
--;;
CREATE INDEX invoices_stay ON invoices (org_id, stay_id, month)
--;;
CREATE TABLE move_outs (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	resident_id UUID NOT NULL, 
	stay_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	status TEXT DEFAULT 'noticed' NOT NULL, 
	noticed_on DATE NOT NULL, 
	notice_days SMALLINT NOT NULL, 
	leaves_on DATE NOT NULL, 
	stayed_until DATE, 
	why TEXT DEFAULT '' NOT NULL, 
	paid_until DATE, 
	deposit_paise BIGINT, 
	rent_paise BIGINT, 
	notice_paise BIGINT, 
	damages_paise BIGINT, 
	settled_by INTEGER, 
	settled_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, resident_id) REFERENCES residents (org_id, id), 
	FOREIGN KEY(org_id, stay_id) REFERENCES stays (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, settled_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT move_outs_status_known CHECK (status IN ('noticed', 'inspected', 'settled', 'left', 'withdrawn')), 
	CONSTRAINT move_outs_why_short CHECK (length(why) <= 500), 
	CONSTRAINT move_outs_settled_whole CHECK ((status IN ('settled', 'left')) = (num_nulls(paid_until, deposit_paise, rent_paise, notice_paise, damages_paise, settled_at) = 0))
)
--;;
CREATE UNIQUE INDEX move_outs_one_per_stay ON move_outs (org_id, stay_id) WHERE status <> 'withdrawn'
--;;
CREATE INDEX move_outs_resident ON move_outs (org_id, resident_id)
--;;
CREATE INDEX move_outs_sort_leaves ON move_outs (org_id, leaves_on, id)
--;;
CREATE INDEX move_outs_user ON move_outs (org_id, user_id)
--;;
CREATE TABLE onboarding_progress (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	last_completed_step SMALLINT DEFAULT '0' NOT NULL, 
	hold_id UUID, 
	onboarding_complete BOOLEAN DEFAULT 'false' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, hold_id) REFERENCES bed_holds (org_id, id), 
	CONSTRAINT onboarding_progress_step CHECK (last_completed_step BETWEEN 0 AND 5)
)
--;;
CREATE UNIQUE INDEX onboarding_progress_person_key ON onboarding_progress (org_id, user_id)
--;;
CREATE TABLE onboarding_submissions (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	round SMALLINT DEFAULT '1' NOT NULL, 
	state TEXT DEFAULT 'pending_review' NOT NULL, 
	reviewer_id INTEGER, 
	claimed_at TIMESTAMP WITH TIME ZONE, 
	hold_id UUID, 
	mess_plan VARCHAR(80) NOT NULL, 
	lunchbox BOOLEAN DEFAULT 'false' NOT NULL, 
	answers JSONB DEFAULT '{}' NOT NULL, 
	changed TEXT[] DEFAULT '{}' NOT NULL, 
	submitted_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	decided_at TIMESTAMP WITH TIME ZONE, 
	reason TEXT DEFAULT '' NOT NULL, 
	handover TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, reviewer_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, hold_id) REFERENCES bed_holds (org_id, id), 
	CONSTRAINT onboarding_submissions_state_known CHECK (state IN ('pending_review', 'under_review', 'approved', 'rejected', 'needs_revision')), 
	CONSTRAINT onboarding_submissions_round CHECK (round BETWEEN 1 AND 100)
)
--;;
CREATE UNIQUE INDEX onboarding_submissions_live_key ON onboarding_submissions (org_id, hostel_id, user_id, id)
--;;
CREATE UNIQUE INDEX onboarding_submissions_open_key ON onboarding_submissions (org_id, user_id) WHERE state IN ('pending_review', 'under_review')
--;;
CREATE INDEX onboarding_submissions_queue ON onboarding_submissions (org_id, hostel_id, state)
--;;
CREATE UNIQUE INDEX onboarding_submissions_round_key ON onboarding_submissions (org_id, user_id, round)
--;;
CREATE INDEX onboarding_submissions_sort_submitted ON onboarding_submissions (org_id, submitted_at, id)
--;;
CREATE TABLE reconciliation_breaks (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID, 
	account_id UUID, 
	gateway TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	about TEXT NOT NULL, 
	amount_paise BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	line_id UUID, 
	confirmation_id UUID, 
	refund_id UUID, 
	status TEXT DEFAULT 'open' NOT NULL, 
	proposal_id UUID, 
	closed_at TIMESTAMP WITH TIME ZONE, 
	closed_by INTEGER, 
	note VARCHAR(500), 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, account_id) REFERENCES gateway_accounts (org_id, id), 
	FOREIGN KEY(org_id, line_id) REFERENCES settlement_lines (org_id, id), 
	FOREIGN KEY(org_id, confirmation_id) REFERENCES payment_confirmations (org_id, id), 
	FOREIGN KEY(org_id, refund_id) REFERENCES payment_refunds (org_id, id), 
	FOREIGN KEY(org_id, proposal_id) REFERENCES ledger_proposals (org_id, id), 
	FOREIGN KEY(org_id, closed_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT reconciliation_breaks_cause_known CHECK (cause IN ('missing_in_ledger', 'missing_at_gateway', 'amount_differs', 'currency_differs', 'duplicate', 'fee_differs', 'late', 'unknown_refund', 'clearing_differs')), 
	CONSTRAINT reconciliation_breaks_status_known CHECK (status IN ('open', 'matched', 'written_off', 'corrected', 'resolved')), 
	CONSTRAINT reconciliation_breaks_closed CHECK ((status = 'open') = (closed_at IS NULL))
)
--;;
CREATE UNIQUE INDEX reconciliation_breaks_key ON reconciliation_breaks (org_id, cause, about) WHERE status <> 'matched'
--;;
CREATE INDEX reconciliation_breaks_line ON reconciliation_breaks (org_id, line_id)
--;;
CREATE INDEX reconciliation_breaks_open ON reconciliation_breaks (org_id, created_at, id) WHERE status = 'open'
--;;
CREATE INDEX reconciliation_breaks_sort_created ON reconciliation_breaks (org_id, created_at, id)
--;;
CREATE TABLE invoice_allocations (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	payment_id UUID NOT NULL, 
	invoice_id UUID NOT NULL, 
	amount_paise BIGINT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, payment_id) REFERENCES invoice_payments (org_id, id), 
	FOREIGN KEY(org_id, invoice_id) REFERENCES invoices (org_id, id), 
	CONSTRAINT invoice_allocations_amount CHECK (amount_paise > 0)
)
--;;
CREATE INDEX invoice_allocations_invoice ON invoice_allocations (org_id, invoice_id)
--;;
CREATE UNIQUE INDEX invoice_allocations_key ON invoice_allocations (org_id, payment_id, invoice_id)
--;;
CREATE TABLE invoice_lines (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	invoice_id UUID NOT NULL, 
	position SMALLINT NOT NULL, 
	kind TEXT NOT NULL, 
	account TEXT NOT NULL, 
	description VARCHAR(200) NOT NULL, 
	from_on DATE, 
	until_on DATE, 
	amount_paise BIGINT NOT NULL, 
	tax_bp SMALLINT DEFAULT '0' NOT NULL, 
	cgst_paise BIGINT DEFAULT '0' NOT NULL, 
	sgst_paise BIGINT DEFAULT '0' NOT NULL, 
	igst_paise BIGINT DEFAULT '0' NOT NULL, 
	total_paise BIGINT GENERATED ALWAYS AS (amount_paise + cgst_paise + sgst_paise + igst_paise) STORED NOT NULL, 
	corrects_id UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, invoice_id) REFERENCES invoices (org_id, id), 
	FOREIGN KEY(org_id, corrects_id) REFERENCES invoice_lines (org_id, id), 
	CONSTRAINT invoice_lines_kind_known CHECK (kind IN ('rent', 'mess', 'lunchbox', 'deposit', 'late_fee', 'notice', 'damages', 'other')), 
	CONSTRAINT invoice_lines_amount CHECK (amount_paise > 0 AND least(cgst_paise, sgst_paise, igst_paise) >= 0)
)
--;;
CREATE INDEX invoice_lines_corrects ON invoice_lines (org_id, corrects_id) WHERE corrects_id IS NOT NULL
--;;
CREATE UNIQUE INDEX invoice_lines_place ON invoice_lines (org_id, invoice_id, position)
--;;
CREATE TABLE kyc_completions (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	user_id INTEGER NOT NULL, 
	submission_id UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, submission_id) REFERENCES onboarding_submissions (org_id, id)
)
--;;
CREATE UNIQUE INDEX kyc_completions_person_key ON kyc_completions (org_id, user_id)
--;;
CREATE TABLE kyc_records (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	full_name VARCHAR(200) NOT NULL, 
	facts JSONB DEFAULT '{}' NOT NULL, 
	submission_id UUID NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, submission_id) REFERENCES onboarding_submissions (org_id, id), 
	CONSTRAINT kyc_records_kind_known CHECK (kind IN ('residential', 'parental'))
)
--;;
CREATE UNIQUE INDEX kyc_records_kind_key ON kyc_records (org_id, user_id, kind)
--;;
CREATE TABLE move_out_items (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	move_out_id UUID NOT NULL, 
	position SMALLINT NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	condition TEXT DEFAULT 'unseen' NOT NULL, 
	deduction_paise BIGINT DEFAULT '0' NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, move_out_id) REFERENCES move_outs (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT move_out_items_condition_known CHECK (condition IN ('unseen', 'ok', 'damaged', 'missing')), 
	CONSTRAINT move_out_items_deduction CHECK (deduction_paise BETWEEN 0 AND 100000000 AND (deduction_paise = 0 OR condition IN ('damaged', 'missing'))), 
	CONSTRAINT move_out_items_words CHECK (length(note) <= 500 AND length(btrim(name)) > 0)
)
--;;
CREATE UNIQUE INDEX move_out_items_place ON move_out_items (org_id, move_out_id, position)
--;;
CREATE TABLE submission_checks (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	submission_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	others INTEGER[] DEFAULT '{}' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, submission_id) REFERENCES onboarding_submissions (org_id, id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id), 
	CONSTRAINT submission_checks_name_known CHECK (name IN ('names', 'age', 'phone', 'email', 'identity', 'documents')), 
	CONSTRAINT submission_checks_outcome_known CHECK (outcome IN ('fine', 'doubt', 'problem'))
)
--;;
CREATE UNIQUE INDEX submission_checks_name_key ON submission_checks (org_id, submission_id, name)
--;;
CREATE TABLE submission_flags (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	submission_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	field VARCHAR(60) NOT NULL, 
	reason TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, submission_id) REFERENCES onboarding_submissions (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id)
)
--;;
CREATE UNIQUE INDEX submission_flags_field_key ON submission_flags (org_id, submission_id, field)
--;;
CREATE TABLE move_out_photos (
	org_id UUID DEFAULT app.current_org() NOT NULL, 
	id UUID DEFAULT uuidv7() NOT NULL, 
	hostel_id UUID NOT NULL, 
	user_id INTEGER NOT NULL, 
	move_out_id UUID NOT NULL, 
	item_id UUID NOT NULL, 
	file_id UUID NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
	created_by INTEGER DEFAULT app.current_user_id(), 
	PRIMARY KEY (org_id, id), 
	FOREIGN KEY(org_id, hostel_id) REFERENCES hostels (org_id, id), 
	FOREIGN KEY(org_id, move_out_id) REFERENCES move_outs (org_id, id), 
	FOREIGN KEY(org_id, item_id) REFERENCES move_out_items (org_id, id), 
	FOREIGN KEY(org_id, file_id) REFERENCES files (org_id, id), 
	FOREIGN KEY(org_id, user_id) REFERENCES members (org_id, user_id), 
	FOREIGN KEY(org_id, created_by) REFERENCES members (org_id, user_id)
)
--;;
CREATE UNIQUE INDEX move_out_photos_file_key ON move_out_photos (org_id, file_id)
--;;
CREATE INDEX move_out_photos_item ON move_out_photos (org_id, item_id)
--;;
CREATE INDEX move_out_photos_move_out ON move_out_photos (org_id, move_out_id)
--;;
CREATE MATERIALIZED VIEW public.maintenance_request_facts AS
SELECT r.org_id, r.id AS request_id, r.hostel_id, r.category_id, r.issue_type_id, r.priority, r.status, r.raised_at,
       r.resolve_by, r.held_since AS ended_at,
       extract(epoch FROM r.held_since - r.clock_started_at - r.held)::bigint AS seconds, t.responded_at,
       a.user_id AS worker_id, a.outside_party,
       date_trunc('week', r.raised_at AT TIME ZONE h.timezone)::date AS week
FROM public.maintenance_requests r
JOIN public.hostels h ON h.org_id = r.org_id AND h.id = r.hostel_id
LEFT JOIN public.maintenance_assignments a ON a.org_id = r.org_id AND a.request_id = r.id AND a.active
LEFT JOIN (SELECT s.org_id, s.request_id, min(s.event_at) AS responded_at FROM public.maintenance_status_history s
           WHERE s.to_status IN ('assigned', 'in_progress', 'on_hold', 'resolved', 'rejected')
           GROUP BY s.org_id, s.request_id) t ON t.org_id = r.org_id AND t.request_id = r.id
WHERE r.deleted_at IS NULL AND h.deleted_at IS NULL
--;;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX maintenance_request_facts_key ON public.maintenance_request_facts (org_id, request_id)
--;;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX maintenance_request_facts_raised ON public.maintenance_request_facts (org_id, raised_at)
--;;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX maintenance_request_facts_ended ON public.maintenance_request_facts (org_id, ended_at)
--;;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX maintenance_request_facts_status ON public.maintenance_request_facts (org_id, status)
--;;
CREATE MATERIALIZED VIEW public.maintenance_figures_made AS SELECT 1 AS id, clock_timestamp() AS made_at
--;;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX maintenance_figures_made_key ON public.maintenance_figures_made (id)
--;;
GRANT SELECT, MAINTAIN ON public.maintenance_request_facts, public.maintenance_figures_made TO viramah_definer
--;;
ALTER TABLE public.organizations ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.organizations FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.organizations TO viramah_definer
--;;
GRANT SELECT ON public.organizations TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
GRANT SELECT (id, name, slug, timezone, currency, country, plan, subscription_status, deleted_at) ON public.organizations TO portal_resident, portal_platform
--;;
GRANT UPDATE (name, settings, timezone, currency, country) ON public.organizations TO portal_admin
--;;
ALTER TABLE public.plan_limits ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.plan_limits FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.plan_limits TO viramah_definer
--;;
GRANT SELECT ON public.plan_limits TO portal_admin, portal_platform
--;;
ALTER TABLE public.usage_counters ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.usage_counters FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.usage_counters TO viramah_definer
--;;
GRANT SELECT ON public.usage_counters TO portal_admin
--;;
ALTER TABLE public.number_counters ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.number_counters FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.number_counters TO viramah_definer
--;;
ALTER TABLE public.rate_limit_counters ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.rate_limit_counters FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.rate_limit_counters TO viramah_definer
--;;
ALTER TABLE public.hostels ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.hostels FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.hostels TO viramah_definer
--;;
GRANT SELECT ON public.hostels TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident
--;;
GRANT INSERT (org_id, id, name, code, timezone, currency, address, city, hold_hours, offer_minutes, notice_days, inspection_items, deleted_at) ON public.hostels TO portal_admin
--;;
GRANT UPDATE (name, code, timezone, currency, address, city, hold_hours, offer_minutes, notice_days, inspection_items, deleted_at) ON public.hostels TO portal_admin
--;;
ALTER TABLE public.amenities ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.amenities FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, UPDATE ON public.amenities TO viramah_definer
--;;
GRANT SELECT ON public.amenities TO portal_admin, portal_amenity, portal_resident
--;;
GRANT INSERT (id, hostel_id, deleted_at, closed_from, closed_until, name, kind, place, description, parallel, offer_minutes, missed, within_days, blocked_days) ON public.amenities TO portal_admin, portal_amenity
--;;
GRANT UPDATE (name, kind, place, description, parallel, offer_minutes, missed, within_days, blocked_days, deleted_at) ON public.amenities TO portal_admin, portal_amenity
--;;
ALTER TABLE public.amenity_templates ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.amenity_templates FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.amenity_templates TO viramah_definer
--;;
GRANT SELECT ON public.amenity_templates TO portal_admin, portal_amenity
--;;
GRANT INSERT (id, hostel_id, amenity_id, kind, days, first_on, last_on, opens, closes, slot_minutes, capacity, per_day, note) ON public.amenity_templates TO portal_admin, portal_amenity
--;;
GRANT UPDATE (kind, days, first_on, last_on, opens, closes, slot_minutes, capacity, per_day, note) ON public.amenity_templates TO portal_admin, portal_amenity
--;;
GRANT DELETE ON public.amenity_templates TO portal_admin, portal_amenity
--;;
ALTER TABLE public.amenity_slots ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.amenity_slots FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.amenity_slots TO viramah_definer
--;;
GRANT SELECT ON public.amenity_slots TO portal_admin, portal_amenity, portal_resident
--;;
ALTER TABLE public.amenity_bookings ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.amenity_bookings FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.amenity_bookings TO viramah_definer
--;;
GRANT SELECT ON public.amenity_bookings TO portal_admin, portal_amenity, portal_resident
--;;
ALTER TABLE public.amenity_waits ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.amenity_waits FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.amenity_waits TO viramah_definer
--;;
GRANT SELECT ON public.amenity_waits TO portal_admin, portal_amenity, portal_resident
--;;
ALTER TABLE public.floors ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.floors FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.floors TO viramah_definer
--;;
GRANT SELECT ON public.floors TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
GRANT INSERT (org_id, id, hostel_id, name, level, deleted_at) ON public.floors TO portal_admin
--;;
GRANT UPDATE (hostel_id, name, level, deleted_at) ON public.floors TO portal_admin
--;;
ALTER TABLE public.room_types ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.room_types FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.room_types TO viramah_definer
--;;
GRANT SELECT ON public.room_types TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident
--;;
GRANT INSERT (org_id, id, hostel_id, name, capacity, amenities, description, deleted_at) ON public.room_types TO portal_admin
--;;
GRANT UPDATE (hostel_id, name, capacity, amenities, description, deleted_at) ON public.room_types TO portal_admin
--;;
ALTER TABLE public.rooms ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.rooms FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.rooms TO viramah_definer
--;;
GRANT SELECT ON public.rooms TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident
--;;
GRANT INSERT (org_id, id, hostel_id, floor_id, number, kind, note, room_type_id, deleted_at) ON public.rooms TO portal_admin
--;;
GRANT UPDATE (hostel_id, floor_id, number, kind, note, room_type_id, deleted_at) ON public.rooms TO portal_admin
--;;
ALTER TABLE public.beds ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.beds FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.beds TO viramah_definer
--;;
GRANT SELECT ON public.beds TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
GRANT INSERT (org_id, id, hostel_id, room_id, label, deleted_at) ON public.beds TO portal_admin
--;;
GRANT UPDATE (hostel_id, room_id, label, deleted_at) ON public.beds TO portal_admin
--;;
ALTER TABLE public.announcements ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.announcements FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.announcements TO viramah_definer
--;;
GRANT SELECT ON public.announcements TO portal_admin
--;;
GRANT INSERT (org_id, id, title, body, hostel_id, floor_id, roles, channels, emergency) ON public.announcements TO portal_admin
--;;
GRANT UPDATE (title, body, hostel_id, floor_id, roles, channels, emergency, deleted_at) ON public.announcements TO portal_admin
--;;
ALTER TABLE public.notification_templates ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.notification_templates FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.notification_templates TO viramah_definer
--;;
GRANT SELECT ON public.notification_templates TO portal_admin
--;;
GRANT INSERT (org_id, id, channel, language, kind, subject, body) ON public.notification_templates TO portal_admin
--;;
GRANT UPDATE (channel, language, kind, subject, body) ON public.notification_templates TO portal_admin
--;;
GRANT DELETE ON public.notification_templates TO portal_admin
--;;
ALTER TABLE public.kyc_completions ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.kyc_completions FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.kyc_completions TO viramah_definer
--;;
GRANT SELECT ON public.kyc_completions TO portal_admin, portal_resident
--;;
ALTER TABLE public.submission_checks ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.submission_checks FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.submission_checks TO viramah_definer
--;;
GRANT SELECT ON public.submission_checks TO portal_admin
--;;
ALTER TABLE public.access_versions ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.access_versions FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.access_versions TO viramah_definer
--;;
ALTER TABLE public.access_cache ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.access_cache FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.access_cache TO viramah_definer
--;;
ALTER TABLE public.members ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.members FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.members TO viramah_definer
--;;
GRANT SELECT ON public.members TO portal_admin
--;;
GRANT SELECT (org_id, user_id, name, joined_at, removed_at, name_key, last_name_key, created_at, updated_at) ON public.members TO portal_management, portal_sales
--;;
GRANT SELECT ON public.members TO portal_canteen, portal_amenity, portal_resident
--;;
ALTER TABLE public.memberships ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.memberships FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.memberships TO viramah_definer
--;;
GRANT SELECT ON public.memberships TO portal_admin
--;;
ALTER TABLE public.platform_roles ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.platform_roles FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, DELETE ON public.platform_roles TO viramah_definer
--;;
ALTER TABLE public.invitations ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.invitations FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.invitations TO viramah_definer
--;;
GRANT SELECT (org_id, id, email, name, role, hostel_id, team_member_id, status, expires_at, accepted_by, created_at, updated_at, created_by) ON public.invitations TO portal_admin
--;;
ALTER TABLE public.team_members ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.team_members FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.team_members TO viramah_definer
--;;
GRANT SELECT ON public.team_members TO portal_admin
--;;
GRANT INSERT (org_id, id, name, email, phone, external_id, member_type, commission_type, commission_rate, hostel_id, deleted_at) ON public.team_members TO portal_admin
--;;
GRANT UPDATE (name, email, phone, external_id, member_type, commission_type, commission_rate, hostel_id, deleted_at) ON public.team_members TO portal_admin
--;;
ALTER TABLE public.user_credentials ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.user_credentials FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.user_credentials TO viramah_auth
--;;
GRANT INSERT (user_id, password_hash, password_changed_at, totp_secret, totp_confirmed_at, totp_last_step, recovery_digests, reset_digest, reset_expires_at) ON public.user_credentials TO viramah_auth
--;;
GRANT UPDATE (user_id, password_hash, password_changed_at, totp_secret, totp_confirmed_at, totp_last_step, recovery_digests, reset_digest, reset_expires_at) ON public.user_credentials TO viramah_auth
--;;
ALTER TABLE public.login_attempts ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.login_attempts FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.login_attempts TO viramah_auth
--;;
GRANT INSERT (id, account, address, succeeded, at) ON public.login_attempts TO viramah_auth
--;;
GRANT DELETE ON public.login_attempts TO viramah_auth
--;;
ALTER TABLE public.user_preferences ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.user_preferences FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.user_preferences TO viramah_definer
--;;
ALTER TABLE public.user_sessions ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.user_sessions FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.user_sessions TO viramah_definer
--;;
GRANT SELECT (id, user_id, device, address, second_factor, created_at, last_seen_at, expires_at, ended_at) ON public.user_sessions TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
GRANT SELECT ON public.user_sessions TO viramah_auth
--;;
GRANT INSERT (user_id, digest, device, address, second_factor, expires_at) ON public.user_sessions TO viramah_auth
--;;
GRANT UPDATE (ended_at, second_factor) ON public.user_sessions TO viramah_auth
--;;
ALTER TABLE public.ab_user ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_user FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.ab_user TO viramah_definer
--;;
GRANT SELECT (id, username, first_name, last_name, email, active, last_login) ON public.ab_user TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
GRANT SELECT (id, username, first_name, last_name, email, active, last_login, login_count, fail_login_count) ON public.ab_user TO viramah_auth
--;;
GRANT UPDATE (last_login, login_count, fail_login_count) ON public.ab_user TO viramah_auth
--;;
ALTER TABLE public.ab_permission ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_permission FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_view_menu ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_view_menu FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_permission_view_role ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_permission_view_role FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_user_role ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_user_role FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_role ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_role FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_permission_view ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_permission_view FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_user_group ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_user_group FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_group_role ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_group_role FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_group ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_group FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_register_user ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_register_user FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_api_key ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ab_api_key FORCE ROW LEVEL SECURITY
--;;
ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.audit_log FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.audit_log TO viramah_definer
--;;
GRANT SELECT ON public.audit_log TO portal_admin
--;;
GRANT SELECT ON public.audit_log TO viramah_service
--;;
ALTER TABLE public.audit_batches ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.audit_batches FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.audit_batches TO viramah_definer
--;;
GRANT SELECT ON public.audit_batches TO viramah_service
--;;
GRANT INSERT (number, key_id, row_count, first_seq, last_seq, digest, sealed_at, system_id, sealed_xid, horizon_seq, horizon_xid, resumes, head, seqs, seals) ON public.audit_batches TO viramah_service
--;;
ALTER TABLE public.files ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.files FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.files TO viramah_definer
--;;
GRANT SELECT ON public.files TO portal_admin, portal_management, portal_canteen, portal_resident
--;;
GRANT INSERT (org_id, id, hostel_id, purpose, name, media_type, size, sha256, storage_key, key_id, deleted_at) ON public.files TO portal_admin, portal_management, portal_canteen, portal_resident
--;;
GRANT UPDATE (deleted_at) ON public.files TO portal_admin, portal_management, portal_canteen, portal_resident
--;;
ALTER TABLE public.maintenance_categories ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.maintenance_categories FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.maintenance_categories TO viramah_definer
--;;
GRANT SELECT ON public.maintenance_categories TO portal_admin, portal_management, portal_resident
--;;
GRANT INSERT (org_id, id, code, name, icon, position, deleted_at) ON public.maintenance_categories TO portal_admin
--;;
GRANT UPDATE (code, name, icon, position, deleted_at) ON public.maintenance_categories TO portal_admin
--;;
ALTER TABLE public.maintenance_issue_types ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.maintenance_issue_types FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.maintenance_issue_types TO viramah_definer
--;;
GRANT SELECT ON public.maintenance_issue_types TO portal_admin, portal_management, portal_resident
--;;
GRANT INSERT (org_id, id, category_id, name, position, deleted_at) ON public.maintenance_issue_types TO portal_admin
--;;
GRANT UPDATE (category_id, name, position, deleted_at) ON public.maintenance_issue_types TO portal_admin
--;;
ALTER TABLE public.maintenance_requests ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.maintenance_requests FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.maintenance_requests TO viramah_definer
--;;
GRANT SELECT ON public.maintenance_requests TO portal_admin, portal_management
--;;
GRANT UPDATE (category_id, issue_type_id, room_id, place, description, priority, deleted_at) ON public.maintenance_requests TO portal_admin
--;;
GRANT SELECT (org_id, id, hostel_id, number, reference, user_id, category_id, issue_type_id, room_id, place, description, priority, status, raised_at, clock_started_at, resolve_by, escalate_at, held, held_since, escalated_at, resolved_at, resolution, created_at, updated_at, deleted_at) ON public.maintenance_requests TO portal_resident
--;;
ALTER TABLE public.maintenance_assignments ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.maintenance_assignments FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.maintenance_assignments TO viramah_definer
--;;
GRANT SELECT ON public.maintenance_assignments TO portal_admin, portal_management
--;;
ALTER TABLE public.maintenance_status_history ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.maintenance_status_history FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.maintenance_status_history TO viramah_definer
--;;
GRANT SELECT ON public.maintenance_status_history TO portal_admin, portal_management
--;;
GRANT SELECT (org_id, id, seq, hostel_id, request_id, from_status, to_status, event, triggered_by, public_note, event_at, recorded_at) ON public.maintenance_status_history TO portal_resident
--;;
ALTER TABLE public.maintenance_comments ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.maintenance_comments FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.maintenance_comments TO viramah_definer
--;;
GRANT SELECT ON public.maintenance_comments TO portal_admin, portal_management
--;;
GRANT INSERT (id, hostel_id, request_id, parent_id, body) ON public.maintenance_comments TO portal_admin, portal_management
--;;
GRANT UPDATE (deleted_at) ON public.maintenance_comments TO portal_admin, portal_management
--;;
GRANT SELECT (org_id, id, hostel_id, request_id, parent_id, by_staff, body, created_at, updated_at, deleted_at) ON public.maintenance_comments TO portal_resident
--;;
GRANT INSERT (id, hostel_id, request_id, parent_id, body) ON public.maintenance_comments TO portal_resident
--;;
ALTER TABLE public.maintenance_attachments ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.maintenance_attachments FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.maintenance_attachments TO viramah_definer
--;;
GRANT SELECT ON public.maintenance_attachments TO portal_admin, portal_management
--;;
GRANT INSERT (id, hostel_id, request_id, file_id) ON public.maintenance_attachments TO portal_admin, portal_management
--;;
GRANT UPDATE (deleted_at) ON public.maintenance_attachments TO portal_admin, portal_management
--;;
GRANT SELECT (org_id, id, hostel_id, request_id, file_id, created_at, updated_at, deleted_at) ON public.maintenance_attachments TO portal_resident
--;;
GRANT INSERT (id, hostel_id, request_id, file_id) ON public.maintenance_attachments TO portal_resident
--;;
ALTER TABLE public.maintenance_sla_targets ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.maintenance_sla_targets FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.maintenance_sla_targets TO viramah_definer
--;;
ALTER TABLE public.bed_holds ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.bed_holds FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.bed_holds TO viramah_definer
--;;
GRANT SELECT ON public.bed_holds TO portal_admin, portal_sales, portal_resident
--;;
ALTER TABLE public.bed_hold_events ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.bed_hold_events FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.bed_hold_events TO viramah_definer
--;;
GRANT SELECT ON public.bed_hold_events TO portal_admin, portal_sales
--;;
ALTER TABLE public.bed_allocations ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.bed_allocations FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.bed_allocations TO viramah_definer
--;;
GRANT SELECT ON public.bed_allocations TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
ALTER TABLE public.tariffs ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.tariffs FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.tariffs TO viramah_definer
--;;
GRANT SELECT ON public.tariffs TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident
--;;
GRANT INSERT (org_id, id, hostel_id, kind, room_type_id, name, amount_paise, currency, per, valid_from, valid_until, deleted_at) ON public.tariffs TO portal_admin
--;;
GRANT UPDATE (hostel_id, kind, room_type_id, name, amount_paise, currency, per, valid_from, valid_until, deleted_at) ON public.tariffs TO portal_admin
--;;
ALTER TABLE public.room_photos ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.room_photos FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.room_photos TO viramah_definer
--;;
GRANT SELECT ON public.room_photos TO portal_admin, portal_resident
--;;
GRANT INSERT (id, hostel_id, room_id, file_id) ON public.room_photos TO portal_admin
--;;
GRANT UPDATE (deleted_at) ON public.room_photos TO portal_admin
--;;
ALTER TABLE public.residents ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.residents FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.residents TO viramah_definer
--;;
GRANT SELECT ON public.residents TO portal_admin, portal_sales, portal_resident
--;;
ALTER TABLE public.stays ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.stays FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.stays TO viramah_definer
--;;
GRANT SELECT ON public.stays TO portal_admin, portal_sales, portal_resident
--;;
ALTER TABLE public.billing_settings ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.billing_settings FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.billing_settings TO viramah_definer
--;;
GRANT SELECT ON public.billing_settings TO portal_admin
--;;
ALTER TABLE public.billing_choices ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.billing_choices FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.billing_choices TO viramah_definer
--;;
GRANT SELECT ON public.billing_choices TO portal_admin, portal_resident
--;;
ALTER TABLE public.invoices ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.invoices FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.invoices TO viramah_definer
--;;
GRANT SELECT ON public.invoices TO portal_admin, portal_resident
--;;
ALTER TABLE public.invoice_lines ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.invoice_lines FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.invoice_lines TO viramah_definer
--;;
GRANT SELECT ON public.invoice_lines TO portal_admin, portal_resident
--;;
ALTER TABLE public.invoice_payments ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.invoice_payments FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.invoice_payments TO viramah_definer
--;;
GRANT SELECT ON public.invoice_payments TO portal_admin, portal_resident
--;;
ALTER TABLE public.invoice_allocations ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.invoice_allocations FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.invoice_allocations TO viramah_definer
--;;
GRANT SELECT ON public.invoice_allocations TO portal_admin, portal_resident
--;;
ALTER TABLE public.canteen_settings ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.canteen_settings FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.canteen_settings TO viramah_definer
--;;
GRANT SELECT ON public.canteen_settings TO portal_admin, portal_canteen
--;;
ALTER TABLE public.canteen_menu ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.canteen_menu FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, UPDATE ON public.canteen_menu TO viramah_definer
--;;
GRANT SELECT ON public.canteen_menu TO portal_admin, portal_canteen
--;;
GRANT INSERT (id, hostel_id, served_on, meal, stock, deleted_at, name, description, price_paise, portions, order_until, diet, allergens, photo_id) ON public.canteen_menu TO portal_admin, portal_canteen
--;;
GRANT UPDATE (name, description, price_paise, portions, order_until, diet, allergens, photo_id, deleted_at) ON public.canteen_menu TO portal_admin, portal_canteen
--;;
GRANT SELECT (org_id, id, hostel_id, served_on, meal, name, description, price_paise, stock, order_until, diet, allergens, photo_id, created_at, updated_at, deleted_at) ON public.canteen_menu TO portal_resident
--;;
ALTER TABLE public.canteen_orders ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.canteen_orders FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.canteen_orders TO viramah_definer
--;;
GRANT SELECT ON public.canteen_orders TO portal_admin, portal_canteen, portal_resident
--;;
ALTER TABLE public.canteen_order_items ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.canteen_order_items FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.canteen_order_items TO viramah_definer
--;;
GRANT SELECT ON public.canteen_order_items TO portal_admin, portal_canteen, portal_resident
--;;
ALTER TABLE public.contacts ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.contacts FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.contacts TO viramah_definer
--;;
GRANT SELECT (org_id, id, hostel_id, external_id, location_id, full_name, phone_index, phone_masked, email_index, email_masked, source, known_since, created_at, updated_at, created_by, deleted_at) ON public.contacts TO portal_admin, portal_sales
--;;
GRANT UPDATE (deleted_at) ON public.contacts TO portal_admin
--;;
ALTER TABLE public.hostel_events ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.hostel_events FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, UPDATE ON public.hostel_events TO viramah_definer
--;;
GRANT SELECT ON public.hostel_events TO portal_admin, portal_amenity
--;;
GRANT INSERT (id, hostel_id, timezone, deleted_at, title, description, place, starts_at, ends_at, reply_until, capacity, guests_most, photo_id) ON public.hostel_events TO portal_admin, portal_amenity
--;;
GRANT UPDATE (title, description, place, starts_at, ends_at, reply_until, capacity, guests_most, photo_id, deleted_at) ON public.hostel_events TO portal_admin, portal_amenity
--;;
GRANT SELECT ON public.hostel_events TO portal_resident
--;;
ALTER TABLE public.event_replies ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.event_replies FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.event_replies TO viramah_definer
--;;
GRANT SELECT ON public.event_replies TO portal_admin, portal_amenity, portal_resident
--;;
ALTER TABLE public.event_feeds ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.event_feeds FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.event_feeds TO viramah_definer
--;;
GRANT SELECT (org_id, id, user_id, created_at, revoked_at) ON public.event_feeds TO portal_admin, portal_amenity, portal_resident
--;;
ALTER TABLE public.import_runs ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.import_runs FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.import_runs TO viramah_definer
--;;
GRANT SELECT ON public.import_runs TO portal_admin
--;;
GRANT INSERT (hostel_id, kind, file_id, filename, mapping, headers) ON public.import_runs TO portal_admin
--;;
GRANT UPDATE (mapping, headers, counts, message) ON public.import_runs TO portal_admin
--;;
ALTER TABLE public.import_rows ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.import_rows FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.import_rows TO viramah_definer
--;;
GRANT SELECT ON public.import_rows TO portal_admin
--;;
ALTER TABLE public.inquiries ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.inquiries FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.inquiries TO viramah_definer
--;;
GRANT SELECT (org_id, id, hostel_id, hostel_key, number, reference, status, stage_since, full_name, phone_index, phone_masked, email_index, email_masked, message, language, move_in_on, source, campaign, referrer, asked_at, last_asked_at, times_asked, owner_id, next_action, next_action_at, reminded_at, lost_reason, duplicate_of, invitation_id, created_at, updated_at, created_by, deleted_at) ON public.inquiries TO portal_admin, portal_sales
--;;
GRANT UPDATE (hostel_id, full_name, message, move_in_on, owner_id, next_action, next_action_at) ON public.inquiries TO portal_admin, portal_sales
--;;
GRANT UPDATE (deleted_at) ON public.inquiries TO portal_admin
--;;
ALTER TABLE public.inquiry_stage_history ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.inquiry_stage_history FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.inquiry_stage_history TO viramah_definer
--;;
GRANT SELECT ON public.inquiry_stage_history TO portal_admin, portal_sales
--;;
ALTER TABLE public.inquiry_notes ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.inquiry_notes FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.inquiry_notes TO viramah_definer
--;;
GRANT SELECT ON public.inquiry_notes TO portal_admin, portal_sales
--;;
GRANT INSERT (id, inquiry_id, parent_id, body) ON public.inquiry_notes TO portal_admin, portal_sales
--;;
GRANT UPDATE (deleted_at) ON public.inquiry_notes TO portal_admin, portal_sales
--;;
ALTER TABLE public.inquiry_dedup_index ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.inquiry_dedup_index FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.inquiry_dedup_index TO viramah_definer
--;;
ALTER TABLE public.device_fingerprints ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.device_fingerprints FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.device_fingerprints TO viramah_definer
--;;
ALTER TABLE public.inquiry_attempts ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.inquiry_attempts FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.inquiry_attempts TO viramah_definer
--;;
ALTER TABLE public.inventory_items ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.inventory_items FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, UPDATE ON public.inventory_items TO viramah_definer
--;;
GRANT SELECT ON public.inventory_items TO portal_admin, portal_canteen
--;;
GRANT INSERT (id, hostel_id, unit, name, category, reorder_level, fill_to, supplier, allergens, note, deleted_at) ON public.inventory_items TO portal_admin, portal_canteen
--;;
GRANT UPDATE (name, category, reorder_level, fill_to, supplier, allergens, note, deleted_at) ON public.inventory_items TO portal_admin, portal_canteen
--;;
ALTER TABLE public.inventory_moves ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.inventory_moves FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.inventory_moves TO viramah_definer
--;;
GRANT SELECT ON public.inventory_moves TO portal_admin, portal_canteen
--;;
ALTER TABLE public.inventory_counts ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.inventory_counts FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.inventory_counts TO viramah_definer
--;;
GRANT SELECT ON public.inventory_counts TO portal_admin, portal_canteen
--;;
ALTER TABLE public.binding_keys ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.binding_keys FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.binding_keys TO viramah_definer
--;;
ALTER TABLE public.lifecycle_machines ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.lifecycle_machines FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.lifecycle_machines TO viramah_definer
--;;
ALTER TABLE public.lifecycle_transitions ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.lifecycle_transitions FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.lifecycle_transitions TO viramah_definer
--;;
ALTER TABLE public.clock ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.clock FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.clock TO viramah_definer
--;;
ALTER TABLE public.meal_settings ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.meal_settings FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.meal_settings TO viramah_definer
--;;
GRANT SELECT ON public.meal_settings TO portal_admin, portal_canteen, portal_resident
--;;
ALTER TABLE public.meal_plans ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.meal_plans FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.meal_plans TO viramah_definer
--;;
GRANT SELECT ON public.meal_plans TO portal_admin, portal_canteen
--;;
ALTER TABLE public.meal_leaves ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.meal_leaves FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.meal_leaves TO viramah_definer
--;;
GRANT SELECT ON public.meal_leaves TO portal_admin, portal_canteen, portal_resident
--;;
ALTER TABLE public.meal_attendance ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.meal_attendance FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.meal_attendance TO viramah_definer
--;;
GRANT SELECT ON public.meal_attendance TO portal_admin, portal_canteen
--;;
ALTER TABLE public.meal_needs ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.meal_needs FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.meal_needs TO viramah_definer
--;;
GRANT SELECT ON public.meal_needs TO portal_resident
--;;
ALTER TABLE public.move_outs ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.move_outs FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.move_outs TO viramah_definer
--;;
GRANT SELECT ON public.move_outs TO portal_admin, portal_resident
--;;
ALTER TABLE public.move_out_items ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.move_out_items FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.move_out_items TO viramah_definer
--;;
GRANT SELECT ON public.move_out_items TO portal_admin, portal_resident
--;;
ALTER TABLE public.move_out_photos ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.move_out_photos FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.move_out_photos TO viramah_definer
--;;
GRANT SELECT ON public.move_out_photos TO portal_admin, portal_resident
--;;
ALTER TABLE public.notifications ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.notifications FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.notifications TO viramah_definer
--;;
GRANT SELECT ON public.notifications TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident
--;;
GRANT UPDATE (read_at, archived_at) ON public.notifications TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident
--;;
ALTER TABLE public.notification_preferences ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.notification_preferences FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.notification_preferences TO viramah_definer
--;;
GRANT SELECT ON public.notification_preferences TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident
--;;
ALTER TABLE public.notification_settings ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.notification_settings FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.notification_settings TO viramah_definer
--;;
GRANT SELECT (org_id, id, user_id, quiet_from, quiet_to, timezone, phone_masked, phone_confirmed_at, created_at, updated_at) ON public.notification_settings TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident
--;;
ALTER TABLE public.notification_deliveries ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.notification_deliveries FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.notification_deliveries TO viramah_definer
--;;
GRANT SELECT (org_id, id, notification_id, hostel_id, user_id, kind, channel, state, reason, attempts, due_at, sent_at, delivered_at, read_at, source_id, created_at, updated_at) ON public.notification_deliveries TO portal_admin
--;;
ALTER TABLE public.onboarding_progress ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.onboarding_progress FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.onboarding_progress TO viramah_definer
--;;
GRANT SELECT ON public.onboarding_progress TO portal_admin, portal_resident
--;;
ALTER TABLE public.onboarding_submissions ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.onboarding_submissions FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.onboarding_submissions TO viramah_definer
--;;
GRANT SELECT ON public.onboarding_submissions TO portal_admin, portal_resident
--;;
ALTER TABLE public.submission_flags ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.submission_flags FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.submission_flags TO viramah_definer
--;;
GRANT SELECT ON public.submission_flags TO portal_admin, portal_resident
--;;
ALTER TABLE public.resident_preferences ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.resident_preferences FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.resident_preferences TO viramah_definer
--;;
GRANT SELECT ON public.resident_preferences TO portal_admin, portal_resident
--;;
ALTER TABLE public.kyc_records ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.kyc_records FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.kyc_records TO viramah_definer
--;;
GRANT SELECT ON public.kyc_records TO portal_admin, portal_resident
--;;
ALTER TABLE public.onboarding_drafts ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.onboarding_drafts FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.onboarding_drafts TO viramah_definer
--;;
GRANT SELECT ON public.onboarding_drafts TO portal_resident
--;;
ALTER TABLE public.gateway_accounts ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.gateway_accounts FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.gateway_accounts TO viramah_definer
--;;
GRANT SELECT (org_id, id, hostel_id, gateway, name, key_id, webhook_path, addresses, is_default, active, tested_at, test_result, created_at, updated_at, created_by) ON public.gateway_accounts TO portal_admin
--;;
GRANT SELECT (org_id, id, hostel_id, gateway, name, is_default, active, created_at) ON public.gateway_accounts TO portal_resident
--;;
GRANT SELECT ON public.gateway_accounts TO viramah_service
--;;
GRANT UPDATE (secrets_token) ON public.gateway_accounts TO viramah_service
--;;
ALTER TABLE public.payment_intents ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.payment_intents FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.payment_intents TO viramah_definer
--;;
GRANT SELECT ON public.payment_intents TO portal_admin, portal_resident
--;;
ALTER TABLE public.payment_confirmations ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.payment_confirmations FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.payment_confirmations TO viramah_definer
--;;
GRANT SELECT ON public.payment_confirmations TO portal_admin
--;;
ALTER TABLE public.payment_refunds ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.payment_refunds FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.payment_refunds TO viramah_definer
--;;
GRANT SELECT ON public.payment_refunds TO portal_admin, portal_resident
--;;
ALTER TABLE public.webhook_deliveries ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.webhook_deliveries FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.webhook_deliveries TO viramah_definer
--;;
GRANT SELECT (org_id, id, hostel_id, account_id, gateway, received_at, address, headers, digest, size, verdict, reason, processed_at, effect, events, intent_id) ON public.webhook_deliveries TO portal_admin
--;;
ALTER TABLE public.payment_flags ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.payment_flags FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.payment_flags TO viramah_definer
--;;
GRANT SELECT ON public.payment_flags TO portal_admin
--;;
ALTER TABLE public.roles ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.roles FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.roles TO viramah_definer
--;;
GRANT SELECT ON public.roles TO portal_admin, portal_platform
--;;
ALTER TABLE public.role_permissions ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.role_permissions FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.role_permissions TO viramah_definer
--;;
GRANT SELECT ON public.role_permissions TO portal_admin, portal_platform
--;;
ALTER TABLE public.permission_overrides ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.permission_overrides FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.permission_overrides TO viramah_definer
--;;
GRANT SELECT ON public.permission_overrides TO portal_admin
--;;
GRANT INSERT (org_id, id, role, user_id, resource, action, hostel_id, allowed) ON public.permission_overrides TO portal_admin
--;;
GRANT UPDATE (allowed) ON public.permission_overrides TO portal_admin
--;;
GRANT DELETE ON public.permission_overrides TO portal_admin
--;;
ALTER TABLE public.person_keys ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.person_keys FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.person_keys TO viramah_definer
--;;
GRANT SELECT ON public.person_keys TO viramah_service
--;;
GRANT UPDATE (token) ON public.person_keys TO viramah_service
--;;
ALTER TABLE public.personal_values ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.personal_values FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.personal_values TO viramah_definer
--;;
GRANT SELECT (org_id, id, user_id, name, masked, created_at, updated_at, created_by) ON public.personal_values TO portal_admin, portal_resident
--;;
GRANT SELECT ON public.personal_values TO viramah_service
--;;
GRANT UPDATE (blind_index, index_key) ON public.personal_values TO viramah_service
--;;
ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.documents FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.documents TO viramah_definer
--;;
GRANT SELECT ON public.documents TO portal_admin, portal_resident
--;;
ALTER TABLE public.document_requirements ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.document_requirements FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.document_requirements TO viramah_definer
--;;
GRANT SELECT ON public.document_requirements TO portal_admin, portal_resident
--;;
ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.tasks FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.tasks TO viramah_definer
--;;
GRANT SELECT (org_id, id, kind, user_id, portal, title, status, done, total, step, message, result, subject_id, file_id, started_at, finished_at, created_at, updated_at) ON public.tasks TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
ALTER TABLE public.ledger_accounts ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ledger_accounts FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.ledger_accounts TO viramah_definer
--;;
GRANT SELECT ON public.ledger_accounts TO portal_admin, portal_resident
--;;
ALTER TABLE public.ledger_transactions ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ledger_transactions FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.ledger_transactions TO viramah_definer
--;;
GRANT SELECT ON public.ledger_transactions TO portal_admin
--;;
ALTER TABLE public.ledger_batches ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ledger_batches FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.ledger_batches TO viramah_definer
--;;
GRANT SELECT ON public.ledger_batches TO portal_admin
--;;
ALTER TABLE public.ledger_checks ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ledger_checks FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.ledger_checks TO viramah_definer
--;;
GRANT SELECT ON public.ledger_checks TO portal_admin
--;;
ALTER TABLE public.ledger_entries ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ledger_entries FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.ledger_entries TO viramah_definer
--;;
GRANT SELECT ON public.ledger_entries TO portal_admin, portal_resident
--;;
ALTER TABLE public.wallet_balance_cache ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.wallet_balance_cache FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.wallet_balance_cache TO viramah_definer
--;;
GRANT SELECT ON public.wallet_balance_cache TO portal_admin, portal_resident
--;;
ALTER TABLE public.wallet_freezes ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.wallet_freezes FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.wallet_freezes TO viramah_definer
--;;
GRANT SELECT ON public.wallet_freezes TO portal_admin, portal_resident
--;;
ALTER TABLE public.ledger_proposals ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.ledger_proposals FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.ledger_proposals TO viramah_definer
--;;
GRANT SELECT ON public.ledger_proposals TO portal_admin
--;;
ALTER TABLE public.settlement_statements ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.settlement_statements FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT ON public.settlement_statements TO viramah_definer
--;;
GRANT SELECT ON public.settlement_statements TO portal_admin
--;;
ALTER TABLE public.settlement_lines ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.settlement_lines FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.settlement_lines TO viramah_definer
--;;
GRANT SELECT ON public.settlement_lines TO portal_admin
--;;
ALTER TABLE public.reconciliation_breaks ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.reconciliation_breaks FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE ON public.reconciliation_breaks TO viramah_definer
--;;
GRANT SELECT ON public.reconciliation_breaks TO portal_admin
--;;
ALTER TABLE public.saved_views ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.saved_views FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.saved_views TO viramah_definer
--;;
GRANT SELECT ON public.saved_views TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
GRANT INSERT (id, screen, resource, name, query, shared) ON public.saved_views TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
GRANT UPDATE (name, query, shared, is_default) ON public.saved_views TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
GRANT DELETE ON public.saved_views TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
ALTER TABLE public.mailed_proofs ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.mailed_proofs FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT ON public.mailed_proofs TO viramah_auth
--;;
GRANT INSERT (id, purpose, user_id, expires_at, used_at) ON public.mailed_proofs TO viramah_auth
--;;
GRANT UPDATE (used_at) ON public.mailed_proofs TO viramah_auth
--;;
GRANT DELETE ON public.mailed_proofs TO viramah_auth
--;;
ALTER TABLE public.known_devices ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.known_devices FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, DELETE ON public.known_devices TO viramah_definer
--;;
GRANT SELECT ON public.known_devices TO viramah_auth
--;;
GRANT INSERT (id, user_id, digest, device, used_at, expires_at) ON public.known_devices TO viramah_auth
--;;
GRANT UPDATE (used_at, expires_at) ON public.known_devices TO viramah_auth
--;;
GRANT DELETE ON public.known_devices TO viramah_auth
--;;
ALTER TABLE public.provider_links ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.provider_links FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, DELETE ON public.provider_links TO viramah_definer
--;;
GRANT SELECT ON public.provider_links TO viramah_auth
--;;
GRANT INSERT (id, user_id, provider, subject, used_at) ON public.provider_links TO viramah_auth
--;;
GRANT UPDATE (used_at) ON public.provider_links TO viramah_auth
--;;
GRANT DELETE ON public.provider_links TO viramah_auth
--;;
ALTER TABLE public.telegram_bots ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.telegram_bots FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.telegram_bots TO viramah_definer
--;;
GRANT SELECT (org_id, id, user_id, number, username, mode, verified, health_status, health_reason, last_health_check, created_at, updated_at, created_by) ON public.telegram_bots TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
GRANT SELECT ON public.telegram_bots TO viramah_service
--;;
GRANT UPDATE (token) ON public.telegram_bots TO viramah_service
--;;
ALTER TABLE public.telegram_chats ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.telegram_chats FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.telegram_chats TO viramah_definer
--;;
GRANT SELECT (org_id, id, hostel_id, user_id, bot_id, purpose, number, title, is_group, code_expires_at, linked_at, blocked_at, blocked_reason, created_at, updated_at, created_by) ON public.telegram_chats TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
ALTER TABLE public.telegram_messages ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.telegram_messages FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.telegram_messages TO viramah_definer
--;;
GRANT SELECT (org_id, id, chat_id, number, key, part, html, state, due_at, attempts, attempted_at, uncertain, claimed_by, claimed_until, sent_at, message_number, reason, created_at) ON public.telegram_messages TO portal_admin
--;;
ALTER TABLE public.telegram_updates ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.telegram_updates FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.telegram_updates TO viramah_definer
--;;
ALTER TABLE public.telegram_health_events ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.telegram_health_events FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.telegram_health_events TO viramah_definer
--;;
GRANT SELECT ON public.telegram_health_events TO portal_admin
--;;
ALTER TABLE public.outbox ENABLE ROW LEVEL SECURITY
--;;
ALTER TABLE public.outbox FORCE ROW LEVEL SECURITY
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.outbox TO viramah_definer
--;;
GRANT SELECT ON public.outbox TO portal_admin
--;;
GRANT SELECT ON public.outbox TO viramah_service
--;;
CREATE POLICY this_organization on public.organizations AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform USING (id = (SELECT app.current_org()))
--;;
CREATE POLICY staff_update on public.organizations AS PERMISSIVE FOR UPDATE TO portal_admin USING (id = (SELECT app.current_org()) AND (SELECT app.can('organization', 'update')))
--;;
CREATE POLICY reference on public.plan_limits AS PERMISSIVE FOR SELECT TO portal_admin, portal_platform USING (true)
--;;
CREATE POLICY this_organization on public.usage_counters AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()))
--;;
CREATE POLICY staff_select on public.hostels AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(id = ANY ((SELECT app.reach('hostels', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.hostels AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND coalesce(id = ANY ((SELECT app.reach('hostels', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_insert on public.hostels AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(id = ANY ((SELECT app.reach('hostels', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.hostels AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(id = ANY ((SELECT app.reach('hostels', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(id = ANY ((SELECT app.reach('hostels', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.amenities AS PERMISSIVE FOR SELECT TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.amenities AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_insert on public.amenities AS PERMISSIVE FOR INSERT TO portal_admin, portal_amenity WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.amenities AS PERMISSIVE FOR UPDATE TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.amenity_templates AS PERMISSIVE FOR SELECT TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_insert on public.amenity_templates AS PERMISSIVE FOR INSERT TO portal_admin, portal_amenity WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.amenity_templates AS PERMISSIVE FOR UPDATE TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_delete on public.amenity_templates AS PERMISSIVE FOR DELETE TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'delete'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.amenity_slots AS PERMISSIVE FOR SELECT TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.amenity_slots AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.amenity_bookings AS PERMISSIVE FOR SELECT TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.amenity_bookings AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()) AND (SELECT app.can('amenities', 'read')))
--;;
CREATE POLICY staff_select on public.amenity_waits AS PERMISSIVE FOR SELECT TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('amenities', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.amenity_waits AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()) AND (SELECT app.can('amenities', 'read')))
--;;
CREATE POLICY staff_select on public.floors AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_insert on public.floors AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.floors AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.room_types AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.room_types AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_insert on public.room_types AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.room_types AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.rooms AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.rooms AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_insert on public.rooms AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.rooms AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.beds AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_insert on public.beds AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.beds AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.announcements AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('announcements', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_insert on public.announcements AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND (hostel_id IS NULL AND (SELECT app.everywhere('announcements', 'create')) OR hostel_id IS NOT NULL AND coalesce(hostel_id = ANY ((SELECT app.reach('announcements', 'create'))::uuid[]), true)))
--;;
CREATE POLICY staff_update on public.announcements AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND (hostel_id IS NULL AND (SELECT app.everywhere('announcements', 'update')) OR hostel_id IS NOT NULL AND coalesce(hostel_id = ANY ((SELECT app.reach('announcements', 'update'))::uuid[]), true)) AND state = 'draft')
--;;
CREATE POLICY staff_select on public.notification_templates AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('organization', 'read')))
--;;
CREATE POLICY staff_insert on public.notification_templates AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND (SELECT app.can('organization', 'update')))
--;;
CREATE POLICY staff_update on public.notification_templates AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('organization', 'update')))
--;;
CREATE POLICY staff_delete on public.notification_templates AS PERMISSIVE FOR DELETE TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('organization', 'update')))
--;;
CREATE POLICY staff_select on public.kyc_completions AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('onboarding', 'read')) AND app.member_in_reach(user_id))
--;;
CREATE POLICY own_select on public.kyc_completions AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY staff_select on public.submission_checks AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('onboarding', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.members AS PERMISSIVE FOR SELECT TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND app.member_in_reach(user_id))
--;;
CREATE POLICY mine_select on public.members AS PERMISSIVE FOR SELECT TO portal_canteen, portal_amenity, portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY colleagues_select on public.members AS PERMISSIVE FOR SELECT TO portal_sales USING (org_id = (SELECT app.current_org()) AND (app.is_colleague(user_id) OR user_id = ANY ((SELECT app.lodgers())::integer[])))
--;;
CREATE POLICY staff_select on public.memberships AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('members', 'read')) AND (hostel_id IS NULL OR coalesce(hostel_id = ANY ((SELECT app.reach('members', 'read'))::uuid[]), true)))
--;;
CREATE POLICY staff_select on public.invitations AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('members', 'read')) AND (hostel_id IS NULL OR coalesce(hostel_id = ANY ((SELECT app.reach('members', 'read'))::uuid[]), true)))
--;;
CREATE POLICY staff_select on public.team_members AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (coalesce(hostel_id = ANY ((SELECT app.reach('team', 'read'))::uuid[]), true) OR (hostel_id IS NULL AND (SELECT app.can('team', 'read')))))
--;;
CREATE POLICY staff_insert on public.team_members AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND (coalesce(hostel_id = ANY ((SELECT app.reach('team', 'create'))::uuid[]), true) OR (hostel_id IS NULL AND (SELECT app.can('team', 'create')))))
--;;
CREATE POLICY staff_update on public.team_members AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND (coalesce(hostel_id = ANY ((SELECT app.reach('team', 'update'))::uuid[]), true) OR (hostel_id IS NULL AND (SELECT app.can('team', 'update'))))) WITH CHECK (org_id = (SELECT app.current_org()) AND (coalesce(hostel_id = ANY ((SELECT app.reach('team', 'update'))::uuid[]), true) OR (hostel_id IS NULL AND (SELECT app.can('team', 'update')))))
--;;
CREATE POLICY auth_all on public.user_credentials AS PERMISSIVE FOR ALL TO viramah_auth USING (true)
--;;
CREATE POLICY auth_all on public.login_attempts AS PERMISSIVE FOR ALL TO viramah_auth USING (true)
--;;
CREATE POLICY mine_select on public.user_sessions AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform USING (user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY auth_all on public.user_sessions AS PERMISSIVE FOR ALL TO viramah_auth USING (true)
--;;
CREATE POLICY mine_select on public.ab_user AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform USING (id = (SELECT app.current_user_id()))
--;;
CREATE POLICY auth_select on public.ab_user AS PERMISSIVE FOR SELECT TO viramah_auth USING (true)
--;;
CREATE POLICY auth_update on public.ab_user AS PERMISSIVE FOR UPDATE TO viramah_auth USING (true)
--;;
CREATE POLICY staff_select on public.audit_log AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('audit', 'read')))
--;;
CREATE POLICY service_select on public.audit_log AS PERMISSIVE FOR SELECT TO viramah_service USING (true)
--;;
CREATE POLICY service_select on public.audit_batches AS PERMISSIVE FOR SELECT TO viramah_service USING (true)
--;;
CREATE POLICY service_insert on public.audit_batches AS PERMISSIVE FOR INSERT TO viramah_service WITH CHECK (true)
--;;
CREATE POLICY staff_select on public.files AS PERMISSIVE FOR SELECT TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('files', 'read')) AND (hostel_id IS NULL OR coalesce(hostel_id = ANY ((SELECT app.reach('files', 'read'))::uuid[]), true)) AND (purpose <> 'import' OR (SELECT app.can('imports', 'read'))) AND (purpose <> 'settlement' OR (SELECT app.can('payments', 'read'))) AND (purpose <> 'report' OR (SELECT app.can('reports', 'export'))) AND (purpose <> 'identity' OR user_id = (SELECT app.current_user_id()) OR ((SELECT app.can('personal', 'approve')) AND app.member_in_reach(user_id))))
--;;
CREATE POLICY staff_insert on public.files AS PERMISSIVE FOR INSERT TO portal_admin, portal_management WITH CHECK (org_id = (SELECT app.current_org()) AND (user_id = (SELECT app.current_user_id()) OR app.is_system()) AND (SELECT app.can('files', 'create')) AND (hostel_id IS NULL OR coalesce(hostel_id = ANY ((SELECT app.reach('files', 'create'))::uuid[]), true)))
--;;
CREATE POLICY staff_update on public.files AS PERMISSIVE FOR UPDATE TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND (user_id = (SELECT app.current_user_id()) OR coalesce(hostel_id = ANY ((SELECT app.reach('files', 'delete'))::uuid[]), true)))
--;;
CREATE POLICY kitchen_select on public.files AS PERMISSIVE FOR SELECT TO portal_canteen USING (org_id = (SELECT app.current_org()) AND purpose = 'dish' AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true))
--;;
CREATE POLICY kitchen_insert on public.files AS PERMISSIVE FOR INSERT TO portal_canteen WITH CHECK (org_id = (SELECT app.current_org()) AND (user_id = (SELECT app.current_user_id()) OR app.is_system()) AND purpose = 'dish' AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'update'))::uuid[]), true) AND (SELECT app.can('files', 'create')))
--;;
CREATE POLICY kitchen_update on public.files AS PERMISSIVE FOR UPDATE TO portal_canteen USING (org_id = (SELECT app.current_org()) AND purpose = 'dish' AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'update'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.files AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND (user_id = (SELECT app.current_user_id()) OR app.file_is_shown(id)))
--;;
CREATE POLICY resident_insert on public.files AS PERMISSIVE FOR INSERT TO portal_resident WITH CHECK (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.can('files', 'create')))
--;;
CREATE POLICY resident_update on public.files AS PERMISSIVE FOR UPDATE TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY staff_select on public.maintenance_categories AS PERMISSIVE FOR SELECT TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('maintenance', 'read')))
--;;
CREATE POLICY resident_select on public.maintenance_categories AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND (SELECT app.is_admitted()) AND (SELECT app.can('maintenance', 'read')))
--;;
CREATE POLICY staff_insert on public.maintenance_categories AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND (SELECT app.can('maintenance', 'approve')))
--;;
CREATE POLICY staff_update on public.maintenance_categories AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('maintenance', 'approve')))
--;;
CREATE POLICY staff_select on public.maintenance_issue_types AS PERMISSIVE FOR SELECT TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('maintenance', 'read')))
--;;
CREATE POLICY resident_select on public.maintenance_issue_types AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND (SELECT app.is_admitted()) AND (SELECT app.can('maintenance', 'read')))
--;;
CREATE POLICY staff_insert on public.maintenance_issue_types AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND (SELECT app.can('maintenance', 'approve')))
--;;
CREATE POLICY staff_update on public.maintenance_issue_types AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('maintenance', 'approve')))
--;;
CREATE POLICY staff_select on public.maintenance_requests AS PERMISSIVE FOR SELECT TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.maintenance_requests AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'approve'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.maintenance_requests AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()) AND (SELECT app.can('maintenance', 'read')))
--;;
CREATE POLICY staff_select on public.maintenance_assignments AS PERMISSIVE FOR SELECT TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.maintenance_status_history AS PERMISSIVE FOR SELECT TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.maintenance_status_history AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND (SELECT app.is_admitted()) AND app.is_my_request(request_id))
--;;
CREATE POLICY staff_select on public.maintenance_comments AS PERMISSIVE FOR SELECT TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_insert on public.maintenance_comments AS PERMISSIVE FOR INSERT TO portal_admin, portal_management WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'read'))::uuid[]), true) AND coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.maintenance_comments AS PERMISSIVE FOR UPDATE TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND (user_id = (SELECT app.current_user_id()) OR coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'approve'))::uuid[]), true)))
--;;
CREATE POLICY resident_select on public.maintenance_comments AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND (SELECT app.is_admitted()) AND app.is_my_request(request_id))
--;;
CREATE POLICY resident_insert on public.maintenance_comments AS PERMISSIVE FOR INSERT TO portal_resident WITH CHECK (org_id = (SELECT app.current_org()) AND (SELECT app.is_admitted()) AND app.is_my_request(request_id))
--;;
CREATE POLICY staff_select on public.maintenance_attachments AS PERMISSIVE FOR SELECT TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_insert on public.maintenance_attachments AS PERMISSIVE FOR INSERT TO portal_admin, portal_management WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'read'))::uuid[]), true) AND coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.maintenance_attachments AS PERMISSIVE FOR UPDATE TO portal_admin, portal_management USING (org_id = (SELECT app.current_org()) AND (user_id = (SELECT app.current_user_id()) OR coalesce(hostel_id = ANY ((SELECT app.reach('maintenance', 'approve'))::uuid[]), true)))
--;;
CREATE POLICY resident_select on public.maintenance_attachments AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND (SELECT app.is_admitted()) AND app.is_my_request(request_id))
--;;
CREATE POLICY resident_insert on public.maintenance_attachments AS PERMISSIVE FOR INSERT TO portal_resident WITH CHECK (org_id = (SELECT app.current_org()) AND (SELECT app.is_admitted()) AND app.is_my_request(request_id))
--;;
CREATE POLICY staff_select on public.bed_holds AS PERMISSIVE FOR SELECT TO portal_admin, portal_sales USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('residents', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.bed_holds AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY staff_select on public.bed_hold_events AS PERMISSIVE FOR SELECT TO portal_admin, portal_sales USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('residents', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.bed_allocations AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.tariffs AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.tariffs AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_insert on public.tariffs AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.tariffs AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.room_photos AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.room_photos AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_insert on public.room_photos AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.room_photos AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('rooms', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.residents AS PERMISSIVE FOR SELECT TO portal_admin, portal_sales USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('residents', 'read'))::uuid[]), true) AND hidden_at IS NULL)
--;;
CREATE POLICY own_select on public.residents AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()) AND hidden_at IS NULL)
--;;
CREATE POLICY staff_select on public.stays AS PERMISSIVE FOR SELECT TO portal_admin, portal_sales USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('residents', 'read'))::uuid[]), true) AND hidden_at IS NULL)
--;;
CREATE POLICY own_select on public.stays AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()) AND hidden_at IS NULL)
--;;
CREATE POLICY staff_select on public.billing_settings AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('billing', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.billing_choices AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('billing', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.billing_choices AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.invoices AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('billing', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.invoices AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.invoice_lines AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('billing', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.invoice_lines AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.invoice_payments AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('billing', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.invoice_payments AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.invoice_allocations AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('billing', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.invoice_allocations AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.canteen_settings AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.canteen_menu AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.canteen_menu AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_insert on public.canteen_menu AS PERMISSIVE FOR INSERT TO portal_admin, portal_canteen WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.canteen_menu AS PERMISSIVE FOR UPDATE TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.canteen_orders AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.canteen_orders AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()) AND (SELECT app.can('canteen', 'read')))
--;;
CREATE POLICY staff_select on public.canteen_order_items AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.canteen_order_items AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()) AND (SELECT app.can('canteen', 'read')))
--;;
CREATE POLICY staff_select on public.contacts AS PERMISSIVE FOR SELECT TO portal_admin, portal_sales USING (org_id = (SELECT app.current_org()) AND (hostel_id IS NULL AND (SELECT app.everywhere('inquiries', 'read')) OR hostel_id IS NOT NULL AND coalesce(hostel_id = ANY ((SELECT app.reach('inquiries', 'read'))::uuid[]), true)))
--;;
CREATE POLICY staff_update on public.contacts AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND (hostel_id IS NULL AND (SELECT app.everywhere('inquiries', 'delete')) OR hostel_id IS NOT NULL AND coalesce(hostel_id = ANY ((SELECT app.reach('inquiries', 'delete'))::uuid[]), true)))
--;;
CREATE POLICY staff_select on public.hostel_events AS PERMISSIVE FOR SELECT TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('events', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.hostel_events AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND status <> 'draft' AND coalesce(hostel_id = ANY ((SELECT app.reach('events', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_insert on public.hostel_events AS PERMISSIVE FOR INSERT TO portal_admin, portal_amenity WITH CHECK (org_id = (SELECT app.current_org()) AND (hostel_id IS NULL AND (SELECT app.everywhere('events', 'create')) OR hostel_id IS NOT NULL AND coalesce(hostel_id = ANY ((SELECT app.reach('events', 'create'))::uuid[]), true)))
--;;
CREATE POLICY staff_update on public.hostel_events AS PERMISSIVE FOR UPDATE TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND (hostel_id IS NULL AND (SELECT app.everywhere('events', 'update')) OR hostel_id IS NOT NULL AND coalesce(hostel_id = ANY ((SELECT app.reach('events', 'update'))::uuid[]), true)))
--;;
CREATE POLICY staff_select on public.event_replies AS PERMISSIVE FOR SELECT TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('events', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.event_replies AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()) AND (SELECT app.can('events', 'read')))
--;;
CREATE POLICY own_select on public.event_feeds AS PERMISSIVE FOR SELECT TO portal_admin, portal_amenity USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY resident_select on public.event_feeds AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.import_runs AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('imports', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_insert on public.import_runs AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('imports', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.import_runs AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('imports', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('imports', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.import_rows AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('imports', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.inquiries AS PERMISSIVE FOR SELECT TO portal_admin, portal_sales USING (org_id = (SELECT app.current_org()) AND (hostel_key = '00000000-0000-0000-0000-000000000000' AND (SELECT app.everywhere('inquiries', 'read')) OR coalesce(hostel_key = ANY ((SELECT app.reach('inquiries', 'read'))::uuid[]), true)))
--;;
CREATE POLICY staff_update on public.inquiries AS PERMISSIVE FOR UPDATE TO portal_admin, portal_sales USING (org_id = (SELECT app.current_org()) AND (hostel_key = '00000000-0000-0000-0000-000000000000' AND (SELECT app.everywhere('inquiries', 'update')) OR coalesce(hostel_key = ANY ((SELECT app.reach('inquiries', 'update'))::uuid[]), true)))
--;;
CREATE POLICY staff_select on public.inquiry_stage_history AS PERMISSIVE FOR SELECT TO portal_admin, portal_sales USING (org_id = (SELECT app.current_org()) AND app.sees_inquiry(inquiry_id))
--;;
CREATE POLICY staff_select on public.inquiry_notes AS PERMISSIVE FOR SELECT TO portal_admin, portal_sales USING (org_id = (SELECT app.current_org()) AND app.sees_inquiry(inquiry_id))
--;;
CREATE POLICY staff_insert on public.inquiry_notes AS PERMISSIVE FOR INSERT TO portal_admin, portal_sales WITH CHECK (org_id = (SELECT app.current_org()) AND app.sees_inquiry(inquiry_id))
--;;
CREATE POLICY staff_update on public.inquiry_notes AS PERMISSIVE FOR UPDATE TO portal_admin, portal_sales USING (org_id = (SELECT app.current_org()) AND (user_id = (SELECT app.current_user_id()) OR (SELECT app.can('inquiries', 'approve')) AND app.sees_inquiry(inquiry_id)))
--;;
CREATE POLICY staff_select on public.inventory_items AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('inventory', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_insert on public.inventory_items AS PERMISSIVE FOR INSERT TO portal_admin, portal_canteen WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('inventory', 'create'))::uuid[]), true))
--;;
CREATE POLICY staff_update on public.inventory_items AS PERMISSIVE FOR UPDATE TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('inventory', 'update'))::uuid[]), true)) WITH CHECK (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('inventory', 'update'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.inventory_moves AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('inventory', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.inventory_counts AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('inventory', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.meal_settings AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.meal_settings AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.meal_plans AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.meal_leaves AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.meal_leaves AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()) AND (SELECT app.can('canteen', 'read')))
--;;
CREATE POLICY staff_select on public.meal_attendance AS PERMISSIVE FOR SELECT TO portal_admin, portal_canteen USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('canteen', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.meal_needs AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()) AND (SELECT app.can('canteen', 'read')))
--;;
CREATE POLICY staff_select on public.move_outs AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('move_outs', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.move_outs AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.move_out_items AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('move_outs', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.move_out_items AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.move_out_photos AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('move_outs', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.move_out_photos AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY mine_select on public.notifications AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY mine_update on public.notifications AS PERMISSIVE FOR UPDATE TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY mine_select on public.notification_preferences AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY mine_select on public.notification_settings AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY staff_select on public.notification_deliveries AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('announcements', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.onboarding_progress AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('onboarding', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.onboarding_progress AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY staff_select on public.onboarding_submissions AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('onboarding', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.onboarding_submissions AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY staff_select on public.submission_flags AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('onboarding', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.submission_flags AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY staff_select on public.resident_preferences AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('onboarding', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.resident_preferences AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY staff_select on public.kyc_records AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('onboarding', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.kyc_records AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY own_select on public.onboarding_drafts AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY staff_select on public.gateway_accounts AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('payments', 'read'))::uuid[]), true))
--;;
CREATE POLICY resident_select on public.gateway_accounts AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND active AND coalesce(hostel_id = ANY ((SELECT app.reach('payments', 'read'))::uuid[]), true) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY service_select on public.gateway_accounts AS PERMISSIVE FOR SELECT TO viramah_service USING (true)
--;;
CREATE POLICY service_update on public.gateway_accounts AS PERMISSIVE FOR UPDATE TO viramah_service USING (true)
--;;
CREATE POLICY staff_select on public.payment_intents AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('payments', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.payment_intents AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.payment_confirmations AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('payments', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.payment_refunds AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('payments', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.payment_refunds AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.webhook_deliveries AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('payments', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.payment_flags AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('payments', 'read'))::uuid[]), true))
--;;
CREATE POLICY reference on public.roles AS PERMISSIVE FOR SELECT TO portal_admin, portal_platform USING (true)
--;;
CREATE POLICY reference on public.role_permissions AS PERMISSIVE FOR SELECT TO portal_admin, portal_platform USING (true)
--;;
CREATE POLICY staff_select on public.permission_overrides AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('permissions', 'read')))
--;;
CREATE POLICY staff_insert on public.permission_overrides AS PERMISSIVE FOR INSERT TO portal_admin WITH CHECK (org_id = (SELECT app.current_org()) AND (SELECT app.can('permissions', 'update')))
--;;
CREATE POLICY staff_update on public.permission_overrides AS PERMISSIVE FOR UPDATE TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('permissions', 'update')))
--;;
CREATE POLICY staff_delete on public.permission_overrides AS PERMISSIVE FOR DELETE TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('permissions', 'update')))
--;;
CREATE POLICY service_select on public.person_keys AS PERMISSIVE FOR SELECT TO viramah_service USING (true)
--;;
CREATE POLICY service_update on public.person_keys AS PERMISSIVE FOR UPDATE TO viramah_service USING (true)
--;;
CREATE POLICY staff_select on public.personal_values AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('personal', 'read')) AND app.member_in_reach(user_id))
--;;
CREATE POLICY own_select on public.personal_values AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY service_select on public.personal_values AS PERMISSIVE FOR SELECT TO viramah_service USING (true)
--;;
CREATE POLICY service_update on public.personal_values AS PERMISSIVE FOR UPDATE TO viramah_service USING (true)
--;;
CREATE POLICY staff_select on public.documents AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('personal', 'read')) AND app.member_in_reach(user_id))
--;;
CREATE POLICY own_select on public.documents AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY everybody_select on public.document_requirements AS PERMISSIVE FOR SELECT TO portal_admin, portal_resident USING (org_id = (SELECT app.current_org()))
--;;
CREATE POLICY mine_or_all_select on public.tasks AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND (user_id = (SELECT app.current_user_id()) OR (SELECT app.can('work', 'read'))))
--;;
CREATE POLICY staff_select on public.ledger_accounts AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('wallet', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.ledger_accounts AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.ledger_transactions AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('wallet', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.ledger_batches AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('wallet', 'read')))
--;;
CREATE POLICY staff_select on public.ledger_checks AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('wallet', 'read')))
--;;
CREATE POLICY staff_select on public.ledger_entries AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('wallet', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.ledger_entries AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.wallet_balance_cache AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('wallet', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.wallet_balance_cache AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.wallet_freezes AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('wallet', 'read'))::uuid[]), true))
--;;
CREATE POLICY own_select on public.wallet_freezes AS PERMISSIVE FOR SELECT TO portal_resident USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (SELECT app.is_admitted()))
--;;
CREATE POLICY staff_select on public.ledger_proposals AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('wallet', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.settlement_statements AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('payments', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.settlement_lines AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('payments', 'read'))::uuid[]), true))
--;;
CREATE POLICY staff_select on public.reconciliation_breaks AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND coalesce(hostel_id = ANY ((SELECT app.reach('payments', 'read'))::uuid[]), true))
--;;
CREATE POLICY mine_or_shared_select on public.saved_views AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND (user_id = (SELECT app.current_user_id()) OR (shared AND app.can(resource, 'read'))))
--;;
CREATE POLICY mine_insert on public.saved_views AS PERMISSIVE FOR INSERT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity WITH CHECK (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (NOT shared OR (SELECT app.can('team', 'update'))))
--;;
CREATE POLICY mine_update on public.saved_views AS PERMISSIVE FOR UPDATE TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id())) WITH CHECK (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()) AND (NOT shared OR (SELECT app.can('team', 'update'))))
--;;
CREATE POLICY mine_delete on public.saved_views AS PERMISSIVE FOR DELETE TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY auth_all on public.mailed_proofs AS PERMISSIVE FOR ALL TO viramah_auth USING (true)
--;;
CREATE POLICY auth_all on public.known_devices AS PERMISSIVE FOR ALL TO viramah_auth USING (true)
--;;
CREATE POLICY auth_all on public.provider_links AS PERMISSIVE FOR ALL TO viramah_auth USING (true)
--;;
CREATE POLICY staff_select on public.telegram_bots AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('telegram', 'read')))
--;;
CREATE POLICY own_select on public.telegram_bots AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY service_select on public.telegram_bots AS PERMISSIVE FOR SELECT TO viramah_service USING (true)
--;;
CREATE POLICY service_update on public.telegram_bots AS PERMISSIVE FOR UPDATE TO viramah_service USING (true)
--;;
CREATE POLICY staff_select on public.telegram_chats AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('telegram', 'read')))
--;;
CREATE POLICY own_select on public.telegram_chats AS PERMISSIVE FOR SELECT TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity USING (org_id = (SELECT app.current_org()) AND user_id = (SELECT app.current_user_id()))
--;;
CREATE POLICY staff_select on public.telegram_messages AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('telegram', 'read')))
--;;
CREATE POLICY staff_select on public.telegram_health_events AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('telegram', 'read')))
--;;
CREATE POLICY staff_select on public.outbox AS PERMISSIVE FOR SELECT TO portal_admin USING (org_id = (SELECT app.current_org()) AND (SELECT app.can('work', 'read')))
--;;
CREATE POLICY service_select on public.outbox AS PERMISSIVE FOR SELECT TO viramah_service USING (true)
--;;
CREATE TRIGGER "b_limit" BEFORE INSERT OR UPDATE OF deleted_at ON public.hostels FOR EACH ROW EXECUTE FUNCTION app.enforce_limit('hostels')
--;;
CREATE TRIGGER "b_audited_limits" BEFORE UPDATE OF limits ON public.organizations FOR EACH ROW EXECUTE FUNCTION app.check_limits()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.amenity_bookings FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('amenity_booking')
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.amenity_waits FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('amenity_wait')
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF state ON public.onboarding_submissions FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('onboarding_submission', 'state')
--;;
CREATE TRIGGER "w_access" AFTER INSERT OR UPDATE OR DELETE ON public.kyc_completions FOR EACH ROW EXECUTE FUNCTION app.change_access()
--;;
CREATE TRIGGER "x_vouch" AFTER INSERT OR UPDATE OF role ON public.memberships FOR EACH ROW WHEN (NEW.role = 'resident') EXECUTE FUNCTION app.vouch_for_resident()
--;;
CREATE TRIGGER "w_access" AFTER INSERT OR UPDATE OR DELETE ON public.memberships FOR EACH ROW EXECUTE FUNCTION app.change_access()
--;;
CREATE TRIGGER "w_access" AFTER INSERT OR UPDATE OR DELETE ON public.members FOR EACH ROW EXECUTE FUNCTION app.change_access()
--;;
CREATE TRIGGER "w_access" AFTER INSERT OR UPDATE OR DELETE ON public.hostels FOR EACH ROW EXECUTE FUNCTION app.change_access()
--;;
CREATE TRIGGER "w_access" AFTER UPDATE ON public.organizations FOR EACH ROW EXECUTE FUNCTION app.change_access()
--;;
CREATE TRIGGER "w_access" AFTER INSERT OR UPDATE OR DELETE ON public.platform_roles FOR EACH ROW EXECUTE FUNCTION app.change_access()
--;;
CREATE TRIGGER "w_access" AFTER INSERT OR UPDATE ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION app.change_access()
--;;
CREATE TRIGGER "w_access" AFTER UPDATE OF first_name, last_name, username, email, active OR DELETE ON public.ab_user FOR EACH ROW EXECUTE FUNCTION app.change_access()
--;;
CREATE TRIGGER "a_limit" BEFORE INSERT OR UPDATE OF status ON public.memberships FOR EACH ROW EXECUTE FUNCTION app.enforce_limit('users')
--;;
CREATE TRIGGER "b_last_owner" BEFORE UPDATE OR DELETE ON public.memberships FOR EACH ROW EXECUTE FUNCTION app.keep_an_owner()
--;;
CREATE TRIGGER "c_usage" AFTER INSERT OR UPDATE OF deleted_at ON public.files FOR EACH ROW EXECUTE FUNCTION app.count_storage()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.maintenance_requests FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('maintenance_request')
--;;
CREATE TRIGGER "c_clock" BEFORE INSERT OR UPDATE OF status, priority, clock_started_at ON public.maintenance_requests FOR EACH ROW EXECUTE FUNCTION app.request_clock()
--;;
CREATE TRIGGER "d_fits" BEFORE INSERT OR UPDATE OF category_id, issue_type_id, room_id, hostel_id ON public.maintenance_requests FOR EACH ROW EXECUTE FUNCTION app.check_request_fits()
--;;
CREATE TRIGGER "y_history" AFTER INSERT OR UPDATE OF status ON public.maintenance_requests FOR EACH ROW EXECUTE FUNCTION app.write_request_history()
--;;
CREATE TRIGGER "b_hostel" BEFORE INSERT ON public.maintenance_comments FOR EACH ROW EXECUTE FUNCTION app.follow_request()
--;;
CREATE TRIGGER "y_tell" AFTER INSERT ON public.maintenance_comments FOR EACH ROW EXECUTE FUNCTION app.tell_of_comment()
--;;
CREATE TRIGGER "b_hostel" BEFORE INSERT ON public.maintenance_attachments FOR EACH ROW EXECUTE FUNCTION app.follow_request()
--;;
CREATE TRIGGER "c_limit" BEFORE INSERT ON public.maintenance_attachments FOR EACH ROW EXECUTE FUNCTION app.limit_attachments()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF state ON public.bed_holds FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('bed_hold', 'state')
--;;
CREATE TRIGGER "y_log" AFTER INSERT OR UPDATE OF state ON public.bed_holds FOR EACH ROW EXECUTE FUNCTION app.write_hold_event()
--;;
CREATE TRIGGER "c_occupied" BEFORE UPDATE OF deleted_at ON public.beds FOR EACH ROW EXECUTE FUNCTION app.keep_occupied_bed()
--;;
CREATE TRIGGER "x_unblock" AFTER UPDATE OF status ON public.maintenance_requests FOR EACH ROW EXECUTE FUNCTION app.unblock_after_repair()
--;;
CREATE TRIGGER "b_room" BEFORE INSERT ON public.room_photos FOR EACH ROW EXECUTE FUNCTION app.follow_room()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.residents FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('resident')
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.stays FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('stay')
--;;
CREATE TRIGGER "d_fits" BEFORE INSERT OR UPDATE OF room_type_id, hostel_id ON public.tariffs FOR EACH ROW EXECUTE FUNCTION app.check_room_type_fits()
--;;
CREATE TRIGGER "d_fits" BEFORE INSERT OR UPDATE OF room_type_id, hostel_id ON public.rooms FOR EACH ROW EXECUTE FUNCTION app.check_room_type_fits()
--;;
CREATE TRIGGER "b_issued" BEFORE UPDATE ON public.invoices FOR EACH ROW EXECUTE FUNCTION app.keep_invoice()
--;;
CREATE TRIGGER "x_invoices" AFTER UPDATE OF status ON public.ledger_proposals FOR EACH ROW WHEN (NEW.status = 'approved' AND NEW.user_id IS NOT NULL AND NEW.kind IN ('discount', 'write_off')) EXECUTE FUNCTION app.follow_proposal()
--;;
CREATE TRIGGER "x_billing" AFTER UPDATE OF status ON public.move_outs FOR EACH ROW WHEN (NEW.status = 'settled' AND OLD.status <> 'settled') EXECUTE FUNCTION app.bill_settlement()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.canteen_orders FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('canteen_order')
--;;
CREATE TRIGGER "x_canteen" AFTER INSERT OR UPDATE OF status, bed_id ON public.stays FOR EACH ROW EXECUTE FUNCTION app.bring_to_new_room()
--;;
CREATE TRIGGER "x_canteen" AFTER UPDATE OF status ON public.ledger_proposals FOR EACH ROW EXECUTE FUNCTION app.follow_canteen_refund()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.hostel_events FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('hostel_event')
--;;
CREATE TRIGGER "c_keep" BEFORE UPDATE ON public.hostel_events FOR EACH ROW EXECUTE FUNCTION app.keep_event()
--;;
CREATE TRIGGER "x_follow" AFTER UPDATE ON public.hostel_events FOR EACH ROW EXECUTE FUNCTION app.follow_event()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.import_runs FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('import_run')
--;;
CREATE TRIGGER "c_times" BEFORE UPDATE OF status ON public.import_runs FOR EACH ROW EXECUTE FUNCTION app.note_import_step()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.inquiries FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('inquiry')
--;;
CREATE TRIGGER "c_stage" BEFORE INSERT OR UPDATE ON public.inquiries FOR EACH ROW EXECUTE FUNCTION app.keep_inquiry()
--;;
CREATE TRIGGER "y_history" AFTER INSERT OR UPDATE OF status ON public.inquiries FOR EACH ROW EXECUTE FUNCTION app.write_inquiry_history()
--;;
CREATE TRIGGER "x_low" AFTER UPDATE ON public.inventory_items FOR EACH ROW EXECUTE FUNCTION app.note_low_stock()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.move_outs FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('move_out')
--;;
CREATE TRIGGER "x_move_out" AFTER UPDATE OF status, until_on ON public.stays FOR EACH ROW EXECUTE FUNCTION app.follow_stay()
--;;
CREATE TRIGGER "m_read" AFTER UPDATE OF read_at ON public.notifications FOR EACH ROW EXECUTE FUNCTION app.note_read()
--;;
CREATE TRIGGER "m_delivery" AFTER UPDATE OF state ON public.telegram_messages FOR EACH ROW EXECUTE FUNCTION app.note_telegram()
--;;
CREATE TRIGGER "y_forget_onboarding" AFTER UPDATE OF destroyed_at ON public.person_keys FOR EACH ROW EXECUTE FUNCTION app.forget_onboarding()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.payment_intents FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('payment_intent')
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.payment_refunds FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('payment_refund')
--;;
CREATE TRIGGER "x_refund" AFTER UPDATE OF status ON public.ledger_proposals FOR EACH ROW EXECUTE FUNCTION app.follow_refund_proposal()
--;;
CREATE TRIGGER "b_no_self_elevation" BEFORE INSERT OR UPDATE OR DELETE ON public.permission_overrides FOR EACH ROW EXECUTE FUNCTION app.guard_override()
--;;
CREATE TRIGGER "w_access" AFTER INSERT OR UPDATE OR DELETE ON public.permission_overrides FOR EACH ROW EXECUTE FUNCTION app.change_access()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.tasks FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('task')
--;;
CREATE TRIGGER "c_task" AFTER UPDATE OF state ON public.outbox FOR EACH ROW WHEN (NEW.state = 'dead' AND NEW.kind = 'progress.step') EXECUTE FUNCTION app.fail_task_of_work()
--;;
CREATE TRIGGER "c_balanced" AFTER INSERT ON public.ledger_entries REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION app.check_balanced()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.ledger_proposals FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('ledger_proposal')
--;;
CREATE TRIGGER "c_currency" BEFORE UPDATE OF currency ON public.hostels FOR EACH ROW EXECUTE FUNCTION app.keep_currency()
--;;
CREATE TRIGGER "x_wallet" AFTER INSERT ON public.residents FOR EACH ROW EXECUTE FUNCTION app.open_wallet_of_resident()
--;;
CREATE TRIGGER "b_lifecycle" BEFORE INSERT OR UPDATE OF status ON public.reconciliation_breaks FOR EACH ROW EXECUTE FUNCTION app.guard_lifecycle('reconciliation_break')
--;;
CREATE TRIGGER "x_reconciliation" AFTER UPDATE OF status ON public.ledger_proposals FOR EACH ROW EXECUTE FUNCTION app.follow_break_proposal()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.organizations FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.organizations FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.hostels FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.hostels FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.amenities FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.amenities FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.amenity_templates FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.amenity_templates FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.amenity_slots FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.amenity_bookings FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.amenity_bookings FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.amenity_waits FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.amenity_waits FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.floors FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.floors FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.room_types FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.room_types FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.rooms FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.rooms FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.beds FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.beds FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.announcements FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.announcements FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.notification_templates FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.notification_templates FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.kyc_completions FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.kyc_completions FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.submission_checks FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.submission_checks FOR EACH ROW EXECUTE FUNCTION app.audit('reason')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.members FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.members FOR EACH ROW EXECUTE FUNCTION app.audit('name', 'email')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.memberships FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.memberships FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.invitations FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.invitations FOR EACH ROW EXECUTE FUNCTION app.audit('name', 'email', 'digest')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.team_members FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.team_members FOR EACH ROW EXECUTE FUNCTION app.audit('name', 'email', 'phone')
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.audit_batches FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.files FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.files FOR EACH ROW EXECUTE FUNCTION app.audit('storage_key')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.maintenance_categories FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.maintenance_categories FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.maintenance_issue_types FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.maintenance_issue_types FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.maintenance_requests FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.maintenance_requests FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.maintenance_assignments FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.maintenance_assignments FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.maintenance_status_history FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.maintenance_comments FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.maintenance_comments FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.maintenance_attachments FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.maintenance_attachments FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.bed_holds FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.bed_holds FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.bed_hold_events FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.bed_allocations FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.bed_allocations FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.tariffs FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.tariffs FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.room_photos FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.room_photos FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.residents FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.residents FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.stays FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.stays FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.billing_settings FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.billing_settings FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.billing_choices FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.billing_choices FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.invoices FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.invoices FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.invoice_lines FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.invoice_payments FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.invoice_allocations FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.canteen_settings FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.canteen_settings FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.canteen_menu FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.canteen_menu FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.canteen_orders FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.canteen_orders FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.canteen_order_items FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.contacts FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.contacts FOR EACH ROW EXECUTE FUNCTION app.audit('full_name', 'phone_token', 'phone_index', 'phone_masked', 'email_token', 'email_index', 'email_masked')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.hostel_events FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.hostel_events FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.event_replies FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.event_replies FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.event_feeds FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.event_feeds FOR EACH ROW EXECUTE FUNCTION app.audit('digest')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.import_runs FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.import_runs FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.inquiries FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.inquiries FOR EACH ROW EXECUTE FUNCTION app.audit('full_name', 'phone_token', 'phone_index', 'phone_masked', 'email_token', 'email_index', 'email_masked', 'message')
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.inquiry_stage_history FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.inquiry_notes FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.inquiry_notes FOR EACH ROW EXECUTE FUNCTION app.audit('body')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.inventory_items FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.inventory_items FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.inventory_moves FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.inventory_counts FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.meal_settings FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.meal_settings FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.meal_plans FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.meal_plans FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.meal_leaves FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.meal_leaves FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.meal_attendance FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.meal_attendance FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.meal_needs FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.meal_needs FOR EACH ROW EXECUTE FUNCTION app.audit('food', 'allergens')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.move_outs FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.move_outs FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.move_out_items FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.move_out_items FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.move_out_photos FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.move_out_photos FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.notifications FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.notifications FOR EACH ROW EXECUTE FUNCTION app.audit('title', 'body')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.notification_preferences FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.notification_preferences FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.notification_settings FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.notification_settings FOR EACH ROW EXECUTE FUNCTION app.audit('phone_token', 'phone_masked', 'phone_confirmed_at')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.notification_deliveries FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.onboarding_progress FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.onboarding_progress FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.onboarding_submissions FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.onboarding_submissions FOR EACH ROW EXECUTE FUNCTION app.audit('answers')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.submission_flags FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.submission_flags FOR EACH ROW EXECUTE FUNCTION app.audit('reason')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.resident_preferences FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.resident_preferences FOR EACH ROW EXECUTE FUNCTION app.audit('answers')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.kyc_records FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.kyc_records FOR EACH ROW EXECUTE FUNCTION app.audit('full_name', 'facts')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.onboarding_drafts FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.gateway_accounts FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.gateway_accounts FOR EACH ROW EXECUTE FUNCTION app.audit('secrets_token', 'webhook_path', 'key_id')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.payment_intents FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.payment_intents FOR EACH ROW EXECUTE FUNCTION app.audit('checkout_url')
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.payment_confirmations FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.payment_refunds FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.payment_refunds FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.payment_flags FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.payment_flags FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.permission_overrides FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.permission_overrides FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.person_keys FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.person_keys FOR EACH ROW EXECUTE FUNCTION app.audit('token')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.personal_values FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.personal_values FOR EACH ROW EXECUTE FUNCTION app.audit('blind_index', 'masked')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.documents FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.documents FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.document_requirements FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.document_requirements FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.ledger_transactions FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.ledger_batches FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.ledger_checks FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.wallet_freezes FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.wallet_freezes FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.ledger_proposals FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.ledger_proposals FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_immutable" BEFORE UPDATE OR DELETE OR TRUNCATE ON public.settlement_statements FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.reconciliation_breaks FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.reconciliation_breaks FOR EACH ROW EXECUTE FUNCTION app.audit()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.saved_views FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.telegram_bots FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.telegram_bots FOR EACH ROW EXECUTE FUNCTION app.audit('token', 'secret_digest')
--;;
CREATE TRIGGER "a_touch" BEFORE UPDATE ON public.telegram_chats FOR EACH ROW EXECUTE FUNCTION app.touch()
--;;
CREATE TRIGGER "z_audit" AFTER INSERT OR UPDATE OR DELETE ON public.telegram_chats FOR EACH ROW EXECUTE FUNCTION app.audit('number', 'title', 'code_digest')
--;;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO viramah_definer
--;;
GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.seal_of(p_role text, p_org text, p_user text, p_caps text) FROM PUBLIC
--;;
ALTER FUNCTION app.seal_of(p_role text, p_org text, p_user text, p_caps text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.is_genuine() FROM PUBLIC
--;;
ALTER FUNCTION app.is_genuine() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.is_genuine() TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.current_org() FROM PUBLIC
--;;
ALTER FUNCTION app.current_org() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.current_org() TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.current_user_id() FROM PUBLIC
--;;
ALTER FUNCTION app.current_user_id() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.current_user_id() TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.assume(p_org uuid, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.assume(p_org uuid, p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.act_for(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.act_for(p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.touch() FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.touch() TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.limit_of(p_org uuid, p_metric text) FROM PUBLIC
--;;
ALTER FUNCTION app.limit_of(p_org uuid, p_metric text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.refuse_limit(p_org uuid, p_metric text, p_most bigint, p_used bigint) FROM PUBLIC
--;;
ALTER FUNCTION app.refuse_limit(p_org uuid, p_metric text, p_most bigint, p_used bigint) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.used(p_org uuid, p_metric text) FROM PUBLIC
--;;
ALTER FUNCTION app.used(p_org uuid, p_metric text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.enforce_limit() FROM PUBLIC
--;;
ALTER FUNCTION app.enforce_limit() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.check_limits() FROM PUBLIC
--;;
ALTER FUNCTION app.check_limits() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.add_usage(p_org uuid, p_metric text, p_by bigint) FROM PUBLIC
--;;
ALTER FUNCTION app.add_usage(p_org uuid, p_metric text, p_by bigint) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.organization_usage() FROM PUBLIC
--;;
ALTER FUNCTION app.organization_usage() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.organization_usage() TO portal_admin, portal_platform
--;;
REVOKE ALL ON FUNCTION app.next_number(p_org uuid, p_series text, p_scope uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.next_number(p_org uuid, p_series text, p_scope uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.count_hit(p_bucket text, p_key text, p_start timestamptz, p_most bigint) FROM PUBLIC
--;;
ALTER FUNCTION app.count_hit(p_bucket text, p_key text, p_start timestamptz, p_most bigint) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.count_hit(p_bucket text, p_key text, p_start timestamptz, p_most bigint) TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.forget_hits(p_before timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.forget_hits(p_before timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.forget_hits(p_before timestamptz) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.create_organization(p_name text, p_slug text, p_plan text, p_owner integer, p_categories jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.create_organization(p_name text, p_slug text, p_plan text, p_owner integer, p_categories jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.create_organization(p_name text, p_slug text, p_plan text, p_owner integer, p_categories jsonb) TO viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.platform_organizations() FROM PUBLIC
--;;
ALTER FUNCTION app.platform_organizations() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.platform_organizations() TO portal_platform, viramah_service
--;;
REVOKE ALL ON FUNCTION app.set_plan(p_org uuid, p_plan text, p_status text, p_limits jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.set_plan(p_org uuid, p_plan text, p_status text, p_limits jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.set_plan(p_org uuid, p_plan text, p_status text, p_limits jsonb) TO portal_platform, viramah_service
--;;
REVOKE ALL ON FUNCTION app.may_book(p_hostel uuid, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.may_book(p_hostel uuid, p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.assert_amenity(p_amenity uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_amenity(p_amenity uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.amenity_blocked_until(p_amenity uuid, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.amenity_blocked_until(p_amenity uuid, p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.is_hindered(p_slot uuid, p_user integer, p_raise boolean, p_wait uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.is_hindered(p_slot uuid, p_user integer, p_raise boolean, p_wait uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.write_booking(p_id uuid, p_slot uuid, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.write_booking(p_id uuid, p_slot uuid, p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.turn_slot(p_slot uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.turn_slot(p_slot uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.take_place(p_wait uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.take_place(p_wait uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.take_place(p_wait uuid) TO portal_admin, portal_amenity, portal_resident
--;;
REVOKE ALL ON FUNCTION app.book_slot(p_slot uuid, p_id uuid, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.book_slot(p_slot uuid, p_id uuid, p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.book_slot(p_slot uuid, p_id uuid, p_user integer) TO portal_admin, portal_amenity, portal_resident
--;;
REVOKE ALL ON FUNCTION app.join_line(p_slot uuid, p_id uuid, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.join_line(p_slot uuid, p_id uuid, p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.join_line(p_slot uuid, p_id uuid, p_user integer) TO portal_admin, portal_amenity, portal_resident
--;;
REVOKE ALL ON FUNCTION app.leave_line(p_wait uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.leave_line(p_wait uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.leave_line(p_wait uuid) TO portal_admin, portal_amenity, portal_resident
--;;
REVOKE ALL ON FUNCTION app.take_booking(p_booking uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.take_booking(p_booking uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.cancel_booking(p_booking uuid, p_why text) FROM PUBLIC
--;;
ALTER FUNCTION app.cancel_booking(p_booking uuid, p_why text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.cancel_booking(p_booking uuid, p_why text) TO portal_admin, portal_amenity, portal_resident
--;;
REVOKE ALL ON FUNCTION app.mark_booking(p_booking uuid, p_came boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.mark_booking(p_booking uuid, p_came boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.mark_booking(p_booking uuid, p_came boolean) TO portal_admin, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.amenity_people(p_ids uuid[]) FROM PUBLIC
--;;
ALTER FUNCTION app.amenity_people(p_ids uuid[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.amenity_people(p_ids uuid[]) TO portal_admin, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.amenity_guests(p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.amenity_guests(p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.amenity_guests(p_hostel uuid) TO portal_admin, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.offer_elsewhere(p_booking uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.offer_elsewhere(p_booking uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.clear_slots(p_slots uuid[], p_why text) FROM PUBLIC
--;;
ALTER FUNCTION app.clear_slots(p_slots uuid[], p_why text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.slots_in(p_slots jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.slots_in(p_slots jsonb) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.put_slots(p_amenity uuid, p_first date, p_last date, p_slots jsonb, p_why text) FROM PUBLIC
--;;
ALTER FUNCTION app.put_slots(p_amenity uuid, p_first date, p_last date, p_slots jsonb, p_why text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.put_slots(p_amenity uuid, p_first date, p_last date, p_slots jsonb, p_why text) TO portal_admin, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.close_amenity(p_amenity uuid, p_from timestamptz, p_until timestamptz, p_why text) FROM PUBLIC
--;;
ALTER FUNCTION app.close_amenity(p_amenity uuid, p_from timestamptz, p_until timestamptz, p_why text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.close_amenity(p_amenity uuid, p_from timestamptz, p_until timestamptz, p_why text) TO portal_admin, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.reopen_amenity(p_amenity uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.reopen_amenity(p_amenity uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.reopen_amenity(p_amenity uuid) TO portal_admin, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.turn_amenities() FROM PUBLIC
--;;
ALTER FUNCTION app.turn_amenities() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.turn_amenities() TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.organizations_with_due_amenities() FROM PUBLIC
--;;
ALTER FUNCTION app.organizations_with_due_amenities() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.organizations_with_due_amenities() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.ask_amenity_slots() FROM PUBLIC
--;;
ALTER FUNCTION app.ask_amenity_slots() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.ask_amenity_slots() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.audience_of(p_hostel uuid, p_floor uuid, p_roles text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.audience_of(p_hostel uuid, p_floor uuid, p_roles text[]) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.assert_announcement(p_id uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_announcement(p_id uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.announcement_reach(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.announcement_reach(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.announcement_reach(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.release_announcement(p_id uuid, p_at timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.release_announcement(p_id uuid, p_at timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.release_announcement(p_id uuid, p_at timestamptz) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.withdraw_announcement(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.withdraw_announcement(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.withdraw_announcement(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.begin_announcement(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.begin_announcement(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.begin_announcement(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.announcement_figures(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.announcement_figures(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.announcement_figures(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.kyc_passed(p_org uuid, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.kyc_passed(p_org uuid, p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.is_admitted() FROM PUBLIC
--;;
ALTER FUNCTION app.is_admitted() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.is_admitted() TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.vouch_for_resident() FROM PUBLIC
--;;
ALTER FUNCTION app.vouch_for_resident() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.lock_submission(p_id uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.lock_submission(p_id uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.lock_review(p_id uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.lock_review(p_id uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.claim_submission(p_id uuid, p_take_over boolean, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.claim_submission(p_id uuid, p_take_over boolean, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.claim_submission(p_id uuid, p_take_over boolean, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.release_submission(p_id uuid, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.release_submission(p_id uuid, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.release_submission(p_id uuid, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.note_checks(p_id uuid, p_checks jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.note_checks(p_id uuid, p_checks jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.note_checks(p_id uuid, p_checks jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.submission_matches(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.submission_matches(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.submission_matches(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.decide_submission(p_id uuid, p_state text, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.decide_submission(p_id uuid, p_state text, p_reason text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.approve_submission(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.approve_submission(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.approve_submission(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.reject_submission(p_id uuid, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.reject_submission(p_id uuid, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.reject_submission(p_id uuid, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.request_revision(p_id uuid, p_flags jsonb, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.request_revision(p_id uuid, p_flags jsonb, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.request_revision(p_id uuid, p_flags jsonb, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.decision_letter(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.decision_letter(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.decision_letter(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.is_super_admin() FROM PUBLIC
--;;
ALTER FUNCTION app.is_super_admin() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.is_super_admin() TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.is_system() FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.is_system() TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.is_staff() FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.is_staff() TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.active_roles(p_org uuid, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.active_roles(p_org uuid, p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.capabilities(p_org uuid, p_user integer, p_portal text, p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.capabilities(p_org uuid, p_user integer, p_portal text, p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.capabilities(p_org uuid, p_user integer, p_portal text, p_hostel uuid) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.language_of(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.language_of(p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.choose_language(p_language text) FROM PUBLIC
--;;
ALTER FUNCTION app.choose_language(p_language text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.choose_language(p_language text) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
REVOKE ALL ON FUNCTION app.describe(p_user integer, p_org uuid, p_portals text[], p_hostel uuid, p_full boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.describe(p_user integer, p_org uuid, p_portals text[], p_hostel uuid, p_full boolean) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.described(p_user integer, p_org uuid, p_portals text[], p_hostel uuid, p_full boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.described(p_user integer, p_org uuid, p_portals text[], p_hostel uuid, p_full boolean) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.change_access() FROM PUBLIC
--;;
ALTER FUNCTION app.change_access() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.platform_capabilities() FROM PUBLIC
--;;
ALTER FUNCTION app.platform_capabilities() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.identify(p_digest bytea, p_org uuid, p_portals text[], p_hostel uuid, p_full boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.identify(p_digest bytea, p_org uuid, p_portals text[], p_hostel uuid, p_full boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.identify(p_digest bytea, p_org uuid, p_portals text[], p_hostel uuid, p_full boolean) TO viramah_web
--;;
REVOKE ALL ON FUNCTION app.enter(p_me jsonb, p_request text) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.enter(p_me jsonb, p_request text) TO viramah_web, viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.set_binding(p_org text, p_user text, p_caps text, p_seal text, p_portal text, p_request text) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.set_binding(p_org text, p_user text, p_caps text, p_seal text, p_portal text, p_request text) TO viramah_web, viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.bind(p_digest bytea, p_org uuid, p_portals text[], p_hostel uuid, p_request text, p_full boolean) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.bind(p_digest bytea, p_org uuid, p_portals text[], p_hostel uuid, p_request text, p_full boolean) TO viramah_web, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.bind_as(p_user integer, p_org uuid, p_portals text[], p_hostel uuid, p_request text) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.bind_as(p_user integer, p_org uuid, p_portals text[], p_hostel uuid, p_request text) TO viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.describe_member(p_user integer, p_org uuid, p_portals text[], p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.describe_member(p_user integer, p_org uuid, p_portals text[], p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.describe_member(p_user integer, p_org uuid, p_portals text[], p_hostel uuid) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.bind_system(p_org uuid, p_request text) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.bind_system(p_org uuid, p_request text) TO viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.system_seal(p_org uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.system_seal(p_org uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.system_seal(p_org uuid) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.sealed(p_me jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.sealed(p_me jsonb) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.member_in_reach(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.member_in_reach(p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.member_in_reach(p_user integer) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
REVOKE ALL ON FUNCTION app.assert_may_grant(p_role text, p_hostel uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_may_grant(p_role text, p_hostel uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.grant_role(p_user integer, p_role text, p_hostel uuid, p_from timestamptz, p_until timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.grant_role(p_user integer, p_role text, p_hostel uuid, p_from timestamptz, p_until timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.grant_role(p_user integer, p_role text, p_hostel uuid, p_from timestamptz, p_until timestamptz) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.change_role(p_id uuid, p_status text, p_from timestamptz, p_until timestamptz, p_version timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.change_role(p_id uuid, p_status text, p_from timestamptz, p_until timestamptz, p_version timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.change_role(p_id uuid, p_status text, p_from timestamptz, p_until timestamptz, p_version timestamptz) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.change_person(p_user integer, p_status text) FROM PUBLIC
--;;
ALTER FUNCTION app.change_person(p_user integer, p_status text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.change_person(p_user integer, p_status text) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
REVOKE ALL ON FUNCTION app.transfer_ownership(p_to integer) FROM PUBLIC
--;;
ALTER FUNCTION app.transfer_ownership(p_to integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.transfer_ownership(p_to integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.add_member(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.add_member(p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.add_member(p_user integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.keep_an_owner() FROM PUBLIC
--;;
ALTER FUNCTION app.keep_an_owner() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.invite(p_id uuid, p_email text, p_name text, p_role text, p_hostel uuid, p_team_member uuid, p_digest bytea, p_expires timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.invite(p_id uuid, p_email text, p_name text, p_role text, p_hostel uuid, p_team_member uuid, p_digest bytea, p_expires timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.invite(p_id uuid, p_email text, p_name text, p_role text, p_hostel uuid, p_team_member uuid, p_digest bytea, p_expires timestamptz) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.change_invitation(p_id uuid, p_digest bytea, p_expires timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.change_invitation(p_id uuid, p_digest bytea, p_expires timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.change_invitation(p_id uuid, p_digest bytea, p_expires timestamptz) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.is_account_unused(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.is_account_unused(p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.open_invitation(p_digest bytea) FROM PUBLIC
--;;
ALTER FUNCTION app.open_invitation(p_digest bytea) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.open_invitation(p_digest bytea) TO viramah_auth
--;;
REVOKE ALL ON FUNCTION app.accept_invitation(p_digest bytea, p_name text, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.accept_invitation(p_digest bytea, p_name text, p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.accept_invitation(p_digest bytea, p_name text, p_user integer) TO viramah_auth
--;;
REVOKE ALL ON FUNCTION app.create_account(p_email text, p_name text) FROM PUBLIC
--;;
ALTER FUNCTION app.create_account(p_email text, p_name text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.create_account(p_email text, p_name text) TO viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.end_session(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.end_session(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.end_session(p_id uuid) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform, viramah_auth
--;;
REVOKE ALL ON FUNCTION app.end_sessions(p_user integer, p_but uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.end_sessions(p_user integer, p_but uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.end_sessions(p_user integer, p_but uuid) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
REVOKE ALL ON FUNCTION app.set_platform_role(p_user integer, p_held boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.set_platform_role(p_user integer, p_held boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.set_platform_role(p_user integer, p_held boolean) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.find_user(p_email text) FROM PUBLIC
--;;
ALTER FUNCTION app.find_user(p_email text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.find_user(p_email text) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.set_account_active(p_user integer, p_active boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.set_account_active(p_user integer, p_active boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.set_account_active(p_user integer, p_active boolean) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.account_address(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.account_address(p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.account_address(p_user integer) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.refuse_change() FROM PUBLIC
--;;
ALTER FUNCTION app.refuse_change() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.masked(p_row jsonb, p_columns text[]) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.masked(p_row jsonb, p_columns text[]) TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.audit() FROM PUBLIC
--;;
ALTER FUNCTION app.audit() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.note_event(p_action text, p_subject text, p_row text, p_reason text, p_data jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.note_event(p_action text, p_subject text, p_row text, p_reason text, p_data jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.note_event(p_action text, p_subject text, p_row text, p_reason text, p_data jsonb) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform, viramah_service
--;;
REVOKE ALL ON FUNCTION app.note_account(p_user integer, p_action text, p_data jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.note_account(p_user integer, p_action text, p_data jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.note_account(p_user integer, p_action text, p_data jsonb) TO viramah_auth
--;;
REVOKE ALL ON FUNCTION app.audit_horizon() FROM PUBLIC
--;;
ALTER FUNCTION app.audit_horizon() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.audit_horizon() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.audit_state() FROM PUBLIC
--;;
ALTER FUNCTION app.audit_state() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.audit_state() TO portal_admin, portal_platform, viramah_service
--;;
REVOKE ALL ON FUNCTION app.audit_seal_of(p_seq bigint) FROM PUBLIC
--;;
ALTER FUNCTION app.audit_seal_of(p_seq bigint) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.audit_seal_of(p_seq bigint) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.edits_of(p_table text, p_row text, p_resource text, p_state text) FROM PUBLIC
--;;
ALTER FUNCTION app.edits_of(p_table text, p_row text, p_resource text, p_state text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.edits_of(p_table text, p_row text, p_resource text, p_state text) TO portal_admin, portal_management
--;;
REVOKE ALL ON FUNCTION app.file_is_shown(p_file uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.file_is_shown(p_file uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.file_is_shown(p_file uuid) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.count_storage() FROM PUBLIC
--;;
ALTER FUNCTION app.count_storage() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.is_my_request(p_request uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.is_my_request(p_request uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.is_my_request(p_request uuid) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.submit_request(p_hostel uuid, p_category uuid, p_issue uuid, p_room uuid, p_place text, p_description text, p_priority text, p_for integer, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.submit_request(p_hostel uuid, p_category uuid, p_issue uuid, p_room uuid, p_place text, p_description text, p_priority text, p_for integer, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.submit_request(p_hostel uuid, p_category uuid, p_issue uuid, p_room uuid, p_place text, p_description text, p_priority text, p_for integer, p_id uuid) TO portal_admin, portal_management, portal_resident
--;;
REVOKE ALL ON FUNCTION app.check_request_fits() FROM PUBLIC
--;;
ALTER FUNCTION app.check_request_fits() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.request_clock() FROM PUBLIC
--;;
ALTER FUNCTION app.request_clock() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.write_request_history() FROM PUBLIC
--;;
ALTER FUNCTION app.write_request_history() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.give_request(p_request uuid, p_hostel uuid, p_user integer, p_outside text) FROM PUBLIC
--;;
ALTER FUNCTION app.give_request(p_request uuid, p_hostel uuid, p_user integer, p_outside text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.assert_assignee(p_hostel uuid, p_args jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_assignee(p_hostel uuid, p_args jsonb) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.on_request_move(p_id uuid, p_event text, p_from text, p_to text, p_args jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.on_request_move(p_id uuid, p_event text, p_from text, p_to text, p_args jsonb) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.reassign_request(p_id uuid, p_args jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.reassign_request(p_id uuid, p_args jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.reassign_request(p_id uuid, p_args jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.escalate_overdue(p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.escalate_overdue(p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.escalate_overdue(p_most integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.organizations_with_overdue() FROM PUBLIC
--;;
ALTER FUNCTION app.organizations_with_overdue() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.organizations_with_overdue() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.follow_request() FROM PUBLIC
--;;
ALTER FUNCTION app.follow_request() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.tell_of_comment() FROM PUBLIC
--;;
ALTER FUNCTION app.tell_of_comment() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.limit_attachments() FROM PUBLIC
--;;
ALTER FUNCTION app.limit_attachments() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.import_request(p_run uuid, p_hostel uuid, p_external text, p_category uuid, p_issue uuid, p_room uuid, p_place text, p_description text, p_priority text, p_resolution text, p_outside text, p_steps jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.import_request(p_run uuid, p_hostel uuid, p_external text, p_category uuid, p_issue uuid, p_room uuid, p_place text, p_description text, p_priority text, p_resolution text, p_outside text, p_steps jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.import_request(p_run uuid, p_hostel uuid, p_external text, p_category uuid, p_issue uuid, p_room uuid, p_place text, p_description text, p_priority text, p_resolution text, p_outside text, p_steps jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.is_vacant(p_bed uuid, p_period daterange) FROM PUBLIC
--;;
ALTER FUNCTION app.is_vacant(p_bed uuid, p_period daterange) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.is_awaited(p_bed uuid, p_period daterange) FROM PUBLIC
--;;
ALTER FUNCTION app.is_awaited(p_bed uuid, p_period daterange) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.hold_time(p_hostel uuid, p_state text) FROM PUBLIC
--;;
ALTER FUNCTION app.hold_time(p_hostel uuid, p_state text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.lodgers() FROM PUBLIC
--;;
ALTER FUNCTION app.lodgers() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.lodgers() TO portal_sales
--;;
REVOKE ALL ON FUNCTION app.may_hold(p_hostel uuid, p_user integer, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.may_hold(p_hostel uuid, p_user integer, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.note_hold(p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.note_hold(p_note text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.write_hold_event() FROM PUBLIC
--;;
ALTER FUNCTION app.write_hold_event() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.end_hold(p_hold uuid, p_state text) FROM PUBLIC
--;;
ALTER FUNCTION app.end_hold(p_hold uuid, p_state text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.offer_bed(p_bed uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.offer_bed(p_bed uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.take_beds(p_hostel uuid, p_beds uuid[]) FROM PUBLIC
--;;
ALTER FUNCTION app.take_beds(p_hostel uuid, p_beds uuid[]) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.beds_held_by(p_hostel uuid, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.beds_held_by(p_hostel uuid, p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.drop_others(p_hold uuid, p_lines boolean, p_why text) FROM PUBLIC
--;;
ALTER FUNCTION app.drop_others(p_hold uuid, p_lines boolean, p_why text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.hold_bed(p_bed uuid, p_from date, p_until date, p_user integer, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.hold_bed(p_bed uuid, p_from date, p_until date, p_user integer, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.hold_bed(p_bed uuid, p_from date, p_until date, p_user integer, p_id uuid) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.find_hold(p_hold uuid, p_action text, p_others boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.find_hold(p_hold uuid, p_action text, p_others boolean) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.release_hold(p_hold uuid, p_why text) FROM PUBLIC
--;;
ALTER FUNCTION app.release_hold(p_hold uuid, p_why text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.release_hold(p_hold uuid, p_why text) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.confirm_hold(p_hold uuid, p_submission uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.confirm_hold(p_hold uuid, p_submission uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.confirm_hold(p_hold uuid, p_submission uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.expire_holds(p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.expire_holds(p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.expire_holds(p_hostel uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.organizations_with_due_beds() FROM PUBLIC
--;;
ALTER FUNCTION app.organizations_with_due_beds() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.organizations_with_due_beds() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.turn_stays() FROM PUBLIC
--;;
ALTER FUNCTION app.turn_stays() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.turn_stays() TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.assert_residents(p_hostel uuid, p_action text, p_thing text) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_residents(p_hostel uuid, p_action text, p_thing text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.place_stay(p_stay uuid, p_bed uuid, p_period daterange) FROM PUBLIC
--;;
ALTER FUNCTION app.place_stay(p_stay uuid, p_bed uuid, p_period daterange) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.assert_unawaited(p_bed uuid, p_period daterange) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_unawaited(p_bed uuid, p_period daterange) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.begin_stay(p_user integer, p_bed uuid, p_from date, p_until date, p_hold uuid, p_rent bigint, p_mess text, p_lunchbox boolean, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.begin_stay(p_user integer, p_bed uuid, p_from date, p_until date, p_hold uuid, p_rent bigint, p_mess text, p_lunchbox boolean, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.begin_stay(p_user integer, p_bed uuid, p_from date, p_until date, p_hold uuid, p_rent bigint, p_mess text, p_lunchbox boolean, p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.cut_stay(p_stay uuid, p_on date) FROM PUBLIC
--;;
ALTER FUNCTION app.cut_stay(p_stay uuid, p_on date) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.find_stay(p_stay uuid, p_on date) FROM PUBLIC
--;;
ALTER FUNCTION app.find_stay(p_stay uuid, p_on date) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.beds_of_stay(p_stay uuid, p_on date) FROM PUBLIC
--;;
ALTER FUNCTION app.beds_of_stay(p_stay uuid, p_on date) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.offer_beds(p_beds uuid[]) FROM PUBLIC
--;;
ALTER FUNCTION app.offer_beds(p_beds uuid[]) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.transfer_stay(p_stay uuid, p_bed uuid, p_on date) FROM PUBLIC
--;;
ALTER FUNCTION app.transfer_stay(p_stay uuid, p_bed uuid, p_on date) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.transfer_stay(p_stay uuid, p_bed uuid, p_on date) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.swap_stays(p_first uuid, p_second uuid, p_on date) FROM PUBLIC
--;;
ALTER FUNCTION app.swap_stays(p_first uuid, p_second uuid, p_on date) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.swap_stays(p_first uuid, p_second uuid, p_on date) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.end_stay(p_stay uuid, p_on date) FROM PUBLIC
--;;
ALTER FUNCTION app.end_stay(p_stay uuid, p_on date) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.end_stay(p_stay uuid, p_on date) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.block_bed(p_bed uuid, p_from date, p_until date, p_request uuid, p_why text) FROM PUBLIC
--;;
ALTER FUNCTION app.block_bed(p_bed uuid, p_from date, p_until date, p_request uuid, p_why text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.block_bed(p_bed uuid, p_from date, p_until date, p_request uuid, p_why text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.lift_block(p_allocation uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.lift_block(p_allocation uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.unblock_bed(p_allocation uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.unblock_bed(p_allocation uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.unblock_bed(p_allocation uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.unblock_after_repair() FROM PUBLIC
--;;
ALTER FUNCTION app.unblock_after_repair() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.keep_occupied_bed() FROM PUBLIC
--;;
ALTER FUNCTION app.keep_occupied_bed() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.bed_choices(p_hostel uuid, p_from date, p_until date) FROM PUBLIC
--;;
ALTER FUNCTION app.bed_choices(p_hostel uuid, p_from date, p_until date) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.bed_choices(p_hostel uuid, p_from date, p_until date) TO portal_admin, portal_sales, portal_resident
--;;
REVOKE ALL ON FUNCTION app.check_room_type_fits() FROM PUBLIC
--;;
ALTER FUNCTION app.check_room_type_fits() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.follow_room() FROM PUBLIC
--;;
ALTER FUNCTION app.follow_room() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.house_day(p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.house_day(p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.house_day(p_hostel uuid) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident
--;;
REVOKE ALL ON FUNCTION app.rent_on(p_hostel uuid, p_room_type uuid, p_day date) FROM PUBLIC
--;;
ALTER FUNCTION app.rent_on(p_hostel uuid, p_room_type uuid, p_day date) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.resident_of(p_hostel uuid, p_user integer, p_on date) FROM PUBLIC
--;;
ALTER FUNCTION app.resident_of(p_hostel uuid, p_user integer, p_on date) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.close_stay(p_stay uuid, p_on date) FROM PUBLIC
--;;
ALTER FUNCTION app.close_stay(p_stay uuid, p_on date) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.keep_invoice() FROM PUBLIC
--;;
ALTER FUNCTION app.keep_invoice() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.document_series(p_hostel uuid, p_day date, p_sort text) FROM PUBLIC
--;;
ALTER FUNCTION app.document_series(p_hostel uuid, p_day date, p_sort text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.next_document(p_hostel uuid, p_series text) FROM PUBLIC
--;;
ALTER FUNCTION app.next_document(p_hostel uuid, p_series text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.issue_invoices(p_batch jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.issue_invoices(p_batch jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.issue_invoices(p_batch jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.write_invoice_lines(p_invoice uuid, p_lines jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.write_invoice_lines(p_invoice uuid, p_lines jsonb) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.invoice_entries(p_invoice uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.invoice_entries(p_invoice uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.assert_invoice(p_invoice uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_invoice(p_invoice uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.set_billing(p_hostel uuid, p_values jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.set_billing(p_hostel uuid, p_values jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.set_billing(p_hostel uuid, p_values jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.lay_payment(p_id uuid, p_hostel uuid, p_user integer, p_method text, p_amount bigint, p_invoices uuid[], p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.lay_payment(p_id uuid, p_hostel uuid, p_user integer, p_method text, p_amount bigint, p_invoices uuid[], p_note text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.pay_invoices(p_id uuid, p_hostel uuid, p_user integer, p_method text, p_amount bigint, p_invoices uuid[], p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.pay_invoices(p_id uuid, p_hostel uuid, p_user integer, p_method text, p_amount bigint, p_invoices uuid[], p_note text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.pay_invoices(p_id uuid, p_hostel uuid, p_user integer, p_method text, p_amount bigint, p_invoices uuid[], p_note text) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.pay_from_wallets(p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.pay_from_wallets(p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.pay_from_wallets(p_most integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.choose_paying(p_hostel uuid, p_from_wallet boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.choose_paying(p_hostel uuid, p_from_wallet boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.choose_paying(p_hostel uuid, p_from_wallet boolean) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.assert_creditable(p_invoice uuid, p_lines jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_creditable(p_invoice uuid, p_lines jsonb) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.write_credit_note(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text, p_occasion text) FROM PUBLIC
--;;
ALTER FUNCTION app.write_credit_note(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text, p_occasion text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.credit_invoice(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text, p_occasion text) FROM PUBLIC
--;;
ALTER FUNCTION app.credit_invoice(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text, p_occasion text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.credit_invoice(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text, p_occasion text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.propose_credit(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.propose_credit(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.propose_credit(p_id uuid, p_invoice uuid, p_lines jsonb, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.propose_discount(p_id uuid, p_invoice uuid, p_amount bigint, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.propose_discount(p_id uuid, p_invoice uuid, p_amount bigint, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.propose_discount(p_id uuid, p_invoice uuid, p_amount bigint, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.follow_proposal() FROM PUBLIC
--;;
ALTER FUNCTION app.follow_proposal() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.bill_settlement() FROM PUBLIC
--;;
ALTER FUNCTION app.bill_settlement() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.return_deposit(p_move_out uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.return_deposit(p_move_out uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.return_deposit(p_move_out uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.note_reminded(p_invoices uuid[], p_steps integer[]) FROM PUBLIC
--;;
ALTER FUNCTION app.note_reminded(p_invoices uuid[], p_steps integer[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.note_reminded(p_invoices uuid[], p_steps integer[]) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.organizations_with_billing() FROM PUBLIC
--;;
ALTER FUNCTION app.organizations_with_billing() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.organizations_with_billing() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.place_order(p_hostel uuid, p_items jsonb, p_seen bigint, p_note text, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.place_order(p_hostel uuid, p_items jsonb, p_seen bigint, p_note text, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.place_order(p_hostel uuid, p_items jsonb, p_seen bigint, p_note text, p_id uuid) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.bring_to_new_room() FROM PUBLIC
--;;
ALTER FUNCTION app.bring_to_new_room() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.on_order_move(p_id uuid, p_event text, p_from text, p_to text, p_args jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.on_order_move(p_id uuid, p_event text, p_from text, p_to text, p_args jsonb) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.follow_canteen_refund() FROM PUBLIC
--;;
ALTER FUNCTION app.follow_canteen_refund() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.set_dish_stock(p_dish uuid, p_stock integer) FROM PUBLIC
--;;
ALTER FUNCTION app.set_dish_stock(p_dish uuid, p_stock integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.set_dish_stock(p_dish uuid, p_stock integer) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.set_canteen(p_hostel uuid, p_until time[], p_summary time, p_low integer) FROM PUBLIC
--;;
ALTER FUNCTION app.set_canteen(p_hostel uuid, p_until time[], p_summary time, p_low integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.set_canteen(p_hostel uuid, p_until time[], p_summary time, p_low integer) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.order_people(p_orders uuid[]) FROM PUBLIC
--;;
ALTER FUNCTION app.order_people(p_orders uuid[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.order_people(p_orders uuid[]) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.ask_canteen_summaries() FROM PUBLIC
--;;
ALTER FUNCTION app.ask_canteen_summaries() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.ask_canteen_summaries() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.import_contact(p_run uuid, p_contact jsonb, p_known text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.import_contact(p_run uuid, p_contact jsonb, p_known text[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.import_contact(p_run uuid, p_contact jsonb, p_known text[]) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.hide_imported_contact(p_run uuid, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.hide_imported_contact(p_run uuid, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.hide_imported_contact(p_run uuid, p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.reveal_contact(p_id uuid, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.reveal_contact(p_id uuid, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.reveal_contact(p_id uuid, p_reason text) TO portal_admin, portal_sales
--;;
REVOKE ALL ON FUNCTION app.contacts_to_rotate(p_prefix text, p_after uuid, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.contacts_to_rotate(p_prefix text, p_after uuid, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.contacts_to_rotate(p_prefix text, p_after uuid, p_most integer) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.rotate_contact(p_org uuid, p_id uuid, p_seen text, p_seen_email text, p_phone_token text, p_phone_index text, p_email_token text, p_email_index text) FROM PUBLIC
--;;
ALTER FUNCTION app.rotate_contact(p_org uuid, p_id uuid, p_seen text, p_seen_email text, p_phone_token text, p_phone_index text, p_email_token text, p_email_index text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.rotate_contact(p_org uuid, p_id uuid, p_seen text, p_seen_email text, p_phone_token text, p_phone_index text, p_email_token text, p_email_index text) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.import_rows_to_rotate(p_prefix text, p_after uuid, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.import_rows_to_rotate(p_prefix text, p_after uuid, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.import_rows_to_rotate(p_prefix text, p_after uuid, p_most integer) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.rotate_import_row(p_org uuid, p_id uuid, p_seen text, p_sealed text) FROM PUBLIC
--;;
ALTER FUNCTION app.rotate_import_row(p_org uuid, p_id uuid, p_seen text, p_sealed text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.rotate_import_row(p_org uuid, p_id uuid, p_seen text, p_sealed text) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.event_in_reach(p_hostel uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.event_in_reach(p_hostel uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.keep_event() FROM PUBLIC
--;;
ALTER FUNCTION app.keep_event() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.follow_event() FROM PUBLIC
--;;
ALTER FUNCTION app.follow_event() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.fill_event(p_event uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.fill_event(p_event uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.reply_to_event(p_event uuid, p_answer text, p_guests integer) FROM PUBLIC
--;;
ALTER FUNCTION app.reply_to_event(p_event uuid, p_answer text, p_guests integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.reply_to_event(p_event uuid, p_answer text, p_guests integer) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.event_counts(p_events uuid[]) FROM PUBLIC
--;;
ALTER FUNCTION app.event_counts(p_events uuid[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.event_counts(p_events uuid[]) TO portal_admin, portal_amenity, portal_resident
--;;
REVOKE ALL ON FUNCTION app.event_people(p_event uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.event_people(p_event uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.event_people(p_event uuid) TO portal_admin, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.ask_event_reminders() FROM PUBLIC
--;;
ALTER FUNCTION app.ask_event_reminders() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.ask_event_reminders() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.make_event_feed(p_digest bytea) FROM PUBLIC
--;;
ALTER FUNCTION app.make_event_feed(p_digest bytea) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.make_event_feed(p_digest bytea) TO portal_admin, portal_amenity, portal_resident
--;;
REVOKE ALL ON FUNCTION app.end_event_feed() FROM PUBLIC
--;;
ALTER FUNCTION app.end_event_feed() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.end_event_feed() TO portal_admin, portal_amenity, portal_resident
--;;
REVOKE ALL ON FUNCTION app.event_feed(p_digest bytea, p_since interval) FROM PUBLIC
--;;
ALTER FUNCTION app.event_feed(p_digest bytea, p_since interval) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.event_feed(p_digest bytea, p_since interval) TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform
--;;
REVOKE ALL ON FUNCTION app.figure_hostels(p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.figure_hostels(p_hostel uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.maintenance_open_by_category(p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.maintenance_open_by_category(p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.maintenance_open_by_category(p_hostel uuid) TO portal_admin, portal_management
--;;
REVOKE ALL ON FUNCTION app.maintenance_resolution_times(p_hostel uuid, p_from timestamptz, p_until timestamptz, p_by text) FROM PUBLIC
--;;
ALTER FUNCTION app.maintenance_resolution_times(p_hostel uuid, p_from timestamptz, p_until timestamptz, p_by text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.maintenance_resolution_times(p_hostel uuid, p_from timestamptz, p_until timestamptz, p_by text) TO portal_admin, portal_management
--;;
REVOKE ALL ON FUNCTION app.maintenance_breach_rate_by_week(p_hostel uuid, p_from timestamptz, p_until timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.maintenance_breach_rate_by_week(p_hostel uuid, p_from timestamptz, p_until timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.maintenance_breach_rate_by_week(p_hostel uuid, p_from timestamptz, p_until timestamptz) TO portal_admin, portal_management
--;;
REVOKE ALL ON FUNCTION app.maintenance_common_issues(p_hostel uuid, p_from timestamptz, p_until timestamptz, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.maintenance_common_issues(p_hostel uuid, p_from timestamptz, p_until timestamptz, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.maintenance_common_issues(p_hostel uuid, p_from timestamptz, p_until timestamptz, p_most integer) TO portal_admin, portal_management
--;;
REVOKE ALL ON FUNCTION app.maintenance_by_day(p_hostel uuid, p_from date, p_middle date, p_until date) FROM PUBLIC
--;;
ALTER FUNCTION app.maintenance_by_day(p_hostel uuid, p_from date, p_middle date, p_until date) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.maintenance_by_day(p_hostel uuid, p_from date, p_middle date, p_until date) TO portal_admin, portal_management
--;;
REVOKE ALL ON FUNCTION app.maintenance_figures_as_of() FROM PUBLIC
--;;
ALTER FUNCTION app.maintenance_figures_as_of() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.maintenance_figures_as_of() TO portal_admin, portal_management
--;;
REVOKE ALL ON FUNCTION app.refresh_maintenance_analytics() FROM PUBLIC
--;;
ALTER FUNCTION app.refresh_maintenance_analytics() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.refresh_maintenance_analytics() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.readiness(p_roles text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.readiness(p_roles text[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.readiness(p_roles text[]) TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.note_import_step() FROM PUBLIC
--;;
ALTER FUNCTION app.note_import_step() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.lock_import(p_run uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.lock_import(p_run uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.stage_import_rows(p_run uuid, p_rows jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.stage_import_rows(p_run uuid, p_rows jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.stage_import_rows(p_run uuid, p_rows jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.count_imported_before(p_run uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.count_imported_before(p_run uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.count_imported_before(p_run uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.import_batch(p_run uuid, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.import_batch(p_run uuid, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.import_batch(p_run uuid, p_most integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.import_new_request(p_run uuid, p_hostel uuid, p_in jsonb, p_now timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.import_new_request(p_run uuid, p_hostel uuid, p_in jsonb, p_now timestamptz) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.is_worked_on(p_request uuid, p_since timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.is_worked_on(p_request uuid, p_since timestamptz) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.undo_import_batch(p_run uuid, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.undo_import_batch(p_run uuid, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.undo_import_batch(p_run uuid, p_most integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.take_import_rows(p_run uuid, p_status text, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.take_import_rows(p_run uuid, p_status text, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.take_import_rows(p_run uuid, p_status text, p_most integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.settle_import_row(p_run uuid, p_id uuid, p_outcome text, p_reason text, p_row uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.settle_import_row(p_run uuid, p_id uuid, p_outcome text, p_reason text, p_row uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.settle_import_row(p_run uuid, p_id uuid, p_outcome text, p_reason text, p_row uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.settle_import_undo(p_run uuid, p_id uuid, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.settle_import_undo(p_run uuid, p_id uuid, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.settle_import_undo(p_run uuid, p_id uuid, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.is_hidden_by_import(p_row uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.is_hidden_by_import(p_row uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.is_hidden_by_import(p_row uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.is_import_touched(p_run uuid, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.is_import_touched(p_run uuid, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.is_import_touched(p_run uuid, p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.import_resident(p_run uuid, p_email text, p_name text, p_moved_in date) FROM PUBLIC
--;;
ALTER FUNCTION app.import_resident(p_run uuid, p_email text, p_name text, p_moved_in date) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.import_resident(p_run uuid, p_email text, p_name text, p_moved_in date) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.hide_imported_resident(p_run uuid, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.hide_imported_resident(p_run uuid, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.hide_imported_resident(p_run uuid, p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.hide_imported_stay(p_run uuid, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.hide_imported_stay(p_run uuid, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.hide_imported_stay(p_run uuid, p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.stay_there(p_user integer, p_bed uuid, p_from date) FROM PUBLIC
--;;
ALTER FUNCTION app.stay_there(p_user integer, p_bed uuid, p_from date) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.stay_there(p_user integer, p_bed uuid, p_from date) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.organization_of_import(p_run uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.organization_of_import(p_run uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.organization_of_import(p_run uuid) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.inquiry_place(p_slug text, p_code text) FROM PUBLIC
--;;
ALTER FUNCTION app.inquiry_place(p_slug text, p_code text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.inquiry_place(p_slug text, p_code text) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform, portal_public
--;;
REVOKE ALL ON FUNCTION app.count_inquiry_attempt(p_address bytea, p_most integer, p_window interval) FROM PUBLIC
--;;
ALTER FUNCTION app.count_inquiry_attempt(p_address bytea, p_most integer, p_window interval) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.count_inquiry_attempt(p_address bytea, p_most integer, p_window interval) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform, portal_public
--;;
REVOKE ALL ON FUNCTION app.inquiry_of_device(p_org uuid, p_cookie bytea, p_local bytea, p_print bytea) FROM PUBLIC
--;;
ALTER FUNCTION app.inquiry_of_device(p_org uuid, p_cookie bytea, p_local bytea, p_print bytea) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.knows_inquiry_device(p_org uuid, p_cookie bytea, p_local bytea, p_print bytea) FROM PUBLIC
--;;
ALTER FUNCTION app.knows_inquiry_device(p_org uuid, p_cookie bytea, p_local bytea, p_print bytea) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.knows_inquiry_device(p_org uuid, p_cookie bytea, p_local bytea, p_print bytea) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform, portal_public
--;;
REVOKE ALL ON FUNCTION app.store_inquiry(p_org uuid, p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_by integer, p_at timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.store_inquiry(p_org uuid, p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_by integer, p_at timestamptz) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.has_inquiry(p_org uuid, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.has_inquiry(p_org uuid, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.has_inquiry(p_org uuid, p_id uuid) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform, portal_public
--;;
REVOKE ALL ON FUNCTION app.submit_inquiry(p_org uuid, p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_cookie bytea, p_new_cookie bytea, p_local bytea, p_print bytea) FROM PUBLIC
--;;
ALTER FUNCTION app.submit_inquiry(p_org uuid, p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_cookie bytea, p_new_cookie bytea, p_local bytea, p_print bytea) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.submit_inquiry(p_org uuid, p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_cookie bytea, p_new_cookie bytea, p_local bytea, p_print bytea) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform, portal_public
--;;
REVOKE ALL ON FUNCTION app.add_inquiry(p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.add_inquiry(p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.add_inquiry(p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[]) TO portal_admin, portal_sales
--;;
REVOKE ALL ON FUNCTION app.import_inquiry(p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_at timestamptz, p_steps jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.import_inquiry(p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_at timestamptz, p_steps jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.import_inquiry(p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_at timestamptz, p_steps jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.sees_inquiry(p_id uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.sees_inquiry(p_id uuid, p_action text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.sees_inquiry(p_id uuid, p_action text) TO portal_admin, portal_sales
--;;
REVOKE ALL ON FUNCTION app.inquiry_workers(p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.inquiry_workers(p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.inquiry_workers(p_hostel uuid) TO portal_admin, portal_sales
--;;
REVOKE ALL ON FUNCTION app.is_colleague(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.is_colleague(p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.is_colleague(p_user integer) TO portal_sales
--;;
REVOKE ALL ON FUNCTION app.keep_inquiry() FROM PUBLIC
--;;
ALTER FUNCTION app.keep_inquiry() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.write_inquiry_history() FROM PUBLIC
--;;
ALTER FUNCTION app.write_inquiry_history() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.on_inquiry_move(p_id uuid, p_event text, p_from text, p_to text, p_args jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.on_inquiry_move(p_id uuid, p_event text, p_from text, p_to text, p_args jsonb) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.merge_inquiries(p_from uuid, p_into uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.merge_inquiries(p_from uuid, p_into uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.merge_inquiries(p_from uuid, p_into uuid) TO portal_admin, portal_sales
--;;
REVOKE ALL ON FUNCTION app.reveal_inquiry(p_id uuid, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.reveal_inquiry(p_id uuid, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.reveal_inquiry(p_id uuid, p_reason text) TO portal_admin, portal_sales
--;;
REVOKE ALL ON FUNCTION app.convert_inquiry(p_id uuid, p_invitation uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.convert_inquiry(p_id uuid, p_invitation uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.convert_inquiry(p_id uuid, p_invitation uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.inquiries_of_residents() FROM PUBLIC
--;;
ALTER FUNCTION app.inquiries_of_residents() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.inquiries_of_residents() TO portal_admin, portal_sales
--;;
REVOKE ALL ON FUNCTION app.my_inquiry() FROM PUBLIC
--;;
ALTER FUNCTION app.my_inquiry() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.my_inquiry() TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.organizations_with_reminders() FROM PUBLIC
--;;
ALTER FUNCTION app.organizations_with_reminders() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.organizations_with_reminders() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.take_inquiry_reminders(p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.take_inquiry_reminders(p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.take_inquiry_reminders(p_most integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.forget_inquiry_traces(p_attempts timestamptz, p_devices timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.forget_inquiry_traces(p_attempts timestamptz, p_devices timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.forget_inquiry_traces(p_attempts timestamptz, p_devices timestamptz) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.stock_words(p_quantity numeric, p_unit text) FROM PUBLIC
--;;
ALTER FUNCTION app.stock_words(p_quantity numeric, p_unit text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.may_keep_stock(p_hostel uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.may_keep_stock(p_hostel uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.move_item(p_item uuid, p_kind text, p_quantity numeric, p_price bigint, p_value bigint, p_batch uuid, p_about jsonb, p_on date) FROM PUBLIC
--;;
ALTER FUNCTION app.move_item(p_item uuid, p_kind text, p_quantity numeric, p_price bigint, p_value bigint, p_batch uuid, p_about jsonb, p_on date) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.book_stock(p_hostel uuid, p_kind text, p_lines jsonb, p_about jsonb, p_on date, p_batch uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.book_stock(p_hostel uuid, p_kind text, p_lines jsonb, p_about jsonb, p_on date, p_batch uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.book_stock(p_hostel uuid, p_kind text, p_lines jsonb, p_about jsonb, p_on date, p_batch uuid) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.count_stock(p_hostel uuid, p_lines jsonb, p_note text, p_batch uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.count_stock(p_hostel uuid, p_lines jsonb, p_note text, p_batch uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.count_stock(p_hostel uuid, p_lines jsonb, p_note text, p_batch uuid) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.reverse_stock(p_move uuid, p_why text, p_batch uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.reverse_stock(p_move uuid, p_why text, p_batch uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.reverse_stock(p_move uuid, p_why text, p_batch uuid) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.note_low_stock() FROM PUBLIC
--;;
ALTER FUNCTION app.note_low_stock() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.stock_people(p_ids uuid[]) FROM PUBLIC
--;;
ALTER FUNCTION app.stock_people(p_ids uuid[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.stock_people(p_ids uuid[]) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.now() FROM PUBLIC
--;;
ALTER FUNCTION app.now() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.now() TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.event_time() FROM PUBLIC
--;;
ALTER FUNCTION app.event_time() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.assert_reason(p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_reason(p_reason text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.assert_system() FROM PUBLIC
--;;
ALTER FUNCTION app.assert_system() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.guard_lifecycle() FROM PUBLIC
--;;
ALTER FUNCTION app.guard_lifecycle() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.move(p_machine text, p_id uuid, p_event text, p_note text, p_args jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.move(p_machine text, p_id uuid, p_event text, p_note text, p_args jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.move(p_machine text, p_id uuid, p_event text, p_note text, p_args jsonb) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident
--;;
REVOKE ALL ON FUNCTION app.first_leave_day(p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.first_leave_day(p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.first_leave_day(p_hostel uuid) TO portal_admin, portal_canteen, portal_resident
--;;
REVOKE ALL ON FUNCTION app.may_say_leave(p_hostel uuid, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.may_say_leave(p_hostel uuid, p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.take_leave(p_hostel uuid, p_user integer, p_first date, p_last date, p_meals text[], p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.take_leave(p_hostel uuid, p_user integer, p_first date, p_last date, p_meals text[], p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.take_leave(p_hostel uuid, p_user integer, p_first date, p_last date, p_meals text[], p_id uuid) TO portal_admin, portal_canteen, portal_resident
--;;
REVOKE ALL ON FUNCTION app.end_leave(p_id uuid, p_why text) FROM PUBLIC
--;;
ALTER FUNCTION app.end_leave(p_id uuid, p_why text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.end_leave(p_id uuid, p_why text) TO portal_admin, portal_canteen, portal_resident
--;;
REVOKE ALL ON FUNCTION app.leave_people(p_leaves uuid[]) FROM PUBLIC
--;;
ALTER FUNCTION app.leave_people(p_leaves uuid[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.leave_people(p_leaves uuid[]) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.settle_leave(p_id uuid, p_paise bigint) FROM PUBLIC
--;;
ALTER FUNCTION app.settle_leave(p_id uuid, p_paise bigint) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.settle_leave(p_id uuid, p_paise bigint) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.ask_meal_rebates() FROM PUBLIC
--;;
ALTER FUNCTION app.ask_meal_rebates() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.ask_meal_rebates() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.set_meals(p_hostel uuid, p_until time, p_longest integer, p_days integer, p_percent integer, p_plans jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.set_meals(p_hostel uuid, p_until time, p_longest integer, p_days integer, p_percent integer, p_plans jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.set_meals(p_hostel uuid, p_until time, p_longest integer, p_days integer, p_percent integer, p_plans jsonb) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.plans_of(p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.plans_of(p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.plans_of(p_hostel uuid) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.eaters(p_hostel uuid, p_first date, p_until date) FROM PUBLIC
--;;
ALTER FUNCTION app.eaters(p_hostel uuid, p_first date, p_until date) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.meal_days(p_hostel uuid, p_first date, p_until date) FROM PUBLIC
--;;
ALTER FUNCTION app.meal_days(p_hostel uuid, p_first date, p_until date) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.meal_days(p_hostel uuid, p_first date, p_until date) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.meal_people(p_hostel uuid, p_day date, p_meal text) FROM PUBLIC
--;;
ALTER FUNCTION app.meal_people(p_hostel uuid, p_day date, p_meal text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.meal_people(p_hostel uuid, p_day date, p_meal text) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.mark_meal(p_hostel uuid, p_day date, p_meal text, p_user integer, p_ate boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.mark_meal(p_hostel uuid, p_day date, p_meal text, p_user integer, p_ate boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.mark_meal(p_hostel uuid, p_day date, p_meal text, p_user integer, p_ate boolean) TO portal_admin, portal_canteen
--;;
REVOKE ALL ON FUNCTION app.set_meal_needs(p_food text, p_allergens text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.set_meal_needs(p_food text, p_allergens text[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.set_meal_needs(p_food text, p_allergens text[]) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.assert_move_out(p_hostel uuid, p_user integer, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_move_out(p_hostel uuid, p_user integer, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.bed_called(p_stay uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.bed_called(p_stay uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.bed_called(p_stay uuid) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.assert_last_day(p_stay uuid, p_leaves date, p_until date) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_last_day(p_stay uuid, p_leaves date, p_until date) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.give_notice(p_stay uuid, p_leaves date, p_why text, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.give_notice(p_stay uuid, p_leaves date, p_why text, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.give_notice(p_stay uuid, p_leaves date, p_why text, p_id uuid) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.find_move_out(p_id uuid, p_action text, p_states text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.find_move_out(p_id uuid, p_action text, p_states text[]) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.lengthen_stay(p_stay uuid, p_from date, p_until date) FROM PUBLIC
--;;
ALTER FUNCTION app.lengthen_stay(p_stay uuid, p_from date, p_until date) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.withdraw_notice(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.withdraw_notice(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.withdraw_notice(p_id uuid) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.change_last_day(p_id uuid, p_leaves date) FROM PUBLIC
--;;
ALTER FUNCTION app.change_last_day(p_id uuid, p_leaves date) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.change_last_day(p_id uuid, p_leaves date) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.judge_item(p_item uuid, p_condition text, p_deduction bigint, p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.judge_item(p_item uuid, p_condition text, p_deduction bigint, p_note text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.judge_item(p_item uuid, p_condition text, p_deduction bigint, p_note text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.add_inspection_item(p_id uuid, p_name text) FROM PUBLIC
--;;
ALTER FUNCTION app.add_inspection_item(p_id uuid, p_name text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.add_inspection_item(p_id uuid, p_name text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.add_inspection_photo(p_item uuid, p_file uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.add_inspection_photo(p_item uuid, p_file uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.add_inspection_photo(p_item uuid, p_file uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.finish_inspection(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.finish_inspection(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.finish_inspection(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.settle_move_out(p_id uuid, p_paid_until date, p_leaves date, p_deposit bigint, p_rent bigint, p_notice bigint, p_damages bigint) FROM PUBLIC
--;;
ALTER FUNCTION app.settle_move_out(p_id uuid, p_paid_until date, p_leaves date, p_deposit bigint, p_rent bigint, p_notice bigint, p_damages bigint) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.settle_move_out(p_id uuid, p_paid_until date, p_leaves date, p_deposit bigint, p_rent bigint, p_notice bigint, p_damages bigint) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.follow_stay() FROM PUBLIC
--;;
ALTER FUNCTION app.follow_stay() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.notify(p_users integer[], p_kind text, p_urgency text, p_key text, p_title text, p_body text, p_link text, p_hostel uuid, p_channels text[], p_offered text[], p_forced boolean, p_source uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.notify(p_users integer[], p_kind text, p_urgency text, p_key text, p_title text, p_body text, p_link text, p_hostel uuid, p_channels text[], p_offered text[], p_forced boolean, p_source uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.notify(p_users integer[], p_kind text, p_urgency text, p_key text, p_title text, p_body text, p_link text, p_hostel uuid, p_channels text[], p_offered text[], p_forced boolean, p_source uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.deliveries_waiting(p_ids uuid[]) FROM PUBLIC
--;;
ALTER FUNCTION app.deliveries_waiting(p_ids uuid[]) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.plan_deliveries(p_ids uuid[], p_dues timestamptz[], p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.plan_deliveries(p_ids uuid[], p_dues timestamptz[], p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.plan_deliveries(p_ids uuid[], p_dues timestamptz[], p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.take_deliveries(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.take_deliveries(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.take_deliveries(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.notification_recipient(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.notification_recipient(p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.notification_recipient(p_user integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.settle_deliveries(p_ids uuid[], p_state text, p_reason text, p_off bytea) FROM PUBLIC
--;;
ALTER FUNCTION app.settle_deliveries(p_ids uuid[], p_state text, p_reason text, p_off bytea) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.settle_deliveries(p_ids uuid[], p_state text, p_reason text, p_off bytea) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.retry_deliveries(p_ids uuid[], p_reason text, p_again timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.retry_deliveries(p_ids uuid[], p_reason text, p_again timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.retry_deliveries(p_ids uuid[], p_reason text, p_again timestamptz) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.resend_delivery(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.resend_delivery(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.resend_delivery(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.note_read() FROM PUBLIC
--;;
ALTER FUNCTION app.note_read() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.note_telegram() FROM PUBLIC
--;;
ALTER FUNCTION app.note_telegram() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.has_telegram() FROM PUBLIC
--;;
ALTER FUNCTION app.has_telegram() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.has_telegram() TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
REVOKE ALL ON FUNCTION app.choose_notifications(p_choices jsonb, p_from time, p_to time, p_zone text) FROM PUBLIC
--;;
ALTER FUNCTION app.choose_notifications(p_choices jsonb, p_from time, p_to time, p_zone text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.choose_notifications(p_choices jsonb, p_from time, p_to time, p_zone text) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
REVOKE ALL ON FUNCTION app.set_notification_phone(p_token text, p_masked text) FROM PUBLIC
--;;
ALTER FUNCTION app.set_notification_phone(p_token text, p_masked text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.set_notification_phone(p_token text, p_masked text) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
REVOKE ALL ON FUNCTION app.unconfirmed_phone() FROM PUBLIC
--;;
ALTER FUNCTION app.unconfirmed_phone() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.unconfirmed_phone() TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
REVOKE ALL ON FUNCTION app.phone_to_confirm(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.phone_to_confirm(p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.phone_to_confirm(p_user integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.notification_phones_to_rotate(p_prefix text, p_after uuid, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.notification_phones_to_rotate(p_prefix text, p_after uuid, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.notification_phones_to_rotate(p_prefix text, p_after uuid, p_most integer) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.rotate_notification_phone(p_org uuid, p_id uuid, p_seen text, p_token text) FROM PUBLIC
--;;
ALTER FUNCTION app.rotate_notification_phone(p_org uuid, p_id uuid, p_seen text, p_token text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.rotate_notification_phone(p_org uuid, p_id uuid, p_seen text, p_token text) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.confirm_notification_phone(p_token text) FROM PUBLIC
--;;
ALTER FUNCTION app.confirm_notification_phone(p_token text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.confirm_notification_phone(p_token text) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform
--;;
REVOKE ALL ON FUNCTION app.mute_by_letter(p_digest bytea, p_only_look boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.mute_by_letter(p_digest bytea, p_only_look boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.mute_by_letter(p_digest bytea, p_only_look boolean) TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform
--;;
REVOKE ALL ON FUNCTION app.people_who_can(p_resource text, p_action text, p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.people_who_can(p_resource text, p_action text, p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.people_who_can(p_resource text, p_action text, p_hostel uuid) TO portal_admin, portal_management
--;;
REVOKE ALL ON FUNCTION app.forget_onboarding() FROM PUBLIC
--;;
ALTER FUNCTION app.forget_onboarding() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.onboarding_house() FROM PUBLIC
--;;
ALTER FUNCTION app.onboarding_house() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.onboarding_house() TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.onboarding_prices(p_day date) FROM PUBLIC
--;;
ALTER FUNCTION app.onboarding_prices(p_day date) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.onboarding_prices(p_day date) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.open_onboarding() FROM PUBLIC
--;;
ALTER FUNCTION app.open_onboarding() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.save_onboarding_draft(p_step integer, p_data jsonb, p_version integer) FROM PUBLIC
--;;
ALTER FUNCTION app.save_onboarding_draft(p_step integer, p_data jsonb, p_version integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.save_onboarding_draft(p_step integer, p_data jsonb, p_version integer) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.choose_onboarding_bed(p_hold uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.choose_onboarding_bed(p_hold uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.choose_onboarding_bed(p_hold uuid) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.leave_onboarding_bed(p_hold uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.leave_onboarding_bed(p_hold uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.leave_onboarding_bed(p_hold uuid) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.complete_onboarding_step(p_step integer) FROM PUBLIC
--;;
ALTER FUNCTION app.complete_onboarding_step(p_step integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.complete_onboarding_step(p_step integer) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.was_submitted(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.was_submitted(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.was_submitted(p_id uuid) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.submit_onboarding(p_id uuid, p_answers jsonb, p_changed text[], p_kyc jsonb, p_preferences jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.submit_onboarding(p_id uuid, p_answers jsonb, p_changed text[], p_kyc jsonb, p_preferences jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.submit_onboarding(p_id uuid, p_answers jsonb, p_changed text[], p_kyc jsonb, p_preferences jsonb) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.put_gateway_account(p_id uuid, p_hostel uuid, p_gateway text, p_name text, p_key_id text, p_secrets text, p_path text, p_addresses text[], p_default boolean, p_active boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.put_gateway_account(p_id uuid, p_hostel uuid, p_gateway text, p_name text, p_key_id text, p_secrets text, p_path text, p_addresses text[], p_default boolean, p_active boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.put_gateway_account(p_id uuid, p_hostel uuid, p_gateway text, p_name text, p_key_id text, p_secrets text, p_path text, p_addresses text[], p_default boolean, p_active boolean) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.gateway_account(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.gateway_account(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.gateway_account(p_id uuid) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.note_gateway_test(p_id uuid, p_result text) FROM PUBLIC
--;;
ALTER FUNCTION app.note_gateway_test(p_id uuid, p_result text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.note_gateway_test(p_id uuid, p_result text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.begin_top_up(p_id uuid, p_hostel uuid, p_account uuid, p_amount bigint, p_confirmed boolean, p_lifetime interval) FROM PUBLIC
--;;
ALTER FUNCTION app.begin_top_up(p_id uuid, p_hostel uuid, p_account uuid, p_amount bigint, p_confirmed boolean, p_lifetime interval) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.begin_top_up(p_id uuid, p_hostel uuid, p_account uuid, p_amount bigint, p_confirmed boolean, p_lifetime interval) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.open_checkout(p_id uuid, p_gateway_id text, p_url text) FROM PUBLIC
--;;
ALTER FUNCTION app.open_checkout(p_id uuid, p_gateway_id text, p_url text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.open_checkout(p_id uuid, p_gateway_id text, p_url text) TO portal_resident
--;;
REVOKE ALL ON FUNCTION app.ask_about_payment(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.ask_about_payment(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.ask_about_payment(p_id uuid) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.payments_to_ask(p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.payments_to_ask(p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.payments_to_ask(p_most integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.organizations_with_open_payments() FROM PUBLIC
--;;
ALTER FUNCTION app.organizations_with_open_payments() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.organizations_with_open_payments() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.raise_payment_flag(p_kind text, p_about text, p_hostel uuid, p_user integer, p_intent uuid, p_delivery uuid, p_gateway text, p_amount bigint, p_currency text) FROM PUBLIC
--;;
ALTER FUNCTION app.raise_payment_flag(p_kind text, p_about text, p_hostel uuid, p_user integer, p_intent uuid, p_delivery uuid, p_gateway text, p_amount bigint, p_currency text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.resolve_payment_flag(p_id uuid, p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.resolve_payment_flag(p_id uuid, p_note text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.resolve_payment_flag(p_id uuid, p_note text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.webhook_account(p_gateway text, p_path text) FROM PUBLIC
--;;
ALTER FUNCTION app.webhook_account(p_gateway text, p_path text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.webhook_account(p_gateway text, p_path text) TO viramah_web
--;;
REVOKE ALL ON FUNCTION app.keep_webhook(p_account uuid, p_path text, p_seen timestamptz, p_address text, p_headers jsonb, p_body bytea, p_digest bytea, p_size integer, p_verdict text, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.keep_webhook(p_account uuid, p_path text, p_seen timestamptz, p_address text, p_headers jsonb, p_body bytea, p_digest bytea, p_size integer, p_verdict text, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.keep_webhook(p_account uuid, p_path text, p_seen timestamptz, p_address text, p_headers jsonb, p_body bytea, p_digest bytea, p_size integer, p_verdict text, p_reason text) TO viramah_web
--;;
REVOKE ALL ON FUNCTION app.delivery_to_process(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.delivery_to_process(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.delivery_to_process(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.forget_webhook_bodies(p_before timestamptz, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.forget_webhook_bodies(p_before timestamptz, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.forget_webhook_bodies(p_before timestamptz, p_most integer) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.webhook_bodies_to_rotate(p_prefix bytea, p_after uuid, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.webhook_bodies_to_rotate(p_prefix bytea, p_after uuid, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.webhook_bodies_to_rotate(p_prefix bytea, p_after uuid, p_most integer) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.rotate_webhook_body(p_org uuid, p_id uuid, p_seen bytea, p_body bytea) FROM PUBLIC
--;;
ALTER FUNCTION app.rotate_webhook_body(p_org uuid, p_id uuid, p_seen bytea, p_body bytea) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.rotate_webhook_body(p_org uuid, p_id uuid, p_seen bytea, p_body bytea) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.take_payment(p_account uuid, p_event jsonb, p_source text, p_delivery uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.take_payment(p_account uuid, p_event jsonb, p_source text, p_delivery uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.apply_payment_event(p_account uuid, p_event jsonb, p_source text, p_delivery uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.apply_payment_event(p_account uuid, p_event jsonb, p_source text, p_delivery uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.apply_payment_answer(p_intent uuid, p_event jsonb, p_delivery uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.apply_payment_answer(p_intent uuid, p_event jsonb, p_delivery uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.apply_payment_answer(p_intent uuid, p_event jsonb, p_delivery uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.process_delivery(p_id uuid, p_events jsonb, p_unreadable text) FROM PUBLIC
--;;
ALTER FUNCTION app.process_delivery(p_id uuid, p_events jsonb, p_unreadable text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.process_delivery(p_id uuid, p_events jsonb, p_unreadable text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.replay_delivery(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.replay_delivery(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.replay_delivery(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.decide_payment(p_id uuid, p_event text, p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.decide_payment(p_id uuid, p_event text, p_note text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.decide_payment(p_id uuid, p_event text, p_note text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.approve_refund(p_id uuid, p_transaction uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.approve_refund(p_id uuid, p_transaction uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.propose_payment_refund(p_id uuid, p_intent uuid, p_amount bigint, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.propose_payment_refund(p_id uuid, p_intent uuid, p_amount bigint, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.propose_payment_refund(p_id uuid, p_intent uuid, p_amount bigint, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.follow_refund_proposal() FROM PUBLIC
--;;
ALTER FUNCTION app.follow_refund_proposal() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.begin_refund_attempt(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.begin_refund_attempt(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.begin_refund_attempt(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.settle_refund(p_id uuid, p_refund_id text, p_state text, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.settle_refund(p_id uuid, p_refund_id text, p_state text, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.settle_refund(p_id uuid, p_refund_id text, p_state text, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.can(p_resource text, p_action text) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.can(p_resource text, p_action text) TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.org_wide(p_resource text, p_action text) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.org_wide(p_resource text, p_action text) TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.everywhere(p_resource text, p_action text) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.everywhere(p_resource text, p_action text) TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.reach(p_resource text, p_action text) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.reach(p_resource text, p_action text) TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.allowed_in(p_resource text, p_action text, p_hostel uuid) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.allowed_in(p_resource text, p_action text, p_hostel uuid) TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service, viramah_definer
--;;
REVOKE ALL ON FUNCTION app.person_can(p_user integer, p_resource text, p_action text, p_hostel uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.person_can(p_user integer, p_resource text, p_action text, p_hostel uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.person_can(p_user integer, p_resource text, p_action text, p_hostel uuid) TO portal_admin, portal_management
--;;
REVOKE ALL ON FUNCTION app.guard_override() FROM PUBLIC
--;;
ALTER FUNCTION app.guard_override() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.person_facts(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.person_facts(p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.person_facts(p_user integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.assert_personal(p_user integer, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_personal(p_user integer, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.person_key(p_user integer, p_candidate text) FROM PUBLIC
--;;
ALTER FUNCTION app.person_key(p_user integer, p_candidate text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.person_key(p_user integer, p_candidate text) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.put_personal(p_user integer, p_key uuid, p_values jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.put_personal(p_user integer, p_key uuid, p_values jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.put_personal(p_user integer, p_key uuid, p_values jsonb) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.reveal_personal(p_user integer, p_names text[], p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.reveal_personal(p_user integer, p_names text[], p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.reveal_personal(p_user integer, p_names text[], p_reason text) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.own_drafts() FROM PUBLIC
--;;
ALTER FUNCTION app.own_drafts() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.own_drafts() TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.find_personal(p_names text[], p_indexes text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.find_personal(p_names text[], p_indexes text[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.find_personal(p_names text[], p_indexes text[]) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.readings_of(p_user integer, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.readings_of(p_user integer, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.readings_of(p_user integer, p_most integer) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.add_document(p_user integer, p_kind text, p_file uuid, p_until date, p_replaces uuid, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.add_document(p_user integer, p_kind text, p_file uuid, p_until date, p_replaces uuid, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.add_document(p_user integer, p_kind text, p_file uuid, p_until date, p_replaces uuid, p_most integer) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.open_document(p_file uuid, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.open_document(p_file uuid, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.open_document(p_file uuid, p_reason text) TO portal_admin, portal_management, portal_resident
--;;
REVOKE ALL ON FUNCTION app.end_document(p_id uuid, p_user integer, p_status text) FROM PUBLIC
--;;
ALTER FUNCTION app.end_document(p_id uuid, p_user integer, p_status text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.remove_document(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.remove_document(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.remove_document(p_id uuid) TO portal_admin, portal_resident
--;;
REVOKE ALL ON FUNCTION app.require_document(p_kind text, p_required boolean, p_has_expiry boolean, p_roles text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.require_document(p_kind text, p_required boolean, p_has_expiry boolean, p_roles text[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.require_document(p_kind text, p_required boolean, p_has_expiry boolean, p_roles text[]) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.people_to_redact(p_before timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.people_to_redact(p_before timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.people_to_redact(p_before timestamptz) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.redact_person(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.redact_person(p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.redact_person(p_user integer) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.inquiries_of_person(p_user integer, p_indexes text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.inquiries_of_person(p_user integer, p_indexes text[]) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.erase_inquiries(p_user integer, p_indexes text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.erase_inquiries(p_user integer, p_indexes text[]) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.erase_person(p_user integer, p_indexes text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.erase_person(p_user integer, p_indexes text[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.erase_person(p_user integer, p_indexes text[]) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.organizations_with_personal_data() FROM PUBLIC
--;;
ALTER FUNCTION app.organizations_with_personal_data() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.organizations_with_personal_data() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.export_person(p_user integer, p_indexes text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.export_person(p_user integer, p_indexes text[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.export_person(p_user integer, p_indexes text[]) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.inquiries_to_rotate(p_prefix text, p_after uuid, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.inquiries_to_rotate(p_prefix text, p_after uuid, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.inquiries_to_rotate(p_prefix text, p_after uuid, p_most integer) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.rotate_inquiry(p_org uuid, p_id uuid, p_seen text, p_phone_token text, p_phone_index text, p_email_token text, p_email_index text) FROM PUBLIC
--;;
ALTER FUNCTION app.rotate_inquiry(p_org uuid, p_id uuid, p_seen text, p_phone_token text, p_phone_index text, p_email_token text, p_email_index text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.rotate_inquiry(p_org uuid, p_id uuid, p_seen text, p_phone_token text, p_phone_index text, p_email_token text, p_email_index text) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.start_task(p_id uuid, p_kind text, p_title jsonb, p_asked jsonb, p_total integer, p_subject uuid, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.start_task(p_id uuid, p_kind text, p_title jsonb, p_asked jsonb, p_total integer, p_subject uuid, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.start_task(p_id uuid, p_kind text, p_title jsonb, p_asked jsonb, p_total integer, p_subject uuid, p_most integer) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.move_task(p_id uuid, p_event text, p_args jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.move_task(p_id uuid, p_event text, p_args jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.move_task(p_id uuid, p_event text, p_args jsonb) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.hold_task(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.hold_task(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.hold_task(p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.note_task(p_id uuid, p_done integer, p_total integer, p_cursor jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.note_task(p_id uuid, p_done integer, p_total integer, p_cursor jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.note_task(p_id uuid, p_done integer, p_total integer, p_cursor jsonb) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.fail_task_of_work() FROM PUBLIC
--;;
ALTER FUNCTION app.fail_task_of_work() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.forget_tasks(p_before timestamptz, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.forget_tasks(p_before timestamptz, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.forget_tasks(p_before timestamptz, p_most integer) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.live_readers(p_asked jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.live_readers(p_asked jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.live_readers(p_asked jsonb) TO viramah_realtime
--;;
REVOKE ALL ON FUNCTION app.live_streams() FROM PUBLIC
--;;
ALTER FUNCTION app.live_streams() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.live_streams() TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.amount_words(p_paise bigint, p_currency text) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.amount_words(p_paise bigint, p_currency text) TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.account_of(p_org uuid, p_hostel uuid, p_code text, p_user integer, p_party text) FROM PUBLIC
--;;
ALTER FUNCTION app.account_of(p_org uuid, p_hostel uuid, p_code text, p_user integer, p_party text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.ledger_account(p_hostel uuid, p_code text, p_user integer, p_party text) FROM PUBLIC
--;;
ALTER FUNCTION app.ledger_account(p_hostel uuid, p_code text, p_user integer, p_party text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.keep_currency() FROM PUBLIC
--;;
ALTER FUNCTION app.keep_currency() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.open_wallet_of_resident() FROM PUBLIC
--;;
ALTER FUNCTION app.open_wallet_of_resident() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.check_balanced() FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.check_balanced() TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.booked_before(p_key text, p_kind text, p_accounts uuid[], p_amounts bigint[]) FROM PUBLIC
--;;
ALTER FUNCTION app.booked_before(p_key text, p_kind text, p_accounts uuid[], p_amounts bigint[]) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.refuse_debit(p_frozen boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.refuse_debit(p_frozen boolean) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.book(p_key text, p_kind text, p_hostel uuid, p_amount bigint, p_debit text, p_debit_user integer, p_credit text, p_credit_user integer, p_description text, p_source text, p_source_id uuid, p_event_at timestamptz, p_debit_party text, p_credit_party text) FROM PUBLIC
--;;
ALTER FUNCTION app.book(p_key text, p_kind text, p_hostel uuid, p_amount bigint, p_debit text, p_debit_user integer, p_credit text, p_credit_user integer, p_description text, p_source text, p_source_id uuid, p_event_at timestamptz, p_debit_party text, p_credit_party text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.post(p_batch jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.post(p_batch jsonb) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.post_batch(p_batch jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.post_batch(p_batch jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.post_batch(p_batch jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.post_one(p_key text, p_kind text, p_hostel uuid, p_amount bigint, p_debit text, p_debit_user integer, p_debit_party text, p_credit text, p_credit_user integer, p_credit_party text, p_description text, p_source text, p_source_id uuid, p_event_at timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.post_one(p_key text, p_kind text, p_hostel uuid, p_amount bigint, p_debit text, p_debit_user integer, p_debit_party text, p_credit text, p_credit_user integer, p_credit_party text, p_description text, p_source text, p_source_id uuid, p_event_at timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.post_one(p_key text, p_kind text, p_hostel uuid, p_amount bigint, p_debit text, p_debit_user integer, p_debit_party text, p_credit text, p_credit_user integer, p_credit_party text, p_description text, p_source text, p_source_id uuid, p_event_at timestamptz) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.reverse(p_transaction uuid, p_description text) FROM PUBLIC
--;;
ALTER FUNCTION app.reverse(p_transaction uuid, p_description text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.lock_wallet(p_wallet uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.lock_wallet(p_wallet uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.freeze_wallet(p_wallet uuid, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.freeze_wallet(p_wallet uuid, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.freeze_wallet(p_wallet uuid, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.unfreeze_wallet(p_wallet uuid, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.unfreeze_wallet(p_wallet uuid, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.unfreeze_wallet(p_wallet uuid, p_reason text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.proposal_entries(p_kind text, p_user integer, p_party text, p_amount bigint) FROM PUBLIC
--;;
GRANT EXECUTE ON FUNCTION app.proposal_entries(p_kind text, p_user integer, p_party text, p_amount bigint) TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.write_proposal(p_hostel uuid, p_kind text, p_user integer, p_party text, p_amount bigint, p_reason text, p_source text, p_source_id uuid, p_id uuid, p_details jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.write_proposal(p_hostel uuid, p_kind text, p_user integer, p_party text, p_amount bigint, p_reason text, p_source text, p_source_id uuid, p_id uuid, p_details jsonb) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.propose(p_hostel uuid, p_kind text, p_user integer, p_amount bigint, p_reason text, p_party text, p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.propose(p_hostel uuid, p_kind text, p_user integer, p_amount bigint, p_reason text, p_party text, p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.propose(p_hostel uuid, p_kind text, p_user integer, p_amount bigint, p_reason text, p_party text, p_id uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.has_second_person(p_org uuid, p_hostel uuid, p_proposer integer, p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.has_second_person(p_org uuid, p_hostel uuid, p_proposer integer, p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.carry_out(p_id uuid, p_event text, p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.carry_out(p_id uuid, p_event text, p_note text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.decide_proposal(p_id uuid, p_event text, p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.decide_proposal(p_id uuid, p_event text, p_note text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.decide_proposal(p_id uuid, p_event text, p_note text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.platform_proposals() FROM PUBLIC
--;;
ALTER FUNCTION app.platform_proposals() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.platform_proposals() TO portal_platform
--;;
REVOKE ALL ON FUNCTION app.platform_decide(p_org uuid, p_id uuid, p_event text, p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.platform_decide(p_org uuid, p_id uuid, p_event text, p_note text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.platform_decide(p_org uuid, p_id uuid, p_event text, p_note text) TO portal_platform
--;;
REVOKE ALL ON FUNCTION app.wallet_mismatches() FROM PUBLIC
--;;
ALTER FUNCTION app.wallet_mismatches() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.wallet_mismatches() TO portal_admin, viramah_service
--;;
REVOKE ALL ON FUNCTION app.ask_product() FROM PUBLIC
--;;
ALTER FUNCTION app.ask_product() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.ledger_horizon() FROM PUBLIC
--;;
ALTER FUNCTION app.ledger_horizon() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.ledger_horizon() TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.add_ledger_batch(p_batch jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.add_ledger_batch(p_batch jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.add_ledger_batch(p_batch jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.note_ledger_check(p_batches integer, p_transactions integer, p_findings integer, p_first text) FROM PUBLIC
--;;
ALTER FUNCTION app.note_ledger_check(p_batches integer, p_transactions integer, p_findings integer, p_first text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.note_ledger_check(p_batches integer, p_transactions integer, p_findings integer, p_first text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.ledger_organizations() FROM PUBLIC
--;;
ALTER FUNCTION app.ledger_organizations() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.ledger_organizations() TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.ledger_state() FROM PUBLIC
--;;
ALTER FUNCTION app.ledger_state() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.ledger_state() TO portal_admin, portal_platform, viramah_service
--;;
REVOKE ALL ON FUNCTION app.add_statement(p_id uuid, p_account uuid, p_origin text, p_digest text, p_file uuid, p_lines jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.add_statement(p_id uuid, p_account uuid, p_origin text, p_digest text, p_file uuid, p_lines jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.add_statement(p_id uuid, p_account uuid, p_origin text, p_digest text, p_file uuid, p_lines jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.book_line(p_line uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.book_line(p_line uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.settle_matches(p_pairs jsonb, p_lines uuid[], p_breaks jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.settle_matches(p_pairs jsonb, p_lines uuid[], p_breaks jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.settle_matches(p_pairs jsonb, p_lines uuid[], p_breaks jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.clearing_state() FROM PUBLIC
--;;
ALTER FUNCTION app.clearing_state() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.clearing_state() TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.check_clearing() FROM PUBLIC
--;;
ALTER FUNCTION app.check_clearing() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.check_clearing() TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.lock_break(p_id uuid, p_action text) FROM PUBLIC
--;;
ALTER FUNCTION app.lock_break(p_id uuid, p_action text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.match_break(p_id uuid, p_other uuid, p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.match_break(p_id uuid, p_other uuid, p_note text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.match_break(p_id uuid, p_other uuid, p_note text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.propose_break(p_id uuid, p_kind text, p_hostel uuid, p_reason text, p_proposal uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.propose_break(p_id uuid, p_kind text, p_hostel uuid, p_reason text, p_proposal uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.propose_break(p_id uuid, p_kind text, p_hostel uuid, p_reason text, p_proposal uuid) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.follow_break_proposal() FROM PUBLIC
--;;
ALTER FUNCTION app.follow_break_proposal() OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.resolve_break(p_id uuid, p_note text) FROM PUBLIC
--;;
ALTER FUNCTION app.resolve_break(p_id uuid, p_note text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.resolve_break(p_id uuid, p_note text) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.wants_known_device(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.wants_known_device(p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.wants_known_device(p_user integer) TO viramah_auth
--;;
REVOKE ALL ON FUNCTION app.verify_devices(p_org uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.verify_devices(p_org uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.verify_devices(p_org uuid) TO viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.invitations_for(p_email text) FROM PUBLIC
--;;
ALTER FUNCTION app.invitations_for(p_email text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.invitations_for(p_email text) TO viramah_auth
--;;
REVOKE ALL ON FUNCTION app.assert_keeps_telegram(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.assert_keeps_telegram(p_user integer) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.put_telegram_bot(p_id uuid, p_user integer, p_token text, p_number bigint, p_username text) FROM PUBLIC
--;;
ALTER FUNCTION app.put_telegram_bot(p_id uuid, p_user integer, p_token text, p_number bigint, p_username text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.put_telegram_bot(p_id uuid, p_user integer, p_token text, p_number bigint, p_username text) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.remove_telegram_bot(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.remove_telegram_bot(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.remove_telegram_bot(p_id uuid) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.telegram_bot_of(p_user integer) FROM PUBLIC
--;;
ALTER FUNCTION app.telegram_bot_of(p_user integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.telegram_bot_of(p_user integer) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.telegram_token(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.telegram_token(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.telegram_token(p_id uuid) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.note_telegram(p_org uuid, p_bot uuid, p_kind text, p_chat uuid, p_update bigint, p_code integer, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.note_telegram(p_org uuid, p_bot uuid, p_kind text, p_chat uuid, p_update bigint, p_code integer, p_reason text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.note_telegram_health(p_id uuid, p_status text, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.note_telegram_health(p_id uuid, p_status text, p_reason text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.note_telegram_health(p_id uuid, p_status text, p_reason text) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.begin_telegram_link(p_id uuid, p_user integer, p_hostel uuid, p_bot uuid, p_purpose text, p_digest text, p_lifetime interval) FROM PUBLIC
--;;
ALTER FUNCTION app.begin_telegram_link(p_id uuid, p_user integer, p_hostel uuid, p_bot uuid, p_purpose text, p_digest text, p_lifetime interval) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.begin_telegram_link(p_id uuid, p_user integer, p_hostel uuid, p_bot uuid, p_purpose text, p_digest text, p_lifetime interval) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.remove_telegram_chat(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.remove_telegram_chat(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.remove_telegram_chat(p_id uuid) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.link_telegram_chat(p_bot uuid, p_digest text, p_number bigint, p_title text, p_group boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.link_telegram_chat(p_bot uuid, p_digest text, p_number bigint, p_title text, p_group boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.link_telegram_chat(p_bot uuid, p_digest text, p_number bigint, p_title text, p_group boolean) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.queue_telegram(p_user integer, p_hostel uuid, p_purpose text, p_key text, p_parts text[], p_html boolean, p_buttons jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.queue_telegram(p_user integer, p_hostel uuid, p_purpose text, p_key text, p_parts text[], p_html boolean, p_buttons jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.queue_telegram(p_user integer, p_hostel uuid, p_purpose text, p_key text, p_parts text[], p_html boolean, p_buttons jsonb) TO portal_admin
--;;
REVOKE ALL ON FUNCTION app.claim_telegram(p_worker text, p_most integer, p_lease interval) FROM PUBLIC
--;;
ALTER FUNCTION app.claim_telegram(p_worker text, p_most integer, p_lease interval) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.claim_telegram(p_worker text, p_most integer, p_lease interval) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.begin_telegram(p_id uuid, p_worker text, p_lease interval) FROM PUBLIC
--;;
ALTER FUNCTION app.begin_telegram(p_id uuid, p_worker text, p_lease interval) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.begin_telegram(p_id uuid, p_worker text, p_lease interval) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.settle_telegram(p_id uuid, p_worker text, p_outcome text, p_number bigint, p_pause interval, p_uncertain boolean, p_code integer, p_reason text, p_text text) FROM PUBLIC
--;;
ALTER FUNCTION app.settle_telegram(p_id uuid, p_worker text, p_outcome text, p_number bigint, p_pause interval, p_uncertain boolean, p_code integer, p_reason text, p_text text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.settle_telegram(p_id uuid, p_worker text, p_outcome text, p_number bigint, p_pause interval, p_uncertain boolean, p_code integer, p_reason text, p_text text) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.switch_telegram_chat_off(p_org uuid, p_chat uuid, p_reason text) FROM PUBLIC
--;;
ALTER FUNCTION app.switch_telegram_chat_off(p_org uuid, p_chat uuid, p_reason text) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.release_telegram(p_ids uuid[], p_pauses double precision[], p_worker text) FROM PUBLIC
--;;
ALTER FUNCTION app.release_telegram(p_ids uuid[], p_pauses double precision[], p_worker text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.release_telegram(p_ids uuid[], p_pauses double precision[], p_worker text) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.forget_telegram(p_before timestamptz, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.forget_telegram(p_before timestamptz, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.forget_telegram(p_before timestamptz, p_most integer) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.keep_telegram_update(p_bot uuid, p_update bigint, p_body jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.keep_telegram_update(p_bot uuid, p_update bigint, p_body jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.keep_telegram_update(p_bot uuid, p_update bigint, p_body jsonb) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.note_wrong_telegram_secret(p_bot uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.note_wrong_telegram_secret(p_bot uuid) OWNER TO viramah_definer
--;;
REVOKE ALL ON FUNCTION app.receive_telegram_update(p_bot uuid, p_wanted text, p_given text, p_update bigint, p_body jsonb) FROM PUBLIC
--;;
ALTER FUNCTION app.receive_telegram_update(p_bot uuid, p_wanted text, p_given text, p_update bigint, p_body jsonb) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.receive_telegram_update(p_bot uuid, p_wanted text, p_given text, p_update bigint, p_body jsonb) TO viramah_web
--;;
REVOKE ALL ON FUNCTION app.last_telegram_update(p_bot uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.last_telegram_update(p_bot uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.last_telegram_update(p_bot uuid) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.telegram_update(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.telegram_update(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.telegram_update(p_id uuid) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.finish_telegram_update(p_id uuid, p_effect text) FROM PUBLIC
--;;
ALTER FUNCTION app.finish_telegram_update(p_id uuid, p_effect text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.finish_telegram_update(p_id uuid, p_effect text) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.telegram_member_changed(p_bot uuid, p_number bigint, p_there boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.telegram_member_changed(p_bot uuid, p_number bigint, p_there boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.telegram_member_changed(p_bot uuid, p_number bigint, p_there boolean) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.set_telegram_secret(p_id uuid, p_digest text, p_mode text) FROM PUBLIC
--;;
ALTER FUNCTION app.set_telegram_secret(p_id uuid, p_digest text, p_mode text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.set_telegram_secret(p_id uuid, p_digest text, p_mode text) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity
--;;
REVOKE ALL ON FUNCTION app.enqueue(p_kind text, p_payload jsonb, p_key text, p_due timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.enqueue(p_kind text, p_payload jsonb, p_key text, p_due timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.enqueue(p_kind text, p_payload jsonb, p_key text, p_due timestamptz) TO portal_admin, portal_management, portal_sales, portal_canteen, portal_amenity, portal_resident, portal_platform, viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.enqueue_for(p_orgs uuid[], p_kind text, p_payload jsonb, p_key text) FROM PUBLIC
--;;
ALTER FUNCTION app.enqueue_for(p_orgs uuid[], p_kind text, p_payload jsonb, p_key text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.enqueue_for(p_orgs uuid[], p_kind text, p_payload jsonb, p_key text) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.claim_work(p_worker text, p_most integer, p_lease interval, p_alone text[]) FROM PUBLIC
--;;
ALTER FUNCTION app.claim_work(p_worker text, p_most integer, p_lease interval, p_alone text[]) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.claim_work(p_worker text, p_most integer, p_lease interval, p_alone text[]) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.renew_work(p_ids uuid[], p_worker text, p_lease interval) FROM PUBLIC
--;;
ALTER FUNCTION app.renew_work(p_ids uuid[], p_worker text, p_lease interval) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.renew_work(p_ids uuid[], p_worker text, p_lease interval) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.release_work(p_ids uuid[], p_worker text) FROM PUBLIC
--;;
ALTER FUNCTION app.release_work(p_ids uuid[], p_worker text) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.release_work(p_ids uuid[], p_worker text) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.finish_work(p_ids uuid[], p_worker text, p_relaxed boolean) FROM PUBLIC
--;;
ALTER FUNCTION app.finish_work(p_ids uuid[], p_worker text, p_relaxed boolean) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.finish_work(p_ids uuid[], p_worker text, p_relaxed boolean) TO viramah_service, portal_admin
--;;
REVOKE ALL ON FUNCTION app.fail_work(p_id uuid, p_worker text, p_error text, p_again timestamptz) FROM PUBLIC
--;;
ALTER FUNCTION app.fail_work(p_id uuid, p_worker text, p_error text, p_again timestamptz) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.fail_work(p_id uuid, p_worker text, p_error text, p_again timestamptz) TO viramah_service
--;;
REVOKE ALL ON FUNCTION app.resend_work(p_id uuid) FROM PUBLIC
--;;
ALTER FUNCTION app.resend_work(p_id uuid) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.resend_work(p_id uuid) TO portal_admin, viramah_service
--;;
REVOKE ALL ON FUNCTION app.work_backlog() FROM PUBLIC
--;;
ALTER FUNCTION app.work_backlog() OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.work_backlog() TO portal_public, portal_resident, portal_management, portal_sales, portal_canteen, portal_amenity, portal_admin, portal_platform, viramah_web, viramah_auth, viramah_service
--;;
REVOKE ALL ON FUNCTION app.forget_work(p_before timestamptz, p_most integer) FROM PUBLIC
--;;
ALTER FUNCTION app.forget_work(p_before timestamptz, p_most integer) OWNER TO viramah_definer
--;;
GRANT EXECUTE ON FUNCTION app.forget_work(p_before timestamptz, p_most integer) TO viramah_service
--;;
ALTER TABLE public.amenity_slots REPLICA IDENTITY USING INDEX amenity_slots_live_key
--;;
ALTER TABLE public.amenity_bookings REPLICA IDENTITY USING INDEX amenity_bookings_live_key
--;;
ALTER TABLE public.amenity_waits REPLICA IDENTITY USING INDEX amenity_waits_live_key
--;;
ALTER TABLE public.announcements REPLICA IDENTITY FULL
--;;
ALTER TABLE public.maintenance_requests REPLICA IDENTITY FULL
--;;
ALTER TABLE public.maintenance_assignments REPLICA IDENTITY USING INDEX maintenance_assignments_live_key
--;;
ALTER TABLE public.canteen_menu REPLICA IDENTITY USING INDEX canteen_menu_live_key
--;;
ALTER TABLE public.canteen_orders REPLICA IDENTITY USING INDEX canteen_orders_live_key
--;;
ALTER TABLE public.import_runs REPLICA IDENTITY USING INDEX import_runs_live_key
--;;
ALTER TABLE public.inquiries REPLICA IDENTITY USING INDEX inquiries_live_key
--;;
ALTER TABLE public.inventory_items REPLICA IDENTITY USING INDEX inventory_items_live_key
--;;
ALTER TABLE public.notifications REPLICA IDENTITY USING INDEX notifications_live_key
--;;
ALTER TABLE public.notification_deliveries REPLICA IDENTITY FULL
--;;
ALTER TABLE public.onboarding_submissions REPLICA IDENTITY USING INDEX onboarding_submissions_live_key
--;;
ALTER TABLE public.payment_intents REPLICA IDENTITY USING INDEX payment_intents_live_key
--;;
ALTER TABLE public.tasks REPLICA IDENTITY USING INDEX tasks_live_key
--;;
ALTER TABLE public.wallet_balance_cache REPLICA IDENTITY USING INDEX wallet_balance_cache_live_key
--;;
CREATE PUBLICATION viramah_live FOR TABLE public.amenity_slots (org_id, id, hostel_id, amenity_id, day, booked_count, held_count, state), public.amenity_bookings (org_id, id, hostel_id, amenity_id, slot_id, user_id, status), public.amenity_waits (org_id, id, hostel_id, amenity_id, slot_id, user_id, status), public.announcements, public.access_versions (subject, version), public.user_sessions (id, user_id, ended_at), public.maintenance_requests, public.maintenance_assignments, public.canteen_menu (org_id, id, hostel_id, served_on, meal, stock, deleted_at), public.canteen_orders (org_id, id, hostel_id, user_id, served_on, meal, status), public.import_runs (org_id, id, hostel_id, kind, status, counts, message, started_by, started_at, finished_at, undone_at, created_at, updated_at, deleted_at), public.inquiries (org_id, hostel_key, id, status, deleted_at), public.inventory_items (org_id, id, hostel_id, stock, deleted_at), public.notifications, public.notification_deliveries, public.onboarding_submissions (org_id, hostel_id, user_id, id, state, round, reviewer_id, claimed_at, submitted_at, updated_at), public.payment_intents (org_id, hostel_id, user_id, id, status), public.tasks (org_id, user_id, id, kind, status, done, total, updated_at), public.wallet_balance_cache (org_id, hostel_id, user_id, id) WITH (publish_generated_columns = stored)
