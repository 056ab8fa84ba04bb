-- What a newcomer types, chooses and submits; a person who is forgotten is forgotten here too.

--: definer
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
$$;

-- The house that the caller is to move into, as far as a newcomer may know it: no policy opens houses to them.
--: definer; execute: portal_resident
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
$$;

-- What that house costs from a day on.
--: definer; execute: portal_resident
CREATE FUNCTION app.onboarding_prices(p_day date)
RETURNS TABLE (kind text, name text, amount_paise bigint, currency text, per text, room_type_id uuid, room_type text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT t.kind, t.name, t.amount_paise, t.currency, t.per, t.room_type_id, k.name
  FROM app.onboarding_house() h JOIN tariffs t ON t.org_id = app.current_org() AND t.hostel_id = h.id AND t.deleted_at IS NULL
  LEFT JOIN room_types k ON k.org_id = t.org_id AND k.id = t.room_type_id
  WHERE daterange(t.valid_from, t.valid_until) @> p_day ORDER BY t.kind, t.amount_paise, t.name
$$;

-- The caller's progress, locked from here to the commit: everything below is one after the other for each person.
-- Refused while what they submitted lies with a reviewer. What was approved is of an earlier stay: an approval takes the role.
--: definer
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
$$;

-- Adds what was typed to a step's draft, if nobody saved since version p_version (0: there was none). Returns the new version.
--: definer; execute: portal_resident
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
$$;

-- The bed that the caller has chosen: a hold of their own that still counts.
--: definer; execute: portal_resident
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

-- Lets go of the bed that was chosen, for other days or another one; nothing happens if that has ended by itself.
--: definer; execute: portal_resident
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
$$;

--: definer; execute: portal_resident
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

-- Whether this very submission was made already, by a double click; one after the other from here to the commit.
--: definer; execute: portal_resident
CREATE FUNCTION app.was_submitted(p_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM FROM onboarding_progress WHERE org_id = app.current_org() AND user_id = app.current_user_id() FOR UPDATE;
  RETURN EXISTS (SELECT FROM onboarding_submissions WHERE org_id = app.current_org() AND id = p_id AND user_id = app.current_user_id());
END
$$;

-- What was typed becomes a submission: with the records and preferences it is about, and the word to those who review it.
-- The sensitive values are written by the caller in the same transaction.
--: definer; execute: portal_resident
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
$$;
