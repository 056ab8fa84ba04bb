"""The list of requests and the page of one, for staff (M1–M7)."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import text

from app.permissions import Role
from app.rules.maintenance import Priority, RequestStatus
from app.services.maintenance import Assignee
from tests.maintenance import at, category, first_hostel, moved, raised, scope
from tests.views.test_base_statements import statements

LIST = "/maintenance/requests/list/"


def show(request):
    return f"/maintenance/requests/show/{request}"


def references(page):
    return re.findall(r'class="row-link"[^>]*>(MR-\d+)', page.text)


def buttons(page):
    return set(re.findall(r'name="event" value="(\w+)"', page.text))


def state(superuser, request):
    with superuser.connect() as connection:
        return connection.scalar(text("SELECT status FROM maintenance_requests WHERE id = :id"), {"id": request})


def picture(name="photo.png"):
    content = io.BytesIO()
    Image.new("RGB", (30, 20), "teal").save(content, "PNG")
    content.seek(0)
    return content, name, "image/png"


# --- the list -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["owner", "staff"])
def test_the_list_with_its_relations_takes_six_statements_at_most(app, world, browser, who):
    for _ in range(30):
        moved(world.staff, raised(world.staff, for_user=world.resident.user_id, room_id=world.a.places[0].rooms[0]), "claim")
    person = browser(getattr(world, who))
    with statements() as seen:
        page = person.get(LIST)
    assert page.text.count(world.staff.name) >= 25
    assert len(seen) <= 6, seen


def test_staff_see_the_requests_of_their_hostel_and_owners_all(app, world, browser):
    raised(world.owner)
    raised(world.owner, hostel_id=world.a.places[1].hostel_id)
    raised(world.outsider)
    assert len(references(browser(world.staff).get(LIST))) == 1
    assert len(references(browser(world.owner).get(LIST))) == 2


@pytest.mark.parametrize(("query", "expected"), [
    ("overdue=yes", ["MR-0001"]), ("mine=yes", ["MR-0002"]), ("status=assigned", ["MR-0002"]), ("priority=high", ["MR-0003"]),
    ("q=MR-0003", ["MR-0003"]), ("q=dripping", ["MR-0002"]), ("status=resolved", []), ("overdue=yes&status=assigned", [])])
def test_the_list_is_narrowed(app, world, browser, superuser, query, expected):
    at(superuser, timedelta(days=-3))
    raised(world.resident)
    at(superuser, timedelta(0))
    moved(world.staff, raised(world.resident, description="Tap is dripping"), "claim")
    raised(world.resident, priority=Priority.HIGH)
    assert references(browser(world.staff).get(f"{LIST}?{query}")) == expected


@pytest.mark.parametrize("query", ["overdue=maybe", "mine=1", "status=broken", "priority=urgent", "category=x", "sort=description",
                                   "after=zzz"])
def test_a_filter_that_cannot_be_read_is_refused(app, world, browser, query):
    assert browser(world.owner).get(f"{LIST}?{query}").status_code == 400


@pytest.mark.parametrize("sort", ["number", "-number", "status", "-priority", "resolve_by", "-resolve_by", "raised_at"])
def test_columns_sort_where_an_index_does(app, world, browser, sort):
    for _ in range(3):
        raised(world.owner)
    assert len(references(browser(world.owner).get(f"{LIST}?sort={sort}"))) == 3


def test_several_are_claimed_at_once_and_each_refusal_is_told(app, world, browser):
    free, taken = raised(world.owner), raised(world.owner)
    moved(world.owner, taken, "claim")
    page = browser(world.staff)
    after = page.post("/maintenance/requests/action_post", {"action": "claim", "rowid": [str(free), str(taken)]}).text
    assert "Claim: 1 row." in after
    assert "Owner A has claimed this request already." in after


@pytest.mark.parametrize("role", [Role.RESIDENT, Role.GUARD, Role.BOT_TRAINER, Role.PENDING_RESIDENT])
def test_the_list_is_not_for_everybody(app, world, browser, role):
    assert browser(world.a.people[role]).get(LIST).status_code == 403


# --- one request ----------------------------------------------------------------------------------------------


def test_the_page_tells_the_whole_story(app, world, browser):
    request = raised(world.resident, description="Tap is dripping", place="Kitchen")
    moved(world.owner, request, "assign", assignee=Assignee(world.staff.user_id))
    moved(world.staff, request, "start")
    moved(world.staff, request, "hold", note="Waiting for a washer")
    browser(world.resident).post(f"/my/requests/{request}/comment", {"body": "Any news?"})
    page = browser(world.staff).get(show(request)).text
    for words in ("Tap is dripping", "Kitchen", "Asha Homes 1", "clock stopped", "Waiting for a washer", "Any news?",
                  "It went into the hands of", world.staff.name, world.resident.name):
        assert words in page, words


@pytest.mark.parametrize(("events", "who", "expected"), [
    ([], "staff", {"claim"}), ([], "owner", {"claim", "assign", "mark_unassigned", "escalate", "reject"}),
    (["claim"], "staff", {"release", "start", "hold", "escalate"}), (["claim", "start"], "staff", {"hold", "resolve", "escalate"}),
    (["claim", "start", "hold"], "staff", {"resume", "escalate"}), (["claim", "start", "resolve"], "staff", {"reopen"})])
def test_the_page_offers_what_this_person_may_do_now(app, world, browser, events, who, expected):
    request = raised(world.resident)
    moved(world.staff, request, *events)
    page = browser(getattr(world, who)).get(show(request))
    assert buttons(page) == expected


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ACCOUNTANT, Role.MEMBER])
def test_those_who_only_look_are_offered_nothing(app, world, browser, role):
    page = browser(world.a.people[role]).get(show(raised(world.resident)))
    assert page.status_code == 200
    assert buttons(page) == set()
    assert "/requests/edit/" not in page.text


def test_steps_are_taken_from_the_page(app, world, browser, superuser):
    request, staff = raised(world.resident), browser(world.staff)
    for event, note in (("claim", ""), ("start", ""), ("resolve", "New washer")):
        answer = staff.post(f"/maintenance/requests/move/{request}", {"event": event, "note": note})
        assert answer.status_code == 303
    assert state(superuser, request) == RequestStatus.RESOLVED
    assert "New washer" in staff.get(show(request)).text


def test_a_step_that_is_not_possible_is_refused_with_a_sentence(app, world, browser):
    request = raised(world.resident)
    answer = browser(world.owner).post(f"/maintenance/requests/move/{request}", {"event": "resolve"})
    assert answer.status_code == 409
    assert "This maintenance request is submitted, so that is not possible any more." in answer.text
    assert "Traceback" not in answer.text


def test_a_missing_reason_is_asked_for_and_what_was_typed_stays(app, world, browser):
    request = raised(world.resident)
    answer = browser(world.owner).post(f"/maintenance/requests/move/{request}", {"event": "reject", "note": " "})
    assert answer.status_code == 422
    assert "Please say why." in answer.text
    long = "x" * 4001
    answer = browser(world.owner).post(f"/maintenance/requests/move/{request}", {"event": "reject", "note": long})
    assert answer.status_code == 422
    assert long in answer.text


def test_a_request_is_assigned_and_handed_over_from_the_page(app, world, browser):
    request, owner = raised(world.resident), browser(world.owner)
    owner.post(f"/maintenance/requests/move/{request}", {"event": "assign", "user_id": world.staff.user_id})
    assert world.staff.name in owner.get(show(request)).text
    owner.post(f"/maintenance/requests/hand-over/{request}", {"outside_party": "Sharma & Sons"})
    assert "Sharma &amp; Sons" in owner.get(show(request)).text


@pytest.mark.parametrize("fields", [{"user_id": "x"}, {"user_id": "999999999"}, {"user_id": "99999999999"}, {},
                                    {"outside_party": "x" * 121}, {"user_id": "1", "outside_party": "Both"}])
def test_an_assignee_that_cannot_be_is_refused(app, world, browser, fields):
    request = raised(world.resident)
    answer = browser(world.owner).post(f"/maintenance/requests/move/{request}", {"event": "assign", **fields})
    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["show/{}", "edit/{}", "show/x", "show/" + "9" * 300])
def test_requests_of_others_and_malformed_ids_look_alike(app, world, browser, path):
    request = raised(world.outsider)
    assert browser(world.owner).get(f"/maintenance/requests/{path.format(request)}").status_code == 404


@pytest.mark.parametrize("path", ["move", "comment", "hand-over", "attach", "delete"])
def test_posts_about_requests_of_others_find_nothing(app, world, browser, path):
    request = raised(world.outsider)
    for key in (request, uuid4(), "x"):
        answer = browser(world.owner).post(f"/maintenance/requests/{path}/{key}", {
            "event": "claim", "body": "x", "user_id": "1", "files": picture()})
        assert answer.status_code == 404, key


def test_a_comment_is_escaped_and_kept_when_it_is_too_long(app, world, browser):
    request, staff = raised(world.resident), browser(world.staff)
    assert staff.post(f"/maintenance/requests/comment/{request}", {"body": "<script>alert(1)</script> مرحبا 🚿"}).status_code == 303
    page = staff.get(show(request)).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; مرحبا 🚿" in page
    answer = staff.post(f"/maintenance/requests/comment/{request}", {"body": "y" * 4001})
    assert answer.status_code == 422
    assert "y" * 4001 in answer.text


# --- files ------------------------------------------------------------------------------------------------------


def attach(person, request, *files):
    return person.post(f"/maintenance/requests/attach/{request}", {"files": list(files)})


def test_a_photo_is_attached_and_shown_through_a_signed_link(app, world, browser):
    request, staff = raised(world.resident), browser(world.staff)
    assert attach(staff, request, picture("leak.png")).status_code == 303
    page = staff.get(show(request)).text
    link = re.search(r'href="(/files/[^"]+)"[^>]*>leak.png', page)[1]
    assert staff.get(link, buffered=True).status_code == 200
    assert browser(world.owner).get(link).status_code == 404


def test_the_sixth_file_is_refused(app, world, browser):
    request, staff = raised(world.resident), browser(world.staff)
    assert attach(staff, request, *(picture(f"{n}.png") for n in range(5))).status_code == 303
    answer = attach(staff, request, picture("6.png"))
    assert answer.status_code == 429
    assert "A request takes 5 files" in answer.text


def test_six_at_once_are_refused_altogether(app, world, browser, superuser):
    request, staff = raised(world.resident), browser(world.staff)
    assert attach(staff, request, *(picture(f"{n}.png") for n in range(6))).status_code == 429
    with superuser.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM maintenance_attachments")) == 0


@pytest.mark.parametrize(("content", "name", "status"), [
    (b"MZ\x90\x00" + b"\x00" * 100, "photo.jpg", 415), (b"", "photo.jpg", 422), (b"%PDF-1.7\n", "photo.png", 415)])
def test_what_is_no_photo_is_refused_with_a_sentence(app, world, browser, content, name, status):
    answer = attach(browser(world.staff), raised(world.resident), (io.BytesIO(content), name, "image/jpeg"))
    assert answer.status_code == status
    assert "Traceback" not in answer.text


# --- forms ------------------------------------------------------------------------------------------------------


def new(world, **values):
    with scope(world.owner) as session:
        plumber = category(session)
    return {"hostel": str(first_hostel(world.owner)), "category": str(plumber), "priority": "normal", **values}


def test_a_request_is_raised_by_staff_for_a_resident(app, world, browser):
    answer = browser(world.staff).post("/maintenance/requests/add", new(
        world, room=str(world.a.places[0].rooms[0]), description="Tap drips", requester=str(world.resident.user_id)))
    assert answer.status_code == 303
    page = browser(world.owner).get(answer.headers["Location"]).text
    assert "Room 101" in page
    assert world.resident.name in page
    assert "Tap drips" in browser(world.resident).get("/my/requests/").text


@pytest.mark.parametrize(("changes", "words"), [
    ({"room": "OTHER"}, "This room is in another hostel."), ({"place": "x" * 300}, "200"), ({"priority": "urgent"}, ""),
    ({"category": ""}, ""), ({"description": "x" * 5000}, "4000"), ({"hostel": "x"}, "")])
def test_bad_input_is_refused_at_its_field_and_kept(app, world, browser, changes, words):
    values = new(world, **{"description": "Tap drips", **changes})
    if values.get("room") == "OTHER":
        values["room"] = str(world.a.places[1].rooms[0])
    answer = browser(world.owner).post("/maintenance/requests/add", values)
    assert answer.status_code == 422
    assert values["description"] in answer.text
    assert words in answer.text


def test_a_form_sent_twice_makes_one_request(app, world, browser, superuser):
    owner, values = browser(world.owner), new(world, _once=str(uuid4()))
    first, second = (owner.post("/maintenance/requests/add", values) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    with superuser.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM maintenance_requests")) == 1


def test_a_correction_offers_the_rooms_of_its_hostel_and_changes_the_clock(app, world, browser):
    request, owner = raised(world.resident), browser(world.owner)
    form = owner.get(f"/maintenance/requests/edit/{request}").text
    offered = re.search(r'data-combobox="([^"]*options/room[^"]*)"', form)[1]
    rooms = owner.get(offered.replace("&amp;", "&")).get_json()["options"]
    assert {room["value"] for room in rooms} == {str(room) for room in world.a.places[0].rooms}
    values = new(world, priority="high", place="Kitchen", description="Tap drips")
    assert owner.edit(f"/maintenance/requests/edit/{request}", values).status_code == 303
    assert "Kitchen" in owner.get(show(request)).text


def test_a_removed_request_is_shown_to_those_who_may_restore_it(app, world, browser):
    request, owner = raised(world.resident), browser(world.owner)
    assert owner.post(f"/maintenance/requests/delete/{request}").status_code == 303
    assert references(owner.get(LIST)) == []
    assert browser(world.staff).get(show(request)).status_code == 404
    assert references(owner.get(f"{LIST}?deleted=1")) == ["MR-0001"]
    page = owner.get(show(request))
    assert buttons(page) == set()
    assert owner.post(f"/maintenance/requests/restore/{request}").status_code == 303
    assert references(owner.get(LIST)) == ["MR-0001"]


def test_a_remark_and_its_photos_sent_twice_by_a_double_click_are_kept_once(app, world, browser, superuser):
    request, once = raised(world.resident), str(uuid4())
    for _ in range(2):  # a browser each: the second click leaves before the first one's cookie arrives
        staff = browser(world.staff)
        assert staff.post(f"/maintenance/requests/comment/{request}", {"body": "Tomorrow", "_once": once}).status_code == 303
        files = {"files": [picture()], "_once": once}
        assert staff.post(f"/maintenance/requests/attach/{request}", files).status_code == 303
    with superuser.connect() as connection:
        first = connection.scalar(text("SELECT id FROM maintenance_comments"))
        assert connection.scalar(text("SELECT count(*) FROM maintenance_attachments")) == 1
    for _ in range(2):
        answer = {"body": "Tomorrow", "parent_id": str(first), "_once": once}
        assert browser(world.staff).post(f"/maintenance/requests/comment/{request}", answer).status_code == 303
    with superuser.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM maintenance_comments")) == 2
