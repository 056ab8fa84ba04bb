"""The scheduler process: python -m jobs.scheduler. Adds the rows of scheduled runs; it does no work itself.

A run is an outbox row with its slot as key, unique for its kind: however many schedulers there are, each slot is
started once. Only the newest slot is started: what was missed while everything was off is not made up for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import DBAPIError

from app import create_app
from app.rules.work import Scheduled
from app.services import work
from app.tenancy import queue_scope
from jobs.schedule import SCHEDULE
from jobs.worker import Stop

TICK_SECONDS = 5.0
_log = structlog.get_logger(__name__)


class Scheduler:
    """Remembers which slots are started, so that an idle tick asks the database nothing."""

    def __init__(self, schedule: Iterable[Scheduled] = SCHEDULE) -> None:
        self._schedule = list(schedule)
        self._started: dict[str, datetime] = {}

    def tick(self, now: datetime) -> int:
        """Start what is due; returns how many runs this scheduler was the first to start."""
        due = [(one, one.slot(now)) for one in self._schedule if self._started.get(one.kind) != one.slot(now)]
        if not due:
            return 0
        with queue_scope() as session:
            added = [work.enqueue(session, one.kind, {"slot": slot.isoformat()}, key=slot.isoformat()) for one, slot in due]
        self._started |= {one.kind: slot for one, slot in due}
        return sum(found is not None for found in added)


def main(arguments: Sequence[str] | None = None) -> int:
    """Tick until asked to stop; a database that is away is waited for."""
    parser = argparse.ArgumentParser(prog="python -m jobs.scheduler", description="Start what is due at regular times.")
    parser.add_argument("--tick", type=float, default=TICK_SECONDS, help="seconds between two looks at the clock")
    given = parser.parse_args(arguments)
    stop, scheduler = Stop(), Scheduler()
    with create_app("worker").app_context():
        while not stop.asked():
            try:
                scheduler.tick(datetime.now(UTC))
            except DBAPIError:
                _log.warning("schedule_not_kept", exc_info=True)
            stop.wait(given.tick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
