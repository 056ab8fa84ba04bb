"""Whatever a test did to its database, the next one finds it as the template is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.renewal import MOST, OWN, Kept, Renewed
from tests.servers import Servers

ROWS = [
    "UPDATE organizations SET name = 'Other'",
    "DELETE FROM memberships WHERE role <> 'owner'",
    "INSERT INTO platform_roles (user_id) SELECT id FROM ab_user ON CONFLICT DO NOTHING",
    "SELECT nextval('ab_user_id_seq'), nextval('audit_log_seq_seq')",
    "UPDATE clock SET shift = '1 day'; DELETE FROM audit_log; DELETE FROM beds",
    "SET session_replication_role = replica; SET work_mem = '64kB'; SELECT pg_advisory_lock(1)",
]
MORE = [
    "DROP POLICY staff_select ON rooms",
    "ALTER TABLE rooms DISABLE TRIGGER ALL",
    "GRANT DELETE ON rooms TO viramah_web",
    "GRANT UPDATE (number) ON rooms TO viramah_web",
    "CREATE OR REPLACE FUNCTION app.today(zone text) RETURNS date LANGUAGE sql AS 'SELECT NULL::date'",
    "CREATE TABLE extra (x int)",
    "TRUNCATE beds CASCADE",
    "ANALYZE rooms",
    "ALTER DATABASE {database} SET work_mem = '64kB'",
    ("INSERT INTO ab_user (id, first_name, last_name, username, email, active) "
     "SELECT n, repeat('x', 60), 'y', 'u' || n, 'e' || n, true FROM generate_series(5001, 15000) AS n"),
]


@pytest.fixture(scope="module")
def database(servers: Servers, world_template: tuple[str, Any]) -> Iterator[tuple[Renewed, Engine]]:
    """A database beside that of the other tests, and connections to it that are kept."""
    found = Renewed(servers, servers.create_database(), world_template[0], Kept())
    engine = create_engine(servers.admin_url(found.name), pool_size=1)
    found.kept.watch(engine)
    yield found, engine
    found.close()


@pytest.fixture
def renewed(database: tuple[Renewed, Engine]) -> tuple[Renewed, Engine]:
    database[0].renew()
    return database


def state(engine: Engine) -> tuple[int, dict[str, Any]]:
    """The connection, and all that the database holds."""
    with engine.connect() as connection:
        kinds = connection.execute(text(OWN)).all()
        held = {name: connection.scalar(text(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} AS t"))
                for name, kind in kinds if kind == "r"}
        held |= {name: connection.execute(text(f"SELECT last_value, is_called FROM {name}")).one() for name, kind in kinds if kind == "S"}
        held["settings"] = connection.execute(text("SELECT name, setting FROM pg_settings WHERE source = 'session'")).all()
        held["locks"] = connection.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"))
        held["catalogs"] = connection.execute(text(
            "SELECT (SELECT count(*) FROM pg_policy), (SELECT count(*) FROM pg_class), (SELECT md5(string_agg(prosrc, '' ORDER BY oid)) FROM pg_proc), "
            "(SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O'), (SELECT md5(string_agg(relacl::text, '' ORDER BY oid)) FROM pg_class), "
            "(SELECT count(*) FROM pg_attribute WHERE attacl IS NOT NULL), (SELECT sum(reltuples) FROM pg_class WHERE relname = 'rooms')")).one()
        return connection.connection.dbapi_connection.info.backend_pid, held


def execute(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(statement)
        connection.connection.commit()


@pytest.mark.parametrize("statement", ROWS)
def test_changed_rows_are_put_back_and_the_connection_stays(renewed, statement):
    database, engine = renewed
    before = state(engine)
    execute(engine, "SET session_replication_role = replica")
    execute(engine, statement)
    assert state(engine)[1] != before[1]
    database.renew()
    assert state(engine) == before


@pytest.mark.parametrize("statement", MORE)
def test_whatever_else_was_changed_is_answered_by_a_new_copy(renewed, statement):
    database, engine = renewed
    pid, before = state(engine)
    execute(engine, "SET session_replication_role = replica")
    execute(engine, statement.format(database=database.name))
    database.renew()
    new, after = state(engine)
    assert after == before
    assert new != pid


def test_what_others_left_open_does_not_reach_the_next_test(renewed, servers):
    database, engine = renewed
    pid, before = state(engine)
    stranger = create_engine(servers.admin_url(database.name)).connect()
    stranger.execute(text("UPDATE organizations SET name = 'Other'"))
    database.renew()
    assert state(engine) == (pid, before)
    own = engine.connect()
    own.execute(text("UPDATE organizations SET name = 'Other'"))
    database.renew()
    assert state(engine)[1] == before
    for connection in (stranger, own):
        connection.invalidate()
        connection.close()


def test_after_many_renewals_there_is_a_new_copy(renewed):
    database, engine = renewed
    pid, before = state(engine)
    database._uses = MOST
    database.renew()
    new, after = state(engine)
    assert after == before
    assert new != pid
