"""The second factor: time-based codes (RFC 6238) from an app, and recovery codes for a lost telephone (T14).

Everything here works in an auth scope. The secret is encrypted for its own user; a code works once, for its step and
no earlier one; recovery codes are shown once, kept as digests and used up.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import any_, func, literal, select, text, update
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.people import UserCredential
from app.rules.errors import Conflict, DomainError
from app.services.people.sessions import note

ISSUER = "Viramah"
STEP_SECONDS = 30  # RFC 6238
DRIFT_STEPS = 1  # a clock may be half a minute wrong
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look like another
_OWN_ROW = text("INSERT INTO user_credentials (user_id) VALUES (:user) ON CONFLICT DO NOTHING")


class WrongCode(DomainError):
    """Not the code of now, or one that was used already."""

    code = "wrong_code"
    status = 401

    def __init__(self) -> None:
        super().__init__("This code is not right, or was used already. Please wait for the next one.")


@dataclass(frozen=True)
class Enrolment:
    """What the app is told: `uri` is what the QR code holds."""

    secret: str
    uri: str


def secret_context(user_id: int) -> str:
    """The context that a secret is encrypted in."""
    return f"user_credentials.totp_secret:{user_id}"


def is_set_up(session: Session, user_id: int) -> bool:
    """Whether signing in asks for a code."""
    return session.scalar(select(UserCredential.totp_confirmed_at).where(UserCredential.user_id == user_id)) is not None


def enrol(session: Session, ring: KeyRing, user_id: int, email: str) -> Enrolment:
    """The secret to put into an app: a new one, or the one begun before and not confirmed.

    Errors: Conflict if a second factor is set up already.
    """
    session.execute(_OWN_ROW, {"user": user_id})
    row = session.execute(
        select(UserCredential.totp_secret, UserCredential.totp_confirmed_at)
        .where(UserCredential.user_id == user_id).with_for_update()).one()
    if row.totp_confirmed_at is not None:
        raise Conflict("A second factor is set up already; take it away first to set up another.")
    if row.totp_secret:
        secret = ring.decrypt(row.totp_secret, secret_context(user_id))
    else:
        secret = pyotp.random_base32()
        session.execute(update(UserCredential).where(UserCredential.user_id == user_id).values(
            totp_secret=ring.encrypt(secret, secret_context(user_id)), totp_last_step=None))
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER))


def confirm(session: Session, ring: KeyRing, user_id: int, code: str, now: datetime) -> list[str]:
    """The app works: from now on signing in asks for a code. Returns the recovery codes, to be shown this once.

    Errors: Conflict if nothing was begun, WrongCode.
    """
    row = session.execute(
        select(UserCredential.totp_secret, UserCredential.totp_confirmed_at)
        .where(UserCredential.user_id == user_id).with_for_update()).one_or_none()
    if row is None or not row.totp_secret or row.totp_confirmed_at is not None:
        raise Conflict("There is no second factor to confirm.")
    if not _take_code(session, ring, user_id, code, now):
        raise WrongCode
    session.execute(update(UserCredential).where(UserCredential.user_id == user_id).values(totp_confirmed_at=now))
    note(session, user_id, "second_factor_set_up")
    return renew_recovery_codes(session, user_id)


def verify(session: Session, ring: KeyRing, user_id: int, code: str, now: datetime) -> None:
    """Take a code of the app or a recovery code; each works once.

    Errors: WrongCode.
    """
    if not _take_code(session, ring, user_id, code, now) and not _take_recovery_code(session, user_id, code):
        raise WrongCode


def disable(session: Session, ring: KeyRing, user_id: int, code: str, now: datetime) -> None:
    """Take the second factor away; whoever does it has to have it.

    Errors: WrongCode.
    """
    verify(session, ring, user_id, code, now)
    reset(session, user_id)


def reset(session: Session, user_id: int) -> None:
    """Take the second factor away for somebody who lost telephone and codes: for the command line."""
    session.execute(update(UserCredential).where(UserCredential.user_id == user_id).values(
        totp_secret=None, totp_confirmed_at=None, totp_last_step=None, recovery_digests=[]))
    note(session, user_id, "second_factor_taken_away")


def renew_recovery_codes(session: Session, user_id: int) -> list[str]:
    """Ten new codes like `k3mwp-x7c2q` (50 bits each); older ones work no longer."""
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    session.execute(update(UserCredential).where(UserCredential.user_id == user_id).values(
        recovery_digests=[_recovery_digest(code) for code in codes]))
    note(session, user_id, "recovery_codes_made")
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def recovery_codes_left(session: Session, user_id: int) -> int:
    """How many recovery codes are unused."""
    return session.scalar(
        select(func.cardinality(UserCredential.recovery_digests)).where(UserCredential.user_id == user_id)) or 0


def _take_code(session: Session, ring: KeyRing, user_id: int, code: str, now: datetime) -> bool:
    said = re.sub(r"\s", "", code)
    sealed = session.scalar(select(UserCredential.totp_secret).where(UserCredential.user_id == user_id))
    if not sealed or not re.fullmatch(r"[0-9]{6}", said):
        return False
    totp = pyotp.TOTP(ring.decrypt(sealed, secret_context(user_id)))
    current = int(now.timestamp()) // STEP_SECONDS
    step = next((s for s in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1)
                 if hmac.compare_digest(totp.generate_otp(s), said)), None)
    if step is None:
        return False
    # Guarded: of two who show the same code at once, one comes first.
    taken = session.scalar(
        update(UserCredential)
        .where(UserCredential.user_id == user_id, func.coalesce(UserCredential.totp_last_step, -1) < step)
        .values(totp_last_step=step).returning(UserCredential.user_id))
    return taken is not None


def _take_recovery_code(session: Session, user_id: int, code: str) -> bool:
    digest = _recovery_digest(re.sub(r"[\s-]", "", code).lower())
    taken = session.scalar(
        update(UserCredential)
        .where(UserCredential.user_id == user_id, UserCredential.totp_confirmed_at.is_not(None),
               literal(digest) == any_(UserCredential.recovery_digests))
        .values(recovery_digests=func.array_remove(UserCredential.recovery_digests, digest))
        .returning(UserCredential.user_id))
    if taken is not None:
        note(session, user_id, "recovery_code_used")
    return taken is not None


def _recovery_digest(code: str) -> str:
    return hashlib.sha256(f"recovery:{code}".encode()).hexdigest()
