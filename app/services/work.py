"""Asks for work in the transaction that wants it; what commits is done, what rolls back was never asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

Payload = dict[str, Any]
ASKED = "work_asked"  # in session.info: the commit wakes a worker

_ENQUEUE = text("SELECT app.enqueue(:kind, CAST(:payload AS jsonb), :key, :due)")
_ENQUEUE_FOR = text("SELECT app.enqueue_for(:orgs, :kind, CAST(:payload AS jsonb), :key)")
_CLAIM = text("SELECT id, org_id, kind, payload, attempts FROM app.claim_work(:worker, :most, :lease, :alone)")
_RENEW = text("SELECT app.renew_work(:ids, :worker, :lease)")
_RELEASE = text("SELECT app.release_work(:ids, :worker)")
_FINISH = text("SELECT app.finish_work(:ids, :worker, :relaxed)")
_FAIL = text("SELECT app.fail_work(:id, :worker, :error, :again)")
_RESEND = text("SELECT app.resend_work(:id)")
_BACKLOG = text("SELECT due, oldest_seconds, dead FROM app.work_backlog()")
_FORGET = text("SELECT app.forget_work(:before, :most)")


@dataclass(frozen=True)
class Claimed:
    """A row that this worker holds until its lease ends; `attempts` counts this one."""

    id: UUID
    org_id: UUID | None
    kind: str
    payload: Payload
    attempts: int


@dataclass(frozen=True)
class Backlog:
    """What waits: rows that are due, seconds since the oldest of them was, rows given up."""

    due: int
    oldest_seconds: float
    dead: int


def enqueue(session: Session, kind: str, payload: Payload | None = None, *, key: str | None = None,
            due: datetime | None = None) -> UUID | None:
    """Add an outbox row: `payload` holds ids only. With a `key` asked for before, nothing is added (None)."""
    found: UUID | None = session.execute(
        _ENQUEUE, {"kind": kind, "payload": json.dumps(payload or {}), "key": key, "due": due}).scalar()
    session.info[ASKED] = True
    return found


def enqueue_for(session: Session, org_ids: Sequence[UUID], kind: str, payload: Payload | None = None, *,
                key: str | None = None) -> int:
    """The same on the service login, once for each of these organizations; returns how many rows are new."""
    added: int = session.execute(_ENQUEUE_FOR, {
        "orgs": list(org_ids), "kind": kind, "payload": json.dumps(payload or {}), "key": key}).scalar_one()
    session.info[ASKED] = True
    return added


def claim(session: Session, worker: str, most: int, lease: timedelta, alone: Sequence[str]) -> list[Claimed]:
    """Take due rows, the longest due first; rows of the kinds in `alone`, and retries, come one by one."""
    rows = session.execute(_CLAIM, {"worker": worker, "most": most, "lease": lease, "alone": list(alone)})
    return [Claimed(*row) for row in rows]


def renew(session: Session, ids: Sequence[UUID], worker: str, lease: timedelta) -> None:
    """Hold rows for another `lease` from now."""
    session.execute(_RENEW, {"ids": list(ids), "worker": worker, "lease": lease})


def release(session: Session, ids: Sequence[UUID], worker: str) -> None:
    """Give rows back that were not begun."""
    session.execute(_RELEASE, {"ids": list(ids), "worker": worker})


def finish(session: Session, ids: Sequence[UUID], worker: str, *, relaxed: bool) -> bool:
    """Mark rows done in the transaction of the work; False if one was lost to another worker: then roll back.

    `relaxed`: the commit need not wait for the disk, as all that the work did would be forgotten with it.
    """
    return bool(session.execute(_FINISH, {"ids": list(ids), "worker": worker, "relaxed": relaxed}).scalar_one())


def fail(session: Session, work_id: UUID, worker: str, error: str, again: datetime | None) -> None:
    """Have a row tried again at `again`, or, with None, kept as a dead letter."""
    session.execute(_FAIL, {"id": work_id, "worker": worker, "error": error, "again": again})


def resend(session: Session, work_id: UUID) -> None:
    """Have a dead letter tried again from the start.

    Errors (as DBAPIError, translated at the edge): VR404 unknown or foreign, VR403 not allowed, VR409 not dead.
    """
    session.execute(_RESEND, {"id": work_id})
    session.info[ASKED] = True


def backlog(session: Session) -> Backlog:
    """How far behind the workers are, over all organizations."""
    return Backlog(*session.execute(_BACKLOG).one())


def forget(session: Session, before: datetime, most: int = 10_000) -> int:
    """Remove rows that were done before `before`; returns how many, at most `most`."""
    gone: int = session.execute(_FORGET, {"before": before, "most": most}).scalar_one()
    return gone
