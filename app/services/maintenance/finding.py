"""Reads of maintenance: conditions, the parts of a request's story, who could take it. Policies decide which rows there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.orm import Session, joinedload

from app.models.files import File
from app.models.maintenance import (
    MaintenanceAssignment,
    MaintenanceRequest,
)
from app.rules.files import PHOTOS
from app.rules.maintenance import OPEN, RequestStatus

R = MaintenanceRequest


def is_open() -> ColumnElement[bool]:
    """Neither resolved nor rejected."""
    return R.status.in_(sorted(state.value for state in OPEN))


def is_overdue(now: datetime) -> ColumnElement[bool]:
    """Open requests that have run, or had run when they were put on hold, beyond their target."""
    return and_(is_open(), R.resolve_by < func.coalesce(R.held_since, now))


def is_held_by(user_id: int) -> ColumnElement[bool]:
    """Requests in the hands of one person, or that were when they were closed."""
    mine = select(MaintenanceAssignment.request_id).where(
        MaintenanceAssignment.org_id == R.org_id, MaintenanceAssignment.user_id == user_id, MaintenanceAssignment.active)
    return R.id.in_(mine)


def with_relations() -> list[Any]:
    """Load options for whatever cards and pages of a request show: one statement, seven joins by key."""
    return [joinedload(R.category), joinedload(R.issue_type), joinedload(R.room), joinedload(R.requester),
            joinedload(R.hostel), joinedload(R.assignment).joinedload(MaintenanceAssignment.member)]


# --- one request ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moved:
    """A change of state."""

    at: datetime
    who: str
    by_system: bool
    from_state: RequestStatus | None
    to_state: RequestStatus
    event: str
    note: str
    recorded_at: datetime
    kind: str = "moved"


@dataclass(frozen=True)
class Remark:
    """A comment with the answers to it; `who` is empty where the reader must not know."""

    at: datetime
    id: UUID
    who: str
    by_staff: bool
    body: str
    answers: list[Remark] = field(default_factory=list)
    kind: str = "remark"


@dataclass(frozen=True)
class Attached:
    """A photo or video."""

    at: datetime
    id: UUID
    who: str
    file: File
    kind: str = "attached"

    @property
    def is_photo(self) -> bool:
        """Whether it has a small picture."""
        return self.file.media_type in PHOTOS


Entry = Moved | Remark | Attached


def threads(remarks: Sequence[tuple[UUID | None, Remark]]) -> list[Remark]:
    """Remarks with their answers below them; an answer whose remark was removed stands by itself."""
    tops = {remark.id: remark for parent, remark in remarks if parent is None}
    for parent, remark in remarks:
        if parent is not None:
            if parent in tops:
                tops[parent].answers.append(remark)
            else:
                tops[remark.id] = remark
    return list(tops.values())


_WORKERS = text("SELECT m.user_id, m.name FROM members m WHERE m.org_id = app.current_org() "
                "AND m.user_id IN (SELECT app.people_who_can('maintenance', 'update', :hostel)) ORDER BY m.name")


def workers(session: Session, hostel_id: UUID) -> list[tuple[int, str]]:
    """(user_id, name) of everybody who does repairs in a hostel."""
    return [(user_id, name) for user_id, name in session.execute(_WORKERS, {"hostel": hostel_id})]
