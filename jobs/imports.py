"""Imports step by step: each handler does a batch and asks for the next, so a killed worker loses one batch at most."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.problems import translate_database_error
from app.rules.errors import Forbidden, Invalid
from app.rules.imports.runs import RUN, RunStatus
from app.services import imports, lifecycle
from app.services.imports import Choices
from app.services.work import enqueue
from app.tenancy import tenant_scope
from app.wiring import objects
from jobs.registry import Payload, handles

S = RunStatus


@handles("imports.check")
def check(session: Session, payload: Payload) -> None:
    """Judge every row; a file that cannot be read to its end sends the import back to the person, with the reason."""
    run = imports.find(session, UUID(payload["run_id"]))
    if run.status != S.CHECKING:
        return
    try:
        with session.begin_nested(), imports.table_of(session, objects(), run) as (table, _):
            imports.check(session, run, table, Choices.load(run.mapping).settings, datetime.now(UTC))
    except Invalid as error:
        run.message = error.message
        lifecycle.move(session, RUN, run.id, "unreadable")
    else:
        lifecycle.move(session, RUN, run.id, "pass")


@handles("imports.run")
def run(session: Session, payload: Payload) -> None:
    """Take in a batch, as the person who started it: what they may no longer do stops it."""
    _step(session, payload, "imports.run", imports.run_batch)


@handles("imports.undo")
def undo(session: Session, payload: Payload) -> None:
    """Hide a batch."""
    _step(session, payload, "imports.undo", imports.undo_batch)


def _step(session: Session, payload: Payload, kind: str, batch: Callable[[Session, UUID], int]) -> None:
    """One batch in a transaction of its own, which may be repeated: it picks up rows that nobody has dealt with."""
    run = imports.find(session, UUID(payload["run_id"]))
    if run.status not in {S.RUNNING, S.UNDOING}:
        return
    try:
        with tenant_scope(run.org_id, run.started_by if run.status == S.RUNNING else run.undone_by) as theirs:
            handled = batch(theirs, run.id)
    except DBAPIError as error:
        meaning = translate_database_error(error)
        if not isinstance(meaning, Forbidden):
            raise
        imports.stop(session, run.id, meaning.message)
        return
    if handled:
        enqueue(session, kind, payload)
    else:
        imports.finish_step(session, run.id)
