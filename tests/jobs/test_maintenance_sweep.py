"""The sweep escalates what is late and nothing else, tells those in charge, and run twice is as run once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.rules.maintenance import Priority
from app.services.maintenance import sweep
from jobs.outbox import Drainer
from jobs.schedule import SCHEDULE
from jobs.scheduler import Scheduler
from tests.maintenance import moved, raised

SWEEP = [one for one in SCHEDULE if one.kind == "maintenance.sweep"]
NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)


@pytest.fixture
def later(superuser):
    """A function that lets time pass."""

    def shift(**length):
        with superuser.begin() as connection:
            connection.execute(text("UPDATE clock SET shift = :by"), {"by": timedelta(**length)})

    return shift


def states(superuser):
    with superuser.begin() as connection:
        return list(connection.execute(text("SELECT status FROM maintenance_requests ORDER BY id")).scalars())


def run_sweep(now=NOON):
    Scheduler(SWEEP).tick(now)
    Drainer.new().drain()


def test_what_is_late_is_escalated_in_every_organization(app, world, superuser, later):
    raised(world.owner, priority=Priority.HIGH)
    raised(world.owner)
    raised(world.outsider, priority=Priority.HIGH)
    later(hours=7)
    run_sweep()
    assert states(superuser) == ["escalated", "submitted", "escalated"]


def test_the_clock_of_what_is_on_hold_stands_still(app, world, superuser, later):
    request = raised(world.owner, priority=Priority.HIGH)
    moved(world.owner, request, "claim", "hold")
    later(hours=7)
    run_sweep()
    assert states(superuser) == ["on_hold"]


def test_a_second_sweep_escalates_and_tells_nothing_again(app, world, superuser, later):
    raised(world.resident, priority=Priority.HIGH)
    later(hours=7)
    run_sweep()

    def seen():
        with superuser.begin() as connection:
            return connection.execute(text("SELECT (SELECT count(*) FROM maintenance_status_history), "
                                           "(SELECT count(*) FROM notifications)")).one()

    before = seen()
    run_sweep(NOON + timedelta(minutes=30))
    assert seen() == before


def test_what_was_escalated_and_claimed_is_left_to_whoever_claimed_it(app, world, superuser, later):
    request = raised(world.resident, priority=Priority.HIGH)
    later(hours=7)
    run_sweep()
    moved(world.staff, request, "claim", "start")
    run_sweep(NOON + timedelta(minutes=30))
    assert states(superuser) == ["in_progress"]


def test_those_in_charge_hear_of_it(app, world, superuser, later):
    raised(world.resident, priority=Priority.HIGH)
    later(hours=7)
    run_sweep()
    with superuser.begin() as connection:
        told = set(connection.execute(text("SELECT user_id FROM notifications WHERE title LIKE '%has passed'")).scalars())
    assert world.owner.user_id in told


def test_more_than_one_handful_is_escalated_all_the_same(app, world, superuser, later, monkeypatch):
    for _ in range(5):
        raised(world.owner, priority=Priority.HIGH)
    monkeypatch.setattr(sweep, "MOST", 2)
    later(hours=7)
    run_sweep()
    assert set(states(superuser)) == {"escalated"}


def test_fresh_figures_are_made_on_schedule(app, superuser):
    Scheduler([one for one in SCHEDULE if one.kind == "maintenance.refresh"]).tick(NOON)
    Drainer.new().drain()
    with superuser.begin() as connection:
        assert connection.execute(text("SELECT state FROM outbox WHERE kind = 'maintenance.refresh'")).scalar() == "done"
