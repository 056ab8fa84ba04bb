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

-- Due rows that nobody holds, at most p_most, held for p_lease. `attempts` counts before the handler runs: a
-- handler that kills its process is counted too.
--: definer; execute: service
CREATE FUNCTION app.claim_work(p_worker text, p_most integer, p_lease interval)
RETURNS TABLE (id uuid, org_id uuid, kind text, payload jsonb, attempts integer)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH due AS MATERIALIZED (
    SELECT o.id FROM outbox o
    WHERE o.state = 'pending' AND o.due_at <= clock_timestamp()
      AND (o.claimed_until IS NULL OR o.claimed_until < clock_timestamp())
    ORDER BY o.due_at, o.id LIMIT p_most FOR UPDATE SKIP LOCKED
  )
  UPDATE outbox o SET claimed_by = p_worker, claimed_until = clock_timestamp() + p_lease, attempts = o.attempts + 1
  FROM due WHERE o.id = due.id
  RETURNING o.id, o.org_id, o.kind, o.payload, o.attempts
$$;

-- Called in the transaction of the work itself, as the tenant or the service: done once, or not at all. False
-- if the lease was lost to another worker meanwhile: the caller must roll back.
--: definer; execute: service, portal_admin
CREATE FUNCTION app.finish_work(p_ids uuid[], p_worker text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  UPDATE outbox SET state = 'done', finished_at = clock_timestamp(), last_error = NULL
  WHERE id = ANY (p_ids) AND state = 'pending' AND claimed_by = p_worker;
  GET DIAGNOSTICS v_count = ROW_COUNT;
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

-- Dead letters are sent again by a person.
--: definer; execute: portal_admin, service
CREATE FUNCTION app.resend_work(p_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF session_user <> 'viramah_service' AND NOT app.can('work', 'update') THEN
    RAISE EXCEPTION 'Your role does not let you resend work.' USING ERRCODE = 'VR403';
  END IF;
  UPDATE outbox SET state = 'pending', due_at = clock_timestamp(), attempts = 0, finished_at = NULL, claimed_by = NULL,
    claimed_until = NULL
  WHERE id = p_id AND state = 'dead' AND (org_id = app.current_org() OR session_user = 'viramah_service');
  RETURN FOUND;
END
$$;

--: definer; execute: service
CREATE FUNCTION app.forget_work(p_before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH gone AS (DELETE FROM outbox WHERE state = 'done' AND finished_at < p_before RETURNING 1) SELECT count(*) FROM gone
$$;
