"""The funnel of inquiries: how many of those who asked came how far, by source and by who had them, and how long it took.

Inquiries count into the period in which the person asked first. A stage counts as reached when an inquiry has been in it
or in a later one; who was lost counts for the stages before. Days in a stage are those of stages that were left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select, text
from sqlalchemy.orm import Session

from app.models.inquiries import Inquiry, InquiryHistory
from app.models.people import Member
from app.rules.inquiries import Stage
from reports.period import read_period

_RESIDENTS = text("SELECT app.inquiries_of_residents()")
REACHED = (Stage.NEW, Stage.CONTACTED, Stage.VISIT_SCHEDULED, Stage.VISITED, Stage.NEGOTIATING, Stage.WON)


@dataclass(frozen=True)
class Parameters:
    """First and last day, in the reader's zone."""

    first: date
    last: date


@dataclass(frozen=True)
class Row:
    """One inquiry; `reached` is how many of REACHED it came to, `resident` whether they have accepted the invitation to move in."""

    reference: str
    asked_at: datetime
    source: str
    campaign: str
    owner: str
    stage: Stage
    lost_reason: str | None
    reached: int
    resident: bool
    days: Mapping[Stage, float]


@dataclass(frozen=True)
class Group:
    """Sums over some rows; `reached` by stage, in order."""

    name: str
    count: int
    reached: tuple[int, ...]
    lost: int
    residents: int

    @property
    def share(self) -> float | None:
        """Of all, those who became residents."""
        return self.residents / self.count if self.count else None


@dataclass(frozen=True)
class Funnel:
    """The report's data."""

    parameters: Parameters
    organization: str
    made_by: str
    made_at: datetime
    timezone: str
    rows: list[Row]
    total: Group
    by_source: list[Group]
    by_owner: list[Group]
    lost_for: list[tuple[str, int]]
    days: dict[Stage, float | None]

    @property
    def zone(self) -> ZoneInfo:
        """In which days begin and times are written."""
        return ZoneInfo(self.timezone)


def read_parameters(given: Mapping[str, str], today: date) -> Parameters:
    """From a form's `first` and `last`; Invalid with the field that is wrong."""
    return Parameters(*read_period(given, today))


def query(session: Session, parameters: Parameters, *, org_id: UUID, hostel_id: UUID | None, organization: str, made_by: str,  # noqa: PLR0913 - by name
          timezone: str, now: datetime) -> Funnel:
    """The report as the caller may see it: three statements."""
    zone = ZoneInfo(timezone)
    begin, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (parameters.first, parameters.last + timedelta(days=1)))
    about = [Inquiry.org_id == org_id, Inquiry.deleted_at.is_(None), Inquiry.duplicate_of.is_(None), Inquiry.asked_at >= begin,
             Inquiry.asked_at < end]
    if hostel_id is not None:
        about.append(Inquiry.hostel_id == hostel_id)
    steps: dict[UUID, list[tuple[datetime, Stage]]] = {}
    history = (select(InquiryHistory.inquiry_id, InquiryHistory.event_at, InquiryHistory.to_status)
               .join(Inquiry, and_(Inquiry.org_id == InquiryHistory.org_id, Inquiry.id == InquiryHistory.inquiry_id)).where(*about)
               .order_by(InquiryHistory.inquiry_id, InquiryHistory.seq))
    for inquiry_id, at, stage in session.execute(history):
        steps.setdefault(inquiry_id, []).append((at, Stage(stage)))
    found = (select(Inquiry.id, Inquiry.reference, Inquiry.asked_at, Inquiry.source, Inquiry.campaign, Inquiry.status, Inquiry.lost_reason,
                    Member.name.label("owner"))
             .outerjoin(Member, and_(Member.org_id == Inquiry.org_id, Member.user_id == Inquiry.owner_id)).where(*about)
             .order_by(Inquiry.asked_at, Inquiry.number))
    residents = set(session.scalars(_RESIDENTS))
    rows = [Row(row.reference, row.asked_at, row.source, row.campaign, row.owner or "", Stage(row.status), row.lost_reason,
                _reached(steps.get(row.id, []), Stage(row.status)), row.id in residents, _days(steps.get(row.id, [])))
            for row in session.execute(found)]
    lost: dict[str, int] = {}
    for row in rows:
        if row.lost_reason:
            lost[row.lost_reason] = lost.get(row.lost_reason, 0) + 1
    return Funnel(
        parameters, organization, made_by, now, timezone, rows, summed("All inquiries", rows), _grouped(rows, lambda row: row.source),
        _grouped(rows, lambda row: row.owner), sorted(lost.items(), key=lambda pair: -pair[1]),
        {stage: _middle([row.days[stage] for row in rows if stage in row.days]) for stage in REACHED[:-1]})


def _reached(steps: Sequence[tuple[datetime, Stage]], stage: Stage) -> int:
    """How many stages: of a lost one those before; somebody who went back has been further once."""
    return max((REACHED.index(one) + 1 for one in (*(to for _, to in steps), stage) if one in REACHED), default=1)


def _days(steps: Sequence[tuple[datetime, Stage]]) -> dict[Stage, float]:
    found: dict[Stage, float] = {}
    for (begun, stage), (left, _) in pairwise(steps):
        found[stage] = found.get(stage, 0.0) + (left - begun) / timedelta(days=1)
    return found


def _middle(values: list[float]) -> float | None:
    return median(values) if values else None


def summed(name: str, rows: Sequence[Row]) -> Group:
    """Sums of some rows."""
    return Group(name, len(rows), tuple(sum(row.reached > place for row in rows) for place in range(len(REACHED))),
                 sum(row.stage is Stage.LOST for row in rows), sum(row.resident for row in rows))


def _grouped(rows: Sequence[Row], key: Callable[[Row], str]) -> list[Group]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return sorted((summed(name, found) for name, found in groups.items()), key=lambda group: (-group.count, group.name))


CSV_HEADS = ("reference", "asked_at", "source", "campaign", "owner", "stage", "reached", "lost_because", "resident",
             *(f"days_{stage.value}" for stage in REACHED[:-1]))


def csv_rows(report: Funnel) -> Iterator[tuple[object, ...]]:
    """Every inquiry of the report, without anybody's name or number."""
    for row in report.rows:
        yield (row.reference, row.asked_at.astimezone(report.zone).isoformat(timespec="minutes"), row.source, row.campaign, row.owner,
               row.stage.value, REACHED[row.reached - 1].value, row.lost_reason or "", "yes" if row.resident else "no",
               *(round(row.days[stage], 2) if stage in row.days else "" for stage in REACHED[:-1]))


def filename(report: Funnel, ending: str) -> str:
    """What the download is called."""
    return f"Inquiries {report.parameters.first} to {report.parameters.last}.{ending}"
