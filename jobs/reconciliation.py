"""Reconciliation in the background: statements are fetched every night, lines matched, and who can decide is told of what does not agree."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from app.metrics import Tier
from app.services import ledger, payments, reconciliation
from app.services.work import enqueue, enqueue_for
from app.wiring import settings
from jobs.registry import Payload, handles

_log = structlog.get_logger(__name__)


@handles("reconciliation.sweep")
def sweep(session: Session, payload: Payload) -> None:
    """Have each organization reconciled."""
    enqueue_for(session, list(ledger.organizations(session).values()), "reconciliation.nightly", key=payload["slot"])


@handles("reconciliation.nightly")
def nightly(session: Session, _payload: Payload) -> None:
    """One job for each account, so that a gateway that does not answer keeps no other waiting; the books are compared in any case."""
    for account in reconciliation.accounts(session):
        enqueue(session, "reconciliation.fetch", {"account_id": str(account.id)})
        enqueue(session, "reconciliation.match", {"account_id": str(account.id)})
    reconciliation.check_clearing(session)


@handles("reconciliation.fetch", external=True)
def fetch(session: Session, payload: Payload) -> None:
    """Ask a gateway for its statements."""
    added = reconciliation.fetch(session, payments.keeper_of(settings()), UUID(payload["account_id"]), datetime.now(UTC).date())
    _log.info("statements_fetched", account_id=payload["account_id"], statements=len(added))


@handles("reconciliation.match")
def match(session: Session, payload: Payload) -> None:
    """Match the lines of an account that are not matched yet."""
    reconciliation.match_account(session, UUID(payload["account_id"]))
    reconciliation.check_clearing(session)


@handles("reconciliation.found")
def found(session: Session, payload: Payload) -> None:
    """Something does not agree: where a wallet is touched it is frozen, and the alarm raised."""
    broken = reconciliation.find(session, UUID(payload["break_id"]))
    if reconciliation.freeze_for(session, broken):
        _log.error("reconciliation_wrong", cause=broken.cause, break_id=str(broken.id))
        enqueue(session, "reconciliation.alarm", {"priority": Tier.P0.value, "break_id": payload["break_id"]}, key=f"reconciliation.alarm:{broken.id}")
    else:
        reconciliation.tell_of_break(session, broken, alarm=False)


@handles("reconciliation.alarm")
def alarm(session: Session, payload: Payload) -> None:
    """Tell everybody who may decide on it."""
    reconciliation.tell_of_break(session, reconciliation.find(session, UUID(payload["break_id"])), alarm=True)
