"""What tests of the canteen share: a resident with a room and money, dishes, and what the tables say behind the walls."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, text

from app.models.canteen import CanteenOrder
from app.permissions import Portal, Role
from app.rules.canteen import OrderStatus
from app.services import beds, canteen
from app.tenancy import tenant_scope
from tests.maintenance import scope
from tests.wallet import HOSTEL, credit, post
from tests.world import Person, World

FUNDS = 1_000_00


def tomorrow(world: World) -> date:
    """A day whose meals can all be ordered still, whatever the hour."""
    with tenant_scope(world.a.org_id) as session:
        return beds.house_day(session, HOSTEL) + timedelta(days=1)


def housed(superuser: Engine, world: World, *users: int) -> None:
    """Each with a current stay in the first hostel, as if somebody had seen to it."""
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("""
            INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on)
            SELECT :org, :hostel, 7000 + u, u, '2026-01-01' FROM unnest(CAST(:users AS integer[])) u ON CONFLICT DO NOTHING"""),
            {"org": world.a.org_id, "hostel": HOSTEL, "users": list(users)})
        connection.execute(text("""
            INSERT INTO stays (org_id, hostel_id, resident_id, user_id, bed_id, from_on, status)
            SELECT org_id, hostel_id, id, user_id, :bed, '2026-01-01', 'current' FROM residents WHERE org_id = :org AND user_id = ANY (:users)"""),
            {"org": world.a.org_id, "bed": world.a.places[0].beds[0], "users": list(users)})


def guest(superuser: Engine, world: World, funds: int = FUNDS) -> Person:
    """The world's resident, with a room and money in the wallet."""
    person = world.a.people[Role.RESIDENT]
    housed(superuser, world, person.user_id)
    if funds:
        post(world, credit(f"funds {person.user_id}", person.user_id, funds))
    return person


def dish(world: World, name: str = "Poha", **values: Any) -> UUID:
    """A dish that the kitchen put on tomorrow's menu; committed."""
    with scope(world.a.people[Role.CANTEEN_STAFF]) as session:
        return canteen.menu.add(session, {"hostel_id": HOSTEL, "served_on": tomorrow(world), "meal": "breakfast", "name": name,
                                          "price_paise": 50_00, "portions": 10, **values}).id


def order(person: Person, *dishes: UUID, quantity: int = 1, order_id: UUID | None = None, **more: Any) -> UUID:
    """An order of this person; committed."""
    with tenant_scope(person.org_id, person.user_id, portal=Portal.RESIDENT) as session:
        return canteen.ordering.place(session, HOSTEL, dict.fromkeys(dishes, quantity), order_id or uuid4(), **more)


def step(person: Person, order_id: UUID, *events: str, note: str = "") -> None:
    """Each in a transaction of its own."""
    for event in events:
        with scope(person) as session:
            canteen.ordering.move(session, order_id, event, note)


def seen(person: Person, order_id: UUID) -> CanteenOrder:
    """An order as this person sees it."""
    with scope(person) as session:
        return canteen.ordering.find(session, order_id)


def stock(superuser: Engine, dish_id: UUID) -> int:
    """What is left of a dish."""
    with superuser.connect() as connection:
        return connection.execute(text("SELECT stock FROM canteen_menu WHERE id = :id"), {"id": dish_id}).scalar_one()


TO_COOK = ("confirm", "prepare")
ALL_THE_WAY = ("confirm", "prepare", "ready", "deliver", "complete")
DONE = OrderStatus.COMPLETED
