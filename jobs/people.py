"""Messages about accounts: invitations, links and codes. The secrets of these are made here, never stored.

And what is forgotten about people: attempts to sign in are personal data, and decide nothing after half an hour.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from flask_babel import format_datetime, gettext
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.languages import in_language
from app.services.people import accounts, devices, invitations, magic, mail, signin
from app.tenancy import auth_scope
from app.wiring import mailer, settings
from jobs.registry import Payload, handles

KEEP_ATTEMPTS = timedelta(days=30)  # for whoever looks into a series of guesses
_ADDRESS = text("SELECT email, name, language FROM app.account_address(:user)")


def link(path: str, secret: str) -> str:
    """An address in a message; the secret is in the query, which our logs leave out."""
    return f"{settings().public_url}{path}?{urlencode({'t': secret})}"


@handles(invitations.MAIL, external=True)
def mail_invitation(session: Session, payload: Payload) -> None:
    """Mail an invitation, unless it was accepted or withdrawn meanwhile."""
    letter = invitations.letter(session, settings().secret_key, UUID(payload["invitation_id"]))
    if letter is not None:
        with in_language(letter.language):
            until = format_datetime(letter.expires_at.astimezone(UTC), "d MMMM y, HH:mm 'UTC'", rebase=False)
            mailer().send(mail.invitation(letter, link("/invitation", letter.secret), gettext, until))


@handles(accounts.RESET_MAIL, external=True)
def mail_password_reset(session: Session, payload: Payload) -> None:
    """Let a link be used and mail it; for an address without an account there is nothing to do."""
    if payload["user_id"] is None:
        return
    found = session.execute(_ADDRESS, {"user": payload["user_id"]}).one_or_none()
    if found is None:
        return
    secret = accounts.reset_secret(settings().secret_key, payload["reset_id"])
    with auth_scope() as auth:
        accounts.store_reset(auth, payload["user_id"], payload["reset_id"], secret)
    with in_language(found.language):
        mailer().send(mail.password_reset(found.email, found.name, link("/password/new", secret), payload["reset_id"], gettext))


@handles(magic.LINK_MAIL, external=True)
def mail_sign_in_link(session: Session, payload: Payload) -> None:
    """Mail a link that signs in; for an address without an account there is nothing to do."""
    found = session.execute(_ADDRESS, {"user": payload["user_id"]}).one_or_none()
    if found is None:
        return
    secret = magic.proof_secret(settings().secret_key, magic.Purpose.LINK, payload["proof_id"])
    with in_language(found.language):
        mailer().send(mail.sign_in_link(found.email, found.name, link("/login/with", secret), payload["proof_id"], gettext))


@handles(magic.CODE_MAIL, external=True)
def mail_device_code(session: Session, payload: Payload) -> None:
    """Mail the code that a new device asks for."""
    found = session.execute(_ADDRESS, {"user": payload["user_id"]}).one_or_none()
    if found is None:
        return
    code = magic.proof_code(settings().secret_key, payload["proof_id"])
    with in_language(found.language):
        mailer().send(mail.device_code(found.email, found.name, code, payload["proof_id"], gettext))


@handles("people.forget")
def forget(_session: Session, _payload: Payload) -> None:
    """Forget old attempts to sign in, and proofs and devices that are over."""
    now = datetime.now(UTC)
    with auth_scope() as auth:
        signin.forget_attempts(auth, now - KEEP_ATTEMPTS)
        magic.forget(auth, now)
        devices.forget(auth, now)
