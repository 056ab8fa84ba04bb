"""Maintenance SLA of one hostel and period: how many requests, how long they took, how many were late, and which.

Requests count into the period in which they were raised. Time is that of the SLA clock: without hold, and without what
a request was resolved before it was reopened. Late is what the clock showed beyond its target when it stopped, or
shows now. Rejected requests had no target to meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median, quantiles
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.models.maintenance import MaintenanceRequest
from app.models.organizations import Hostel
from app.rules.errors import Invalid, NotFound
from app.rules.maintenance import CLOSED, SLA_TARGETS, Priority, RequestStatus
from app.services.maintenance.finding import with_relations
from reports.period import read_period

_READ_AT_ONCE = 1_000
LISTED = 400  # late requests that the PDF names; the CSV has every request


@dataclass(frozen=True)
class Parameters:
    """What is asked for: a hostel, and the first and last day of a period in its time zone."""

    hostel_id: UUID
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Row:
    """One request; `counted` is the time on its clock, `ended_at` when that stopped for good."""

    reference: str
    raised_at: datetime
    category: str
    issue: str
    where: str
    priority: Priority
    state: RequestStatus
    worker: str
    ended_at: datetime | None
    counted: timedelta
    late: bool

    @property
    def target(self) -> timedelta:
        """How long it may take."""
        return SLA_TARGETS[self.priority].resolve

    @property
    def verdict(self) -> str:
        """In time, late, rejected, or open with time left."""
        if self.state is RequestStatus.REJECTED:
            return "rejected"
        if self.late:
            return "late"
        return "in time" if self.state is RequestStatus.RESOLVED else "open"


@dataclass(frozen=True)
class Group:
    """Sums over some rows; resolved, rejected and open together are all that were raised."""

    name: str
    raised: int
    resolved: int
    rejected: int
    open: int
    in_time: int
    late: int
    median: timedelta | None
    p90: timedelta | None

    @property
    def met(self) -> float | None:
        """Share of those judged that were in time, 0 to 1; None where none was judged."""
        judged = self.in_time + self.late
        return self.in_time / judged if judged else None


@dataclass(frozen=True)
class SlaReport:
    """The report's data: what was asked, by whom, and what came out."""

    parameters: Parameters
    organization: str
    hostel: str
    timezone: str
    made_by: str
    made_at: datetime
    rows: list[Row]
    total: Group
    by_priority: list[Group]
    by_category: list[Group]
    by_week: list[tuple[date, Group]]

    @property
    def late_rows(self) -> list[Row]:
        """The late ones, the longest first."""
        return sorted((row for row in self.rows if row.late), key=lambda row: row.target - row.counted)

    @property
    def zone(self) -> ZoneInfo:
        """The hostel's zone, in which days begin and times are written."""
        return ZoneInfo(self.timezone)


# --- parameters -----------------------------------------------------------------------------------------


def read_parameters(given: Mapping[str, str], today: date) -> Parameters:
    """From a form's `hostel`, `first`, `last`; Invalid with the field that is wrong."""
    try:
        hostel_id = UUID(given.get("hostel", "").strip())
    except ValueError as error:
        raise Invalid("Please choose a hostel.", field="hostel") from error
    return Parameters(hostel_id, *read_period(given, today))


# --- query → dataclass ----------------------------------------------------------------------------------


def query(session: Session, parameters: Parameters, *, organization: str, made_by: str, now: datetime,
          seen: Callable[[int], None] = lambda _rows: None) -> SlaReport:
    """The report as the caller may see it; NotFound for a hostel that is none of theirs. Two statements.

    `seen` is told now and then how many requests were read.
    """
    hostel = _hostel(session, parameters)
    zone = ZoneInfo(hostel.timezone)
    rows: list[Row] = []
    for row in _rows(session, parameters, zone, now):
        rows.append(row)
        if len(rows) % _READ_AT_ONCE == 0:
            seen(len(rows))
    weeks: dict[date, list[Row]] = {}
    for row in rows:
        day = row.raised_at.astimezone(zone).date()
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(row)
    return SlaReport(
        parameters, organization, hostel.name, hostel.timezone, made_by, now, rows, summed("All requests", rows),
        by_priority=[summed(p.value.capitalize(), [row for row in rows if row.priority is p]) for p in Priority],
        by_category=_grouped(rows, lambda row: row.category),
        by_week=[(week, summed(week.isoformat(), found)) for week, found in sorted(weeks.items())])


