"""Small jobs: our worker against RQ's own, which forks for each job, and against its SimpleWorker, which does not.

Jobs do nothing, so that only the machinery is measured: claim, transaction, binding, finish on our side, on a
PostgreSQL with fsync; on RQ's side Redis in memory. Adding the jobs is outside of the measurement on both sides.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine, text

from bench._compare import heading, line
from bench._console import Console, console
from bench._durable import durable_servers

ROUNDS = 8
OURS, FORKED, SIMPLE = 3000, 60, 300  # jobs in a round
ORGANIZATIONS = 100
GOAL = 20


def _rq(url: str, simple: bool, jobs: int, answer: Connection) -> None:
    """In a fresh process, as small as `rq worker` is: seconds that RQ takes for `jobs` calls of time.time()."""
    from redis import Redis
    from rq import Queue, SimpleWorker, Worker

    connection = Redis.from_url(url)
    queue = Queue("bench", connection=connection)
    for _ in range(jobs):
        queue.enqueue("time.time", result_ttl=0)
    worker = (SimpleWorker if simple else Worker)([queue], connection=connection)
    begin = time.perf_counter()
    worker.work(burst=True, logging_level="ERROR")
    answer.send(time.perf_counter() - begin)


def rq_seconds(url: str, jobs: int, *, simple: bool) -> float:
    """Seconds for one job of RQ's."""
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_rq, args=(url, simple, jobs, theirs))
    process.start()
    seconds: float = mine.recv()
    process.join()
    return seconds / jobs


def our_seconds(house: Console, orgs: list[UUID]) -> float:
    """Seconds for one job of ours, in one worker; the jobs are spread over `orgs` in turn."""
    from jobs.outbox import Drainer

    engine = create_engine(house.admin_url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO outbox (org_id, kind) SELECT (CAST(:orgs AS uuid[]))[1 + i % :n], 'bench.nothing' "
                                "FROM generate_series(1, :jobs) i"), {"orgs": orgs, "n": len(orgs), "jobs": OURS})
    engine.dispose()
    with house.app.app_context():
        drainer = Drainer.new()
        begin = time.perf_counter()
        assert drainer.drain() == OURS
        return (time.perf_counter() - begin) / OURS


def _organizations(house: Console) -> list[UUID]:
    """A hundred, made for this."""
    engine = create_engine(house.admin_url)
    with engine.begin() as connection:
        return list(connection.execute(text(
            "INSERT INTO organizations (name, slug) SELECT 'Bench', 'bench-' || i FROM generate_series(1, :n) i RETURNING id"),
            {"n": ORGANIZATIONS}).scalars())


def _compare(name: str, ours: Callable[[], float], peer: Callable[[], float], goal: float | None) -> None:
    ours()
    peer()
    pairs = [(ours(), peer()) if number % 2 == 0 else tuple(reversed((peer(), ours()))) for number in range(ROUNDS)]
    ratios = [theirs / mine for mine, theirs in pairs]
    ratio = statistics.median(ratios)
    line(name, f"{1 / statistics.median(mine for mine, _ in pairs):,.0f}/s", f"{1 / statistics.median(theirs for _, theirs in pairs):,.0f}/s",
         f"{ratio:.1f} [{min(ratios):.1f}–{max(ratios):.1f}]", f"≥ {goal}" if goal else "to be known", goal is None or ratio >= goal)


def _nothing(_session: Any, _payload: Any) -> None:
    """A job that costs nothing."""


def main() -> None:
    """Measure and print."""
    from jobs.registry import handles

    handles("bench.nothing")(_nothing)
    heading()
    with durable_servers() as servers, console(servers, 0) as house:
        url, one = servers.redis_url(1), [house.world.a.org_id]
        many = _organizations(house)
        _compare("small jobs, one organization, RQ forks", lambda: our_seconds(house, one),
                 lambda: rq_seconds(url, FORKED, simple=False), GOAL)
        _compare("the same of a hundred organizations", lambda: our_seconds(house, many),
                 lambda: rq_seconds(url, FORKED, simple=False), GOAL)
        _compare("small jobs, RQ does not fork", lambda: our_seconds(house, one),
                 lambda: rq_seconds(url, SIMPLE, simple=True), None)


if __name__ == "__main__":
    main()
