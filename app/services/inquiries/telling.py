"""Tells those concerned of inquiries: that somebody asks, that one is theirs now, that something was to be done."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

from app.models.inquiries import Inquiry
from app.services.notifications import Message, tell

LINK = "/inquiries/show/{}"
MOST = 200  # reminders in one transaction
_WHO = text("SELECT user_id FROM app.inquiry_workers(:hostel)")
_DUE = text("SELECT app.organizations_with_reminders()")
_TAKE = text("SELECT app.take_inquiry_reminders(:most)")
_FORGET = text("SELECT app.forget_inquiry_traces(app.now() - interval '1 day', app.now() - interval '365 days')")


def tell_of_asking(session: Session, inquiry_id: UUID) -> None:
    """The owner of the first inquiry of the person, else everybody who works on inquiries there."""
    first = aliased(Inquiry)
    row = session.execute(
        select(Inquiry.id, Inquiry.duplicate_of, first.id.label("first_id"), first.reference, first.hostel_id, first.owner_id)
        .join(first, (first.org_id == Inquiry.org_id) & (first.id == func.coalesce(Inquiry.duplicate_of, Inquiry.id)))
        .where(Inquiry.id == inquiry_id, first.deleted_at.is_(None))).one_or_none()
    if row is None:
        return
    people = {row.owner_id} if row.owner_id else set(session.scalars(_WHO, {"hostel": row.hostel_id}))
    words = f"{row.reference}: somebody asks again" if row.duplicate_of else f"{row.reference}: a new inquiry"
    tell(session, people, Message("inquiries.asked", f"inquiry:{inquiry_id}", words, row.hostel_id, LINK.format(row.first_id)))


def tell_of_owner(session: Session, inquiry_id: UUID, user_id: int) -> None:
    """Whoever has it now, if they still have."""
    row = session.execute(
        select(Inquiry.reference, Inquiry.hostel_id, Inquiry.updated_at)
        .where(Inquiry.id == inquiry_id, Inquiry.owner_id == user_id, Inquiry.deleted_at.is_(None))).one_or_none()
    if row is not None:
        tell(session, {user_id}, Message("inquiries.given", f"inquiry-owner:{inquiry_id}:{row.updated_at.isoformat()}",
                                         f"{row.reference}: handed over to you", row.hostel_id, LINK.format(inquiry_id)))


def organizations_with_reminders(session: Session) -> list[UUID]:
    """Where something is due; on the service login."""
    return list(session.scalars(_DUE))


def remind(session: Session) -> int:
    """Remind owners of what was to be done by now; how many there were, MOST if there may be more."""
    ids = list(session.scalars(_TAKE, {"most": MOST}))
    for row in session.execute(select(Inquiry.id, Inquiry.reference, Inquiry.hostel_id, Inquiry.owner_id, Inquiry.next_action,
                                      Inquiry.next_action_at).where(Inquiry.id.in_(ids))):
        people = {row.owner_id} if row.owner_id else set(session.scalars(_WHO, {"hostel": row.hostel_id}))
        tell(session, people, Message("inquiries.due", f"inquiry-due:{row.id}:{row.next_action_at.isoformat()}",
                                      f"{row.reference}: it is time for the next step", row.hostel_id, LINK.format(row.id),
                                      row.next_action))
    return len(ids)


def forget(session: Session) -> None:
    """Attempts that decide nothing any more, and devices not seen for a year; on the service login."""
    session.execute(_FORGET)
