"""The SLA report's figures are those of its requests, whichever way they are counted (R1)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from weasyprint.urls import FatalURLFetchingError

from app.permissions import Role
from app.rules.errors import Invalid, NotFound
from app.rules.maintenance import Priority
from app.services import maintenance
from app.views.reports import sla_document
from reports import maintenance_sla as sla
from reports.render import harmless, to_csv, to_pdf
from tests.maintenance import at, first_hostel, moved, raised, scope, today
from tests.world import World


def report(person, first=None, last=None, hostel_id=None):
    with scope(person) as session:
        return sla.query(session, sla.Parameters(hostel_id or first_hostel(person), first or today() - timedelta(days=40), last or today()), organization="Asha Homes",
                         made_by=person.name, now=datetime.now(UTC))


@pytest.fixture
def history(app, world, superuser):
    """Twelve requests of the last month: resolved early and late, held, rejected, open and overdue."""
    manager = world.a.people[Role.HOSTEL_MANAGER]
    for n in range(12):
        begin = timedelta(days=-30 + 2 * n)
        at(superuser, begin)
        request = raised(world.resident, code="plumber" if n % 3 else "wifi", description=f"=1+{n}",
                         priority=Priority.HIGH if n % 4 == 0 else Priority.NORMAL)
        if n in (3, 7):
            at(superuser, begin + timedelta(hours=1))
            moved(manager, request, "reject", note="Not ours")
        elif n not in (5, 11):
            at(superuser, begin + timedelta(hours=1))
            moved(world.staff, request, "claim", "start")
            if n == 6:
                moved(world.staff, request, "hold")
                at(superuser, begin + timedelta(days=4))
                moved(world.staff, request, "resume")
            at(superuser, begin + timedelta(days=4 if n == 6 else 0, hours=3 + 5 * n))
            moved(world.staff, request, "resolve")
    at(superuser, timedelta(0))
    return world


def test_its_sums_agree_with_an_independent_query(history, superuser):
    found = report(history.owner)
    with superuser.connect() as connection:
        raised_, resolved, rejected, late, median, p90 = connection.execute(text("""
            WITH spans AS (
              SELECT h.request_id, h.to_status, h.event_at,
                     lead(h.event_at) OVER (PARTITION BY h.request_id ORDER BY h.seq) - h.event_at AS span
              FROM maintenance_status_history h),
            counted AS (
              SELECT r.id, r.status, r.priority,
                     sum(coalesce(span, CASE WHEN r.status IN ('resolved','rejected') THEN '0' ELSE now() - event_at END))
                       FILTER (WHERE to_status NOT IN ('on_hold','resolved','rejected')) AS took
              FROM maintenance_requests r JOIN spans ON request_id = r.id GROUP BY r.id, r.status, r.priority)
            SELECT count(*), count(*) FILTER (WHERE status = 'resolved'), count(*) FILTER (WHERE status = 'rejected'),
                   count(*) FILTER (WHERE status <> 'rejected'
                                    AND took > CASE priority WHEN 'high' THEN interval '4 hours' ELSE interval '24 hours' END),
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM took)) FILTER (WHERE status = 'resolved'),
                   percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM took)) FILTER (WHERE status = 'resolved')
            FROM counted""")).one()
    total = found.total
    assert (total.raised, total.resolved, total.rejected, total.late) == (raised_, resolved, rejected, late)
    assert late not in (0, raised_)
    assert total.median.total_seconds() == pytest.approx(median, abs=1)
    assert total.p90.total_seconds() == pytest.approx(p90, abs=1)


@pytest.mark.parametrize("groups", ["by_category", "by_priority", "by_week"])
def test_every_division_adds_up_to_the_whole(history, groups):
    found = report(history.owner)
    parts = [part[1] if isinstance(part, tuple) else part for part in getattr(found, groups)]
    for sum_of in ("raised", "resolved", "rejected", "open", "in_time", "late"):
        assert sum(getattr(part, sum_of) for part in parts) == getattr(found.total, sum_of)
    assert found.total.raised == found.total.resolved + found.total.rejected + found.total.open == len(found.rows)


def test_hold_time_is_not_counted(history):
    held = next(row for row in report(history.owner).rows if row.reference == "MR-0007")
    assert held.counted == pytest.approx(timedelta(hours=34), abs=timedelta(minutes=1))


def test_the_csv_says_the_same_as_the_report(history):
    found = report(history.owner)
    rows = list(csv.DictReader(io.StringIO("".join(to_csv(sla.CSV_HEADS, sla.csv_rows(found))).removeprefix("\ufeff"))))
    assert len(rows) == found.total.raised
    assert sum(row["verdict"] == "late" for row in rows) == found.total.late
    assert sum(row["verdict"] == "in time" for row in rows) == found.total.in_time
    assert sum(row["verdict"] == "rejected" for row in rows) == found.total.rejected
    assert [int(row["minutes_counted"]) for row in rows] == [int(row.counted.total_seconds() // 60) for row in found.rows]


def test_days_begin_at_midnight_of_the_hostel(app, world, superuser):
    with superuser.begin() as connection:
        connection.execute(text("UPDATE hostels SET timezone = 'Pacific/Auckland'"))
        connection.execute(text("UPDATE clock SET shift = '2026-03-10 13:30+00'::timestamptz - clock_timestamp()"))
    raised(world.resident)  # 11 March, 02:30 in Auckland
    assert report(world.owner, date(2026, 3, 10), date(2026, 3, 10)).rows == []
    assert len(report(world.owner, date(2026, 3, 11), date(2026, 3, 11)).rows) == 1


def test_removed_requests_are_left_out(app, world):
    request = raised(world.resident)
    with scope(world.owner) as session:
        maintenance.remove(session, request)
    assert report(world.owner).rows == []


def test_a_hostel_of_somebody_else_does_not_exist(app, world):
    with pytest.raises(NotFound):
        report(world.owner, hostel_id=world.b.places[0].hostel_id)
    with pytest.raises(NotFound):
        report(world.a.people[Role.HOSTEL_MANAGER], hostel_id=world.a.places[1].hostel_id)


def test_an_empty_period_is_a_report_too(app, world):
    found = report(world.owner)
    assert (found.total.raised, found.total.met, found.total.median) == (0, None, None)
    page = sla_document(found)
    assert "No request was raised in this period." in page
    assert to_pdf(page).startswith(b"%PDF")


def test_the_document_says_what_it_is_about_and_escapes_what_people_wrote(app, world):
    raised(world.resident, place="<img src=http://example.org/x.png>")
    found = report(world.owner)
    page = sla_document(found)
    assert "<img src" not in page
    for words in ("Asha Homes 1", "Asia/Kolkata", "Owner A", str(today().year)):
        assert words in page


def test_the_pdf_has_every_late_request_and_page_numbers(history):
    found = report(history.owner)
    page = sla_document(found)
    for row in found.late_rows:
        assert row.reference in page
    assert to_pdf(page).startswith(b"%PDF")
    assert "counter(pages)" in page


@pytest.mark.parametrize("wanted", ["http://example.org/x.png", "file:///etc/passwd", "//example.org/x.png"])
def test_a_document_may_fetch_nothing(app, wanted):
    with pytest.raises(FatalURLFetchingError):
        to_pdf(f'<base href="file:///"><img src="{wanted}">')


def test_what_a_document_carries_in_itself_is_drawn(app):
    dot = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E"
    assert to_pdf(f'<img src="{dot}">').startswith(b"%PDF")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1"])
def test_a_cell_is_no_formula(cell):
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["MR-0001", "1-2", 5, -5, None, ""])
def test_an_honest_cell_stays_as_it_is(cell):
    assert harmless(cell) == cell


@pytest.mark.parametrize(("given", "field"), [
    ({"hostel": "x", "first": "2026-01-01", "last": "2026-01-31"}, "hostel"),
    ({"first": "2026-13-01", "last": "2026-01-31"}, "first"), ({"first": "2026-01-01", "last": ""}, "last"),
    ({"first": "2026-02-01", "last": "2026-01-31"}, "last"), ({"first": "2025-01-01", "last": "2026-01-02"}, "last"),
    ({"first": "2027-01-01", "last": "2027-01-02"}, "first"), ({"first": "0001-01-01", "last": "2026-01-02"}, "first"),
])
def test_parameters_are_refused_with_the_field_that_is_wrong(given, field):
    with pytest.raises(Invalid) as caught:
        sla.read_parameters({"hostel": str(first_hostel(World.known().owner)), **given}, date(2026, 6, 1))
    assert caught.value.field == field
