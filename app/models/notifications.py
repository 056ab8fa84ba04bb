"""What people are told, by which ways they want to be told, and what became of it on each way."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Model, Tenant, Timestamps, in_tenant, line, link, person, quoted
from app.models.declare import (
    IN_ORG,
    MINE,
    SIGNED_IN,
    Grant,
    Policy,
    Published,
    functions,
    protect,
    trigger,
    within,
)
from app.models.people import Member
from app.permissions import Action, Portal, Resource
from app.rules.notifications import Channel, DeliveryState, Urgency


class Notification(Tenant, Timestamps, Model):
    """One thing told to one person; `key` keeps anybody from being told twice."""

    __tablename__ = "notifications"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = line(60)
    urgency: Mapped[str] = mapped_column(Text, server_default=Urgency.NORMAL.value)
    title: Mapped[str] = line(200)
    body: Mapped[str] = mapped_column(Text, server_default="")
    link: Mapped[str] = mapped_column(Text, server_default="")
    key: Mapped[str] = line(200)
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        person("user_id"), in_tenant("hostel_id", "hostels"),
        Index("notifications_key", "org_id", "user_id", "key", unique=True),
        Index("notifications_unread", "org_id", "user_id", postgresql_where=text("read_at IS NULL")),
        Index("notifications_sort_created", "org_id", "user_id", "created_at", "id"),
        CheckConstraint(f"urgency IN ({quoted(Urgency)})", name="notifications_urgency_known"),
    )


class NotificationPreference(Tenant, Timestamps, Model):
    """That somebody wants a kind on a channel, or does not; without a row it is as usual."""

    __tablename__ = "notification_preferences"

    user_id: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = line(60)
    channel: Mapped[str] = mapped_column(Text)
    wanted: Mapped[bool] = mapped_column(Boolean)

    __table_args__ = (
        person("user_id"), Index("notification_preferences_key", "org_id", "user_id", "kind", "channel", unique=True),
        CheckConstraint(f"channel IN ({quoted(Channel)})", name="notification_preferences_channel_known"),
    )


class NotificationSettings(Tenant, Timestamps, Model):
    """Somebody's quiet hours, and the number for text messages: sealed, and used once it was confirmed."""

    __tablename__ = "notification_settings"

    user_id: Mapped[int] = mapped_column(Integer)
    quiet_from: Mapped[time | None] = mapped_column(Time)
    quiet_to: Mapped[time | None] = mapped_column(Time)
    timezone: Mapped[str | None] = line(60)
    phone_token: Mapped[str | None] = mapped_column(Text, deferred=True)
    phone_masked: Mapped[str | None] = line(60)
    phone_confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        person("user_id"), Index("notification_settings_key", "org_id", "user_id", unique=True),
        CheckConstraint("(quiet_from IS NULL) = (quiet_to IS NULL) AND quiet_from <> quiet_to", name="notification_settings_quiet_whole"),
        CheckConstraint("num_nonnulls(phone_token, phone_masked) IN (0, 2)", name="notification_settings_phone_whole"),
    )


class Delivery(Tenant, Timestamps, Model):
    """One notification on one channel. `off_digest` lets the reader of a mail turn its kind off without signing in."""

    __tablename__ = "notification_deliveries"

    notification_id: Mapped[UUID] = mapped_column(Uuid)
    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = line(60)
    channel: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default=DeliveryState.QUEUED.value)
    reason: Mapped[str] = mapped_column(String(300), server_default="")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("app.now()"))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    source_id: Mapped[UUID | None] = mapped_column(Uuid)  # the announcement, if it is one
    off_digest: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    member: Mapped[Member] = link("Member", "user_id", here="Delivery", key="user_id")

    __table_args__ = (
        person("user_id"), in_tenant("hostel_id", "hostels"), in_tenant("notification_id", "notifications", ondelete="CASCADE"),
        Index("notification_deliveries_key", "org_id", "notification_id", "channel", unique=True),
        Index("notification_deliveries_group", "org_id", "user_id", "channel", "kind", "due_at"),
        Index("notification_deliveries_sort_created", "org_id", "created_at", "id"),
        Index("notification_deliveries_sort_state", "org_id", "state", "created_at", "id"),
        Index("notification_deliveries_source", "org_id", "source_id", "channel", "state", postgresql_where=text("source_id IS NOT NULL")),
        Index("notification_deliveries_off", "off_digest", postgresql_where=text("off_digest IS NOT NULL")),
        CheckConstraint(f"channel IN ({quoted(Channel)})", name="notification_deliveries_channel_known"),
        CheckConstraint(f"state IN ({quoted(DeliveryState)})", name="notification_deliveries_state_known"),
    )

    def __repr__(self) -> str:
        return f"{self.member}"


functions("notifications")
trigger("notifications", "m_read", "AFTER UPDATE OF read_at", "app.note_read()")
trigger("telegram_messages", "m_delivery", "AFTER UPDATE OF state", "app.note_telegram()")

_READERS = tuple(portal for portal in SIGNED_IN if portal is not Portal.PLATFORM)
protect(
    Notification.__table__, masked=("title", "body"), published=Published(key=("org_id", "user_id", "id")),
    grants=[Grant(_READERS, select=True, update=("read_at", "archived_at"))],
    policies=[
        Policy("mine_select", "SELECT", _READERS, using=f"{IN_ORG} AND {MINE}"),
        Policy("mine_update", "UPDATE", _READERS, using=f"{IN_ORG} AND {MINE}"),
    ],
)
protect(
    NotificationPreference.__table__, grants=[Grant(_READERS, select=True)],
    policies=[Policy("mine_select", "SELECT", _READERS, using=f"{IN_ORG} AND {MINE}")],
)
_SHOWN = tuple(c.name for c in NotificationSettings.__table__.columns if c.name != "phone_token")
protect(
    NotificationSettings.__table__, masked=("phone_token", "phone_masked", "phone_confirmed_at"), grants=[Grant(_READERS, select=_SHOWN)],
    policies=[Policy("mine_select", "SELECT", _READERS, using=f"{IN_ORG} AND {MINE}")],
)
protect(
    Delivery.__table__, unaudited="a log itself: every state keeps its time", published=Published(),
    grants=[Grant((Portal.ADMIN,), select=tuple(c.name for c in Delivery.__table__.columns if c.name != "off_digest"))],
    policies=[Policy("staff_select", "SELECT", (Portal.ADMIN,), using=f"{IN_ORG} AND {within(Resource.ANNOUNCEMENTS, Action.READ)}")],
)
