"""A realtime process beside the test's database, and people who listen to it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import uvicorn
import websockets
from sqlalchemy import text

from app.api.realtime.server import Live
from app.api.realtime.sockets import DirectProtocol
from app.permissions import ROLE_PORTAL
from app.services.realtime import Claims, make_token, signing_key

PATIENCE = 30.0  # seconds in which whatever must happen happens


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


class Running:
    """The realtime process, in a thread of the test's."""

    def __init__(self, settings: Any) -> None:
        self.live = Live(settings)
        self.url = f"ws://127.0.0.1:{settings.realtime_port}/realtime/v1"
        self.server = uvicorn.Server(uvicorn.Config(
            self.live.app(), host="127.0.0.1", port=settings.realtime_port, ws=DirectProtocol, ws_per_message_deflate=False,
            log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=1))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def start(self) -> None:
        self.thread.start()
        wait_for(lambda: self.server.started and self.live.source.reading)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE)


def wait_for(condition: Any) -> None:
    end = datetime.now(UTC) + timedelta(seconds=PATIENCE)
    pause = threading.Event()
    while not condition():
        assert datetime.now(UTC) < end, "this did not happen in time"
        pause.wait(0.01)


@pytest.fixture
def live_settings(settings, servers, database_name):
    return dataclasses.replace(settings, database_realtime_url=servers.url(database_name, "viramah_realtime"),
                               realtime_port=free_port())


@pytest.fixture
def live(app, world, live_settings, superuser) -> Iterator[Running]:
    """A realtime process that reads; its slot is gone afterwards."""
    running = Running(live_settings)
    running.start()
    yield running
    running.stop()
    drop_slots(superuser)


def drop_slots(superuser):
    """None is left, also of a reader that has just gone: the next test's would go on with what it had not told."""
    slots = "FROM pg_replication_slots WHERE database = current_database() AND"
    with superuser.connect() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(active_pid, {int(PATIENCE * 1000)}) {slots} active"))
        connection.execute(text(f"SELECT pg_drop_replication_slot(slot_name) {slots} NOT active"))


class Tokens:
    """Signs people in and gives them tokens."""

    def __init__(self, settings: Any, superuser: Any) -> None:
        self.key, self.superuser = signing_key(settings.secret_key), superuser
        self.sessions: dict[int, Any] = {}

    def __call__(self, person: Any, *, life: timedelta = timedelta(minutes=15)) -> str:
        with self.superuser.begin() as c:
            session_id = c.scalar(text(
                "INSERT INTO user_sessions (user_id, digest, device, address, second_factor, expires_at) "
                "VALUES (:u, sha256(uuidv7()::text::bytea), 'live', '127.0.0.1', true, now() + interval '1 day') RETURNING id"),
                {"u": person.user_id})
        self.sessions[person.user_id] = session_id
        return make_token(self.key, Claims(person.user_id, session_id, person.org_id, ROLE_PORTAL[person.role], None,
                                           datetime.now(UTC) + life))


@pytest.fixture
def token(live_settings, superuser, world):
    """Call it with a person for a token of a new session."""
    return Tokens(live_settings, superuser)


class Wire:
    """A bare client of version 2: sends and awaits single messages."""

    def __init__(self, connection: Any) -> None:
        self.connection, self.refs = connection, 0

    async def send(self, topic: str, event: str, payload: Any) -> str:
        self.refs += 1
        await self.connection.send(json.dumps(["1", str(self.refs), topic, event, payload]))
        return str(self.refs)

    async def read(self) -> Any:
        data = await asyncio.wait_for(self.connection.recv(), PATIENCE)
        return json.loads(data) if isinstance(data, str) else data

    async def until(self, event: str) -> Any:
        """The payload of the next message of that event; others are left out."""
        while True:
            found = await self.read()
            if found[3] == event:
                return found[4]

    async def join(self, *tables: str, topic: str = "realtime:test", token: str | None = None, **config: Any) -> Any:
        """Join; returns the response of the reply."""
        wanted = [{"event": "*", "schema": "public", "table": table} for table in tables]
        await self.send(topic, "phx_join", {"config": {"postgres_changes": wanted, **config}, "access_token": token})
        answer = await self.until("phx_reply")
        assert answer["status"] == "ok", answer
        return answer["response"]

    async def change(self) -> Any:
        """The data of the next change."""
        return (await self.until("postgres_changes"))["data"]

    async def nothing_before(self, mark: str) -> list[str]:
        """The ids of changes that came before the row `mark` did."""
        found: list[str] = []
        while True:
            data = await self.change()
            found.append((data.get("record") or data["old_record"])["id"])
            if found[-1] == mark:
                return found[:-1]


@pytest.fixture
def wire_to():
    """Call it with a token and an address for a connected bare client, as an async context."""
    @asynccontextmanager
    async def connect(token: str, version: str = "2.0.0", *, url: str, **options: Any) -> Any:
        async with websockets.connect(f"{url}/websocket?vsn={version}&apikey={token}", **options) as connection:
            yield Wire(connection)
    return connect


@pytest.fixture
def wire(live, wire_to):
    """The same, to the process of the test."""
    return partial(wire_to, url=live.url)
