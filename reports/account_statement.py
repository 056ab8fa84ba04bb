"""What a resident owed, was charged and paid in a period: the account between them and the house, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.models.residents import Resident
from app.models.wallet import LedgerAccount, LedgerEntry
from app.rules.errors import NotFound
from app.rules.wallet import AccountCode, TransactionKind

CSV_HEADS = ("day", "what", "document", "charged", "paid", "owed")


@dataclass(frozen=True)
class Row:
    """One movement; `owed_paise` is what is owed after it."""

    at: datetime
    kind: TransactionKind
    document: str
    charged_paise: int
    paid_paise: int
    owed_paise: int


@dataclass(frozen=True)
class Statement:
    """The statement's data."""

    organization: str
    made_by: str
    made_at: datetime
    resident: Resident
    first: date
    last: date
    opening_paise: int
    rows: Sequence[Row]

    @property
    def closing_paise(self) -> int:
        """What is owed at the end."""
        return self.rows[-1].owed_paise if self.rows else self.opening_paise


def query(session: Session, resident_id: UUID, first: date, last: date, *, organization: str, made_by: str, now: datetime) -> Statement:
    """The statement as the caller may see it: three statements; NotFound."""
    found = session.scalar(select(Resident).options(joinedload(Resident.hostel), joinedload(Resident.member)).where(Resident.id == resident_id))
    if found is None:
        raise NotFound("There is no such resident.")
    zone = ZoneInfo(found.hostel.timezone)
    begin, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    mine = [LedgerAccount.hostel_id == found.hostel_id, LedgerAccount.code == AccountCode.RECEIVABLE.value, LedgerAccount.user_id == found.user_id]
    before = select(func.coalesce(func.sum(LedgerEntry.amount_paise), 0)).join(LedgerEntry.account).where(*mine, LedgerEntry.event_at < begin)
    opening = owed = -int(session.execute(before).scalar_one())
    rows = []
    for entry in session.scalars(select(LedgerEntry).join(LedgerEntry.account).where(*mine, LedgerEntry.event_at >= begin, LedgerEntry.event_at < end)
                                 .order_by(LedgerEntry.event_at, LedgerEntry.seq)):
        owed -= entry.amount_paise
        rows.append(Row(entry.event_at.astimezone(zone), TransactionKind(entry.kind), entry.description, max(-entry.amount_paise, 0), max(entry.amount_paise, 0), owed))
    return Statement(organization, made_by, now, found, first, last, opening, rows)


def csv_rows(found: Statement) -> Iterator[tuple[object, ...]]:
    """Each movement, amounts in units of the currency."""
    for row in found.rows:
        yield (row.at.date().isoformat(), row.kind.value, row.document, row.charged_paise / 100, row.paid_paise / 100, row.owed_paise / 100)


def filename(found: Statement, ending: str) -> str:
    """What the download is called."""
    return f"Account {found.resident.reference} {found.first} to {found.last}.{ending}"
