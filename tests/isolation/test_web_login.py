"""What somebody who can run SQL through a screen still cannot do: become more, read secrets, rewrite logs, be another."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest

from app.permissions import Portal
from tests.isolation.walls import Walls

TRIES = {
    "become the owner": "SET ROLE viramah_owner",
    "become the definer": "SET ROLE viramah_definer",
    "become the auth login": "SET ROLE viramah_auth",
    "become the service login": "SET ROLE viramah_service",
    "become the superuser": "SET SESSION AUTHORIZATION postgres",
    "read a password hash": "SELECT password_hash FROM user_credentials",
    "read the framework's password column": "SELECT password FROM ab_user",
    "read a session's digest": "SELECT digest FROM user_sessions",
    "read the key of bindings": "SELECT key FROM binding_keys",
    "make a seal": "SELECT app.seal_of('portal_admin', '', '', '*')",
    "switch row security off": "ALTER TABLE rooms DISABLE ROW LEVEL SECURITY",
    "drop a policy": "DROP POLICY staff_select ON rooms",
    "switch triggers off": "SET session_replication_role = replica",
    "disable a trigger": "ALTER TABLE audit_log DISABLE TRIGGER ALL",
    "change the audit": "UPDATE audit_log SET reason = 'x'",
    "remove from the audit": "DELETE FROM audit_log",
    "empty the audit": "TRUNCATE audit_log",
    "add to the audit": "INSERT INTO audit_log (actor, portal, action, table_name) VALUES ('x', 'x', 'x', 'x')",
    "change history": "UPDATE maintenance_status_history SET note = 'x'",
    "remove history": "DELETE FROM maintenance_status_history",
    "write history": "INSERT INTO maintenance_status_history (request_id, to_status) VALUES (uuidv7(), 'resolved')",
    "set a state": "UPDATE maintenance_requests SET status = 'resolved'",
    "write a membership": "INSERT INTO memberships (user_id, role) VALUES (1, 'owner')",
    "change a membership": "UPDATE memberships SET role = 'owner'",
    "join the platform": "INSERT INTO platform_roles (user_id) VALUES (101)",
    "change the matrix": "INSERT INTO role_permissions VALUES ('viewer', 'audit', 'read')",
    "change a limit": "UPDATE organizations SET limits = '{}'",
    "change the plan": "UPDATE organizations SET plan = 'enterprise'",
    "move the clock": "UPDATE clock SET shift = interval '1 day'",
    "make a function": "CREATE FUNCTION app.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "make a table": "CREATE TABLE public.mine (id int)",
    "read files of the server": "SELECT pg_read_file('PG_VERSION')",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "bind as the product": "SELECT app.bind_system((SELECT app.current_org()), '')",
    "finish work as a worker": "SELECT app.claim_work('x', 1, interval '1 minute', '{}')",
}


@pytest.fixture
def walls(servers: Any, superuser: Any, database_name: str, world: Any) -> Walls:
    return Walls(servers, superuser, database_name, world)


@pytest.mark.parametrize("portal", list(Portal))
def test_sql_through_a_portal_gains_nothing(walls: Walls, portal: Portal) -> None:
    got_away = []
    for what, statement in TRIES.items():
        with walls.bound(portal, walls.world.a.slug) as cursor:
            try:
                cursor.execute(statement)
            except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.UndefinedFunction):
                cursor.connection.rollback()
            else:
                got_away.append(what)
                cursor.connection.rollback()
    assert got_away == []


def test_without_a_role_everything_is_denied(walls: Walls) -> None:
    for table in walls.tables:
        with walls.bound(None, "") as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(f"SELECT 1 FROM public.{table}")


@pytest.mark.parametrize("portal", list(Portal))
def test_a_role_without_a_tenant_sees_no_row(walls: Walls, portal: Portal) -> None:
    readable = {table for grantee, table, privilege in walls.granted if grantee == str(portal) and privilege == "SELECT"}
    for table in readable - {"plan_limits", "roles", "role_permissions"}:
        with walls.bound(None, "") as cursor:
            cursor.execute("SELECT set_config('role', %s, true)", (str(portal),))
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,), table


FORGERIES = {
    "another organization": ("app.org_id", lambda walls: str(walls.world.b.org_id)),
    "another person": ("app.user_id", lambda walls: str(walls.world.owner.user_id)),
    "more capabilities": ("app.caps", lambda _: "*"),
    "another portal": ("role", lambda _: str(Portal.ADMIN)),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_settings_written_by_hand_bind_nobody(walls: Walls, what: str) -> None:
    name, value = FORGERIES[what]
    with walls.bound(Portal.MANAGEMENT, walls.world.a.slug) as cursor:
        cursor.execute("SELECT count(*) FROM maintenance_requests")
        assert cursor.fetchone()[0] > 0
        cursor.execute("SELECT set_config(%s, %s, true)", (name, value(walls)))
        for table in ("maintenance_requests", "rooms", "notifications", "user_sessions"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,), table


def test_a_seal_of_an_earlier_transaction_is_worth_nothing(walls: Walls) -> None:
    with walls.bound(Portal.ADMIN, walls.world.a.slug) as cursor:
        cursor.execute("SELECT current_setting('app.seal'), current_setting('app.caps'), current_setting('app.org_id'), "
                       "current_setting('app.user_id')")
        held = dict(zip(("app.seal", "app.caps", "app.org_id", "app.user_id"), cursor.fetchone(), strict=True))
        cursor.connection.commit()
        for name, value in {**held, "role": str(Portal.ADMIN)}.items():
            cursor.execute("SELECT set_config(%s, %s, true)", (name, value))
        cursor.execute("SELECT count(*) FROM rooms")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("portal", [Portal.MANAGEMENT, Portal.RESIDENT, Portal.SALES, Portal.CANTEEN, Portal.AMENITY])
def test_nobody_gives_themselves_a_role(walls: Walls, portal: Portal) -> None:
    with walls.bound(portal, walls.world.a.slug) as cursor:
        cursor.execute("SELECT current_setting('app.user_id')::int")
        me = cursor.fetchone()[0]
        cursor.execute("SELECT set_config('app.caps', '*', true), set_config('role', 'portal_admin', true)")
        with pytest.raises(psycopg2.DatabaseError):
            cursor.execute("SELECT app.grant_role(%s, 'owner', NULL, NULL, NULL)", (me,))
