"""The SLA clock in SQL is the clock of the rules, whatever happens to a request (M6)."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.models.maintenance import MaintenanceRequest
from app.rules.maintenance import (
    CLOSED,
    REQUEST,
    SLA_TARGETS,
    Priority,
    RequestStatus,
    SlaClock,
    resolution_time,
)
from app.services import maintenance
from tests.maintenance import at, moved, raised, scope

NOTE = "Because"


def history(superuser, request):
    with superuser.connect() as connection:
        return [(moment, RequestStatus(state)) for moment, state in connection.execute(text(
            "SELECT event_at, to_status FROM maintenance_status_history WHERE request_id = :id ORDER BY seq"), {"id": request})]


def row(person, request):
    with scope(person) as session:
        return session.get(MaintenanceRequest, request)


def possible(state):
    """Events that an owner, who raised the request, may cause."""
    return [step.name for step in REQUEST.available(state) if step.name not in {"assign", "dispute"}]


@pytest.mark.parametrize("seed", range(20))
def test_any_course_of_events_leaves_the_clock_that_the_rules_compute(app, world, superuser, seed):
    dice = random.Random(seed)  # noqa: S311 - courses of events, not secrets
    priority = dice.choice(list(Priority))
    passed = timedelta(0)
    request = raised(world.owner, priority=priority)
    state = RequestStatus.SUBMITTED
    for _ in range(dice.randint(2, 9)):
        if not possible(state):
            break
        passed += timedelta(hours=dice.expovariate(1 / 9))
        at(superuser, passed)
        event = dice.choice(possible(state))
        moved(world.owner, request, event, note=NOTE)
        state = REQUEST.find(event, state).to
        if dice.random() < 0.2:
            priority = dice.choice(list(Priority))
            with scope(world.owner) as session:
                maintenance.edit(session, request, {"priority": priority})

    steps = history(superuser, request)
    clock = SlaClock(steps[0][0], priority)
    for moment, to in steps[1:]:
        clock = clock.moved(to, moment)
    found, tick = row(world.owner, request), timedelta(milliseconds=100)  # between two readings of the clock in one move
    now = steps[-1][0] + timedelta(hours=1)
    assert found.state is state is steps[-1][1]
    assert abs(found.clock.elapsed(now) - clock.elapsed(now)) < tick
    assert found.clock.is_breached(now) == clock.is_breached(now)
    assert (found.held_since is None) == (clock.held_since is None)
    target = SLA_TARGETS[priority]
    assert found.resolve_by - found.clock_started_at == target.resolve + found.held
    assert found.escalate_at - found.clock_started_at == target.escalate + found.held
    if state is RequestStatus.RESOLVED:
        assert abs(resolution_time(steps) - found.clock.elapsed(now)) < tick
    assert (found.resolved_at is not None) == (state is RequestStatus.RESOLVED)


def test_hold_time_is_not_counted(app, world, superuser):
    request = raised(world.resident)
    moved(world.staff, request, "claim", "start")
    at(superuser, timedelta(hours=2))
    moved(world.staff, request, "hold")
    at(superuser, timedelta(hours=50))
    moved(world.staff, request, "resume")
    at(superuser, timedelta(hours=51))
    moved(world.staff, request, "resolve")
    found = row(world.owner, request)
    taken = found.clock.elapsed(found.held_since)
    assert abs(taken - timedelta(hours=3)) < timedelta(seconds=30)
    assert not found.clock.is_breached(found.held_since)


def test_closing_early_wins_nobody_time(app, world, superuser):
    request = raised(world.resident)
    moved(world.staff, request, "claim", "start")
    at(superuser, timedelta(hours=20))
    moved(world.staff, request, "resolve")
    at(superuser, timedelta(hours=100))
    moved(world.staff, request, "reopen")
    at(superuser, timedelta(hours=105))
    moved(world.staff, request, "resolve")
    found = row(world.owner, request)
    assert abs(found.clock.elapsed(found.held_since) - timedelta(hours=25)) < timedelta(seconds=30)
    assert found.clock.is_breached(found.held_since)


def test_when_it_was_escalated_stays_known(app, world, superuser):
    request = raised(world.resident)
    moved(world.owner, request, "escalate")
    escalated = row(world.owner, request).escalated_at
    moved(world.owner, request, "start", "resolve")
    assert row(world.owner, request).escalated_at == escalated


def test_the_targets_in_the_database_are_those_of_the_rules(app, world, superuser):
    with superuser.connect() as connection:
        rows = connection.execute(text("SELECT priority, resolve_minutes, escalate_minutes FROM maintenance_sla_targets")).all()
    assert {Priority(p): (timedelta(minutes=r), timedelta(minutes=e)) for p, r, e in rows} == {
        p: (target.resolve, target.escalate) for p, target in SLA_TARGETS.items()}


def test_the_clock_stands_in_the_states_that_the_rules_name(app, world, superuser):
    for events in ([], ["claim"], ["claim", "start"], ["claim", "hold"], ["escalate"], ["reject"], ["claim", "start", "resolve"]):
        request = raised(world.owner)
        moved(world.owner, request, *events, note=NOTE)
        found = row(world.owner, request)
        assert (found.held_since is not None) == (found.state in CLOSED | {RequestStatus.ON_HOLD})
