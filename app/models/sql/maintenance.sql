-- Maintenance requests: raised, moved, given to people, timed, imported.

--: definer; execute: portal_resident
CREATE FUNCTION app.is_my_request(p_request uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM maintenance_requests WHERE org_id = app.current_org() AND id = p_request
                 AND user_id = app.current_user_id() AND deleted_at IS NULL)
$$;

-- Raises a request. In the residents' portal it is the caller's own and counts against the ten of the hostel's day;
-- staff may raise it for a resident (p_for). The same p_id twice is refused: a form sent twice makes one request.
--: definer; execute: portal_admin, portal_management, portal_resident
CREATE FUNCTION app.submit_request(p_hostel uuid, p_category uuid, p_issue uuid, p_room uuid, p_place text,
                                   p_description text, p_priority text, p_for integer DEFAULT NULL, p_id uuid DEFAULT NULL)
RETURNS uuid
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
$$;

-- The issue type belongs to the category, the room to the hostel.
--: definer
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
$$;

-- The SLA clock: it stands still on hold and once closed, and goes on where it stopped.
--: definer
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
$$;

--: definer
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
$$;

--: definer
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

-- Who is meant by {"user_id": …} or {"outside_party": …}; raises unless they can do the work there.
--: definer
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

-- Staff change only what is assigned to them and may claim what is assigned to nobody; those who approve change any.
--: definer
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
$$;

-- Gives an open request to somebody else without changing its state.
--: definer; execute: portal_admin
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

-- Escalates what is due in the bound organization; run twice it finds nothing the second time, and what was escalated
-- and then claimed stays with whoever claimed it.
--: definer; execute: portal_admin
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
$$;

--: definer; execute: service
CREATE FUNCTION app.organizations_with_overdue() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT org_id FROM maintenance_requests
  WHERE held_since IS NULL AND deleted_at IS NULL AND escalate_at <= app.now()
    AND escalated_at IS NULL AND status IN ('submitted', 'unassigned', 'assigned', 'in_progress')
$$;

-- Comments and attachments are in their request's hostel, whatever the caller says.
--: definer
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
$$;

--: definer
CREATE FUNCTION app.tell_of_comment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF coalesce(current_setting('app.event_at', true), '') = '' THEN
    PERFORM app.enqueue('maintenance.commented', jsonb_build_object('comment_id', NEW.id), 'comment:' || NEW.id);
  END IF;
  RETURN NULL;
END
$$;

-- Five files, counted with the request locked: two uploads at once cannot both be the fifth.
--: definer
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
-- The product itself may say more of a step: who did it (by: a person's id; of the first step, who raised it), whom it
-- was given to (assignee), and, between the moves, remarks ({at, by, comment}) and files ({at, by, file_id}). Without a
-- run the request counts as raised here, and its clock runs from its beginning.
--: definer; execute: portal_admin
CREATE FUNCTION app.import_request(p_run uuid, p_hostel uuid, p_external text, p_category uuid, p_issue uuid, p_room uuid,
                                   p_place text, p_description text, p_priority text, p_resolution text,
                                   p_outside text, p_steps jsonb) RETURNS uuid
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
$$;
