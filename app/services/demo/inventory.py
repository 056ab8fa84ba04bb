"""The demo's storerooms: what a kitchen keeps, and a month of buying, using and throwing away, after which two things run low."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from app.rules.canteen import Allergen
from app.rules.inventory import WHOLE, Category, MoveKind, Unit, WasteReason
from app.services import inventory
from app.services.beds import house_day
from app.services.inventory import Line

_C, _U, _A, _W = Category, Unit, Allergen, WasteReason
_MANDI, _DAIRY, _GROCER, _BUTCHER = "Gultekdi Market Yard", "Katraj Dairy", "Shree Ganesh Traders", "Royal Poultry"


class _Kept(NamedTuple):
    """An item; the kitchen takes `use` of it each `every` days and buys it at `price` rupees."""

    name: str
    category: Category
    unit: Unit
    use: float
    every: int
    price: int
    supplier: str
    allergens: tuple[Allergen, ...] = ()


_ITEMS = (
    _Kept("Basmati rice", _C.GRAINS, _U.KG, 12, 1, 92, _GROCER), _Kept("Wheat flour (atta)", _C.GRAINS, _U.KG, 10, 1, 44, _GROCER, (_A.GLUTEN,)),
    _Kept("Poha", _C.GRAINS, _U.KG, 4, 3, 58, _GROCER), _Kept("Semolina (rava)", _C.GRAINS, _U.KG, 3, 3, 46, _GROCER, (_A.GLUTEN,)),
    _Kept("Toor dal", _C.PULSES, _U.KG, 4, 1, 168, _GROCER), _Kept("Moong dal", _C.PULSES, _U.KG, 2.5, 2, 128, _GROCER),
    _Kept("Rajma", _C.PULSES, _U.KG, 3, 5, 142, _GROCER), _Kept("Chana", _C.PULSES, _U.KG, 3, 4, 96, _GROCER),
    _Kept("Onions", _C.VEGETABLES, _U.KG, 8, 1, 34, _MANDI), _Kept("Potatoes", _C.VEGETABLES, _U.KG, 9, 1, 28, _MANDI),
    _Kept("Tomatoes", _C.VEGETABLES, _U.KG, 6, 1, 42, _MANDI), _Kept("Spinach", _C.VEGETABLES, _U.KG, 3, 2, 40, _MANDI),
    _Kept("Green chillies", _C.VEGETABLES, _U.KG, 0.4, 2, 90, _MANDI), _Kept("Bananas", _C.FRUIT, _U.PIECES, 90, 2, 5, _MANDI),
    _Kept("Milk", _C.DAIRY, _U.L, 14, 1, 58, _DAIRY, (_A.MILK,)), _Kept("Curd", _C.DAIRY, _U.KG, 5, 1, 76, _DAIRY, (_A.MILK,)),
    _Kept("Paneer", _C.DAIRY, _U.KG, 3, 2, 330, _DAIRY, (_A.MILK,)), _Kept("Ghee", _C.OILS, _U.KG, 0.6, 2, 560, _DAIRY, (_A.MILK,)),
    _Kept("Eggs", _C.EGGS_MEAT, _U.PIECES, 110, 2, 7, _BUTCHER, (_A.EGG,)), _Kept("Chicken", _C.EGGS_MEAT, _U.KG, 7, 3, 210, _BUTCHER),
    _Kept("Sunflower oil", _C.OILS, _U.L, 3, 1, 142, _GROCER), _Kept("Turmeric", _C.SPICES, _U.G, 120, 3, 0, _GROCER),
    _Kept("Salt", _C.SPICES, _U.KG, 1, 2, 24, _GROCER), _Kept("Tea", _C.BEVERAGES, _U.KG, 0.8, 1, 420, _GROCER),
    _Kept("Dish soap", _C.CLEANING, _U.BOTTLES, 1, 3, 95, _GROCER),
)
_Used = tuple[_Kept, Decimal, int | None]
_Booked = tuple[MoveKind, date, list[_Used], dict[str, str]]
_SHORT = {"Paneer", "Sunflower oil"}  # nobody bought them lately
_DAYS, _NOT_LATELY, _COVER = 30, 10, 6  # days told; those on which nobody bought them; a delivery lasts so many uses
_THROWN = ((3, "Tomatoes", 2.5, _W.SPOILED), (6, "Milk", 3, _W.SPOILED), (9, "Spinach", 1.5, _W.SPOILED), (12, "Curd", 2, _W.EXPIRED), (16, "Basmati rice", 4, _W.LEFT_OVER),
           (20, "Eggs", 12, _W.SPILLED), (24, "Potatoes", 5, _W.SPOILED), (27, "Toor dal", 1.5, _W.BURNT), (29, "Tomatoes", 1.5, _W.SPOILED))


def stock(session: Session, hostel_id: UUID, code: str) -> None:
    """As whoever keeps the storeroom of the house would have booked it."""
    if inventory.items(session, hostel_id):
        return
    today = house_day(session, hostel_id)
    keep = {kept.name: inventory.add(session, {
        "hostel_id": hostel_id, "name": kept.name, "category": kept.category.value, "unit": kept.unit.value, "supplier": kept.supplier,
        "allergens": [one.value for one in kept.allergens]}) for kept in _ITEMS}
    for place, (kind, day, amounts, about) in enumerate(_month(today, Random(code))):  # noqa: S311 - made-up data
        lines = [Line(keep[kept.name].id, amount, price) for kept, amount, price in amounts]
        inventory.book(session, hostel_id, kind, lines, day, uuid5(hostel_id, f"stock {place}"), **about)
    for kept in _ITEMS:  # at last, so that nobody hears of what was low a month ago
        inventory.change(session, keep[kept.name], {"reorder_level": _amount(kept, 2), "fill_to": _amount(kept, _COVER + 2)})


def _month(today: date, random: Random) -> Iterator[_Booked]:
    """What was booked, in order."""
    there = {kept: _amount(kept, _COVER) for kept in _ITEMS}
    yield MoveKind.OPENING, today - timedelta(days=_DAYS), [(kept, amount, _price(kept, random)) for kept, amount in there.items()], {}
    for number in range(1, _DAYS + 1):
        day = today - timedelta(days=_DAYS - number)
        bought: dict[str, list[_Used]] = {}
        for kept in _ITEMS:
            if there[kept] <= _amount(kept, 2) and not (kept.name in _SHORT and number > _DAYS - _NOT_LATELY):
                bought.setdefault(kept.supplier, []).append((kept, _amount(kept, _COVER), _price(kept, random)))
        for supplier, lines in bought.items():
            yield MoveKind.PURCHASE, day, lines, {"supplier": supplier, "bill": f"{supplier[:2].upper()}/{day:%m%d}"}
            there.update({kept: there[kept] + amount for kept, amount, _ in lines})
        for amount, kept, reason in ((_rounded(kept, lost), kept, reason) for at, name, lost, reason in _THROWN if at == number
                                     for kept in _ITEMS if kept.name == name):
            yield MoveKind.WASTE, day, [(kept, amount, None)], {"reason": reason.value}
            there[kept] -= amount
        used: list[_Used] = [(kept, amount, None) for kept in _ITEMS if number % kept.every == 0
                             and (amount := min(there[kept], _rounded(kept, kept.use * random.uniform(.8, 1.15))))]
        there.update({kept: there[kept] - amount for kept, amount, _ in used})
        yield MoveKind.USE, day, used, {}


def _amount(kept: _Kept, uses: int) -> Decimal:
    """Enough for so many uses."""
    return _rounded(kept, kept.use * uses)


def _rounded(kept: _Kept, amount: float) -> Decimal:
    """As a kitchen weighs: whole pieces, else to a tenth."""
    return Decimal(str(round(amount) if kept.unit in WHOLE or kept.unit is _U.G else round(amount, 1)))


def _price(kept: _Kept, random: Random) -> int:
    """Of a unit, in paise, as it varies."""
    return round(kept.price * 100 * random.uniform(.95, 1.08)) if kept.price else 30
