"""Tells those concerned what happened to a request: the requester, who has it in hand, those in charge, the staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.models.maintenance import (
    MaintenanceAssignment,
    MaintenanceComment,
    MaintenanceRequest,
    MaintenanceStatusHistory,
)
from app.models.people import Membership
from app.permissions import ROLE_PORTAL, Action, Portal, Resource
from app.rules.maintenance import Priority, RequestStatus
from app.rules.telling import Audience, words_for_step
from app.services.notifications import Message, people_who_can, tell

STAFF_LINK = "/maintenance/requests/show/{}"
RESIDENT_LINK = "/my/requests/{}"
_STAFF_ROLES = [role.value for role, portal in ROLE_PORTAL.items() if portal is not Portal.RESIDENT]
EXCERPT = 300  # characters of a remark
_RELEASED_BY_THE_STEP = timedelta(seconds=1)  # a step that takes the request away does so in its own transaction


def tell_of_step(session: Session, request_id: UUID, seq: int) -> None:
    """Tell who is concerned by the step `seq` of the request's history; nobody is told of their own doing."""
    history = MaintenanceStatusHistory
    step = session.execute(
        select(history.event, history.to_status, history.changed_by, history.note, history.public_note, history.event_at)
        .where(history.request_id == request_id, history.seq == seq)).one_or_none()
    request = _find(session, request_id)
    if step is None or request is None:
        return
    told = {step.changed_by}
    for audience, words in words_for_step(step.event, RequestStatus(step.to_status), Priority(request.priority)).items():
        people = _people(session, audience, request, step.event_at) - told
        own = audience is Audience.REQUESTER and not _is_staff(session, request)
        tell(session, people, Message(
            "maintenance.step", f"maintenance:{seq}", f"{request.reference}: {words}", request.hostel_id,
            (RESIDENT_LINK if own else STAFF_LINK).format(request_id), step.public_note if own else step.note))
        told |= people


def tell_of_reassignment(session: Session, request_id: UUID) -> None:
    """Tell the person who has the request now."""
    request = _find(session, request_id)
    if request is None:
        return
    held = MaintenanceAssignment
    assignment = session.execute(
        select(held.id, held.user_id, held.created_by).where(held.request_id == request_id, held.active)).one_or_none()
    if assignment is None or assignment.user_id in {None, assignment.created_by}:
        return
    tell(session, {assignment.user_id}, Message(
        "maintenance.assigned", f"assignment:{assignment.id}", f"{request.reference}: handed over to you",
        request.hostel_id, STAFF_LINK.format(request_id)))


def tell_of_comment(session: Session, comment_id: UUID) -> None:
    """Tell the other side: the resident of what staff wrote, staff of what the resident wrote."""
    comment = session.scalars(select(MaintenanceComment).where(MaintenanceComment.id == comment_id)).one_or_none()
    request = _find(session, comment.request_id) if comment else None
    if comment is None or request is None:
        return
    holder = _holder(session, request.id, comment.created_at)
    people = _known(holder, request.user_id if comment.by_staff else None)
    if not people:
        people = people_who_can(session, Resource.MAINTENANCE, Action.APPROVE, request.hostel_id)
    for user_id in people - {comment.user_id}:
        link = RESIDENT_LINK if user_id == request.user_id and not _is_staff(session, request) else STAFF_LINK
        tell(session, {user_id}, Message("maintenance.comment", f"comment:{comment_id}", f"{request.reference}: a new remark",
                                         request.hostel_id, link.format(request.id), comment.body[:EXCERPT]))


@dataclass(frozen=True)
class Found:
    """What messages need to know of a request."""

    id: UUID
    hostel_id: UUID
    user_id: int | None
    reference: str
    priority: str


def _find(session: Session, request_id: UUID) -> Found | None:
    """None if the request was removed meanwhile."""
    request = MaintenanceRequest
    row = session.execute(
        select(request.id, request.hostel_id, request.user_id, request.reference, request.priority)
        .where(request.id == request_id, request.deleted_at.is_(None))).one_or_none()
    return Found(*row) if row else None


def _people(session: Session, audience: Audience, request: Found, at: datetime) -> set[int]:
    match audience:
        case Audience.REQUESTER:
            return _known(request.user_id)
        case Audience.ASSIGNEE:
            return _known(_holder(session, request.id, at))
        case Audience.DECIDERS:
            return people_who_can(session, Resource.MAINTENANCE, Action.APPROVE, request.hostel_id)
        case Audience.STAFF:
            return people_who_can(session, Resource.MAINTENANCE, Action.UPDATE, request.hostel_id)


def _is_staff(session: Session, request: Found) -> bool:
    """Whether the requester sees requests as staff do: their page of it is another one."""
    return request.user_id in people_who_can(session, Resource.MAINTENANCE, Action.READ, request.hostel_id)


def _known(*people: int | None) -> set[int]:
    return {person for person in people if person is not None}


def _link_for(session: Session, requester: int | None) -> str:
    """Staff, too, report what is broken; they see it where they see all requests."""
    held = Membership
    is_staff = session.execute(select(exists().where(
        held.user_id == requester, held.status == "active", held.role.in_(_STAFF_ROLES)))).scalar_one()
    return STAFF_LINK if is_staff else RESIDENT_LINK


def _holder(session: Session, request_id: UUID, at: datetime) -> int | None:
    """The member who had the request in hand at that time; None if nobody or an outside party had."""
    held = MaintenanceAssignment
    released = func.coalesce(held.released_at, "infinity")
    return session.scalars(
        select(held.user_id).where(held.request_id == request_id, held.assigned_at <= at, released > at - _RELEASED_BY_THE_STEP)
        .order_by(held.assigned_at.desc()).limit(1)).one_or_none()
