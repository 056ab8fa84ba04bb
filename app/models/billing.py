"""Invoices with their lines, credit notes, payments with what they paid, and how each house bills."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import NOW, Authored, Model, Tenant, Timestamps, in_tenant, line, link, person, quoted
from app.models.declare import (
    ADMITTED,
    IN_ORG,
    MINE,
    Grant,
    Policy,
    functions,
    protect,
    staff_policies,
    trigger,
)
from app.models.organizations import Hostel
from app.models.people import Member
from app.models.residents import Resident
from app.permissions import Portal, Resource
from app.rules.billing import (
    LATE_FLAT_MAX_PAISE,
    LATE_MAX_BP,
    TAX_MAX_BP,
    ChargeKind,
    InvoiceKind,
    InvoiceState,
    PaymentMethod,
)


class BillingSettings(Tenant, Timestamps, Authored, Model):
    """How a hostel bills: GST, the day of the month, when invoices are due and what being late costs."""

    __tablename__ = "billing_settings"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    legal_name: Mapped[str] = mapped_column(Text, server_default="")
    gstin: Mapped[str] = mapped_column(Text, server_default="")
    interstate: Mapped[bool] = mapped_column(Boolean, server_default="false")
    rent_tax_bp: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    food_tax_bp: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    other_tax_bp: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    exempt_reason: Mapped[str] = mapped_column(Text, server_default="")
    automatic: Mapped[bool] = mapped_column(Boolean, server_default="false")
    bill_day: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    due_days: Mapped[int] = mapped_column(SmallInteger, server_default="7")
    grace_days: Mapped[int] = mapped_column(SmallInteger, server_default="5")
    late_flat_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    late_percent_bp: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    late_since: Mapped[date] = mapped_column(Date, server_default=text("CURRENT_DATE"))
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="BillingSettings")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"),
        Index("billing_settings_hostel_key", "org_id", "hostel_id", unique=True),
        CheckConstraint("bill_day BETWEEN 1 AND 28 AND due_days BETWEEN 0 AND 60 AND grace_days BETWEEN 0 AND 60", name="billing_settings_days"),
        CheckConstraint(f"least(rent_tax_bp, food_tax_bp, other_tax_bp) >= 0 AND greatest(rent_tax_bp, food_tax_bp, other_tax_bp) <= {TAX_MAX_BP}"
                        " AND (gstin <> '' OR greatest(rent_tax_bp, food_tax_bp, other_tax_bp) = 0)", name="billing_settings_tax"),
        CheckConstraint(f"late_flat_paise BETWEEN 0 AND {LATE_FLAT_MAX_PAISE} AND late_percent_bp BETWEEN 0 AND {LATE_MAX_BP}",
                        name="billing_settings_late"),
    )

    def __repr__(self) -> str:
        return self.hostel.name


class BillingChoice(Tenant, Timestamps, Model):
    """Whether a resident's invoices are paid from the wallet by themselves; they are, where nothing was chosen."""

    __tablename__ = "billing_choices"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    from_wallet: Mapped[bool] = mapped_column(Boolean)

    __table_args__ = (in_tenant("hostel_id", "hostels"), person("user_id"),
                      Index("billing_choices_key", "org_id", "hostel_id", "user_id", unique=True))


