"""Floors, rooms and beds are made, hidden with what is in them and brought back (T2, T16)."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.models.rooms import Bed, Floor, Room
from app.permissions import Role
from app.rules.errors import Conflict, Invalid
from app.rules.rooms import RoomKind, RoomPlan
from app.services import rooms
from tests.maintenance import raised, refusal, scope


def living(session, model):
    return session.scalar(select(func.count()).select_from(model).where(model.deleted_at.is_(None)))


def room_of(session, room_id: UUID) -> Room:
    return session.scalar(select(Room).where(Room.id == room_id))


def floor_of(session, floor_id: UUID) -> Floor:
    return session.scalar(select(Floor).where(Floor.id == floor_id))


def test_many_rooms_are_made_with_their_beds(app, world):
    with scope(world.owner) as session:
        floor = rooms.create_floor(session, world.a.places[0].hostel_id, 2)
        made = rooms.create_rooms(session, floor, [RoomPlan("201", RoomKind.SHARED, 3), RoomPlan("Pantry", RoomKind.COMMON, 0)])
        beds = rooms.beds_of(session, made["201"])
        assert (floor.name, [bed.called for bed in beds], rooms.beds_of(session, made["Pantry"])) == (
            "Floor 2", ["201-A", "201-B", "201-C"], [])


def test_numbers_that_are_there_already_are_refused_by_name_and_nothing_is_made(app, world):
    def again() -> None:
        with scope(world.owner) as session:
            floor = floor_of(session, world.a.places[0].floor_id)
            rooms.create_rooms(session, floor, [RoomPlan(number, RoomKind.SHARED, 1) for number in ("099", "101", "102")])

    assert refusal(again).message == "This hostel has room 101, 102 already."
    with scope(world.owner) as session:
        assert living(session, Room) == 4


def test_the_same_number_may_stand_in_another_hostel(app, world):
    with scope(world.owner) as session:
        floor = rooms.create_floor(session, world.a.places[1].hostel_id, 9)
        assert rooms.create_rooms(session, floor, [RoomPlan("901", RoomKind.SHARED, 1)])
        other = rooms.create_floor(session, world.a.places[0].hostel_id, 9)
        assert rooms.create_rooms(session, other, [RoomPlan("901", RoomKind.SHARED, 1)])


def test_the_manager_of_one_hostel_makes_no_floor_in_another(app, world):
    def elsewhere() -> None:
        with scope(world.a.people[Role.HOSTEL_MANAGER]) as session:
            rooms.create_floor(session, world.a.places[1].hostel_id, 5)

    assert refusal(elsewhere).status == 403


def test_a_floor_goes_and_comes_with_its_rooms_and_beds(app, world):
    place = world.a.places[0]
    with scope(world.owner) as session:
        rooms.remove_bed(session, place.beds[0])
        rooms.remove_floor(session, place.floor_id)
        assert (living(session, Floor), living(session, Room), living(session, Bed)) == (1, 2, 4)
    with scope(world.owner) as session:
        rooms.restore_floor(session, floor_of(session, place.floor_id))
        # The bed that had been taken away before stays away.
        assert (living(session, Floor), living(session, Room), living(session, Bed)) == (2, 4, 7)


def test_a_room_with_an_open_request_stays(app, world):
    room = world.a.places[0].rooms[0]
    raised(world.owner, hostel_id=world.a.places[0].hostel_id, room_id=room)
    with scope(world.owner) as session, pytest.raises(Conflict, match=r"open maintenance requests .1.: close them first"):
        rooms.remove_room(session, room)


def test_a_room_is_not_brought_back_onto_a_floor_that_is_gone(app, world):
    place = world.a.places[0]
    with scope(world.owner) as session:
        rooms.remove_room(session, place.rooms[0])
        rooms.remove_floor(session, place.floor_id)
    with scope(world.owner) as session, pytest.raises(Conflict, match="restore that first"):
        rooms.restore_room(session, room_of(session, place.rooms[0]))


def test_a_number_taken_in_the_meantime_keeps_a_room_from_coming_back(app, world):
    place = world.a.places[0]
    with scope(world.owner) as session:
        rooms.remove_room(session, place.rooms[0])
        rooms.create_rooms(session, floor_of(session, place.floor_id), [RoomPlan("101", RoomKind.SINGLE, 1)])

    def back() -> None:
        with scope(world.owner) as session:
            rooms.restore_room(session, room_of(session, place.rooms[0]))

    assert refusal(back).status == 409


def test_more_beds_take_the_first_free_letters(app, world):
    place = world.a.places[0]
    with scope(world.owner) as session:
        rooms.remove_bed(session, place.beds[0])
        room = room_of(session, place.rooms[0])
        assert rooms.add_beds(session, room, 2) == ["A", "C"]


def test_a_room_takes_no_more_than_26_beds(app, world):
    with scope(world.owner) as session, pytest.raises(Invalid, match="has 2 beds already, and a room of its kind has at most 26"):
        rooms.add_beds(session, room_of(session, world.a.places[0].rooms[0]), 25)


def test_a_room_with_two_beds_does_not_become_a_single_one(app, world):
    place = world.a.places[0]
    with scope(world.owner) as session, pytest.raises(Invalid, match="has 2 beds"):
        rooms.edit_room(session, room_of(session, place.rooms[0]),
                        {"number": "101", "kind": "single", "floor_id": place.floor_id})


def test_a_room_moves_only_within_its_hostel(app, world):
    here, there = world.a.places
    with scope(world.owner) as session, pytest.raises(Invalid, match="same hostel"):
        rooms.edit_room(session, room_of(session, here.rooms[0]),
                        {"number": "101", "kind": "shared", "floor_id": there.floor_id})
