"""Money moves in whole transactions that sum to zero, once per key, and no wallet goes below its limit (W1, W2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.errors import Invalid
from app.rules.wallet import AccountCode, Entry, Posting, ProposedKind, TransactionKind, transfer
from app.services import wallet
from app.tenancy import tenant_scope
from jobs import registry
from jobs.outbox import Drainer
from tests.maintenance import scope
from tests.wallet import HOSTEL, balance, between, credit, debit, one, post, residents, sums

C, K = AccountCode, TransactionKind


@pytest.fixture
def user(app, world, superuser):
    (found,) = residents(superuser, world, 1)
    return found


def refused(sqlstate, world, *postings):
    with pytest.raises(DBAPIError) as raised:
        post(world, *postings)
    assert raised.value.orig.pgcode == sqlstate
    return raised.value.orig.diag.message_primary


def test_a_posting_is_seen_on_both_sides_with_the_balance_after(world, user, superuser):
    post(world, credit("in", user, 500_00))
    post(world, debit("out", user, 120_50))
    assert sums(superuser) == {("bank", None, ""): -500_00, ("wallet", user, ""): 379_50, ("canteen", None, ""): 120_50}
    with tenant_scope(world.a.org_id) as session:
        purse = wallet.wallet_of(session, HOSTEL, user)
        assert (purse.balance_paise, purse.version) == (379_50, 2)
        assert [(e.amount_paise, e.balance_paise, e.kind) for e in wallet.entries(session, purse.id)] == [
            (-120_50, 379_50, "order"), (500_00, 500_00, "opening")]
        assert wallet.balance(session, HOSTEL, C.CANTEEN) == 120_50
        assert wallet.mismatches(session) == []


def test_the_same_key_is_booked_once_and_something_else_under_it_is_refused(world, user):
    first = post(world, credit("once", user, 100_00))
    assert post(world, credit("once", user, 100_00)) == first
    assert balance(None, user) == 100_00
    assert refused("VR409", world, credit("once", user, 100_01)) == "Something else was booked under this key."
    assert refused("VR409", world, debit("once", user, 100_00))


def test_the_time_of_the_event_is_kept_beside_that_of_the_booking(world, user):
    happened = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    with tenant_scope(world.a.org_id) as session:
        wallet.post(session, [transfer("late", K.OPENING, HOSTEL, 5, debit=C.OPENING, credit=C.WALLET, user_id=user, event_at=happened)])
        (entry,) = wallet.entries(session, wallet.wallet_of(session, HOSTEL, user).id)
        assert entry.event_at == happened < entry.created_at
        assert wallet.balance(session, HOSTEL, C.WALLET, user, before=happened) == 0


def test_a_wallet_never_goes_below_its_limit_and_a_refused_batch_changes_nothing(world, user, superuser):
    post(world, credit("in", user, 100))
    assert refused("VR409", world, debit("too much", user, 101)) == "There is not enough money in the wallet."
    with pytest.raises(DBAPIError, match="wallet_balance_cache_limit"), superuser.begin() as connection:
        connection.execute(text("UPDATE wallet_balance_cache SET balance_paise = -1"))
    # Not in between either, though the batch as a whole would leave enough.
    assert refused("VR409", world, debit("a", user, 60), debit("b", user, 60), credit("c", user, 500)) == "There is not enough money in the wallet."
    assert one(superuser, "SELECT count(*) FROM ledger_transactions") == 1
    assert balance(None, user) == 100
    post(world, credit("c", user, 500), debit("a", user, 60), debit("b", user, 60))
    assert balance(None, user) == 480


@pytest.mark.parametrize(("entries", "words"), [
    ((Entry(C.BANK, 5), Entry(C.CANTEEN, -4)), "must sum to zero"),
    ((Entry(C.BANK, 5),), "two entries or more"),
    ((Entry(C.BANK, 0), Entry(C.CANTEEN, 0)), "two entries or more"),
    ((Entry(C.WALLET, 5), Entry(C.CANTEEN, -5)), "belongs to a person"),
    ((Entry(C.BANK, 5, 7), Entry(C.CANTEEN, -5)), "belongs to a person"),
    ((Entry(C.BANK, 10**13), Entry(C.CANTEEN, -10**13)), "too large"),
])
def test_what_is_no_posting_is_refused_by_the_rules(entries, words):
    with pytest.raises(Invalid, match=words):
        Posting("x", K.OPENING, HOSTEL, entries).check()


def test_the_database_refuses_what_does_not_sum_to_zero_and_what_is_added_later(world, user, superuser):
    made = post(world, credit("in", user, 100))
    account = one(superuser, "SELECT account_id FROM ledger_entries WHERE balance_paise IS NOT NULL")
    add = ("INSERT INTO ledger_entries (org_id, hostel_id, transaction_id, position, account_id, kind, amount_paise, currency, event_at) "
           "VALUES {}")
    row = f"('{world.a.org_id}', '{HOSTEL}', '{made[0]}', %s, '{account}', 'opening', %s, 'INR', now())"
    for rows in ([(3, 5)], [(1, 5), (2, -5)], [(3, 5), (4, -5)]):
        with pytest.raises(DBAPIError), superuser.begin() as connection:
            connection.execute(text(add.format(", ".join(row % one for one in rows))))


def test_nobody_changes_what_is_booked(world, user, superuser):
    post(world, credit("in", user, 100))
    for statement in ("UPDATE ledger_entries SET amount_paise = 1", "DELETE FROM ledger_entries", "TRUNCATE ledger_entries",
                      "UPDATE ledger_transactions SET key = 'x'", "DELETE FROM ledger_transactions"):
        with pytest.raises(DBAPIError, match="is a log"), superuser.begin() as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize("role", [Role.OWNER, Role.RESIDENT, Role.CANTEEN_STAFF])
def test_people_book_nothing_by_hand(world, user, role):
    for statement in ("UPDATE wallet_balance_cache SET balance_paise = 1", "INSERT INTO ledger_entries (amount_paise) VALUES (1)",
                      "SELECT app.post('[]')", "SELECT app.post_batch('[]')", "SELECT app.book('k', 'opening', NULL, 1, 'bank', NULL, 'wallet', 1)"):
        with pytest.raises(DBAPIError, match=r"permission denied|by hand"), scope(world.a.people[role]) as session:
            session.execute(text(statement))


def test_a_resident_sees_their_own_wallet_and_an_outsider_none(world, user):
    mine = world.resident.user_id
    post(world, credit("mine", mine, 300), credit("theirs", user, 200))
    assert balance(world.resident, mine) == 300
    assert balance(world.resident, user) == 0
    with scope(world.resident) as session:
        assert session.scalar(text("SELECT count(*) FROM ledger_entries")) == 1
    with scope(world.outsider) as session:
        assert session.scalar(text("SELECT count(*) FROM wallet_balance_cache")) == 0


# -- freezing ------------------------------------------------------------------------------------------------------------


def test_a_frozen_wallet_gives_nothing_takes_what_comes_and_says_why(world, user, superuser):
    other = world.resident.user_id
    post(world, credit("in", user, 100), credit("in too", other, 100))
    accountant = world.a.people[Role.ACCOUNTANT]
    with scope(accountant) as session:
        purse = wallet.wallet_of(session, HOSTEL, user).id
        wallet.freeze(session, purse, "Two payments look alike.")
    assert "frozen" in refused("VR409", world, debit("out", user, 1))
    assert "frozen" in refused("VR409", world, between("give", user, other, 1))
    post(world, credit("more", user, 50), between("get", other, user, 5))
    assert balance(None, user) == 155
    with pytest.raises(DBAPIError, match="already"), scope(accountant) as session:
        wallet.freeze(session, purse, "again")
    with scope(accountant) as session:
        wallet.unfreeze(session, purse, "They were two.")
        (frozen,) = wallet.freezes(session, purse)
        assert (frozen.reason, frozen.lift_reason, frozen.created_by) == ("Two payments look alike.", "They were two.", accountant.user_id)
    post(world, debit("out", user, 155))


def test_somebody_elses_wallet_is_one_that_does_not_exist(world, user):
    with tenant_scope(world.a.org_id) as session:
        wallet.post(session, [credit("in", user, 1)])
        purse = wallet.wallet_of(session, HOSTEL, user).id
    for person, state in ((world.outsider, "VR404"), (world.a.people[Role.VIEWER], "VR404")):
        with pytest.raises(DBAPIError) as raised, scope(person) as session:
            wallet.freeze(session, purse, "because")
        assert raised.value.orig.pgcode == state


# -- proposals -----------------------------------------------------------------------------------------------------------


def test_nobody_decides_on_their_own_proposal_and_approval_books_it(world, user, superuser):
    accountant, manager = world.a.people[Role.ACCOUNTANT], world.a.people[Role.HOSTEL_MANAGER]
    with scope(accountant) as session:
        asked = wallet.propose(session, HOSTEL, ProposedKind.ADJUSTMENT, 250_00, "Paid in cash at the desk", user_id=user)
        assert wallet.propose(session, HOSTEL, ProposedKind.ADJUSTMENT, 250_00, "Paid in cash at the desk", user_id=user, proposal_id=asked) == asked
    with pytest.raises(DBAPIError, match="their own proposal"), scope(accountant) as session:
        wallet.decide(session, asked, "approve")
    assert balance(None, user) == 0
    with scope(manager) as session:
        wallet.decide(session, asked, "approve")
        found = wallet.find_proposal(session, asked)
        assert (found.status, found.decided_by, found.transaction_id is not None) == ("approved", manager.user_id, True)
    assert balance(None, user) == 250_00
    with pytest.raises(DBAPIError, match="approved already"), scope(manager) as session:
        wallet.decide(session, asked, "reject", "too late")
    log = one(superuser, "SELECT array_agg(DISTINCT actor_id ORDER BY actor_id) FROM audit_log WHERE table_name = 'ledger_proposals'")
    assert log == sorted([accountant.user_id, manager.user_id])


@pytest.mark.parametrize(("kind", "amount", "account"), [
    (ProposedKind.ADJUSTMENT, -30, "adjustments"), (ProposedKind.PAYOUT, 30, "bank")])
def test_each_kind_of_proposal_moves_its_accounts(world, user, superuser, kind, amount, account):
    post(world, credit("in", user, 100))
    with scope(world.a.people[Role.ACCOUNTANT]) as session:
        asked = wallet.propose(session, HOSTEL, kind, amount, "Sample", user_id=user)
    with scope(world.a.people[Role.HOSTEL_MANAGER]) as session:
        wallet.decide(session, asked, "approve")
    found = sums(superuser)
    mine = found["wallet", user, ""] - 100
    assert mine == -30
    assert found[account, None, ""] - (-100 if account == "bank" else 0) == -mine


def test_a_proposal_sent_twice_at_once_is_one(app, world, user):
    key = uuid4()

    def send(_):
        with app.app_context(), scope(world.a.people[Role.ACCOUNTANT]) as session:
            return wallet.propose(session, HOSTEL, ProposedKind.ADJUSTMENT, 5, "Sample", user_id=user, proposal_id=key)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(send, range(4))) == {key}


def test_what_may_not_be_proposed(world, user):
    accountant = world.a.people[Role.ACCOUNTANT]
    for given, state in (({"amount_paise": 0}, "VR422"), ({"reason": " "}, "VR422"), ({"kind": ProposedKind.PAYOUT, "amount_paise": -5}, "VR422"),
                         ({"user_id": world.outsider.user_id}, "VR404"), ({"hostel_id": world.b.places[0].hostel_id}, "VR404")):
        asked = {"hostel_id": HOSTEL, "kind": ProposedKind.ADJUSTMENT, "amount_paise": 5, "reason": "Sample", "user_id": user, **given}
        with pytest.raises(DBAPIError) as raised, scope(accountant) as session:
            wallet.propose(session, asked.pop("hostel_id"), asked.pop("kind"), asked.pop("amount_paise"), asked.pop("reason"), **asked)
        assert raised.value.orig.pgcode == state, given
    for role, state in ((Role.VIEWER, "VR404"), (Role.RESIDENT, None)):
        with pytest.raises(DBAPIError) as raised, scope(world.a.people[role]) as session:
            wallet.propose(session, HOSTEL, ProposedKind.ADJUSTMENT, 5, "Sample", user_id=user)
        assert raised.value.orig.pgcode == (state or "42501")


def test_who_could_approve_is_told_and_then_who_proposed(world, user, superuser):
    registry.load()
    accountant, manager = world.a.people[Role.ACCOUNTANT], world.a.people[Role.HOSTEL_MANAGER]
    with scope(accountant) as session:
        asked = wallet.propose(session, HOSTEL, ProposedKind.ADJUSTMENT, 5, "Sample", user_id=user)
    Drainer.new().drain()
    told = "SELECT array_agg(user_id) FROM notifications WHERE kind = :kind"
    assert manager.user_id in one(superuser, told, kind="wallet.proposed")
    assert accountant.user_id not in one(superuser, told, kind="wallet.proposed")
    with scope(manager) as session:
        wallet.decide(session, asked, "reject", "No.")
    Drainer.new().drain()
    assert one(superuser, told, kind="wallet.decided") == [accountant.user_id]
