"""Places in slots: booked, waited for, taken, given back; who came. The database's functions decide and write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session, joinedload

from app.models.amenities import AmenityBooking, AmenitySlot, AmenityWait
from app.rules.amenities import BookingStatus, NoShowRule, WaitStatus
from app.rules.errors import NotFound

PAGE = 30

_BOOK = text("SELECT app.book_slot(:slot, :id, :person)")
_JOIN = text("SELECT app.join_line(:slot, :id, :person)")
_TAKE = text("SELECT app.take_place(:wait)")
_LEAVE = text("SELECT app.leave_line(:wait)")
_CANCEL = text("SELECT app.cancel_booking(:booking, :why)")
_MARK = text("SELECT app.mark_booking(:booking, :came)")
_TURN = text("SELECT app.turn_amenities()")
_DUE = text("SELECT app.organizations_with_due_amenities()")
_PEOPLE = text("SELECT id, name FROM app.amenity_people(:ids)")
_GUESTS = text("SELECT user_id, name FROM app.amenity_guests(:hostel)")

# Errors of what writes below (as DBAPIError, translated at the edge): VR404 unknown or foreign, VR403, VR409 (full, closed,
# begun, too many, another booking then, blocked), VR422 nobody who lives here, VR429 too many places in line.


def book(session: Session, slot_id: UUID, booking_id: UUID, user_id: int | None = None) -> UUID:
    """A place for oneself, or (staff) for a resident; sent again it is the same booking, whose id comes back."""
    return UUID(str(_write(session, _BOOK, slot=slot_id, id=booking_id, person=user_id)))


def join(session: Session, slot_id: UUID, wait_id: UUID, user_id: int | None = None) -> UUID:
    """The last place in the line of a full slot."""
    return UUID(str(_write(session, _JOIN, slot=slot_id, id=wait_id, person=user_id)))


def take(session: Session, wait_id: UUID) -> UUID:
    """Take what was offered; the id of the booking."""
    return UUID(str(_write(session, _TAKE, wait=wait_id)))


def leave(session: Session, wait_id: UUID) -> None:
    """Out of the line, or no to an offer."""
    _write(session, _LEAVE, wait=wait_id)


def cancel(session: Session, booking_id: UUID, why: str = "") -> None:
    """The place is free at once; who does it for somebody says why."""
    _write(session, _CANCEL, booking=booking_id, why=why)


def mark(session: Session, booking_id: UUID, *, came: bool) -> None:
    """Whether somebody came."""
    _write(session, _MARK, booking=booking_id, came=came)


def turn(session: Session) -> int:
    """End the offers whose time is over and offer on, in the organization; for how many slots."""
    return int(_write(session, _TURN))


def organizations_due(session: Session) -> list[UUID]:
    """Where `turn` would find something; on the service login."""
    return list(session.scalars(_DUE))


def _write(session: Session, statement: Any, **values: Any) -> Any:
    session.flush()
    found = session.execute(statement, values).scalar()
    session.expire_all()
    return found


# --- reading --------------------------------------------------------------------------------------------


def find_slot(session: Session, slot_id: UUID) -> AmenitySlot:
    """One slot with its amenity; NotFound."""
    found = session.scalars(select(AmenitySlot).options(joinedload(AmenitySlot.amenity)).where(AmenitySlot.id == slot_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such slot.")
    return found


def of_slot(session: Session, slot_id: UUID) -> tuple[Sequence[AmenityBooking], Sequence[AmenityWait]]:
    """Who has a place, and who is in line, both in their order."""
    booked = session.scalars(select(AmenityBooking).where(AmenityBooking.slot_id == slot_id).order_by(
        AmenityBooking.status == BookingStatus.CANCELLED.value, AmenityBooking.booked_at, AmenityBooking.id)).all()
    waiting = session.scalars(select(AmenityWait).where(AmenityWait.slot_id == slot_id, _in_line()).order_by(AmenityWait.seq)).all()
    return booked, waiting


def _in_line() -> Any:
    return AmenityWait.status.in_([WaitStatus.WAITING.value, WaitStatus.OFFERED.value])


def people(session: Session, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Whose bookings and places in line these are."""
    return dict(session.execute(_PEOPLE, {"ids": list(ids)}).all())


def guests(session: Session, hostel_id: UUID) -> list[tuple[int, str]]:
    """For whom staff can book in a house."""
    return [(user, name) for user, name in session.execute(_GUESTS, {"hostel": hostel_id})]


def own(session: Session, user_id: int, now: datetime) -> tuple[Sequence[AmenityBooking], Sequence[AmenityWait], Sequence[AmenityBooking]]:
    """A person's coming bookings and places in line, the next first, and the last of those that are over."""
    mine = select(AmenityBooking).options(joinedload(AmenityBooking.amenity)).where(AmenityBooking.user_id == user_id)
    ahead = AmenityBooking.ends_at > now
    coming = session.scalars(mine.where(ahead, AmenityBooking.status != BookingStatus.CANCELLED.value).order_by(AmenityBooking.starts_at)).all()
    over = session.scalars(mine.where(or_(~ahead, AmenityBooking.status == BookingStatus.CANCELLED.value)).order_by(
        AmenityBooking.starts_at.desc(), AmenityBooking.id).limit(PAGE)).all()
    waits = session.scalars(select(AmenityWait).options(joinedload(AmenityWait.amenity)).where(
        AmenityWait.user_id == user_id, _in_line()).order_by(AmenityWait.starts_at)).all()
    return coming, waits, over


def blocked_until(session: Session, amenity_id: UUID, rule: NoShowRule, user_id: int) -> datetime | None:
    """Until when somebody books nothing of an amenity, because they did not come; also a moment that is past."""
    return rule.blocked_until(session.scalars(select(AmenityBooking.starts_at).where(
        AmenityBooking.amenity_id == amenity_id, AmenityBooking.user_id == user_id, AmenityBooking.status == BookingStatus.NO_SHOW.value)))
