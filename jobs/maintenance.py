"""Maintenance in the background: messages to those concerned, escalation of what is late, fresh figures."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from app.services import work
from app.services.maintenance import sweep, telling
from jobs.registry import Payload, handles


@handles("maintenance.moved")
def moved(session: Session, payload: Payload) -> None:
    """A request changed its state."""
    telling.tell_of_step(session, UUID(payload["request_id"]), payload["seq"])


@handles("maintenance.reassigned")
def reassigned(session: Session, payload: Payload) -> None:
    """A request changed hands without changing its state."""
    telling.tell_of_reassignment(session, UUID(payload["request_id"]))


@handles("maintenance.commented")
def commented(session: Session, payload: Payload) -> None:
    """Somebody wrote a remark."""
    telling.tell_of_comment(session, UUID(payload["comment_id"]))


@handles("maintenance.sweep")
def sweep_all(session: Session, payload: Payload) -> None:
    """Ask for an escalation in each organization that has something late, so that each is a transaction of its own."""
    work.enqueue_for(session, sweep.organizations_with_overdue(session), "maintenance.escalate", key=payload["slot"])


@handles("maintenance.escalate")
def escalate(session: Session, _payload: Payload) -> None:
    """Escalate what is late in this organization; the rest, where there is much, in a next row."""
    if sweep.escalate_overdue(session, sweep.MOST) == sweep.MOST:
        work.enqueue(session, "maintenance.escalate")


@handles("maintenance.refresh", longest=timedelta(minutes=30))
def refresh(session: Session, _payload: Payload) -> None:
    """Bring the figures up to date."""
    sweep.refresh_analytics(session)
