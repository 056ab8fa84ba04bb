"""How gunicorn runs the console, beside addresses and the number of processes: `--config python:app.gunicorn`."""

from __future__ import annotations

import os
from typing import Any

# Processes, not threads: Flask-AppBuilder's views keep the state of a request. Each takes a connection when it is free, so
# that nobody waits behind a report while another process rests.
worker_class = "sync"
timeout = 60
graceful_timeout = 10
max_requests = 100_000  # a process starts in seconds: webhooks that come by the thousand must not make it start all the time
max_requests_jitter = 10_000
control_socket_disable = True
if os.access("/dev/shm", os.W_OK):  # noqa: S108 - memory, not disk
    worker_tmp_dir = "/dev/shm"  # noqa: S108


def child_exit(_server: Any, worker: Any) -> None:
    """A web process ended: what it counted stays, what it measured just now does not."""
    from app.metrics import forget_process

    forget_process(worker.pid)
