"""Does tasks, step by step: each step is one piece of the outbox, and what it did is counted in the same transaction.

A worker that is killed loses one step at most, and the next worker begins where the last committed step ended. A person
who asks for the end gets it between two steps, or wherever a step tells how far it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.permissions import Portal
from app.problems import translate_database_error
from app.rules.errors import DomainError
from app.rules.progress import ACTIVE, SHOWN_EVERY, TaskKind, TaskStatus
from app.services import progress
from app.services.progress import Orders
from app.services.work import enqueue
from app.tenancy import tenant_scope
from jobs.registry import Payload, handles

ELSEWHERE = timedelta(seconds=2)  # until it is looked again whether another worker has ended its step
_AGAIN = ("08", "40", "53", "55", "57")  # classes of errors of the database that another try may not meet
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


class Cancelled(Exception):
    """Somebody asked for the end of the task in the middle of a step."""


@dataclass(frozen=True)
class Result:
    """What became of the whole: figures for the summary, and a file to take along."""

    figures: dict[str, Any] = field(default_factory=dict)
    file_id: UUID | None = None
    cancelled: bool = False


@dataclass
class Step:
    """One step of a task. `session` is the step's own transaction, as the product; counters come with its end."""

    session: Session
    task_id: UUID
    orders: Orders
    _shown_at: datetime = _NEVER

    @property
    def again(self) -> bool:
        """Whether somebody has it tried again after it failed."""
        return bool(self.orders.cursor.get("failed"))

    @contextmanager
    def as_person(self) -> Iterator[Session]:
        """A transaction as the person who started the task, through their portal; it is committed at the end."""
        with tenant_scope(self.orders.org_id, self.orders.user_id, portal=Portal(self.orders.portal)) as session:
            yield session

    def advance(self, session: Session, done: int, cursor: dict[str, Any], total: int | None = None) -> None:
        """Count what `session` did, in its transaction: both are there, or neither is."""
        progress.note(session, self.task_id, done, total, cursor)

    def show(self, done: int, total: int | None = None) -> None:
        """Tell how far the step is while its own transaction is open, twice a second at most. Error: Cancelled."""
        now = datetime.now(UTC)
        if now - self._shown_at < SHOWN_EVERY:
            return
        self._shown_at = now
        with tenant_scope(self.orders.org_id) as session:
            status = progress.note(session, self.task_id, done, total)
        if status == TaskStatus.CANCELLING:
            raise Cancelled


class Runner(ABC):
    """How the tasks of some kinds are done."""

    @abstractmethod
    def step(self, step: Step) -> Result | None:
        """Do some of it; None if there is more to do. It may be repeated: it begins where `orders.cursor` says.

        Errors: DomainError with the sentence that the person gets; Cancelled. Neither leaves anything of this step.
        """

    def ended(self, step: Step, message: str) -> dict[str, Any]:  # noqa: ARG002 - for those who clean up
        """The task ends before it is done, cancelled ("") or failed: clean up, and give the figures of what was done."""
        return dict(step.orders.cursor.get("figures", {}))


RUNNERS: dict[TaskKind, Runner] = {}


@handles("progress.step", external=True, longest=timedelta(hours=1))
def do_step(session: Session, payload: Payload) -> None:
    """Do one step and ask for the next. `external` only so that it shares its transaction with no other work."""
    task_id = UUID(payload["task_id"])
    orders = progress.hold(session, task_id)
    if orders is None:
        enqueue(session, "progress.step", payload, due=datetime.now(UTC) + ELSEWHERE)
        return
    if orders.status not in ACTIVE:
        return
    step = Step(session, task_id, orders)
    if orders.status == TaskStatus.CANCELLING:
        _end(step)
        return
    if orders.status == TaskStatus.QUEUED:
        with tenant_scope(orders.org_id) as visible:
            progress.move(visible, task_id, "begin")
    _run(step)


def _run(step: Step) -> None:
    try:
        with step.session.begin_nested():
            result = RUNNERS[step.orders.kind].step(step)
    except Cancelled:
        _end(step)
    except DomainError as error:
        _fail(step, error.message)
    except DBAPIError as error:
        meaning = translate_database_error(error)
        if meaning is None or (getattr(error.orig, "pgcode", None) or "08").startswith(_AGAIN):
            raise
        _fail(step, meaning.message)
    else:
        if result is None:
            progress.ask_for_step(step.session, step.task_id)
        elif result.cancelled:
            _end(step)
        else:
            progress.move(step.session, step.task_id, "finish", result=result.figures, file_id=result.file_id)


def _end(step: Step) -> None:
    figures = RUNNERS[step.orders.kind].ended(step, "")
    progress.move(step.session, step.task_id, "end", result=figures)


def _fail(step: Step, message: str) -> None:
    figures = RUNNERS[step.orders.kind].ended(step, message)
    progress.move(step.session, step.task_id, "fail", result=figures, message=message)
