"""An import's way from the upload to its undoing; each step is one transaction that may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.gateways.objects import ObjectStore
from app.models.files import File
from app.models.imports import ImportRun
from app.models.organizations import Hostel, Organization
from app.rules.errors import Conflict, DomainError, NotFound
from app.rules.files import Purpose
from app.rules.imports import (
    KINDS,
    ImportKind,
    Table,
    check_headers,
    check_settings,
)
from app.rules.imports.runs import CHOOSING, RUN, RowOutcome, RunStatus
from app.rules.progress import TaskKind
from app.services import files, lifecycle, progress
from app.services.files import Upload
from app.services.imports.checking import opened_row
from app.services.imports.choices import Choices, check_choices, first_choices, with_columns
from app.services.imports.source import opened
from app.services.imports.writers import WRITERS, Writer, refusal_of

BATCH = 200  # requests in one transaction: about a second, in which the hostel's next number is held
SMALL_BATCH = 50  # of kinds whose rows are written one by one
FORGOTTEN_AFTER = timedelta(days=1)
_IMPORT = text("SELECT app.import_batch(:run, :most)")
_UNDO = text("SELECT app.undo_import_batch(:run, :most)")
_TAKE = text("SELECT id, number, request, sealed, row_id FROM app.take_import_rows(:run, :status, :most)")
_SETTLE = text("SELECT app.settle_import_row(:run, :row, :outcome, :reason, :target)")
_SETTLE_UNDO = text("SELECT app.settle_import_undo(:run, :row, :reason)")
S = RunStatus
_LAST_STEP = {S.RUNNING: "finish", S.UNDOING: "undone"}


def upload(session: Session, objects: ObjectStore, sent: Upload, hostel_id: UUID, encoding: str | None = None,
           kind: str = ImportKind.REQUESTS) -> ImportRun:
    """Store a file and begin an import with what it seems to mean; nothing is stored that cannot be read.

    Errors: Invalid (empty, wrong kind or encoding, no header, no rows), NotFound (hostel).
    """
    hostel = session.scalar(select(Hostel).where(Hostel.id == hostel_id, Hostel.deleted_at.is_(None)))
    if hostel is None:
        raise NotFound("There is no such hostel.")
    accepted = files.check(sent, Purpose.IMPORT)
    with opened(sent.stream(), accepted.media_type, encoding) as (table, found):
        country = session.scalars(select(Organization.country).where(Organization.id == hostel.org_id)).one()
        check_headers(kind, table.headers)
        choices = first_choices(table, hostel.timezone, found, kind, country)
        headers = list(table.headers)
    file = files.store(session, objects, sent, Purpose.IMPORT, hostel_id)
    # Not through the ORM, which would name the columns that only the database writes.
    run_id = session.execute(insert(ImportRun).values(
        hostel_id=hostel_id, kind=str(kind), file_id=file.id, filename=file.name, headers=headers, mapping=choices.dump(),
    ).returning(ImportRun.id)).scalar_one()
    return find(session, run_id)


def find(session: Session, run_id: UUID) -> ImportRun:
    """The import, if the caller may see it; else NotFound."""
    run: ImportRun | None = session.scalar(select(ImportRun).where(ImportRun.id == run_id, ImportRun.deleted_at.is_(None)))
    if run is None:
        raise NotFound("There is no such import.")
    return run


@contextmanager
def table_of(session: Session, objects: ObjectStore, run: ImportRun, encoding: str | None = None) -> Iterator[tuple[Table, str]]:
    """(table, encoding) of the run's file, in the encoding chosen before unless another is given."""
    file, stream = files.open_file(session, objects, run.file_id)
    with stream, opened(stream, file.media_type, encoding or run.mapping["encoding"] or None) as found:
        yield found


def choose_columns(session: Session, run: ImportRun, table: Table, choices: Choices) -> None:
    """Keep which column is what, and guess anew what follows from it. Errors: Invalid (names the field), Conflict."""
    check_settings(table, choices.settings)
    _keep(session, run, table, with_columns(table, choices))


def choose_values(session: Session, run: ImportRun, table: Table, choices: Choices) -> None:
    """Keep what values mean, once no question is open. Errors: Invalid (names the field), Conflict."""
    check_choices(table, choices)
    _keep(session, run, table, choices)


def _keep(session: Session, run: ImportRun, table: Table, choices: Choices) -> None:
    if run.status not in CHOOSING:
        raise Conflict("This import has begun, so its columns and values cannot be changed any more.")
    run.mapping, run.headers, run.message = choices.dump(), list(table.headers), ""
    session.flush()


def ask_for_check(session: Session, run_id: UUID) -> None:
    """Have every row checked by a worker; what was checked before is forgotten."""
    _begin(session, run_id, "check", TaskKind.IMPORT_CHECK)


def start(session: Session, run_id: UUID) -> None:
    """Have a worker take in the rows that passed; a stopped import goes on where it stopped."""
    _begin(session, run_id, "start", TaskKind.IMPORT_RUN)
    drop_file(session, find(session, run_id))


