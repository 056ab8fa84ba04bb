"""Settings and usage of the organization; plans and limits for those who run the installation (T1, P2)."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.permissions import Role
from tests.houses import scalar
from tests.views.conftest import visible
from tests.world import Person

SETTINGS = {"name": "Asha & Co.", "timezone": "Asia/Dubai", "currency": "AED", "country": "AE"}


@pytest.fixture
def platform(world, browser):
    return browser(Person(world.super_admin, world.a.org_id, "Platform Admin", "platform@example.org", Role.SUPER_ADMIN, None))


def plan_of(world):
    return f"/platform/organizations/{world.b.org_id}/plan"


def form(**values):
    return {"plan": "starter", "status": "active", "reason": "They have grown.", **values}


def test_settings_are_saved_and_audited(app, world, browser, superuser):
    answer = browser(world.owner).edit(f"/organization/settings/edit/{world.a.org_id}",
                                       SETTINGS | {"require_totp": "y", "_once": uuid4()})
    assert answer.status_code == 303
    assert scalar(superuser, "SELECT settings ->> 'require_totp' FROM organizations WHERE id = :org", org=world.a.org_id) == "true"
    assert scalar(superuser, "SELECT after ->> 'name' FROM audit_log WHERE table_name = 'organizations' AND actor_id = :user",
                  user=world.owner.user_id) == "Asha & Co."


@pytest.mark.parametrize(("values", "words"), [
    ({"name": " "}, "Please fill this in"), ({"name": "x" * 300}, "characters"), ({"timezone": "Mars/Olympus"}, "Please choose one of the options"),
    ({"country": "XX"}, "Please choose one of the options"), ({"currency": "'; --"}, "Please choose one of the options")])
def test_what_no_organization_can_be_is_refused(app, world, browser, values, words):
    answer = browser(world.owner).post(f"/organization/settings/edit/{world.a.org_id}", SETTINGS | values)
    assert answer.status_code == 422
    assert words in visible(answer.text)


@pytest.mark.parametrize("role", [Role.HOSTEL_MANAGER, Role.VIEWER, Role.MAINTENANCE_STAFF, Role.RESIDENT])
def test_settings_are_for_owners_and_administrators(app, world, browser, role):
    for path in ("/organization/settings/", "/organization/usage/", f"/organization/settings/edit/{world.a.org_id}"):
        assert browser(world.a.people[role]).get(path).status_code == 403


def test_another_organizations_settings_are_not_found(app, world, browser):
    assert browser(world.outsider).get(f"/organization/settings/edit/{world.a.org_id}").status_code == 404


def test_settings_sent_after_moving_to_another_organization_keep_what_was_typed(app, world, browser):
    answer = browser(world.outsider).post(f"/organization/settings/edit/{world.a.org_id}", SETTINGS | {"_org": world.a.org_id})
    assert answer.status_code == 409
    assert "Asha &amp; Co." in answer.text


def test_usage_names_plan_and_limits(app, world, browser, platform):
    platform.post(plan_of(world), form())
    page = visible(browser(world.outsider).get("/organization/usage/").text)
    assert "Banyan Stays is on the Starter plan." in page
    assert "Hostels 1 of 3" in page
    assert "Storage 0 B of 10 GB" in page


def test_the_platform_sees_all_organizations(app, world, platform):
    page = visible(platform.get("/platform/organizations/").text)
    assert "Asha Homes" in page
    assert "Banyan Stays" in page


def test_a_changed_plan_is_audited_with_its_reason(app, world, platform, superuser):
    assert platform.post(plan_of(world), form(hostels="1,200", bots="unlimited")).status_code == 303
    found = scalar(superuser, "SELECT jsonb_build_array(plan, subscription_status, limits) FROM organizations WHERE id = :org",
                   org=world.b.org_id)
    assert found == ["starter", "active", {"hostels": 1200, "bots": None}]
    assert scalar(superuser, "SELECT reason FROM audit_log WHERE table_name = 'organizations' AND actor_id = :user "
                             "AND after ->> 'plan' = 'starter'", user=world.super_admin) == "They have grown."


def test_agreed_limits_come_back_into_the_form(app, world, platform):
    platform.post(plan_of(world), form(hostels="7", bots="unlimited", storage_bytes="20 gb"))
    page = platform.get(plan_of(world)).text
    assert 'name="hostels" type="text" value="7"' in page
    assert 'name="bots" type="text" value="unlimited"' in page
    assert 'name="storage_bytes" type="text" value="20 GB"' in page


@pytest.mark.parametrize(("values", "words"), [
    ({"reason": " "}, "the audit log keeps it"), ({"hostels": "many"}, "Write a number"), ({"hostels": "-1"}, "Write a number"), ({"hostels": "2 gb"}, "Write a number"),
    ({"plan": "gold"}, "look at the marked fields"), ({"status": ""}, "Choose one from the list")])
def test_what_is_no_plan_is_refused_with_the_typed_text_kept(app, world, platform, superuser, values, words):
    answer = platform.post(plan_of(world), form(**values))
    assert answer.status_code == 422
    assert words in visible(answer.text)
    assert scalar(superuser, "SELECT plan FROM organizations WHERE id = :org", org=world.b.org_id) == "enterprise"


def test_an_unknown_organization_is_not_found(app, world, platform):
    assert platform.get(f"/platform/organizations/{uuid4()}/plan").status_code == 404


@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER, Role.RESIDENT])
def test_the_platforms_pages_are_the_platforms_alone(app, world, browser, role):
    someone = browser(world.a.people[role])
    assert someone.get("/platform/organizations/").status_code == 403
    assert someone.post(plan_of(world), form()).status_code == 403


def test_who_looks_for_a_bed_may_call_instead(app, world, browser):
    address, owner = f"/organization/settings/edit/{world.a.org_id}", browser(world.owner)
    asked = {**SETTINGS, "name": "Asha", "country": "IN"}
    assert "Or call us" not in browser(None).get("/i/asha").text
    assert owner.edit(address, asked | {"public_phone": "12", "_once": uuid4()}).status_code == 422
    assert owner.edit(address, asked | {"public_phone": "080 4123 4567", "_once": uuid4()}).status_code == 303
    assert 'href="tel:+918041234567"' in browser(None).get("/i/asha").text
