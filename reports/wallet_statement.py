"""The statement of a wallet for a period: what was in it, each movement with what was there afterwards, what is in it at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.models.wallet import LedgerEntry, Wallet
from app.services import wallet_reading as reading
from reports.period import read_period


@dataclass(frozen=True)
class Parameters:
    """First and last day, in the hostel's zone."""

    first: date
    last: date


@dataclass(frozen=True)
class Statement:
    """The statement's data; `rows` are the movements with the balance after each."""

    parameters: Parameters
    organization: str
    made_by: str
    made_at: datetime
    wallet: Wallet
    opening_paise: int
    rows: Sequence[tuple[LedgerEntry, int]]

    @property
    def closing_paise(self) -> int:
        """What is in it after the last day."""
        return self.rows[-1][1] if self.rows else self.opening_paise

    @property
    def in_paise(self) -> int:
        """All that came in."""
        return sum(entry.amount_paise for entry, _ in self.rows if entry.amount_paise > 0)

    @property
    def out_paise(self) -> int:
        """All that went out."""
        return -sum(entry.amount_paise for entry, _ in self.rows if entry.amount_paise < 0)

    @property
    def zone(self) -> ZoneInfo:
        """The hostel's, in which days begin."""
        return ZoneInfo(self.wallet.hostel.timezone)


def read_parameters(given: Mapping[str, str], today: date) -> Parameters:
    """From a form's `first` and `last`; Invalid with the field that is wrong."""
    return Parameters(*read_period(given, today))


def query(session: Session, wallet: Wallet, parameters: Parameters, *, organization: str, made_by: str, now: datetime) -> Statement:
    """The statement as the caller may see it: two statements. By when things happened, whenever they were booked."""
    zone = ZoneInfo(wallet.hostel.timezone)
    since, until = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (parameters.first, parameters.last + timedelta(days=1)))
    opening = balance = reading.balance_before(session, wallet.id, since)
    rows = []
    for entry in reading.between(session, wallet.id, since, until):
        balance += entry.amount_paise
        rows.append((entry, balance))
    return Statement(parameters, organization, made_by, now, wallet, opening, rows)


CSV_HEADS = ("happened_at", "booked_at", "kind", "description", "amount", "balance", "currency")


def csv_rows(statement: Statement) -> Iterator[tuple[object, ...]]:
    """Opening, every movement, closing; amounts bare, so that a spreadsheet can count with them."""
    currency, zone = statement.wallet.currency, statement.zone
    yield (statement.parameters.first.isoformat(), "", "opening", "", "", _bare(statement.opening_paise), currency)
    for entry, balance in statement.rows:
        happened, booked = (moment.astimezone(zone).isoformat(timespec="minutes") for moment in (entry.event_at, entry.created_at))
        yield happened, booked, entry.kind, entry.description, _bare(entry.amount_paise), _bare(balance), currency
    yield (statement.parameters.last.isoformat(), "", "closing", "", "", _bare(statement.closing_paise), currency)


def _bare(paise: int) -> Decimal:
    return Decimal(paise) / 100


def filename(statement: Statement, ending: str) -> str:
    """What the download is called."""
    return f"Wallet {statement.wallet.member.name} {statement.parameters.first} to {statement.parameters.last}.{ending}"
