"""People are told of inquiries: that somebody asks, that one is theirs, that something was to be done; each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.inquiries import Lead
from app.services import inquiries
from app.tenancy import tenant_scope
from app.views.inquiries.strangers import ring
from jobs.outbox import Drainer
from jobs.schedule import SCHEDULE
from jobs.scheduler import Scheduler

NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)


@pytest.fixture
def agent(world):
    return world.a.people[Role.SALES_AGENT]


def written_down(person, **more: Any) -> UUID:
    with tenant_scope(person.org_id, person.user_id) as session:
        return inquiries.add(session, ring(), person.org_id, None, uuid4(), Lead("Meera Joshi", "+919876543210", **more))


def told(superuser) -> list[tuple[str, int, str]]:
    with superuser.begin() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT kind, user_id, title FROM notifications ORDER BY created_at, user_id"))]


def test_whoever_works_on_inquiries_hears_of_a_new_one(app, world, browser, superuser, agent, monkeypatch):
    from app.gateways import proof

    monkeypatch.setattr(proof, "WORK", 50)
    stranger = browser(None)
    for phone in ("98765 43210", "098765-43210"):
        challenge = stranger.get("/v1/inquiries/challenge?organization=asha").get_json()
        assert stranger.post("/v1/inquiries", json={
            "organization": "asha", "full_name": "Meera Joshi", "phone": phone, "altcha": proof.solve(challenge)}).status_code == 200
        Drainer.new().drain()
    heard = [(kind, title) for kind, user, title in told(superuser) if user == agent.user_id]
    assert heard == [("inquiries.asked", "I-0001: a new inquiry"), ("inquiries.asked", "I-0001: somebody asks again")]
    assert {user for _, user, _ in told(superuser)}.isdisjoint({world.resident.user_id, world.staff.user_id, world.outsider.user_id})


def test_the_owner_is_reminded_once_and_again_when_it_is_put_off(app, world, superuser, agent):
    key = written_down(agent)

    def until(moment: datetime) -> None:
        with tenant_scope(agent.org_id, agent.user_id) as session:
            inquiries.edit(session, key, {"next_action": "Call back", "next_action_at": moment})

    def pass_by(slot: int) -> int:
        Scheduler([one for one in SCHEDULE if one.kind == "inquiries.due"]).tick(NOON + timedelta(minutes=5 * slot))
        Drainer.new().drain()
        return sum(kind == "inquiries.due" for kind, _, _ in told(superuser))

    now = datetime.now(UTC)
    until(now + timedelta(hours=1))
    assert pass_by(0) == 0
    until(now - timedelta(minutes=1))
    assert [pass_by(1), pass_by(2)] == [1, 1]
    until(now - timedelta(seconds=30))
    assert pass_by(3) == 2
    assert told(superuser)[-1] == ("inquiries.due", agent.user_id, "I-0001: it is time for the next step")


def test_who_is_given_one_hears_of_it(app, world, superuser, agent):
    key = written_down(world.owner)
    with tenant_scope(world.owner.org_id, world.owner.user_id) as session:
        inquiries.edit(session, key, {"owner_id": agent.user_id})
    Drainer.new().drain()
    assert told(superuser) == [("inquiries.given", agent.user_id, "I-0001: handed over to you")]
