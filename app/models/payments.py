"""Payments: accounts at gateways, intents, confirmations, refunds, webhooks as they came, and what somebody has to look at."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import NOW, Authored, Model, Tenant, Timestamps, in_tenant, line, link, person, quoted
from app.models.declare import (
    ADMITTED,
    IN_ORG,
    MINE,
    SERVICE,
    Grant,
    Policy,
    Published,
    functions,
    protect,
    staff_policies,
    trigger,
    within,
)
from app.models.organizations import Hostel
from app.models.people import Member
from app.permissions import Action, Portal, Resource
from app.rules.payments import (
    LABEL_MAX,
    REASON_MAX,
    TOP_UP_LEAST_PAISE,
    TOP_UP_MOST_PAISE,
    Effect,
    FlagKind,
    Gateway,
    IntentState,
    RefundState,
    Source,
    Verdict,
)


def _known(table: str, column: str, words: Any) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({quoted(words)})", name=f"{table}_{column}_known")


class GatewayAccount(Tenant, Timestamps, Authored, Model):
    """How an organization, or one of its hostels, is known to a gateway. Nobody reads the secrets again, but the code that uses them."""

    __tablename__ = "gateway_accounts"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    gateway: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = line(LABEL_MAX)
    key_id: Mapped[str] = line(200)
    secrets_token: Mapped[str] = mapped_column(Text, deferred=True)
    webhook_path: Mapped[str] = line(64)
    addresses: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    is_default: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    tested_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    test_result: Mapped[str | None] = line(REASON_MAX)
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="GatewayAccount")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"), _known("gateway_accounts", "gateway", Gateway),
        Index("gateway_accounts_path", "webhook_path"),
        Index("gateway_accounts_default", "org_id", "hostel_id", unique=True, postgresql_nulls_not_distinct=True, postgresql_where=text("is_default")),
        CheckConstraint("active OR NOT is_default", name="gateway_accounts_default_active"),
    )

    def __repr__(self) -> str:
        return self.name


class PaymentIntent(Tenant, Timestamps, Model):
    """That somebody wants to pay an amount, which is fixed here. `reference` is what the gateway calls it by."""

    __tablename__ = "payment_intents"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    account_id: Mapped[UUID] = mapped_column(Uuid)
    gateway: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="created")
    gateway_id: Mapped[str] = mapped_column(Text, server_default="")
    checkout_url: Mapped[str] = mapped_column(Text, server_default="")
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    asks: Mapped[int] = mapped_column(Integer, server_default="0")
    next_ask_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    paid_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    payment_id: Mapped[str] = mapped_column(Text, server_default="")
    reason: Mapped[str] = mapped_column(Text, server_default="")
    refunded_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    decided_by: Mapped[int | None] = mapped_column(Integer)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="PaymentIntent")
    member: Mapped[Member] = link("Member", "user_id", here="PaymentIntent", key="user_id")
    account: Mapped[GatewayAccount] = link("GatewayAccount", "account_id", here="PaymentIntent")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("account_id", "gateway_accounts"), person("user_id"), person("decided_by"),
        Index("payment_intents_reference", "org_id", "reference", unique=True),
        Index("payment_intents_person", "org_id", "user_id", "created_at"),
        Index("payment_intents_sort_created", "org_id", "created_at", "id"),
        Index("payment_intents_due", "next_ask_at", postgresql_where=text("status IN ('created', 'pending') AND next_ask_at IS NOT NULL")),
        _known("payment_intents", "gateway", Gateway), _known("payment_intents", "status", IntentState),
        CheckConstraint(f"amount_paise BETWEEN {TOP_UP_LEAST_PAISE} AND {TOP_UP_MOST_PAISE}", name="payment_intents_amount"),
        CheckConstraint("refunded_paise BETWEEN 0 AND amount_paise", name="payment_intents_refunded"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="payment_intents_currency"),
    )

    def __repr__(self) -> str:
        return self.member.name

    @property
    def standing(self) -> IntentState:
        """Its state."""
        return IntentState(self.status)


class PaymentConfirmation(Tenant, Model):
    """That a gateway said, verified, that an intent was paid: once for each of its payments, and never changed."""

    __tablename__ = "payment_confirmations"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    intent_id: Mapped[UUID] = mapped_column(Uuid)
    gateway: Mapped[str] = mapped_column(Text)
    payment_id: Mapped[str] = mapped_column(Text)
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    delivery_id: Mapped[UUID | None] = mapped_column(Uuid)
    paid_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    intent: Mapped[PaymentIntent] = link("PaymentIntent", "intent_id", here="PaymentConfirmation")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("intent_id", "payment_intents"), person("user_id"),
        Index("payment_confirmations_key", "org_id", "gateway", "payment_id", unique=True),
        Index("payment_confirmations_intent", "org_id", "intent_id", unique=True),
        _known("payment_confirmations", "gateway", Gateway), _known("payment_confirmations", "source", Source),
        CheckConstraint("payment_id <> ''", name="payment_confirmations_payment_given"),
    )


class PaymentRefund(Tenant, Timestamps, Model):
    """Money that goes back through the gateway: proposed by one person, approved by another, then sent. `key` names it at the gateway."""

    __tablename__ = "payment_refunds"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    intent_id: Mapped[UUID] = mapped_column(Uuid)
    proposal_id: Mapped[UUID | None] = mapped_column(Uuid)
    transaction_id: Mapped[UUID | None] = mapped_column(Uuid)
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="proposed")
    key: Mapped[str] = mapped_column(Text)
    refund_id: Mapped[str] = mapped_column(Text, server_default="")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    attempted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str] = line(REASON_MAX)
    result: Mapped[str | None] = line(REASON_MAX)
    intent: Mapped[PaymentIntent] = link("PaymentIntent", "intent_id", here="PaymentRefund")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("intent_id", "payment_intents"), in_tenant("proposal_id", "ledger_proposals"),
        in_tenant("transaction_id", "ledger_transactions"), person("user_id"),
        Index("payment_refunds_key", "org_id", "key", unique=True),
        Index("payment_refunds_intent", "org_id", "intent_id"), _known("payment_refunds", "status", RefundState),
        CheckConstraint("amount_paise > 0", name="payment_refunds_amount"),
    )


class WebhookDelivery(Tenant, Model):
    """A webhook as it came, with what the intake thought of it, and what became of it."""

    __tablename__ = "webhook_deliveries"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    account_id: Mapped[UUID] = mapped_column(Uuid)
    gateway: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    address: Mapped[str] = mapped_column(Text)
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    body: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # sealed; nothing once it was kept long enough
    digest: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("'\\x'"))
    size: Mapped[int] = mapped_column(Integer)
    verdict: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    processed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    effect: Mapped[str | None] = mapped_column(Text)
    events: Mapped[list[Any] | None] = mapped_column(JSONB)
    intent_id: Mapped[UUID | None] = mapped_column(Uuid)
    account: Mapped[GatewayAccount] = link("GatewayAccount", "account_id", here="WebhookDelivery")
    intent: Mapped[PaymentIntent | None] = link("PaymentIntent", "intent_id", here="WebhookDelivery")

    # Without foreign keys to what it is about: the intake is as fast as one insert.
    __table_args__ = (
        Index("webhook_deliveries_sort_received", "org_id", "received_at", "id"),
        Index("webhook_deliveries_bodies", "received_at", postgresql_where=text("body <> ''")),
        Index("webhook_deliveries_intent", "org_id", "intent_id", postgresql_where=text("intent_id IS NOT NULL")),
        _known("webhook_deliveries", "verdict", Verdict), _known("webhook_deliveries", "effect", Effect),
    )


class PaymentFlag(Tenant, Timestamps, Model):
    """Something about a payment that somebody has to look at."""

    __tablename__ = "payment_flags"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(Integer)
    intent_id: Mapped[UUID | None] = mapped_column(Uuid)
    delivery_id: Mapped[UUID | None] = mapped_column(Uuid)
    gateway: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)
    amount_paise: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(Text)
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolved_by: Mapped[int | None] = mapped_column(Integer)
    resolution: Mapped[str | None] = line(REASON_MAX)
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="PaymentFlag")
    member: Mapped[Member | None] = link("Member", "user_id", here="PaymentFlag", key="user_id")
    intent: Mapped[PaymentIntent | None] = link("PaymentIntent", "intent_id", here="PaymentFlag")
    resolver: Mapped[Member | None] = link("Member", "resolved_by", here="PaymentFlag", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("intent_id", "payment_intents"), person("user_id"), person("resolved_by"),
        Index("payment_flags_key", "org_id", "kind", "about", unique=True),
        Index("payment_flags_sort_created", "org_id", "created_at", "id"),
        _known("payment_flags", "kind", FlagKind),
    )

    def __repr__(self) -> str:
        return self.kind


functions("payments")

_R, _A = Resource.PAYMENTS, Action
_READ = staff_policies(_R, commands=("SELECT",))
_OWN = Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE} AND {ADMITTED}")
_BOTH, _STAFF = Grant((Portal.ADMIN, Portal.RESIDENT), select=True), Grant((Portal.ADMIN,), select=True)

# Secrets leave through functions alone, sealed, to the code that holds the field ring.
protect(
    GatewayAccount.__table__, masked=("secrets_token", "webhook_path", "key_id"), definer="SELECT, INSERT, UPDATE",
    grants=[
        Grant((Portal.ADMIN,), select=tuple(c.name for c in GatewayAccount.__table__.columns if c.name != "secrets_token")),
        Grant((Portal.RESIDENT,), select=("org_id", "id", "hostel_id", "gateway", "name", "is_default", "active", "created_at")),
        Grant((SERVICE,), select=True, update=("secrets_token",))],
    policies=[
        *_READ, Policy("resident_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND active AND {within(_R, _A.READ)} AND {ADMITTED}"),
        Policy("service_select", "SELECT", (SERVICE,), using="true"), Policy("service_update", "UPDATE", (SERVICE,), using="true")],
)
protect(PaymentIntent.__table__, definer="SELECT, INSERT, UPDATE", grants=[_BOTH], policies=[*_READ, _OWN], masked=("checkout_url",),
        published=Published(key=("org_id", "hostel_id", "user_id", "id"), columns=("org_id", "hostel_id", "user_id", "id", "status")))
protect(PaymentConfirmation.__table__, immutable=True, grants=[_STAFF], policies=_READ)
protect(PaymentRefund.__table__, definer="SELECT, INSERT, UPDATE", grants=[_BOTH], policies=[*_READ, _OWN])
protect(WebhookDelivery.__table__, definer="SELECT, INSERT, UPDATE", unaudited="a log itself", policies=_READ,
        grants=[Grant((Portal.ADMIN,), select=tuple(c.name for c in WebhookDelivery.__table__.columns if c.name != "body"))])
protect(PaymentFlag.__table__, definer="SELECT, INSERT, UPDATE", grants=[_STAFF], policies=_READ)
trigger("payment_intents", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('payment_intent')")
trigger("payment_refunds", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('payment_refund')")
trigger("ledger_proposals", "x_refund", "AFTER UPDATE OF status", "app.follow_refund_proposal()")