def size(session: Session, parameters: Parameters) -> tuple[str, int]:
    """The hostel's name, and how many requests the report is about; NotFound as `query`."""
    hostel = _hostel(session, parameters)
    count = select(func.count()).select_from(MaintenanceRequest).where(*_about(parameters, ZoneInfo(hostel.timezone)))
    return hostel.name, session.scalar(count) or 0


def _hostel(session: Session, parameters: Parameters) -> Any:
    found = session.execute(select(Hostel.name, Hostel.timezone).where(
        Hostel.id == parameters.hostel_id, Hostel.deleted_at.is_(None))).one_or_none()
    if found is None:
        raise NotFound("There is no such hostel.")
    return found


def _about(parameters: Parameters, zone: ZoneInfo) -> Sequence[ColumnElement[bool]]:
    begin, end = (datetime.combine(day, time(), zone).astimezone(UTC)
                  for day in (parameters.first, parameters.last + timedelta(days=1)))
    return (MaintenanceRequest.hostel_id == parameters.hostel_id, MaintenanceRequest.deleted_at.is_(None),
            MaintenanceRequest.raised_at >= begin, MaintenanceRequest.raised_at < end)


def _rows(session: Session, parameters: Parameters, zone: ZoneInfo, now: datetime) -> Iterator[Row]:
    found = (select(MaintenanceRequest).where(*_about(parameters, zone)).options(*with_relations())
             .order_by(MaintenanceRequest.raised_at, MaintenanceRequest.number))
    for item in session.scalars(found).yield_per(_READ_AT_ONCE):
        clock, state = item.clock, item.state
        yield Row(
            item.reference, item.raised_at, item.category.name, item.issue_type.name if item.issue_type else "", item.where,
            clock.priority, state, item.holder, item.held_since if state in CLOSED else None, clock.elapsed(now),
            late=state is not RequestStatus.REJECTED and clock.is_breached(now))


def _grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> list[Group]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return sorted((summed(name, found) for name, found in groups.items()), key=lambda group: (-group.raised, group.name))


def summed(name: str, rows: list[Row]) -> Group:
    """Sums of some rows; times are those of resolved requests."""
    resolved = [row for row in rows if row.state is RequestStatus.RESOLVED]
    rejected = sum(row.state is RequestStatus.REJECTED for row in rows)
    times = sorted(row.counted.total_seconds() for row in resolved)
    return Group(
        name, len(rows), len(resolved), rejected, open=len(rows) - len(resolved) - rejected,
        in_time=sum(not row.late for row in resolved), late=sum(row.late for row in rows),
        median=timedelta(seconds=median(times)) if times else None,
        # As PostgreSQL's percentile_cont: between the neighbours, the ends included.
        p90=timedelta(seconds=quantiles(times, n=10, method="inclusive")[8] if len(times) > 1 else times[0]) if times else None)


# --- CSV ------------------------------------------------------------------------------------------------

CSV_HEADS = ("reference", "raised_at", "category", "issue", "place", "priority", "state", "done_by", "ended_at",
             "minutes_counted", "minutes_allowed", "verdict")


def csv_rows(report: SlaReport) -> Iterator[tuple[object, ...]]:
    """Every request of the report, times in the hostel's zone."""
    for row in report.rows:
        yield (row.reference, _stamp(row.raised_at, report.zone), row.category, row.issue, row.where, row.priority.value,
               row.state.value, row.worker, _stamp(row.ended_at, report.zone), int(row.counted.total_seconds() // 60),
               int(row.target.total_seconds() // 60), row.verdict)


def _stamp(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="minutes") if moment else ""


def filename(report: SlaReport, ending: str) -> str:
    """What the download is called."""
    return f"SLA {report.hostel} {report.parameters.first} to {report.parameters.last}.{ending}"
