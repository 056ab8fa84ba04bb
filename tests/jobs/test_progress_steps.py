"""Long work: done step by step and once, seen while it runs, cancelled in the middle, failed and tried again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.progress import BULK_STEP, KEPT, MOST_ACTIVE, TaskKind
from app.services import imports, progress, work
from app.tenancy import queue_scope, tenant_scope
from jobs import progress as runners
from jobs import registry
from jobs.outbox import Drainer
from jobs.progress import Result, Runner
from tests.imports import checked, manager, row, rows, there, told, uploaded
from tests.maintenance import raised, refusal, scope

registry.load()
pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def requests(world):
    """More than one step's worth."""
    return [raised(world.owner, hostel_id=world.a.places[0].hostel_id) for _ in range(BULK_STEP + 3)]


def claiming(person, keys, **options):
    with scope(person) as session:
        return progress.start_bulk(session, "RequestView", "claim", [str(key) for key in keys], **options)


def drain(steps: int = 10_000):
    """Let a worker do so many pieces of work."""
    left = iter(range(2 * steps))  # it asks before it takes something, and before it does it
    Drainer.new(batch=1).drain(lambda: next(left, None) is None)


def drain_until_begun(superuser, task_id):
    """The first step is done, others are left."""
    for _ in range(200):
        drain(1)
        if task(superuser, task_id).done:
            return
    raise AssertionError("no step was done")


def task(superuser, task_id):
    (row,) = there(superuser, "SELECT * FROM tasks WHERE id = :id", id=task_id)
    return row


def claims(superuser):
    """(requests that were claimed, steps of their histories that say so): twice would show."""
    return there(superuser, "SELECT count(DISTINCT request_id), count(*) FROM maintenance_assignments")[0]


@pytest.fixture
def runner(monkeypatch):
    """Put a function in the place of what makes reports."""
    def put(do, ended=lambda: None):
        class Made(Runner):
            def step(self, step):
                return do(step)

            def ended(self, step, message):
                ended()
                return {}

        monkeypatch.setitem(runners.RUNNERS, TaskKind.REPORT, Made())
    return put


def started(person, **options):
    with scope(person) as session:
        return progress.start(session, TaskKind.REPORT, **options)


# -- done, once -----------------------------------------------------------------------------------------------------


def test_a_bulk_action_is_done_as_its_person_row_by_row_and_says_what_it_left(world, requests, superuser):
    with scope(world.owner) as session:
        session.execute(text("SELECT app.move('maintenance_request', :id, 'reject', 'Not ours.')"), {"id": requests[0]})
    nowhere = uuid4()
    task_id = claiming(world.staff, [*requests, nowhere], note="")
    drain()
    found = task(superuser, task_id)
    assert (found.status, found.done, found.total) == ("done", len(requests) + 1, len(requests) + 1)
    assert found.result["done"] == len(requests) - 1
    assert {entry["keys"][0]: entry["count"] for entry in found.result["refused"]} == {str(requests[0]): 1, str(nowhere): 1}
    assert found.asked == {}
    assert there(superuser, "SELECT DISTINCT user_id FROM maintenance_assignments") == [(world.staff.user_id,)]


def test_what_was_counted_is_not_done_again_when_the_worker_loses_its_row(world, requests, superuser, monkeypatch):
    task_id = claiming(world.staff, requests)
    finish, lost = work.finish, iter([False, False])
    monkeypatch.setattr(work, "finish", lambda *given, **options: next(lost, True) and finish(*given, **options))
    for _ in range(3):  # a lost row comes back when its lease ends
        drain()
        with superuser.begin() as connection:
            connection.execute(text("UPDATE outbox SET claimed_until = NULL"))
    found = task(superuser, task_id)
    assert (found.status, found.result) == ("done", {"done": len(requests), "refused": []})
    assert claims(superuser) == (len(requests), len(requests))


def test_a_step_that_is_asked_for_twice_is_done_once(world, requests, superuser):
    task_id = claiming(world.staff, requests)
    for _ in range(3):
        with tenant_scope(world.a.org_id) as session:
            work.enqueue(session, "progress.step", {"task_id": str(task_id)})
    drain()
    assert claims(superuser) == (len(requests), len(requests))
    assert there(superuser, "SELECT count(*) FROM outbox WHERE kind = 'progress.step' AND state <> 'done'") == [(0,)]


def test_the_same_form_sent_twice_starts_one_task(world, requests, superuser):
    key = uuid4()
    assert claiming(world.staff, requests, task_id=key) == claiming(world.staff, requests, task_id=key) == key
    assert there(superuser, "SELECT count(*) FROM tasks") == [(1,)]


def test_a_person_has_a_few_of_a_kind_at_once_and_is_told_so(world, runner, superuser):
    for _ in range(MOST_ACTIVE[TaskKind.REPORT]):
        started(world.owner)
    assert "You have 3 of these waiting or running already." in refusal(lambda: started(world.owner)).message
    started(world.a.people[Role.ACCOUNTANT])


# -- seen, cancelled -----------------------------------------------------------------------------------------------


