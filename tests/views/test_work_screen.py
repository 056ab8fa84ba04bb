"""The screen of background work: administrators look into dead letters of their organization and send them again."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.services import work
from app.tenancy import tenant_scope


@pytest.fixture
def letter(app, superuser):
    """A function: a dead letter of an organization."""

    def make(org_id, error="The mail server refuses this address."):
        with tenant_scope(org_id) as session:
            made = work.enqueue(session, "test.letter", {"request_id": str(org_id)})
        with superuser.begin() as connection:
            connection.execute(text("UPDATE outbox SET state = 'dead', attempts = 8, last_error = :error WHERE id = :id"),
                               {"error": error, "id": made})
        return made

    return make


def state(superuser, work_id):
    with superuser.begin() as connection:
        return connection.execute(text("SELECT state, attempts FROM outbox WHERE id = :id"), {"id": work_id}).one()


def test_the_list_shows_dead_letters_with_what_went_wrong(world, browser, letter):
    letter(world.a.org_id)
    letter(world.b.org_id, "Elsewhere.")
    page = browser(world.owner).get("/work/list/?state=dead")
    assert page.status_code == 200
    assert "The mail server refuses this address." in page.text
    assert "Elsewhere." not in page.text


def test_one_is_looked_into_and_sent_again(world, browser, letter, superuser):
    dead = letter(world.a.org_id)
    people = browser(world.a.people[Role.ADMINISTRATOR])
    assert str(world.a.org_id) in people.get(f"/work/show/{dead}").text
    assert people.post(f"/work/action/resend/{dead}").status_code == 303
    assert state(superuser, dead) == ("pending", 0)


def test_many_are_sent_again_at_once(world, browser, letter, superuser):
    mine, foreign = [letter(world.a.org_id) for _ in range(3)], letter(world.b.org_id)
    browser(world.owner).post("/work/action_post", {"action": "resend", "rowid": [str(one) for one in [*mine, foreign]]})
    assert {state(superuser, one) for one in mine} == {("pending", 0)}
    assert state(superuser, foreign) == ("dead", 8)


def test_what_is_done_is_not_sent_again(world, browser, letter, superuser):
    done = letter(world.a.org_id)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'done'"))
    answer = browser(world.owner).post(f"/work/action/resend/{done}")
    assert answer.status_code == 409
    assert "Only work that was given up can be sent again." in answer.text


@pytest.mark.parametrize("role", [Role.HOSTEL_MANAGER, Role.MAINTENANCE_STAFF, Role.VIEWER, Role.RESIDENT])
def test_others_do_not_see_it(world, browser, letter, superuser, role):
    dead = letter(world.a.org_id)
    person = browser(world.a.people[role])
    assert person.get("/work/list/").status_code in {302, 403, 404}
    person.post(f"/work/action/resend/{dead}")
    assert state(superuser, dead) == ("dead", 8)
