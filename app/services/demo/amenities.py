"""The demo's amenities: a gym, a laundry, a study room and a TV room with two weeks behind them, bookings ahead, and a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from random import Random
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.models.amenities import AmenitySlot
from app.rules.amenities import Opening, TemplateKind, mask
from app.services.amenities import booking, hours

_PAST_DAYS = 14
_BOOKINGS = 60  # of a house, tried
_WORKDAYS, _WEEKEND = mask(range(5)), mask((5, 6))
_WEEKLY = TemplateKind.WEEKLY
_THINGS = (
    ({"name": "Gym", "kind": "gym", "place": "Ground floor, behind the lift", "description": "Bring a towel and clean shoes."},
     (Opening(_WEEKLY, _WORKDAYS, opens=time(6), closes=time(22), capacity=8, per_day=1),
      Opening(_WEEKLY, _WEEKEND, opens=time(8), closes=time(20), capacity=8, per_day=1))),
    ({"name": "Laundry", "kind": "laundry", "place": "Roof", "description": "Two machines; powder is there.", "parallel": True},
     (Opening(_WEEKLY, opens=time(7), closes=time(22), slot_minutes=90, capacity=2, per_day=1),)),
    ({"name": "Study room", "kind": "study", "place": "First floor", "description": "Quiet, with sockets at every desk."},
     (Opening(_WEEKLY, opens=time(6), closes=time(0), slot_minutes=120, capacity=12, per_day=3),)),
    ({"name": "TV room", "kind": "tv", "place": "Ground floor"}, (Opening(_WEEKLY, opens=time(17), closes=time(23), slot_minutes=120, capacity=15, per_day=2),)),
)


def furnish(session: Session, hostel_id: UUID, residents: Sequence[int], now: datetime, today: date) -> None:
    """As the product: what there is and when, who booked, and whether they came."""
    made = []
    for data, openings in _THINGS:
        made.append(hours.create(session, {"hostel_id": hostel_id, **data}, uuid5(hostel_id, str(data["name"]))).id)
        for opening in openings:
            hours.add_template(session, hostel_id, made[-1], opening)
    hours.add_template(session, hostel_id, None, Opening(TemplateKind.CLOSED, first_on=(free := today + timedelta(days=9)), last_on=free), "Cleaning day")
    hours.make_slots(session, hostel_id, since=today - timedelta(days=_PAST_DAYS))
    random = Random(hostel_id.int)  # noqa: S311 - made-up data
    slots = session.execute(select(AmenitySlot.id, AmenitySlot.starts_at, AmenitySlot.day).where(
        AmenitySlot.hostel_id == hostel_id, AmenitySlot.state == "open", AmenitySlot.day < today + timedelta(days=5)).order_by(AmenitySlot.starts_at, AmenitySlot.id)).all()
    for place, slot in enumerate(random.sample(slots, min(_BOOKINGS, len(slots)))):
        for person in random.sample(residents, min(1 + place % 3, len(residents))):
            if _booked(session, slot.id, person) and slot.starts_at < now - timedelta(hours=2):
                booking.mark(session, _key(slot.id, person), came=random.random() > 0.12)  # noqa: PLR2004 - one in eight stays away
    _queue(session, made[1], residents, today + timedelta(days=1))


def _queue(session: Session, laundry: UUID, residents: Sequence[int], day: date) -> None:
    """Tomorrow evening's machines are taken, and somebody waits."""
    slot = session.scalars(select(AmenitySlot).where(AmenitySlot.amenity_id == laundry, AmenitySlot.day == day).order_by(AmenitySlot.starts_at.desc()).limit(1)).one()
    for person in residents:
        if slot.booked_count < slot.capacity:
            _booked(session, slot.id, person)
        elif _tried(session, partial(booking.join, session, slot.id, uuid5(_key(slot.id, person), "wait"), person)):
            return


def _key(slot_id: UUID, person: int) -> UUID:
    return uuid5(slot_id, str(person))


def _booked(session: Session, slot_id: UUID, person: int) -> bool:
    return _tried(session, partial(booking.book, session, slot_id, _key(slot_id, person), person))


def _tried(session: Session, work: Callable[[], object]) -> bool:
    """What the rules refuse (twice a day, two places at once) does not happen in the demo either."""
    try:
        with session.begin_nested():
            work()
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", "") != "VR409":
            raise
        return False
    return True
