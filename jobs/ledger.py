"""Seals every organization's ledger in the background, and proves it once a night; what is wrong freezes wallets and raises the alarm."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from app.cli.audit import sealing
from app.cli.ledger import seal_one
from app.metrics import Tier
from app.permissions import Action, Resource
from app.rules.errors import DomainError
from app.rules.ledger import ALARM_BODY, ALARM_TITLE
from app.services import ledger
from app.services.notifications import Message, people_who_can, tell
from app.services.work import enqueue, enqueue_for
from jobs.registry import Payload, handles

_log = structlog.get_logger(__name__)


@handles("ledger.seal", external=True)
def seal(session: Session, _payload: Payload) -> None:
    """Seal what is committed; a chain that cannot go on stops no other, and is what the night's check is for."""
    refused = []
    for org_id in ledger.organizations(session).values():
        try:
            seal_one(org_id)
        except DomainError as error:
            _log.error("ledger_seal_refused", org_id=str(org_id), reason=error.message)
            refused.append(error)
    if refused:
        raise refused[0]


@handles("ledger.verify")
def verify(session: Session, _payload: Payload) -> None:
    """Have each organization's ledger checked."""
    enqueue_for(session, list(ledger.organizations(session).values()), "ledger.check")


@handles("ledger.check", external=True, longest=timedelta(hours=2))
def check(session: Session, _payload: Payload) -> None:
    """Compare one ledger with its seals and sums: wallets that are touched are frozen, and the alarm goes into the outbox once per occasion."""
    org_id = ledger.bound_to(session)
    found = ledger.Check(session, *sealing(ledger.log_of(org_id)), org_id)
    ledger.note_check(session, found)
    if not found.findings:
        _log.info("ledger_whole", batches=found.batches, transactions=found.transactions)
        return
    for finding in found.findings:
        _log.error("ledger_wrong", problem=finding.problem.value, finding=finding.sentence)
    ledger.freeze_all(session, found.wallets)
    occasion = sha256("\n".join(map(str, found.findings)).encode()).hexdigest()[:16]
    enqueue(session, "ledger.alarm", {"priority": Tier.P0.value, "occasion": occasion, "wallets": sorted(map(str, found.wallets))},
            key=f"ledger.alarm:{org_id}:{occasion}")


@handles("ledger.alarm")
def alarm(session: Session, payload: Payload) -> None:
    """Tell everybody who may freeze and free wallets where it happened: owners, administrators, accountants, managers of that hostel."""
    wallets = {UUID(wallet_id) for wallet_id in payload["wallets"]}
    for hostel_id in ledger.hostels_of(session, wallets):
        tell(session, people_who_can(session, Resource.WALLET, Action.UPDATE, hostel_id), Message(
            "ledger.alarm", f"ledger.alarm:{payload['occasion']}", ALARM_TITLE, hostel_id, "/health/", ALARM_BODY))
