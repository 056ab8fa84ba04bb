"""What the kitchen sees of a meal: what to cook, and the orders by floor and room; and the day in figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select, text
from sqlalchemy.orm import Session

from app.models.canteen import CanteenItem, CanteenOrder, Dish
from app.models.rooms import Floor, Room
from app.rules.canteen import COMPLETED_AFTER, COOKING, Allergen, Meal, OrderStatus, RefundState
from app.services.canteen.ordering import Guest, guests, move

_ASK = text("SELECT app.ask_canteen_summaries()")
_GONE = {OrderStatus.CANCELLED.value, OrderStatus.CART.value}


@dataclass(frozen=True)
class Line:
    """So many of a dish; `harms` is what of it makes ill whom it is for."""

    name: str
    quantity: int
    harms: Sequence[Allergen] = ()


@dataclass
class Ticket:
    """An order as the kitchen and whoever carries it see it."""

    id: UUID
    hostel_id: UUID
    reference: str
    room: str
    guest: Guest
    status: OrderStatus
    note: str
    placed_at: datetime
    moved_at: datetime
    lines: list[Line] = field(default_factory=list)


@dataclass
class Storey:
    """The orders of one floor, by room."""

    name: str
    tickets: list[Ticket] = field(default_factory=list)

    @property
    def rooms(self) -> dict[str, list[Ticket]]:
        """The same by the number of the room."""
        found: dict[str, list[Ticket]] = {}
        for ticket in self.tickets:
            found.setdefault(ticket.room, []).append(ticket)
        return found


@dataclass(frozen=True)
class Count:
    """Portions of one dish: still to cook, ready to go, and left to be ordered (None: taken off the menu)."""

    name: str
    to_cook: int
    ready: int
    left: int | None


@dataclass(frozen=True)
class Kitchen:
    """A meal of a day in a house."""

    counts: Sequence[Count]
    storeys: Sequence[Storey]
    meals: dict[Meal, int]  # orders that the kitchen still has to do with, of each meal of the day


def kitchen(session: Session, hostel_id: UUID, day: date, meal: Meal, states: Sequence[OrderStatus]) -> Kitchen:
    """Four statements: how many orders each meal has, the wanted orders with their dishes, whom they are for, and what is left."""
    meals = dict.fromkeys(Meal, 0) | {Meal(one): count for one, count in session.execute(select(
        CanteenOrder.meal, func.count()).where(CanteenOrder.hostel_id == hostel_id, CanteenOrder.served_on == day, CanteenOrder.status.in_(
            [state.value for state in COOKING])).group_by(CanteenOrder.meal))}
    rows = session.execute(
        select(CanteenOrder.id, CanteenOrder.reference, CanteenOrder.status, CanteenOrder.note, CanteenOrder.placed_at, CanteenOrder.moved_at,
               Room.number, Floor.name.label("floor"), CanteenItem.name, CanteenItem.quantity, CanteenItem.dish_id)
        .join(CanteenItem, and_(CanteenItem.org_id == CanteenOrder.org_id, CanteenItem.order_id == CanteenOrder.id))
        .join(Room, and_(Room.org_id == CanteenOrder.org_id, Room.id == CanteenOrder.room_id))
        .join(Floor, and_(Floor.org_id == Room.org_id, Floor.id == Room.floor_id))
        .where(CanteenOrder.hostel_id == hostel_id, CanteenOrder.served_on == day, CanteenOrder.meal == meal.value,
               CanteenOrder.status.not_in(_GONE))
        .order_by(Floor.level, Room.number, CanteenOrder.placed_at, CanteenOrder.id, CanteenItem.name)).all()
    known = guests(session, list({row.id for row in rows})) if rows else {}
    dishes = session.execute(select(Dish.id, Dish.name, Dish.stock, Dish.allergens, Dish.deleted_at).where(
        Dish.hostel_id == hostel_id, Dish.served_on == day, Dish.meal == meal.value)).all()
    holds = {dish.id: dish.allergens for dish in dishes}
    storeys: dict[str, Storey] = {}
    tickets: dict[UUID, Ticket] = {}
    for row in rows:
        if OrderStatus(row.status) not in states:
            continue
        if row.id not in tickets:
            tickets[row.id] = Ticket(row.id, hostel_id, row.reference, row.number, known[row.id], OrderStatus(row.status), row.note,
                                     row.placed_at, row.moved_at)
            storeys.setdefault(row.floor, Storey(row.floor)).tickets.append(tickets[row.id])
        ticket = tickets[row.id]
        ticket.lines.append(Line(row.name, row.quantity, [one for one in ticket.guest.allergens if one in holds.get(row.dish_id, ())]))
    return Kitchen(_counts(rows, [dish for dish in dishes if dish.deleted_at is None]), list(storeys.values()), meals)


def _counts(rows: Sequence[Any], left: Sequence[Any]) -> list[Count]:
    cook: dict[UUID, int] = {}
    ready: dict[UUID, int] = {}
    known: dict[UUID, tuple[str, int | None]] = {one.id: (one.name, one.stock) for one in left}
    for row in rows:
        where = {OrderStatus.READY.value: ready, OrderStatus.DELIVERED.value: None, OrderStatus.COMPLETED.value: None}.get(row.status, cook)
        if where is not None:
            where[row.dish_id] = where.get(row.dish_id, 0) + row.quantity
        known.setdefault(row.dish_id, (row.name, None))
    return sorted((Count(name, cook.get(key, 0), ready.get(key, 0), stock) for key, (name, stock) in known.items()),
                  key=lambda one: (-one.to_cook, one.name))


# --- the day in figures ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """A day of a house's canteen."""

    orders: int
    portions: int
    takings_paise: int
    cancelled: int
    asked: int
    best: Sequence[Line]


def summary(session: Session, hostel_id: UUID, day: date) -> Summary:
    """What was ordered for a day."""
    mine = and_(CanteenOrder.hostel_id == hostel_id, CanteenOrder.served_on == day)
    gone = CanteenOrder.status == OrderStatus.CANCELLED.value
    orders, takings, cancelled, asked = session.execute(select(
        func.count().filter(~gone), func.coalesce(func.sum(CanteenOrder.total_paise).filter(CanteenOrder.refund != RefundState.DONE.value), 0),
        func.count().filter(gone), func.count().filter(CanteenOrder.refund == RefundState.ASKED.value)).where(mine)).one()
    dishes = [Line(name, int(quantity)) for name, quantity in session.execute(
        select(CanteenItem.name, func.sum(CanteenItem.quantity)).join(CanteenOrder, and_(
            CanteenOrder.org_id == CanteenItem.org_id, CanteenOrder.id == CanteenItem.order_id)).where(mine, ~gone)
        .group_by(CanteenItem.name).order_by(func.sum(CanteenItem.quantity).desc(), CanteenItem.name))]
    return Summary(orders, sum(one.quantity for one in dishes), int(takings), cancelled, asked, dishes[:3])


def ask_summaries(session: Session) -> int:
    """In all organizations, for the houses whose time has come."""
    return int(session.execute(_ASK).scalar_one())


def complete_delivered(session: Session, now: datetime) -> int:
    """What was delivered a while ago is done."""
    due = session.scalars(select(CanteenOrder.id).where(
        CanteenOrder.status == OrderStatus.DELIVERED.value, CanteenOrder.moved_at < now - COMPLETED_AFTER).order_by(CanteenOrder.id)).all()
    for order_id in due:
        move(session, order_id, "complete")
    return len(due)
