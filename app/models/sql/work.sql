-- The outbox: rows are added in the transaction that wants the work, claimed with a lease, finished with the work.

--: definer; execute: signed_in, auth, service
CREATE FUNCTION app.enqueue(p_kind text, p_payload jsonb, p_key text DEFAULT NULL, p_due timestamptz DEFAULT NULL)
RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO outbox (org_id, kind, payload, key, due_at)
  VALUES (app.current_org(), p_kind, p_payload, p_key, coalesce(p_due, clock_timestamp()))
  ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING
  RETURNING id
$$;

-- The same for organizations that the caller is not bound to: scheduled work that falls to each of them that there is.
--: definer; execute: service
CREATE FUNCTION app.enqueue_for(p_orgs uuid[], p_kind text, p_payload jsonb, p_key text DEFAULT NULL) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH asked AS (
    INSERT INTO outbox (org_id, kind, payload, key) SELECT id, p_kind, p_payload, p_key FROM organizations WHERE id = ANY (p_orgs)
    ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING
    RETURNING 1
  )
  SELECT count(*) FROM asked
$$;

-- Due rows that nobody holds, held for p_lease. First what is new, at most p_most: of one organization where it has
-- several, as they then share a transaction. Then, one by one, what is of a kind that calls the outside (p_alone) or
-- was begun before: so what hangs, or kills its worker, takes nothing else down with it, and a mail server that is
-- away does not hold up the rest. What a dead worker held comes first of these: a worker takes many rows with it, and
-- they have waited for its lease already. `attempts` counts before the handler runs: a handler that kills its process is
-- counted too.
--: definer; execute: service
CREATE FUNCTION app.claim_work(p_worker text, p_most integer, p_lease interval, p_alone text[])
RETURNS TABLE (id uuid, org_id uuid, kind text, payload jsonb, attempts integer)
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
$$;

-- A worker that is still at it says so. What it has lost meanwhile stays lost.
--: definer; execute: service
CREATE FUNCTION app.renew_work(p_ids uuid[], p_worker text, p_lease interval) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE outbox SET claimed_until = clock_timestamp() + p_lease
  WHERE id IN (SELECT id FROM outbox WHERE id = ANY (p_ids) AND state = 'pending' AND claimed_by = p_worker
               FOR UPDATE SKIP LOCKED)
$$;

-- A worker that is told to stop gives back what it has not begun: that was no attempt.
--: definer; execute: service
CREATE FUNCTION app.release_work(p_ids uuid[], p_worker text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE outbox SET claimed_by = NULL, claimed_until = NULL, attempts = attempts - 1
  WHERE id = ANY (p_ids) AND state = 'pending' AND claimed_by = p_worker
$$;

-- Called in the transaction of the work itself, as the tenant or the service: done once, or not at all. False
-- if the lease was lost to another worker meanwhile: the caller must roll back. Work that only writes here need not
-- wait for the disk (p_relaxed): a server that crashes forgets what it wrote together with its being done.
--: definer; execute: service, portal_admin
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
$$;

-- After a failure: due again later, or dead.
--: definer; execute: service
CREATE FUNCTION app.fail_work(p_id uuid, p_worker text, p_error text, p_again timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE outbox SET last_error = left(p_error, 2000), claimed_by = NULL, claimed_until = NULL,
    state = CASE WHEN p_again IS NULL THEN 'dead' ELSE 'pending' END, due_at = coalesce(p_again, due_at),
    finished_at = CASE WHEN p_again IS NULL THEN clock_timestamp() END
  WHERE id = p_id AND state = 'pending' AND claimed_by = p_worker
$$;

-- Dead letters are sent again by a person: their organization's own, or, on the service login, any.
--: definer; execute: portal_admin, service
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
$$;

-- What waits, for health and metrics: rows that are due, seconds since the oldest of them was, rows given up.
--: definer; execute: everyone
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
$$;

-- At most p_most at a time, so that no statement runs long. The key of a scheduled run is forgotten with it: keep
-- rows longer than the longest pause between two runs.
--: definer; execute: service
CREATE FUNCTION app.forget_work(p_before timestamptz, p_most integer DEFAULT 10000) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH gone AS (
    DELETE FROM outbox WHERE id IN (
      SELECT id FROM outbox WHERE state = 'done' AND finished_at < p_before ORDER BY finished_at LIMIT p_most)
    RETURNING 1
  )
  SELECT count(*) FROM gone
$$;
