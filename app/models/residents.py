"""Who lives here and what it costs: prices with their days, residents and their stays."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    Index,
    Integer,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
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
    STAFF,
    Grant,
    Policy,
    functions,
    only_one,
    protect,
    staff_policies,
    trigger,
    within,
)
from app.models.files import File
from app.models.organizations import Hostel
from app.models.people import Member
from app.models.rooms import Bed, RoomType
from app.permissions import Action, Portal, Resource
from app.rules.residents import PRICE_MAX_PAISE, Per, ResidentStatus, StayStatus, TariffKind


def _one_of(column: str, values: type[TariffKind | Per | ResidentStatus | StayStatus]) -> str:
    return f"{column} IN ({quoted(values)})"


class Tariff(Tenant, Timestamps, Authored, SoftDelete, Model):
    """A price from one day to another; of one thing there is one price on a day."""

    __tablename__ = "tariffs"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text)
    room_type_id: Mapped[UUID | None] = mapped_column(Uuid)
    name: Mapped[str] = line(80)
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text, server_default="INR")
    per: Mapped[str] = mapped_column(Text, server_default="month")
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    # What the price is of, as one value that an exclusion constraint can compare.
    subject: Mapped[UUID] = mapped_column(Uuid, Computed(
        "md5(hostel_id::text || '/' || kind || '/' || coalesce(room_type_id::text, '') || '/' || lower(name))::uuid",
        persisted=True), deferred=True)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="Tariff")
    room_type: Mapped[RoomType | None] = link("RoomType", "room_type_id", here="Tariff")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("room_type_id", "room_types"), person("created_by"),
        ExcludeConstraint((only_one("org_id"), "&&"), (only_one("subject"), "&&"), (func.daterange(text("valid_from"), text("valid_until")), "&&"),
                          name="tariffs_one_price", where=text("deleted_at IS NULL"), using="gist"),
        Index("tariffs_sort_from", "org_id", "valid_from", "id"),
        Index("tariffs_hostel", "org_id", "hostel_id", "kind"),
        CheckConstraint(_one_of("kind", TariffKind), name="tariffs_kind_known"),
        CheckConstraint(_one_of("per", Per), name="tariffs_per_known"),
        CheckConstraint(f"amount_paise BETWEEN 0 AND {PRICE_MAX_PAISE}", name="tariffs_amount"),
        CheckConstraint("valid_until > valid_from", name="tariffs_time_forward"),
        CheckConstraint("length(btrim(name)) > 0", name="tariffs_named"),
    )

    def __repr__(self) -> str:
        return self.name


class Resident(Tenant, Timestamps, Authored, Model):
    """A person who lives in a hostel, or did: what everything later refers to. Written by functions alone.

    Whom undoing an import took back is `hidden_at`, and keeps the number.
    """

    __tablename__ = "residents"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    reference: Mapped[str] = mapped_column(Text, Computed(
        "'R-' || CASE WHEN number < 10000 THEN lpad(number::text, 4, '0') ELSE number::text END", persisted=True))
    status: Mapped[str] = mapped_column(Text, server_default="current")
    moved_in_on: Mapped[date] = mapped_column(Date)
    moved_out_on: Mapped[date | None] = mapped_column(Date)
    hidden_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), deferred=True)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="Resident")
    member: Mapped[Member] = link("Member", "user_id", here="Resident", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("user_id"), person("created_by"),
        Index("residents_person_key", "org_id", "hostel_id", "user_id", unique=True),
        Index("residents_number_key", "org_id", "hostel_id", "number", unique=True),
        Index("residents_user", "org_id", "user_id"),
        Index("residents_sort_number", "org_id", "number", "id"),
        Index("residents_sort_moved_in", "org_id", "moved_in_on", "id"),
        CheckConstraint(_one_of("status", ResidentStatus), name="residents_status_known"),
        CheckConstraint("(status = 'left') = (moved_out_on IS NOT NULL)", name="residents_left_when"),
    )

    def __repr__(self) -> str:
        return f"{self.reference} {self.member.name}"


class Stay(Tenant, Timestamps, Authored, Model):
    """A time in which a resident lives here, and on what terms; in which bed on which day say its allocations.

    `bed_id` is the bed of today, or the last one; `until_on` is the first day that does not belong to it.
    """

    __tablename__ = "stays"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    resident_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    bed_id: Mapped[UUID] = mapped_column(Uuid)
    from_on: Mapped[date] = mapped_column(Date)
    until_on: Mapped[date | None] = mapped_column(Date)
    status: Mapped[str] = mapped_column(Text, server_default="upcoming")
    room_type_id: Mapped[UUID | None] = mapped_column(Uuid)
    rent_paise: Mapped[int | None] = mapped_column(BigInteger)
    mess_plan: Mapped[str] = mapped_column(Text, server_default="")
    lunchbox: Mapped[bool] = mapped_column(Boolean, server_default="false")
    hidden_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), deferred=True)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="Stay")
    resident: Mapped[Resident] = link("Resident", "resident_id", here="Stay")
    member: Mapped[Member] = link("Member", "user_id", here="Stay", key="user_id")
    bed: Mapped[Bed] = link("Bed", "bed_id", here="Stay")
    room_type: Mapped[RoomType | None] = link("RoomType", "room_type_id", here="Stay")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("resident_id", "residents"), in_tenant("bed_id", "beds"),
        in_tenant("room_type_id", "room_types"), person("user_id"), person("created_by"),
        ExcludeConstraint((only_one("org_id"), "&&"), (only_one("resident_id"), "&&"), (func.daterange(text("from_on"), text("until_on")), "&&"),
                          name="stays_one_at_a_time", where=text("status <> 'ended'"), using="gist"),
        Index("stays_resident", "org_id", "resident_id"),
        Index("stays_bed", "org_id", "bed_id"),
        Index("stays_sort_from", "org_id", "from_on", "id"),
        Index("stays_turning", "org_id", "status", "from_on", "until_on", postgresql_where=text("status <> 'ended'")),
        CheckConstraint(_one_of("status", StayStatus), name="stays_status_known"),
        CheckConstraint("until_on >= from_on", name="stays_time_forward"),
        CheckConstraint("status <> 'ended' OR until_on IS NOT NULL", name="stays_ended_when"),
        CheckConstraint(f"rent_paise BETWEEN 0 AND {PRICE_MAX_PAISE}", name="stays_rent"),
    )

    def __repr__(self) -> str:
        return f"{self.member.name}, {self.bed.called}"


class RoomPhoto(Tenant, Timestamps, Authored, SoftDelete, Model):
    """A photo of a room, for those who look for one."""

    __tablename__ = "room_photos"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    room_id: Mapped[UUID] = mapped_column(Uuid)
    file_id: Mapped[UUID] = mapped_column(Uuid)
    file: Mapped[File] = link("File", "file_id", here="RoomPhoto")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("room_id", "rooms"), in_tenant("file_id", "files"), person("created_by"),
        Index("room_photos_room", "org_id", "room_id"),
        Index("room_photos_file_key", "org_id", "file_id", unique=True),
    )


functions("residents")

_READERS, _HOUSE = (*STAFF, Portal.RESIDENT), (Portal.ADMIN, Portal.SALES)
protect(
    Tariff.__table__,
    grants=[Grant(_READERS, select=True), Grant((Portal.ADMIN,), insert=True, update=True)],
    policies=[*staff_policies(Resource.ROOMS, _READERS, commands=("SELECT",)),
              *staff_policies(Resource.ROOMS, commands=("INSERT", "UPDATE"))],
)
protect(
    RoomPhoto.__table__,
    grants=[Grant((Portal.ADMIN, Portal.RESIDENT), select=True),
            Grant((Portal.ADMIN,), insert=("id", "hostel_id", "room_id", "file_id"), update=("deleted_at",))],
    policies=[*staff_policies(Resource.ROOMS, (Portal.ADMIN, Portal.RESIDENT), commands=("SELECT",)),
              Policy("staff_insert", "INSERT", (Portal.ADMIN,), check=f"{IN_ORG} AND {within(Resource.ROOMS, Action.UPDATE)}"),
              *staff_policies(Resource.ROOMS, commands=("UPDATE",))],
)
for _model in (Resident, Stay):
    protect(
        _model.__table__, definer="SELECT, INSERT, UPDATE",
        grants=[Grant((*_HOUSE, Portal.RESIDENT), select=True)],
        policies=[*staff_policies(Resource.RESIDENTS, _HOUSE, commands=("SELECT",), extra=" AND hidden_at IS NULL"),
                  Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE} AND {ADMITTED} AND hidden_at IS NULL")],
    )
trigger("room_photos", "b_room", "BEFORE INSERT", "app.follow_room()")
trigger("residents", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('resident')")
trigger("stays", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('stay')")
trigger("tariffs", "d_fits", "BEFORE INSERT OR UPDATE OF room_type_id, hostel_id", "app.check_room_type_fits()")
trigger("rooms", "d_fits", "BEFORE INSERT OR UPDATE OF room_type_id, hostel_id", "app.check_room_type_fits()")
