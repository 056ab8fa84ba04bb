"""Residents raise and follow their own requests, and learn neither who does the work nor what others raised (M7, M9)."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import text

from app.permissions import Role
from app.rules.errors import Forbidden, NotFound
from app.rules.maintenance import DAILY_REQUEST_LIMIT, REOPEN_WINDOW
from app.services import maintenance
from app.services.maintenance import Assignee, residents
from tests.maintenance import at, category, first_hostel, moved, raised, refusal, scope

MINE = "/my/requests/"


def form(world, **values):
    with scope(world.resident) as session:
        plumber = category(session)
    return {"category": str(plumber), "hostel": str(world.resident.hostel_id), "priority": "normal", **values}


def picture(name="photo.png"):
    content = io.BytesIO()
    Image.new("RGB", (30, 20), "teal").save(content, "PNG")
    content.seek(0)
    return content, name, "image/png"


def test_a_request_is_raised_in_two_steps_with_photos(app, world, browser):
    resident = browser(world.resident)
    links = re.findall(r'href="(/my/requests/new\?category=[^"]+)"', resident.get(f"{MINE}new").text)
    assert len(links) == 8
    assert resident.get(links[1]).status_code == 200
    answer = resident.post(f"{MINE}new", form(world, room=str(world.a.places[0].rooms[1]), description="Tap drips",
                                              files=[picture("a.png"), picture("b.png")]))
    assert answer.status_code == 303
    page = resident.get(answer.headers["Location"]).text
    for words in ("MR-0001", "Room 102", "Tap drips", "a.png", "b.png"):
        assert words in page, words


def test_photos_open_for_the_resident_and_for_staff_through_links_of_their_own(app, world, browser):
    resident = browser(world.resident)
    where = resident.post(f"{MINE}new", form(world, files=[picture("a.png")])).headers["Location"]
    link = re.search(r'href="(/files/[^"]+)"', resident.get(where).text)[1]
    assert resident.get(link, buffered=True).status_code == 200
    assert browser(world.staff).get(link).status_code == 404
    staff = browser(world.staff)
    theirs = re.search(r'href="(/files/[^"]+)"', staff.get(f"/maintenance/requests/show/{where.rpartition('/')[2]}").text)[1]
    assert staff.get(theirs, buffered=True).status_code == 200


@pytest.mark.parametrize(("changes", "status"), [
    ({"description": "x" * 4001}, 422), ({"place": "x" * 300}, 422), ({"priority": "urgent"}, 422), ({"room": "ELSEWHERE"}, 422),
    ({"hostel": "ELSEWHERE"}, 422), ({"issue_type": "x"}, 422), ({"files": (io.BytesIO(b"MZ" + b"\0" * 99), "a.jpg", "image/jpeg")}, 415)])
def test_bad_input_gets_a_sentence_and_what_was_typed_stays(app, world, browser, superuser, changes, status):
    values = form(world, **{"place": "Behind the stairs", **changes})
    values = {name: {"room": str(world.a.places[1].rooms[0]), "hostel": str(world.a.places[1].hostel_id)}.get(name, value)
              if value == "ELSEWHERE" else value for name, value in values.items()}
    answer = browser(world.resident).post(f"{MINE}new", values)
    assert answer.status_code == status
    assert values["place"] in answer.text
    assert re.search(r'class="error"|role="alert"', answer.text)
    with superuser.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM maintenance_requests")) == 0


def test_the_eleventh_of_the_day_is_refused_and_its_text_kept(app, world, browser):
    for _ in range(DAILY_REQUEST_LIMIT):
        raised(world.resident)
    answer = browser(world.resident).post(f"{MINE}new", form(world, description="The ceiling is wet"))
    assert answer.status_code == 429
    assert "You have raised 10 requests today" in answer.text
    assert "The ceiling is wet" in answer.text


def test_a_form_sent_twice_makes_one_request(app, world, browser, superuser):
    resident, values = browser(world.resident), form(world, _once=str(uuid4()))
    first, second = (resident.post(f"{MINE}new", values) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    with superuser.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM maintenance_requests")) == 1


def test_the_page_says_what_happened_and_never_who_did_it(app, world, browser):
    request = raised(world.resident, description="Tap drips")
    moved(world.owner, request, "assign", note=f"{world.staff.name}, please", assignee=Assignee(world.staff.user_id))
    moved(world.staff, request, "start", "hold", note="Waiting for a washer")
    browser(world.staff).post(f"/maintenance/requests/comment/{request}", {"body": "Tomorrow at noon"})
    resident = browser(world.resident)
    resident.post(f"{MINE}{request}/comment", {"body": "Thank you"})
    page = resident.get(f"{MINE}{request}").text
    for words in ("Waiting for a washer", "Tomorrow at noon", "The hostel", "Thank you"):
        assert words in page, words
    for name in (world.staff.name, world.owner.name):
        assert name not in page


@pytest.mark.parametrize("sql", [
    "SELECT user_id FROM maintenance_assignments", "SELECT changed_by FROM maintenance_status_history",
    "SELECT note FROM maintenance_status_history", "SELECT user_id FROM maintenance_comments",
    "SELECT user_id FROM maintenance_attachments", "SELECT created_by FROM maintenance_requests",
    "SELECT * FROM maintenance_request_facts", "UPDATE maintenance_requests SET status = 'resolved'",
    "UPDATE maintenance_requests SET priority = 'high'", "DELETE FROM maintenance_comments",
    "SELECT app.people_who_can('maintenance', 'update', NULL)", "SELECT app.maintenance_open_by_category(NULL)"])
def test_a_residents_portal_reaches_none_of_it_in_sql_either(app, world, sql):
    moved(world.staff, raised(world.resident), "claim")

    def run():
        with scope(world.resident) as session:
            session.execute(text(sql))

    assert isinstance(refusal(run), Forbidden)


def test_what_staff_write_to_each_other_is_not_for_residents(app, world):
    request = raised(world.resident)
    moved(world.owner, request, "assign", note="Ask Ravi", assignee=Assignee(world.staff.user_id))
    moved(world.owner, request, "escalate", note="Ravi is ill")
    with scope(world.resident) as session:
        notes = session.execute(text("SELECT public_note FROM maintenance_status_history")).scalars().all()
    assert set(notes) == {""}


def test_others_requests_do_not_exist(app, world, browser):
    other = raised(world.staff)  # the same hostel, another person's
    resident = browser(world.resident)
    assert resident.get(f"{MINE}{other}").status_code == 404
    assert "MR-0001" not in resident.get(MINE).text
    for path, fields in (("comment", {"body": "x"}), ("dispute", {"note": "x"}), ("attach", {"files": picture()})):
        assert resident.post(f"{MINE}{other}/{path}", fields).status_code == 404, path
    for key in (uuid4(), "x", "x" * 300):
        assert resident.get(f"{MINE}{key}").status_code == 404
    with scope(world.resident) as session:
        assert session.execute(text("SELECT count(*) FROM maintenance_requests")).scalar_one() == 0
        assert isinstance(refusal(lambda: residents.own_request(session, other)), NotFound)


def test_residents_raise_nothing_in_another_hostel(app, world):
    assert isinstance(refusal(lambda: raised(world.resident, hostel_id=world.a.places[1].hostel_id)), NotFound)
    assert first_hostel(world.resident) == world.a.places[0].hostel_id


def test_it_is_not_fixed(app, world, browser, superuser):
    request, resident = raised(world.resident), browser(world.resident)
    assert "It is not fixed" not in resident.get(f"{MINE}{request}").text
    moved(world.staff, request, "claim", "start", "resolve", note="Done")
    assert "It is not fixed" in resident.get(f"{MINE}{request}").text
    assert resident.post(f"{MINE}{request}/dispute", {"note": " "}).status_code == 422
    assert resident.post(f"{MINE}{request}/dispute", {"note": "Drips again"}).status_code == 303
    assert "Drips again" in browser(world.staff).get(f"/maintenance/requests/show/{request}").text


def test_after_a_week_it_is_another_request(app, world, browser, superuser):
    at(superuser, -REOPEN_WINDOW - timedelta(hours=1))
    request = raised(world.resident)
    moved(world.staff, request, "claim", "start", "resolve")
    at(superuser, timedelta(0))
    resident = browser(world.resident)
    assert "It is not fixed" not in resident.get(f"{MINE}{request}").text
    answer = resident.post(f"{MINE}{request}/dispute", {"note": "Drips again"})
    assert answer.status_code == 409
    assert "please raise a new one" in answer.text


def test_a_removed_request_is_gone(app, world, browser):
    request = raised(world.resident)
    with scope(world.owner) as session:
        maintenance.remove(session, request)
    assert browser(world.resident).get(f"{MINE}{request}").status_code == 404


def test_the_list_goes_on_where_a_page_ends(app, world, browser, superuser):
    for day in range(4):
        at(superuser, timedelta(days=day - 4))
        for _ in range(9):
            raised(world.resident)
    resident = browser(world.resident)
    first = resident.get(MINE).text
    older = re.search(r'href="([^"]*before=[^"]*)"', first)[1].replace("&amp;", "&")
    pages = [set(re.findall(r"MR-\d{4}", page)) for page in (first, resident.get(older).text)]
    assert [len(page) for page in pages] == [residents.PAGE, 6]
    assert not pages[0] & pages[1]
    assert resident.get(f"{MINE}?before=yesterday").status_code == 400


@pytest.mark.parametrize("role", [Role.OWNER, Role.MAINTENANCE_STAFF, Role.PENDING_RESIDENT])
def test_the_pages_are_for_residents(app, world, browser, role):
    assert browser(world.a.people[role]).get(MINE).status_code == 403


# A double click sends the second form before the first one's answer, and so its cookie, has arrived: another browser's.


def count(superuser, table):
    with superuser.connect() as connection:
        return connection.scalar(text(f"SELECT count(*) FROM {table}"))


def test_a_double_click_makes_one_request_and_both_lead_to_it(app, world, browser, superuser):
    once = str(uuid4())
    answers = [browser(world.resident).post(f"{MINE}new", form(world, _once=once, files=[picture()])) for _ in range(3)]
    assert [(answer.status_code, answer.headers["Location"]) for answer in answers] == [(303, f"{MINE}{once}")] * 3
    assert (count(superuser, "maintenance_requests"), count(superuser, "maintenance_attachments")) == (1, 1)


def test_a_request_sent_twice_as_the_last_of_the_day_is_not_called_one_too_many(app, world, browser):
    for _ in range(DAILY_REQUEST_LIMIT - 1):
        raised(world.resident)
    values = form(world, _once=str(uuid4()))
    assert [browser(world.resident).post(f"{MINE}new", values).status_code for _ in range(2)] == [303, 303]


def test_the_id_of_somebody_elses_request_leads_nowhere(app, world, browser):
    other = raised(world.staff)
    assert browser(world.resident).post(f"{MINE}new", form(world, _once=str(other))).status_code == 409


def test_a_remark_sent_twice_is_one_and_other_words_are_another(app, world, browser, superuser):
    request, once = raised(world.resident), str(uuid4())
    assert browser(world.resident).get(f"{MINE}{request}").text.count('name="_once"') == 2
    for body in ("Any news?", "Any news?", "Thank you"):
        answer = browser(world.resident).post(f"{MINE}{request}/comment", {"body": body, "_once": once})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{MINE}{request}")
    assert count(superuser, "maintenance_comments") == 2
    assert count(superuser, "outbox WHERE kind = 'maintenance.commented'") == 2


def test_photos_sent_twice_are_attached_once(app, world, browser, superuser):
    request, once = raised(world.resident), str(uuid4())
    for _ in range(2):
        values = {"_once": once, "files": [picture(f"{number}.png") for number in range(3)]}
        assert browser(world.resident).post(f"{MINE}{request}/attach", values).status_code == 303
    assert (count(superuser, "maintenance_attachments"), count(superuser, "files")) == (3, 3)


def test_two_clicks_at_the_same_moment_are_one_submission_too(app, world, browser, superuser):
    request = raised(world.resident)
    posts = [(f"{MINE}{request}/comment", lambda: {"body": "Any news?"}),
             (f"{MINE}{request}/attach", lambda: {"files": [picture(f"{n}.png") for n in range(3)]}),
             (f"{MINE}new", lambda: form(world, description="Tap drips"))]
    clients = [browser(world.resident) for _ in range(4)]
    for path, values in posts:
        once, start = str(uuid4()), Barrier(len(clients))
        sent = [{**values(), "_once": once} for _ in clients]

        def click(number, path=path, sent=sent, start=start):
            start.wait(timeout=30)
            return clients[number].post(path, sent[number]).status_code

        with ThreadPoolExecutor(len(clients)) as threads:
            assert list(threads.map(click, range(len(clients)))) == [303] * len(clients), path
    counted = [count(superuser, f"maintenance_{table}") for table in ("comments", "attachments", "requests")]
    assert counted == [1, 3, 2]
