-- Figures of maintenance, each within the organization and the hostels that the caller may read. p_hostel NULL is all of
-- those. Periods are half-open and count requests by when they were raised. Times leave out what the clock stood still.

-- The hostels that the caller's figures are about; raises for one that is none of theirs. Asked once per statement.
--: definer
CREATE FUNCTION app.figure_hostels(p_hostel uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_hostels uuid[] := ARRAY(
    SELECT h.id FROM hostels h
    WHERE h.org_id = app.current_org() AND h.deleted_at IS NULL AND (p_hostel IS NULL OR h.id = p_hostel)
      AND app.allowed_in('maintenance', 'read', h.id));
BEGIN
  IF NOT app.is_staff() OR (p_hostel IS NOT NULL AND v_hostels = '{}') THEN
    RAISE EXCEPTION 'There are no figures here that you may see.' USING ERRCODE = 'VR404';
  END IF;
  RETURN v_hostels;
END
$$;

-- Late: closed, or still running or held, beyond the target.
--: definer; execute: portal_admin, portal_management
CREATE FUNCTION app.maintenance_open_by_category(p_hostel uuid)
RETURNS TABLE (category text, open bigint, overdue bigint, oldest_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT c.name, count(*), count(*) FILTER (WHERE f.resolve_by < coalesce(f.ended_at, app.now())), min(f.raised_at)
  FROM maintenance_request_facts f
  JOIN maintenance_categories c ON c.org_id = f.org_id AND c.id = f.category_id
  WHERE f.org_id = app.current_org() AND f.hostel_id = ANY ((SELECT app.figure_hostels(p_hostel))::uuid[])
    AND f.status NOT IN ('resolved', 'rejected')
  GROUP BY c.id, c.org_id, c.name ORDER BY 2 DESC, 1
$$;

-- p_by: 'category' or 'staff' (who had it when it was resolved). Seconds.
--: definer; execute: portal_admin, portal_management
CREATE FUNCTION app.maintenance_resolution_times(p_hostel uuid, p_from timestamptz, p_until timestamptz, p_by text)
RETURNS TABLE (name text, resolved bigint, late bigint, median_seconds double precision, p90_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT n.name, count(*), count(*) FILTER (WHERE f.resolve_by < f.ended_at),
         percentile_cont(0.5) WITHIN GROUP (ORDER BY f.seconds), percentile_cont(0.9) WITHIN GROUP (ORDER BY f.seconds)
  FROM maintenance_request_facts f
  JOIN maintenance_categories c ON c.org_id = f.org_id AND c.id = f.category_id
  LEFT JOIN members m ON m.org_id = f.org_id AND m.user_id = f.worker_id
  CROSS JOIN LATERAL (SELECT CASE WHEN p_by = 'category' THEN c.name ELSE coalesce(m.name, f.outside_party, '') END AS name,
                             CASE WHEN p_by = 'category' THEN c.id::text
                                  ELSE coalesce(f.worker_id::text, f.outside_party, '') END AS key) n
  WHERE f.org_id = app.current_org() AND f.hostel_id = ANY ((SELECT app.figure_hostels(p_hostel))::uuid[])
    AND f.status = 'resolved' AND f.raised_at >= p_from AND f.raised_at < p_until
  GROUP BY n.key, n.name ORDER BY 2 DESC, 1
$$;

-- By the week, from Monday on in the hostel's zone, in which requests were raised. `judged` are those whose outcome is
-- known: resolved, or open and late already; what was turned down had no target to meet.
--: definer; execute: portal_admin, portal_management
CREATE FUNCTION app.maintenance_breach_rate_by_week(p_hostel uuid, p_from timestamptz, p_until timestamptz)
RETURNS TABLE (week date, raised bigint, judged bigint, late bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT f.week, count(*), count(*) FILTER (WHERE f.status = 'resolved' OR l.late), count(*) FILTER (WHERE l.late)
  FROM maintenance_request_facts f
  CROSS JOIN LATERAL (SELECT f.status <> 'rejected' AND f.resolve_by < coalesce(f.ended_at, app.now()) AS late) l
  WHERE f.org_id = app.current_org() AND f.hostel_id = ANY ((SELECT app.figure_hostels(p_hostel))::uuid[])
    AND f.raised_at >= p_from AND f.raised_at < p_until
  GROUP BY f.week ORDER BY f.week
$$;

--: definer; execute: portal_admin, portal_management
CREATE FUNCTION app.maintenance_common_issues(p_hostel uuid, p_from timestamptz, p_until timestamptz, p_most integer)
RETURNS TABLE (category text, issue text, raised bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT c.name, coalesce(t.name, ''), count(*)
  FROM maintenance_request_facts f
  JOIN maintenance_categories c ON c.org_id = f.org_id AND c.id = f.category_id
  LEFT JOIN maintenance_issue_types t ON t.org_id = f.org_id AND t.id = f.issue_type_id
  WHERE f.org_id = app.current_org() AND f.hostel_id = ANY ((SELECT app.figure_hostels(p_hostel))::uuid[])
    AND f.raised_at >= p_from AND f.raised_at < p_until
  GROUP BY c.id, c.name, t.id, t.name ORDER BY 3 DESC, 1, 2 LIMIT p_most
$$;

-- Days of each hostel's own zone on which anything happened, p_from to p_until (not included), and, with an empty day, the
-- time before p_middle and the time from then on. The response is the median time until somebody took a request raised then
-- in hand; what was resolved, and late, counts on the day when it was.
--: definer; execute: portal_admin, portal_management
CREATE FUNCTION app.maintenance_by_day(p_hostel uuid, p_from date, p_middle date, p_until date)
RETURNS TABLE (day date, recent boolean, raised bigint, resolved bigint, late bigint, response_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT d.day, d.recent, sum(d.raised), sum(d.resolved), count(*) FILTER (WHERE d.late),
         percentile_cont(0.5) WITHIN GROUP (ORDER BY d.response)
  FROM (
    SELECT l.day, l.day >= p_middle AS recent, e.raised, e.resolved, e.late, e.response
    FROM maintenance_request_facts f
    JOIN hostels h ON h.org_id = f.org_id AND h.id = f.hostel_id
    CROSS JOIN LATERAL (VALUES
      (f.raised_at, 1, 0, false, extract(epoch FROM f.responded_at - f.raised_at)),
      (CASE WHEN f.status = 'resolved' THEN f.ended_at END, 0, 1, f.resolve_by < f.ended_at, NULL)
    ) e (at, raised, resolved, late, response)
    CROSS JOIN LATERAL (SELECT (e.at AT TIME ZONE h.timezone)::date AS day) l
    WHERE f.org_id = app.current_org() AND f.hostel_id = ANY ((SELECT app.figure_hostels(p_hostel))::uuid[])
      AND (f.raised_at >= p_from - 1 OR f.ended_at >= p_from - 1) AND l.day >= p_from AND l.day < p_until
  ) d
  GROUP BY GROUPING SETS ((d.day), (d.recent))
$$;

--: definer; execute: portal_admin, portal_management
CREATE FUNCTION app.maintenance_figures_as_of() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT made_at FROM maintenance_figures_made
$$;

-- Readers go on reading the old figures meanwhile.
--: definer; execute: service
CREATE FUNCTION app.refresh_maintenance_analytics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  REFRESH MATERIALIZED VIEW CONCURRENTLY maintenance_request_facts;
  REFRESH MATERIALIZED VIEW CONCURRENTLY maintenance_figures_made;
END
$$;
