"""Wallets on the screens: statements and what paid for what, freezes, proposals that somebody else decides, the trial balance (W8, W11)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from app.gateways.payments import LineKind, SettlementLine
from app.permissions import Role
from app.rules.reconciliation import Origin
from app.services import reconciliation, wallet
from app.services import wallet_reading as reading
from app.tenancy import tenant_scope
from jobs.wallet import decided, proposed
from tests.beds import stay
from tests.houses import execute, scalar, statements
from tests.maintenance import scope
from tests.payments import account, begun, captured, intent, path_of, signed, work
from tests.wallet import HOSTEL, C, K, credit, debit, post, residents, transfer

BUDGET = 5


def page(who, path, status=200):
    answer = who.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.get_data(as_text=True)


@pytest.fixture
def lodged(app, world):
    """The resident of A lives there; the id of the wallet."""
    stay(world.owner, world.resident.user_id, world.a.places[0].beds[0])
    with tenant_scope(world.a.org_id) as session:
        return wallet.wallet_of(session, HOSTEL, world.resident.user_id).id


def propose(who, key, **given):
    once = str(uuid4())
    answer = who.post(f"/wallets/propose/{key}", data={"motion": "add", "amount": "150.50", "reason": "A meal too much", "_once": once, "_step": "propose", **given})
    return answer, once


def test_a_debit_names_the_money_that_paid_for_it(app, world, lodged):
    user = world.resident.user_id
    post(world, credit("in1", user, 300), debit("out1", user, 250), credit("in2", user, 500), debit("out2", user, 100), debit("out3", user, 400))
    with scope(world.resident) as session:
        rows, more = reading.statement(session, lodged, reading.Asked(), limit=2)
        assert ([row.balance_paise for row in rows], more) == ([50, 450], rows[1].seq)
        rest, _ = reading.statement(session, lodged, reading.Asked(), before=more)
        paid = reading.funding(session, lodged, [*rows, *rest])
        assert [[part.amount_paise for part in paid[row.seq]] for row in (rest[1], rows[1], rows[0])] == [[250], [50, 50], [400]]
    with scope(world.owner) as session:
        assert {part.source for parts in reading.funding(session, lodged, rest, sources=True).values() for part in parts} == {""}


def test_staff_follow_a_debit_to_the_webhook_and_the_statement_of_the_gateway(app, world, browser, lodged):
    door, user = account(world.owner, is_default=True), world.resident.user_id
    found = intent(begun(world.resident, door, hand=False))
    body = captured(found, "pay_1")
    assert browser(None).http.post(path_of(door), data=body, headers=signed(body)).status_code == 200
    work()
    post(world, debit("meal", user, 100_00))
    html = page(browser(world.owner), f"/wallets/show/{lodged}")
    assert f'<a href="/payments/show/{found.id}">Top up</a>' in html
    assert "Top-up" not in html.partition('id="statement"')[2]
    assert re.search(r'<a href="/payments/webhooks/show/[0-9a-f-]+">confirmed by a webhook</a>', html)
    assert "not paid out yet" in html
    with tenant_scope(world.a.org_id) as session:
        reconciliation.add(session, door, [SettlementLine("l1", LineKind.PAYMENT, "pay_1", found.amount_paise, 10_00, 1_80, "UTR1", date(2026, 3, 5))],
                           Origin.API)
    work()
    assert "paid out on 5 Mar 2026" in page(browser(world.owner), f"/wallets/show/{lodged}")
    html = page(browser(world.resident), "/my/wallet/")
    assert "Paid from" in html
    assert "confirmed by" not in html


def test_a_resident_sees_their_own_wallet_and_why_it_is_frozen_only_that_it_is(app, world, superuser, browser, lodged):
    user, other = world.resident.user_id, residents(superuser, world, 1)[0]
    post(world, credit("in", user, 1234_50), debit("out", user, 100_00), credit("theirs", other, 77_77))
    me, owner = browser(world.resident), browser(world.owner)
    html = page(me, "/my/wallet/")
    assert "₹1,134.50" in html
    assert "-₹100.00" in html
    assert "77.77" not in html
    assert "frozen" not in html
    assert page(me, "/my/wallet/?kind=order&text=&first=2020-01-01").count('class="money-what"') == 1
    assert 'aria-invalid="true"' in page(me, "/my/wallet/?first=never")
    assert owner.post(f"/wallets/freeze/{lodged}", data={"note": " ", "_step": "freeze"}).status_code == 422
    assert owner.post(f"/wallets/freeze/{lodged}", data={"note": "Two payments <at once>", "_step": "freeze"}).status_code == 303
    assert owner.post(f"/wallets/freeze/{lodged}", data={"note": "Again"}).status_code == 409
    assert "Two payments &lt;at once&gt;" in page(owner, f"/wallets/show/{lodged}")
    assert "Your wallet is frozen" in page(me, "/my/wallet/now")
    assert "Two payments" not in page(me, "/my/wallet/")
    assert browser(world.a.people[Role.ACCOUNTANT]).post(f"/wallets/unfreeze/{lodged}", data={"note": "All is well"}).status_code == 303
    assert "All is well" in page(owner, f"/wallets/show/{lodged}")
    with tenant_scope(world.a.org_id) as session:
        theirs = wallet.wallet_of(session, HOSTEL, other).id
    for path in (f"/my/wallet/?wallet={theirs}", "/my/wallet/?wallet=x", f"/my/wallet/now?wallet={theirs}"):
        page(me, path, 404)
    assert me.get(f"/wallets/show/{lodged}").status_code == 403
    assert browser(world.outsider).get(f"/wallets/show/{lodged}").status_code == 404
    assert browser(world.outsider).post(f"/wallets/freeze/{lodged}", data={"note": "Mine"}).status_code == 404


def test_the_list_finds_the_low_and_the_frozen_and_stays_cheap(app, world, superuser, browser, lodged):
    low, rich = residents(superuser, world, 2)
    post(world, credit("low", low, 100_00), credit("rich", rich, 9000_00))
    owner = browser(world.owner)
    page(owner, "/wallets/list/")
    for path in ("/wallets/list/", f"/wallets/show/{lodged}", "/wallet/proposals/list/", "/accounts/"):
        with statements(app) as sent:
            page(owner, path)
        assert len(sent) <= BUDGET + (path.startswith("/wallets/show") * 3), (path, sent)
    assert f"Resident {low}" in page(owner, "/wallets/list/?holding=low")
    assert f"Resident {rich}" not in page(owner, "/wallets/list/?holding=low")
    assert "Nothing matches" in page(owner, "/wallets/list/?frozen=yes")
    page(owner, "/wallets/list/?holding=much", 400)
    assert browser(world.staff).get("/wallets/list/").status_code == 403


def test_nobody_decides_on_their_own_and_both_names_are_kept(app, world, superuser, browser, lodged):
    owner, accountant = browser(world.owner), browser(world.a.people[Role.ACCOUNTANT])
    refused, _ = propose(owner, lodged, amount="lots", reason="A <b> meal")
    assert refused.status_code == 422
    assert 'value="lots"' in refused.get_data(as_text=True)
    assert "A &lt;b&gt; meal" in refused.get_data(as_text=True)
    assert "This amount is too large." in propose(owner, lodged, amount="100000000.01")[0].get_data(as_text=True)
    for given in ({"amount": "0"}, {"amount": "-5"}, {"motion": "steal"}, {"reason": " "}):
        assert propose(owner, lodged, **given)[0].status_code == 422, given
    sent, once = propose(owner, lodged)
    assert sent.status_code == owner.post(f"/wallets/propose/{lodged}", data={"motion": "add", "amount": "1", "reason": "x", "_once": once}).status_code == 303
    path = f"/wallet/proposals/show/{once}"
    assert f"/wallet/proposals/withdraw/{once}" in page(owner, path)
    assert f"/wallet/proposals/approve/{once}" not in page(owner, path)
    assert world.a.people[Role.ACCOUNTANT].name in page(owner, path).partition("Who can approve it")[2].partition("</dd>")[0]
    assert owner.post(f"/wallet/proposals/approve/{once}").status_code == 403
    assert "somebody else has to" in owner.post(f"/wallet/proposals/approve/{once}").get_data(as_text=True)
    assert f"/wallet/proposals/approve/{once}" in page(accountant, path)
    assert page(accountant, "/live/counters").find('"proposals":1') > 0
    assert page(owner, "/live/counters").find('"proposals":0') > 0
    assert "Nothing matches" in page(owner, "/wallet/proposals/list/?waiting=yes")
    assert accountant.post(f"/wallet/proposals/reject/{once}", data={"note": ""}).status_code == 422
    assert accountant.post(f"/wallet/proposals/approve/{once}", data={"note": "I saw the bill"}).status_code == 303
    assert accountant.post(f"/wallet/proposals/reject/{once}", data={"note": "Late"}).status_code == 409
    html = page(owner, path)
    assert world.owner.name in html
    assert re.search(rf"Decided by.*{world.a.people[Role.ACCOUNTANT].name}.*Transaction.*A meal too much", html.partition("story-title")[2], re.DOTALL)
    assert scalar(superuser, "SELECT balance_paise FROM wallet_balance_cache WHERE id = :id", id=lodged) == 150_50
    assert "Adjustment" in page(browser(world.resident), "/my/wallet/")
    page(browser(world.outsider), path, 404)
    post(world, credit("rich", world.resident.user_id, 1_80_000_00))
    for motion in ("take", "payout"):
        refused, _ = propose(owner, lodged, motion=motion, amount="200000")
        assert refused.status_code == 409
        assert "There is only ₹1,80,150.50 in the wallet." in refused.get_data(as_text=True)
    _, mine = propose(owner, lodged, motion="take")
    assert accountant.post(f"/wallet/proposals/withdraw/{mine}").status_code == 403
    assert owner.post(f"/wallet/proposals/withdraw/{mine}").status_code == 303


def test_where_nobody_else_could_decide_the_platform_does(app, world, superuser, browser, lodged):
    owner = browser(world.owner)
    platform = browser(replace(world.owner, user_id=world.super_admin))
    _, once = propose(owner, lodged, reason="The tap dripped")
    assert "The tap dripped" not in page(platform, "/platform/proposals/")
    address = f"/platform/proposals/{world.a.org_id}/{once}"
    assert platform.post(f"{address}/approve").status_code == 404
    execute(superuser, "UPDATE memberships SET status = 'suspended' WHERE org_id = :org AND role IN ('administrator', 'accountant', 'hostel_manager')", org=world.a.org_id)
    with tenant_scope(world.a.org_id) as session:
        proposed(session, {"proposal_id": once})
    assert "the platform was asked" in page(owner, "/notifications/")
    assert "/platform/proposals/" in page(platform, "/").partition("now-title")[2]
    html = page(platform, "/platform/proposals/")
    assert "The tap dripped" in html
    assert world.owner.name not in html
    assert world.resident.name not in html
    assert owner.post(f"{address}/approve").status_code == 403
    refused = platform.post(f"{address}/reject", data={"note": ""})
    assert refused.status_code == 422
    assert platform.post(f"{address}/approve", data={"note": "Seen"}).status_code == 303
    assert platform.post(f"{address}/approve").status_code in (404, 409)
    assert "The platform" in page(owner, f"/wallet/proposals/show/{once}")
    assert scalar(superuser, "SELECT balance_paise FROM wallet_balance_cache WHERE id = :id", id=lodged) == 150_50
    assert scalar(superuser, "SELECT reason FROM audit_log WHERE org_id = :org AND table_name = 'ledger_proposals' AND action = 'update' AND actor_id = :me",
                  org=world.a.org_id, me=world.super_admin) == "Decided by the platform: Platform Admin"
    with tenant_scope(world.a.org_id) as session:
        decided(session, {"proposal_id": once})
    assert "approved and booked" in page(owner, "/notifications/")


def test_statements_and_the_trial_balance_add_up_on_paper_and_in_files(app, world, browser, lodged):
    user, now = world.resident.user_id, datetime.now(UTC)
    old = now - timedelta(days=40)
    post(world, transfer("old", K.OPENING, HOSTEL, 900_00, debit=C.BANK, credit=C.WALLET, user_id=user, event_at=old),
         transfer("meal", K.ORDER, HOSTEL, 100_00, debit=C.WALLET, credit=C.CANTEEN, user_id=user, description="=1+1"))
    owner, me = browser(world.owner), browser(world.resident)
    period = f"first={(now - timedelta(days=3)).date()}&last={(now + timedelta(days=1)).date()}"
    answer = owner.get(f"/wallets/statement/{lodged}/csv?{period}")
    assert "Content-Length" in answer.headers  # whole: a server sends it when the session is over
    rows = [line.split(",") for line in answer.get_data(as_text=True).splitlines()]
    assert [(row[2], row[3], row[4], row[5]) for row in rows[1:]] == [
        ("opening", "", "", "900"), ("order", "'=1+1", "-100", "800"), ("closing", "", "", "800")]
    for who, path in ((owner, f"/wallets/statement/{lodged}/pdf?{period}"), (me, f"/my/wallet/statement/pdf?{period}"), (owner, "/accounts/pdf")):
        answer = who.get(path)
        assert (answer.mimetype, answer.data[:5]) == ("application/pdf", b"%PDF-"), path
    assert me.get("/my/wallet/statement/pdf?first=2026-02-01&last=2026-01-01").status_code == 422
    csv = page(owner, f"/accounts/csv?day={now.date() + timedelta(days=1)}")
    assert "total,,,,900,900,INR" in csv
    html = page(owner, f"/accounts/?day={old.date() + timedelta(days=2)}")
    assert len(re.findall("₹900.00", html)) == 4
    assert "<td>Canteen" not in html
    page(owner, f"/accounts/?hostel={world.b.places[0].hostel_id}", 404)
    page(owner, "/accounts/?day=soon", 422)
