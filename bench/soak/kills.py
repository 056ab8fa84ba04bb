"""A thousand kills: workers, whole pools, Redis with its data, and PostgreSQL, while work keeps being asked for.

`python -m bench.soak.kills [kills]`. Every word that was committed must be written down exactly once; a word whose
transaction rolled back never; one whose commit was cut off once or never. PostgreSQL runs with fsync.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from threading import Event, Thread

import psutil
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from app.services import work
from app.tenancy import tenant_scope
from bench._compare import heading, line
from bench._console import console
from bench._durable import durable_servers
from tests.faults.processes import Faults, wait_until

KILLS = 1000
FLUSH_EVERY, POOL_EVERY, SERVER_EVERY = 25, 50, 250  # kills
RECOVERY = 60.0  # seconds: the goal
LEFT_TO_DO = 100  # rows: with more, the next kill waits, as what is measured is recovery, not a backlog


class ChangedMind(Exception):
    """Why a transaction is rolled back."""


def _change_mind():
    raise ChangedMind


class Asker(Thread):
    """Commits, rolls back, and keeps account of both."""

    def __init__(self, app, org_id):
        super().__init__(daemon=True)
        self.app, self.org_id, self.stop = app, org_id, Event()
        self.committed, self.refused, self.unsure = set(), set(), set()

    def run(self):
        for number in itertools.count():
            if self.stop.wait(0.05):
                return
            words = [f"{number}.{part}" for part in range(5)]
            self._ask(words, fails=number % 7 == 0)

    def _ask(self, words, *, fails):
        try:
            with self.app.app_context(), tenant_scope(self.org_id) as session:
                for word in words:
                    work.enqueue(session, "fault.slow", {"word": word})
                if fails:
                    _change_mind()
        except ChangedMind:
            self.refused |= set(words)
        except DBAPIError:
            self.unsure |= set(words)
        else:
            self.committed |= set(words)


def _kill_one(pool, chance):
    """Kill a worker process, as soon as there is one."""
    def victim():
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(pool.pid).children()
            return chance.choice(children) if children else None

    with contextlib.suppress(psutil.NoSuchProcess):
        wait_until(victim).kill()


def _waiting(faults):
    with faults.engine.begin() as connection:
        return connection.execute(text("SELECT due FROM app.work_backlog()")).scalar()


def _soak(servers, house, faults, kills):
    chance = random.Random(kills)  # noqa: S311 - not a secret
    pool = faults.start_worker(processes=4, lease=1)
    asker = Asker(house.app, faults.org_id)
    asker.start()
    flushes = servers_killed = 0
    for number in range(1, kills + 1):
        wait_until(lambda: _waiting(faults) <= LEFT_TO_DO, RECOVERY)
        time.sleep(chance.random() * 0.1)
        _kill_one(pool, chance)
        if number % FLUSH_EVERY == 0:
            with redis.Redis.from_url(faults.redis_url) as client:
                client.flushall()
            flushes += 1
        if number % POOL_EVERY == 0:
            faults.kill(pool)
            pool = faults.start_worker(processes=4, lease=1)
        if number % SERVER_EVERY == 0:
            servers.postgres.process.kill()
            servers.postgres.process.wait()
            servers.postgres.start()
            servers_killed += 1
    asker.stop.set()
    asker.join()
    begin = time.monotonic()
    faults.wait_all_done(RECOVERY * 5)
    return asker, time.monotonic() - begin, flushes, servers_killed


def _judge(faults, asker):
    """Words lost, done twice, done though rolled back; and how many rows were begun more than once."""
    found = Counter(faults.notes())
    with faults.engine.begin() as connection:
        again = connection.execute(text("SELECT count(*) FROM outbox WHERE attempts > 1")).scalar()
    lost = [word for word in asker.committed if not found[word]]
    twice = [word for word, times in found.items() if times > 1]
    return lost, twice, [word for word in asker.refused if found[word]], again


def main() -> None:
    """Kill and count."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else KILLS
    heading()
    with durable_servers() as servers, console(servers, 0) as house, tempfile.TemporaryDirectory() as folder:
        faults = Faults(house.app.config["SETTINGS"], create_engine(house.admin_url, pool_pre_ping=True), house.world.a.org_id,
                        Path(folder))
        try:
            begin = time.monotonic()
            asker, recovery, flushes, servers_killed = _soak(servers, house, faults, kills)
            lost, twice, never, again = _judge(faults, asker)
        finally:
            faults.end()
            faults.engine.dispose()
        done = len(asker.committed)
        line(f"{kills} kills, {flushes} × FLUSHALL, {servers_killed} × PostgreSQL", f"{done:,} done", f"{again:,} begun again",
             f"{time.monotonic() - begin:.0f} s", "0 lost, 0 twice", not lost and not twice and not never)
        line("all done after the last kill", f"{recovery:.1f} s", "", "", f"≤ {RECOVERY:.0f} s", recovery <= RECOVERY)
        if lost or twice or never:
            sys.exit(f"Lost {lost[:5]}, done twice {twice[:5]}, done though rolled back {never[:5]}.")


if __name__ == "__main__":
    main()
