"""Categories and issue types are changed by those who approve (M1)."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.maintenance import CATEGORIES
from tests.maintenance import category, moved, raised, scope

CATEGORIES_LIST = "/maintenance/categories/list/"


def names(page):
    return re.findall(r'class="row-link"[^>]*>([^<]*)<', page.text)


def key(world, code):
    with scope(world.owner) as session:
        return category(session, code)


def test_the_eight_are_there_in_their_order_with_their_issue_types(app, world, browser):
    assert names(browser(world.owner).get(CATEGORIES_LIST)) == [one.label.replace("&", "&amp;") for one in CATEGORIES]
    with scope(world.owner) as session:
        count = session.execute(text("SELECT count(*) FROM maintenance_issue_types")).scalar_one()
    assert count == sum(len(one.issue_types) for one in CATEGORIES)


def test_a_category_is_added_renamed_removed_and_restored(app, world, browser):
    owner = browser(world.owner)
    assert owner.post("/maintenance/categories/add", {"name": "Lift & stairs", "position": "9"}).status_code == 303
    lift = key(world, "lift_stairs")
    owner.edit(f"/maintenance/categories/edit/{lift}", {"name": "Lift", "position": "9"})
    assert names(owner.get(CATEGORIES_LIST))[-1] == "Lift"
    owner.post(f"/maintenance/categories/delete/{lift}")
    assert "Lift" not in names(owner.get(CATEGORIES_LIST))
    assert "Lift" not in browser(world.resident).get("/my/requests/new").text
    owner.post(f"/maintenance/categories/restore/{lift}")
    assert "Lift" in names(owner.get(CATEGORIES_LIST))


def test_a_category_with_open_requests_stays(app, world, browser):
    request, owner = raised(world.resident, code="wifi"), browser(world.owner)
    answer = owner.post(f"/maintenance/categories/delete/{key(world, 'wifi')}")
    assert answer.status_code == 409
    assert "1 requests of this category are open" in answer.text
    moved(world.owner, request, "reject", note="Not ours")
    assert owner.post(f"/maintenance/categories/delete/{key(world, 'wifi')}").status_code == 303


def test_two_categories_of_one_name_are_refused_at_the_field(app, world, browser):
    answer = browser(world.owner).post("/maintenance/categories/add", {"name": "Plumber"})
    assert answer.status_code == 409
    assert "There is a category of this code already." in answer.text


def test_an_issue_type_is_added_and_offered_to_residents(app, world, browser):
    owner, wifi = browser(world.owner), key(world, "wifi")
    answer = owner.post("/maintenance/issue-types/add", {"category": str(wifi), "name": "Captive portal"})
    assert answer.status_code == 303
    assert "Captive portal" in browser(world.resident).get(f"/my/requests/new?category={wifi}").text
    issue = answer.headers["Location"].rpartition("/")[2]
    owner.post(f"/maintenance/issue-types/delete/{issue}")
    assert "Captive portal" not in browser(world.resident).get(f"/my/requests/new?category={wifi}").text


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER, Role.ACCOUNTANT, Role.MAINTENANCE_STAFF, Role.RESIDENT])
def test_others_change_nothing(app, world, browser, role):
    person = browser(world.a.people[role])
    assert person.post("/maintenance/categories/add", {"name": "Mine"}).status_code == 403
    assert person.post(f"/maintenance/categories/edit/{key(world, 'wifi')}", {"name": "Mine"}).status_code == 403
    assert person.post(f"/maintenance/categories/delete/{key(world, 'wifi')}").status_code == 403
