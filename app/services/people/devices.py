"""Devices that are known for a person: whoever signs in elsewhere shows a mailed code first (T14).

Everything here works in an auth scope.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from app.models.signin import KnownDevice
from app.rules import signin
from app.rules.errors import NotFound
from app.services.people.sessions import Caller, note

_WANTED = text("SELECT app.wants_known_device(:user)")


@dataclass(frozen=True)
class Known:
    """A device as its person sees it."""

    id: UUID
    label: str
    created_at: datetime
    used_at: datetime
    is_this: bool


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def must_confirm(session: Session, user_id: int, token: str, now: datetime) -> bool:
    """Whether this person, with this device's token (or none), has to show a code first."""
    if not session.scalar(_WANTED, {"user": user_id}):
        return False
    known = session.scalar(select(KnownDevice.id).where(
        KnownDevice.user_id == user_id, KnownDevice.digest == _digest(token), KnownDevice.expires_at > now))
    return known is None


def remember(session: Session, user_id: int, token: str, caller: Caller, now: datetime) -> str:
    """Know this device for another 90 days; returns the token it is to keep.

    A token that isn't this person's already is never taken over: somebody may have planted it.
    """
    expires_at = now + signin.KNOWN_DEVICE_LIFETIME
    known = session.scalar(
        update(KnownDevice)
        .where(KnownDevice.user_id == user_id, KnownDevice.digest == _digest(token), KnownDevice.expires_at > now)
        .values(used_at=now, expires_at=expires_at).returning(KnownDevice.id))
    if known is not None:
        return token
    fresh = secrets.token_urlsafe(32)
    session.add(KnownDevice(user_id=user_id, digest=_digest(fresh), device=caller.device[:300], used_at=now,
                            expires_at=expires_at))
    session.flush()
    kept = (select(KnownDevice.id).where(KnownDevice.user_id == user_id)
            .order_by(KnownDevice.used_at.desc(), KnownDevice.id.desc()).limit(signin.KNOWN_DEVICES_MOST))
    session.execute(delete(KnownDevice).where(KnownDevice.user_id == user_id, KnownDevice.id.not_in(kept)))
    return fresh


def known_devices(session: Session, user_id: int, token: str, now: datetime) -> list[Known]:
    """What a person's account page lists, the one used last first; `token` is that of the device that asks."""
    rows = session.execute(
        select(KnownDevice.id, KnownDevice.device, KnownDevice.created_at, KnownDevice.used_at,
               KnownDevice.digest == _digest(token))
        .where(KnownDevice.user_id == user_id, KnownDevice.expires_at > now).order_by(KnownDevice.used_at.desc()))
    return [Known(*row) for row in rows]


def remove(session: Session, user_id: int, device_id: UUID) -> None:
    """Know one's own device no longer; another's looks like none."""
    gone = session.scalar(delete(KnownDevice).where(KnownDevice.id == device_id, KnownDevice.user_id == user_id)
                          .returning(KnownDevice.id))
    if gone is None:
        raise NotFound("There is no such device; it may have been removed already.")
    note(session, user_id, "device_removed")


def forget(session: Session, now: datetime) -> None:
    """Devices that were not used for too long."""
    session.execute(delete(KnownDevice).where(KnownDevice.expires_at < now))
