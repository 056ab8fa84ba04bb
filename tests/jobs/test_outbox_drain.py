"""The drain: what is committed is done, in the transaction that finishes it; failures come again, then rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.rules.errors import Invalid
from app.rules.work import MAX_ATTEMPTS
from app.services import work
from app.tenancy import queue_scope, tenant_scope
from jobs.outbox import Drainer
from jobs.registry import handles
from tests.jobs.conftest import note


@pytest.fixture
def noting(kinds):
    @handles("test.note")
    def write(session, payload):
        note(session, payload["word"])


def ask(org_id, word, kind="test.note", **options):
    with tenant_scope(org_id) as session:
        return work.enqueue(session, kind, {"word": word}, **options)


def make_due(superuser):
    """Time passes until everything is due."""
    with superuser.begin() as connection:
        connection.execute(text("UPDATE outbox SET due_at = least(due_at, clock_timestamp())"))


def claimed_until(superuser):
    with superuser.begin() as connection:
        return connection.execute(text("SELECT max(claimed_until) FROM outbox")).scalar()


def test_work_of_several_organizations_is_done_each_within_its_own(world, drainer, kinds, notes):
    seen = []

    @handles("test.where")
    def where(session, payload):
        seen.append((payload["word"], session.execute(text("SELECT app.current_org()")).scalar()))

    for place in (world.a, world.b):
        ask(place.org_id, place.slug, "test.where")
    assert drainer.drain() == 2
    assert sorted(seen) == sorted((place.slug, place.org_id) for place in (world.a, world.b))


def test_done_work_is_not_done_again(world, drainer, noting, notes, rows):
    ask(world.a.org_id, "once")
    assert (drainer.drain(), drainer.drain()) == (1, 0)
    assert notes() == ["once"]
    assert [row["state"] for row in rows()] == ["done"]


def test_what_rolls_back_was_never_asked_for(world, drainer, noting, notes, rows):
    def fails_late():
        with tenant_scope(world.a.org_id) as session:
            work.enqueue(session, "test.note", {"word": "never"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails_late()
    assert (drainer.drain(), rows()) == (0, [])


def test_a_failing_handler_takes_nothing_of_its_neighbours_with_it(world, drainer, kinds, noting, notes, rows):
    @handles("test.broken")
    def broken(session, payload):
        note(session, payload["word"])
        raise RuntimeError("it broke")

    ask(world.a.org_id, "before")
    ask(world.a.org_id, "broken", "test.broken")
    ask(world.a.org_id, "after")
    drainer.drain()
    assert sorted(notes()) == ["after", "before"]
    failed = next(row for row in rows() if row["kind"] == "test.broken")
    assert (failed["state"], failed["attempts"], failed["last_error"]) == ("pending", 1, "RuntimeError: it broke")
    assert failed["due_at"] > datetime.now(UTC) + timedelta(seconds=4)


def test_work_that_fails_every_time_becomes_a_dead_letter_and_can_be_sent_again(world, drainer, kinds, superuser, notes, rows):
    healed = []

    @handles("test.flaky")
    def flaky(session, payload):
        if not healed:
            raise RuntimeError("not today")
        note(session, payload["word"])

    asked = ask(world.a.org_id, "letter", "test.flaky")
    for _ in range(MAX_ATTEMPTS):
        assert rows()[0]["state"] == "pending"
        make_due(superuser)
        drainer.drain()
    assert (rows()[0]["state"], rows()[0]["attempts"]) == ("dead", MAX_ATTEMPTS)
    make_due(superuser)
    assert drainer.drain() == 0
    healed.append(True)
    with queue_scope() as session:
        work.resend(session, asked)
    drainer.drain()
    assert (rows()[0]["state"], rows()[0]["last_error"], notes()) == ("done", None, ["letter"])


def test_a_refusal_that_stays_is_not_tried_again(world, drainer, kinds, rows):
    @handles("test.refused")
    def refused(session, payload):
        raise Invalid("This address cannot be written to.")

    ask(world.a.org_id, "x", "test.refused")
    drainer.drain()
    assert (rows()[0]["state"], rows()[0]["last_error"]) == ("dead", "This address cannot be written to.")


def test_a_refusal_by_the_database_is_told_in_its_own_words(world, drainer, kinds, rows):
    @handles("test.refused")
    def refused(session, payload):
        session.execute(text("SELECT app.move('maintenance_request', uuidv7(), 'claim')"))

    ask(world.a.org_id, "x", "test.refused")
    drainer.drain()
    assert (rows()[0]["state"], rows()[0]["last_error"]) == ("dead", "There is no such maintenance request.")


def test_a_dead_letter_shows_no_personal_data(world, drainer, kinds, rows):
    @handles("test.chatty")
    def chatty(session, payload):
        raise RuntimeError("cannot write to asha.rao@example.com")

    ask(world.a.org_id, "x", "test.chatty")
    drainer.drain()
    assert "asha" not in rows()[0]["last_error"]


def test_an_unknown_kind_waits_for_the_code_that_knows_it(world, drainer, kinds, superuser, notes, rows):
    ask(world.a.org_id, "early", "test.note")
    drainer.drain()
    assert rows()[0]["state"] == "pending"

    @handles("test.note")
    def write(session, payload):
        note(session, payload["word"])

    make_due(superuser)
    drainer.drain()
    assert notes() == ["early"]


def test_the_same_key_is_asked_for_once_in_each_organization(world, drainer, noting, notes):
    assert ask(world.a.org_id, "first", key="same") is not None
    assert ask(world.a.org_id, "second", key="same") is None
    assert ask(world.b.org_id, "elsewhere", key="same") is not None
    drainer.drain()
    assert sorted(notes()) == ["elsewhere", "first"]


def test_work_is_not_begun_before_it_is_due(world, drainer, noting, notes, superuser):
    ask(world.a.org_id, "later", due=datetime.now(UTC) + timedelta(hours=1))
    assert drainer.drain() == 0
    make_due(superuser)
    drainer.drain()
    assert notes() == ["later"]


def test_a_worker_that_lost_its_lease_writes_nothing(world, drainer, kinds, superuser, notes, rows):
    other = Drainer("other", timedelta(seconds=30))

    @handles("test.slow")
    def slow(session, payload):
        note(session, payload["word"])
        if len(taken) == 0:  # meanwhile the lease ends, and another worker is faster
            taken.append(True)
            with superuser.begin() as connection:
                connection.execute(text("UPDATE outbox SET claimed_until = clock_timestamp() - interval '1 second'"))
            other.drain()

    taken = []
    ask(world.a.org_id, "once", "test.slow")
    drainer.drain()
    assert (notes(), rows()[0]["claimed_by"], rows()[0]["state"]) == (["once"], "other", "done")


def test_a_long_handler_keeps_its_lease(world, kinds, superuser, notes):
    impatient = Drainer("impatient", timedelta(seconds=0.3))

    @handles("test.long")
    def long(session, payload):
        first = claimed_until(superuser)
        while claimed_until(superuser) <= first:
            pass
        note(session, payload["word"])

    ask(world.a.org_id, "long", "test.long")
    impatient.drain()
    assert notes() == ["long"]


def test_what_was_tried_before_and_what_calls_the_outside_come_alone(world, kinds, superuser):
    @handles("test.outside", external=True)
    def outside(session, payload):
        """Calls nobody."""

    for word in ("a", "b", "c", "dead"):
        ask(world.a.org_id, word, "test.note")
    ask(world.a.org_id, "outside", "test.outside")
    with superuser.begin() as connection:
        connection.execute(text("UPDATE outbox SET attempts = 1 WHERE payload ->> 'word' IN ('a', 'dead')"))
        connection.execute(text("UPDATE outbox SET claimed_until = clock_timestamp() - interval '1 s' WHERE payload ->> 'word' = 'dead'"))
    claimed = []
    for _ in range(5):
        with queue_scope() as session:
            claimed.append([row.payload["word"] for row in work.claim(session, "w", 50, timedelta(seconds=30), ["test.outside"])])
    assert sorted(claimed[0]) == ["b", "c"]
    assert claimed[1:] == [["dead"], ["outside"], ["a"], []]


def test_rows_of_one_organization_are_taken_together_and_single_ones_with_their_neighbours(world, app):
    for org_id, word in ((world.a.org_id, "a1"), (world.b.org_id, "b1"), (world.a.org_id, "a2"), (world.b.org_id, "b2")):
        ask(org_id, word)

    def claimed():
        with queue_scope() as session:
            return sorted(row.payload["word"] for row in work.claim(session, "w", 50, timedelta(seconds=30), []))

    assert [claimed(), claimed()] == [["a1", "a2"], ["b1", "b2"]]
    ask(world.a.org_id, "a3")
    ask(world.b.org_id, "b3")
    assert claimed() == ["a3", "b3"]


def test_two_workers_never_hold_the_same_row(world, app):
    for number in range(20):
        ask(world.a.org_id, str(number))
    with queue_scope() as first, queue_scope() as second:
        mine = {row.id for row in work.claim(first, "first", 12, timedelta(seconds=30), [])}
        theirs = {row.id for row in work.claim(second, "second", 12, timedelta(seconds=30), [])}
    assert (len(mine), len(theirs), mine & theirs) == (12, 8, set())


def test_a_worker_told_to_stop_gives_back_what_it_has_not_begun(world, drainer, noting, notes, rows):
    for place in (world.a, world.b):
        ask(place.org_id, place.slug)
    drainer.drain(stopping=lambda: bool(notes()))
    waiting = next(row for row in rows() if row["state"] == "pending")
    assert (len(notes()), waiting["attempts"], waiting["claimed_until"]) == (1, 0, None)


def test_work_asked_for_by_work_is_done_as_well(world, drainer, kinds, noting, notes):
    @handles("test.first")
    def first(session, payload):
        work.enqueue(session, "test.note", {"word": "second"})

    ask(world.a.org_id, "x", "test.first")
    assert (drainer.drain(), notes()) == (2, ["second"])


def test_work_of_the_installation_runs_on_the_service_login_and_says_so(app, drainer, kinds, superuser):
    seen = []

    @handles("test.everywhere")
    def everywhere(session, payload):
        seen.append(session.execute(text("SELECT session_user, app.current_org()")).one())

    with queue_scope() as session:
        work.enqueue(session, "test.everywhere")
    drainer.drain()
    assert seen == [("viramah_service", None)]
    with superuser.begin() as connection:
        assert connection.execute(text("SELECT reason FROM audit_log WHERE action = 'service'")).scalars().all() == [
            "work: test.everywhere"]


def test_what_kills_every_worker_is_given_up(world, drainer, noting, notes, superuser, rows):
    ask(world.a.org_id, "deadly")
    with superuser.begin() as connection:
        connection.execute(text("UPDATE outbox SET attempts = :most"), {"most": MAX_ATTEMPTS})
    drainer.drain()
    assert (notes(), rows()[0]["state"], rows()[0]["last_error"]) == (
        [], "dead", "WorkersDied: Every worker that tried this died of it.")
