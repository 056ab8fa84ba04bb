"""The bell: everybody's own notifications, read once (N1's in-app channel)."""

from __future__ import annotations

import re

import pytest

from app.services.notifications import PAGE, Message, tell
from app.tenancy import tenant_scope

BELL = "/notifications/"


def told(person, key="k", link="/maintenance/requests/list/", title="MR-0001: Escalated"):
    with tenant_scope(person.org_id) as session:
        tell(session, [person.user_id], Message("maintenance.step", key, title, person.hostel_id, link, "Since <noon>"))


def opening(page):
    return re.findall(r'action="(/notifications/open/[^"]+)"', page.text)


def test_what_was_told_is_shown_and_counted_until_it_is_opened(app, world, browser):
    told(world.staff)
    staff = browser(world.staff)
    page = staff.get(BELL)
    assert "MR-0001: Escalated" in page.text
    assert "Since &lt;noon&gt;" in page.text
    assert "1 unread" in page.text
    answer = staff.post(opening(page)[0])
    assert (answer.status_code, answer.headers["Location"]) == (303, "/maintenance/requests/list/")
    assert 'aria-label="Notifications"' in staff.get("/maintenance/requests/list/").text  # without a number
    assert opening(staff.get(f"{BELL}?unread=1")) == []
    assert len(opening(staff.get(BELL))) == 1


def test_all_are_read_at_once(app, world, browser):
    for number in range(3):
        told(world.resident, key=str(number))
    resident = browser(world.resident)
    assert resident.post(f"{BELL}read").status_code == 303
    assert opening(resident.get(f"{BELL}?unread=1")) == []


def test_others_notifications_do_not_exist(app, world, browser):
    told(world.staff)
    link = opening(browser(world.staff).get(BELL))[0]
    for person in (world.owner, world.resident, world.outsider):
        somebody = browser(person)
        assert opening(somebody.get(BELL)) == []
        assert somebody.post(link).status_code == 404
    assert "1 unread" in browser(world.staff).get(BELL).text


@pytest.mark.parametrize("link", ["https://example.org/", "//example.org/", "javascript:alert(1)", ""])
def test_a_notification_leads_nowhere_else(app, world, browser, link):
    told(world.staff, link=link)
    staff = browser(world.staff)
    assert staff.post(opening(staff.get(BELL))[0]).headers["Location"] == BELL


def test_pages_go_on(app, world, browser, superuser):
    for number in range(PAGE + 2):
        told(world.staff, key=str(number))
    staff = browser(world.staff)
    first = staff.get(BELL)
    older = staff.get(re.search(r'href="([^"]*before=[^"]*)"', first.text)[1].replace("&amp;", "&"))
    assert (len(opening(first)), len(opening(older))) == (PAGE, 2)


@pytest.mark.parametrize("key", ["x", "0198c0de-0000-7000-8000-000000000000"])
def test_what_is_none_is_not_found(app, world, browser, key):
    assert browser(world.staff).post(f"{BELL}open/{key}").status_code == 404
    assert browser(world.staff).get(f"{BELL}?before=yesterday").status_code == 400
