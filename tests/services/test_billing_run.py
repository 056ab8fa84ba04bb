"""A month of a large house is one task: cut off in the middle and begun again, everybody is charged once (W10)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.progress import TaskKind
from app.services import progress
from app.services.billing import daily, runs, terms
from app.tenancy import tenant_scope
from jobs import registry
from jobs.outbox import Drainer
from tests.billing import MARCH, bill, living, set_terms
from tests.maintenance import scope
from tests.wallet import HOSTEL, one, sums


def test_a_month_whose_day_went_by_without_the_schedule_is_charged_later(app, world, superuser):
    living(superuser, world, 1)
    set_terms(world, automatic=True)

    def due():
        with tenant_scope(world.a.org_id) as session:
            (house,) = terms.automatic_houses(session)
            return daily.months_due(session, *house)

    (this,) = due()  # the terms are new
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE billing_settings SET updated_at = '2020-01-01'"))
    last, again = due()
    assert (again, last) == (this, (this - timedelta(days=1)).replace(day=1))
    bill(world, last)
    assert due() == [this]


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
