"""Accounts at the demo's stand-ins for payment gateways, so that a top-up can be clicked through with each."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.gateways.payments.sandbox import twin_keys, twin_webhook_path
from app.rules.payments import Gateway
from app.services import payments

_NAMES = {Gateway.RAZORPAY: "UPI or card (Razorpay)", Gateway.PHONEPE: "PhonePe", Gateway.STRIPE: "Card (Stripe)"}


def take_money(session: Session, ring: KeyRing, label: str) -> None:
    """One account at each, known there by the organization's label."""
    for gateway, name in _NAMES.items():
        keys = twin_keys(gateway, label)
        payments.put_account(session, ring, uuid4(), payments.GivenAccount(
            gateway, name, keys.key_id, secret=keys.secret, webhook_secret=keys.webhook_secret, extra=dict(keys.extra),
            webhook_path=twin_webhook_path(gateway, label), is_default=gateway is Gateway.RAZORPAY))
