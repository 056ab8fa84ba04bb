"""The sidebar marks where one is, stays as it was left, and has a place for each count."""

from __future__ import annotations

import re

import pytest

from app.permissions import Role
from tests.houses import execute
from tests.maintenance import raised


def sidebar(page):
    return re.search(r'<nav class="sidebar".*?</nav>', page.text, re.DOTALL)[0]


def closed(page):
    return re.findall(r'data-section="(\w+)">', sidebar(page))


def test_it_marks_the_screen_also_on_the_page_of_a_row(app, world, browser):
    request_id = raised(world.resident)
    staff = browser(world.staff)
    for path in ("/maintenance/requests/list/", f"/maintenance/requests/show/{request_id}"):
        (current,) = re.findall(r'href="([^"]+)"[^>]*aria-current="page"', sidebar(staff.get(path)))
        assert current == "/maintenance/requests/list/"


def test_sections_stay_closed_but_the_one_where_one_is(app, world, browser):
    owner = browser(world.owner)
    assert closed(owner.get("/")) == []
    owner.http.set_cookie("sidebar", "Houses.People")
    assert closed(owner.get("/")) == ["Houses", "People"]
    assert closed(owner.get("/rooms/list/")) == ["People"]


def test_narrow_it_shows_all(app, world, browser):
    owner = browser(world.owner)
    owner.http.set_cookie("sidebar", "narrow.Houses")
    page = owner.get("/")
    assert "shell sidebar-narrow" in page.text
    assert closed(page) == []


@pytest.mark.parametrize("kept", ["", "…", "narrow..", '"><script>'])
def test_whatever_the_cookie_says(app, world, browser, kept):
    owner = browser(world.owner)
    owner.http.set_cookie("sidebar", kept)
    assert owner.get("/").status_code == 200


def test_only_who_works_in_two_portals_chooses_one(app, world, browser, superuser):
    assert 'name="portal"' not in sidebar(browser(world.owner).get("/"))
    execute(superuser, "INSERT INTO memberships (org_id, user_id, role, hostel_id) VALUES (:org, :user, 'maintenance_staff', :hostel)",
            org=world.a.org_id, user=world.a.people[Role.MEMBER].user_id, hostel=world.a.places[0].hostel_id)
    assert set(re.findall(r'name="portal" value="(\w+)"', sidebar(browser(world.a.people[Role.MEMBER]).get("/")))) == {
        "portal_admin", "portal_management"}


def test_counts_have_their_place(app, world, browser):
    assert set(re.findall(r'data-counter="(\w+)"', sidebar(browser(world.owner).get("/")))) == {
        "requests", "invitations", "imports", "dead_letters", "inquiries", "submissions", "proposals", "orders", "low_stock"}
    assert re.findall(r'data-counter="(\w+)"', sidebar(browser(world.resident).get("/"))) == ["my_requests"]
