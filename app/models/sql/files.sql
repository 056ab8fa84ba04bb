-- Files: what residents may see, and how much is stored.

--: definer; execute: portal_resident
CREATE FUNCTION app.file_is_shown(p_file uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM maintenance_attachments a
    JOIN maintenance_requests r ON r.org_id = a.org_id AND r.id = a.request_id
    WHERE a.org_id = app.current_org() AND a.file_id = p_file AND a.deleted_at IS NULL AND r.deleted_at IS NULL
      AND r.user_id = app.current_user_id() AND app.is_admitted())
  OR EXISTS (
    SELECT FROM room_photos p JOIN files f ON f.org_id = p.org_id AND f.id = p.file_id AND f.purpose = 'room'
    WHERE p.org_id = app.current_org() AND p.file_id = p_file AND p.deleted_at IS NULL
      AND app.is_admitted() AND app.allowed_in('rooms', 'read', p.hostel_id))
  OR EXISTS (
    SELECT FROM canteen_menu d JOIN files f ON f.org_id = d.org_id AND f.id = d.photo_id AND f.purpose = 'dish'
    WHERE d.org_id = app.current_org() AND d.photo_id = p_file AND d.deleted_at IS NULL
      AND app.is_admitted() AND app.allowed_in('canteen', 'read', d.hostel_id))
  OR EXISTS (
    SELECT FROM hostel_events e JOIN files f ON f.org_id = e.org_id AND f.id = e.photo_id AND f.purpose = 'event'
    WHERE e.org_id = app.current_org() AND e.photo_id = p_file AND e.deleted_at IS NULL AND e.status <> 'draft'
      AND app.is_admitted() AND app.event_in_reach(e.hostel_id, 'read'))
  OR EXISTS (
    SELECT FROM move_out_photos p
    WHERE p.org_id = app.current_org() AND p.file_id = p_file AND p.user_id = app.current_user_id() AND app.is_admitted())
$$;

--: definer
CREATE FUNCTION app.count_storage() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM app.add_usage(NEW.org_id, 'storage', NEW.size);
  ELSIF OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN
    PERFORM app.add_usage(NEW.org_id, 'storage', -NEW.size);
  ELSIF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN
    PERFORM app.add_usage(NEW.org_id, 'storage', NEW.size);
  END IF;
  RETURN NULL;
END
$$;
