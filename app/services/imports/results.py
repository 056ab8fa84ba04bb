"""What the screens and commands show of an import: how far it is, what it refused, what it looks like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.imports import ImportRow, ImportRun
from app.rules.imports import RowVerdict
from app.rules.imports.runs import RowOutcome
from app.services.imports.checking import opened_row

O = RowOutcome  # noqa: E741 - the outcome of a row
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Progress:
    """Rows by what became of them; `hidden` and `kept` by undoing."""

    accepted: int = 0
    refused: int = 0
    created: int = 0
    restored: int = 0
    unchanged: int = 0
    hidden: int = 0
    kept: int = 0

    @property
    def rows(self) -> int:
        """All rows of the file that are not blank."""
        return self.accepted + self.refused + self.done

    @property
    def done(self) -> int:
        """Rows that the run has dealt with."""
        return self.created + self.restored + self.unchanged

    @property
    def wanted(self) -> int:
        """Rows that go in, or have gone in."""
        return self.accepted + self.done

    @property
    def undoable(self) -> int:
        """What undoing would hide, were none of it worked on."""
        return self.created + self.restored - self.hidden - self.kept


def progress(session: Session, run_id: UUID) -> Progress:
    """How far an import is, in one statement over its rows."""
    found = session.execute(select(ImportRow.outcome, ImportRow.undo, func.count()).where(ImportRow.run_id == run_id)
                            .group_by(ImportRow.outcome, ImportRow.undo)).all()
    counts: dict[str, int] = {}
    for outcome, undo, count in found:
        counts[outcome] = counts.get(outcome, 0) + count
        if undo:
            counts[undo] = counts.get(undo, 0) + count
    return Progress(**counts)


def refused_rows(session: Session, ring: KeyRing, run: ImportRun, most: int | None = None) -> Iterator[RowVerdict]:
    """The rows that did not go in, with their cells as they came and the reason, in the order of the file."""
    statement = select(ImportRow.number, ImportRow.code, ImportRow.reason, ImportRow.column_name, ImportRow.source,
                       ImportRow.sealed).where(
        ImportRow.run_id == run.id, ImportRow.outcome == O.REFUSED).order_by(ImportRow.number).limit(most)
    for number, code, reason, column, source, sealed in session.execute(statement.execution_options(yield_per=_AT_ONCE)):
        yield RowVerdict(number, None, code, reason, column, tuple(opened_row(ring, run.id, number, sealed)[0] if sealed else source))


def preview(session: Session, run: ImportRun, most: int = 10) -> Sequence[ImportRow]:
    """The first rows that would go in, as they would."""
    return session.scalars(select(ImportRow).where(ImportRow.run_id == run.id, ImportRow.outcome == O.ACCEPTED)
                           .order_by(ImportRow.number).limit(most)).all()


def previewed_things(session: Session, ring: KeyRing, run: ImportRun, most: int = 10) -> list[tuple[int, dict[str, Any]]]:
    """(number, values) of the first rows that would go in, of any kind but requests."""
    rows = session.execute(select(ImportRow.number, ImportRow.request, ImportRow.sealed).where(
        ImportRow.run_id == run.id, ImportRow.outcome == O.ACCEPTED).order_by(ImportRow.number).limit(most))
    return [(number, (opened_row(ring, run.id, number, sealed)[1] if sealed else request) or {}) for number, request, sealed in rows]


def kept_rows(session: Session, run: ImportRun, most: int) -> Sequence[ImportRow]:
    """Rows of which undoing left what they became where it is, with the reason."""
    return session.scalars(select(ImportRow).where(ImportRow.run_id == run.id, ImportRow.undo == "kept")
                           .order_by(ImportRow.number).limit(most)).all()
