"""Amenities of a house: when they are open, their slots with what is taken, bookings, and who waits in line."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    NOW,
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
    Published,
    can,
    functions,
    only_one,
    protect,
    staff_policies,
    trigger,
)
from app.models.organizations import Hostel
from app.permissions import Action, Portal, Resource
from app.rules.amenities import (
    CAPACITY_MAX,
    EVERY_DAY,
    OFFER_MINUTES,
    OFFER_MINUTES_MAX,
    PER_DAY,
    PER_DAY_MAX,
    RULE_MAX,
    SLOT_MINUTES_MAX,
    SLOT_MINUTES_MIN,
    AmenityKind,
    BookingStatus,
    NoShowRule,
    Opening,
    SlotState,
    TemplateKind,
    WaitStatus,
)

_RULE = NoShowRule()
_MOMENT = DateTime(timezone=True)


class Amenity(Tenant, Timestamps, Authored, SoftDelete, Model):
    """Something of the house that is booked by the slot; closed from a moment on, perhaps to another, by app.close_amenity."""

    __tablename__ = "amenities"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = line(80)
    kind: Mapped[str] = mapped_column(Text, server_default=AmenityKind.OTHER.value)
    place: Mapped[str] = mapped_column(String(200), server_default="")
    description: Mapped[str] = mapped_column(Text, server_default="")
    parallel: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    offer_minutes: Mapped[int] = mapped_column(Integer, server_default=str(OFFER_MINUTES))
    missed: Mapped[int] = mapped_column(SmallInteger, server_default=str(_RULE.missed))
    within_days: Mapped[int] = mapped_column(SmallInteger, server_default=str(_RULE.within_days))
    blocked_days: Mapped[int] = mapped_column(SmallInteger, server_default=str(_RULE.blocked_days))
    closed_from: Mapped[datetime | None] = mapped_column(_MOMENT)
    closed_until: Mapped[datetime | None] = mapped_column(_MOMENT)
    closed_why: Mapped[str] = mapped_column(Text, server_default="")
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="Amenity")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"),
        Index("amenities_name_key", "org_id", "hostel_id", text("lower(name)"), unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("amenities_sort_name", "org_id", "name", "id"),
        CheckConstraint(f"kind IN ({quoted(AmenityKind)})", name="amenities_kind_known"),
        CheckConstraint("length(btrim(name)) > 0", name="amenities_named"),
        CheckConstraint("length(description) <= 1000 AND length(closed_why) <= 300", name="amenities_short"),
        CheckConstraint(f"offer_minutes BETWEEN 1 AND {OFFER_MINUTES_MAX}", name="amenities_offer"),
        CheckConstraint(f"missed BETWEEN 0 AND 100 AND within_days BETWEEN 1 AND {RULE_MAX} AND blocked_days BETWEEN 1 AND {RULE_MAX}",
                        name="amenities_no_show_rule"),
        CheckConstraint("closed_until IS NULL OR closed_until > closed_from", name="amenities_closed_forward"),
    )

    @property
    def rule(self) -> NoShowRule:
        """What follows for those who do not come."""
        return NoShowRule(self.missed, self.within_days, self.blocked_days)

    def closed(self, now: datetime) -> bool:
        """Whether it is under maintenance at a moment."""
        return self.closed_from is not None and self.closed_from <= now and (self.closed_until is None or now < self.closed_until)

    def __repr__(self) -> str:
        return self.name


class AmenityTemplate(Tenant, Timestamps, Authored, Model):
    """Weekly hours, other hours on some days, or days on which it is closed: those of no amenity close all of the house."""

    __tablename__ = "amenity_templates"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    amenity_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text)
    days: Mapped[int] = mapped_column(SmallInteger, server_default=str(EVERY_DAY))
    first_on: Mapped[date | None] = mapped_column(Date)
    last_on: Mapped[date | None] = mapped_column(Date)
    opens: Mapped[time] = mapped_column(Time, server_default=text("'00:00'"))
    closes: Mapped[time] = mapped_column(Time, server_default=text("'00:00'"))
    slot_minutes: Mapped[int] = mapped_column(SmallInteger, server_default="60")
    capacity: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    per_day: Mapped[int] = mapped_column(SmallInteger, server_default=str(PER_DAY))
    note: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("amenity_id", "amenities"), person("created_by"),
        Index("amenity_templates_amenity", "org_id", "hostel_id", "amenity_id"),
        CheckConstraint(f"kind IN ({quoted(TemplateKind)})", name="amenity_templates_kind_known"),
        CheckConstraint(f"days BETWEEN 1 AND {EVERY_DAY}", name="amenity_templates_days"),
        CheckConstraint("last_on >= first_on", name="amenity_templates_time_forward"),
        CheckConstraint("kind = 'weekly' OR (first_on IS NOT NULL AND last_on IS NOT NULL)", name="amenity_templates_dated"),
        CheckConstraint("amenity_id IS NOT NULL OR kind = 'closed'", name="amenity_templates_whose"),
        CheckConstraint(f"slot_minutes BETWEEN {SLOT_MINUTES_MIN} AND {SLOT_MINUTES_MAX} AND capacity BETWEEN 1 AND {CAPACITY_MAX}"
                        f" AND per_day BETWEEN 1 AND {PER_DAY_MAX}", name="amenity_templates_numbers"),
        CheckConstraint("length(note) <= 200", name="amenity_templates_note_short"),
    )

    @property
    def opening(self) -> Opening:
        """What it says, as the rules know it."""
        return Opening(TemplateKind(self.kind), self.days, self.first_on, self.last_on, self.opens, self.closes, self.slot_minutes,
                       self.capacity, self.per_day)


class AmenitySlot(Tenant, Timestamps, Model):
    """A span that can be booked: `booked_count` places are taken, `held_count` are offered to those next in line. Functions write it."""

    __tablename__ = "amenity_slots"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    amenity_id: Mapped[UUID] = mapped_column(Uuid)
    day: Mapped[date] = mapped_column(Date)
    starts_at: Mapped[datetime] = mapped_column(_MOMENT)
    ends_at: Mapped[datetime] = mapped_column(_MOMENT)
    capacity: Mapped[int] = mapped_column(SmallInteger)
    per_day: Mapped[int] = mapped_column(SmallInteger, server_default=str(PER_DAY))
    booked_count: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    held_count: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    state: Mapped[str] = mapped_column(Text, server_default=SlotState.OPEN.value)
    amenity: Mapped[Amenity] = link("Amenity", "amenity_id", here="AmenitySlot")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("amenity_id", "amenities"),
        Index("amenity_slots_start_key", "org_id", "amenity_id", "starts_at", unique=True, postgresql_where=text("state <> 'withdrawn'")),
        Index("amenity_slots_day", "org_id", "hostel_id", "day", "starts_at"),
        CheckConstraint(f"state IN ({quoted(SlotState)})", name="amenity_slots_state_known"),
        CheckConstraint("ends_at > starts_at", name="amenity_slots_time_forward"),
        CheckConstraint("booked_count >= 0 AND held_count >= 0", name="amenity_slots_counts"),
        CheckConstraint("booked_count <= capacity", name="amenity_slots_booked"),
        CheckConstraint("booked_count + held_count <= capacity", name="amenity_slots_full"),
    )


class AmenityBooking(Tenant, Timestamps, Authored, Model):
    """Somebody's place in a slot; nobody is in two places at once, unless one of them needs nobody there. Functions write it."""

    __tablename__ = "amenity_bookings"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    amenity_id: Mapped[UUID] = mapped_column(Uuid)
    slot_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(Text, server_default=BookingStatus.BOOKED.value)
    day: Mapped[date] = mapped_column(Date)
    starts_at: Mapped[datetime] = mapped_column(_MOMENT)
    ends_at: Mapped[datetime] = mapped_column(_MOMENT)
    parallel: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    booked_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=NOW)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="AmenityBooking")
    amenity: Mapped[Amenity] = link("Amenity", "amenity_id", here="AmenityBooking")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("amenity_id", "amenities"), in_tenant("slot_id", "amenity_slots"),
        person("user_id"), person("created_by"),
        Index("amenity_bookings_person_key", "org_id", "slot_id", "user_id", unique=True, postgresql_where=text("status <> 'cancelled'")),
        Index("amenity_bookings_person", "org_id", "user_id", "starts_at", "id"),
        Index("amenity_bookings_sort_starts", "org_id", "starts_at", "id"),
        Index("amenity_bookings_usage", "org_id", "hostel_id", "day"),
        ExcludeConstraint((only_one("org_id"), "&&"), (text("int4range(user_id, user_id, '[]')"), "&&"), (text("tstzrange(starts_at, ends_at)"), "&&"),
                          name="amenity_bookings_one_place", where=text("status = 'booked' AND NOT parallel"), using="gist"),
        CheckConstraint(f"status IN ({quoted(BookingStatus)})", name="amenity_bookings_status_known"),
        CheckConstraint("length(reason) <= 300", name="amenity_bookings_reason_short"),
    )

    @property
    def standing(self) -> BookingStatus:
        """Where it stands, as the rules know it."""
        return BookingStatus(self.status)

    def __repr__(self) -> str:
        return self.amenity.name


