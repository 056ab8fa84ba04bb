"""Imports as tasks: the check in one step, the run and its undoing by batches, each in a transaction of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.imports import ImportRun
from app.rules.imports.runs import RUN, RunStatus
from app.rules.progress import TaskKind
from app.services import imports, lifecycle
from app.services.imports import Choices, Progress
from app.services.work import enqueue
from app.wiring import objects, settings
from jobs.progress import RUNNERS, Result, Runner, Step
from jobs.registry import Payload, handles

S = RunStatus


def _ring() -> KeyRing:
    return KeyRing(dict(settings().field_keys))


def _run_of(step: Step, session: Session) -> ImportRun:
    found = imports.find(session, step.orders.subject_id or step.task_id)
    session.refresh(found)
    return found


class CheckRunner(Runner):
    """Judges every row; a file that cannot be read to its end sends the import back to the person, with the reason."""

    def step(self, step: Step) -> Result | None:
        """All of it."""
        run = _run_of(step, step.session)
        if run.status == S.UPLOADED and step.again:
            lifecycle.move(step.session, RUN, run.id, "check")
        elif run.status != S.CHECKING:
            return Result(cancelled=True)
        with imports.table_of(step.session, objects(), run) as (table, _):
            imports.check(step.session, _ring(), run, table, Choices.load(run.mapping).settings, datetime.now(UTC), step.show)
        lifecycle.move(step.session, RUN, run.id, "pass")
        return Result({name: run.counts[name] for name in ("accepted", "refused")})

    def ended(self, step: Step, message: str) -> dict[str, Any]:
        """The person may choose again."""
        run = _run_of(step, step.session)
        if run.status == S.CHECKING:
            lifecycle.move(step.session, RUN, run.id, "unreadable")
            imports.find(step.session, run.id).message = message
            step.session.flush()
        return {}


class BatchRunner(Runner):
    """Takes rows in, or hides them again, as the person who started it: what they may no longer do stops it."""

    def __init__(self, status: RunStatus, event: str) -> None:
        self.status, self.event = status, event

    def step(self, step: Step) -> Result | None:
        """A batch, if anything is left."""
        with step.as_person() as session:
            run = _run_of(step, session)
            if run.status == S.STOPPED and step.again:
                lifecycle.move(session, RUN, run.id, self.event)
            elif run.status != self.status:
                return Result(_figures(self.status, session, run.id), cancelled=True)
            handled = _BATCHES[self.status](session, _ring(), run.id)
            done, total = _measured(self.status, imports.progress(session, run.id))
            step.advance(session, done, {}, total)
        if handled:
            return None
        imports.finish_step(step.session, run.id)
        return Result(_figures(self.status, step.session, run.id))

    def ended(self, step: Step, message: str) -> dict[str, Any]:
        """What is in stays, and can be undone."""
        run = _run_of(step, step.session)
        if run.status == self.status:
            imports.stop(step.session, run.id, message)
        return _figures(self.status, step.session, run.id)


_BATCHES = {S.RUNNING: imports.run_batch, S.UNDOING: imports.undo_batch}


def _measured(status: RunStatus, found: Progress) -> tuple[int, int]:
    """(done, all) of what goes in, or of what is hidden again."""
    if status == S.RUNNING:
        return found.done, found.wanted
    return found.hidden + found.kept, found.created + found.restored


_FIGURES = {S.RUNNING: ("created", "restored", "unchanged", "refused"), S.UNDOING: ("hidden", "kept")}


def _figures(status: RunStatus, session: Session, run_id: UUID) -> dict[str, Any]:
    found = imports.progress(session, run_id)
    return {name: getattr(found, name) for name in _FIGURES[status]}


RUNNERS[TaskKind.IMPORT_CHECK] = CheckRunner()
RUNNERS[TaskKind.IMPORT_RUN] = BatchRunner(S.RUNNING, "start")
RUNNERS[TaskKind.IMPORT_UNDO] = BatchRunner(S.UNDOING, "undo")


@handles("imports.rescue")
def rescue(session: Session, payload: Payload) -> None:
    """Go on with what a command that was killed has left, batch by batch."""
    run = imports.find(session, UUID(payload["run_id"]))
    if run.status not in _BATCHES:
        return
    if _BATCHES[S(run.status)](session, _ring(), run.id):
        enqueue(session, "imports.rescue", payload)
    else:
        imports.finish_step(session, run.id)
