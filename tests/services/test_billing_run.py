"""A month of a large house is one task: cut off in the middle and begun again, everybody is charged once (W10)."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.progress import TaskKind
from app.services import progress
from app.services.billing import runs
from jobs import registry
from jobs.outbox import Drainer
from tests.billing import MARCH, living
from tests.maintenance import scope
from tests.wallet import HOSTEL, one, sums


def test_a_run_that_was_cut_off_goes_on_and_charges_nobody_twice(app, world, superuser, monkeypatch):
    living(superuser, world, 130)
    registry.load()
    with scope(world.a.people[Role.ACCOUNTANT]) as session:
        progress.start(session, TaskKind.BILLING, total=runs.count(session, HOSTEL, MARCH), asked={"hostel": str(HOSTEL), "month": "2026-03"},
                       title={"hostel": "House", "month": "2026-03"})
    issue, calls = runs.issue, []

    def cut_off(session, batch):
        done = issue(session, batch)
        calls.append(done)
        if len(calls) == 2:
            raise KeyboardInterrupt  # what was written in this step is lost with its transaction
        return done

    monkeypatch.setattr(runs, "issue", cut_off)
    with pytest.raises(KeyboardInterrupt):
        Drainer.new().drain()
    assert one(superuser, "SELECT count(*) FROM invoices") == 100
    assert one(superuser, "SELECT done FROM tasks") == 100
    with superuser.begin() as connection:  # the lease of the killed worker runs out
        connection.execute(text("UPDATE outbox SET claimed_until = now() - interval '1 minute' WHERE state <> 'done' AND claimed_until IS NOT NULL"))
    Drainer.new().drain()
    assert (one(superuser, "SELECT (status, done, result ->> 'issued')::text FROM tasks")) == "(done,130,130)"
    assert one(superuser, "SELECT (count(*), count(DISTINCT stay_id), max(number))::text FROM invoices") == "(130,130,130)"
    assert sums(superuser)["rent", None, ""] == 130 * 9_000_00
