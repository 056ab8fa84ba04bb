"""Times as files write them: formats, the order of day and month, days when clocks change (Y2)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.imports import DateOrder, OrderGuess, guess_order, parse_timestamp

MONTH, DAY = DateOrder.MONTH_FIRST, DateOrder.DAY_FIRST
NEW_YORK = "America/New_York"


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize("text", [
    "2018-06-26T10:58:54", "2018-06-26 10:58:54", "2018/06/26 10:58:54", "06/26/2018 10:58:54 AM", "6/26/18 10:58:54",
    "26.06.2018 10:58:54", "26 Jun 2018 10:58:54", "26-June-2018, 10:58:54", "June 26, 2018 10:58:54 am",
    "2018-06-26T14:58:54Z", "2018-06-26 10:58:54-04:00", "2018-06-26T20:28:54.000+0530",
])
def test_the_same_moment_is_read_from_every_usual_format(text):
    assert parse_timestamp(text, NEW_YORK).at == utc(2018, 6, 26, 14, 58, 54)


@pytest.mark.parametrize(("text", "hour"), [("12:00:00 AM", 0), ("12:30:00 PM", 12), ("01:00:00 PM", 13), ("11:59:00 PM", 23)])
def test_twelve_hour_clocks_turn_over_at_twelve(text, hour):
    assert parse_timestamp(f"06/26/2018 {text}", "UTC").at.hour == hour


def test_a_date_alone_is_its_first_moment_there():
    assert parse_timestamp("2018-06-26", "Asia/Kolkata").at == utc(2018, 6, 25, 18, 30)


@pytest.mark.parametrize("text", [
    "", "yesterday", "2018-13-01", "2018-02-30", "31/31/2018", "06/26/2018 13:00:00 PM", "06/26/2018 25:00",
    "26 Foo 2018", "2018-06-26 10:58:54 +99:00", "00/00/0000", "0000-00-00", "١٢/٠٦/٢٠١٨", "9" * 5000,
])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(Invalid, match="not a date"):
        parse_timestamp(text, NEW_YORK)


@pytest.mark.parametrize(("text", "zone"), [
    ("0001-01-01", "Pacific/Auckland"), ("9999-12-31 23:59:59", NEW_YORK), ("0001-01-01 00:00+05:00", "UTC"),
])
def test_times_beyond_the_ends_of_the_calendar_are_refused(text, zone):
    with pytest.raises(Invalid, match="not a date"):
        parse_timestamp(text, zone)


def test_an_unknown_zone_is_refused():
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(Invalid, match="no time zone named"):
            parse_timestamp("2018-06-26", name)


@pytest.mark.parametrize(("values", "guess"), [
    (["06/26/2018", "03/04/2018"], OrderGuess(MONTH)),
    (["26/06/2018 10:00", "03/04/2018"], OrderGuess(DAY)),
    (["03/04/2018", "05/06/2018"], OrderGuess(None, ask=True)),
    (["04/04/2018"], OrderGuess(None)),
    (["26/06/2018", "06/26/2018"], OrderGuess(None, mixed=True)),
    (["2018-06-26", ""], OrderGuess(None)),
])
def test_the_order_of_day_and_month_follows_from_all_values(values, guess):
    assert guess_order(values) == guess


def test_an_order_that_is_open_is_asked_for_rather_than_guessed():
    with pytest.raises(Invalid, match="please choose which"):
        parse_timestamp("03/04/2018", "UTC")
    assert parse_timestamp("03/04/2018", "UTC", MONTH).at == utc(2018, 3, 4)
    assert parse_timestamp("03/04/2018", "UTC", DAY).at == utc(2018, 4, 3)


def test_a_local_time_that_clocks_skipped_is_refused():
    with pytest.raises(Invalid, match="clocks were put forward"):
        parse_timestamp("2018-03-11 02:30", NEW_YORK)


def test_a_local_time_that_was_there_twice_means_the_first_and_tells_the_second():
    instant = parse_timestamp("2018-11-04 01:30", NEW_YORK)
    assert instant.at == utc(2018, 11, 4, 5, 30)
    assert instant.later == utc(2018, 11, 4, 6, 30)


def test_an_offset_leaves_no_doubt_when_clocks_go_back():
    assert parse_timestamp("2018-11-04 01:30-05:00", NEW_YORK).later is None


@given(st.datetimes(datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("2100-01-01")), st.sampled_from([NEW_YORK, "Asia/Kolkata", "Europe/Berlin"]))
@settings(deadline=None)
def test_any_moment_written_in_local_time_is_read_back(naive, zone):
    at = naive.replace(microsecond=0, tzinfo=UTC)
    local = at.astimezone(ZoneInfo(zone))
    for text, order in ((f"{local:%m/%d/%Y %I:%M:%S %p}", MONTH), (f"{local:%d/%m/%Y %H:%M:%S}", DAY), (f"{local:%Y-%m-%d %H:%M:%S}", None)):
        read = parse_timestamp(text, zone, order)
        assert at in {read.at, read.later}
        assert read.later is None or read.later - read.at == timedelta(hours=1)
