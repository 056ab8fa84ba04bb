-- How the installation is: numbers and times of the machinery, contents of nobody.

-- What a process asks before it lets people in. `lacking` names roles that the cluster does not have, as after a
-- restore without them; the last times tell that the scheduler and the workers are alive, as each lives by the outbox.
--: definer; execute: everyone
CREATE FUNCTION app.readiness(p_roles text[]) RETURNS TABLE (
  migration text, lacking text[], last_scheduled_at timestamptz, last_done_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT (SELECT version_num FROM alembic_version),
         ARRAY(SELECT r FROM unnest(p_roles) r WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r)),
         (SELECT max(created_at) FROM outbox WHERE org_id IS NULL AND key IS NOT NULL),
         (SELECT max(finished_at) FROM outbox WHERE state = 'done')
$$;
