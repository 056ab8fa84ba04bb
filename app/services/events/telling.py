"""Tells those who answered an event that it changes, is cancelled or begins soon, and who waits that they have a place."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.models.events import EventReply, HostelEvent
from app.rules.events import CONCERNED, REMINDED, EventStatus, Reminder, ReplyState, time_said
from app.services.notifications import Message, tell

_ASK = text("SELECT app.ask_event_reminders()")


def ask_reminders(session: Session) -> int:
    """In all organizations, for each event that begins within a day or an hour."""
    return int(session.execute(_ASK).scalar_one())


def remind(session: Session, event_id: UUID, which: Reminder, starts_at: datetime) -> None:
    """Those who come, or may, are told once of each time at which it begins; of one that was moved meanwhile, not now."""
    event = _published(session, event_id)
    if event is None or event.starts_at != starts_at or session.scalar(select(func.app.now() >= starts_at)):
        return
    when = time_said(starts_at, ZoneInfo(event.timezone))
    said = f"{event.title} begins in less than an hour: {when}." if which is Reminder.HOUR else f"{event.title} begins soon: {when}."
    _tell(session, event, REMINDED, "events.reminder", f"{which}:{starts_at:%Y%m%d%H%M%S}", said, event.place)


def tell_of_change(session: Session, event_id: UUID, sequence: int) -> None:
    """Those who answered with more than a no hear of each change; of several at once, of the last."""
    event = _published(session, event_id)
    if event is not None and event.sequence == sequence:
        when = time_said(event.starts_at, ZoneInfo(event.timezone))
        _tell(session, event, CONCERNED, "events.changed", f"change:{sequence}",
              f"{event.title}: the event was changed. It begins: {when}.", event.place)


def tell_of_cancellation(session: Session, event_id: UUID) -> None:
    """The same people hear that it does not take place, and why."""
    event = session.get(HostelEvent, event_id)
    if event is not None:
        when = time_said(event.starts_at, ZoneInfo(event.timezone))
        _tell(session, event, CONCERNED, "events.cancelled", "cancelled", f"{event.title} ({when}): the event is cancelled.", event.reason)


def tell_of_place(session: Session, reply_id: UUID) -> None:
    """Somebody who waited comes after all, if they still want to."""
    reply = session.get(EventReply, reply_id)
    event = _published(session, reply.event_id) if reply is not None and reply.state == ReplyState.COMING else None
    if reply is not None and event is not None:
        tell(session, {reply.user_id}, Message("events.moved_up", f"event:{event.id}:place:{reply.updated_at:%Y%m%d%H%M%S%f}",
                                               f"{event.title}: a place is free for you, you are coming.", event.hostel_id, _link(event)))


def _published(session: Session, event_id: UUID) -> HostelEvent | None:
    return session.scalars(select(HostelEvent).where(
        HostelEvent.id == event_id, HostelEvent.status == EventStatus.PUBLISHED.value, HostelEvent.deleted_at.is_(None),
        HostelEvent.ends_at > func.app.now())).one_or_none()


def _tell(session: Session, event: HostelEvent, states: Collection[ReplyState], kind: str, occasion: str, said: str, body: str) -> None:
    people = set(session.scalars(select(EventReply.user_id).where(
        EventReply.event_id == event.id, EventReply.state.in_([state.value for state in states]))))
    tell(session, people, Message(kind, f"event:{event.id}:{occasion}", said, event.hostel_id, _link(event), body))


def _link(event: HostelEvent) -> str:
    return f"/my/events/{event.id}"
