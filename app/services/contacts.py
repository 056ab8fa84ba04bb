"""Contacts of another program: encrypted as inquiries are, revealed with a reason, matched with inquiries and made into one (I5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.contacts import Contact
from app.models.inquiries import Inquiry
from app.rules.errors import Invalid, NotFound
from app.rules.inquiries import SHORT_MAX, Lead, clean_lead, mask_email, mask_phone
from app.services import inquiries
from app.services.inquiries.arriving import EMAIL, PHONE, indexes
from app.services.inquiries.working import Revealed

_REVEAL = text("SELECT phone_token, email_token FROM app.reveal_contact(:id, :reason)")
MOST_MATCHES = 5


def context(kind: str, contact_id: UUID) -> str:
    """What a value is bound to."""
    return f"contacts.{kind}_token:{contact_id}"


def sealed_contact(ring: KeyRing, org_id: UUID, contact_id: UUID, lead: Lead) -> dict[str, Any]:
    """The row, phone and e-mail encrypted, masked, and under the indexes that inquiries have."""
    values: dict[str, Any] = {"id": str(contact_id), "full_name": lead.full_name, "source": lead.source}
    for kind, value, mask in ((PHONE, lead.phone, mask_phone), (EMAIL, lead.email, mask_email)):
        if value:
            values |= {f"{kind}_token": ring.encrypt(value, context(kind, contact_id)), f"{kind}_masked": mask(value),
                       f"{kind}_index": indexes(ring, org_id, *((value, None) if kind == PHONE else (None, value)))[0]}
    return values


def reveal(session: Session, ring: KeyRing, contact_id: UUID, reason: str) -> Revealed:
    """Phone and e-mail, for somebody who says what they need them for; it is written down."""
    if len(reason) > SHORT_MAX:
        raise Invalid(f"This takes at most {SHORT_MAX} characters, and {len(reason)} were given.", field="reason")
    row = session.execute(_REVEAL, {"id": contact_id, "reason": reason.strip()}).one()
    phone, email = (ring.decrypt(token, context(kind, contact_id)) if token else None
                    for kind, token in ((PHONE, row.phone_token), (EMAIL, row.email_token)))
    return Revealed(phone or "", email)


def inquire(session: Session, ring: KeyRing, contact: Contact, inquiry_id: UUID, country: str, today: date) -> UUID:
    """An inquiry with what is known of a contact; of somebody who has asked before, their first one.

    Errors: Invalid where the contact has no phone.
    """
    known = reveal(session, ring, contact.id, "Inquiry")
    if not known.phone:
        raise Invalid("This contact has no phone: write the inquiry down by hand.")
    lead = clean_lead(Lead(contact.full_name, known.phone, known.email, source=contact.source or "contact"), country, today)
    return inquiries.add(session, ring, contact.org_id, contact.hostel_id, inquiry_id, lead)


def set_removed(session: Session, contact_id: UUID, *, removed: bool) -> None:
    """Hide a contact, or show it again."""
    changed = session.execute(update(Contact).where(Contact.id == contact_id).values(deleted_at=func.app.now() if removed else None)
                              .execution_options(synchronize_session=False))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound("There is no such contact.")
    session.expire_all()


def inquiries_of(session: Session, contact: Contact) -> Sequence[Inquiry]:
    """What somebody with this phone or e-mail has asked, the latest first."""
    mine = select(Contact.phone_index, Contact.email_index).where(Contact.id == contact.id).subquery()
    return session.scalars(select(Inquiry).where(
        Inquiry.org_id == contact.org_id, or_(Inquiry.phone_index == mine.c.phone_index, Inquiry.email_index == mine.c.email_index),
        Inquiry.deleted_at.is_(None)).order_by(Inquiry.asked_at.desc()).limit(MOST_MATCHES)).all()


def of_inquiry(session: Session, inquiry: Inquiry) -> Sequence[Contact]:
    """Contacts with the phone or e-mail of an inquiry."""
    mine = select(Inquiry.phone_index, Inquiry.email_index).where(Inquiry.id == inquiry.id).subquery()
    return session.scalars(select(Contact).where(
        Contact.org_id == inquiry.org_id, or_(Contact.phone_index == mine.c.phone_index, Contact.email_index == mine.c.email_index),
        Contact.deleted_at.is_(None)).order_by(Contact.id).limit(MOST_MATCHES)).all()
