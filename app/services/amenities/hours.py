"""What there is and when it is open; the slots that come of it; closing for maintenance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from app.models.amenities import Amenity, AmenityTemplate
from app.models.organizations import Hostel
from app.rules.amenities import DAYS_AHEAD, Opening, TemplateKind, coming_slots
from app.rules.errors import Invalid, NotFound
from app.services.beds import house_day

_PUT = text("SELECT app.put_slots(:amenity, :first, :last, CAST(:slots AS jsonb), :why)")
_CLOSE = text("SELECT app.close_amenity(:amenity, :first, :until, :why)")
_REOPEN = text("SELECT app.reopen_amenity(:amenity)")
_ASK = text("SELECT app.ask_amenity_slots()")
_CHANGED = "Its hours have changed."

# Errors of what writes slots below (as DBAPIError, translated at the edge): VR404, VR403, VR422.


def zone_of(session: Session, hostel_id: UUID) -> ZoneInfo:
    """The clock of a house; NotFound for one that the caller may not see."""
    found = session.scalar(select(Hostel.timezone).where(Hostel.id == hostel_id, Hostel.deleted_at.is_(None)))
    if found is None:
        raise NotFound("There is no such hostel.")
    return ZoneInfo(found)


def amenities(session: Session, hostel_id: UUID) -> Sequence[Amenity]:
    """Those of a house, by name."""
    return session.scalars(select(Amenity).where(Amenity.hostel_id == hostel_id, Amenity.deleted_at.is_(None)).order_by(func.lower(Amenity.name))).all()


def find(session: Session, amenity_id: UUID) -> Amenity:
    """One that the caller may see; NotFound."""
    found = session.scalars(select(Amenity).where(Amenity.id == amenity_id, Amenity.deleted_at.is_(None))).one_or_none()
    if found is None:
        raise NotFound("There is no such amenity.")
    return found


def templates(session: Session, hostel_id: UUID, amenity_id: UUID | None = None) -> Sequence[AmenityTemplate]:
    """What is said about an amenity and about all of its house, or (without one) about the house alone; the week first."""
    house = AmenityTemplate.amenity_id.is_(None)
    whose = house if amenity_id is None else or_(house, AmenityTemplate.amenity_id == amenity_id)
    return session.scalars(select(AmenityTemplate).where(AmenityTemplate.hostel_id == hostel_id, whose).order_by(
        AmenityTemplate.kind != TemplateKind.WEEKLY.value, AmenityTemplate.first_on, AmenityTemplate.opens, AmenityTemplate.id)).all()


# --- writing --------------------------------------------------------------------------------------------


def create(session: Session, data: Mapping[str, Any], amenity_id: UUID | None = None) -> Amenity:
    """Something new in a house; it has no hours yet."""
    made = Amenity(**{name: value for name, value in data.items() if value is not None}, **({"id": amenity_id} if amenity_id else {}))
    session.add(made)
    session.flush()
    return made


def change(session: Session, amenity: Amenity, data: Mapping[str, Any]) -> None:
    """What it is called, and its rules; bookings stay."""
    for name, value in data.items():
        if value is not None or name in {"place", "description"}:
            setattr(amenity, name, "" if value is None else value)
    session.flush()


def remove(session: Session, amenity: Amenity) -> None:
    """It is not there any more: who is booked is told."""
    today = house_day(session, amenity.hostel_id)
    session.execute(_PUT, {"amenity": amenity.id, "first": today, "last": today + timedelta(days=366), "slots": "[]", "why": "It is not offered any more."})
    amenity.deleted_at = func.app.now()
    session.flush()


def restore(session: Session, amenity: Amenity) -> None:
    """It is back, with its hours."""
    amenity.deleted_at = None
    session.flush()
    make_slots(session, amenity.hostel_id, amenity.id)


def add_template(session: Session, hostel_id: UUID, amenity_id: UUID | None, opening: Opening, note: str = "", template_id: UUID | None = None) -> None:
    """Hours of an amenity, or a day on which it, or (without one) all of the house, is closed; its slots follow. Sent twice, it is one.

    Errors: Invalid; of a whole house only what closes.
    """
    opening.check()
    if amenity_id is None and opening.kind is not TemplateKind.CLOSED:
        raise Invalid("Hours belong to one amenity.", field="kind")
    if template_id is not None and session.get(AmenityTemplate, template_id) is not None:
        return
    session.add(AmenityTemplate(
        **({"id": template_id} if template_id else {}), hostel_id=hostel_id, amenity_id=amenity_id, kind=opening.kind.value, days=opening.days,
        first_on=opening.first_on, last_on=opening.last_on, opens=opening.opens, closes=opening.closes, slot_minutes=opening.slot_minutes,
        capacity=opening.capacity, per_day=opening.per_day, note=note))
    session.flush()
    make_slots(session, hostel_id, amenity_id, note)


def remove_template(session: Session, template_id: UUID) -> AmenityTemplate:
    """It counts no more; the slots follow. NotFound."""
    found = session.scalars(select(AmenityTemplate).where(AmenityTemplate.id == template_id)).one_or_none()
    if found is None:
        raise NotFound("There are no such hours.")
    session.delete(found)
    session.flush()
    make_slots(session, found.hostel_id, found.amenity_id)
    return found


def make_slots(session: Session, hostel_id: UUID, amenity_id: UUID | None = None, why: str = "", *, since: date | None = None) -> int:
    """Bring the slots of a house, or of one amenity, in line with its hours, 14 days ahead; how many are new. Repeated, it changes nothing.

    Who loses a booking by it is told `why`, and offered another slot.
    """
    zone, today = zone_of(session, hostel_id), house_day(session, hostel_id)
    first, last = since or today, today + timedelta(days=DAYS_AHEAD)
    made = 0
    for amenity in amenities(session, hostel_id):
        if amenity_id not in {None, amenity.id}:
            continue
        openings = [one.opening for one in templates(session, hostel_id, amenity.id)]
        slots = [{"day": slot.day.isoformat(), "starts_at": slot.starts_at.isoformat(), "ends_at": slot.ends_at.isoformat(), "capacity": slot.capacity,
                  "per_day": slot.per_day} for slot in coming_slots(first - timedelta(days=1), last, openings, zone) if slot.day >= first]  # a night may reach into the first
        made += session.execute(_PUT, {"amenity": amenity.id, "first": first, "last": last, "slots": json.dumps(slots), "why": why or _CHANGED}).scalar_one()
    session.expire_all()
    return made


def ask_slots(session: Session) -> int:
    """Ask for the slots of every house, once on each of its days; on the service login."""
    return int(session.execute(_ASK).scalar_one())


def close(session: Session, amenity_id: UUID, first: datetime, until: datetime | None, why: str) -> int:
    """Maintenance: nothing can be booked, who was booked is told; how many those are."""
    session.flush()
    told: int = session.execute(_CLOSE, {"amenity": amenity_id, "first": first, "until": until, "why": why}).scalar_one()
    session.expire_all()
    return told


def reopen(session: Session, amenity_id: UUID) -> None:
    """It can be booked again."""
    session.flush()
    session.execute(_REOPEN, {"amenity": amenity_id})
    session.expire_all()
