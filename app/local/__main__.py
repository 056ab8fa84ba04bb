"""What `python3 run.py` does once its environment stands: one function per command."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2.extensions

import config
from app.local import environment, places
from app.local.console import ROOT, StopRequested, held, run_console, start_servers
from app.local.environment import Local
from app.local.places import DataFolder
from app.local.postgres import psql_program, remove
from app.local.process import LocalError
from app.local.supervisor import Supervisor
from run import parse

LIBPQ = {"dbname": "PGDATABASE"}  # the one parameter whose variable has another name
SERVERS_PATIENCE = 60.0  # seconds


def main() -> int:
    arguments = parse(sys.argv[1:])
    try:
        return COMMANDS[arguments.command](arguments)
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    except config.ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    except (StopRequested, KeyboardInterrupt):
        return 130


def start(arguments: argparse.Namespace) -> int:
    return run_console(places.open_data_folder(arguments.data), arguments.port)


def test(arguments: argparse.Namespace) -> int:
    """Two processes share the files, taken in their order; a `-n` among the words says otherwise."""
    # Put in order of their numbers of tests, the few that take longest would come last, for one process alone.
    shared = [] if "-n" in arguments.rest else ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    return subprocess.run([sys.executable, "-m", "pytest", *shared, *arguments.rest], cwd=ROOT, check=False).returncode


def bench(arguments: argparse.Namespace) -> int:
    return subprocess.run([sys.executable, "-m", "bench", *arguments.rest], cwd=ROOT, check=False).returncode


def flask(arguments: argparse.Namespace) -> int:
    with servers(arguments) as local:
        command = [sys.executable, "-P", "-m", "flask", "--app", "app:create_app", *arguments.rest]
        return foreground(command, local.environment("cli"))


def psql(arguments: argparse.Namespace) -> int:
    with servers(arguments) as local:
        address = local.settings.get(environment.ADMIN_ONLY)
        if address is None:
            raise LocalError(
                "DATABASE_ADMIN_URL is not set: psql needs the superuser's address of that database."
            )
        address = address.replace("postgresql+psycopg2:", "postgresql:", 1)
        parts = psycopg2.extensions.parse_dsn(address)
        # In variables, not as an argument: everybody may read the arguments of a running process.
        variables = {LIBPQ.get(name, f"PG{name.upper()}"): value for name, value in parts.items()}
        return foreground([str(psql_program()), *arguments.rest], {**os.environ, **variables})


def env(arguments: argparse.Namespace) -> int:
    folder = existing(arguments)
    port = folder.lock.read_text() if folder.lock.exists() else ""
    local = environment.describe(folder, int(port or arguments.port), os.environ, create=False)
    for name, value in sorted(local.settings.items()):
        print(f"export {name}={shlex.quote(value)}")
    return 0


def reset(arguments: argparse.Namespace) -> int:
    folder = existing(arguments)
    with held(folder) as mine:
        if not mine:
            raise LocalError(f"The console runs on {folder.root}: stop it first.")
        if not arguments.yes:
            answer = (
                input(f"Remove database, files, mail, logs and secrets in {folder.root}? [y/N] ")
                if sys.stdin.isatty()
                else ""
            )
            if answer.strip().lower() not in ("y", "yes"):
                raise LocalError("Nothing was removed: say yes, or give --yes.")
        local = environment.describe(folder, arguments.port, {}, create=False)
        if local.postgres:
            local.postgres.stop_from_outside()
        remove(folder.postgres)
        for name in ("logs", *environment.PRIVATE):
            shutil.rmtree(folder.root / name, ignore_errors=True)
        shutil.rmtree(folder.sockets, ignore_errors=True)
        folder.secrets.unlink(missing_ok=True)
        folder.gateways.unlink(missing_ok=True)
    print(f"Removed. The next start makes everything in {folder.root} anew.")
    return 0


COMMANDS = {
    None: start,
    "test": test,
    "bench": bench,
    "flask": flask,
    "psql": psql,
    "env": env,
    "reset": reset,
}


def existing(arguments: argparse.Namespace) -> DataFolder:
    if not (Path(arguments.data) / "secrets.json").exists():
        raise LocalError(f"There is nothing in {arguments.data} yet: `python3 run.py` makes it.")
    return places.open_data_folder(arguments.data)


@contextmanager
def servers(arguments: argparse.Namespace) -> Iterator[Local]:
    """The installation with its servers running: the console's own, else started for this command only."""
    folder = places.open_data_folder(arguments.data)
    with held(folder) as mine:
        local = environment.describe(folder, arguments.port, os.environ)
        if not mine:
            wait_for_others(local)
            yield local
            return
        signal.signal(signal.SIGTERM, _interrupt)
        supervisor = Supervisor(lambda _: None)
        try:
            start_servers(supervisor, local)
            yield local
        finally:
            supervisor.stop()
            shutil.rmtree(folder.sockets, ignore_errors=True)


def _interrupt(*_: object) -> None:
    raise StopRequested


def wait_for_others(local: Local) -> None:
    deadline = time.monotonic() + SERVERS_PATIENCE
    while not all(server.answers() for server in (local.postgres, local.redis) if server):
        if time.monotonic() > deadline:
            raise LocalError(f"Another run.py holds {local.folder.root}, and its servers do not answer.")
        time.sleep(0.2)


def foreground(command: list[str], env: dict[str, str]) -> int:
    """Run a program on this terminal; Ctrl-C is its business, not ours."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with subprocess.Popen(
            command,
            env=env,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        ) as process:
            try:
                return process.wait()
            except StopRequested:
                process.terminate()
                return 1
    finally:
        signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    sys.exit(main())
