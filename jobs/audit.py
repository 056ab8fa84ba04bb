"""Seals the audit log every few minutes, and once a day compares all of it with its seals."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from app.cli.audit import sealing
from app.rules.errors import Invalid
from app.services import audit
from app.tenancy import queue_scope
from jobs.registry import Payload, handles

_log = structlog.get_logger(__name__)


class LogTampered(Invalid):
    """The log is not what was sealed: a dead letter for people to look at, not an error to try again."""

    code = "audit_log_tampered"


@handles("audit.seal", external=True)
def seal(_session: Session, _payload: Payload) -> None:
    """Seal what is committed. Each batch is a transaction of its own, as it is anchored once it is committed."""
    audit.seal_log(queue_scope, *sealing())


@handles("audit.verify", external=True, longest=timedelta(hours=2))
def verify(session: Session, _payload: Payload) -> None:
    """Read the whole log; each finding is logged, and the work rests as a dead letter."""
    verification = audit.Verification(session, *sealing())
    found = 0
    for finding in verification.findings():
        found += 1
        _log.error("audit_log_tampered", problem=finding.problem.value, finding=finding.sentence)
    if found:
        raise LogTampered(f"The audit log is not what was sealed: {found} findings. Run `flask audit verify`.")
    _log.info("audit_log_whole", batches=verification.batches, rows=verification.rows)