class Invoice(Tenant, Timestamps, Authored, Model):
    """An invoice or a credit note as it was issued; only what is paid of it changes, and how often somebody was reminded.

    `occasion` is what it was issued for, once. A credit note names the invoice that it corrects.
    """

    __tablename__ = "invoices"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    resident_id: Mapped[UUID] = mapped_column(Uuid)
    stay_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text)
    occasion: Mapped[str] = mapped_column(Text)
    series: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)
    reference: Mapped[str] = mapped_column(Text, Computed("series || lpad(number::text, greatest(6, length(number::text)), '0')", persisted=True))
    corrects_id: Mapped[UUID | None] = mapped_column(Uuid)
    month: Mapped[date | None] = mapped_column(Date)
    issued_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    seller: Mapped[str] = mapped_column(Text, server_default="")
    gstin: Mapped[str] = mapped_column(Text, server_default="")
    note: Mapped[str] = mapped_column(Text, server_default="")
    currency: Mapped[str] = mapped_column(Text)
    net_paise: Mapped[int] = mapped_column(BigInteger)
    tax_paise: Mapped[int] = mapped_column(BigInteger)
    total_paise: Mapped[int] = mapped_column(BigInteger, Computed("net_paise + tax_paise", persisted=True))
    paid_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    status: Mapped[str] = mapped_column(Text, Computed(
        "CASE WHEN kind = 'credit_note' THEN 'issued' WHEN paid_paise >= net_paise + tax_paise THEN 'paid' WHEN paid_paise > 0 THEN 'part_paid'"
        " ELSE 'open' END", persisted=True))
    reminded: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="Invoice")
    member: Mapped[Member] = link("Member", "user_id", here="Invoice", key="user_id")
    resident: Mapped[Resident] = link("Resident", "resident_id", here="Invoice")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("resident_id", "residents"), in_tenant("stay_id", "stays"), in_tenant("corrects_id", "invoices"),
        person("user_id"), person("created_by"),
        Index("invoices_occasion_key", "org_id", "occasion", unique=True),
        Index("invoices_number_key", "org_id", "hostel_id", "series", "number", unique=True),
        Index("invoices_open", "org_id", "hostel_id", "due_on", postgresql_where=text("status IN ('open', 'part_paid')")),
        Index("invoices_person", "org_id", "user_id", "issued_on"),
        Index("invoices_stay", "org_id", "stay_id", "month"),
        Index("invoices_corrects", "org_id", "corrects_id", postgresql_where=text("corrects_id IS NOT NULL")),
        Index("invoices_sort_issued", "org_id", "issued_on", "id"),
        Index("invoices_sort_due", "org_id", "due_on", "id"),
        CheckConstraint(f"kind IN ({quoted(InvoiceKind)})", name="invoices_kind_known"),
        CheckConstraint(f"status IN ({quoted(InvoiceState)})", name="invoices_status_known"),
        CheckConstraint("(kind = 'credit_note') = (corrects_id IS NOT NULL)", name="invoices_corrects_what"),
        CheckConstraint("net_paise >= 0 AND tax_paise >= 0 AND net_paise + tax_paise > 0", name="invoices_amount"),
        CheckConstraint("paid_paise BETWEEN 0 AND net_paise + tax_paise", name="invoices_paid_within"),
        CheckConstraint("due_on >= issued_on AND number > 0", name="invoices_days"),
    )

    @property
    def open_paise(self) -> int:
        """What is still to be paid."""
        return 0 if self.kind == InvoiceKind.CREDIT_NOTE else self.total_paise - self.paid_paise

    @property
    def state(self) -> InvoiceState:
        """Whether something is still to be paid."""
        return InvoiceState(self.status)

    def __repr__(self) -> str:
        return self.reference


class InvoiceLine(Tenant, Model):
    """One thing that is charged, or credited again (`corrects_id`, a line of the invoice)."""

    __tablename__ = "invoice_lines"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    invoice_id: Mapped[UUID] = mapped_column(Uuid)
    position: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = line(200)
    from_on: Mapped[date | None] = mapped_column(Date)
    until_on: Mapped[date | None] = mapped_column(Date)
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    tax_bp: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    cgst_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    sgst_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    igst_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total_paise: Mapped[int] = mapped_column(BigInteger, Computed("amount_paise + cgst_paise + sgst_paise + igst_paise", persisted=True))
    corrects_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    __table_args__ = (
        in_tenant("invoice_id", "invoices"), in_tenant("corrects_id", "invoice_lines"),
        Index("invoice_lines_place", "org_id", "invoice_id", "position", unique=True),
        Index("invoice_lines_corrects", "org_id", "corrects_id", postgresql_where=text("corrects_id IS NOT NULL")),
        CheckConstraint(f"kind IN ({quoted(ChargeKind)})", name="invoice_lines_kind_known"),
        CheckConstraint("amount_paise > 0 AND least(cgst_paise, sgst_paise, igst_paise) >= 0", name="invoice_lines_amount"),
    )


