"""Who has which bed when: allocations, of which no two may meet, and the ladder of holds with its log."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, Identity, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import DATERANGE, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import NOW, Authored, Model, Tenant, Timestamps, in_tenant, link, person, quoted
from app.models.declare import (
    IN_ORG,
    MINE,
    STAFF,
    Grant,
    Policy,
    functions,
    only_one,
    protect,
    staff_policies,
    trigger,
)
from app.models.maintenance import MaintenanceRequest
from app.models.organizations import Hostel
from app.models.people import Member
from app.models.rooms import Bed
from app.permissions import Portal, Resource
from app.rules.residents import AllocationKind, AllocationState, HoldState

_KINDS = quoted(AllocationKind)
_STATES = quoted(AllocationState)
_HOLD_STATES = quoted(HoldState)


class BedHold(Tenant, Timestamps, Authored, Model):
    """Somebody's wish for a bed: in line, offered, held for a while, confirmed or gone."""

    __tablename__ = "bed_holds"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    bed_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    from_on: Mapped[date] = mapped_column(Date)
    until_on: Mapped[date | None] = mapped_column(Date)
    state: Mapped[str] = mapped_column(Text, server_default="queued")
    queued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    held_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    offered_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    submission_id: Mapped[UUID | None] = mapped_column(Uuid)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="BedHold")
    bed: Mapped[Bed] = link("Bed", "bed_id", here="BedHold")
    member: Mapped[Member] = link("Member", "user_id", here="BedHold", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("bed_id", "beds"), person("user_id"), person("created_by"),
        Index("bed_holds_line", "org_id", "bed_id", "queued_at", "id", postgresql_where=text("state IN ('queued','offered','held')")),
        Index("bed_holds_person_key", "org_id", "bed_id", "user_id", unique=True,
              postgresql_where=text("state IN ('queued','offered','held')")),
        Index("bed_holds_person", "org_id", "user_id"),
        Index("bed_holds_overdue", text("(coalesce(offered_until, held_until))"), postgresql_where=text("state IN ('offered','held')")),
        Index("bed_holds_sort_queued", "org_id", "queued_at", "id"),
        CheckConstraint(f"state IN ({_HOLD_STATES})", name="bed_holds_state_known"),
        CheckConstraint("until_on > from_on", name="bed_holds_time_forward"),
        CheckConstraint("state <> 'held' OR (held_until IS NOT NULL AND offered_until IS NULL)", name="bed_holds_held_until"),
        CheckConstraint("state <> 'offered' OR offered_until IS NOT NULL", name="bed_holds_offered_until"),
    )

    @property
    def standing(self) -> HoldState:
        """Where it stands, as the rules know it."""
        return HoldState(self.state)

    @property
    def ends_at(self) -> datetime | None:
        """When it ends by itself, while it can."""
        return {HoldState.HELD: self.held_until, HoldState.OFFERED: self.offered_until}.get(self.standing)

    def __repr__(self) -> str:
        return f"{self.bed.called}, {self.member.name}"


class BedHoldEvent(Tenant, Model):
    """The log that shows it was fair: every step of every hold, written by trigger."""

    __tablename__ = "bed_hold_events"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    bed_id: Mapped[UUID] = mapped_column(Uuid)
    hold_id: Mapped[UUID] = mapped_column(Uuid)
    from_status: Mapped[str | None] = mapped_column(Text)
    to_status: Mapped[str] = mapped_column(Text)
    event: Mapped[str] = mapped_column(Text)
    changed_by: Mapped[int | None] = mapped_column(Integer)
    triggered_by: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    event_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    hold: Mapped[BedHold] = link("BedHold", "hold_id", here="BedHoldEvent")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("bed_id", "beds"), in_tenant("hold_id", "bed_holds"), person("changed_by"),
        Index("bed_hold_events_hold", "org_id", "hold_id", "seq"),
        Index("bed_hold_events_bed", "org_id", "bed_id", "seq"),
        CheckConstraint("triggered_by IN ('user','system')", name="bed_hold_events_trigger_known"),
    )


class BedAllocation(Tenant, Timestamps, Authored, Model):
    """Days on which a bed is not free, and for whom or what; two that count never meet."""

    __tablename__ = "bed_allocations"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    bed_id: Mapped[UUID] = mapped_column(Uuid)
    period: Mapped[Any] = mapped_column(DATERANGE)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="active")
    hold_id: Mapped[UUID | None] = mapped_column(Uuid)
    stay_id: Mapped[UUID | None] = mapped_column(Uuid)
    request_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text, server_default="")
    bed: Mapped[Bed] = link("Bed", "bed_id", here="BedAllocation")
    request: Mapped[MaintenanceRequest | None] = link("MaintenanceRequest", "request_id", here="BedAllocation")
    member: Mapped[Member | None] = link("Member", "user_id", here="BedAllocation", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("bed_id", "beds"), in_tenant("hold_id", "bed_holds"),
        in_tenant("stay_id", "stays"), in_tenant("request_id", "maintenance_requests"), person("user_id"), person("created_by"),
        ExcludeConstraint((only_one("org_id"), "&&"), (only_one("bed_id"), "&&"), (text("period"), "&&"),
                          name="bed_allocations_no_bed_twice", where=text("state = 'active'"), using="gist"),
        Index("bed_allocations_hostel", "org_id", "hostel_id", "state"),
        Index("bed_allocations_hold", "org_id", "hold_id", postgresql_where=text("hold_id IS NOT NULL")),
        Index("bed_allocations_stay", "org_id", "stay_id", postgresql_where=text("stay_id IS NOT NULL")),
        Index("bed_allocations_request", "org_id", "request_id", postgresql_where=text("request_id IS NOT NULL")),
        CheckConstraint(f"kind IN ({_KINDS})", name="bed_allocations_kind_known"),
        CheckConstraint(f"state IN ({_STATES})", name="bed_allocations_state_known"),
        CheckConstraint("NOT isempty(period) AND NOT lower_inf(period)", name="bed_allocations_period"),
        CheckConstraint("(kind = 'stay') = (stay_id IS NOT NULL) AND (kind <> 'hold' OR hold_id IS NOT NULL)"
                        " AND (kind = 'block') = (user_id IS NULL)", name="bed_allocations_whose"),
    )


functions("beds")
functions("stays")

_HOUSE = (Portal.ADMIN, Portal.SALES)
protect(BedHold.__table__, definer="SELECT, INSERT, UPDATE",
        grants=[Grant((*_HOUSE, Portal.RESIDENT), select=True)],
        policies=[*staff_policies(Resource.RESIDENTS, _HOUSE, commands=("SELECT",)),
                  Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE}")])
protect(BedHoldEvent.__table__, immutable=True, grants=[Grant(_HOUSE, select=True)],
        policies=staff_policies(Resource.RESIDENTS, _HOUSE, commands=("SELECT",)))
protect(BedAllocation.__table__, definer="SELECT, INSERT, UPDATE", grants=[Grant(STAFF, select=True)],
        policies=staff_policies(Resource.ROOMS, STAFF, commands=("SELECT",)))
trigger("bed_holds", "b_lifecycle", "BEFORE INSERT OR UPDATE OF state", "app.guard_lifecycle('bed_hold', 'state')")
trigger("bed_holds", "y_log", "AFTER INSERT OR UPDATE OF state", "app.write_hold_event()")
trigger("beds", "c_occupied", "BEFORE UPDATE OF deleted_at", "app.keep_occupied_bed()")
trigger("maintenance_requests", "x_unblock", "AFTER UPDATE OF status", "app.unblock_after_repair()")
