"""Moves things along their lifecycles, through the one database function that may."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.lifecycle import Machine

_MOVE = text("SELECT app.move(:machine, :id, :event, :note, CAST(:args AS jsonb))")


def move(session: Session, machine: Machine[Any], row_id: UUID, event: str, note: str = "",
         args: Mapping[str, Any] | None = None) -> str:
    """Cause `event` and return the new state; pending changes are flushed, loaded rows expire.

    Errors (as DBAPIError, translated at the edge): VR404 unknown or foreign, VR403 not allowed, VR409 not possible
    in the present state, VR422 a note or an argument is missing.
    """
    session.flush()
    state: str = session.execute(_MOVE, {"machine": machine.name, "id": row_id, "event": event, "note": note,
                                         "args": json.dumps(dict(args or {}))}).scalar_one()
    session.expire_all()
    return state
