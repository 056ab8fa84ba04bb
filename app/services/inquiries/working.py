"""What staff do with an inquiry: move it along, note, correct, merge, reveal, invite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text, union, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.inquiries import Inquiry, InquiryNote
from app.permissions import Role
from app.rules.errors import Forbidden, Invalid, NotFound
from app.rules.inquiries import INQUIRY, MESSAGE_MAX, SHORT_MAX, LostReason, Stage
from app.rules.organizations import clean_name
from app.rules.signin import clean_email
from app.services import lifecycle
from app.services.inquiries.arriving import EMAIL, PHONE, context, indexes
from app.services.people import invitations
from app.services.work import ASKED

NOTE_MAX = 4000
EDITABLE = frozenset({"hostel_id", "full_name", "message", "move_in_on", "owner_id", "next_action", "next_action_at"})
MOST_ALIKE = 5

_MERGE = text("SELECT app.merge_inquiries(:from, :into)")
_REVEAL = text("SELECT phone_token, email_token FROM app.reveal_inquiry(:id, :reason)")
_CONVERT = text("SELECT app.convert_inquiry(:id, :invitation)")


@dataclass(frozen=True)
class Revealed:
    """What is shown to whoever said what they need it for."""

    phone: str
    email: str | None


def move(session: Session, inquiry_id: UUID, event: str, note: str = "", *, reason: LostReason | None = None,
         at: datetime | None = None) -> Stage:
    """Cause `event` of the lifecycle INQUIRY; `lose` says why, `schedule_visit` may say when."""
    if event not in INQUIRY.events:
        raise NotFound("There is no such step.")
    _fits(note, NOTE_MAX, "note")
    found = lifecycle.move(session, INQUIRY, inquiry_id, event, note,
                           {"reason": reason and reason.value, "at": at and at.isoformat()})
    session.info[ASKED] = True
    return Stage(found)


def edit(session: Session, inquiry_id: UUID, values: Mapping[str, Any]) -> None:
    """Correct what is known, and say who does what next until when."""
    if unknown := set(values) - EDITABLE:
        raise ValueError(f"not to be edited: {sorted(unknown)}")
    given = dict(values)
    _fits(given.get("message") or "", MESSAGE_MAX, "message")
    _fits(given.get("next_action") or "", SHORT_MAX, "next_action")
    if "full_name" in given:
        given["full_name"] = clean_name(given["full_name"] or "")
    for name in ("message", "next_action"):
        if name in given:
            given[name] = given[name] or ""
    _change(session, inquiry_id, given)
    session.info[ASKED] = True


def plan(session: Session, inquiry_id: UUID, what: str, at: datetime | None, now: datetime) -> None:
    """Say what is to be done next until when; what was nobody's is the caller's from now on."""
    if not what.strip():
        raise Invalid("Please write something.", field="next_action")
    _fits(what, SHORT_MAX, "next_action")
    if at is not None and at < now:
        raise Invalid("Please give a time that is still to come.", field="at")
    _change(session, inquiry_id, {"next_action": what.strip(), "next_action_at": at,
                                  "owner_id": func.coalesce(Inquiry.owner_id, func.app.current_user_id())})
    session.info[ASKED] = True


def remove(session: Session, inquiry_id: UUID) -> None:
    """Hide an inquiry; whoever asks again with its number is new."""
    _change(session, inquiry_id, {"deleted_at": func.app.now()})


def restore(session: Session, inquiry_id: UUID) -> None:
    """Show a removed inquiry again."""
    _change(session, inquiry_id, {"deleted_at": None}, deleted=True)


def _change(session: Session, inquiry_id: UUID, values: Mapping[str, Any], *, deleted: bool = False) -> None:
    gone = Inquiry.deleted_at.is_not(None)
    changed = session.execute(
        update(Inquiry).where(Inquiry.id == inquiry_id, gone if deleted else ~gone)
        .values(**values).execution_options(synchronize_session=False))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound("There is no such inquiry.")
    session.expire_all()


def note(session: Session, inquiry_id: UUID, body: str, parent_id: UUID | None = None, note_id: UUID | None = None) -> None:
    """Write something down; sent again under the same `note_id` it is not written again."""
    if not body.strip():
        raise Invalid("Please write something.", field="body")
    _fits(body, NOTE_MAX, "body")
    values = {"inquiry_id": inquiry_id, "parent_id": parent_id, "body": body.strip(), **({"id": note_id} if note_id else {})}
    session.execute(insert(InquiryNote).values(values).on_conflict_do_nothing())


def remove_note(session: Session, note_id: UUID) -> None:
    """Take a note back: one's own, or anybody's for those who approve."""
    changed = session.execute(
        update(InquiryNote).where(InquiryNote.id == note_id, InquiryNote.deleted_at.is_(None))
        .values(deleted_at=func.app.now()).execution_options(synchronize_session=False))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise Forbidden("This note is not yours to remove.")


def merge(session: Session, inquiry_id: UUID, into: UUID) -> None:
    """Make it a part of another inquiry of the same person."""
    session.execute(_MERGE, {"from": inquiry_id, "into": into})
    session.expire_all()


def reveal(session: Session, ring: KeyRing, inquiry_id: UUID, reason: str) -> Revealed:
    """Phone and e-mail, for somebody who works on the inquiry; that, and what for, is written down."""
    _fits(reason, SHORT_MAX, "reason")
    row = session.execute(_REVEAL, {"id": inquiry_id, "reason": reason.strip()}).one()
    return Revealed(ring.decrypt(row.phone_token, context(PHONE, inquiry_id)),
                    ring.decrypt(row.email_token, context(EMAIL, inquiry_id)) if row.email_token else None)


def convert(session: Session, ring: KeyRing, key: str, inquiry: Inquiry, hostel_id: UUID, email: str, invitation_id: UUID,  # noqa: PLR0913, PLR0917
            now: datetime) -> None:
    """Invite the person to move in, under the name they gave; without `email`, at the address they gave."""
    known_address = reveal(session, ring, inquiry.id, "Invitation").email if not email.strip() else None
    address = clean_email(email or known_address or "")
    invitations.invite(session, key, invitation_id, invitations.Offer(address, inquiry.full_name, Role.PENDING_RESIDENT, hostel_id), now)
    session.execute(_CONVERT, {"id": inquiry.id, "invitation": invitation_id})
    session.info[ASKED] = True
    session.expire_all()


def known(session: Session, ring: KeyRing, org_id: UUID, *, phone: str | None = None, email: str | None = None, name: str = "",
          but: UUID | None = None) -> list[Inquiry]:
    """Inquiries of whoever has this phone, e-mail or name, the latest first; phone and e-mail clean. What RLS lets the caller see."""
    digests = indexes(ring, org_id, phone, email)
    alike: list[ColumnElement[bool]] = [Inquiry.phone_index.in_(digests), Inquiry.email_index.in_(digests)] if digests else []
    if name.strip():
        alike.append(func.lower(Inquiry.full_name) == name.strip().lower())
    if not alike:
        return []
    ids = union(*(select(func.coalesce(Inquiry.duplicate_of, Inquiry.id).label("id")).where(Inquiry.org_id == org_id, one)
                  for one in alike)).subquery()
    wanted = select(Inquiry).where(Inquiry.org_id == org_id, Inquiry.id.in_(select(ids.c.id)), Inquiry.deleted_at.is_(None))
    if but is not None:
        wanted = wanted.where(Inquiry.id != but)
    return list(session.scalars(wanted.order_by(Inquiry.last_asked_at.desc()).limit(MOST_ALIKE)))


def _fits(words: str, most: int, field: str) -> None:
    if len(words) > most:
        raise Invalid(f"This takes at most {most} characters, and {len(words)} were given.", field=field)
    if "\x00" in words:
        raise Invalid("This text contains characters that cannot be stored.", field=field)
