-- Personal values: who may write them, who may read them in clear, and how a person is forgotten.

-- Oneself, the product itself, or staff with the capability who reach the person.
--: definer
CREATE FUNCTION app.assert_personal(p_user integer, p_action text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF app.current_org() IS NULL OR NOT EXISTS (SELECT FROM members WHERE org_id = app.current_org() AND user_id = p_user)
     OR NOT (app.is_system() OR p_user = app.current_user_id() OR app.member_in_reach(p_user)) THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT (app.is_system() OR p_user = app.current_user_id() OR (app.is_staff() AND app.can('personal', p_action))) THEN
    RAISE EXCEPTION 'Your role does not let you do this with personal data.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- The person's key as the ring wrapped it, to write under; with a candidate, one is made where there is none.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.person_key(p_user integer, p_candidate text) RETURNS TABLE (id uuid, token text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM app.assert_personal(p_user, 'update');
  IF p_candidate IS NOT NULL THEN
    INSERT INTO person_keys (org_id, user_id, token) VALUES (app.current_org(), p_user, p_candidate)
    ON CONFLICT (org_id, user_id) WHERE destroyed_at IS NULL DO NOTHING;
  END IF;
  RETURN QUERY SELECT k.id, k.token FROM person_keys k
    WHERE k.org_id = app.current_org() AND k.user_id = p_user AND k.destroyed_at IS NULL;
END
$$;

-- Values of one person at once; a value without token is removed. The key must still be there when they are written.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.put_personal(p_user integer, p_key uuid, p_values jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_personal(p_user, 'update');
  PERFORM FROM person_keys WHERE org_id = app.current_org() AND id = p_key AND user_id = p_user AND destroyed_at IS NULL
    FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The personal data of this person was erased a moment ago.' USING ERRCODE = 'VR409';
  END IF;
  DELETE FROM personal_values v USING jsonb_to_recordset(p_values) AS n(name text, token text)
  WHERE v.org_id = app.current_org() AND v.user_id = p_user AND v.name = n.name AND n.token IS NULL;
  INSERT INTO personal_values (org_id, user_id, key_id, name, token, blind_index, index_key, masked)
  SELECT app.current_org(), p_user, p_key, n.name, n.token, n.blind_index, n.index_key, n.masked
  FROM jsonb_to_recordset(p_values) AS n(name text, token text, blind_index text, index_key text, masked text)
  WHERE n.token IS NOT NULL
  ON CONFLICT (org_id, user_id, name) DO UPDATE SET key_id = excluded.key_id, token = excluded.token,
    blind_index = excluded.blind_index, index_key = excluded.index_key, masked = excluded.masked;
END
$$;

-- What it takes to read values in clear, together with the audit row that says who did and why.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.reveal_personal(p_user integer, p_names text[], p_reason text)
RETURNS TABLE (name text, token text, key_id uuid, key_token text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM app.assert_personal(p_user, 'approve');
  IF length(btrim(coalesce(p_reason, ''))) < 5 THEN
    RAISE EXCEPTION 'Say why you need to read this.' USING ERRCODE = 'VR422';
  END IF;
  PERFORM app.note_event('reveal', 'personal_values', p_user::text, p_reason, jsonb_build_object('names', to_jsonb(p_names)));
  RETURN QUERY SELECT v.name::text, v.token, k.id, k.token FROM personal_values v
    JOIN person_keys k ON k.org_id = v.org_id AND k.id = v.key_id
    WHERE v.org_id = app.current_org() AND v.user_id = p_user AND v.name = ANY (p_names);
END
$$;

-- What somebody typed into a form themselves and has not submitted comes back to them without ceremony.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.own_drafts() RETURNS TABLE (name text, token text, key_id uuid, key_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT v.name, v.token, k.id, k.token FROM personal_values v
  JOIN person_keys k ON k.org_id = v.org_id AND k.id = v.key_id
  WHERE v.org_id = app.current_org() AND v.user_id = app.current_user_id() AND v.name LIKE 'draft.%'
$$;

-- Whose value has one of these blind indexes, as far as the caller reaches.
--: definer; execute: portal_admin
CREATE FUNCTION app.find_personal(p_names text[], p_indexes text[]) RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT v.user_id FROM personal_values v
  WHERE v.org_id = app.current_org() AND v.name = ANY (p_names) AND v.blind_index = ANY (p_indexes)
    AND app.can('personal', 'read') AND app.member_in_reach(v.user_id)
  ORDER BY 1
$$;

-- Who read what of a person, the newest first; reasons are for staff.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.readings_of(p_user integer, p_most integer)
RETURNS TABLE (at timestamptz, who text, own boolean, names text[], kind text, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_personal(p_user, 'read');
  RETURN QUERY
    SELECT l.at, m.name::text, l.actor_id IS NOT DISTINCT FROM p_user,
           ARRAY(SELECT jsonb_array_elements_text(l.after -> 'names')), d.kind, CASE WHEN app.is_staff() THEN l.reason END
    FROM audit_log l
    LEFT JOIN members m ON m.org_id = l.org_id AND m.user_id = l.actor_id
    LEFT JOIN documents d ON l.table_name = 'documents' AND d.org_id = l.org_id AND d.id::text = l.row_id
    WHERE l.org_id = app.current_org() AND l.action IN ('reveal', 'open')
      AND (l.table_name = 'personal_values' AND l.row_id = p_user::text OR l.table_name = 'documents' AND l.row_id IN (
        SELECT one.id::text FROM documents one WHERE one.org_id = app.current_org() AND one.user_id = p_user))
    ORDER BY l.seq DESC LIMIT p_most;
END
$$;

-- -- documents ---------------------------------------------------------------------------------------------------

-- The uploaded file becomes the person's, and a document of theirs; `p_replaces` names the one it takes the place of.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.add_document(p_user integer, p_kind text, p_file uuid, p_until date, p_replaces uuid, p_most integer)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid;
BEGIN
  PERFORM app.assert_personal(p_user, 'update');
  -- One after the other for each person, so that two uploads at once count each other.
  PERFORM FROM members WHERE org_id = app.current_org() AND user_id = p_user FOR NO KEY UPDATE;
  UPDATE files SET user_id = p_user WHERE org_id = app.current_org() AND id = p_file AND purpose = 'identity'
    AND user_id IS NOT DISTINCT FROM coalesce(app.current_user_id(), user_id) AND deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM documents d WHERE d.org_id = files.org_id AND d.file_id = files.id)
    AND EXISTS (SELECT FROM person_keys k WHERE k.org_id = files.org_id AND k.id = files.key_id AND k.user_id = p_user
                AND k.destroyed_at IS NULL);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'This file is not there any more, or is not yours to give.' USING ERRCODE = 'VR404';
  END IF;
  IF p_replaces IS NOT NULL THEN
    PERFORM app.end_document(p_replaces, p_user, 'replaced');
  END IF;
  IF (SELECT count(*) FROM documents WHERE org_id = app.current_org() AND user_id = p_user AND kind = p_kind
      AND status = 'current') >= p_most THEN
    RAISE EXCEPTION 'There are % documents of this kind already. Remove one first.', p_most USING ERRCODE = 'VR409';
  END IF;
  INSERT INTO documents (org_id, user_id, kind, file_id, valid_until)
  VALUES (app.current_org(), p_user, p_kind, p_file, p_until) RETURNING id INTO v_id;
  RETURN v_id;
END
$$;

-- What it takes to read a document, together with the audit row that says who did.
--: definer; execute: portal_admin, portal_management, portal_resident
CREATE FUNCTION app.open_document(p_file uuid, p_reason text) RETURNS TABLE (user_id integer, key_token text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_found record;
BEGIN
  SELECT d.id, d.user_id, k.token INTO v_found FROM documents d
  JOIN files f ON f.org_id = d.org_id AND f.id = d.file_id AND f.deleted_at IS NULL
  JOIN person_keys k ON k.org_id = f.org_id AND k.id = f.key_id
  WHERE d.org_id = app.current_org() AND d.file_id = p_file;
  IF v_found.id IS NULL THEN
    RAISE EXCEPTION 'This document is not there any more.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_personal(v_found.user_id, 'approve');
  PERFORM app.note_event('open', 'documents', v_found.id::text, p_reason, NULL);
  RETURN QUERY SELECT v_found.user_id, v_found.token;
END
$$;

-- A document counts no more; its bytes are swept with those of removed files.
--: definer
CREATE FUNCTION app.end_document(p_id uuid, p_user integer, p_status text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_file uuid;
BEGIN
  UPDATE documents SET status = p_status WHERE org_id = app.current_org() AND id = p_id AND user_id = p_user
    AND status = 'current' RETURNING file_id INTO v_file;
  IF v_file IS NULL THEN
    RAISE EXCEPTION 'This document is not there any more.' USING ERRCODE = 'VR404';
  END IF;
  UPDATE files SET deleted_at = app.now() WHERE org_id = app.current_org() AND id = v_file AND deleted_at IS NULL;
END
$$;

--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.remove_document(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_user integer := (SELECT user_id FROM documents WHERE org_id = app.current_org() AND id = p_id);
BEGIN
  IF v_user IS NULL OR NOT (app.is_system() OR v_user = app.current_user_id()
                            OR (app.is_staff() AND app.member_in_reach(v_user))) THEN
    RAISE EXCEPTION 'This document is not there any more.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_personal(v_user, 'delete');
  PERFORM app.end_document(p_id, v_user, 'removed');
END
$$;

-- What the organization asks for, from people in which roles.
--: definer; execute: portal_admin
CREATE FUNCTION app.require_document(p_kind text, p_required boolean, p_has_expiry boolean, p_roles text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF app.current_org() IS NULL OR NOT app.org_wide('organization', 'update') THEN
    RAISE EXCEPTION 'Your role does not let you change what this organization asks for.' USING ERRCODE = 'VR403';
  END IF;
  INSERT INTO document_requirements (org_id, kind, required, has_expiry, roles)
  VALUES (app.current_org(), p_kind, p_required, p_has_expiry, p_roles)
  ON CONFLICT (org_id, kind) DO UPDATE SET required = excluded.required, has_expiry = excluded.has_expiry, roles = excluded.roles;
END
$$;

-- -- forgetting --------------------------------------------------------------------------------------------------

-- Who left this organization before a day and still has personal values or documents here.
--: definer; execute: portal_admin
CREATE FUNCTION app.people_to_redact(p_before timestamptz) RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT m.user_id FROM members m
  WHERE app.is_system() AND m.org_id = app.current_org() AND m.removed_at < p_before
    AND (EXISTS (SELECT FROM person_keys k WHERE k.org_id = m.org_id AND k.user_id = m.user_id AND k.destroyed_at IS NULL)
         OR EXISTS (SELECT FROM documents d WHERE d.org_id = m.org_id AND d.user_id = m.user_id AND d.status <> 'removed'))
  ORDER BY 1
$$;

-- The key goes, and with it every value, also those in the audit log and in old rows; documents follow. Returns the
-- files whose bytes the caller must delete, and for the last time the key that names their objects.
--: definer; execute: portal_admin
CREATE FUNCTION app.redact_person(p_user integer) RETURNS TABLE (id uuid, storage_key text, key_token text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Only the product itself forgets people.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM FROM members WHERE org_id = app.current_org() AND user_id = p_user FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
  END IF;
  IF EXISTS (SELECT FROM memberships WHERE org_id = app.current_org() AND user_id = p_user) THEN
    RAISE EXCEPTION 'This person still has a role here. Take it away first.' USING ERRCODE = 'VR409';
  END IF;
  RETURN QUERY SELECT f.id, f.storage_key, k.token FROM files f JOIN person_keys k ON k.org_id = f.org_id AND k.id = f.key_id
    WHERE f.org_id = app.current_org() AND k.user_id = p_user AND k.destroyed_at IS NULL;
  UPDATE person_keys SET token = NULL, destroyed_at = app.now()
  WHERE org_id = app.current_org() AND user_id = p_user AND destroyed_at IS NULL;
  DELETE FROM personal_values WHERE org_id = app.current_org() AND user_id = p_user;
  DELETE FROM meal_needs WHERE org_id = app.current_org() AND user_id = p_user;
  UPDATE documents SET status = 'removed' WHERE org_id = app.current_org() AND user_id = p_user AND status <> 'removed';
  UPDATE files f SET deleted_at = app.now()
  WHERE f.org_id = app.current_org() AND f.purpose = 'identity' AND f.user_id = p_user AND f.deleted_at IS NULL;
END
$$;

-- Inquiries of a person: those of one of their blind indexes, and of the phone of the inquiry that became their invitation.
--: definer
CREATE FUNCTION app.inquiries_of_person(p_user integer, p_indexes text[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.id FROM inquiries i
  WHERE i.org_id = app.current_org() AND i.phone_index <> 'erased'
    AND (i.phone_index = ANY (p_indexes) OR i.email_index = ANY (p_indexes) OR i.phone_index IN (
      SELECT known.phone_index FROM inquiries known JOIN invitations v ON v.org_id = known.org_id AND v.id = known.invitation_id
      WHERE known.org_id = app.current_org() AND v.accepted_by = p_user))
$$;

-- What they said when they asked for a bed, each time they did; that somebody asked, and what became of it, stays. Of
-- contacts of another program nothing does.
--: definer
CREATE FUNCTION app.erase_inquiries(p_user integer, p_indexes text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_ids uuid[] := ARRAY(SELECT app.inquiries_of_person(p_user, p_indexes));
BEGIN
  UPDATE inquiries SET full_name = 'Erased person', phone_token = 'erased', phone_index = 'erased', phone_masked = '••••',
    email_token = NULL, email_index = NULL, email_masked = NULL, message = '', referrer = '', next_action = ''
  WHERE org_id = app.current_org() AND id = ANY (v_ids);
  UPDATE inquiry_notes SET body = 'erased' WHERE org_id = app.current_org() AND inquiry_id = ANY (v_ids);
  DELETE FROM inquiry_dedup_index WHERE org_id = app.current_org() AND inquiry_id = ANY (v_ids);
  DELETE FROM contacts c WHERE c.org_id = app.current_org() AND (c.phone_index = ANY (p_indexes) OR c.email_index = ANY (p_indexes));
END
$$;

-- Redaction, and the name and addresses too; the account itself goes with its last organization. What the person did
-- stays, by a number without a name.
--: definer; execute: portal_admin
CREATE FUNCTION app.erase_person(p_user integer, p_indexes text[]) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_email text := (SELECT email FROM members WHERE org_id = app.current_org() AND user_id = p_user);
  v_name text := (SELECT name FROM members WHERE org_id = app.current_org() AND user_id = p_user);
  v_nobody text := 'erased-' || p_user || '@erased.invalid';
  v_files jsonb := (SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM app.redact_person(p_user) f);
  v_alone boolean := NOT EXISTS (SELECT FROM members WHERE user_id = p_user AND removed_at IS NULL AND org_id <> app.current_org())
    AND NOT EXISTS (SELECT FROM platform_roles WHERE user_id = p_user);
BEGIN
  UPDATE members SET name = 'Erased person', email = v_nobody, removed_at = coalesce(removed_at, app.now())
  WHERE org_id = app.current_org() AND user_id = p_user;
  UPDATE team_members SET name = 'Erased person', email = NULL, phone = NULL
  WHERE org_id = app.current_org() AND (user_id = p_user OR lower(email) = lower(v_email));
  PERFORM app.erase_inquiries(p_user, p_indexes);
  UPDATE invitations SET name = 'Erased person', email = v_nobody
  WHERE org_id = app.current_org() AND (accepted_by = p_user OR lower(email) = lower(v_email));
  DELETE FROM notifications WHERE org_id = app.current_org() AND user_id = p_user;
  DELETE FROM notification_preferences WHERE org_id = app.current_org() AND user_id = p_user;
  DELETE FROM notification_settings WHERE org_id = app.current_org() AND user_id = p_user;
  UPDATE notifications SET title = replace(title, v_name, 'Erased person'), body = replace(body, v_name, 'Erased person')
  WHERE org_id = app.current_org() AND length(v_name) > 3 AND strpos(title || body, v_name) > 0; -- what others were told of them
  DELETE FROM access_cache WHERE user_id = p_user;
  IF v_alone THEN
    DELETE FROM user_sessions WHERE user_id = p_user;
    DELETE FROM known_devices WHERE user_id = p_user;
    DELETE FROM provider_links WHERE user_id = p_user;
    UPDATE ab_user SET first_name = 'Erased', last_name = 'person', username = v_nobody, email = v_nobody, active = false WHERE id = p_user;
  END IF;
  PERFORM app.note_event('erase', 'members', p_user::text, NULL);
  RETURN jsonb_build_object('files', v_files, 'account', v_alone);
END
$$;

-- Organizations that hold anything personal, for the jobs that remind and redact.
--: definer; execute: service
CREATE FUNCTION app.organizations_with_personal_data() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT org_id FROM documents UNION SELECT org_id FROM person_keys WHERE destroyed_at IS NULL
$$;

-- Everything that this organization keeps of a person: each row of each table that names them, without what is no
-- more than machinery, and who read or changed their data. Later tables are in it by their foreign key.
--: definer; execute: portal_admin
CREATE FUNCTION app.export_person(p_user integer, p_indexes text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_found record;
  v_rows jsonb;
  v_all jsonb;
BEGIN
  IF NOT app.is_system() THEN
    RAISE EXCEPTION 'Only the product itself exports people.' USING ERRCODE = 'VR403';
  END IF;
  SELECT jsonb_build_object('account', to_jsonb(u) - '{password}'::text[], 'members', to_jsonb(m)) INTO v_all
  FROM members m JOIN ab_user u ON u.id = m.user_id WHERE m.org_id = app.current_org() AND m.user_id = p_user;
  IF v_all IS NULL THEN
    RAISE EXCEPTION 'There is no such person in this organization.' USING ERRCODE = 'VR404';
  END IF;
  FOR v_found IN
    SELECT k.conrelid::regclass AS name FROM pg_constraint k
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = 'user_id'
    WHERE k.contype = 'f' AND k.confrelid = 'members'::regclass AND k.conrelid <> 'person_keys'::regclass ORDER BY 1
  LOOP
    EXECUTE format('SELECT jsonb_agg(to_jsonb(t) - ''{org_id,token,phone_token,off_digest,key_id,blind_index,index_key,storage_key}''::text[]) '
                   'FROM %s t WHERE org_id = app.current_org() AND user_id = $1', v_found.name) INTO v_rows USING p_user;
    v_all := v_all || jsonb_build_object(v_found.name::text, coalesce(v_rows, '[]'));
  END LOOP;
  RETURN v_all || jsonb_build_object(
    'inquiries', (SELECT coalesce(jsonb_agg(to_jsonb(i) - '{org_id,phone_index,email_index}'::text[] ORDER BY i.number), '[]')
      FROM inquiries i WHERE i.id IN (SELECT app.inquiries_of_person(p_user, p_indexes))),
    'contacts', (SELECT coalesce(jsonb_agg(to_jsonb(c) - '{org_id,phone_index,email_index}'::text[] ORDER BY c.id), '[]')
      FROM contacts c WHERE c.org_id = app.current_org() AND (c.phone_index = ANY (p_indexes) OR c.email_index = ANY (p_indexes))),
    'sessions', (SELECT coalesce(jsonb_agg(to_jsonb(s) - '{digest}'::text[]), '[]') FROM user_sessions s WHERE user_id = p_user),
    'who_read_it', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', l.at, 'by', m.name, 'what', l.action, 'of', l.after,
        'reason', l.reason) ORDER BY l.seq), '[]')
      FROM audit_log l LEFT JOIN members m ON m.org_id = l.org_id AND m.user_id = l.actor_id
      WHERE l.org_id = app.current_org() AND (l.table_name = 'personal_values' AND l.row_id = p_user::text
        OR l.table_name = 'documents' AND l.action = 'open' AND l.row_id IN (
          SELECT id::text FROM documents d WHERE d.org_id = l.org_id AND d.user_id = p_user))));
END
$$;

-- -- rotation of the field ring ----------------------------------------------------------------------------------

-- Inquiries with something under another key than the one that tokens of `p_prefix` name.
--: definer; execute: service
CREATE FUNCTION app.inquiries_to_rotate(p_prefix text, p_after uuid, p_most integer)
RETURNS TABLE (org_id uuid, id uuid, phone_token text, email_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.org_id, i.id, i.phone_token, i.email_token FROM inquiries i
  WHERE (p_after IS NULL OR i.id > p_after) AND i.phone_token <> 'erased'
    AND NOT (starts_with(i.phone_token, p_prefix) AND coalesce(starts_with(i.email_token, p_prefix), true))
  ORDER BY i.id LIMIT p_most
$$;

-- New tokens and indexes of one inquiry, unless somebody changed it meanwhile; what a person is recognized by follows.
--: definer; execute: service
CREATE FUNCTION app.rotate_inquiry(p_org uuid, p_id uuid, p_seen text, p_phone_token text, p_phone_index text,
                                   p_email_token text, p_email_index text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_old inquiries;
BEGIN
  SELECT * INTO v_old FROM inquiries WHERE org_id = p_org AND id = p_id AND phone_token = p_seen FOR UPDATE;
  IF v_old.id IS NULL THEN
    RETURN;
  END IF;
  UPDATE inquiries SET phone_token = p_phone_token, phone_index = p_phone_index, email_token = p_email_token,
    email_index = p_email_index WHERE org_id = p_org AND id = p_id;
  INSERT INTO inquiry_dedup_index (org_id, kind, digest, inquiry_id, seen_at)
  SELECT d.org_id, d.kind, CASE d.kind WHEN 'phone' THEN p_phone_index ELSE p_email_index END, d.inquiry_id, d.seen_at
  FROM inquiry_dedup_index d
  WHERE d.org_id = p_org AND (d.kind = 'phone' AND d.digest = v_old.phone_index OR d.kind = 'email' AND d.digest = v_old.email_index)
  ON CONFLICT DO NOTHING;
  DELETE FROM inquiry_dedup_index d
  WHERE d.org_id = p_org AND (d.kind = 'phone' AND d.digest = v_old.phone_index AND d.digest <> p_phone_index
                              OR d.kind = 'email' AND d.digest = v_old.email_index AND d.digest <> p_email_index);
END
$$;
