"""Team members: everybody who works for the organization, with a login or without (T4, T16)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.models.people import MEMBER_TYPES, TeamMember
from app.rules import signin
from app.rules.errors import Invalid

MemberType = StrEnum("MemberType", {name.upper(): name for name in MEMBER_TYPES})  # type: ignore[misc]


class CommissionType(StrEnum):
    """How somebody is paid for what they bring in."""

    NONE = "none"
    PERCENTAGE = "percentage"
    FLAT = "flat"


MOST_PERCENT = 100


def create(session: Session, member_id: UUID, values: dict[str, Any]) -> TeamMember:
    """Add somebody, under the id that the form was opened with. Errors: Invalid."""
    # Not through the unit of work, which would name every column: who belongs to a login is the database's to say.
    session.execute(insert(TeamMember).values(id=member_id, **_checked(values)))
    return session.get_one(TeamMember, member_id)


def change(session: Session, member: TeamMember, values: dict[str, Any]) -> TeamMember:
    """Change what is known of somebody. Errors: Invalid."""
    for name, value in _checked(values).items():
        setattr(member, name, value)
    session.flush()
    return member


def remove(session: Session, member: TeamMember, now: datetime) -> None:
    """Put somebody away; they can be brought back."""
    member.deleted_at = now
    session.flush()


def restore(session: Session, member: TeamMember) -> None:
    """Bring somebody back; a conflict if their external number was given to another meanwhile."""
    member.deleted_at = None
    session.flush()


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    found = {**values}
    if found.get("email"):
        found["email"] = signin.clean_email(found["email"])
    kind, rate = found.get("commission_type") or CommissionType.NONE, found.get("commission_rate")
    if kind == CommissionType.NONE and rate is not None:
        raise Invalid("Choose how the commission is counted, or leave the rate empty.", field="commission_type")
    if kind != CommissionType.NONE and rate is None:
        raise Invalid("Please give the rate.", field="commission_rate")
    if rate is not None and (rate < 0 or (kind == CommissionType.PERCENTAGE and rate > MOST_PERCENT)):
        raise Invalid("A percentage is between 0 and 100, an amount is not negative.", field="commission_rate")
    return found
