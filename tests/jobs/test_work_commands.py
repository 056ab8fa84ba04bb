"""flask work …: what operations does with the outbox from a terminal."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.services import work
from app.tenancy import tenant_scope
from jobs.registry import handles
from tests.jobs.conftest import note


@pytest.fixture
def run(app):
    """A function: the output of `flask work …`."""

    def call(*words, code=0):
        result = app.test_cli_runner().invoke(args=["work", *words])
        assert result.exit_code == code, result.output
        return result.output

    return call


@pytest.fixture
def letters(world, kinds, superuser):
    """Three dead letters of two organizations, whose handler works by now."""

    @handles("test.note")
    def write(session, payload):
        note(session, payload["word"])

    for org_id, word in ((world.a.org_id, "one"), (world.a.org_id, "two"), (world.b.org_id, "three")):
        with tenant_scope(org_id) as session:
            work.enqueue(session, "test.note", {"word": word})
    with superuser.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'dead', attempts = 8, last_error = 'It broke.'"))


def test_dead_letters_are_listed_with_what_went_wrong(letters, run):
    said = run("list")
    assert said.count("It broke.") == 3
    assert "0 due" in said
    assert "3 dead" in said


def test_all_dead_letters_are_sent_again_and_done(letters, run, notes):
    assert "3" in run("resend", "--all")
    assert "3" in run("drain")
    assert sorted(notes()) == ["one", "three", "two"]


def test_resend_wants_to_know_which(letters, run):
    run("resend", code=2)
    run("resend", "--all", "--kind", "test.note", code=2)


def test_a_sweep_starts_what_the_schedule_wants_once(app, run, rows):
    run("sweep")
    before = len(rows())
    run("sweep")
    assert before == len(rows()) > 0
