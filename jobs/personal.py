"""Personal data in the background: reminders of documents that end, and forgetting whoever left long ago."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.services import documents
from app.services.personal import privacy
from app.services.work import enqueue, enqueue_for
from app.wiring import objects, settings
from jobs.registry import Payload, handles


@handles("personal.daily")
def daily(session: Session, _payload: Payload) -> None:
    """Ask each organization that holds personal data to remind and to forget."""
    found = privacy.organizations(session)
    enqueue_for(session, found, "personal.remind")
    enqueue_for(session, found, "personal.redact_due")


@handles("personal.remind")
def remind(session: Session, _payload: Payload) -> None:
    """Tell people of documents of theirs that end soon."""
    documents.remind(session)


@handles("personal.redact_due")
def redact_due(session: Session, _payload: Payload) -> None:
    """One piece of work for each person whose time is over."""
    for user_id in privacy.due(session, datetime.now(UTC)):
        enqueue(session, "personal.redact", {"user_id": user_id})


@handles("personal.redact")
def redact(session: Session, payload: Payload) -> None:
    """Destroy a person's key, and delete the bytes: should the commit fail, the rows still ask for it at the next try."""
    ring = KeyRing(dict(settings().field_keys))
    privacy.delete_objects(objects(), privacy.redact(session, ring, payload["user_id"]))
