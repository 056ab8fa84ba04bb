"""The trial balance of a hostel on a day: what each account holds, on its side; both sides are equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.organizations import Hostel
from app.rules.errors import Invalid, NotFound
from app.services import wallet_reading as reading
from app.services.wallet_reading import Held
from reports.period import read_day


@dataclass(frozen=True)
class Parameters:
    """A hostel, and the last day that counts."""

    hostel_id: UUID
    day: date


@dataclass(frozen=True)
class TrialBalance:
    """The report's data."""

    parameters: Parameters
    organization: str
    hostel: str
    currency: str
    timezone: str
    made_by: str
    made_at: datetime
    rows: list[Held]

    @property
    def debit_paise(self) -> int:
        """The left side."""
        return sum(row.debit_paise for row in self.rows)

    @property
    def credit_paise(self) -> int:
        """The right side."""
        return sum(row.credit_paise for row in self.rows)

    @property
    def zone(self) -> ZoneInfo:
        """In which the day ends."""
        return ZoneInfo(self.timezone)


def read_parameters(given: Mapping[str, str]) -> Parameters:
    """From a form's `hostel` and `day`; Invalid with the field that is wrong."""
    try:
        hostel_id = UUID(given.get("hostel", "").strip())
    except ValueError as error:
        raise Invalid("Please choose a hostel.", field="hostel") from error
    return Parameters(hostel_id, read_day(given.get("day", ""), "day"))


def query(session: Session, parameters: Parameters, *, organization: str, made_by: str, now: datetime) -> TrialBalance:
    """The report as the caller may see it: two statements; NotFound for a hostel that is none of theirs."""
    hostel = session.execute(select(Hostel.name, Hostel.timezone, Hostel.currency).where(Hostel.id == parameters.hostel_id)).one_or_none()
    if hostel is None:
        raise NotFound("There is no such hostel.")
    end = datetime.combine(parameters.day + timedelta(days=1), time(), ZoneInfo(hostel.timezone)).astimezone(UTC)
    return TrialBalance(parameters, organization, hostel.name, hostel.currency, hostel.timezone, made_by, now,
                        reading.trial_balance(session, parameters.hostel_id, end))


CSV_HEADS = ("account", "kind", "of", "accounts", "debit", "credit", "currency")


def csv_rows(report: TrialBalance) -> Iterator[tuple[object, ...]]:
    """One row an account, and the sums."""
    for row in report.rows:
        yield (row.code.value, row.kind, row.party, row.accounts, Decimal(row.debit_paise) / 100, Decimal(row.credit_paise) / 100, report.currency)
    yield "total", "", "", "", Decimal(report.debit_paise) / 100, Decimal(report.credit_paise) / 100, report.currency


def filename(report: TrialBalance, ending: str) -> str:
    """What the download is called."""
    return f"Accounts {report.hostel} {report.parameters.day}.{ending}"
