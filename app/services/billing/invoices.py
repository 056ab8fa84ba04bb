"""Invoices as people find, pay and correct them. The database's functions decide and write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, joinedload

from app.models.billing import BillingChoice, Invoice, InvoiceAllocation, InvoiceLine, InvoicePayment
from app.rules.billing import InvoiceState, PaymentMethod, half_up
from app.rules.errors import Invalid, NotFound

_PAY = text("SELECT app.pay_invoices(:id, :hostel, :person, :method, :amount, :invoices, :note)")
_CREDIT = text("SELECT app.credit_invoice(:id, :invoice, CAST(:lines AS jsonb), :reason, :occasion)")
_PROPOSE_CREDIT = text("SELECT app.propose_credit(:id, :invoice, CAST(:lines AS jsonb), :reason)")
_DISCOUNT = text("SELECT app.propose_discount(:id, :invoice, :amount, :reason)")
_CHOOSE = text("SELECT app.choose_paying(:hostel, :wallet)")
OPEN = (InvoiceState.OPEN.value, InvoiceState.PART_PAID.value)

# Errors of what writes (as DBAPIError, translated at the edge): VR404 unknown or foreign, VR403 not allowed, VR409 more than
# is open, or not enough in the wallet, VR422 an amount that cannot be meant.


def pay(session: Session, payment_id: UUID, hostel_id: UUID, user_id: int, method: PaymentMethod, amount_paise: int, *,  # noqa: PLR0913
        invoices: Sequence[UUID] | None = None, note: str = "") -> None:
    """Lay money on these invoices, or on all that are open, the oldest due first. Sent again, it is the same."""
    _write(session, _PAY, id=payment_id, hostel=hostel_id, person=user_id, method=method.value, amount=amount_paise,
           invoices=list(invoices) if invoices is not None else None, note=note)


def credit(session: Session, note_id: UUID, line_id: UUID, amount_paise: int, reason: str, *, occasion: str) -> None:
    """A credit note over a part of a line, by the product itself: what was paid already goes to the wallet."""
    _write(session, _CREDIT, id=note_id, reason=reason, occasion=occasion, **_part(session, line_id, amount_paise))


def propose_credit(session: Session, proposal_id: UUID, line_id: UUID, amount_paise: int, reason: str) -> None:
    """The same, if a second person agrees; the credit note then has the id of the proposal."""
    _write(session, _PROPOSE_CREDIT, id=proposal_id, reason=reason, **_part(session, line_id, amount_paise))


def _part(session: Session, line_id: UUID, amount_paise: int) -> dict[str, Any]:
    """An amount of a line before tax, with the tax that follows."""
    line = session.scalars(select(InvoiceLine).where(InvoiceLine.id == line_id)).one_or_none()
    if line is None:
        raise NotFound("There is no such invoice.")
    if amount_paise <= 0:
        raise Invalid("Please give an amount.", field="amount")
    gone = credited(session, line_id)
    part = {"line": str(line.id), "amount": amount_paise} | {
        name: half_up(tax * (gone + amount_paise), line.amount_paise) - half_up(tax * gone, line.amount_paise)
        for name, tax in (("cgst", line.cgst_paise), ("sgst", line.sgst_paise), ("igst", line.igst_paise))}
    return {"invoice": line.invoice_id, "lines": json.dumps([part])}


def credited(session: Session, line_id: UUID) -> int:
    """How much of a line was credited, before tax."""
    return int(session.scalar(select(func.sum(InvoiceLine.amount_paise)).where(InvoiceLine.corrects_id == line_id)) or 0)


def propose_discount(session: Session, proposal_id: UUID, invoice_id: UUID, amount_paise: int, reason: str) -> None:
    """Less to pay, if a second person agrees."""
    _write(session, _DISCOUNT, id=proposal_id, invoice=invoice_id, amount=amount_paise, reason=reason)


def choose_paying(session: Session, hostel_id: UUID, *, from_wallet: bool) -> None:
    """Whether one's own invoices are paid from the wallet by themselves."""
    _write(session, _CHOOSE, hostel=hostel_id, wallet=from_wallet)


def _write(session: Session, statement: Any, **given: Any) -> None:
    session.flush()
    session.execute(statement, given)
    session.expire_all()


# -- reading -------------------------------------------------------------------------------------------------------------


def find(session: Session, invoice_id: UUID) -> Invoice:
    """One document that the caller may see; NotFound."""
    found: Invoice | None = session.scalar(select(Invoice).options(
        joinedload(Invoice.hostel), joinedload(Invoice.member), joinedload(Invoice.resident)).where(Invoice.id == invoice_id))
    if found is None:
        raise NotFound("There is no such invoice.")
    return found


def lines_of(session: Session, invoice_id: UUID) -> list[InvoiceLine]:
    """In their order."""
    return list(session.scalars(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.position)))


def payments_of(session: Session, invoice_id: UUID) -> list[InvoiceAllocation]:
    """What was paid of it, the first first."""
    return list(session.scalars(select(InvoiceAllocation).options(joinedload(InvoiceAllocation.payment)).where(
        InvoiceAllocation.invoice_id == invoice_id).order_by(InvoiceAllocation.created_at, InvoiceAllocation.id)))


def notes_of(session: Session, invoice_id: UUID) -> list[Invoice]:
    """Its credit notes."""
    return list(session.scalars(select(Invoice).where(Invoice.corrects_id == invoice_id).order_by(Invoice.id)))


def find_payment(session: Session, payment_id: UUID) -> InvoicePayment:
    """One payment with whose it is; NotFound."""
    found: InvoicePayment | None = session.scalar(select(InvoicePayment).options(
        joinedload(InvoicePayment.hostel), joinedload(InvoicePayment.member)).where(InvoicePayment.id == payment_id))
    if found is None:
        raise NotFound("There is no such receipt.")
    return found


def allocations_of(session: Session, payment_id: UUID) -> list[InvoiceAllocation]:
    """What a payment paid."""
    return list(session.scalars(select(InvoiceAllocation).options(joinedload(InvoiceAllocation.invoice)).where(
        InvoiceAllocation.payment_id == payment_id).order_by(InvoiceAllocation.id)))


def own(session: Session, user_id: int, most: int = 60) -> list[Invoice]:
    """A person's documents, the newest first."""
    return list(session.scalars(select(Invoice).options(joinedload(Invoice.hostel)).where(Invoice.user_id == user_id)
                                .order_by(Invoice.issued_on.desc(), Invoice.id.desc()).limit(most)))


def pays_from_wallet(session: Session, hostel_id: UUID, user_id: int) -> bool:
    """Whether open invoices are paid from the wallet by themselves."""
    return session.scalar(select(BillingChoice.from_wallet).where(
        BillingChoice.hostel_id == hostel_id, BillingChoice.user_id == user_id)) is not False


def open_before(session: Session, hostel_id: UUID, due_on: date | None = None) -> list[Invoice]:
    """What is still to be paid in a hostel, due until a day."""
    wanted = select(Invoice).options(joinedload(Invoice.member), joinedload(Invoice.resident)).where(
        Invoice.hostel_id == hostel_id, Invoice.status.in_(OPEN))
    if due_on is not None:
        wanted = wanted.where(Invoice.due_on <= due_on)
    return list(session.scalars(wanted.order_by(Invoice.due_on, Invoice.id)))
