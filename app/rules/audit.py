"""How a log is sealed, the audit log and the ledgers: what is hashed, in which encoding, under which keys, and what a seal rules out.

A row's seal and a batch's head are HMACs (RFC 2104, SHA-256) under keys derived from AUDIT_SEAL_KEY, so whoever can
write to the database but does not hold the key can change a seal, and cannot make one that fits.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CHAIN = "audit"
"""The chain's name among the anchors."""

SEAL_BYTES = 32

COLUMNS = (
    "seq", "xid", "org_id", "at", "actor_id", "actor", "portal", "request_id", "action", "table_name", "row_id",
    "hostel_id", "before", "after", "reason",
)
"""What is sealed of a row, in this order; a column added later needs a new version of the label below."""

CLOCK_TOLERANCE = timedelta(minutes=2)
"""How far clocks may step back (NTP, a failover) before a row's time counts as forged."""

_ROW, _BATCH, _HEAD = b"viramah.audit.row.v1", b"viramah.audit.batch.v1", b"viramah.audit.head.v1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode(parts: Sequence[bytes | None]) -> bytes:
    """One reading only: each part with its length in front, a missing one as `-` (netstrings, as DJB has them)."""
    return b"".join(b"-," if part is None else b"%d:%s," % (len(part), part) for part in parts)


def _text(value: object) -> bytes | None:
    return None if value is None else str(value).encode()


def microseconds(moment: datetime) -> int:
    """Since 1970: the same number whatever time zone and format a session prints times in."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SealKeys:
    """Keys for different ends from the one secret; `id` tells keys apart without telling anything about them."""

    rows: bytes
    heads: bytes
    anchors: bytes
    id: str

    @classmethod
    def derive(cls, secret: bytes, chain: str = CHAIN) -> SealKeys:
        """From AUDIT_SEAL_KEY, 32 bytes; HMAC with distinct labels as the derivation (NIST SP 800-108, one block).

        Each chain has keys of its own, so that no seal of one is a seal of another.
        """
        def key(label: str) -> bytes:
            return hmac.new(secret, f"viramah.{chain}.{label}".encode(), hashlib.sha256).digest()

        return cls(key("rows"), key("heads"), key("anchors"), key("id").hex()[:12])


def row_seal(keys: SealKeys, document: str) -> bytes:
    """The seal of a row from its canonical form: a JSON array of COLUMNS, as PostgreSQL's jsonb prints it."""
    return hmac.digest(keys.rows, encode([_ROW, document.encode()]), "sha256")


def batch_digest(seqs: Sequence[int], seals: bytes) -> bytes:
    """SHA-256 over the numbers of a batch's rows, ascending, and their seals in the same order."""
    return hashlib.sha256(encode([_BATCH, ",".join(map(str, seqs)).encode(), seals])).digest()


@dataclass(frozen=True, slots=True)
class Batch:
    """What a head vouches for.

    `sealed_xid`: every row of a transaction below it is in this batch or an earlier one. `horizon_seq`: the newest
    number that had been given out at `sealed_at`; all transactions that may hold it or an older one are below
    `horizon_xid`. None for a batch after which rows were left over: it vouches for its own rows alone.
    Transaction ids mean something within one cluster only, which `system_id` names. `resumes`: after a restore that
    lost batches, the newest one that was left; the batches between it and this one are known to be gone.
    """

    number: int
    key_id: str
    row_count: int
    first_seq: int
    last_seq: int
    digest: bytes
    sealed_at: datetime
    system_id: str
    sealed_xid: int | None
    horizon_seq: int | None
    horizon_xid: int | None
    resumes: int | None = None

    def head(self, keys: SealKeys, previous: bytes) -> bytes:
        """The head of the chain with this batch as its newest; `previous` is empty for the first."""
        parts = [self.number, self.key_id, self.row_count, self.first_seq, self.last_seq, self.digest.hex(),
                 microseconds(self.sealed_at), self.system_id, self.sealed_xid, self.horizon_seq, self.horizon_xid,
                 self.resumes]
        return hmac.new(keys.heads, encode([_HEAD, previous, *map(_text, parts)]), hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class Claims:
    """What sealed batches rule out: a row without a seal that falls below one of these was put in later.

    `xid` holds for the cluster `system_id`. `seq` and `at` hold wherever the database is restored to.
    """

    system_id: str = ""
    xid: int = 0
    seq: int = 0
    at: datetime = _EPOCH
    _pending: tuple[tuple[int, int, datetime], ...] = ()

    def after(self, batch: Batch) -> Claims:
        """The claims when `batch` is added to the chain.

        A horizon holds from the moment when all transactions that were open at it have ended: mostly one batch later.
        """
        if batch.sealed_xid is None or batch.horizon_seq is None or batch.horizon_xid is None:
            return self if batch.system_id == self.system_id else Claims(batch.system_id, 0, self.seq, self.at)
        here = batch.system_id == self.system_id
        pending = (*(self._pending if here else ()), (batch.horizon_xid, batch.horizon_seq, batch.sealed_at))
        settled = [entry for entry in pending if entry[0] <= batch.sealed_xid]
        return Claims(
            batch.system_id,
            max(self.xid if here else 0, batch.sealed_xid),
            max([self.seq, *(seq for _, seq, _ in settled)]),
            max([self.at, *(at for _, _, at in settled)]),
            tuple(entry for entry in pending if entry[0] > batch.sealed_xid),
        )

    def refute(self, system_id: str, seq: int, xid: int, at: datetime) -> str | None:
        """Why a row without a seal cannot be honest, or None."""
        if seq <= self.seq:
            return f"its number was given out before {self.at:%Y-%m-%d %H:%M:%S} UTC, when all of its time was sealed"
        if system_id == self.system_id and xid < self.xid:
            return f"its transaction, {xid}, had ended and was sealed"
        if at < self.at - CLOCK_TOLERANCE:
            return f"its time lies before {self.at:%Y-%m-%d %H:%M:%S} UTC, up to which all was sealed"
        return None
