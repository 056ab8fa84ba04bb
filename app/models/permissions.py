"""The capability matrix in the database: roles, what they may do, and the overrides of an organization."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Authored, Model, Tenant, Timestamps, in_tenant, link, person
from app.models.declare import IN_ORG, Grant, Policy, can, functions, protect, trigger
from app.models.people import Member
from app.permissions import Action, Portal, Resource


class RoleRow(Model):
    """A role with its rank and portal; seeded from app/permissions.py."""

    __tablename__ = "roles"

    role: Mapped[str] = mapped_column(Text, primary_key=True)
    rank: Mapped[int] = mapped_column(SmallInteger)
    portal: Mapped[str] = mapped_column(Text)


class RolePermission(Model):
    """One cell of the matrix; seeded from app/permissions.py."""

    __tablename__ = "role_permissions"

    role: Mapped[str] = mapped_column(ForeignKey("roles.role"), primary_key=True)
    resource: Mapped[str] = mapped_column(Text, primary_key=True)
    action: Mapped[str] = mapped_column(Text, primary_key=True)


class PermissionOverride(Tenant, Timestamps, Authored, Model):
    """Gives or takes one capability, for everybody with a role or for one person, perhaps in one hostel only."""

    __tablename__ = "permission_overrides"

    role: Mapped[str | None] = mapped_column(ForeignKey("roles.role"))
    user_id: Mapped[int | None] = mapped_column(Integer)
    resource: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    allowed: Mapped[bool] = mapped_column(Boolean)
    member: Mapped[Member | None] = link("Member", "user_id", here="PermissionOverride", key="user_id")

    __table_args__ = (
        person("user_id"), person("created_by"), in_tenant("hostel_id", "hostels"),
        Index("permission_overrides_key", "org_id", "role", "user_id", "resource", "action", "hostel_id", unique=True,
              postgresql_nulls_not_distinct=True),
        CheckConstraint("(role IS NULL) <> (user_id IS NULL)", name="permission_overrides_one_target"),
    )


functions("permissions")

_REFERENCE = [Policy("reference", "SELECT", (Portal.ADMIN, Portal.PLATFORM), using="true")]
for _model in (RoleRow, RolePermission):
    protect(_model.__table__, unaudited="reference data, seeded at deploy", definer="SELECT",
            grants=[Grant((Portal.ADMIN, Portal.PLATFORM), select=True)], policies=_REFERENCE)
protect(
    PermissionOverride.__table__,
    grants=[Grant((Portal.ADMIN,), select=True, insert=True, update=("allowed",), delete=True)],
    policies=[
        Policy("staff_select", "SELECT", (Portal.ADMIN,),
               using=f"{IN_ORG} AND {can(Resource.PERMISSIONS, Action.READ)}"),
        Policy("staff_insert", "INSERT", (Portal.ADMIN,),
               check=f"{IN_ORG} AND {can(Resource.PERMISSIONS, Action.UPDATE)}"),
        Policy("staff_update", "UPDATE", (Portal.ADMIN,),
               using=f"{IN_ORG} AND {can(Resource.PERMISSIONS, Action.UPDATE)}"),
        Policy("staff_delete", "DELETE", (Portal.ADMIN,),
               using=f"{IN_ORG} AND {can(Resource.PERMISSIONS, Action.UPDATE)}"),
    ],
)
trigger("permission_overrides", "b_no_self_elevation", "BEFORE INSERT OR UPDATE OR DELETE",
        "app.guard_override()")
trigger("permission_overrides", "w_access", "AFTER INSERT OR UPDATE OR DELETE", "app.change_access()")
