"""Slots of amenities: holidays, other hours, and the nights on which clocks change, in four time zones (B1)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.rules.amenities import NoShowRule, Opening, TemplateKind, coming_slots, mask, slots_of
from app.rules.errors import Invalid

K = TemplateKind
MONDAY = date(2026, 3, 2)
GYM = Opening(K.WEEKLY, opens=time(6), closes=time(22), capacity=20)
NIGHT = Opening(K.WEEKLY, opens=time(0), closes=time(6), slot_minutes=60)
KOLKATA = ZoneInfo("Asia/Kolkata")


def walls(slots, zone):
    return [slot.starts_at.astimezone(zone).strftime("%H:%M") for slot in slots]


def test_a_week_has_holidays_other_hours_and_days_off():
    said = [Opening(K.WEEKLY, mask([0, 1, 2]), opens=time(6), closes=time(22)), Opening(K.SPECIAL, first_on=date(2026, 3, 3), last_on=date(2026, 3, 4), opens=time(9), closes=time(11)),
            Opening(K.CLOSED, first_on=date(2026, 3, 4), last_on=date(2026, 3, 4))]
    found = coming_slots(MONDAY, MONDAY + timedelta(days=6), said, KOLKATA)
    assert [sum(slot.day == MONDAY + timedelta(days=day) for slot in found) for day in range(7)] == [16, 2, 0, 0, 0, 0, 0]
    assert found[0].starts_at == datetime(2026, 3, 2, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("zone", "night", "starts"), [
    ("Asia/Kolkata", date(2026, 3, 29), "00:00 01:00 02:00 03:00 04:00 05:00"),
    ("Europe/Berlin", date(2026, 3, 29), "00:00 01:00 03:00 04:00 05:00"),  # 02:00 does not exist
    ("Europe/Berlin", date(2026, 10, 25), "00:00 01:00 02:00 03:00 04:00 05:00"),  # 02:00 exists twice
    ("America/New_York", date(2026, 3, 8), "00:00 01:00 03:00 04:00 05:00"),
    ("America/New_York", date(2026, 11, 1), "00:00 01:00 02:00 03:00 04:00 05:00"),
    ("Australia/Lord_Howe", date(2026, 10, 4), "00:00 01:00 03:00 04:00 05:00"),  # half an hour is left out
    ("Australia/Lord_Howe", date(2026, 4, 5), "00:00 01:00 02:00 03:00 04:00 05:00")])
def test_slots_of_a_night_on_which_clocks_change(zone, night, starts):
    found = slots_of(night, [NIGHT], ZoneInfo(zone))
    assert walls(found, ZoneInfo(zone)) == starts.split()


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("minutes", [45, 90])
def test_over_a_year_slots_have_their_length_and_never_meet_or_come_twice(zone, minutes):
    always = Opening(K.WEEKLY, opens=time(0), closes=time(0), slot_minutes=minutes)
    found = coming_slots(date(2026, 1, 1), date(2026, 12, 31), [always], ZoneInfo(zone))
    assert {slot.ends_at - slot.starts_at for slot in found} == {timedelta(minutes=minutes)}
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(found))
    shown = [(slot.day, wall) for slot, wall in zip(found, walls(found, ZoneInfo(zone)), strict=True)]
    assert len(shown) == len(set(shown))
    assert len(found) >= 365 * (24 * 60 // minutes) - 4


def test_hours_may_pass_midnight_and_the_rest_of_a_slot_is_none():
    late = Opening(K.WEEKLY, opens=time(22), closes=time(1, 30))
    found = coming_slots(MONDAY, MONDAY + timedelta(days=1), [late, NIGHT], KOLKATA)
    assert walls([slot for slot in found if slot.day == MONDAY], KOLKATA)[-3:] == ["22:00", "23:00", "00:00"]
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(found))


@pytest.mark.parametrize(("wrong", "field"), [
    (Opening(K.WEEKLY, days=0), "days"), (Opening(K.CLOSED), "first_on"), (Opening(K.SPECIAL, first_on=MONDAY), "last_on"),
    (Opening(K.CLOSED, first_on=MONDAY, last_on=MONDAY - timedelta(days=1)), "last_on"), (Opening(K.WEEKLY, slot_minutes=5), "slot_minutes"),
    (Opening(K.WEEKLY, capacity=0), "capacity"), (Opening(K.WEEKLY, opens=time(6), closes=time(6, 30)), "closes")])
def test_what_cannot_be_meant_is_refused(wrong, field):
    with pytest.raises(Invalid) as refused:
        wrong.check()
    assert refused.value.field == field


def test_who_misses_three_times_in_thirty_days_is_blocked_for_a_week():
    rule, first = NoShowRule(3, 30, 7), datetime(2026, 3, 1, tzinfo=UTC)
    days = [first + timedelta(days=day) for day in (0, 20, 31, 40)]
    assert rule.blocked_until(days[:3]) is None
    assert rule.blocked_until(reversed(days)) == days[3] + timedelta(days=7)
    assert NoShowRule(0).blocked_until(days) is None
