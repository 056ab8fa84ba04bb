"""Charges and invoices: what a month costs by the day, tax, late fees, allocation, reminders and ageing (W10).

Rounding, declared once: a price is for a whole month; each day costs its share of that month. The days of one month and
kind are summed exactly and rounded once, half a paisa up; lines carry differences of the rounded running sum, so that
they add up to it. Each tax is rounded half up per line. Invoices are not rounded to whole rupees.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.rules.errors import Invalid
from app.rules.wallet import AccountCode

SAC = "9963"  # accommodation, food and beverage services
GSTIN = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]")
TAX_MAX_BP, LATE_MAX_BP = 2_800, 1_000  # in hundredths of a percent
LATE_FLAT_MAX_PAISE = 10_000_00
BATCH = 100  # stays in one step of a run
LATE_EVERY = timedelta(days=30)  # a period of being late
REMINDERS = (-3, 1, 7, 15)  # days after the due day on which somebody is reminded
AGES = (30, 60, 90)


class ChargeKind(StrEnum):
    """What a line is for."""

    RENT = "rent"
    MESS = "mess"
    LUNCHBOX = "lunchbox"
    DEPOSIT = "deposit"
    LATE_FEE = "late_fee"
    NOTICE = "notice"
    DAMAGES = "damages"
    OTHER = "other"


MONTHLY = (ChargeKind.RENT, ChargeKind.MESS, ChargeKind.LUNCHBOX)
ACCOUNT: dict[ChargeKind, AccountCode] = {
    ChargeKind.RENT: AccountCode.RENT, ChargeKind.MESS: AccountCode.MESS, ChargeKind.LUNCHBOX: AccountCode.LUNCHBOX,
    ChargeKind.DEPOSIT: AccountCode.DEPOSIT, ChargeKind.LATE_FEE: AccountCode.LATE_FEES, ChargeKind.NOTICE: AccountCode.RENT,
    ChargeKind.DAMAGES: AccountCode.OTHER_INCOME, ChargeKind.OTHER: AccountCode.OTHER_INCOME,
}


class InvoiceKind(StrEnum):
    """Why a document was issued."""

    MONTH = "month"
    DEPOSIT = "deposit"
    LATE_FEE = "late_fee"
    SETTLEMENT = "settlement"
    CREDIT_NOTE = "credit_note"


class InvoiceState(StrEnum):
    """Whether something is still to be paid."""

    OPEN = "open"
    PART_PAID = "part_paid"
    PAID = "paid"
    ISSUED = "issued"


class PaymentMethod(StrEnum):
    """What an invoice is paid with."""

    WALLET = "wallet"
    CASH = "cash"
    BANK = "bank"
    DEPOSIT = "deposit"
    CREDIT_NOTE = "credit_note"
    DISCOUNT = "discount"
    WRITE_OFF = "write_off"


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to the one before `until`, at a price a month; None where no price is known."""

    kind: ChargeKind
    first: date
    until: date
    price_paise: int | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice, in paise; `tax_bp` in hundredths of a percent."""

    kind: ChargeKind
    amount_paise: int
    description: str = ""
    first: date | None = None
    until: date | None = None
    tax_bp: int = 0
    cgst_paise: int = 0
    sgst_paise: int = 0
    igst_paise: int = 0

    @property
    def total_paise(self) -> int:
        """With its tax."""
        return self.amount_paise + self.cgst_paise + self.sgst_paise + self.igst_paise

    def document(self) -> dict[str, Any]:
        """As the database's functions read it."""
        return {"kind": self.kind.value, "account": ACCOUNT[self.kind].value, "description": self.description,
                "from_on": self.first and self.first.isoformat(), "until_on": self.until and self.until.isoformat(),
                "amount": self.amount_paise, "tax_bp": self.tax_bp, "cgst": self.cgst_paise, "sgst": self.sgst_paise, "igst": self.igst_paise}


