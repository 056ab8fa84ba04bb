"""Sessions of a person: opened at sign-in, a few at a time, ended one by one or all at once (T14)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.models.people import LoginAttempt, UserSession
from app.rules import signin
from app.rules.errors import NotFound

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('sessions:' || :user, 0))")
_SIGNED_IN = text("UPDATE ab_user SET last_login = :now, login_count = coalesce(login_count, 0) + 1 WHERE id = :user")
_NOTE = text("SELECT app.note_account(:user, :action, CAST(:data AS jsonb))")
_END = text("SELECT app.end_session(:id)")
_END_ALL = text("SELECT app.end_sessions(:user, :but)")


@dataclass(frozen=True)
class Device:
    """Where a person is signed in; `label` is what the browser says of itself."""

    id: UUID
    label: str
    address: str
    second_factor: bool
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True)
class Caller:
    """Whoever asks, as the web server sees them."""

    address: str
    device: str


def note(session: Session, user_id: int | None, action: str, **data: object) -> None:
    """Tell the audit log of every organization the person belongs to (auth scope)."""
    session.execute(_NOTE, {"user": user_id, "action": action, "data": json.dumps(data)})


def open_session(session: Session, user_id: int, email: str, caller: Caller, digest: bytes, *, second_factor: bool,
                 now: datetime) -> None:
    """Begin a session under the digest of its token; the ones unused for longest give way (auth scope)."""
    session.execute(_LOCK, {"user": str(user_id)})
    open_now = session.execute(
        select(UserSession.id, UserSession.created_at, UserSession.last_seen_at)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None), UserSession.expires_at > now)).all()
    too_many = signin.sessions_to_end([signin.SignedIn(*row) for row in open_now])
    if too_many:
        session.execute(update(UserSession).where(UserSession.id.in_(too_many)).values(ended_at=now))
    session.execute(UserSession.__table__.insert().values(
        user_id=user_id, digest=digest, device=caller.device[:300], address=caller.address[:64],
        second_factor=second_factor, expires_at=now + signin.SESSION_ABSOLUTE))
    session.add(LoginAttempt(account=email, address=caller.address[:64], succeeded=True, at=now))
    session.execute(_SIGNED_IN, {"user": user_id, "now": now.replace(tzinfo=None)})
    note(session, user_id, "signed_in", second_factor=second_factor)


def devices(session: Session, user_id: int, now: datetime) -> list[Device]:
    """The person's sessions that live, the one used last first; as themselves, or in an auth scope."""
    rows = session.execute(
        select(UserSession.id, UserSession.device, UserSession.address, UserSession.second_factor,
               UserSession.created_at, UserSession.last_seen_at)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None), UserSession.expires_at > now,
               UserSession.last_seen_at > now - signin.SESSION_IDLE)
        .order_by(UserSession.last_seen_at.desc()))
    return [Device(*row) for row in rows]


def end_own(session: Session, session_id: UUID) -> None:
    """End one session of one's own; another's looks like none."""
    if not session.scalar(_END, {"id": session_id}):
        raise NotFound("There is no such session; it may have ended already.")


def end_all(session: Session, user_id: int, but: UUID | None = None) -> int:
    """End all sessions of oneself, or of somebody whose roles the caller may take; returns how many there were."""
    ended: int = session.execute(_END_ALL, {"user": user_id, "but": but}).scalar_one()
    return ended


def end_by_digest(session: Session, digest: bytes, now: datetime) -> None:
    """Sign out the session behind a token (auth scope)."""
    user_id = session.scalar(
        update(UserSession).where(UserSession.digest == digest, UserSession.ended_at.is_(None)).values(ended_at=now)
        .returning(UserSession.user_id))
    if user_id is not None:
        note(session, user_id, "signed_out")


def end_everywhere(session: Session, user_id: int, now: datetime, but: bytes | None = None) -> int:
    """End all sessions of a person but the one behind the digest `but` (auth scope)."""
    ended = session.scalars(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None),
               UserSession.digest.is_distinct_from(but))
        .values(ended_at=now).returning(UserSession.id)).all()
    return len(ended)


def confirm_second_factor(session: Session, digest: bytes) -> None:
    """The person behind this session has just shown their second factor (auth scope)."""
    session.execute(update(UserSession).where(UserSession.digest == digest).values(second_factor=True))


def is_open(session: Session, digest: bytes, now: datetime) -> str | None:
    """The e-mail address of the person whose session it is; None if it has ended (auth scope)."""
    found: str | None = session.scalar(text(
        "SELECT u.email FROM user_sessions s JOIN ab_user u ON u.id = s.user_id "
        "WHERE s.digest = :digest AND s.ended_at IS NULL AND s.expires_at > :now"), {"digest": digest, "now": now})
    return found
