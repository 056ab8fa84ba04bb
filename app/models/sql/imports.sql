-- Imports: rows are staged with their verdicts, go in batch by batch, and are hidden again.

--: definer
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
$$;

-- The run, locked for this transaction: whoever wants to stop it waits for the batch that is under way.
--: definer
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
$$;

-- Adds rows to a run that is being checked: [{number, code, reason, column, source, request, sealed}]. A row without a
-- code is accepted, one with a reason is not. NULL begins anew.
--: definer; execute: portal_admin
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
$$;

-- How many of the rows that a check accepted are requests here already. A definer's, because policies would keep the
-- index on external ids from being used: a hundred thousand rows against ten thousand requests took minutes.
--: definer; execute: portal_admin
CREATE FUNCTION app.count_imported_before(p_run uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_import(p_run, 'create');
  RETURN (SELECT count(*) FROM import_rows i
          JOIN maintenance_requests m
            ON m.org_id = i.org_id AND m.hostel_id = i.hostel_id AND m.external_id = i.request ->> 'external_id'
          WHERE i.org_id = app.current_org() AND i.run_id = p_run AND i.outcome = 'accepted' AND m.deleted_at IS NULL);
END
$$;

-- Takes in up to p_most of the accepted rows of a running import, and returns how many it dealt with, 0 when none are left.
-- A request that is there stays as it is, one that undoing an import has hidden comes back under its number. Imports
-- into one hostel wait for each other, so the same file given in twice at once goes in once.
--: definer; execute: portal_admin
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
$$;

-- Steps without a time happened, as far as we know, now.
--: definer
CREATE FUNCTION app.import_new_request(p_run uuid, p_hostel uuid, p_in jsonb, p_now timestamptz) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.import_request(
    p_run, p_hostel, p_in ->> 'external_id', (p_in ->> 'category_id')::uuid, (p_in ->> 'issue_type_id')::uuid,
    (p_in ->> 'room_id')::uuid, p_in ->> 'place', p_in ->> 'description', p_in ->> 'priority', p_in ->> 'resolution',
    p_in ->> 'assignee',
    (SELECT jsonb_agg(CASE WHEN s.value ->> 'at' IS NULL THEN s.value || jsonb_build_object('at', p_now) ELSE s.value END
                      ORDER BY s.ordinality)
     FROM jsonb_array_elements(p_in -> 'steps') WITH ORDINALITY s))
$$;

-- Whether people have had to do with a request since a moment: changed it, handed it on, remarked on it. What the
-- product did by itself (an escalation) does not count.
--: definer
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
$$;

-- Hides up to p_most of the requests that an import brought, numbers stay taken, what people have worked on since stays,
-- and its row says why. Returns how many it dealt with, 0 when none are left.
--: definer; execute: portal_admin
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
$$;

-- -- kinds whose rows are written one by one, through the functions and policies that screens use -------------------

-- The next rows of a run that is `running` or `undoing`, 0 when none are left. Imports into one hostel wait for each other.
--: definer; execute: portal_admin
CREATE FUNCTION app.take_import_rows(p_run uuid, p_status text, p_most integer)
RETURNS TABLE (id uuid, number integer, request jsonb, sealed text, row_id uuid)
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
$$;

-- What became of a row that was taken.
--: definer; execute: portal_admin
CREATE FUNCTION app.settle_import_row(p_run uuid, p_id uuid, p_outcome text, p_reason text, p_row uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_import(p_run, 'create');
  UPDATE import_rows SET outcome = p_outcome, code = CASE WHEN p_outcome = 'refused' THEN 'no_longer_fits' ELSE '' END, reason = p_reason,
    row_id = p_row, settled_at = clock_timestamp(), source = CASE WHEN p_outcome = 'refused' THEN source ELSE '[]' END,
    sealed = CASE WHEN p_outcome = 'refused' THEN sealed END, request = NULL
  WHERE org_id = app.current_org() AND run_id = p_run AND id = p_id AND outcome = 'accepted';
END
$$;

-- Hidden, or kept for a reason.
--: definer; execute: portal_admin
CREATE FUNCTION app.settle_import_undo(p_run uuid, p_id uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_import(p_run, 'delete');
  UPDATE import_rows SET undo = CASE WHEN p_reason = '' THEN 'hidden' ELSE 'kept' END, reason = p_reason
  WHERE org_id = app.current_org() AND run_id = p_run AND id = p_id AND outcome IN ('created', 'restored') AND undo IS NULL;
END
$$;

-- Whether undoing an import has hidden a row, and nobody has touched it since.
--: definer; execute: portal_admin
CREATE FUNCTION app.is_hidden_by_import(p_row uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM import_rows WHERE org_id = app.current_org() AND row_id = p_row AND undo = 'hidden')
$$;

-- Whether people have changed what a row became.
--: definer; execute: portal_admin
CREATE FUNCTION app.is_import_touched(p_run uuid, p_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM import_rows i JOIN import_runs r ON r.org_id = i.org_id AND r.id = i.run_id
    JOIN audit_log a ON a.org_id = i.org_id AND a.row_id = i.row_id::text AND a.actor_id IS NOT NULL AND a.at > i.settled_at
      AND a.action IN ('insert', 'update') AND a.table_name = CASE r.kind WHEN 'occupancy' THEN 'stays' WHEN 'stock' THEN 'inventory_items' ELSE r.kind END
    WHERE i.org_id = app.current_org() AND i.run_id = p_run AND i.id = p_id)
$$;

-- Somebody who lives in a hostel already: known to the organization, with a number, and not yet let in. They get no message;
-- an invitation lets them in. Who is a resident there stays as they are; whom undoing has hidden comes back.
--: definer; execute: portal_admin
CREATE FUNCTION app.import_resident(p_run uuid, p_email text, p_name text, p_moved_in date)
RETURNS TABLE (user_id integer, resident_id uuid, outcome text)
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
$$;

-- Takes back that somebody is a resident, unless they were worked on since: then it says why they stay. Their number stays taken.
--: definer; execute: portal_admin
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
$$;

-- Takes a stay back as if it had never been, unless it was worked on since: then it says why it stays.
--: definer; execute: portal_admin
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
$$;

-- The stay of a person in a bed from a day, and whether undoing has hidden it.
--: definer; execute: portal_admin
CREATE FUNCTION app.stay_there(p_user integer, p_bed uuid, p_from date) RETURNS TABLE (id uuid, hidden boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT s.id, s.hidden_at IS NOT NULL FROM stays s
  WHERE s.org_id = app.current_org() AND s.user_id = p_user AND s.bed_id = p_bed AND s.from_on = p_from
    AND app.allowed_in('residents', 'read', s.hostel_id)
  ORDER BY s.hidden_at IS NULL DESC LIMIT 1
$$;

-- For commands that are given nothing but the id of a run.
--: definer; execute: service
CREATE FUNCTION app.organization_of_import(p_run uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT org_id FROM import_runs WHERE id = p_run
$$;
