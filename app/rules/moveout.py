"""Moving out: its states, the notice period, what an inspection finds and what is owed to whom in the end (O9)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from app.lifecycle import By, Machine, T
from app.permissions import Action, Resource
from app.rules.errors import Invalid
from app.text import N_

WHY_MAX = 500
ITEMS_MAX, ITEM_MAX = 60, 80
NOTICE_DAYS, NOTICE_DAYS_MAX = 30, 365
# What is looked at in a new house, until it has a list of its own.
INSPECTION_ITEMS = (N_("Keys"), N_("Bed"), N_("Mattress"), N_("Cupboard"), N_("Table and chair"), N_("Walls"), N_("Windows"), N_("Fan and lights"),
                    N_("Bathroom"))
DEDUCTION_MAX_PAISE = 1_000_000_00  # ten lakh rupees for one thing: more is a slip of the finger
_AHEAD = timedelta(days=366)


class MoveOutStatus(StrEnum):
    """Where a move-out stands."""

    NOTICED = "noticed"
    INSPECTED = "inspected"
    SETTLED = "settled"
    LEFT = "left"
    WITHDRAWN = "withdrawn"


class Condition(StrEnum):
    """What an inspection found of a thing."""

    UNSEEN = "unseen"
    OK = "ok"
    DAMAGED = "damaged"
    MISSING = "missing"


S = MoveOutStatus
_CHANGE, _SETTLE = (Resource.MOVE_OUTS, Action.UPDATE), (Resource.MOVE_OUTS, Action.APPROVE)

# The functions of app/models/sql/moveout.sql take these steps; residents may withdraw their own.
MOVE_OUT = Machine("move_out", S, initial=S.NOTICED, transitions=[
    T("withdraw", {S.NOTICED}, S.WITHDRAWN, needs=_CHANGE),
    T("inspect", {S.NOTICED}, S.INSPECTED, needs=_CHANGE),
    T("settle", {S.INSPECTED}, S.SETTLED, needs=_SETTLE),
    T("leave", {S.SETTLED}, S.LEFT, by=By.SYSTEM),
])
OPEN = frozenset({S.NOTICED, S.INSPECTED})


@dataclass(frozen=True)
class Terms:
    """What a settlement is made of; `leaves_on` and `paid_until` are the first days without the resident and without rent paid."""

    noticed_on: date
    notice_days: int
    from_on: date
    leaves_on: date
    rent_paise: int
    deposit_paise: int
    damages_paise: int


@dataclass(frozen=True)
class Settlement:
    """Amounts in paise; a negative rent was paid in advance and goes back, a negative balance is due from the resident."""

    deposit_paise: int
    rent_paise: int
    notice_paise: int
    damages_paise: int

    @property
    def balance_paise(self) -> int:
        """What goes back to the resident."""
        return self.deposit_paise - self.kept_paise

    @property
    def kept_paise(self) -> int:
        """What is taken off the deposit; negative where more was paid in advance."""
        return self.rent_paise + self.notice_paise + self.damages_paise


def days_short(noticed_on: date, notice_days: int, leaves_on: date) -> int:
    """By how many days the notice is shorter than the house wants it."""
    return max(0, (noticed_on + timedelta(days=notice_days) - leaves_on).days)


def prorated(rent_paise: int, first: date, until: date) -> int:
    """Rent of the days from `first` to the one before `until`: of each month its share, whole months whole, half a paisa up."""
    total, day = 0, first
    while day < until:
        length = monthrange(day.year, day.month)[1]
        end = min(until, day.replace(day=1) + timedelta(days=length))
        total += (2 * rent_paise * (end - day).days + length) // (2 * length)
        day = end
    return total


def settle(terms: Terms, paid_until: date) -> Settlement:
    """The settlement of a move-out. Invalid for a day until which nobody can have paid."""
    if not terms.from_on <= paid_until <= terms.leaves_on + _AHEAD:
        raise Invalid("Rent is paid until a day of the stay, or of the year after it.", field="paid_until")
    owed = prorated(terms.rent_paise, paid_until, terms.leaves_on) - prorated(terms.rent_paise, terms.leaves_on, paid_until)
    short = days_short(terms.noticed_on, terms.notice_days, terms.leaves_on)
    notice = prorated(terms.rent_paise, terms.leaves_on, terms.leaves_on + timedelta(days=short))
    return Settlement(terms.deposit_paise, owed, notice, terms.damages_paise)


def check_item(condition: Condition, deduction_paise: int) -> None:
    """Money is kept back only for what is damaged or missing."""
    if not 0 <= deduction_paise <= DEDUCTION_MAX_PAISE:
        raise Invalid("A deduction is between 0 and ten lakh.", field="deduction")
    if deduction_paise and condition in {Condition.OK, Condition.UNSEEN}:
        raise Invalid("Something is deducted only for what is damaged or missing.", field="deduction")


def check_items(names: Iterable[str], field: str = "inspection_items") -> list[str]:
    """The list of what is inspected as it is kept: without blanks and doubles."""
    found = list(dict.fromkeys(filter(None, (" ".join(name.split()) for name in names))))
    if not found:
        raise Invalid("List at least one thing to inspect.", field=field)
    if len(found) > ITEMS_MAX or any(len(name) > ITEM_MAX for name in found):
        raise Invalid(f"At most {ITEMS_MAX} things, each in at most {ITEM_MAX} characters.", field=field)
    return found
