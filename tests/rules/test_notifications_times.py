"""When messages leave: quiet hours by the clock of their reader, and what is gathered."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.rules.announcements import check_template, fill
from app.rules.errors import Invalid
from app.rules.notifications import TOGETHER, Quiet, Urgency, due_at

U = Urgency
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(("zone", "start", "end", "at", "until"), [
    ("Asia/Kolkata", 22, 7, "2026-03-02T22:00+05:30", "2026-03-03T07:00+05:30"),
    ("Asia/Kolkata", 22, 7, "2026-03-03T06:59+05:30", "2026-03-03T07:00+05:30"),
    ("Asia/Kolkata", 22, 7, "2026-03-03T07:00+05:30", None),
    ("Asia/Kolkata", 13, 15, "2026-03-03T14:00+05:30", "2026-03-03T15:00+05:30"),
    ("Asia/Kolkata", 13, 15, "2026-03-03T12:59+05:30", None),
    ("Europe/Berlin", 22, 7, "2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00"),  # an hour less
    ("America/New_York", 22, 7, "2026-10-31T23:00-04:00", "2026-11-01T07:00-05:00"),  # an hour more
    ("Australia/Lord_Howe", 22, 7, "2026-04-04T23:00+11:00", "2026-04-05T07:00+10:30")])
def test_quiet_hours_end_by_the_readers_clock(zone: str, start: int, end: int, at: str, until: str | None) -> None:
    assert Quiet(time(start), time(end), ZoneInfo(zone)).until(moment(at)) == (moment(until) if until else None)


def test_an_end_that_does_not_exist_or_comes_twice_is_in_the_future() -> None:
    berlin = Quiet(time(1), time(2, 30), ZoneInfo("Europe/Berlin"))
    assert berlin.until(moment("2026-03-29T01:30+01:00")) == moment("2026-03-29T03:30+02:00")
    assert berlin.until(moment("2026-10-25T02:15+01:00")) == moment("2026-10-25T02:30+01:00")  # the second time


def test_what_follows_soon_is_gathered_and_what_presses_is_not() -> None:
    quiet = Quiet(time(12), time(13), ZoneInfo("UTC"))
    waiting = NOON + timedelta(minutes=3)
    assert due_at(NOON, U.NORMAL, None, None) == NOON
    assert due_at(NOON, U.NORMAL, NOON - timedelta(minutes=4), None) == NOON - timedelta(minutes=4) + TOGETHER
    assert due_at(NOON, U.NORMAL, waiting, None) == waiting
    assert due_at(NOON, U.URGENT, waiting, None) == NOON
    assert due_at(NOON, U.URGENT, None, quiet) == NOON + timedelta(hours=1)
    assert due_at(NOON, U.EMERGENCY, waiting, quiet) == NOON


@pytest.mark.parametrize(("template", "place"), [
    ("Dear {name}", None), ("{{name}} costs {{5}}", None), ("{ name }", None), ("a {", "Line 1, place 3"), ("a\n\n b }", "Line 3, place 4"),
    ("{name.__class__}", "Line 1, place 1"), ("{0}", "Line 1, place 1"), ("{title!r}", "Line 1, place 1"), ("{na\nme}", "Line 1, place 1")])
def test_a_template_holds_variables_and_nothing_else(template: str, place: str | None) -> None:
    if place is None:
        check_template(template, "body")
    else:
        with pytest.raises(Invalid, match=place):
            check_template(template, "body")


def test_nothing_of_a_value_is_read_as_template() -> None:
    values = dict.fromkeys(("title", "body", "name", "organization", "link"), "{link}{{")
    assert fill("{{{title}}} {name}", values) == "{{link}{{} {link}{{"
