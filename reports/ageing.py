"""Who owes how much for how long: open invoices of a hostel by days past due, 0-30, 31-60, 61-90 and more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.rules.billing import age_group
from app.services.beds import house_day
from app.services.billing import invoices
from app.services.billing.terms import house_of

HEADS = ("0–30", "31–60", "61–90", "90+")
CSV_HEADS = ("resident", "number", "invoices", "days_0_30", "days_31_60", "days_61_90", "days_over_90", "total")


@dataclass(frozen=True)
class Row:
    """What one resident owes; `ages` in the order of HEADS, in paise."""

    name: str
    reference: str
    resident_id: UUID | None
    invoices: int
    ages: tuple[int, ...]

    @property
    def total_paise(self) -> int:
        """All of it."""
        return sum(self.ages)


@dataclass(frozen=True)
class Ageing:
    """The report's data, who owes most first."""

    organization: str
    made_by: str
    made_at: datetime
    hostel: str
    day: date
    rows: Sequence[Row]

    @property
    def total(self) -> Row:
        """Everybody."""
        return Row("", "", None, sum(row.invoices for row in self.rows), tuple(sum(ages) for ages in zip(*(row.ages for row in self.rows), strict=True))
                   or (0,) * len(HEADS))


def query(session: Session, hostel_id: UUID, *, organization: str, made_by: str, now: datetime) -> Ageing:
    """As of today, as the caller may see it; NotFound."""
    house, day = house_of(session, hostel_id), house_day(session, hostel_id)
    found: dict[UUID, Row] = {}
    for one in invoices.open_before(session, hostel_id):
        row = found.get(one.resident_id) or Row(one.member.name, one.resident.reference, one.resident_id, 0, (0,) * len(HEADS))
        ages = tuple(sum_ + (one.open_paise if age_group(one.due_on, day) == place else 0) for place, sum_ in enumerate(row.ages))
        found[one.resident_id] = Row(row.name, row.reference, row.resident_id, row.invoices + 1, ages)
    return Ageing(organization, made_by, now, house.name, day, sorted(found.values(), key=lambda row: (-row.total_paise, row.name)))


def csv_rows(report: Ageing) -> Iterator[tuple[object, ...]]:
    """Each resident, amounts in units of the currency."""
    for row in report.rows:
        yield (row.name, row.reference, row.invoices, *(age / 100 for age in row.ages), row.total_paise / 100)


def filename(report: Ageing, ending: str) -> str:
    """What the download is called."""
    return f"Ageing {report.hostel} {report.day}.{ending}"
