"""Floors, kinds of rooms, rooms and beds of a hostel."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Authored, Model, SoftDelete, Tenant, Timestamps, in_tenant, line, link, person
from app.models.declare import STAFF, Grant, protect, staff_policies
from app.models.organizations import Hostel
from app.permissions import Portal, Resource
from app.rules.rooms import BEDS_PER_ROOM, bed_name


class Floor(Tenant, Timestamps, Authored, SoftDelete, Model):
    """A storey; `level` 0 is the ground floor."""

    __tablename__ = "floors"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = line(60)
    level: Mapped[int] = mapped_column(SmallInteger)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="Floor")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"),
        Index("floors_level_key", "org_id", "hostel_id", "level", unique=True,
              postgresql_where=text("deleted_at IS NULL")),
        Index("floors_sort_level", "org_id", "level", "id"),
    )

    def __repr__(self) -> str:
        return self.name


class RoomType(Tenant, Timestamps, Authored, SoftDelete, Model):
    """A kind of room that is sold: Double with bath."""

    __tablename__ = "room_types"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = line(80)
    capacity: Mapped[int] = mapped_column(SmallInteger)
    amenities: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    description: Mapped[str] = mapped_column(Text, server_default="")
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="RoomType")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"),
        Index("room_types_name_key", "org_id", "hostel_id", text("lower(name)"), unique=True,
              postgresql_where=text("deleted_at IS NULL")),
        Index("room_types_sort_name", "org_id", "name", "id"),
        CheckConstraint(f"capacity BETWEEN 1 AND {BEDS_PER_ROOM}", name="room_types_capacity"),
        CheckConstraint("length(btrim(name)) > 0", name="room_types_named"),
    )

    def __repr__(self) -> str:
        return self.name


class Room(Tenant, Timestamps, Authored, SoftDelete, Model):
    """A room that has beds, or one that has none (a kitchen, a stairwell): repairs happen in both."""

    __tablename__ = "rooms"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    floor_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[str] = line(20)
    kind: Mapped[str] = mapped_column(Text, server_default="shared")
    note: Mapped[str] = mapped_column(Text, server_default="")
    room_type_id: Mapped[UUID | None] = mapped_column(Uuid)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="Room")
    floor: Mapped[Floor] = link("Floor", "floor_id", here="Room")
    room_type: Mapped[RoomType | None] = link("RoomType", "room_type_id", here="Room")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("floor_id", "floors"), in_tenant("room_type_id", "room_types"),
        person("created_by"),
        Index("rooms_number_key", "org_id", "hostel_id", "number", unique=True,
              postgresql_where=text("deleted_at IS NULL")),
        Index("rooms_floor", "org_id", "floor_id"),
        Index("rooms_type", "org_id", "room_type_id"),
        Index("rooms_sort_number", "org_id", "number", "id"),
        CheckConstraint("kind IN ('single','shared','dormitory','common')", name="rooms_kind_known"),
        CheckConstraint("length(btrim(number)) > 0", name="rooms_number_given"),
    )

    def __repr__(self) -> str:
        return self.number


class Bed(Tenant, Timestamps, Authored, SoftDelete, Model):
    """What is sold: one place to sleep."""

    __tablename__ = "beds"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    room_id: Mapped[UUID] = mapped_column(Uuid)
    label: Mapped[str] = line(12)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="Bed")
    room: Mapped[Room] = link("Room", "room_id", here="Bed")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("room_id", "rooms"), person("created_by"),
        Index("beds_label_key", "org_id", "room_id", "label", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("beds_hostel", "org_id", "hostel_id"),
        Index("beds_sort_label", "org_id", "label", "id"),
    )

    @property
    def called(self) -> str:
        """How people call it: 101-A."""
        return bed_name(self.room.number, self.label)

    def __repr__(self) -> str:
        return self.called


for _model in (Floor, RoomType, Room, Bed):
    _readers = (*STAFF, Portal.RESIDENT) if _model in (Room, RoomType) else STAFF
    protect(
        _model.__table__,
        grants=[Grant(_readers, select=True), Grant((Portal.ADMIN,), insert=True, update=True)],
        policies=[
            *staff_policies(Resource.ROOMS, _readers, commands=("SELECT",)),
            *staff_policies(Resource.ROOMS, commands=("INSERT", "UPDATE")),
        ],
    )
