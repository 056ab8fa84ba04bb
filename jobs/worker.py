"""Worker processes: python -m jobs.worker [--processes N]. Each drains the outbox when woken, and every few seconds.

They poll PostgreSQL by themselves, so that they work on when Redis is away; RQ's queue only saves the seconds
between two looks. A process that dies is replaced; SIGTERM lets each finish the transaction it is in.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from multiprocessing.process import BaseProcess
from types import FrameType

import structlog
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from app import create_app, wakeup
from app.logs import unbind
from app.wiring import engines, settings
from jobs import registry
from jobs.outbox import LEASE, Drainer
from jobs.poller import fetches_nothing, new_poller
from jobs.sender import PATIENCE, new_sender

POLL_SECONDS = 5
REBIRTH_SECONDS = 0.5  # between the death of a process and its replacement
_log = structlog.get_logger(__name__)


class Stop:
    """Set by SIGTERM and SIGINT; those who wait for it are woken."""

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self._event.set()

    def asked(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        return self._event.wait(seconds)


def work(app: Flask, drainer: Drainer, stop: Stop, poll_seconds: int = POLL_SECONDS) -> None:
    """Drain, wait, drain again, until asked to stop; a database or a Redis that is away is waited for."""
    with app.app_context():
        while not stop.asked():
            unbind()
            try:
                drainer.drain(stop.asked)
            except DBAPIError:
                _log.warning("outbox_not_drained", exc_info=True)
                stop.wait(poll_seconds)
                continue
            _wait(stop, poll_seconds)


def _wait(stop: Stop, seconds: int) -> None:
    """Wait for a wake-up in slices of a second: a signal does not break off Redis's blocking calls."""
    until = time.monotonic() + seconds
    while not stop.asked() and (left := until - time.monotonic()) > 0:
        try:
            if wakeup.wait_for_wake_up(1):
                return
        except RedisError:
            stop.wait(min(left, seconds))


def _child(app: Flask, lease: timedelta, poll_seconds: int, parent: int) -> None:
    stop = Stop()
    with app.app_context():
        engines().dispose()  # connections are not shared between processes
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    sender = _beside(new_sender(app).run, stop)
    if not fetches_nothing(app):
        _beside(new_poller(app).run, stop)
    work(app, Drainer.new(lease), stop, poll_seconds)
    sender.join(PATIENCE)


def _beside(run: Callable[[Callable[[], bool], Callable[[float], object]], None], stop: Stop) -> threading.Thread:
    """A loop beside the outbox; if it dies of a mistake the process goes with it, and is replaced."""
    def watched() -> None:
        try:
            run(stop.asked, stop.wait)
        finally:
            if not stop.asked():
                os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=watched, daemon=True)
    thread.start()
    return thread


def _leave_with(parent: int) -> None:
    """A worker whose parent was killed would otherwise work on beside its replacement, unwatched."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


class Pool:
    """Keeps `count` worker processes alive; forked from one that has everything loaded."""

    def __init__(self, count: int, start: Callable[[], None]) -> None:
        self._context = multiprocessing.get_context("fork")
        self._start, self._count = start, count
        self._processes: list[BaseProcess] = []

    def run(self, stop: Stop) -> None:
        """Replace the dead until asked to stop; then let the living finish."""
        while not stop.wait(REBIRTH_SECONDS if self._processes else 0):
            living = [process for process in self._processes if process.is_alive()]
            for process in self._processes:
                if process not in living:
                    _log.warning("worker_died", pid=process.pid, exit_code=process.exitcode)
            self._processes = living
            while len(self._processes) < self._count:
                self._fork()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()

    def _fork(self) -> None:
        process = self._context.Process(target=self._start, daemon=False)
        process.start()
        self._processes.append(process)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pool; the settings say how many processes there are."""
    parser = argparse.ArgumentParser(prog="python -m jobs.worker", description="Do what the outbox holds.")
    parser.add_argument("--processes", type=int, help="how many (default: JOB_WORKERS)")
    parser.add_argument("--lease", type=float, default=LEASE.total_seconds(), help="seconds until a dead worker's work is taken over")
    parser.add_argument("--poll", type=int, default=POLL_SECONDS, help="seconds between two looks without a wake-up")
    given = parser.parse_args(arguments)
    stop = Stop()
    app = create_app("worker")
    registry.load()
    with app.app_context():
        count = given.processes or settings().job_workers
    parent = os.getpid()
    Pool(count, lambda: _child(app, timedelta(seconds=given.lease), given.poll, parent)).run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
