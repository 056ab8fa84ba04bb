"""The storeroom in the background: who hears of what has to be bought."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.services import inventory
from jobs.registry import Payload, handles


@handles("inventory.low")
def low(session: Session, payload: Payload) -> None:
    """Something has reached the level at which it is bought."""
    inventory.tell_of_low(session, UUID(payload["item_id"]))
