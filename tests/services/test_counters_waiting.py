"""The sidebar counts what waits for its reader, of each domain they work in, in one statement."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.permissions import ROLE_CAPABILITIES, ROLE_PORTAL, Role
from app.services import counters as module
from app.services.counters import counters
from tests.houses import execute
from tests.maintenance import moved, raised, scope


def waiting(person, hostel_id=None):
    """As the identity of the page says; of all it holds, five things matter here."""
    held = ROLE_CAPABILITIES[person.role]
    identity = SimpleNamespace(user_id=person.user_id, org_id=person.org_id, hostel_id=hostel_id, portal=ROLE_PORTAL[person.role],
                               can=lambda *capability: capability in held)
    with scope(person) as session:
        return counters(session, identity)


def test_who_repairs_sees_what_is_free_and_what_is_in_their_hands(app, world):
    mine, others = raised(world.resident), raised(world.resident)
    raised(world.resident)
    moved(world.staff, mine, "claim")
    moved(world.a.people[Role.HOSTEL_MANAGER], others, "claim")
    assert waiting(world.staff) == {"requests": 2}
    assert waiting(world.owner)["requests"] == 1
    assert waiting(world.outsider)["requests"] == 0


def test_a_resident_sees_their_own_that_are_open(app, world):
    done = raised(world.resident)
    raised(world.resident)
    moved(world.staff, done, "claim", "start", "resolve", note="Done.")
    assert waiting(world.resident) == {"my_requests": 1}
    assert waiting(world.a.people[Role.PENDING_RESIDENT]) == {}


def test_only_the_chosen_hostel_counts(app, world):
    raised(world.owner, hostel_id=world.a.places[1].hostel_id)
    assert waiting(world.owner, hostel_id=world.a.places[0].hostel_id)["requests"] == 0
    assert waiting(world.owner, hostel_id=world.a.places[1].hostel_id)["requests"] == 1


def test_dead_letters_and_open_invitations_wait_for_those_who_see_to_them(app, world, superuser):
    execute(superuser, "INSERT INTO outbox (org_id, kind, state) VALUES (:org, 'maintenance.moved', 'dead')", org=world.a.org_id)
    execute(superuser, "INSERT INTO invitations (org_id, email, name, role, expires_at, created_by) "
            "VALUES (:org, 'a@b.example', 'A', 'viewer', now() + :until * interval '1 day', :by)",
            org=world.a.org_id, until=1, by=world.owner.user_id)
    execute(superuser, "INSERT INTO invitations (org_id, email, name, role, expires_at, created_by) "
            "VALUES (:org, 'c@d.example', 'C', 'viewer', now() - interval '1 day', :by)", org=world.a.org_id, by=world.owner.user_id)
    found = waiting(world.owner)
    assert (found["dead_letters"], found["invitations"]) == (1, 1)
    assert "dead_letters" not in waiting(world.a.people[Role.HOSTEL_MANAGER])


def test_counting_stops(app, world, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    for _ in range(3):
        raised(world.resident)
    assert waiting(world.staff) == {"requests": 2}


@pytest.mark.parametrize("name", sorted(module.COUNTERS))
def test_every_count_has_its_place_in_the_sidebar(app, name):
    assert name in {getattr(screen, "counter", "") for screen in app.extensions["screens"].values()}
