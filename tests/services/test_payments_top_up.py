"""A top-up is credited once, for what was agreed, and by a confirmation alone (W3, W7, W13)."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from app.gateways.payments import PaymentState, PaymentStatus, RefundState, RefundStatus
from app.permissions import Role
from app.services import payments, wallet
from app.tenancy import service_scope, tenant_scope
from app.wiring import settings
from tests.maintenance import at, refusal, scope
from tests.payments import Told, account, answering, begun, due, intent, paid, settled_in, work
from tests.wallet import balance, one, sums

DAY = timedelta(days=1)


@pytest.fixture
def told(monkeypatch):
    return answering(monkeypatch, Told())


@pytest.fixture
def resident(app, world, superuser):
    return settled_in(superuser, world.a.people[Role.RESIDENT])


@pytest.fixture
def taken(told, world, resident):
    return account(world.owner, is_default=True)


def asked(world, intent_id, delivery=None):
    with tenant_scope(world.a.org_id) as session:
        return payments.answered(session, payments.keeper_of(settings()), intent_id, delivery)


def test_what_the_gateway_confirms_is_in_the_wallet_once(world, resident, taken, told, superuser):
    found = intent(begun(resident, taken))
    assert (found.status, found.checkout_url) == ("pending", f"https://pay.example/{found.reference}")
    told.status = paid(found)
    assert [asked(world, found.id) for _ in range(3)] == ["credited", "known", "known"]
    assert balance(resident, resident.user_id) == 500_00
    assert sums(superuser)["clearing", None, "razorpay"] == -500_00
    assert one(superuser, "SELECT key FROM ledger_transactions WHERE source = 'payment_intents'") == f"payment:razorpay:{told.status.payment_id}"
    work()
    assert "arrived in your wallet" in one(superuser, "SELECT title FROM notifications WHERE user_id = :user", user=resident.user_id)


@pytest.mark.parametrize(("changed", "effect"), [({"amount_paise": 500_01}, "amount_differs"), ({"currency": "USD"}, "currency_differs")])
def test_another_amount_or_currency_is_flagged_and_changes_nothing(world, resident, taken, told, superuser, changed, effect):
    found = intent(begun(resident, taken))
    told.status = paid(found, **changed)
    assert asked(world, found.id) == effect
    assert (intent(found.id).status, balance(resident, resident.user_id)) == ("pending", 0)
    assert one(superuser, "SELECT count(*) FROM payment_confirmations") == 0
    assert one(superuser, "SELECT string_agg(kind, ' ') FROM payment_flags") == effect


def test_money_that_comes_late_counts_and_is_said(world, resident, taken, told, superuser):
    found = intent(begun(resident, taken))
    told.status = PaymentStatus(PaymentState.EXPIRED, found.amount_paise, found.currency)
    asked(world, found.id)
    assert intent(found.id).status == "expired"
    told.status = paid(found)
    assert asked(world, found.id) == "credited_late"
    assert balance(resident, resident.user_id) == 500_00
    told.status = paid(found, payment_id="pay_another")
    assert asked(world, found.id) == "paid_twice"
    assert balance(resident, resident.user_id) == 500_00
    assert one(superuser, "SELECT string_agg(kind, ' ' ORDER BY kind) FROM payment_flags") == "late_payment paid_twice"


def test_double_clicks_and_two_tabs_are_one_payment_and_haste_asks_for_the_password(world, resident, taken, told, superuser):
    first = begun(resident, taken)
    with scope(resident) as session:
        again = [payments.begin(session, once, resident.hostel_id, taken, 500_00, confirmed=False) for once in (first, uuid4())]
    assert again == [first, first]
    assert begun(resident, taken, 600_00) not in {None, first}
    assert begun(resident, taken, 700_00) is None
    assert one(superuser, "SELECT kind FROM payment_flags") == "velocity"
    for amount in range(700_00, 1500_00, 100_00):
        assert begun(resident, taken, amount, hand=False, confirmed=True)
    told_so = refusal(lambda: begun(resident, taken, 1600_00, confirmed=True))
    assert (told_so.status, "ten times" in told_so.message) == (429, True)
    at(superuser, DAY)
    assert begun(resident, taken, 1600_00)


def test_an_unusual_amount_waits_for_staff_who_credit_it_or_send_it_back(world, resident, taken, told, superuser):
    large, other = intent(begun(resident, taken, 30_000_00)), intent(begun(resident, taken, 40_000_00))
    for found in (large, other):
        told.status = paid(found)
        assert asked(world, found.id) == "held_back"
    assert (balance(resident, resident.user_id), sums(superuser)["suspense", None, ""]) == (0, 70_000_00)
    assert refusal(lambda: _decided(world.b.people[Role.OWNER], large.id, "accept")).status == 404
    _decided(world.owner, large.id, "accept")
    assert refusal(lambda: _decided(world.owner, large.id, "accept")).status == 409
    assert balance(resident, resident.user_id) == 30_000_00
    assert refusal(lambda: _decided(world.owner, other.id, "send_back")).status == 422
    _decided(world.owner, other.id, "send_back", "Nobody of this name pays that much")
    work()
    assert [(r.amount_paise, r.reference) for r in told.refunds] == [(40_000_00, other.reference)]
    assert (sums(superuser)["suspense", None, ""], sums(superuser)["clearing", None, "razorpay"]) == (0, -30_000_00)
    assert intent(other.id).status == "refunded"


def _decided(person, intent_id, event, note=""):
    with scope(person) as session:
        payments.decide(session, intent_id, event, note)


def test_a_refund_is_proposed_approved_by_another_and_sent_once_though_its_answer_is_lost(world, resident, taken, told, superuser):
    found = intent(begun(resident, taken))
    told.status = paid(found)
    asked(world, found.id)
    manager = world.a.people[Role.ADMINISTRATOR]
    with scope(world.owner) as session:
        once = payments.propose_refund(session, uuid4(), found.id, 200_00, "Charged twice by mistake")
    assert refusal(lambda: _proposed(world.owner, found.id, 301_00)).status == 422
    proposal = one(superuser, "SELECT proposal_id FROM payment_refunds")
    assert refusal(lambda: _approved(world.owner, proposal)).status == 403
    _approved(manager, proposal)
    assert balance(resident, resident.user_id) == 300_00
    told.away = 1  # it is done there, and the answer never comes
    work()
    assert one(superuser, "SELECT status || attempts FROM payment_refunds") == "sent1"
    due(superuser)
    work()
    assert len(told.refunds) == 1
    assert one(superuser, "SELECT status FROM payment_refunds WHERE id = :id", id=once) == "done"
    assert intent(found.id).refunded_paise == 200_00


def test_a_refund_that_the_gateway_fails_is_back_in_the_wallet_and_flagged(world, resident, taken, told, superuser):
    found = intent(begun(resident, taken))
    told.status, told.refund_status = paid(found), RefundStatus("rfnd_1", RefundState.FAILED, reason="The bank says no")
    asked(world, found.id)
    _proposed(world.owner, found.id, 500_00)
    _approved(world.a.people[Role.ADMINISTRATOR], one(superuser, "SELECT proposal_id FROM payment_refunds"))
    work()
    assert balance(resident, resident.user_id) == 500_00
    assert one(superuser, "SELECT kind FROM payment_flags") == "refund_failed"


def _proposed(person, intent_id, amount):
    with scope(person) as session:
        return payments.propose_refund(session, uuid4(), intent_id, amount, "By mistake")


def _approved(person, proposal):
    with scope(person) as session:
        wallet.decide(session, proposal, "approve")


def test_the_janitor_asks_at_growing_distances_until_it_is_over(world, resident, taken, told, superuser):
    found = intent(begun(resident, taken))
    told.status = PaymentStatus(PaymentState.PENDING, found.amount_paise, found.currency)
    for minutes in (1, 3, 4, 8, 9, 60 * 24 * 3):
        at(superuser, timedelta(minutes=minutes))
        with service_scope("test") as session:
            waiting = payments.waiting(session)
        for org in waiting:
            with tenant_scope(org) as session:
                payments.ask_due(session)
        work()
    assert told.asked == 1 + 3  # the order; after 2 minutes, 4 more, and when it was given up
    assert intent(found.id).status == "expired"


def test_only_residents_top_up_and_nobody_through_accounts_of_others(world, resident, taken, told):
    elsewhere = account(world.b.people[Role.OWNER], "stripe")
    assert refusal(lambda: begun(resident, elsewhere)).status == 404
    assert refusal(lambda: begun(resident, taken, 99)).field == "amount"
    assert refusal(lambda: begun(world.a.people[Role.PENDING_RESIDENT], taken)).status == 403


def test_secrets_of_gateways_are_rotated_with_the_ring(world, taken, told, superuser, monkeypatch):
    from app.crypto import KeyRing
    from app.services.personal import rotation

    ring = KeyRing({"k2": b"n" * 32, **settings().field_keys})
    with service_scope("test") as session:
        rotation.gateway_accounts(session, ring, None, rotation.Rotated())
    assert one(superuser, "SELECT left(secrets_token, 6) FROM gateway_accounts") == "v1.k2."
    with tenant_scope(world.a.org_id) as session:
        assert payments.Keeper(ring, {"razorpay": ""}).open(session, taken) is told
