"""Private files: what is stored, whose it is and what for; the bytes are in the object store under `storage_key`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CURRENT_USER,
    Authored,
    Model,
    SoftDelete,
    Tenant,
    Timestamps,
    in_tenant,
    line,
    person,
)
from app.models.declare import IN_ORG, MINE, Grant, Policy, can, functions, protect, trigger, within
from app.permissions import Action, Portal, Resource


class File(Tenant, Timestamps, Authored, SoftDelete, Model):
    """One stored file. Tables and pages carry its id, never a URL; links are signed for a person and a while."""

    __tablename__ = "files"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(Integer, server_default=CURRENT_USER)
    purpose: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = line(255)
    media_type: Mapped[str] = line(100)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = line(64)
    storage_key: Mapped[str] = mapped_column(Text)
    key_id: Mapped[UUID | None] = mapped_column(Uuid)

    __table_args__ = (
        person("user_id"), person("created_by"), in_tenant("hostel_id", "hostels"), in_tenant("key_id", "person_keys"),
        Index("files_owner", "org_id", "user_id"),
        Index("files_storage_key", "org_id", "storage_key", unique=True),
        CheckConstraint("size > 0", name="files_not_empty"),
        CheckConstraint("(purpose = 'identity') = (key_id IS NOT NULL)", name="files_identity_sealed"),
    )


functions("files")

_UPLOADERS = (Portal.ADMIN, Portal.MANAGEMENT)
_OURS = f"{IN_ORG} AND ({MINE} OR app.is_system())"
# An uploaded import may hold anything about anybody: for those who import, not for all who see files; so with reports and settlements.
# An identity document shows in full what values show masked: for those who may reveal, of people whom they reach.
_READ = (f"{IN_ORG} AND {can(Resource.FILES, Action.READ)} AND (hostel_id IS NULL OR {within(Resource.FILES, Action.READ)})"
         f" AND (purpose <> 'import' OR {can(Resource.IMPORTS, Action.READ)})"
         f" AND (purpose <> 'settlement' OR {can(Resource.PAYMENTS, Action.READ)})"
         f" AND (purpose <> 'report' OR {can(Resource.REPORTS, Action.EXPORT)})"
         f" AND (purpose <> 'identity' OR {MINE} OR ({can(Resource.PERSONAL, Action.APPROVE)} AND app.member_in_reach(user_id)))")
protect(
    File.__table__, masked=("storage_key",), guarded=("user_id",),
    grants=[Grant((*_UPLOADERS, Portal.CANTEEN, Portal.RESIDENT), select=True, insert=True),
            Grant((*_UPLOADERS, Portal.CANTEEN, Portal.RESIDENT), update=("deleted_at",))],
    policies=[
        Policy("staff_select", "SELECT", _UPLOADERS, using=_READ),
        Policy("staff_insert", "INSERT", _UPLOADERS,
               check=f"{_OURS} AND {can(Resource.FILES, Action.CREATE)}"
                     f" AND (hostel_id IS NULL OR {within(Resource.FILES, Action.CREATE)})"),
        Policy("staff_update", "UPDATE", _UPLOADERS, using=(
            f"{IN_ORG} AND ({MINE} OR {within(Resource.FILES, Action.DELETE)})")),
        # The kitchen has photos of its dishes, and no other file.
        Policy("kitchen_select", "SELECT", (Portal.CANTEEN,), using=f"{IN_ORG} AND purpose = 'dish' AND {within(Resource.CANTEEN, Action.READ)}"),
        Policy("kitchen_insert", "INSERT", (Portal.CANTEEN,),
               check=f"{_OURS} AND purpose = 'dish' AND {within(Resource.CANTEEN, Action.UPDATE)} AND {can(Resource.FILES, Action.CREATE)}"),
        Policy("kitchen_update", "UPDATE", (Portal.CANTEEN,), using=f"{IN_ORG} AND purpose = 'dish' AND {within(Resource.CANTEEN, Action.UPDATE)}"),
        Policy("resident_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND ({MINE} OR app.file_is_shown(id))"),
        Policy("resident_insert", "INSERT", (Portal.RESIDENT,),
               check=f"{IN_ORG} AND {MINE} AND {can(Resource.FILES, Action.CREATE)}"),
        Policy("resident_update", "UPDATE", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE}"),
    ],
)
trigger("files", "c_usage", "AFTER INSERT OR UPDATE OF deleted_at", "app.count_storage()")
