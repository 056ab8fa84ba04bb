-- Whether one of a person's organizations wants devices confirmed that it doesn't know. Whoever waits for approval is
-- not asked yet: a phone that is new at every step would keep them from applying.
--: definer; execute: auth
CREATE FUNCTION app.wants_known_device(p_user integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM members m JOIN organizations o ON o.id = m.org_id, LATERAL app.active_roles(m.org_id, m.user_id) r
    WHERE m.user_id = p_user AND o.settings -> 'verify_devices' = 'true' AND r.role <> 'pending_resident')
$$;

-- A new organization begins with it, until its owner lets it go.
--: definer; execute: auth, service
CREATE FUNCTION app.verify_devices(p_org uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE organizations SET settings = settings || '{"verify_devices": true}' WHERE id = p_org
$$;

-- The invitations that wait for whoever has proved to have an address and uses no account yet, the newest first; each is
-- accepted by its digest.
--: definer; execute: auth
CREATE FUNCTION app.invitations_for(p_email text) RETURNS TABLE (digest bytea, email text, organization text, name text, role text, hostel text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT i.digest, o.email, o.organization, o.name, o.role, o.hostel
  FROM invitations i, LATERAL app.open_invitation(i.digest) o
  WHERE lower(i.email) = lower(p_email) AND i.status = 'pending' AND i.digest IS NOT NULL AND o.user_id IS NULL
  ORDER BY i.created_at DESC, i.id LIMIT 20
$$;
