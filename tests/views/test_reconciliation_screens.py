"""A statement is looked at before it is kept, a break is decided on its page, and the report agrees with the trial balance."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from uuid import UUID

import pytest
from sqlalchemy import text

from app.gateways.payments import GatewayRefused, LineKind, SettlementLine
from app.permissions import Role
from app.services import payments, wallet_reading
from app.services.payments import accounts
from app.tenancy import tenant_scope
from app.wiring import settings
from jobs.files import sweep_organization
from reports import ledger_reconciliation as ledger
from tests.houses import statements
from tests.maintenance import at, scope
from tests.payments import Told, account, begun, intent, paid, work
from tests.wallet import one

TODAY = datetime.now(UTC).date()


class Reading(Told):
    """A gateway whose files hold amounts, one a line."""

    def parse_settlement_csv(self, content):
        if b"?" in content:
            raise GatewayRefused("row", "row 2 has no amount")
        day = TODAY + timedelta(days=3 * content.count(b"later"))
        return [SettlementLine(f"f{n}", LineKind.PAYMENT, self.status.payment_id if n == 0 else f"pay_{n}", int(amount), 200, 36, "UTR1", day)
                for n, amount in enumerate(content.removesuffix(b"later").split())]


@pytest.fixture
def settled(app, world, superuser, monkeypatch):
    told, person = Reading(), world.a.people[Role.RESIDENT]
    monkeypatch.setattr(accounts, "open_gateway", lambda name, keys, url: told)
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on) VALUES (:org, :hostel, 1, :user, '2026-01-01')"),
                           {"org": person.org_id, "hostel": person.hostel_id, "user": person.user_id})
    taken = account(world.owner, is_default=True)
    found = intent(begun(person, taken, 500_00))
    told.status = paid(found)
    with tenant_scope(world.a.org_id) as session:
        payments.answered(session, payments.keeper_of(settings()), found.id, None)
    return taken


def page(who, path, status=200):
    answer = who.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[:2000])
    return answer.get_data(as_text=True)


def test_a_file_is_looked_at_kept_matched_and_reported(app, world, superuser, browser, settled):
    desk, where = browser(world.owner), "/reconciliation/statements/upload"
    sent = lambda content: {"account": str(settled), "file": (BytesIO(content), "recon.csv", "text/csv")}  # noqa: E731
    assert "row 2 has no amount" in desk.post(where, data=sent(b"amounts\n?")).get_data(as_text=True)
    assert "days that have not come yet" in desk.post(where, data=sent(b"40000 later")).get_data(as_text=True)
    assert desk.post(where, data={"account": str(settled)}).status_code == 422
    desk.post(where, data=sent(b"40000\n"))
    clerk = browser(world.a.people[Role.ACCOUNTANT])
    seen = clerk.post(where, data=sent(b"50000\n10000\n")).get_data(as_text=True)
    assert ("pay_1" in seen, one(superuser, "SELECT count(*) FROM settlement_statements")) == (True, 0)
    kept = re.search(r'name="kept" value="([^"]+)"', seen).group(1)
    assert browser(world.b.people[Role.OWNER]).post(where, data={"account": str(settled), "kept": kept}).status_code == 404
    gone = {clerk.post(where, data={"account": str(settled), "kept": kept}).headers["Location"] for _ in range(2)}
    assert len(gone) == 1
    for hours, there in ((23, 2), (25, 1)):
        at(superuser, timedelta(hours=hours))
        with tenant_scope(world.a.org_id) as session:
            sweep_organization(session, {})
        assert one(superuser, "SELECT count(*) FROM files WHERE deleted_at IS NULL") == there
    assert one(superuser, "SELECT id FROM files WHERE deleted_at IS NULL") == UUID(kept)
    at(superuser, timedelta())
    work()
    assert "pay_1" in page(desk, gone.pop())
    with statements(app) as made:
        listed = page(desk, "/reconciliation/list/")
    assert "Not in our books" in listed
    assert len(made) <= 3
    page(desk, "/reconciliation/statements/list/")
    found = one(superuser, "SELECT id FROM reconciliation_breaks")
    assert "Propose a correction" in page(desk, f"/reconciliation/show/{found}")
    form = {"kind": "adjustment", "note": "The gateway's mistake", "hostel": str(world.owner.hostel_id or world.a.places[0].hostel_id)}
    assert desk.post(f"/reconciliation/propose/{found}", data={**form, "note": ""}).status_code == 422
    assert desk.post(f"/reconciliation/propose/{found}", data=form).status_code == 303
    assert "Propose a correction" not in page(desk, f"/reconciliation/show/{found}")
    report = page(desk, "/reconciliation/report/")
    assert "Unsettled" in report
    assert desk.get("/reconciliation/report/pdf").data[:5] == b"%PDF-"
    assert "gateway,razorpay,unsettled,-100" in page(desk, "/reconciliation/report/csv")
    assert desk.get("/reconciliation/report/?first=2026-02-30").status_code == 422
    hostel = world.a.places[0].hostel_id
    with scope(world.owner) as session:
        made_up = ledger.query(session, ledger.Parameters(hostel, TODAY, TODAY + timedelta(days=1)), organization="", made_by="", now=datetime.now(UTC))
        held = wallet_reading.trial_balance(session, hostel, datetime.now(UTC) + timedelta(days=3))
    assert made_up.difference_paise == 0
    assert {(row.code, row.party): -row.sign * row.closing_paise for row in made_up.rows} == {
        (row.code, row.party): row.debit_paise - row.credit_paise for row in held}
    assert [(c.received_paise, c.settled_paise, c.unsettled_paise, c.fees_paise) for c in made_up.channels] == [(500_00, 600_00, -100_00, 4_72)]
