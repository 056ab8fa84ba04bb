"""Live updates: from the commit of a change to 200 sockets, 50 changes a second, in the product's own realtime process.

The listeners are processes of their own. Beside it, in the same seconds and on the same machine, the floor: the same
changes read bare from a replication slot and echoed to as many bare WebSockets, without asking who may see them.
The time of a commit is when COMMIT returned to the writer: what is told before that counts as nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import urlopen

import psutil
import psycopg2
import websockets
from psycopg2.extras import LogicalReplicationConnection
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from app.permissions import Portal
from app.services.realtime import Claims, make_token, signing_key
from bench._console import Console, console
from bench._durable import durable_servers

SOCKETS, PER_SECOND, SECONDS, WARM_UP, LISTENERS, ROUNDS = 200, 50, 12, 2, 2, 2
GOAL = 0.025
_CHANGE = "UPDATE maintenance_requests SET place = %s WHERE id = %s"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


# -- listeners: processes that note when each change arrives ------------------------------------------------------


async def _listen(address: str, token: str, times: dict[str, list[float]]) -> None:
    async with websockets.connect(f"{address}?vsn=2.0.0&apikey={token}", compression=None, max_queue=None) as connection:
        if token:
            wanted = [{"event": "*", "schema": "public", "table": "maintenance_requests"}]
            await connection.send(json.dumps(["1", "1", "realtime:bench", "phx_join", {"config": {"postgres_changes": wanted}}]))
        async for data in connection:
            now = time.perf_counter()
            # Each mark stands beside the one it replaces: first in our messages, last in the bare stream.
            _, found, rest = data.partition("mark ") if token else data.rpartition("mark ")
            if found:
                times.setdefault(rest[:8], []).append(now)


def _listener(address: str, tokens: list[str], ends: Any, told: Any) -> None:
    async def work() -> dict[str, list[float]]:
        times: dict[str, list[float]] = {}
        tasks = [asyncio.create_task(_listen(address, token, times)) for token in tokens]
        await asyncio.to_thread(ends.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return times

    told.put(asyncio.run(work()))


# -- the floor: a slot read bare, each change echoed to every socket ----------------------------------------------


def _floor(address: str, port: int) -> None:
    async def work() -> None:
        connection = psycopg2.connect(address, connection_factory=LogicalReplicationConnection)
        cursor = connection.cursor()
        cursor.execute("CREATE_REPLICATION_SLOT bench_floor TEMPORARY LOGICAL pgoutput")
        cursor.start_replication(slot_name="bench_floor", decode=False,
                                 options={"proto_version": "1", "publication_names": "viramah_live"})
        sockets: set[Any] = set()

        async def hold(one: Any) -> None:
            sockets.add(one)
            await one.wait_closed()
            sockets.discard(one)

        def readable() -> None:
            while (message := cursor.read_message()) is not None:
                if message.payload[:1] == b"U":
                    websockets.broadcast(sockets, message.payload.decode(errors="replace"))

        asyncio.get_running_loop().add_reader(cursor.fileno(), readable)
        async with websockets.serve(hold, "127.0.0.1", port, compression=None):
            await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work())


# -- the product ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _product(house: Console, servers: Any, database: str, port: int) -> Iterator[psutil.Process]:
    settings = house.app.config["SETTINGS"]
    given = {f.name.upper(): str(getattr(settings, f.name)) for f in fields(settings)
             if isinstance(getattr(settings, f.name), str | int) and not isinstance(getattr(settings, f.name), bool)}
    given |= {"DATABASE_REALTIME_URL": servers.url(database, "viramah_realtime"), "REALTIME_PORT": str(port), "LOG_LEVEL": "WARNING",
              "ANCHOR_DIR": str(settings.anchor_dir), "FILES_DIR": str(settings.files_dir), "MAILBOX_DIR": str(settings.mailbox_dir),
              "AUDIT_SEAL_KEY": _key(settings.audit_seal_key), "FIELD_KEYS": f"k1:{_key(settings.field_keys['k1'])}"}
    process = subprocess.Popen([sys.executable, "-m", "app.api.realtime"], env={**os.environ, **given})
    try:
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _key(raw: bytes) -> str:
    from base64 import b64encode

    return b64encode(raw).decode()


def _tokens(house: Console) -> list[str]:
    """One person of organization A after the other, each with a session of their own."""
    key, people = signing_key(house.app.config["SETTINGS"].secret_key), [house.world.owner, house.world.staff]
    engine = create_engine(house.admin_url, poolclass=NullPool)
    found = []
    with engine.begin() as c:
        for number in range(SOCKETS):
            person = people[number % len(people)]
            session = c.scalar(text(
                "INSERT INTO user_sessions (user_id, digest, device, address, second_factor, expires_at) VALUES "
                "(:u, sha256(uuidv7()::text::bytea), 'bench', '', true, now() + interval '1 day') RETURNING id"), {"u": person.user_id})
            portal = Portal.ADMIN if person is house.world.owner else Portal.MANAGEMENT
            found.append(make_token(key, Claims(person.user_id, session, person.org_id, portal, None, datetime.now(UTC) + timedelta(hours=1))))
    return found


def _write(address: str) -> dict[str, float]:
    """Change requests at the rate; when each commit was there."""
    connection = psycopg2.connect(address)
    committed: dict[str, float] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM maintenance_requests LIMIT 200")
        ids = [row[0] for row in cursor.fetchall()]
        connection.commit()
        begin = time.perf_counter()
        for number in range(PER_SECOND * (SECONDS + WARM_UP)):
            time.sleep(max(0.0, begin + number / PER_SECOND - time.perf_counter()))
            mark = f"{number:08d}"
            cursor.execute(_CHANGE, (f"mark {mark}", ids[number % len(ids)]))
            connection.commit()
            if number >= PER_SECOND * WARM_UP:
                committed[mark] = time.perf_counter()
    connection.close()
    return committed


def _measure(address: str, tokens: list[str], writer: str, ready: Any) -> tuple[list[float], int]:
    """Seconds from each commit to each socket, and how many did not come."""
    context = multiprocessing.get_context("fork")
    ends, told = context.Event(), context.Queue()
    share = len(tokens) // LISTENERS
    processes = [context.Process(target=_listener, args=(address, tokens[n * share:(n + 1) * share], ends, told)) for n in range(LISTENERS)]
    for process in processes:
        process.start()
    ready()
    committed = _write(writer)
    time.sleep(5)
    ends.set()
    arrivals = [told.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    delays = [max(0.0, moment - committed[mark]) for times in arrivals for mark, moments in times.items()
              if mark in committed for moment in moments]
    return delays, len(committed) * share * LISTENERS - len(delays)


def _wait_for(url: str, channels: int = 0) -> None:
    """Wait until the process reads, and has so many channels."""
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError):
            if json.load(urlopen(f"{url}/healthz"))["channels"] >= channels:  # noqa: S310 - our own process
                return
        assert time.monotonic() < end, "this did not happen in time"
        time.sleep(0.1)


def _told(name: str, delays: list[float], lost: int, goal: str = "", ok: bool | None = None) -> None:
    cuts = statistics.quantiles(delays, n=100)
    verdict = "" if ok is None else "  ok" if ok else "  MISS"
    print(f"{name:<30} p50 {cuts[49] * 1000:6.1f} ms   p99 {cuts[98] * 1000:6.1f} ms   max {max(delays) * 1000:6.1f} ms   "
          f"{len(delays):>7,} told, {lost} lost  {goal}{verdict}", flush=True)


def main() -> None:
    """Measure both and print."""
    print(f"{SOCKETS} sockets, {PER_SECOND} changes a second for {SECONDS} s: from commit to socket")
    with durable_servers() as servers, console(servers, 1000) as house:
        database = house.admin_url.rsplit("/", 1)[1].split("?")[0]
        port, floor_port = _free_port(), _free_port()
        writer = servers.libpq_url(database)
        for round_ in range(ROUNDS):
            floor = multiprocessing.get_context("fork").Process(target=_floor, args=(servers.libpq_url(database), floor_port), daemon=True)
            floor.start()
            time.sleep(1)
            _told(f"floor {round_ + 1}: bare slot and echo", *_measure(
                f"ws://127.0.0.1:{floor_port}/", [""] * SOCKETS, writer, lambda: time.sleep(3)))
            floor.kill()
            floor.join()
            with _product(house, servers, database, port) as process:
                _wait_for(f"http://127.0.0.1:{port}")
                delays, lost = _measure(f"ws://127.0.0.1:{port}/realtime/v1/websocket", _tokens(house), writer,
                                        lambda: _wait_for(f"http://127.0.0.1:{port}", SOCKETS))
                spent = process.cpu_times().user + process.cpu_times().system
            print(f"{'':<30} {spent * 1e6 / len(delays):.0f} µs of the process's time for each message told, its start included")
            _told(f"ours {round_ + 1}", delays, lost, "p99 ≤ 25 ms, none lost", statistics.quantiles(delays, n=100)[98] <= GOAL and not lost)


if __name__ == "__main__":
    main()
