"""The outbox: each row is the truth about a piece of work; RQ carries only its id and wakes a worker."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import NEW_ID, NOW, Model, quoted
from app.models.declare import SERVICE, Grant, Policy, can, functions, protect
from app.permissions import Action, Portal, Resource
from app.rules.work import WorkState

_NEW = "state = 'pending' AND attempts = 0"
_STATES = quoted(WorkState)


class Work(Model):
    """A piece of work that a committed transaction asked for. `payload` holds ids, never texts or secrets.

    `org_id` is NULL for work of the installation. `key` is unique within the organization, so that the same
    work asked for twice is done once; a scheduled run is the row with the key `<job>:<slot>`.
    """

    __tablename__ = "outbox"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    kind: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    key: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="pending")
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    claimed_by: Mapped[str | None] = mapped_column(Text)
    claimed_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index("outbox_key", "org_id", "kind", "key", unique=True, postgresql_nulls_not_distinct=True,
              postgresql_where=text("key IS NOT NULL")),
        # What is new and what was begun lie apart: many rows of one kind must not be read to find one of the other.
        Index("outbox_new", "due_at", "id", postgresql_where=text(_NEW)),
        Index("outbox_new_here", "org_id", "due_at", "id", postgresql_where=text(_NEW)),
        Index("outbox_begun", "due_at", "id", postgresql_where=text("state = 'pending' AND attempts > 0")),
        Index("outbox_sort_created", "org_id", "created_at", "id"),
        Index("outbox_sort_state", "org_id", "state", "created_at", "id"),
        Index("outbox_dead", "created_at", "id", postgresql_where=text("state = 'dead'")),
        Index("outbox_finished", "finished_at", postgresql_where=text("state = 'done'")),
        CheckConstraint(f"state IN ({_STATES})", name="outbox_state_known"),
    )

    @property
    def title(self) -> str:
        """The kind in words: `Maintenance: moved`."""
        domain, _, what = self.kind.partition(".")
        return f"{domain.capitalize()}: {what.replace('_', ' ')}" if what else domain

    def __repr__(self) -> str:
        return self.title


functions("work")

protect(
    Work.__table__, unaudited="machinery: what the work does is audited where it is done",
    grants=[Grant((Portal.ADMIN,), select=True), Grant((SERVICE,), select=True)],
    policies=[
        Policy("staff_select", "SELECT", (Portal.ADMIN,),
               using=f"org_id = (SELECT app.current_org()) AND {can(Resource.WORK, Action.READ)}"),
        Policy("service_select", "SELECT", (SERVICE,), using="true"),
    ],
)
