"""Events as iCalendar: what others parse is what was meant, in zones whose clocks change, and under ids that stay (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from app.rules.events import EventStatus, ReplyState, days_of, month_of, weeks
from app.services.events.feeds import Entry
from reports.event_calendar import to_ics

KEY, CHANGED = UUID(int=7), datetime(2027, 1, 5, 10, tzinfo=UTC)


def entry(starts_at, zone="Asia/Kolkata", hours=3, **values):
    return Entry(**{"id": KEY, "title": "Holi, of all; houses — होली", "description": "Bring\ncolours", "place": "Roof", "starts_at": starts_at,
                    "ends_at": starts_at + timedelta(hours=hours), "timezone": zone, "status": EventStatus.PUBLISHED, "reason": "", "sequence": 2,
                    "changed_at": CHANGED, "house": "Kothrud", **values})


def parsed(*entries):
    calendar = Calendar.from_ical(to_ics(entries, "Asha Homes", "console.example"))
    return calendar, calendar.walk("VEVENT")


@pytest.mark.parametrize(("zone", "night"), [
    ("Asia/Kolkata", date(2027, 3, 28)), ("Europe/Berlin", date(2027, 3, 28)), ("Europe/Berlin", date(2027, 10, 31)),
    ("America/New_York", date(2027, 3, 14)), ("America/New_York", date(2027, 11, 7)), ("Australia/Lord_Howe", date(2027, 10, 3)),
    ("Australia/Lord_Howe", date(2027, 4, 4))])
def test_a_night_on_which_clocks_change_has_the_right_times_by_the_rules_that_are_sent_along(zone, night):
    starts_at = datetime.combine(night, time(1), ZoneInfo(zone)).astimezone(UTC)
    calendar, [event] = parsed(entry(starts_at, zone))
    assert event["DTSTART"].params["TZID"] == zone
    sent = {part["TZID"]: part.to_tz() for part in calendar.walk("VTIMEZONE")}  # not what this machine knows of the zone
    for name, moment in (("DTSTART", starts_at), ("DTEND", starts_at + timedelta(hours=3))):
        assert event.decoded(name).astimezone(UTC) == moment
        wall = event.decoded(name).replace(tzinfo=None)
        assert moment.astimezone(sent[zone]).replace(tzinfo=None) == wall


def test_the_second_of_two_equal_hours_is_meant_where_it_is_said():
    second = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)  # 02:30 in Berlin, for the second time
    _, [event] = parsed(entry(second, "Europe/Berlin"))
    assert (event.decoded("DTSTART"), event["DTSTART"].params.get("TZID")) == (second, None)


def test_an_event_keeps_its_id_and_says_its_version_and_what_became_of_it():
    start = datetime(2027, 2, 1, 12, tzinfo=UTC)
    _, [before] = parsed(entry(start, answer=ReplyState.COMING))
    _, [after] = parsed(entry(start, sequence=3, status=EventStatus.CANCELLED, reason="Rain"))
    assert (before["UID"], int(before["SEQUENCE"]), before["STATUS"], before["TRANSP"]) == (f"{KEY}@console.example", 2, "CONFIRMED", "OPAQUE")
    assert (after["UID"], int(after["SEQUENCE"]), after["STATUS"], after["DESCRIPTION"]) == (before["UID"], 3, "CANCELLED", "Rain\n\nBring\ncolours")
    assert (before["SUMMARY"], before["LOCATION"]) == ("Holi, of all; houses — होली", "Roof, Kothrud")
    content = to_ics([entry(start)], "Asha Homes", "console.example")
    assert content == to_ics([entry(start)], "Asha Homes", "console.example")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert parsed()[1] == []


def test_months_begin_on_mondays_and_events_stand_on_the_days_of_their_house():
    start, until = month_of(date(2027, 2, 14))  # from a Monday to a Sunday
    assert [len(week) for week in weeks(start, until)] == [7] * 4
    assert len(weeks(*month_of(date(2027, 8, 1)))) == 6
    midnight = datetime(2027, 5, 1, 18, 30, tzinfo=UTC)  # in India
    assert [day.day for day in days_of(midnight - timedelta(hours=2), midnight, ZoneInfo("Asia/Kolkata"))] == [1]
    assert [day.day for day in days_of(midnight, midnight + timedelta(hours=25), ZoneInfo("Asia/Kolkata"))] == [2, 3]
