"""Whatever is wrong with a webhook, at each of the gateways: refused or flagged, written down, and nobody is credited (W4)."""

from __future__ import annotations

import hashlib
import json
import time

import pytest
import stripe
from sqlalchemy import text

from app.gateways.payments.phonepe import PhonePe
from app.permissions import Role
from app.rules.payments import KEPT_OF_A_REFUSED_BODY
from tests.payments import (
    SECRETS,
    account,
    begun,
    captured,
    intent,
    paid,
    path_of,
    settled_in,
    signed,
    work,
)
from tests.wallet import balance, one

JSON = {"Content-Type": "application/json"}


def of_razorpay(found, payment="pay_1", **changed):
    return captured(found, payment, **changed)


def of_stripe(found, payment="pi_1", amount=None, currency="INR"):
    session = {"id": "cs_1", "object": "checkout.session", "client_reference_id": found.reference, "payment_intent": payment, "payment_status": "paid",
               "amount_total": amount or found.amount_paise, "currency": currency.lower(), "created": int(time.time())}
    return json.dumps({"id": f"evt_{payment}", "object": "event", "type": "checkout.session.completed", "created": int(time.time()), "data": {"object": session}}).encode()


def of_phonepe(found, payment="T1", amount=None, **_):
    now = int(time.time() * 1000)
    return json.dumps({"event": "checkout.order.completed", "payload": {
        "orderId": f"OMO{payment}", "merchantId": "M1", "merchantOrderId": found.reference, "state": "COMPLETED", "amount": amount or found.amount_paise,
        "timestamp": now, "paymentDetails": [{"transactionId": payment, "state": "COMPLETED", "amount": amount or found.amount_paise, "timestamp": now}]}}).encode()


def by_stripe(body, secret=SECRETS["stripe"], age=0):
    at = int(time.time()) - age
    return {**JSON, "Stripe-Signature": f"t={at},v1={stripe.WebhookSignature._compute_signature(f'{at}.{body.decode()}', secret)}"}


def by_phonepe(_body, secret=SECRETS["phonepe"]):
    return {**JSON, "Authorization": hashlib.sha256(f"us:{secret}".encode()).hexdigest()}


MADE = {"razorpay": (of_razorpay, signed), "stripe": (of_stripe, by_stripe), "phonepe": (of_phonepe, by_phonepe)}
each = pytest.mark.parametrize("name", MADE)


@pytest.fixture
def came(app, world, superuser, browser, name):
    """A resident with a top-up through this gateway, and what posts to its address."""
    resident = settled_in(superuser, world.a.people[Role.RESIDENT])
    door = account(world.owner, name, is_default=True)
    path, stranger = path_of(door), browser(None)
    return intent(begun(resident, door, hand=False)), lambda body, headers: stranger.post(path, data=body, headers=headers).status_code


def untouched(superuser, world, found):
    return (balance(None, world.a.people[Role.RESIDENT].user_id), intent(found.id).status, one(superuser, "SELECT count(*) FROM ledger_entries")) == (0, "created", 0)


@each
def test_what_is_not_signed_as_it_should_be_is_kept_and_does_nothing(name, came, world, superuser):
    found, post = came
    make, sign = MADE[name]
    body = make(found)
    good, huge = sign(body), b"{" + b" " * 5_000_000 + b"}"
    tries = [(body, JSON, 401, "bad_signature"), (body, sign(body, "another secret"), 401, "bad_signature"), (huge, sign(huge), 413, "too_large"),
             *((body, {**good, "Content-Type": kind}, 415, "wrong_type") for kind in ("text/plain", "application/x-www-form-urlencoded"))]
    if name != "phonepe":  # which signs no body: what it says is never believed
        tries.append((body.replace(str(found.amount_paise).encode(), b"100"), good, 401, "bad_signature"))
    if name == "stripe":
        tries.append((body, by_stripe(body, age=400), 401, "bad_signature"))
    for sent, headers, status, _verdict in tries:
        assert post(sent, headers) == status, headers
    work()
    with superuser.connect() as connection:
        kept = [tuple(row) for row in connection.execute(text("SELECT verdict, effect, octet_length(body) <= :most FROM webhook_deliveries ORDER BY received_at, id"),
                                                         {"most": 2 * KEPT_OF_A_REFUSED_BODY})]
    assert kept == [(verdict, None, True) for *_, verdict in tries]
    assert untouched(superuser, world, found)
    assert one(superuser, "SELECT count(*) FROM payment_flags") == 0


@each
def test_what_does_not_agree_with_us_is_flagged_and_credits_nobody(name, came, world, superuser, monkeypatch):
    found, post = came
    make, sign = MADE[name]
    for payment, changed in (("one", {"amount": 1_00}), ("two", {"currency": "USD"}), ("three", {})):
        body = make(found, payment, **changed)
        if not changed:
            body = body.replace(found.reference.encode(), b"vr-somebody-else")
        if name == "phonepe":  # the answer of the gateway is what counts
            other = {"amount_paise" if key == "amount" else key: value for key, value in changed.items()}
            monkeypatch.setattr(PhonePe, "fetch", lambda *_, payment=payment, other=other: paid(found, payment_id=payment, **other))
            with superuser.begin() as connection:
                connection.execute(text("UPDATE payment_intents SET gateway_id = 'OMO'"))
        assert post(body, sign(body)) == 200
        work()
    assert untouched(superuser, world, found)
    assert one(superuser, "SELECT string_agg(kind, ' ' ORDER BY kind) FROM payment_flags") == "amount_differs currency_differs unknown_intent"
    body = make(found, "four")
    monkeypatch.setattr(PhonePe, "fetch", lambda *_: paid(found, payment_id="four"))
    assert post(body, sign(body)) == 200
    work()
    assert balance(None, world.a.people[Role.RESIDENT].user_id) == found.amount_paise
