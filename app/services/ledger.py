"""Proves the ledger (W9): seals each organization's transactions, compares them with their seals and sums, writes them out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.gateways.anchors import AnchorStore
from app.models.wallet import LedgerBatch, LedgerCheck, Wallet
from app.rules.audit import SealKeys
from app.rules.ledger import FREEZE_REASON
from app.services.audit import Finding, Log, Problem, Verification, microseconds
from app.services.audit.logs import as_array
from app.services.wallet import freeze, mismatches

# What is sealed of a transaction: its columns, those of its entries, and what the account of each entry is.
TRANSACTION = ("org_id", "id", "xid", "seq", "hostel_id", "key", "kind", "description", "source", "source_id", "event_at", "created_at", "created_by")
ENTRY = ("org_id", "transaction_id", "position", "seq", "hostel_id", "account_id", "user_id", "kind", "description", "amount_paise", "currency",
         "balance_paise", "version", "event_at", "created_at")
ACCOUNT = ("hostel_id", "code", "party", "user_id", "currency")
_MOMENTS = {"event_at", "created_at"}

_ORGANIZATIONS = text("SELECT org_id, slug FROM app.ledger_organizations()")
_ADD = text("SELECT app.add_ledger_batch(CAST(:batch AS jsonb))")
_NOTE = text("SELECT app.note_ledger_check(:batches, :transactions, :findings, :first)")
_ORPHANS = text("""
    SELECT t.seq, t.key, e.transaction_id, e.entries, e.total FROM ledger_transactions t
    FULL JOIN (SELECT transaction_id, count(*) AS entries, sum(amount_paise) AS total, min(position) AS low, max(position) AS high
               FROM ledger_entries GROUP BY transaction_id) e ON e.transaction_id = t.id
    WHERE t.id IS NULL OR e.entries IS NULL OR e.total <> 0 OR e.low <> 1 OR e.high <> e.entries OR e.entries < 2 ORDER BY t.seq""")
_BALANCES = text("""
    SELECT DISTINCT ON (account_id) account_id, user_id, n, seq, transaction_id, balance_paise, total FROM (
      SELECT e.account_id, a.user_id, e.seq, e.transaction_id, e.version, e.balance_paise, sum(e.amount_paise) OVER line AS total,
             row_number() OVER line AS n
      FROM ledger_entries e JOIN ledger_accounts a ON a.org_id = e.org_id AND a.id = e.account_id AND a.code = 'wallet'
      WINDOW line AS (PARTITION BY e.account_id ORDER BY e.seq)) told
    WHERE version IS DISTINCT FROM n OR balance_paise IS DISTINCT FROM total ORDER BY account_id, seq""")
_WALLETS_OF = text("""
    SELECT DISTINCT w.id FROM ledger_transactions t JOIN ledger_entries e ON e.org_id = t.org_id AND e.transaction_id = t.id
    JOIN wallet_balance_cache w ON w.org_id = e.org_id AND w.id = e.account_id WHERE t.seq = ANY (CAST(:seqs AS bigint[]))
    UNION SELECT w.id FROM ledger_batches b, unnest(b.wallet_seqs, b.wallets) AS x (seq, wallet), wallet_balance_cache w
    WHERE x.seq = ANY (CAST(:seqs AS bigint[])) AND w.org_id = b.org_id AND w.id = x.wallet""")


def _array(table: str, columns: Sequence[str], *more: str) -> str:
    named = [microseconds(f"{table}.{name}") if name in _MOMENTS else f"{table}.{name}" for name in columns]
    return f"jsonb_build_array({', '.join([*named, *more])})"


# A question within a question, and no join: sealing has the planner hash what it joins, which here would be all accounts.
_ACCOUNT_OF = f"(SELECT {_array('a', ACCOUNT)} FROM ledger_accounts a WHERE a.org_id = e.org_id AND a.id = e.account_id)"  # noqa: S608 - names
_ENTRIES_OF = (f"(SELECT jsonb_agg({_array('e', ENTRY, _ACCOUNT_OF)} ORDER BY e.position, e.seq) "  # noqa: S608 - names
               "FROM ledger_entries e WHERE e.org_id = l.org_id AND e.transaction_id = l.id)")


def _add(session: Session, values: Mapping[str, Any]) -> None:
    plain = {name: f"\\x{value.hex()}" if isinstance(value, bytes) else value.isoformat() if isinstance(value, datetime) else value
             for name, value in values.items()}
    session.execute(_ADD, {"batch": json.dumps(plain)})


def log_of(org_id: UUID) -> Log:
    """An organization's ledger as a log that can be sealed, in sessions bound to it."""
    return Log(
        chain=f"ledger.{org_id}", title="the ledger", batches=LedgerBatch, table="ledger_transactions", at="l.created_at",
        horizon="app.ledger_horizon()", add=_add, gone="transaction {} of the ledger", document=f"{_array('l', TRANSACTION, _ENTRIES_OF)}::text",
        told="format('transaction %s of the ledger (%s %s, id %s, hostel %s)', l.seq, l.kind, l.key, l.id, l.hostel_id)")


