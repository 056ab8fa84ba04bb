-- Who is asking, as the transaction was bound; limits, usage, counters.

-- What a binding is sealed with: a keyed hash over who, where, through which portal and with which capabilities, good
-- for this one transaction of this one backend. Settings can be written by anybody who can run SQL; the seal cannot
-- be made without the key, so a hole in a screen does not become another tenant, person, portal or capability.
-- The key stands at both ends, so that nothing can be appended.
--: definer
CREATE FUNCTION app.seal_of(p_role text, p_org text, p_user text, p_caps text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_key text;
BEGIN
  SELECT key INTO v_key FROM binding_keys WHERE id = 1;
  RETURN encode(sha256(convert_to(concat_ws('/', v_key, pg_backend_pid(), extract(epoch FROM transaction_timestamp()), p_role, p_org, p_user,
                                            p_caps, v_key), 'UTF8')), 'base64');
END
$$;

-- Whether the transaction's settings are as app.bind left them.
--: definer; execute: everyone
CREATE FUNCTION app.is_genuine() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  RETURN coalesce(current_setting('app.seal', true), '') = app.seal_of(
    current_setting('role'), current_setting('app.org_id', true), current_setting('app.user_id', true),
    current_setting('app.caps', true));
END
$$;

-- NULL without a genuine binding: policies then show nothing. Asked once by every statement, so the seal is checked in
-- place: as two more calls it took half as long again.
--: definer; execute: everyone
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
$$;

--: definer; execute: everyone
CREATE FUNCTION app.current_user_id() RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF coalesce(current_setting('app.user_id', true), '') = '' OR NOT app.is_genuine() THEN
    RETURN NULL;
  END IF;
  RETURN current_setting('app.user_id')::integer;
END
$$;

-- For definer functions that make a tenant, or let somebody in, before anybody is bound to it: their rows are then
-- audited as that person's. Leaves the role alone.
--: definer
CREATE FUNCTION app.assume(p_org uuid, p_user integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM set_config('app.org_id', p_org::text, true), set_config('app.user_id', p_user::text, true),
          set_config('app.caps', '', true);
  PERFORM set_config('app.seal', app.seal_of(current_setting('role'), p_org::text, p_user::text, ''), true);
END
$$;

-- For definer functions that the product itself calls to write down what people did elsewhere: the rows that follow
-- are that person's, and after NULL the product's own again.
--: definer
CREATE FUNCTION app.act_for(p_user integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_user text := coalesce(p_user::text, '');
  v_caps text := CASE WHEN p_user IS NULL THEN '*' ELSE '' END;
BEGIN
  PERFORM set_config('app.user_id', v_user, true), set_config('app.caps', v_caps, true),
          set_config('app.seal', app.seal_of(current_setting('role'), current_setting('app.org_id'), v_user, v_caps), true);
END
$$;

--: invoker; execute: everyone
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := clock_timestamp();
  RETURN NEW;
END
$$;

--: definer
CREATE FUNCTION app.limit_of(p_org uuid, p_metric text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT CASE WHEN o.limits ? p_metric THEN (o.limits ->> p_metric)::bigint ELSE p.most END
  FROM organizations o LEFT JOIN plan_limits p ON p.plan = o.plan AND p.metric = p_metric
  WHERE o.id = p_org
$$;

--: definer
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
$$;

--: definer
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
$$;

-- Two who add the last allowed row at once must queue: the lock is taken only where a limit exists.
--: definer
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
$$;

--: definer
CREATE FUNCTION app.check_limits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM jsonb_each(NEW.limits) l WHERE jsonb_typeof(l.value) NOT IN ('number', 'null')) THEN
    RAISE EXCEPTION 'A limit is a number, or nothing for no limit.' USING ERRCODE = 'VR422';
  END IF;
  RETURN NEW;
END
$$;

-- One shard per backend: writers of a busy table rarely wait for each other.
--: definer
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
$$;

--: definer; execute: portal_admin, portal_platform
CREATE FUNCTION app.organization_usage() RETURNS TABLE (metric text, used bigint, most bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.metric, app.used(app.current_org(), m.metric), app.limit_of(app.current_org(), m.metric)
  FROM unnest(ARRAY['users', 'hostels', 'residents', 'workflows', 'bots', 'storage', 'messages'])
       WITH ORDINALITY m (metric, place)
  WHERE app.current_org() IS NOT NULL
  ORDER BY m.place
$$;

-- The row stays locked until commit, so a number given to a transaction that rolls back is given again.
--: definer
CREATE FUNCTION app.next_number(p_org uuid, p_series text, p_scope uuid) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO number_counters AS c (org_id, series, scope_id, last) VALUES (p_org, p_series, p_scope, 1)
  ON CONFLICT (org_id, series, scope_id) DO UPDATE SET last = c.last + 1
  RETURNING last
$$;

-- True while the hit is within the limit; windows are aligned to p_start, which the caller computes.
--: definer; execute: everyone
CREATE FUNCTION app.count_hit(p_bucket text, p_key text, p_start timestamptz, p_most bigint) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO rate_limit_counters AS c (bucket, key, window_start, hits) VALUES (p_bucket, p_key, p_start, 1)
  ON CONFLICT (bucket, key, window_start) DO UPDATE SET hits = c.hits + 1
  RETURNING hits <= p_most
$$;

--: definer; execute: service
CREATE FUNCTION app.forget_hits(p_before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH gone AS (DELETE FROM rate_limit_counters WHERE window_start < p_before RETURNING 1) SELECT count(*) FROM gone
$$;

-- A new tenant with its owner; p_categories is [{code, name, icon, issues: [name]}] from rules/maintenance.py.
--: definer; execute: auth, service
CREATE FUNCTION app.create_organization(p_name text, p_slug text, p_plan text, p_owner integer, p_categories jsonb)
RETURNS uuid
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
$$;

--: definer; execute: portal_platform, service
CREATE FUNCTION app.platform_organizations()
RETURNS TABLE (id uuid, name text, slug text, plan text, subscription_status text, limits jsonb, created_at timestamptz,
               hostels bigint, users bigint, residents bigint, storage bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT o.id, o.name, o.slug, o.plan, o.subscription_status, o.limits, o.created_at, app.used(o.id, 'hostels'),
         app.used(o.id, 'users'), app.used(o.id, 'residents'), app.used(o.id, 'storage')
  FROM organizations o
  WHERE session_user = 'viramah_service' OR app.is_super_admin()
  ORDER BY o.name
$$;

--: definer; execute: portal_platform, service
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
$$;
