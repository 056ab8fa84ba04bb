"""Accounts: signing up with an organization, changing a password, resetting a forgotten one by mail (T5, T14).

Everything here works in an auth scope.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.models.people import UserCredential
from app.rules import organizations, signin
from app.rules.errors import Conflict, DomainError, Invalid
from app.services import organizations as tenants
from app.services.people import sessions
from app.services.people.links import link_digest, link_secret
from app.services.people.passwords import hash_password, is_password
from app.services.people.sessions import note
from app.services.people.signin import unlock
from app.services.seeds import category_document
from app.services.work import enqueue

RESET = "password-reset"
RESET_MAIL = "people.password_reset"
RESETS_PER_HOUR = 3
_SLUG_TRIES = 6
_HIT = text("SELECT app.count_hit('password-reset', :key, :start, :most)")
_BY_EMAIL = text("SELECT id FROM ab_user WHERE lower(email) = :email AND active")
_CREATE_ACCOUNT = text("SELECT app.create_account(:email, :name)")
_VERIFY_DEVICES = text("SELECT app.verify_devices(:org)")
_SLUG_TAKEN = "organizations_slug_key"


class LinkOver(DomainError):
    """A link that was used, replaced, is too old, or never was: not told apart."""

    code = "link_over"
    status = 410


@dataclass(frozen=True)
class SignUp:
    """What a person gives to begin; cleaned and checked by `cleaned`."""

    name: str
    email: str
    password: str
    organization: str

    def cleaned(self) -> SignUp:
        """With names and address as they are stored. Errors: Invalid, naming the field."""
        email = signin.clean_email(self.email)
        signin.check_password(self.password, email)
        try:
            organization = organizations.clean_name(self.organization)
        except Invalid as error:
            raise Invalid(error.message, field="organization") from error
        return SignUp(organizations.clean_name(self.name), email, self.password, organization)


def sign_up(session: Session, given: SignUp) -> int:
    """An account, and an organization on the free plan that it owns; returns the account's id.

    Errors: Invalid; Conflict (by the database) if the address has an account.
    """
    clean = given.cleaned()
    user_id: int = session.scalar(_CREATE_ACCOUNT, {"email": clean.email, "name": clean.name})
    set_password(session, user_id, clean.password)
    create_organization(session, clean.organization, user_id)
    note(session, user_id, "signed_up")
    return user_id


def create_organization(session: Session, name: str, owner_id: int, *, slug: str = "",
                        plan: organizations.Plan = organizations.Plan.FREE) -> UUID:
    """A tenant with its owner, the plan's limits and the categories of maintenance; new devices show a mailed code.

    Without a `slug`, one is made from the name; where it is taken, with four more letters. Errors: Invalid, Conflict.
    """
    for candidate in [slug] if slug else _slugs(name):
        try:
            with session.begin_nested():
                found = tenants.create_organization(session, name, candidate, plan, owner_id, category_document())
        except IntegrityError as error:
            if getattr(getattr(error.orig, "diag", None), "constraint_name", "") != _SLUG_TAKEN:
                raise
        else:
            session.execute(_VERIFY_DEVICES, {"org": found})
            return found
    raise Conflict("Another organization has this short name already; choose another.")


def _slugs(name: str) -> list[str]:
    plain = organizations.slug_from(name)
    if len(plain) < organizations.SLUG_MIN or plain in organizations.RESERVED_SLUGS:
        plain = f"{plain}-hostels".strip("-")
    short = plain[:organizations.SLUG_MAX - 5].strip("-")
    return [plain, *(f"{short}-{secrets.token_hex(2)}" for _ in range(_SLUG_TRIES))]


def set_password(session: Session, user_id: int, password: str) -> None:
    """Store a password that was checked; a pending reset link is over."""
    row = {"password_hash": hash_password(password), "password_changed_at": func.clock_timestamp(), "reset_digest": None,
           "reset_expires_at": None}
    session.execute(upsert(UserCredential).values(user_id=user_id, **row)
                    .on_conflict_do_update(index_elements=["user_id"], set_=row))


def change_password(session: Session, user_id: int, email: str, *, old: str, new: str, keep: bytes, now: datetime) -> None:
    """Replace one's password; all other sessions end, the one behind the digest `keep` stays.

    Errors: Invalid, naming the field.
    """
    stored = session.scalar(select(UserCredential.password_hash).where(UserCredential.user_id == user_id))
    if not is_password(stored, old[:signin.PASSWORD_MAX]):
        raise Invalid("This is not your present password.", field="old")
    signin.check_password(new, email)
    set_password(session, user_id, new)
    sessions.end_everywhere(session, user_id, now, but=keep)
    unlock(session, email)
    note(session, user_id, "password_changed")


def request_reset(session: Session, email: str, now: datetime) -> None:
    """Have a link mailed if the address has an account; for any other the same statements lead to nothing.

    Beyond three in an hour for one address nothing more is mailed, and nothing else is said.
    """
    user_id: int | None = session.scalar(_BY_EMAIL, {"email": email})
    reset_id: UUID = session.scalar(text("SELECT uuidv7()"))
    hour = now.replace(minute=0, second=0, microsecond=0)
    key = hashlib.sha256(email.encode()).hexdigest()[:32]
    if session.scalar(_HIT, {"key": key, "start": hour, "most": RESETS_PER_HOUR}):
        # The worker makes the link's secret again from the id; see links.py.
        enqueue(session, RESET_MAIL, {"user_id": user_id, "reset_id": str(reset_id)})


def reset_secret(key: str, reset_id: UUID | str) -> str:
    """The secret of a reset link."""
    return link_secret(key, RESET, reset_id)


def store_reset(session: Session, user_id: int, reset_id: UUID | str, secret: str) -> None:
    """Let a link be used, once and for an hour from when it was asked for; it replaces an older one.

    Done again after the password was changed, it changes nothing: a link that was used stays used.
    """
    asked_at = func.uuid_extract_timestamp(cast(str(reset_id), Uuid))
    row = {"reset_digest": link_digest(secret), "reset_expires_at": asked_at + signin.PASSWORD_RESET_LIFETIME}
    session.execute(
        upsert(UserCredential).values(user_id=user_id, **row)
        .on_conflict_do_update(index_elements=["user_id"], set_=row,
                               where=func.coalesce(UserCredential.password_changed_at < asked_at, text("true"))))


def open_reset(session: Session, secret: str, now: datetime) -> tuple[int, str]:
    """Whose link it is: id and e-mail address. Errors: LinkOver."""
    row = session.execute(text(
        "SELECT u.id, u.email FROM user_credentials c JOIN ab_user u ON u.id = c.user_id AND u.active "
        "WHERE c.reset_digest = :digest AND c.reset_expires_at > :now"),
        {"digest": link_digest(secret), "now": now}).one_or_none()
    if row is None:
        raise LinkOver("This link was used already, or is too old. Please ask for a new one.")
    return row.id, row.email


def reset_password(session: Session, secret: str, password: str, now: datetime) -> str:
    """Set a new password by a link; every session ends, and the lock opens. Returns the e-mail address.

    Errors: LinkOver, also for the second of two who use the link at once; Invalid.
    """
    user_id, email = open_reset(session, secret, now)
    signin.check_password(password, email)
    taken = session.scalar(
        update(UserCredential)
        .where(UserCredential.user_id == user_id, UserCredential.reset_digest == link_digest(secret))
        .values(reset_digest=None).returning(UserCredential.user_id))
    if taken is None:
        raise LinkOver("This link was used already, or is too old. Please ask for a new one.")
    set_password(session, user_id, password)
    sessions.end_everywhere(session, user_id, now)
    unlock(session, email)
    note(session, user_id, "password_reset")
    return email
