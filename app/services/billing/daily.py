"""What time brings about: months charged, invoices paid from wallets, late fees, reminders, settlements of stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, text
from sqlalchemy.orm import Session, joinedload

from app.models.billing import Invoice
from app.models.moveout import MoveOut
from app.models.organizations import Organization
from app.models.people import Member
from app.models.residents import Stay
from app.rules.billing import REMINDERS, ChargeKind, InvoiceKind, Line, month_of, reminder
from app.services.beds import house_day
from app.services.billing import runs
from app.services.billing.invoices import OPEN
from app.services.billing.terms import House, house_of, late_since
from app.services.notifications import Message, tell
from app.services.work import enqueue

_PAY = text("SELECT app.pay_from_wallets(:most)")
_REMINDED = text("SELECT app.note_reminded(:ids, :steps)")
_RETURN = text("SELECT app.return_deposit(:move_out)")
_DUE = text("SELECT app.organizations_with_billing()")
MOST = 100
_LATE_FOR = (InvoiceKind.MONTH.value, InvoiceKind.DEPOSIT.value, InvoiceKind.SETTLEMENT.value)


def organizations_due(session: Session) -> list[UUID]:
    """Where something may be due; on the service login."""
    return list(session.scalars(_DUE))


def months_due(session: Session, hostel_id: UUID, bill_day: int, unchanged_since: datetime) -> list[date]:
    """This month once its day has come, and the last if its day went by and nothing was charged, as when the schedule did not run."""
    today = house_day(session, hostel_id)
    this = month_of(today)[0]
    last = month_of(this - timedelta(days=1))[0]
    charged = exists().where(Invoice.hostel_id == hostel_id, Invoice.month == last, Invoice.occasion.like("month:%"))
    missed = unchanged_since.date() < last.replace(day=bill_day) and not session.scalar(select(charged))
    return [*([last] if missed else []), *([this] if today.day >= bill_day else [])]


def pay_from_wallets(session: Session) -> int:
    """Pay what wallets are enough for; how many invoices, MOST if there may be more."""
    session.flush()
    paid: int = session.execute(_PAY, {"most": MOST}).scalar_one()
    session.expire_all()
    return paid


def hostels_with_open(session: Session) -> list[UUID]:
    """Hostels in which something is still to be paid."""
    return list(session.scalars(select(Invoice.hostel_id).where(Invoice.status.in_(OPEN)).distinct()))


def charge_late(session: Session, hostel_id: UUID) -> int:
    """The late fees of a hostel that are due by now, each once for its invoice and period; how many are new.

    Periods that went by while nothing was charged are made up for where the invoice is still open, on what is open now.
    """
    house, today = house_of(session, hostel_id), house_day(session, hostel_id)
    rule, since, batch = house.settings.late_fee, late_since(session, hostel_id) or today, list[dict[str, Any]]()
    for invoice in _open(session, hostel_id, today - timedelta(days=rule.grace_days)):
        amount = rule.amount(invoice.open_paise)
        if not amount or invoice.kind not in _LATE_FOR:
            continue
        line = house.settings.tax.on(Line(ChargeKind.LATE_FEE, amount, invoice.reference))
        batch += [runs.document(house, invoice, InvoiceKind.LATE_FEE, f"late:{invoice.id}:{period}", [line], today)
                  for period in rule.periods(invoice.due_on, today, since)]
    return runs.issue(session, batch)


def _open(session: Session, hostel_id: UUID, due_on: date) -> Sequence[Invoice]:
    return session.scalars(select(Invoice).where(Invoice.hostel_id == hostel_id, Invoice.status.in_(OPEN), Invoice.due_on <= due_on)
                           .order_by(Invoice.due_on, Invoice.id)).all()


def remind(session: Session, hostel_id: UUID) -> int:
    """Remind those whose step has come, in the console and by mail; how many."""
    today, told = house_day(session, hostel_id), []
    for invoice in _open(session, hostel_id, today - timedelta(days=REMINDERS[0])):
        step = reminder(invoice.due_on, today)
        if step <= invoice.reminded:
            continue
        told.append((invoice.id, step))
        words = f"{invoice.reference} is due soon." if invoice.due_on >= today else f"{invoice.reference} is not paid yet."
        tell(session, {invoice.user_id}, Message("billing.reminder", f"invoice:{invoice.id}:{step}", words, hostel_id,
                                                 f"/my/invoices/show/{invoice.id}"))
        enqueue(session, "billing.mail", {"invoice_id": str(invoice.id), "step": step}, key=f"{invoice.id}:{step}")
    if told:
        session.execute(_REMINDED, {"ids": [one for one, _ in told], "steps": [step for _, step in told]})
        session.expire_all()
    return len(told)


def tell_of_invoices(session: Session, hostel_id: UUID, after: UUID | None) -> UUID | None:
    """Tell residents of new invoices, some at a time; the last one, None when all were told."""
    wanted = select(Invoice).where(Invoice.hostel_id == hostel_id, Invoice.issued_on >= house_day(session, hostel_id) - timedelta(days=2))
    if after is not None:
        wanted = wanted.where(Invoice.id > after)
    found = session.scalars(wanted.order_by(Invoice.id).limit(MOST)).all()
    for invoice in found:
        words = f"Credit note {invoice.reference} was written." if invoice.kind == InvoiceKind.CREDIT_NOTE else f"Invoice {invoice.reference} is here."
        tell(session, {invoice.user_id}, Message("billing.issued", f"invoice:{invoice.id}", words, hostel_id,
                                                 f"/my/invoices/show/{invoice.id}"))
    return found[-1].id if found else None


@dataclass(frozen=True)
class Reminder:
    """What a mail about an open invoice is made of."""

    email: str
    name: str
    organization: str
    language: str
    reference: str
    open_paise: int
    currency: str
    due_on: date
    invoice_id: UUID


def reminder_of(session: Session, invoice_id: UUID) -> Reminder | None:
    """To whom, about what; None once it is paid."""
    row = session.execute(select(Invoice, Member.email, Member.name, Organization.name.label("org"), Organization.settings).join(
        Member, (Member.org_id == Invoice.org_id) & (Member.user_id == Invoice.user_id)).join(
        Organization, Organization.id == Invoice.org_id).where(Invoice.id == invoice_id, Invoice.status.in_(OPEN))).one_or_none()
    if row is None:
        return None
    invoice = row.Invoice
    return Reminder(row.email, row.name, row.org, str(row.settings.get("language") or ""), invoice.reference, invoice.open_paise, invoice.currency,
                    invoice.due_on, invoice.id)


def settle(session: Session, move_out_id: UUID) -> None:
    """Book the settlement of a move-out, as the product: rent and meals to the last day, what the notice and the damages
    cost, and the deposit. What stays that were never invoiced owe is what the settlement says.
    """
    out = session.scalars(select(MoveOut).options(joinedload(MoveOut.stay)).where(MoveOut.id == move_out_id)).one_or_none()
    if out is None or out.settlement is None:
        return
    house, stay, made = house_of(session, out.hostel_id), out.stay, out.settlement
    lines = [Line(ChargeKind.NOTICE, made.notice_paise), Line(ChargeKind.DAMAGES, made.damages_paise)]
    months = set(session.scalars(select(Invoice.month).where(Invoice.stay_id == stay.id, Invoice.month.is_not(None))))
    if months:
        _to_the_last_day(session, house, stay, out.leaves_on, {month for month in months if month})
    else:
        lines.append(Line(ChargeKind.RENT, made.rent_paise))
    lines = [house.settings.tax.on(line) for line in lines if line.amount_paise > 0]
    if lines:
        runs.issue(session, [runs.document(house, stay, InvoiceKind.SETTLEMENT, f"settlement:{out.id}", lines, house_day(session, out.hostel_id))])
    session.execute(_RETURN, {"move_out": out.id})
    session.expire_all()


def _to_the_last_day(session: Session, house: House, stay: Stay, leaves_on: date, months: set[date]) -> None:
    """Every month from the last that was invoiced to the one of the last day, and those invoiced beyond it."""
    month, last = max(months), month_of(leaves_on)[0]
    while month < last:
        month = month_of(month)[1]
        months.add(month)
    for each in sorted(one for one in months if one >= min(last, max(months))):
        runs.charge(session, house, runs.due(session, house, each, only=stay.id), each)
