"""Compares a database with what the code declares: both catalogues are read, and each difference is a sentence.

What is declared is built in a scratch database of the same cluster, so that PostgreSQL itself writes both sides and
nothing has to be parsed. alembic-utils compares some of this, and overlooks what matters most to the walls: whether
row-level security is on and forced, whether triggers fire, who was granted what.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, TextClause, create_engine, text
from sqlalchemy.pool import NullPool

from app.models.cluster import database_statements
from app.models.declare import AUTH, DEFINER, OWNER, REALTIME, SERVICE, WEB
from app.models.schema import schema_statements
from app.permissions import Portal

LONGEST_DEFINITION = 160  # characters of a definition in a sentence; longer ones are only said to differ

_CATALOGUE = (Path(__file__).parent / "drift.sql").read_text(encoding="utf-8").split("\n--: ")[1:]
_QUERIES = {kind: query for kind, _, query in (part.partition("\n") for part in _CATALOGUE)}
_WITHOUT_NAME = {"row-level security", "default privileges", "replica identity", "live columns"}  # of something, rather than called something
_ROLES = text("""
    SELECT rolname, concat_ws(' ', CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
             CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
             CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolcanlogin THEN 'LOGIN' END,
             CASE WHEN rolinherit THEN 'INHERIT' END)
    FROM pg_roles WHERE rolname = ANY (:ours)""")
_MEMBERS = text("""
    SELECT r.rolname || ' in ' || g.rolname, CASE WHEN m.inherit_option THEN 'inherit' ELSE 'no inherit' END
             || CASE WHEN m.set_option THEN ', set' ELSE ', no set' END || CASE WHEN m.admin_option THEN ', admin' ELSE '' END
    FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
    WHERE r.rolname = ANY (:ours)""")

Snapshot = dict[str, dict[str, str]]


def differences(engine: Engine) -> list[str]:
    """A sentence for each difference between `engine`'s database and what the code declares; needs a superuser."""
    with engine.connect() as connection:
        found = snapshot(connection)
        roles = _role_differences(connection)
    with _scratch(engine) as scratch, scratch.connect() as connection:
        declared = snapshot(connection)
    return [*roles, *(line for kind in _QUERIES for line in _compare(kind, declared[kind], found[kind]))]


def snapshot(connection: Connection) -> Snapshot:
    """Kind → name → definition, as PostgreSQL writes it."""
    # Names in definitions carry their schema, whatever the login's own search path is.
    connection.exec_driver_sql("SET search_path = pg_catalog")
    return {kind: _read(connection, text(query)) for kind, query in _QUERIES.items()}


def _read(connection: Connection, query: TextClause, values: Mapping[str, Any] | None = None) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(query, values)}


@contextmanager
def _scratch(engine: Engine) -> Iterator[Engine]:
    """A database as the code declares it, gone afterwards."""
    name = f"drift_{secrets.token_hex(6)}"
    own = create_engine(engine.url.set(database=name), poolclass=NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as outside:
        outside.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
        try:
            with own.begin() as inside:
                for statement in database_statements(name):
                    inside.exec_driver_sql(statement)
                inside.exec_driver_sql(f"SET ROLE {OWNER}")
                for statement in schema_statements():
                    inside.execution_options(no_parameters=True).exec_driver_sql(statement)
            yield own
        finally:
            outside.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _compare(kind: str, declared: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*declared, *found}):
        what = f"The {kind} {'of ' if kind in _WITHOUT_NAME else ''}{name}"
        if name not in found:
            yield f"{what} is missing."
        elif name not in declared:
            yield f"{what} is not declared{_told(': ', found[name])}."
        elif found[name] != declared[name]:
            yield f"{what} differs{_told(': it is ', found[name])}{_told('; declared is ', declared[name])}."


def _told(before: str, definition: str) -> str:
    """The definition, if it helps: not a page of it, and not that a thing is merely there."""
    text_ = " ".join(definition.split())
    return f"{before}{text_}" if len(text_) <= LONGEST_DEFINITION and text_ != "given" else ""


def _role_differences(connection: Connection) -> list[str]:
    """Roles belong to the cluster, which has no scratch: what they must be stands here, as in models/cluster.py."""
    portals = [str(portal) for portal in Portal]
    attributes = {OWNER: "BYPASSRLS", DEFINER: "BYPASSRLS", WEB: "LOGIN", AUTH: "LOGIN", SERVICE: "LOGIN",
                  REALTIME: "REPLICATION LOGIN",
                  **dict.fromkeys(portals, "")}
    members = {f"{OWNER} in {DEFINER}": "inherit, set",
               **{f"{login} in {portal}": "no inherit, set" for login in (WEB, SERVICE) for portal in portals}}
    ours = {"ours": list(attributes)}
    found_roles = _read(connection, _ROLES, ours)
    found_members = _read(connection, _MEMBERS, ours)
    return [*_compare("role", attributes, found_roles),
            *_compare("role membership", members, found_members)]
