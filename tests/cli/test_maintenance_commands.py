"""flask maintenance …: the sweep, the figures and the report from the command line (Y1)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.maintenance import at, moved, raised


@pytest.fixture
def run(app):
    return lambda *words: app.test_cli_runner().invoke(args=["maintenance", *words])


def test_the_sweep_escalates_what_is_due_and_nothing_twice(run, world, superuser):
    at(superuser, timedelta(days=-3))
    raised(world.resident)
    raised(world.outsider)
    at(superuser, timedelta(0))
    raised(world.resident)
    assert run("sweep").output == "2 requests escalated in 2 organizations.\n"
    assert run("sweep").output == "0 requests escalated in 0 organizations.\n"


def test_the_figures_are_made_anew(run, world, superuser):
    raised(world.resident)
    assert run("refresh").exit_code == 0
    with superuser.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM maintenance_request_facts")) == 1


@pytest.mark.parametrize(("ending", "beginning"), [("pdf", b"%PDF"), ("csv", "\ufeffreference".encode())])
def test_the_report_is_written(run, world, tmp_path, ending, beginning):
    moved(world.staff, raised(world.resident), "claim")
    target = tmp_path / f"sla.{ending}"
    answer = run("report", "--organization", "asha", "--hostel", "H1", "--first", "2026-01-01", "--last", "2026-12-31", str(target))
    assert answer.exit_code == 0, answer.output
    assert target.read_bytes().startswith(beginning)


@pytest.mark.parametrize(("changes", "words"), [({"--organization": "nobody"}, "no organization"), ({"--hostel": "H9"}, "no hostel"),
                                                ({"--first": "soon"}, "Please give a day")])
def test_what_is_wrong_is_said_in_a_sentence(run, world, tmp_path, changes, words):
    given = {"--organization": "asha", "--hostel": "H1", "--first": "2026-01-01", "--last": "2026-01-31", **changes}
    answer = run("report", *(word for pair in given.items() for word in pair), str(tmp_path / "sla.csv"))
    assert answer.exit_code != 0
    assert words in answer.output
