"""What is typed into the search box is read as words, and as a reference where it may be one."""

from __future__ import annotations

import pytest

from app.rules.search import LONGEST, Wanted, fit, wanted


@pytest.mark.parametrize(("typed", "series", "number"), [
    ("42", "", 42), ("#42", "", 42), ("MR-42", "mr", 42), ("mr 0042", "mr", 42), ("MR0042", "mr", 42), ("0", "", 0)])
def test_a_reference_is_known_however_it_is_written(typed, series, number):
    found = wanted(typed)
    assert (found.series, found.number) == (series, number)
    assert found.names("MR")
    assert found.names("INV") is (series == "")


@pytest.mark.parametrize("typed", ["42a", "rooms 42", "1234567890123", "४२", "²"])
def test_what_is_no_reference_is_text(typed):
    assert wanted(typed) == Wanted(typed)


@pytest.mark.parametrize("typed", ["", "  ", "\t\n", "\x00", "\u202e"])
def test_nothing_is_nothing(typed):
    assert wanted(typed) is None


def test_it_is_tidied_and_cut():
    assert wanted("  Asha \x00 van\tPillai ").text == "Asha van Pillai"
    assert len(wanted("x" * 500).text) == LONGEST


def test_the_very_one_comes_first():
    titles = ["Late tap", "MR-0421", "Tap", "Taps and drains", "Watertap"]
    assert sorted(titles, key=lambda title: fit(wanted("tap"), title)) == ["Tap", "Taps and drains", "Late tap", "MR-0421", "Watertap"]
    assert fit(wanted("mr-42"), "MR-0042") == 0
