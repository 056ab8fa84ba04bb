"""What an organization announces to many at once, and the words in which its messages go out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, DateTime, Index, Integer, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
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
from app.models.declare import IN_ORG, Grant, Policy, Published, can, functions, protect, within
from app.models.organizations import Hostel
from app.models.rooms import Floor
from app.permissions import Action, Portal, Resource
from app.rules.announcements import BODY_MAX, TEMPLATE_MAX, AnnouncementState
from app.rules.notifications import Channel


class Announcement(Tenant, Timestamps, Authored, SoftDelete, Model):
    """A message to a hostel, a floor, some roles, or everybody: written, given a time, sent once."""

    __tablename__ = "announcements"

    title: Mapped[str] = line(150)
    body: Mapped[str] = mapped_column(Text, server_default="")
    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    floor_id: Mapped[UUID | None] = mapped_column(Uuid)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{in_app}'"))
    emergency: Mapped[bool] = mapped_column(Boolean, server_default="false")
    state: Mapped[str] = mapped_column(Text, server_default=AnnouncementState.DRAFT.value)
    send_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    told: Mapped[int] = mapped_column(Integer, server_default="0")
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="Announcement")
    floor: Mapped[Floor | None] = link("Floor", "floor_id", here="Announcement")

    __table_args__ = (
        person("created_by"), in_tenant("hostel_id", "hostels"), in_tenant("floor_id", "floors"),
        Index("announcements_sort_created", "org_id", "created_at", "id"),
        Index("announcements_sort_state", "org_id", "state", "created_at", "id"),
        CheckConstraint(f"state IN ({quoted(AnnouncementState)})", name="announcements_state_known"),
        CheckConstraint(f"channels <@ ARRAY[{quoted(Channel)}] AND cardinality(channels) > 0", name="announcements_channels_known"),
        CheckConstraint(f"length(btrim(title)) > 0 AND length(body) <= {BODY_MAX}", name="announcements_said"),
        CheckConstraint("floor_id IS NULL OR hostel_id IS NOT NULL", name="announcements_floor_of_a_hostel"),
    )

    def __repr__(self) -> str:
        return self.title


class NotificationTemplate(Tenant, Timestamps, Authored, Model):
    """The organization's own words around what people are told, for a channel and a language; without one, ours."""

    __tablename__ = "notification_templates"

    channel: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = line(12)
    kind: Mapped[str] = line(60)
    subject: Mapped[str] = mapped_column(String(200), server_default="")
    body: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        person("created_by"), Index("notification_templates_key", "org_id", "channel", "language", "kind", unique=True),
        Index("notification_templates_sort_created", "org_id", "created_at", "id"),
        CheckConstraint(f"channel IN ({quoted(one for one in Channel if one is not Channel.IN_APP)})", name="notification_templates_channel_known"),
        CheckConstraint(f"length(btrim(body)) BETWEEN 1 AND {TEMPLATE_MAX}", name="notification_templates_said"),
    )

    def __repr__(self) -> str:
        return self.subject or self.body.strip().splitlines()[0]


functions("announcements")


def _reach(action: Action) -> str:
    """What is for all hostels belongs to those who announce in all of them."""
    return (f"{IN_ORG} AND (hostel_id IS NULL AND (SELECT app.everywhere('{Resource.ANNOUNCEMENTS}', '{action}'))"
            f" OR hostel_id IS NOT NULL AND {within(Resource.ANNOUNCEMENTS, action)})")


_ADMIN = (Portal.ADMIN,)
_SAID = ("title", "body", "hostel_id", "floor_id", "roles", "channels", "emergency")
protect(
    Announcement.__table__, published=Published(), guarded=("state", "send_at", "sent_at", "told"),
    grants=[Grant(_ADMIN, select=True, insert=("org_id", "id", *_SAID), update=(*_SAID, "deleted_at"))],
    policies=[
        Policy("staff_select", "SELECT", _ADMIN, using=f"{IN_ORG} AND {within(Resource.ANNOUNCEMENTS, Action.READ)}"),
        Policy("staff_insert", "INSERT", _ADMIN, check=_reach(Action.CREATE)),
        Policy("staff_update", "UPDATE", _ADMIN, using=f"{_reach(Action.UPDATE)} AND state = 'draft'"),
    ],
)
_RULED = f"{IN_ORG} AND {can(Resource.ORGANIZATION, Action.UPDATE)}"
protect(
    NotificationTemplate.__table__, grants=[Grant(_ADMIN, select=True, insert=True, update=True, delete=True)],
    policies=[
        Policy("staff_select", "SELECT", _ADMIN, using=f"{IN_ORG} AND {can(Resource.ORGANIZATION, Action.READ)}"),
        Policy("staff_insert", "INSERT", _ADMIN, check=_RULED), Policy("staff_update", "UPDATE", _ADMIN, using=_RULED),
        Policy("staff_delete", "DELETE", _ADMIN, using=_RULED),
    ],
)
