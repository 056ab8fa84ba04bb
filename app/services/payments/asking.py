"""What jobs do: read webhooks, ask gateways where a payment or a refund stands, and let the database take it from there.

A gateway is asked outside of any lock, and its answer is applied by one function that is safe to repeat, in any order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.gateways.payments import (
    BodyInvalid,
    EventKind,
    GatewayEvent,
    GatewayRefused,
    NewRefund,
    PaymentState,
    RefundStatus,
)
from app.gateways.payments import RefundState as GatewayRefundState
from app.models.payments import PaymentIntent, PaymentRefund
from app.rules.payments import GIVEN_UP_AFTER, OPEN_INTENTS, RefundState
from app.services import work
from app.services.payments.accounts import Keeper, as_event, body_context

_TO_PROCESS = text("SELECT account_id, headers, body, processed FROM app.delivery_to_process(:id)")
_PROCESS = text("SELECT app.process_delivery(:id, CAST(:events AS jsonb), :unreadable)")
_ANSWER = text("SELECT app.apply_payment_answer(:intent, CAST(:event AS jsonb), :delivery)")
_DUE = text("SELECT app.payments_to_ask(:most)")
_WAITING = text("SELECT app.organizations_with_open_payments()")
_ASK = text("SELECT app.ask_about_payment(:id)")
_ATTEMPT = text("SELECT app.begin_refund_attempt(:id)")
_SETTLE = text("SELECT app.settle_refund(:id, :refund_id, :state, :reason)")
_FORGET = text("SELECT app.forget_webhook_bodies(:before, :most)")
_NOW = text("SELECT app.now()")
ASK_REFUND_AFTER = timedelta(hours=3)


def process(session: Session, keeper: Keeper, delivery_id: UUID) -> None:
    """Apply what a webhook tells; that of a gateway whose signature does not cover the body only makes us ask."""
    row = session.execute(_TO_PROCESS, {"id": delivery_id}).one_or_none()
    if row is None or row.processed:
        return
    body = keeper.ring.decrypt_bytes(bytes(row.body), body_context(row.account_id))
    gateway, events, unreadable = keeper.open(session, row.account_id), list[dict[str, Any]](), ""
    try:
        events = [_told(event, trusted=gateway.trusted_body) for event in gateway.parse(row.headers, body)]
    except BodyInvalid as error:
        unreadable = str(error)[:200] or "It cannot be read."
    session.execute(_PROCESS, {"id": delivery_id, "events": json.dumps(events), "unreadable": unreadable})


def forget_bodies(session: Session, before: datetime, most: int = 1_000) -> int:
    """On the service login: empty bodies that came before; how many, `most` at most. What they told, and their digests, stay."""
    gone: int = session.execute(_FORGET, {"before": before, "most": most}).scalar_one()
    return gone


def _told(event: GatewayEvent, *, trusted: bool) -> dict[str, Any]:
    """An event as the database reads it. That an attempt failed says little: the same order can still be paid, so we ask."""
    kind = "other"
    if event.kind in {EventKind.REFUND_DONE, EventKind.REFUND_FAILED}:
        kind = "refund"
    elif event.kind is EventKind.PAYMENT_PAID:
        kind = "payment_paid" if trusted else "ask"
    elif event.kind is EventKind.PAYMENT_FAILED:
        kind = "ask"
    return {"kind": kind, "event_id": event.event_id, "name": event.name, "reference": event.reference, "gateway_id": event.gateway_id,
            "payment_id": event.payment_id, "amount": event.amount_paise, "currency": event.currency, "at": event.occurred_at.isoformat() if event.occurred_at else None,
            "refund_id": event.refund_id, "refund_key": event.refund_key}


def ask(session: Session, intent_id: UUID) -> bool:
    """Have a job ask the gateway about an intent, unless one was asked for a moment ago."""
    return bool(session.execute(_ASK, {"id": intent_id}).scalar_one())


def answered(session: Session, keeper: Keeper, intent_id: UUID, delivery_id: UUID | None = None) -> str:
    """Ask the gateway where an intent stands, and apply the answer; what became of it. Errors: GatewayUnavailable."""
    intent = session.scalars(select(PaymentIntent).where(PaymentIntent.id == intent_id)).one_or_none()
    if intent is None:
        return ""
    now: datetime = session.execute(_NOW).scalar_one()
    event: dict[str, Any] | None = None
    over = {"kind": "expired", "reference": intent.reference, "reason": ""}
    if not intent.gateway_id:  # nobody was led to the gateway
        event = over if now > intent.expires_at else None
        return _apply(session, intent, event, delivery_id)
    try:
        status = keeper.open(session, intent.account_id).fetch(intent.reference, intent.gateway_id)
    except GatewayRefused as error:  # it knows of no such order
        event = {**over, "reason": error.reason[:200]} if now > intent.expires_at else None
    else:
        if status.state is PaymentState.PAID:
            event = as_event(status, intent.reference, intent.gateway_id)
        elif status.state is PaymentState.FAILED:
            event = {**over, "kind": "failed", "reason": status.reason}
        elif status.state is PaymentState.EXPIRED or now > intent.expires_at + GIVEN_UP_AFTER:
            event = over
    return _apply(session, intent, event, delivery_id)


def _apply(session: Session, intent: PaymentIntent, event: dict[str, Any] | None, delivery_id: UUID | None) -> str:
    """That it is not paid changes only what is still open."""
    if event is None or (event["kind"] != "payment_paid" and intent.standing not in OPEN_INTENTS):
        return "ignored"
    effect: str = session.execute(_ANSWER, {"intent": intent.id, "event": json.dumps(event), "delivery": delivery_id}).scalar_one()
    session.expire_all()
    return effect


def waiting(session: Session) -> Sequence[UUID]:
    """On the service login: organizations with payments that are due to be asked about."""
    return list(session.scalars(_WAITING))


def ask_due(session: Session, most: int = 200) -> int:
    """Ask for jobs for those of this organization; how many."""
    return int(session.execute(_DUE, {"most": most}).scalar_one())


def ask_later(session: Session, refund_id: UUID) -> None:
    """A gateway takes days for some refunds."""
    now: datetime = session.execute(_NOW).scalar_one()
    work.enqueue(session, "payments.refund_ask", {"refund_id": str(refund_id)}, due=now + ASK_REFUND_AFTER)


def attempt_refund(session: Session, refund_id: UUID) -> bool:
    """Write down that a refund is about to be sent; the call itself is a job of its own, which begins when this is committed."""
    return bool(session.execute(_ATTEMPT, {"id": refund_id}).scalar_one())


def send_refund(session: Session, keeper: Keeper, refund_id: UUID) -> str:
    """Send a refund, or find out what became of one that was sent before. Errors: GatewayUnavailable: then it is tried again."""
    found = session.scalars(select(PaymentRefund).where(PaymentRefund.id == refund_id)).one_or_none()
    if found is None or found.status != RefundState.SENT:
        return found.status if found else ""
    intent, gateway = found.intent, keeper.open(session, found.intent.account_id)
    try:
        status = gateway.fetch_refund(found.refund_id, found.key)
    except GatewayRefused:  # it has none of this key yet
        try:
            status = gateway.refund(NewRefund(found.key, intent.reference, intent.payment_id, intent.gateway_id, found.amount_paise))
        except GatewayRefused as error:
            status = RefundStatus("", GatewayRefundState.FAILED, reason=error.reason)
    state: str = session.execute(_SETTLE, {"id": refund_id, "refund_id": status.refund_id, "state": status.state.value,
                                           "reason": status.reason[:500]}).scalar_one()
    session.expire_all()
    return state
