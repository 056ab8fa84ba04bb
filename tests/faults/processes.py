"""Real processes of the product, to be killed; conditions are waited for, with a deadline, never for a time."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text

from app.services import work
from app.tenancy import tenant_scope

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0  # seconds within which everything committed must be done


def wait_until(condition, deadline=DEADLINE, pause=0.02):
    """Return what `condition()` returns once it is true; fail after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < end, "this did not happen in time"
        time.sleep(pause)
    return found


class Faults:
    """Starts processes of the product, and looks at what became of the work."""

    def __init__(self, settings, engine, org_id, folder):
        self.settings, self.engine, self.org_id, self.folder = settings, engine, org_id, folder
        self.processes = []
        self.redis_url = settings.redis_url

    def environment(self):
        """The settings as environment variables."""
        found = {}
        for field in dataclasses.fields(self.settings):
            value = getattr(self.settings, field.name)
            if isinstance(value, bytes):
                value = base64.b64encode(value).decode()
            elif field.name in ("field_keys", "telegram_config_encryption_key"):
                value = ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in value.items())
            elif field.name == "portal_hosts" or value is None or isinstance(value, bool):
                continue
            found[field.name.upper()] = str(value)
        return {**os.environ, **found, "REDIS_URL": self.redis_url, "FAULT_DIR": str(self.folder), "FAULT_ORG": str(self.org_id)}

    def start(self, *words):
        """A Python program of ours, in a process group of its own."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, env=self.environment(), stdout=log, stderr=log, start_new_session=True)
        self.processes.append(process)
        return process

    def start_worker(self, processes=1, lease=2, poll=1):
        """The product's worker, impatient."""
        return self.start("-m", "tests.faults.kinds", "--processes", str(processes), "--lease", str(lease), "--poll", str(poll))

    def kill(self, process):
        """Kill -9, children included."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self):
        for process in self.processes:
            self.kill(process)

    def ask(self, *words, kind="fault.note"):
        """Ask for the words to be written down, in one committed transaction."""
        with tenant_scope(self.org_id) as session:
            for word in words:
                work.enqueue(session, kind, {"word": word})

    def hold(self, word):
        """Whoever handles the word will stand still inside."""
        (self.folder / f"{word}.hold").touch()

    def wait_inside(self, word):
        wait_until((self.folder / f"{word}.inside").exists)

    def let_go(self, word):
        (self.folder / f"{word}.hold").unlink()

    def notes(self):
        """The words that were written down, sorted; twice if written twice."""
        with self.engine.begin() as connection:
            return sorted(connection.execute(text("SELECT row_id FROM audit_log WHERE action = 'worked'")).scalars())

    def states(self):
        """How many rows of the outbox are in which state."""
        with self.engine.begin() as connection:
            return dict(connection.execute(text(
                "SELECT state, count(*) FROM outbox WHERE kind LIKE 'fault.%' GROUP BY state")).all())

    def wait_all_done(self, deadline=DEADLINE):
        """Every committed row is done."""
        wait_until(lambda: set(self.states()) == {"done"}, deadline)
