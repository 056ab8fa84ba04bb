"""What gateways send is kept, judged and answered; only what is signed and agrees with what we know has an effect (W4, W12)."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime

import pytest
import stripe
from sqlalchemy import text

from app.crypto import KeyRing
from app.permissions import Role
from app.rules.payments import BODY_MAX
from app.services import payments
from app.services.payments import accounts
from app.services.personal import rotation
from app.tenancy import service_scope, tenant_scope
from app.wiring import settings
from tests.payments import (
    SECRETS,
    Told,
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

LONG_AGO, FAR = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def resident(app, world, superuser):
    return settled_in(superuser, world.a.people[Role.RESIDENT])


@pytest.fixture
def door(world, resident):
    return account(world.owner, is_default=True)


def told_of(superuser):
    with superuser.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT verdict, effect FROM webhook_deliveries ORDER BY id"))]


def test_three_copies_credit_once(world, resident, door, superuser, browser):
    found, stranger = intent(begun(resident, door, hand=False)), browser(None)
    body = captured(found)
    for _ in range(3):
        assert stranger.post(path_of(door), data=body, headers=signed(body)).status_code == 200
    work()
    assert balance(resident, resident.user_id) == 500_00
    assert sorted(told_of(superuser)) == [("accepted", "credited"), ("accepted", "known"), ("accepted", "known")]


def test_what_a_gateway_tells_of_the_payer_is_sealed_changes_keys_and_is_forgotten(world, resident, door, superuser, browser):
    """What was not read yet is not forgotten."""
    body = captured(intent(begun(resident, door, hand=False)), email="payer@example.com")
    assert browser(None).post(path_of(door), data=body, headers=signed(body)).status_code == 200
    assert one(superuser, "SELECT position('payer@' IN encode(body, 'escape') || row_to_json(d)::text) FROM webhook_deliveries d") == 0
    ring, rotated = KeyRing({"k2": b"n" * 32, **settings().field_keys}), rotation.Rotated()
    with service_scope("test") as session:
        rotation.webhook_bodies(session, ring, None, rotated)
        assert payments.forget_bodies(session, FAR) == 0
    assert (rotated.done, one(superuser, "SELECT left(encode(body, 'escape'), 6) FROM webhook_deliveries")) == ({"bodies of webhooks": 1}, "v1.k2.")
    with tenant_scope(world.a.org_id) as session:
        payments.process(session, payments.Keeper(ring, payments.keeper_of(settings()).urls), one(superuser, "SELECT id FROM webhook_deliveries"))
    assert balance(resident, resident.user_id) == 500_00
    with service_scope("test") as session:
        assert [payments.forget_bodies(session, before) for before in (LONG_AGO, FAR, FAR)] == [0, 1, 0]
    assert one(superuser, "SELECT body = '' AND digest = sha256(:body) FROM webhook_deliveries", body=body)


def test_what_is_not_signed_or_not_ours_has_no_effect(world, resident, door, superuser, browser):
    found, stranger = intent(begun(resident, door, hand=False)), browser(None)
    body, path = captured(found), path_of(door)
    good = signed(body)
    huge = b"{" + b" " * 5_000_000 + b"}"
    tries = [
        (path, body, {"Content-Type": "application/json"}, 401), (path, body, signed(body, "another secret"), 401), (path, body.replace(b"50000", b"50001"), good, 401),
        (path, huge, signed(huge), 413), (path, body, {**good, "Content-Type": "text/plain"}, 415),
        (path + "x", body, good, 404), (path.replace("razorpay", "stripe"), body, good, 404), ("/webhooks/paypal/x", body, good, 404)]
    for to, sent, headers, status in tries:
        assert stranger.post(to, data=sent, headers=headers).status_code == status, (to, headers)
    work()
    assert (balance(resident, resident.user_id), intent(found.id).status) == (0, "created")
    assert [verdict for verdict, _ in told_of(superuser)] == ["bad_signature"] * 3 + ["too_large", "wrong_type"]
    assert one(superuser, "SELECT max(length(body)) FROM webhook_deliveries") <= 4096 < BODY_MAX
    for wrong in ({"amount": 1_00}, {"currency": "USD"}):
        other = captured(found, f"pay_{wrong!s}"[:20].replace("'", ""), **wrong)
        assert stranger.post(path, data=other, headers=signed(other)).status_code == 200
    unknown = captured(found).replace(found.reference.encode(), b"vr-somebody-else")
    assert stranger.post(path, data=unknown, headers=signed(unknown)).status_code == 200
    work()
    assert balance(resident, resident.user_id) == 0
    assert one(superuser, "SELECT string_agg(kind, ' ' ORDER BY kind) FROM payment_flags") == "amount_differs currency_differs unknown_intent"


def test_the_door_of_another_organization_credits_nobody(world, resident, door, superuser, browser):
    found, stranger = intent(begun(resident, door, hand=False)), browser(None)
    account(world.b.people[Role.OWNER], "razorpay")
    path = one(superuser, "SELECT '/webhooks/razorpay/' || webhook_path FROM gateway_accounts WHERE org_id = :org", org=world.b.org_id)
    body = captured(found)
    assert stranger.post(path, data=body, headers=signed(body)).status_code == 200  # theirs to send, with their own secret
    work()
    assert (balance(resident, resident.user_id), intent(found.id).status) == (0, "created")
    assert one(superuser, "SELECT kind FROM payment_flags WHERE org_id = :org", org=world.b.org_id) == "unknown_intent"
    assert one(superuser, "SELECT count(*) FROM payment_flags WHERE org_id = :org", org=world.a.org_id) == 0


def test_only_addresses_of_the_list_come_in(world, resident, superuser, browser):
    door = account(world.owner, addresses="203.0.113.0/24, 2001:db8::/32")
    body = captured(intent(begun(resident, door, hand=False)))
    for address, status in (("198.51.100.1", 401), ("203.0.113.9", 200), ("2001:db8::1", 200)):
        assert browser(None).post(path_of(door), data=body, headers=signed(body), environ_overrides={"REMOTE_ADDR": address}).status_code == status


def test_the_official_signature_of_stripe_passes_and_an_old_one_does_not(world, resident, superuser, browser):
    door = account(world.owner, "stripe")
    found, stranger = intent(begun(resident, door, hand=False)), browser(None)
    session = {"id": "cs_1", "object": "checkout.session", "client_reference_id": found.reference, "payment_intent": "pi_1", "payment_status": "paid",
               "amount_total": found.amount_paise, "currency": "inr", "created": int(time.time())}
    body = json.dumps({"id": "evt_1", "object": "event", "type": "checkout.session.completed", "created": int(time.time()), "data": {"object": session}})
    for age, status in ((400, 401), (0, 200)):
        at = int(time.time()) - age
        signature = stripe.WebhookSignature._compute_signature(f"{at}.{body}", SECRETS["stripe"])
        assert stranger.post(path_of(door), data=body, headers={"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={signature}"}).status_code == status
    work()
    assert balance(resident, resident.user_id) == 500_00


def test_a_gateway_whose_signature_covers_no_body_is_asked_first(world, resident, superuser, browser, monkeypatch):
    door = account(world.owner, "phonepe")
    found, stranger = intent(begun(resident, door, hand=False)), browser(None)
    secret = hashlib.sha256(f"us:{SECRETS['phonepe']}".encode()).hexdigest()
    payment = paid(found).payment_id
    body = json.dumps({"event": "checkout.order.completed", "payload": {
        "orderId": "OMO1", "merchantId": "M1", "merchantOrderId": found.reference, "state": "COMPLETED", "amount": 9_999_00, "expireAt": 1, "timestamp": int(time.time() * 1000),
        "paymentDetails": [{"transactionId": payment, "state": "COMPLETED", "amount": 9_999_00, "timestamp": int(time.time() * 1000)}]}}).encode()
    assert stranger.post(path_of(door), data=body, headers={"Content-Type": "application/json", "Authorization": secret}).status_code == 200
    assert secret not in one(superuser, "SELECT string_agg(headers::text, '') FROM webhook_deliveries")
    with superuser.begin() as connection:
        connection.execute(text("UPDATE payment_intents SET status = 'pending', gateway_id = 'OMO1'"))
    asked, opening = Told(status=paid(found)), accounts.open_gateway
    asked.trusted_body, asked.verify = False, lambda *_: None
    asked.parse = lambda headers, sent: opening("phonepe", accounts.GatewayKeys("k", "s", "w", {}), "http://127.0.0.1:9").parse(headers, sent)
    monkeypatch.setattr(accounts, "open_gateway", lambda name, keys, url: asked)
    work()
    assert (asked.asked, balance(resident, resident.user_id)) == (1, 500_00)
    assert told_of(superuser) == [("accepted", "credited")]
    assert stranger.post(path_of(door), data=body, headers={"Content-Type": "application/json", "Authorization": secret}).status_code == 200
    work()
    assert (asked.asked, told_of(superuser)) == (1, [("accepted", "credited"), ("accepted", "known")])
