"""Finds whatever was done to a log since it was sealed, and names it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import TextClause, func, select, text
from sqlalchemy.orm import Session, undefer

from app.gateways.anchors import AnchorStore, AnchorTampered
from app.rules.audit import SEAL_BYTES, Batch, Claims, SealKeys, batch_digest, row_seal
from app.services.audit.logs import AUDIT, Log, as_array
from app.services.audit.sealing import HASH_ONLY, batch_of, horizon


def _rows_of(log: Log) -> TextClause:
    return text(f"""
        SELECT l.seq, {log.told} AS told, {log.document} AS document FROM {log.table} l
        WHERE l.seq = ANY (CAST(:seqs AS bigint[]))""")  # noqa: S608 - names


def _unsealed(log: Log) -> TextClause:
    return text(f"""
        SELECT l.seq, l.xid, {log.at} AS at, {log.told} AS told
        FROM {log.table} l LEFT JOIN (SELECT unnest(seqs) AS seq FROM {log.batches_table}) s ON s.seq = l.seq
        WHERE s.seq IS NULL""")  # noqa: S608 - names


class Problem(StrEnum):
    """What can have been done to a log, and what can be wrong with the books that it holds."""

    CHANGED = "changed row"
    INSERTED = "inserted row"
    REMOVED = "removed row"
    CUT_OFF = "cut-off tail"
    BROKEN_CHAIN = "broken chain"
    WRONG_KEY = "wrong key"
    ANCHORS = "anchors"
    UNBALANCED = "broken transaction"
    BALANCE = "wrong balance"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, in a sentence that names it; `seq` is the row of the log that it is about."""

    problem: Problem
    sentence: str
    seq: int | None = None

    def __str__(self) -> str:
        return f"{self.problem}: {self.sentence}"


