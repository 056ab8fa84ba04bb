"""Reads of maintenance: the board, the story of one request, who could take it. Policies decide which rows there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, text, union_all
from sqlalchemy.orm import Session, joinedload

from app.models.files import File
from app.models.maintenance import (
    MaintenanceAssignment,
    MaintenanceAttachment,
    MaintenanceComment,
    MaintenanceRequest,
    MaintenanceStatusHistory,
)
from app.models.people import Member
from app.rules.files import PHOTOS
from app.rules.maintenance import CLOSED, OPEN, Priority, RequestStatus

COLUMN_SIZE = 50  # cards that a column of the board begins with
COLUMN_MOST = 200  # and the most it shows
COUNT_CAP = 1000
CLOSED_SHOWN = timedelta(days=7)  # the board shows what was closed lately; the list has the rest

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


# --- the board ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BoardFilter:
    """What the board is narrowed to; `held_by` is a person's id."""

    org_id: UUID
    hostel_id: UUID | None = None
    category_id: UUID | None = None
    priority: Priority | None = None
    held_by: int | None = None


@dataclass
class Column:
    """One state with its first cards; `count` stops at COUNT_CAP + 1."""

    state: RequestStatus
    size: int
    cards: list[MaintenanceRequest] = field(default_factory=list)
    count: int = 0

    @property
    def count_text(self) -> str:
        """As people read it."""
        return f"{COUNT_CAP:,}+" if self.count > COUNT_CAP else f"{self.count:,}"

    @property
    def more(self) -> bool:
        """Whether there are cards that a longer column would show."""
        return self.count > len(self.cards) and self.size < COLUMN_MOST


def board(session: Session, wanted: BoardFilter, now: datetime, longer: RequestStatus | None = None) -> list[Column]:
    """Every state in the order of the lifecycle, most urgent first, closed ones newest first; two statements."""
    columns = [Column(state, COLUMN_MOST if state is longer else COLUMN_SIZE) for state in RequestStatus]
    by_state = {column.state: column for column in columns}
    chosen = union_all(*(_chosen(column, wanted, now) for column in columns)).subquery()
    order = (chosen.c.urgency, R.id)
    for request in session.scalars(
            select(R).join(chosen, R.id == chosen.c.id).where(R.org_id == wanted.org_id)
            .options(*with_relations()).order_by(*order)):
        by_state[request.state].cards.append(request)
    counts = union_all(*(_counted(column.state, wanted, now) for column in columns))
    for state, count in session.execute(counts):
        by_state[RequestStatus(state)].count = count
    return columns


def _narrowed(columns: Sequence[Any], state: RequestStatus, wanted: BoardFilter, now: datetime) -> Select[Any]:
    found = select(*columns).where(R.org_id == wanted.org_id, R.status == state.value, R.deleted_at.is_(None))
    if state in CLOSED:
        found = found.where(R.held_since >= now - CLOSED_SHOWN)
    for column, value in ((R.hostel_id, wanted.hostel_id), (R.category_id, wanted.category_id),
                          (R.priority, wanted.priority and wanted.priority.value)):
        if value is not None:
            found = found.where(column == value)
    return found if wanted.held_by is None else found.where(is_held_by(wanted.held_by))


def _chosen(column: Column, wanted: BoardFilter, now: datetime) -> Select[Any]:
    urgency = now - R.held_since if column.state in CLOSED else R.resolve_by - now
    return _narrowed([R.id, urgency.label("urgency")], column.state, wanted, now).order_by(
        urgency, R.id).limit(column.size)


def _counted(state: RequestStatus, wanted: BoardFilter, now: datetime) -> Select[str, int]:
    rows = _narrowed([literal(1)], state, wanted, now).limit(COUNT_CAP + 1).subquery()
    return select(literal(state.value), func.count()).select_from(rows)


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
class Handed:
    """The request came into somebody's hands."""

    at: datetime
    whom: str
    kind: str = "handed"


@dataclass(frozen=True)
class Remark:
    """A comment with the answers to it; `who` is empty where the reader must not know."""

    at: datetime
    id: UUID
    who: str
    by_staff: bool
    body: str
    removable: bool = False
    answers: list[Remark] = field(default_factory=list)
    kind: str = "remark"


@dataclass(frozen=True)
class Attached:
    """A photo or video."""

    at: datetime
    id: UUID
    who: str
    file: File
    removable: bool = False
    kind: str = "attached"

    @property
    def is_photo(self) -> bool:
        """Whether it has a small picture."""
        return self.file.media_type in PHOTOS


Entry = Moved | Handed | Remark | Attached


def story(session: Session, request_id: UUID, *, reader: int, decides: bool) -> list[Entry]:
    """Everything that happened to a request, oldest first, for staff: four statements."""
    history, comment, attached, held = (MaintenanceStatusHistory, MaintenanceComment, MaintenanceAttachment,
                                        MaintenanceAssignment)
    entries: list[Entry] = [
        Moved(h.event_at, h.member.name if h.member else "", h.triggered_by == "system",
              RequestStatus(h.from_status) if h.from_status else None, RequestStatus(h.to_status), h.event or "", h.note,
              h.recorded_at)
        for h in session.scalars(select(history).where(history.request_id == request_id).options(joinedload(history.member))
                                 .order_by(history.seq))]
    # Whoever takes a request is named by the step itself.
    entries += [Handed(g.assigned_at, str(g)) for g in session.scalars(
        select(held).where(held.request_id == request_id).options(joinedload(held.member)))
        if g.user_id is None or g.user_id != g.created_by]
    remarks = [
        (c.parent_id, Remark(c.created_at, c.id, c.member.name if c.member else "", c.by_staff, c.body,
                             removable=decides or c.user_id == reader))
        for c in session.scalars(select(comment).where(comment.request_id == request_id, comment.deleted_at.is_(None))
                                 .options(joinedload(comment.member)).order_by(comment.created_at))]
    entries += threads(remarks)
    entries += [Attached(a.created_at, a.id, name or "", file, removable=decides or a.user_id == reader)
                for a, file, name in session.execute(
                    select(attached, File, Member.name).where(attached.request_id == request_id, attached.deleted_at.is_(None))
                    .join(File, and_(File.org_id == attached.org_id, File.id == attached.file_id))
                    .outerjoin(Member, and_(Member.org_id == attached.org_id, Member.user_id == attached.user_id)))]
    return sorted(entries, key=lambda entry: entry.at)


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
