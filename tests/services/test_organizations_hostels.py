"""Hostels within the limits of the plan, taken away and brought back; settings and usage (T1, T2, T16, P2)."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from app.models.organizations import Hostel, Organization
from app.models.rooms import Bed
from app.permissions import Role
from app.rules.errors import Conflict, Invalid
from app.rules.organizations import Limit, Plan, SubscriptionStatus
from app.services import organizations
from app.tenancy import service_scope
from tests.maintenance import raised, refusal, scope

NEW = {"name": "Third house", "code": "h 3", "city": "Pune"}


def on_plan(world, plan, **limits):
    with service_scope("a test") as session:
        organizations.set_plan(session, world.a.org_id, plan, SubscriptionStatus.ACTIVE,
                               {Limit(name): most for name, most in limits.items()})


def test_a_hostel_has_a_code_in_capitals_and_the_usual_zone(app, world):
    with scope(world.owner) as session:
        hostel = organizations.create_hostel(session, NEW)
        session.refresh(hostel)
        assert (hostel.code, hostel.timezone, hostel.currency) == ("H3", "Asia/Kolkata", "INR")


def test_one_hostel_too_many_is_refused_by_plan_and_limit(app, world):
    on_plan(world, Plan.FREE)

    def third() -> None:
        with scope(world.owner) as session:
            organizations.create_hostel(session, NEW)

    error = refusal(third)
    assert error.status == 429
    assert error.message == "The Free plan allows 1 hostel, and 2 are in use. Ask the owner to change the plan."


def test_an_agreed_limit_counts_more_than_the_plans(app, world):
    on_plan(world, Plan.FREE, hostels=3)
    with scope(world.owner) as session:
        assert organizations.create_hostel(session, NEW).id


def test_a_removed_hostel_makes_room_and_needs_room_to_come_back(app, world):
    on_plan(world, Plan.ENTERPRISE, hostels=2)
    empty = world.a.places[1].hostel_id
    with scope(world.owner) as session:
        organizations.remove_hostel(session, empty)
        organizations.create_hostel(session, NEW)

    def back() -> None:
        with scope(world.owner) as session:
            organizations.restore_hostel(session, session.scalar(select(Hostel).where(Hostel.id == empty)))

    assert "allows 2 hostels" in refusal(back).message


def test_a_hostel_goes_and_comes_with_its_beds(app, world):
    empty = world.a.places[1].hostel_id
    beds = select(func.count()).select_from(Bed).where(Bed.deleted_at.is_(None))
    with scope(world.owner) as session:
        organizations.remove_hostel(session, empty)
        assert session.scalar(beds) == 4
        organizations.restore_hostel(session, session.scalar(select(Hostel).where(Hostel.id == empty)))
        assert session.scalar(beds) == 8


def test_a_hostel_where_people_have_roles_stays(app, world):
    with scope(world.owner) as session, pytest.raises(Conflict, match="5 people have a role in it"):
        organizations.remove_hostel(session, world.a.places[0].hostel_id)


def test_a_hostel_with_open_requests_stays(app, world):
    empty = world.a.places[1].hostel_id
    raised(world.owner, hostel_id=empty)
    with scope(world.owner) as session, pytest.raises(Conflict, match="1 maintenance requests are open"):
        organizations.remove_hostel(session, empty)


@pytest.mark.parametrize(("values", "field"), [
    ({"timezone": "Mars/Olympus"}, "timezone"), ({"currency": "RUPEE"}, "currency"), ({"code": "!"}, "code"),
    ({"code": "LONGERTHAN12X"}, "code"), ({"name": " "}, "name")])
def test_what_no_hostel_can_be_is_refused_beside_its_field(app, world, values, field):
    with scope(world.owner) as session, pytest.raises(Invalid) as refused:
        organizations.create_hostel(session, NEW | values)
    assert refused.value.field == field


def test_a_hostel_manager_makes_no_hostel(app, world):
    def another() -> None:
        with scope(world.a.people[Role.HOSTEL_MANAGER]) as session:
            organizations.create_hostel(session, NEW)

    assert refusal(another).status == 403


def test_settings_are_added_to_those_there(app, world):
    given = {"name": "Asha", "timezone": "Asia/Dubai", "currency": "AED", "country": "AE"}
    with scope(world.owner) as session:
        organizations.edit_organization(session, given | {"settings": {"require_totp": True}})
        organizations.edit_organization(session, given | {"settings": {"colour": "green"}})
        found = session.scalar(select(Organization))
        assert found.settings == {"require_totp": True, "colour": "green"}
        assert (found.name, found.timezone) == ("Asha", "Asia/Dubai")
        assert found.require_totp


def test_usage_names_what_is_used_of_each_limit(app, world):
    on_plan(world, Plan.STARTER)
    with scope(world.owner) as session:
        used = {row.limit: row for row in organizations.usage(session)}
    assert list(used) == list(Limit)
    assert (used[Limit.HOSTELS].used, used[Limit.HOSTELS].most, used[Limit.HOSTELS].allowed) == (2, 3, "3 hostels")
    assert used[Limit.RESIDENTS].used == 2


def test_a_limit_below_what_is_used_shows_as_more_than_all(app, world):
    on_plan(world, Plan.ENTERPRISE, hostels=1)
    with scope(world.owner) as session:
        used = {row.limit: row for row in organizations.usage(session)}
    assert used[Limit.HOSTELS].share == 2
    assert used[Limit.USERS].share is None


def test_a_plan_is_not_for_owners_to_set(app, world):
    def richer() -> None:
        with scope(world.owner) as session:
            organizations.set_plan(session, world.a.org_id, Plan.ENTERPRISE, SubscriptionStatus.ACTIVE, {})

    assert refusal(richer).status == 403
    with scope(world.owner) as session, pytest.raises(Exception, match="permission denied"):
        session.execute(text("UPDATE organizations SET plan = 'enterprise'"))
