"""Refusals of a real PostgreSQL, translated: the names of constraints and columns arrive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from app.problems import translate_database_error
from app.rules.errors import Conflict, DomainError, Forbidden, Invalid, LimitReached, NotFound
from app.rules.refusals import Unavailable
from tests.servers import Servers

SCHEMA = """
CREATE TABLE hotels (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE rooms_x (
  id uuid, hotel int REFERENCES hotels,
  number text CONSTRAINT rooms_number_given CHECK (length(btrim(number)) > 0),
  CONSTRAINT rooms_number_key UNIQUE (hotel, number));
INSERT INTO hotels VALUES (1, 'A');
INSERT INTO rooms_x VALUES (NULL, 1, '101');
CREATE FUNCTION refuse(state text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'Asha claimed this.' USING ERRCODE = state, COLUMN = 'note'; END $$;
"""


@pytest.fixture(scope="module")
def database(servers: Servers) -> str:
    url = servers.admin_url(servers.create_database())
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(SCHEMA))
    return url


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    engine = create_engine(database, poolclass=NullPool)
    with engine.connect() as made:
        yield made


@pytest.mark.parametrize(
    ("statement", "kind", "sentence", "field"),
    [
        ("INSERT INTO rooms_x VALUES (NULL, 1, '101')", Conflict, "room of this number already", None),
        ("INSERT INTO rooms_x VALUES (NULL, 1, ' ')", Invalid, "give the room a number", "number"),
        ("INSERT INTO rooms_x VALUES (NULL, 2, '1')", Invalid, "does not exist", None),
        ("DELETE FROM hotels", Invalid, "still refers to it", None),
        ("INSERT INTO hotels VALUES (2, NULL)", Invalid, "fill in “name”", "name"),
        ("SELECT * FROM rooms_x WHERE id = 'x'", NotFound, "nothing at this address", None),
        ("SELECT 'x'::int", Invalid, "kind that belongs there", None),
        ("SELECT '2026-02-30'::date", Invalid, "does not exist", None),
        ("SELECT 99999999999::int", Invalid, "too large", None),
        ("SELECT refuse('VR403')", Forbidden, "Asha claimed this.", None),
        ("SELECT refuse('VR404')", NotFound, "Asha claimed this.", None),
        ("SELECT refuse('VR409')", Conflict, "Asha claimed this.", None),
        ("SELECT refuse('VR422')", Invalid, "Asha claimed this.", "note"),
        ("SELECT refuse('VR429')", LimitReached, "Asha claimed this.", None),
        ("SET LOCAL statement_timeout = '5ms'; SELECT pg_sleep(5)", Unavailable, "took too long", None),
        ("SET LOCAL ROLE pg_monitor; SELECT * FROM hotels", Forbidden, "may not", None),
    ],
)
def test_a_refusal_of_the_server_is_told_in_words_for_people(
    connection: Connection, statement: str, kind: type[DomainError], sentence: str, field: str | None
) -> None:
    with pytest.raises(DBAPIError) as caught:
        connection.execute(text(statement))
    meaning = translate_database_error(caught.value)
    assert type(meaning) is kind
    assert sentence in meaning.message
    assert getattr(meaning, "field", None) == field


@pytest.mark.parametrize(
    "statement", ["SELECT * FROM nowhere", "SELEC 1", "SELECT refuse('P0001')", "SELECT 1/0"]
)
def test_a_mistake_of_ours_stays_one(connection: Connection, statement: str) -> None:
    with pytest.raises(DBAPIError) as caught:
        connection.execute(text(statement))
    assert translate_database_error(caught.value) is None


def test_a_connection_that_the_server_cut_is_a_matter_of_waiting(
    connection: Connection, database: str
) -> None:
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with create_engine(database, poolclass=NullPool).connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with pytest.raises(DBAPIError) as caught:
        connection.execute(text("SELECT 1"))
    assert isinstance(translate_database_error(caught.value), Unavailable)


def test_a_server_that_is_not_there_is_a_matter_of_waiting(closed_port: int) -> None:
    engine = create_engine(f"postgresql+psycopg2://x@127.0.0.1:{closed_port}/x", poolclass=NullPool)
    with pytest.raises(DBAPIError) as caught:
        engine.connect()
    assert isinstance(translate_database_error(caught.value), Unavailable)
