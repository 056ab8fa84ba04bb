"""Razorpay by payment links: its own page, no script of others on ours.

Formats: razorpay.com/docs/api/payments/payment-links, /docs/api/refunds/normal-refunds-idempotent,
/docs/api/settlements/fetch-recon, /docs/webhooks/{payments,orders,refunds,payment-links} and /docs/webhooks/validate-test;
columns of the file as in the dashboard's settlement recon report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
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
    INDIA,
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
    written_moment,
)

_STATES: Final = {"created": PaymentState.PENDING, "partially_paid": PaymentState.PENDING, "paid": PaymentState.PAID,
                  "cancelled": PaymentState.FAILED, "expired": PaymentState.EXPIRED}
_REFUNDS: Final = {"pending": RefundState.PENDING, "processed": RefundState.DONE, "failed": RefundState.FAILED}
_EVENTS: Final = {
    "payment.captured": EventKind.PAYMENT_PAID, "order.paid": EventKind.PAYMENT_PAID, "payment_link.paid": EventKind.PAYMENT_PAID,
    "payment.failed": EventKind.PAYMENT_FAILED, "payment_link.expired": EventKind.PAYMENT_FAILED,
    "payment_link.cancelled": EventKind.PAYMENT_FAILED,
    "refund.processed": EventKind.REFUND_DONE, "refund.failed": EventKind.REFUND_FAILED,
}
_LINES: Final = {"payment": LineKind.PAYMENT, "refund": LineKind.REFUND}
_PAGE: Final = 1000  # rows of a statement in one answer, the most it gives
COLUMNS: Final = ("transaction_entity", "entity_id", "amount", "currency", "fee (exclusive tax)", "tax", "debit", "credit",
                  "payment_method", "card_type", "issuer_name", "entity_created_at", "payment_captured_at", "payment_notes",
                  "refund_notes", "arn", "entity_description", "order_id", "order_receipt", "order_notes", "dispute_id",
                  "dispute_created_at", "dispute_reason", "settlement_id", "settled_at", "settlement_utr", "settled_by")
_READ: Final = ("transaction_entity", "entity_id", "currency", "fee (exclusive tax)", "tax", "debit", "credit", "settled_at",
                "settlement_utr")


class Razorpay:
    """A payment link is found again by its reference_id, a refund by its receipt."""

    name = "razorpay"
    trusted_body = True

    def __init__(self, keys: GatewayKeys, base_url: str) -> None:
        self._keys = keys
        self._wire = Wire(base_url, keys)

    def create_order(self, order: NewOrder) -> HostedOrder:
        check_order(order)
        try:
            link = self._ask("POST", "/v1/payment_links", json={
                "amount": order.amount_paise, "currency": order.currency, "accept_partial": False,
                "reference_id": order.reference, "description": order.description, "expire_by": int(order.expires_at.timestamp()),
                "callback_url": order.return_url, "callback_method": "get", "notify": {"sms": False, "email": False},
                "reminder_enable": False, "notes": {"reference": order.reference}})
        except GatewayRefused as refused:  # perhaps because the first answer was lost on the way
            found = self._ask("GET", "/v1/payment_links", params={"reference_id": order.reference}).get("payment_links")
            with reading():
                again = next((one for one in found or [] if one["reference_id"] == order.reference), None)
                if again is None or (again["amount"], again["currency"]) != (order.amount_paise, order.currency):
                    raise refused from None
                link = again
        with reading():
            return HostedOrder(needed(link["id"]), needed_url(link["short_url"]))

    def fetch(self, reference: str, gateway_id: str) -> PaymentStatus:
        link = self._ask("GET", f"/v1/payment_links/{part(gateway_id)}")
        with reading():
            if link["reference_id"] != reference:
                raise ValueError("another order")
            state, currency = _STATES[link["status"]], needed(link["currency"])
            if state is not PaymentState.PAID:
                return PaymentStatus(state, whole(link["amount"]), currency, reason=word(link["status"]))
            made = next(one for one in link["payments"] if one["status"] == "captured")
        payment = self._ask("GET", f"/v1/payments/{part(made['payment_id'])}")
        with reading():
            fee = payment.get("fee")
            return PaymentStatus(state, whole(payment["amount"]), needed(payment["currency"]), needed(payment["id"]),
                                 None if fee is None else whole(fee), moment(payment["created_at"]))

    def refund(self, refund: NewRefund) -> RefundStatus:
        return _refund(self._ask(
            "POST", f"/v1/payments/{part(refund.payment_id)}/refund", headers={"X-Refund-Idempotency": f"refund-{refund.key}"},
            json={"amount": refund.amount_paise, "speed": "normal", "receipt": refund.key,
                  "notes": {"reference": refund.reference, "key": refund.key}}))

    def fetch_refund(self, refund_id: str, key: str) -> RefundStatus:
        if not refund_id:
            raise GatewayRefused("refund", "It is known here by its id, and none was answered yet.")
        answer = self._ask("GET", f"/v1/refunds/{part(refund_id)}")
        with reading():
            if answer.get("receipt") != key:
                raise ValueError("another refund")
        return _refund(answer)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:  # noqa: ARG002 - it signs no time
        made = hmac_hex(self._keys.webhook_secret, body)
        given = header(headers, "x-razorpay-signature").strip()
        if not given:
            raise SignatureInvalid("missing")
        if not same(given, made):
            raise SignatureInvalid("wrong")

    def parse(self, headers: Mapping[str, str], body: bytes) -> list[GatewayEvent]:
        event = sent(body)
        with reading(BodyInvalid):
            name, told = needed(event["event"]), event["payload"]
            link, order, payment, refund = (_entity(told, kind) for kind in ("payment_link", "order", "payment", "refund"))
            main = refund or payment or link or order
            reference = (link.get("reference_id") or _note(payment, "reference") or _note(refund, "reference")
                         or _note(order, "reference") or order.get("receipt"))
            number = word(header(headers, "x-razorpay-event-id"))
            return [GatewayEvent(
                number or f"{name}:{word(main.get('id'))}:{whole(event['created_at'])}", _EVENTS.get(name, EventKind.OTHER),
                word(reference), word(link.get("id")), word(payment.get("id") or refund.get("payment_id")),
                whole(main.get("amount", 0)), word(main.get("currency")), moment(event["created_at"]), word(refund.get("id")),
                word(refund.get("receipt")), name)]

    def settlements(self, day: date) -> Iterable[SettlementLine]:
        for page in range(PAGES_MAX):
            answer = self._ask("GET", "/v1/settlements/recon/combined", params={
                "year": day.year, "month": day.month, "day": day.day, "count": _PAGE, "skip": page * _PAGE})
            with reading():
                lines = [_line(item) for item in answer["items"]]
            yield from lines
            if len(lines) < _PAGE:
                return
        raise GatewayUnavailable("endless")

    def parse_settlement_csv(self, content: bytes) -> list[SettlementLine]:
        return statement(content, _READ, _row)

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        return self._wire.ask(method, path, _refusal, auth=(self._keys.key_id, self._keys.secret), **options)


def _refusal(answer: Mapping[str, Any]) -> tuple[Any, Any]:
    error = answer.get("error")
    return (error.get("code"), error.get("description")) if isinstance(error, dict) else (None, None)


def _entity(payload: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found = payload.get(kind) or {}
    entity: dict[str, Any] = found["entity"] if found else {}
    return entity


def _note(entity: Mapping[str, Any], name: str) -> object:
    notes = entity.get("notes")
    return notes.get(name) if isinstance(notes, dict) else None  # without notes it sends a list


def _refund(answer: Mapping[str, Any]) -> RefundStatus:
    with reading():
        return RefundStatus(needed(answer["id"]), _REFUNDS[answer["status"]], whole(answer["amount"]))


def _line(item: Mapping[str, Any]) -> SettlementLine:
    kind = _LINES.get(item["type"], LineKind.ADJUSTMENT)
    number, fee, tax = needed(item["entity_id"]), whole(item["fee"]), whole(item["tax"])
    return SettlementLine(
        number, kind, number if kind is LineKind.PAYMENT else word(item.get("payment_id")),
        whole(item["credit"]) - whole(item["debit"]) + fee, fee - tax, tax,  # its fee includes the tax
        word(item.get("settlement_utr")), moment(item["settled_at"]).astimezone(INDIA).date(), word(item.get("order_receipt")),
        number if kind is LineKind.REFUND else "", word(item["currency"]), moment(item["created_at"]))


def _row(row: Mapping[str, str]) -> SettlementLine:
    """The same from the file: rupees, and a fee without its tax."""
    kind = _LINES.get(row["transaction_entity"], LineKind.ADJUSTMENT)
    number, fee, tax = needed(row["entity_id"]), hundredths(row["fee (exclusive tax)"]), hundredths(row["tax"])
    created = row.get("entity_created_at")
    return SettlementLine(
        number, kind, number if kind is LineKind.PAYMENT else "", hundredths(row["credit"]) - hundredths(row["debit"]) + fee + tax,
        fee, tax, row["settlement_utr"], written_moment(row["settled_at"]).date(), row.get("order_receipt", ""),
        number if kind is LineKind.REFUND else "", row["currency"], written_moment(created) if created else None)
