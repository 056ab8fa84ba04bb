"""Amenities in the background: each day's slots, places that are offered on in time, and who is told."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.rules.amenities import BookingStatus, WaitStatus
from app.services import work
from app.services.amenities import booking, calendar, hours, telling
from app.wiring import redis
from jobs.registry import Payload, handles


@handles("amenities.sweep")
def sweep(session: Session, payload: Payload) -> None:
    """Ask for the slots of houses whose day has begun, and for what is due in lines, each in its organization."""
    hours.ask_slots(session)
    work.enqueue_for(session, booking.organizations_due(session), "amenities.turn", key=payload["slot"])


@handles("amenities.slots")
def slots(session: Session, payload: Payload) -> None:
    """The slots of a house, 14 days ahead."""
    _forget(session)
    hours.make_slots(session, UUID(payload["hostel_id"]))


@handles("amenities.turn")
def turn(session: Session, _payload: Payload) -> None:
    """Offers end, and go to the next in line."""
    _forget(session)
    booking.turn(session)


@handles("amenities.booking")
def booked(session: Session, payload: Payload) -> None:
    """Staff did something with a booking."""
    telling.tell_of_booking(session, UUID(payload["booking_id"]), BookingStatus(payload["state"]))


@handles("amenities.wait")
def waited(session: Session, payload: Payload) -> None:
    """A place is offered, or is not any more."""
    telling.tell_of_wait(session, UUID(payload["wait_id"]), WaitStatus(payload["state"]))


@handles("amenities.moved")
def moved(session: Session, payload: Payload) -> None:
    """A booking was lost to maintenance or to other hours."""
    telling.tell_of_move(session, UUID(payload["booking_id"]), UUID(payload["wait_id"]) if payload["wait_id"] else None)


def _forget(session: Session) -> None:
    calendar.forget_later(session, redis(), session.scalars(select(func.app.current_org())).one())
