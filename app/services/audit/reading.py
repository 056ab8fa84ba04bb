"""Reads the audit log for people, as the session that asks is allowed to, and notes when some of it is taken out."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session, joinedload

from app.models.audit import AuditEntry
from app.models.people import Member
from app.rules.imports.table import guarded_cell

PEOPLE = 20
_SEAL = text("SELECT batch, sealed_at FROM app.audit_seal_of(:seq)")
_NOTE = text("SELECT app.note_event('export', :subject, NULL, :reason, CAST(:data AS jsonb))")


@dataclass(frozen=True, slots=True)
class SealedIn:
    """The batch that vouches for an entry."""

    batch: int
    sealed_at: datetime


def seal_of(session: Session, seq: int) -> SealedIn | None:
    """Where an entry of the caller's organization is sealed; None while it waits for the next batch."""
    row = session.execute(_SEAL, {"seq": seq}).one_or_none()
    return SealedIn(*row) if row else None


def entries_of_row(session: Session, entry: AuditEntry, most: int) -> Sequence[AuditEntry]:
    """What happened to the same row, newest first, `entry` itself included."""
    if entry.row_id is None:
        return []
    same = select(AuditEntry).where(AuditEntry.org_id == entry.org_id, AuditEntry.table_name == entry.table_name,
                                    AuditEntry.row_id == entry.row_id)
    return session.scalars(same.order_by(AuditEntry.seq.desc()).limit(most).options(joinedload(AuditEntry.member))).all()


def find_people(session: Session, words: str) -> Sequence[Member]:
    """Members whose name contains `words`, also those who left."""
    found = select(Member).where(Member.name.icontains(words, autoescape=True)).order_by(Member.name).limit(PEOPLE)
    return session.scalars(found).all()


def note_export(session: Session, taken: Mapping[str, Any], reason: str | None = None, subject: str = "audit_log") -> None:
    """Write into the log that rows of a table are taken out; `taken` says which, in words without personal values."""
    session.execute(_NOTE, {"subject": subject, "reason": reason, "data": json.dumps(dict(taken))})


def entries_between(org_id: UUID, start: datetime | None, end: datetime | None) -> Select[Any]:
    """An organization's entries from `start` to before `end`, oldest first."""
    found = select(AuditEntry).where(AuditEntry.org_id == org_id).order_by(AuditEntry.seq)
    if start is not None:
        found = found.where(AuditEntry.at >= start)
    return found.where(AuditEntry.at < end) if end is not None else found


def as_rows(session: Session, entries: Select[Any]) -> Iterator[dict[str, Any]]:
    """Entries as plain values for a file, some thousand at a time in memory."""
    statement = entries.options(joinedload(AuditEntry.member)).execution_options(yield_per=2000)
    for entry in session.scalars(statement):
        yield {
            "entry": entry.seq, "at": entry.at.isoformat(timespec="microseconds"), "who": entry.who,
            "action": entry.action, "table": entry.table_name, "row": entry.row_id, "portal": entry.portal,
            "before": entry.before, "after": entry.after, "reason": entry.reason, "request": entry.request_id,
        }


def write_csv(target: TextIO, rows: Iterator[dict[str, Any]]) -> int:
    """Rows as CSV that no spreadsheet takes for formulas; before and after as JSON. Returns how many."""
    writer: csv.DictWriter[str] | None = None
    count = 0
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(target, list(row))
            writer.writeheader()
        writer.writerow({name: guarded_cell(_cell(value)) for name, value in row.items()})
        count += 1
    target.flush()
    return count


def write_jsonl(target: TextIO, rows: Iterator[dict[str, Any]]) -> int:
    """Rows as one JSON object for each line. Returns how many."""
    count = 0
    for row in rows:
        target.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    target.flush()
    return count


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
