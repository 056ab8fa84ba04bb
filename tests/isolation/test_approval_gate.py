"""The gate (T15): submission approved, kyc_complete and role resident, or nothing of the dashboard's data."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.services import maintenance
from tests.approval import claimed, decided, newcomer, submitted
from tests.beds import stay
from tests.houses import scalar
from tests.maintenance import refusal, scope

BEHIND = ("maintenance_requests", "maintenance_categories", "residents", "stays", "rooms", "room_types", "tariffs", "hostels", "wallet_balance_cache")


@pytest.fixture
def person(world):
    return newcomer(world)


def seen(person):
    """How many rows of what lies behind the gate a person gets, by plain SQL in their portal."""
    with scope(person) as session:
        return sum(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in BEHIND)


def asked(person, category):
    """Through the function, which no policy guards."""
    with scope(person) as session:
        maintenance.submit(session, maintenance.NewRequest(hostel_id=person.hostel_id, category_id=category, description="A tap drips."))


def given(superuser, person, role):
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO memberships (org_id, user_id, role, hostel_id) VALUES (:org, :user, :role, :hostel)"),
                           {"org": person.org_id, "user": person.user_id, "role": role, "hostel": person.hostel_id})


def test_approval_opens_at_once_and_suspension_closes_at_once(app, world, superuser, person, browser):
    waiting = submitted(superuser, person, world.a.places[0].beds[0])
    home, category = browser(person), scalar(superuser, "SELECT id FROM maintenance_categories WHERE org_id = :org LIMIT 1", org=person.org_id)
    assert seen(person) == 0
    assert home.get("/my/requests/").status_code == 403
    assert refusal(lambda: asked(person, category)).status in (403, 404)
    claimed(world.owner, waiting)
    decided(world.owner, waiting)
    assert seen(person) > 4
    assert home.get("/my/requests/").status_code == 200
    asked(person, category)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE memberships SET status = 'suspended' WHERE user_id = :u"), {"u": person.user_id})
    assert home.get("/my/requests/").status_code != 200
    with pytest.raises(Exception, match="no active role"):
        seen(person)


def test_a_transaction_that_began_before_a_suspension_gets_nothing_after_it(app, world, superuser, person):
    """Capabilities were worked out at its beginning; the policies ask again."""
    waiting = submitted(superuser, person, world.a.places[0].beds[0])
    claimed(world.owner, waiting)
    decided(world.owner, waiting)
    with scope(person) as session:
        own = text("SELECT count(*) FROM stays")
        assert session.execute(own).scalar_one() == 1
        with superuser.begin() as connection:
            connection.execute(text("UPDATE memberships SET status = 'suspended' WHERE user_id = :u"), {"u": person.user_id})
        assert session.execute(own).scalar_one() == 0


def test_the_role_alone_opens_nothing_for_who_is_on_the_way_in(app, world, superuser, person):
    stay(world.owner, person.user_id, world.a.places[0].beds[0])
    given(superuser, person, "resident")
    assert seen(person) == 0
    with superuser.begin() as connection:
        connection.execute(text("DELETE FROM memberships WHERE user_id = :u AND role = 'pending_resident'"), {"u": person.user_id})
    with pytest.raises(Exception, match="no active role"):
        seen(person)


def test_an_approval_that_is_undone_behind_the_walls_closes(app, world, superuser, person):
    waiting = submitted(superuser, person, world.a.places[0].beds[0])
    claimed(world.owner, waiting)
    decided(world.owner, waiting)
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE onboarding_submissions SET state = 'rejected'"))
    with pytest.raises(Exception, match="no active role"):
        seen(person)


def test_whom_an_administrator_takes_in_needs_no_submission(app, world, superuser):
    assert seen(world.resident) > 0
    assert scalar(superuser, "SELECT count(*) FROM kyc_completions WHERE submission_id IS NULL") == 2  # the worlds' two residents
    cook = world.a.people[Role.CANTEEN_STAFF]
    given(superuser, cook, "resident")
    assert scalar(superuser, "SELECT count(*) FROM kyc_completions WHERE user_id = :u", u=cook.user_id) == 1
