"""The storeroom of a canteen: what is kept, in which units, why it goes, what it is worth, and how much to buy (C6)."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from app.rules.errors import Invalid

QUANTITY_MAX = 100_000  # of one item, in its unit
DAYS_BACK = 31  # how late something may still be booked
NOTE_MAX = 200
FILL_TIMES = 2  # without a mark of its own an item is filled up to so many times its level


class Category(StrEnum):
    """Shelves of a storeroom."""

    GRAINS = "grains"
    PULSES = "pulses"
    VEGETABLES = "vegetables"
    FRUIT = "fruit"
    DAIRY = "dairy"
    EGGS_MEAT = "eggs_meat"
    OILS = "oils"
    SPICES = "spices"
    BEVERAGES = "beverages"
    CLEANING = "cleaning"
    OTHER = "other"


class Unit(StrEnum):
    """What an item is measured in."""

    KG = "kg"
    G = "g"
    L = "l"
    ML = "ml"
    PIECES = "pieces"
    PACKS = "packs"
    BOTTLES = "bottles"


WHOLE = frozenset({Unit.PIECES, Unit.PACKS, Unit.BOTTLES})
"""What comes in whole numbers only."""


class MoveKind(StrEnum):
    """Why stock came or went."""

    OPENING = "opening"
    PURCHASE = "purchase"
    USE = "use"
    WASTE = "waste"
    RETURN = "return"
    COUNT = "count"


BOOKED = (MoveKind.USE, MoveKind.WASTE, MoveKind.PURCHASE, MoveKind.RETURN, MoveKind.OPENING)
"""What people book, the most usual first; differences come from counting."""
INCOMING = frozenset({MoveKind.OPENING, MoveKind.PURCHASE})
"""What has a price of its own; the rest moves at the average."""


class WasteReason(StrEnum):
    """Why something was thrown away."""

    SPOILED = "spoiled"
    EXPIRED = "expired"
    LEFT_OVER = "left_over"
    BURNT = "burnt"
    SPILLED = "spilled"
    PESTS = "pests"
    OTHER = "other"


def read_quantity(text: str, field: str | None = None) -> Decimal:
    """`2.5` or `1,200`, to the gram or millilitre. Error: Invalid."""
    plain = re.sub(r"[\s,]", "", text)
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,3})?|\.[0-9]{1,3}", plain, re.ASCII) or Decimal(plain) > QUANTITY_MAX:
        raise Invalid("Write a quantity like 2.5, with three decimals at most.", field=field)
    return Decimal(plain)


def check_item(unit: Unit, *levels: Decimal | None) -> None:
    """Invalid where a level is none, or a part of something that comes in whole numbers."""
    for name, level in zip(("reorder_level", "fill_to"), levels, strict=False):
        if level is None:
            continue
        if not level.is_finite() or not 0 <= level <= QUANTITY_MAX or level != level.quantize(Decimal("0.001")):
            raise Invalid("Write a quantity like 2.5, with three decimals at most.", field=name)
        if unit in WHOLE and level != level.to_integral_value():
            raise Invalid("This is counted in whole numbers.", field=name)
    if len(levels) > 1 and levels[1] is not None and levels[0] is not None and levels[1] < levels[0]:
        raise Invalid("Fill up to at least the level at which it is bought.", field="fill_to")


def value_change(stock: Decimal, value_paise: int, quantity: Decimal, price_paise: int | None = None) -> int:
    """What a move changes of an item's value, in paise: at its own price if it has one, else at the moving average.

    The last of it takes all value along, so that nothing is worth anything without being there.
    """
    if stock + quantity == 0:
        return -value_paise
    if price_paise is not None:
        return rounded(price_paise * quantity)
    return rounded(value_paise * quantity / stock) if stock else 0


def rounded(paise: Decimal) -> int:
    """To whole paise as PostgreSQL rounds: halves away from zero."""
    return int(paise.quantize(Decimal(1), ROUND_HALF_UP))


def to_buy(stock: Decimal, level: Decimal, fill_to: Decimal | None) -> Decimal:
    """How much to buy of what has reached its level; nothing of what has not."""
    if not level or stock > level:
        return Decimal(0)
    return (fill_to if fill_to is not None else level * FILL_TIMES) - stock
