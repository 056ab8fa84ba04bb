"""Long work: started in the transaction that wants it, done step by step by workers, found again and cancelled by people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session, joinedload

from app.models.progress import Task
from app.rules.errors import Invalid, NotFound
from app.rules.lists import BULK_MAX
from app.rules.progress import ACTIVE, JUST_ENDED, MOST_ACTIVE, PAGE, TaskKind, TaskStatus
from app.services.work import enqueue
from app.text import N_

_START = text("SELECT app.start_task(:id, :kind, CAST(:title AS jsonb), CAST(:asked AS jsonb), :total, :subject, :most)")
_MOVE = text("SELECT app.move_task(:id, :event, CAST(:args AS jsonb))")
_HOLD = text("SELECT org_id, status, kind, user_id, portal, subject_id, asked, cursor FROM app.hold_task(:id)")
_NOTE = text("SELECT app.note_task(:id, :done, :total, CAST(:cursor AS jsonb))")
_FORGET = text("SELECT app.forget_tasks(:before, :most)")


@dataclass(frozen=True)
class Orders:
    """A task as its step needs it: whose it is, what was asked, where the step begins."""

    org_id: UUID
    status: TaskStatus
    kind: TaskKind
    user_id: int
    portal: str
    subject_id: UUID | None
    asked: dict[str, Any]
    cursor: dict[str, Any]


# -- by people --------------------------------------------------------------------------------------------------


def start(session: Session, kind: TaskKind, *, task_id: UUID | None = None, title: Mapping[str, Any] | None = None,
          asked: Mapping[str, Any] | None = None, total: int | None = None, subject_id: UUID | None = None) -> UUID:
    """Have a worker do something long for the caller. A `task_id` that a form was opened with makes it once.

    Errors: VR403, VR409 (the subject is being worked on), VR429 (too many of the kind at once).
    """
    found = task_id or uuid4()
    new = session.execute(_START, {
        "id": found, "kind": kind.value, "title": json.dumps(dict(title or {})), "asked": json.dumps(dict(asked or {})),
        "total": total, "subject": subject_id, "most": MOST_ACTIVE[kind]}).scalar_one()
    if new:
        ask_for_step(session, found)
    return found


def start_bulk(session: Session, screen: str, action: str, keys: Sequence[str], note: str = "",
               task_id: UUID | None = None) -> UUID:
    """Have an action of a model screen taken on many rows, each as if the caller took it there.

    `screen` is the view's endpoint, which the caller has been let through; `note` is what the action asks for.
    Errors: Invalid (no rows, or too many), and those of `start`.
    """
    wanted = list(dict.fromkeys(keys))
    if not 1 <= len(wanted) <= BULK_MAX:
        raise Invalid(N_(f"Choose between 1 and {BULK_MAX:,} rows."))
    title = {"screen": screen, "action": action}
    return start(session, TaskKind.BULK, task_id=task_id, title=title, total=len(wanted), asked={**title, "keys": wanted, "note": note})


def cancel(session: Session, task_id: UUID) -> None:
    """Ask for the end of a task; it comes between two of its steps. What was done stays, and is told."""
    move(session, task_id, "cancel")
    ask_for_step(session, task_id)  # the next step may be hours away, after a failure


def retry(session: Session, task_id: UUID) -> None:
    """Begin a failed task again, where it was."""
    move(session, task_id, "retry")
    ask_for_step(session, task_id)


def find(session: Session, task_id: UUID) -> Task:
    """The task, if it is the caller's, or the caller may see everybody's; as it is now."""
    found: Task | None = session.scalar(select(Task).where(Task.id == task_id).execution_options(populate_existing=True))
    if found is None:
        raise NotFound("There is no such task.")
    return found


def about(session: Session, subject_id: UUID) -> Task | None:
    """What is being done about a thing, or was done last."""
    found: Task | None = session.scalar(
        select(Task).where(Task.subject_id == subject_id).order_by(Task.created_at.desc(), Task.id.desc()).limit(1))
    return found


def listed(session: Session, org_id: UUID, user_id: int | None, *, before: tuple[datetime, UUID] | None = None) -> list[Task]:
    """Tasks of one person, or, without one, all that the caller may see with who started them: the newest first, up to
    PAGE and one more.
    """
    found = select(Task).where(Task.org_id == org_id).order_by(Task.created_at.desc(), Task.id.desc()).limit(PAGE + 1)
    found = found.options(joinedload(Task.starter)) if user_id is None else found.where(Task.user_id == user_id)
    if before is not None:
        found = found.where(tuple_(Task.created_at, Task.id) < tuple_(*before))
    return list(session.scalars(found))


def lately(session: Session, org_id: UUID, user_id: int, now: datetime) -> list[Task]:
    """A person's tasks that wait or run, and those that have just ended; the newest first."""
    return list(session.scalars(select(Task).where(
        Task.org_id == org_id, Task.user_id == user_id,
        Task.status.in_(list(ACTIVE)) | (Task.finished_at > now - JUST_ENDED)).order_by(Task.created_at.desc()).limit(PAGE)))


# -- by workers -------------------------------------------------------------------------------------------------


def ask_for_step(session: Session, task_id: UUID) -> None:
    """Have the next step done, once however often it is asked for."""
    number = session.scalar(select(Task.step).where(Task.id == task_id))
    enqueue(session, "progress.step", {"task_id": str(task_id)}, key=f"{task_id}:{number}")


def hold(session: Session, task_id: UUID) -> Orders | None:
    """The task for a step of it; None while another worker is at one. Errors: VR404."""
    found = session.execute(_HOLD, {"id": task_id}).one_or_none()
    return None if found is None else Orders(found.org_id, TaskStatus(found.status), TaskKind(found.kind), *found[3:])


def move(session: Session, task_id: UUID, event: str, **args: Any) -> None:
    """Cause an event of its lifecycle, with `message`, `result` or `file_id` where it ends."""
    session.execute(_MOVE, {"id": task_id, "event": event, "args": json.dumps(args, default=str)})


def note(session: Session, task_id: UUID, done: int | None, total: int | None = None,
         cursor: Mapping[str, Any] | None = None) -> TaskStatus:
    """Tell how far it is; with a `cursor`, that a step is done, in the transaction of what the step did."""
    return TaskStatus(session.execute(_NOTE, {
        "id": task_id, "done": done, "total": total, "cursor": None if cursor is None else json.dumps(dict(cursor))}).scalar_one())


def forget(session: Session, before: datetime, most: int = 1_000) -> int:
    """Remove tasks that ended before a moment, with their files; how many, at most `most`."""
    gone: int = session.execute(_FORGET, {"before": before, "most": most}).scalar_one()
    return gone
