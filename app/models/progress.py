"""Tasks: long work that a person started, may leave, find again and cancel. The outbox does it; a task tells of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Model, Tenant, Timestamps, in_tenant, link, person, quoted
from app.models.declare import IN_ORG, MINE, STAFF, Grant, Policy, Published, can, functions, protect, trigger
from app.models.files import File
from app.models.people import Member
from app.permissions import Action, Resource
from app.rules.progress import ACTIVE, TaskKind, TaskStatus

_EMPTY = text("'{}'::jsonb")
_ACTIVE = f"status IN ({', '.join(sorted(repr(str(status)) for status in ACTIVE))})"


class Task(Tenant, Timestamps, Model):
    """One piece of long work. `title` is what its name is made of, `asked` what to do (ids, and what the person typed),
    `cursor` where its next step begins, `result` the figures of its end; `subject_id` is the thing it is about.

    `step` grows with every step that is due, so that each is asked for once.
    """

    __tablename__ = "tasks"

    kind: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int] = mapped_column(Integer)
    portal: Mapped[str] = mapped_column(Text)
    title: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_EMPTY)
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_EMPTY, deferred=True)
    status: Mapped[str] = mapped_column(Text, server_default=TaskStatus.QUEUED.value)
    done: Mapped[int] = mapped_column(Integer, server_default="0")
    total: Mapped[int | None] = mapped_column(Integer)
    cursor: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_EMPTY, deferred=True)
    step: Mapped[int] = mapped_column(Integer, server_default="0")
    message: Mapped[str] = mapped_column(Text, server_default="")
    result: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_EMPTY)
    subject_id: Mapped[UUID | None] = mapped_column(Uuid)
    file_id: Mapped[UUID | None] = mapped_column(Uuid)
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    file: Mapped[File | None] = link("File", "file_id", here="Task", viewonly=True)
    starter: Mapped[Member] = link("Member", "user_id", here="Task", key="user_id", viewonly=True)

    __table_args__ = (
        person("user_id"), in_tenant("file_id", "files"),
        Index("tasks_subject_key", "org_id", "subject_id", unique=True, postgresql_where=text(f"subject_id IS NOT NULL AND {_ACTIVE}")),
        Index("tasks_own", "org_id", "user_id", "created_at", "id"),
        Index("tasks_active", "org_id", "user_id", postgresql_where=text(_ACTIVE)),
        Index("tasks_sort_created", "org_id", "created_at", "id"),
        Index("tasks_file", "org_id", "file_id", postgresql_where=text("file_id IS NOT NULL")),
        Index("tasks_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        CheckConstraint(f"kind IN ({quoted(TaskKind)})", name="tasks_kind_known"),
        CheckConstraint(f"status IN ({quoted(TaskStatus)})", name="tasks_status_known"),
    )

    def __repr__(self) -> str:
        return self.kind


functions("progress")

# Written by functions alone: progress is what whoever does the work says it is. What was asked, and may have been typed,
# is for the product alone.
_SHOWN = tuple(column.name for column in Task.__table__.columns if column.name not in {"asked", "cursor"})
protect(
    Task.__table__, unaudited="tells how far work is; what the work does is audited where it is done",
    grants=[Grant(STAFF, select=_SHOWN)],
    policies=[Policy("mine_or_all_select", "SELECT", STAFF, using=f"{IN_ORG} AND ({MINE} OR {can(Resource.WORK, Action.READ)})")],
    published=Published(key=("org_id", "user_id", "id"),
                        columns=("org_id", "user_id", "id", "kind", "status", "done", "total", "updated_at")),
)
trigger("tasks", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('task')")
trigger("outbox", "c_task", "AFTER UPDATE OF state", "app.fail_task_of_work()",
        each="FOR EACH ROW WHEN (NEW.state = 'dead' AND NEW.kind = 'progress.step')")
