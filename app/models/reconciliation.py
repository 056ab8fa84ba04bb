"""Reconciliation: statements of gateways, their lines, and breaks between them and the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Index,
    Integer,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import NOW, Authored, Model, Tenant, Timestamps, in_tenant, line, link, person, quoted
from app.models.declare import Grant, functions, protect, staff_policies, trigger
from app.models.organizations import Hostel
from app.models.payments import GatewayAccount, PaymentConfirmation, PaymentRefund
from app.models.people import Member
from app.models.wallet import LedgerProposal
from app.permissions import Portal, Resource
from app.rules.payments import Gateway
from app.rules.reconciliation import NOTE_MAX, BreakState, Cause, Origin


def _known(table: str, column: str, words: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({quoted(words)})", name=f"{table}_{column}_known")


class SettlementStatement(Tenant, Authored, Model):
    """What a gateway says that it settled, as it came: from the gateway itself or in a file. The same statement is the same row."""

    __tablename__ = "settlement_statements"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    account_id: Mapped[UUID] = mapped_column(Uuid)
    gateway: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    file_id: Mapped[UUID | None] = mapped_column(Uuid)
    first_on: Mapped[date] = mapped_column(Date)
    last_on: Mapped[date] = mapped_column(Date)
    lines: Mapped[int] = mapped_column(Integer)
    added: Mapped[int] = mapped_column(Integer)
    net_paise: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="SettlementStatement")
    account: Mapped[GatewayAccount] = link("GatewayAccount", "account_id", here="SettlementStatement")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("account_id", "gateway_accounts"), in_tenant("file_id", "files"), person("created_by"),
        Index("settlement_statements_key", "org_id", "account_id", "digest", unique=True),
        Index("settlement_statements_sort_created", "org_id", "created_at", "id"),
        _known("settlement_statements", "gateway", Gateway), _known("settlement_statements", "origin", Origin),
    )

    def __repr__(self) -> str:
        return f"{self.first_on}"


class SettlementLine(Tenant, Model):
    """One line of a statement, once however often it is stated; booked as soon as it is known in which hostel."""

    __tablename__ = "settlement_lines"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    account_id: Mapped[UUID] = mapped_column(Uuid)
    statement_id: Mapped[UUID] = mapped_column(Uuid)
    gateway: Mapped[str] = mapped_column(Text)
    line_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    payment_id: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    gateway_refund_id: Mapped[str] = mapped_column(Text)
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    fee_paise: Mapped[int] = mapped_column(BigInteger)
    tax_paise: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    utr: Mapped[str] = mapped_column(Text)
    settled_on: Mapped[date] = mapped_column(Date)
    occurred_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    confirmation_id: Mapped[UUID | None] = mapped_column(Uuid)
    refund_id: Mapped[UUID | None] = mapped_column(Uuid)
    transaction_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    confirmation: Mapped[PaymentConfirmation | None] = link("PaymentConfirmation", "confirmation_id", here="SettlementLine")
    refund: Mapped[PaymentRefund | None] = link("PaymentRefund", "refund_id", here="SettlementLine")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("account_id", "gateway_accounts"), in_tenant("statement_id", "settlement_statements"),
        in_tenant("confirmation_id", "payment_confirmations"), in_tenant("refund_id", "payment_refunds"),
        in_tenant("transaction_id", "ledger_transactions"),
        Index("settlement_lines_key", "org_id", "account_id", "line_id", unique=True),
        Index("settlement_lines_confirmation", "org_id", "confirmation_id", unique=True, postgresql_where=text("confirmation_id IS NOT NULL")),
        Index("settlement_lines_refund", "org_id", "refund_id", unique=True, postgresql_where=text("refund_id IS NOT NULL")),
        Index("settlement_lines_statement", "org_id", "statement_id"),
        CheckConstraint("kind IN ('payment', 'refund', 'fee', 'adjustment')", name="settlement_lines_kind_known"),
        CheckConstraint("confirmation_id IS NULL OR refund_id IS NULL", name="settlement_lines_one_side"),
    )

    @property
    def net_paise(self) -> int:
        """What reached the bank."""
        return self.amount_paise - self.fee_paise - self.tax_paise


class ReconciliationBreak(Tenant, Timestamps, Model):
    """Something on which a gateway and the ledger do not agree. Crediting `amount_paise` to what is on its way settles it."""

    __tablename__ = "reconciliation_breaks"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    account_id: Mapped[UUID | None] = mapped_column(Uuid)
    gateway: Mapped[str] = mapped_column(Text)
    cause: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    line_id: Mapped[UUID | None] = mapped_column(Uuid)
    confirmation_id: Mapped[UUID | None] = mapped_column(Uuid)
    refund_id: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(Text, server_default="open")
    proposal_id: Mapped[UUID | None] = mapped_column(Uuid)
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_by: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str | None] = line(NOTE_MAX)
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="ReconciliationBreak")
    stated: Mapped[SettlementLine | None] = link("SettlementLine", "line_id", here="ReconciliationBreak")
    confirmation: Mapped[PaymentConfirmation | None] = link("PaymentConfirmation", "confirmation_id", here="ReconciliationBreak")
    refund: Mapped[PaymentRefund | None] = link("PaymentRefund", "refund_id", here="ReconciliationBreak")
    proposal: Mapped[LedgerProposal | None] = link("LedgerProposal", "proposal_id", here="ReconciliationBreak")
    closer: Mapped[Member | None] = link("Member", "closed_by", here="ReconciliationBreak", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("account_id", "gateway_accounts"), in_tenant("line_id", "settlement_lines"),
        in_tenant("confirmation_id", "payment_confirmations"), in_tenant("refund_id", "payment_refunds"),
        in_tenant("proposal_id", "ledger_proposals"), person("closed_by"),
        Index("reconciliation_breaks_key", "org_id", "cause", "about", unique=True, postgresql_where=text("status <> 'matched'")),
        Index("reconciliation_breaks_open", "org_id", "created_at", "id", postgresql_where=text("status = 'open'")),
        Index("reconciliation_breaks_sort_created", "org_id", "created_at", "id"),
        Index("reconciliation_breaks_line", "org_id", "line_id"),
        _known("reconciliation_breaks", "cause", Cause), _known("reconciliation_breaks", "status", BreakState),
        CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="reconciliation_breaks_closed"),
    )

    @property
    def standing(self) -> BreakState:
        """Its state."""
        return BreakState(self.status)

    def __repr__(self) -> str:
        return self.cause


functions("reconciliation")

_READ = staff_policies(Resource.PAYMENTS, commands=("SELECT",))
_STAFF = Grant((Portal.ADMIN,), select=True)
protect(SettlementStatement.__table__, immutable=True, grants=[_STAFF], policies=_READ)
protect(SettlementLine.__table__, definer="SELECT, INSERT, UPDATE", grants=[_STAFF], policies=_READ, unaudited="told by statements and the ledger")
protect(ReconciliationBreak.__table__, definer="SELECT, INSERT, UPDATE", grants=[_STAFF], policies=_READ)
trigger("reconciliation_breaks", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('reconciliation_break')")
trigger("ledger_proposals", "x_reconciliation", "AFTER UPDATE OF status", "app.follow_break_proposal()")
