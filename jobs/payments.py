"""Payments in the background: webhooks are read, gateways asked, refunds sent, and whoever it is about is told."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.services import payments, work
from app.wiring import settings
from jobs.registry import Payload, handles

_MOST = 200


@handles("payments.delivery")
def delivery(session: Session, payload: Payload) -> None:
    """A webhook was kept."""
    payments.process(session, payments.keeper_of(settings()), UUID(payload["delivery_id"]))


@handles("payments.ask", external=True)
def ask(session: Session, payload: Payload) -> None:
    """Find out at the gateway where a payment stands."""
    told_by = payload.get("delivery_id")
    payments.answered(session, payments.keeper_of(settings()), UUID(payload["intent_id"]), UUID(told_by) if told_by else None)


@handles("payments.sweep")
def sweep(session: Session, payload: Payload) -> None:
    """Ask for the janitor in each organization that has something due."""
    work.enqueue_for(session, payments.waiting(session), "payments.janitor", key=payload["slot"])


@handles("payments.janitor")
def janitor(session: Session, _payload: Payload) -> None:
    """Ask about what is left open; the rest, where there is much, in a next row."""
    if payments.ask_due(session, _MOST) == _MOST:
        work.enqueue(session, "payments.janitor")


@handles("payments.refund")
def refund(session: Session, payload: Payload) -> None:
    """A refund was approved: the attempt is written down, and committed, before the gateway is asked."""
    payments.attempt_refund(session, UUID(payload["refund_id"]))


@handles("payments.refund_send", external=True)
def refund_send(session: Session, payload: Payload) -> None:
    """Send it, or find out what became of it; what is still under way is asked about again in an hour."""
    _follow(session, UUID(payload["refund_id"]))


@handles("payments.refund_ask", external=True)
def refund_ask(session: Session, payload: Payload) -> None:
    """The gateway said that something became of it."""
    _follow(session, UUID(payload["refund_id"]))


def _follow(session: Session, refund_id: UUID) -> None:
    if payments.send_refund(session, payments.keeper_of(settings()), refund_id) == "pending":
        payments.ask_later(session, refund_id)


@handles("payments.settled")
def settled(session: Session, payload: Payload) -> None:
    """Tell who paid."""
    payments.tell_of_payment(session, UUID(payload["intent_id"]))


@handles("payments.flagged")
def flagged(session: Session, payload: Payload) -> None:
    """Tell who can look at it."""
    payments.tell_of_flag(session, UUID(payload["flag_id"]))
