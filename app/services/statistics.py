"""The planner's statistics, gathered at once after many rows came in; otherwise the database does it by itself in time."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def gather(session: Session) -> None:
    """Analyze every table; in a scope of the service login, which alone may."""
    session.execute(text("ANALYZE"))
