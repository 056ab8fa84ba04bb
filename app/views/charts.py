"""Numbers beside charts: a small line of the last days, and in words what has become of a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.dates import format_date
from flask_babel import gettext

from app.rules.overview import Change, Direction
from app.views import formats

_WIDE, _TALL = 100, 24  # of the small line's own measure


@dataclass(frozen=True)
class Stat:
    """A number of a period, how it came about day by day, and what it was in the period before."""

    title: str
    text: str
    before: str
    change: Change
    days: Sequence[float | None]
    url: str = ""

    @property
    def icon(self) -> str:
        """Shows the direction, beside the words."""
        return {Direction.UP: "trend-up", Direction.DOWN: "trend-down"}.get(self.change.direction, "trend-flat")

    @property
    def tone(self) -> str:
        """Good, bad, or neither."""
        return {True: "success", False: "danger", None: ""}[self.change.good]

    @property
    def words(self) -> str:
        """Up 12 % from 34."""
        direction, percent, before = self.change.direction, self.change.percent, self.before
        if direction is Direction.UNKNOWN:
            return gettext("Nothing to compare with")
        if direction is Direction.SAME:
            return gettext("As before")
        if direction is Direction.UP:
            return gettext("Up from %(before)s", before=before) if percent is None else gettext(
                "Up %(percent)s %% from %(before)s", percent=percent, before=before)
        return gettext("Down from %(before)s", before=before) if percent is None else gettext(
            "Down %(percent)s %% from %(before)s", percent=percent, before=before)


def spark(values: Sequence[float | None]) -> str:
    """Points of a polyline, 100 wide and 24 tall; days without a value are passed over."""
    top = max((value for value in values if value is not None), default=0) or 1
    step = _WIDE / max(len(values) - 1, 1)
    return " ".join(f"{number * step:.1f},{_TALL - 2 - (_TALL - 4) * value / top:.1f}"
                    for number, value in enumerate(values) if value is not None)


def percent(share: float | None) -> str:
    """93 %, or a dash."""
    return "–" if share is None else f"{round(share * 100)} %"


def short_day(day: date) -> str:
    """21 Nov: the year goes without saying."""
    return format_date(day, "d MMM", locale=formats.language())


def helpers() -> dict[str, Any]:
    """What templates with charts call."""
    return {"spark": spark, "percent": percent, "short_day": short_day}
