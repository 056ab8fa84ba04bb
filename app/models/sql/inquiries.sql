-- Inquiries: taken from strangers and staff, recognized, moved, merged, revealed, converted, remembered.

-- What the public page shows of an organization, and of the hostel that its address names; nothing of one that is gone.
--: definer; execute: signed_in, portal_public
CREATE FUNCTION app.inquiry_place(p_slug text, p_code text)
RETURNS TABLE (org_id uuid, organization text, country text, language text, timezone text, hostel_id uuid, hostel text, hostels jsonb, phone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT o.id, o.name, o.country, coalesce(o.settings ->> 'language', ''), coalesce(h.timezone, o.timezone), h.id, h.name,
         coalesce((SELECT jsonb_agg(jsonb_build_object('code', lower(a.code), 'name', a.name, 'city', a.city) ORDER BY a.name)
                   FROM hostels a WHERE a.org_id = o.id AND a.deleted_at IS NULL), '[]'),
         coalesce(o.settings ->> 'public_phone', '')
  FROM organizations o LEFT JOIN hostels h ON h.org_id = o.id AND lower(h.code) = lower(p_code) AND h.deleted_at IS NULL
  WHERE o.slug = lower(p_slug) AND o.deleted_at IS NULL AND o.subscription_status IN ('trial', 'active')
    AND (p_code = '' OR h.id IS NOT NULL)
$$;

-- Counts an attempt of a network address; returns 0, or how many seconds to wait where it has had p_most within
-- p_window. Attempts that are refused do not count, so waiting helps.
--: definer; execute: signed_in, portal_public
CREATE FUNCTION app.count_inquiry_attempt(p_address bytea, p_most integer, p_window interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_now timestamptz := app.now();
  v_first timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('inquiry attempt:' || encode(p_address, 'hex'), 0));
  SELECT at INTO v_first FROM inquiry_attempts WHERE address = p_address AND at > v_now - p_window
  ORDER BY at DESC OFFSET p_most - 1 LIMIT 1;
  IF FOUND THEN
    RETURN greatest(1, ceil(extract(epoch FROM v_first + p_window - v_now)))::integer;
  END IF;
  INSERT INTO inquiry_attempts (address, at) VALUES (p_address, v_now);
  RETURN 0;
END
$$;

-- The inquiry that a browser has sent: its cookie says so, or what it keeps together with what it looks like.
--: definer
CREATE FUNCTION app.inquiry_of_device(p_org uuid, p_cookie bytea, p_local bytea, p_print bytea) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT d.inquiry_id FROM device_fingerprints d JOIN inquiries i ON i.org_id = d.org_id AND i.id = d.inquiry_id
  WHERE d.org_id = p_org AND i.deleted_at IS NULL
    AND (d.cookie = p_cookie OR d.local_token = p_local AND d.fingerprint = p_print)
  ORDER BY d.cookie = p_cookie DESC, d.seen_at DESC LIMIT 1
$$;

--: definer; execute: signed_in, portal_public
CREATE FUNCTION app.knows_inquiry_device(p_org uuid, p_cookie bytea, p_local bytea, p_print bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT app.inquiry_of_device(p_org, p_cookie, p_local, p_print) IS NOT NULL
$$;

-- Writes an inquiry and who it can be recognized by, and returns whose it is: itself, or the first one of the same
-- phone or e-mail. Known or not, the same statements run on as many rows. The number, given first and locked until
-- commit, lets one arrive at a time in an organization. p_known are the blind indexes under every key of the ring.
--: definer
CREATE FUNCTION app.store_inquiry(p_org uuid, p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_by integer,
                                  p_at timestamptz DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_number bigint := app.next_number(p_org, 'inquiry', p_org);
  v_at timestamptz := coalesce(p_at, app.now());
  v_first uuid;
  v_again uuid := (SELECT coalesce(duplicate_of, id) FROM inquiries WHERE org_id = p_org AND id = p_id);
BEGIN
  IF v_again IS NOT NULL THEN
    RETURN v_again;
  END IF;
  PERFORM set_config('app.event_at', coalesce(p_at::text, ''), true), set_config('app.event', 'ask', true), set_config('app.note', '', true);
  SELECT d.inquiry_id INTO v_first FROM inquiry_dedup_index d
  JOIN inquiries i ON i.org_id = d.org_id AND i.id = d.inquiry_id AND i.deleted_at IS NULL
  WHERE d.org_id = p_org AND d.digest = ANY (p_known) ORDER BY d.kind DESC LIMIT 1;
  INSERT INTO inquiries (org_id, id, hostel_id, number, full_name, phone_token, phone_index, phone_masked, email_token,
                         email_index, email_masked, message, language, move_in_on, source, campaign, referrer, asked_at,
                         owner_id, duplicate_of, created_by)
  SELECT p_org, p_id, p_hostel, v_number, l.full_name, l.phone_token, l.phone_index, l.phone_masked, l.email_token,
         l.email_index, l.email_masked, l.message, l.language, l.move_in_on, l.source, l.campaign, l.referrer, v_at,
         p_by, v_first, p_by
  FROM jsonb_populate_record(NULL::inquiries, p_lead) l;
  INSERT INTO inquiry_dedup_index AS d (org_id, kind, digest, inquiry_id, seen_at)
  SELECT p_org, found.kind, found.digest, coalesce(v_first, p_id), v_at
  FROM (VALUES ('email', p_lead ->> 'email_index'), ('phone', p_lead ->> 'phone_index')) found (kind, digest)
  WHERE found.digest IS NOT NULL ORDER BY found.kind
  ON CONFLICT (org_id, kind, digest) DO UPDATE SET seen_at = excluded.seen_at, inquiry_id = (  -- whose it was first, unless that is gone
    SELECT coalesce((SELECT id FROM inquiries WHERE org_id = p_org AND id = d.inquiry_id AND deleted_at IS NULL), excluded.inquiry_id));
  UPDATE inquiries SET times_asked = times_asked + 1, last_asked_at = v_at
  WHERE org_id = p_org AND id = coalesce(v_first, p_id);
  RETURN coalesce(v_first, p_id);
END
$$;

-- Whether an inquiry has arrived under an id that its sender made up.
--: definer; execute: signed_in, portal_public
CREATE FUNCTION app.has_inquiry(p_org uuid, p_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM inquiries WHERE org_id = p_org AND id = p_id)
$$;

-- A stranger's inquiry. Returns whether this very browser has sent this phone or e-mail before: that depends on nothing
-- that others have sent, so nobody can find out by it who is on file.
--: definer; execute: signed_in, portal_public
CREATE FUNCTION app.submit_inquiry(p_org uuid, p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[],
                                   p_cookie bytea, p_new_cookie bytea, p_local bytea, p_print bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_before uuid := app.inquiry_of_device(p_org, p_cookie, p_local, p_print);
BEGIN
  IF NOT EXISTS (SELECT FROM organizations WHERE id = p_org AND deleted_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such organization.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.store_inquiry(p_org, p_hostel, p_id, p_lead, p_known, NULL);
  INSERT INTO device_fingerprints AS d (org_id, cookie, local_token, fingerprint, inquiry_id, seen_at)
  VALUES (p_org, p_new_cookie, p_local, p_print, p_id, app.now())
  ON CONFLICT (org_id, cookie) DO UPDATE SET seen_at = excluded.seen_at, local_token = coalesce(excluded.local_token, d.local_token),
    fingerprint = coalesce(excluded.fingerprint, d.fingerprint);
  INSERT INTO outbox (org_id, kind, payload, key, due_at)
  VALUES (p_org, 'inquiries.asked', jsonb_build_object('inquiry_id', p_id), p_id::text, clock_timestamp())
  ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING;
  RETURN EXISTS (SELECT FROM inquiries WHERE org_id = p_org AND id = v_before
                 AND (phone_index = ANY (p_known) OR email_index = ANY (p_known)));
END
$$;

-- What staff write down. Returns whose it is, as app.store_inquiry does.
--: definer; execute: portal_admin, portal_sales
CREATE FUNCTION app.add_inquiry(p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[]) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF p_hostel IS NOT NULL AND NOT EXISTS (SELECT FROM hostels WHERE org_id = app.current_org() AND id = p_hostel AND deleted_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404', COLUMN = 'hostel';
  END IF;
  IF NOT app.is_system() AND NOT app.allowed_in('inquiries', 'create', p_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you write down inquiries here.' USING ERRCODE = 'VR403';
  END IF;
  RETURN app.store_inquiry(app.current_org(), p_hostel, p_id, p_lead, p_known, app.current_user_id());
END
$$;

-- An inquiry of the past with what became of it, from another system: p_steps is [{at, event, state, by, note, reason,
-- owner, next_action, next_at}] along legal edges. Nobody is told.
--: definer; execute: portal_admin
CREATE FUNCTION app.import_inquiry(p_hostel uuid, p_id uuid, p_lead jsonb, p_known text[], p_at timestamptz, p_steps jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_first uuid;
  v_step jsonb;
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'The past is written by the product itself.' USING ERRCODE = 'VR403';
  END IF;
  v_first := app.store_inquiry(v_org, p_hostel, p_id, p_lead, p_known, NULL, p_at);
  FOR v_step IN SELECT * FROM jsonb_array_elements(p_steps) LOOP
    PERFORM app.act_for((v_step ->> 'by')::integer);
    PERFORM set_config('app.event_at', v_step ->> 'at', true), set_config('app.event', v_step ->> 'event', true),
            set_config('app.note', coalesce(v_step ->> 'note', ''), true),
            set_config('app.lost', coalesce(v_step ->> 'reason', ''), true);
    UPDATE inquiries SET status = v_step ->> 'state', owner_id = coalesce((v_step ->> 'owner')::integer, owner_id),
      next_action = coalesce(v_step ->> 'next_action', ''), next_action_at = (v_step ->> 'next_at')::timestamptz
    WHERE org_id = v_org AND id = p_id;
  END LOOP;
  PERFORM app.act_for(NULL), set_config('app.event_at', '', true), set_config('app.note', '', true);
  RETURN v_first;
END
$$;

-- Whether the caller may read an inquiry, and with it its notes and its history.
--: definer; execute: portal_admin, portal_sales
CREATE FUNCTION app.sees_inquiry(p_id uuid, p_action text DEFAULT 'read') RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM inquiries WHERE org_id = app.current_org() AND id = p_id
                 AND (app.is_system() OR app.allowed_in('inquiries', p_action, hostel_id)))
$$;

-- Who can be given inquiries of a hostel, or with NULL those of none.
--: definer; execute: portal_admin, portal_sales
CREATE FUNCTION app.inquiry_workers(p_hostel uuid) RETURNS TABLE (user_id integer, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.user_id, m.name FROM members m
  WHERE m.org_id = app.current_org() AND m.user_id IN (SELECT app.people_who_can('inquiries', 'update', p_hostel)) ORDER BY m.name
$$;

-- Whether a person works for the organization: whom those see who otherwise see nobody but themselves.
--: definer; execute: portal_sales
CREATE FUNCTION app.is_colleague(p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (SELECT FROM memberships m JOIN roles USING (role)
                 WHERE m.org_id = app.current_org() AND m.user_id = p_user AND roles.rank > 10)
$$;

-- When it came to its stage; who is reminded anew of what was put off; that its owner can work on it, and hears of it.
--: definer
CREATE FUNCTION app.keep_inquiry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.stage_since := app.event_time();
    RETURN NEW;
  END IF;
  IF NEW.status <> OLD.status THEN
    NEW.stage_since := app.event_time();
    NEW.lost_reason := CASE WHEN NEW.status = 'lost' THEN coalesce(NULLIF(current_setting('app.lost', true), ''), 'other') END;
  END IF;
  IF NEW.next_action_at IS DISTINCT FROM OLD.next_action_at THEN
    NEW.reminded_at := NULL;
  END IF;
  IF NEW.owner_id IS DISTINCT FROM OLD.owner_id AND NEW.owner_id IS NOT NULL AND NEW.owner_id IS DISTINCT FROM app.current_user_id()
     AND coalesce(current_setting('app.event_at', true), '') = '' THEN
    IF NOT app.person_can(NEW.owner_id, 'inquiries', 'update', NEW.hostel_id) THEN
      RAISE EXCEPTION 'This person does not work on these inquiries.' USING ERRCODE = 'VR422', COLUMN = 'owner_id';
    END IF;
    PERFORM app.enqueue('inquiries.given', jsonb_build_object('inquiry_id', NEW.id, 'user_id', NEW.owner_id));
  END IF;
  RETURN NEW;
END
$$;

--: definer
CREATE FUNCTION app.write_inquiry_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_user integer := CASE WHEN TG_OP = 'INSERT' THEN NEW.created_by ELSE app.current_user_id() END;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.status = OLD.status THEN
    RETURN NULL;
  END IF;
  INSERT INTO inquiry_stage_history (org_id, inquiry_id, from_status, to_status, event, changed_by, triggered_by, note, event_at)
  VALUES (NEW.org_id, NEW.id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, NEW.status,
          NULLIF(current_setting('app.event', true), ''), v_user,
          CASE WHEN v_user IS NULL THEN 'system' ELSE 'user' END, coalesce(current_setting('app.note', true), ''),
          app.event_time());
  RETURN NULL;
END
$$;

-- Whoever first does something with it has it; why it is lost is one of the known reasons; a visit may have its time.
--: definer
CREATE FUNCTION app.on_inquiry_move(p_id uuid, p_event text, p_from text, p_to text, p_args jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row inquiries;
BEGIN
  SELECT * INTO v_row FROM inquiries WHERE org_id = app.current_org() AND id = p_id;
  IF v_row.duplicate_of IS NOT NULL THEN
    RAISE EXCEPTION 'This inquiry belongs to another one: move that one.' USING ERRCODE = 'VR409';
  END IF;
  IF p_to IS NULL THEN
    RETURN;
  END IF;
  IF p_event = 'reopen' AND v_row.invitation_id IS NOT NULL THEN
    RAISE EXCEPTION 'This person was invited already: withdraw the invitation first.' USING ERRCODE = 'VR409';
  END IF;
  IF p_event = 'lose' AND NOT coalesce(p_args ->> 'reason', '') = ANY (ARRAY['price', 'location', 'no_free_bed', 'not_as_expected',
                                                                    'chose_another', 'no_answer', 'not_serious', 'other']) THEN
    RAISE EXCEPTION 'Please say why it was lost.' USING ERRCODE = 'VR422', COLUMN = 'reason';
  END IF;
  PERFORM set_config('app.lost', CASE WHEN p_event = 'lose' THEN p_args ->> 'reason' ELSE '' END, true);
  UPDATE inquiries SET
    owner_id = coalesce(owner_id, app.current_user_id()),
    next_action = CASE WHEN p_to IN ('won', 'lost') THEN '' WHEN p_args ->> 'at' IS NOT NULL THEN 'Visit' ELSE next_action END,
    next_action_at = CASE WHEN p_to IN ('won', 'lost') THEN NULL ELSE coalesce((p_args ->> 'at')::timestamptz, next_action_at) END
  WHERE org_id = v_row.org_id AND id = p_id;
END
$$;

-- Makes one inquiry of two: what was known first stays, whatever recognized the other now recognizes this one.
--: definer; execute: portal_admin, portal_sales
CREATE FUNCTION app.merge_inquiries(p_from uuid, p_into uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_from inquiries;
  v_into inquiries;
BEGIN
  PERFORM 1 FROM inquiries WHERE org_id = v_org AND id IN (p_from, p_into) ORDER BY id FOR UPDATE;
  SELECT * INTO v_from FROM inquiries WHERE org_id = v_org AND id = p_from AND deleted_at IS NULL;
  SELECT * INTO v_into FROM inquiries WHERE org_id = v_org AND id = p_into AND deleted_at IS NULL;
  IF v_from.id IS NULL OR v_into.id IS NULL OR NOT app.sees_inquiry(p_from) OR NOT app.sees_inquiry(p_into) THEN
    RAISE EXCEPTION 'There is no such inquiry.' USING ERRCODE = 'VR404', COLUMN = 'into';
  END IF;
  IF NOT app.sees_inquiry(p_from, 'update') OR NOT app.sees_inquiry(p_into, 'update') THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  IF p_from = p_into THEN
    RAISE EXCEPTION 'Choose another inquiry than this one.' USING ERRCODE = 'VR422', COLUMN = 'into';
  END IF;
  IF v_from.duplicate_of IS NOT NULL OR v_into.duplicate_of IS NOT NULL OR v_from.invitation_id IS NOT NULL THEN
    RAISE EXCEPTION 'One of them belongs to another inquiry already, or was invited.' USING ERRCODE = 'VR409';
  END IF;
  UPDATE inquiries SET duplicate_of = p_into, next_action = '', next_action_at = NULL
  WHERE org_id = v_org AND (id = p_from OR duplicate_of = p_from);
  UPDATE inquiry_dedup_index SET inquiry_id = p_into WHERE org_id = v_org AND inquiry_id = p_from;
  UPDATE inquiries SET
    times_asked = times_asked + v_from.times_asked, last_asked_at = greatest(last_asked_at, v_from.last_asked_at),
    source = CASE WHEN v_from.asked_at < asked_at THEN v_from.source ELSE source END,
    campaign = CASE WHEN v_from.asked_at < asked_at THEN v_from.campaign ELSE campaign END,
    referrer = CASE WHEN v_from.asked_at < asked_at THEN v_from.referrer ELSE referrer END,
    asked_at = least(asked_at, v_from.asked_at), move_in_on = coalesce(move_in_on, v_from.move_in_on),
    owner_id = coalesce(owner_id, v_from.owner_id), hostel_id = coalesce(hostel_id, v_from.hostel_id),
    next_action = CASE WHEN next_action = '' AND next_action_at IS NULL THEN v_from.next_action ELSE next_action END,
    next_action_at = CASE WHEN next_action = '' AND next_action_at IS NULL THEN v_from.next_action_at ELSE next_action_at END
  WHERE org_id = v_org AND id = p_into;
END
$$;

-- What is encrypted of an inquiry, for somebody who works on it and says what for: it is written down.
--: definer; execute: portal_admin, portal_sales
CREATE FUNCTION app.reveal_inquiry(p_id uuid, p_reason text) RETURNS TABLE (phone_token text, email_token text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.sees_inquiry(p_id) THEN
    RAISE EXCEPTION 'There is no such inquiry.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT app.sees_inquiry(p_id, 'update') THEN
    RAISE EXCEPTION 'Your role does not let you see this.' USING ERRCODE = 'VR403';
  END IF;
  IF btrim(coalesce(p_reason, '')) = '' THEN
    RAISE EXCEPTION 'Please say what you need it for.' USING ERRCODE = 'VR422', COLUMN = 'reason';
  END IF;
  PERFORM app.note_event('reveal', 'inquiries', p_id::text, p_reason);
  RETURN QUERY SELECT i.phone_token, i.email_token FROM inquiries i WHERE i.org_id = app.current_org() AND i.id = p_id;
END
$$;

-- That somebody was invited to live here; a later invitation takes the place of one that came to nothing.
--: definer; execute: portal_admin
CREATE FUNCTION app.convert_inquiry(p_id uuid, p_invitation uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row inquiries;
BEGIN
  SELECT * INTO v_row FROM inquiries WHERE org_id = app.current_org() AND id = p_id AND deleted_at IS NULL FOR UPDATE;
  IF NOT FOUND OR NOT app.sees_inquiry(p_id) THEN
    RAISE EXCEPTION 'There is no such inquiry.' USING ERRCODE = 'VR404';
  END IF;
  IF v_row.invitation_id IS DISTINCT FROM p_invitation AND EXISTS (
      SELECT FROM invitations WHERE org_id = v_row.org_id AND id = v_row.invitation_id
        AND (status = 'accepted' OR status = 'pending' AND expires_at > app.now())) THEN
    RAISE EXCEPTION 'This person was invited already.' USING ERRCODE = 'VR409';
  END IF;
  IF v_row.status <> 'won' THEN
    PERFORM app.move('inquiry', p_id, 'win');
  ELSIF NOT app.sees_inquiry(p_id, 'update') THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  UPDATE inquiries SET invitation_id = p_invitation WHERE org_id = v_row.org_id AND id = p_id;
END
$$;

-- Inquiries whose person has accepted the invitation; whoever may read those may know it.
--: definer; execute: portal_admin, portal_sales
CREATE FUNCTION app.inquiries_of_residents() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.id FROM inquiries i JOIN invitations v ON v.org_id = i.org_id AND v.id = i.invitation_id
  WHERE i.org_id = app.current_org() AND v.status = 'accepted' AND app.can('inquiries', 'read')
$$;

-- The inquiry that the caller's own invitation came from: what is known of them need not be asked again.
--: definer; execute: portal_resident
CREATE FUNCTION app.my_inquiry()
RETURNS TABLE (id uuid, hostel_id uuid, full_name text, phone_token text, move_in_on date, source text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.id, i.hostel_id, i.full_name, i.phone_token, i.move_in_on, i.source
  FROM inquiries i JOIN invitations v ON v.org_id = i.org_id AND v.id = i.invitation_id
  WHERE i.org_id = app.current_org() AND v.accepted_by = app.current_user_id() AND i.deleted_at IS NULL
  ORDER BY i.asked_at DESC LIMIT 1
$$;

--: definer; execute: service
CREATE FUNCTION app.organizations_with_reminders() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT org_id FROM inquiries WHERE next_action_at <= app.now() AND reminded_at IS NULL AND deleted_at IS NULL
$$;

-- Of what is due in the bound organization; each reminder is given once.
--: definer; execute: portal_admin
CREATE FUNCTION app.take_inquiry_reminders(p_most integer) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Reminders are the product''s own.' USING ERRCODE = 'VR403';
  END IF;
  RETURN QUERY UPDATE inquiries i SET reminded_at = app.now()
  WHERE i.org_id = app.current_org() AND i.id IN (
    SELECT d.id FROM inquiries d WHERE d.org_id = app.current_org() AND d.next_action_at <= app.now() AND d.reminded_at IS NULL
      AND d.deleted_at IS NULL ORDER BY d.next_action_at LIMIT p_most FOR UPDATE SKIP LOCKED)
  RETURNING i.id;
END
$$;

-- Attempts decide nothing after their hour; devices are forgotten when they have not been seen for long.
--: definer; execute: service
CREATE FUNCTION app.forget_inquiry_traces(p_attempts timestamptz, p_devices timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  DELETE FROM inquiry_attempts WHERE at < p_attempts;
  DELETE FROM device_fingerprints WHERE seen_at < p_devices
$$;