def organizations(session: Session) -> dict[str, UUID]:
    """On the service login: all of them by their short names."""
    return {row.slug: row.org_id for row in session.execute(_ORGANIZATIONS)}


def bound_to(session: Session) -> UUID:
    """The organization that the session is bound to."""
    found: UUID = session.execute(select(func.app.current_org())).scalar_one()
    return found


# -- what the books must satisfy -----------------------------------------------------------------------------------------


class Check:
    """One comparison of a whole ledger with its seals, its sums and what its wallets tell; the session is bound to its organization."""

    def __init__(self, session: Session, anchors: AnchorStore, keys: SealKeys, org_id: UUID) -> None:
        seals = Verification(session, anchors, keys, log_of(org_id))
        changed, books = list(seals.findings()), list(_books(session))
        self.findings = [*changed, *(found for found, _ in books)]
        self.wallets = _wallets_of(session, changed).union(*(wallets for _, wallets in books))
        self.batches, self.transactions, self.unsealed, self.lost = seals.batches, seals.rows, seals.unsealed, seals.lost


def _books(session: Session) -> Iterator[tuple[Finding, frozenset[UUID]]]:
    """Whatever does not add up: transactions that are not whole, entries out of line, wallets that tell something else."""
    for row in session.execute(_ORPHANS).all():
        if row.seq is None:
            said = f"{row.entries} entries belong to the transaction {row.transaction_id}, which is not there."
        elif row.entries is None:
            said = f"transaction {row.seq} of the ledger ({row.key}) has no entries."
        else:
            said = f"the {row.entries} entries of transaction {row.seq} of the ledger ({row.key}) are not whole, and sum to {row.total} paise."
        yield (Finding(Problem.UNBALANCED, said, row.seq), _wallets_of_transaction(session, row.transaction_id))
    for row in session.execute(_BALANCES).all():
        yield (Finding(Problem.BALANCE, f"entry {row.n} of the wallet {row.account_id} of person {row.user_id} (entry {row.seq} of the ledger, "
                            f"transaction {row.transaction_id}) tells a balance of {row.balance_paise} paise, and the entries sum to {row.total}; "
                            "or one before it is missing."), frozenset({row.account_id}))
    for found in mismatches(session):
        yield (Finding(Problem.BALANCE, f"the wallet {found.wallet_id} of person {found.user_id} holds {found.cached_paise} paise after "
                            f"{found.version} entries, and its {found.entries} entries sum to {found.summed_paise}."), frozenset({found.wallet_id}))


def _wallets_of_transaction(session: Session, transaction_id: UUID | None) -> frozenset[UUID]:
    return frozenset(session.scalars(text(
        "SELECT w.id FROM ledger_entries e JOIN wallet_balance_cache w ON w.org_id = e.org_id AND w.id = e.account_id WHERE e.transaction_id = :id"),
        {"id": transaction_id}))


def _wallets_of(session: Session, findings: Sequence[Finding]) -> set[UUID]:
    """Wallets that transactions touch which were changed or put in, and those that what is sealed touched."""
    return set(session.scalars(_WALLETS_OF, {"seqs": as_array([found.seq for found in findings if found.seq is not None])}))


# -- what follows from it ------------------------------------------------------------------------------------------------


def freeze_all(session: Session, wallets: set[UUID]) -> None:
    """Until somebody has looked into it, nothing is taken from these; those that are frozen stay so."""
    for wallet_id in sorted(wallets):
        freeze(session, wallet_id, FREEZE_REASON)


def note_check(session: Session, check: Check) -> None:
    """Write down that the ledger was checked, and what was found."""
    session.execute(_NOTE, {"batches": check.batches, "transactions": check.transactions, "findings": len(check.findings),
                            "first": str(check.findings[0]) if check.findings else ""})


def last_check(session: Session) -> LedgerCheck | None:
    """When the organization's ledger was checked last."""
    return session.scalars(select(LedgerCheck).order_by(LedgerCheck.created_at.desc()).limit(1)).one_or_none()


def hostels_of(session: Session, wallets: set[UUID]) -> set[UUID]:
    """Where these wallets are; of none, everywhere that there are wallets."""
    asked = select(Wallet.hostel_id).distinct()
    return set(session.scalars(asked.where(Wallet.id.in_(wallets)) if wallets else asked))


