"""The audit log: sealing and verification, of other logs too, and reading."""

from __future__ import annotations

from app.services.audit.logs import AUDIT, Log, microseconds
from app.services.audit.reading import (
    SealedIn,
    as_rows,
    entries_between,
    entries_of_row,
    find_people,
    note_export,
    seal_of,
    write_csv,
    write_jsonl,
)
from app.services.audit.sealing import BATCH_ROWS, Sealed, SealRefused, resume_log, seal_batch, seal_log
from app.services.audit.verification import Finding, Problem, Verification

__all__ = [
    "AUDIT", "BATCH_ROWS", "Finding", "Log", "Problem", "SealRefused", "Sealed", "SealedIn", "Verification", "as_rows",
    "entries_between", "entries_of_row", "find_people", "microseconds", "note_export", "resume_log", "seal_batch", "seal_log", "seal_of",
    "write_csv", "write_jsonl",
]