def drop_file(session: Session, run: ImportRun) -> None:
    """What is personal is not kept in the clear once its rows are staged, and a run needs no more than those."""
    if KINDS[run.kind].personal and session.scalar(select(File.deleted_at).where(File.id == run.file_id)) is None:
        files.remove(session, run.file_id)


def stop(session: Session, run_id: UUID, message: str = "") -> None:
    """Take in no more; what went in stays, and can be undone."""
    lifecycle.move(session, RUN, run_id, "stop")
    if message:
        find(session, run_id).message = message
        session.flush()


def discard(session: Session, run_id: UUID) -> None:
    """Give up an import before it has run, and its file with it."""
    lifecycle.move(session, RUN, run_id, "discard")
    files.remove(session, find(session, run_id).file_id)


def discard_forgotten(session: Session) -> int:
    """Give up imports of personal rows that nobody went on with for a day: their files are in the clear. How many were."""
    personal = [kind for kind, what in KINDS.items() if what.personal]
    forgotten = session.scalars(select(ImportRun.id).where(
        ImportRun.kind.in_(personal), ImportRun.status.in_((S.UPLOADED, S.CHECKING, S.CHECKED)), ImportRun.deleted_at.is_(None),
        ImportRun.updated_at < func.app.now() - FORGOTTEN_AFTER)).all()
    for run_id in forgotten:
        discard(session, run_id)
    return len(forgotten)


def undo(session: Session, run_id: UUID) -> None:
    """Have a worker hide what the import brought; numbers stay taken, and what people have worked on since stays."""
    _begin(session, run_id, "undo", TaskKind.IMPORT_UNDO)


def _begin(session: Session, run_id: UUID, event: str, kind: TaskKind) -> None:
    lifecycle.move(session, RUN, run_id, event)
    run = find(session, run_id)
    total = run.counts.get("accepted") if kind is TaskKind.IMPORT_RUN else None
    progress.start(session, kind, subject_id=run_id, title={"file": run.filename}, total=total)


def run_batch(session: Session, ring: KeyRing, run_id: UUID, most: int = BATCH) -> int:
    """Take in up to `most` rows; how many were dealt with, 0 when none are left or somebody has stopped it."""
    run = find(session, run_id)
    if run.kind == ImportKind.REQUESTS:
        return _count(session, _IMPORT, run_id, most)
    return _one_by_one(session, ring, run, S.RUNNING, _take)


def undo_batch(session: Session, ring: KeyRing, run_id: UUID, most: int = BATCH) -> int:
    """Hide up to `most` of what came in; how many were dealt with, 0 when none are left."""
    run = find(session, run_id)
    if run.kind == ImportKind.REQUESTS:
        return _count(session, _UNDO, run_id, most)
    return _one_by_one(session, ring, run, S.UNDOING, _hide)


def _one_by_one(session: Session, ring: KeyRing, run: ImportRun, status: RunStatus,
                deal: Callable[[Session, KeyRing, Writer, Row[Any]], None]) -> int:
    """Deal with a small batch, each row in a savepoint of its own."""
    rows = session.execute(_TAKE, {"run": run.id, "status": status.value, "most": SMALL_BATCH}).all()
    if rows:
        writer = WRITERS[run.kind](session, ring, run.hostel_id, run.id)
        for row in rows:
            deal(session, ring, writer, row)
    return len(rows)


def _take(session: Session, ring: KeyRing, writer: Writer, row: Row[Any]) -> None:
    values = row.request if row.sealed is None else opened_row(ring, writer.run_id, row.number, row.sealed)[1] or {}  # type: ignore[arg-type]
    outcome, target, reason = RowOutcome.REFUSED, None, ""
    try:
        with session.begin_nested():
            outcome, target, reason = writer.take(values)
    except (DomainError, DBAPIError) as error:
        reason = _why(error)
    session.execute(_SETTLE, {"run": writer.run_id, "row": row.id, "outcome": outcome.value, "reason": reason, "target": target})


def _hide(session: Session, _ring: KeyRing, writer: Writer, row: Row[Any]) -> None:
    try:
        with session.begin_nested():
            reason = writer.hide(row.id, row.row_id)
    except (DomainError, DBAPIError) as error:
        reason = _why(error)
    session.execute(_SETTLE_UNDO, {"run": writer.run_id, "row": row.id, "reason": reason})


def _why(error: DomainError | DBAPIError) -> str:
    meaning = refusal_of(error)
    if meaning is None:
        raise error
    return meaning.message


def finish_step(session: Session, run_id: UUID) -> None:
    """Nothing is left to do: what is running is done, what is being undone is undone. Others stay as they are."""
    status = session.scalar(select(ImportRun.status).where(ImportRun.id == run_id))
    if status in _LAST_STEP:
        lifecycle.move(session, RUN, run_id, _LAST_STEP[S(status)])


def _count(session: Session, statement: object, run_id: UUID, most: int) -> int:
    found: int = session.execute(statement, {"run": run_id, "most": most}).scalar_one()  # type: ignore[call-overload]
    return found
