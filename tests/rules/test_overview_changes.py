"""Periods side by side: directions, percentages, days without gaps."""

from __future__ import annotations

from datetime import date

import pytest

from app.rules.overview import Change, Direction, Span, Work, change, per_day

UP, DOWN, SAME, UNKNOWN = Direction.UP, Direction.DOWN, Direction.SAME, Direction.UNKNOWN


@pytest.mark.parametrize(("now", "before", "good", "expected"), [
    (12, 8, None, Change(UP, 50)),
    (8, 12, None, Change(DOWN, 33)),
    (8, 8, True, Change(SAME, 0)),
    (1001, 1000, True, Change(SAME, 0)),
    (0, 0, None, Change(SAME, 0)),
    (3, 0, None, Change(UP)),
    (0, 3, True, Change(DOWN, 100, good=False)),
    (0.9, 0.6, True, Change(UP, 50, good=True)),
    (60.0, 120.0, False, Change(DOWN, 50, good=True)),
    (None, 0.6, True, Change(UNKNOWN)),
    (0.6, None, True, Change(UNKNOWN)),
])
def test_a_change_has_a_direction_a_size_and_a_meaning(now, before, good, expected):
    assert change(now, before, more_is_good=good) == expected


def test_a_percentage_of_a_percentage_is_not_said():
    assert change(0.9, 0.6, more_is_good=True, share=True) == Change(UP, good=True)


def test_a_period_ends_today_and_follows_one_as_long():
    span = Span(date(2026, 3, 1), 14)
    assert (span.before, span.first, span.days[-1]) == (date(2026, 2, 2), date(2026, 2, 16), date(2026, 3, 1))
    assert (span.first - span.before).days == len(span.days) == 14


def test_days_on_which_nothing_happened_count_nothing():
    span = Span(date(2026, 3, 2), 3)
    assert per_day(span, [(date(2026, 3, 1), 4), (date(2025, 1, 1), 9)]) == [0, 4, 0]


def test_where_nothing_was_resolved_no_share_was_in_time():
    assert Work().met is None
    assert Work(resolved=4, late=1).met == 0.75
