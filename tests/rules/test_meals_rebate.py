"""What leave is worth and how many will eat, against counting day by day (C7)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.rules.billing import ChargeKind, Span
from app.rules.canteen import Meal
from app.rules.meals import Served, Terms, back_test, expect, rebates

DAYS = st.dates(date(2026, 1, 1), date(2026, 6, 30))
LENGTHS = st.integers(1, 90).map(timedelta)


@given(DAYS, LENGTHS, DAYS, LENGTHS, st.integers(0, 900_000), st.integers(0, 900_000), st.integers(1, 10), st.integers(0, 100))
def test_a_rebate_is_the_sum_of_its_days(first, length, begun, stayed, early, late, least, percent):  # noqa: PLR0913, PLR0917
    until, middle, end = first + length, begun + stayed / 2, begun + stayed
    spans = [Span(ChargeKind.MESS, begun, middle, early), Span(ChargeKind.MESS, middle, end, late)]
    worth: dict[date, Fraction] = {}
    for day in (first + timedelta(days=n) for n in range(length.days)):
        if length.days >= least and begun <= day < end:
            price = Fraction(early if day < middle else late, monthrange(day.year, day.month)[1])
            worth[day.replace(day=1)] = worth.get(day.replace(day=1), Fraction()) + price * Fraction(percent, 100)
    rounded = {month: int(paise + Fraction(1, 2)) for month, paise in worth.items()}
    found = rebates(first, until, Meal, spans, Terms(rebate_days=least, rebate_percent=percent))
    assert found == {month: paise for month, paise in rounded.items() if paise}
    assert rebates(first, until, [Meal.LUNCH], spans, Terms(rebate_days=least, rebate_percent=percent)) == {}


def served(day: date, holders: int, away: int, ate: int | None, ordered: int = 0) -> Served:
    return Served(day, Meal.LUNCH, holders, away, ate, ordered)


def test_who_is_expected_follows_the_day_of_the_week_leave_and_orders():
    monday = date(2026, 3, 30)
    past = [served(monday - timedelta(weeks=week), 110, 10, 50, 4) for week in range(1, 5)]
    past += [served(monday - timedelta(weeks=week, days=1), 110, 10, 100, 40) for week in range(1, 5)]
    usual, fewer = expect(served(monday, 110, 10, None), past), expect(served(monday, 110, 60, None, 9), past)
    assert (usual.by_plan, usual.ordered, usual.total) == (51, 4, 55)  # (4 × 50 + 16) of (4 × 100 + 20)
    assert (fewer.by_plan, fewer.ordered) == (26, 9)
    assert expect(served(monday, 10, 0, None), []).by_plan == 8
    tested = back_test(past, monday - timedelta(days=14), monday)
    assert tested is not None
    assert (tested.meals, tested.off) == (3, 2.0)
    assert back_test([], monday, monday) is None
