"""What was booked, as people read it: statements with running balances, which money paid for what (W11), and what all accounts hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session, joinedload

from app.models.residents import Stay
from app.models.rooms import Bed
from app.models.wallet import LedgerAccount, LedgerEntry, Wallet
from app.rules.residents import StayStatus
from app.rules.wallet import CHART, AccountCode, TransactionKind

PAGE = 30


@dataclass(frozen=True)
class Asked:
    """Which entries: from a moment on, before another, of one kind, with a text in what is said of them."""

    since: datetime | None = None
    until: datetime | None = None
    kind: TransactionKind | None = None
    words: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL."""
        found = [LedgerEntry.description.icontains(word, autoescape=True) for word in self.words.split()]
        if self.since is not None:
            found.append(LedgerEntry.event_at >= self.since)
        if self.until is not None:
            found.append(LedgerEntry.event_at < self.until)
        if self.kind is not None:
            found.append(LedgerEntry.kind == self.kind.value)
        return found


def statement(session: Session, account_id: UUID, asked: Asked, *, before: int | None = None, sources: bool = False,
              limit: int = PAGE) -> tuple[Sequence[LedgerEntry], int | None]:
    """A page of an account's entries, the newest first, and where the next page begins; `sources` reads their transactions, which staff may."""
    found = select(LedgerEntry).where(LedgerEntry.account_id == account_id, *asked.conditions()).order_by(LedgerEntry.seq.desc()).limit(limit + 1)
    if before is not None:
        found = found.where(LedgerEntry.seq < before)
    if sources:
        found = found.options(joinedload(LedgerEntry.transaction))
    rows = session.scalars(found).all()
    return rows[:limit], rows[limit - 1].seq if len(rows) > limit else None


# -- which money paid for what -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Funding:
    """A part of a debit and the credit it came from: what came in first is spent first.

    For staff also what the credit was booked for, and how the gateway confirmed it: by which webhook, or when asked,
    and when it paid out.
    """

    debit: int
    kind: str
    description: str
    event_at: datetime
    amount_paise: int
    source: str = ""
    source_id: UUID | None = None
    confirmed_by: str | None = None
    delivery_id: UUID | None = None
    settled_on: date | None = None
    statement_id: UUID | None = None


# Credits and debits of a wallet lie end to end, each on its own line; a debit is paid by the credits that it lies beside.
_FUNDING = """
    WITH line AS (
      SELECT transaction_id, seq, kind, description, event_at, amount_paise AS amount,
             sum(greatest(amount_paise, 0)) OVER past AS into_, sum(greatest(-amount_paise, 0)) OVER past AS out_of
      FROM ledger_entries WHERE org_id = app.current_org() AND account_id = :account
      WINDOW past AS (ORDER BY seq))
    SELECT d.seq AS debit, c.kind, c.description, c.event_at,
           (least(d.out_of, c.into_) - greatest(d.out_of + d.amount, c.into_ - c.amount))::bigint AS amount_paise {more}
    FROM line d JOIN line c ON c.amount > 0 AND c.into_ > d.out_of + d.amount AND c.into_ - c.amount < d.out_of {join}
    WHERE d.amount < 0 AND d.seq = ANY (:debits) ORDER BY d.seq, c.seq"""
_WITH_SOURCES = text(_FUNDING.format(
    more=", t.source, t.source_id, p.source AS confirmed_by, p.delivery_id, s.settled_on, s.statement_id", join="""
    JOIN ledger_transactions t ON t.org_id = app.current_org() AND t.id = c.transaction_id
    LEFT JOIN payment_confirmations p ON p.org_id = app.current_org() AND p.intent_id = t.source_id AND t.source = 'payment_intents'
    LEFT JOIN settlement_lines s ON s.org_id = app.current_org() AND s.confirmation_id = p.id"""))
_WITHOUT = text(_FUNDING.format(more="", join=""))


def funding(session: Session, account_id: UUID, entries: Iterable[LedgerEntry], *, sources: bool = False) -> dict[int, list[Funding]]:
    """For each debit among these entries of a wallet, the credits that paid for it; what is owed still has none."""
    found: dict[int, list[Funding]] = {entry.seq: [] for entry in entries if entry.amount_paise < 0}
    if found:
        asked = _WITH_SOURCES if sources else _WITHOUT
        for row in session.execute(asked, {"account": account_id, "debits": list(found)}).mappings():
            found[row["debit"]].append(Funding(**row))
    return found


