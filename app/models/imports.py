"""Imports: a file, how its columns and values are understood, and what became of each row."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Authored, Model, Tenant, Timestamps, in_tenant, line, link, person
from app.models.declare import Grant, protect, staff_policies
from app.models.organizations import Hostel
from app.permissions import Portal, Resource


class ImportRun(Tenant, Timestamps, Authored, Model):
    """One import from upload to undo; `mapping` is {columns, values, zone, encoding, …} as the person set it."""

    __tablename__ = "import_runs"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = line(40)
    file_id: Mapped[UUID] = mapped_column(Uuid)
    filename: Mapped[str] = line(255)
    status: Mapped[str] = mapped_column(Text, server_default="uploaded")
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    message: Mapped[str] = mapped_column(Text, server_default="")
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="ImportRun")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("file_id", "files"), person("created_by"),
        Index("import_runs_sort_created", "org_id", "created_at", "id"),
        CheckConstraint("status IN ('uploaded','checked','running','done','failed','undone')",
                        name="import_runs_status_known"),
    )


class ImportRow(Tenant, Model):
    """The fate of one row of the file; `number` counts as a spreadsheet does, the header being row 1."""

    __tablename__ = "import_rows"

    run_id: Mapped[UUID] = mapped_column(Uuid)
    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    source: Mapped[dict[str, Any]] = mapped_column(JSONB)
    row_id: Mapped[UUID | None] = mapped_column(Uuid)

    __table_args__ = (
        in_tenant("run_id", "import_runs"), in_tenant("hostel_id", "hostels"),
        Index("import_rows_number_key", "org_id", "run_id", "number", unique=True),
        CheckConstraint("outcome IN ('created','updated','restored','unchanged','refused')",
                        name="import_rows_outcome_known"),
    )


for _model in (ImportRun, ImportRow):
    protect(
        _model.__table__,
        unaudited="a log of the import itself" if _model is ImportRow else "",
        grants=[Grant((Portal.ADMIN,), select=True, insert=True, update=True, delete=_model is ImportRow)],
        policies=staff_policies(Resource.IMPORTS, commands=(
            ("SELECT", "INSERT", "UPDATE", "DELETE") if _model is ImportRow else ("SELECT", "INSERT", "UPDATE"))),
    )
