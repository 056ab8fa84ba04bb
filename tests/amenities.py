"""What tests of amenities share: one that is open, residents who book it, and what the tables say behind the walls."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, text

from app.permissions import Portal
from app.rules.amenities import Opening, TemplateKind
from app.services.amenities import booking, hours
from app.tenancy import tenant_scope
from tests.wallet import HOSTEL
from tests.world import World

WEEKLY = TemplateKind.WEEKLY


def opened(world: World, capacity: int = 1, *, name: str = "Gym", slot_minutes: int = 60, per_day: int = 9, **more: Any) -> UUID:
    """An amenity of A's first hostel that is open day and night."""
    with tenant_scope(world.a.org_id) as session:
        made = hours.create(session, {"hostel_id": HOSTEL, "name": name, "kind": "gym", **more}).id
        hours.add_template(session, HOSTEL, made, Opening(WEEKLY, opens=time(0), closes=time(0), slot_minutes=slot_minutes, capacity=capacity, per_day=per_day))
    return made


def slots(superuser: Engine, amenity: UUID) -> list[UUID]:
    """The slots of tomorrow and later that are open, the next first."""
    with superuser.connect() as connection:
        return list(connection.scalars(text(
            "SELECT id FROM amenity_slots WHERE amenity_id = :amenity AND state = 'open' AND starts_at > app.now() + interval '1 day' ORDER BY starts_at"),
            {"amenity": amenity}))


def resident(world: World, user: int) -> Any:
    """A session as a resident."""
    return tenant_scope(world.a.org_id, user, portal=Portal.RESIDENT)


def booked(world: World, user: int, slot: UUID) -> UUID:
    """They book."""
    with resident(world, user) as session:
        return booking.book(session, slot, uuid4())


def joined(world: World, user: int, slot: UUID) -> UUID:
    """They wait in line."""
    with resident(world, user) as session:
        return booking.join(session, slot, uuid4())


def cancelled(world: World, user: int, booking_id: UUID) -> None:
    """They call it off."""
    with resident(world, user) as session:
        booking.cancel(session, booking_id)


def line(superuser: Engine, slot: UUID) -> list[tuple[int, str]]:
    """Who is or was in line, in order."""
    with superuser.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT user_id, status FROM amenity_waits WHERE slot_id = :slot ORDER BY seq"), {"slot": slot})]


def agrees(superuser: Engine) -> bool:
    """Whether the counts of every slot are what its rows say, and none is above its places."""
    with superuser.connect() as connection:
        return not connection.execute(text("""
            SELECT s.id FROM amenity_slots s
            WHERE s.booked_count <> (SELECT count(*) FROM amenity_bookings b WHERE b.slot_id = s.id AND b.status <> 'cancelled')
               OR s.held_count <> (SELECT count(*) FROM amenity_waits w WHERE w.slot_id = s.id AND w.status = 'offered')
               OR s.booked_count + s.held_count > s.capacity""")).all()
