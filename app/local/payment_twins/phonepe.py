"""PhonePe's standard checkout, as app/gateways/payments/phonepe.py describes it."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import re
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, request

from app.gateways.payments.phonepe import COLUMNS
from app.gateways.payments.sandbox import twin_keys
from app.gateways.payments.wire import INDIA
from app.local.payment_twins.settling import movements, rupees, utr
from app.local.payment_twins.state import Order, Refund, State, number, state

NAME = "phonepe"
ZONE = INDIA  # in which its days begin
ENDS_WITH_A_FAILURE = True
_LIFETIME = 3600  # seconds of a token
_LEAST = 100  # paise
protocol = Blueprint(NAME, __name__)


def payment_number() -> str:
    return "OM" + datetime.now(UTC).strftime("%y%m%d%H%M%S") + number("", 8).upper()


def _no(status: int, code: str, message: str) -> Response:
    return make_response(jsonify(success=False, code=code, message=message, data={}), status)


def _token(label: str, ends: int) -> str:
    return f"{label}.{ends}.{hmac.new(b'twin', f'{label}.{ends}'.encode(), hashlib.sha256).hexdigest()}"


def _label() -> str:
    """The merchant whose token this is."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    label, _, rest = token.partition(".")
    ends = rest.partition(".")[0]
    if kind != "O-Bearer" or not ends.isdigit() or not hmac.compare_digest(token, _token(label, int(ends))) or int(ends) < state().now():
        abort(_no(401, "AUTHORIZATION_FAILED", "The token is not valid."))
    return label


@protocol.route("/v1/oauth/token", methods=["POST"])
def token() -> Any:
    """Client credentials to a token."""
    asked, now = request.form, state().now()
    label = asked.get("client_id", "").removeprefix("TWIN_")
    if asked.get("client_secret") != twin_keys(NAME, label).secret or asked.get("grant_type") != "client_credentials":
        return _no(401, "UNAUTHORIZED", "Client not found")
    ends = now + _LIFETIME
    return jsonify(access_token=_token(label, ends), encrypted_access_token="", expires_in=_LIFETIME, issued_at=now, expires_at=ends,
                   session_expires_at=ends, token_type="O-Bearer")  # noqa: S106 - a kind of token


@protocol.route("/checkout/v2/pay", methods=["POST"])
def pay() -> Any:
    """Make an order."""
    label, asked, known = _label(), request.get_json(), state()
    reference, amount = asked.get("merchantOrderId", ""), asked.get("amount")
    if not re.fullmatch("[A-Za-z0-9_-]{1,63}", reference) or not isinstance(amount, int) or amount < _LEAST:
        return _no(400, "BAD_REQUEST", "Bad Request - Api Mapping Not Found")
    with known.lock:
        order = known.order(NAME, label, reference)
        if order is None:
            flow = asked["paymentFlow"]
            order = Order(NAME, label, "OMO" + payment_number()[2:], reference, amount, "INR", flow.get("message", ""),
                          flow["merchantUrls"]["redirectUrl"], known.now(), known.now() + asked.get("expireAfter", _LIFETIME))
            known.orders[order.id] = order
            known.save()
        elif order.amount != amount:
            return _no(400, "INVALID_MERCHANT_ORDER_ID", "The merchantOrderId was used for another order.")
    return jsonify(orderId=order.id, state="PENDING", expireAt=order.expires * 1000, redirectUrl=f"{request.host_url}pay/{order.id}")


@protocol.route("/checkout/v2/order/<reference>/status")
def status(reference: str) -> Any:
    """Where an order stands."""
    order = state().order(NAME, _label(), reference)
    if order is None:
        return _no(400, "INVALID_MERCHANT_ORDER_ID", "No entry found for given merchantOrderId")
    return jsonify(_told(order))


