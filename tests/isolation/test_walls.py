"""Every table × every portal × two organizations: own rows are seen, foreign ones are neither read, changed,
removed nor pointed at. What is committed is committed for real.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from sqlalchemy import text

from app.permissions import Portal
from tests.isolation.walls import Walls


@pytest.fixture
def walls(servers: Any, superuser: Any, database_name: str, world: Any) -> Walls:
    return Walls(servers, superuser, database_name, world)


def test_no_portal_gets_over_any_wall(walls: Walls) -> None:
    before = {o.slug: walls.foreign_fingerprint(o.slug) for o in (walls.world.a, walls.world.b)}
    cells = walls.cells()
    assert len(cells) == len(walls.tables) * len(Portal) * 2
    # One organization after the other: each may change its own rows, and must leave the other's alone.
    for organization in (walls.world.a, walls.world.b):
        problems = [p for cell in cells if cell.slug == organization.slug for p in walls.attack(cell)]
        assert not problems, "\n".join(problems)
        if organization is walls.world.a:
            assert walls.foreign_fingerprint(organization.slug) == before[organization.slug]


def test_a_new_table_without_walls_is_found(walls: Walls) -> None:
    with walls.superuser.begin() as c:
        c.execute(text("CREATE TABLE forgotten (org_id uuid, id uuid)"))
        c.execute(text("GRANT SELECT ON forgotten TO portal_admin"))
    walls._read_catalogue()
    problems = [p for cell in walls.cells() if cell.table == "forgotten" for p in walls.attack(cell)]
    assert any("forgotten" in p for p in problems)


def test_dropping_any_one_policy_is_noticed(walls: Walls) -> None:
    with walls.superuser.connect() as c:
        policies = c.execute(text(
            "SELECT p.polname, p.polrelid::regclass::text, p.polcmd, (SELECT array_agg(rolname::text) FROM pg_roles "
            "WHERE oid = ANY (p.polroles)), pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid) "
            "FROM pg_policy p ORDER BY 2, 1")).all()
    assert len(policies) > 60
    commands = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}
    unnoticed = []
    for name, table, command, roles, using, check in policies:
        restore = (f"CREATE POLICY {name} ON {table} FOR {commands[command]} TO {', '.join(roles)}"
                   + (f" USING ({using})" if using else "") + (f" WITH CHECK ({check})" if check else ""))
        with walls.superuser.begin() as c:
            c.execute(text(f"DROP POLICY {name} ON {table}"))
        noticed = any(
            walls.attack(cell) for cell in walls.cells()
            if cell.table == table and cell.slug == walls.world.a.slug and str(cell.portal) in roles
        ) or any(login_is_stopped(walls, role, table, commands[command]) for role in roles)
        if not noticed:
            unnoticed.append(f"{table}.{name}")
        with walls.superuser.begin() as c:
            c.execute(text(restore.replace(":", "\\:").replace("\\:\\:", "\\:\\:")))
    assert unnoticed == []
    # With every policy back, nothing is noticed any more: it was the policies that were missed.
    assert not [p for cell in walls.cells() if cell.slug == walls.world.a.slug for p in walls.attack(cell)]


def login_is_stopped(walls: Walls, role: str, table: str, command: str) -> bool:
    """Whether a login of the product itself (auth, service) no longer sees or may add what it should."""
    if role not in {"viramah_auth", "viramah_service"}:
        return False
    connection = psycopg2.connect(walls.servers.libpq_url(walls.database, role))
    try:
        cursor = connection.cursor()
        if command == "INSERT":
            try:
                walls._insert(cursor, table, LOGIN_ROWS[table])
            except psycopg2.errors.InsufficientPrivilege:
                return True
            return False
        columns = sorted(walls.granted[role, table, "UPDATE" if command == "UPDATE" else "SELECT"])
        cursor.execute(f"UPDATE {table} SET {columns[0]} = {columns[0]}" if command == "UPDATE"
                       else f"SELECT {columns[0]} FROM {table}")
        return cursor.rowcount == 0
    finally:
        connection.rollback()
        connection.close()


LOGIN_ROWS: dict[str, dict[str, Any]] = {
    "audit_batches": {"number": 99, "first_seq": 1, "last_seq": 1, "row_count": 1, "digest": b"x", "head": b"x",
                      "key_id": "k", "system_id": "s", "sealed_at": datetime.now(UTC), "seqs": [1], "seals": b"x"},
}
