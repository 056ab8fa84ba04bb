"""Times as files write them: which order day and month have, and which instant a local time means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.rules.errors import Invalid


class DateOrder(StrEnum):
    """Which of two numbers that may both be a month comes first: 03/04 is March 4th or April 3rd."""

    MONTH_FIRST = "month_first"
    DAY_FIRST = "day_first"


@dataclass(frozen=True)
class OrderGuess:
    """What a column's values allow; `order` is None where both are possible or neither matters.

    `ask` says that the values do not settle it and a person must; `mixed` that they contradict each other.
    """

    order: DateOrder | None
    ask: bool = False
    mixed: bool = False


@dataclass(frozen=True)
class Instant:
    """A parsed time in UTC; `later` is the second instant with the same local time, where clocks went back."""

    at: datetime
    later: datetime | None = None


_CLOCK = (r"(?:[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,6})\d*)?)?"
          r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<offset>Z|UTC|[+-]\d{2}:?\d{2})?)?")
_NUMERIC = re.compile(r"(?P<a>\d{1,2})([/.-])(?P<b>\d{1,2})\2(?P<year>\d{4}|\d{2})" + _CLOCK, re.ASCII)
_ISO = re.compile(r"(?P<year>\d{4})([/.-])(?P<month>\d{1,2})\2(?P<day>\d{1,2})" + _CLOCK, re.ASCII)
_DAY_NAME = re.compile(r"(?P<day>\d{1,2})[ -](?P<name>[A-Za-z]{3,9})\.?[ ,-]+(?P<year>\d{4})" + _CLOCK, re.ASCII)
_NAME_DAY = re.compile(r"(?P<name>[A-Za-z]{3,9})\.? (?P<day>\d{1,2}),? (?P<year>\d{4})" + _CLOCK, re.ASCII)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")
_LAST_MONTH = 12


def guess_order(values: Iterable[str]) -> OrderGuess:
    """Which order all values of a column allow: one number above 12 anywhere settles it."""
    numeric = [found for value in values if (found := _NUMERIC.fullmatch(value.strip()))]
    month_first = all(int(found["a"]) <= _LAST_MONTH for found in numeric)
    day_first = all(int(found["b"]) <= _LAST_MONTH for found in numeric)
    if not numeric:
        return OrderGuess(None)
    if month_first and day_first:
        return OrderGuess(None, ask=any(found["a"] != found["b"] for found in numeric))
    if month_first or day_first:
        return OrderGuess(DateOrder.MONTH_FIRST if month_first else DateOrder.DAY_FIRST)
    return OrderGuess(None, mixed=True)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """A time zone by its name (Asia/Kolkata); refuses what is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(f"There is no time zone named “{name[:60]}”.", field="time_zone") from None


def parse_timestamp(text: str, zone_name: str, order: DateOrder | None = None) -> Instant:
    """The instant that a text means; local times are of `zone_name` unless the text holds an offset.

    A date without a time means its first moment. A local time that clocks skipped is refused: the file is of
    another zone, or wrong. One that they went through twice means the first, and `later` holds the second.
    """
    local, offset = _read(text.strip(), order)
    try:
        if offset is not None:
            return Instant((local - offset).replace(tzinfo=UTC))
        first, second = (local.replace(tzinfo=zone(zone_name), fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError:
        raise _unreadable(text) from None
    if first.astimezone(zone(zone_name)).replace(tzinfo=None) != local:
        raise Invalid(f"“{text}” never was in {zone_name}: clocks were put forward over it.")
    return Instant(first, second if second != first else None)


def _read(text: str, order: DateOrder | None) -> tuple[datetime, timedelta | None]:
    """The wall-clock time a text shows and its offset from UTC, if it has one."""
    found = next((m for p in (_ISO, _NUMERIC, _DAY_NAME, _NAME_DAY) if (m := p.fullmatch(text))), None)
    if found is None:
        raise _unreadable(text)
    parts = found.groupdict()
    try:
        month, day = _month_and_day(parts, order, text)
        year = int(parts["year"]) + (2000 if len(parts["year"]) == 2 else 0)  # noqa: PLR2004 -- "18" is 2018
        hour = _hour(int(parts["hour"] or 0), parts["half"])
        microsecond = int((parts["fraction"] or "0").ljust(6, "0"))
        minute, second = int(parts["minute"] or 0), int(parts["second"] or 0)
        local = datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001 -- a wall clock
        return local, _offset(parts["offset"])
    except (ValueError, OverflowError):
        raise _unreadable(text) from None


def _month_and_day(parts: dict[str, str], order: DateOrder | None, text: str) -> tuple[int, int]:
    if "name" in parts:
        name = parts["name"].lower()
        return next((n for n, month in enumerate(_MONTHS, 1) if month.startswith(name)), 0), int(parts["day"])
    if "month" in parts:
        return int(parts["month"]), int(parts["day"])
    first, second = int(parts["a"]), int(parts["b"])
    if order is None:
        if first <= _LAST_MONTH and second <= _LAST_MONTH and first != second:
            raise Invalid(f"“{text}” may begin with the day or the month: please choose which.")
        order = DateOrder.DAY_FIRST if first > _LAST_MONTH else DateOrder.MONTH_FIRST
    return (first, second) if order is DateOrder.MONTH_FIRST else (second, first)


def _hour(hour: int, half: str | None) -> int:
    if not half:
        return hour
    if not 1 <= hour <= _LAST_MONTH:
        raise ValueError(hour)
    return hour % 12 + (12 if half[0] in "pP" else 0)


def _offset(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if text in {"Z", "UTC"}:
        return timedelta(0)
    digits = text[1:].replace(":", "")
    length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if length >= timedelta(days=1):
        raise ValueError(text)
    return -length if text[0] == "-" else length


def _unreadable(text: str) -> Invalid:
    return Invalid(f"“{text[:60]}” is not a date and time that can be read.")
