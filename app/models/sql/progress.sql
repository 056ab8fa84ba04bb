-- Tasks: long work that a person started. Who does it says how far it is; whoever started it may ask for its end.

-- False if this very task is there already: a form sent twice starts one. At most p_most of a kind at once for a person,
-- and one at a time about the same subject.
--: definer; execute: staff
CREATE FUNCTION app.start_task(p_id uuid, p_kind text, p_title jsonb, p_asked jsonb, p_total integer, p_subject uuid, p_most integer)
RETURNS boolean
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

-- Moves a task along its lifecycle. People move their own, or, as administrators, everybody's; what they cannot see is
-- not there. {message, result, file_id} come with its end. A new beginning, and its end, make a new step due.
--: definer; execute: staff
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

-- What a task was asked to do and where its next step begins, held for that step to the end of the transaction; no row
-- while somebody else is at it.
--: definer; execute: portal_admin
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
$$;

-- How far a task is, told by whoever does it: in passing (no cursor), or as the end of a step, in the transaction of what
-- the step did. Returns where the task stands, so that its end can be asked for in the middle of a step.
--: definer; execute: staff
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
$$;

-- A step that was given up takes its task with it, so that its person learns of it and may try again.
--: definer
CREATE FUNCTION app.fail_task_of_work() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE tasks SET status = 'failed', finished_at = app.now(),
    message = 'Something went wrong on our side, again and again. It was recorded; please try again later.'
  WHERE org_id = NEW.org_id AND id = (NEW.payload ->> 'task_id')::uuid AND status IN ('queued', 'running', 'cancelling');
  RETURN NULL;
END
$$;

-- Tasks that ended before a moment go, and the files that they made are removed. At most p_most at a time.
--: definer; execute: service
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
$$;
