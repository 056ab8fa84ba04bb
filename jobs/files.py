"""Sweeps the file store once a day."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.services import files, imports, reconciliation
from app.services.work import enqueue_for
from app.wiring import objects
from jobs.registry import Payload, handles


@handles("files.sweep")
def sweep(session: Session, _payload: Payload) -> None:
    """Ask for a sweep of each organization that has stored anything."""
    enqueue_for(session, files.organizations_with_objects(objects()), "files.sweep_organization")


@handles("files.sweep_organization")
def sweep_organization(session: Session, _payload: Payload) -> None:
    """Delete what no row of this organization wants any more; neither uploads that nobody went on with."""
    imports.discard_forgotten(session)
    reconciliation.discard_unkept(session)
    files.sweep(session, objects(), datetime.now(UTC))
