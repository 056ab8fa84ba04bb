"""The period that a report covers, as somebody typed it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from app.rules.errors import Invalid

LONGEST = timedelta(days=366)
EARLIEST = date(2000, 1, 1)


def read_period(given: Mapping[str, str], today: date) -> tuple[date, date]:
    """From a form's `first` and `last`; Invalid with the field that is wrong."""
    first, last = (read_day(given.get(name, ""), name) for name in ("first", "last"))
    if last < first:
        raise Invalid("The period ends before it begins.", field="last")
    if last - first >= LONGEST:
        raise Invalid(f"A report covers at most {LONGEST.days} days.", field="last")
    if first > today:
        raise Invalid("This period has not begun yet.", field="first")
    return first, last


def read_day(text: str, field: str) -> date:
    """A day as it was typed; Invalid with the field."""
    try:
        found = date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("Please give a day, like 2026-03-05.", field=field) from error
    if not EARLIEST <= found <= date(2199, 12, 31):
        raise Invalid("Please give a day of this century.", field=field)
    return found