class Verification:
    """One pass over the log; memory holds one batch at a time. Read the counts when `findings` has ended."""

    def __init__(self, session: Session, anchors: AnchorStore, keys: SealKeys, log: Log = AUDIT) -> None:
        self._session, self._anchors, self._keys, self._log = session, anchors, keys, log
        self.batches = self.rows = self.unsealed = self.unanchored = 0
        self._heads: dict[int, str] = {}
        self._claims = Claims()
        self._gaps: list[tuple[int, int]] = []
        self.lost: list[tuple[int, int]] = []
        """First and last of batches that a restore lost, as the batch after them vouches."""

    def findings(self, since: int = 1) -> Iterator[Finding]:
        """Everything that is wrong, from batch `since` on; nothing at all for an honest log."""
        # Anchors are asked before and after: sealing may go on meanwhile.
        before = self._latest_anchor()
        last = self._session.scalar(select(func.max(self._log.batches.number))) or 0
        yield from self._read_anchors()
        if before > last:
            yield Finding(Problem.CUT_OFF, f"the anchors go up to batch {before}, the database to {last}: "
                                           f"{_numbers(last + 1, before)} missing from the end of the log.")
        yield from self._chain(since, last)
        yield from self._rows_without_seal()
        anchored = max((number for number in self._heads if number <= last), default=0)
        self.unanchored = last - anchored
        if self.unanchored > 1:  # one is what a crash leaves, or a sealing that is under way
            yield Finding(Problem.ANCHORS, f"{_numbers(anchored + 1, last)} not anchored: the anchors were cut off.")

    def _latest_anchor(self) -> int:
        try:
            latest = self._anchors.latest(self._log.chain)
        except AnchorTampered:
            return 0  # reading all of them says so in a moment
        return latest.number if latest else 0

    def _read_anchors(self) -> Iterator[Finding]:
        try:
            self._heads = {anchor.number: anchor.head for anchor in self._anchors.all(self._log.chain)}
        except AnchorTampered as error:
            yield Finding(Problem.ANCHORS, f"{error.message} Or they were sealed with another key.")

    def _chain(self, since: int, last: int) -> Iterator[Finding]:
        """Each batch in its order: its place, its head, its anchor, its rows."""
        batch_table = self._log.batches
        candidates = [b""]
        if since > 1:
            candidates = list(self._session.scalars(select(batch_table.head).where(batch_table.number == since - 1)))
        expected, reached = since, 0
        batches = select(batch_table).where(batch_table.number.between(since, last)).order_by(batch_table.number)
        batches = batches.options(undefer(batch_table.seqs), undefer(batch_table.seals))
        for row in self._session.execute(batches, execution_options={"yield_per": 20}).scalars():
            if row.number != expected:
                if row.resumes == expected - 1:
                    self.lost.append((expected, row.number - 1))
                else:
                    yield Finding(Problem.BROKEN_CHAIN, f"{_numbers(expected, row.number - 1)} missing from the chain.")
                candidates = [bytes.fromhex(self._heads[n]) for n in (row.number - 1,) if n in self._heads]
                self._gaps.append((reached, row.first_seq))
            batch, stored = batch_of(row), bytes(row.head)
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
                yield from self._rows(batch, row.seqs, bytes(row.seals))
            if self._heads.get(batch.number, stored.hex()) != stored.hex():
                yield Finding(Problem.BROKEN_CHAIN, f"the head of batch {batch.number} differs from its anchor.")
            # The next batch may follow from what is stored, or from what should be: one change, one finding.
            candidates = [stored, *(batch.head(self._keys, previous) for previous in candidates[:1])]
            expected, reached = row.number + 1, max(reached, row.last_seq)
            self.batches += 1

    def _rows(self, batch: Batch, seqs: Sequence[int], seals: bytes) -> Iterator[Finding]:
        found = {row.seq: row for row in self._session.execute(_rows_of(self._log), {"seqs": as_array(seqs)})}
        for place, seq in enumerate(seqs):
            row = found.get(seq)
            if row is None:
                yield Finding(Problem.REMOVED, f"{self._log.gone.format(seq)}, sealed in batch {batch.number} at "
                                               f"{batch.sealed_at:%Y-%m-%d %H:%M} UTC, is gone.", seq)
            elif row_seal(self._keys, row.document) != seals[place * SEAL_BYTES:(place + 1) * SEAL_BYTES]:
                yield Finding(Problem.CHANGED, f"{row.told} is not what was sealed in batch {batch.number}.", seq)
            else:
                self.rows += 1
        if len(seqs) < batch.row_count:
            yield Finding(Problem.REMOVED, f"{batch.row_count - len(seqs)} of {batch.row_count} seals of batch "
                                           f"{batch.number} ({_span(batch)}) are gone.")
        elif len(seqs) > batch.row_count:
            yield Finding(Problem.INSERTED, f"batch {batch.number} ({_span(batch)}) has {len(seqs)} seals and was "
                                            f"made of {batch.row_count}.")
        elif batch_digest(seqs, seals) != batch.digest:
            yield Finding(Problem.BROKEN_CHAIN, f"the seals of batch {batch.number} ({_span(batch)}) are not those "
                                                "that it was made of.")

    def _rows_without_seal(self) -> Iterator[Finding]:
        """Rows that came since the last batch, unless what is sealed rules them out."""
        system_id = horizon(self._session, self._log).system_id
        self._session.execute(HASH_ONLY)
        for row in self._session.execute(_unsealed(self._log), execution_options={"yield_per": 2000}):
            if any(low < row.seq < high for low, high in self._gaps):
                continue  # its batch is missing, which was said
            reason = self._claims.refute(system_id, row.seq, row.xid, row.at)
            if reason:
                yield Finding(Problem.INSERTED, f"{row.told} has no seal, and {reason}.", row.seq)
            else:
                self.unsealed += 1


def _numbers(first: int, last: int) -> str:
    return f"batch {first} is" if first == last else f"batches {first} to {last} are"


def _span(batch: Batch) -> str:
    return "no rows" if not batch.row_count else f"rows {batch.first_seq} to {batch.last_seq}"
