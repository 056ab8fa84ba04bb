"""Onboarding in the background: those who review are told that somebody waits."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.services import onboarding
from jobs.registry import Payload, handles


@handles("onboarding.submitted")
def submitted(session: Session, payload: Payload) -> None:
    """Somebody submitted what they filled in."""
    onboarding.tell_of_submission(session, UUID(payload["submission_id"]))
