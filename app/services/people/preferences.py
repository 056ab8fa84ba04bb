"""How a person likes to read."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

_CHOOSE = text("SELECT app.choose_language(:language)")


def choose_language(session: Session, code: str) -> None:
    """Keep the caller's language, for every organization and device."""
    session.execute(_CHOOSE, {"language": code})
