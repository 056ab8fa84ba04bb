"""What Telegram brings is kept once and believed only with the bot's secret; codes link chats; a webhook that was taken is claimed back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from app.gateways.telegram import SECRET_HEADER
from app.local.telegram_twin.state import State
from app.permissions import Role
from app.rules.telegram import Purpose
from app.services import telegram
from app.services.telegram import Keeper, incoming
from app.tenancy import tenant_scope
from app.wiring import redis
from jobs import registry
from jobs.outbox import Drainer
from jobs.poller import MINE, Poller
from tests.telegram import NUMBER, bot_of, forget_limits, speaking_to, standing_in
from tests.world import World

CHAT = 1001
HERE = "https://console.example"


@dataclass
class Door:
    app: Any
    world: World
    superuser: Engine
    twin: State
    keeper: Keeper
    bot: UUID

    def bring(self, *, secret: str | None = None, times: int = 1) -> list[int]:
        """Have the stand-in's updates come, as it would bring them; the statuses."""
        known = self.twin.bots[NUMBER]
        found = [self.app.test_client().post(f"/webhooks/telegram/{self.bot}", json=update, headers={SECRET_HEADER: known.secret if secret is None else secret})
                 for update in known.updates for _ in range(times)]
        known.updates = []
        return [one.status_code for one in found]

    def rows(self, statement: str) -> list[Any]:
        with self.superuser.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def code(self) -> str:
        owner = self.world.a.people[Role.OWNER].user_id
        with tenant_scope(self.world.a.org_id, owner) as session:
            return telegram.begin_link(session, owner, self.bot, Purpose.PERSONAL)

    def guard(self, public_url: str = HERE) -> str:
        with tenant_scope(self.world.a.org_id) as session:
            return incoming.guard(session, self.keeper, self.bot, public_url)


@pytest.fixture
def door(app: Any, world: World, superuser: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    registry.load()
    with standing_in() as (twin, address), app.app_context():
        forget_limits()
        keeper = speaking_to(app, monkeypatch, address)
        found = Door(app, world, superuser, twin, keeper, bot_of(world.a, keeper))
        assert found.guard() == "set"
        yield found


def test_an_update_is_kept_once_and_a_code_links_its_chat(door: Door) -> None:
    code = door.code()
    door.twin.says(NUMBER, CHAT, f"/start {code}", name="Aarav")
    assert door.bring(times=3) == [200, 200, 200]
    assert door.rows("SELECT update_id, processed_at IS NULL FROM telegram_updates") == [(1, True)]
    Drainer.new().drain()
    assert door.rows("SELECT number, title, blocked_at IS NULL FROM telegram_chats") == [(CHAT, "Aarav", True)]
    assert door.rows("SELECT effect, body FROM telegram_updates") == [("linked", None)], "what people wrote is not kept"
    assert door.rows("SELECT body FROM telegram_messages") == [("This chat is linked to the console.",)]
    door.twin.says(NUMBER, 2002, code, name="A thief")
    door.twin.blocks(NUMBER, CHAT)
    door.bring()
    Drainer.new().drain()
    assert door.rows("SELECT number, blocked_at IS NULL FROM telegram_chats") == [(CHAT, False)], "a code works once; who blocks the bot is believed"


def test_a_wrong_secret_is_refused_and_the_webhook_is_set_anew(door: Door) -> None:
    before = door.twin.bots[NUMBER].secret
    for _ in range(2):
        door.twin.says(NUMBER, CHAT, "Hello")
        assert door.bring(secret="wrong") == [403]
    assert door.rows("SELECT count(*) FROM telegram_updates") == [(0,)]
    assert door.rows("SELECT times FROM telegram_health_events WHERE kind = 'wrong_secret'") == [(2,)]
    assert door.rows("SELECT count(*) FROM outbox WHERE kind = 'telegram.reset'") == [(1,)]
    Drainer.new().drain()
    assert door.twin.bots[NUMBER].secret not in {before, ""}
    door.twin.says(NUMBER, CHAT, "Hello")
    assert door.bring() == [200]
    stranger = door.app.test_client().post("/webhooks/telegram/00000000-0000-0000-0000-000000000000", json={"update_id": 1})
    assert stranger.status_code == 404
    assert before not in str(door.rows("SELECT * FROM telegram_bots"))


def test_a_webhook_that_somebody_took_is_claimed_back_and_without_an_address_updates_are_fetched(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.twin.bots[NUMBER].webhook = "https://thief.example"
    assert door.guard() == "claimed"
    assert door.twin.bots[NUMBER].webhook == f"{HERE}/webhooks/telegram/{door.bot}"
    assert "taken" in door.rows("SELECT health_reason FROM telegram_bots")[0][0]
    assert door.guard() == "ours"
    monkeypatch.setattr(incoming, "reachable", lambda *_: False)
    assert door.guard() == "claimed"
    assert door.twin.bots[NUMBER].webhook == ""
    door.twin.says(NUMBER, CHAT, door.code())
    redis().delete(MINE)
    poller = Poller(door.app, door.keeper, redis())
    assert (poller.turn(0), Poller(door.app, door.keeper, redis()).turn(0)) == (1, 0), "one loop of all"
    poller.turn(0)
    Drainer.new().drain()
    assert door.rows("SELECT number FROM telegram_chats") == [(CHAT,)]
    assert door.rows("SELECT count(*) FROM telegram_updates") == [(1,)]
    redis().delete(MINE)