class AmenityWait(Tenant, Timestamps, Authored, Model):
    """Somebody in line for a slot, in the order of `seq`; `moved_from` is the booking that maintenance took from them."""

    __tablename__ = "amenity_waits"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    amenity_id: Mapped[UUID] = mapped_column(Uuid)
    slot_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    status: Mapped[str] = mapped_column(Text, server_default=WaitStatus.WAITING.value)
    starts_at: Mapped[datetime] = mapped_column(_MOMENT)
    ends_at: Mapped[datetime] = mapped_column(_MOMENT)
    offered_until: Mapped[datetime | None] = mapped_column(_MOMENT)
    moved_from: Mapped[UUID | None] = mapped_column(Uuid)
    amenity: Mapped[Amenity] = link("Amenity", "amenity_id", here="AmenityWait")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("amenity_id", "amenities"), in_tenant("slot_id", "amenity_slots"),
        in_tenant("moved_from", "amenity_bookings"), person("user_id"), person("created_by"),
        Index("amenity_waits_line", "org_id", "slot_id", "seq", postgresql_where=text("status IN ('waiting','offered')")),
        Index("amenity_waits_person_key", "org_id", "slot_id", "user_id", unique=True, postgresql_where=text("status IN ('waiting','offered')")),
        Index("amenity_waits_person", "org_id", "user_id"),
        Index("amenity_waits_due", text("(coalesce(offered_until, starts_at))"), postgresql_where=text("status IN ('waiting','offered')")),
        CheckConstraint(f"status IN ({quoted(WaitStatus)})", name="amenity_waits_status_known"),
        CheckConstraint("status <> 'offered' OR offered_until IS NOT NULL", name="amenity_waits_offered_until"),
    )

    @property
    def standing(self) -> WaitStatus:
        """Where it stands, as the rules know it."""
        return WaitStatus(self.status)