def _told(order: Order) -> dict[str, Any]:
    attempts = [{"transactionId": number, "paymentMode": "UPI_QR", "timestamp": when * 1000, "amount": order.amount, "state": "FAILED",
                 "errorCode": "PAYMENT_ERROR", "detailedErrorCode": "ZM"} for number, when in order.failures]
    if order.state == "paid":
        attempts.append({"transactionId": order.payment_id, "paymentMode": "UPI_QR", "timestamp": order.paid_at * 1000,
                         "amount": order.amount, "payableAmount": order.amount, "feeAmount": 0, "state": "COMPLETED"})
    told = {"merchantId": "TWIN", "merchantOrderId": order.reference, "orderId": order.id, "amount": order.amount,
            "expireAt": order.expires * 1000, "paymentDetails": attempts,
            "state": {"open": "PENDING", "paid": "COMPLETED"}.get(order.state, "FAILED")}
    if told["state"] == "FAILED":
        told |= {"errorCode": "ORDER_EXPIRED" if order.state == "expired" else "PAYMENT_ERROR", "detailedErrorCode": "ZM"}
    return told


@protocol.route("/payments/v2/refund", methods=["POST"])
def refund() -> Any:
    """Give money back; done a second later."""
    label, asked, known = _label(), request.get_json(), state()
    with known.lock:
        order = known.order(NAME, label, asked["originalMerchantOrderId"])
        if known.refund(NAME, label, asked["merchantRefundId"]):
            return _no(400, "BAD_REQUEST", "The merchantRefundId was used before.")
        if order is None or not known.refundable(order, asked["amount"]):
            return _no(400, "INVALID_REFUND_AMOUNT", "The refund amount cannot exceed what was paid.")
        made = known.add_refund(order, "OMR" + payment_number()[2:], asked["merchantRefundId"], asked["amount"], at_once=False)
    return jsonify(refundId=made.id, amount=made.amount, state="PENDING")


@protocol.route("/payments/v2/refund/<key>/status")
def refund_status(key: str) -> Any:
    """Where a refund stands."""
    label = _label()
    state().tick()
    found = state().refund(NAME, label, key)
    if found is None:
        return _no(400, "INVALID_MERCHANT_REFUND_ID", "No entry found for given merchantRefundId")
    return jsonify(_refund_told(state(), found))


def _refund_told(known: State, refund: Refund) -> dict[str, Any]:
    state = {"pending": "CONFIRMED", "done": "COMPLETED"}.get(refund.state, "FAILED")
    steps = [{"transactionId": f"{refund.id}1", "paymentMode": "UPI_QR", "timestamp": refund.created * 1000, "amount": refund.amount, "state": state}]
    return {"merchantId": "TWIN", "originalMerchantOrderId": known.orders[refund.order_id].reference, "merchantRefundId": refund.key,
            "refundId": refund.id, "amount": refund.amount, "timestamp": refund.created * 1000,
            "state": state, "paymentDetails": steps}


def paid(order: Order) -> list[dict[str, Any]]:
    return [{"event": "checkout.order.completed", "type": "CHECKOUT_ORDER_COMPLETED", "payload": _told(order)}]


def failed(order: Order) -> list[dict[str, Any]]:
    return [{"event": "checkout.order.failed", "type": "CHECKOUT_ORDER_FAILED", "payload": _told(order)}]


def refunded(known: State, refund: Refund) -> list[dict[str, Any]]:
    return [{"event": "pg.refund.completed", "type": "PG_REFUND_COMPLETED", "payload": _refund_told(known, refund)}]


def signed(label: str, event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """The static header: it says who sends, and nothing of what is sent."""
    keys = twin_keys(NAME, label)
    password = hashlib.sha256(f"{keys.extra['webhook_user']}:{keys.webhook_secret}".encode()).hexdigest()
    return {"Content-Type": "application/json", "Authorization": password}, json.dumps(event).encode()


def statement(known: State, label: str, day: date) -> str:
    """The file of one day, as the dashboard gives it."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for kind, one, order in movements(known, NAME, label, day, ZONE):
        back = kind == "refund"
        moved = datetime.fromtimestamp(one.created if isinstance(one, Refund) else one.paid_at, INDIA).strftime("%d-%m-%Y")
        fee, tax = (0, 0) if back else (order.fee, order.tax)
        amount = -one.amount if back else one.amount - (100 if order.statement == "short" else 0)
        rows.writerow([kind.upper(), one.key if isinstance(one, Refund) else order.reference, one.id if back else order.payment_id,
                       "TWIN", "UPI_REDEMPTION_REVERSE" if back else "UPI_REDEMPTION", moved, moved, day.strftime("%d-%m-%Y"),
                       utr(NAME, label, day), rupees(amount), rupees(-fee), rupees(-tax), "0.00", "0.00"])
    return written.getvalue()
