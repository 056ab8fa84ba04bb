"""The clock's sweep: finds organizations with requests whose time has passed, and escalates these."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

MOST = 200  # requests escalated in one transaction
_WITH_OVERDUE = text("SELECT app.organizations_with_overdue()")
_ESCALATE = text("SELECT app.escalate_overdue(:most)")
_REFRESH = text("SELECT app.refresh_maintenance_analytics()")


def organizations_with_overdue(session: Session) -> list[UUID]:
    """Where something is due; on the service login."""
    return list(session.scalars(_WITH_OVERDUE))


def escalate_overdue(session: Session, most: int) -> int:
    """Escalate what is due in the bound organization; how many there were, `most` if there may be more."""
    return len(list(session.scalars(_ESCALATE, {"most": most})))


def refresh_analytics(session: Session) -> None:
    """Bring the figures up to date; on the service login."""
    session.execute(_REFRESH)
