"""Inquiries in the background: messages to those concerned, reminders, and what is forgotten."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.services import work
from app.services.inquiries import telling
from jobs.registry import Payload, handles


@handles("inquiries.asked")
def asked(session: Session, payload: Payload) -> None:
    """Somebody sent the public form."""
    telling.tell_of_asking(session, UUID(payload["inquiry_id"]))


@handles("inquiries.given")
def given(session: Session, payload: Payload) -> None:
    """An inquiry got another owner."""
    telling.tell_of_owner(session, UUID(payload["inquiry_id"]), payload["user_id"])


@handles("inquiries.due")
def due(session: Session, payload: Payload) -> None:
    """Ask for reminders in each organization that has something due, so that each is a transaction of its own."""
    work.enqueue_for(session, telling.organizations_with_reminders(session), "inquiries.remind", key=payload["slot"])


@handles("inquiries.remind")
def remind(session: Session, _payload: Payload) -> None:
    """Remind of what is due in this organization; the rest, where there is much, in a next row."""
    if telling.remind(session) == telling.MOST:
        work.enqueue(session, "inquiries.remind")


@handles("inquiries.forget")
def forget(session: Session, _payload: Payload) -> None:
    """Forget what strangers left behind when it decides nothing any more."""
    telling.forget(session)
