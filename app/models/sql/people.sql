-- Binding a transaction to a person; memberships, invitations, accounts and sessions.

--: definer; execute: everyone
CREATE FUNCTION app.is_super_admin() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM platform_roles WHERE user_id = app.current_user_id())
$$;

--: invoker; execute: everyone
CREATE FUNCTION app.is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT current_setting('app.caps', true) = '*'
$$;

--: invoker; execute: everyone
CREATE FUNCTION app.is_staff() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT current_setting('role') NOT IN ('portal_resident', 'portal_public')
$$;

-- The roles that count now, of one person in one organization; that of a resident counts behind the gate (T15) alone.
--: definer
CREATE FUNCTION app.active_roles(p_org uuid, p_user integer)
RETURNS TABLE (role text, portal text, rank smallint, hostel_id uuid)
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
-- chosen in the console). rules/people.py says the same in Python; a test compares the two.
--
-- Asked at the beginning of every transaction, and nearly everybody is without overrides: they are answered first. Else
-- a hostel that no role and no override names is like no hostel at all, so only those named are asked about.
--: definer; execute: service
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

-- The language a person chose; NULL if they never did.
--: definer
CREATE FUNCTION app.language_of(p_user integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT language FROM user_preferences WHERE user_id = p_user
$$;

--: definer; execute: signed_in
CREATE FUNCTION app.choose_language(p_language text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO user_preferences AS p (user_id, language) VALUES (app.current_user_id(), p_language)
  ON CONFLICT (user_id) DO UPDATE SET language = excluded.language WHERE p.language <> excluded.language
$$;

-- Who a person is in an organization and what the screens need to know of it, as one document; NULL if nobody.
--: definer
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
$$;

-- The same, kept from one transaction to the next. The versions are read before anything is worked out: what is kept
-- under a version that changed meanwhile is never used. Somebody else working out the same is not waited for.
--: definer
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

-- Something that decides about access changed; once per transaction is enough.
--: definer
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
$$;

--: definer
CREATE FUNCTION app.platform_capabilities() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT '|' || string_agg(resource || '.' || action || '=*', '|') || '|' FROM role_permissions WHERE role = 'super_admin'
$$;

-- The person behind a session token; a token that ended, expired (30 days) or slept (7 days) is nobody's.
--: definer; execute: web
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
$$;

-- Takes on what app.describe found. Role last: with it go the rights to anything but the portal's own.
--: invoker; execute: web, service
CREATE FUNCTION app.enter(p_me jsonb, p_request text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM app.set_binding(p_me ->> 'org_id', p_me ->> 'user_id', p_me ->> 'caps', p_me ->> 'seal', coalesce(p_me ->> 'portal', 'portal_public'), p_request);
END
$$;

--: invoker; execute: web, service
CREATE FUNCTION app.set_binding(p_org text, p_user text, p_caps text, p_seal text, p_portal text, p_request text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.org_id', coalesce(p_org, ''), true), set_config('app.user_id', coalesce(p_user, ''), true),
          set_config('app.caps', coalesce(p_caps, ''), true), set_config('app.seal', coalesce(p_seal, ''), true),
          set_config('app.request_id', coalesce(p_request, ''), true),
          set_config('app.reason', '', true), set_config('app.event_at', '', true), set_config('role', p_portal, true);
END
$$;

-- The one statement that begins each transaction of the web.
--: invoker; execute: web
CREATE FUNCTION app.bind(p_digest bytea, p_org uuid, p_portals text[], p_hostel uuid, p_request text, p_full boolean)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_me jsonb := CASE WHEN p_digest IS NOT NULL THEN app.identify(p_digest, p_org, p_portals, p_hostel, p_full) END;
BEGIN
  PERFORM app.enter(v_me, p_request);
  RETURN v_me;
END
$$;

-- The same for jobs and commands that act for a person …
--: invoker; execute: service
CREATE FUNCTION app.bind_as(p_user integer, p_org uuid, p_portals text[], p_hostel uuid, p_request text)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_me jsonb := app.describe_member(p_user, p_org, p_portals, p_hostel);
BEGIN
  IF v_me IS NULL OR (v_me ->> 'org_id')::uuid IS DISTINCT FROM p_org THEN
    RAISE EXCEPTION 'Person % has no active role in this organization.', p_user USING ERRCODE = 'VR403';
  END IF;
  PERFORM app.enter(v_me, p_request);
  RETURN v_me;
END
$$;

--: definer; execute: service
CREATE FUNCTION app.describe_member(p_user integer, p_org uuid, p_portals text[], p_hostel uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.sealed(app.describe(p_user, p_org, p_portals, p_hostel, true))
$$;

-- … and for the product itself, which may do everything within the one organization.
--: invoker; execute: service
CREATE FUNCTION app.bind_system(p_org uuid, p_request text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM app.set_binding(p_org::text, '', '*', app.system_seal(p_org), 'portal_admin', p_request);
END
$$;

--: definer; execute: service
CREATE FUNCTION app.system_seal(p_org uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  RETURN app.seal_of('portal_admin', p_org::text, '', '*');
END
$$;

-- The document with its seal, for app.enter to put into the settings.
--: definer
CREATE FUNCTION app.sealed(p_me jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT p_me || jsonb_build_object('seal', app.seal_of(
    p_me ->> 'portal', coalesce(p_me ->> 'org_id', ''), coalesce(p_me ->> 'user_id', ''), coalesce(p_me ->> 'caps', '')))
$$;

--: definer; execute: signed_in
CREATE FUNCTION app.member_in_reach(p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.org_wide('hostels', 'read') OR p_user = app.current_user_id() OR EXISTS (
    SELECT FROM memberships m WHERE m.org_id = app.current_org() AND m.user_id = p_user
    AND (m.hostel_id IS NULL OR m.hostel_id = ANY (app.reach('hostels', 'read'))))
$$;

-- Raises unless the caller may give or take this role in this hostel: never at or above their own, but an owner.
--: definer
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
$$;

--: definer; execute: portal_admin
CREATE FUNCTION app.grant_role(p_user integer, p_role text, p_hostel uuid, p_from timestamptz, p_until timestamptz)
RETURNS uuid
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

-- p_status NULL takes the role away; p_version is what the caller has seen, NULL where nobody looked.
--: definer; execute: portal_admin
CREATE FUNCTION app.change_role(p_id uuid, p_status text, p_from timestamptz, p_until timestamptz,
                                p_version timestamptz DEFAULT NULL) RETURNS void
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

-- All roles of a person at once: 'active', 'suspended', or NULL to remove them from the organization; of oneself, in
-- any portal, only the last.
--: definer; execute: signed_in
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
$$;

-- From the caller, who stays as administrator, to another active person.
--: definer; execute: portal_admin
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
$$;

-- Somebody with an account joins without an invitation: for the command line.
--: definer; execute: portal_admin
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
$$;

--: definer
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

-- The same invitation asked for twice is one; p_id comes from the form, so that a double click asks for the same.
--: definer; execute: portal_admin
CREATE FUNCTION app.invite(p_id uuid, p_email text, p_name text, p_role text, p_hostel uuid, p_team_member uuid,
                           p_digest bytea, p_expires timestamptz) RETURNS boolean
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
$$;

-- A new link for an invitation (p_digest), or none: the invitation is withdrawn.
--: definer; execute: portal_admin
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
$$;

-- Whether an account was made by an import and nobody has used it: then an invitation makes it theirs, as if it were new.
--: definer
CREATE FUNCTION app.is_account_unused(p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM ab_user WHERE id = p_user AND last_login IS NULL)
     AND EXISTS (SELECT FROM memberships WHERE user_id = p_user AND status = 'invited')
     AND NOT EXISTS (SELECT FROM memberships WHERE user_id = p_user AND status <> 'invited')
     AND NOT EXISTS (SELECT FROM invitations WHERE accepted_by = p_user)
$$;

-- What the page behind an invitation's link may show; nothing once it is used, withdrawn or expired.
--: definer; execute: auth
CREATE FUNCTION app.open_invitation(p_digest bytea)
RETURNS TABLE (org_id uuid, organization text, email text, name text, role text, hostel text, user_id integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.org_id, o.name, i.email, i.name, i.role,
         (SELECT h.name FROM hostels h WHERE h.org_id = i.org_id AND h.id = i.hostel_id),
         (SELECT u.id FROM ab_user u WHERE lower(u.email) = lower(i.email) AND NOT app.is_account_unused(u.id))
  FROM invitations i JOIN organizations o ON o.id = i.org_id AND o.deleted_at IS NULL
  WHERE i.digest = p_digest AND i.status = 'pending' AND i.expires_at > app.now()
$$;

-- Used once: the row is locked, and its digest forgotten. Makes the account if the address has none; an account that
-- exists joins only when its person is signed in (p_user), so that a forwarded link lets nobody act in their name.
--: definer; execute: auth
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

-- A person's account; the name is split at its last space, as Flask-AppBuilder's table wants it.
--: definer; execute: auth, service
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
$$;

--: definer; execute: signed_in, auth
CREATE FUNCTION app.end_session(p_id uuid) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH done AS (
    UPDATE user_sessions SET ended_at = app.now()
    WHERE id = p_id AND ended_at IS NULL AND user_id = app.current_user_id() RETURNING 1)
  SELECT EXISTS (SELECT FROM done)
$$;

-- All sessions of a person: their own but one, or, by those who may, a colleague's.
--: definer; execute: signed_in
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
$$;

--: definer; execute: service
CREATE FUNCTION app.set_platform_role(p_user integer, p_held boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF p_held THEN
    INSERT INTO platform_roles (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
  ELSE
    DELETE FROM platform_roles WHERE user_id = p_user;
  END IF;
END
$$;

--: definer; execute: service
CREATE FUNCTION app.find_user(p_email text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT id FROM ab_user WHERE lower(email) = lower(btrim(p_email))
$$;

-- Suspends an account in all organizations, or lets it in again.
--: definer; execute: service
CREATE FUNCTION app.set_account_active(p_user integer, p_active boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE ab_user SET active = p_active, changed_on = now() WHERE id = p_user;
  UPDATE user_sessions SET ended_at = app.now() WHERE user_id = p_user AND ended_at IS NULL AND NOT p_active
$$;

-- Where mail for an account goes.
--: definer; execute: service
CREATE FUNCTION app.account_address(p_user integer) RETURNS TABLE (email text, name text, language text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT email, btrim(first_name || ' ' || last_name), app.language_of(id) FROM ab_user WHERE id = p_user AND active
$$;
