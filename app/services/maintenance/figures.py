"""Figures of maintenance, read through the database's functions: what is open, how long things take, what keeps breaking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from app.rules.overview import Span, Trend, Work

COMMON_ISSUES = 10

_OPEN = text("SELECT category, open, overdue, oldest_at FROM app.maintenance_open_by_category(:hostel)")
_TIMES = text("SELECT name, resolved, late, median_seconds, p90_seconds "
              "FROM app.maintenance_resolution_times(:hostel, :since, :until, :by)")
_WEEKS = text("SELECT week, raised, judged, late FROM app.maintenance_breach_rate_by_week(:hostel, :since, :until)")
_ISSUES = text("SELECT category, issue, raised FROM app.maintenance_common_issues(:hostel, :since, :until, :most)")
_DAYS = text("SELECT day, recent, raised, resolved, late, response_seconds "
             "FROM app.maintenance_by_day(:hostel, :before, :first, :until)")
_AS_OF = text("SELECT app.maintenance_figures_as_of()")


@dataclass(frozen=True)
class OpenRequests:
    """What is open in one category."""

    category: str
    open: int
    overdue: int
    oldest_at: datetime


@dataclass(frozen=True)
class ResolutionTimes:
    """How long resolved requests took, without the time their clock stood still."""

    name: str
    resolved: int
    late: int
    median: timedelta
    p90: timedelta


@dataclass(frozen=True)
class Week:
    """Requests raised in the week from a Monday on; `judged` are resolved, or open and late already."""

    week: date
    raised: int
    judged: int
    late: int

    @property
    def breach_rate(self) -> float | None:
        """Share of the judged that were late, 0 to 1; None while nothing can be said."""
        return self.late / self.judged if self.judged else None


@dataclass(frozen=True)
class CommonIssue:
    """How often one kind of thing was reported."""

    category: str
    issue: str
    raised: int


@dataclass(frozen=True)
class Figures:
    """Everything the screen shows, as of the last refresh of the views."""

    as_of: datetime
    open: list[OpenRequests]
    by_category: list[ResolutionTimes]
    by_staff: list[ResolutionTimes]
    weeks: list[Week]
    issues: list[CommonIssue]


def figures(session: Session, hostel_id: UUID | None, since: datetime, until: datetime) -> Figures:
    """Figures of a hostel, or of all hostels of the caller; periods count requests raised in [since, until).

    Six statements. VR404 for a hostel that is not the caller's.
    """
    scope = {"hostel": hostel_id, "since": since, "until": until}

    def rows(statement: Any, **more: Any) -> Any:
        return session.execute(statement, {**scope, **more})

    def times(by: str) -> list[ResolutionTimes]:
        return [ResolutionTimes(name, resolved, late, timedelta(seconds=median), timedelta(seconds=p90))
                for name, resolved, late, median, p90 in rows(_TIMES, by=by)]

    return Figures(
        as_of=rows(_AS_OF).scalar_one(), open=[OpenRequests(*row) for row in rows(_OPEN)],
        by_category=times("category"), by_staff=times("staff"), weeks=[Week(*row) for row in rows(_WEEKS)],
        issues=[CommonIssue(*row) for row in rows(_ISSUES, most=COMMON_ISSUES)])


def as_of() -> Select[Any]:
    """When the views were refreshed last, as a part of a statement of many (overview.read)."""
    return select(func.app.maintenance_figures_as_of())


def trend(session: Session, hostel_id: UUID | None, span: Span) -> Trend:
    """What was raised and resolved day by day, as of the last refresh; one statement."""
    days: dict[date, Work] = {}
    halves: dict[bool, Work] = {}
    for day, recent, raised, resolved, late, seconds in session.execute(_DAYS, {
            "hostel": hostel_id, "before": span.before, "first": span.first, "until": span.today + timedelta(days=1)}):
        work = Work(raised, resolved, late, None if seconds is None else timedelta(seconds=seconds))
        if day is None:
            halves[recent] = work
        else:
            days[day] = work
    return Trend({day: days.get(day, Work()) for day in span.days}, halves.get(True, Work()), halves.get(False, Work()))
