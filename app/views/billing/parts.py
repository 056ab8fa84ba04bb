"""What screens of billing share: names of things, documents as files."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Response, g, request
from flask_babel import format_date, gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms import Form

from app.rules.billing import ChargeKind, InvoiceKind, PaymentMethod
from app.rules.errors import Invalid
from app.views import formats
from app.views.edge import paper
from app.views.inputs import MoneyField
from reports import account_statement, ageing, invoice
from reports.render import to_csv, to_html, to_pdf

CHARGES: dict[str, Any] = {
    ChargeKind.RENT: lazy_gettext("Rent"), ChargeKind.MESS: lazy_gettext("Meals"), ChargeKind.LUNCHBOX: lazy_gettext("Lunchbox"),
    ChargeKind.DEPOSIT: lazy_gettext("Deposit"), ChargeKind.LATE_FEE: lazy_gettext("Late fee"), ChargeKind.NOTICE: lazy_gettext("Notice that was too short"),
    ChargeKind.DAMAGES: lazy_gettext("Damages"), ChargeKind.OTHER: lazy_gettext("Other charges")}
METHODS: dict[str, Any] = {
    PaymentMethod.WALLET: lazy_gettext("Wallet"), PaymentMethod.CASH: lazy_gettext("Cash"), PaymentMethod.BANK: lazy_gettext("Bank transfer"),
    PaymentMethod.DEPOSIT: lazy_gettext("Deposit"), PaymentMethod.CREDIT_NOTE: lazy_gettext("Credit note"),
    PaymentMethod.DISCOUNT: lazy_gettext("Discount"), PaymentMethod.WRITE_OFF: lazy_gettext("Written off")}


def charge_name(kind: str) -> str:
    """What a line is for, in words."""
    return str(CHARGES[kind])


def method_name(method: str) -> str:
    """What something was paid with, in words."""
    return str(METHODS[method])


def last_day(until: date) -> str:
    """The day before the first one that does not belong to it."""
    return formats.plain_day(until - timedelta(days=1))


def tax_rate(hundredths: int) -> str:
    """Like 2.5%."""
    return f"{hundredths / 100:g}%"


def kind_name(kind: str) -> str:
    """Why a document was issued, in words."""
    return formats.human(InvoiceKind(kind))


def month_name(month: date) -> str:
    """Like March 2026."""
    return format_date(month, "LLLL yyyy")


FILTERS = (charge_name, method_name, kind_name, month_name, last_day, tax_rate)


def given_amount(name: str = "amount", least: int = 1) -> int:
    """An amount in the smallest unit; Invalid for what is none."""
    amount = MoneyField().bind(form=Form(), name=name)
    try:
        amount.process_formdata([request.form.get(name, "")])
    except ValueError as error:
        raise Invalid(str(error), field=name) from error
    if (amount.data or 0) < least:
        raise Invalid(gettext("Please give an amount."), field=name)
    return int(amount.data or 0)


# -- files ----------------------------------------------------------------------------------------------------------------


def _about() -> dict[str, Any]:
    return {"organization": g.identity.org_name, "made_by": g.identity.name, "now": formats.now()}


def invoice_pdf(session: Session, invoice_id: UUID) -> Response:
    """An invoice or a credit note. Error: NotFound."""
    found = invoice.query(session, invoice_id, **_about())
    return paper(to_pdf(to_html("reports/invoice.html", document=found, made_at=formats.made_at(formats.now()))), invoice.filename(found.invoice.reference))


def receipt_pdf(session: Session, payment_id: UUID) -> Response:
    """The receipt of a payment. Error: NotFound."""
    found = invoice.query_receipt(session, payment_id, **_about())
    return paper(to_pdf(to_html("reports/receipt.html", receipt=found, made_at=formats.made_at(formats.now()))), invoice.filename(found.payment.reference))


def account(session: Session, resident_id: UUID, first: date, last: date) -> account_statement.Statement:
    """The statement of account. Error: NotFound."""
    return account_statement.query(session, resident_id, first, last, **_about())


def account_file(session: Session, resident_id: UUID, first: date, last: date, ending: str) -> Response:
    """The same to take along."""
    found = account(session, resident_id, first, last)
    if ending == "csv":
        return paper(to_csv(account_statement.CSV_HEADS, account_statement.csv_rows(found)), account_statement.filename(found, "csv"))
    return paper(to_pdf(to_html("reports/account_statement.html", statement=found, made_at=formats.made_at(formats.now()))), account_statement.filename(found, "pdf"))


def ageing_report(session: Session, hostel_id: UUID) -> ageing.Ageing:
    """Who owes how much for how long. Error: NotFound."""
    return ageing.query(session, hostel_id, **_about())


def ageing_file(report: ageing.Ageing, ending: str) -> Response:
    """The same to take along."""
    if ending == "csv":
        return paper(to_csv(ageing.CSV_HEADS, ageing.csv_rows(report)), ageing.filename(report, "csv"))
    return paper(to_pdf(to_html("reports/ageing.html", report=report, made_at=formats.made_at(formats.now()), heads=ageing.HEADS)), ageing.filename(report, "pdf"))
