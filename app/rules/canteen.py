"""The canteen: meals and dishes, what an order goes through, and when it is too late (C1–C6)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.lifecycle import By, Machine, T
from app.permissions import Action, Resource
from app.rules.errors import Invalid

ORDERS_PER_DAY = 20  # of one person, by the day of the house (C5)
QUANTITY_MAX = 20  # portions of a dish in one order
DISHES_MAX = 40  # in one order
PORTIONS_MAX = 5_000
PRICE_MAX_PAISE = 10_000_00
NOTE_MAX = 200
DAYS_AHEAD = 7  # how far residents see the menu, today included
COPIED_DAYS_MAX = 31
YEAR = 366  # days; a day farther away was mistyped
MENU_KEPT = timedelta(minutes=5)  # how long today's menu is kept in Redis (C1)
COMPLETED_AFTER = timedelta(hours=6)  # what was delivered and nobody complained of


class Meal(StrEnum):
    """The meals of a day, in their order."""

    BREAKFAST = "breakfast"
    LUNCH = "lunch"
    SNACKS = "snacks"
    DINNER = "dinner"


class Diet(StrEnum):
    """Who can eat a dish."""

    VEG = "veg"
    EGG = "egg"
    NON_VEG = "non_veg"
    VEGAN = "vegan"
    JAIN = "jain"


class Allergen(StrEnum):
    """What India's food authority wants declared."""

    GLUTEN = "gluten"
    CRUSTACEANS = "crustaceans"
    EGG = "egg"
    FISH = "fish"
    NUTS = "nuts"
    SOYA = "soya"
    MILK = "milk"
    SULPHITES = "sulphites"


# Until when a meal can be ordered where a house says nothing else, by the clock of the house.
ORDER_UNTIL: dict[Meal, time] = {Meal.BREAKFAST: time(8, 30), Meal.LUNCH: time(12, 0), Meal.SNACKS: time(17, 0), Meal.DINNER: time(19, 30)}
SUMMARY_AT = time(22, 30)
LOW_STOCK = 5  # portions at which the kitchen is told


class OrderStatus(StrEnum):
    """Where an order stands. It leaves the cart in the transaction that makes it."""

    CART = "cart"
    PLACED = "placed"
    CONFIRMED = "confirmed"
    PREPARING = "preparing"
    READY = "ready"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class RefundState(StrEnum):
    """What became of the money of a cancelled order."""

    NONE = "none"
    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


S = OrderStatus
_ORDER, _COOK = (Resource.CANTEEN, Action.CREATE), (Resource.CANTEEN, Action.UPDATE)
ORDER = Machine("canteen_order", S, initial=S.CART, transitions=[
    T("place", {S.CART}, S.PLACED, needs=_ORDER),
    T("confirm", {S.PLACED}, S.CONFIRMED, needs=_COOK),
    T("prepare", {S.CONFIRMED}, S.PREPARING, needs=_COOK, label="Start cooking"),
    T("ready", {S.PREPARING}, S.READY, needs=_COOK),
    T("deliver", {S.READY}, S.DELIVERED, needs=_COOK, label="Delivered"),
    T("complete", {S.DELIVERED}, S.COMPLETED, needs=_COOK, by=By.EITHER),
    T("cancel", {S.PLACED, S.CONFIRMED}, S.CANCELLED, needs=_ORDER),
    # From here on the food is made: the money comes back only if somebody in charge agrees (C4).
    T("cancel_late", {S.PREPARING, S.READY}, S.CANCELLED, needs=_ORDER, needs_note=True, label="Cancel and ask for the money"),
])
COOKING = (S.PLACED, S.CONFIRMED, S.PREPARING, S.READY)  # what the kitchen still has to do with
NEXT_STEP = {state: step for step in ORDER for state in step.from_states if step.needs == _COOK}
"""The one step that the kitchen takes from a state."""

_ANIMALS = frozenset({Allergen.FISH, Allergen.CRUSTACEANS})
_NEVER: dict[Diet, frozenset[Allergen]] = {
    Diet.VEG: _ANIMALS | {Allergen.EGG}, Diet.JAIN: _ANIMALS | {Allergen.EGG}, Diet.EGG: _ANIMALS,
    Diet.VEGAN: _ANIMALS | {Allergen.EGG, Allergen.MILK},
}


def check_dish(diet: Diet, allergens: Collection[Allergen]) -> None:
    """Invalid where a dish contains what its diet excludes."""
    if not _NEVER.get(diet, frozenset()).isdisjoint(allergens):
        raise Invalid("This diet does not go with one of the allergens.", field="diet")


def check_days(served_on: date, until: datetime, today: date, zone: ZoneInfo) -> None:
    """Invalid where a day was mistyped, or the dish could still be ordered when its day is over."""
    if not -YEAR <= (served_on - today).days <= YEAR:
        raise Invalid("Give a day within a year of today.", field="served_on")
    check_until(served_on, until, zone)


def check_until(served_on: date, until: datetime, zone: ZoneInfo) -> None:
    """Invalid where a dish could still be ordered when its day is over."""
    if until >= order_until(served_on + timedelta(days=1), time(), zone):
        raise Invalid("A dish is not ordered after its day.", field="order_until")


def order_until(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment from which a meal of a day cannot be ordered any more."""
    return datetime.combine(day, at, zone)


def moved_to(moment: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time by the clock of the house, some days later."""
    local = moment.astimezone(zone)
    return datetime.combine(local.date() + timedelta(days=days), local.time(), zone)


def check_copy(days: int, shift: int) -> None:
    """Invalid unless whole days are copied onto later ones without meeting themselves."""
    if not 1 <= days <= COPIED_DAYS_MAX:
        raise Invalid("Copy 1 to 31 days at once.", field="until")
    if shift < days:
        raise Invalid("Copy onto days after those that are copied.", field="onto")
    if shift > YEAR:
        raise Invalid("Copy onto days within a year.", field="onto")


def reference(number: int) -> str:
    """How people call an order of a house: CO-0042."""
    return f"CO-{number:04d}"
