"""Cells of rooms, beds, residents, stays and contacts as people write them (Y2, I5)."""

import io
from datetime import UTC, datetime

import pytest

from app.rules.imports import KINDS, ImportSettings, check_rows, propose, read_csv
from app.rules.imports.mapping import NAMES

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def verdicts(kind, *lines):
    table = read_csv(lambda: io.StringIO("\n".join(lines), newline=""), ",")
    found = propose(table, kind=kind)
    orders = {name: guess.order for name, guess in found.orders.items() if guess.order}
    return list(check_rows(table, ImportSettings(found.columns, "Asia/Kolkata", orders, kind=kind), NOW))


def values(kind, *lines):
    return [verdict.request.values if verdict.ok else verdict.reason for verdict in verdicts(kind, *lines)]


def test_every_column_has_names_that_find_it():
    for kind in KINDS.values():
        assert NAMES[kind.code].keys() == {column.name for column in kind.columns}


@pytest.mark.parametrize(("floor", "level"), [("3", 3), ("Floor 3", 3), ("2nd floor", 2), ("Ground", 0), ("G", 0), ("B1", -1), ("Basement 2", -2), ("-1", -1)])
def test_floors_are_understood_as_people_write_them(floor, level):
    assert values("rooms", "Room,Floor", f"101,{floor}")[0]["floor"] == level


@pytest.mark.parametrize(("beds", "kind"), [("0", "common"), ("1", "single"), ("3", "shared"), ("8", "dormitory"), ("", "shared")])
def test_what_a_room_is_for_follows_from_its_beds(beds, kind):
    assert values("rooms", "Room,Capacity,Note", f"101,{beds},x")[0]["kind"] == kind


def test_a_bed_is_named_whole_or_by_its_room():
    assert [(row["room"], row["bed"]) for row in values("beds", "Bed,Room", "101-a,", "B,g 2", "102-C,102")] == [("101", "A"), ("G 2", "B"), ("102", "C")]


@pytest.mark.parametrize(("rent", "paise"), [("8500", 850000), ("₹ 8,500.50", 850050), ("Rs. 8,500/-", 850000), ("free", None)])
def test_rents_are_read_as_people_write_them(rent, paise):
    row = values("occupancy", "Email,Bed,From,Rent", f'a@x.example,101-A,2026-01-31,"{rent}"')[0]
    assert (row["rent"] if paise is not None else row) == (paise if paise is not None else "A price is between 0 and one crore.")


def test_a_refusal_of_a_person_repeats_nothing_of_them():
    said = verdicts("residents", "Name,Email,Move-in date,Phone,DOB", "Asha,asha@x.example,2025-01-01,123-secret,", "Ravi,ravi@x.example,2099-01-01,,",
                    "Ravi,ravi@x.example,2025-02-01,,never")
    assert [(verdict.ok, verdict.column) for verdict in said] == [(False, "Phone"), (False, "Move-in date"), (False, "DOB")]
    assert not [word for verdict in said for word in ("secret", "2099", "never") if word in verdict.reason]


def test_a_stay_that_is_over_is_not_present():
    assert "over" in values("occupancy", "Email,Bed,From,Until", "a@x.example,101-A,2025-01-31,2025-03-01")[0]
