"""The charges of a month: worked out for some stays at a time, issued once, and put right where a stay changed later."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, and_, func, or_, select, text, union
from sqlalchemy.orm import Session

from app.models.beds import BedAllocation
from app.models.billing import Invoice, InvoiceLine
from app.models.people import Member
from app.models.residents import Stay
from app.models.rooms import Bed, Room
from app.rules.billing import (
    BATCH,
    ChargeKind,
    InvoiceKind,
    Line,
    Living,
    Price,
    charged,
    check_not_too_early,
    corrections,
    month_of,
    price_on,
    spans_of,
)
from app.services.beds import house_day
from app.services.billing import invoices
from app.services.billing.terms import House, house_of, prices_of

_ISSUE = text("SELECT app.issue_invoices(CAST(:batch AS jsonb))")


@dataclass(frozen=True)
class Due:
    """What a stay has to pay for a month, and what of it was invoiced already, before tax, by kind."""

    stay: Stay
    name: str
    lines: Sequence[Line]
    deposit: Line | None
    invoiced: Mapping[ChargeKind, int]
    documents: int
    unpriced: Sequence[ChargeKind]

    @property
    def new(self) -> bool:
        """Whether nothing was issued for it yet."""
        return not self.documents

    @property
    def changes(self) -> Mapping[ChargeKind, int]:
        """What is missing or too much."""
        return corrections(self.lines, self.invoiced)


@dataclass
class Totals:
    """What a run would issue, or has issued."""

    stays: int = 0
    invoices: int = 0
    amount_paise: int = 0
    credited_paise: int = 0
    kinds: dict[ChargeKind, int] = field(default_factory=lambda: defaultdict(int))
    exceptions: list[tuple[str, ChargeKind]] = field(default_factory=list)


def stays_in(hostel_id: UUID, month: date, today: date) -> list[ColumnElement[bool]]:
    """Those that have begun and last on some day of the month, and those that were invoiced for it; Invalid if it is too far ahead."""
    check_not_too_early(month, today)
    first, end = month_of(month)
    invoiced = select(Invoice.stay_id).where(Invoice.hostel_id == hostel_id, Invoice.month == first, Invoice.stay_id.is_not(None))
    living = select(Stay.id).where(Stay.hostel_id == hostel_id, Stay.from_on < end, Stay.from_on <= today,
                                   or_(Stay.until_on.is_(None), Stay.until_on > first))
    return [Stay.id.in_(union(living, invoiced)), Stay.hidden_at.is_(None)]


def count(session: Session, hostel_id: UUID, month: date) -> int:
    """How many stays a run looks at."""
    return session.scalar(select(func.count()).select_from(Stay).where(*stays_in(hostel_id, month, house_day(session, hostel_id)))) or 0


def due(session: Session, house: House, month: date, *, after: UUID | None = None, most: int = BATCH,
        only: UUID | None = None) -> list[Due]:
    """The next stays of a month in the order of their ids, or one: six statements however many they are."""
    today = house_day(session, house.hostel_id)
    wanted = select(Stay).where(*stays_in(house.hostel_id, month, today))
    if after is not None:
        wanted = wanted.where(Stay.id > after)
    if only is not None:
        wanted = wanted.where(Stay.id == only)
    found = session.scalars(wanted.order_by(Stay.id).limit(most)).all()
    first, end = month_of(month)
    prices = prices_of(session, house.hostel_id, first, end)
    ids = [stay.id for stay in found]
    names = {row.user_id: row.name for row in session.execute(select(Member.user_id, Member.name).where(Member.user_id.in_([stay.user_id for stay in found])))}
    rooms, known = _rooms_of(session, ids), _invoiced(session, ids, first)
    return [_due(stay, names.get(stay.user_id, ""), house, prices, rooms[stay.id], known.get(stay.id, ({}, 0)), first) for stay in found]


def _due(stay: Stay, name: str, house: House, prices: Sequence[Price], rooms: Sequence[tuple[date, date | None, UUID | None]],
         known: tuple[Mapping[ChargeKind, int], int], month: date) -> Due:
    living = Living(stay.id, stay.from_on, stay.until_on, stay.room_type_id, stay.rent_paise, stay.mess_plan, stay.lunchbox, rooms)
    spans, tax = spans_of(living, prices, month), house.settings.tax
    deposit = None
    if month_of(stay.from_on)[0] == month and stay.until_on != stay.from_on:
        asked = price_on(prices, "deposit", stay.from_on, room_type=stay.room_type_id)
        deposit = Line(ChargeKind.DEPOSIT, asked.amount_paise, asked.name) if asked and asked.amount_paise else None
    return Due(stay, name, [tax.on(line) for line in charged(spans, month)], deposit, *known,
               unpriced=sorted({span.kind for span in spans if span.price_paise is None}))


def _rooms_of(session: Session, stays: Sequence[UUID]) -> Mapping[UUID, list[tuple[date, date | None, UUID | None]]]:
    """In which kind of room each stay is from when to when."""
    found: dict[UUID, list[tuple[date, date | None, UUID | None]]] = defaultdict(list)
    rows = select(BedAllocation.stay_id, func.lower(BedAllocation.period), func.upper(BedAllocation.period), Room.room_type_id).join(
        Bed, and_(Bed.org_id == BedAllocation.org_id, Bed.id == BedAllocation.bed_id)).join(
        Room, and_(Room.org_id == Bed.org_id, Room.id == Bed.room_id)).where(
        BedAllocation.stay_id.in_(stays), BedAllocation.kind == "stay", BedAllocation.state == "active")
    for stay_id, since, until, kind in session.execute(rows):
        found[stay_id].append((since, until, kind))
    return found


def _invoiced(session: Session, stays: Sequence[UUID], month: date) -> dict[UUID, tuple[dict[ChargeKind, int], int]]:
    """What runs have issued for these stays and month, before tax: what people credited by hand stays credited."""
    found: dict[UUID, tuple[dict[ChargeKind, int], int]] = {}
    rows = select(Invoice.stay_id, Invoice.id, Invoice.kind, InvoiceLine.kind.label("line"), InvoiceLine.amount_paise).join(
        InvoiceLine, and_(InvoiceLine.org_id == Invoice.org_id, InvoiceLine.invoice_id == Invoice.id)).where(
        Invoice.stay_id.in_(stays), Invoice.month == month, Invoice.occasion.like("month:%"))
    documents: dict[UUID, set[UUID]] = defaultdict(set)
    for row in session.execute(rows):
        kinds, _ = found.get(row.stay_id, ({}, 0))
        kind = ChargeKind(row.line)
        kinds[kind] = kinds.get(kind, 0) + (-row.amount_paise if row.kind == InvoiceKind.CREDIT_NOTE else row.amount_paise)
        documents[row.stay_id].add(row.id)
        found[row.stay_id] = (kinds, len(documents[row.stay_id]))
    return found


# -- looking before leaping ------------------------------------------------------------------------------------------------


def preview(session: Session, hostel_id: UUID, month: date) -> Totals:
    """What a run would issue now."""
    house, totals, after = house_of(session, hostel_id), Totals(), None
    while found := due(session, house, month, after=after, most=1_000):
        for one in found:
            totals.stays += 1
            totals.exceptions += [(one.name, kind) for kind in one.unpriced]
            _count(totals, one)
        after = found[-1].stay.id
    return totals


def _count(totals: Totals, one: Due) -> None:
    if one.new:
        for line in [*one.lines, *([one.deposit] if one.deposit else [])]:
            totals.kinds[line.kind] += line.total_paise
            totals.amount_paise += line.total_paise
        totals.invoices += bool(one.lines) + bool(one.deposit)
        return
    more = sum(amount for amount in one.changes.values() if amount > 0)
    totals.invoices += bool(more)
    totals.amount_paise += more
    totals.credited_paise -= sum(amount for amount in one.changes.values() if amount < 0)


# -- doing -----------------------------------------------------------------------------------------------------------------


def step(session: Session, hostel_id: UUID, month: date, after: UUID | None, *, on: date | None = None) -> tuple[UUID | None, int, int]:
    """Charge the next stays, as the product: (the last of them or None, how many, invoices issued). Repeated, it adds nothing.

    `on` is the day that invoices tell they were issued on: today.
    """
    house = house_of(session, hostel_id)
    found = due(session, house, month, after=after)
    if not found:
        return None, 0, 0
    issued = charge(session, house, found, month_of(month)[0], on)
    return found[-1].stay.id, len(found), issued


def charge(session: Session, house: House, found: Iterable[Due], month: date, on: date | None = None) -> int:
    """Issue what these stays have to pay, and put right what was issued wrongly; how many invoices are new."""
    today, batch = on or house_day(session, house.hostel_id), []
    for one in found:
        occasion = f"month:{month:%Y-%m}:{one.stay.id}:{one.documents}"
        lines = list(one.lines)
        if not one.new:
            _credit_back(session, one, occasion)
            lines = _additional(one, house)
        if lines:
            batch.append(document(house, one.stay, InvoiceKind.MONTH, occasion, lines, today, month=month))
        if one.deposit:
            batch.append(document(house, one.stay, InvoiceKind.DEPOSIT, f"deposit:{one.stay.id}", [one.deposit], today))
    return issue(session, batch)


def _additional(one: Due, house: House) -> list[Line]:
    return [house.settings.tax.on(Line(kind, amount, next((line.description for line in one.lines if line.kind is kind), "")))
            for kind, amount in one.changes.items() if amount > 0]


def _credit_back(session: Session, one: Due, occasion: str) -> None:
    """What is too much, taken off the invoices of the month, the last first."""
    for kind, amount in one.changes.items():
        if amount < 0:
            _credit_kind(session, one.stay.id, occasion, kind, -amount)


def _credit_kind(session: Session, stay_id: UUID, occasion: str, kind: ChargeKind, amount: int) -> None:
    """Credit an amount of a kind over the invoices of an occasion's month, as the product."""
    month = date.fromisoformat(f"{occasion.split(':')[1]}-01")
    rows = session.scalars(select(InvoiceLine).join(
        Invoice, and_(Invoice.org_id == InvoiceLine.org_id, Invoice.id == InvoiceLine.invoice_id)).where(
        Invoice.stay_id == stay_id, Invoice.month == month, Invoice.kind == InvoiceKind.MONTH.value, InvoiceLine.kind == kind.value)
        .order_by(Invoice.id.desc(), InvoiceLine.position.desc())).all()
    for line in rows:
        taken = min(amount, line.amount_paise - invoices.credited(session, line.id))
        if taken > 0:
            name = f"{occasion}:{line.id}"
            invoices.credit(session, uuid5(line.id, name), line.id, taken, "The stay or its price changed.", occasion=name)
            amount -= taken


def document(house: House, stay: Stay | Invoice, kind: InvoiceKind, occasion: str, lines: Sequence[Line], today: date, *,
             month: date | None = None) -> dict[str, Any]:
    """An invoice as app.issue_invoices reads it."""
    settings, stay_id = house.settings, stay.id if isinstance(stay, Stay) else stay.stay_id
    return {"occasion": occasion, "kind": kind.value, "hostel": str(house.hostel_id), "user": stay.user_id, "resident": str(stay.resident_id),
            "stay": stay_id and str(stay_id), "month": month and month.isoformat(), "issued_on": today.isoformat(),
            "due_on": (today + timedelta(days=settings.due_days)).isoformat(), "seller": house.seller, "gstin": settings.gstin,
            "note": "" if any(line.tax_bp for line in lines) or kind is InvoiceKind.DEPOSIT else settings.exempt_reason,
            "lines": [line.document() for line in lines]}


def issue(session: Session, batch: Sequence[Mapping[str, Any]]) -> int:
    """Write invoices that are not there yet and book them, as the product; how many are new."""
    if not batch:
        return 0
    session.flush()
    made: int = session.execute(_ISSUE, {"batch": json.dumps(list(batch))}).scalar_one()
    session.expire_all()
    return made

