"""Seals the audit log in batches, and finds whatever was done to it since.

Sealing never touches the transactions that write: it reads what they have committed, some minutes later. A batch is
committed first and anchored after, under the lock of the next transaction: after a crash between the two, exactly
one batch is without an anchor, and the next run appends it before it does anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.gateways.anchors import AnchorStore, AnchorTampered
from app.models.audit import AuditBatch
from app.rules.audit import CHAIN, CLOCK_TOLERANCE, COLUMNS, Batch, BatchDigest, Claims, SealKeys, row_seal
from app.rules.errors import DomainError

BATCH_ROWS = 10_000
"""Rows of one batch at most: some 10 MB in memory, well under a second to seal."""

_log = structlog.get_logger(__name__)

# jsonb prints its one normal form; times go as microseconds, which no setting of a session can change.
_AS_TEXT = {"at": "(extract(epoch FROM l.at) * 1000000)::bigint::text"}
_VALUES = ", ".join(f"{_AS_TEXT.get(name, f'l.{name}::text')} AS {name}" for name in COLUMNS)

_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('viramah audit seal', 0))")
_HORIZON = text("SELECT at, seq, system_id FROM app.audit_horizon()")
_SNAPSHOT = text("SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint "
                 "FROM pg_current_snapshot() s")
_UNSEALED = text(f"""
    SELECT {_VALUES} FROM audit_log l
    WHERE l.seq > :floor AND l.xid >= :xid AND l.at >= :at
      AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.seq = l.seq)
    ORDER BY l.seq LIMIT :limit""")  # noqa: S608 - names of columns
_ADD_SEALS = text("INSERT INTO audit_seals (batch, seq, seal) "
                  "SELECT :batch, * FROM unnest(CAST(:seqs AS bigint[]), CAST(:seals AS bytea[]))")
_SEALED = text(f"""
    SELECT s.seq AS sealed_seq, s.seal AS sealed, {_VALUES} FROM audit_seals s LEFT JOIN audit_log l ON l.seq = s.seq
    WHERE s.batch = :batch ORDER BY s.seq""")  # noqa: S608 - names of columns
_LATE = text("""
    SELECT l.seq, l.xid, l.at, l.table_name, l.row_id, l.org_id FROM audit_log l
    WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.seq = l.seq)""")
_ORPHANS = text("""
    SELECT s.batch, count(*), min(s.seq), max(s.seq) FROM audit_seals s
    WHERE NOT EXISTS (SELECT FROM audit_batches b WHERE b.number = s.batch) GROUP BY s.batch ORDER BY s.batch""")

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


def seal_log(open_session: OpenSession, anchors: AnchorStore, keys: SealKeys, limit: int = BATCH_ROWS) -> Sealed:
    """Seal everything committed so far, one transaction of `open_session` for each batch; anchor each batch.

    Errors: SealRefused, AnchorTampered, AnchorConflict; batches sealed before stay sealed.
    """
    done = Sealed()
    floor: int | None = None
    while True:
        with open_session() as session:
            if not session.scalar(_LOCK):
                done.busy = True
                return done
            _anchor_missing(session, anchors)
            batch = seal_batch(session, keys, limit, floor)
        if batch is not None:
            done.batches, done.rows = done.batches + 1, done.rows + batch.row_count
        if floor is None and (batch is None or batch.sealed_xid is not None):
            break
        # After the newest number once more from the start, for those who committed meanwhile with an older one.
        floor = batch.last_seq if batch else None
    with open_session() as session:
        if session.scalar(_LOCK):  # else another sealer began, and anchored this batch first of all
            _anchor_missing(session, anchors)
    return done


def _anchor_missing(session: Session, anchors: AnchorStore) -> None:
    """Anchor what is sealed and newer than the newest anchor; refuse if the two do not fit together."""
    latest = anchors.latest(CHAIN)
    known = latest.number if latest else 0
    rows = session.execute(select(AuditBatch.number, AuditBatch.head).where(AuditBatch.number >= known)
                           .order_by(AuditBatch.number)).all()
    if latest is not None and (not rows or rows[0].number != known or rows[0].head.hex() != latest.head):
        raise SealRefused(f"Batch {known} of the audit log is anchored, and the database does not hold it as it was. "
                          "Nothing was sealed; `flask audit verify` tells more.")
    for number, head in rows:
        if number > known:
            anchors.append(CHAIN, number, head.hex())


def seal_batch(session: Session, keys: SealKeys, limit: int = BATCH_ROWS, floor: int | None = None) -> Batch | None:
    """Seal at most `limit` rows in this transaction, oldest numbers first; None if there is nothing to seal.

    With `floor`, only newer numbers are looked at, and the batch claims nothing beyond its own rows; after such
    batches comes one that claims for all of them, though it may hold no row. Rows that could not be honest by what
    is sealed already stay without a seal, for `verify` to name.
    """
    # In this order: whoever got an older number than the horizon's is seen by the snapshot.
    sealed_at, horizon_seq, system_id = session.execute(_HORIZON).one()
    xmin, xmax = session.execute(_SNAPSHOT).one()
    claims, previous = _chain_so_far(session)
    rows = session.execute(_UNSEALED, {
        "floor": max(floor or 0, claims.seq), "xid": claims.xid if claims.system_id == system_id else 0,
        "at": claims.at - CLOCK_TOLERANCE if claims.seq else claims.at, "limit": limit + 1,
    }).all()
    if not rows and (floor is not None or previous is None or previous.sealed_xid is not None):
        return None
    complete = floor is None and len(rows) <= limit
    rows = rows[:limit]
    seals = [row_seal(keys, row) for row in rows]
    seqs = [int(row.seq) for row in rows]
    digest = BatchDigest()
    for seq, seal in zip(seqs, seals, strict=True):
        digest.add(seq, seal)
    batch = Batch(
        number=previous.number + 1 if previous else 1, key_id=keys.id, row_count=len(rows),
        first_seq=seqs[0] if seqs else 0,
        last_seq=seqs[-1] if seqs else 0, digest=digest.value(), sealed_at=sealed_at, system_id=system_id,
        sealed_xid=xmin if complete else None, horizon_seq=horizon_seq if complete else None,
        horizon_xid=xmax if complete else None,
    )
    session.execute(_ADD_SEALS, {"batch": batch.number, "seqs": seqs, "seals": seals})
    session.execute(insert(AuditBatch).values(
        head=batch.head(keys, previous.head if previous else b""), **{f.name: getattr(batch, f.name) for f in fields(batch)}))
    _log.info("audit_sealed", batch=batch.number, rows=batch.row_count, complete=complete)
    return batch


def _batch(row: Any) -> Batch:
    values: dict[str, Any] = {field.name: getattr(row, field.name) for field in fields(Batch)}
    return Batch(**values)


def _chain_so_far(session: Session) -> tuple[Claims, AuditBatch | None]:
    """What is ruled out by now, and the newest batch.

    The newest hundred batches that claim anything say as much as all of them, unless a transaction outlived a
    hundred runs; then they rule out less, and the sealing reads more.
    """
    newest = session.scalars(select(AuditBatch).order_by(AuditBatch.number.desc()).limit(1)).one_or_none()
    complete = select(AuditBatch).where(AuditBatch.sealed_xid.is_not(None))
    claims = Claims()
    for row in reversed(session.scalars(complete.order_by(AuditBatch.number.desc()).limit(100)).all()):
        claims = claims.after(_batch(row))
    return claims, newest


class Problem(StrEnum):
    """What can have been done to the log."""

    CHANGED = "changed row"
    INSERTED = "inserted row"
    REMOVED = "removed row"
    CUT_OFF = "cut-off tail"
    BROKEN_CHAIN = "broken chain"
    WRONG_KEY = "wrong key"
    ANCHORS = "anchors"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, in a sentence that names it."""

    problem: Problem
    sentence: str

    def __str__(self) -> str:
        return f"{self.problem}: {self.sentence}"


