"""Keyset paging: which columns may sort a list, and how a place in a sorted list travels in a link.

A page is found by the values of its neighbour, not by counting rows, so the page at row 500,000 costs what the
first one costs. It needs an index `(org_id, column, id)`: columns without one are not offered for sorting.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import Column, Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy import types as sa_types
from sqlalchemy.orm import Mapper

from app.rules.errors import DomainError

TENANT = "org_id"
COUNT_CAP = 1_000
PAGE_SIZES = (25, 50, 100)
TOKEN_MAX = 4_096  # characters; a longer one does not fit into the request line that gunicorn reads


class BadListRequest(DomainError):
    """A link to a list that this list never gave out: an unknown column, a broken place, a size that isn't one."""

    code = "bad_list_request"
    status = 400


@dataclass(frozen=True)
class Sort:
    """One column and a direction; the key breaks ties in the same direction."""

    column: str
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> Sort:
        """`-created_at` is newest first, `created_at` oldest first."""
        return cls(text.removeprefix("-"), text.startswith("-"))

    def __str__(self) -> str:
        return f"-{self.column}" if self.descending else self.column


@dataclass(frozen=True)
class Place:
    """The row beside which a page begins: its value in the sorted column and its key."""

    value: Any
    key: Any

    def token(self, sort: Sort) -> str:
        """A link-safe text. It is not signed: it holds only what the reader just saw, and RLS decides the rest."""
        raw = json.dumps([str(sort), _to_text(self.value), _to_text(self.key)], separators=(",", ":"))
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str, sort: Sort, column: Column[Any], key: Column[Any]) -> Place:
        """Read a token back; BadListRequest if it is broken or was made for another order."""
        try:
            raw = _decoded(token)
            value, key_text = raw[1:] if raw[:1] == [str(sort)] else ()
            return cls(_from_text(value, column.type), _from_text(key_text, key.type))
        except (ValueError, TypeError, ArithmeticError, binascii.Error, LookupError, RecursionError) as error:
            raise BadListRequest("This link to a page of the list is broken. Start from the first page.") from error


def _decoded(token: str) -> Any:
    if len(token) > TOKEN_MAX:
        raise ValueError(len(token))
    return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


def _to_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    return str(value)


def _from_text(text: str | None, kind: sa_types.TypeEngine[Any]) -> Any:
    if text is None:
        return None
    if not isinstance(text, str) or "\x00" in text:
        raise ValueError(text)
    text.encode()  # half a surrogate pair is a ValueError here, and nothing that PostgreSQL could compare
    if isinstance(kind, sa_types.Enum) and kind.enum_class is not None:
        return kind.enum_class[text]
    python_type = kind.python_type
    if python_type is bool:
        return {"True": True, "False": False}[text]
    if python_type is datetime:
        return datetime.fromisoformat(text)
    if python_type is date:
        return date.fromisoformat(text)
    if python_type in (int, float, Decimal, uuid.UUID, str):
        return python_type(text)
    raise ValueError(f"a list cannot be sorted by {python_type}")


def sortable_columns(mapper: Mapper[Any]) -> frozenset[str]:
    """The attributes that an index can sort with the key as tie-break, as PostgreSQL would use it for one tenant.

    After the leading `org_id` an index counts if the column comes next and is followed by the key, or is unique
    by itself. Partial indexes count where they leave out soft-deleted rows only: lists leave them out too.
    """
    (key,) = mapper.primary_key
    names = {column.name: prop.key for prop in mapper.column_attrs for column in prop.columns[:1]}
    found = {names[key.name]}
    for columns, unique in _ordered_keys(mapper):
        rest = columns[1:] if columns[:1] == [TENANT] else columns
        if rest and (rest[1:2] == [key.name] or (unique and len(rest) == 1)) and rest[0] in names:
            found.add(names[rest[0]])
    return frozenset(found)


def _ordered_keys(mapper: Mapper[Any]) -> list[tuple[list[str], bool]]:
    """Column names, in order, of every index, unique constraint and key of the model's table."""
    table = mapper.local_table
    keys = [([column.name for column in constraint.columns], True) for constraint in table.constraints
            if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint)]
    indexes = [([part.name for part in index.expressions], bool(index.unique)) for index in table.indexes
               if _leaves_out_only_deleted_rows(index) and all(isinstance(part, Column) for part in index.expressions)]
    return keys + indexes


def _leaves_out_only_deleted_rows(index: Index) -> bool:
    condition = index.dialect_options["postgresql"]["where"]
    return condition is None or str(condition).lower().split(".")[-1] == "deleted_at is null"
