"""Seals a log in batches: the audit log, and the ledger of each organization.

Sealing never touches the transactions that write: it reads what they have committed, some minutes later. A batch is
committed first and anchored after, under the lock of the next transaction: after a crash between the two, exactly
one batch is without an anchor, and the next run appends it before it does anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from typing import Any

import structlog
from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Session

from app.gateways.anchors import Anchor, AnchorStore
from app.rules.audit import CLOCK_TOLERANCE, Batch, Claims, SealKeys, batch_digest, row_seal
from app.rules.errors import DomainError
from app.services.audit.logs import AUDIT, Log

BATCH_ROWS = 10_000
"""Rows of one batch at most: some 10 MB in memory, well under a second to seal."""

_log = structlog.get_logger(__name__)

_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
# The second is our own number, which comes after that of all who were given a row's: a snapshot's xmax does not, being
# one more than the newest that has ended.
_SNAPSHOT = text("SELECT pg_snapshot_xmin(s)::text::bigint, pg_current_xact_id()::text::bigint FROM pg_current_snapshot() s")
HASH_ONLY = text("SET LOCAL enable_nestloop = off")
"""For joins with the numbers in batches: how many those are, the planner cannot know, and guesses far too few."""


def horizon(session: Session, log: Log) -> Any:
    """The clock, the newest number given out, and which cluster this is."""
    return session.execute(text(f"SELECT at, seq, system_id FROM {log.horizon}")).one()  # noqa: S608 - names


def _unsealed(log: Log) -> TextClause:
    return text(f"""
        WITH sealed AS MATERIALIZED (SELECT unnest(seqs) AS seq FROM {log.batches_table} WHERE last_seq > :floor)
        SELECT l.seq, {log.document} AS document FROM {log.table} l
        WHERE l.seq > :floor AND l.xid >= :xid AND {log.at} >= :at
          AND NOT EXISTS (SELECT FROM sealed s WHERE s.seq = l.seq)
        ORDER BY l.seq LIMIT :limit""")  # noqa: S608 - names


def _locked(session: Session, log: Log) -> bool:
    """Whether this is the only sealer of the log until the transaction ends."""
    return bool(session.scalar(_LOCK, {"name": f"viramah {log.chain} seal"}))


OpenSession = Callable[[], AbstractContextManager[Session]]


class SealRefused(DomainError):
    """The chain in the database does not continue the anchored one: sealing on would paper over it."""

    code = "audit_seal_refused"
    status = 500


@dataclass
class Sealed:
    """What one run sealed; `busy` if another sealer was at work."""

    batches: int = 0
    rows: int = 0
    busy: bool = False


def seal_log(open_session: OpenSession, anchors: AnchorStore, keys: SealKeys, limit: int = BATCH_ROWS, log: Log = AUDIT) -> Sealed:
    """Seal everything committed so far, one transaction of `open_session` for each batch; anchor each batch.

    Errors: SealRefused, AnchorTampered, AnchorConflict; batches sealed before stay sealed.
    """
    done = Sealed()
    floor: int | None = None
    while True:
        with open_session() as session:
            if not _locked(session, log):
                done.busy = True
                return done
            _anchor_missing(session, anchors, keys, log)
            batch = seal_batch(session, keys, limit, floor, log=log)
        if batch is not None:
            done.batches, done.rows = done.batches + 1, done.rows + batch.row_count
        if floor is None and (batch is None or batch.sealed_xid is not None):
            break
        # After the newest number once more from the start, for those who committed meanwhile with an older one.
        floor = batch.last_seq if batch else None
    with open_session() as session:
        if _locked(session, log):  # else another sealer began, and anchored this batch first of all
            _anchor_missing(session, anchors, keys, log)
    return done


def _anchor_missing(session: Session, anchors: AnchorStore, keys: SealKeys, log: Log) -> None:
    """Anchor what is sealed and newer than the newest anchor; refuse if the two do not fit together."""
    latest = anchors.latest(log.chain)
    known = latest.number if latest else 0
    rows = session.scalars(select(log.batches).where(log.batches.number >= known).order_by(log.batches.number)).all()
    if latest is not None and not (rows and _continues(rows[0], latest, keys)):
        raise SealRefused(f"Batch {known} of {log.title} is anchored, and the database does not hold it as it was. "
                          "Nothing was sealed; `verify` tells more.")
    for row in rows:
        if row.number > known:
            anchors.append(log.chain, row.number, row.head.hex())


def _continues(row: Any, latest: Anchor, keys: SealKeys) -> bool:
    """Whether this is the anchored batch itself, or one that resumes after it because a restore lost it."""
    if row.number == latest.number:
        return bool(row.head.hex() == latest.head)
    return (row.number == latest.number + 1 and row.resumes is not None
            and batch_of(row).head(keys, bytes.fromhex(latest.head)) == row.head)


def resume_log(session: Session, anchors: AnchorStore, keys: SealKeys, log: Log = AUDIT) -> Batch:
    """After a restore that lost batches, seal what is there in a batch that says so and follows the newest anchor.

    Whoever opens `session` tells the log why. Errors: SealRefused if nothing was lost, or if what is left is not what
    was anchored.
    """
    if not _locked(session, log):
        raise SealRefused("Another sealer is at work.")
    latest = anchors.latest(log.chain)
    _, newest = _chain_so_far(session, log)
    left = newest.number if newest else 0
    if latest is None or latest.number <= left:
        raise SealRefused(f"No batch is missing from the end of {log.title}: there is nothing to resume after.")
    heads = {anchor.number: anchor.head for anchor in anchors.all(log.chain)}
    if newest is not None and newest.head.hex() != heads.get(left):
        raise SealRefused(f"Batch {left} is not what was anchored: this is not an earlier state of the same log.")
    batch = seal_batch(session, keys, after=latest, log=log)
    if batch is None:
        raise SealRefused("There is no row to seal.")
    return batch


def seal_batch(session: Session, keys: SealKeys, limit: int = BATCH_ROWS, floor: int | None = None,
               after: Anchor | None = None, log: Log = AUDIT) -> Batch | None:
    """Seal at most `limit` rows in this transaction, oldest numbers first; None if there is nothing to seal.

    With `floor`, only newer numbers are looked at, and the batch claims nothing beyond its own rows; after such
    batches comes one that claims for all of them, though it may hold no row. Rows that could not be honest by what
    is sealed already stay without a seal, for `verify` to name. `after`: see resume_log.
    """
    # In this order: whoever got an older number than the horizon's is seen by the snapshot.
    sealed_at, horizon_seq, system_id = horizon(session, log)
    xmin, own = session.execute(_SNAPSHOT).one()
    claims, previous = _chain_so_far(session, log)
    session.execute(HASH_ONLY)
    rows = session.execute(_unsealed(log), {
        "floor": max(floor or 0, claims.seq), "xid": claims.xid if claims.system_id == system_id else 0,
        "at": claims.at - CLOCK_TOLERANCE if claims.seq else claims.at, "limit": limit + 1,
    }).all()
    if not rows and (floor is not None or previous is None or previous.sealed_xid is not None):
        return None
    complete = floor is None and len(rows) <= limit
    rows = rows[:limit]
    seqs = [row.seq for row in rows]
    seals = b"".join(row_seal(keys, row.document) for row in rows)
    last = previous.number if previous else 0
    batch = Batch(
        number=(after.number if after else last) + 1, resumes=last if after else None, key_id=keys.id, row_count=len(rows),
        first_seq=seqs[0] if seqs else 0,
        last_seq=seqs[-1] if seqs else 0, digest=batch_digest(seqs, seals), sealed_at=sealed_at, system_id=system_id,
        sealed_xid=xmin if complete else None, horizon_seq=horizon_seq if complete else None,
        horizon_xid=own if complete else None,
    )
    before = bytes.fromhex(after.head) if after else previous.head if previous else b""
    log.add(session, {"head": batch.head(keys, before), "seqs": seqs, "seals": seals,
                      **{f.name: getattr(batch, f.name) for f in fields(batch)}})
    _log.info("log_sealed", chain=log.chain, batch=batch.number, rows=batch.row_count, complete=complete)
    return batch


def batch_of(row: Any) -> Batch:
    """The rules' view of a row of audit_batches."""
    values: dict[str, Any] = {field.name: getattr(row, field.name) for field in fields(Batch)}
    return Batch(**values)


def _chain_so_far(session: Session, log: Log) -> tuple[Claims, Any]:
    """What is ruled out by now, and the newest batch.

    The newest hundred batches that claim anything say as much as all of them, unless a transaction outlived a
    hundred runs; then they rule out less, and the sealing reads more.
    """
    newest = session.scalars(select(log.batches).order_by(log.batches.number.desc()).limit(1)).one_or_none()
    complete = select(log.batches).where(log.batches.sealed_xid.is_not(None))
    claims = Claims()
    for row in reversed(session.scalars(complete.order_by(log.batches.number.desc()).limit(100)).all()):
        claims = claims.after(batch_of(row))
    return claims, newest
