"""The changes of the last minutes, in the order of their commits, for whoever was cut off.

A sequence number is the LSN of the commit and the place within the transaction, as 24 hexadecimal digits: it sorts as
text, grows for ever, and is the same after a restart, when the replication slot tells again what the window holds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from app.api.realtime.pgoutput import Change, Transaction

MOST_CHANGES = 20_000  # some 5 kB each
MOST_WAL = 512 << 20  # bytes that the slot may hold back for us: a quarter of max_slot_wal_keep_size
WORTH_MOVING = 64 << 20  # bytes of WAL that tell us nothing and need not be read again


def sequence(lsn: int, place: int = 0) -> str:
    """The sequence number of one change."""
    return f"{lsn:016X}{place:08X}"


@dataclass(frozen=True, slots=True)
class Told:
    """One change with its number."""

    seq: str
    at: datetime
    change: Change


@dataclass(frozen=True, slots=True)
class _Kept:
    """A transaction in the window."""

    lsn: int
    arrived: float
    changes: list[Told]


class Window:
    """`floor`: whoever has seen it can be told everything since. `position`: the newest number. `horizon`: what had been
    committed when the stream began is behind it, though the stream may still be telling it.
    """

    def __init__(self, start: int, end: int, seconds: float) -> None:
        self.seconds = seconds
        self.keep_from = start  # the slot must tell from here after a restart
        self._end = sequence(end)
        self.floor = self.position = sequence(start)
        self._kept: deque[_Kept] = deque()
        self._changes = 0

    @property
    def horizon(self) -> str:
        """Whoever joins now is told what comes after."""
        return max(self.position, self._end)

    def add(self, transaction: Transaction, now: float) -> list[Told]:
        """Number the changes of a transaction; none if it was told before the connection broke."""
        numbered = [Told(sequence(transaction.lsn, place), transaction.at, change)
                    for place, change in enumerate(transaction.changes)]
        if not numbered or numbered[0].seq <= self.position:
            return []
        self._kept.append(_Kept(transaction.lsn, now, numbered))
        self._changes += len(numbered)
        self.position = numbered[-1].seq
        return numbered

    def since(self, seq: str) -> list[Told] | None:
        """What came after a number, or None if that is not known: it is too old, or of another database."""
        if not self.floor <= seq <= self.horizon:
            return None
        return [told for kept in self._kept if kept.changes[-1].seq > seq for told in kept.changes if told.seq > seq]

    def forget(self, now: float, end: int) -> None:
        """Let go of what is too old or too much; `end` is the newest LSN of the server."""
        while self._kept and (now - self._kept[0].arrived > self.seconds or self._changes > MOST_CHANGES
                              or end - self._kept[0].lsn > MOST_WAL):
            gone = self._kept.popleft()
            self._changes -= len(gone.changes)
            # Told again after a restart, so that those who saw its end are known to have missed nothing.
            self.keep_from, self.floor = gone.lsn, gone.changes[-1].seq
        next_needed = self._kept[0].lsn if self._kept else end
        if next_needed - self.keep_from > WORTH_MOVING:
            self.keep_from = next_needed
