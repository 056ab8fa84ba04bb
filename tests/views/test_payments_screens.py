"""Topping up on the phone, and payments, webhooks and accounts on the screens of staff."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.permissions import Role
from tests.houses import statements
from tests.payments import (
    Told,
    account,
    answering,
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

BUDGET = 3


@pytest.fixture
def resident(app, world, superuser):
    return settled_in(superuser, world.a.people[Role.RESIDENT])


@pytest.fixture
def told(monkeypatch):
    return answering(monkeypatch, Told())


def page(who, path, status=200):
    answer = who.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[:2000])
    return answer.get_data(as_text=True)


def test_from_the_phone_to_the_gateway_and_back(app, world, superuser, browser, resident, told):
    phone, chosen, once = browser(resident), account(world.owner, is_default=True), str(uuid4())
    form = {"_once": once, "hostel": str(resident.hostel_id), "account": str(chosen), "amount": "5"}
    assert "Razorpay" in page(phone, "/my/wallet/top-up/")
    small = phone.post("/my/wallet/top-up/begin", data=form)
    assert (small.status_code, 'value="5"' in small.get_data(as_text=True)) == (422, True)
    form["amount"] = "1,500"
    told.away = 1
    assert phone.post("/my/wallet/top-up/begin", data=form).status_code == 409
    assert "could not be reached" in page(phone, f"/my/wallet/top-up/{once}")
    for _ in range(2):
        assert phone.post("/my/wallet/top-up/begin", data=form).headers["Location"] == f"/my/wallet/top-up/{once}"
    assert one(superuser, "SELECT count(*) FROM payment_intents") == len(told.orders) == 1
    found = intent(once)
    assert f'href="{found.checkout_url}"' in page(phone, f"/my/wallet/top-up/{once}")
    told.status = paid(found)
    work()  # looking at the page has asked for it
    assert "in your wallet" in page(phone, f"/my/wallet/top-up/{once}/now")
    assert balance(resident, resident.user_id) == 1500_00
    page(browser(world.b.people[Role.RESIDENT]), f"/my/wallet/top-up/{once}", 404)


def test_haste_asks_for_the_password(app, world, superuser, browser, resident, told):
    from app.services.people.passwords import hash_password

    phone, chosen = browser(resident), account(world.owner)
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO user_credentials (user_id, password_hash) VALUES (:user, :hash) ON CONFLICT (user_id) DO UPDATE SET password_hash = :hash"),
                           {"user": resident.user_id, "hash": hash_password("correct horse battery")})
    for amount in (200_00, 300_00):
        begun(resident, chosen, amount)
    form = {"_once": str(uuid4()), "hostel": str(resident.hostel_id), "account": str(chosen), "amount": "400"}
    answer = phone.post("/my/wallet/top-up/begin", data=form)
    assert (answer.status_code, 'name="password"' in answer.get_data(as_text=True)) == (422, True)
    assert phone.post("/my/wallet/top-up/begin", data={**form, "password": "wrong"}).status_code == 422
    assert phone.post("/my/wallet/top-up/begin", data={**form, "password": "correct horse battery"}).status_code == 303
    assert one(superuser, "SELECT count(*) FROM payment_intents") == 3


def test_an_account_keeps_its_secrets(app, world, superuser, browser, told):
    owner = browser(world.owner)
    pk = str(uuid4())
    data = {"_once": pk, "gateway": "razorpay", "name": "Main", "key_id": "rzp_test_1", "secret": "s3cret-of-the-key", "webhook_secret": "s3cret-of-hooks",
            "addresses": "203.0.113.0/24", "is_default": "y", "active": "y"}
    assert "one per line" in owner.post("/payments/gateways/add", data={**data, "addresses": "nowhere"}).get_data(as_text=True)
    assert owner.post("/payments/gateways/add", data=data).status_code == 303, page(owner, "/payments/gateways/add")
    shown = page(owner, f"/payments/gateways/show/{pk}") + page(owner, f"/payments/gateways/edit/{pk}") + page(owner, "/payments/gateways/list/")
    assert ("s3cret" in shown, "/webhooks/razorpay/" in shown) == (False, True)
    assert "s3cret" not in one(superuser, "SELECT string_agg(row_to_json(a)::text, '') FROM (SELECT * FROM gateway_accounts) a")
    assert "v1.k1" not in one(superuser, "SELECT string_agg(row_to_json(a)::text, '') FROM audit_log a WHERE table_name = 'gateway_accounts'")
    before = one(superuser, "SELECT secrets_token FROM gateway_accounts")
    assert owner.edit(f"/payments/gateways/edit/{pk}", {**data, "_once": str(uuid4()), "name": "Other", "secret": "", "webhook_secret": ""}).status_code == 303
    assert one(superuser, "SELECT name FROM gateway_accounts") == "Other"
    assert one(superuser, "SELECT secrets_token FROM gateway_accounts") != before
    owner.post(f"/payments/gateways/test/{pk}")
    assert "knows these keys" in page(owner, f"/payments/gateways/show/{pk}")
    viewer = browser(world.a.people[Role.VIEWER])
    assert viewer.get(f"/payments/gateways/show/{pk}").status_code == 403


def test_the_screens_of_staff_show_what_came_and_what_it_would_do(app, world, superuser, browser, resident):
    owner, chosen = browser(world.owner), account(world.owner, is_default=True)
    found = intent(begun(resident, chosen, hand=False))
    for body in (captured(found), captured(found, "pay_other", amount=1_00)):
        assert browser(None).post(path_of(chosen), data=body, headers=signed(body)).status_code == 200
    work()
    assert balance(resident, resident.user_id) == 500_00
    deliveries = re.findall(r"/payments/webhooks/show/([0-9a-f-]{36})", page(owner, "/payments/webhooks/list/"))
    shown = [page(owner, f"/payments/webhooks/show/{pk}") for pk in dict.fromkeys(deliveries)]
    assert sum("payment_link.paid" in html for html in shown) == 2
    for pk in dict.fromkeys(deliveries):
        owner.post(f"/payments/webhooks/replay/{pk}")
    flashed = page(owner, "/payments/webhooks/list/")
    assert "It would change nothing." in flashed
    with superuser.begin() as connection:
        connection.execute(text("UPDATE payment_flags SET currency = 'USD', amount_paise = 1234"))
    assert "$12.34" in page(owner, "/payments/flags/list/")
    flag = one(superuser, "SELECT id FROM payment_flags")
    assert owner.post(f"/payments/flags/resolve/{flag}", data={"note": ""}).status_code == 422
    assert owner.post(f"/payments/flags/resolve/{flag}", data={"note": "A test of the gateway"}).status_code == 303
    assert "A test of the gateway" in page(owner, f"/payments/show/{found.id}")
    assert owner.post(f"/payments/refund/{found.id}", data={"amount": "100", "note": "By mistake", "_once": str(uuid4())}).status_code == 303
    assert "Proposed" in page(owner, f"/payments/show/{found.id}")
    for path in ("/payments/list/", "/payments/flags/list/", "/payments/webhooks/list/", "/payments/gateways/list/"):
        with statements(app) as run:
            page(owner, path)
        assert len(run) <= BUDGET, (path, run)
