"""Calendars that people subscribe to: an address with a secret, kept as its digest, made anew or ended at any time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.models.events import EventFeed, HostelEvent
from app.rules.errors import NotFound
from app.rules.events import FEED_PAST, EventStatus, ReplyState
from app.services.people.links import link_digest

_MAKE = text("SELECT app.make_event_feed(:digest)")
_END = text("SELECT app.end_event_feed()")
_READ = text("SELECT * FROM app.event_feed(:digest, :since)")


@dataclass(frozen=True)
class Entry:
    """An event as calendars get it; `answer` is what the calendar's person said, if anything."""

    id: UUID
    title: str
    description: str
    place: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    status: EventStatus
    reason: str
    sequence: int
    changed_at: datetime
    house: str
    answer: ReplyState | None = None


@dataclass(frozen=True)
class Feed:
    """A calendar of an organization's events."""

    organization: str
    entries: Sequence[Entry]


def make(session: Session) -> str:
    """The secret of a new calendar of the caller, which nobody can be told again; the one before ends."""
    secret = secrets.token_urlsafe(32)
    session.execute(_MAKE, {"digest": link_digest(secret)})
    return secret


def end(session: Session) -> None:
    """The caller's calendar shows nothing any more."""
    session.execute(_END)


def since(session: Session, user_id: int) -> datetime | None:
    """When the present calendar of a person was made; None if there is none."""
    return session.scalar(select(EventFeed.created_at).where(EventFeed.user_id == user_id, EventFeed.revoked_at.is_(None)))


def read(session: Session, secret: str) -> Feed:
    """What a calendar program is told that knows the secret. NotFound for what is none, or was ended."""
    found = session.execute(_READ, {"digest": link_digest(secret), "since": FEED_PAST}).all()
    if not found:
        raise NotFound("There is no such calendar.")
    return Feed(found[0].organization, [Entry(
        row.id, row.title, row.description, row.place, row.starts_at, row.ends_at, row.timezone, EventStatus(row.status), row.reason,
        row.sequence, row.changed_at, row.house, ReplyState(row.answer) if row.answer else None) for row in found[1:]])


def entry_of(event: HostelEvent) -> Entry:
    """One event for a calendar."""
    return Entry(event.id, event.title, event.description, event.place, event.starts_at, event.ends_at, event.timezone, event.state,
                 event.reason, event.sequence, event.updated_at, event.hostel.name if event.hostel else "")
