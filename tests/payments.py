"""What tests of payments share: accounts at gateways, a gateway that says what a test wants, signed webhooks, top-ups."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select, text

from app.gateways.payments import (
    GatewayRefused,
    GatewayUnavailable,
    HostedOrder,
    NewOrder,
    NewRefund,
    PaymentState,
    PaymentStatus,
    RefundState,
    RefundStatus,
)
from app.models.payments import GatewayAccount, PaymentIntent
from app.services import payments
from app.services.payments import accounts
from app.tenancy import tenant_scope
from app.wiring import settings
from jobs import registry
from jobs.outbox import Drainer
from tests.maintenance import scope
from tests.world import Person, World

SECRETS = {"razorpay": "whsec-razorpay", "stripe": "whsec_stripe", "phonepe": "webhook-password"}


@dataclass
class Told:
    """A gateway without a network: it says what `status` and `refund_status` hold, and counts what it is asked."""

    status: PaymentStatus | None = None
    refund_status: RefundStatus | None = None
    refunds: list[NewRefund] = field(default_factory=list)
    orders: list[NewOrder] = field(default_factory=list)
    away: int = 0
    asked: int = 0
    trusted_body = True
    name = "razorpay"

    def create_order(self, order: NewOrder) -> HostedOrder:
        self._answer()
        self.orders.append(order)
        return HostedOrder(f"plink_{order.reference}", f"https://pay.example/{order.reference}")

    def fetch(self, reference: str, gateway_id: str) -> PaymentStatus:
        self._answer()
        if self.status is None:
            raise GatewayRefused("not_found", "no such order")
        return self.status

    def refund(self, refund: NewRefund) -> RefundStatus:
        self.refunds.append(refund)
        self.refund_status = self.refund_status or RefundStatus("rfnd_1", RefundState.DONE, refund.amount_paise)
        self._answer()
        return self.refund_status

    def fetch_refund(self, refund_id: str, key: str) -> RefundStatus:
        if not self.refunds or self.refund_status is None:
            raise GatewayRefused("not_found", "no such refund")
        return self.refund_status

    def _answer(self) -> None:
        self.asked += 1
        if self.away > 0:
            self.away -= 1
            raise GatewayUnavailable("timeout")


def settled_in(superuser: Engine, person: Person) -> Person:
    """This person lives in their hostel, and has a wallet there when money comes."""
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on) VALUES (:org, :hostel, 1, :user, '2026-01-01')"),
                           {"org": person.org_id, "hostel": person.hostel_id, "user": person.user_id})
    return person


def answering(monkeypatch: pytest.MonkeyPatch, gateway: Any) -> Any:
    """Whatever gateway is opened, it is this one."""
    monkeypatch.setattr(accounts, "open_gateway", lambda name, keys, url: gateway)
    return gateway


def paid(intent: PaymentIntent, **other: Any) -> PaymentStatus:
    """That an intent was paid, or nearly."""
    return replace(PaymentStatus(PaymentState.PAID, intent.amount_paise, intent.currency, f"pay_{intent.reference[-12:]}", None, datetime.now(UTC)), **other)


def account(person: Person, gateway: str = "razorpay", **more: Any) -> UUID:
    """An account of the whole organization at a gateway."""
    with scope(person) as session:
        return payments.put_account(session, payments.keeper_of(settings()).ring, uuid4(), payments.GivenAccount(
            gateway, gateway.capitalize(), f"key-{gateway}", secret=f"secret-{gateway}", webhook_secret=SECRETS[gateway],
            extra={"webhook_user": "us"}, **more))


def begun(person: Person, account_id: UUID, amount: int = 500_00, *, hand: bool = True, confirmed: bool = False) -> UUID:
    """A top-up of this resident, led to the gateway."""
    with scope(person) as session:
        intent_id = payments.begin(session, uuid4(), person.hostel_id, account_id, amount, confirmed=confirmed)
        session.commit()
        if hand and intent_id:
            payments.hand_over(session, payments.keeper_of(settings()), intent_id, "http://localhost/", "Top-up")
    return intent_id


def intent(intent_id: UUID) -> PaymentIntent:
    """As the product sees it."""
    with tenant_scope(World.known().a.org_id) as session:
        found = session.scalars(select(PaymentIntent).where(PaymentIntent.id == intent_id)).one()
        session.expunge_all()
        return found


def path_of(account_id: UUID) -> str:
    """The address of an account's webhooks."""
    with tenant_scope(World.known().a.org_id) as session:
        found = session.get(GatewayAccount, account_id)
        return f"/webhooks/{found.gateway}/{found.webhook_path}"


def captured(found: PaymentIntent, payment_id: str = "", **changed: Any) -> bytes:
    """What Razorpay sends when a payment link was paid."""
    payment_id = payment_id or f"pay_{found.reference[-12:]}"
    now = int(time.time())
    payment = {"id": payment_id, "entity": "payment", "amount": found.amount_paise, "currency": found.currency, "status": "captured", "created_at": now, **changed}
    link = {"id": found.gateway_id or "plink_x", "reference_id": found.reference, "amount": found.amount_paise, "currency": found.currency, "status": "paid"}
    return json.dumps({"entity": "event", "event": "payment_link.paid", "contains": ["payment_link", "payment"], "created_at": now, "payload": {
        "payment_link": {"entity": link}, "payment": {"entity": payment}}}).encode()


def signed(body: bytes, secret: str = SECRETS["razorpay"]) -> dict[str, str]:
    """Headers as Razorpay sends them."""
    return {"X-Razorpay-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), "Content-Type": "application/json",
            "x-razorpay-event-id": hashlib.sha256(body).hexdigest()[:14]}


def work() -> None:
    """Jobs that are due."""
    registry.load()
    Drainer.new().drain()


def due(superuser: Any) -> None:
    """What is to be tried again later is due now."""
    with superuser.begin() as connection:
        connection.execute(text("UPDATE outbox SET due_at = clock_timestamp() WHERE state = 'pending'"))
