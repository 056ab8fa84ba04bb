"""Move-outs: notice, what the inspection found with its photos, and the amounts of the settlement."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Authored, Model, Tenant, Timestamps, in_tenant, line, link, person, quoted
from app.models.declare import (
    ADMITTED,
    IN_ORG,
    MINE,
    Grant,
    Policy,
    functions,
    protect,
    staff_policies,
    trigger,
)
from app.models.files import File
from app.models.organizations import Hostel
from app.models.people import Member
from app.models.residents import Resident, Stay
from app.permissions import Portal, Resource
from app.rules.moveout import DEDUCTION_MAX_PAISE, WHY_MAX, Condition, MoveOutStatus, Settlement

_STATES = quoted(MoveOutStatus)
_CONDITIONS = quoted(Condition)


class MoveOut(Tenant, Timestamps, Authored, Model):
    """Somebody moves out: `leaves_on` is the first day without them, on which their bed is free.

    `stayed_until` is what the stay's end was before, for those who withdraw. Amounts are written when it is settled.
    """

    __tablename__ = "move_outs"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    resident_id: Mapped[UUID] = mapped_column(Uuid)
    stay_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(Text, server_default="noticed")
    noticed_on: Mapped[date] = mapped_column(Date)
    notice_days: Mapped[int] = mapped_column(SmallInteger)
    leaves_on: Mapped[date] = mapped_column(Date)
    stayed_until: Mapped[date | None] = mapped_column(Date)
    why: Mapped[str] = mapped_column(Text, server_default="")
    paid_until: Mapped[date | None] = mapped_column(Date)
    deposit_paise: Mapped[int | None] = mapped_column(BigInteger)
    rent_paise: Mapped[int | None] = mapped_column(BigInteger)
    notice_paise: Mapped[int | None] = mapped_column(BigInteger)
    damages_paise: Mapped[int | None] = mapped_column(BigInteger)
    settled_by: Mapped[int | None] = mapped_column(Integer)
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="MoveOut")
    resident: Mapped[Resident] = link("Resident", "resident_id", here="MoveOut")
    stay: Mapped[Stay] = link("Stay", "stay_id", here="MoveOut")
    member: Mapped[Member] = link("Member", "user_id", here="MoveOut", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("resident_id", "residents"), in_tenant("stay_id", "stays"),
        person("user_id"), person("settled_by"), person("created_by"),
        Index("move_outs_one_per_stay", "org_id", "stay_id", unique=True, postgresql_where=text("status <> 'withdrawn'")),
        Index("move_outs_resident", "org_id", "resident_id"),
        Index("move_outs_user", "org_id", "user_id"),
        Index("move_outs_sort_leaves", "org_id", "leaves_on", "id"),
        CheckConstraint(f"status IN ({_STATES})", name="move_outs_status_known"),
        CheckConstraint(f"length(why) <= {WHY_MAX}", name="move_outs_why_short"),
        CheckConstraint("(status IN ('settled', 'left')) = (num_nulls(paid_until, deposit_paise, rent_paise, notice_paise, damages_paise,"
                        " settled_at) = 0)", name="move_outs_settled_whole"),
    )

    @property
    def standing(self) -> MoveOutStatus:
        """Its state."""
        return MoveOutStatus(self.status)

    @property
    def settlement(self) -> Settlement | None:
        """What was settled."""
        if self.settled_at is None:
            return None
        return Settlement(self.deposit_paise or 0, self.rent_paise or 0, self.notice_paise or 0, self.damages_paise or 0)

    def __repr__(self) -> str:
        return self.member.name


class MoveOutItem(Tenant, Timestamps, Authored, Model):
    """One thing that is looked at, and what is kept back for it."""

    __tablename__ = "move_out_items"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    move_out_id: Mapped[UUID] = mapped_column(Uuid)
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = line(80)
    condition: Mapped[str] = mapped_column(Text, server_default="unseen")
    deduction_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    note: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("move_out_id", "move_outs"), person("user_id"), person("created_by"),
        Index("move_out_items_place", "org_id", "move_out_id", "position", unique=True),
        CheckConstraint(f"condition IN ({_CONDITIONS})", name="move_out_items_condition_known"),
        CheckConstraint(f"deduction_paise BETWEEN 0 AND {DEDUCTION_MAX_PAISE} AND (deduction_paise = 0 OR condition IN ('damaged', 'missing'))",
                        name="move_out_items_deduction"),
        CheckConstraint(f"length(note) <= {WHY_MAX} AND length(btrim(name)) > 0", name="move_out_items_words"),
    )

    @property
    def standing(self) -> Condition:
        """Its condition."""
        return Condition(self.condition)


class MoveOutPhoto(Tenant, Timestamps, Authored, Model):
    """What a thing looked like."""

    __tablename__ = "move_out_photos"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    move_out_id: Mapped[UUID] = mapped_column(Uuid)
    item_id: Mapped[UUID] = mapped_column(Uuid)
    file_id: Mapped[UUID] = mapped_column(Uuid)
    file: Mapped[File] = link("File", "file_id", here="MoveOutPhoto")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("move_out_id", "move_outs"), in_tenant("item_id", "move_out_items"),
        in_tenant("file_id", "files"), person("user_id"), person("created_by"),
        Index("move_out_photos_item", "org_id", "item_id"),
        Index("move_out_photos_move_out", "org_id", "move_out_id"),
        Index("move_out_photos_file_key", "org_id", "file_id", unique=True),
    )


functions("moveout")

_OWN = Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE} AND {ADMITTED}")
protect(MoveOut.__table__, definer="SELECT, INSERT, UPDATE",
        grants=[Grant((Portal.ADMIN, Portal.RESIDENT), select=True)],
        policies=[*staff_policies(Resource.MOVE_OUTS, commands=("SELECT",)), _OWN])
# Through app.judge_item and app.add_inspection_photo only, under the move-out's lock: what is settled stays as it was.
for _model in (MoveOutItem, MoveOutPhoto):
    protect(_model.__table__, definer="SELECT, INSERT, UPDATE",
            grants=[Grant((Portal.ADMIN, Portal.RESIDENT), select=True)],
            policies=[*staff_policies(Resource.MOVE_OUTS, commands=("SELECT",)), _OWN])
trigger("move_outs", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('move_out')")
trigger("stays", "x_move_out", "AFTER UPDATE OF status, until_on", "app.follow_stay()")
