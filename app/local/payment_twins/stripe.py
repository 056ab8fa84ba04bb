"""Stripe's Checkout, as app/gateways/payments/stripe.py describes it."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, request

from app.gateways.payments.sandbox import twin_keys
from app.gateways.payments.stripe import API_VERSION, COLUMNS
from app.local.payment_twins.settling import movements, rupees, utr
from app.local.payment_twins.state import Order, Refund, State, number, state

NAME = "stripe"
ZONE = UTC  # in which its days begin
ENDS_WITH_A_FAILURE = False
_ENDS = (30 * 60, 24 * 60 * 60)  # seconds that a session may be open
_DAY = 24 * 60 * 60
protocol = Blueprint(NAME, __name__)


def payment_number() -> str:
    return number("pi_", 24)


def unform(pairs: Iterable[tuple[str, str]]) -> Any:
    """The values behind a form: `a[b][0]=c`; the other way round than the adapter's `form`."""
    top: dict[str, Any] = {}
    for name, value in pairs:
        path = [name.partition("[")[0], *re.findall(r"\[([^\]]*)\]", name)]
        inner = top
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
        inner[path[-1]] = value
    return _listed(top)


def _listed(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    if found and all(key == "" or key.isdigit() for key in found):
        return [_listed(value) for value in found.values()]
    return {key: _listed(value) for key, value in found.items()}


def _no(status: int, code: str, message: str, kind: str = "invalid_request_error") -> Response:
    return make_response(jsonify(error={"type": kind, "code": code, "message": message}), status)


def _label() -> str:
    """The merchant whose key this is: as a bearer, or as the name of basic authentication."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    secret = given if kind == "Bearer" else (request.authorization.username if request.authorization else "") or ""
    label = secret.removeprefix("sk_test_twin_").rpartition("_")[0]
    if not label or secret != twin_keys(NAME, label).secret:
        abort(_no(401, "", "Invalid API Key provided"))
    return label


def _order(label: str, number: str) -> Order:
    order = state().order(NAME, label, number)
    if order is None:
        abort(_no(404, "resource_missing", "No such object"))
    return order


def _before(label: str) -> Any:
    """What was answered to this idempotency key; another request under it is refused."""
    key = request.headers.get("Idempotency-Key", "")
    found = state().kept.get(f"{NAME}:{label}:{key}")
    if found and found["asked"] != _asked():
        abort(_no(400, "", "Keys for idempotent requests can only be used with the same parameters.", "idempotency_error"))
    return found and found["id"]


def _keep(label: str, number: str) -> None:
    if key := request.headers.get("Idempotency-Key", ""):
        state().kept[f"{NAME}:{label}:{key}"] = {"asked": _asked(), "id": number}
        state().save()


def _asked() -> str:
    return hashlib.sha256(request.get_data()).hexdigest()


@protocol.before_request
def _keep_the_body() -> None:
    request.get_data(cache=True)  # before the form is read from it


@protocol.route("/v1/checkout/sessions", methods=["POST"])
def create() -> Any:
    """Make a session."""
    label, known = _label(), state()
    asked = unform(request.form.items(multi=True))
    with known.lock:
        if before := _before(label):
            return jsonify(_session(known.orders[before]))
        price = asked["line_items"][0]["price_data"]
        ends = int(asked.get("expires_at", known.now() + _DAY))
        if not _ENDS[0] <= ends - known.now() <= _ENDS[1]:
            return _no(400, "", "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.")
        order = Order(NAME, label, number("cs_test_", 40), asked.get("client_reference_id", ""), int(price["unit_amount"]),
                      price["currency"].upper(), price["product_data"]["name"], asked["success_url"], known.now(), ends)
        known.orders[order.id] = order
        _keep(label, order.id)
        known.save()
    return jsonify(_session(order))


@protocol.route("/v1/checkout/sessions/<session>")
def session(session: str) -> Any:
    return jsonify(_session(_order(_label(), session), deep=any("payment_intent" in value for value in request.args.values())))


def _session(order: Order, *, deep: bool = False) -> dict[str, Any]:
    paid = order.state == "paid"
    intent: Any = order.payment_id or None
    if deep and paid:
        intent = _intent(order) | {"latest_charge": _charge(order) | {"balance_transaction": _transaction("payment", order, order)}}
    return {"id": order.id, "object": "checkout.session", "mode": "payment", "client_reference_id": order.reference,
            "metadata": {"reference": order.reference}, "amount_total": order.amount, "amount_subtotal": order.amount,
            "currency": order.currency.lower(), "created": order.created, "expires_at": order.expires, "payment_intent": intent,
            "payment_status": "paid" if paid else "unpaid", "status": {"open": "open", "paid": "complete"}.get(order.state, "expired"),
            "success_url": order.return_url, "cancel_url": order.return_url, "livemode": False,
            "url": f"{request.host_url}pay/{order.id}" if request and order.state == "open" else None}


def _intent(order: Order, failed: str = "") -> dict[str, Any]:
    return {"id": failed or order.payment_id, "object": "payment_intent", "amount": order.amount, "currency": order.currency.lower(),
            "amount_received": 0 if failed else order.amount, "metadata": {"reference": order.reference}, "livemode": False,
            "status": "requires_payment_method" if failed else "succeeded", "created": order.paid_at or order.created,
            "latest_charge": None if failed else _charge_id(order), "last_payment_error": {"code": "card_declined"} if failed else None}


def _charge_id(order: Order) -> str:
    return f"ch_{order.payment_id[3:]}"


def _charge(order: Order) -> dict[str, Any]:
    return {"id": _charge_id(order), "object": "charge", "amount": order.amount, "amount_refunded": 0, "currency": order.currency.lower(),
            "payment_intent": order.payment_id, "paid": True, "refunded": False, "metadata": {"reference": order.reference},
            "created": order.paid_at, "status": "succeeded"}


@protocol.route("/v1/refunds", methods=["POST"])
def refund() -> Any:
    """Give money back."""
    label, known = _label(), state()
    asked = unform(request.form.items(multi=True))
    with known.lock:
        if before := _before(label):
            return jsonify(_refund(known, known.refunds[before]))
        order = _order(label, asked["payment_intent"])
        if not known.refundable(order, int(asked["amount"])):
            return _no(400, "amount_too_large", "Refund amount is greater than unrefunded amount on charge")
        made = known.add_refund(order, number("re_", 24), asked.get("metadata", {}).get("key", ""), int(asked["amount"]), at_once=True)
        _keep(label, made.id)
    return jsonify(_refund(known, made))


@protocol.route("/v1/refunds/<refund>")
def refund_told(refund: str) -> Any:
    found = state().refund(NAME, _label(), refund)
    return jsonify(_refund(state(), found)) if found else _no(404, "resource_missing", "No such refund")


def _refund(known: State, refund: Refund) -> dict[str, Any]:
    order = known.orders[refund.order_id]
    return {"id": refund.id, "object": "refund", "amount": refund.amount, "currency": order.currency.lower(), "charge": _charge_id(order),
            "payment_intent": order.payment_id, "metadata": {"reference": order.reference, "key": refund.key}, "status": "succeeded",
            "reason": None, "created": refund.created}


def paid(order: Order) -> list[dict[str, Any]]:
    return [_event("payment_intent.succeeded", order.paid_at, _intent(order)), _event("charge.succeeded", order.paid_at, _charge(order)),
            _event("checkout.session.completed", order.paid_at, _session(order) | {"url": None})]


def failed(order: Order) -> list[dict[str, Any]]:
    if order.state == "expired":
        return [_event("checkout.session.expired", order.expires, _session(order))]
    found, when = order.failures[-1]
    return [_event("payment_intent.payment_failed", when, _intent(order, found))]


def refunded(known: State, refund: Refund) -> list[dict[str, Any]]:
    order, told = known.orders[refund.order_id], _refund(known, refund)
    charge = _charge(order) | {"amount_refunded": refund.amount, "refunded": refund.amount == order.amount}
    return [_event("charge.refunded", refund.created, charge), _event("refund.updated", refund.created, told)]


def _event(name: str, when: int, told: dict[str, Any]) -> dict[str, Any]:
    return {"id": number("evt_", 24), "object": "event", "api_version": API_VERSION, "created": when, "data": {"object": told},
            "livemode": False, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None}, "type": name}


def signed(label: str, event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """The moment and the HMAC of both, made anew each time it is sent."""
    body, now = json.dumps(event, indent=2).encode(), int(datetime.now(UTC).timestamp())
    made = hmac.new(twin_keys(NAME, label).webhook_secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": f"t={now},v1={made},v0={'0' * 64}"}, body


@protocol.route("/v1/payouts")
def payouts() -> Any:
    """One payout for each day on which money came."""
    label, asked = _label(), unform(request.args.items(multi=True))["arrival_date"]
    days = [datetime.fromtimestamp(when, UTC).date() for when in range(int(asked["gte"]), int(asked["lt"]), _DAY)]
    found = [{"id": f"po_{day:%Y%m%d}", "object": "payout", "status": "paid", "currency": "inr",
              "amount": sum(one["net"] for one in rows), "trace_id": {"status": "supported", "value": utr(NAME, label, day)},
              "arrival_date": int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())}
             for day in days if (rows := _transactions(label, day))]
    return jsonify(object="list", url="/v1/payouts", has_more=False, data=found)


@protocol.route("/v1/balance_transactions")
def transactions() -> Any:
    """What a payout consists of, in pages."""
    label, asked = _label(), request.args
    day = datetime.strptime(asked["payout"], "po_%Y%m%d").replace(tzinfo=UTC).date()
    rows = _transactions(label, day)
    rows.append({"id": f"txn_{asked['payout']}", "object": "balance_transaction", "type": "payout", "amount": -sum(one["net"] for one in rows),
                 "fee": 0, "currency": "inr", "created": 0, "source": asked["payout"]})
    after = next((place + 1 for place, one in enumerate(rows) if one["id"] == asked.get("starting_after")), 0)
    until = after + int(asked.get("limit", 10))
    return jsonify(object="list", url="/v1/balance_transactions", has_more=until < len(rows), data=rows[after:until])


def _transactions(label: str, day: date) -> list[dict[str, Any]]:
    return [_transaction(*row) for row in movements(state(), NAME, label, day, ZONE)]


def _transaction(kind: str, one: Order | Refund, order: Order) -> dict[str, Any]:
    back = isinstance(one, Refund)
    amount = -one.amount if back else one.amount - (100 if order.statement == "short" else 0)
    fee, tax = (0, 0) if back else (order.fee, order.tax)
    return {"id": f"txn_{(one.id if back else order.payment_id)[3:]}", "object": "balance_transaction", "amount": amount,
            "fee": fee + tax, "net": amount - fee - tax, "currency": order.currency.lower(), "type": "refund" if back else "charge",
            "reporting_category": "refund" if back else "charge", "created": one.created if isinstance(one, Refund) else one.paid_at,
            "fee_details": [] if back else [{"type": "stripe_fee", "amount": fee, "currency": "inr"}, {"type": "tax", "amount": tax, "currency": "inr"}],
            "source": _refund(state(), one) if isinstance(one, Refund) else _charge(order), "description": order.description, "kind": kind}


def statement(known: State, label: str, day: date) -> str:
    """The itemized file of one day, as the dashboard gives it."""
    written = io.StringIO()
    rows = csv.DictWriter(written, COLUMNS, restval="")
    rows.writeheader()
    for each in movements(known, NAME, label, day, ZONE):
        row = _transaction(*each)
        rows.writerow({
            "automatic_payout_id": f"po_{day:%Y%m%d}", "automatic_payout_effective_at": f"{day} 00:00:00",
            "balance_transaction_id": row["id"], "created": datetime.fromtimestamp(row["created"], UTC).strftime("%Y-%m-%d %H:%M:%S"),
            "currency": row["currency"], **{name: rupees(row[name]) for name in ("fee", "net")}, "gross": rupees(row["amount"]),
            "reporting_category": row["reporting_category"], "source_id": row["source"]["id"], "description": row["description"],
            "charge_id": _charge_id(each[2]), "payment_intent_id": each[2].payment_id, "trace_id": utr(NAME, label, day)})
    return written.getvalue()