@dataclass(frozen=True, slots=True)
class Tax:
    """How a house charges GST: a rate for each kind (0: exempt), split in two unless it goes to another state."""

    rates: Mapping[ChargeKind, int]
    interstate: bool = False

    def on(self, line: Line) -> Line:
        """The line with its tax."""
        rate = self.rates.get(line.kind, 0)
        if self.interstate:
            cgst = sgst = 0
            igst = half_up(line.amount_paise * rate, 10_000)
        else:
            cgst = sgst = half_up(line.amount_paise * rate, 20_000)
            igst = 0
        return Line(line.kind, line.amount_paise, line.description, line.first, line.until, rate, cgst, sgst, igst)


NO_TAX = Tax({})


def half_up(number: int, by: int) -> int:
    """`number / by`, half up."""
    return (2 * number + by) // (2 * by)


def month_of(day: date) -> tuple[date, date]:
    """The first day of its month, and of the next."""
    first = day.replace(day=1)
    return first, first + timedelta(days=monthrange(day.year, day.month)[1])


def read_month(text: str) -> date:
    """The first day of `2026-11`; Invalid."""
    try:
        found = date.fromisoformat(f"{text.strip()}-01")
    except ValueError as error:
        raise Invalid("Please give a month, like 2026-11.", field="month") from error
    if not date(2000, 1, 1) <= found <= date(2199, 12, 1):
        raise Invalid("Please give a month of this century.", field="month")
    return found


def check_not_too_early(month: date, today: date) -> None:
    """What is issued is not changed any more: a slip of the pen must not charge a month years ahead. Invalid."""
    if month > month_of(today)[1]:
        raise Invalid("This month is too far ahead: the next month is the last one that can be charged.", field="month")


def charged(spans: Iterable[Span], month: date) -> list[Line]:
    """The lines of a month: one for each stretch of days with one price, adding up to the exact sum of the days, half up."""
    first, end = month_of(month)
    length, found = (end - first).days, []
    exact: dict[ChargeKind, int] = {}
    for span in _joined(spans):
        days = (min(span.until, end) - max(span.first, first)).days
        if days <= 0 or not span.price_paise:
            continue
        before = exact.get(span.kind, 0)
        exact[span.kind] = before + span.price_paise * days
        amount = half_up(exact[span.kind], length) - half_up(before, length)
        found.append(Line(span.kind, amount, span.name, max(span.first, first), min(span.until, end)))
    return [line for line in found if line.amount_paise]


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Neighbouring days of one price as one span, by kind and day."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: (list(ChargeKind).index(one.kind), one.first)):
        last = found[-1] if found else None
        if last and (last.kind, last.until, last.price_paise, last.name) == (span.kind, span.first, span.price_paise, span.name):
            found[-1] = Span(span.kind, last.first, span.until, span.price_paise, span.name)
        else:
            found.append(span)
    return found


