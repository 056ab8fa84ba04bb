"""What happened to a row: moves, remarks, files and edits in one column, as much of it as the reader may know."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.services.maintenance import Assignee
from tests.maintenance import at, moved, raised, scope
from tests.views.conftest import visible
from tests.views.test_base_statements import statements

MOST = 8  # binding, the row, its timeline, names of what edits refer to, its people


def show(request):
    return f"/maintenance/requests/show/{request}"


def told(page):
    """The column as its reader sees it, newest first."""
    return [visible(entry).strip() for entry in re.findall(r'<li class="timeline-.*?</li>', page.text, re.DOTALL)]


def edit(browser, person, request, **values):
    with scope(person) as session:
        category = session.scalar(text("SELECT category_id FROM maintenance_requests WHERE id = :id"), {"id": request})
    answer = browser(person).edit(f"/maintenance/requests/edit/{request}", {"category": str(category), "priority": "normal", **values})
    assert answer.status_code == 303


def test_moves_remarks_hands_and_edits_stand_in_one_column_newest_first(app, world, browser):
    request = raised(world.resident, description="Tap drips")
    moved(world.owner, request, "assign", assignee=Assignee(world.staff.user_id))
    browser(world.resident).post(f"/my/requests/{request}/comment", {"body": "Any news?"})
    moved(world.staff, request, "start")
    edit(browser, world.owner, request, description="Tap sprays", place="Kitchen")
    edited, started, remark, *_ = entries = told(browser(world.owner).get(show(request)))
    assert edited.startswith(f"{world.owner.name} edited this")
    assert "Description Tap drips Tap sprays" in edited
    assert started.startswith(f"{world.staff.name} moved it to In progress")
    assert remark.startswith(world.resident.name)
    assert "Any news?" in remark
    assert f"It went into the hands of {world.staff.name}" in " ".join(entries)
    assert "raised it" in entries[-1]


def test_who_may_not_read_the_audit_log_learns_that_somebody_edited_but_not_what(app, world, browser):
    request = raised(world.resident, description="Tap drips")
    edit(browser, world.owner, request, description="Tap sprays")
    entries = told(browser(world.staff).get(show(request)))
    assert entries[0].startswith(f"{world.owner.name} edited this")
    assert "Tap drips" not in entries[0]


def test_edits_are_told_to_nobody_of_another_hostel_or_organization(app, world, browser, superuser):
    """Whoever asks the function itself."""
    request = raised(world.resident, hostel_id=world.a.places[0].hostel_id)
    edit(browser, world.owner, request, description="Tap sprays")
    ask = text("SELECT count(*) FROM app.edits_of('maintenance_requests', :row, 'maintenance', 'status')")
    with superuser.begin() as connection:
        connection.execute(text("UPDATE memberships SET hostel_id = :other WHERE user_id = :who"),
                           {"other": world.a.places[1].hostel_id, "who": world.a.people[Role.HOSTEL_MANAGER].user_id})
    counted = {}
    for person in (world.owner, world.staff, world.outsider, world.a.people[Role.HOSTEL_MANAGER]):
        with scope(person) as session:
            counted[person.name] = session.scalar(ask, {"row": str(request)})
    assert list(counted.values()) == [1, 1, 0, 0]


def test_masked_values_stay_masked_and_references_are_named(app, world, browser):
    room, owner = world.a.places[0].rooms[0], browser(world.owner)
    owner.post("/floors/add", {"hostel": str(world.a.places[0].hostel_id), "level": "2", "name": "Second"})
    with scope(world.owner) as session:
        floor = session.scalar(text("SELECT id FROM floors WHERE name = 'Second'"))
        person = session.scalar(text("SELECT id FROM team_members"))
    assert owner.edit(f"/rooms/edit/{room}", {"floor": str(floor), "number": "101", "kind": "shared"}).status_code == 303
    assert "Floor First Second" in told(owner.get(f"/rooms/show/{room}"))[0]
    owner.edit(f"/team/edit/{person}", {"name": "Another Plumber", "member_type": "maintenance", "phone": "+91 98220 12345"})
    entry = told(owner.get(f"/team/show/{person}"))[0]
    assert "•••" in entry
    assert "98220" not in entry


def test_a_long_story_comes_in_pages_without_gaps_or_repeats(app, world, browser, superuser):
    request, staff = raised(world.resident), browser(world.staff)
    with superuser.begin() as connection:  # all at the same moment: the order must still be one
        connection.execute(text(
            "INSERT INTO maintenance_comments (org_id, hostel_id, request_id, user_id, by_staff, body, created_at) SELECT :org, :hostel, "
            ":request, :user, true, 'remark ' || n, '2026-01-01T00:00Z' FROM generate_series(1, 45) n"),
            {"org": world.staff.org_id, "hostel": world.staff.hostel_id, "request": request, "user": world.staff.user_id})
    seen, address = [], show(request)
    while address:
        page = staff.get(address)
        seen += re.findall(r">(remark \d+|.*raised it)<?", page.text)
        links = re.findall(r'data-earlier="([^"]+)"', page.text)
        address = links[0].replace("&amp;", "&") if links else ""
    assert len(seen) == 46
    assert len(set(seen)) == 46
    assert "Back to the newest" not in staff.get(show(request)).text


@pytest.mark.parametrize("place", ["x", "2026-01-01~a~b", "2026-01-01T00:00+00:00", "2026-01-01T00:00:00+00:00~a~%00", "9" * 300])
def test_a_broken_link_to_earlier_events_is_refused_with_a_sentence(app, world, browser, place):
    answer = browser(world.owner).get(f"{show(raised(world.resident))}?before={place}")
    assert answer.status_code == 422
    assert "Open the page again" in answer.text


def test_a_page_with_a_full_story_takes_few_statements(app, world, browser, superuser):
    at(superuser, timedelta(days=-1))
    request = raised(world.resident, room_id=world.a.places[0].rooms[0])
    at(superuser, timedelta(0))
    for note in range(12):
        moved(world.staff, request, *(["claim"] if note == 0 else ["release", "claim"]))
    for room in world.a.places[0].rooms:
        edit(browser, world.owner, request, room=str(room))
    owner = browser(world.owner)
    with statements() as seen:
        page = owner.get(show(request))
    assert len(told(page)) == 20
    assert len(seen) <= MOST, seen


def test_an_answer_quotes_what_it_answers_also_after_that_was_taken_back(app, world, browser):
    request, staff = raised(world.resident), browser(world.staff)
    staff.post(f"/maintenance/requests/comment/{request}", {"body": "Which tap?"})
    first = re.search(r'id="event-([^"]+)"', staff.get(show(request)).text)[1]
    staff.post(f"/maintenance/requests/comment/{request}", {"body": "The left one", "parent_id": first})
    assert "Which tap? The left one" in told(staff.get(show(request)))[0]
    staff.post(f"/maintenance/requests/uncomment/{request}/{first}")
    assert "An answer to a comment that was removed The left one" in told(staff.get(show(request)))[0]
