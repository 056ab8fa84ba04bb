"""Asks for work in the transaction that wants it; what commits is done, what rolls back was never asked."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_ENQUEUE = text("SELECT app.enqueue(:kind, CAST(:payload AS jsonb), :key, :due)")


def enqueue(session: Session, kind: str, payload: dict[str, Any] | None = None, *, key: str | None = None,
            due: datetime | None = None) -> UUID | None:
    """Add an outbox row: `payload` holds ids only. With a `key` asked for before, nothing is added (None)."""
    found: UUID | None = session.execute(
        _ENQUEUE, {"kind": kind, "payload": json.dumps(payload or {}), "key": key, "due": due}).scalar()
    return found
