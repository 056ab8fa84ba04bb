"""Meals in the background: what leave is worth is paid back once it is over, and residents hear of theirs."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.services import meals
from jobs.registry import Payload, handles


@handles("meals.sweep")
def sweep(session: Session, _payload: Payload) -> None:
    """Ask for the rebates that are due, each in its organization."""
    meals.ask_rebates(session)


@handles("meals.leave")
def leave(session: Session, payload: Payload) -> None:
    """Staff said a leave, or took it back."""
    meals.tell_of_leave(session, UUID(payload["leave_id"]), taken_back=payload["taken_back"])


@handles("meals.rebate")
def rebate(session: Session, payload: Payload) -> None:
    """Pay back for one leave."""
    meals.settle(session, UUID(payload["leave_id"]))
