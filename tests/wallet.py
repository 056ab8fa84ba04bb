"""What tests of money share: residents with wallets, the ledger as a plain thing in memory, and what the tables say behind the walls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from app.rules.errors import Invalid
from app.rules.wallet import AccountCode, Entry, Posting, TransactionKind, transfer
from app.services import wallet
from app.tenancy import tenant_scope
from tests.world import Person, World

HOSTEL = World.known().a.places[0].hostel_id
C, K = AccountCode, TransactionKind


@dataclass
class Book:
    """The ledger as anybody would write it down; `post` takes all of a batch, or raises Invalid and takes nothing."""

    balances: dict[tuple[UUID, AccountCode, int | None, str], int] = field(default_factory=lambda: defaultdict(int))
    limits: dict[int, int] = field(default_factory=dict)
    frozen: set[int] = field(default_factory=set)
    posted: dict[str, Posting] = field(default_factory=dict)

    def post(self, batch: Iterable[Posting]) -> None:
        balances, posted = defaultdict(int, self.balances), dict(self.posted)
        for posting in batch:
            if posting.key in posted:
                continue
            posted[posting.key] = posting
            for entry in posting.entries:
                place = (posting.hostel_id, entry.code, entry.user_id, entry.party)
                balances[place] += entry.amount_paise
            for entry in posting.entries:
                if entry.code is not C.WALLET or entry.amount_paise > 0 or entry.user_id is None:
                    continue
                if entry.user_id in self.frozen and posting.kind is not K.ADJUSTMENT:
                    raise Invalid("frozen")
                if balances[posting.hostel_id, C.WALLET, entry.user_id, ""] < -self.limits.get(entry.user_id, 0):
                    raise Invalid("not enough")
        self.balances, self.posted = balances, posted


def residents(superuser: Engine, world: World, count: int) -> list[int]:
    """More residents of A's first hostel, each with a wallet; by id."""
    with superuser.begin() as connection:
        users = list(connection.scalars(text("""
            WITH accounts AS (
              INSERT INTO ab_user (id, first_name, last_name, username, email, active)
              SELECT nextval('ab_user_id_seq'), 'W', n::text, 'w' || n || '@x.example', 'w' || n || '@x.example', true FROM generate_series(1, :count) n
              RETURNING id),
            joined AS (
              INSERT INTO members (org_id, user_id, name, email) SELECT :org, id, 'Resident ' || id, id || '@x.example' FROM accounts RETURNING user_id)
            INSERT INTO memberships (org_id, user_id, role, hostel_id) SELECT :org, user_id, 'resident', :hostel FROM joined RETURNING user_id"""),
            {"count": count, "org": world.a.org_id, "hostel": HOSTEL}))
        connection.execute(text("""
            INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on)
            SELECT :org, :hostel, 5000 + n, u, '2026-01-01' FROM unnest(:users) WITH ORDINALITY AS x (u, n)"""),
            {"org": world.a.org_id, "hostel": HOSTEL, "users": users})
    return users


def credit(key: str, user_id: int, amount: int, code: AccountCode = C.BANK) -> Posting:
    """Money comes into a wallet."""
    return transfer(key, K.OPENING, HOSTEL, amount, debit=code, credit=C.WALLET, user_id=user_id)


def debit(key: str, user_id: int, amount: int, code: AccountCode = C.CANTEEN) -> Posting:
    """Money leaves a wallet."""
    return transfer(key, K.ORDER, HOSTEL, amount, debit=C.WALLET, credit=code, user_id=user_id)


def between(key: str, giver: int, taker: int, amount: int) -> Posting:
    """From one wallet to another."""
    return transfer(key, K.TRANSFER, HOSTEL, amount, debit=Entry(C.WALLET, 0, giver), credit=Entry(C.WALLET, 0, taker))


def post(world: World, *postings: Posting) -> list[UUID]:
    """As the product itself; committed."""
    with tenant_scope(world.a.org_id) as session:
        return wallet.post(session, postings)


def balance(person: Person | None, user_id: int) -> int:
    """What the wallet's row tells, as this person sees it, or as the product does."""
    world = World.known()
    with tenant_scope(world.a.org_id, person.user_id if person else None) as session:
        found = wallet.wallet_of(session, HOSTEL, user_id)
        return found.balance_paise if found else 0


def sums(superuser: Engine) -> dict[tuple[str, int | None, str], int]:
    """What the entries of each account of A's first hostel sum to."""
    with superuser.connect() as connection:
        return {(row.code, row.user_id, row.party): row.total for row in connection.execute(text("""
            SELECT a.code, a.user_id, a.party, sum(e.amount_paise)::bigint AS total FROM ledger_entries e
            JOIN ledger_accounts a ON a.org_id = e.org_id AND a.id = e.account_id WHERE a.hostel_id = :hostel
            GROUP BY a.code, a.user_id, a.party"""), {"hostel": HOSTEL})}


def one(superuser: Engine, sql: str, **given: Any) -> Any:
    with superuser.connect() as connection:
        return connection.execute(text(sql), given).scalar()
