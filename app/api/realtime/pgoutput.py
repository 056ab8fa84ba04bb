"""Reads pgoutput, the built-in format of logical replication (protocol version 1), message by message.

Values stay text, as PostgreSQL writes them. A long value that an UPDATE left alone is missing from its row, unless the
old row tells it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

Row = dict[str, str | None]

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_HEAD = struct.Struct("!QqI")  # Begin: LSN of the commit, its time in microseconds, transaction id
_U16, _U32 = struct.Struct("!H"), struct.Struct("!I")
_COLUMN = struct.Struct("!Ii")  # type, type modifier
# The names of the types that our tables use, which the official clients convert by.
_TYPES = {16: "bool", 17: "bytea", 20: "int8", 21: "int2", 23: "int4", 25: "text", 114: "json", 700: "float4", 701: "float8",
          1009: "_text", 1007: "_int4", 1043: "varchar", 1082: "date", 1114: "timestamp", 1184: "timestamptz",
          1186: "interval", 1700: "numeric", 2950: "uuid", 2951: "_uuid", 3802: "jsonb"}


class Kind(StrEnum):
    """What happened to a row; TRUNCATE has none."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    TRUNCATE = "TRUNCATE"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the stream describes it before its first row: columns with their types; those of the identity."""

    name: str
    types: dict[str, str]
    key: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """One row before and after. `old` of a table without a whole identity holds the columns of its key alone."""

    kind: Kind
    table: Table
    new: Row | None = None
    old: Row | None = None


@dataclass(slots=True)
class Transaction:
    """The published changes of one committed transaction, in order; `lsn` is that of its commit."""

    lsn: int
    at: datetime
    changes: list[Change] = field(default_factory=list)


class Decoder:
    """Feed it messages in order; a Commit gives the transaction."""

    def __init__(self) -> None:
        self._tables: dict[int, Table] = {}
        self._types = dict(_TYPES)
        self._open: Transaction | None = None

    def feed(self, message: bytes) -> Transaction | None:
        """The transaction that this message ends, if it ends one."""
        kind = message[:1]
        if kind == b"B":
            lsn, microseconds, _ = _HEAD.unpack_from(message, 1)
            self._open = Transaction(lsn, _EPOCH + timedelta(microseconds=microseconds))
        elif kind == b"C":
            found, self._open = self._open, None
            return found
        elif kind == b"R":
            self._learn_table(_Reader(message))
        elif kind == b"Y":
            reader = _Reader(message)
            oid = reader.u32()
            reader.text()
            self._types[oid] = reader.text()
        elif kind in (b"I", b"U", b"D", b"T") and self._open is not None:
            self._open.changes += self._changes(kind, _Reader(message))
        return None  # origins and logical messages tell nothing that is asked for here

    def _learn_table(self, reader: _Reader) -> None:
        oid = reader.u32()
        reader.text()  # the schema: every published table is in public
        name = reader.text()
        reader.skip(1)
        types: dict[str, str] = {}
        key = set()
        for _ in range(reader.u16()):
            in_key = reader.byte() & 1
            column = reader.text()
            type_oid, _ = reader.unpack(_COLUMN)
            types[column] = self._types.get(type_oid, "text")
            if in_key:
                key.add(column)
        self._tables[oid] = Table(name, types, frozenset(key))

    def _changes(self, kind: bytes, reader: _Reader) -> list[Change]:
        if kind == b"T":
            count = reader.u32()
            reader.skip(1)
            return [Change(Kind.TRUNCATE, self._tables[reader.u32()]) for _ in range(count)]
        table = self._tables[reader.u32()]
        mark, old = reader.mark(), None
        if mark in b"KO":
            old = reader.row(table)
            if mark == b"K":
                old = {column: value for column, value in old.items() if column in table.key}
            if kind == b"D":
                return [Change(Kind.DELETE, table, None, old)]
            mark = reader.mark()
        new = reader.row(table)
        if kind == b"I":
            return [Change(Kind.INSERT, table, new)]
        if old is None:  # the identity did not change
            old = {column: new[column] for column in table.key}
        else:
            new = {**{column: old[column] for column in table.types if column not in new and column in old}, **new}
        return [Change(Kind.UPDATE, table, new, old)]


class _Reader:
    """Walks through one message."""

    __slots__ = ("message", "place")

    def __init__(self, message: bytes) -> None:
        self.message, self.place = message, 1

    def skip(self, count: int) -> None:
        self.place += count

    def byte(self) -> int:
        self.place += 1
        return self.message[self.place - 1]

    def mark(self) -> bytes:
        self.place += 1
        return self.message[self.place - 1:self.place]

    def unpack(self, form: struct.Struct) -> tuple[int, ...]:
        found = form.unpack_from(self.message, self.place)
        self.place += form.size
        return found

    def u16(self) -> int:
        return self.unpack(_U16)[0]

    def u32(self) -> int:
        return self.unpack(_U32)[0]

    def text(self) -> str:
        end = self.message.index(0, self.place)
        found = self.message[self.place:end].decode()
        self.place = end + 1
        return found

    def row(self, table: Table) -> Row:
        """A tuple: its columns in the table's order; what did not change and was not sent is left out."""
        found: Row = {}
        count = self.u16()
        for column, _ in zip(table.types, range(count), strict=True):
            mark = self.mark()
            if mark == b"t":
                length = self.u32()
                found[column] = self.message[self.place:self.place + length].decode()
                self.place += length
            elif mark == b"n":
                found[column] = None
            elif mark != b"u":
                raise ValueError(f"pgoutput sends a column marked {mark!r}, which nobody asked for")
        return found
