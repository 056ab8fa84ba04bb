"""An import's way from the upload to its undoing; each step is one transaction that may be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from app.gateways.objects import ObjectStore
from app.models.imports import ImportRun
from app.models.organizations import Hostel
from app.rules.errors import Conflict, NotFound
from app.rules.files import Purpose
from app.rules.imports import Table, check_settings
from app.rules.imports.runs import CHOOSING, RUN, RunStatus
from app.rules.progress import TaskKind
from app.services import files, lifecycle, progress
from app.services.files import Upload
from app.services.imports.choices import Choices, check_choices, first_choices, with_columns
from app.services.imports.source import opened

REQUESTS = "requests"  # the one kind of import there is so far
BATCH = 200  # requests in one transaction: about a second, in which the hostel's next number is held
_IMPORT = text("SELECT app.import_batch(:run, :most)")
_UNDO = text("SELECT app.undo_import_batch(:run, :most)")
S = RunStatus
_LAST_STEP = {S.RUNNING: "finish", S.UNDOING: "undone"}


def upload(session: Session, objects: ObjectStore, sent: Upload, hostel_id: UUID, encoding: str | None = None) -> ImportRun:
    """Store a file and begin an import with what it seems to mean; nothing is stored that cannot be read.

    Errors: Invalid (empty, wrong kind or encoding, no header, no rows), NotFound (hostel).
    """
    hostel = session.scalar(select(Hostel).where(Hostel.id == hostel_id, Hostel.deleted_at.is_(None)))
    if hostel is None:
        raise NotFound("There is no such hostel.")
    accepted = files.check(sent, Purpose.IMPORT)
    with opened(sent.stream(), accepted.media_type, encoding) as (table, found):
        choices = first_choices(table, hostel.timezone, found)
        headers = list(table.headers)
    file = files.store(session, objects, sent, Purpose.IMPORT, hostel_id)
    # Not through the ORM, which would name the columns that only the database writes.
    run_id = session.execute(insert(ImportRun).values(
        hostel_id=hostel_id, kind=REQUESTS, file_id=file.id, filename=file.name, headers=headers, mapping=choices.dump(),
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


def undo(session: Session, run_id: UUID) -> None:
    """Have a worker hide what the import brought; numbers stay taken, and what people have worked on since stays."""
    _begin(session, run_id, "undo", TaskKind.IMPORT_UNDO)


def _begin(session: Session, run_id: UUID, event: str, kind: TaskKind) -> None:
    lifecycle.move(session, RUN, run_id, event)
    run = find(session, run_id)
    total = run.counts.get("accepted") if kind is TaskKind.IMPORT_RUN else None
    progress.start(session, kind, subject_id=run_id, title={"file": run.filename}, total=total)


def run_batch(session: Session, run_id: UUID, most: int = BATCH) -> int:
    """Take in up to `most` rows; how many were dealt with, 0 when none are left or somebody has stopped it."""
    return _count(session, _IMPORT, run_id, most)


def undo_batch(session: Session, run_id: UUID, most: int = BATCH) -> int:
    """Hide up to `most` requests; how many were dealt with, 0 when none are left."""
    return _count(session, _UNDO, run_id, most)


def finish_step(session: Session, run_id: UUID) -> None:
    """Nothing is left to do: what is running is done, what is being undone is undone. Others stay as they are."""
    status = session.scalar(select(ImportRun.status).where(ImportRun.id == run_id))
    if status in _LAST_STEP:
        lifecycle.move(session, RUN, run_id, _LAST_STEP[S(status)])


def _count(session: Session, statement: object, run_id: UUID, most: int) -> int:
    found: int = session.execute(statement, {"run": run_id, "most": most}).scalar_one()  # type: ignore[call-overload]
    return found
