"""Invitations by e-mail link: sent, sent again, withdrawn, opened and accepted (T5).

A link is good for seven days and once. It proves that its holder reads the mail of the address: that is enough to
make a new account, whose password its person chooses. An account that exists joins only when its person is signed
in, so that a forwarded link never acts in somebody's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from app.models.organizations import Organization
from app.models.people import Invitation, Member, Membership
from app.permissions import Role
from app.rules import organizations, signin
from app.rules.errors import Conflict, NotFound
from app.rules.people import MemberStatus
from app.services.people.accounts import LinkOver, set_password
from app.services.people.links import link_digest, link_secret
from app.services.people.members import check_place
from app.services.people.sessions import note
from app.services.work import enqueue

PURPOSE = "invitation"
MAIL = "people.invited"
_INVITE = text("SELECT app.invite(:id, :email, :name, :role, :hostel, :team_member, :digest, :expires)")
_CHANGE = text("SELECT app.change_invitation(:id, :digest, :expires)")
_OPEN = text("SELECT * FROM app.open_invitation(:digest)")
_ACCEPT = text("SELECT user_id, org_id, is_new FROM app.accept_invitation(:digest, :name, :user)")


@dataclass(frozen=True)
class Offer:
    """What an invitation offers; `to` is who should get it."""

    email: str
    name: str
    role: Role
    hostel_id: UUID | None = None
    team_member_id: UUID | None = None


@dataclass(frozen=True)
class OpenInvitation:
    """What the page behind a link may show; `user_id` is the account of the address, if there is one."""

    org_id: UUID
    organization: str
    email: str
    name: str
    role: str
    hostel: str | None
    user_id: int | None


@dataclass(frozen=True)
class Letter:
    """What the message says."""

    to: str
    name: str
    organization: str
    inviter: str | None
    role: Role
    expires_at: datetime
    secret: str
    language: str | None


def secret_of(key: str, invitation_id: UUID, expires_at: datetime) -> str:
    """The secret of an invitation's link; a new time, a new link."""
    return link_secret(key, PURPOSE, invitation_id, expires_at.astimezone(UTC).isoformat())


def invite(session: Session, key: str, invitation_id: UUID, offer: Offer, now: datetime) -> None:
    """Offer a role and have the link mailed; the same `invitation_id` again changes nothing.

    Errors: Invalid; by the database VR403 for a role the caller may not give, 23505 where one is pending.
    """
    email, name = signin.clean_email(offer.email), organizations.clean_name(offer.name)
    check_place(offer.role, offer.hostel_id)
    expires = now + signin.INVITATION_LIFETIME
    is_new = session.execute(_INVITE, {
        "id": invitation_id, "email": email, "name": name, "role": offer.role, "hostel": offer.hostel_id,
        "team_member": offer.team_member_id, "digest": link_digest(secret_of(key, invitation_id, expires)),
        "expires": expires}).scalar_one()
    if is_new:
        _mail(session, invitation_id, expires)


def resend(session: Session, key: str, invitation_id: UUID, now: datetime) -> None:
    """A new link for seven days more; the old one is over."""
    expires = now + signin.INVITATION_LIFETIME
    session.execute(_CHANGE, {
        "id": invitation_id, "digest": link_digest(secret_of(key, invitation_id, expires)), "expires": expires})
    _mail(session, invitation_id, expires)
    session.expire_all()


def withdraw(session: Session, invitation_id: UUID) -> None:
    """The link is over."""
    session.execute(_CHANGE, {"id": invitation_id, "digest": None, "expires": None})
    session.expire_all()


def waits_for_one(session: Session, member: Member, role: Role, hostel_id: UUID) -> bool:
    """Whether an import brought somebody who cannot sign in yet, and no invitation is on its way to them."""
    theirs = (Membership.org_id == member.org_id, Membership.user_id == member.user_id, Membership.role == role,
              Membership.hostel_id == hostel_id, Membership.status == MemberStatus.INVITED)
    pending = (Invitation.org_id == member.org_id, Invitation.email == member.email.lower(), Invitation.status == "pending",
               Invitation.expires_at > func.app.now())
    return bool(session.scalar(select(select(Membership.id).where(*theirs).exists() & ~select(Invitation.id).where(*pending).exists())))


def _mail(session: Session, invitation_id: UUID, expires: datetime) -> None:
    enqueue(session, MAIL, {"invitation_id": str(invitation_id)}, key=f"{invitation_id}:{expires.astimezone(UTC).isoformat()}")


def letter(session: Session, key: str, invitation_id: UUID) -> Letter | None:
    """What to mail, as the organization itself; None once the invitation is not pending any more."""
    row = session.execute(
        select(Invitation.email, Invitation.name, Invitation.role, Invitation.expires_at, Member.name.label("inviter"),
               Organization.name.label("organization"), Organization.settings["language"].astext.label("language"))
        .join(Organization, Organization.id == Invitation.org_id)
        .outerjoin(Member, (Member.org_id == Invitation.org_id) & (Member.user_id == Invitation.created_by))
        .where(Invitation.id == invitation_id, Invitation.status == "pending")).one_or_none()
    if row is None:
        return None
    return Letter(row.email, row.name, row.organization, row.inviter, Role(row.role), row.expires_at,
                  secret_of(key, invitation_id, row.expires_at), row.language)


def open_link(session: Session, secret: str) -> OpenInvitation:
    """What a link offers (auth scope). Errors: LinkOver for a used, withdrawn, expired or unknown one."""
    row = session.execute(_OPEN, {"digest": link_digest(secret)}).one_or_none()
    if row is None:
        raise LinkOver("This invitation was used already, was withdrawn, or is older than seven days. "
                       "Please ask for a new one.")
    return OpenInvitation(**row._mapping)  # noqa: SLF001 - the public name of a row's columns


def accept_as_new(session: Session, secret: str, name: str, password: str) -> tuple[int, str, UUID]:
    """Make the account and join (auth scope); returns its id, e-mail address and the organization's id.

    Errors: LinkOver, Invalid, Conflict if the address got an account meanwhile.
    """
    found = open_link(session, secret)
    if found.user_id is not None:
        raise Conflict(f"There is an account for {found.email} already: please sign in to accept.")
    signin.check_password(password, found.email)
    row = _accept(session, link_digest(secret), organizations.clean_name(name), None)
    set_password(session, row.user_id, password)
    note(session, row.user_id, "joined", new_account=True)
    return row.user_id, found.email, row.org_id


def accept_proved(session: Session, digest: bytes) -> int:
    """Make the account and join, for who has proved otherwise to have the address (auth scope); returns its id.

    There is no password: its person may choose one by the way back of those who forgot theirs.
    """
    row = _accept(session, digest, "", None)
    note(session, row.user_id, "joined", new_account=row.is_new)
    found: int = row.user_id
    return found


def accept_as(session: Session, secret: str, user_id: int) -> UUID:
    """Join with the account one is signed in with (auth scope); returns the organization's id."""
    row = _accept(session, link_digest(secret), "", user_id)
    note(session, user_id, "joined", new_account=False)
    found: UUID = row.org_id
    return found


def _accept(session: Session, digest: bytes, name: str, user_id: int | None) -> Row[Any]:
    row = session.execute(_ACCEPT, {"digest": digest, "name": name, "user": user_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such invitation.")
    return row
