"""The storeroom: what is kept, booked, counted and to be bought, and who hears of what runs low. The database's functions move stock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.models.inventory import InventoryCount, InventoryItem, InventoryMove
from app.permissions import Action, Resource
from app.rules import inventory as rules
from app.rules.inventory import Category, MoveKind, Unit, WasteReason
from app.services.notifications import Message, people_who_can, tell

_BOOK = text("SELECT app.book_stock(:hostel, :kind, CAST(:lines AS jsonb), CAST(:about AS jsonb), :day, :batch)")
_COUNT = text("SELECT app.count_stock(:hostel, CAST(:lines AS jsonb), :note, :batch)")
_REVERSE = text("SELECT app.reverse_stock(:move, :why, :batch)")
_PEOPLE = text("SELECT id, name FROM app.stock_people(:ids)")
_COUNTS_SHOWN = 5

# Errors of what moves stock below (as DBAPIError, translated at the edge): VR404, VR403, VR409 (too little is there, it has
# moved meanwhile, corrected already), VR422.


@dataclass(frozen=True)
class Line:
    """How much of an item, and for what comes in what a unit of it cost, in paise."""

    item_id: UUID
    quantity: Decimal
    price_paise: int | None = None


@dataclass(frozen=True)
class Counted:
    """What a sheet said is there, and what somebody counted."""

    item_id: UUID
    seen: Decimal
    counted: Decimal


# --- items ----------------------------------------------------------------------------------------------


def items(session: Session, hostel_id: UUID, *, low: bool = False) -> Sequence[InventoryItem]:
    """What a house keeps, shelf by shelf."""
    asked = select(InventoryItem).where(InventoryItem.hostel_id == hostel_id, InventoryItem.deleted_at.is_(None))
    if low:
        asked = asked.where(InventoryItem.low)
    order = list(Category)
    return sorted(session.scalars(asked), key=lambda item: (order.index(Category(item.category)), item.name.lower()))


def worth(session: Session, org_id: UUID, hostel_id: UUID | None) -> int:
    """What all that is there had cost, in one house or in all."""
    asked = select(func.sum(InventoryItem.value_paise)).where(InventoryItem.org_id == org_id)
    return int(session.scalar(asked if hostel_id is None else asked.where(InventoryItem.hostel_id == hostel_id)) or 0)


def add(session: Session, data: Mapping[str, Any], item_id: UUID | None = None) -> InventoryItem:
    """Keep something new; nothing of it is there yet. Error: Invalid."""
    given = {name: value for name, value in data.items() if value is not None}
    rules.check_item(Unit(given["unit"]), given.get("reorder_level"), given.get("fill_to"))
    item = InventoryItem(**given, **({"id": item_id} if item_id else {}))
    session.add(item)
    session.flush()
    return item


def change(session: Session, item: InventoryItem, data: Mapping[str, Any]) -> None:
    """What it is and when to buy it; its unit stays, because its moves are written in it. Error: Invalid."""
    rules.check_item(Unit(item.unit), data.get("reorder_level", item.reorder_level), data.get("fill_to", item.fill_to))
    for name, value in data.items():
        setattr(item, name, value)
    session.flush()


def remove(session: Session, item: InventoryItem) -> None:
    """It is not kept any more; refused while some of it is there."""
    item.deleted_at = func.app.now()
    session.flush()


def restore(session: Session, item: InventoryItem) -> None:
    """It is kept again."""
    item.deleted_at = None
    session.flush()


# --- moves ----------------------------------------------------------------------------------------------


def book(session: Session, hostel_id: UUID, kind: MoveKind, lines: Sequence[Line], day: date, batch_id: UUID, **about: str) -> int:
    """Book lines of one kind, all or none; `about` is supplier, bill, reason, note. Sent again it is the same. Returns how many."""
    session.flush()
    said = [{"item": str(line.item_id), "quantity": str(line.quantity), "price": line.price_paise} for line in lines]
    booked: int = session.execute(_BOOK, {"hostel": hostel_id, "kind": kind.value, "lines": json.dumps(said), "about": json.dumps(about), "day": day,
                                          "batch": batch_id}).scalar_one()
    session.expire_all()
    return booked


def count(session: Session, hostel_id: UUID, lines: Sequence[Counted], batch_id: UUID, note: str = "") -> int:
    """Book what a stock take found, in one piece; returns how many items differed."""
    session.flush()
    said = [{"item": str(line.item_id), "seen": str(line.seen), "counted": str(line.counted)} for line in lines]
    differed: int = session.execute(_COUNT, {"hostel": hostel_id, "lines": json.dumps(said), "note": note, "batch": batch_id}).scalar_one()
    session.expire_all()
    return differed


def reverse(session: Session, move_id: UUID, why: str, batch_id: UUID) -> None:
    """Turn a move round that was a mistake, once."""
    session.flush()
    session.execute(_REVERSE, {"move": move_id, "why": why, "batch": batch_id})
    session.expire_all()


def people(session: Session, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Who booked these moves or stock takes; the product itself has no name."""
    return dict(session.execute(_PEOPLE, {"ids": list(ids)}).all()) if ids else {}


