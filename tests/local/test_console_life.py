"""The whole console started for real: it becomes ready, stops cleanly, keeps its data, and survives a kill -9."""

import base64
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.local.console import ROOT
from app.local.places import open_data_folder
from app.local.postgres import remove

pytestmark = pytest.mark.fault


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


KEYS = {"SECRET_KEY": secrets.token_urlsafe(48), "AUDIT_SEAL_KEY": key(), "FIELD_KEYS": f"k1:{key()}"}


class Console:
    """One run of the console without demo data, in a process of its own."""

    def __init__(self, data: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.data = data
        self.process = subprocess.Popen(
            [*self.command(), "--port", str(self.port)],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("The console is ready"):
                return
        raise AssertionError("".join(self.said))

    def command(self) -> list[str]:
        return [sys.executable, "-P", "-m", "app.local", "--data", str(self.data)]

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DEMO": "0", "WEB_WORKERS": "1", **KEYS}

    def status(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        return connection.getresponse().status

    def sql(self, statement: str) -> str:
        command = [*self.command(), "psql", "-AtqX", "-c", statement]
        return subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, check=True
        ).stdout

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, how: signal.Signals) -> list[list[str]]:
        """End it, and tell the commands of those of its processes that still live a minute later."""
        children = self.children()
        commands = {child.pid: child.cmdline() for child in children}
        self.process.send_signal(how)
        self.process.wait(60)
        self.process.stdout.close()
        return [commands[child.pid] for child in psutil.wait_procs(children, timeout=60)[1]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Console]]:
    started: list[Console] = []

    def run() -> Console:
        started.append(Console(tmp_path))
        return started[-1]

    yield run
    for console in started:
        if console.process.poll() is None:
            console.end(signal.SIGTERM)
    remove(open_data_folder(tmp_path).postgres)


def test_stopped_or_killed_it_leaves_no_process_and_the_next_start_finds_its_data(start: Callable[[], Console]):
    """In one go: each start takes seconds."""
    first = start()
    assert first.status("/readyz") == 200
    first.sql("CREATE TABLE kept AS SELECT 42 AS n")
    assert first.end(signal.SIGINT) == []
    assert first.process.returncode == 0
    assert first.sql("SELECT n FROM kept") == "42\n"  # psql starts the stopped database for itself
    second = start()
    assert second.status("/readyz") == 200
    assert second.end(signal.SIGKILL) == []
    third = start()
    assert third.status("/readyz") == 200
    assert third.sql("SELECT n FROM kept") == "42\n"
    # People's requests never reach a process that knows the superuser's address.
    web = [child for child in third.children() if "gunicorn" in " ".join(child.cmdline())]
    assert web
    assert all("DATABASE_ADMIN_URL" not in child.environ() for child in web)
    assert third.end(signal.SIGTERM) == []
