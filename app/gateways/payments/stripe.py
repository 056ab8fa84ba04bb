"""Stripe: Checkout Sessions.

Formats: docs.stripe.com/api (checkout/sessions, refunds, payouts, balance_transactions, idempotent_requests, versioning),
docs.stripe.com/webhooks/signature and docs.stripe.com/reports/report-types/payout-reconciliation (the itemized columns).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from app.gateways.payments import (
    BodyInvalid,
    EventKind,
    GatewayEvent,
    GatewayKeys,
    GatewayRefused,
    GatewayUnavailable,
    HostedOrder,
    LineKind,
    NewOrder,
    NewRefund,
    PaymentState,
    PaymentStatus,
    RefundState,
    RefundStatus,
    SettlementLine,
    SignatureInvalid,
)
from app.gateways.payments.wire import (
    PAGES_MAX,
    Wire,
    check_order,
    header,
    hmac_hex,
    hundredths,
    moment,
    needed,
    needed_url,
    part,
    reading,
    same,
    sent,
    statement,
    whole,
    word,
    written_day,
    written_moment,
)

API_VERSION: Final = "2025-03-31.basil"
TOLERANCE: Final = 300  # seconds between a signature and now, as Stripe's own clients have it
_REFUNDS: Final = {"pending": RefundState.PENDING, "requires_action": RefundState.PENDING, "succeeded": RefundState.DONE,
                   "failed": RefundState.FAILED, "canceled": RefundState.FAILED}
_REFUND_EVENTS: Final = {RefundState.PENDING: EventKind.OTHER, RefundState.DONE: EventKind.REFUND_DONE,
                         RefundState.FAILED: EventKind.REFUND_FAILED}
# `charge.refunded` tells of a charge, not of which refund: `refund.updated` does.
_EVENTS: Final = {
    "checkout.session.async_payment_succeeded": EventKind.PAYMENT_PAID, "payment_intent.succeeded": EventKind.PAYMENT_PAID,
    "checkout.session.async_payment_failed": EventKind.PAYMENT_FAILED, "checkout.session.expired": EventKind.PAYMENT_FAILED,
    "payment_intent.payment_failed": EventKind.PAYMENT_FAILED,
}
_LINES: Final = {"charge": LineKind.PAYMENT, "payment": LineKind.PAYMENT, "refund": LineKind.REFUND,
                 "payment_refund": LineKind.REFUND, "stripe_fee": LineKind.FEE, "fee": LineKind.FEE}
_MOVES_OUT: Final = frozenset({"payout", "payout_cancel", "payout_failure"})
COLUMNS: Final = ("automatic_payout_id", "automatic_payout_effective_at", "balance_transaction_id", "created", "available_on",
                  "currency", "gross", "fee", "net", "reporting_category", "source_id", "description", "charge_id",
                  "payment_intent_id", "trace_id")
_READ: Final = ("automatic_payout_id", "automatic_payout_effective_at", "balance_transaction_id", "currency", "gross", "fee",
                "reporting_category")


def form(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Nested values as Stripe reads them from a form: `a[b][0]=c`; None is left out."""
    def flat(name: str, inner: Any) -> Iterator[tuple[str, str]]:
        if isinstance(inner, Mapping):
            for key, each in inner.items():
                yield from flat(f"{name}[{key}]" if name else str(key), each)
        elif isinstance(inner, list | tuple):
            for number, each in enumerate(inner):
                yield from flat(f"{name}[{number}]", each)
        elif isinstance(inner, bool):
            yield name, "true" if inner else "false"
        elif inner is not None:
            yield name, str(inner)
    return list(flat("", value))


