-- The gate (T15), the queue of submissions, and all that follows from a decision.

-- Somebody is known well enough: by an approved submission, or because an administrator took them in.
--: definer
CREATE FUNCTION app.kyc_passed(p_org uuid, p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM kyc_completions k
    LEFT JOIN onboarding_submissions s ON s.org_id = k.org_id AND s.id = k.submission_id
    WHERE k.org_id = p_org AND k.user_id = p_user AND (k.submission_id IS NULL OR s.state = 'approved'))
$$;

-- The gate: submission approved, kyc_complete, role resident. app.active_roles counts the role of a resident under the
-- first two alone, so capabilities and portals close with it; policies ask here, whatever a transaction began with.
--: definer; execute: portal_resident
CREATE FUNCTION app.is_admitted() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM app.active_roles(app.current_org(), app.current_user_id()) WHERE role = 'resident')
$$;

-- Who is given the role without having been asked to sign up was taken in by those who gave it. Who is on the way in, or
-- ever submitted anything, has to be approved.
--: definer
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
$$;

-- -- review ------------------------------------------------------------------------------------------------------

-- Locks a submission for staff who may do this in its hostel. (Functions are made before tables: none returns a row.)
--: definer
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
$$;

-- The same under the review of the caller, before a decision.
--: definer
CREATE FUNCTION app.lock_review(p_id uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_submission(p_id, p_action);
  IF NOT EXISTS (SELECT FROM onboarding_submissions
                 WHERE org_id = app.current_org() AND id = p_id AND reviewer_id = app.current_user_id()) THEN
    RAISE EXCEPTION 'You do not review this submission at present: claim it first.' USING ERRCODE = 'VR409';
  END IF;
END
$$;

-- One reviewer at a time: whoever comes second is told so, and may take over with a reason, which the other one reads.
-- Whether it came into the caller's hands now: false for a second click.
--: definer; execute: portal_admin
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
$$;

--: definer; execute: portal_admin
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
$$;

-- What was found at the beginning of a review, in place of what was found before.
--: definer; execute: portal_admin
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
$$;

-- Others within the caller's reach who have the same phone, e-mail or identity number: compared by blind index, unread.
--: definer; execute: portal_admin
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
$$;

-- -- decisions ---------------------------------------------------------------------------------------------------

-- The state, and a message to the person: in the same transaction, told by a job.
--: definer
CREATE FUNCTION app.decide_submission(p_id uuid, p_state text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE onboarding_submissions SET state = p_state, decided_at = app.now(), reason = p_reason
  WHERE org_id = app.current_org() AND id = p_id;
  PERFORM app.enqueue('approval.decided', jsonb_build_object('submission_id', p_id));
  PERFORM app.enqueue('approval.mail', jsonb_build_object('submission_id', p_id));
END
$$;

-- All that an approval brings, or nothing of it: the bed is theirs, they are known and a resident, their stay begins,
-- their account is opened. A hold that ran out says so, and all is as it was.
--: definer; execute: portal_admin
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

-- With words that the person reads; the bed is free for others.
--: definer; execute: portal_admin
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
$$;

-- The named fields open again for the person, each with what is wrong with it.
--: definer; execute: portal_admin
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

-- What a message about a decision says, for the job that mails it; nothing once a newer round was submitted.
--: definer; execute: portal_admin
CREATE FUNCTION app.decision_letter(p_id uuid) RETURNS TABLE (email text, name text, organization text, hostel text, state text, reason text, language text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.email, m.name, o.name, h.name, s.state, s.reason, coalesce(app.language_of(m.user_id), o.settings ->> 'language')
  FROM onboarding_submissions s
  JOIN members m ON m.org_id = s.org_id AND m.user_id = s.user_id AND m.removed_at IS NULL
  JOIN organizations o ON o.id = s.org_id
  JOIN hostels h ON h.org_id = s.org_id AND h.id = s.hostel_id
  WHERE app.is_system() AND s.org_id = app.current_org() AND s.id = p_id AND s.decided_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM onboarding_submissions n WHERE n.org_id = s.org_id AND n.user_id = s.user_id AND n.round > s.round)
$$;
