"""The protocol: doors, both versions, tokens that end, broadcasts and presence within one organization."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import httpx
import pytest
import websockets

from tests.api.conftest import PATIENCE
from tests.api.helpers import raise_request, run


async def drain(client):
    """Read until the connection is closed."""
    while True:
        await client.read()


def test_without_a_genuine_token_or_from_a_foreign_page_nobody_gets_in(live, world, token, wire):
    async def status(key, **options):
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with wire(key, **options):
                pass
        return refused.value.response.status_code, list(json.loads(refused.value.response.body))

    async def story():
        key = token(world.owner)
        assert await status("") == (401, ["error"])
        assert await status(key[:-2] + "xx") == (401, ["error"])
        assert await status(token(world.owner, life=timedelta(seconds=-1))) == (401, ["error"])
        assert await status(key, origin="http://elsewhere.example") == (403, ["error"])
        assert await status(key, version="3.0.0") == (400, ["error"])
        async with wire(key, origin="http://127.0.0.1"):  # localhost by another name
            pass
    run(story())


def test_version_1_speaks_in_objects(live, world, superuser, wire, token):
    async def story():
        async with wire(token(world.owner), "1.0.0") as one:
            async def say(event, payload, topic="realtime:t"):
                await one.connection.send(json.dumps({"topic": topic, "event": event, "payload": payload, "ref": "7", "join_ref": "7"}))
                return await one.read()

            line = {"event": "*", "schema": "public", "table": "notifications"}
            joined = await say("phx_join", {"config": {"postgres_changes": [line]}})
            assert (joined["event"], joined["ref"], joined["payload"]["status"]) == ("phx_reply", "7", "ok")
            assert isinstance(joined["payload"]["response"]["postgres_changes"][0].pop("id"), int)
            assert joined["payload"]["response"]["postgres_changes"] == [line]
            system = await one.read()
            assert (system["event"], system["ref"]) == ("system", None)
            assert {"channel", "extension", "message", "status"} <= set(system["payload"])
            assert (await say("heartbeat", {}, "phoenix"))["payload"]["status"] == "ok"
            assert (await say("phx_leave", {}))["payload"]["status"] == "ok"
            assert (await one.read())["event"] == "phx_close"
            assert (await say("broadcast", {"event": "x"}))["payload"] == {"status": "error", "response": {"reason": "unmatched topic"}}
    run(story())


WRONG = [
    {"postgres_changes": [{"event": "*", "schema": "public", "table": "user_sessions"}]},
    {"postgres_changes": [{"event": "*", "schema": "app", "table": "notifications"}]},
    {"postgres_changes": [{"event": "EVERY", "schema": "public", "table": "notifications"}]},
    {"postgres_changes": [{"event": "*", "schema": "public", "table": "maintenance_requests", "filter": "external_id=eq.1"}]},
    {"postgres_changes": [{"event": [], "schema": "public", "table": {}}]}, {"postgres_changes": ["x"]}, {"postgres_changes": {"a": 1}},
    {"since": 5}, {"since": "x"}, [], "x", {"broadcast": ["x"]}, {"presence": "x"},
]


def test_a_join_that_asks_for_what_there_is_not_is_refused(live, world, wire, token):
    async def story():
        async with wire(token(world.resident)) as one:
            for config in WRONG:
                await one.send("realtime:t", "phx_join", {"config": config})
                answer = await one.until("phx_reply")
                assert (answer["status"], len(answer["response"].get("reason", "")) > 10) == ("error", True), config
            await one.send("t", "phx_join", {"config": {}})
            assert (await one.until("phx_reply"))["status"] == "error"
    run(story())


def test_a_token_that_ends_closes_the_channel_unless_it_was_renewed(live, world, superuser, wire, token):
    async def story():
        async with wire(token(world.owner, life=timedelta(seconds=2))) as ends, wire(token(world.owner, life=timedelta(seconds=2))) as renewed:
            for one in (ends, renewed):
                await one.join("maintenance_requests")
                assert (await one.until("system"))["status"] == "ok"
            await renewed.send("realtime:test", "access_token", {"access_token": token(world.owner)})
            told = await ends.until("system")
            assert (told["status"], told["message"]) == ("error", "The token has expired.")
            await ends.until("phx_close")
            await raise_request(superuser, world.a)
            assert (await renewed.change())["type"] == "INSERT"
            await renewed.send("realtime:test", "access_token", {"access_token": token(world.resident)})
            assert (await renewed.until("system"))["status"] == "error"
    run(story())


def test_broadcasts_reach_the_topic_in_one_organization_in_both_versions_and_over_http(live, world, wire, token):
    async def story():
        async with (wire(token(world.owner)) as sender, wire(token(world.staff)) as new, wire(token(world.staff), "1.0.0") as old,
                    wire(token(world.outsider)) as outsider):
            for one in (sender, new, outsider):
                await one.join(broadcast={"self": True, "ack": True})
            await old.connection.send(json.dumps({"topic": "realtime:test", "event": "phx_join", "ref": "1", "payload": {"config": {}}}))
            await old.read()
            words = [b"1", b"9", b"realtime:test", "grüß".encode(), b""]
            await sender.connection.send(bytes([3, *map(len, words), 1]) + b"".join(words) + b'{"n":1}')
            head = bytes([4, 13, len("grüß".encode()), 0, 1])
            frame = head + b"realtime:test" + "grüß".encode() + b'{"n":1}'
            assert await new.read() == frame
            assert await sender.read() == frame  # it hears itself, as it asked
            assert (await sender.read())[4] == {"status": "ok", "response": {}}
            assert (await old.read())["payload"] == {"type": "broadcast", "event": "grüß", "payload": {"n": 1}}
            async with httpx.AsyncClient() as http:
                url = live.url.replace("ws:", "http:") + "/api/broadcast"
                body = {"messages": [{"topic": "test", "event": "e", "payload": 2, "private": True}]}
                answer = await http.post(url, json=body, headers={"Authorization": f"Bearer {token(world.outsider)}"})
                assert answer.status_code == 202
                assert (await http.post(url, json=body)).status_code == 401
                assert (await http.post(url, json={}, headers={"apikey": token(world.owner)})).status_code == 422
                assert (await http.post(url, content="[" * 5000, headers={"apikey": token(world.owner)})).status_code == 422
            assert (await outsider.read()).endswith(b"e2")
    run(story())


def test_residents_broadcast_nothing(live, world, wire, token):
    async def story():
        async with wire(token(world.resident)) as resident, wire(token(world.owner)) as owner, httpx.AsyncClient() as http:
            await resident.join(broadcast={"self": True})
            await owner.join(broadcast={"self": True})
            await resident.send("realtime:test", "broadcast", {"event": "e", "payload": 1})
            assert (await resident.read())[4]["status"] == "error"
            answer = await http.post(live.url.replace("ws:", "http:") + "/api/broadcast", headers={"apikey": token(world.resident)},
                                     json={"messages": [{"topic": "test", "event": "e", "payload": 1}]})
            assert answer.status_code == 403
            await owner.send("realtime:test", "broadcast", {"event": "mine", "payload": 2})
            assert b"mine" in await owner.read()  # the first it hears
    run(story())


def test_presence_is_told_within_the_organization(live, world, wire, token):
    async def story():
        async with wire(token(world.owner)) as here, wire(token(world.staff)) as there, wire(token(world.outsider)) as outsider:
            for one, key in ((here, "a"), (there, "b"), (outsider, "c")):
                await one.join(presence={"key": key, "enabled": True})
                assert await one.until("presence_state") == {}
            await there.send("realtime:test", "presence", {"type": "presence", "event": "track", "payload": {"name": "B"}})
            joined = await here.until("presence_diff")
            assert joined["leaves"] == {}
            assert joined["joins"]["b"]["metas"][0]["name"] == "B"
            assert joined["joins"]["b"]["metas"][0]["phx_ref"]
            await there.connection.close()
            assert (await here.until("presence_diff"))["leaves"]["b"]["metas"][0]["name"] == "B"
            await outsider.join(presence={"key": "c", "enabled": True})
            assert await outsider.until("presence_state") == {}
    run(story())


def test_a_reader_that_takes_nothing_is_sent_away_and_comes_back_with_its_number(live, world, wire, token, monkeypatch):
    """What may wait is bounded; the others are not held up."""
    async def story():
        async with wire(token(world.owner), max_queue=1) as slow, wire(token(world.owner)) as quick:
            for one in (slow, quick):
                await one.join(broadcast={"self": True})
            async def shout():
                for _ in range(60):
                    await quick.send("realtime:test", "broadcast", {"event": "e", "payload": "x" * 200_000})
                    await quick.read()
            await asyncio.wait_for(shout(), PATIENCE)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await drain(slow)
            assert closed.value.rcvd.code == 4008
    run(story())


def test_noise_closes_the_socket(live, world, wire, token):
    async def story():
        deep, half = "[" * 5000, r'["1","1","realtime:t","broadcast",{"event":"\ud800"}]'
        for noise, code in ((["{"], 4400), ([deep], 4400), ([half], 4400), (['[null,null,"phoenix","heartbeat",{}]'] * 400, 4029)):
            async with wire(token(world.owner)) as one:
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await asyncio.gather(drain(one), *map(one.connection.send, noise))
                assert closed.value.rcvd.code == code
    run(story())