def corrected(session: Session, move_id: UUID) -> bool:
    """Whether somebody turned this move round."""
    return session.scalar(select(InventoryMove.id).where(InventoryMove.reverses_id == move_id)) is not None


def last_counts(session: Session, hostel_id: UUID) -> Sequence[InventoryCount]:
    """The latest stock takes of a house."""
    return session.scalars(select(InventoryCount).where(InventoryCount.hostel_id == hostel_id)
                           .order_by(InventoryCount.created_at.desc()).limit(_COUNTS_SHOWN)).all()


# --- what it comes to -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """Something to buy, and what that will cost at the last price; None where nobody knows it."""

    item: InventoryItem
    quantity: Decimal

    @property
    def cost_paise(self) -> int | None:
        """At what a unit cost last."""
        return rules.rounded(self.item.price_paise * self.quantity) if self.item.price_paise else None


def to_buy(session: Session, hostel_id: UUID) -> list[Wanted]:
    """What has reached its level, by supplier and shelf."""
    found = [Wanted(item, rules.to_buy(item.stock, item.reorder_level, item.fill_to)) for item in items(session, hostel_id, low=True)]
    return sorted((one for one in found if one.quantity > 0), key=lambda one: one.item.supplier.lower())


@dataclass(frozen=True)
class Wasted:
    """What was thrown away of an item for a reason."""

    name: str
    unit: Unit
    reason: WasteReason
    quantity: Decimal
    value_paise: int


@dataclass(frozen=True)
class Waste:
    """What was thrown away in a house from one day to another, both included, beside what was used and wasted altogether."""

    lines: Sequence[Wasted]
    used_paise: int

    @property
    def value_paise(self) -> int:
        """What all of it had cost."""
        return sum(line.value_paise for line in self.lines)

    @property
    def share(self) -> Decimal | None:
        """Of what left the storeroom for the kitchen or the bin, in percent."""
        whole = self.value_paise + self.used_paise
        return Decimal(100 * self.value_paise) / whole if whole else None

    @property
    def by_reason(self) -> list[tuple[WasteReason, int]]:
        """What each reason cost, the dearest first."""
        sums = {reason: sum(line.value_paise for line in self.lines if line.reason is reason) for reason in WasteReason}
        return sorted(((reason, paise) for reason, paise in sums.items() if paise), key=lambda pair: -pair[1])


def waste(session: Session, hostel_id: UUID, first: date, last: date) -> Waste:
    """By item and reason, the dearest first; corrections are taken off."""
    within = (InventoryMove.hostel_id == hostel_id, InventoryMove.happened_on.between(first, last))
    value = -func.sum(InventoryMove.value_paise)
    rows = session.execute(
        select(InventoryItem.name, InventoryItem.unit, InventoryMove.reason, -func.sum(InventoryMove.quantity), value)
        .join(InventoryMove.item).where(*within, InventoryMove.kind == MoveKind.WASTE.value)
        .group_by(InventoryItem.id, InventoryItem.name, InventoryItem.unit, InventoryMove.reason)
        .having(func.sum(InventoryMove.quantity) != 0).order_by(value.desc(), InventoryItem.name))
    used = session.scalar(select(value).where(*within, InventoryMove.kind == MoveKind.USE.value))
    return Waste([Wasted(name, Unit(unit), WasteReason(reason or WasteReason.OTHER), quantity, int(paise)) for name, unit, reason, quantity, paise in rows], int(used or 0))


# --- telling --------------------------------------------------------------------------------------------


def tell_of_low(session: Session, item_id: UUID) -> None:
    """The canteen's people hear of it once after each time that some came in, unless it was filled up in the meantime."""
    item = session.scalars(select(InventoryItem).where(InventoryItem.id == item_id)).one_or_none()
    if item is None or not item.low:
        return
    came = session.scalar(select(InventoryMove.id).where(InventoryMove.item_id == item_id, InventoryMove.quantity > 0).order_by(InventoryMove.id.desc()).limit(1))
    tell(session, people_who_can(session, Resource.INVENTORY, Action.UPDATE, item.hostel_id), Message(
        "inventory.low", f"inventory:low:{item.id}:{came}", f"To be bought: {item.name}, {item.stock.normalize():f} {item.unit} left.", item.hostel_id,
        f"/canteen/stock/show/{item.id}"))
