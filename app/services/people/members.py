"""Members and the roles they hold: given, limited in time, suspended, taken away, handed over (T3, T5, T13).

The database decides who may: nobody gives or takes a role at or above their own, but an owner, and the last owner
cannot leave (app/models/sql/people.sql). Errors arrive as DBAPIError of class VR and are translated at the edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.models.organizations import Organization
from app.permissions import Role
from app.rules.errors import Invalid
from app.rules.people import WIDE_ROLES, MemberStatus, may_grant

REQUIRE_TOTP = "require_totp"  # in organizations.settings; app.identify reads it
VERIFY_DEVICES = "verify_devices"  # there too; app.wants_known_device reads it
_GRANT = text("SELECT app.grant_role(:user, :role, :hostel, :since, :until)")
_CHANGE = text("SELECT app.change_role(:id, :status, :since, :until, :version)")
_CHANGE_PERSON = text("SELECT app.change_person(:user, :status)")
_TRANSFER = text("SELECT app.transfer_ownership(:to)")
_ADD_MEMBER = text("SELECT app.add_member(:user)")


def grantable(roles: Iterable[Role]) -> list[Role]:
    """The roles that somebody with these roles may give, highest first; where they may is for the database to say."""
    held = list(roles)
    return [role for role in Role if role is not Role.SUPER_ADMIN and may_grant(held, role)]


def check_place(role: Role, hostel_id: UUID | None, valid_until: datetime | None = None) -> None:
    """What the database would refuse anyway, said beside the field. Errors: Invalid."""
    if role in WIDE_ROLES and hostel_id is not None:
        raise Invalid("An owner or administrator works in all hostels, not in one.", field="hostel_id")
    if role is Role.OWNER and valid_until is not None:
        raise Invalid("Ownership has no end date.", field="valid_until")


def grant_role(session: Session, user_id: int, role: Role, hostel_id: UUID | None = None, *,
               valid_from: datetime | None = None, valid_until: datetime | None = None) -> UUID:
    """Give a person of this organization one more role; returns the membership's id."""
    check_place(role, hostel_id, valid_until)
    found: UUID = session.execute(_GRANT, {
        "user": user_id, "role": role, "hostel": hostel_id, "since": valid_from, "until": valid_until}).scalar_one()
    return found


def change_role(session: Session, membership_id: UUID, status: MemberStatus, *, valid_from: datetime | None,
                valid_until: datetime | None, version: datetime | None = None) -> None:
    """Suspend, reactivate or limit in time; counts from the person's next request.

    `version` is the `updated_at` that the caller has seen; Conflict (as VR409) if the role changed since.
    """
    session.execute(_CHANGE, {"id": membership_id, "status": status, "since": valid_from, "until": valid_until,
                              "version": version})
    session.expire_all()


def take_role(session: Session, membership_id: UUID) -> None:
    """Take a role away; with the last one the person leaves the organization."""
    session.execute(_CHANGE, {"id": membership_id, "status": None, "since": None, "until": None,
                              "version": None})
    session.expire_all()


def suspend_person(session: Session, user_id: int) -> None:
    """Suspend all roles of a person."""
    session.execute(_CHANGE_PERSON, {"user": user_id, "status": MemberStatus.SUSPENDED})
    session.expire_all()


def remove_person(session: Session, user_id: int) -> None:
    """Take all roles away; what the person did keeps their name."""
    session.execute(_CHANGE_PERSON, {"user": user_id, "status": None})
    session.expire_all()


def transfer_ownership(session: Session, to_user_id: int) -> None:
    """Make somebody else owner; the caller stays as administrator."""
    session.execute(_TRANSFER, {"to": to_user_id})
    session.expire_all()


def add_member(session: Session, user_id: int, role: Role, hostel_id: UUID | None = None) -> UUID:
    """Let an account in without an invitation; the product itself may (command line, demo data)."""
    session.execute(_ADD_MEMBER, {"user": user_id})
    return grant_role(session, user_id, role, hostel_id)


def secure_sign_in(session: Session, organization: Organization, *, second_factor: bool, known_devices: bool) -> None:
    """Whether staff can do anything without a second factor, from the next request; whether new devices show a code."""
    organization.settings = {**organization.settings, REQUIRE_TOTP: second_factor, VERIFY_DEVICES: known_devices}
    session.flush()
