"""What people are told in the console; other channels come beside it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Integer, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Model, Tenant, Timestamps, in_tenant, line, person
from app.models.declare import IN_ORG, MINE, SIGNED_IN, Grant, Policy, Published, functions, protect
from app.permissions import Portal


class Notification(Tenant, Timestamps, Model):
    """One thing told to one person; `key` keeps anybody from being told twice."""

    __tablename__ = "notifications"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = line(60)
    title: Mapped[str] = line(200)
    body: Mapped[str] = mapped_column(Text, server_default="")
    link: Mapped[str] = mapped_column(Text, server_default="")
    key: Mapped[str] = line(200)
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        person("user_id"), in_tenant("hostel_id", "hostels"),
        Index("notifications_key", "org_id", "user_id", "key", unique=True),
        Index("notifications_unread", "org_id", "user_id", postgresql_where=text("read_at IS NULL")),
        Index("notifications_sort_created", "org_id", "user_id", "created_at", "id"),
    )


functions("notifications")

_READERS = tuple(portal for portal in SIGNED_IN if portal is not Portal.PLATFORM)
protect(
    Notification.__table__, masked=("title", "body"), published=Published(key=("org_id", "user_id", "id")),
    grants=[Grant(_READERS, select=True, update=("read_at",))],
    policies=[
        Policy("mine_select", "SELECT", _READERS, using=f"{IN_ORG} AND {MINE}"),
        Policy("mine_update", "UPDATE", _READERS, using=f"{IN_ORG} AND {MINE}"),
    ],
)
