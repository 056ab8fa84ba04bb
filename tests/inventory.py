"""What tests of the storeroom share: an item, moves of it, and what the tables say behind the walls."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, text

from app.permissions import Role
from app.rules.inventory import MoveKind
from app.services import beds, inventory
from app.services.inventory import Line
from tests.maintenance import scope
from tests.wallet import HOSTEL
from tests.world import Person, World

K = MoveKind


def item(world: World, name: str = "Rice", **values: Any) -> UUID:
    """Something that the cook keeps; nothing of it is there."""
    with scope(world.a.people[Role.CANTEEN_STAFF]) as session:
        return inventory.add(session, {"hostel_id": HOSTEL, "name": name, "category": "grains", "unit": "kg", **values}).id


def book(person: Person, kind: MoveKind, *amounts: tuple[UUID, Any], price: int | None = None, batch: UUID | None = None, **about: str) -> int:
    """Booked by this person for today; committed."""
    with scope(person) as session:
        lines = [Line(key, Decimal(str(amount)), price) for key, amount in amounts]
        return inventory.book(session, HOSTEL, kind, lines, beds.house_day(session, HOSTEL), batch or uuid4(), **about)


def there(superuser: Engine, key: UUID) -> tuple[Decimal, int]:
    """How much of an item there is, and what that is worth in paise."""
    with superuser.connect() as connection:
        return tuple(connection.execute(text("SELECT stock, value_paise FROM inventory_items WHERE id = :key"), {"key": key}).one())
