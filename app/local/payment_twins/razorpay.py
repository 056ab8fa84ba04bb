"""Razorpay's payment links, as app/gateways/payments/razorpay.py describes them."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, request

from app.gateways.payments.razorpay import COLUMNS
from app.gateways.payments.sandbox import twin_keys
from app.gateways.payments.wire import INDIA
from app.local.payment_twins.settling import movements, rupees, utr
from app.local.payment_twins.state import Order, Refund, State, number, state

NAME = "razorpay"
ZONE = INDIA  # in which its days begin
ENDS_WITH_A_FAILURE = False
_SOONEST_END = 15 * 60  # seconds
protocol = Blueprint(NAME, __name__)


def payment_number() -> str:
    return number("pay_")


def _no(status: int, description: str) -> Response:
    error = {"code": "BAD_REQUEST_ERROR", "description": description, "source": "business", "step": "payment_initiation",
             "reason": "input_validation_failed", "metadata": {}}
    return make_response(jsonify(error=error), status)


def _label() -> str:
    """The merchant whose keys these are."""
    given = request.authorization
    label = (given.username or "").removeprefix("rzp_test_twin_") if given else ""
    if given is None or given.password != twin_keys(NAME, label).secret:
        abort(_no(401, "Authentication failed"))
    return label


def _order(number: str) -> Order:
    order = state().order(NAME, _label(), number)
    if order is None:
        abort(_no(400, "The id provided does not exist"))
    return order


@protocol.route("/v1/payment_links", methods=["POST"], strict_slashes=False)
def create() -> Any:
    """Make a payment link."""
    label, asked, known = _label(), request.get_json(), state()
    reference = asked.get("reference_id", "")
    if asked.get("expire_by", 0) < known.now() + _SOONEST_END:
        return _no(400, "expire_by should be at least 15 minutes after current time")
    if not isinstance(asked.get("amount"), int) or asked["amount"] < 100:  # noqa: PLR2004 - one rupee
        return _no(400, "The amount must be at least INR 1.00")
    with known.lock:
        if known.order(NAME, label, reference):
            return _no(400, f"payment link with given reference_id ({reference}) already exists")
        order = Order(NAME, label, number("plink_"), reference, asked["amount"], asked["currency"], asked.get("description", ""),
                      asked["callback_url"], known.now(), asked["expire_by"])
        known.orders[order.id] = order
        known.save()
    return jsonify(_link(order))


@protocol.route("/v1/payment_links", strict_slashes=False)
def find() -> Any:
    """Payment links with a reference."""
    order = state().order(NAME, _label(), request.args.get("reference_id", ""))
    return jsonify(payment_links=[_link(order)] if order else [])


@protocol.route("/v1/payment_links/<link>")
def link(link: str) -> Any:
    return jsonify(_link(_order(link)))


@protocol.route("/v1/payments/<payment>")
def payment(payment: str) -> Any:
    return jsonify(_payment(_order(payment)))


def _link(order: Order) -> dict[str, Any]:
    paid = order.state == "paid"
    made = {"amount": order.amount, "created_at": order.paid_at, "method": "upi", "payment_id": order.payment_id, "status": "captured"}
    return {"id": order.id, "reference_id": order.reference, "amount": order.amount, "amount_paid": order.amount if paid else 0,
            "currency": order.currency, "accept_partial": False, "description": order.description, "callback_url": order.return_url,
            "callback_method": "get", "created_at": order.created, "expire_by": order.expires, "expired_at": 0, "cancelled_at": 0,
            "notes": {"reference": order.reference}, "notify": {"email": False, "sms": False}, "reminder_enable": False, "reminders": [],
            "payments": [made] if paid else [], "short_url": f"{request.host_url if request else ''}pay/{order.id}",
            "status": {"open": "created", "paid": "paid"}.get(order.state, "expired"), "updated_at": order.created, "user_id": "",
            "order_id": f"order_{order.id[6:]}"}


def _payment(order: Order, failed: tuple[str, int] | None = None) -> dict[str, Any]:
    found, when = failed or (order.payment_id, order.paid_at)
    told = {"id": found, "entity": "payment", "amount": order.amount, "currency": order.currency, "order_id": f"order_{order.id[6:]}",
            "status": "failed" if failed else "captured", "captured": not failed, "method": "upi", "description": f"#{order.id}",
            "amount_refunded": 0, "refund_status": None, "international": False, "invoice_id": None, "bank": None, "card_id": None,
            "wallet": None, "vpa": "somebody@upi", "email": "somebody@example.com", "contact": "+919000090000",
            "notes": {"reference": order.reference}, "fee": None, "tax": None, "error_code": None, "error_description": None,
            "error_reason": None, "created_at": when}
    if failed:
        return {**told, "error_code": "BAD_REQUEST_ERROR", "error_description": "Payment failed", "error_reason": "payment_failed"}
    return {**told, "fee": order.fee + order.tax, "tax": order.tax}


@protocol.route("/v1/payments/<payment>/refund", methods=["POST"])
def refund(payment: str) -> Any:
    """Give money back; asking again with one key answers the same."""
    order, asked, known = _order(payment), request.get_json(), state()
    key = request.headers.get("X-Refund-Idempotency") or number("")
    with known.lock:
        before = known.kept.get(f"{NAME}:{order.label}:{key}")
        if before:
            again = known.refunds[before]
            return jsonify(_refund(again)) if again.amount == asked["amount"] else _no(400, "Different request body for this idempotency key")
        if not known.refundable(order, asked["amount"]):
            return _no(400, "The refund amount provided is greater than amount captured")
        made = known.add_refund(order, number("rfnd_"), asked.get("receipt") or "", asked["amount"], at_once=True)
        known.kept[f"{NAME}:{order.label}:{key}"] = made.id
        known.save()
    return jsonify(_refund(made))


@protocol.route("/v1/refunds/<refund>")
def refund_told(refund: str) -> Any:
    found = state().refund(NAME, _label(), refund)
    return jsonify(_refund(found)) if found else _no(400, "The id provided does not exist")


def _refund(refund: Refund) -> dict[str, Any]:
    order = state().orders[refund.order_id]
    return {"id": refund.id, "entity": "refund", "amount": refund.amount, "currency": order.currency, "payment_id": order.payment_id,
            "notes": {"reference": order.reference, "key": refund.key}, "receipt": refund.key or None, "acquirer_data": {"arn": None},
            "created_at": refund.created, "batch_id": None, "status": "processed", "speed_processed": "normal", "speed_requested": "normal"}


def paid(order: Order) -> list[dict[str, Any]]:
    payment, link = {"entity": _payment(order)}, {"entity": _link(order)}
    asked = {"entity": {"id": link["entity"]["order_id"], "entity": "order", "amount": order.amount, "amount_paid": order.amount,
                        "currency": order.currency, "receipt": order.reference, "status": "paid", "notes": [], "created_at": order.created}}
    return [_event("payment.captured", order.paid_at, payment=payment), _event("order.paid", order.paid_at, payment=payment, order=asked),
            _event("payment_link.paid", order.paid_at, payment_link=link, order=asked, payment=payment)]


def failed(order: Order) -> list[dict[str, Any]]:
    if order.state == "expired":
        return [_event("payment_link.expired", order.expires, payment_link={"entity": _link(order)})]
    return [_event("payment.failed", order.failures[-1][1], payment={"entity": _payment(order, order.failures[-1])})]


def refunded(known: State, refund: Refund) -> list[dict[str, Any]]:
    order = known.orders[refund.order_id]
    return [_event("refund.processed", refund.created, refund={"entity": _refund(refund)}, payment={"entity": _payment(order)})]


def _event(name: str, when: int, **payload: Any) -> dict[str, Any]:
    return {"number": number(""), "entity": "event", "account_id": "acc_twin", "event": name, "contains": list(payload), "payload": payload,
            "created_at": when}


def signed(label: str, event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """The HMAC of the body; the event's number stands beside it."""
    body = json.dumps({name: value for name, value in event.items() if name != "number"}, separators=(",", ":")).encode()
    signature = hmac.new(twin_keys(NAME, label).webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Razorpay-Signature": signature, "x-razorpay-event-id": event["number"]}, body


@protocol.route("/v1/settlements/recon/combined")
def recon() -> Any:
    """What was settled on a day, in pages."""
    label, asked = _label(), request.args
    day = date(int(asked["year"]), int(asked["month"]), int(asked["day"]))
    skip, count = int(asked.get("skip", 0)), int(asked.get("count", 10))
    items = [_item(label, day, *row) for row in movements(state(), NAME, label, day, ZONE)][skip : skip + count]
    return jsonify(entity="collection", count=len(items), items=items)


def _item(label: str, day: date, kind: str, one: Order | Refund, order: Order) -> dict[str, Any]:
    back = isinstance(one, Refund)
    amount = one.amount - (100 if order.statement == "short" and not back else 0)
    fee, tax = (0, 0) if back else (order.fee + order.tax, order.tax)
    return {"entity_id": one.id if back else order.payment_id, "type": kind, "debit": amount if back else 0,
            "credit": 0 if back else amount - fee, "amount": amount, "currency": order.currency, "fee": fee, "tax": tax, "on_hold": False,
            "settled": True, "created_at": one.created if isinstance(one, Refund) else one.paid_at,
            "settled_at": int(datetime(day.year, day.month, day.day, 23, tzinfo=INDIA).timestamp()), "settlement_id": f"setl_{day:%Y%m%d}",
            "posted_at": None, "credit_type": "default", "description": order.description, "notes": "{}",
            "payment_id": order.payment_id if back else None, "settlement_utr": utr(NAME, label, day),
            "order_id": f"order_{order.id[6:]}", "order_receipt": order.reference, "method": "upi", "card_network": None,
            "card_issuer": None, "card_type": None, "dispute_id": None}


def statement(known: State, label: str, day: date) -> str:
    """The file of one day, as the dashboard gives it."""
    written = io.StringIO()
    rows = csv.DictWriter(written, COLUMNS, restval="")
    rows.writeheader()
    for each in movements(known, NAME, label, day, ZONE):
        item = _item(label, day, *each)
        rows.writerow({
            "transaction_entity": item["type"], "currency": item["currency"], "fee (exclusive tax)": rupees(item["fee"] - item["tax"]),
            **{name: rupees(item[name]) for name in ("amount", "tax", "debit", "credit")}, "payment_method": "upi",
            **{name: item[name] for name in ("entity_id", "order_id", "order_receipt", "settlement_id", "settlement_utr")},
            "entity_created_at": _written(item["created_at"]), "settled_at": _written(item["settled_at"])})
    return written.getvalue()


def _written(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, INDIA).strftime("%d/%m/%Y %H:%M:%S")
