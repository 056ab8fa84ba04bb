"""The database of a run, as its template again at the start of each test, with its connections kept.

A copy of the template costs little; what costs is that every connection to a new database reads the catalogs and
compiles the functions anew. So only what a test changed is put back: a fingerprint of the rows of each table, of the
sequences and of the catalogs says what that is. Whatever else is not as it was means a new copy.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from sqlalchemy import Engine, event

from tests.servers import Servers

MOST = 200  # renewals until the next copy: what was deleted leaves traces in the files
LARGE = 1 << 20  # bytes: a table that has grown so far is slower to read than a new copy to make

OWN = """SELECT c.oid::regclass::text, relkind FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE relkind IN ('r', 'm', 'S') AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"""
# Every row carries the number of the transaction that wrote it: no change leaves both count and sum as they were.
ROWS = "SELECT '{0}', count(*), sum(hashxidextended(xmin, 0)) FROM {0}"
SEQUENCE = "SELECT '{0}', last_value, is_called::int FROM {0}"
# Where statements that change more than rows leave a trace, ANALYZE among them; the numbers of pg_class it writes in place.
CATALOGS = ("attrdef", "attribute", "class", "constraint", "default_acl", "event_trigger", "extension", "index", "inherits",
            "largeobject_metadata", "namespace", "policy", "proc", "publication", "publication_namespace", "publication_rel",
            "rewrite", "statistic", "statistic_ext", "trigger", "type")
REST = """SELECT 'estimates', count(*), sum(hashfloat4extended(reltuples, relpages)) FROM pg_class UNION ALL
          SELECT 'settings', count(*), sum(hashxidextended(s.xmin, 0)) FROM pg_db_role_setting s
          JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database()"""
CONNECTIONS = """SELECT pid, state = 'idle' FROM pg_stat_activity
                 WHERE datname = current_database() AND backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()"""
CLEAN = """CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all();
           DISCARD TEMP; DISCARD SEQUENCES"""


class Kept:
    """The connections that stay open from test to test: those of engines that were handed to `watch`."""

    def __init__(self) -> None:
        self.engines: list[Engine] = []
        self.open: dict[int, Any] = {}

    def watch(self, *engines: Engine) -> None:
        for engine in engines:
            self.engines.append(engine)
            event.listen(engine, "connect", self._opened)
            event.listen(engine, "close", self._closed)
            event.listen(engine, "close_detached", self._closed)

    def _opened(self, connection: Any, _record: Any) -> None:
        self.open[connection.info.backend_pid] = connection

    def _closed(self, connection: Any, *_record: Any) -> None:
        self.open = {pid: other for pid, other in self.open.items() if other is not connection}

    def clean(self) -> None:
        """What a test set for a session is forgotten; what the session knows of tables and functions is not."""
        for connection in self.open.values():
            with connection, connection.cursor() as cursor:
                cursor.execute(CLEAN)

    def close(self) -> None:
        for engine in self.engines:
            engine.dispose()
        self.open.clear()


@dataclass
class Renewed:
    """Call `renew` for a database that is like `template`, which somebody else may have changed in between."""

    servers: Servers
    name: str
    template: str
    kept: Kept
    _admin: Any = None
    _uses: int = 0
    _marks: dict[str, tuple[int, int]] = field(default_factory=dict)
    _rows: dict[str, bytes] = field(default_factory=dict)
    _sequences: frozenset[str] = frozenset()

    def renew(self) -> None:
        self._uses += 1
        with contextlib.suppress(psycopg2.Error):
            if self._admin is not None and self._uses < MOST and self._only_ours() and self._restored():
                self.kept.clean()
                return
        self._copy()

    def close(self) -> None:
        self.kept.close()
        if self._admin is not None:
            self._admin.close()

    def _copy(self) -> None:
        """The database anew."""
        self.close()
        self.servers.drop_database(self.name)
        self.servers.postgres.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}"')
        self._admin = psycopg2.connect(self.servers.libpq_url(self.name))
        self._uses = 0
        with self._cursor() as cursor:
            cursor.execute(OWN)
            kinds = dict(cursor.fetchall())
            self._sequences = frozenset(name for name, kind in kinds.items() if kind == "S")
            catalogs = [ROWS.format(f"pg_{name}") for name in CATALOGS]
            own = [(SEQUENCE if kind == "S" else ROWS).format(name) for name, kind in kinds.items()]
            cursor.execute("SET plan_cache_mode = force_generic_plan; PREPARE marks AS " + " UNION ALL ".join([*own, *catalogs, REST]))
            self._marks = self._look(cursor)
            if not self._rows:
                self._rows = {name: self._copied(cursor, name) for name, kind in kinds.items() if kind == "r"}

    def _only_ours(self) -> bool:
        """End all connections but those that are kept; false if one of them is gone, or at work."""
        with self._cursor() as cursor:
            cursor.execute(CONNECTIONS)
            found = dict(cursor.fetchall())
            for pid in found.keys() - self.kept.open.keys():
                cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
            return all(found.get(pid) for pid in self.kept.open)

    def _restored(self) -> bool:
        """Put back the rows of changed tables; false if more than rows has changed, or too many."""
        with self._cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica; SET LOCAL lock_timeout = '2s'")  # no trigger, no foreign key
            marks = self._look(cursor)
            changed = {name for name, mark in marks.items() if self._marks[name] != mark}
            if not changed <= self._rows.keys() | self._sequences:
                return False
            cursor.execute("SELECT max(pg_relation_size(name::regclass)) > %s FROM unnest(%s::text[]) AS name", [LARGE, list(changed)])
            if cursor.fetchone()[0]:
                return False
            for name in changed & self._rows.keys():
                cursor.execute(f"DELETE FROM {name}")
                if self._rows[name]:
                    cursor.copy_expert(f"COPY {name} FROM STDIN (FORMAT binary)", io.BytesIO(self._rows[name]))
            for name in changed & self._sequences:
                cursor.execute("SELECT setval(%s, %s, %s::bool)", [name, *self._marks[name]])
            self._marks = self._look(cursor)
            return True

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[Any]:
        with self._admin, self._admin.cursor() as cursor:
            yield cursor

    def _look(self, cursor: Any) -> dict[str, tuple[int, int]]:
        cursor.execute("EXECUTE marks")
        return {name: (count, mark) for name, count, mark in cursor.fetchall()}

    def _copied(self, cursor: Any, name: str) -> bytes:
        if self._marks[name][0] == 0:
            return b""
        file = io.BytesIO()
        cursor.copy_expert(f"COPY {name} TO STDOUT (FORMAT binary)", file)
        return file.getvalue()
