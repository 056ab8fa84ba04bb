"""Screens of hostels, floors, rooms and beds: what they show to whom, and what becomes of what is typed (T2, T16, P2)."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from app.permissions import Role
from app.rules.organizations import Plan, SubscriptionStatus
from app.services import organizations
from app.tenancy import service_scope
from tests.houses import execute, scalar, statements
from tests.maintenance import raised
from tests.views.conftest import visible

LISTS = ["/hostels/list/", "/floors/list/", "/rooms/list/", "/beds/list/"]


def many(place, **values):
    return {"hostel": place.hostel_id, "floor": place.floor_id, "kind": "shared", "beds": "3", "numbers": "111-114",
            "_once": uuid4(), **values}


@pytest.mark.parametrize("path", LISTS)
def test_lists_take_at_most_six_statements(app, world, browser, superuser, path):
    execute(superuser, """INSERT INTO rooms (org_id, hostel_id, floor_id, number)
        SELECT org_id, hostel_id, id, 'N' || n FROM floors, generate_series(1, 60) n""")
    owner = browser(world.owner)
    with statements(app) as sent:
        assert owner.get(path).status_code == 200
    assert len(sent) <= 6


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.GUARD, Role.MAINTENANCE_STAFF, Role.SALES_AGENT])
def test_those_who_work_there_see_the_house(app, world, browser, path, role):
    assert browser(world.a.people[role]).get(path).status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_residents_do_not(app, world, browser, path):
    assert browser(world.resident).get(path).status_code == 403


def test_a_list_counts_the_beds_of_its_rooms(app, world, browser, superuser):
    execute(superuser, "DELETE FROM beds WHERE id = :bed", bed=world.a.places[0].beds[0])
    page = visible(browser(world.owner).get(f"/rooms/list/?hostel={world.a.places[0].hostel_id}").text)
    assert re.search(r"101 First Asha Homes 1 Shared 1 ", page)
    assert re.search(r"102 First Asha Homes 1 Shared 2 ", page)


def test_another_organizations_room_is_not_found(app, world, browser):
    assert browser(world.outsider).get(f"/rooms/show/{world.a.places[0].rooms[0]}").status_code == 404


def test_a_hostel_shows_its_floors_from_the_top(app, world, browser, superuser):
    execute(superuser, "INSERT INTO floors (org_id, hostel_id, name, level) SELECT org_id, hostel_id, 'Attic', 7 FROM floors "
                       "WHERE id = :floor", floor=world.a.places[0].floor_id)
    page = visible(browser(world.owner).get(f"/hostels/show/{world.a.places[0].hostel_id}").text)
    assert page.index("Attic 0 rooms · 0 beds") < page.index("First 2 rooms · 4 beds")


def house(**given):
    return {"timezone": "Asia/Kolkata", "currency": "INR", "hold_hours": "48", "offer_minutes": "60", "notice_days": "30", "inspection_items": "Keys", "_once": uuid4(), **given}


def test_a_hostel_beyond_the_plan_is_refused_with_the_typed_text_kept(app, world, browser):
    with service_scope("a test") as session:
        organizations.set_plan(session, world.a.org_id, Plan.FREE, SubscriptionStatus.ACTIVE, {})
    answer = browser(world.owner).post("/hostels/add", house(name="A third house", code="H9"))
    assert answer.status_code == 429
    assert "The Free plan allows 1 hostel, and 2 are in use." in visible(answer.text)
    assert "A third house" in answer.text


def test_a_hostel_code_that_is_taken_is_refused(app, world, browser):
    answer = browser(world.owner).post("/hostels/add", house(name="Again", code="H1"))
    assert answer.status_code == 409


def test_a_preview_makes_nothing_and_shows_what_is_there_already(app, world, browser, superuser):
    answer = browser(world.owner).post("/rooms/many", many(world.a.places[0], numbers="101-104", step="preview"))
    page = visible(answer.text)
    assert answer.status_code == 200
    assert "4 rooms, 12 beds 2 rooms are there already" in page
    assert "Make 4 rooms" not in page
    assert scalar(superuser, "SELECT count(*) FROM rooms WHERE org_id = :org", org=world.a.org_id) == 4


def test_many_rooms_are_made_once_however_often_the_form_is_sent(app, world, browser, superuser):
    owner, form = browser(world.owner), many(world.a.places[0], step="create")
    answers = [owner.post("/rooms/many", form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert scalar(superuser, "SELECT count(*) FROM beds WHERE room_id IN (SELECT id FROM rooms WHERE number LIKE '11_')") == 12


@pytest.mark.parametrize(("values", "words"), [
    ({"numbers": "114-111"}, "is no range"), ({"numbers": "<script>"}, "A room number has"), ({"beds": "0"}, "1 to 26 beds"),
    ({"beds": "x"}, "Please give a whole number from 0 to 26."), ({"kind": "common"}, "A common room has no beds"), ({"floor": ""}, "Please fill this in"),
    ({"kind": "palace"}, "look at the marked fields"), ({"kind": ""}, "Choose one from the list"), ({"numbers": ""}, "Please fill this in"), ({"numbers": "1" * 3000}, "2000")])
def test_what_cannot_be_made_is_refused_beside_its_field(app, world, browser, values, words):
    answer = browser(world.owner).post("/rooms/many", many(world.a.places[0], **values))
    assert answer.status_code == 422
    assert words in visible(answer.text)


def test_the_floor_of_another_hostel_is_refused(app, world, browser):
    here, there = world.a.places
    answer = browser(world.owner).post("/rooms/many", many(here, floor=there.floor_id, step="create"))
    assert "Choose a floor of this hostel" in visible(answer.text)


def test_who_may_only_look_makes_no_rooms(app, world, browser):
    assert browser(world.a.people[Role.VIEWER]).post("/rooms/many", many(world.a.places[0])).status_code == 403


def test_one_room_is_made_with_its_beds(app, world, browser, superuser):
    place = world.a.places[0]
    answer = browser(world.owner).post("/rooms/add", {"hostel": place.hostel_id, "floor": place.floor_id, "number": " 1-b ",
                                                      "kind": "shared", "beds": "2", "note": "", "_once": uuid4()})
    assert answer.status_code == 303
    assert scalar(superuser, "SELECT count(*) FROM beds b JOIN rooms r ON r.id = b.room_id WHERE r.number = '1-B'") == 2


def test_beds_are_added_and_taken_away_on_the_rooms_page(app, world, browser):
    place, owner = world.a.places[0], browser(world.owner)
    page = f"/rooms/show/{place.rooms[0]}"
    assert owner.post(f"/rooms/add-beds/{place.rooms[0]}", {"count": "2"}).status_code == 303
    assert "Beds C, D added." in visible(owner.get(page).text)
    owner.post(f"/rooms/remove-bed/{place.rooms[0]}/{place.beds[0]}")
    assert "101-A" not in visible(owner.get(page).text)
    owner.post(f"/beds/restore/{place.beds[0]}")
    assert "101-A" in visible(owner.get(page).text)


def test_a_bed_of_another_room_is_not_taken_away_here(app, world, browser, superuser):
    place = world.a.places[0]
    assert browser(world.owner).post(f"/rooms/remove-bed/{place.rooms[0]}/{place.beds[3]}").status_code == 404
    assert scalar(superuser, "SELECT deleted_at FROM beds WHERE id = :bed", bed=place.beds[3]) is None


@pytest.mark.parametrize("count", ["", "0", "x", "999999", "٣"])
def test_no_number_of_beds_is_refused(app, world, browser, count):
    answer = browser(world.owner).post(f"/rooms/add-beds/{world.a.places[0].rooms[0]}", {"count": count})
    assert answer.status_code == 422


def test_a_rooms_page_shows_what_waits_for_repair_to_those_who_may_see_it(app, world, browser):
    room = world.a.places[0].rooms[0]
    raised(world.owner, hostel_id=world.a.places[0].hostel_id, room_id=room)
    assert "MR-0001" in visible(browser(world.staff).get(f"/rooms/show/{room}").text)
    assert "MR-0001" not in visible(browser(world.a.people[Role.GUARD]).get(f"/rooms/show/{room}").text)


def test_a_room_with_open_requests_is_not_removed(app, world, browser):
    room = world.a.places[0].rooms[0]
    raised(world.owner, hostel_id=world.a.places[0].hostel_id, room_id=room)
    answer = browser(world.owner).post(f"/rooms/delete/{room}")
    assert answer.status_code == 409
    assert "This room has open maintenance requests (1): close them first." in visible(answer.text)


def test_a_removed_hostel_is_among_the_deleted_ones_and_comes_back(app, world, browser):
    empty, owner = world.a.places[1].hostel_id, browser(world.owner)
    assert owner.post(f"/hostels/delete/{empty}").status_code == 303
    assert "Asha Homes 2" not in visible(owner.get("/hostels/list/").text.partition("<main")[2]).replace("Hostel removed", "")
    assert "Asha Homes 2" in visible(owner.get("/hostels/list/?deleted=1").text)
    assert owner.post(f"/hostels/restore/{empty}").status_code == 303
    assert "Asha Homes 2" in visible(owner.get("/hostels/list/").text)
