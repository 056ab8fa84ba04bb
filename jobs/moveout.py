"""Moving out in the background: whoever leaves is told. Beds come free by the turn of stays (jobs/residents.py)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.services import moveout
from jobs.registry import Payload, handles


@handles("moveout.moved")
def moved(session: Session, payload: Payload) -> None:
    """Tell of a notice, its end, a settlement."""
    moveout.tell_of_move(session, UUID(payload["move_out_id"]), payload["state"])
