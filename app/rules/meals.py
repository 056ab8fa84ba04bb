"""Meals by plan: leave and its rebate, and how many will eat (C7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum

from app.rules.billing import Span, half_up, month_of
from app.rules.canteen import Diet, Meal
from app.rules.errors import Invalid
from app.rules.onboarding import Food

EVERY_DAY = 0b111_1111  # Monday is the lowest bit
DEFAULT_DAYS: dict[Meal, int] = {Meal.BREAKFAST: EVERY_DAY, Meal.LUNCH: EVERY_DAY, Meal.SNACKS: 0, Meal.DINNER: EVERY_DAY}
LEAVE_UNTIL = time(20, 0)  # of the day before
LONGEST_DAYS, LONGEST_DAYS_MAX = 60, 366
REBATE_DAYS, REBATE_PERCENT = 3, 50

_EATS: dict[Food, frozenset[Diet]] = {
    Food.VEGETARIAN: frozenset({Diet.VEG, Diet.VEGAN, Diet.JAIN}), Food.JAIN: frozenset({Diet.JAIN}), Food.VEGAN: frozenset({Diet.VEGAN}),
    Food.EGGS: frozenset(Diet) - {Diet.NON_VEG}, Food.EVERYTHING: frozenset(Diet),
}


def suits(food: Food | None, diet: Diet) -> bool:
    """Whether who eats this eats that; of who said nothing nobody knows otherwise."""
    return food is None or diet in _EATS[food]


@dataclass(frozen=True, slots=True)
class Terms:
    """The rule of a house: leave is said until a time of the day before; from `rebate_days` days on a share is paid back."""

    leave_until: time = LEAVE_UNTIL
    longest_days: int = LONGEST_DAYS
    rebate_days: int = REBATE_DAYS
    rebate_percent: int = REBATE_PERCENT

    def check(self) -> None:
        """Invalid where it cannot be meant."""
        if not 1 <= self.longest_days <= LONGEST_DAYS_MAX:
            raise Invalid("Give a number of days from 1 to 366.", field="longest_days")
        if not 1 <= self.rebate_days <= LONGEST_DAYS_MAX:
            raise Invalid("Give a number of days from 1 to 366.", field="rebate_days")
        if not 0 <= self.rebate_percent <= 100:  # noqa: PLR2004 - per cent
            raise Invalid("Give a share from 0 to 100 per cent.", field="rebate_percent")


def rebates(first: date, until: date, meals: Iterable[Meal], spans: Sequence[Span], terms: Terms) -> dict[date, int]:
    """What is paid back for a leave, by month: each day's share of what its month's meals cost, rounded once a month.

    `spans` are the days on which meals were charged. Who only skips some of a day's meals gets nothing.
    """
    if (until - first).days < terms.rebate_days or set(meals) != set(Meal):
        return {}
    months: dict[date, int] = {}
    for span in spans:
        day = max(first, span.first)
        while day < min(until, span.until):
            months[month_of(day)[0]] = months.get(month_of(day)[0], 0) + (span.price_paise or 0)
            day += timedelta(days=1)
    found = {month: half_up(paise * terms.rebate_percent, 100 * (month_of(month)[1] - month).days) for month, paise in months.items()}
    return {month: paise for month, paise in found.items() if paise}


class LeaveState(StrEnum):
    """How far a leave is. One that was said in time needs nobody's yes; staff may take it back, and say why."""

    COMING = "coming"
    AWAY = "away"
    OVER = "over"
    PAID_BACK = "paid_back"
    SETTLED = "settled"
    TAKEN_BACK = "taken_back"


def days_said(first: date, until: date) -> str:
    """Days in a sentence: `3 March 2026`, `from 3 March 2026 to 5 March 2026`."""
    begin, end = (f"{day.day} {day:%B %Y}" for day in (first, until - timedelta(days=1)))
    return begin if begin == end else f"from {begin} to {end}"


# -- the forecast --------------------------------------------------------------------------------------------------------

LOOK_BACK = timedelta(weeks=8)
DAYS_AHEAD = 14
PRIOR_RATE, PRIOR_WEIGHT = 0.8, 20  # before anything was counted, 16 of 20 who may eat do


@dataclass(frozen=True, slots=True)
class Served:
    """A meal of a day: who holds a plan for it, who of them is away, who ate (None: nobody counted), portions ordered besides."""

    day: date
    meal: Meal
    holders: int
    away: int
    ate: int | None
    ordered: int

    @property
    def present(self) -> int:
        """Who may come."""
        return self.holders - self.away


@dataclass(frozen=True, slots=True)
class Expected:
    """How many will eat a meal, and what it is made of."""

    served: Served
    rate: float
    by_plan: int
    ordered: int

    @property
    def total(self) -> int:
        """Portions to cook."""
        return self.by_plan + self.ordered


def expect(served: Served, past: Iterable[Served]) -> Expected:
    """Present plan holders times the share that came on this day of the week, and the usual orders of it.

    The share leans on PRIOR_RATE until enough was counted; orders are the mean of the same day of the past weeks, or what
    is ordered already if that is more.
    """
    alike = [one for one in past if one.meal is served.meal and one.day.weekday() == served.day.weekday()
             and served.day - LOOK_BACK <= one.day < served.day]
    counted = [one for one in alike if one.ate is not None]
    ate, present = sum(one.ate or 0 for one in counted), sum(one.present for one in counted)
    rate = min(1.0, (ate + PRIOR_RATE * PRIOR_WEIGHT) / (present + PRIOR_WEIGHT))
    usual = half_up(sum(one.ordered for one in alike), len(alike)) if alike else 0
    return Expected(served, rate, int(served.present * rate + 0.5), max(usual, served.ordered))


@dataclass(frozen=True, slots=True)
class BackTest:
    """How far the forecast would have been off, for meals that were counted since."""

    meals: int
    off: float  # portions, on average
    share: float  # of what was eaten


def back_test(past: Sequence[Served], first: date, until: date) -> BackTest | None:
    """Each counted meal of these days, forecast from the days before it alone; None where none was counted."""
    tried = [(expect(one, past).by_plan, one.ate) for one in past if one.ate is not None and first <= one.day < until]
    missed, eaten = sum(abs(guess - ate) for guess, ate in tried), sum(ate for _, ate in tried)
    return BackTest(len(tried), missed / len(tried), missed / max(eaten, 1)) if tried else None


def mask(days: Mapping[int, bool]) -> int:
    """Days of the week, Monday is 0, as a number."""
    return sum(1 << day for day, chosen in days.items() if chosen)
