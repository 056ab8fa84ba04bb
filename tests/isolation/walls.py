"""Tries the walls: one cell is one table, one portal, one organization; it reports what it got away with."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import psycopg2.extras
from psycopg2 import sql
from sqlalchemy import Engine, text

from app.permissions import Portal
from tests.isolation.samples import ACTORS, NEW, PERSONAL, SAMPLES, SHARED, SPARE_FILES, known
from tests.servers import Servers
from tests.world import Organization, World

psycopg2.extras.register_uuid()


@dataclass(frozen=True)
class Cell:
    """What is tried."""

    table: str
    portal: Portal
    slug: str


@dataclass(frozen=True)
class ForeignKey:
    """One reference of a table that carries the tenant: (org_id, column) → target."""

    column: str
    target: str
    target_column: str


class Walls:
    """Both organizations filled, everybody signed in, the catalogue read."""

    def __init__(self, servers: Servers, superuser: Engine, database: str, world: World) -> None:
        self.servers, self.superuser, self.database, self.world = servers, superuser, database, world
        self._web: Any = None
        self.tokens: dict[tuple[Portal, str], bytes] = {}
        self._fill()
        self._read_catalogue()

    # -- preparation ------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        with self.superuser.begin() as c:
            c.execute(text("SET session_replication_role = replica"))
            for organization in (self.world.a, self.world.b):
                for table, sample in SAMPLES.items():
                    for row in sample(organization):
                        names = ", ".join(row)
                        c.execute(text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(':' + n for n in row)})"), row)
                for number in range(SPARE_FILES):
                    c.execute(text(
                        "INSERT INTO files (org_id, id, user_id, purpose, name, media_type, size, sha256, storage_key) "
                        "VALUES (:org, :id, :user, 'maintenance', 'n', 'image/png', 1, '', :key)"),
                        {"org": organization.org_id, "id": known(organization, f"spare {number}"), "key": f"spare/{number}",
                         "user": organization.people[ACTORS[Portal.ADMIN]].user_id})
                for portal, role in ACTORS.items():
                    self._sign_in(c, portal, organization.slug, organization.people[role].user_id)
                self._sign_in(c, Portal.PLATFORM, organization.slug, self.world.super_admin)
            c.execute(text("SET session_replication_role = origin"))

    def _sign_in(self, c: Any, portal: Portal, slug: str, user_id: int) -> None:
        digest = hashlib.sha256(secrets.token_bytes(8)).digest()
        c.execute(text("INSERT INTO user_sessions (user_id, digest, device, address, expires_at) "
                       "VALUES (:u, :d, 'walls', '127.0.0.1', '2099-01-01')"), {"u": user_id, "d": digest})
        self.tokens[portal, slug] = digest

    def _read_catalogue(self) -> None:
        with self.superuser.connect() as c:
            self.tables = sorted(c.scalars(text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')")))
            self.columns: dict[str, set[str]] = {}
            for table, column in c.execute(text(
                    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")):
                self.columns.setdefault(table, set()).add(column)
            self.granted: dict[tuple[str, str, str], set[str]] = {}
            for grantee, table, column, privilege in c.execute(text(
                    "SELECT grantee, table_name, column_name, privilege_type FROM information_schema.column_privileges "
                    "WHERE table_schema = 'public'")):
                self.granted.setdefault((grantee, table, privilege), set()).add(column)
            for grantee, table in c.execute(text(
                    "SELECT grantee, table_name FROM information_schema.table_privileges "
                    "WHERE table_schema = 'public' AND privilege_type = 'DELETE'")):
                self.granted[grantee, table, "DELETE"] = set()
            self.keys: dict[str, list[ForeignKey]] = {}
            for table, column, target, target_column in c.execute(text("""
                SELECT conrelid::regclass::text, a.attname, confrelid::regclass::text, f.attname
                FROM pg_constraint k
                JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY u (here, there, place) ON true
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.here
                JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = u.there
                WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 2 AND a.attname <> 'org_id'""")):
                self.keys.setdefault(table, []).append(ForeignKey(column, target, target_column))

    # -- asking -----------------------------------------------------------------------------------------------

    def organization(self, slug: str) -> Organization:
        return self.world.a if slug == self.world.a.slug else self.world.b

    def other(self, slug: str) -> Organization:
        return self.world.b if slug == self.world.a.slug else self.world.a

    def cells(self) -> list[Cell]:
        return [Cell(table, portal, o.slug) for table in self.tables for portal in Portal
                for o in (self.world.a, self.world.b)]

    @contextmanager
    def bound(self, portal: Portal | None, slug: str) -> Iterator[Any]:
        """A transaction of the web login, begun as the product begins it; committed at the end."""
        if self._web is None:
            self._web = psycopg2.connect(self.servers.libpq_url(self.database, "viramah_web"))
        connection = self._web
        try:
            cursor = connection.cursor()
            if portal is not None:
                cursor.execute("SELECT app.bind(%s, %s, %s, NULL, 'walls', true)", (
                    self.tokens.get((portal, slug)), self.organization(slug).org_id, [str(portal)]))
                cursor.execute("SELECT current_setting('role')")
                assert cursor.fetchone() == (str(portal),)
            yield cursor
            connection.commit()
        finally:
            connection.rollback()

    def foreign_fingerprint(self, slug: str) -> str:
        """A hash of all the other organization's rows, as the superuser sees them."""
        parts = []
        with self.superuser.connect() as c:
            for table in self.tables:
                where = self._foreign_condition(table, slug)
                if where:
                    parts.append(str(c.execute(text(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t WHERE {where}")).scalar()))
        return hashlib.sha256("".join(parts).encode()).hexdigest()

    def _foreign_condition(self, table: str, slug: str) -> str | None:
        other = self.other(slug)
        if table in PERSONAL:
            ids = ", ".join(str(p.user_id) for p in other.people.values())
            return f"{PERSONAL[table]} IN ({ids})"
        if table == "organizations":
            return f"id = '{other.org_id}'"
        return f"org_id = '{other.org_id}'" if "org_id" in self.columns[table] else None

    # -- trying -----------------------------------------------------------------------------------------------

    def attack(self, cell: Cell) -> list[str]:
        """Everything this portal can do to this table; the list says what it should not have been able to, or
        could not though it should.
        """
        found: list[str] = []
        if cell.table not in SAMPLES:
            return [f"{cell.table} has no sample row: add one to tests/isolation/samples.py"]
        for step in (self._reads, self._updates, self._inserts, self._deletes):
            found += [f"{cell.portal} of {cell.slug}, {cell.table}: {problem}" for problem in step(cell)]
        return found

    def _may(self, cell: Cell, privilege: str) -> set[str] | None:
        return self.granted.get((str(cell.portal), cell.table, privilege))

    def _refused(self, cell: Cell, statement: Any, values: Any = ()) -> str | None:
        """None if the database refuses outright, else what happened."""
        with self.bound(cell.portal, cell.slug) as cursor:
            try:
                cursor.execute(statement, values)
            except psycopg2.errors.InsufficientPrivilege:
                cursor.connection.rollback()
                return None
            return f"no refusal, {cursor.rowcount} rows"

    def _reads(self, cell: Cell) -> Iterator[str]:
        columns = self._may(cell, "SELECT")
        table = sql.Identifier(cell.table)
        if not columns:
            if (outcome := self._refused(cell, sql.SQL("SELECT 1 FROM {}").format(table))) is not None:
                yield f"reads without a grant: {outcome}"
            return
        foreign = self._foreign_condition(cell.table, cell.slug)
        with self.bound(cell.portal, cell.slug) as cursor:
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(table))
            if cursor.fetchone()[0] == 0:
                yield "sees no row of its own"
            if foreign:
                cursor.execute(sql.SQL("SELECT count(*) FROM {} WHERE " + foreign).format(table))
                if (seen := cursor.fetchone()[0]) != 0:
                    yield f"reads {seen} foreign rows"
            elif cell.table not in SHARED:
                yield "is readable, but belongs to no tenant"

    def _updates(self, cell: Cell) -> Iterator[str]:
        columns = self._may(cell, "UPDATE")
        table = sql.Identifier(cell.table)
        if not columns:
            column = min(self.columns[cell.table])
            statement = sql.SQL("UPDATE {} SET {c} = {c}").format(table, c=sql.Identifier(column))
            if (outcome := self._refused(cell, statement)) is not None:
                yield f"updates without a grant: {outcome}"
            return
        column = sql.Identifier(min(columns))
        foreign = self._foreign_condition(cell.table, cell.slug)
        with self.bound(cell.portal, cell.slug) as cursor:
            cursor.execute(sql.SQL("UPDATE {} SET {c} = {c} WHERE " + str(foreign)).format(table, c=column))
            if cursor.rowcount:
                yield f"updates {cursor.rowcount} foreign rows"
            cursor.execute(sql.SQL("UPDATE {} SET {c} = {c}").format(table, c=column))
            if not cursor.rowcount:
                yield "updates no row of its own"
            for key in self.keys.get(cell.table, ()):
                if key.column in columns:
                    yield from self._points_away(cursor, cell, key, sql.SQL("UPDATE {} SET {} = %s").format(
                        table, sql.Identifier(key.column)))

    def _points_away(self, cursor: Any, cell: Cell, key: ForeignKey, statement: Any, *values: Any) -> Iterator[str]:
        """Tries to make a row of this organization point at a row of the other."""
        with self.superuser.connect() as c:
            foreign = c.execute(text(f"SELECT {key.target_column} FROM {key.target} WHERE org_id = :o LIMIT 1"),
                                {"o": self.other(cell.slug).org_id}).scalar()
        cursor.execute("SAVEPOINT away")
        try:
            cursor.execute(statement, (*values, foreign))
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except (psycopg2.errors.ForeignKeyViolation, psycopg2.errors.InsufficientPrivilege, psycopg2.DatabaseError):
            cursor.execute("ROLLBACK TO away")
        else:
            # A trigger may have put the right value in place of the wrong one.
            cursor.execute(sql.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(
                sql.Identifier(cell.table), sql.Identifier(key.column)), (foreign,))
            if cursor.fetchone()[0] != 0:
                yield f"points {key.column} at a foreign row of {key.target}"
            cursor.execute("ROLLBACK TO away")

    def _insert(self, cursor: Any, table: str, row: dict[str, Any]) -> None:
        names = list(row)
        cursor.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join([sql.Placeholder()] * len(names))), [row[n] for n in names])

    def _make_room(self) -> None:
        """A request takes five files: those of earlier tries are put away."""
        with self.superuser.begin() as c:
            c.execute(text("UPDATE maintenance_attachments SET deleted_at = now() WHERE file_id IN "
                           "(SELECT id FROM files WHERE storage_key LIKE 'spare/%')"))

    def _inserts(self, cell: Cell) -> Iterator[str]:
        columns = self._may(cell, "INSERT")
        organization, other = self.organization(cell.slug), self.other(cell.slug)
        if not columns:
            if (outcome := self._refused(
                    cell, sql.SQL("INSERT INTO {} DEFAULT VALUES").format(sql.Identifier(cell.table)))) is not None:
                yield f"inserts without a grant: {outcome}"
            return
        if cell.table == "maintenance_attachments":
            self._make_room()
        if cell.table not in NEW:
            yield "may insert, but tests/isolation/samples.py says no NEW row"
            return
        with self.bound(cell.portal, cell.slug) as cursor:
            try:
                self._insert(cursor, cell.table, NEW[cell.table](organization))
            except psycopg2.Error as error:
                yield f"cannot insert a row of its own: {error.diag.message_primary}"
                return
            for key in self.keys.get(cell.table, ()):
                if key.column not in columns:
                    continue
                row = NEW[cell.table](organization) | {key.column: None}
                names = [n for n in row if n != key.column] + [key.column]
                statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                    sql.Identifier(cell.table), sql.SQL(", ").join(map(sql.Identifier, names)),
                    sql.SQL(", ").join([sql.Placeholder()] * len(names)))
                yield from self._points_away(cursor, cell, key, statement, *[row[n] for n in names[:-1]])
        with self.bound(cell.portal, cell.slug) as cursor:
            try:
                self._insert(cursor, cell.table, NEW[cell.table](other) | {"org_id": other.org_id})
            except psycopg2.Error:
                cursor.connection.rollback()
            else:
                yield "inserts a row into the other organization"

    def _deletes(self, cell: Cell) -> Iterator[str]:
        table = sql.Identifier(cell.table)
        if self._may(cell, "DELETE") is None:
            if (outcome := self._refused(cell, sql.SQL("DELETE FROM {}").format(table))) is not None:
                yield f"deletes without a grant: {outcome}"
            return
        with self.bound(cell.portal, cell.slug) as cursor:
            cursor.execute(sql.SQL("DELETE FROM {} WHERE " + str(self._foreign_condition(cell.table, cell.slug))).format(table))
            if cursor.rowcount:
                yield f"deletes {cursor.rowcount} foreign rows"
            cursor.execute(sql.SQL("DELETE FROM {}").format(table))
            if not cursor.rowcount:
                yield "deletes no row of its own"
            cursor.connection.rollback()
