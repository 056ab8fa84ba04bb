"""What anchors promise, asked of the file and of the object implementation: nothing is changed unnoticed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.gateways.anchors import AnchorConflict, AnchorStore, AnchorTampered, FileAnchors, ObjectAnchors
from app.gateways.objects import LocalStore

KEY = b"k" * 32
CHAIN = "audit.0198"


@dataclass
class Kept:
    """A store, and ways to tamper with what it keeps: its lines and its tip."""

    anchors: AnchorStore
    read: Callable[[], list[bytes]]
    write: Callable[[list[bytes]], None]
    tip: Path
    reopen: Callable[[bytes], AnchorStore]


def file_kept(folder: Path) -> Kept:
    path = folder / f"{CHAIN}.jsonl"

    def reopen(key: bytes) -> AnchorStore:
        return FileAnchors(folder, key)

    def write(lines: list[bytes]) -> None:
        path.write_bytes(b"".join(lines))

    return Kept(
        reopen(KEY),
        lambda: path.read_bytes().splitlines(keepends=True),
        write,
        folder / "tips" / f"{CHAIN}.json",
        reopen,
    )


def object_kept(folder: Path) -> Kept:
    lines_folder = folder / "anchors" / CHAIN / "lines"

    def reopen(key: bytes) -> AnchorStore:
        return ObjectAnchors(LocalStore(folder), key)

    def write(lines: list[bytes]) -> None:
        for path in lines_folder.iterdir():
            path.unlink()
        for position, line in enumerate(lines):
            (lines_folder / f"{position:015d}.json").write_bytes(line)

    return Kept(
        reopen(KEY),
        lambda: [path.read_bytes() for path in sorted(lines_folder.iterdir())],
        write,
        folder / "anchors" / CHAIN / "tip.json",
        reopen,
    )


@pytest.fixture(params=[file_kept, object_kept])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    made: Kept = request.param(tmp_path)
    for number in (1, 2, 3):
        made.anchors.append(CHAIN, number, f"head{number}")
    return made


def heads(store: AnchorStore) -> list[tuple[int, str]]:
    return [(anchor.number, anchor.head) for anchor in store.all(CHAIN)]


ALL = [(1, "head1"), (2, "head2"), (3, "head3")]


def test_heads_come_back_in_order_also_to_another_process(kept: Kept) -> None:
    assert heads(kept.reopen(KEY)) == ALL


def test_the_latest_head_is_the_last_appended(kept: Kept) -> None:
    latest = kept.anchors.latest(CHAIN)
    assert latest is not None
    assert (latest.number, latest.head) == (3, "head3")


def test_a_chain_without_anchors_is_empty(kept: Kept) -> None:
    assert kept.anchors.latest("ledger.0198") is None
    assert list(kept.anchors.all("ledger.0198")) == []


def test_chains_do_not_mix(kept: Kept) -> None:
    kept.anchors.append("ledger.0198", 1, "other")
    assert heads(kept.anchors) == ALL


@pytest.mark.parametrize("number", [2, 3])
def test_appending_the_same_again_changes_nothing(kept: Kept, number: int) -> None:
    kept.anchors.append(CHAIN, number, f"head{number}")
    assert heads(kept.anchors) == ALL


@pytest.mark.parametrize(("number", "head"), [(3, "other"), (2, "other"), (0, "head0")])
def test_another_head_under_an_old_number_is_refused(kept: Kept, number: int, head: str) -> None:
    with pytest.raises(AnchorConflict):
        kept.anchors.append(CHAIN, number, head)
    assert heads(kept.anchors) == ALL


def test_numbers_may_leave_gaps_and_sort_as_numbers(kept: Kept) -> None:
    kept.anchors.append(CHAIN, 10, "head10")
    kept.anchors.append(CHAIN, 200, "head200")
    assert heads(kept.anchors) == [*ALL, (10, "head10"), (200, "head200")]


def test_a_changed_head_is_noticed_and_its_place_named(kept: Kept) -> None:
    lines = kept.read()
    lines[1] = lines[1].replace(b"head2", b"headX")
    kept.write(lines)
    with pytest.raises(AnchorTampered, match=r"seal of anchor 2"):
        kept.anchors.all(CHAIN)


def test_a_cut_off_end_is_noticed(kept: Kept) -> None:
    kept.write(kept.read()[:-1])
    with pytest.raises(AnchorTampered, match="do not end at the tip"):
        kept.anchors.all(CHAIN)


def test_a_cut_off_beginning_is_noticed(kept: Kept) -> None:
    kept.write(kept.read()[1:])
    with pytest.raises(AnchorTampered, match="anchor 1 does not follow"):
        kept.anchors.all(CHAIN)


def test_a_line_cut_out_of_the_middle_is_noticed(kept: Kept) -> None:
    first, _, third = kept.read()
    kept.write([first, third])
    with pytest.raises(AnchorTampered, match="anchor 2 does not follow"):
        kept.anchors.all(CHAIN)


def test_swapped_lines_are_noticed(kept: Kept) -> None:
    first, second, third = kept.read()
    kept.write([second, first, third])
    with pytest.raises(AnchorTampered):
        kept.anchors.all(CHAIN)


def test_a_line_without_a_valid_seal_is_noticed(kept: Kept) -> None:
    lines = kept.read()
    forged = json.loads(lines[2]) | {"number": 4, "head": "head4", "previous": json.loads(lines[2])["seal"]}
    kept.write([*lines, json.dumps(forged).encode() + b"\n"])
    with pytest.raises(AnchorTampered, match="seal of anchor 4"):
        kept.anchors.all(CHAIN)


def test_nonsense_is_noticed(kept: Kept) -> None:
    kept.write([*kept.read()[:2], b"[1, 2]\n"])
    with pytest.raises(AnchorTampered, match="anchor 3 cannot be read"):
        kept.anchors.all(CHAIN)


def test_a_removed_tip_is_noticed(kept: Kept) -> None:
    kept.tip.unlink()
    with pytest.raises(AnchorTampered, match="the tip is missing"):
        kept.anchors.all(CHAIN)


def test_a_forged_tip_is_noticed(kept: Kept) -> None:
    kept.tip.write_bytes(kept.tip.read_bytes().replace(b"head3", b"headX"))
    with pytest.raises(AnchorTampered, match="seal of the tip"):
        kept.anchors.latest(CHAIN)


def test_lines_of_another_chain_are_noticed(kept: Kept) -> None:
    lines = [line.replace(CHAIN.encode(), b"ledger.0198") for line in kept.read()]
    kept.write(lines)
    with pytest.raises(AnchorTampered):
        kept.anchors.all(CHAIN)


def test_another_seal_key_reads_nothing(kept: Kept) -> None:
    with pytest.raises(AnchorTampered):
        kept.reopen(b"x" * 32).all(CHAIN)


def test_a_crash_between_line_and_tip_heals_by_repeating(kept: Kept) -> None:
    tip = kept.tip.read_bytes()
    kept.anchors.append(CHAIN, 4, "head4")
    kept.tip.write_bytes(tip)  # as if the process had been killed before the tip was written
    assert heads(kept.anchors) == ALL
    kept.anchors.append(CHAIN, 4, "head4")
    assert heads(kept.anchors) == [*ALL, (4, "head4")]
    assert len(kept.read()) == 4


def test_half_a_line_that_a_crash_left_is_written_over(tmp_path: Path) -> None:
    kept = file_kept(tmp_path)
    kept.anchors.append(CHAIN, 1, "head1")
    path = tmp_path / f"{CHAIN}.jsonl"
    path.write_bytes(path.read_bytes() + b'{"chain":"aud')
    assert heads(kept.anchors) == [(1, "head1")]
    kept.anchors.append(CHAIN, 2, "head2")
    assert heads(kept.anchors) == [(1, "head1"), (2, "head2")]


def test_anchor_files_are_private(tmp_path: Path) -> None:
    file_kept(tmp_path).anchors.append(CHAIN, 1, "head1")
    assert (tmp_path / f"{CHAIN}.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("chain", ["", "../audit", "a/b", "A", "x" * 81])
def test_a_chain_name_that_could_leave_the_folder_is_refused(kept: Kept, chain: str) -> None:
    with pytest.raises(ValueError, match="Not an anchor"):
        kept.anchors.append(chain, 1, "head")


def test_a_short_seal_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        FileAnchors(tmp_path, b"short")