class InvoicePayment(Tenant, Authored, Model):
    """Money, or what counts as such, that a resident's invoices were paid with: what a receipt is written of."""

    __tablename__ = "invoice_payments"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    method: Mapped[str] = mapped_column(Text)
    series: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)
    reference: Mapped[str] = mapped_column(Text, Computed("series || lpad(number::text, greatest(6, length(number::text)), '0')", persisted=True))
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    paid_on: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="InvoicePayment")
    member: Mapped[Member] = link("Member", "user_id", here="InvoicePayment", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("user_id"), person("created_by"),
        Index("invoice_payments_number_key", "org_id", "hostel_id", "series", "number", unique=True),
        Index("invoice_payments_person", "org_id", "user_id", "paid_on"),
        CheckConstraint(f"method IN ({quoted(PaymentMethod)})", name="invoice_payments_method_known"),
        CheckConstraint("amount_paise > 0", name="invoice_payments_amount"),
    )

    def __repr__(self) -> str:
        return self.reference


class InvoiceAllocation(Tenant, Model):
    """How much of a payment was laid on an invoice."""

    __tablename__ = "invoice_allocations"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    payment_id: Mapped[UUID] = mapped_column(Uuid)
    invoice_id: Mapped[UUID] = mapped_column(Uuid)
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    payment: Mapped[InvoicePayment] = link("InvoicePayment", "payment_id", here="InvoiceAllocation")
    invoice: Mapped[Invoice] = link("Invoice", "invoice_id", here="InvoiceAllocation")

    __table_args__ = (
        in_tenant("payment_id", "invoice_payments"), in_tenant("invoice_id", "invoices"),
        Index("invoice_allocations_key", "org_id", "payment_id", "invoice_id", unique=True),
        Index("invoice_allocations_invoice", "org_id", "invoice_id"),
        CheckConstraint("amount_paise > 0", name="invoice_allocations_amount"),
    )


functions("billing")

_READ = staff_policies(Resource.BILLING, commands=("SELECT",))
_OWN = Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE} AND {ADMITTED}")
_BOTH = Grant((Portal.ADMIN, Portal.RESIDENT), select=True)
protect(BillingSettings.__table__, definer="SELECT, INSERT, UPDATE", grants=[Grant((Portal.ADMIN,), select=True)], policies=_READ)
protect(BillingChoice.__table__, definer="SELECT, INSERT, UPDATE", grants=[_BOTH], policies=[*_READ, _OWN])
protect(Invoice.__table__, definer="SELECT, INSERT, UPDATE", grants=[_BOTH], policies=[*_READ, _OWN])
for _model in (InvoiceLine, InvoicePayment, InvoiceAllocation):
    protect(_model.__table__, immutable=True, grants=[_BOTH], policies=[*_READ, _OWN])
trigger("invoices", "b_issued", "BEFORE UPDATE", "app.keep_invoice()")
trigger("ledger_proposals", "x_invoices", "AFTER UPDATE OF status", "app.follow_proposal()",
        each="FOR EACH ROW WHEN (NEW.status = 'approved' AND NEW.user_id IS NOT NULL AND NEW.kind IN ('discount', 'write_off'))")
trigger("move_outs", "x_billing", "AFTER UPDATE OF status", "app.bill_settlement()",
        each="FOR EACH ROW WHEN (NEW.status = 'settled' AND OLD.status <> 'settled')")
