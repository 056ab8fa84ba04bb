"""The start of the whole console: servers, database, demo data, then the processes, watched until the stop."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import config
from app.local import environment, places
from app.local.environment import DATABASE, MARK, Local
from app.local.places import DataFolder
from app.local.process import LocalError, adopt_orphans, last_line, spawn, stop
from app.local.supervisor import Program, Supervisor, end_marked

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
READY_PATIENCE = 120.0  # seconds
LOG_BYTES = 20_000_000  # at which a log is set aside, at the next start
DEATHS_AT_START = 3  # of one process, before the start is given up


class StopRequested(BaseException):
    """Somebody asked for the stop: Ctrl-C, SIGTERM, or a closed terminal."""


def say(text: str) -> None:
    # A reader that went away (a closed terminal, `| head`) must not keep the stop from being orderly.
    with contextlib.suppress(OSError):
        print(text, flush=True)


def _request_stop(_signal: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the stop is under way: asking again must not break it off
    raise StopRequested


def run_console(folder: DataFolder, port: int) -> int:
    """Start everything, print address and logins, watch until a stop is asked for; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _request_stop)
    adopt_orphans()
    supervisor = Supervisor(say)
    try:
        with held(folder) as mine:
            if not mine:
                raise LocalError(
                    f"The console already runs on {folder.root}: stop it first, or choose another --data."
                )
            if left := end_marked(MARK, str(folder.root)):
                say(f"Ended {left} processes that an earlier run left behind.")
            check_port(port)
            rotate_logs(folder)
            folder.lock.write_text(str(port))  # for `env`, which others ask while this runs
            local = environment.describe(folder, port, os.environ)
            settings = config.load(local.settings)
            if settings.database_realtime_url:
                check_port(settings.realtime_port, "REALTIME_PORT")
            for twins in (twins_port(settings), payment_twins_port(settings), telegram_twin_port(settings)):
                if twins is not None:
                    check_port(twins)
            try:
                start_servers(supervisor, local)
                logins = prepare_database(local, demo=settings.demo)
                start_processes(supervisor, local, settings, port)
                wait_until_ready(supervisor, folder, port)
                announce(folder, port, logins)
                while True:
                    supervisor.look()
                    time.sleep(0.2)
            finally:
                # From here on a second Ctrl-C changes nothing.
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                say("Stopping …")
                supervisor.stop()
                end_marked(MARK, str(folder.root))
                shutil.rmtree(folder.sockets, ignore_errors=True)
    except StopRequested:
        say("Stopped.")
        return 0


@contextlib.contextmanager
def held(folder: DataFolder) -> Iterator[bool]:
    """Whether this process alone may start servers on the folder; a killed holder lets go."""
    with folder.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def check_port(port: int, chosen_with: str = "--port") -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise LocalError(f"Port {port} is for root only: choose one above 1023 with {chosen_with}.") from error
        except OSError as error:
            raise LocalError(f"Port {port} is taken by another program: choose one with {chosen_with}.") from error


def rotate_logs(folder: DataFolder) -> None:
    """Set aside what has grown: one older file of each log is kept."""
    for log in folder.logs.glob("*.log"):
        if log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))


def start_servers(supervisor: Supervisor, local: Local) -> None:
    """Start the embedded servers, those that the environment does not replace, and make the database."""
    places.private_folder(local.folder.sockets, 0o711)
    if local.postgres:
        supervisor.say("Starting PostgreSQL 18 …")
        supervisor.start("PostgreSQL", local.postgres)
        if DATABASE not in local.postgres.databases():
            local.postgres.execute(f'CREATE DATABASE "{DATABASE}" TEMPLATE template0')
    if local.redis:
        supervisor.say("Starting Redis …")
        local.redis.environment = {"LC_ALL": "C", MARK: str(local.folder.root)}
        supervisor.start("Redis", local.redis)


def prepare_database(local: Local, *, demo: bool) -> str:
    """Roles, migrations, and in the demo its data; all three do nothing when done already.

    Returns the demo's logins, as text. LocalError carries the last line of logs/start.log.
    """
    admin = ["bootstrap", "upgrade"] if local.settings.get(environment.ADMIN_ONLY) else []
    if not admin:
        say("DATABASE_ADMIN_URL is not set: roles and migrations are taken as they are.")
    steps = [*admin, *(["load", "logins"] if demo else [])]
    log = local.folder.logs / "start.log"
    log.write_bytes(b"")
    command = [sys.executable, "-P", "-m", "app.local.prepare", *steps]
    variables = local.environment("cli", supervised=True)
    process = spawn(command, log=log, env=variables, cwd=ROOT, stdout=subprocess.PIPE)
    logins = ""
    try:
        for line in told(process):
            if line.endswith("…\n"):
                say(line.rstrip())
            else:
                logins += line
        code = process.wait()
    except StopRequested:
        stop(process, signal.SIGTERM, 5)
        raise
    if code:
        raise LocalError(f"The database could not be made ready: {last_line(log, 'Error')} (more in {log}).")
    return logins


