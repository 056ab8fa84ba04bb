"""Stays begin, move, swap and end, repairs keep beds empty, and what was is kept (O4, O7, O10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.models.rooms import Room
from app.permissions import Role
from app.rules.errors import Conflict, Invalid
from app.services import beds, residents, rooms
from app.tenancy import tenant_scope
from tests.beds import DAY, held, people, states, stay, taken, today
from tests.houses import scalar
from tests.maintenance import at, first_hostel, moved, raised, refusal, scope


@pytest.fixture
def house(world):
    return world.a.places[0]


def status(superuser, stay_id):
    return scalar(superuser, "SELECT s.status || ' ' || r.status FROM stays s JOIN residents r ON r.id = s.resident_id WHERE s.id = :id", id=stay_id)


def test_somebody_moves_in_today_and_is_a_resident_with_a_number(app, world, superuser, house):
    made = stay(world.owner, world.resident.user_id, house.beds[0])
    assert status(superuser, made) == "current current"
    assert scalar(superuser, "SELECT reference FROM residents") == "R-0001"
    with scope(world.resident) as session:
        assert residents.find_resident(session, house.hostel_id, world.resident.user_id) is not None
    assert refusal(lambda: stay(world.owner, world.resident.user_id, house.beds[1])).message == (
        "This person has a stay in this hostel on some of these days already.")


def test_a_bed_is_never_given_twice_also_from_psql(app, world, superuser, house):
    one, two = people(superuser, world, 2)
    made = stay(world.owner, one, house.beds[0])
    assert refusal(lambda: stay(world.owner, two, house.beds[0])).message == "This bed is not free on all of these days."
    with pytest.raises(Exception, match="bed_allocations_no_bed_twice"):
        scalar(superuser, "INSERT INTO bed_allocations (org_id, hostel_id, bed_id, period, kind, stay_id, user_id) "
                          "SELECT org_id, hostel_id, bed_id, period, kind, stay_id, user_id FROM bed_allocations WHERE stay_id = :id RETURNING 1",
               id=made)


def test_a_change_of_bed_that_is_planned_comes_on_its_day(app, world, superuser, house):
    day, there = today(world.owner), house.beds[2]
    made = stay(world.owner, world.resident.user_id, house.beds[0])
    with scope(world.owner) as session:
        beds.transfer(session, made, there, day + 3 * DAY)
    assert taken(superuser) == {(house.beds[0], "stay", f"[{day},{day + 3 * DAY})"), (there, "stay", f"[{day + 3 * DAY},)")}
    assert scalar(superuser, "SELECT bed_id FROM stays") == house.beds[0]
    at(superuser, timedelta(days=3))
    with tenant_scope(world.a.org_id) as session:
        assert beds.turn(session) == 1
        assert beds.turn(session) == 0
    assert scalar(superuser, "SELECT bed_id FROM stays") == there


def test_two_swap_and_both_keep_their_days(app, world, superuser, house):
    day = today(world.owner)
    one, two = people(superuser, world, 2)
    first, second = stay(world.owner, one, house.beds[0], until=day + 30 * DAY), stay(world.owner, two, house.beds[1])
    with scope(world.owner) as session:
        beds.swap(session, first, second, day)
    assert taken(superuser) == {(house.beds[1], "stay", f"[{day},{day + 30 * DAY})"), (house.beds[0], "stay", f"[{day},)")}


def test_who_leaves_frees_the_bed_for_the_next_in_line_on_that_day(app, world, superuser, house):
    day = today(world.owner)
    one, two = people(superuser, world, 2)
    made = stay(world.owner, one, house.beds[0])
    waiting, _ = held(world.owner, house.beds[0], two, day + 7 * DAY)
    with scope(world.owner) as session:
        beds.end_stay(session, made, day + 5 * DAY)
    assert status(superuser, made) == "current notice"
    assert states(superuser)[waiting] == "offered"
    at(superuser, timedelta(days=5))
    with tenant_scope(world.a.org_id) as session:
        beds.turn(session)
    assert status(superuser, made) == "ended left"


def test_a_repair_blocks_a_bed_until_it_is_done(app, world, superuser, house):
    request = raised(world.resident)
    with scope(world.owner) as session:
        beds.block(session, house.beds[0], today(world.owner), request_id=request)
        assert [block.bed.called for block in beds.blocks_of(session, request)] == ["101-A"]
    assert held(world.owner, house.beds[0], world.resident.user_id)[1] == "queued"
    moved(world.staff, request, "claim", "start", "resolve")
    assert set(states(superuser).values()) == {"offered"}


def test_a_bed_that_somebody_has_is_not_taken_away(app, world, house):
    stay(world.owner, world.resident.user_id, house.beds[0])

    def remove():
        with scope(world.owner) as session:
            rooms.remove_room(session, house.rooms[0])

    assert refusal(remove).message == "Bed 101-A is taken, held or awaited by somebody, now or on a later day."


def test_staff_of_another_house_and_readers_change_nothing(app, world, house):
    made = stay(world.owner, world.resident.user_id, house.beds[0])
    day = today(world.owner)
    for person, code in ((world.outsider, 404), (world.a.people[Role.VIEWER], 403), (world.resident, 403)):
        def end(person=person):
            with scope(person) as session:
                beds.end_stay(session, made, day)
        assert refusal(end).status == code


def test_a_price_has_its_days_and_the_next_one_ends_it(app, world, house):
    day = today(world.owner)
    with scope(world.owner) as session:
        kind = residents.create_room_type(session, {"hostel_id": house.hostel_id, "name": "Double", "capacity": 2, "amenities": ["Bath", " ", "Bath"]})
        assert kind.amenities == ["Bath"]
        rent = {"hostel_id": house.hostel_id, "kind": "rent", "room_type_id": kind.id, "name": "Rent", "valid_from": day - 90 * DAY}
        residents.create_tariff(session, rent | {"amount_paise": 900_000})
        residents.create_tariff(session, rent | {"amount_paise": 950_000, "name": "RENT ", "valid_from": day + 10 * DAY})
        on = {when: [one.amount_paise for one in residents.tariffs_on(session, house.hostel_id, day + when * DAY)] for when in (-100, 0, 9, 10)}
        assert on == {-100: [], 0: [900_000], 9: [900_000], 10: [950_000]}
        old = residents.tariffs_on(session, house.hostel_id, day)[0]
        with pytest.raises(Invalid, match="in force already"):
            residents.edit_tariff(session, old, {"name": "Rent", "amount_paise": 1, "valid_from": old.valid_from})
        rooms.edit_room(session, session.get(Room, house.rooms[0]),
                        {"number": "101", "kind": "shared", "floor_id": house.floor_id, "room_type_id": kind.id})
        made = beds.begin_stay(session, beds.NewStay(world.resident.user_id, house.beds[0], day))
        assert session.get(beds.Stay, made).rent_paise == 900_000
        with pytest.raises(Conflict, match="1 rooms are of this kind"):
            residents.remove_room_type(session, kind.id)


def test_prices_of_one_thing_never_meet(app, world, house):
    day = today(world.owner)

    def twice():
        with scope(world.owner) as session:
            for until in (day + 10 * DAY, None):
                residents.create_tariff(session, {"hostel_id": first_hostel(world.owner), "kind": "mess", "name": "Veg", "amount_paise": 1,
                                                  "valid_from": day, "valid_until": until})

    assert refusal(twice).message == "There is a price for this on some of these days already."
