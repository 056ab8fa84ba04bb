"""flask beds …: what the schedule does by itself, by hand."""

from __future__ import annotations

from datetime import timedelta

from tests.beds import held, people
from tests.maintenance import at


def test_overdue_holds_end_once(app, world, superuser):
    for person in people(superuser, world, 2):
        held(world.owner, world.a.places[0].beds[0], person)
    at(superuser, timedelta(hours=49))
    run = app.test_cli_runner()
    assert run.invoke(args=["beds", "expire"]).output == "1 holds and offers ended, 0 stays changed, in 1 organizations.\n"
    assert run.invoke(args=["beds", "expire"]).output == "0 holds and offers ended, 0 stays changed, in 0 organizations.\n"
