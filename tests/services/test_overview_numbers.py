"""The numbers of the home page agree with the tables, and stop at the walls."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.models.maintenance import MaintenanceRequest as R
from app.rules.overview import Span
from app.services import overview
from app.services.maintenance import figures, sweep
from app.tenancy import service_scope
from tests.houses import execute
from tests.maintenance import at, moved, raised, scope

KOLKATA = ZoneInfo("Asia/Kolkata")


def today() -> date:
    return datetime.now(KOLKATA).date()


@pytest.fixture
def month(app, world, superuser):
    """Ten days ago three raised, one taken up after two hours and resolved, in time; twenty days ago one, resolved late."""
    late, quick = timedelta(days=-20), timedelta(days=-10)
    at(superuser, late)
    first = raised(world.owner)
    at(superuser, late + timedelta(hours=30))
    moved(world.owner, first, "claim", "start", "resolve")
    at(superuser, quick)
    second, _, _ = (raised(world.owner, hostel_id=place.hostel_id) for place in (*world.a.places, world.a.places[0]))
    at(superuser, quick + timedelta(hours=2))
    moved(world.owner, second, "claim", "start", "resolve")
    at(superuser, timedelta(0))
    raised(world.outsider)
    with service_scope("fresh figures for a test") as session:
        sweep.refresh_analytics(session)
    return world


def test_a_trend_sets_two_periods_side_by_side(month):
    with scope(month.owner) as session:
        trend = figures.trend(session, None, Span(today(), 14))
    assert (trend.now.raised, trend.now.resolved, trend.now.late) == (3, 1, 0)
    assert round(trend.now.response / timedelta(hours=1), 1) == 2
    assert (trend.before.raised, trend.before.resolved, trend.before.late, trend.before.met) == (1, 1, 1, 0.0)
    assert len(trend.days) == 14
    day = (datetime.now(UTC) - timedelta(days=10)).astimezone(KOLKATA).date()
    assert trend.days[day].raised == 3
    assert sum(work.raised for work in trend.days.values()) == 3


def test_a_trend_of_one_hostel_leaves_out_the_others_and_those_of_others(month):
    with scope(month.owner) as session:
        assert figures.trend(session, month.a.places[1].hostel_id, Span(today(), 14)).now.raised == 1
    with scope(month.outsider) as session:
        assert figures.trend(session, None, Span(today(), 14)).now.raised == 1


def test_open_requests_by_state_category_and_hostel(month):
    names = {str(place.hostel_id): f"House {n}" for n, place in enumerate(month.a.places)}
    with scope(month.owner) as session:
        found = overview.read(session, {"open": overview.open_requests(month.a.org_id, None, datetime.now(UTC))})
    groups = overview.as_open_requests(found["open"], names)
    assert [(one.key, one.open, one.overdue) for one in groups.by_state] == [("submitted", 2, 2)]
    assert [(one.name, one.open) for one in groups.by_category] == [("Plumber", 2)]
    assert [(one.name, one.open) for one in groups.by_hostel] == [("House 0", 1), ("House 1", 1)]
    assert datetime.now(UTC) - groups.oldest_at > timedelta(days=9)


def test_people_who_joined_are_counted_by_day_where_the_reader_lives(app, world, superuser):
    execute(superuser, "UPDATE members SET joined_at = '2026-03-01 20:00+00' WHERE user_id = :u", u=world.resident.user_id)
    with scope(world.owner) as session:
        part = overview.people_joined(world.a.org_id, Span(date(2026, 3, 2), 2), "Asia/Kolkata")
        found = overview.read(session, {"joined": part, "again": part})
    assert overview.as_days(found["joined"]) == {date(2026, 3, 2): 1}


def test_the_first_rows_of_several_lists_come_in_their_own_order(app, world):
    early, late = raised(world.owner), raised(world.owner)
    mine = overview.Wanted(overview.select(R), [R.raised_at])
    newest = overview.Wanted(overview.select(R), [R.raised_at.desc()])
    with scope(world.owner) as session:
        first, second = overview.first_rows(session, R, [mine, newest], [])
    assert [one.id for one in first] == [early, late]
    assert [one.id for one in second] == [late, early]
