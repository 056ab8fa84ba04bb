"""Orders: placed and paid in one transaction, moved along their lifecycle, found again."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session, joinedload, selectinload

from app.models.canteen import CanteenOrder
from app.rules.canteen import ORDER, Allergen, OrderStatus
from app.rules.errors import NotFound
from app.services import lifecycle

PAGE = 20

_PEOPLE = text("SELECT order_id, name, allergens FROM app.order_people(:orders)")
_PLACE = text("SELECT app.place_order(:hostel, CAST(:items AS jsonb), CAST(:seen AS bigint), :note, :id)")


def place(session: Session, hostel_id: UUID, quantities: Mapping[UUID, int], order_id: UUID, *, note: str = "",
          seen_paise: int | None = None, despite: Mapping[UUID, Collection[str]] | None = None) -> UUID:
    """Order dishes of one meal for the caller and pay them from the wallet; sent again, it is the same order.

    `despite` is what makes the caller ill and is in a dish, which they want all the same.

    Errors (as DBAPIError, translated at the edge): VR404, VR409 (sold out, too late, not enough money, another price than
    was seen, makes the caller ill), VR422, VR429 after the twentieth of a day.
    """
    session.flush()
    items = [{"dish": str(dish), "quantity": quantity, "despite": list((despite or {}).get(dish, ()))} for dish, quantity in quantities.items()]
    placed: UUID = session.execute(_PLACE, {"hostel": hostel_id, "items": json.dumps(items), "seen": seen_paise, "note": note,
                                            "id": order_id}).scalar_one()
    session.expire_all()
    return placed


def move(session: Session, order_id: UUID, event: str, note: str = "") -> OrderStatus:
    """Take a step; `cancel` pays back at once, `cancel_late` proposes it."""
    return OrderStatus(lifecycle.move(session, ORDER, order_id, event, note))


def _whole() -> Select[CanteenOrder]:
    return select(CanteenOrder).options(joinedload(CanteenOrder.room), joinedload(CanteenOrder.hostel), selectinload(CanteenOrder.items))


def find(session: Session, order_id: UUID) -> CanteenOrder:
    """One order that the caller may see, with its dishes; NotFound."""
    found = session.scalars(_whole().where(CanteenOrder.id == order_id)).unique().one_or_none()
    if found is None:
        raise NotFound("There is no such canteen order.")
    return found


def own(session: Session, user_id: int, before: datetime | None = None) -> list[CanteenOrder]:
    """A person's orders, the newest first."""
    asked = _whole().where(CanteenOrder.user_id == user_id).order_by(CanteenOrder.placed_at.desc(), CanteenOrder.id).limit(PAGE)
    return list(session.scalars(asked.where(CanteenOrder.placed_at < before) if before else asked).unique())


@dataclass(frozen=True)
class Guest:
    """Whom an order is for; what makes them ill is known until it is delivered."""

    name: str
    allergens: tuple[Allergen, ...]


def guests(session: Session, orders: list[UUID]) -> dict[UUID, Guest]:
    """Whom orders are for."""
    return {order_id: Guest(name, tuple(map(Allergen, allergens))) for order_id, name, allergens in session.execute(_PEOPLE, {"orders": orders})}