def told(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """The lines of a process that was started with a pipe, as they come."""
    if process.stdout is not None:
        with process.stdout:
            for line in process.stdout:
                yield line.decode(errors="replace")


def start_processes(supervisor: Supervisor, local: Local, settings: config.Settings, port: int) -> None:
    web = ["-m", "gunicorn", "app:create_app()", "--config", "python:app.gunicorn", "--bind", f"{HOST}:{port}",
           "--workers", str(settings.web_workers)]
    counts = new_counts(local.folder)
    worker, scheduler = ["-m", "jobs.worker"], ["-m", "jobs.scheduler"]
    realtime = {"realtime": ["-m", "app.api.realtime"]} if settings.database_realtime_url else {}
    twins = {"twins": ["-m", "app.local.twins", str(twins_port(settings))]} if twins_port(settings) else {}
    if gateways := payment_twins_port(settings):
        twins["gateways"] = ["-m", "app.local.payment_twins", str(gateways), str(local.folder.gateways), settings.public_url]
    if telegram := telegram_twin_port(settings):
        twins["telegram"] = ["-m", "app.local.telegram_twin", str(telegram), str(local.folder.telegram)]
    for name, words in {"web": web, "worker": worker, "scheduler": scheduler, **realtime, **twins}.items():
        say(f"Starting {name} …")
        program = Program(
            [sys.executable, "-P", *words],
            log=local.folder.logs / f"{name}.log",
            environment={**local.environment(name if name in ("web", "realtime") else "worker", supervised=True), **counts},
            folder=ROOT,
        )
        supervisor.start(name, program)


def twins_port(settings: config.Settings) -> int | None:
    """Where the demo's stand-ins for Google and GitHub listen; None if people sign in with the real ones, or with none."""
    return urlsplit(settings.oauth_google_url).port if settings.oauth_google_client_id == environment.TWIN_ID else None


def payment_twins_port(settings: config.Settings) -> int | None:
    """Where the demo's stand-ins for payment gateways listen; None where money is real."""
    address = urlsplit(settings.razorpay_api_base)
    return address.port if settings.demo and address.hostname == HOST else None


def telegram_twin_port(settings: config.Settings) -> int | None:
    """Where the demo's stand-in for Telegram listens; None where messages reach people."""
    address = urlsplit(settings.telegram_api_base)
    return address.port if settings.demo and address.hostname == HOST else None


def new_counts(folder: DataFolder) -> dict[str, str]:
    """Where the processes of this run count for /metrics, together and from nothing; see app/metrics.py."""
    path = folder.root / "metrics"
    if path.exists():
        shutil.rmtree(path)
    places.private_folder(path)
    return {"PROMETHEUS_MULTIPROC_DIR": str(path)}


def wait_until_ready(supervisor: Supervisor, folder: DataFolder, port: int) -> None:
    """Return when /readyz answers 200; LocalError carries what it, or the log of the web process, says."""
    deadline = time.monotonic() + READY_PATIENCE
    said = "no answer"
    while time.monotonic() < deadline:
        supervisor.look()
        status, said = readiness(port, said)
        if status == http.HTTPStatus.OK:
            return
        if supervisor.deaths("web") >= DEATHS_AT_START:
            said = last_line(folder.logs / "web.log", "Error", "error")
            break
        time.sleep(0.2)
    raise LocalError(f"The console did not become ready: {said} (more in {folder.logs}).")


def readiness(port: int, otherwise: str) -> tuple[int, str]:
    """Status of /readyz and its text on one line, or 0 and `otherwise` when nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, " ".join(answer.read(300).decode(errors="replace").split())
    except (OSError, http.client.HTTPException):
        return 0, otherwise
    finally:
        connection.close()


def announce(folder: DataFolder, port: int, logins: str) -> None:
    if logins:
        say(f"\n{logins.strip()}")
    say(f"\nThe console is ready: http://{HOST}:{port}  (Ctrl-C stops it; logs in {folder.logs})")
