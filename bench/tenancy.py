"""What the walls cost in the database: the same queries under policies, in a bound transaction, and as the superuser
with the organization written into the query; a hundred organizations, a million requests.

The second part counts whole transactions: begin, bind, one page, commit, against begin, page, commit.
"""

from __future__ import annotations

from typing import Any

import psycopg2
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from bench._compare import heading, interleaved, line, milliseconds
from bench._console import Console, console
from tests.servers import Servers, running_servers

TENANTS, EACH = 100, 10_000
PAGE = "SELECT * FROM maintenance_requests WHERE org_id = %(org)s ORDER BY raised_at DESC, id DESC LIMIT 25"
QUERIES = {
    "a page of 25": PAGE,
    "a capped count": "SELECT count(*) FROM (SELECT FROM maintenance_requests WHERE org_id = %(org)s AND status = 'assigned' "
                      "LIMIT 1001) found",
    "a page with its rooms": "SELECT q.*, r.number FROM maintenance_requests q JOIN rooms r ON r.org_id = q.org_id AND r.id = "
                             "q.room_id WHERE q.org_id = %(org)s ORDER BY q.raised_at DESC, q.id DESC LIMIT 25",
}
RUNS = 60


def _more_tenants(house: Console) -> None:
    """The other organizations, as many rows each as the first has."""
    engine = create_engine(house.admin_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("INSERT INTO organizations (name, slug) SELECT 'Bench', 'bench-' || i FROM generate_series(1, :n) i"),
                           {"n": TENANTS - 1})
        connection.execute(text("""
            INSERT INTO maintenance_requests (org_id, hostel_id, number, user_id, category_id, room_id, description, priority,
                                              status, raised_at)
            SELECT o.id, hostel_id, number, user_id, category_id, room_id, description, priority, status, raised_at
            FROM maintenance_requests q CROSS JOIN organizations o
            WHERE q.org_id = :org AND o.slug LIKE 'bench-%'"""), {"org": house.world.a.org_id})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE maintenance_requests"))


def _connections(servers: Servers, house: Console) -> tuple[Any, Any, bytes]:
    """The superuser's connection, the web login's, and the token of a session."""
    database = house.admin_url.rsplit("/", 1)[1].split("?")[0]
    client = house.client(house.world.owner.user_id)
    with client.session_transaction() as cookie:
        token = cookie["token"]
    from app.security import token_digest

    return (psycopg2.connect(servers.libpq_url(database)), psycopg2.connect(servers.libpq_url(database, "viramah_web")),
            token_digest(token))


def _bind(cursor: Any, house: Console, digest: bytes) -> None:
    cursor.execute("SELECT app.bind(%s, %s, ARRAY['portal_admin'], NULL, 'bench', false)",
                   (digest, str(house.world.a.org_id)))


def main() -> None:
    """Measure and print."""
    heading()
    with running_servers() as servers, console(servers, EACH) as house:
        _more_tenants(house)
        bare, web, digest = _connections(servers, house)
        values = {"org": str(house.world.a.org_id)}
        mine, theirs = web.cursor(), bare.cursor()

        def run(cursor: Any, query: str) -> None:
            for _ in range(RUNS):
                cursor.execute(query, values)
                cursor.fetchall()

        for name, query in QUERIES.items():
            _bind(mine, house, digest)
            found = interleaved(lambda q=query: run(mine, q), lambda q=query: run(theirs, q), rounds=12, times=3)
            line(f"{name}, under policies", milliseconds(found.ours / RUNS), milliseconds(found.peer / RUNS), found.spread,
                 "≥ 0.95", found.ratio >= 0.95)  # noqa: PLR2004 - the goal
            web.rollback()
            bare.rollback()

        def transaction(cursor: Any, *, bound: bool) -> None:
            for _ in range(RUNS):
                if bound:
                    _bind(cursor, house, digest)
                cursor.execute(PAGE, values)
                cursor.fetchall()
                cursor.connection.commit()

        found = interleaved(lambda: transaction(mine, bound=True), lambda: transaction(theirs, bound=False), rounds=12, times=3)
        line("a page, whole transaction with its binding", milliseconds(found.ours / RUNS), milliseconds(found.peer / RUNS),
             found.spread, "≥ 0.6", found.ratio >= 0.6)  # noqa: PLR2004 - the goal
        bare.close()
        web.close()


if __name__ == "__main__":
    main()
