"""A commit that asks for work wakes a worker; without Redis it only takes longer."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import text

from app import wakeup
from app.services import work
from app.tenancy import tenant_scope
from app.wiring import queue, redis


def ask(world):
    with tenant_scope(world.a.org_id) as session:
        return work.enqueue(session, "test.note", {"word": "x"})


@pytest.fixture
def no_redis(app, tmp_path):
    """Redis is away, for this application."""
    known = app.extensions["redis"]
    app.extensions["redis"] = Redis(unix_socket_path=str(tmp_path / "nothing.sock"), retry=Retry(NoBackoff(), 0))
    yield
    app.extensions["redis"] = known
    wakeup.init_app(app)


def test_a_commit_that_asks_for_work_wakes_a_worker_once(app, world):
    ask(world)
    ask(world)
    assert queue().count == 1
    assert wakeup.wait_for_wake_up(1)
    assert not wakeup.wait_for_wake_up(1)
    assert redis().keys("*") in ([], [b"rq:queues"])


def test_a_commit_after_the_wake_up_wakes_again(app, world):
    ask(world)
    wakeup.wait_for_wake_up(1)
    ask(world)
    assert wakeup.wait_for_wake_up(1)


def test_a_commit_that_asks_for_nothing_wakes_nobody(app, world):
    with tenant_scope(world.a.org_id) as session:
        session.execute(text("SELECT 1"))
    assert queue().count == 0


def test_what_rolls_back_wakes_nobody(app, world):
    def fails():
        with tenant_scope(world.a.org_id) as session:
            work.enqueue(session, "test.note")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert queue().count == 0


def test_a_request_that_writes_wakes_a_worker(app, world):
    with app.test_request_context("/", method="POST"), tenant_scope(world.a.org_id) as session:
        session.execute(text("SELECT 1"))
    assert queue().count == 1


def test_without_redis_the_work_is_asked_for_all_the_same(world, no_redis, superuser):
    assert ask(world) is not None
    with superuser.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar() == 1


def test_a_redis_that_failed_is_left_alone_for_a_while(app, world, no_redis, monkeypatch):
    wakeup.wake()
    asked = []
    monkeypatch.setattr(redis(), "set", lambda *_, **__: asked.append(True))
    wakeup.wake()
    assert asked == []
