"""What the screens of the storeroom share: quantities in words, and how what was typed into them is read."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from flask import request
from flask_babel import gettext

from app.permissions import Portal
from app.rules.errors import DomainError, Invalid
from app.rules.inventory import BOOKED, INCOMING, MoveKind, Unit, read_quantity
from app.services.inventory import Line
from app.views import formats
from app.views.edge import given_id
from app.views.inputs import read_money

STORE = frozenset({Portal.ADMIN, Portal.CANTEEN})
QUANTITY, PRICE, SEEN = "quantity-", "price-", "seen-"


def quantity(value: Decimal, unit: str) -> str:
    """`2.5 kg`, as the organization writes numbers."""
    return f"{formats.number(value)} {unit_name(unit)}"


def plain(value: Decimal) -> str:
    """`2.5`, as a control takes it: `2.500` reads like two thousand."""
    return f"{value.normalize():f}"


def unit_name(unit: str) -> str:
    """`kg`, in the reader's language."""
    return formats.human(Unit(unit))


FILTERS = (quantity, plain, unit_name, formats.amount)


def given_price(name: str) -> int | None:
    """What a unit cost, in the smallest unit of the currency; None where nothing was typed. Error: Invalid."""
    try:
        found = read_money(request.form.get(name, ""))
    except ValueError as error:
        raise Invalid(str(error), field=name) from error
    if found is not None and found < 0:
        raise Invalid(gettext("Say what it cost."), field=name)
    return found


def given_quantities() -> dict[UUID, Decimal]:
    """What was typed beside items, without those that were left empty. Error: Invalid."""
    return {given_id(name.removeprefix(QUANTITY), gettext("One of these items is not kept here any more.")): read_quantity(text, name)
            for name, text in request.form.items() if name.startswith(QUANTITY) and text.strip()}


def typed_quantity(key: UUID) -> Decimal:
    """What was typed beside an item; none of what cannot be read."""
    try:
        return read_quantity(request.form.get(f"{QUANTITY}{key}", ""))
    except Invalid:
        return Decimal(0)


def given_lines(kind: MoveKind) -> list[Line]:
    """The items with a quantity, and what they cost where that matters. Error: Invalid."""
    found = [Line(key, amount, given_price(f"{PRICE}{key}") if kind in INCOMING else None) for key, amount in given_quantities().items() if amount]
    if not found:
        raise Invalid(gettext("Give a quantity of at least one item."))
    return found


def given_kind(text: str | None) -> MoveKind:
    """Why something comes or goes; where nothing is said, what happens most. Error: Invalid."""
    if not text:
        return MoveKind.USE
    if text not in BOOKED:
        raise Invalid(gettext("Choose one from the list."), field="kind")
    return MoveKind(text)


def row_of(error: DomainError | None) -> str:
    """The control that a refusal is about, if it is one of the rows."""
    field = getattr(error, "field", None) or ""
    return field if field.startswith((QUANTITY, PRICE)) else ""
