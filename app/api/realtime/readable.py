"""What of the published tables which portal may be told: grants and policies of app/models, ready to be asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import app.models  # noqa: F401  (declares everything)
from app.models.declare import PROTECTED, Protection
from app.permissions import Portal
from app.rules.realtime import Reader, Row, Test, compiled


@dataclass(frozen=True)
class Readable:
    """One table as one portal may follow it: these columns, of the rows that pass one of the tests."""

    columns: frozenset[str]
    tests: tuple[Test, ...]

    def covers(self, row: Row | None, reader: Reader) -> bool:
        """Whether the reader's policies show the row."""
        return row is not None and any(test(row, reader) for test in self.tests)


@cache
def readable() -> dict[str, dict[str, Readable]]:
    """Table → portal → what may be told; ValueError for a policy that the rules cannot read, or a key that is too short."""
    return {protection.name: _by_portal(protection) for protection in PROTECTED.values()
            if protection.published and not protection.published.inside}


def _by_portal(protection: Protection) -> dict[str, Readable]:
    published = protection.published
    assert published is not None  # noqa: S101 - asked for those alone
    everything = {column.name for column in protection.table.columns}
    sent = set(published.columns) or everything
    found = {}
    for portal in Portal:
        columns = _granted(protection, portal, everything) & sent
        policies = [compiled(policy.using or "true") for policy in protection.policies
                    if policy.command in {"SELECT", "ALL"} and portal in policy.to]
        looked_at = {column for _, names in policies for column in names}
        if published.key and (missing := looked_at - set(published.key)):
            raise ValueError(f"{protection.name}: policies look at {sorted(missing)}, which the stream does not tell of a deleted row")
        if columns and policies:
            found[str(portal)] = Readable(frozenset(columns), tuple(test for test, _ in policies))
    return found


def _granted(protection: Protection, portal: Portal, everything: Iterable[str]) -> set[str]:
    columns: set[str] = set()
    for grant in protection.grants:
        if portal in grant.to and grant.select:
            columns.update(everything if grant.select is True else grant.select)
    return columns


@cache
def column_types(table: str) -> dict[str, str]:
    """Column → its type by PostgreSQL's own short name, as far as filters need to know."""
    names = {"INTEGER": "int4", "BIGINT": "int8", "SMALLINT": "int2", "BOOLEAN": "bool", "DATETIME": "timestamptz",
             "NUMERIC": "numeric", "DATE": "date"}
    return {column.name: names.get(column.type.__visit_name__.upper(), "text") for column in PROTECTED[table].table.columns}


# -- values as JSON ---------------------------------------------------------------------------------------------


def _number(value: str) -> int | float | str:
    number = Decimal(value)
    return int(number) if number == number.to_integral_value() else value  # what a float would round stays text


_READERS: dict[str, Callable[[str], Any]] = {
    "bool": lambda value: value == "t", "int2": int, "int4": int, "int8": int, "numeric": _number, "float4": float,
    "float8": float, "json": json.loads, "jsonb": json.loads,
    "timestamptz": lambda value: value.replace(" ", "T") + (":00" if value[-3] in "+-" else ""),
    "timestamp": lambda value: value.replace(" ", "T"),
}


def as_json(row: Row, columns: frozenset[str], types: dict[str, str]) -> dict[str, Any]:
    """The columns that may be told, as JSON values of their types."""
    return {name: value if value is None or types[name] not in _READERS else _READERS[types[name]](value)
            for name, value in row.items() if name in columns}
