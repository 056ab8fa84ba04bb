"""Billing on the screens: the run before it is made, an invoice and its paper, the resident's phone (W10)."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.permissions import Role
from jobs import registry
from jobs.outbox import Drainer
from tests.billing import bill, invoices, living
from tests.houses import statements
from tests.payments import account
from tests.wallet import HOSTEL, balance, credit, one, post

BUDGET = 3


def page(who, path):
    answer = who.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


@pytest.fixture
def mine(app, world, superuser):
    """The resident of the world with an invoice of March, and another with theirs."""
    living(superuser, world, 1)
    me = world.resident.user_id
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on) VALUES (:org, :hostel, 7000, :user, '2026-01-01')"),
                           {"org": world.a.org_id, "hostel": HOSTEL, "user": me})
        connection.execute(text("INSERT INTO stays (org_id, hostel_id, resident_id, user_id, bed_id, from_on, rent_paise, mess_plan)"
                                " SELECT org_id, hostel_id, id, user_id, :bed, '2026-01-01', 900000, 'Meals' FROM residents WHERE user_id = :user"),
                           {"bed": world.a.places[0].beds[0], "user": me})
    return me


def test_a_run_is_looked_at_and_then_made_once(app, world, superuser, browser, mine):
    clerk, once = browser(world.a.people[Role.ACCOUNTANT]), str(uuid4())
    seen = page(clerk, f"/billing/?hostel={HOSTEL}&month=2026-03")
    assert "₹24,200.00" in seen
    assert "Issue 2 invoices" in seen
    assert clerk.get(f"/billing/?hostel={HOSTEL}&month=2026-13").status_code == 422
    assert "too far ahead" in clerk.post("/billing/run", data={"hostel": str(HOSTEL), "month": "2199-01", "_once": once}).get_data(as_text=True)
    assert clerk.post("/billing/run", data={"hostel": str(HOSTEL), "month": "soon", "_once": once}).status_code == 422
    assert clerk.post("/billing/run", data={"hostel": str(world.b.places[0].hostel_id), "month": "2026-03"}).status_code == 404
    for _ in range(2):
        assert clerk.post("/billing/run", data={"hostel": str(HOSTEL), "month": "2026-03", "_once": once}).status_code == 303
    registry.load()
    Drainer.new().drain()
    assert [row.number for row in invoices(superuser)] == [1, 2]
    assert one(superuser, "SELECT status FROM tasks") == "done"
    assert "Everything of this month was issued." in page(clerk, f"/billing/?hostel={HOSTEL}&month=2026-03")
    assert one(superuser, "SELECT count(*) FROM notifications WHERE kind = 'billing.issued'") == 2
    with statements(app) as sent:
        page(clerk, "/invoices/list/")
    assert len([statement for statement in sent if statement.lstrip().startswith("SELECT") and "set_config" not in statement]) <= BUDGET, sent


def test_an_invoice_with_its_paper_payment_and_what_is_owed(world, superuser, browser, mine):
    bill(world)
    clerk = browser(world.a.people[Role.ACCOUNTANT])
    invoice = invoices(superuser, mine)[0]
    path = f"/invoices/show/{invoice.id}"
    assert "Record a payment" in page(clerk, path)
    wrong = clerk.post(f"/invoices/pay/{invoice.id}", data={"amount": "99999", "method": "cash", "_once": str(uuid4())})
    assert wrong.status_code == 409
    assert clerk.post(f"/invoices/pay/{invoice.id}", data={"amount": "2100.50", "method": "bank", "note": "UTR 7", "_once": str(uuid4())}).status_code == 303
    assert "₹10,000.00" not in page(clerk, path)
    assert one(superuser, "SELECT paid_paise FROM invoices WHERE id = :id", id=invoice.id) == 2_100_50
    payment = one(superuser, "SELECT id FROM invoice_payments")
    for paper in (f"/invoices/pdf/{invoice.id}", f"/invoices/receipt/{payment}", f"/billing/ageing/pdf?hostel={HOSTEL}"):
        assert clerk.get(paper).data.startswith(b"%PDF-")
    assert b"9,999.50" in page(clerk, f"/billing/ageing/?hostel={HOSTEL}").encode()
    assert "9999.5" in clerk.get(f"/billing/ageing/csv?hostel={HOSTEL}").get_data(as_text=True)
    resident = one(superuser, "SELECT id FROM residents WHERE user_id = :user", user=mine)
    assert invoice.reference in page(clerk, f"/billing/account/{resident}")
    assert clerk.get(f"/billing/account/{resident}/csv?first=2026-01-01&last=2026-12-31").status_code == 200
    stranger = browser(world.b.people[Role.OWNER])
    for foreign in (path, f"/invoices/pdf/{invoice.id}", f"/invoices/receipt/{payment}", f"/billing/account/{resident}", f"/billing/terms/{HOSTEL}"):
        assert stranger.get(foreign).status_code == 404, foreign


def test_how_a_house_bills_is_kept_and_nothing_typed_is_lost(world, superuser, browser, mine):
    clerk = browser(world.a.people[Role.ACCOUNTANT])
    typed = {"legal_name": "Pune Homes LLP", "gstin": "nonsense", "rent_tax_bp": "0", "food_tax_bp": "5", "other_tax_bp": "18", "bill_day": "3", "due_days": "7",
             "grace_days": "2", "late_flat_paise": "150", "late_percent_bp": "1.5", "exempt_reason": "below the threshold"}
    refused = clerk.post(f"/billing/change/{HOSTEL}", data=typed)
    assert refused.status_code == 422
    assert 'value="nonsense"' in refused.get_data(as_text=True)
    for wrong in ("nan", "1e999999"):
        assert clerk.post(f"/billing/change/{HOSTEL}", data={**typed, "late_percent_bp": wrong}).status_code == 422
    assert clerk.post(f"/billing/change/{HOSTEL}", data={**typed, "gstin": "27abcde1234f1z5"}).status_code == 303
    assert one(superuser, "SELECT (gstin, food_tax_bp, late_flat_paise, late_percent_bp, automatic)::text FROM billing_settings") == "(27ABCDE1234F1Z5,500,15000,150,f)"
    assert 'value="1.5"' in page(clerk, f"/billing/terms/{HOSTEL}")


def test_a_resident_pays_from_the_phone(world, superuser, browser, mine):
    bill(world)
    resident = browser(world.resident)
    invoice = invoices(superuser, mine)[0]
    (other,) = [row for row in invoices(superuser) if row.user_id != mine]
    assert invoice.reference in page(resident, "/my/invoices/")
    assert other.reference not in page(resident, "/my/invoices/")
    assert resident.get(f"/my/invoices/show/{other.id}").status_code == 404
    assert resident.post(f"/my/invoices/pay/{other.id}", data={"amount": "1", "_once": str(uuid4())}).status_code == 404
    account(world.owner, is_default=True)
    for held, missing in ((0, "12,100.00"), (400_00, "11,700.00")):
        if held:
            post(world, credit("some", mine, held))
        html = page(resident, f"/my/invoices/show/{invoice.id}")
        assert f"Top up the ₹{missing} that is missing" in html
        assert ('name="amount"' in html, 'value="400.00"' in html) == (bool(held), bool(held))
        (way,) = re.findall(r'href="(/my/wallet/top-up/[^"]*)"', html)
        assert f'value="{missing}"' in page(resident, way.replace("&amp;", "&"))
    with superuser.begin() as connection:
        connection.execute(text("UPDATE wallet_balance_cache SET frozen = true"))
    html = page(resident, f"/my/invoices/show/{invoice.id}")
    assert ("Your wallet is frozen" in html, 'name="amount"' in html, "paid from it by itself" in html) == (True, False, False)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE wallet_balance_cache SET frozen = false"))
    refused = resident.post(f"/my/invoices/pay/{invoice.id}", data={"amount": "12,100", "_once": str(uuid4())})
    assert refused.status_code == 409
    assert "not enough money" in refused.get_data(as_text=True)
    assert 'value="12,100"' in refused.get_data(as_text=True)
    post(world, credit("in", mine, 12_100_00))
    once = str(uuid4())
    for _ in range(2):
        assert resident.post(f"/my/invoices/pay/{invoice.id}", data={"amount": "12,100", "_once": once}).status_code == 303
    assert balance(None, mine) == 400_00
    assert resident.get(f"/my/invoices/pdf/{invoice.id}").data.startswith(b"%PDF-")
    assert resident.get("/my/invoices/account").data.startswith(b"%PDF-")
    assert resident.post("/my/invoices/choose", data={"hostel": str(HOSTEL)}).status_code == 303
    assert one(superuser, "SELECT from_wallet FROM billing_choices") is False
