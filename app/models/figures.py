"""Figures of maintenance: one narrow row per request in a materialized view, asked through functions alone (M8).

The view is made anew every quarter of an hour. No portal may read it: the functions check organization, capability
and hostels, because row-level security does not reach materialized views.
"""

from __future__ import annotations

from app.models.declare import DEFINER, VIEWS, functions

# Nobody writes to a view that is being made, so its indexes need not be made concurrently.
NEW = "-- squawk-ignore require-concurrent-index-creation\n"

VIEWS += [
    # `ended_at` is when the clock stopped, `seconds` what it showed then; both are empty while it runs. `responded_at` is
    # when somebody first took it in hand or answered it.
    """CREATE MATERIALIZED VIEW public.maintenance_request_facts AS
SELECT r.org_id, r.id AS request_id, r.hostel_id, r.category_id, r.issue_type_id, r.priority, r.status, r.raised_at,
       r.resolve_by, r.held_since AS ended_at,
       extract(epoch FROM r.held_since - r.clock_started_at - r.held)::bigint AS seconds, t.responded_at,
       a.user_id AS worker_id, a.outside_party,
       date_trunc('week', r.raised_at AT TIME ZONE h.timezone)::date AS week
FROM public.maintenance_requests r
JOIN public.hostels h ON h.org_id = r.org_id AND h.id = r.hostel_id
LEFT JOIN public.maintenance_assignments a ON a.org_id = r.org_id AND a.request_id = r.id AND a.active
LEFT JOIN (SELECT s.org_id, s.request_id, min(s.event_at) AS responded_at FROM public.maintenance_status_history s
           WHERE s.to_status IN ('assigned', 'in_progress', 'on_hold', 'resolved', 'rejected')
           GROUP BY s.org_id, s.request_id) t ON t.org_id = r.org_id AND t.request_id = r.id
WHERE r.deleted_at IS NULL AND h.deleted_at IS NULL""",
    # CONCURRENTLY needs a unique index over all rows.
    NEW + "CREATE UNIQUE INDEX maintenance_request_facts_key ON public.maintenance_request_facts (org_id, request_id)",
    NEW + "CREATE INDEX maintenance_request_facts_raised ON public.maintenance_request_facts (org_id, raised_at)",
    NEW + "CREATE INDEX maintenance_request_facts_ended ON public.maintenance_request_facts (org_id, ended_at)",
    NEW + "CREATE INDEX maintenance_request_facts_status ON public.maintenance_request_facts (org_id, status)",
    "CREATE MATERIALIZED VIEW public.maintenance_figures_made AS SELECT 1 AS id, clock_timestamp() AS made_at",
    NEW + "CREATE UNIQUE INDEX maintenance_figures_made_key ON public.maintenance_figures_made (id)",
    f"GRANT SELECT, MAINTAIN ON public.maintenance_request_facts, public.maintenance_figures_made TO {DEFINER}",
]

functions("figures")
