"""Screens of occupancy, holds, residents, kinds of rooms and prices (T2, O4, O10)."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import text

from app.permissions import Role
from tests.beds import DAY, held, people, states, stay, taken, today
from tests.houses import execute, scalar, statements
from tests.maintenance import raised, scope

BUDGET = 3


def page(who, path):
    answer = who.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


@pytest.fixture
def house(world):
    return world.a.places[0]


@pytest.fixture
def owner(browser, world):
    return browser(world.owner)


def test_two_thousand_beds_by_sixty_days_are_read_in_one_statement_and_drawn_a_floor_at_a_time(app, world, superuser, owner, house):
    execute(superuser, """
        SET LOCAL session_replication_role = replica; -- without ten thousand audit rows
        INSERT INTO floors (org_id, hostel_id, name, level) SELECT :org, :hostel, 'Floor ' || n, n FROM generate_series(2, 11) n;
        INSERT INTO rooms (org_id, hostel_id, floor_id, number) SELECT org_id, hostel_id, id, level || '-' || n
          FROM floors, generate_series(1, 50) n WHERE level BETWEEN 2 AND 11 AND hostel_id = :hostel;
        INSERT INTO beds (org_id, hostel_id, room_id, label) SELECT org_id, hostel_id, id, chr(64 + n)
          FROM rooms, generate_series(1, 4) n WHERE number LIKE '%-%' AND hostel_id = :hostel;
        INSERT INTO bed_allocations (org_id, hostel_id, bed_id, period, kind)
          SELECT org_id, hostel_id, id, daterange(current_date + n * 20, current_date + n * 20 + 15), 'block' FROM beds, generate_series(-1, 2) n
          WHERE hostel_id = :hostel""", org=world.a.org_id, hostel=house.hostel_id)
    floor = scalar(superuser, "SELECT id FROM floors WHERE level = 7")
    page(owner, "/occupancy/")
    with statements(app) as sent:
        html = page(owner, f"/occupancy/?hostel={house.hostel_id}&days=60&floor={floor}")
    assert len([one for one in sent if "bed_allocations" in one]) == 1
    assert len(sent) <= BUDGET
    assert html.count('<th scope="row">') == 200
    assert "7-1-A" in html
    assert "8-1-A" not in html


def test_the_grid_says_in_words_who_has_which_bed_when(app, world, owner, house):
    stay(world.owner, world.resident.user_id, house.beds[0])
    html = page(owner, "/occupancy/")
    assert re.search(r'aria-label="101-A: Taken, Resident A, .* – .*"', html)
    assert owner.get("/occupancy/?from=soon").status_code == 400
    assert owner.get(f"/occupancy/?hostel={world.b.places[0].hostel_id}").status_code == 404


def test_a_bed_is_held_waited_for_confirmed_and_moved_into_by_its_pages(app, world, superuser, owner, house):
    one, two = people(superuser, world, 2)
    day = today(world.owner).isoformat()
    assert "Hold for somebody" in page(owner, f"/beds/show/{house.beds[0]}")
    for person in (one, two):
        assert owner.post(f"/beds/hold/{house.beds[0]}", {"member": person, "from_on": day, "until_on": ""}).status_code == 303
    html = page(owner, f"/beds/show/{house.beds[0]}")
    assert html.index(f"Person {one}") < html.index(f"Person {two}")
    assert "data-countdown" in html
    first = scalar(superuser, "SELECT id FROM bed_holds WHERE state = 'held'")
    assert owner.post(f"/holds/release/{first}", {"note": "They found a flat"}).status_code == 303
    second = scalar(superuser, "SELECT id FROM bed_holds WHERE state = 'offered'")
    assert "They found a flat" in page(owner, f"/holds/show/{first}")
    assert owner.post(f"/holds/accept/{second}").status_code == owner.post(f"/holds/confirm/{second}").status_code == 303
    assert states(superuser)[second] == "confirmed"
    assert owner.post(f"/holds/confirm/{second}").status_code == 409
    refused = owner.post(f"/beds/hold/{house.beds[1]}", {"member": one, "from_on": "soon"})
    assert (refused.status_code, "Please give a date." in refused.get_data(as_text=True)) == (422, True)


def test_somebody_moves_in_changes_beds_and_moves_out_on_their_page(app, world, superuser, owner, house):
    day = today(world.owner)
    assert owner.post(f"/beds/move-in/{house.beds[0]}", {"member": world.resident.user_id, "from_on": day.isoformat()}).status_code == 303
    resident = scalar(superuser, "SELECT id FROM residents")
    assert "Resident A" in page(owner, "/residents/list/")
    assert "101-A" in page(owner, f"/residents/show/{resident}")
    assert owner.post(f"/residents/transfer/{resident}", {"bed": house.beds[2], "on": (day + DAY).isoformat()}).status_code == 303
    (other,) = people(superuser, world, 1)
    theirs = stay(world.owner, other, house.beds[1])
    assert owner.post(f"/residents/swap/{resident}", {"other": theirs, "on": (day + 2 * DAY).isoformat()}).status_code == 303
    assert owner.post(f"/residents/end/{resident}", {"on": (day + 3 * DAY).isoformat()}).status_code == 303
    assert (house.beds[1], "stay", f"[{day + 2 * DAY},{day + 3 * DAY})") in taken(superuser)
    assert "Leaving soon" in page(owner, "/residents/list/?status=notice")


def test_a_repair_keeps_a_bed_empty_from_the_page_of_its_request(app, world, superuser, owner, house):
    request = raised(world.resident, room_id=house.rooms[0])
    assert "Keep a bed empty" in page(owner, f"/maintenance/requests/show/{request}")
    assert owner.post(f"/maintenance/requests/block-bed/{request}", {"bed": house.beds[0], "from_on": today(world.owner).isoformat()}).status_code == 303
    assert "Beds that stay empty for it" in page(owner, f"/maintenance/requests/show/{request}")
    html = page(owner, "/beds/list/?state=blocked")
    assert "101-A" in html
    assert "101-B" not in html
    assert owner.post(f"/beds/unblock/{house.beds[0]}").status_code == 303
    assert taken(superuser) == set()


def test_kinds_of_rooms_and_prices_are_written_down_and_kept(app, world, superuser, owner, house):
    made = owner.post("/room-types/add", {"hostel": house.hostel_id, "name": "Double", "capacity": 2, "amenities": "Bath, Desk,"})
    assert made.status_code == 303
    kind = scalar(superuser, "SELECT id FROM room_types WHERE amenities = '{Bath,Desk}'")
    day = today(world.owner)
    rent = {"hostel": house.hostel_id, "kind": "rent", "room_type": kind, "name": "Rent", "amount_paise": "9,500", "valid_until": ""}
    assert owner.post("/tariffs/add", rent | {"valid_from": (day - DAY).isoformat()}).status_code == 303
    old = scalar(superuser, "SELECT id FROM tariffs")
    refused = owner.edit(f"/tariffs/edit/{old}", {"name": "Rent", "amount_paise": "1", "valid_from": (day - DAY).isoformat(), "valid_until": ""})
    assert (refused.status_code, "in force already" in refused.get_data(as_text=True)) == (422, True)
    assert owner.post("/tariffs/add", rent | {"valid_from": (day + 30 * DAY).isoformat()}).status_code == 303
    assert scalar(superuser, "SELECT valid_until FROM tariffs WHERE id = :id", id=old) == day + timedelta(days=30)
    assert "₹9,500.00" in page(owner, "/tariffs/list/?now=yes")
    assert owner.edit(f"/rooms/edit/{house.rooms[0]}", {"number": "101", "kind": "shared", "room_type": kind, "floor": house.floor_id}).status_code == 303
    assert "Double" in page(owner, f"/rooms/show/{house.rooms[0]}")


def test_readers_see_and_change_nothing_and_other_houses_see_nothing(app, world, superuser, browser, house):
    made = stay(world.owner, world.resident.user_id, house.beds[0])
    hold, _ = held(world.owner, house.beds[1], people(superuser, world, 1)[0])
    resident = scalar(superuser, "SELECT resident_id FROM stays WHERE id = :id", id=made)
    viewer, outsider, sales = browser(world.a.people[Role.VIEWER]), browser(world.outsider), browser(world.a.people[Role.SALES_AGENT])
    assert "Moves out" not in page(viewer, f"/residents/show/{resident}")
    assert viewer.post(f"/holds/release/{hold}").status_code == 403
    assert outsider.get(f"/holds/show/{hold}").status_code == outsider.get(f"/residents/show/{resident}").status_code == 404
    assert "Resident A, " in page(sales, "/occupancy/")
    assert world.resident.name in page(sales, f"/beds/show/{house.beds[0]}")
    for path in ("/residents/list/", f"/residents/show/{resident}", "/holds/list/", f"/holds/show/{hold}"):
        html = page(sales, path)
        assert "/residents/end/" not in html
        assert "/holds/release/" not in html
    assert world.resident.name in page(sales, "/residents/list/")
    assert world.resident.email not in page(sales, f"/residents/show/{resident}")
    assert sales.post(f"/holds/release/{hold}").status_code == sales.post(f"/residents/end/{resident}").status_code == 403
    with scope(world.resident) as session:
        assert session.scalar(text("SELECT count(*) FROM bed_holds")) == 0


@pytest.mark.parametrize("path", ["/residents/list/", "/holds/list/", "/room-types/list/", "/tariffs/list/", "/beds/list/", "/occupancy/"])
def test_lists_keep_the_budget_of_statements(app, world, superuser, owner, house, path):
    for person, bed in zip(people(superuser, world, 3), house.beds, strict=False):
        stay(world.owner, person, bed)
        held(world.owner, bed, person)
    page(owner, path)
    with statements(app) as sent:
        page(owner, path)
    assert len(sent) <= BUDGET + (path == "/beds/list/"), sent  # which asks what all of them are today


def test_photos_of_a_room_are_shown_to_residents_until_they_are_removed(app, world, superuser, owner, browser, house):
    picture = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(picture, "JPEG")
    sent = owner.post(f"/rooms/add-photos/{house.rooms[0]}", {"files": (BytesIO(picture.getvalue()), "room.jpg", "image/jpeg")})
    assert sent.status_code == 303
    assert "Photo 1 of room 101" in page(owner, f"/rooms/show/{house.rooms[0]}")
    with scope(world.resident) as session:
        assert session.scalar(text("SELECT count(*) FROM files")) == 1
    photo = scalar(superuser, "SELECT id FROM room_photos")
    assert owner.post(f"/rooms/remove-photo/{house.rooms[1]}/{photo}").status_code == 404
    assert owner.post(f"/rooms/remove-photo/{house.rooms[0]}/{photo}").status_code == 303
    with scope(world.resident) as session:
        assert session.scalar(text("SELECT count(*) FROM files")) == 0
    assert owner.post(f"/rooms/add-photos/{house.rooms[0]}", {"files": (BytesIO(b"%PDF-1.7"), "a.jpg", "image/jpeg")}).status_code == 415
