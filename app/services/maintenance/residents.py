"""What residents see of their own requests: never who is assigned, nor who wrote or did what (M7).

Their portal may not read those columns, so nothing here loads whole rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select
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


def _own() -> Any:
    request, category, issue, room, hostel = (MaintenanceRequest, MaintenanceCategory, MaintenanceIssueType, Room, Hostel)
    return (
        select(request.id, request.reference, request.status, category.name.label("category"), category.icon, issue.name.label("issue"), request.hostel_id,
               hostel.name.label("hostel"), room.number.label("room"), request.place, request.description, request.resolution, request.user_id, request.raised_at,
               request.resolved_at, request.resolve_by)
        .where(request.deleted_at.is_(None))
        .join(category, and_(category.org_id == request.org_id, category.id == request.category_id))
        .join(hostel, and_(hostel.org_id == request.org_id, hostel.id == request.hostel_id))
        .outerjoin(issue, and_(issue.org_id == request.org_id, issue.id == request.issue_type_id))
        .outerjoin(room, and_(room.org_id == request.org_id, room.id == request.room_id)))


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


def is_own(session: Session, request_id: UUID) -> bool:
    """Whether the caller has a request under this id."""
    return session.execute(_own().where(MaintenanceRequest.id == request_id)).one_or_none() is not None


def own_story(session: Session, request_id: UUID) -> list[Entry]:
    """What happened to it, oldest first; `who` is empty throughout. Three statements."""
    history, comment, attached = MaintenanceStatusHistory, MaintenanceComment, MaintenanceAttachment
    entries: list[Entry] = [
        Moved(h.event_at, "", h.triggered_by == "system", RequestStatus(h.from_status) if h.from_status else None,
              RequestStatus(h.to_status), h.event or "", h.public_note, h.recorded_at)
        for h in session.execute(
            select(history.event_at, history.triggered_by, history.from_status, history.to_status, history.event, history.public_note, history.recorded_at)
            .where(history.request_id == request_id).order_by(history.seq))]
    remarks = [(c.parent_id, Remark(c.created_at, c.id, "", c.by_staff, c.body)) for c in session.execute(
        select(comment.id, comment.parent_id, comment.by_staff, comment.body, comment.created_at)
        .where(comment.request_id == request_id, comment.deleted_at.is_(None)).order_by(comment.created_at))]
    entries += threads(remarks)
    entries += [Attached(at, key, "", file) for at, key, file in session.execute(
        select(attached.created_at, attached.id, File).where(attached.request_id == request_id, attached.deleted_at.is_(None))
        .join(File, and_(File.org_id == attached.org_id, File.id == attached.file_id)))]
    return sorted(entries, key=lambda entry: entry.at)