# -- files ---------------------------------------------------------------------------------------------------------------

# Spreadsheets take texts that begin like this for formulas.
_GUARDED = "CASE WHEN {0} ~ '^[=+@\\t\\r-]' THEN '''' || {0} ELSE {0} END"
_RUPEES = "({} / 100.0)::numeric(20, 2)"
_EXPORT = f"""
    SELECT e.seq AS entry, t.seq AS transaction, {_GUARDED.format('t.key')} AS key, to_char(e.event_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
           to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS booked_at, h.code AS hostel, a.code AS account,
           a.party, a.user_id AS person, e.kind, {_GUARDED.format('e.description')} AS description, {_RUPEES.format('e.amount_paise')} AS amount,
           e.currency, {_RUPEES.format('e.balance_paise')} AS balance, t.source, t.source_id
    FROM ledger_entries e JOIN ledger_transactions t ON t.org_id = e.org_id AND t.id = e.transaction_id
    JOIN ledger_accounts a ON a.org_id = e.org_id AND a.id = e.account_id JOIN hostels h ON h.org_id = e.org_id AND h.id = e.hostel_id
    WHERE e.event_at >= %(start)s AND e.event_at < %(end)s ORDER BY e.seq"""  # noqa: S608 - parts of this file
_STATEMENT = f"""
    WITH mine AS (
      SELECT e.seq, e.event_at, e.kind, e.description, e.amount_paise, e.currency, sum(e.amount_paise) OVER (ORDER BY e.event_at, e.seq) AS total
      FROM ledger_entries e JOIN ledger_accounts a ON a.org_id = e.org_id AND a.id = e.account_id
      WHERE a.hostel_id = %(hostel)s AND a.code = %(code)s AND a.user_id IS NOT DISTINCT FROM %(person)s AND a.party = %(party)s AND e.event_at < %(end)s)
    SELECT at, kind, description, amount, balance FROM (
      SELECT 0 AS place, NULL::timestamptz AS moment, 0::bigint AS seq, '' AS at, '' AS kind, 'Opening balance' AS description, NULL::numeric AS amount,
             {_RUPEES.format('coalesce((SELECT sum(amount_paise) FROM mine WHERE event_at < %(start)s), 0)')} AS balance
      UNION ALL
      SELECT 1, event_at, seq, to_char(event_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), kind, {_GUARDED.format('description')},
             {_RUPEES.format('amount_paise')}, {_RUPEES.format('total')} FROM mine WHERE event_at >= %(start)s
      UNION ALL
      SELECT 2, NULL, 0, '', '', 'Closing balance', NULL, {_RUPEES.format('coalesce((SELECT sum(amount_paise) FROM mine), 0)')}) line
    ORDER BY place, moment, seq"""  # noqa: S608 - parts of this file
_TOTALS = text("""
    SELECT h.code AS hostel, a.code AS account, a.party, a.currency, count(DISTINCT a.id) AS accounts, count(*) AS entries, sum(e.amount_paise)::bigint AS paise
    FROM ledger_entries e JOIN ledger_accounts a ON a.org_id = e.org_id AND a.id = e.account_id JOIN hostels h ON h.org_id = e.org_id AND h.id = a.hostel_id
    WHERE e.event_at < :end AND (CAST(:person AS integer) IS NULL OR a.user_id = :person)
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3""")


@dataclass(frozen=True)
class Account:
    """Which account a statement is of."""

    hostel_id: UUID
    code: str
    person: int | None = None
    party: str = ""


def totals(session: Session, end: datetime, person: int | None = None) -> Sequence[Any]:
    """What each kind of account holds in each hostel, of everybody or of one person."""
    return session.execute(_TOTALS, {"end": end, "person": person}).all()


def write_entries(session: Session, target: IO[Any], start: datetime, end: datetime) -> int:
    """All entries of a time as CSV, as the database writes it: nothing piles up in memory. Returns how many."""
    return _copy(session, target, _EXPORT, start=start, end=end)


def write_statement(session: Session, target: IO[Any], account: Account, start: datetime, end: datetime) -> int:
    """One account's entries of a time, with the balance before, after each and at the end. Returns how many entries."""
    return _copy(session, target, _STATEMENT, start=start, end=end, hostel=str(account.hostel_id), code=account.code, person=account.person,
                 party=account.party) - 2


def _copy(session: Session, target: IO[Any], statement: str, **given: Any) -> int:
    cursor: Any = session.connection().connection.cursor()
    wanted = cursor.mogrify(statement, given).decode()
    cursor.copy_expert(f"COPY ({wanted}) TO STDOUT WITH (FORMAT csv, HEADER)", target)
    return int(cursor.rowcount)
