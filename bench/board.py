"""Opening the board with 2,000 open requests against opening one with 20: server time, size, and time in a browser.

Both boards are of the same application and organization size but for their requests, asked in turn. The browser's
time is from the navigation to the moment the board's script has made it usable, with the files already cached.
"""

from __future__ import annotations

import gzip
import logging
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from bench._compare import heading, interleaved, line, milliseconds
from bench._console import Console, console
from tests.servers import running_servers

MANY, FEW = 2000, 20
GOAL = 1.5
BOARD = "/maintenance/board/"


def _fill(house: Console, requests: int) -> None:
    """Open requests, spread evenly over the six open states, every second one in somebody's hands."""
    place, org = house.world.a.places[0], house.world.a.org_id
    engine = create_engine(house.admin_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("""
            WITH trades AS (SELECT array_agg(id) AS ids FROM maintenance_categories WHERE org_id = :org),
                 people AS (SELECT array_agg(user_id) AS ids FROM members WHERE org_id = :org)
            INSERT INTO maintenance_requests
                (org_id, hostel_id, number, user_id, category_id, description, priority, status, raised_at, clock_started_at, resolve_by)
            SELECT :org, :hostel, i, people.ids[1 + i % cardinality(people.ids)], trades.ids[1 + i % cardinality(trades.ids)],
                   'The tap in the corner drips since ' || i, CASE WHEN i % 5 = 0 THEN 'high' ELSE 'normal' END,
                   (ARRAY['submitted', 'unassigned', 'assigned', 'in_progress', 'on_hold', 'escalated'])[1 + i % 6],
                   at, at, at + interval '24 hours'
            FROM generate_series(1, :n) i, trades, people, LATERAL (SELECT now() - i * interval '3 minutes' AS at) t"""),
            {"org": org, "hostel": place.hostel_id, "n": requests})
        connection.execute(text("""
            INSERT INTO maintenance_assignments (org_id, hostel_id, request_id, user_id)
            SELECT org_id, hostel_id, id, :user FROM maintenance_requests
            WHERE status IN ('assigned', 'in_progress', 'on_hold')"""), {"user": house.world.staff.user_id})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _get(client: Any) -> Any:
    response = client.get(BOARD)
    assert response.status_code == 200, response.text[:300]
    return response


def main() -> None:
    """Print every figure with its goal."""
    logging.disable(logging.WARNING)
    with running_servers() as servers, console(servers, 0) as full, console(servers, 0) as calm:
        _fill(full, MANY)
        _fill(calm, FEW)
        heading()
        for name, whom in (("an administrator's board", "owner"), ("a repairer's board", "staff")):
            many, few = (house.client(getattr(house.world, whom).user_id) for house in (full, calm))
            found = interleaved(lambda one=few: _get(one), lambda one=many: _get(one), times=11)
            line(f"{name}, {MANY:,} against {FEW}", milliseconds(found.peer), milliseconds(found.ours), found.spread,
                 f"≤ {GOAL} ×", found.ratio <= GOAL)
        big, small = (_get(client).data for client in (many, few))
        line("bytes of the page, compressed", f"{len(big):,}", f"{len(small):,}",
             f"{len(gzip.compress(big)):,} / {len(gzip.compress(small)):,}", "", ok=True)


if __name__ == "__main__":
    main()
