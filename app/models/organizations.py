"""Organizations with their plan, limits and usage, and the hostels they run."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import NEW_ID, Authored, Model, SoftDelete, Tenant, Timestamps, line, person
from app.models.declare import (
    IN_ORG,
    STAFF,
    Grant,
    Policy,
    can,
    functions,
    protect,
    staff_policies,
    trigger,
)
from app.permissions import Action, Portal, Resource
from app.rules.moveout import INSPECTION_ITEMS, ITEMS_MAX, NOTICE_DAYS, NOTICE_DAYS_MAX
from app.rules.residents import (
    HOLD_HOURS,
    HOLD_HOURS_MAX,
    OFFER_MINUTES,
    OFFER_MINUTES_LEAST,
    OFFER_MINUTES_MAX,
)

# What a plan can limit; `storage` in bytes, `messages` per month, the others as things that exist.
METRICS = ("users", "hostels", "residents", "workflows", "bots", "storage", "messages")


class Organization(Timestamps, SoftDelete, Model):
    """A company that runs hostels: the tenant."""

    __tablename__ = "organizations"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    name: Mapped[str] = line(200)
    slug: Mapped[str] = line(63)
    plan: Mapped[str] = mapped_column(Text, server_default="free")
    subscription_status: Mapped[str] = mapped_column(Text, server_default="trial")
    limits: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    timezone: Mapped[str] = mapped_column(Text, server_default="Asia/Kolkata")
    currency: Mapped[str] = mapped_column(Text, server_default="INR")
    country: Mapped[str] = mapped_column(Text, server_default="IN")

    __table_args__ = (
        Index("organizations_slug_key", "slug", unique=True),
        CheckConstraint("slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'", name="organizations_slug_form"),
        CheckConstraint("plan IN ('free','starter','professional','enterprise')", name="organizations_plan_known"),
        CheckConstraint("subscription_status IN ('trial','active','inactive','cancelled')",
                        name="organizations_subscription_known"),
        CheckConstraint("length(btrim(name)) > 0", name="organizations_name_given"),
        CheckConstraint("jsonb_typeof(limits) = 'object' AND jsonb_typeof(settings) = 'object'",
                        name="organizations_objects"),
        CheckConstraint("length(currency) = 3", name="organizations_currency_form"),
    )

    @property
    def require_totp(self) -> bool:
        """Whether everybody who works here needs a second factor (read by app.identify)."""
        return self.settings.get("require_totp") is True

    @property
    def language(self) -> str:
        """The language of those who chose none; empty: what their browser asks for."""
        return str(self.settings.get("language") or "")

    @property
    def public_phone(self) -> str:
        """Where people call who look for a bed; shown on the public page."""
        return str(self.settings.get("public_phone") or "")

    @property
    def grouping(self) -> str:
        """How digits are grouped; empty: as is usual in the country."""
        return str(self.settings.get("grouping") or "")

    def __repr__(self) -> str:
        return self.name


class PlanLimit(Model):
    """The default limit of a metric in a plan; NULL is unlimited. Seeded from rules/organizations.py."""

    __tablename__ = "plan_limits"

    plan: Mapped[str] = mapped_column(Text, primary_key=True)
    metric: Mapped[str] = mapped_column(Text, primary_key=True)
    most: Mapped[int | None] = mapped_column(BigInteger)


class UsageCounter(Model):
    """How much of a metric is used: the sum over shards, so that busy tables do not queue for one row."""

    __tablename__ = "usage_counters"

    org_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    metric: Mapped[str] = mapped_column(Text, primary_key=True)
    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger, server_default="0")


class NumberCounter(Model):
    """The last number given in a series, e.g. maintenance references of a hostel; locked until commit."""

    __tablename__ = "number_counters"

    org_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    series: Mapped[str] = mapped_column(Text, primary_key=True)
    scope_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger, server_default="0")


class HitCounter(Model):
    """Hourly and daily limits, counted here because an emptied Redis must reset none of them."""

    __tablename__ = "rate_limit_counters"

    bucket: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    window_start: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    hits: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Hostel(Tenant, Timestamps, Authored, SoftDelete, Model):
    """A house with rooms, in a time zone of its own."""

    __tablename__ = "hostels"

    name: Mapped[str] = line(200)
    code: Mapped[str] = line(12)
    timezone: Mapped[str] = mapped_column(Text, server_default="Asia/Kolkata")
    currency: Mapped[str] = mapped_column(Text, server_default="INR")
    address: Mapped[str] = mapped_column(Text, server_default="")
    city: Mapped[str] = mapped_column(Text, server_default="")
    hold_hours: Mapped[int] = mapped_column(SmallInteger, default=HOLD_HOURS, server_default=str(HOLD_HOURS))
    offer_minutes: Mapped[int] = mapped_column(SmallInteger, default=OFFER_MINUTES, server_default=str(OFFER_MINUTES))
    notice_days: Mapped[int] = mapped_column(SmallInteger, default=NOTICE_DAYS, server_default=str(NOTICE_DAYS))
    inspection_items: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text(f"'{{{','.join(INSPECTION_ITEMS)}}}'"))

    __table_args__ = (
        person("created_by"),
        Index("hostels_code_key", "org_id", "code", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("hostels_sort_name", "org_id", "name", "id"),
        CheckConstraint("length(btrim(name)) > 0 AND length(btrim(code)) > 0", name="hostels_named"),
        CheckConstraint(f"hold_hours BETWEEN 1 AND {HOLD_HOURS_MAX} AND offer_minutes BETWEEN {OFFER_MINUTES_LEAST} AND {OFFER_MINUTES_MAX}",
                        name="hostels_hold_times"),
        CheckConstraint(f"notice_days BETWEEN 0 AND {NOTICE_DAYS_MAX} AND cardinality(inspection_items) BETWEEN 1 AND {ITEMS_MAX}",
                        name="hostels_moving_out"),
    )

    def __repr__(self) -> str:
        return self.name


functions("organizations")

_BRIEF = ("id", "name", "slug", "timezone", "currency", "country", "plan", "subscription_status", "deleted_at")
_THIS_ORG = "id = (SELECT app.current_org())"
protect(
    Organization.__table__,
    grants=[
        Grant(STAFF, select=True),
        Grant((Portal.RESIDENT, Portal.PLATFORM), select=_BRIEF),
        Grant((Portal.ADMIN,), update=("name", "settings", "timezone", "currency", "country")),
    ],
    policies=[
        Policy("this_organization", "SELECT", (*STAFF, Portal.RESIDENT, Portal.PLATFORM), using=_THIS_ORG),
        Policy("staff_update", "UPDATE", (Portal.ADMIN,),
               using=f"{_THIS_ORG} AND {can(Resource.ORGANIZATION, Action.UPDATE)}"),
    ],
)
protect(PlanLimit.__table__, unaudited="reference data, seeded at deploy", definer="SELECT",
        grants=[Grant((Portal.ADMIN, Portal.PLATFORM), select=True)],
        policies=[Policy("reference", "SELECT", (Portal.ADMIN, Portal.PLATFORM), using="true")])
protect(UsageCounter.__table__, unaudited="machinery: follows from the rows it counts",
        grants=[Grant((Portal.ADMIN,), select=True)],
        policies=[Policy("this_organization", "SELECT", (Portal.ADMIN,), using=IN_ORG)])
protect(NumberCounter.__table__, unaudited="machinery", closed="numbers are given by app.next_number")
protect(HitCounter.__table__, unaudited="machinery", closed="hits are counted by app.count_hit")
protect(
    Hostel.__table__,
    grants=[
        Grant((*STAFF, Portal.RESIDENT), select=True),
        Grant((Portal.ADMIN,), insert=True, update=True),
    ],
    policies=[
        *staff_policies(Resource.HOSTELS, (*STAFF, Portal.RESIDENT), column="id", commands=("SELECT",)),
        *staff_policies(Resource.HOSTELS, column="id", commands=("INSERT", "UPDATE")),
    ],
)
trigger("hostels", "b_limit", "BEFORE INSERT OR UPDATE OF deleted_at", "app.enforce_limit('hostels')")
trigger("organizations", "b_audited_limits", "BEFORE UPDATE OF limits", "app.check_limits()")
