"""The command palette finds what the caller may open, by name or reference, in one statement."""

from __future__ import annotations

import pytest

from app.permissions import Role
from tests.houses import execute, statements
from tests.maintenance import raised


def found(someone, typed):
    """(group, label) of what is found."""
    answer = someone.get("/palette/search", query_string={"q": typed})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return [(hit["group"], hit["label"]) for hit in answer.json["found"]]


@pytest.mark.parametrize("typed", ["MR-1", "mr 0001", "#1", "1", "request 1"])
def test_a_request_is_found_by_its_reference(app, world, browser, typed):
    raised(world.resident)
    assert ("Maintenance requests", "MR-0001") in found(browser(world.staff), typed)
    assert ("Maintenance requests", "MR-0001") not in found(browser(world.outsider), typed)


def test_a_request_is_found_by_what_it_is_about(app, world, browser):
    raised(world.resident, place="Behind the kitchen")
    assert found(browser(world.staff), "kitch") == [("Maintenance requests", "MR-0001")]
    assert found(browser(world.resident), "kitch") == [("My requests", "MR-0001")]
    assert found(browser(world.staff), "itchen") == []


@pytest.mark.parametrize("typed", ["reside", "RESID", "member resident"])
def test_people_are_found_by_those_who_may_see_the_members(app, world, browser, typed):
    assert ("Members", "Resident A") in found(browser(world.owner), typed)
    assert found(browser(world.staff), typed) == []
    assert ("Members", "Resident A") not in found(browser(world.outsider), typed)


def test_people_are_found_by_their_last_name(app, world, browser, superuser):
    execute(superuser, "UPDATE members SET name = 'Asha van Pillai' WHERE user_id = :user", user=world.resident.user_id)
    assert found(browser(world.owner), "pilla") == [("Members", "Asha van Pillai")]


def test_houses_rooms_and_beds_are_found_within_reach(app, world, browser):
    assert found(browser(world.staff), "asha") == [("Hostels", "Asha Homes 1 H1")]
    assert len(found(browser(world.owner), "room 101")) == 2
    assert ("Beds", "101-A") in found(browser(world.staff), "101-a")


def test_a_found_row_says_what_it_is_and_opens(app, world, browser):
    raised(world.resident)
    staff = browser(world.staff)
    hit = staff.get("/palette/search?q=mr-1").json["found"][0]
    assert hit["detail"] == "Plumber · Asha Homes 1 · Submitted"
    assert staff.get(hit["url"]).status_code == 200


def test_a_found_row_offers_its_next_steps(app, world, browser):
    request_id = raised(world.resident)
    staff = browser(world.staff)
    hit = staff.get("/palette/search?q=mr-1").json["found"][0]
    steps = {step["label"]: step for step in staff.get(hit["steps"]).json["steps"]}
    assert steps["Claim"] | {"icon": ""} == {
        "label": "Claim", "icon": "", "url": f"/maintenance/requests/move/{request_id}", "fields": {"event": "claim"}, "posts": True}
    assert browser(world.outsider).get(hit["steps"]).status_code == 404
    assert browser(world.resident).get(hit["steps"]).status_code == 404
    assert staff.get(f"/palette/steps/MemberView/{request_id}").status_code == 404


def test_a_search_is_one_statement_beside_the_binding(app, world, browser):
    owner = browser(world.owner)
    with statements(app) as sent:
        found(owner, "101")
    assert len(sent) == 2


@pytest.mark.parametrize("typed", ["", " ", "\x00", "%", "_", "\\", "'", "a" * 5000, "\U0010ffff", "99999999999999999999", "नमस्ते"])
def test_whatever_is_typed_is_answered(app, world, browser, typed):
    assert found(browser(world.owner), typed) == []


def test_every_page_offers_what_the_caller_may_make_and_no_more(app, world, browser):
    page = browser(world.owner).get("/").text
    assert 'href="/invitations/add"' in page
    assert "/members/add" not in browser(world.a.people[Role.VIEWER]).get("/").text
    assert "/my/requests/new" in browser(world.resident).get("/").text
