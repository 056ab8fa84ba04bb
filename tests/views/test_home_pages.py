"""The home page says what needs doing, to each who asks (issue 2, part 3)."""

from __future__ import annotations

import pytest

from app.permissions import Role
from tests.houses import execute, statements
from tests.maintenance import moved, raised
from tests.views.conftest import visible
from tests.world import Person

OVERDUE = "UPDATE maintenance_requests SET clock_started_at = clock_timestamp() - interval '30 hours'"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SUPER_ADMIN])
def test_everybody_has_one_in_at_most_six_statements(app, world, browser, role):
    raised(world.resident)
    someone = browser(world.a.people[role])
    with statements(app) as sent:
        assert someone.get("/").status_code == 200
    assert len(sent) <= 6


def test_nobody_is_asked_to_sign_in(app, world, browser):
    answer = browser(None).get("/")
    assert answer.status_code == 302
    assert answer.location == "/login"


def test_who_repairs_sees_what_is_in_their_hands_and_what_is_free(app, world, browser):
    mine, _free = raised(world.resident), raised(world.resident)
    moved(world.staff, mine, "claim")
    page = visible(browser(world.staff).get("/").text)
    assert page.index("In your hands") < page.index("MR-0001") < page.index("Free to claim") < page.index("MR-0002")


def test_who_repairs_in_one_hostel_counts_only_its_requests(app, world, browser):
    raised(world.owner, hostel_id=world.a.places[1].hostel_id)
    assert "0 open requests" in visible(browser(world.staff).get("/").text)
    assert "1 open requests" in visible(browser(world.owner).get("/").text)


def test_who_decides_sees_what_is_late(app, world, browser, superuser):
    raised(world.resident)
    execute(superuser, OVERDUE)
    raised(world.resident)
    page = visible(browser(world.owner).get("/").text)
    assert "2 open requests 1 overdue 2 with nobody 0 escalated" in page
    assert "MR-0001" in page
    assert "MR-0002" not in page


def test_owners_see_the_plan_and_work_that_failed_for_good(app, world, browser, superuser):
    execute(superuser, "INSERT INTO outbox (org_id, kind, state) VALUES (:org, 'maintenance.moved', 'dead')", org=world.a.org_id)
    execute(superuser, "UPDATE organizations SET plan = 'starter'")
    page = visible(browser(world.owner).get("/").text)
    assert "1 piece of work has failed for good." in page
    assert "Hostels 2 of 3" in page
    other = visible(browser(world.outsider).get("/").text)
    assert "failed for good" not in other


def test_managers_see_neither(app, world, browser, superuser):
    execute(superuser, "INSERT INTO outbox (org_id, kind, state) VALUES (:org, 'maintenance.moved', 'dead')", org=world.a.org_id)
    page = visible(browser(world.a.people[Role.HOSTEL_MANAGER]).get("/").text)
    assert "failed for good" not in page
    assert "Plan" not in page


def test_residents_see_their_own_and_may_report(app, world, browser):
    raised(world.resident)
    page = visible(browser(world.resident).get("/").text)
    assert "Report a problem" in page
    assert "MR-0001" in page


def test_who_has_not_moved_in_yet_is_told_so(app, world, browser):
    assert "You are nearly there" in visible(browser(world.a.people[Role.PENDING_RESIDENT]).get("/").text)


def test_the_platform_sees_the_organizations(app, world, browser):
    person = Person(world.super_admin, world.a.org_id, "Platform Admin", "platform@example.org", Role.SUPER_ADMIN, None)
    page = visible(browser(person).get("/").text)
    assert "2 organizations 3 hostels" in page
    assert "Banyan Stays" in page
