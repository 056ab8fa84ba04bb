"""The schedule: any number of schedulers start each slot once, and what was missed is not made up for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.rules.work import Scheduled
from jobs import registry
from jobs.schedule import SCHEDULE
from jobs.scheduler import Scheduler

NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)
QUARTERLY = Scheduled("test.quarterly", every=timedelta(minutes=15), offset=timedelta(minutes=5))


@pytest.mark.parametrize(("now", "slot"), [
    (NOON, NOON - timedelta(minutes=10)),
    (NOON + timedelta(minutes=4, seconds=59), NOON - timedelta(minutes=10)),
    (NOON + timedelta(minutes=5), NOON + timedelta(minutes=5)),
    (NOON + timedelta(days=30, minutes=7), NOON + timedelta(days=30, minutes=5)),
])
def test_a_slot_begins_its_offset_after_the_full_period(now, slot):
    assert QUARTERLY.slot(now) == slot


def test_weekly_slots_begin_on_mondays():
    assert Scheduled("x", every=timedelta(weeks=1)).slot(NOON).isoweekday() == 1


def slots(superuser):
    with superuser.begin() as connection:
        return list(connection.execute(text("SELECT key FROM outbox WHERE kind LIKE 'test.%' ORDER BY key")).scalars())


def test_three_schedulers_start_each_slot_once(app, superuser):
    schedulers = [Scheduler([QUARTERLY, Scheduled("test.hourly", every=timedelta(hours=1))]) for _ in range(3)]
    moments = [NOON + timedelta(minutes=5 * step) for step in range(24)]

    def run(scheduler):
        with app.app_context():
            return sum(scheduler.tick(now) for now in moments)

    with ThreadPoolExecutor(3) as threads:
        started = list(threads.map(run, schedulers))
    found = slots(superuser)
    assert sum(started) == len(found) == 9 + 2
    assert len(set(found)) == 9 + 2


def test_a_late_scheduler_starts_nothing_again(app, superuser):
    Scheduler([QUARTERLY]).tick(NOON)
    assert Scheduler([QUARTERLY]).tick(NOON + timedelta(minutes=3)) == 0
    assert len(slots(superuser)) == 1


def test_of_missed_slots_only_the_newest_is_run(app, superuser):
    scheduler = Scheduler([QUARTERLY])
    scheduler.tick(NOON)
    scheduler.tick(NOON + timedelta(hours=6))
    assert slots(superuser) == [(NOON - timedelta(minutes=10)).isoformat(), (NOON + timedelta(hours=5, minutes=50)).isoformat()]


def test_everything_on_the_schedule_has_a_handler():
    registry.load()
    assert [one.kind for one in SCHEDULE if one.kind not in registry.HANDLERS] == []
