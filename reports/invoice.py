"""An invoice or a credit note on paper, with what GST asks for and what was paid of it; and the receipt of a payment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.models.billing import Invoice, InvoiceAllocation, InvoiceLine, InvoicePayment
from app.rules.billing import SAC, InvoiceKind
from app.services.billing import invoices


@dataclass(frozen=True)
class Document:
    """An invoice as it is printed."""

    organization: str
    made_by: str
    made_at: datetime
    invoice: Invoice
    lines: Sequence[InvoiceLine]
    payments: Sequence[InvoiceAllocation]
    notes: Sequence[Invoice]
    corrects: Invoice | None
    sac: str = SAC

    @property
    def is_credit(self) -> bool:
        """Whether it takes back something."""
        return self.invoice.kind == InvoiceKind.CREDIT_NOTE

    @property
    def taxed(self) -> bool:
        """Whether there is any tax on it."""
        return self.invoice.tax_paise > 0

    @property
    def interstate(self) -> bool:
        """Whether its tax is IGST."""
        return any(line.igst_paise for line in self.lines)

    def total(self, name: str) -> int:
        """A column summed."""
        return sum(getattr(line, name) for line in self.lines)


@dataclass(frozen=True)
class Receipt:
    """A payment as it is confirmed."""

    organization: str
    made_by: str
    made_at: datetime
    payment: InvoicePayment
    allocations: Sequence[InvoiceAllocation]
    seller: str


def query(session: Session, invoice_id: UUID, *, organization: str, made_by: str, now: datetime) -> Document:
    """The document as the caller may see it; NotFound."""
    found = invoices.find(session, invoice_id)
    return Document(organization, made_by, now, found, invoices.lines_of(session, invoice_id), invoices.payments_of(session, invoice_id),
                    invoices.notes_of(session, invoice_id), invoices.find(session, found.corrects_id) if found.corrects_id else None)


def query_receipt(session: Session, payment_id: UUID, *, organization: str, made_by: str, now: datetime) -> Receipt:
    """The receipt as the caller may see it; NotFound."""
    payment = invoices.find_payment(session, payment_id)
    allocations = invoices.allocations_of(session, payment_id)
    return Receipt(organization, made_by, now, payment, allocations, allocations[0].invoice.seller if allocations else payment.hostel.name)


def filename(reference: str) -> str:
    """What the download is called: slashes are no part of names of files."""
    return f"{reference.replace('/', '-')}.pdf"
