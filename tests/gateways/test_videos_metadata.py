"""Videos keep every byte of picture and sound in place, and lose what describes the recording."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from app.gateways.images import strip_metadata
from app.gateways.videos import UnreadableVideo, blank_metadata

PLACE = b"+17.3850+078.4867/"
PICTURE, SOUND, GPS = b"PICTURE-" * 40, b"SOUND---" * 20, PLACE * 10
FTYP = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"mp42")


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def track(handler: bytes, offset: int, sizes: list[int], *, constant: int = 0, wide: bool = False) -> bytes:
    """A track whose samples lie in one chunk at `offset`."""
    stsz = struct.pack(">III", 0, constant, len(sizes)) + (
        b"" if constant else struct.pack(f">{len(sizes)}I", *sizes)
    )
    chunks = (
        box(b"co64", struct.pack(">IIQ", 0, 1, offset))
        if wide
        else box(b"stco", struct.pack(">III", 0, 1, offset))
    )
    stbl = box(
        b"stbl", box(b"stsz", stsz), box(b"stsc", struct.pack(">IIIII", 0, 1, 1, len(sizes), 1)), chunks
    )
    hdlr = box(b"hdlr", struct.pack(">II4s12x", 0, 0, handler), b"\0")
    mdhd = box(b"mdhd", struct.pack(">IIIII", 0, 111, 222, 1000, 5000), b"\0" * 4)
    tkhd = box(b"tkhd", struct.pack(">BxxxQQI", 1, 111, 222, 1), b"\0" * 60)
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, box(b"minf", stbl)), box(b"udta", box(b"name", PLACE)))


def film(*, extra: bytes = b"", gps: dict[str, Any] | None = None) -> bytes:
    """Header first, as phones and web servers like it: ftyp, moov, mdat with picture, sound and a GPS track."""

    def moov(start: int) -> bytes:
        return box(
            b"moov",
            box(b"mvhd", struct.pack(">IIIII", 0, 111, 222, 1000, 5000), b"\0" * 80),
            track(b"vide", start, [len(PICTURE)]),
            track(b"soun", start + len(PICTURE), [len(SOUND) // 2] * 2),
            track(b"meta", start + len(PICTURE) + len(SOUND), [18] * 10, **(gps or {})),
            box(b"udta", box(b"\xa9xyz", PLACE), box(b"loci", PLACE)),
            box(b"meta", PLACE),
            extra,
        )

    start = len(FTYP) + len(moov(0)) + 8
    return (
        FTYP
        + moov(start)
        + box(b"mdat", PICTURE, SOUND, GPS)
        + box(b"uuid", b"\0" * 16, PLACE)
        + box(b"free", PLACE)
    )


@pytest.mark.parametrize("gps", [{}, {"constant": 18}, {"wide": True}])
def test_the_place_is_gone_everywhere_also_from_its_track(gps: dict[str, Any]) -> None:
    before = film(gps=gps)
    assert before.count(PLACE) == 18
    assert PLACE not in blank_metadata(before)


def test_picture_and_sound_stay_where_they_were() -> None:
    before = film()
    after = blank_metadata(before)
    assert len(after) == len(before)
    assert after.index(PICTURE + SOUND) == before.index(PICTURE + SOUND)
    assert after.count(b"stco") == 2
    assert after.count(b"trak") == 2


def test_the_time_of_recording_is_zero_and_the_length_is_not() -> None:
    after = blank_metadata(film())
    at = after.index(b"mvhd") + 4
    assert struct.unpack_from(">IIIII", after, at) == (0, 0, 0, 1000, 5000)
    at = after.index(b"tkhd") + 4
    assert struct.unpack_from(">BxxxQQI", after, at) == (1, 0, 0, 1)


def test_cleaning_twice_is_cleaning_once() -> None:
    once = blank_metadata(film())
    assert blank_metadata(once) == once


@pytest.mark.parametrize("media_type", ["video/mp4", "video/quicktime", "video/3gpp"])
def test_videos_are_cleaned_by_the_same_function_as_images(media_type: str) -> None:
    assert PLACE not in strip_metadata(film(), media_type)


def test_a_box_of_64_bit_size_and_one_to_the_end_are_understood() -> None:
    large = struct.pack(">I4sQ", 1, b"udta", 16 + len(PLACE)) + PLACE
    last = struct.pack(">I4s", 0, b"free") + PLACE
    assert PLACE not in blank_metadata(film() + large + last)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xd8\xff", FTYP, b"\0" * 100, FTYP + box(b"mdat", PICTURE), film()[:-3], film()[:200]],
)
def test_what_is_no_whole_video_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableVideo):
        blank_metadata(content)


def test_a_fragmented_video_with_a_track_of_places_is_refused() -> None:
    with pytest.raises(UnreadableVideo, match="convert"):
        blank_metadata(film(extra=box(b"mvex")))


def test_a_compressed_header_is_refused() -> None:
    with pytest.raises(UnreadableVideo, match="convert"):
        blank_metadata(FTYP + box(b"moov", box(b"cmov", PLACE)))


def test_endless_nesting_is_refused() -> None:
    nested = box(b"trak")
    for _ in range(1000):
        nested = box(b"edts", nested)
    with pytest.raises(UnreadableVideo):
        blank_metadata(FTYP + box(b"moov", nested))


def test_a_track_that_claims_more_samples_than_the_file_has_bytes_is_refused() -> None:
    greedy = track(b"meta", 0, [0] * 2, constant=0x7FFFFFFF)
    with pytest.raises(UnreadableVideo):
        blank_metadata(FTYP + box(b"moov", greedy))


def test_many_tracks_over_the_same_bytes_are_refused_rather_than_worked_through() -> None:
    greedy = b"".join(track(b"meta", 0, [0], constant=40_000) for _ in range(200))
    with pytest.raises(UnreadableVideo):
        blank_metadata(FTYP + box(b"moov", greedy) + box(b"mdat", b"\0" * 40_000))
