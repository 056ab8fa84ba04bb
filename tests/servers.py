"""The servers that tests talk to: one shared PostgreSQL (fsync off), a Redis per run, cached template databases.

Several runs may go at once, also beside a running console: the cluster is started by the first, stopped when the
last has ended, however it ended, and every run makes its own databases. It trusts every login, so runs share the roles whatever
passwords they set; the folder of its socket is closed to other users.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from app.local import places
from app.local.postgres import Postgres, remove
from app.local.process import LocalError, let_go, spawn
from app.local.redis import Redis

HOME = Path(__file__).resolve().parent.parent / "var" / "test"
USERS = HOME / "users.lock"  # held by every run, shared
TEMPLATES_KEPT = 6
# Asks the server for its fast shutdown and waits for its end, for a minute at most.
STOP = """
pid="$1/postmaster.pid"
[ -e "$pid" ] && kill -INT "$(head -n 1 "$pid")"
for tenth in $(seq 600); do [ -e "$pid" ] || exit 0; sleep 0.1; done
"""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path` exclusively among all processes; a killed holder lets go."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass
class Servers:
    """What a test run may ask of its servers."""

    postgres: Postgres
    redis: Redis
    _made: list[str] = field(default_factory=list)
    _in_use: dict[str, TextIO] = field(default_factory=dict)

    def admin_url(self, database: str = "postgres") -> str:
        """The superuser's SQLAlchemy address of a database."""
        return self.url(database)

    def url(self, database: str, login: str = "postgres", password: str = "test") -> str:
        """Any login's SQLAlchemy address; the password does not matter here."""
        return self.libpq_url(database, login, password).replace("postgresql:", "postgresql+psycopg2:", 1)

    def libpq_url(self, database: str = "postgres", login: str = "postgres", password: str = "test") -> str:
        """The same address for psycopg2.connect, psql and pg_dump."""
        return self.postgres.url(database, login, password)

    def redis_url(self, number: int = 0) -> str:
        """An address of this run's own Redis, which has 16 numbered databases."""
        return self.redis.url(number)

    def create_database(self, template: str | None = None) -> str:
        """A new database of this run, empty or copied from a template; dropped when the run ends."""
        name = f"run_{os.getpid()}_{secrets.token_hex(4)}"
        self.postgres.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"')
        self._made.append(name)
        return name

    def drop_database(self, name: str) -> None:
        # A realtime process that was killed leaves its slot, and a database with a slot is not dropped.
        self.postgres.execute(
            f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '{name}' AND NOT active",
            f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def template_database(self, key: str, build: Callable[[str], None]) -> str:
        """The name of the template database for `key`, built once by `build(admin_url)`.

        `key`: a hash of all that goes into it (migrations, seeds): [a-z0-9_], at most 50 characters.
        Other runs wait for the one that builds, and nothing else builds meanwhile, so `build` may also
        change what the whole cluster shares (roles and their memberships). A failed build leaves nothing.
        """
        if not re.fullmatch(r"[a-z0-9_]{1,50}", key):
            raise ValueError(f"a template's key is 1 to 50 characters of a-z, 0-9 and _, not {key!r}")
        name, half = f"tmpl_{key}", f"half_{key}"
        with locked(HOME / "template.lock"):
            if name not in self.postgres.databases():
                self.drop_database(half)
                self.postgres.execute(f'CREATE DATABASE "{half}" TEMPLATE template0')
                try:
                    build(self.admin_url(half))
                except BaseException:
                    self.drop_database(half)
                    raise
                self.postgres.execute(
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{half}'",
                    f'ALTER DATABASE "{half}" WITH ALLOW_CONNECTIONS false IS_TEMPLATE true',
                    f'ALTER DATABASE "{half}" RENAME TO "{name}"',
                )
                self._forget_old_templates()
            if name not in self._in_use:
                self._in_use[name] = (HOME / f"{name}.lock").open("a")
                fcntl.flock(self._in_use[name], fcntl.LOCK_SH)
        return name

    def _forget_old_templates(self) -> None:
        rows = self.postgres.query(
            "SELECT datname FROM pg_database WHERE datname LIKE 'tmpl\\_%' ORDER BY oid DESC"
        )
        for (old,) in rows[TEMPLATES_KEPT:]:
            with (HOME / f"{old}.lock").open("a") as used:
                try:
                    fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue  # a run copies from it
                self.postgres.execute(
                    f'ALTER DATABASE "{old}" WITH IS_TEMPLATE false', f'DROP DATABASE "{old}" WITH (FORCE)'
                )
                Path(used.name).unlink()

    def drop_this_runs(self) -> None:
        for name in self._made:
            self.drop_database(name)
        self._made.clear()
        while self._in_use:
            self._in_use.popitem()[1].close()

    def drop_leftovers(self) -> None:
        """Drop what runs that were killed left behind."""
        for name in self.postgres.databases():
            found = re.fullmatch(r"run_(\d+)_[0-9a-f]+", name)
            if found and not Path(f"/proc/{found[1]}").exists():
                self.drop_database(name)
        for folder in self.redis.sockets.parent.glob("run-*"):
            if not Path(f"/proc/{folder.name.removeprefix('run-')}").exists():
                shutil.rmtree(folder, ignore_errors=True)


def _start_shared() -> Postgres:
    folder = places.open_data_folder(HOME)
    places.private_folder(folder.sockets, 0o711)
    cluster = Postgres(
        folder.postgres,
        folder.sockets / "pg",
        folder.logs / "postgres.log",
        password="test",
        durable=False,
        trust=True,
    )
    if not cluster.answers():
        cluster.log.unlink(missing_ok=True)
        try:
            cluster.start(outlives=True)
        except LocalError:
            # A crash without fsync may have broken it; it holds nothing worth keeping.
            cluster.stop_from_outside()
            remove(cluster.folder)
            cluster.start(outlives=True)
        cluster.let_go()
    return cluster


def _stop_after_the_last(cluster: Postgres) -> None:
    """Leave somebody who waits until no run holds users.lock any more, and then stops the cluster."""
    watcher = ["flock", "--exclusive", str(USERS), "sh", "-c", STOP, "sh", str(cluster.folder.resolve())]
    let_go(spawn(watcher, log=HOME / "logs" / "stop.log", env={"PATH": os.defpath}, death_signal=None))


@contextlib.contextmanager
def running_servers() -> Iterator[Servers]:
    """The servers for one test run: the shared cluster, started if this run is the first, and a Redis."""
    HOME.mkdir(parents=True, exist_ok=True)
    with USERS.open("a") as users:
        with locked(HOME / "start.lock"):
            fcntl.flock(
                users, fcntl.LOCK_SH
            )  # before the look: nobody stops from here on what is found running
            cluster = _start_shared()
        _stop_after_the_last(cluster)
        own = cluster.sockets.parent / f"run-{os.getpid()}"
        servers = Servers(cluster, Redis(own, HOME / "logs" / "redis.log"))
        try:
            servers.drop_leftovers()
            servers.redis.start()
            yield servers
        finally:
            servers.redis.stop()
            shutil.rmtree(own, ignore_errors=True)
            servers.drop_this_runs()
