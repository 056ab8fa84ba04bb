"""Meals by plan: what a plan entitles to, who is away, who ate; and what somebody must not eat."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Authored, Model, Tenant, Timestamps, in_tenant, line, person, quoted
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
)
from app.permissions import Action, Portal, Resource
from app.rules.canteen import Allergen, Meal
from app.rules.meals import (
    DEFAULT_DAYS,
    EVERY_DAY,
    LEAVE_UNTIL,
    LONGEST_DAYS,
    LONGEST_DAYS_MAX,
    REBATE_DAYS,
    REBATE_PERCENT,
    LeaveState,
)
from app.rules.onboarding import Food

_MEALS = quoted(Meal)


class MealSettings(Tenant, Timestamps, Authored, Model):
    """Until when a house hears that somebody is away, and what is paid back for it."""

    __tablename__ = "meal_settings"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    leave_until: Mapped[time] = mapped_column(Time, server_default=text(f"'{LEAVE_UNTIL:%H:%M}'"))
    longest_days: Mapped[int] = mapped_column(SmallInteger, server_default=str(LONGEST_DAYS))
    rebate_days: Mapped[int] = mapped_column(SmallInteger, server_default=str(REBATE_DAYS))
    rebate_percent: Mapped[int] = mapped_column(SmallInteger, server_default=str(REBATE_PERCENT))

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"),
        Index("meal_settings_hostel_key", "org_id", "hostel_id", unique=True),
        CheckConstraint(f"longest_days BETWEEN 1 AND {LONGEST_DAYS_MAX}", name="meal_settings_longest"),
        CheckConstraint(f"rebate_days BETWEEN 1 AND {LONGEST_DAYS_MAX}", name="meal_settings_rebate_days"),
        CheckConstraint("rebate_percent BETWEEN 0 AND 100", name="meal_settings_percent"),
    )


class MealPlan(Tenant, Timestamps, Authored, Model):
    """Which meals the mess tariff of that name includes: for each meal the days of the week, Monday the lowest bit."""

    __tablename__ = "meal_plans"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = line(80)
    days: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default=text(f"'{{{','.join(str(DEFAULT_DAYS[meal]) for meal in Meal)}}}'"))

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"),
        Index("meal_plans_name_key", "org_id", "hostel_id", text("lower(name)"), unique=True),
        CheckConstraint(f"cardinality(days) = {len(Meal)} AND 0 <= ALL (days) AND {EVERY_DAY} >= ALL (days)", name="meal_plans_days"),
    )


class MealLeave(Tenant, Timestamps, Authored, Model):
    """Days on which somebody does not eat here; `until_on` is the first on which they do. Written by functions alone.

    `settled_at` is when its rebate was booked, or that there is none; nothing of it changes afterwards. `reason` is why staff
    took it back, all or the rest of it.
    """

    __tablename__ = "meal_leaves"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    from_on: Mapped[date] = mapped_column(Date)
    until_on: Mapped[date] = mapped_column(Date)
    meals: Mapped[list[str]] = mapped_column(ARRAY(Text))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    rebate_paise: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("user_id"), person("created_by"),
        Index("meal_leaves_person", "org_id", "hostel_id", "user_id", "from_on"),
        Index("meal_leaves_open", "org_id", "until_on", postgresql_where=text("settled_at IS NULL AND withdrawn_at IS NULL")),
        CheckConstraint("until_on > from_on", name="meal_leaves_time_forward"),
        CheckConstraint(f"cardinality(meals) > 0 AND meals <@ ARRAY[{_MEALS}]", name="meal_leaves_meals_known"),
        CheckConstraint("rebate_paise >= 0", name="meal_leaves_rebate"),
        CheckConstraint("length(reason) <= 300", name="meal_leaves_reason_short"),
    )

    def state(self, today: date) -> LeaveState:
        """How far it is on a day of the house."""
        if self.withdrawn_at is not None:
            return LeaveState.TAKEN_BACK
        if self.settled_at is not None:
            return LeaveState.PAID_BACK if self.rebate_paise else LeaveState.SETTLED
        return LeaveState.COMING if self.from_on > today else LeaveState.AWAY if self.until_on > today else LeaveState.OVER


class MealAttendance(Tenant, Timestamps, Authored, Model):
    """Whether somebody ate a meal, as the counter ticked it."""

    __tablename__ = "meal_attendance"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    served_on: Mapped[date] = mapped_column(Date)
    meal: Mapped[str] = mapped_column(Text)
    ate: Mapped[bool] = mapped_column(Boolean)

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("user_id"), person("created_by"),
        Index("meal_attendance_key", "org_id", "hostel_id", "served_on", "meal", "user_id", unique=True),
        CheckConstraint(f"meal IN ({_MEALS})", name="meal_attendance_meal_known"),
    )


class MealNeed(Tenant, Timestamps, Authored, Model):
    """What somebody eats and what makes them ill: about their health, so it is theirs, and shown with what is cooked for them alone."""

    __tablename__ = "meal_needs"

    user_id: Mapped[int] = mapped_column(Integer)
    food: Mapped[str] = mapped_column(Text, server_default="")
    allergens: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))

    __table_args__ = (
        person("user_id"), person("created_by"),
        Index("meal_needs_person_key", "org_id", "user_id", unique=True),
        CheckConstraint(f"food IN ('', {quoted(Food)})", name="meal_needs_food_known"),
        CheckConstraint(f"allergens <@ ARRAY[{quoted(Allergen)}]", name="meal_needs_allergens_known"),
    )


functions("meals")

_R, _KITCHEN = Resource.CANTEEN, (Portal.ADMIN, Portal.CANTEEN)
_OWN = Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE} AND {ADMITTED} AND {can(_R, Action.READ)}")
_STAFF = staff_policies(_R, _KITCHEN, commands=("SELECT",))

protect(MealSettings.__table__, definer="SELECT, INSERT, UPDATE", grants=[Grant((*_KITCHEN, Portal.RESIDENT), select=True)],
        policies=staff_policies(_R, (*_KITCHEN, Portal.RESIDENT), commands=("SELECT",)))
protect(MealPlan.__table__, definer="SELECT, INSERT, UPDATE", grants=[Grant(_KITCHEN, select=True)], policies=_STAFF)
protect(MealLeave.__table__, definer="SELECT, INSERT, UPDATE", grants=[Grant((*_KITCHEN, Portal.RESIDENT), select=True)], policies=[*_STAFF, _OWN])
protect(MealAttendance.__table__, definer="SELECT, INSERT, UPDATE", grants=[Grant(_KITCHEN, select=True)], policies=_STAFF)
# Staff see it through functions, with the orders and meals that they cook.
protect(MealNeed.__table__, masked=("food", "allergens"), grants=[Grant((Portal.RESIDENT,), select=True)], policies=[_OWN])
