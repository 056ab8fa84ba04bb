"""Events as those who run them write them: drafted, published, changed, cancelled; and found again by their days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.gateways.objects import ObjectStore
from app.models.events import HostelEvent
from app.models.organizations import Hostel, Organization
from app.rules import events as rules
from app.rules.errors import NotFound
from app.rules.events import HOSTEL_EVENT, EventStatus
from app.rules.files import Purpose
from app.services import files, lifecycle
from app.services.files import Upload

MOST = 400  # events of a month that are drawn
_TIMES = ("starts_at", "ends_at", "reply_until")


def add(session: Session, data: Mapping[str, Any], event_id: UUID | None = None) -> HostelEvent:
    """A draft, by the clock of its house or, for all houses, of the organization. Error: Invalid."""
    rules.check_times(data["starts_at"], data["ends_at"], data.get("reply_until"), _now(session))
    values = {name: value for name, value in data.items() if value is not None}
    event = HostelEvent(**values, timezone=_zone_of(session, data.get("hostel_id")), **({"id": event_id} if event_id else {}))
    session.add(event)
    session.flush()
    return event


def change(session: Session, event: HostelEvent, data: Mapping[str, Any]) -> None:
    """Change one; those who answered hear of what matters to them, and more places go to those who wait.

    Errors: Invalid; VR409 where it is cancelled, has begun, or more are coming than there would be places.
    """
    after = {name: data.get(name, getattr(event, name)) for name in _TIMES}
    if any(after[name] != getattr(event, name) for name in _TIMES):
        rules.check_times(after["starts_at"], after["ends_at"], after["reply_until"], _now(session))
    for name, value in data.items():
        setattr(event, name, value)
    session.flush()


def move(session: Session, event_id: UUID, step: str, note: str = "") -> EventStatus:
    """Publish or cancel it; a cancelled one keeps the note as its reason."""
    return EventStatus(lifecycle.move(session, HOSTEL_EVENT, event_id, step, note))


def remove(session: Session, event: HostelEvent) -> None:
    """Take away a draft, or what is over."""
    event.deleted_at = func.app.now()
    session.flush()


def set_photo(session: Session, objects: ObjectStore, event: HostelEvent, upload: Upload | None) -> None:
    """Another cover photo, or none. Errors: those of `files.store`."""
    before, stored = event.photo_id, files.store(session, objects, upload, Purpose.EVENT, event.hostel_id) if upload else None
    event.photo_id = stored.id if stored else None
    session.flush()
    if before:
        files.remove(session, before)


def find(session: Session, event_id: UUID) -> HostelEvent:
    """One that the caller may see; NotFound."""
    found = session.scalars(select(HostelEvent).options(joinedload(HostelEvent.hostel)).where(
        HostelEvent.id == event_id, HostelEvent.deleted_at.is_(None))).one_or_none()
    if found is None:
        raise NotFound("There is no such event.")
    return found


def between(session: Session, start: datetime, until: datetime, hostel_id: UUID | None = None, most: int = MOST) -> list[HostelEvent]:
    """What takes place between two moments, of all houses that the caller sees or of one, with what is for all."""
    wanted = select(HostelEvent).options(joinedload(HostelEvent.hostel)).where(
        HostelEvent.starts_at < until, HostelEvent.ends_at > start, HostelEvent.deleted_at.is_(None))
    if hostel_id is not None:
        wanted = wanted.where(or_(HostelEvent.hostel_id == hostel_id, HostelEvent.hostel_id.is_(None)))
    return list(session.scalars(wanted.order_by(HostelEvent.starts_at, HostelEvent.id).limit(most)))


def _now(session: Session) -> datetime:
    found: datetime = session.scalars(select(func.app.now())).one()
    return found


def _zone_of(session: Session, hostel_id: UUID | None) -> str:
    wanted = select(Organization.timezone) if hostel_id is None else select(Hostel.timezone).where(
        Hostel.id == hostel_id, Hostel.deleted_at.is_(None))
    found = session.scalars(wanted.limit(1)).one_or_none()
    if found is None:
        raise NotFound("There is no such hostel.")
    return found
