"""Whatever is booked in whatever order, the database agrees with a plain book in memory (W1, W2)."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.errors import Invalid
from app.rules.wallet import AccountCode, Posting, ProposedKind, TransactionKind, transfer
from app.services import wallet
from app.tenancy import tenant_scope
from tests.houses import execute
from tests.maintenance import scope
from tests.wallet import HOSTEL, Book, between, credit, debit, one, residents, sums
from tests.world import World

PEOPLE = 3
EXAMPLES, STEPS = 6, 30
PERSON, AMOUNT, KEY = st.integers(0, PEOPLE - 1), st.integers(1, 300), st.integers(0, 30)
MOVE = st.tuples(st.sampled_from(["in", "out", "between", "charge"]), KEY, PERSON, PERSON, AMOUNT)


class Ledger(RuleBasedStateMachine):
    """Batches, freezes and proposals on three wallets, one of which may go 100 below zero."""

    world: World
    superuser: Engine
    users: list[int]

    @initialize()
    def begin(self) -> None:
        execute(self.superuser, f"""
            SET session_replication_role = replica; TRUNCATE ledger_entries, ledger_transactions, ledger_proposals, wallet_freezes CASCADE;
            UPDATE wallet_balance_cache SET balance_paise = 0, version = 0, frozen = false,
              limit_paise = CASE user_id WHEN {self.users[0]} THEN 100 ELSE 0 END""")
        self.book = Book(limits={self.users[0]: 100})
        self.proposed = 0
        # With money in them: else most of what is tried is refused for the lack of it.
        opening = [credit(f"begin{user}", user, 400) for user in self.users]
        self.book.post(opening)
        assert self.attempt(lambda session: wallet.post(session, opening))

    def posting(self, how: str, key: int, giver: int, taker: int, amount: int) -> Posting:
        # The same thing may come twice, and never something else under its key.
        name = f"{how}{key}.{giver}.{taker}.{amount}"
        if how == "between":
            return between(name, self.users[giver], self.users[taker], amount)
        if how == "charge":
            return transfer(name, TransactionKind.CHARGE, HOSTEL, amount, debit=AccountCode.RECEIVABLE, credit=AccountCode.RENT, user_id=self.users[giver])
        return (credit if how == "in" else debit)(name, self.users[giver], amount)

    @rule(moves=st.one_of(MOVE.map(lambda move: [move]), st.lists(MOVE, min_size=1, max_size=4)))
    def post(self, moves: list[Any]) -> None:
        batch = list({one.key: one for one in (self.posting(*move) for move in moves if move[0] != "between" or move[2] != move[3])}.values())
        try:
            self.book.post(batch)
            fine = True
        except Invalid:
            fine = False
        assert self.attempt(lambda session: wallet.post(session, batch)) is fine

    @rule(who=PERSON)
    def freeze(self, who: int) -> None:
        fine = self.users[who] not in self.book.frozen
        assert self.attempt(lambda session: wallet.freeze(session, self.purse(session, who), "Sample"), Role.ACCOUNTANT) is fine
        self.book.frozen.add(self.users[who])

    @rule(who=PERSON)
    def unfreeze(self, who: int) -> None:
        fine = self.users[who] in self.book.frozen
        assert self.attempt(lambda session: wallet.unfreeze(session, self.purse(session, who), "Sample"), Role.ACCOUNTANT) is fine
        self.book.frozen.discard(self.users[who])

    @rule(who=PERSON, amount=st.integers(-200, 200).filter(bool))
    def adjust(self, who: int, amount: int) -> None:
        with scope(self.world.a.people[Role.ACCOUNTANT]) as session:
            asked = wallet.propose(session, HOSTEL, ProposedKind.ADJUSTMENT, amount, "Sample", user_id=self.users[who])
        self.proposed += 1
        giving = {"debit": AccountCode.ADJUSTMENTS, "credit": AccountCode.WALLET}
        taking = {"debit": AccountCode.WALLET, "credit": AccountCode.ADJUSTMENTS}
        posting = transfer(f"proposal{self.proposed}", TransactionKind.ADJUSTMENT, HOSTEL, abs(amount), user_id=self.users[who],
                           **(giving if amount > 0 else taking))
        try:
            self.book.post([posting])
            fine = True
        except Invalid:
            fine = False
        assert self.attempt(lambda session: wallet.decide(session, asked, "approve"), Role.HOSTEL_MANAGER) is fine

    def purse(self, session: Any, who: int) -> Any:
        return wallet.wallet_of(session, HOSTEL, self.users[who]).id

    def attempt(self, work: Any, role: Role | None = None) -> bool:
        try:
            with scope(self.world.a.people[role]) if role else tenant_scope(self.world.a.org_id) as session:
                work(session)
        except DBAPIError as error:
            assert error.orig.pgcode == "VR409", error  # noqa: PT017 - the constraint would be too late: it does not see the middle of a batch
            return False
        return True

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "book"):
            return
        wanted = {(code.value, user, party): total for (_, code, user, party), total in self.book.balances.items()}
        assert {k: v for k, v in sums(self.superuser).items() if v} == {k: v for k, v in wanted.items() if v}
        assert one(self.superuser, "SELECT coalesce(sum(amount_paise), 0) FROM ledger_entries") == 0
        with tenant_scope(self.world.a.org_id) as session:
            assert wallet.mismatches(session) == []
            for user in self.users:
                purse = wallet.wallet_of(session, HOSTEL, user)
                assert purse.balance_paise == wanted.get(("wallet", user, ""), 0) >= -self.book.limits.get(user, 0)


def test_the_database_keeps_the_book_a_child_would(app, world, superuser):
    Ledger.world, Ledger.superuser, Ledger.users = world, superuser, residents(superuser, world, PEOPLE)
    with tenant_scope(world.a.org_id) as session:  # opens the wallets
        wallet.post(session, [credit(f"open{user}", user, 1) for user in Ledger.users])
    run_state_machine_as_test(Ledger, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, database=None,
                                                        derandomize=True, suppress_health_check=list(HealthCheck)))