class Verification:
    """One pass over the log; memory holds one batch at a time. Read the counts when `findings` has ended."""

    def __init__(self, session: Session, anchors: AnchorStore, keys: SealKeys) -> None:
        self._session, self._anchors, self._keys = session, anchors, keys
        self.batches = self.rows = self.unsealed = self.unanchored = 0
        self._heads: dict[int, str] = {}
        self._claims = Claims()

    def findings(self, since: int = 1) -> Iterator[Finding]:
        """Everything that is wrong, from batch `since` on; nothing at all for an honest log."""
        # Anchors are asked before and after: sealing may go on meanwhile.
        before = self._latest_anchor()
        last = self._session.scalar(select(func.max(AuditBatch.number))) or 0
        yield from self._read_anchors()
        if before > last:
            yield Finding(Problem.CUT_OFF, f"the anchors go up to batch {before}, the database to {last}: "
                                           f"{_numbers(last + 1, before)} missing from the end of the log.")
        yield from self._chain(since, last)
        yield from self._seals_of_no_batch(since)
        yield from self._rows_without_seal()
        anchored = max((number for number in self._heads if number <= last), default=0)
        self.unanchored = last - anchored
        if self.unanchored > 1:  # one is what a crash leaves, or a sealing that is under way
            yield Finding(Problem.ANCHORS, f"{_numbers(anchored + 1, last)} not anchored: the anchors were cut off.")

    def _latest_anchor(self) -> int:
        try:
            latest = self._anchors.latest(CHAIN)
        except AnchorTampered:
            return 0  # reading all of them says so in a moment
        return latest.number if latest else 0

    def _read_anchors(self) -> Iterator[Finding]:
        try:
            self._heads = {anchor.number: anchor.head for anchor in self._anchors.all(CHAIN)}
        except AnchorTampered as error:
            yield Finding(Problem.ANCHORS, f"{error.message} Or they were sealed with another key.")

    def _chain(self, since: int, last: int) -> Iterator[Finding]:
        """Each batch in its order: its place, its head, its anchor, its rows."""
        candidates = [b""]
        if since > 1:
            candidates = list(self._session.scalars(select(AuditBatch.head).where(AuditBatch.number == since - 1)))
        expected = since
        batches = select(AuditBatch).where(AuditBatch.number.between(since, last)).order_by(AuditBatch.number)
        for row in self._session.execute(batches, execution_options={"yield_per": 500}).scalars():
            if row.number != expected:
                yield Finding(Problem.BROKEN_CHAIN, f"{_numbers(expected, row.number - 1)} missing from the chain.")
                candidates = [bytes.fromhex(self._heads[n]) for n in (row.number - 1,) if n in self._heads]
            batch, stored = _batch(row), bytes(row.head)
            if batch.key_id != self._keys.id:
                yield Finding(Problem.WRONG_KEY, f"batch {batch.number} was sealed with the key {batch.key_id}, and "
                                                 f"AUDIT_SEAL_KEY is {self._keys.id}: it cannot be checked.")
            else:
                fitting = [batch.head(self._keys, previous) for previous in candidates]
                if stored not in fitting:
                    yield Finding(Problem.BROKEN_CHAIN, f"batch {batch.number} ({_span(batch)}) does not fit its head, "
                                                        "or the head before it.")
                else:
                    self._claims = self._claims.after(batch)
                yield from self._rows(batch)
            if self._heads.get(batch.number, stored.hex()) != stored.hex():
                yield Finding(Problem.BROKEN_CHAIN, f"the head of batch {batch.number} differs from its anchor.")
            # The next batch may follow from what is stored, or from what should be: one change, one finding.
            candidates = [stored, *(batch.head(self._keys, previous) for previous in candidates[:1])]
            expected = row.number + 1
            self.batches += 1

    def _rows(self, batch: Batch) -> Iterator[Finding]:
        digest = BatchDigest()
        gone = 0
        for row in self._session.execute(_SEALED, {"batch": batch.number}):
            sealed = bytes(row.sealed)
            digest.add(row.sealed_seq, sealed)
            if row.seq is None:
                gone += 1
                yield Finding(Problem.REMOVED, f"row {row.sealed_seq} of the log, sealed in batch {batch.number} at "
                                               f"{batch.sealed_at:%Y-%m-%d %H:%M} UTC, is gone.")
            elif row_seal(self._keys, row[2:]) != sealed:
                yield Finding(Problem.CHANGED, f"{_name(row)} is not what was sealed in batch {batch.number}.")
            else:
                self.rows += 1
        if digest.rows < batch.row_count:
            yield Finding(Problem.REMOVED, f"{batch.row_count - digest.rows} of {batch.row_count} seals of batch "
                                           f"{batch.number} ({_span(batch)}) are gone.")
        elif digest.rows > batch.row_count:
            yield Finding(Problem.INSERTED, f"batch {batch.number} ({_span(batch)}) has {digest.rows} seals and was "
                                            f"made of {batch.row_count}.")
        elif digest.value() != batch.digest:
            yield Finding(Problem.BROKEN_CHAIN, f"the seals of batch {batch.number} ({_span(batch)}) are not those "
                                                "that it was made of.")

    def _seals_of_no_batch(self, since: int) -> Iterator[Finding]:
        for batch, count, first, last in self._session.execute(_ORPHANS):
            if batch >= since:
                yield Finding(Problem.BROKEN_CHAIN, f"{count} seals (rows {first} to {last}) name batch {batch}, "
                                                    "which is not there.")

    def _rows_without_seal(self) -> Iterator[Finding]:
        """Rows that came since the last batch, unless what is sealed rules them out."""
        system_id = self._session.execute(_HORIZON).one().system_id
        for row in self._session.execute(_LATE, execution_options={"yield_per": 2000}):
            reason = self._claims.refute(system_id, row.seq, row.xid, row.at)
            if reason:
                yield Finding(Problem.INSERTED, f"{_name(row)} has no seal, and {reason}.")
            else:
                self.unsealed += 1


def _name(row: Row[Any]) -> str:
    """`row 17 of the log (rooms 0198…, organization 0198…)`."""
    organization = f"organization {row.org_id}" if row.org_id else "no organization"
    return f"row {row.seq} of the log ({row.table_name} {row.row_id or 'without id'}, {organization})"


def _numbers(first: int, last: int) -> str:
    return f"batch {first} is" if first == last else f"batches {first} to {last} are"


def _span(batch: Batch) -> str:
    return "no rows" if not batch.row_count else f"rows {batch.first_seq} to {batch.last_seq}"
