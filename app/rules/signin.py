"""Signing in: passwords, the lock after failed attempts, how long invitations and sessions live (T5, T14)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.rules.errors import Conflict, DomainError, Invalid

FAILURES_TO_LOCK = 5  # seed 4, section 14 E: 5 per account in 15 minutes
LOCK_WINDOW = timedelta(minutes=15)
# Attempts from one network address in LOCK_WINDOW, right or wrong. A hostel's people share one address: at 60, one of
# them could shut out the whole house with a minute of wrong passwords, or a Monday morning could. An account is guarded
# by its own five; this bound only slows trying one password on many accounts (300 in a quarter of an hour, 28,800 a day).
ATTEMPTS_PER_ADDRESS = 300
INVITATION_LIFETIME = timedelta(days=7)
PASSWORD_RESET_LIFETIME = timedelta(hours=1)
MAILED_PROOF_LIFETIME = timedelta(minutes=15)  # a link to sign in, the code of a new device
KNOWN_DEVICE_LIFETIME = timedelta(days=90)  # since it was used last
KNOWN_DEVICES_MOST = 10  # of a person; the one unused for longest gives way
SESSION_LIMIT = 5  # sessions at a time; the one unused for longest gives way to a new one
SESSION_IDLE = timedelta(days=7)  # seed 4, section 3
SESSION_ABSOLUTE = timedelta(days=30)
PASSWORD_MIN = 12
PASSWORD_DIFFERENT = 5  # characters that differ from each other
PASSWORD_MAX = 256  # hashing must not be a way to keep a worker busy
EMAIL_MAX = 254  # RFC 5321

# The usual ones that reach twelve characters, without the digits and signs people add at the end.
_COMMON = frozenset({
    "password", "passwordpassword", "passw0rd", "p@ssw0rd", "letmein", "letmeinplease", "qwertyuiop",
    "qwertyuiopasdf", "qwerty", "1q2w3e4r5t6y", "1qaz2wsx3edc", "administrator", "welcome", "welcomeback",
    "changeme", "changemeplease", "iloveyou", "abcdefghijkl", "abc", "admin", "secret", "viramah", "hostel",
})


class TooManyAttempts(DomainError):
    """The account is locked for a while after failed sign-ins."""

    code = "locked"
    status = 429


class InvitationOver(Conflict):
    """The link was used, withdrawn or is too old."""

    code = "invitation_over"


def clean_email(text: str) -> str:
    """The address as it is stored and compared: trimmed, lower case."""
    email = text.strip().lower()
    if len(email) > EMAIL_MAX or not re.fullmatch(r"[^@\s<>\"(),;:\\\[\]]+@[^@\s.]+(\.[^@\s.]+)+", email):
        raise Invalid("Please give an e-mail address like name@example.com.", field="email")
    return email


def check_password(password: str, email: str = "") -> None:
    """Refuse a password that is short, common, monotonous or the address itself.

    Length over composition, as NIST SP 800-63B advises: no rule about digits or signs.
    """
    said = password.strip().lower()
    bare = re.sub(r"[\W\d_]+$", "", said)  # "password1234!" is "password"
    if len(password) < PASSWORD_MIN:
        raise Invalid(f"A password needs at least {PASSWORD_MIN} characters.", field="password")
    if len(password) > PASSWORD_MAX:
        raise Invalid(f"A password has at most {PASSWORD_MAX} characters.", field="password")
    if email and said in {email.lower(), email.lower().partition("@")[0]}:
        raise Invalid("A password cannot be your e-mail address.", field="password")
    if said in _COMMON or bare in _COMMON or not bare or len(set(said)) < PASSWORD_DIFFERENT:
        raise Invalid("This password is too easy to guess; a few unrelated words are a good one.", field="password")


def locked_until(failures: Iterable[datetime], now: datetime) -> datetime | None:
    """When the account opens again, or None if it is open.

    `failures` are the failed attempts since the last success, those made while locked not counted. Any five
    within fifteen minutes lock the account for fifteen minutes from the fifth.
    """
    times = sorted(failures)
    ends = [
        last + LOCK_WINDOW
        for first, last in zip(times, times[FAILURES_TO_LOCK - 1:], strict=False)
        if last - first <= LOCK_WINDOW
    ]
    return ends[-1] if ends and ends[-1] > now else None


def check_not_locked(failures: Iterable[datetime], now: datetime) -> None:
    """Refuse to try a password while the account is locked; the sentence says for how long."""
    until = locked_until(failures, now)
    if until:
        minutes = -(-int((until - now).total_seconds()) // 60)
        raise TooManyAttempts(f"Too many failed attempts. Please try again in {max(minutes, 1)} minutes.")


def check_invitation(sent_at: datetime, accepted_at: datetime | None, revoked_at: datetime | None,
                     now: datetime) -> None:
    """Refuse an invitation that was used, withdrawn or is older than seven days."""
    if accepted_at:
        raise InvitationOver("This invitation has been used already: please sign in.")
    if revoked_at:
        raise InvitationOver("This invitation has been withdrawn: please ask for a new one.")
    if now - sent_at > INVITATION_LIFETIME:
        raise InvitationOver(
            f"This invitation is older than {INVITATION_LIFETIME.days} days: please ask for a new one."
        )


@dataclass(frozen=True)
class SignedIn:
    """One session of a person."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime


def session_lives(created_at: datetime, last_seen_at: datetime, now: datetime) -> bool:
    """Whether a session still counts: used within seven days, begun within thirty."""
    return now - last_seen_at <= SESSION_IDLE and now - created_at <= SESSION_ABSOLUTE


def sessions_to_end(sessions: Sequence[SignedIn]) -> list[UUID]:
    """The sessions that give way when a new one begins: all but the four used last."""
    newest_first = sorted(sessions, key=lambda s: s.last_seen_at, reverse=True)
    return [s.id for s in newest_first[SESSION_LIMIT - 1:]]
