"""What the home page works out: a number for each day, one period beside the one before it, what has become of a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

PERIODS = (14, 30)  # days that the trends offer; the first is shown unasked


@dataclass(frozen=True)
class Work:
    """Requests of a day or of a period: raised then, resolved then, and how many of the resolved came too late."""

    raised: int = 0
    resolved: int = 0
    late: int = 0
    response: timedelta | None = None
    """Median time until somebody took what was raised in hand."""

    @property
    def met(self) -> float | None:
        """Share of the resolved that were in time, 0 to 1; None where nothing was resolved."""
        return (self.resolved - self.late) / self.resolved if self.resolved else None


@dataclass(frozen=True)
class Trend:
    """Every day of a period, the whole of it, and the whole of the time before, which was as long."""

    days: Mapping[date, Work]
    now: Work
    before: Work


@dataclass(frozen=True)
class Span:
    """A period that ends today, and the one before it."""

    today: date
    length: int

    @property
    def first(self) -> date:
        """Its first day."""
        return self.today - timedelta(days=self.length - 1)

    @property
    def before(self) -> date:
        """The first day of the period before it."""
        return self.first - timedelta(days=self.length)

    @property
    def days(self) -> list[date]:
        """All its days, oldest first."""
        return [self.first + timedelta(days=n) for n in range(self.length)]


class Direction(StrEnum):
    """Where a number went."""

    UP = "up"
    DOWN = "down"
    SAME = "same"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Change:
    """From the period before to this one: by how many percent, and whether that is good (None: neither)."""

    direction: Direction
    percent: int | None = None
    good: bool | None = None


def change(now: float | None, before: float | None, *, more_is_good: bool | None = None, share: bool = False) -> Change:
    """Compare two periods; of a share, and from nothing to something, there is a direction without a percentage."""
    if now is None or before is None:
        return Change(Direction.UNKNOWN)
    percent = round(100 * (now - before) / before) if before else None
    if now == before or percent == 0:
        return Change(Direction.SAME, 0)
    up = now > before
    return Change(Direction.UP if up else Direction.DOWN, None if percent is None or share else abs(percent),
                  None if more_is_good is None else up == more_is_good)


def per_day(span: Span, found: Iterable[tuple[date, int]]) -> list[int]:
    """A number for each day of the period, 0 where nothing is known."""
    known = dict(found)
    return [known.get(day, 0) for day in span.days]
