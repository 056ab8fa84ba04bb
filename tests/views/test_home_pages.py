"""The home page says what needs doing, to each who asks; each number is what the list behind it counts."""

from __future__ import annotations

import html
import re

import pytest

from app.permissions import Role
from app.rules.maintenance import Priority
from app.services.maintenance import sweep
from app.tenancy import service_scope
from tests.houses import execute, statements
from tests.maintenance import moved, raised
from tests.views.conftest import visible
from tests.world import Person

LATE = "UPDATE maintenance_requests SET clock_started_at = clock_timestamp() - interval '30 hours'"
ROLES = [role for role in Role if role is not Role.SUPER_ADMIN]
NUMBER = re.compile(r'<a class="(?:need|tile) ?\w*" href="([^"]+)">.*?<strong[^>]*>([0-9,]+)</strong>', re.DOTALL)


@pytest.fixture
def busy(app, world, superuser):
    """One request in each open state, one resolved, one in the other hostel and one late; an import, an invitation, dead work."""
    for events in (["claim"], ["claim", "start"], ["claim", "start", "hold"], ["claim", "start", "resolve"]):
        moved(world.staff, raised(world.resident), *events)
    execute(superuser, LATE)
    raised(world.resident)
    raised(world.owner, hostel_id=world.a.places[1].hostel_id, priority=Priority.HIGH)
    moved(world.owner, raised(world.owner), "escalate")
    execute(superuser, "INSERT INTO outbox (org_id, kind, state) VALUES (:org, 'maintenance.moved', 'dead')", org=world.a.org_id)
    execute(superuser, "INSERT INTO notifications (org_id, user_id, kind, title, key) SELECT org_id, user_id, 'x', 'The lift works again', 'k' FROM members")
    with service_scope("fresh figures for a test") as session:
        sweep.refresh_analytics(session)
    return world


def page_of(browser, person, path="/"):
    answer = browser(person).get(path)
    assert answer.status_code == 200
    return answer.text


def test_everybody_has_one_in_at_most_six_statements(app, busy, browser):
    for role in ROLES:
        someone = browser(busy.a.people[role])
        with statements(app) as sent:
            page = someone.get("/").text
        assert len(sent) <= 6, role
        assert "The lift works again" in page, role
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-|in_progress|on_hold", visible(page)), role


@pytest.mark.parametrize("role", [Role.OWNER, Role.MAINTENANCE_STAFF, Role.ACCOUNTANT, Role.GUARD])
def test_each_number_leads_to_a_list_of_just_so_many_rows(busy, browser, role):
    someone = browser(busy.a.people[role])
    page = someone.get("/").text
    found = NUMBER.findall(page)
    states = re.search(r'<ul class="states">.*?</ul>', page, re.DOTALL)
    found += re.findall(r'href="([^"]+)">.*?<span class="number">([0-9]+)</span>', states[0] if states else "")
    found += re.findall(r'<th scope="row"><a href="([^"]+)"[^>]*>[^<]+</a></th>\s*<td[^>]*>([0-9]+)</td>', page)
    assert len(found) >= 3
    for link, number in found:
        table = someone.get(html.unescape(link)).text.partition("<tbody")[2].partition("</tbody>")[0]
        assert table.count("<tr") == int(number), link


def test_who_decides_is_shown_what_needs_deciding(busy, browser):
    page = html.unescape(visible(page_of(browser, busy.owner)))
    assert "Escalated 1 Overdue 3 In nobody's hands 2 Urgent and open 1" in page
    assert "Background work that failed for good 1" in page
    assert page.index("Overdue, not escalated") < page.index("Trends")
    assert "Background work" not in visible(page_of(browser, busy.outsider)).split("Trends")[0].split("Needs you now")[1]


def test_who_repairs_sees_what_is_in_their_hands_and_what_is_free(app, world, browser):
    mine, _free = raised(world.resident), raised(world.resident)
    moved(world.staff, mine, "claim")
    page = visible(page_of(browser, world.staff)).split("Needs you now")[1]
    assert page.index("In your hands") < page.index("MR-0001") < page.index("Free to claim") < page.index("MR-0002")


def test_who_repairs_in_one_hostel_counts_only_its_requests(app, world, browser):
    raised(world.owner, hostel_id=world.a.places[1].hostel_id)
    assert "Open requests 0" in visible(page_of(browser, world.staff))
    assert "Open requests 1" in visible(page_of(browser, world.owner))


def test_where_nothing_waits_it_says_so(app, world, browser):
    for role in (Role.OWNER, Role.MAINTENANCE_STAFF, Role.GUARD, Role.VIEWER):
        assert "Nothing waits for you." in visible(page_of(browser, world.a.people[role]))


def test_a_period_is_set_beside_the_one_before_it(busy, browser):
    page = page_of(browser, busy.owner)
    assert "Raised 7 Up from 0" in visible(page)
    assert "Resolved 1 Up from 0" in visible(page)
    assert page.count("<canvas") == page.count('<details class="chart-table" open>') >= 4
    assert "The last 30 days beside the 30 before, as of" in visible(page_of(browser, busy.owner, "/?days=30"))
    assert browser(busy.owner).get("/?days=31").status_code == 400


def test_only_those_who_may_see_the_plan_do(app, world, browser, superuser):
    execute(superuser, "UPDATE organizations SET plan = 'starter'")
    assert "Hostels 2 of 3" in visible(page_of(browser, world.owner))
    assert "of 3" not in visible(page_of(browser, world.a.people[Role.HOSTEL_MANAGER]))
    execute(superuser, "UPDATE organizations SET limits = '{\"residents\": 2}'")
    needed = visible(page_of(browser, world.owner)).split("Needs you now")[1].split("Today")[0]
    assert "Residents 2 of 2" in needed
    assert "Hostels" not in needed


def test_what_changes_comes_alone_and_only_if_it_has_changed(busy, browser):
    someone = browser(busy.staff)
    first = someone.get("/home/now")
    assert "Free to claim" in first.text
    assert "<html" not in first.text
    looks = [someone.http.get("/home/now", headers={"If-None-Match": someone.get("/home/now").headers["ETag"]}) for _ in range(2)]
    assert 304 in [look.status_code for look in looks]  # a minute may pass, once, and "a minute ago" with it
    assert browser(None).get("/home/now").status_code in {302, 303, 401}


def test_residents_see_their_own_and_may_report(busy, browser):
    page = visible(page_of(browser, busy.resident))
    assert "Report a problem" in page
    assert page.index("Being looked after") < page.index("MR-0001") < page.index("Done lately") < page.index("MR-0004")
    assert "MR-0001" in browser(busy.resident).get("/home/now").text


def test_who_has_not_moved_in_yet_is_told_so(app, world, browser):
    page = visible(page_of(browser, world.a.people[Role.PENDING_RESIDENT]))
    assert "Tell us who you are, choose your bed, and send it." in page
    assert "Report a problem" not in page


def test_the_platform_sees_the_organizations(app, world, browser, superuser):
    execute(superuser, "UPDATE organizations SET limits = '{\"residents\": 2}' WHERE id = :org", org=world.b.org_id)
    person = Person(world.super_admin, world.a.org_id, "Platform Admin", "platform@example.org", Role.SUPER_ADMIN, None)
    page = visible(page_of(browser, person))
    assert "Organizations 2 Hostels 3" in page
    assert "Banyan Stays · Residents 2 of 2" in page
    assert "Asha Homes · Residents" not in page
    assert "Residents by organization" in page


def test_nobody_is_asked_to_sign_in(app, world, browser):
    answer = browser(None).get("/")
    assert answer.status_code == 302
    assert answer.location == "/login"
