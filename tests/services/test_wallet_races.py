"""Several at once: no update is lost, nothing is booked twice, no deadlock comes to the surface (W2)."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.wallet import ProposedKind
from app.services import wallet
from app.tenancy import tenant_scope
from tests.maintenance import scope
from tests.wallet import HOSTEL, balance, between, credit, debit, one, post, residents, sums

WRITERS, EACH = 8, 40


def test_eight_writers_on_three_wallets(app, app_object, world, superuser):
    """The long one is bench/soak/ledger.py."""
    users = residents(superuser, world, 3)
    post(world, *(credit(f"begin{user}", user, 1_000) for user in users))

    def write(number: int) -> tuple[int, int]:
        chance, done, refused = random.Random(number), 0, 0  # noqa: S311 - an example
        with app_object.app_context():
            for step in range(EACH):
                giver, taker = chance.sample(users, 2)
                name, amount = f"{number}.{step}", chance.randint(1, 400)
                batch = chance.choice([[between(name, giver, taker, amount)], [debit(name, giver, amount)], [credit(name, giver, amount)],
                                       [between(f"{name}a", giver, taker, 5), between(f"{name}b", taker, giver, 5)]])
                try:
                    with tenant_scope(world.a.org_id) as session:
                        wallet.post(session, batch)
                    done += len(batch)
                except DBAPIError as error:
                    assert error.orig.pgcode in {"VR409", "23514"}, error  # noqa: PT017 - a deadlock would be another
                    refused += 1
        return done, refused

    with ThreadPoolExecutor(WRITERS) as threads:
        told = list(threads.map(write, range(WRITERS)))
    assert one(superuser, "SELECT count(*) FROM ledger_transactions") == 3 + sum(done for done, _ in told)
    assert sum(refused for _, refused in told) > 0
    assert sum(sums(superuser).values()) == 0
    with tenant_scope(world.a.org_id) as session:
        assert wallet.mismatches(session) == []
    assert one(superuser, """
        SELECT count(*) FROM (SELECT balance_paise - amount_paise AS before, lag(balance_paise, 1, 0::bigint) OVER line AS told, version, row_number() OVER line AS n
                              FROM ledger_entries WHERE version IS NOT NULL WINDOW line AS (PARTITION BY account_id ORDER BY seq)) e
        WHERE before <> told OR version <> n""") == 0


def test_the_same_posting_sent_by_many_at_once_is_booked_once(app, app_object, world, superuser):
    (user,) = residents(superuser, world, 1)

    def write(_: int) -> object:
        with app_object.app_context():
            return post(world, credit("once", user, 700))

    with ThreadPoolExecutor(WRITERS) as threads:
        assert len({str(made) for made in threads.map(write, range(WRITERS))}) == 1
    assert balance(None, user) == 700


def test_two_who_approve_at_once_book_it_once(app, app_object, world, superuser):
    (user,) = residents(superuser, world, 1)
    with scope(world.a.people[Role.ACCOUNTANT]) as session:
        asked = wallet.propose(session, HOSTEL, ProposedKind.ADJUSTMENT, 50, "Sample", user_id=user)

    def decide(role: Role) -> str:
        with app_object.app_context():
            try:
                with scope(world.a.people[role]) as session:
                    wallet.decide(session, asked, "approve")
            except DBAPIError as error:
                return str(error.orig.pgcode)
            return "done"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(decide, [Role.HOSTEL_MANAGER, Role.OWNER])) == ["VR409", "done"]
    assert balance(None, user) == 50
