"""Place, time and words are blanked in MP4, MOV and 3GP files, byte for byte in place: sound and picture stay.

The formats are trees of boxes (ISO/IEC 14496-12; QuickTime alike). Boxes that describe the recording (`udta`, which
holds `©xyz` and `loci`, the place; `meta`; `uuid`, which holds XMP; filler) are renamed to `free` and zeroed. As no
byte moves, the tables of offsets into the media stay right, and nothing needs to be encoded anew. Tracks that are
neither picture nor sound (a camera's GPS track, an iPhone's timed metadata) are blanked together with their
samples, and the times of recording are set to zero. What an encoder hides inside the pictures themselves stays.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from app.rules.errors import Invalid

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mvex", b"edts"}
_DESCRIBING = {b"udta", b"meta", b"uuid", b"free", b"skip", b"wide", b"pnot", b"prfl"}
_TIMED = {b"mvhd", b"tkhd", b"mdhd"}
_WANTED_TRACKS = {b"vide", b"soun"}
_COMPRESSED = b"cmov"  # a compressed header, last made in the 1990s
_HEADER = 8  # size and kind, four bytes each
_MAX_DEPTH = 8
_MAX_BOXES = 100_000  # in the whole file; a film of two hours has some thousands

_DAMAGED = "This video is damaged and cannot be read."
_STRANGE = "This kind of video cannot be accepted; please convert it to MP4."


class UnreadableVideo(Invalid):
    """Not the box structure of MP4, MOV or 3GP, damaged, or of a kind we cannot clean."""

    code = "unreadable_video"


class _Box(NamedTuple):
    """One box: its kind, and where its header, its payload and its end lie."""

    kind: bytes
    start: int
    payload: int
    end: int


def blank_metadata(content: bytes) -> bytes:
    """A copy of the same length without what describes the recording."""
    cleaner = _Cleaner(content)
    try:
        cleaner.clean_file()
    except (struct.error, IndexError) as error:
        raise UnreadableVideo(_DAMAGED) from error
    return bytes(cleaner.data)


class _Cleaner:
    """The bytes on their way, and budgets that a hostile file cannot exceed: boxes visited, sample bytes zeroed."""

    def __init__(self, content: bytes) -> None:
        self.data = bytearray(content)
        self._boxes_left = _MAX_BOXES
        self._zeroes_left = len(content)

    def clean_file(self) -> None:
        whole = _Box(b"", 0, 0, len(self.data))
        if not any(box.kind == b"moov" for box in self._children(whole)):
            raise UnreadableVideo("This file is not a video of the kind it claims to be.")
        self._clean_inside(whole, depth=0)

    def _clean_inside(self, parent: _Box, depth: int) -> None:
        boxes = list(self._children(parent))
        kinds = {box.kind for box in boxes}
        if depth > _MAX_DEPTH or _COMPRESSED in kinds:
            raise UnreadableVideo(_STRANGE)
        for box in boxes:
            if box.kind in _DESCRIBING:
                self._blank(box)
            elif box.kind in _TIMED:
                self._zero_times(box)
            elif box.kind == b"trak" and self._handler(box) not in _WANTED_TRACKS:
                if b"mvex" in kinds:  # its samples lie scattered over fragments, where we do not look
                    raise UnreadableVideo(_STRANGE)
                self._blank_samples(box)
                self._blank(box)
            elif box.kind in _CONTAINERS:
                self._clean_inside(box, depth + 1)

    def _children(self, parent: _Box) -> Iterator[_Box]:
        start = parent.payload
        while parent.end - start >= _HEADER:  # QuickTime may end a list with four zero bytes
            self._boxes_left -= 1
            size, kind = struct.unpack_from(">I4s", self.data, start)
            payload = start + _HEADER
            if size == 1:  # the size proper follows, in eight bytes
                (size,) = struct.unpack_from(">Q", self.data, payload)
                payload += 8
            elif size == 0:  # as far as its parent goes
                size = parent.end - start
            if size < payload - start or start + size > parent.end or self._boxes_left < 0:
                raise UnreadableVideo(_DAMAGED)
            yield _Box(kind, start, payload, start + size)
            start += size

    def _find(self, box: _Box, *path: bytes) -> _Box | None:
        found: _Box | None = box
        for kind in path:
            if found is not None:
                found = next((child for child in self._children(found) if child.kind == kind), None)
        return found

    def _handler(self, track: _Box) -> bytes:
        """What a track carries: `vide`, `soun`, `meta`, `tmcd`, …"""
        handler = self._find(track, b"mdia", b"hdlr")
        return b"" if handler is None else bytes(self.data[handler.payload + 8 : handler.payload + 12])

    def _blank(self, box: _Box) -> None:
        self.data[box.start + 4 : box.start + 8] = b"free"
        self._zero(box.payload, box.end)

    def _zero(self, start: int, end: int) -> None:
        if not 0 <= start <= end <= len(self.data):
            raise UnreadableVideo(_DAMAGED)
        self.data[start:end] = bytes(end - start)

    def _zero_times(self, box: _Box) -> None:
        """Creation and modification follow version and flags: four bytes each, in version 1 eight."""
        start, length = box.payload + 4, 16 if self.data[box.payload] == 1 else 8
        if start + length > box.end:
            raise UnreadableVideo(_DAMAGED)
        self._zero(start, start + length)

    def _blank_samples(self, track: _Box) -> None:
        """Zero a track's samples in the media: chunk by chunk, each as long as its samples together."""
        table = self._find(track, b"mdia", b"minf", b"stbl")
        if table is None:
            return
        length_of = self._lengths(table)
        samples = self._samples_per_chunk(table)
        for chunk, offset in enumerate(self._chunk_offsets(table), start=1):
            length = length_of(samples(chunk))
            self._zeroes_left -= length
            if self._zeroes_left < 0:
                raise UnreadableVideo(_DAMAGED)
            self._zero(offset, offset + length)

    def _lengths(self, table: _Box) -> Callable[[int], int]:
        """A function that takes the next n samples and says how many bytes they are (stsz)."""
        box = self._find(table, b"stsz")
        if box is None:
            raise UnreadableVideo(_STRANGE)
        (each,) = struct.unpack_from(">I", self.data, box.payload + 4)
        if each:
            return lambda count: count * each
        sizes = iter(self._table(box, 8, ">I"))
        return lambda count: sum(size for _, (size,) in zip(range(count), sizes, strict=False))

    def _samples_per_chunk(self, table: _Box) -> Callable[[int], int]:
        """A function from a chunk's number, counted from 1 and asked in order, to its samples (stsc)."""
        box = self._find(table, b"stsc")
        runs = [] if box is None else list(self._table(box, 4, ">III"))
        if not runs:
            raise UnreadableVideo(_STRANGE)
        position = 0

        def samples(chunk: int) -> int:
            nonlocal position
            while position + 1 < len(runs) and runs[position + 1][0] <= chunk:
                position += 1
            return runs[position][1]

        return samples

    def _chunk_offsets(self, table: _Box) -> Iterator[int]:
        for kind, layout in ((b"stco", ">I"), (b"co64", ">Q")):
            if (box := self._find(table, kind)) is not None:
                for (offset,) in self._table(box, 4, layout):
                    yield offset

    def _table(self, box: _Box, at: int, layout: str) -> Iterator[tuple[int, ...]]:
        """The rows of a box whose count stands `at` bytes into its payload, and its rows behind that."""
        (count,) = struct.unpack_from(">I", self.data, box.payload + at)
        start = box.payload + at + 4
        end = start + count * struct.calcsize(layout)
        if end > box.end:
            raise UnreadableVideo(_DAMAGED)
        return iter(list(struct.iter_unpack(layout, bytes(self.data[start:end]))))
