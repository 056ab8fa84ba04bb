-- Contacts: taken in, revealed, brought under another key.

-- A contact of another program: found again by its id there, or without one by phone and e-mail (p_known, under every key).
--: definer; execute: portal_admin
CREATE FUNCTION app.import_contact(p_run uuid, p_contact jsonb, p_known text[]) RETURNS TABLE (contact_id uuid, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_hostel uuid := (SELECT hostel_id FROM import_runs WHERE org_id = v_org AND id = p_run);
  v_there record;
BEGIN
  PERFORM app.lock_import(p_run, 'create');
  IF NOT app.allowed_in('inquiries', 'create', v_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you write down inquiries here.' USING ERRCODE = 'VR403';
  END IF;
  SELECT c.id, c.deleted_at INTO v_there FROM contacts c
  WHERE c.org_id = v_org AND CASE WHEN p_contact ->> 'external_id' <> ''
    THEN c.external_id = p_contact ->> 'external_id' AND c.location_id = p_contact ->> 'location_id'
    ELSE c.phone_index = ANY (p_known) OR c.email_index = ANY (p_known) END
  ORDER BY c.deleted_at NULLS FIRST LIMIT 1;
  IF v_there.id IS NULL THEN
    INSERT INTO contacts (org_id, id, hostel_id, external_id, location_id, full_name, phone_token, phone_index, phone_masked,
                          email_token, email_index, email_masked, source, known_since)
    SELECT v_org, n.id, v_hostel, n.external_id, n.location_id, n.full_name, n.phone_token, n.phone_index, n.phone_masked,
           n.email_token, n.email_index, n.email_masked, n.source, n.known_since
    FROM jsonb_populate_record(NULL::contacts, p_contact) n;
    RETURN QUERY SELECT (p_contact ->> 'id')::uuid, 'created'::text;
  ELSIF v_there.deleted_at IS NOT NULL AND app.is_hidden_by_import(v_there.id) THEN
    UPDATE contacts SET deleted_at = NULL WHERE org_id = v_org AND id = v_there.id;
    RETURN QUERY SELECT v_there.id, 'restored'::text;
  ELSE
    RETURN QUERY SELECT v_there.id, 'unchanged'::text;
  END IF;
END
$$;

-- Hides what an import brought, unless it was worked on since: then it says why it stays.
--: definer; execute: portal_admin
CREATE FUNCTION app.hide_imported_contact(p_run uuid, p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_row import_rows;
  v_one contacts;
BEGIN
  PERFORM app.lock_import(p_run, 'delete');
  SELECT * INTO v_row FROM import_rows WHERE org_id = v_org AND run_id = p_run AND id = p_id;
  SELECT * INTO v_one FROM contacts WHERE org_id = v_org AND id = v_row.row_id FOR UPDATE;
  IF v_one.deleted_at IS NOT NULL THEN
    RAISE EXCEPTION 'The contact in row % was removed before.', v_row.number USING ERRCODE = 'VR409';
  ELSIF EXISTS (SELECT FROM inquiries i WHERE i.org_id = v_org AND i.created_at > v_row.settled_at
                AND (i.phone_index = v_one.phone_index OR i.email_index = v_one.email_index)) THEN
    RAISE EXCEPTION 'The contact in row % has asked for a bed since, so it stays.', v_row.number USING ERRCODE = 'VR409';
  END IF;
  UPDATE contacts SET deleted_at = app.now() WHERE org_id = v_org AND id = v_one.id;
END
$$;

-- What is encrypted of a contact, for somebody who works on inquiries and says what for: it is written down.
--: definer; execute: portal_admin, portal_sales
CREATE FUNCTION app.reveal_contact(p_id uuid, p_reason text) RETURNS TABLE (phone_token text, email_token text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostel uuid;
BEGIN
  SELECT c.hostel_id INTO v_hostel FROM contacts c WHERE c.org_id = app.current_org() AND c.id = p_id AND c.deleted_at IS NULL;
  IF NOT FOUND OR NOT app.allowed_in('inquiries', 'read', v_hostel) THEN
    RAISE EXCEPTION 'There is no such contact.' USING ERRCODE = 'VR404';
  END IF;
  IF NOT app.allowed_in('inquiries', 'update', v_hostel) THEN
    RAISE EXCEPTION 'Your role does not let you see this.' USING ERRCODE = 'VR403';
  END IF;
  IF btrim(coalesce(p_reason, '')) = '' THEN
    RAISE EXCEPTION 'Please say what you need it for.' USING ERRCODE = 'VR422', COLUMN = 'reason';
  END IF;
  PERFORM app.note_event('reveal', 'contacts', p_id::text, p_reason);
  RETURN QUERY SELECT c.phone_token, c.email_token FROM contacts c WHERE c.org_id = app.current_org() AND c.id = p_id;
END
$$;

-- Contacts with something under another key than the one that tokens of `p_prefix` name.
--: definer; execute: service
CREATE FUNCTION app.contacts_to_rotate(p_prefix text, p_after uuid, p_most integer)
RETURNS TABLE (org_id uuid, id uuid, phone_token text, email_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT c.org_id, c.id, c.phone_token, c.email_token FROM contacts c
  WHERE (p_after IS NULL OR c.id > p_after)
    AND NOT (coalesce(starts_with(c.phone_token, p_prefix), true) AND coalesce(starts_with(c.email_token, p_prefix), true))
  ORDER BY c.id LIMIT p_most
$$;

--: definer; execute: service
CREATE FUNCTION app.rotate_contact(p_org uuid, p_id uuid, p_seen text, p_seen_email text, p_phone_token text, p_phone_index text, p_email_token text, p_email_index text)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE contacts SET phone_token = p_phone_token, phone_index = p_phone_index, email_token = p_email_token, email_index = p_email_index
  WHERE org_id = p_org AND id = p_id AND phone_token IS NOT DISTINCT FROM p_seen AND email_token IS NOT DISTINCT FROM p_seen_email
$$;

-- Staged rows of personal kinds, likewise.
--: definer; execute: service
CREATE FUNCTION app.import_rows_to_rotate(p_prefix text, p_after uuid, p_most integer) RETURNS TABLE (org_id uuid, id uuid, run_id uuid, number integer, sealed text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT r.org_id, r.id, r.run_id, r.number, r.sealed FROM import_rows r
  WHERE (p_after IS NULL OR r.id > p_after) AND r.sealed IS NOT NULL AND NOT starts_with(r.sealed, p_prefix)
  ORDER BY r.id LIMIT p_most
$$;

--: definer; execute: service
CREATE FUNCTION app.rotate_import_row(p_org uuid, p_id uuid, p_seen text, p_sealed text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE import_rows SET sealed = p_sealed WHERE org_id = p_org AND id = p_id AND sealed = p_seen
$$;
