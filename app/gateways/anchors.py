"""Heads of the hash chains, written down outside the database, so that not even its superuser can recut a chain.

An anchor is a line of JSON: chain, number, head, the seal of the anchor before, and its own seal (HMAC-SHA256 with
the seal key over all of that). A changed, inserted or missing line breaks a seal or a link. The newest anchor is
kept a second time as the chain's *tip*, so that a cut-off end is noticed too. Whoever rolls anchors, tip and
database back to the same moment leaves no trace here: for that, keep them where things can only be added
(another machine, a bucket with object lock).

One writer for each chain at a time: the sealing job holds an advisory lock. A line is written before the tip; after
a crash between the two the tip is one behind, and repeating the append heals it. The job repeats by itself: it
appends whatever is sealed and newer than `latest()`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from app.gateways.objects import LocalStore, ObjectMissing, ObjectStore
from app.rules.errors import Conflict, DomainError

SEAL_KEY_BYTES = 32
_CHAIN = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")
_HEAD = re.compile(r"[!-~]{1,200}")  # printable and without spaces; heads are hex
_TAIL_BYTES = 4096  # more than the longest line


class AnchorTampered(DomainError):
    """The anchors were changed by something else than `append`; the message names chain and place."""

    code = "anchor_tampered"
    status = 500


class AnchorConflict(Conflict):
    """Another head is anchored under this number, or a newer number already is."""

    code = "anchor_conflict"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Head number `number` of a chain, linked to the anchor before by its seal."""

    chain: str
    number: int
    head: str
    previous: str
    seal: str

    def line(self) -> bytes:
        """The anchor as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n"


class AnchorStore(Protocol):
    """What the audit and the ledger may ask of their anchors."""

    def append(self, chain: str, number: int, head: str) -> None:
        """Write a head down for good; the same number and head again change nothing. Numbers only grow."""

    def latest(self, chain: str) -> Anchor | None:
        """The newest anchor, its seal checked."""

    def all(self, chain: str) -> Sequence[Anchor]:
        """Every anchor from the first on, all seals and links checked; `AnchorTampered` at the first that fails."""


class _SealedAnchors(ABC):
    """What both stores share: sealing, linking, checking. Below it are two ways to keep lines and a tip."""

    def __init__(self, seal_key: bytes) -> None:
        if len(seal_key) < SEAL_KEY_BYTES:
            raise ValueError(f"The seal key needs at least {SEAL_KEY_BYTES} bytes.")
        self._seal_key = seal_key

    def append(self, chain: str, number: int, head: str) -> None:
        if not _CHAIN.fullmatch(chain) or not _HEAD.fullmatch(head) or number < 0:
            raise ValueError(f"Not an anchor: {chain!r}, {number}, {head!r}.")
        latest = self.latest(chain)
        if latest is not None and number <= latest.number:
            if not any(anchor.number == number and anchor.head == head for anchor in self.all(chain)):
                raise AnchorConflict(f"Chain {chain} is anchored up to {latest.number}; {number} differs.")
            return
        previous = "" if latest is None else latest.seal
        anchor = Anchor(chain, number, head, previous, self._seal(chain, number, head, previous))
        self._write_line(anchor)
        self._write_tip(anchor)

    def latest(self, chain: str) -> Anchor | None:
        tip = self._read_tip(chain)
        return None if tip is None else self._parse(chain, tip, "the tip")

    def all(self, chain: str) -> Sequence[Anchor]:
        anchors: list[Anchor] = []
        for position, line in enumerate(self._read_lines(chain), start=1):
            anchor = self._parse(chain, line, f"anchor {position}")
            before = anchors[-1] if anchors else None
            linked = anchor.previous == (before.seal if before else "")
            if not linked or (before and anchor.number <= before.number):
                raise AnchorTampered(f"Chain {chain}: anchor {position} does not follow the one before it.")
            anchors.append(anchor)
        return self._up_to_tip(chain, anchors)

    def _up_to_tip(self, chain: str, anchors: list[Anchor]) -> list[Anchor]:
        """The anchors without the one that a crash may have left beyond the tip."""
        tip = self.latest(chain)
        if tip is None and len(anchors) <= 1:
            return []
        if tip is None:
            raise AnchorTampered(f"Chain {chain}: the tip is missing, {len(anchors)} anchors are there.")
        if tip not in anchors[-2:]:
            raise AnchorTampered(
                f"Chain {chain}: its {len(anchors)} anchors do not end at the tip, {tip.number}."
            )
        return anchors[: anchors.index(tip) + 1]

    def _parse(self, chain: str, line: bytes, place: str) -> Anchor:
        try:
            anchor = Anchor(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise AnchorTampered(f"Chain {chain}: {place} cannot be read.") from error
        expected = self._seal(chain, anchor.number, anchor.head, anchor.previous)
        if anchor.chain != chain or not hmac.compare_digest(str(anchor.seal), expected):
            raise AnchorTampered(f"Chain {chain}: the seal of {place} is broken.")
        return anchor

    def _seal(self, chain: str, number: int, head: str, previous: str) -> str:
        message = json.dumps(["viramah.anchor.v1", chain, number, head, previous]).encode()
        return hmac.new(self._seal_key, message, hashlib.sha256).hexdigest()

    @abstractmethod
    def _read_lines(self, chain: str) -> Sequence[bytes]: ...

    @abstractmethod
    def _read_tip(self, chain: str) -> bytes | None: ...

    @abstractmethod
    def _write_line(self, anchor: Anchor) -> None:
        """Durable when it returns; writing the same anchor twice leaves one."""

    @abstractmethod
    def _write_tip(self, anchor: Anchor) -> None: ...


class FileAnchors(_SealedAnchors):
    """One file of lines (0600, synced to the disk) for each chain in a folder, and its tip beside it."""

    def __init__(self, folder: Path, seal_key: bytes) -> None:
        super().__init__(seal_key)
        self._folder = folder
        self._tips = LocalStore(folder / "tips")

    def _read_lines(self, chain: str) -> Sequence[bytes]:
        path = self._path(chain)
        content = path.read_bytes() if path.exists() else b""
        # After the last newline comes nothing, or half a line that a crash left; the tip tells it from a cut.
        return content.split(b"\n")[:-1]

    def _read_tip(self, chain: str) -> bytes | None:
        return _read(self._tips, f"{chain}.json")

    def _write_line(self, anchor: Anchor) -> None:
        line = anchor.line()
        descriptor = os.open(self._path(anchor.chain), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            tail_size = min(size, _TAIL_BYTES)
            file.seek(size - tail_size)
            tail = file.read(tail_size)
            whole = tail[: tail.rfind(b"\n") + 1]
            if not whole.endswith(line):  # it does if a crash kept us from writing the tip
                file.seek(size - tail_size + len(whole))
                file.truncate()
                file.write(line)
                file.flush()
            os.fsync(file.fileno())
        _sync(self._folder)

    def _write_tip(self, anchor: Anchor) -> None:
        self._tips.put(f"{anchor.chain}.json", anchor.line(), "application/json")

    def _path(self, chain: str) -> Path:
        if not _CHAIN.fullmatch(chain):
            raise ValueError(f"Not the name of a chain: {chain!r}.")
        return self._folder / f"{chain}.jsonl"


class ObjectAnchors(_SealedAnchors):
    """One object for each anchor, and one for the tip, below a prefix of an object store."""

    def __init__(self, store: ObjectStore, seal_key: bytes, prefix: str = "anchors") -> None:
        super().__init__(seal_key)
        self._store = store
        self._prefix = prefix

    def _read_lines(self, chain: str) -> Sequence[bytes]:
        lines = []
        for key in self._store.list(f"{self._prefix}/{chain}/lines/"):
            with self._store.open(key) as stream:
                lines.append(stream.read())
        return lines

    def _read_tip(self, chain: str) -> bytes | None:
        return _read(self._store, f"{self._prefix}/{chain}/tip.json")

    def _write_line(self, anchor: Anchor) -> None:
        key = f"{self._prefix}/{anchor.chain}/lines/{anchor.number:015d}.json"  # keys sort as numbers do
        self._store.put(key, anchor.line(), "application/json")

    def _write_tip(self, anchor: Anchor) -> None:
        self._store.put(f"{self._prefix}/{anchor.chain}/tip.json", anchor.line(), "application/json")


def _read(store: ObjectStore, key: str) -> bytes | None:
    try:
        with store.open(key) as stream:
            return stream.read()
    except ObjectMissing:
        return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
