"""What the walls cost in the database: the same queries under policies, in a bound transaction, and as the superuser
with the organization written into the query; a hundred organizations, a million requests.

The goal is for what a screen asks: all statements of the list of requests, and the totals of one organization. A
statement that takes a tenth of a millisecond shows what is fixed: the policies' planning and the check of the seal.
The last part counts whole transactions: begin, bind, the list's statements, commit, against the same unbound.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import psycopg2
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import NullPool

from bench._compare import heading, interleaved, line, milliseconds
from bench._console import Console, console
from tests.servers import Servers, running_servers

TENANTS, EACH = 100, 10_000
TOTALS = "SELECT status, priority, count(*), max(raised_at) FROM maintenance_requests {where} GROUP BY 1, 2"
SMALL = "SELECT reference FROM maintenance_requests {where} ORDER BY raised_at DESC, id DESC LIMIT 1"
MINE = "WHERE org_id = %(org)s"
LIST = "/maintenance/requests/list/"
RUNS = 20


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


def _list_statements(house: Console) -> list[tuple[str, Any]]:
    """What the server is asked for one list page, the binding left out."""
    client = house.client(house.world.owner.user_id)
    seen: list[tuple[str, Any]] = []
    with house.app.app_context():
        engine = house.app.extensions["sqlalchemy"].engine
    note = lambda _connection, _cursor, statement, values, *_: seen.append((statement, values))  # noqa: E731
    client.get(LIST)
    event.listen(engine, "before_cursor_execute", note)
    response = client.get(LIST)
    event.remove(engine, "before_cursor_execute", note)
    assert response.status_code == HTTPStatus.OK
    return [(statement, values) for statement, values in seen if "app.bind(" not in statement]


def main() -> None:
    """Measure and print."""
    heading()
    with running_servers() as servers, console(servers, EACH) as house:
        _more_tenants(house)
        values = {"org": str(house.world.a.org_id)}
        # The list is asked for as the product asks; the others as policies allow: without naming the organization.
        listed = _list_statements(house)
        asked = {"the list's statements": (listed, listed),
                 "an organization's totals": ([(TOTALS.format(where=""), None)], [(TOTALS.format(where=MINE), values)]),
                 "fixed cost: one row": ([(SMALL.format(where=""), None)], [(SMALL.format(where=MINE), values)])}
        bare, web, digest = _connections(servers, house)
        mine, theirs = web.cursor(), bare.cursor()

        def run(cursor: Any, statements: list[tuple[str, Any]]) -> None:
            for _ in range(RUNS):
                for statement, given in statements:
                    cursor.execute(statement, given)
                    cursor.fetchall()

        for name, (walled, bare_ones) in asked.items():
            _bind(mine, house, digest)
            found = interleaved(lambda s=walled: run(mine, s), lambda s=bare_ones: run(theirs, s), rounds=12, times=3)
            goal = not name.startswith("fixed")
            line(f"{name}, under policies", f"{found.ours / RUNS * 1e6:.0f} µs", f"{found.peer / RUNS * 1e6:.0f} µs", found.spread,
                 "≥ 0.95" if goal else "told, no goal", found.ratio >= 0.95 or not goal)
            web.rollback()
            bare.rollback()

        def transaction(cursor: Any, *, bound: bool) -> None:
            for _ in range(RUNS):
                if bound:
                    _bind(cursor, house, digest)
                for statement, given in listed:
                    cursor.execute(statement, given)
                    cursor.fetchall()
                cursor.connection.commit()

        found = interleaved(lambda: transaction(mine, bound=True), lambda: transaction(theirs, bound=False), rounds=12, times=3)
        line("the list's transaction with its binding", milliseconds(found.ours / RUNS), milliseconds(found.peer / RUNS),
             found.spread, "≥ 0.6", found.ratio >= 0.6)
        bare.close()
        web.close()


if __name__ == "__main__":
    main()
