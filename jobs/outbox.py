"""Drains the outbox: claims rows that are due, runs their handlers, finishes them in the same transaction."""

from __future__ import annotations

import os
import random
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import sentry_sdk
import structlog
from flask import current_app
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from app import metrics, wakeup
from app.masking import mask_text
from app.metrics import Outcome
from app.problems import translate_database_error
from app.rules.errors import DomainError
from app.rules.work import MAX_ATTEMPTS, is_hopeless, pause_after
from app.services import work
from app.services.work import Claimed
from app.tenancy import queue_scope, service_scope, tenant_scope
from jobs.registry import NoHandler, external_kinds, handler_of, load

BATCH = 50
LEASE = timedelta(seconds=30)  # with the workers' poll of 5 s, the work of a killed worker starts again within 35 s
_log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """Somebody else took the row over meanwhile: roll back, it is theirs now."""


class WorkersDied(Exception):
    """The row was begun often enough, and nobody lived to tell how it ended."""


@dataclass(frozen=True)
class Drainer:
    """One worker's way through the outbox; `name` is unique among all workers that ever were."""

    name: str
    lease: timedelta = LEASE
    batch: int = BATCH

    @classmethod
    def new(cls, lease: timedelta = LEASE, batch: int = BATCH) -> Drainer:
        """A drainer for this process."""
        return cls(f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}", lease, batch)

    def drain(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Do what is due until nothing is, or `stopping` says so; returns how many rows were handled.

        Errors: DBAPIError if the database goes away; what was claimed comes back when its lease ends.
        """
        handled = 0
        while not stopping():
            with queue_scope() as session:
                claimed = work.claim(session, self.name, self.batch, self.lease, external_kinds())
            if not claimed:
                break
            if len(claimed) == self.batch:
                wakeup.wake()  # there is more than one worker's handful
            with self._held(claimed):
                self._run(claimed, stopping)
            handled += len(claimed)
        return handled

    def _run(self, claimed: Sequence[Claimed], stopping: Callable[[], bool]) -> None:
        by_org = sorted(claimed, key=lambda row: str(row.org_id))
        groups = [list(rows) for _, rows in groupby(by_org, key=lambda row: row.org_id)]
        for number, rows in enumerate(groups):
            if stopping():
                self._give_back([row for group in groups[number:] for row in group])
                return
            if len(rows) == 1 or self._attempt(rows) is not None:
                for row in rows:
                    self._run_alone(row)

    def _give_back(self, rows: Sequence[Claimed]) -> None:
        with queue_scope() as session:
            work.release(session, [row.id for row in rows], self.name)

    def _run_alone(self, row: Claimed) -> None:
        error = self._attempt([row]) if row.attempts <= MAX_ATTEMPTS else WorkersDied("Every worker that tried this died of it.")
        if isinstance(error, LeaseLost):
            _log.warning("work_lost", work_id=str(row.id), kind=row.kind)
        elif error is not None:
            self._failed(row, error)

    def _attempt(self, rows: Sequence[Claimed]) -> Exception | None:
        """Run rows of one organization in one transaction; what went wrong, after which nothing is written."""
        try:
            self._transact(rows)
        except Exception as error:
            if isinstance(error, DBAPIError) and _is_away(error):
                raise  # the rows are not to blame
            return error
        return None

    def _transact(self, rows: Sequence[Claimed]) -> None:
        with bound_contextvars(request_id=uuid4().hex), self._scope(rows) as session:
            handlers = [handler_of(row.kind) for row in rows]
            for handler, row in zip(handlers, rows, strict=True):
                handler.call(session, row.payload)
            session.flush()
            relaxed = not any(handler.external for handler in handlers)
            if not work.finish(session, [row.id for row in rows], self.name, relaxed=relaxed):
                raise LeaseLost
        for row in rows:
            metrics.count_job(row.kind, Outcome.DONE)

    def _scope(self, rows: Sequence[Claimed]) -> AbstractContextManager[Session]:
        org_id = rows[0].org_id
        if org_id is not None:
            return tenant_scope(org_id, request_id=structlog.contextvars.get_contextvars()["request_id"])
        return service_scope(f"work: {', '.join(sorted({row.kind for row in rows}))}")

    def _failed(self, row: Claimed, error: Exception) -> None:
        meaning = meaning_of(error)
        hopeless = is_hopeless(meaning, row.attempts)
        again = None if hopeless else datetime.now(UTC) + pause_after(row.attempts, random.random())  # noqa: S311
        metrics.count_job(row.kind, Outcome.DEAD if hopeless else Outcome.RETRY)
        _log.warning("work_failed", work_id=str(row.id), kind=row.kind, attempts=row.attempts, dead=hopeless,
                     reason=told(meaning),
                     exc_info=None if isinstance(meaning, DomainError | NoHandler) else error)
        if not isinstance(meaning, DomainError):
            sentry_sdk.capture_exception(error)
        with queue_scope() as session:
            work.fail(session, row.id, self.name, told(meaning), again)

    @contextmanager
    def _held(self, rows: Sequence[Claimed]) -> Iterator[None]:
        """Renew the lease while the rows are worked on, so that a long handler is not taken for a dead one."""
        until = datetime.now(UTC) + max(_longest(row.kind) for row in rows)
        finished = Event()
        app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - for the thread
        thread = Thread(target=self._renew, args=(app, [row.id for row in rows], until, finished), daemon=True)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join()

    def _renew(self, app: Any, ids: list[UUID], until: datetime, finished: Event) -> None:
        while not finished.wait(self.lease.total_seconds() / 3) and datetime.now(UTC) < until:
            try:
                with app.app_context(), queue_scope() as session:
                    work.renew(session, ids, self.name, self.lease)
            except DBAPIError:
                _log.warning("lease_not_renewed", exc_info=True)


def _longest(kind: str) -> timedelta:
    try:
        return handler_of(kind).longest
    except NoHandler:
        return LEASE


def _is_away(error: DBAPIError) -> bool:
    """Whether the connection broke, or there was nobody to say why it was refused."""
    return error.connection_invalidated or (
        isinstance(error, OperationalError) and getattr(error.orig, "pgcode", None) is None)


def meaning_of(error: Exception) -> Exception:
    """What a database refusal says to people; any other error as it is."""
    return (translate_database_error(error) or error) if isinstance(error, DBAPIError) else error


def told(error: Exception) -> str:
    """The error as the dead letter shows it: a sentence, without values and without personal data."""
    if isinstance(error, DomainError):
        return mask_text(error.message)
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return mask_text(f"{type(error).__name__}: {text.strip().splitlines()[0]}" if text.strip() else type(error).__name__)


def drain() -> None:
    """What a wake-up asks for, as any `rq worker` would run it too."""
    load()
    Drainer.new().drain()