@dataclass(frozen=True, slots=True)
class Price:
    """A price of a tariff, of one kind of room or of all."""

    kind: str
    name: str
    amount_paise: int
    valid_from: date
    valid_until: date | None
    room_type_id: UUID | None = None

    def holds(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


def price_on(prices: Sequence[Price], kind: str, day: date, *, room_type: UUID | None = None, name: str = "") -> Price | None:
    """The price of a thing on a day; one for this kind of room before one for all."""
    found = [price for price in prices if price.kind == kind and price.holds(day) and price.room_type_id in {room_type, None}
             and (not name or price.name.lower() == name.lower())]
    return min(found, key=lambda price: (price.room_type_id is None, price.name), default=None)


@dataclass(frozen=True, slots=True)
class Living:
    """A stay as charges see it: its days, what was agreed, and the kind of room by day."""

    stay_id: UUID
    first: date
    until: date | None
    room_type_id: UUID | None
    agreed_paise: int | None
    mess_plan: str
    lunchbox: bool
    rooms: Sequence[tuple[date, date | None, UUID | None]]  # from, until, kind of room


def spans_of(living: Living, prices: Sequence[Price], month: date) -> list[Span]:
    """Each day of the stay in a month with its prices. A rent that differs from the tariff of the first day was agreed on,
    and holds in that kind of room; any other rent is that of the tariff on the day.
    """
    first, end = month_of(month)
    day, last = max(first, living.first), min(end, living.until or end)
    began = price_on(prices, "rent", living.first, room_type=living.room_type_id)
    agreed = None if began and living.agreed_paise == began.amount_paise else living.agreed_paise
    found: list[Span] = []
    while day < last:
        room = next((kind for since, until, kind in living.rooms if since <= day and (until is None or day < until)), living.room_type_id)
        price = price_on(prices, "rent", day, room_type=room)
        rent = agreed if agreed is not None and room == living.room_type_id else price.amount_paise if price else None
        after = day + timedelta(days=1)
        found.append(Span(ChargeKind.RENT, day, after, rent))
        if living.mess_plan:
            meals = price_on(prices, "mess", day, name=living.mess_plan)
            found.append(Span(ChargeKind.MESS, day, after, meals.amount_paise if meals else None, living.mess_plan))
        if living.lunchbox:
            box = price_on(prices, "lunchbox", day)
            found.append(Span(ChargeKind.LUNCHBOX, day, after, box.amount_paise if box else None))
        day = after
    return _joined(found)


def corrections(due: Iterable[Line], invoiced: Mapping[ChargeKind, int]) -> dict[ChargeKind, int]:
    """What is missing (positive) or too much (negative) of each kind, before tax."""
    wanted: dict[ChargeKind, int] = {}
    for line in due:
        wanted[line.kind] = wanted.get(line.kind, 0) + line.amount_paise
    return {kind: difference for kind in ChargeKind if (difference := wanted.get(kind, 0) - invoiced.get(kind, 0))}


def financial_year(day: date) -> str:
    """Like 2026-27: from April to March."""
    start = day.year if day.month >= 4 else day.year - 1  # noqa: PLR2004 - April
    return f"{start}-{(start + 1) % 100:02}"


# -- being late ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LateFee:
    """The rule of a house: days of grace, then an amount and a share of what is open, once for each period of 30 days."""

    grace_days: int
    flat_paise: int
    percent_bp: int

    def period(self, due_on: date, today: date) -> int:
        """Which period of being late it is: 0 while nothing is to be paid for it."""
        late = today - due_on - timedelta(days=self.grace_days)
        return 0 if late <= timedelta() or not (self.flat_paise or self.percent_bp) else 1 + (late - timedelta(days=1)) // LATE_EVERY

    def periods(self, due_on: date, today: date, since: date) -> list[int]:
        """The one that it is, and those before it that began since the rule holds: nobody may have charged them on their day."""
        now, first = self.period(due_on, today), due_on + timedelta(days=self.grace_days + 1)
        return [one for one in range(1, now + 1) if one == now or first + (one - 1) * LATE_EVERY >= since]

    def amount(self, open_paise: int) -> int:
        """For one period."""
        return self.flat_paise + half_up(open_paise * self.percent_bp, 10_000)


def reminder(due_on: date, today: date) -> int:
    """How many reminders are due by now."""
    return sum((today - due_on).days >= after for after in REMINDERS)


def age_group(due_on: date, today: date) -> int:
    """0 to 3: up to 30, 60, 90 days late, or more. What is not due yet counts with the youngest."""
    late = (today - due_on).days
    return sum(late > limit for limit in AGES)


def allocated(amount_paise: int, open_paise: Sequence[int]) -> list[int]:
    """How a payment is laid on invoices in their order; what is left over stays with the payer."""
    found = []
    for wanted in open_paise:
        found.append(min(amount_paise, wanted))
        amount_paise -= found[-1]
    return found


def check_settings(gstin: str, rates: Iterable[int]) -> None:
    """Refuse a number that cannot be one, and tax without it."""
    if gstin and not GSTIN.fullmatch(gstin):
        raise Invalid("A GSTIN has 15 letters and digits, like 27ABCDE1234F1Z5.", field="gstin")
    if any(rates) and not gstin:
        raise Invalid("Tax can be charged only with a GSTIN.", field="gstin")
