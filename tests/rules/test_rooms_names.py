"""Floors, rooms and beds: names, counts, order (T2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.rooms import (
    RoomKind,
    bed_labels,
    bed_name,
    clean_room_number,
    floor_name,
    natural_key,
    plan_rooms,
    read_room_numbers,
    room_numbers,
)


@pytest.mark.parametrize(("level", "name"), [(0, "Ground floor"), (3, "Floor 3"), (-2, "Basement 2")])
def test_floors_have_names(level, name):
    assert floor_name(level) == name


def test_a_floor_on_the_moon_is_refused():
    with pytest.raises(Invalid, match="between -5 and 100"):
        floor_name(101)


def test_beds_are_lettered():
    assert bed_labels(3) == ["A", "B", "C"]
    assert bed_name("101", "B") == "101-B"


def test_more_beds_take_the_first_free_letters():
    assert bed_labels(2, taken=["A", "c"]) == ["B", "D"]


@given(st.integers(1, 26), st.sets(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), max_size=26))
def test_a_room_never_has_a_letter_twice_nor_more_than_26_beds(count, taken):
    if count + len(taken) > 26:
        with pytest.raises(Invalid, match="at most 26"):
            bed_labels(count, taken)
    else:
        labels = bed_labels(count, taken)
        assert len(set(labels) - taken) == count


def test_a_room_without_a_bed_is_refused():
    with pytest.raises(Invalid, match="at least one bed"):
        bed_labels(0)


@pytest.mark.parametrize(("level", "first", "last"), [(3, "301", "312"), (0, "G01", "G12"), (-1, "B101", "B112")])
def test_rooms_are_numbered_by_floor(level, first, last):
    numbers = room_numbers(level, 12)
    assert (numbers[0], numbers[-1]) == (first, last)


@pytest.mark.parametrize("count", [0, 501])
def test_too_few_or_too_many_rooms_at_once_are_refused(count):
    with pytest.raises(Invalid, match="Between 1 and 500"):
        room_numbers(1, count)


def test_room_numbers_sort_as_people_count():
    rooms = ["G10", "102", "1001", "G2", "101B", "101-A", "99", "b1"]
    assert sorted(rooms, key=natural_key) == ["99", "101-A", "101B", "102", "1001", "b1", "G2", "G10"]


@given(st.lists(st.text(max_size=8), max_size=6))
def test_any_texts_can_be_sorted(texts):
    assert sorted(sorted(texts, key=natural_key)) == sorted(texts)


def test_room_numbers_are_stored_in_one_form():
    assert clean_room_number("  101  a ") == "101 A"
    assert clean_room_number("study  hall") == "Study hall"


def test_a_list_of_numbers_may_hold_ranges():
    assert read_room_numbers("101-103, 110; Terrace\nG08–10") == ["101", "102", "103", "110", "Terrace", "G08", "G09", "G10"]


def test_a_hyphen_within_a_number_is_no_range():
    assert read_room_numbers("A-12, 7-b") == ["A-12", "7-B"]


@pytest.mark.parametrize(("text", "reason"), [
    ("", "Write room numbers"), ("105-101", "is no range"), ("1-9999", "is no range"), ("101, 101", "listed twice"),
    ("1-400, 401-800", "At most 500"), ("<b>", "A room number has"), ("100-101, 99-100", "Room 100 is listed twice")])
def test_what_is_no_list_of_numbers_is_refused(text, reason):
    with pytest.raises(Invalid, match=reason):
        read_room_numbers(text)


@pytest.mark.parametrize(("kind", "beds"), [
    (RoomKind.COMMON, 1), (RoomKind.SINGLE, 2), (RoomKind.SINGLE, 0), (RoomKind.SHARED, 0), (RoomKind.DORMITORY, 27)])
def test_kinds_of_rooms_have_beds_of_their_number(kind, beds):
    with pytest.raises(Invalid):
        plan_rooms("101", kind, beds)


def test_planned_rooms_know_the_letters_of_their_beds():
    assert [plan.labels for plan in plan_rooms("101, 102", RoomKind.SHARED, 2)] == [["A", "B"], ["A", "B"]]
    assert plan_rooms("Kitchen", RoomKind.COMMON, 0)[0].labels == []


@pytest.mark.parametrize("text", ["", "  ", "x" * 21, "<b>1</b>", "=1+1", "-1"])
def test_what_is_no_room_number_is_refused(text):
    with pytest.raises(Invalid, match="A room number has"):
        clean_room_number(text)
