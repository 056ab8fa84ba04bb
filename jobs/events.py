"""Events in the background: reminders, and who is told that one changes, is cancelled, or has a place for them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.rules.events import Reminder
from app.services.events import telling
from jobs.registry import Payload, handles


@handles("events.sweep")
def sweep(session: Session, _payload: Payload) -> None:
    """Ask for the reminders that are due, each in its organization."""
    telling.ask_reminders(session)


@handles("events.remind")
def remind(session: Session, payload: Payload) -> None:
    """Remind of one event."""
    telling.remind(session, UUID(payload["event_id"]), Reminder(payload["which"]), datetime.fromisoformat(payload["starts_at"]))


@handles("events.changed")
def changed(session: Session, payload: Payload) -> None:
    """An event was changed."""
    telling.tell_of_change(session, UUID(payload["event_id"]), payload["sequence"])


@handles("events.cancelled")
def cancelled(session: Session, payload: Payload) -> None:
    """An event was cancelled."""
    telling.tell_of_cancellation(session, UUID(payload["event_id"]))


@handles("events.moved_up")
def moved_up(session: Session, payload: Payload) -> None:
    """Somebody who waited has a place."""
    telling.tell_of_place(session, UUID(payload["reply_id"]))
