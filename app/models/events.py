"""Events of the houses, who comes to them, and the calendars that people subscribe to."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    Uuid,
    text,
)
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
from app.models.declare import (
    ADMITTED,
    IN_ORG,
    MINE,
    Grant,
    Policy,
    can,
    functions,
    protect,
    staff_policies,
    trigger,
    within,
)
from app.models.organizations import Hostel
from app.permissions import Action, Portal, Resource
from app.rules.events import CAPACITY_MAX, GUESTS_MAX, PLACE_MAX, TEXT_MAX, TITLE_MAX, EventStatus, ReplyState


class HostelEvent(Tenant, Timestamps, Authored, SoftDelete, Model):
    """Something that takes place in a house, or for all of them. `sequence` counts what calendars have to take over."""

    __tablename__ = "hostel_events"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    title: Mapped[str] = line(TITLE_MAX)
    description: Mapped[str] = mapped_column(Text, server_default="")
    place: Mapped[str] = mapped_column(String(PLACE_MAX), server_default="")
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    timezone: Mapped[str] = line(60)
    reply_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    capacity: Mapped[int | None] = mapped_column(Integer)
    guests_most: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    photo_id: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(Text, server_default=EventStatus.DRAFT.value)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    sequence: Mapped[int] = mapped_column(Integer, server_default="0")
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="HostelEvent")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("photo_id", "files"), person("created_by"),
        Index("hostel_events_sort_starts", "org_id", "starts_at", "id"),
        Index("hostel_events_coming", "starts_at", postgresql_where=text("status = 'published' AND deleted_at IS NULL")),
        Index("hostel_events_photo", "org_id", "photo_id", postgresql_where=text("photo_id IS NOT NULL")),
        CheckConstraint(f"status IN ({quoted(EventStatus)})", name="hostel_events_status_known"),
        CheckConstraint("ends_at > starts_at AND ends_at <= starts_at + interval '31 days'", name="hostel_events_time_forward"),
        CheckConstraint("reply_until <= starts_at", name="hostel_events_answered_before"),
        CheckConstraint(f"capacity BETWEEN 1 AND {CAPACITY_MAX}", name="hostel_events_capacity"),
        CheckConstraint(f"guests_most BETWEEN 0 AND {GUESTS_MAX}", name="hostel_events_guests"),
        CheckConstraint(f"length(btrim(title)) > 0 AND length(description) <= {TEXT_MAX}",
                        name="hostel_events_said"),
    )

    @property
    def state(self) -> EventStatus:
        """Where it stands, as the rules know it."""
        return EventStatus(self.status)

    def __repr__(self) -> str:
        return self.title


class EventReply(Tenant, Timestamps, Model):
    """What a resident answered, with how many guests; who waits is in line by `waiting_at`. Written by functions alone."""

    __tablename__ = "event_replies"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    event_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    guests: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    waiting_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("event_id", "hostel_events"), person("user_id"),
        Index("event_replies_person_key", "org_id", "event_id", "user_id", unique=True),
        Index("event_replies_person", "org_id", "user_id"),
        CheckConstraint(f"state IN ({quoted(ReplyState)})", name="event_replies_state_known"),
        CheckConstraint(f"guests BETWEEN 0 AND {GUESTS_MAX}", name="event_replies_guests"),
        CheckConstraint("(state = 'waiting') = (waiting_at IS NOT NULL)", name="event_replies_in_line"),
    )


class EventFeed(Tenant, Timestamps, Model):
    """The secret address of somebody's calendar, as the SHA-256 of its secret; ended when another is made."""

    __tablename__ = "event_feeds"

    user_id: Mapped[int] = mapped_column(Integer)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        person("user_id"),
        Index("event_feeds_digest_key", "org_id", "digest", unique=True),
        Index("event_feeds_digest", "digest", postgresql_where=text("revoked_at IS NULL")),
        Index("event_feeds_person_key", "org_id", "user_id", unique=True, postgresql_where=text("revoked_at IS NULL")),
    )


functions("events")

_R, _STAFF = Resource.EVENTS, (Portal.ADMIN, Portal.AMENITY)


def _reach(action: Action) -> str:
    """What is for all houses belongs to those who may do so in all of them."""
    return (f"{IN_ORG} AND (hostel_id IS NULL AND (SELECT app.everywhere('{_R}', '{action}'))"
            f" OR hostel_id IS NOT NULL AND {within(_R, action)})")


_SAID = ("title", "description", "place", "starts_at", "ends_at", "reply_until", "capacity", "guests_most", "photo_id")
protect(
    HostelEvent.__table__, definer="SELECT, UPDATE", guarded=("status", "reason", "sequence"),
    grants=[Grant(_STAFF, select=True, insert=("id", "hostel_id", "timezone", "deleted_at", *_SAID), update=(*_SAID, "deleted_at")),
            Grant((Portal.RESIDENT,), select=True)],
    policies=[
        *staff_policies(_R, _STAFF, commands=("SELECT",)),
        Policy("resident_select", "SELECT", (Portal.RESIDENT,), using=(
            f"{IN_ORG} AND status <> 'draft' AND {within(_R, Action.READ)} AND {ADMITTED}")),
        Policy("staff_insert", "INSERT", _STAFF, check=_reach(Action.CREATE)),
        Policy("staff_update", "UPDATE", _STAFF, using=_reach(Action.UPDATE)),
    ],
)
protect(
    EventReply.__table__, definer="SELECT, INSERT, UPDATE", grants=[Grant((*_STAFF, Portal.RESIDENT), select=True)],
    policies=[*staff_policies(_R, _STAFF, commands=("SELECT",)),
              Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE} AND {ADMITTED} AND {can(_R, Action.READ)}")],
)
protect(
    EventFeed.__table__, definer="SELECT, INSERT, UPDATE", masked=("digest",),
    grants=[Grant((*_STAFF, Portal.RESIDENT), select=("org_id", "id", "user_id", "created_at", "revoked_at"))],
    policies=[Policy("own_select", "SELECT", _STAFF, using=f"{IN_ORG} AND {MINE}"),
              Policy("resident_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE} AND {ADMITTED}")],
)
trigger("hostel_events", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('hostel_event')")
trigger("hostel_events", "c_keep", "BEFORE UPDATE", "app.keep_event()")
trigger("hostel_events", "x_follow", "AFTER UPDATE", "app.follow_event()")
