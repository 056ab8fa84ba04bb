"""Every screen of every role: usable by everybody in light and dark, fitting a phone, free of codes and of trouble."""

from __future__ import annotations

import pytest

from app.permissions import Role
from tests.browser.screens import WIDER, faults, screens, words_and_width
from tests.browser.windows import NARROW
from tests.maintenance import moved, raised
from tests.world import Person

pytestmark = pytest.mark.browser
SEEN: set[str] = set()  # what has been looked at thoroughly, by endpoint


@pytest.fixture(scope="module")
def something_everywhere(house, people):
    """Requests in several states, with words."""
    with house.app.app_context():
        first, second, third = (raised(person, description="It drips") for person in (people.resident, people.owner, people.owner))
        moved(people.staff, first, "claim", "start")
        moved(people.staff, second, "claim", "start", "resolve", note="A new washer")
        moved(people.owner, third, "reject", note="It is not ours")


def look(page, house, endpoints=None):
    """What is wrong with the screens of whoever sits here, thoroughly with those that nobody has looked at before."""
    wrong = []
    for endpoint, path in screens(house.app, page.context, only=endpoints):
        page.goto(path)
        wrong += words_and_width(page, endpoint) if endpoint in SEEN else faults(page, endpoint)
        SEEN.add(endpoint)
    return wrong


@pytest.mark.parametrize("role", [Role.OWNER, Role.HOSTEL_MANAGER, Role.RESIDENT])
def test_screens_of(role, windows, people, house, something_everywhere):
    page = windows.context(people.a.people[role], viewport=NARROW).new_page()
    assert look(page, house) == []


def test_screens_of_the_platform(windows, people, house):
    admin = Person(house.world.super_admin, None, "Platform Admin", "platform@example.org", Role.SUPER_ADMIN, None)
    assert look(windows.context(admin, viewport=NARROW).new_page(), house) == []


def test_the_home_of_every_role(windows, people, house):
    wrong = []
    for person in people.a.people.values():
        wrong += look(windows.context(person, viewport=NARROW).new_page(), house, {"HomeView.index"})
    assert wrong == []


def test_the_doors(windows, people, house):
    """What one sees before signing in."""
    assert look(windows.context(viewport=NARROW).new_page(), house) == []


def test_a_long_filter_and_an_open_menu_of_views_fit_a_phone(windows, people):
    page = windows.open(people.owner, f"/maintenance/requests/list/?q={'W' * 180}", viewport=NARROW)
    page.locator(".saved-views > summary").click()
    page.get_by_role("button", name="Save as a new view").click(trial=True)
    assert page.evaluate(WIDER) == ""
