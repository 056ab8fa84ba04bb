"""Floors, rooms and beds: how they are named, counted and sorted (T2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.rules.errors import Invalid

BEDS_PER_ROOM = 26  # beds are lettered A to Z
ROOM_NUMBER_MAX = 20
BULK_ROOMS = 500  # rooms created in one go
FLOORS = range(-5, 101)


class RoomKind(StrEnum):
    """What a room is for; `common` ones have no beds: a kitchen, a stairwell."""

    SINGLE = "single"
    SHARED = "shared"
    DORMITORY = "dormitory"
    COMMON = "common"


@dataclass(frozen=True)
class RoomPlan:
    """A room that is about to be made, with as many beds."""

    number: str
    kind: RoomKind
    beds: int

    @property
    def labels(self) -> list[str]:
        """The letters of its beds."""
        return bed_labels(self.beds) if self.beds else []


def floor_name(level: int) -> str:
    """Ground floor, Floor 3, Basement 1."""
    if level not in FLOORS:
        raise Invalid(f"A floor lies between {FLOORS.start} and {FLOORS.stop - 1}.", field="level")
    if level == 0:
        return "Ground floor"
    return f"Floor {level}" if level > 0 else f"Basement {-level}"


def clean_room_number(text: str) -> str:
    """The number of a room as stored: single spaces, upper case if it is a number, else with a capital.

    " 101  a " is 101 A, "study hall" is Study hall.
    """
    number = " ".join(text.split())
    number = number.upper() if re.search(r"[0-9]", number) else number[:1].upper() + number[1:]
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


def read_room_numbers(text: str) -> list[str]:
    """Numbers as people list them: "101-120, 125, Terrace" and "G01–G05"; in the order given, each once."""
    numbers: list[str] = []
    for part in filter(None, (piece.strip() for piece in re.split(r"[,;\n]", text))):
        found = re.fullmatch(r"(?P<prefix>.*?)(?P<first>[0-9]+)\s*[-–—]\s*(?P<again>.*?)(?P<last>[0-9]+)", part)
        if found and found["again"].strip().upper() in ("", found["prefix"].strip().upper()):
            numbers += _between(found["prefix"], found["first"], found["last"], part)
        else:
            numbers.append(clean_room_number(part))
        if len(numbers) > BULK_ROOMS:
            raise Invalid(f"At most {BULK_ROOMS} rooms can be made in one go.", field="numbers")
    if not numbers:
        raise Invalid("Write room numbers, for example 101-120, 125.", field="numbers")
    if twice := next((number for number in numbers if numbers.count(number) > 1), None):
        raise Invalid(f"Room {twice} is listed twice.", field="numbers")
    return numbers


def _between(prefix: str, first: str, last: str, part: str) -> list[str]:
    if not int(first) <= int(last) < int(first) + BULK_ROOMS:
        raise Invalid(f"“{part}” is no range of at most {BULK_ROOMS} rooms, from the first to the last.", field="numbers")
    return [clean_room_number(f"{prefix}{number:0{len(first)}d}") for number in range(int(first), int(last) + 1)]


def plan_rooms(text: str, kind: RoomKind, beds: int) -> list[RoomPlan]:
    """The rooms that `text` lists, all alike; refuses a number of beds that the kind cannot have."""
    check_beds(kind, beds)
    return [RoomPlan(number, kind, beds) for number in read_room_numbers(text)]


def check_beds(kind: RoomKind, beds: int) -> None:
    """Refuse a number of beds that rooms of this kind cannot have."""
    if kind is RoomKind.COMMON and beds:
        raise Invalid("A common room has no beds.", field="beds")
    if kind is RoomKind.SINGLE and beds != 1:
        raise Invalid("A single room has one bed.", field="beds")
    if kind is not RoomKind.COMMON and not 1 <= beds <= BEDS_PER_ROOM:
        raise Invalid(f"A room has 1 to {BEDS_PER_ROOM} beds.", field="beds")
