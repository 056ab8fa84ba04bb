"""Signing in with e-mail and password: attempts counted before they are checked, the same answer for everybody (T14).

Everything here works in an auth scope. An attempt is written down, and committed, before the password is looked at;
so many guesses at once cannot slip past the lock, and no lock is held while a hash is computed.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from app.models.people import LoginAttempt
from app.rules import signin as rules
from app.rules.errors import DomainError, Forbidden, LimitReached
from app.services.people.passwords import is_password
from app.services.people.sessions import note

ADDRESS_WINDOW = timedelta(minutes=15)
MOST_PER_ADDRESS = 60  # of what people rarely do; signing in has a wider bound (rules.ATTEMPTS_PER_ADDRESS)
_HIT = text("SELECT app.count_hit(:bucket, :key, :start, :most)")
_ACCOUNT = text("""
    SELECT u.id, u.email, btrim(u.first_name || ' ' || u.last_name) AS name, u.active, c.password_hash,
           c.totp_confirmed_at IS NOT NULL AS second_factor
    FROM ab_user u LEFT JOIN user_credentials c ON c.user_id = u.id WHERE lower(u.email) = :email""")
_ACCOUNT_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('sign-in:' || :account, 0))")


class WrongCredentials(DomainError):
    """Unknown address or wrong password: which of them is not told."""

    code = "wrong_credentials"
    status = 401

    def __init__(self) -> None:
        super().__init__("E-mail address or password is not right.")


class TooManyFromHere(LimitReached):
    """The bound of one network address."""

    code = "too_many_requests"


@dataclass(frozen=True)
class Account:
    """Who gave the right password; with a second factor that is not enough."""

    user_id: int
    email: str
    name: str
    second_factor: bool


def bound_address(session: Session, bucket: str, address: str, now: datetime, *, most: int = MOST_PER_ADDRESS,
                  window: timedelta = ADDRESS_WINDOW) -> None:
    """Count a hit of a network address; TooManyFromHere beyond `most` in a window."""
    start = datetime.fromtimestamp(now.timestamp() // window.total_seconds() * window.total_seconds(), now.tzinfo)
    within = session.scalar(_HIT, {"bucket": bucket, "key": _network(address), "start": start, "most": most})
    if not within:
        minutes = max(1, -(-int((start + window - now).total_seconds()) // 60))
        raise TooManyFromHere(f"Too many attempts from your network. Please try again in {minutes} minutes.")


def _network(address: str) -> str:
    """One customer of a provider: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    return str(found) if isinstance(found, ipaddress.IPv4Address) else str(ipaddress.IPv6Network((found, 64), strict=False))


def begin_attempt(session: Session, account: str, address: str, now: datetime) -> None:
    """Write the attempt down as failed, unless the account is locked; commit before looking at the password.

    Errors: TooManyAttempts, which says for how long. Unknown accounts lock like known ones.
    """
    session.execute(_ACCOUNT_LOCK, {"account": account})
    last_success = (
        select(func.max(LoginAttempt.at)).where(LoginAttempt.account == account, LoginAttempt.succeeded)
    ).scalar_subquery()
    failures = session.scalars(
        select(LoginAttempt.at)
        .where(LoginAttempt.account == account, ~LoginAttempt.succeeded, LoginAttempt.at > now - 2 * rules.LOCK_WINDOW,
               LoginAttempt.at > func.coalesce(last_success, now - 2 * rules.LOCK_WINDOW)))
    rules.check_not_locked(failures, now)
    session.add(LoginAttempt(account=account, address=address[:64], succeeded=False, at=now))


def check_password(session: Session, email: str, password: str) -> Account | None:
    """Who this is, or None: an address without an account takes as long and leaves the same rows.

    Errors: Forbidden for a suspended account, told only to who knows its password.
    """
    row = session.execute(_ACCOUNT, {"email": email}).one_or_none()
    right = is_password(row.password_hash if row is not None else None, password[:rules.PASSWORD_MAX])
    if row is None or not right:
        note(session, row.id if row is not None else None, "sign_in_failed")
        return None
    if not row.active:
        raise Forbidden("This account is suspended. Please ask whoever runs your organization.")
    return Account(row.id, row.email, row.name, row.second_factor)


def unlock(session: Session, account: str) -> None:
    """Forget the failed attempts of an account."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.account == account))


def forget_attempts(session: Session, before: datetime) -> None:
    """Old attempts decide nothing and are personal data."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < before))
