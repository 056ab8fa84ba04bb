"""What residents see of their own requests: never who is assigned, nor who wrote or did what (M7).

Their portal may not read those columns, so nothing here loads whole rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, select
from sqlalchemy.orm import Session

from app.models.files import File
from app.models.maintenance import (
    MaintenanceAttachment,
    MaintenanceCategory,
    MaintenanceComment,
    MaintenanceIssueType,
    MaintenanceRequest,
    MaintenanceStatusHistory,
)
from app.models.organizations import Hostel
from app.models.rooms import Room
from app.rules.errors import NotFound
from app.rules.maintenance import Request, RequestStatus
from app.services.maintenance.finding import Attached, Entry, Moved, Remark, threads

PAGE = 30


@dataclass(frozen=True)
class OwnRequest:
    """A request as its resident sees it."""

    id: UUID
    reference: str
    state: RequestStatus
    category: str
    icon: str
    issue: str
    hostel_id: UUID
    hostel: str
    where: str
    description: str
    resolution: str
    raised_by: int
    raised_at: datetime
    resolved_at: datetime | None
    resolve_by: datetime | None

    @property
    def facts(self) -> Request:
        """What the rules want to know of it; who holds it is not for residents."""
        return Request(self.state, raised_by=self.raised_by, resolved_at=self.resolved_at)


def _own() -> Select[Any]:
    R, C, I, M, H = MaintenanceRequest, MaintenanceCategory, MaintenanceIssueType, Room, Hostel  # noqa: E741
    return (
        select(R.id, R.reference, R.status, C.name.label("category"), C.icon, I.name.label("issue"), R.hostel_id,
               H.name.label("hostel"), M.number.label("room"), R.place, R.description, R.resolution, R.user_id, R.raised_at,
               R.resolved_at, R.resolve_by)
        .where(R.deleted_at.is_(None))
        .join(C, and_(C.org_id == R.org_id, C.id == R.category_id))
        .join(H, and_(H.org_id == R.org_id, H.id == R.hostel_id))
        .outerjoin(I, and_(I.org_id == R.org_id, I.id == R.issue_type_id))
        .outerjoin(M, and_(M.org_id == R.org_id, M.id == R.room_id)))


def _read(row: Row[Any]) -> OwnRequest:
    where = ", ".join(filter(None, (row.room and f"Room {row.room}", row.place)))
    return OwnRequest(row.id, row.reference, RequestStatus(row.status), row.category, row.icon, row.issue or row.category,
                      row.hostel_id, row.hostel, where, row.description, row.resolution, row.user_id, row.raised_at,
                      row.resolved_at, row.resolve_by)


def own_requests(session: Session, before: datetime | None = None) -> list[OwnRequest]:
    """The caller's requests, newest first, up to PAGE of them raised before a moment."""
    found = _own().order_by(MaintenanceRequest.raised_at.desc()).limit(PAGE)
    if before is not None:
        found = found.where(MaintenanceRequest.raised_at < before)
    return [_read(row) for row in session.execute(found)]


def own_request(session: Session, request_id: UUID) -> OwnRequest:
    """One of the caller's requests; NotFound for anybody else's."""
    row = session.execute(_own().where(MaintenanceRequest.id == request_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such request of yours.")
    return _read(row)


def own_story(session: Session, request_id: UUID) -> list[Entry]:
    """What happened to it, oldest first; `who` is empty throughout. Three statements."""
    H, C, A = MaintenanceStatusHistory, MaintenanceComment, MaintenanceAttachment
    entries: list[Entry] = [
        Moved(h.event_at, "", h.triggered_by == "system", RequestStatus(h.from_status) if h.from_status else None,
              RequestStatus(h.to_status), h.event or "", h.public_note, h.recorded_at)
        for h in session.execute(
            select(H.event_at, H.triggered_by, H.from_status, H.to_status, H.event, H.public_note, H.recorded_at)
            .where(H.request_id == request_id).order_by(H.seq))]
    remarks = [(c.parent_id, Remark(c.created_at, c.id, "", c.by_staff, c.body)) for c in session.execute(
        select(C.id, C.parent_id, C.by_staff, C.body, C.created_at)
        .where(C.request_id == request_id, C.deleted_at.is_(None)).order_by(C.created_at))]
    entries += threads(remarks)
    entries += [Attached(at, key, "", file) for at, key, file in session.execute(
        select(A.created_at, A.id, File).where(A.request_id == request_id, A.deleted_at.is_(None))
        .join(File, and_(File.org_id == A.org_id, File.id == A.file_id)))]
    return sorted(entries, key=lambda entry: entry.at)

