"""Floors, rooms and beds: how they are named, counted and sorted (T2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.rules.errors import Invalid

BEDS_PER_ROOM = 26  # beds are lettered A to Z
ROOM_NUMBER_MAX = 20
BULK_ROOMS = 500  # rooms created in one go
FLOORS = range(-5, 101)


def floor_name(level: int) -> str:
    """Ground floor, Floor 3, Basement 1."""
    if level not in FLOORS:
        raise Invalid(f"A floor lies between {FLOORS.start} and {FLOORS.stop - 1}.", field="level")
    if level == 0:
        return "Ground floor"
    return f"Floor {level}" if level > 0 else f"Basement {-level}"


def clean_room_number(text: str) -> str:
    """The number of a room as stored: trimmed, upper case, single inner spaces: " 101 a " is 101 A."""
    number = " ".join(text.split()).upper()
    if not number or len(number) > ROOM_NUMBER_MAX or not re.fullmatch(r"[\w][\w ./-]*", number):
        raise Invalid(
            f"A room number has 1 to {ROOM_NUMBER_MAX} letters, digits, spaces, dots, slashes or hyphens.",
            field="number",
        )
    return number


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts 2 before 10 and G2 before G10: runs of digits count as numbers, before letters."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    return [(0, int(part), part) if part[0] in "0123456789" else (1, 0, part) for part in parts]


def bed_labels(count: int, taken: Iterable[str] = ()) -> list[str]:
    """The letters for `count` more beds of a room, the first free ones: A, B, C…; 26 beds at most."""
    used = {label.upper() for label in taken}
    if count < 1:
        raise Invalid("A room has at least one bed.", field="beds")
    if count + len(used) > BEDS_PER_ROOM:
        raise Invalid(f"A room has at most {BEDS_PER_ROOM} beds.", field="beds")
    return [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in used][:count]


def bed_name(room_number: str, label: str) -> str:
    """How people call a bed: 101-A."""
    return f"{room_number}-{label}"


def room_numbers(level: int, count: int, first: int = 1) -> list[str]:
    """Numbers for `count` rooms of a floor: 301, 302… on the third, G01… on the ground, B101… below it.

    From the hundredth room on a floor the number has three digits after the floor: 3100.
    """
    floor_name(level)
    if not 1 <= count <= BULK_ROOMS or first < 1:
        raise Invalid(f"Between 1 and {BULK_ROOMS} rooms can be made in one go.", field="count")
    prefix = "G" if level == 0 else str(level) if level > 0 else f"B{-level}"
    return [f"{prefix}{number:02d}" for number in range(first, first + count)]
