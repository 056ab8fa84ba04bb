"""Imports: a file, how its columns and values are understood, and what became of each row."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Authored,
    Model,
    SoftDelete,
    Tenant,
    Timestamps,
    in_tenant,
    line,
    link,
    person,
    quoted,
)
from app.models.declare import Grant, Published, functions, protect, staff_policies, trigger
from app.models.files import File
from app.models.organizations import Hostel
from app.permissions import Portal, Resource
from app.rules.imports.kinds import ImportKind
from app.rules.imports.runs import RowOutcome, RunStatus

_EMPTY = text("'{}'::jsonb")
_NONE = text("'[]'::jsonb")


class ImportRun(Tenant, Timestamps, Authored, SoftDelete, Model):
    """One import from upload to undo. `mapping` is {columns, zone, encoding, orders, categories, statuses} as the person
    set it, `counts` what the check and the run found.
    """

    __tablename__ = "import_runs"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = line(40)
    file_id: Mapped[UUID] = mapped_column(Uuid)
    filename: Mapped[str] = line(255)
    status: Mapped[str] = mapped_column(Text, server_default=RunStatus.UPLOADED.value)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_EMPTY)
    headers: Mapped[list[str]] = mapped_column(JSONB, server_default=_NONE)
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_EMPTY)
    message: Mapped[str] = mapped_column(Text, server_default="")
    started_by: Mapped[int | None] = mapped_column(Integer)
    undone_by: Mapped[int | None] = mapped_column(Integer)
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="ImportRun")
    file: Mapped[File] = link("File", "file_id", here="ImportRun")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("file_id", "files"), person("created_by"), person("started_by"),
        person("undone_by"),
        Index("import_runs_sort_created", "org_id", "created_at", "id"),
        CheckConstraint(f"status IN ({quoted(RunStatus)})",
                        name="import_runs_status_known"),
        CheckConstraint(f"kind IN ({quoted(ImportKind)})", name="import_runs_kind_known"),
    )

    def __repr__(self) -> str:
        return self.filename


class ImportRow(Tenant, Model):
    """The fate of one row of the file; `number` counts as a spreadsheet does, the header being row 1.

    `source` (its cells) and `request` (what it becomes) are emptied once that is there, whose id is then `row_id`; of
    kinds that are personal both are in `sealed`, under the field keys, alone. `settled_at` is when it was, so that later changes by people can be told. `undo` says whether
    undoing the import hid the request or had to leave it.
    """

    __tablename__ = "import_rows"

    run_id: Mapped[UUID] = mapped_column(Uuid)
    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text, server_default="")
    reason: Mapped[str] = mapped_column(Text, server_default="")
    column_name: Mapped[str] = mapped_column(Text, server_default="")
    source: Mapped[list[str]] = mapped_column(JSONB, server_default=_NONE)
    request: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    sealed: Mapped[str | None] = mapped_column(Text, deferred=True)
    row_id: Mapped[UUID | None] = mapped_column(Uuid)
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    undo: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        in_tenant("run_id", "import_runs"), in_tenant("hostel_id", "hostels"),
        Index("import_rows_number_key", "org_id", "run_id", "number", unique=True),
        Index("import_rows_outcome", "org_id", "run_id", "outcome", "number"),
        Index("import_rows_undoable", "org_id", "run_id", "number",
              postgresql_where=text("outcome IN ('created', 'restored') AND undo IS NULL")),
        Index("import_rows_request", "org_id", "row_id", postgresql_where=text("row_id IS NOT NULL")),
        CheckConstraint(f"outcome IN ({quoted(RowOutcome)})",
                        name="import_rows_outcome_known"),
        CheckConstraint("undo IN ('hidden', 'kept')", name="import_rows_undo_known"),
    )


functions("imports")

protect(
    ImportRun.__table__,
    published=Published(key=("org_id", "hostel_id", "id"),
                        columns=("org_id", "id", "hostel_id", "kind", "status", "counts", "message", "started_by",
                                 "started_at", "finished_at", "undone_at", "created_at", "updated_at", "deleted_at")),
    grants=[Grant((Portal.ADMIN,), select=True, insert=("hostel_id", "kind", "file_id", "filename", "mapping", "headers"),
                  update=("mapping", "headers", "counts", "message"))],
    policies=staff_policies(Resource.IMPORTS, commands=("SELECT", "INSERT", "UPDATE")),
)
# Rows are written by functions alone: they are the proof of what an import did.
protect(
    ImportRow.__table__, unaudited="a log of the import itself",
    grants=[Grant((Portal.ADMIN,), select=True)],
    policies=staff_policies(Resource.IMPORTS, commands=("SELECT",)),
)
trigger("import_runs", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('import_run')")
trigger("import_runs", "c_times", "BEFORE UPDATE OF status", "app.note_import_step()")
