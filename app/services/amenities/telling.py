"""Tells residents what others, time or maintenance did with their bookings and their places in line."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.amenities import Amenity, AmenityBooking, AmenityWait
from app.models.organizations import Hostel
from app.rules.amenities import BookingStatus, WaitStatus
from app.services.notifications import Message, tell

LINK = "/my/amenities/mine"
_OF_BOOKING = {
    BookingStatus.BOOKED: "%(what)s on %(when)s was booked for you.", BookingStatus.CANCELLED: "Your booking of %(what)s on %(when)s was cancelled.",
    BookingStatus.NO_SHOW: "You did not come to %(what)s on %(when)s."}
_OF_WAIT = {
    WaitStatus.OFFERED: "A place is free: %(what)s on %(when)s. Take it until %(until)s.",
    WaitStatus.LAPSED: "The place that was offered to you has gone to the next in line: %(what)s on %(when)s."}


def _said(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y}, {local:%H:%M}"


def _about(session: Session, kind: type[Any], key: UUID) -> tuple[Any, str, ZoneInfo] | None:
    row = session.execute(select(kind, Amenity.name, Hostel.timezone).join(Amenity, Amenity.id == kind.amenity_id).join(
        Hostel, Hostel.id == kind.hostel_id).where(kind.id == key)).one_or_none()
    return (row[0], row[1], ZoneInfo(row[2])) if row else None


def tell_of_booking(session: Session, booking_id: UUID, state: BookingStatus) -> None:
    """What staff did with a booking."""
    if (found := _about(session, AmenityBooking, booking_id)) is not None:
        booking, what, zone = found
        tell(session, {booking.user_id}, Message(
            f"amenities.{state}", f"amenities:{booking.id}:{state}", _OF_BOOKING[state] % {"what": what, "when": _said(booking.starts_at, zone)},
            booking.hostel_id, LINK, booking.reason if state is BookingStatus.CANCELLED else ""))


def tell_of_wait(session: Session, wait_id: UUID, state: WaitStatus) -> None:
    """A place is offered, or is not any more."""
    if (found := _about(session, AmenityWait, wait_id)) is not None:
        wait, what, zone = found
        until = _said(wait.offered_until, zone) if wait.offered_until else ""
        tell(session, {wait.user_id}, Message(
            f"amenities.{state}", f"amenities:{wait.id}:{state}:{until}", _OF_WAIT[state] % {"what": what, "when": _said(wait.starts_at, zone), "until": until},
            wait.hostel_id, LINK))


def tell_of_move(session: Session, booking_id: UUID, wait_id: UUID | None) -> None:
    """Maintenance, or other hours, took a booking; perhaps another slot is offered."""
    found = _about(session, AmenityBooking, booking_id)
    if found is None:
        return
    booking, what, zone = found
    said = [booking.reason]
    wait = session.scalars(select(AmenityWait).where(AmenityWait.id == wait_id)).one_or_none() if wait_id else None
    if wait is not None and wait.offered_until is not None:
        said.append(f"You can have {_said(wait.starts_at, zone)} instead: take it until {_said(wait.offered_until, zone)}.")
    tell(session, {booking.user_id}, Message(
        "amenities.moved", f"amenities:{booking.id}:moved", _OF_BOOKING[BookingStatus.CANCELLED] % {"what": what, "when": _said(booking.starts_at, zone)},
        booking.hostel_id, LINK, "\n".join(filter(None, said))))
