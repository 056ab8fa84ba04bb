"""Two people at one form: what only one changed is kept, what both changed is for the second to choose."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import text

from app.permissions import Role
from tests.views.conftest import ORG_A, PLACES, VENDORS
from tests.views.test_base_forms import filled, version


def hidden(page, name):
    return unescape(re.search(rf'name="{name}" value="([^"]*)"', page.text)[1])


def opened(page):
    return {"_version": hidden(page, "_version"), "_was": hidden(page, "_was"), "state": "open"}


@pytest.fixture
def both(workshop):
    """A ticket, and what a form that was opened before somebody else saved would send."""
    ticket = workshop.ticket("Tap leaks", notes="by the window", vendor_id=VENDORS[ORG_A])
    mine = opened(workshop.get(f"/tickets/edit/{ticket}"))
    workshop.post(f"/tickets/edit/{ticket}", filled(**{
        **mine, "title": "Tap drips", "notes": "by the door", "vendor": "", "due_on": "2026-05-01"}))
    return f"/tickets/edit/{ticket}", mine


def test_what_only_they_changed_is_taken_over_and_what_both_changed_is_asked(workshop, both):
    path, mine = both
    page = workshop.post(path, filled(**mine, title="Tap sprays", notes="by the window", vendor=str(VENDORS[ORG_A]), due_on=""))
    assert page.status_code == 409
    assert re.findall(r'data-conflict="(\w+)" data-theirs="([^"]*)"', page.text) == [("title", "Tap drips")]
    assert 'value="Tap sprays"' in page.text
    assert "by the door</textarea>" in page.text
    assert "Taken over from what was saved: Notes, Vendor, Due." in page.text
    assert workshop.only().title == "Tap drips"
    again = {**opened(page), "title": "Tap sprays", "notes": "by the door", "due_on": "2026-05-01"}
    assert workshop.post(path, filled(**again)).status_code == 303
    ticket = workshop.only()
    assert (ticket.title, ticket.notes, ticket.vendor_id) == ("Tap sprays", "by the door", None)


def test_what_only_i_changed_is_no_conflict(workshop, both):
    path, mine = both
    page = workshop.post(path, filled(**mine, title="Tap leaks", notes="by the window", vendor=str(VENDORS[ORG_A]), cost_paise="5"))
    assert "data-conflict" not in page.text
    assert 'value="5"' in page.text
    assert 'value="Tap drips"' in page.text


def test_a_form_refused_for_something_else_still_knows_what_it_was_opened_with(workshop, both):
    path, mine = both
    page = workshop.post(path, filled(**mine, title="", cost_paise="much"))
    assert page.status_code == 422
    assert hidden(page, "_version") == mine["_version"]
    assert hidden(page, "_was") == mine["_was"]


@pytest.mark.parametrize("was", ["", "x", "[]", '{"title": 7}', "{" * 2000])
def test_marks_that_are_none_make_everything_a_question(workshop, both, was):
    path, mine = both
    page = workshop.post(path, filled(**{**mine, "_was": was}, title="Tap sprays", notes="by the window"))
    assert page.status_code == 409
    assert {"title", "notes"} <= set(re.findall(r'data-conflict="(\w+)"', page.text))


def test_an_open_form_can_ask_whether_somebody_saved(workshop, both):
    path, mine = both
    key = path.rpartition("/")[2]
    fresh = workshop.get(f"/tickets/version/{key}", query_string={"seen": mine["_version"]}).get_json()
    assert fresh["said"] == "Somebody saved this just now."
    assert fresh["version"] == version(workshop.get(path))
    assert workshop.get(f"/tickets/version/{key}", query_string={"seen": fresh["version"]}).get_json()["said"] == ""
    assert workshop.get(f"/places/version/{PLACES[ORG_A]}").status_code == 404  # nobody changes places here


def test_who_saved_is_named_where_the_reader_may_know(app, world, browser):
    room = f"/rooms/edit/{world.a.places[0].rooms[0]}"
    values = {"floor": str(world.a.places[0].floor_id), "number": "101", "kind": "shared"}
    owner, administrator = browser(world.owner), browser(world.a.people[Role.ADMINISTRATOR])
    mine = opened(administrator.get(room))
    assert owner.edit(room, {**values, "note": "Painted"}).status_code == 303
    page = administrator.post(room, {**values, **mine, "note": "Wet"})
    assert page.status_code == 409
    assert f"{world.owner.name} saved this just now." in page.text


def test_a_role_changed_meanwhile_is_not_overwritten(app, world, browser, superuser):
    """The portal may not lock memberships: the function that changes them compares the version."""
    viewer = world.a.people[Role.VIEWER]
    with superuser.begin() as connection:
        role = connection.scalar(text("SELECT id FROM memberships WHERE user_id = :user"), {"user": viewer.user_id})
    owner, path = browser(world.owner), f"/members/edit/{role}"
    mine = opened(owner.get(path))
    assert owner.edit(path, {"valid_from": "", "valid_until": "2040-01-01T00:00"}).status_code == 303
    for stale in (mine, {}):
        answer = owner.post(path, {"valid_from": "", "valid_until": "2041-01-01T00:00", **stale})
        assert answer.status_code == 409
        assert 'value="2041-01-01T00:00"' in answer.text
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT valid_until::date::text FROM memberships WHERE id = :id"), {"id": role})[:4] in {"2039", "2040"}


def test_the_function_itself_refuses_a_version_that_is_over(app, world, superuser):
    from app.models.people import Membership
    from app.rules.people import MemberStatus
    from app.services.people import members
    from tests.maintenance import refusal, scope

    with scope(world.owner) as session:
        role = session.query(Membership).filter_by(user_id=world.a.people[Role.VIEWER].user_id).one()
        key, seen = role.id, role.updated_at

    def change():
        with scope(world.owner) as session:
            members.change_role(session, key, MemberStatus.ACTIVE, valid_from=None, valid_until=None, version=seen)

    with superuser.begin() as connection:
        connection.execute(text("UPDATE memberships SET valid_until = '2040-01-01' WHERE id = :id"), {"id": key})
    assert refusal(change).status == 409
