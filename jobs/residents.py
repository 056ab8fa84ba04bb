"""Beds and stays in the background: overdue holds end and are offered on, stays begin and end on their day."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.services import beds, residents, work
from jobs.registry import Payload, handles


@handles("residents.sweep")
def sweep_all(session: Session, payload: Payload) -> None:
    """Ask for it in each organization that has something due, so that each is a transaction of its own."""
    work.enqueue_for(session, beds.organizations_with_due_beds(session), "residents.turn", key=payload["slot"])


@handles("residents.turn")
def turn(session: Session, _payload: Payload) -> None:
    """What time brings about in this organization."""
    beds.expire(session)
    beds.turn(session)


@handles("residents.hold_moved")
def hold_moved(session: Session, payload: Payload) -> None:
    """Tell somebody that a bed is offered to them, or that their hold ran out."""
    residents.tell_of_hold(session, UUID(payload["hold_id"]), payload["state"])
