"""Writes to maintenance requests: raised, moved along, handed over, remarked on, corrected, removed.

States, numbers and assignments change through functions of the database alone, which check everything again; what
they refuse arrives as DBAPIError of class VR and is translated at the edge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.orm import Session

from app.models.maintenance import MaintenanceAttachment, MaintenanceComment, MaintenanceRequest
from app.rules.errors import Forbidden, Invalid, NotFound
from app.rules.maintenance import (
    ATTACHMENTS_PER_REQUEST,
    DESCRIPTION_MAX,
    OUTSIDE_PARTY_MAX,
    PLACE_MAX,
    REQUEST,
    Priority,
    RequestStatus,
    check_attachment_count,
)
from app.services import lifecycle
from app.text import CONTROL

_SUBMIT = text("SELECT app.submit_request(:hostel, :category, :issue, :room, :place, :description, :priority, :for, :id)")
_REASSIGN = text("SELECT app.reassign_request(:id, CAST(:who AS jsonb))")
EDITABLE = frozenset({"category_id", "issue_type_id", "room_id", "place", "description", "priority"})


@dataclass(frozen=True)
class NewRequest:
    """What somebody reports. `for_user` is the resident whom staff raise it for; `id` keeps a form sent twice from
    making two.
    """

    hostel_id: UUID
    category_id: UUID
    issue_type_id: UUID | None = None
    room_id: UUID | None = None
    place: str = ""
    description: str = ""
    priority: Priority = Priority.NORMAL
    for_user: int | None = None
    id: UUID | None = None


@dataclass(frozen=True)
class Assignee:
    """Who is to do the work: a member by id, or an outside party by name; exactly one of them."""

    user_id: int | None = None
    outside_party: str | None = None

    def arguments(self) -> dict[str, Any]:
        """As the database's functions want it; Invalid for a name that is too long."""
        _fits(self.outside_party or "", OUTSIDE_PARTY_MAX, "assignee")
        return {"user_id": self.user_id, "outside_party": self.outside_party}


def submit(session: Session, new: NewRequest) -> UUID:
    """Raise a request and return its id; number, clock and history are the database's.

    In the residents' portal it is the caller's own and counts against the ten of the day (LimitReached as VR429).
    """
    _fits(new.place, PLACE_MAX, "place")
    _fits(new.description, DESCRIPTION_MAX, "description")
    made: UUID = session.execute(_SUBMIT, {
        "hostel": new.hostel_id, "category": new.category_id, "issue": new.issue_type_id, "room": new.room_id,
        "place": new.place, "description": new.description, "priority": new.priority.value, "for": new.for_user,
        "id": new.id,
    }).scalar_one()
    return made


def move(session: Session, request_id: UUID, event: str, note: str = "",
         assignee: Assignee | None = None) -> RequestStatus:
    """Cause `event` of the lifecycle REQUEST and return the new state; `assign` says to whom."""
    _fits(note, DESCRIPTION_MAX, "note")
    if event not in REQUEST.events:
        raise NotFound("There is no such step.")
    state = lifecycle.move(session, REQUEST, request_id, event, note, assignee.arguments() if assignee else None)
    return RequestStatus(state)


def claim(session: Session, request_id: UUID) -> RequestStatus:
    """Take a request that nobody has; whoever comes second is told who has it."""
    return move(session, request_id, "claim")


def reassign(session: Session, request_id: UUID, assignee: Assignee) -> None:
    """Put a request that is under way in other hands; its state stays."""
    session.flush()
    session.execute(_REASSIGN, {"id": request_id, "who": json.dumps(assignee.arguments())})
    session.expire_all()


def edit(session: Session, request_id: UUID, values: Mapping[str, Any]) -> None:
    """Correct what was reported: category, issue type, room, place, description, priority (which moves the clock)."""
    if unknown := set(values) - EDITABLE:
        raise ValueError(f"not to be edited: {sorted(unknown)}")
    _fits(values.get("place") or "", PLACE_MAX, "place")
    _fits(values.get("description") or "", DESCRIPTION_MAX, "description")
    _change(session, request_id, values)


