"""Meals in the background: what leave is worth is paid back once it is over."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.services import meals
from jobs.registry import Payload, handles


@handles("meals.sweep")
def sweep(session: Session, _payload: Payload) -> None:
    """Ask for the rebates that are due, each in its organization."""
    meals.ask_rebates(session)


@handles("meals.rebate")
def rebate(session: Session, payload: Payload) -> None:
    """Pay back for one leave."""
    meals.settle(session, UUID(payload["leave_id"]))
