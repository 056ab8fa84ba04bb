"""Who was cut off gets what they missed, in order and once, or is told to fetch anew; also over kill -9 and lost slots."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from functools import partial

import pytest
import websockets
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.api.realtime.pgoutput import Change, Kind, Table, Transaction
from app.api.realtime.window import MOST_WAL, Window, sequence
from tests.api.conftest import PATIENCE, Running, drop_slots, wait_for
from tests.api.helpers import act, raise_request, run
from tests.faults.processes import Faults


async def missed(client, since, last):
    """Join with a number; the ids that come up to `last`, and the answer."""
    answer = await client.join("maintenance_requests", since=since)
    return [*await client.nothing_before(last), last], answer


def test_a_page_that_was_cut_off_gets_what_it_missed_once_and_in_order(world, superuser, wire, token):
    async def story():
        key = token(world.owner)
        async with wire(key) as owner:
            start = await owner.join("maintenance_requests")
            assert start["snapshot"] is False
            first = await raise_request(superuser, world.a)
            seen = (await owner.change())["seq"]
            assert seen > start["seq"]
        second = await raise_request(superuser, world.a)
        await raise_request(superuser, world.b)
        await act(superuser, "UPDATE maintenance_requests SET place = 'both, in one transaction' WHERE org_id = :org", org=world.a.org_id)
        async with wire(key) as owner:
            answer = await owner.join("maintenance_requests", since=seen)
            told = [await owner.change() for _ in range(3)]
            assert [(data["type"], data["record"]["id"]) for data in told] == [
                ("INSERT", second), ("UPDATE", first), ("UPDATE", second)]
            assert answer["snapshot"] is False
            assert len({data["seq"] for data in told}) == 3
            mark = await raise_request(superuser, world.a)
            assert await owner.nothing_before(mark) == []
        async with wire(key) as owner:  # from the middle of a transaction: its rest
            await owner.join("maintenance_requests", since=told[1]["seq"])
            assert await owner.nothing_before(mark) == [second]
    run(story())


@pytest.mark.parametrize("since", ["0" * 24, "F" * 24])
def test_a_number_that_is_too_old_or_of_another_database_asks_for_a_fetch(world, wire, token, since):
    async def story():
        async with wire(token(world.owner)) as owner:
            answer = await owner.join("maintenance_requests", since=since)
            assert answer["snapshot"] is True
            assert answer["seq"] not in ("0" * 24, "F" * 24)
    run(story())


def test_nothing_is_lost_or_told_twice_around_a_join(world, superuser, wire, token):
    """Requests are raised while clients come and go; each picks up where it left."""
    async def story():
        key, ids, got, since = token(world.owner), [], [], None
        async with wire(key) as owner:
            since = (await owner.join("maintenance_requests"))["seq"]

        async def raising():
            while len(ids) < 16:
                ids.append(await raise_request(superuser, world.a))

        work = asyncio.create_task(raising())
        while not work.done() or len(got) < len(ids):
            async with wire(key) as owner:
                await owner.join("maintenance_requests", since=since)
                while len(got) < len(ids):
                    data = await owner.change()
                    got.append(data["record"]["id"])
                    since = data["seq"]
                    if len(got) % 4 == 0:
                        break  # cut off with messages on their way
            await asyncio.sleep(0)
        assert got == ids
    run(story())


class Process(Faults):
    """The realtime process itself, to be killed."""

    def __init__(self, settings, superuser, world, folder):
        super().__init__(settings, superuser, world.a.org_id, folder)
        self.port = settings.realtime_port
        self.url = f"ws://127.0.0.1:{self.port}/realtime/v1"

    def begin(self):
        process = self.start("-m", "app.api.realtime")
        wait_for(lambda: process.poll() is not None or reads(self.engine))
        assert process.poll() is None
        return process


def reads(superuser):
    with superuser.connect() as c:
        return c.scalar(text("SELECT count(*) FROM pg_replication_slots WHERE database = current_database() AND active"))


@pytest.fixture
def process(app, world, live_settings, superuser, tmp_path):
    found = Process(live_settings, superuser, world, tmp_path)
    yield found
    found.end()
    sys.stderr.write((tmp_path / "log").read_text())
    wait_for(lambda: not reads(superuser))
    drop_slots(superuser)


async def connected(stack, connect):
    """Connect as soon as the process listens."""
    for _ in range(int(PATIENCE * 20)):
        try:
            return await stack.enter_async_context(connect())
        except OSError:
            await asyncio.sleep(0.05)
    raise AssertionError("nobody listens")


@pytest.mark.fault
def test_killed_and_started_again_it_goes_on_where_each_client_was(process, world, superuser, token, wire_to):
    async def story():
        key = token(world.owner)
        connect = partial(wire_to, key, url=process.url)
        running = process.begin()
        async with contextlib.AsyncExitStack() as stack:
            owner = await connected(stack, connect)
            await owner.join("maintenance_requests")
            first = await raise_request(superuser, world.a)
            seen = await owner.change()
            assert seen["record"]["id"] == first
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
            with pytest.raises(websockets.ConnectionClosed):
                await owner.until("nothing more")
            while_away = [await raise_request(superuser, world.a) for _ in range(3)]
            process.begin()
            owner = await connected(stack, connect)
            found, answer = await missed(owner, seen["seq"], while_away[-1])
            assert (found, answer["snapshot"]) == (while_away, False)
            # Who comes without a number is told of nothing that was before.
            late = await connected(stack, connect)
            await late.join("maintenance_requests")
            last = await raise_request(superuser, world.a)
            assert await late.nothing_before(last) == []
            assert await owner.nothing_before(last) == []
            assert key not in (process.folder / "log").read_text()  # though it stands in the address
    run(story())


def test_whoever_joins_before_the_stream_begins_waits_for_it(app, world, live_settings, superuser, token, wire_to):
    """Making a slot waits for transactions under way, and tells nothing of what is committed meanwhile."""
    running = Running(live_settings)

    async def story(under_way):
        async with contextlib.AsyncExitStack() as stack:
            owner = await connected(stack, partial(wire_to, token(world.owner), url=running.url))
            joining = asyncio.create_task(owner.join("maintenance_requests"))
            await asyncio.to_thread(wait_for, lambda: reads(superuser))
            assert not joining.done()
            await asyncio.to_thread(under_way.rollback)
            await joining
            request = await raise_request(superuser, world.a)
            assert (await owner.change())["record"]["id"] == request

    with superuser.connect() as under_way:
        under_way.execute(text("CREATE TABLE under_way ()"))  # takes an id, as every transaction that writes
        running.thread.start()
        try:
            run(story(under_way))
        finally:
            under_way.rollback()
            running.stop()
            drop_slots(superuser)


def test_a_slot_that_was_lost_is_made_anew_and_everybody_fetches(live, world, superuser, wire, token):
    async def story():
        async with wire(token(world.owner)) as owner:
            await owner.join("maintenance_requests")
            assert (await owner.until("system"))["status"] == "ok"
            await asyncio.to_thread(lose_the_slot, superuser)
            told = await owner.until("system")
            assert (told["snapshot"], told["status"]) == (True, "ok")
            after = await raise_request(superuser, world.a)
            assert (await owner.change())["record"]["id"] == after
    run(story())


def lose_the_slot(superuser):
    """End its reader and drop it, before the reader is back."""
    with superuser.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        slot, = c.execute(text("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()")).one()
        for _ in range(1000):
            c.execute(text("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = :s AND active"), {"s": slot})
            with contextlib.suppress(OperationalError):  # active again, or not gone yet
                c.execute(text("SELECT pg_drop_replication_slot(:s)"), {"s": slot})
                return


def transaction(lsn, changes=1):
    table = Table("t", {"id": "int4"}, frozenset({"id"}))
    return Transaction(lsn, None, [Change(Kind.INSERT, table, {"id": str(n)}) for n in range(changes)])


def test_the_window_forgets_by_age_and_by_what_the_slot_holds_back_and_says_so():
    window = Window(start=100, end=100, seconds=60)
    for lsn, now in ((200, 0.0), (300, 50.0)):
        window.add(transaction(lsn, 2), now)
    assert [told.seq for told in window.since(sequence(200))] == [sequence(200, 1), sequence(300), sequence(300, 1)]
    assert window.add(transaction(300, 2), 51.0) == []  # told again after the connection broke
    window.forget(70.0, 400)
    assert (window.since(sequence(200)), window.keep_from) == (None, 200)
    assert len(window.since(sequence(200, 1))) == 2
    window.forget(71.0, 400 + MOST_WAL)
    assert window.since(window.position) == []
    assert window.since(sequence(300)) is None


def test_before_the_stream_has_caught_up_numbers_from_before_the_restart_hold():
    window = Window(start=100, end=500, seconds=60)
    assert window.since(sequence(450)) == []
    assert window.horizon == sequence(500)
    window.add(transaction(460), 0.0)
    assert [told.seq for told in window.since(sequence(450))] == [sequence(460)]

