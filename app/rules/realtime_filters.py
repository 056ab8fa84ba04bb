"""What a subscriber asks for within what they may see: `column=operator.value`, several joined by commas."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from app.rules.errors import DomainError

LONGEST = 1000  # characters of a filter
MOST_CHOICES = 100  # values of one `in.(…)`, as the official clients document it
_NUMBERS = {"int2", "int4", "int8", "numeric", "float4", "float8"}
_MOMENTS = {"timestamptz", "timestamp", "date"}
_FLAGS = {"true": "t", "false": "f"}
_CONDITION = re.compile(r"(?P<column>\w+)=(?P<not>not\.)?(?P<operator>eq|neq|lt|lte|gt|gte|in|is)\.(?P<value>.*)", re.DOTALL)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "neq": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}


class BadFilter(DomainError):
    """The filter of a subscription cannot be used."""

    code = "bad_filter"
    status = 422


@dataclass(frozen=True, slots=True)
class Filter:
    """All of its conditions must hold; a NULL fulfils none but `is.null`."""

    conditions: tuple[tuple[str, Callable[[str | None], bool]], ...] = ()

    def matches(self, row: Mapping[str, str | None]) -> bool:
        """An unknown value (a long text that did not change) fulfils nothing."""
        return all(column in row and test(row[column]) for column, test in self.conditions)


def read_filter(text: str | None, types: Mapping[str, str]) -> Filter:
    """Parse a filter over columns with their types; BadFilter says what is wrong with it."""
    if not text:
        return Filter()
    if len(text) > LONGEST:
        raise BadFilter(f"A filter has at most {LONGEST} characters.")
    # A comma begins another condition outside of parentheses only.
    return Filter(tuple(_condition(part, types) for part in re.split(r",(?![^(]*\))", text)))


def _condition(text: str, types: Mapping[str, str]) -> tuple[str, Callable[[str | None], bool]]:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise BadFilter("A filter looks like column=eq.value; operators are eq, neq, lt, lte, gt, gte, in and is.")
    column, word, value = found["column"], found["operator"], found["value"]
    if column not in types:
        raise BadFilter(f"There is no column {column} to filter by.")
    test = _test(word, value, _reader(types[column]))
    if found["not"]:
        return column, lambda given: not test(given) and (given is not None or word == "is")
    return column, test


def _test(word: str, value: str, read: Callable[[str], Any]) -> Callable[[str | None], bool]:
    if word == "is":
        if value.lower() not in ("null", *_FLAGS):
            raise BadFilter("is takes null, true or false.")
        wanted = None if value.lower() == "null" else _FLAGS[value.lower()]
        return lambda given: given == wanted
    if word == "in":
        if not (value.startswith("(") and value.endswith(")")):
            raise BadFilter("in takes its values in parentheses: in.(a,b).")
        choices = {_read(read, part.strip().strip('"')) for part in value[1:-1].split(",")}
        if len(choices) > MOST_CHOICES:
            raise BadFilter(f"in takes at most {MOST_CHOICES} values.")
        return lambda given: given is not None and read(given) in choices
    bound, compare = _read(read, value), _COMPARE[word]
    return lambda given: given is not None and compare(read(given), bound)


def _read(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except (ValueError, InvalidOperation) as error:
        raise BadFilter(f"{text!r} is no value of that column.") from error


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _reader(kind: str) -> Callable[[str], Any]:
    if kind in _NUMBERS:
        return Decimal
    if kind in _MOMENTS:
        return _moment
    if kind == "bool":
        return lambda text: _FLAGS.get(text, text)
    return str
