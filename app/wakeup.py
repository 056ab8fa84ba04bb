"""Wakes a worker after a commit that may have asked for work. The outbox is the truth: a lost wake-up costs seconds."""

from __future__ import annotations

import time
from threading import Timer

import structlog
from flask import Flask, current_app, has_app_context, has_request_context, request
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.job import Job
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.services.work import ASKED
from app.wiring import ConsoleSession, queue, redis

WAKE_UP = "jobs.outbox.drain"
PENDING = "work:woken"  # while it exists, a wake-up is under way that will see our rows
PENDING_SECONDS = 5  # a wake-up whose worker died is made up for after that
REDIS_REST = 10.0  # seconds for which a Redis that failed is not asked: a request must not wait for it
PAUSE = 0.05  # seconds; of many wake-ups within it, one is at its begin and one at its end
_RESTS_UNTIL, _WOKEN_AT, _TIMER = "wakeup.rests_until", "wakeup.woken_at", "wakeup.timer"
_log = structlog.get_logger(__name__)


def init_app(app: Flask) -> None:
    """Nothing is known against Redis yet."""
    app.extensions.update({_RESTS_UNTIL: 0.0, _WOKEN_AT: 0.0, _TIMER: None})


@event.listens_for(ConsoleSession, "after_commit")
def _after_commit(session: Session) -> None:
    # Triggers ask for work as well, so every writing request counts; a wake-up for nothing costs one query.
    wrote = has_request_context() and request.method not in {"GET", "HEAD", "OPTIONS"}
    if session.info.pop(ASKED, False) or wrote:
        wake()


def wake() -> None:
    """Have one worker look at the outbox now; quietly gives up where Redis does not answer."""
    if not has_app_context() or time.monotonic() < current_app.extensions[_RESTS_UNTIL]:
        return
    try:
        if redis().set(PENDING, 1, nx=True, ex=PENDING_SECONDS):
            queue().enqueue(WAKE_UP, result_ttl=0, failure_ttl=60, ttl=60)
    except RedisError as error:
        current_app.extensions[_RESTS_UNTIL] = time.monotonic() + REDIS_REST
        _log.warning("worker_not_woken", error=type(error).__name__)


def wake_soon(app: Flask) -> None:
    """The same for a door through which much comes at once: Redis is asked twice per `PAUSE` at most."""
    if time.monotonic() - app.extensions[_WOKEN_AT] >= PAUSE:
        app.extensions[_WOKEN_AT] = time.monotonic()
        wake()
    elif app.extensions[_TIMER] is None:
        app.extensions[_TIMER] = Timer(PAUSE, _wake_late, [app])
        app.extensions[_TIMER].start()


def _wake_late(app: Flask) -> None:
    app.extensions[_TIMER] = None  # who commits from here on wakes again
    with app.app_context():
        wake()


def wait_for_wake_up(seconds: int) -> bool:
    """Wait until somebody calls `wake()`, at most `seconds`; False if nobody did. RedisError if Redis is away."""
    try:
        found = Queue.lpop([queue().key], max(seconds, 1), connection=redis())
    except DequeueTimeout:
        return False
    # Whoever commits from here on must wake again: our look at the outbox may be too early for them.
    redis().delete(PENDING, Job.key_for(found[1].decode()))
    return True