# -- periods and days ----------------------------------------------------------------------------------------------------


def balance_before(session: Session, account_id: UUID, moment: datetime) -> int:
    """What the entries of an account that happened before a moment sum to."""
    asked = select(func.coalesce(func.sum(LedgerEntry.amount_paise), 0)).where(LedgerEntry.account_id == account_id, LedgerEntry.event_at < moment)
    return int(session.execute(asked).scalar_one())


def between(session: Session, account_id: UUID, since: datetime, until: datetime) -> Sequence[LedgerEntry]:
    """What happened on an account in a period, the first first."""
    return session.scalars(select(LedgerEntry).where(
        LedgerEntry.account_id == account_id, LedgerEntry.event_at >= since, LedgerEntry.event_at < until,
    ).order_by(LedgerEntry.event_at, LedgerEntry.seq)).all()


@dataclass(frozen=True)
class Held:
    """What one place of the chart holds: of all persons together, of a gateway by itself. Positive is credit."""

    code: AccountCode
    party: str
    accounts: int
    total_paise: int

    @property
    def kind(self) -> str:
        """Asset, liability, income, expense or equity."""
        return CHART[self.code].value

    @property
    def debit_paise(self) -> int:
        """On the left side."""
        return max(0, -self.total_paise)

    @property
    def credit_paise(self) -> int:
        """On the right side."""
        return max(0, self.total_paise)


def trial_balance(session: Session, hostel_id: UUID, before: datetime) -> list[Held]:
    """What the accounts of a hostel held at a moment, in the order of the chart: debits and credits are equal."""
    rows = session.execute(
        select(LedgerAccount.code, LedgerAccount.party, func.count(LedgerAccount.id.distinct()), func.sum(LedgerEntry.amount_paise))
        .join(LedgerEntry.account).where(LedgerAccount.hostel_id == hostel_id, LedgerEntry.hostel_id == hostel_id, LedgerEntry.event_at < before)
        .group_by(LedgerAccount.code, LedgerAccount.party))
    places = {code: place for place, code in enumerate(CHART)}
    found = [Held(AccountCode(code), party, accounts, int(total)) for code, party, accounts, total in rows]
    return sorted(found, key=lambda held: (places[held.code], held.party))


# -- whose wallets -------------------------------------------------------------------------------------------------------


def beds_of(session: Session, wallets: Iterable[Wallet]) -> dict[tuple[UUID, int], Stay]:
    """Where those who have these wallets live now, by hostel and person."""
    users = {wallet.user_id for wallet in wallets}
    if not users:
        return {}
    asked = select(Stay).where(Stay.user_id.in_(users), Stay.status == StayStatus.CURRENT.value).options(
        joinedload(Stay.bed).joinedload(Bed.room))
    return {(stay.hostel_id, stay.user_id): stay for stay in session.scalars(asked)}


def own(session: Session, user_id: int) -> Sequence[Wallet]:
    """A resident's wallets, the one that moved last first."""
    return session.scalars(select(Wallet).where(Wallet.user_id == user_id).options(joinedload(Wallet.hostel)).order_by(
        Wallet.last_computed_at.desc())).all()


# -- what only the platform can decide -----------------------------------------------------------------------------------

_PLATFORM = text("SELECT * FROM app.platform_proposals()")
_PLATFORM_DECIDES = text("SELECT app.platform_decide(:org, :id, :event, :note)")


@dataclass(frozen=True)
class Lonely:
    """A proposal of an organization in which nobody but its proposer could decide; without anybody's name."""

    id: UUID
    org_id: UUID
    organization: str
    hostel: str
    kind: str
    amount_paise: int
    currency: str
    reason: str
    created_at: datetime


def for_platform(session: Session) -> list[Lonely]:
    """What waits for those who run the installation, the oldest first."""
    return [Lonely(**row) for row in session.execute(_PLATFORM).mappings()]


def decide_for(session: Session, org_id: UUID, proposal_id: UUID, event: str, note: str = "") -> None:
    """`approve` or `reject`, as the platform. Errors (as DBAPIError): VR403, VR404 where somebody else could decide, VR409."""
    session.flush()
    session.execute(_PLATFORM_DECIDES, {"org": org_id, "id": proposal_id, "event": event, "note": note})
    session.expire_all()