functions("amenities")
functions("amenity_slots")

_R, _STAFF = Resource.AMENITIES, (Portal.ADMIN, Portal.AMENITY)
_READERS = (*_STAFF, Portal.RESIDENT)
_OWN = Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE} AND {ADMITTED} AND {can(_R, Action.READ)}")
_SAID = ("name", "kind", "place", "description", "parallel", "offer_minutes", "missed", "within_days", "blocked_days")
_HOURS = ("kind", "days", "first_on", "last_on", "opens", "closes", "slot_minutes", "capacity", "per_day", "note")
_PLACE = ("org_id", "id", "hostel_id", "amenity_id")

protect(Amenity.__table__, definer="SELECT, UPDATE",
        grants=[Grant(_READERS, select=True), Grant(_STAFF, insert=("id", "hostel_id", "deleted_at", "closed_from", "closed_until", *_SAID), update=(*_SAID, "deleted_at"))],
        policies=[*staff_policies(_R, _READERS, commands=("SELECT",)), *staff_policies(_R, _STAFF, commands=("INSERT", "UPDATE"))])
protect(AmenityTemplate.__table__, definer="SELECT",
        grants=[Grant(_STAFF, select=True, insert=("id", "hostel_id", "amenity_id", *_HOURS), update=_HOURS, delete=True)],
        policies=staff_policies(_R, _STAFF))
protect(AmenitySlot.__table__, grants=[Grant(_READERS, select=True)], policies=staff_policies(_R, _READERS, commands=("SELECT",)),
        unaudited="counts of bookings and lines, which are audited themselves",
        published=Published(key=("org_id", "hostel_id", "id"), columns=(*_PLACE, "day", "booked_count", "held_count", "state")))
for _kept in (AmenityBooking, AmenityWait):
    protect(_kept.__table__, definer="SELECT, INSERT, UPDATE", grants=[Grant(_READERS, select=True)],
            policies=[*staff_policies(_R, _STAFF, commands=("SELECT",)), _OWN],
            published=Published(key=("org_id", "hostel_id", "user_id", "id"), columns=(*_PLACE, "slot_id", "user_id", "status")))
trigger("amenity_bookings", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('amenity_booking')")
trigger("amenity_waits", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('amenity_wait')")
