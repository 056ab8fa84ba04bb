"""A month is charged once, invoices are never changed, and all of it adds up in the ledger (W10)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.billing import PaymentMethod
from app.rules.errors import NotFound
from app.rules.wallet import ProposedKind
from app.services import wallet
from app.services.billing import daily, invoices, runs
from app.tenancy import tenant_scope
from reports import account_statement
from tests.billing import MARCH, bill, living, set_terms, stay_of
from tests.billing import invoices as issued
from tests.maintenance import scope
from tests.wallet import HOSTEL, balance, credit, one, post, sums

pytestmark = pytest.mark.usefixtures("app")


def refused(code, world, work):
    with pytest.raises(DBAPIError) as raised, tenant_scope(world.a.org_id) as session:
        work(session)
    assert raised.value.orig.pgcode == code


def test_a_month_is_charged_once_with_numbers_without_gaps(world, superuser):
    users = living(superuser, world, 3)
    with tenant_scope(world.a.org_id) as session:
        seen = runs.preview(session, HOSTEL, MARCH)
    assert (seen.stays, seen.invoices, seen.amount_paise, seen.exceptions) == (3, 3, 3 * 12_100_00, [])
    assert (bill(world), bill(world)) == (3, 0)
    found = issued(superuser)
    assert [row.number for row in found] == [1, 2, 3]
    assert len({row.series for row in found}) == 1
    assert found[0].reference.endswith("/000001")
    held = sums(superuser)
    assert (held["rent", None, ""], held["mess", None, ""], held["receivable", users[0], ""]) == (27_000_00, 9_300_00, -12_100_00)
    with tenant_scope(world.a.org_id) as session:
        assert runs.preview(session, HOSTEL, MARCH).invoices == 0


def test_an_invoice_that_is_written_later_stands_under_the_day_that_it_tells(world, superuser):
    (user,) = living(superuser, world, 1)
    with tenant_scope(world.a.org_id) as session:
        runs.step(session, HOSTEL, MARCH, None, on=MARCH)
    resident = one(superuser, "SELECT id FROM residents WHERE user_id = :user", user=user)
    with scope(world.owner) as session:
        found = account_statement.query(session, resident, MARCH, MARCH, organization="", made_by="", now=datetime.now(UTC))
    assert ([row.at.date() for row in found.rows], found.closing_paise) == ([MARCH], 12_100_00)


def test_who_moves_in_within_the_month_pays_by_the_day_and_a_deposit(world, superuser):
    (user,) = living(superuser, world, 1, since="2026-03-22")
    set_terms(world, gstin="27ABCDE1234F1Z5", food_tax_bp=500)
    assert bill(world) == 2
    rent, meals = round(9_000_00 * 10 / 31), 1_000_00
    month, deposit = issued(superuser, user)
    assert (month.net_paise, month.tax_paise, month.gstin) == (rent + meals, 50_00, "27ABCDE1234F1Z5")
    assert (deposit.kind, deposit.total_paise) == ("deposit", 15_000_00)
    assert sums(superuser)["deposit", user, ""] == 15_000_00


def test_a_payment_sent_by_four_clicks_at_once_is_one_and_no_click_is_refused(app, world, superuser):
    (user,) = living(superuser, world, 1)
    bill(world)
    (invoice,), key = issued(superuser, user), uuid4()

    def click(_: int) -> None:
        with app.app_context(), scope(world.a.people[Role.ACCOUNTANT]) as session:
            invoices.pay(session, key, HOSTEL, user, PaymentMethod.CASH, invoice.total_paise, invoices=[invoice.id])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(click, range(4)))
    assert [row.paid_paise for row in issued(superuser, user)] == [invoice.total_paise]
    assert sums(superuser)["receivable", user, ""] == 0


def test_a_stay_that_changes_after_its_invoice_is_put_right(world, superuser):
    (user,) = living(superuser, world, 1)
    bill(world)
    post(world, credit("in", user, 20_000_00))
    with tenant_scope(world.a.org_id) as session:
        assert daily.pay_from_wallets(session) == 1
    with superuser.begin() as connection:  # left on the 16th: half of March is too much
        connection.execute(text("UPDATE stays SET until_on = '2026-03-16' WHERE user_id = :user"), {"user": user})
    bill(world)
    assert (bill(world), balance(None, user)) == (0, 20_000_00 - 12_100_00 + round(9_000_00 * 16 / 31) + 1_600_00)
    paid, *notes = issued(superuser, user)
    assert (paid.status, {note.kind for note in notes}, {note.corrects_id for note in notes}) == ("paid", {"credit_note"}, {paid.id})
    with superuser.begin() as connection:
        connection.execute(text("UPDATE stays SET until_on = NULL WHERE user_id = :user"), {"user": user})
    assert (bill(world), bill(world)) == (1, 0)
    assert sums(superuser)["rent", None, ""] == 9_000_00


def test_payments_go_to_the_oldest_first_and_no_further(world, superuser):
    (user,) = living(superuser, world, 1)
    bill(world, date(2026, 2, 1))
    bill(world)
    clerk = world.a.people[Role.ACCOUNTANT]
    key = uuid4()
    for _ in range(2):  # sent twice
        with scope(clerk) as session:
            invoices.pay(session, key, HOSTEL, user, PaymentMethod.CASH, 15_000_00, note="Slip 7")
    assert [row.paid_paise for row in issued(superuser, user)] == [12_100_00, 2_900_00]
    assert sums(superuser)["cash", None, ""] == -15_000_00
    with pytest.raises(DBAPIError, match="more than what is still to be paid"), scope(clerk) as session:
        invoices.pay(session, uuid4(), HOSTEL, user, PaymentMethod.CASH, 9_200_01)
    with pytest.raises(DBAPIError, match="Your role"), scope(clerk) as session:
        invoices.pay(session, uuid4(), HOSTEL, user, PaymentMethod.WALLET, 1)


def test_residents_pay_from_their_own_wallet_alone_and_may_switch_the_habit_off(world, superuser):
    me = world.a.people[Role.RESIDENT]
    living(superuser, world, 1)
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on) VALUES (:org, :hostel, 7000, :user, '2026-01-01')"
                                " ON CONFLICT DO NOTHING"), {"org": me.org_id, "hostel": HOSTEL, "user": me.user_id})
        connection.execute(text("DELETE FROM stays WHERE user_id = :user"), {"user": me.user_id})
        connection.execute(text("INSERT INTO stays (org_id, hostel_id, resident_id, user_id, bed_id, from_on, rent_paise)"
                                " SELECT org_id, hostel_id, id, user_id, :bed, '2026-01-01', 900000 FROM residents WHERE user_id = :user"),
                           {"bed": world.a.places[0].beds[0], "user": me.user_id})
    bill(world)
    (mine,) = issued(superuser, me.user_id)
    (other,) = [row for row in issued(superuser) if row.user_id != me.user_id]
    post(world, credit("in", me.user_id, 10_000_00))
    with scope(me) as session:
        assert [row.id for row in invoices.own(session, me.user_id)] == [mine.id]
        invoices.choose_paying(session, HOSTEL, from_wallet=False)
    with tenant_scope(world.a.org_id) as session:
        assert daily.pay_from_wallets(session) == 0
    with pytest.raises(DBAPIError, match="no such invoice"), scope(me) as session:
        invoices.pay(session, uuid4(), HOSTEL, other.user_id, PaymentMethod.WALLET, 1)
    with pytest.raises(DBAPIError, match="Your role"), scope(me) as session:
        invoices.pay(session, uuid4(), HOSTEL, me.user_id, PaymentMethod.CASH, 1)
    with scope(me) as session:
        invoices.pay(session, uuid4(), HOSTEL, me.user_id, PaymentMethod.WALLET, 4_000_00, invoices=[mine.id])
    assert (issued(superuser, me.user_id)[0].status, balance(None, me.user_id)) == ("part_paid", 6_000_00)


def test_an_issued_invoice_is_corrected_by_credit_notes_that_two_people_agree_on(world, superuser):
    (user,) = living(superuser, world, 1, mess="")
    bill(world)
    clerk, key = world.a.people[Role.ACCOUNTANT], uuid4()
    with pytest.raises(DBAPIError, match="not changed"), superuser.begin() as connection:
        connection.execute(text("UPDATE invoices SET net_paise = 1"))
    line = one(superuser, "SELECT id FROM invoice_lines")
    for _ in range(2):
        with scope(clerk) as session:
            invoices.propose_credit(session, key, line, 1_000_00, "No hot water for a week")
    with pytest.raises(DBAPIError, match="waits for a decision already"), scope(clerk) as session:
        invoices.propose_credit(session, uuid4(), line, 1, "Another")
    with pytest.raises(DBAPIError, match="their own proposal"), scope(clerk) as session:
        wallet.decide(session, key, "approve")
    assert (len(issued(superuser, user)), sums(superuser)["receivable", user, ""]) == (1, -9_000_00)
    with scope(world.owner) as session:
        wallet.decide(session, key, "approve")
    assert [row.id for row in issued(superuser, user) if row.kind == "credit_note"] == [key]
    for work in (invoices.propose_credit, lambda *given: invoices.credit(*given, occasion="again")):
        refused("VR409", world, lambda session, work=work: work(session, uuid4(), line, 8_000_01, "More"))
    assert issued(superuser, user)[0].paid_paise == 1_000_00
    assert (sums(superuser)["receivable", user, ""], sums(superuser)["rent", None, ""]) == (-8_000_00, 8_000_00)
    assert bill(world) == 0  # what was given by hand is not charged again


def test_a_discount_counts_once_a_second_person_agrees(world, superuser):
    (user,) = living(superuser, world, 1)
    bill(world)
    (invoice,) = issued(superuser, user)
    clerk, owner, key = world.a.people[Role.ACCOUNTANT], world.a.people[Role.OWNER], uuid4()
    with scope(clerk) as session:
        invoices.propose_discount(session, key, invoice.id, 2_100_00, "A long stay")
    with pytest.raises(DBAPIError, match="their own proposal"), scope(clerk) as session:
        wallet.decide(session, key, "approve")
    with scope(owner) as session:
        wallet.decide(session, key, "approve")
    assert issued(superuser, user)[0].paid_paise == 2_100_00
    assert (sums(superuser)["receivable", user, ""], sums(superuser)["discounts", None, ""]) == (-10_000_00, -2_100_00)
    asked = {}
    with scope(clerk) as session:
        for amount in (10_000_01, 1_000_00):
            asked[amount] = wallet.propose(session, HOSTEL, ProposedKind.WRITE_OFF, amount, "Lost", user_id=user)
    with pytest.raises(DBAPIError, match="more than what is still to be paid"), scope(owner) as session:
        wallet.decide(session, asked[10_000_01], "approve")  # what nobody owes would pay no later invoice
    with scope(owner) as session:
        wallet.decide(session, asked[1_000_00], "approve")
    assert issued(superuser, user)[0].paid_paise == 3_100_00
    assert (sums(superuser)["receivable", user, ""], sums(superuser)["write_offs", None, ""]) == (-9_000_00, -1_000_00)


def test_late_fees_and_reminders_come_once_for_their_period(world, superuser):
    (user,) = living(superuser, world, 1)
    set_terms(world, late_flat_paise=100_00, late_percent_bp=100, grace_days=2)
    bill(world)
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE invoices SET issued_on = issued_on - 30, due_on = (now() AT TIME ZONE 'Asia/Kolkata')::date - 8"))
    for expected in (1, 0):
        with tenant_scope(world.a.org_id) as session:
            assert daily.charge_late(session, HOSTEL) == expected
            assert daily.remind(session, HOSTEL) == expected
    assert [row.total_paise for row in issued(superuser, user)] == [12_100_00, 221_00]
    assert one(superuser, "SELECT count(*) FROM outbox WHERE kind = 'billing.mail'") == 1


def test_late_fees_of_periods_that_nobody_charged_are_made_up_for_once(world, superuser):
    """Three periods have begun; those before the rule held stay free."""
    (user,) = living(superuser, world, 1)
    set_terms(world, late_flat_paise=100_00, grace_days=2)
    bill(world)
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE invoices SET issued_on = issued_on - 90, due_on = (now() AT TIME ZONE 'Asia/Kolkata')::date - 70"))
        connection.execute(text("UPDATE billing_settings SET late_since = (now() AT TIME ZONE 'Asia/Kolkata')::date - 60"))
    set_terms(world, late_flat_paise=100_00, grace_days=2, legal_name="The same rule, another name")
    for expected in (2, 0):
        with tenant_scope(world.a.org_id) as session:
            assert daily.charge_late(session, HOSTEL) == expected
    assert [row.occasion[-2:] for row in issued(superuser, user)[1:]] == [":2", ":3"]
    set_terms(world, late_flat_paise=200_00, grace_days=2)
    assert one(superuser, "SELECT late_since = (now() AT TIME ZONE 'Asia/Kolkata')::date FROM billing_settings")


def test_a_settlement_charges_to_the_last_day_and_gives_the_deposit_back(world, superuser):
    (user,) = living(superuser, world, 1, mess="")
    bill(world)
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE stays SET until_on = '2026-03-16' WHERE user_id = :user"), {"user": user})
        out = connection.execute(text("""
            INSERT INTO move_outs (org_id, hostel_id, resident_id, stay_id, user_id, status, noticed_on, notice_days, leaves_on, paid_until, deposit_paise,
                                   rent_paise, notice_paise, damages_paise, settled_at)
            SELECT org_id, hostel_id, resident_id, id, user_id, 'settled', '2026-02-01', 30, '2026-03-16', '2026-03-01', 1500000, 435484, 0, 120000, now()
            FROM stays WHERE id = :stay RETURNING id"""), {"stay": stay_of(superuser, user)}).scalar_one()
    for _ in range(2):
        with tenant_scope(world.a.org_id) as session:
            daily.settle(session, out)
    rent = round(9_000_00 * 15 / 31)
    rest = 15_000_00 - rent - 1_200_00
    assert (balance(None, user), sums(superuser)["receivable", user, ""], sums(superuser)["deposit", user, ""]) == (rest, 0, 0)
    assert one(superuser, "SELECT amount_paise FROM ledger_proposals WHERE kind = 'payout' AND status = 'proposed'") == rest


def test_other_organizations_see_and_pay_nothing(world, superuser):
    living(superuser, world, 1)
    bill(world)
    (invoice,) = issued(superuser)
    stranger = world.b.people[Role.OWNER]
    with scope(stranger) as session, pytest.raises(NotFound):
        runs.preview(session, HOSTEL, MARCH)
    for work in (lambda s: invoices.propose_discount(s, uuid4(), invoice.id, 1, "x"),
                 lambda s: invoices.pay(s, uuid4(), HOSTEL, invoice.user_id, PaymentMethod.CASH, 1)):
        with pytest.raises(DBAPIError) as raised, scope(stranger) as session:
            work(session)
        assert raised.value.orig.pgcode == "VR404"
