"""Payments through gateways: what is taken, where it stands, what a webhook may be, and what is looked at by people (W3, W4, W7, W12, W13)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from app.lifecycle import By, Machine, T
from app.permissions import Action, Resource
from app.rules.errors import Invalid

TOP_UP_LEAST_PAISE = 100_00
TOP_UP_MOST_PAISE = 1_00_000_00
INTENT_LIFETIME = timedelta(minutes=40)  # how long the gateway's page takes the money; all three allow 31 to 60
GIVEN_UP_AFTER = timedelta(days=2)  # a gateway that still says "pending" then is not asked any more
BODY_MAX = 256 * 1024  # bytes of a webhook; the largest that any of the gateways sends is a tenth of it
KEPT_OF_A_REFUSED_BODY = 4096
BODY_KEPT = timedelta(days=30)  # sealed: a gateway names who paid; what it told and the digest stay
LABEL_MAX = 80
REASON_MAX = 500


class Gateway(StrEnum):
    """Who takes the money."""

    PHONEPE = "phonepe"
    RAZORPAY = "razorpay"
    STRIPE = "stripe"


class IntentState(StrEnum):
    """Where a payment stands. What failed or expired can still be paid: then the money came, and it counts."""

    CREATED = "created"
    PENDING = "pending"
    PAID = "paid"
    REVIEW = "review"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUNDED = "refunded"


_I = IntentState
_OPEN = {_I.CREATED, _I.PENDING}
OPEN_INTENTS = frozenset(_OPEN)
INTENT = Machine("payment_intent", _I, initial=_I.CREATED, transitions=[
    T("open_checkout", {_I.CREATED}, _I.PENDING, by=By.SYSTEM),
    T("pay", {*_OPEN, _I.FAILED, _I.EXPIRED}, _I.PAID, by=By.SYSTEM),
    T("hold_back", {*_OPEN, _I.FAILED, _I.EXPIRED}, _I.REVIEW, by=By.SYSTEM),
    T("fail", _OPEN, _I.FAILED, by=By.SYSTEM),
    T("expire", _OPEN, _I.EXPIRED, by=By.SYSTEM),
    T("accept", {_I.REVIEW}, _I.PAID, needs=(Resource.PAYMENTS, Action.APPROVE)),
    T("send_back", {_I.REVIEW}, _I.REFUNDED, needs=(Resource.PAYMENTS, Action.APPROVE), needs_note=True),
    T("refund", {_I.PAID}, _I.REFUNDED, by=By.SYSTEM),
])


class RefundState(StrEnum):
    """Where money stands that goes back through the gateway."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


_F = RefundState
REFUND = Machine("payment_refund", _F, initial=_F.PROPOSED, transitions=[
    T("approve", {_F.PROPOSED}, _F.APPROVED, by=By.SYSTEM),
    T("reject", {_F.PROPOSED}, _F.REJECTED, by=By.SYSTEM),
    T("withdraw", {_F.PROPOSED}, _F.WITHDRAWN, by=By.SYSTEM),
    T("send", {_F.APPROVED}, _F.SENT, by=By.SYSTEM),
    T("finish", {_F.SENT}, _F.DONE, by=By.SYSTEM),
    T("fail", {_F.SENT}, _F.FAILED, by=By.SYSTEM),
])


class Verdict(StrEnum):
    """What the intake thought of a delivery."""

    ACCEPTED = "accepted"
    BAD_SIGNATURE = "bad_signature"
    FOREIGN_ADDRESS = "foreign_address"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"

    @property
    def status(self) -> int:
        """What the sender is answered."""
        return {Verdict.ACCEPTED: 200, Verdict.TOO_LARGE: 413, Verdict.WRONG_TYPE: 415}.get(self, 401)


class Effect(StrEnum):
    """What became of something that a gateway told."""

    CREDITED = "credited"
    CREDITED_LATE = "credited_late"
    HELD_BACK = "held_back"
    KNOWN = "known"
    FAILED = "failed"
    EXPIRED = "expired"
    ASKED = "asked"
    IGNORED = "ignored"
    UNKNOWN_INTENT = "unknown_intent"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    PAID_TWICE = "paid_twice"
    UNREADABLE = "unreadable"
    REFUSED = "refused"


class FlagKind(StrEnum):
    """What somebody has to look at."""

    VELOCITY = "velocity"
    UNUSUAL_AMOUNT = "unusual_amount"
    LATE_PAYMENT = "late_payment"
    UNKNOWN_INTENT = "unknown_intent"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    PAID_TWICE = "paid_twice"
    REFUND_FAILED = "refund_failed"


class Source(StrEnum):
    """Where a confirmation comes from."""

    WEBHOOK = "webhook"
    STATUS = "status"


def checked_amount(paise: int | None) -> int:
    """An amount that may be topped up. Errors: Invalid."""
    if paise is None or not TOP_UP_LEAST_PAISE <= paise <= TOP_UP_MOST_PAISE:
        raise Invalid("This amount is too small or too large for one payment.", field="amount")
    return paise


_SHOWN_HEADERS = frozenset({
    "content-type", "content-length", "user-agent", "x-razorpay-signature", "x-razorpay-event-id", "stripe-signature", "x-verify", "accept", "host",
    "x-request-id", "date"})
_LONGEST_HEADER = 500


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they may be kept: of those that can hold a secret, only that they were there."""
    return {name[:100]: (value[:_LONGEST_HEADER] if name.lower() in _SHOWN_HEADERS else "•••") for name, value in list(headers.items())[:60]}


def networks(text: str) -> list[str]:
    """Addresses and networks, as somebody types them. Errors: Invalid."""
    try:
        return [str(ipaddress.ip_network(part, strict=False)) for part in text.replace(",", " ").split()]
    except ValueError as error:
        raise Invalid("Write addresses or networks, like 198.51.100.7 or 203.0.113.0/24, one per line.", field="addresses") from error


def is_allowed(address: str, allowed: list[str]) -> bool:
    """Whether a delivery may come from this address; an empty list lets all in, whose signature then decides."""
    if not allowed:
        return True
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(here in ipaddress.ip_network(network) for network in allowed)
