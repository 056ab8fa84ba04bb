"""The check of an import: every row is judged, fitted to what the hostel has, and staged for the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.imports import ImportRun
from app.models.maintenance import MaintenanceCategory, MaintenanceIssueType, MaintenanceRequest
from app.models.rooms import Room
from app.rules.imports import (
    KINDS,
    ImportedRequest,
    ImportedThing,
    ImportKind,
    ImportSettings,
    RowVerdict,
    Table,
    check_rows,
    import_path,
    summarise,
)
from app.rules.maintenance import CATEGORIES, CLOSED, OTHER_ISSUE, CategoryCode
from app.services.imports.writers import WRITERS

_STAGED_AT_ONCE = 1_000
_STAGE = text("SELECT app.stage_import_rows(:run, CAST(:rows AS jsonb))")
_HERE = text("SELECT app.count_imported_before(:run)")
_ISSUE_NAMES = {(c.code.value, i.code): i.label for c in CATEGORIES for i in c.issue_types}


@dataclass(frozen=True)
class Directory:
    """What a hostel has that rows can mean: categories by code, issue types by category and name, rooms by number."""

    categories: dict[str, UUID]
    issue_types: dict[tuple[UUID, str], UUID]
    rooms: dict[str, UUID]


def directory(session: Session, hostel_id: UUID) -> Directory:
    """Read the three, without what was removed."""
    categories = select(MaintenanceCategory.code, MaintenanceCategory.id).where(MaintenanceCategory.deleted_at.is_(None))
    issues = select(MaintenanceIssueType.category_id, MaintenanceIssueType.name, MaintenanceIssueType.id).where(
        MaintenanceIssueType.deleted_at.is_(None))
    rooms = select(Room.number, Room.id).where(Room.hostel_id == hostel_id, Room.deleted_at.is_(None))
    return Directory(
        categories=dict(list(session.execute(categories))),
        issue_types={(category, name.lower()): issue for category, name, issue in session.execute(issues)},
        rooms={number.lower(): room for number, room in session.execute(rooms)},
    )


def fitted(verdicts: Iterable[RowVerdict], known: Directory) -> Iterator[RowVerdict]:
    """The verdicts with categories that the organization has: one that it gave up becomes Other, or the row is refused."""
    for verdict in verdicts:
        if not isinstance(verdict.request, ImportedRequest) or verdict.request.category in known.categories:
            yield verdict
        elif CategoryCode.OTHER in known.categories:
            yield replace(verdict, request=replace(verdict.request, category=CategoryCode.OTHER, issue_type=OTHER_ISSUE.code))
        else:
            yield RowVerdict(verdict.number, None, "no_category", "There is no such category here, nor one for other things.",
                             cells=verdict.cells)


@dataclass
class Judged:
    """The verdicts on a file as its hostel is now, and, once they are read, how many of the rows are `here` already."""

    verdicts: Iterator[RowVerdict]
    here: Callable[[], int]


def judge(session: Session, ring: KeyRing, hostel_id: UUID, table: Table, settings: ImportSettings, now: datetime) -> Judged:
    """Judge every row of a file of any kind but requests."""
    writer = WRITERS[settings.kind](session, ring, hostel_id)
    return Judged(writer.fitted(check_rows(table, settings, now), settings.columns), lambda: writer.here)


def check(session: Session, ring: KeyRing, run: ImportRun, table: Table, settings: ImportSettings, now: datetime,
          shown: Callable[[int], None] = lambda _rows: None) -> None:
    """Judge and stage every row, and write down the counts. The run is being checked; its rows of before go.

    `shown` is told how many rows are staged, now and then.

    Errors: Invalid if the file cannot be read to its end; then nothing is staged.
    """
    session.execute(_STAGE, {"run": run.id, "rows": None})
    if run.kind == ImportKind.REQUESTS:
        known = directory(session, run.hostel_id)
        judged = Judged(fitted(check_rows(table, settings, now), known), lambda: session.execute(_HERE, {"run": run.id}).scalar_one())
        staged = _staged(session, run.id, judged.verdicts, lambda verdict: _row(verdict, _document_of(verdict, known)), shown)
    else:
        judged = judge(session, ring, run.hostel_id, table, settings, now)
        seal = ring if KINDS[run.kind].personal else None
        staged = _staged(session, run.id, judged.verdicts, lambda verdict: _staged_thing(run.id, seal, verdict), shown)
    run.counts = {**asdict(summarise(staged)), "here": judged.here()}
    session.flush()


def _staged(session: Session, run_id: UUID, verdicts: Iterator[RowVerdict], row: Callable[[RowVerdict], dict[str, Any]],
            shown: Callable[[int], None]) -> Iterator[RowVerdict]:
    """Pass the verdicts on, and stage them by the thousand."""
    staged = 0
    while some := list(islice(verdicts, _STAGED_AT_ONCE)):
        session.execute(_STAGE, {"run": run_id, "rows": json.dumps([row(verdict) for verdict in some])})
        staged += len(some)
        shown(staged)
        yield from some


def _row(verdict: RowVerdict, request: dict[str, Any] | None) -> dict[str, Any]:
    return {"number": verdict.number, "code": verdict.code, "reason": verdict.reason, "column": verdict.column,
            "source": verdict.cells, "request": request}


def _staged_thing(run_id: UUID, seal: KeyRing | None, verdict: RowVerdict) -> dict[str, Any]:
    """What is personal is in no column that can be read without the field keys."""
    values = verdict.request.values if isinstance(verdict.request, ImportedThing) else None
    if seal is None:
        return _row(verdict, values)
    sealed = seal.encrypt(json.dumps([verdict.cells, values]), sealed_context(run_id, verdict.number))
    return _row(verdict, None) | {"source": [], "sealed": sealed}


def sealed_context(run_id: UUID, number: int) -> str:
    """What a staged row is bound to."""
    return f"import_rows.sealed:{run_id}:{number}"


def opened_row(ring: KeyRing, run_id: UUID, number: int, sealed: str) -> tuple[list[str], dict[str, Any] | None]:
    """(cells, values) of a staged row."""
    cells, values = json.loads(ring.decrypt(sealed, sealed_context(run_id, number)))
    return cells, values


def _document_of(verdict: RowVerdict, known: Directory) -> dict[str, Any] | None:
    return _document(verdict.request, known) if isinstance(verdict.request, ImportedRequest) else None


def _document(request: ImportedRequest, known: Directory) -> dict[str, Any]:
    """What app.import_batch needs. A place that is the number of a room is that room.

    Steps of an open request have no time: they happened, as far as anybody knows, when it comes in.
    """
    category = known.categories[request.category]
    room = known.rooms.get(request.place.lower())
    steps = import_path(request, request.created_at)
    own_times = request.status in CLOSED
    return {
        "external_id": request.external_id, "category_id": str(category), "category": request.category,
        "issue_type_id": _text(_issue_type(request, category, known)), "room_id": _text(room),
        "place": "" if room else request.place, "description": request.description, "priority": str(request.priority),
        "resolution": request.resolution, "assignee": request.assignee, "status": str(request.status),
        "steps": [{"event": step.event, "state": str(step.to), "note": step.note,
                   "at": step.event_at.isoformat() if own_times or place == 0 else None}
                  for place, step in enumerate(steps)],
    }


def _issue_type(request: ImportedRequest, category: UUID, known: Directory) -> UUID | None:
    """The category's issue type of this name, or its "other"; none if it has neither."""
    named = _ISSUE_NAMES.get((request.category, request.issue_type), request.issue_type)
    return known.issue_types.get((category, named.lower())) or known.issue_types.get((category, OTHER_ISSUE.label.lower()))


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)


def already_here(session: Session, hostel_id: UUID, external_ids: Sequence[str]) -> int:
    """How many of these ids the hostel has requests of, those that were removed left out."""
    found = select(MaintenanceRequest.id).where(
        MaintenanceRequest.hostel_id == hostel_id, MaintenanceRequest.external_id.in_(external_ids),
        MaintenanceRequest.deleted_at.is_(None))
    return len(session.scalars(found).all())

