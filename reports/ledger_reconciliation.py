"""The ledger reconciliation of a hostel and a period: what each account held before, what moved it, what it holds; and what each gateway took, kept and owes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models.organizations import Hostel
from app.models.reconciliation import SettlementLine
from app.models.wallet import LedgerAccount, LedgerEntry
from app.rules.errors import Invalid, NotFound
from app.rules.wallet import CHART, AccountCode, AccountKind, TransactionKind
from reports.period import read_period

_LEFT = frozenset({AccountKind.ASSET, AccountKind.EXPENSE})  # what grows by debits


@dataclass(frozen=True)
class Parameters:
    """A hostel and a period, both days included."""

    hostel_id: UUID
    first: date
    last: date


@dataclass
class Row:
    """An account, or all of a kind of residents' accounts, on the side that makes it grow."""

    code: AccountCode
    party: str
    opening_paise: int = 0
    moved: dict[TransactionKind, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def closing_paise(self) -> int:
        """What it holds in the end."""
        return self.opening_paise + sum(self.moved.values())

    @property
    def sign(self) -> int:
        """Of a credit."""
        return -1 if CHART[self.code] in _LEFT else 1


@dataclass(frozen=True)
class Channel:
    """A gateway: what it took for the hostel, gave back, paid out, and still holds."""

    party: str
    opening_paise: int
    received_paise: int
    refunded_paise: int
    settled_paise: int
    other_paise: int
    fees_paise: int

    @property
    def unsettled_paise(self) -> int:
        """What it still holds."""
        return self.opening_paise + self.received_paise - self.refunded_paise - self.settled_paise + self.other_paise


@dataclass(frozen=True)
class Reconciliation:
    """The report's data."""

    parameters: Parameters
    organization: str
    hostel: str
    currency: str
    timezone: str
    made_by: str
    made_at: datetime
    rows: list[Row]
    channels: list[Channel]

    @property
    def zone(self) -> ZoneInfo:
        """In which days begin."""
        return ZoneInfo(self.timezone)

    @property
    def difference_paise(self) -> int:
        """All credits less all debits: nothing."""
        return sum(row.sign * row.closing_paise for row in self.rows)


def read_parameters(given: Mapping[str, str], today: date) -> Parameters:
    """From a form's `hostel`, `first` and `last`; Invalid with the field that is wrong."""
    try:
        hostel_id = UUID(given.get("hostel", "").strip())
    except ValueError as error:
        raise Invalid("Please choose a hostel.", field="hostel") from error
    return Parameters(hostel_id, *read_period(given, today))


def query(session: Session, parameters: Parameters, *, organization: str, made_by: str, now: datetime) -> Reconciliation:
    """The report as the caller may see it: three statements; NotFound for a hostel that is none of theirs."""
    hostel = session.execute(select(Hostel.name, Hostel.timezone, Hostel.currency).where(Hostel.id == parameters.hostel_id)).one_or_none()
    if hostel is None:
        raise NotFound("There is no such hostel.")
    start, end = (datetime.combine(day, time(), ZoneInfo(hostel.timezone)).astimezone(UTC) for day in (parameters.first, parameters.last + timedelta(days=1)))
    entry, account = LedgerEntry, LedgerAccount
    before = entry.event_at < start
    found = session.execute(
        select(account.code, account.party, entry.kind, before, func.sum(entry.amount_paise)).join(entry.account)
        .where(account.hostel_id == parameters.hostel_id, entry.hostel_id == parameters.hostel_id, entry.event_at < end)
        .group_by(account.code, account.party, entry.kind, before))
    rows: dict[tuple[str, str], Row] = {}
    for code, party, kind, earlier, amount in found:
        row = rows.setdefault((code, party), Row(AccountCode(code), party))
        if earlier:
            row.opening_paise += row.sign * int(amount)
        else:
            row.moved[TransactionKind(kind)] += row.sign * int(amount)
    fees = {gateway: int(paise) for gateway, paise in session.execute(
        select(SettlementLine.gateway, -func.sum(entry.amount_paise)).join(entry, entry.transaction_id == SettlementLine.transaction_id).join(entry.account)
        .where(account.code == AccountCode.GATEWAY_FEES.value, entry.hostel_id == parameters.hostel_id, entry.event_at >= start, entry.event_at < end)
        .group_by(SettlementLine.gateway))}
    places = {code: place for place, code in enumerate(CHART)}
    ordered = sorted(rows.values(), key=lambda row: (places[row.code], row.party))
    channels = [_channel(row, fees.get(row.party, 0)) for row in ordered if row.code is AccountCode.CLEARING]
    return Reconciliation(parameters, organization, hostel.name, hostel.currency, hostel.timezone, made_by, now, ordered, channels)


def _channel(row: Row, fees: int) -> Channel:
    kinds = TransactionKind
    received, refunded, settled = row.moved.get(kinds.TOP_UP, 0), -row.moved.get(kinds.PAYOUT, 0), -row.moved.get(kinds.SETTLEMENT, 0)
    return Channel(row.party, row.opening_paise, received, refunded, settled, row.closing_paise - row.opening_paise - received + refunded + settled, fees)


CSV_HEADS = ("account", "of", "movement", "amount", "currency")


def csv_rows(report: Reconciliation) -> Iterator[tuple[object, ...]]:
    """Each account with what it held, moved it, and holds; then each gateway."""
    for row in report.rows:
        for name, amount in [("opening_balance", row.opening_paise), *((kind.value, paise) for kind, paise in sorted(row.moved.items())),
                             ("closing_balance", row.closing_paise)]:
            yield row.code.value, row.party, name, Decimal(amount) / 100, report.currency
    for one in report.channels:
        for name, amount in (("opening", one.opening_paise), ("received", one.received_paise), ("refunded", one.refunded_paise), ("settled", one.settled_paise),
                             ("other", one.other_paise), ("unsettled", one.unsettled_paise), ("fees", one.fees_paise)):
            yield "gateway", one.party, name, Decimal(amount) / 100, report.currency


def filename(report: Reconciliation, ending: str) -> str:
    """What the download is called."""
    return f"Reconciliation {report.hostel} {report.parameters.first} {report.parameters.last}.{ending}"
