"""Statements are booked once, line by line; what does not agree is decided by two people, and a payment the gateway does not know freezes the wallet (W6, W8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.gateways.payments import NO_API, GatewayRefused, LineKind, SettlementLine
from app.permissions import Role
from app.rules.reconciliation import Origin
from app.rules.wallet import ProposedKind
from app.services import payments, reconciliation, wallet
from app.tenancy import tenant_scope
from app.wiring import settings
from tests.maintenance import refusal, scope
from tests.payments import Told, account, answering, begun, intent, paid, settled_in, work
from tests.wallet import one, sums

TODAY = datetime.now(UTC).date()


class Stating(Told):
    """A gateway that also has statements."""

    lines: tuple[SettlementLine, ...] = ()

    def settlements(self, day):
        return [line for line in self.lines if line.settled_on == day]


@pytest.fixture
def told(monkeypatch):
    return answering(monkeypatch, Stating())


@pytest.fixture
def resident(app, world, superuser):
    return settled_in(superuser, world.a.people[Role.RESIDENT])


@pytest.fixture
def taken(told, world, resident):
    return account(world.owner, is_default=True)


def topped_up(world, resident, taken, told, amount=500_00):
    found = intent(begun(resident, taken, amount, confirmed=True))
    told.status = paid(found)
    with tenant_scope(world.a.org_id) as session:
        payments.answered(session, payments.keeper_of(settings()), found.id, None)
    return told.status.payment_id


def stated(number, payment_id="", amount=500_00, kind=LineKind.PAYMENT, fee=10_00, tax=1_80, on=TODAY, **more):
    return SettlementLine(f"l{number}", kind, payment_id, amount, fee, tax, f"UTR{on}", on, occurred_at=datetime.now(UTC), **more)


def stand(world, taken, *lines):
    with tenant_scope(world.a.org_id) as session:
        found = reconciliation.add(session, taken, lines, Origin.API)
    work()
    return found


def breaks(superuser, what="cause || ' ' || amount_paise || ' ' || status"):
    with superuser.connect() as connection:
        return list(connection.scalars(text(f"SELECT {what} FROM reconciliation_breaks ORDER BY cause")))


def decide(person, proposal, event="approve"):
    with scope(person) as session:
        wallet.decide(session, proposal, event, "Seen")


def test_a_settlement_is_booked_once_however_often_it_is_stated(world, resident, taken, told, superuser):
    lines = [stated(1, topped_up(world, resident, taken, told)), stated(2, amount=-5_00, kind=LineKind.FEE, fee=0, tax=0)]
    told.lines = tuple(lines)
    first = stand(world, taken, *lines)
    assert stand(world, taken, *reversed(lines)) == first
    with tenant_scope(world.a.org_id) as session:
        assert reconciliation.fetch(session, payments.keeper_of(settings()), taken, TODAY) == [first]
        told.settlements = Mock(side_effect=GatewayRefused(NO_API, "As a file."))
        assert reconciliation.fetch(session, payments.keeper_of(settings()), taken, TODAY) == []  # and is not tried all night
    held = sums(superuser)
    assert (held["clearing", None, "razorpay"], held["bank", None, ""], held["gateway_fees", None, ""]) == (0, -483_20, -16_80)
    assert breaks(superuser) == []
    assert one(superuser, "SELECT count(*) FROM ledger_transactions WHERE key LIKE 'settlement:razorpay:%'") == 2


def test_two_accounts_of_one_gateway_may_number_their_lines_alike(world, resident, taken, told, superuser):
    other = account(world.owner)
    for where in (taken, other):
        stand(world, where, stated(1, amount=-5_00, kind=LineKind.FEE, fee=0, tax=0))
    held = sums(superuser)
    assert (held["bank", None, ""], held["gateway_fees", None, ""]) == (10_00, -10_00)


def test_too_little_is_written_off_by_two_people_and_a_duplicate_corrected(world, resident, taken, told, superuser):
    number = topped_up(world, resident, taken, told)
    stand(world, taken, stated(1, number, amount=499_00), stated(2, number, amount=499_00))
    assert breaks(superuser) == ["amount_differs 100 open", "duplicate -49900 open"]
    assert one(superuser, "SELECT frozen FROM wallet_balance_cache WHERE user_id = :user", user=resident.user_id)
    assert one(superuser, "SELECT payload ->> 'priority' FROM outbox WHERE kind = 'reconciliation.alarm'") == "p0"
    less, twice = breaks(superuser, "id")
    manager = world.a.people[Role.ADMINISTRATOR]
    for found, kind in ((less, ProposedKind.WRITE_OFF), (twice, ProposedKind.ADJUSTMENT)):
        once = uuid4()
        for _ in range(2):
            with scope(world.owner) as session:
                reconciliation.propose(session, found, kind, "Looked into", once)
        assert refusal(lambda: decide(world.owner, once)).status == 403  # noqa: B023
        decide(manager, once)
    assert breaks(superuser, "status") == ["written_off", "corrected"]
    assert sums(superuser)["clearing", None, "razorpay"] == 0
    stand(world, taken, stated(3, topped_up(world, resident, taken, told)))
    assert breaks(superuser, "status") == ["written_off", "corrected"]  # what is decided is not found again


def test_what_the_gateway_never_tells_of_is_late_then_lost_and_its_line_ends_that(world, resident, taken, told, superuser):
    number = topped_up(world, resident, taken, told)
    stand(world, taken, stated(1, amount=-1_00, kind=LineKind.FEE, fee=0, tax=0, on=TODAY + timedelta(days=7)))
    stand(world, taken, stated(2, amount=-1_00, kind=LineKind.FEE, fee=0, tax=0, on=TODAY + timedelta(days=20)))
    assert breaks(superuser) == ["late 0 matched", "missing_at_gateway 50000 open"]
    stand(world, taken, stated(3, number, on=TODAY + timedelta(days=21)))
    assert breaks(superuser, "status") == ["matched", "matched"]
    assert sums(superuser)["clearing", None, "razorpay"] == 0


def test_an_unknown_line_is_matched_by_hand_by_who_may(world, resident, taken, told, superuser):
    topped_up(world, resident, taken, told)
    stand(world, taken, stated(1, "pay_of_somebody", amount=480_00), stated(2, "pay_else", refund_id="rf", kind=LineKind.REFUND, amount=-7_00, fee=0, tax=0))
    assert sorted(breaks(superuser)) == ["missing_in_ledger -48000 open", "unknown_refund 700 open"]
    found = next(i for i, cause in zip(breaks(superuser, "id"), breaks(superuser, "cause"), strict=True) if cause == "missing_in_ledger")
    ours = one(superuser, "SELECT id FROM payment_confirmations")

    def by_hand(person):
        with scope(person) as session:
            reconciliation.match_by_hand(session, found, ours)

    assert refusal(lambda: by_hand(world.b.people[Role.OWNER])).status == 404
    with scope(world.owner) as session:
        assert [c.id for c in reconciliation.candidates(session, reconciliation.find(session, found).stated)] == [ours]
    by_hand(world.owner)
    assert refusal(lambda: by_hand(world.owner)).status == 409
    assert sorted(breaks(superuser)) == ["amount_differs 2000 open", "missing_in_ledger -48000 matched", "unknown_refund 700 open"]


def test_money_on_its_way_that_no_payment_explains_is_found(world, resident, taken, told, superuser):
    topped_up(world, resident, taken, told)
    with scope(world.owner) as session:
        proposal = wallet.propose(session, resident.hostel_id, ProposedKind.WRITE_OFF, 3_00, "By hand, beside reconciliation", party="razorpay")
    decide(world.a.people[Role.ADMINISTRATOR], proposal)
    for _ in range(2):
        with tenant_scope(world.a.org_id) as session:
            reconciliation.check_clearing(session)
    assert breaks(superuser) == ["clearing_differs 300 open"]