def remove(session: Session, request_id: UUID) -> None:
    """Hide a request; its number stays taken."""
    _change(session, request_id, {"deleted_at": func.app.now()})


def restore(session: Session, request_id: UUID) -> None:
    """Show a removed request again."""
    _change(session, request_id, {"deleted_at": None}, deleted=True)


def _change(session: Session, request_id: UUID, values: Mapping[str, Any], *, deleted: bool = False) -> None:
    gone = MaintenanceRequest.deleted_at.is_not(None)
    changed = session.execute(
        update(MaintenanceRequest).where(MaintenanceRequest.id == request_id, gone if deleted else ~gone)
        .values(**values).execution_options(synchronize_session=False))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound("There is no such maintenance request.")
    session.expire_all()


def comment(session: Session, request_id: UUID, body: str, parent_id: UUID | None = None,
            comment_id: UUID | None = None) -> None:
    """Remark on a request, or answer a remark on it; an answer to an answer joins the same thread.

    Sent again under the same `comment_id` it is neither stored nor announced again.
    """
    if not body.strip():
        raise Invalid("Please write something.", field="body")
    _fits(body, DESCRIPTION_MAX, "body")
    if parent_id is not None:
        parent_id = _thread(session, request_id, parent_id)
    # As a statement: the ORM would name columns that no portal may write.
    values = {"request_id": request_id, "parent_id": parent_id, "body": body.strip(), **_under(comment_id)}
    session.execute(insert_once(MaintenanceComment).values(values).on_conflict_do_nothing())


def _under(row_id: UUID | None) -> dict[str, UUID]:
    return {} if row_id is None else {"id": row_id}


def _thread(session: Session, request_id: UUID, parent_id: UUID) -> UUID:
    found = session.execute(
        select(MaintenanceComment.id, MaintenanceComment.parent_id)
        .where(MaintenanceComment.id == parent_id, MaintenanceComment.request_id == request_id)).one_or_none()
    if found is None:
        raise NotFound("The comment you are answering is not there any more.")
    thread: UUID = found.parent_id or found.id
    return thread


def remove_comment(session: Session, comment_id: UUID) -> None:
    """Take a remark back: one's own, or anybody's for those who approve."""
    _hide(session, MaintenanceComment, comment_id, "This comment is not yours to remove.")


def attach(session: Session, request_id: UUID, file_id: UUID, attachment_id: UUID | None = None) -> None:
    """Put a stored photo or video with a request; the sixth is refused, as is a second one under the same id."""
    attached = session.scalar(
        select(func.count()).select_from(MaintenanceAttachment)
        .where(MaintenanceAttachment.request_id == request_id, MaintenanceAttachment.deleted_at.is_(None))) or 0
    if attached >= ATTACHMENTS_PER_REQUEST:
        check_attachment_count(attached)
    session.execute(insert(MaintenanceAttachment).values(
        request_id=request_id, file_id=file_id, **_under(attachment_id)))


def is_attached(session: Session, attachment_id: UUID) -> bool:
    """Whether something was attached under this id, removed again or not."""
    return session.scalar(select(MaintenanceAttachment.id).where(MaintenanceAttachment.id == attachment_id)) is not None


def detach(session: Session, attachment_id: UUID) -> None:
    """Take a file away from a request: one's own, or anybody's for those who approve."""
    _hide(session, MaintenanceAttachment, attachment_id, "This file is not yours to remove.")


def _hide(session: Session, model: Any, row_id: UUID, otherwise: str) -> None:
    changed = session.execute(
        update(model).where(model.id == row_id, model.deleted_at.is_(None))
        .values(deleted_at=func.app.now()).execution_options(synchronize_session=False))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise Forbidden(otherwise)


def _fits(words: str, most: int, field: str) -> None:
    if len(words) > most:
        raise Invalid(f"This takes at most {most} characters, and {len(words)} were given.", field=field)
    if CONTROL.search(words):
        raise Invalid("This text contains characters that cannot be stored.", field=field)
