"""What people do all day, in a browser: come in, find things, act on many, be interrupted, work in two places."""

from __future__ import annotations

import re

import pytest

from app.permissions import Role
from app.rules.maintenance import Priority, RequestStatus
from tests.browser.windows import PASSWORD
from tests.maintenance import found, moved, raised

pytestmark = pytest.mark.browser
LIST, ADD = "/maintenance/requests/list/", "/maintenance/categories/add"


def sign_in(page, person):
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def switch_to(page, name):
    page.locator(".switcher > summary").first.click()
    page.locator(".switcher[open]").get_by_role("button", name=name).click()
    page.get_by_text(f"You now work in {name}.").wait_for()


def palette(page, typed):
    """Type into the palette and take what it finds first."""
    page.keyboard.press("Control+k")
    page.keyboard.type(typed)
    page.locator("#palette-list [role=option]").first.wait_for()


def test_one_signs_in_and_comes_to_where_one_wanted(windows, people):
    page = windows.open(None, LIST)
    sign_in(page, people.both)
    page.get_by_role("heading", level=1, name="Maintenance requests").wait_for()
    assert page.url.endswith(LIST)


def test_one_works_in_another_organization(windows, people):
    page = windows.open(people.both)
    windows.expect(r"409 \S+/home/now$")  # what the page left behind asks for while it is being left
    switch_to(page, people.b.name)
    page.goto("/hostels/list/")
    assert "Banyan Stays 1" in page.locator("main").inner_text()
    assert "Asha Homes 1" not in page.locator("main").inner_text()


def test_the_palette_finds_a_request_by_its_reference(windows, people):
    reference = found(people.owner, raised(people.owner)).reference
    page = windows.open(people.owner)
    palette(page, reference)
    page.locator("#palette-list [role=option]", has_text=reference).wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name=re.compile(reference)).wait_for()


def test_everything_is_done_by_the_keyboard_alone(windows, people):
    """From the door to a claimed request, without touching the mouse."""
    request = raised(people.owner, priority=Priority.HIGH)
    page = windows.open(None)
    page.locator("input[name=email]").focus()
    page.keyboard.type(people.both.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("[data-open-palette]").wait_for()
    palette(page, "board")
    page.keyboard.press("Enter")
    page.wait_for_selector("#board[data-ready]")
    for _ in range(120):  # past the whole sidebar
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.board-link')"):
            break
    for _ in range(20):
        if page.evaluate("document.activeElement.closest('.board-card')?.id") == f"card-{request}":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#board-steps [role=menuitem]").first.wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Claim"
    page.keyboard.press("Enter")
    page.locator(f"[data-state=assigned] #card-{request}:not(.busy)").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1).wait_for()
    assert str(request) in page.url


def test_a_view_that_is_kept_and_shared_is_there_for_the_other(windows, people):
    raised(people.owner, priority=Priority.HIGH)
    page = windows.open(people.owner, f"{LIST}?priority=high")
    page.locator(".saved-views > summary").click()
    page.get_by_label("Name").fill("What cannot wait")
    page.get_by_label("For everybody who may open this list").check()
    page.get_by_role("button", name="Save as a new view").click()
    page.locator(".saved-views > summary", has_text="What cannot wait").wait_for()
    other = windows.open(people.a.people[Role.HOSTEL_MANAGER], LIST)
    other.locator(".saved-views > summary").click()
    other.get_by_role("link", name=re.compile("What cannot wait.*Owner A")).click()
    other.locator(".saved-views > summary", has_text="What cannot wait").wait_for()
    assert "High" in other.locator(".chips").inner_text()


def test_many_are_claimed_at_once_and_one_is_told_which_were_not(windows, people):
    windows.expect("409|422")
    free, taken = raised(people.owner), raised(people.owner)
    moved(people.staff, taken, "claim")
    page = windows.open(people.owner, LIST)
    for one in (free, taken):
        page.locator(f"input[name=rowid][value='{one}']").check()
    page.get_by_role("button", name="Claim").click()
    outcome = page.locator(".outcome")
    outcome.wait_for()
    assert found(people.owner, taken).reference in outcome.inner_text()
    assert "claimed this request already" in outcome.inner_text()
    assert found(people.owner, free).state is RequestStatus.ASSIGNED


def test_what_was_typed_outlives_the_session(windows, people, house):
    windows.expect("401 .*/live/")  # the page behind notices too
    page = windows.open(people.both, ADD)
    page.get_by_label("Name").fill("Lifts and stairs")
    house.end_sessions(people.both)
    page.get_by_role("button", name="Add the category").click()
    page.wait_for_url(re.compile("/login"))
    sign_in(page, people.both)
    page.get_by_role("heading", level=1, name="New category").wait_for()
    assert page.get_by_label("Name").input_value() == "Lifts and stairs"
    page.get_by_role("button", name="Add the category").click()
    page.get_by_role("heading", level=1, name="Lifts and stairs").wait_for()


def test_two_tabs_in_two_organizations_never_mix(windows, people):
    windows.expect("409")
    first = windows.open(people.both, ADD)
    first.get_by_label("Name").fill("Meant for Asha Homes")
    second = first.context.new_page()
    second.goto("/")
    switch_to(second, people.b.name)
    first.get_by_role("button", name="Add the category").click()
    first.get_by_text(f"This form was opened in {people.a.name}, and you now work in {people.b.name}. Nothing was saved.").wait_for()
    assert first.get_by_label("Name").input_value() == "Meant for Asha Homes"
    second.goto("/maintenance/categories/list/")
    assert "Meant for" not in second.locator("main").inner_text()


def test_pages_are_light(windows, people, house):
    """HTML of a list, and everything that a first visit fetches; all of that is kept for ever under its fingerprint."""
    for _ in range(3):
        raised(people.owner)
    page = windows.context(people.owner).new_page()
    fetched = {}
    page.on("response", lambda one: fetched.update({one.url: one}) if "/static/" in one.url else None)
    answer = page.goto(f"{LIST}?size=25")
    page.wait_for_load_state("networkidle")
    assert len(answer.body()) <= 60_000
    weight = {url: one.request.sizes()["responseBodySize"] for url, one in fetched.items()}
    assert weight
    assert sum(weight.values()) <= 250_000, weight
    for url, one in fetched.items():
        assert "immutable" in one.headers.get("cache-control", ""), url
        assert re.search(r"-[A-Z0-9]{8}\.\w+$", url), url
