"""The organization with its plan and settings, the hostels it runs, and, for the platform, all organizations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.models.maintenance import MaintenanceRequest
from app.models.organizations import Hostel, Organization
from app.models.people import Membership
from app.models.rooms import Bed, Floor, Room
from app.rules.errors import Conflict, Invalid, NotFound
from app.rules.maintenance import OPEN
from app.rules.moveout import check_items
from app.rules.organizations import (
    Limit,
    Plan,
    SubscriptionStatus,
    check_slug,
    clean_name,
    describe_limit,
    limit_of,
)

CODE_MAX = 12
_TERMS = ("hold_hours", "offer_minutes", "notice_days")  # of a house, which begins with the usual ones
_CREATE = text("SELECT app.create_organization(:name, :slug, :plan, :owner, CAST(:categories AS jsonb))")
_USAGE = text("SELECT metric, used, most FROM app.organization_usage()")
_ALL = text("SELECT * FROM app.platform_organizations()")
_SET_PLAN = text("SELECT app.set_plan(:id, :plan, :status, CAST(:limits AS jsonb))")
_LIMITS = {limit.removesuffix("_bytes").removesuffix("_per_month"): limit for limit in Limit}


# --- the tenant itself ----------------------------------------------------------------------------------


def create_organization(session: Session, name: str, slug: str, plan: Plan, owner_id: int,
                        categories: Sequence[Mapping[str, Any]]) -> UUID:
    """A new tenant with its owner and its maintenance categories (see seeds.category_document); service scope only."""
    made: UUID = session.execute(_CREATE, {
        "name": clean_name(name), "slug": check_slug(slug), "plan": plan.value, "owner": owner_id,
        "categories": json.dumps(categories)}).scalar_one()
    return made


def edit_organization(session: Session, values: Mapping[str, Any]) -> None:
    """Change name, time zone, currency, country, and the settings given, of the bound organization."""
    settings = dict(values.get("settings") or {})
    changed = session.execute(
        update(Organization).where(Organization.id == func.app.current_org())
        .values(name=clean_name(values["name"]), timezone=_zone(values["timezone"]), currency=_currency(values["currency"]),
                country=values["country"], settings=Organization.settings.concat(settings))
        .execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    if changed != 1:
        raise NotFound("There is no such organization, or your role does not let you change it.")
    session.expire_all()


@dataclass(frozen=True)
class Usage:
    """How much of one thing is used; `most` None is without limit."""

    limit: Limit
    used: int
    most: int | None

    @property
    def share(self) -> float | None:
        """Part of the limit that is used, 0 to 1 (beyond, where a limit was lowered)."""
        return None if self.most is None else (self.used / self.most if self.most else 1.0)

    @property
    def allowed(self) -> str:
        """The limit in words: 3 hostels, unlimited users."""
        return describe_limit(self.limit, self.most)


def usage(session: Session) -> list[Usage]:
    """What the bound organization uses of its plan, in the order of the plan; one statement."""
    return [Usage(_LIMITS[metric], used, most) for metric, used, most in session.execute(_USAGE)]


# --- hostels --------------------------------------------------------------------------------------------


def create_hostel(session: Session, values: Mapping[str, Any], *, hostel_id: UUID | None = None) -> Hostel:
    """A hostel; VR429 with a sentence that names the limit when the plan allows no more."""
    hostel = Hostel(**_hostel_values(values))
    if hostel_id is not None:
        hostel.id = hostel_id
    session.add(hostel)
    session.flush()
    return hostel


def edit_hostel(session: Session, hostel: Hostel, values: Mapping[str, Any]) -> None:
    """Change what a hostel is called and where it lies."""
    for name, value in _hostel_values(values).items():
        setattr(hostel, name, value)
    session.flush()


def _hostel_values(values: Mapping[str, Any]) -> dict[str, Any]:
    code = "".join(values["code"].split()).upper()
    if not code or len(code) > CODE_MAX or not code.replace("-", "").isalnum():
        raise Invalid(f"A code has 1 to {CODE_MAX} letters, digits and hyphens.", field="code")
    return {
        "name": clean_name(values["name"]), "code": code, "timezone": _zone(values.get("timezone") or "Asia/Kolkata"),
        "currency": _currency(values.get("currency") or "INR"), "address": (values.get("address") or "").strip(),
        "city": (values.get("city") or "").strip(), **{name: values[name] for name in _TERMS if values.get(name) is not None},
        **({"inspection_items": check_items(values["inspection_items"])} if values.get("inspection_items") is not None else {}),
    }


def remove_hostel(session: Session, hostel_id: UUID) -> None:
    """Hide a hostel with its floors, rooms and beds; refused while somebody lives or works there, or repairs wait."""
    people = session.scalar(select(func.count(Membership.user_id.distinct())).where(Membership.hostel_id == hostel_id)) or 0
    waiting = session.scalar(select(func.count()).select_from(MaintenanceRequest).where(
        MaintenanceRequest.hostel_id == hostel_id, MaintenanceRequest.deleted_at.is_(None),
        MaintenanceRequest.status.in_([state.value for state in OPEN]))) or 0
    if people or waiting:
        raise Conflict(f"This hostel is in use: {people} people have a role in it, and {waiting} maintenance requests are "
                       "open. Move the people and close the requests first.")
    moment = session.execute(select(func.app.now())).scalar_one()
    for model in (Bed, Room, Floor, Hostel):
        column = model.id if model is Hostel else model.hostel_id
        session.execute(update(model).where(column == hostel_id, model.deleted_at.is_(None)).values(deleted_at=moment)
                        .execution_options(synchronize_session=False))
    session.expire_all()


def restore_hostel(session: Session, hostel: Hostel) -> None:
    """Bring a hostel back with what went when it went, if the plan allows one more."""
    moment: datetime | None = hostel.deleted_at
    for model in (Hostel, Floor, Room, Bed):
        column = model.id if model is Hostel else model.hostel_id
        session.execute(update(model).where(column == hostel.id, model.deleted_at == moment).values(deleted_at=None)
                        .execution_options(synchronize_session=False))
    session.expire_all()


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise Invalid("There is no such time zone.", field="timezone")
    return name


def _currency(code: str) -> str:
    if len(code) != 3 or not code.isalpha():  # noqa: PLR2004 - ISO 4217
        raise Invalid("A currency has three letters, such as INR.", field="currency")
    return code.upper()


# --- the platform ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tenant:
    """An organization as those see it who run the installation."""

    id: UUID
    name: str
    slug: str
    plan: Plan
    status: SubscriptionStatus
    agreed: Mapping[Limit, int | None]
    created_at: datetime
    hostels: int
    users: int
    residents: int
    storage: int

    @property
    def usage(self) -> list[Usage]:
        """What it uses of its plan."""
        used = {Limit.USERS: self.users, Limit.HOSTELS: self.hostels, Limit.RESIDENTS: self.residents, Limit.STORAGE_BYTES: self.storage}
        return [Usage(limit, count, limit_of(self.plan, limit, self.agreed)) for limit, count in used.items()]


def list_organizations(session: Session) -> list[Tenant]:
    """Every organization by name, for the platform and for service scopes; empty for anybody else."""
    return [Tenant(row.id, row.name, row.slug, Plan(row.plan), SubscriptionStatus(row.subscription_status),
                   {_LIMITS[metric]: most for metric, most in row.limits.items()}, row.created_at, row.hostels, row.users,
                   row.residents, row.storage) for row in session.execute(_ALL)]


def find_organization(session: Session, org_id: UUID) -> Tenant:
    """One of them."""
    found = next((tenant for tenant in list_organizations(session) if tenant.id == org_id), None)
    if found is None:
        raise NotFound("There is no such organization.")
    return found


def set_plan(session: Session, org_id: UUID, plan: Plan, status: SubscriptionStatus,
             limits: Mapping[Limit, int | None]) -> None:
    """Give an organization a plan, and the limits that were agreed beside it (None: no limit)."""
    for limit, most in limits.items():
        if most is not None and most < 0:
            raise Invalid("A limit cannot be below zero.", field=limit.value)
    names = {limit: metric for metric, limit in _LIMITS.items()}
    session.execute(_SET_PLAN, {"id": org_id, "plan": plan.value, "status": status.value,
                                "limits": json.dumps({names[limit]: most for limit, most in limits.items()})})
