"""kill −9 at the worst moments: what was committed is done once, what was not is never done."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
from threading import Thread

import psutil
import pytest
import redis
from sqlalchemy import text

from app.local.redis import Redis
from jobs.schedule import SCHEDULE
from tests.faults.processes import DEADLINE, wait_until

pytestmark = pytest.mark.fault


@pytest.fixture
def own_redis(faults, tmp_path_factory):
    """A Redis that may be killed; the processes of the test use it."""
    folder = tmp_path_factory.mktemp("r")
    server = Redis(folder / "s", folder / "log")
    server.start()
    faults.redis_url = server.url()
    yield server
    server.stop()


def worker_processes(pool):
    """The processes that a pool forked."""
    return psutil.Process(pool.pid).children()


def test_a_worker_killed_inside_a_handler_leaves_the_work_to_the_next(faults):
    faults.hold("letter")
    faults.ask("letter", "other")
    first = faults.start_worker()
    faults.wait_inside("letter")
    faults.kill(first)
    assert faults.notes() == []
    faults.let_go("letter")
    faults.start_worker()
    faults.wait_all_done()
    assert faults.notes() == ["letter", "other"]


def test_a_killed_process_is_replaced_by_its_pool(faults):
    faults.hold("letter")
    faults.ask("letter")
    pool = faults.start_worker()
    faults.wait_inside("letter")
    worker_processes(pool)[0].kill()
    faults.let_go("letter")
    faults.wait_all_done()
    assert faults.notes() == ["letter"]


def test_processes_whose_pool_was_killed_end_by_themselves(faults):
    faults.ask("letter")
    pool = faults.start_worker()
    faults.wait_all_done()
    children = worker_processes(pool)
    os.kill(pool.pid, signal.SIGKILL)
    pool.wait()
    assert psutil.wait_procs(children, timeout=DEADLINE)[1] == []


def test_a_worker_asked_to_stop_finishes_what_it_is_in(faults):
    faults.hold("letter")
    faults.ask("letter")
    pool = faults.start_worker()
    faults.wait_inside("letter")
    pool.terminate()
    faults.let_go("letter")
    assert pool.wait(DEADLINE) == 0
    assert (faults.notes(), faults.states()) == (["letter"], {"done": 1})


def test_an_emptied_redis_loses_nothing(faults, own_redis):
    faults.ask(*"abc")
    with redis.Redis.from_url(own_redis.url()) as client:
        client.flushall()
    faults.start_worker()
    faults.wait_all_done()
    with redis.Redis.from_url(own_redis.url()) as client:
        client.flushall()
    faults.ask(*"def")
    faults.wait_all_done()
    assert faults.notes() == list("abcdef")


def test_work_goes_on_while_redis_is_dead_and_after_it_came_back_empty(faults, own_redis):
    faults.ask("before")
    faults.start_worker()
    faults.wait_all_done()
    own_redis.process.kill()
    own_redis.process.wait()
    faults.ask("without")
    faults.wait_all_done()
    own_redis.start()
    faults.ask("after")
    faults.wait_all_done()
    assert faults.notes() == ["after", "before", "without"]


def test_a_database_that_goes_away_is_waited_for(faults):
    faults.hold("letter")
    faults.ask("letter")
    pool = faults.start_worker()
    faults.wait_inside("letter")
    with faults.engine.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                "WHERE datname = current_database() AND pid <> pg_backend_pid()"))
    faults.let_go("letter")
    faults.wait_all_done()
    assert pool.poll() is None
    assert faults.notes() == ["letter"]


@pytest.fixture
def web(faults, tmp_path_factory):
    """Gunicorn with the product's application; post(path) does not wait for the answer."""
    address = tmp_path_factory.mktemp("w") / "web.sock"

    def post(path):
        def send():
            connection = http.client.HTTPConnection("localhost")
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(address))
            try:
                connection.request("POST", path)
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                pass  # the server was killed: that is the test
            finally:
                connection.close()

        Thread(target=send, daemon=True).start()

    post.server = faults.start("-m", "gunicorn", "tests.faults.web:app", "--bind", f"unix:{address}", "--workers", "1",
                               "--no-control-socket")
    wait_until(address.exists)
    return post


@pytest.mark.parametrize(("moment", "done"), [("before", []), ("after", ["letter"])])
def test_a_request_killed_around_its_commit_is_done_wholly_or_not_at_all(faults, web, moment, done):
    faults.hold("letter")
    web(f"/fault/{moment}/letter")
    faults.wait_inside("letter")
    faults.kill(web.server)
    faults.let_go("letter")
    faults.ask("witness")
    faults.start_worker()
    wait_until(lambda: "witness" in faults.notes())
    faults.wait_all_done()
    assert faults.notes() == [*done, "witness"]


def test_three_scheduler_processes_start_each_slot_once(faults):
    processes = [faults.start("-m", "jobs.scheduler", "--tick", "0.1") for _ in range(3)]

    def started():
        with faults.engine.begin() as connection:
            return list(connection.execute(text("SELECT kind, key FROM outbox WHERE org_id IS NULL")).all())

    wait_until(lambda: len({kind for kind, _ in started()}) == len(SCHEDULE))
    for process in processes:
        process.terminate()
        assert process.wait(DEADLINE) == 0
    assert len(started()) == len(set(started()))


def test_ten_kills_at_random_moments_lose_nothing_and_do_nothing_twice(faults):
    chance = random.Random(7)  # noqa: S311 - not a secret
    pool = faults.start_worker(processes=2, lease=1)
    words = []
    for number in range(10):
        more = [f"w{number:02}{letter}" for letter in "abcdefgh"]
        faults.ask(*more)
        words += more
        enough = chance.randrange(len(words) - 8, len(words))
        wait_until(lambda enough=enough: len(faults.notes()) >= enough)
        for process in worker_processes(pool):
            process.kill()
    faults.wait_all_done()
    assert faults.notes() == words