class Stripe:
    """Whatever is made carries an idempotency key; the reference travels in the metadata of session and payment."""

    name = "stripe"
    trusted_body = True

    def __init__(self, keys: GatewayKeys, base_url: str) -> None:
        self._keys = keys
        self._wire = Wire(base_url, keys)

    def create_order(self, order: NewOrder) -> HostedOrder:
        check_order(order)
        about = {"reference": order.reference}
        answer = self._ask("POST", "/v1/checkout/sessions", key=f"order:{order.reference}", data=form({
            "mode": "payment", "client_reference_id": order.reference, "success_url": order.return_url, "cancel_url": order.return_url,
            "expires_at": int(order.expires_at.timestamp()), "metadata": about, "payment_intent_data": {"metadata": about},
            "line_items": [{"quantity": 1, "price_data": {
                "currency": order.currency.lower(), "unit_amount": order.amount_paise, "product_data": {"name": order.description}}}]}))
        with reading():
            return HostedOrder(needed(answer["id"]), needed_url(answer["url"]))

    def fetch(self, reference: str, gateway_id: str) -> PaymentStatus:
        session = self._ask("GET", f"/v1/checkout/sessions/{part(gateway_id)}", params=form(
            {"expand": ["payment_intent.latest_charge.balance_transaction"]}))
        with reading():
            if session["client_reference_id"] != reference:
                raise ValueError("another order")
            amount, currency = whole(session["amount_total"]), needed(session["currency"]).upper()
            intent = session.get("payment_intent") or {}
            if session["payment_status"] == "paid":
                charge = intent.get("latest_charge") or {}
                booked = charge.get("balance_transaction") or {}
                paid = charge.get("created", intent.get("created"))
                return PaymentStatus(PaymentState.PAID, amount, currency, needed(intent["id"]),
                                     whole(booked["fee"]) if booked else None, None if paid is None else moment(paid))
            error = intent.get("last_payment_error") or {}
            return PaymentStatus(_unpaid(session, intent), amount, currency, reason=word(error.get("code")))

    def refund(self, refund: NewRefund) -> RefundStatus:
        return _refund(self._ask("POST", "/v1/refunds", key=f"refund:{refund.key}", data=form({
            "payment_intent": refund.payment_id, "amount": refund.amount_paise,
            "metadata": {"reference": refund.reference, "key": refund.key}})))

    def fetch_refund(self, refund_id: str, key: str) -> RefundStatus:
        if not refund_id:
            raise GatewayRefused("refund", "It is known here by its id, and none was answered yet.")
        answer = self._ask("GET", f"/v1/refunds/{part(refund_id)}")
        with reading():
            if (answer.get("metadata") or {}).get("key") != key:
                raise ValueError("another refund")
        return _refund(answer)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        given = header(headers, "stripe-signature")
        if not given:
            raise SignatureInvalid("missing")
        parts = [piece.strip().partition("=")[::2] for piece in given.split(",")]
        stamp = next((value for name, value in parts if name == "t"), "")
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:  # noqa: PLR2004 - a moment in seconds
            raise SignatureInvalid("wrong")
        made = hmac_hex(self._keys.webhook_secret, stamp.encode(), b".", body)
        # Several while a secret is being exchanged for a new one.
        if not any([same(value, made) for name, value in parts if name == "v1"]):  # noqa: C419 - all, so that time tells nothing
            raise SignatureInvalid("wrong")
        if abs(now.timestamp() - int(stamp)) > TOLERANCE:
            raise SignatureInvalid("too old")

    def parse(self, headers: Mapping[str, str], body: bytes) -> list[GatewayEvent]:  # noqa: ARG002 - all is in the body
        event = sent(body)
        with reading(BodyInvalid):
            name, told = needed(event["type"]), event["data"]["object"]
            about = told.get("metadata") or {}
            kind = _EVENTS.get(name, EventKind.OTHER)
            order = payment = refund = ""
            amount, currency = told.get("amount"), told.get("currency")
            match told.get("object"):
                case "checkout.session":
                    order, payment, amount = needed(told["id"]), _id(told.get("payment_intent")), told["amount_total"]
                    if name == "checkout.session.completed" and told["payment_status"] == "paid":
                        kind = EventKind.PAYMENT_PAID
                case "payment_intent":
                    payment = needed(told["id"])
                    amount = told.get("amount_received", amount) if kind is EventKind.PAYMENT_PAID else amount
                case "refund":
                    refund, payment = needed(told["id"]), _id(told.get("payment_intent"))
                    kind = _REFUND_EVENTS[_REFUNDS[told["status"]]]
            reference = about.get("reference") or told.get("client_reference_id")
            return [GatewayEvent(needed(event["id"]), kind, word(reference), order, payment, whole(amount or 0), word(currency).upper(),
                                 moment(event["created"]), refund, word(about.get("key")) if refund else "", name)]

    def settlements(self, day: date) -> Iterable[SettlementLine]:
        start = int(datetime.combine(day, time(), UTC).timestamp())
        until = int((datetime.combine(day, time(), UTC) + timedelta(days=1)).timestamp())
        for payout in self._pages("/v1/payouts", {"arrival_date": {"gte": start, "lt": until}, "status": "paid"}):
            with reading():
                number, trace = needed(payout["id"]), payout.get("trace_id") or {}
                utr = word(trace.get("value")) or number
            for row in self._pages("/v1/balance_transactions", {"payout": number, "expand": ["data.source"]}):
                with reading():
                    line = None if row["type"] in _MOVES_OUT else _line(row, utr, day)
                if line:
                    yield line

    def parse_settlement_csv(self, content: bytes) -> list[SettlementLine]:
        return statement(content, _READ, _row)

    def _pages(self, path: str, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        after: str | None = None
        for _ in range(PAGES_MAX):
            answer = self._ask("GET", path, params=form({**asked, "limit": 100, "starting_after": after}))
            with reading():
                found, more = list(answer["data"]), answer["has_more"] is True
                after = needed(found[-1]["id"]) if found else None
            yield from found
            if not more or after is None:
                return
        raise GatewayUnavailable("endless")

    def _ask(self, method: str, path: str, key: str | None = None, **options: Any) -> dict[str, Any]:
        headers = {"Stripe-Version": API_VERSION, "Authorization": f"Bearer {self._keys.secret}"}
        if key:
            headers["Idempotency-Key"] = key
        return self._wire.ask(method, path, _refusal, headers=headers, **options)


def _refusal(answer: Mapping[str, Any]) -> tuple[Any, Any]:
    error = answer.get("error")
    return (error.get("code") or error.get("type"), error.get("message")) if isinstance(error, dict) else (None, None)


def _unpaid(session: Mapping[str, Any], intent: Mapping[str, Any]) -> PaymentState:
    if session["status"] == "expired":
        return PaymentState.EXPIRED
    if session["status"] == "complete" and intent.get("status") in ("requires_payment_method", "canceled"):
        return PaymentState.FAILED  # a way of paying that takes days, and then did not work
    return PaymentState.PENDING


def _id(value: object) -> str:
    """The id of something that may have been expanded."""
    return needed(value["id"]) if isinstance(value, dict) else word(value)


def _refund(answer: Mapping[str, Any]) -> RefundStatus:
    with reading():
        return RefundStatus(needed(answer["id"]), _REFUNDS[answer["status"]], whole(answer["amount"]), word(answer.get("failure_reason")))


def _line(row: Mapping[str, Any], utr: str, day: date) -> SettlementLine:
    kind, source = _LINES.get(row["type"], LineKind.ADJUSTMENT), row.get("source")
    source = source if isinstance(source, dict) else {}
    amount, fee = whole(row["amount"]), whole(row["fee"])
    tax = sum(whole(one["amount"]) for one in row.get("fee_details") or [] if one["type"] == "tax")
    if kind is LineKind.FEE:  # billed by itself, as an amount
        amount, fee = 0, fee - amount
    return SettlementLine(
        needed(row["id"]), kind, _id(source.get("payment_intent")), amount, fee - tax, tax, utr, day,
        word((source.get("metadata") or {}).get("reference")), word(source.get("id")) if kind is LineKind.REFUND else "",
        needed(row["currency"]).upper(), moment(row["created"]))


def _row(row: Mapping[str, str]) -> SettlementLine | None:
    """The same from the file: rupees, and a fee with its tax."""
    if row["reporting_category"] in _MOVES_OUT:
        return None
    kind = _LINES.get(row["reporting_category"], LineKind.ADJUSTMENT)
    amount, fee = hundredths(row["gross"]), hundredths(row["fee"])
    if kind is LineKind.FEE:
        amount, fee = 0, fee - amount
    created = row.get("created")
    return SettlementLine(
        needed(row["balance_transaction_id"]), kind, row.get("payment_intent_id", ""), amount, fee, 0,
        row.get("trace_id") or row["automatic_payout_id"], written_day(row["automatic_payout_effective_at"]),
        refund_id=row.get("source_id", "") if kind is LineKind.REFUND else "", currency=row["currency"].upper(),
        occurred_at=written_moment(created).replace(tzinfo=UTC) if created else None)
