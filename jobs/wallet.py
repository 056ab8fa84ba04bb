"""Money in the background: whoever has to decide on a proposal, and whoever made it, is told."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.services import wallet
from jobs.registry import Payload, handles


@handles("wallet.proposed")
def proposed(session: Session, payload: Payload) -> None:
    """Tell those who could approve it."""
    wallet.tell_of_proposal(session, UUID(payload["proposal_id"]))


@handles("wallet.decided")
def decided(session: Session, payload: Payload) -> None:
    """Tell who proposed it."""
    wallet.tell_of_decision(session, UUID(payload["proposal_id"]))
