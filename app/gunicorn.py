"""What gunicorn is told beside its command line: `--config python:app.gunicorn`."""

from __future__ import annotations

from typing import Any


def child_exit(_server: Any, worker: Any) -> None:
    """A web process ended: what it counted stays, what it measured just now does not."""
    from app.metrics import forget_process

    forget_process(worker.pid)