def test_progress_is_seen_from_elsewhere_while_the_step_is_open(world, runner, superuser):
    seen = []

    def do(step):
        step.session.execute(text("SELECT app.note_event('worked', 'test', 'x', 'a test')"))
        step.show(7, 10)
        seen.append(task(superuser, task_id))
        seen.append(there(superuser, "SELECT count(*) FROM audit_log WHERE action = 'worked'"))
        return Result()

    runner(do)
    task_id = started(world.owner)
    drain()
    assert (seen[0].status, seen[0].done, seen[0].total) == ("running", 7, 10)
    assert seen[1] == [(0,)]
    assert task(superuser, task_id).status == "done"


def test_what_is_cancelled_between_two_steps_keeps_what_was_done_and_says_how_much(world, requests, superuser):
    task_id = claiming(world.staff, requests)
    drain_until_begun(superuser, task_id)
    with scope(world.staff) as session:
        progress.cancel(session, task_id)
    drain()
    found = task(superuser, task_id)
    assert (found.status, found.result["done"]) == ("cancelled", BULK_STEP)
    assert claims(superuser) == (BULK_STEP, BULK_STEP)


def test_what_is_cancelled_in_the_middle_of_a_step_leaves_nothing_of_the_step(world, runner, superuser):
    ended = []

    def do(step):
        step.session.execute(text("SELECT app.note_event('worked', 'test', 'x', 'a test')"))
        with scope(world.owner) as session:
            progress.cancel(session, task_id)
        step.show(1)
        return Result()

    runner(do, lambda: ended.append(1))
    task_id = started(world.owner)
    drain()
    assert (task(superuser, task_id).status, ended) == ("cancelled", [1])
    assert there(superuser, "SELECT count(*) FROM audit_log WHERE action = 'worked'") == [(0,)]


def test_a_cancelled_check_lets_its_person_choose_again(world, superuser):
    boss = manager(world)
    run_id = uploaded(boss, rows(row(1)))
    with scope(boss) as session:
        imports.ask_for_check(session, run_id)
        task_id = progress.about(session, run_id).id
        progress.cancel(session, task_id)
    drain()
    assert task(superuser, task_id).status == "cancelled"
    assert told(boss, run_id)[0].status == "uploaded"


def test_an_import_cancelled_as_a_task_is_stopped_and_goes_on_later(world, superuser):
    boss = manager(world)
    run_id = checked(boss, rows(*map(row, range(250))))
    with scope(boss) as session:
        imports.start(session, run_id)
        task_id = progress.about(session, run_id).id
    drain_until_begun(superuser, task_id)
    with scope(boss) as session:
        progress.cancel(session, task_id)
    drain()
    found = task(superuser, task_id)
    run, counts = told(boss, run_id)
    assert (found.status, run.status) == ("cancelled", "stopped")
    assert 0 < found.result["created"] == counts.created == found.done < found.total == 250
    with scope(boss) as session:
        imports.start(session, run_id)
    drain()
    assert told(boss, run_id)[1].created == 250


def test_only_its_person_and_administrators_move_a_task_and_for_others_it_is_not_there(world, runner):
    task_id = started(world.a.people[Role.ACCOUNTANT])
    for stranger in (world.outsider, manager(world), world.staff):
        for call in (progress.cancel, progress.retry, progress.find):
            assert refusal(lambda who=stranger, what=call: _as(who, what, task_id)).status == 404
    _as(world.owner, progress.cancel, task_id)


def _as(person, call, task_id: UUID):
    with scope(person) as session:
        return call(session, task_id)


# -- failed, tried again, forgotten ------------------------------------------------------------------------------------


def test_who_may_no_longer_do_it_is_told_so_and_what_was_done_stays(world, requests, superuser):
    task_id = claiming(world.staff, requests)
    drain_until_begun(superuser, task_id)
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE memberships SET status = 'suspended' WHERE user_id = :user"), {"user": world.staff.user_id})
    drain()
    found = task(superuser, task_id)
    assert found.status == "failed"
    assert "no active role" in found.message
    assert found.result["done"] == BULK_STEP


def test_a_step_given_up_fails_its_task_and_trying_again_goes_on_where_it_was(world, requests, superuser):
    task_id = claiming(world.staff, requests)
    drain_until_begun(superuser, task_id)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'dead' WHERE kind = 'progress.step' AND state = 'pending'"))
    found = task(superuser, task_id)
    assert found.status == "failed"
    assert found.message.startswith("Something went wrong on our side, again and again.")
    _as(world.staff, progress.retry, task_id)
    drain()
    assert task(superuser, task_id).status == "done"
    assert claims(superuser) == (len(requests), len(requests))


def test_tasks_that_ended_long_ago_are_forgotten_with_their_files(world, superuser):
    asked = {"hostel": str(world.a.places[0].hostel_id), "first": "2026-01-01", "last": "2026-01-31", "ending": "csv", "locale": "en"}
    task_id = started(world.a.people[Role.ACCOUNTANT], asked=asked)
    drain()
    assert there(superuser, "SELECT purpose, deleted_at FROM files") == [("report", None)]
    assert task(superuser, task_id).status == "done"
    with superuser.begin() as connection:
        connection.execute(text("UPDATE tasks SET finished_at = finished_at - CAST(:long AS interval)"), {"long": KEPT + timedelta(days=1)})
    with queue_scope() as session:
        work.enqueue(session, "housekeeping.forget", {"slot": "x"})
    drain()
    assert there(superuser, "SELECT count(*) FROM tasks WHERE id = :id", id=task_id) == [(0,)]
    assert there(superuser, "SELECT count(*) FROM files WHERE deleted_at IS NULL AND purpose = 'report'") == [(0,)]
