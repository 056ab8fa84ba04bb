-- Who listens to live updates.

-- The same question for many at once: `p_asked` is [{session_id, user_id, org_id, portal, hostel_id}, …], the answer has
-- a row for each in that order. `document` is NULL for a session that ended, expired or slept, for somebody else's, and
-- for a person who no longer works there through that portal; `good_until` is when a role begins or ends by itself.
--: definer; execute: viramah_realtime
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
$$;

-- The streams of this database's realtime processes, for health: whether each is being read, and whether the server
-- still keeps what it has not read.
--: definer; execute: everyone
CREATE FUNCTION app.live_streams() RETURNS TABLE (name text, reading boolean, lost boolean, kept_bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT slot_name::text, active, invalidation_reason IS NOT NULL,
         pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint
  FROM pg_replication_slots WHERE database = current_database() AND slot_name LIKE 'viramah_live_%'
$$;
