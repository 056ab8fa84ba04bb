"""What can be sealed: a table whose rows are only ever added, and the table of its batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, cast, insert, literal
from sqlalchemy.orm import Session

from app.models.audit import AuditBatch
from app.rules.audit import CHAIN, COLUMNS


def microseconds(column: str) -> str:
    """A time in SQL as a number, which no setting of a session can change."""
    return f"(extract(epoch FROM {column}) * 1000000)::bigint"


@dataclass(frozen=True)
class Log:
    """A sealed table, called `l` in the SQL below: it has `seq` and, given before it, `xid`.

    `document` is the text that is sealed of a row; `told` names the row for people, `gone` one that is not there any more; `at` is when it was written.
    `horizon` answers at, seq, system_id (app.audit_horizon says what they are). The session sees one chain's rows and
    batches: all of the table, or those of the organization it is bound to.
    """

    chain: str
    title: str
    batches: type[Any]
    table: str
    document: str
    told: str
    at: str
    horizon: str
    add: Callable[[Session, Mapping[str, Any]], None]
    gone: str = "row {} of the log"

    @property
    def batches_table(self) -> str:
        """The name of the table of its batches."""
        return str(self.batches.__tablename__)


def as_array(numbers: Any) -> str:
    """An array as PostgreSQL reads it from one text; thousands of single elements would be slow to parse."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _add(session: Session, values: Mapping[str, Any]) -> None:
    numbers = cast(literal(as_array(values["seqs"]), Text), ARRAY(BigInteger))
    session.execute(insert(AuditBatch).values({**values, "seqs": numbers}))


# The columns in their order as one JSON array in jsonb's one normal form. One text is half the work of fifteen.
AUDIT = Log(
    chain=CHAIN, title="the audit log", batches=AuditBatch, table="audit_log", at="l.at", horizon="app.audit_horizon()", add=_add,
    document="jsonb_build_array({})::text".format(
        ", ".join(microseconds("l.at") if name == "at" else f"l.{name}" for name in COLUMNS)),
    told="format('row %s of the log (%s %s, %s)', l.seq, l.table_name, coalesce(l.row_id, 'without id'), "
         "coalesce('organization ' || l.org_id, 'no organization'))",
)
