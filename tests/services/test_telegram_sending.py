"""What waits for Telegram goes out in order, within the limits, once; what cannot arrive says so; which bot speaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from app.local.telegram_twin.state import State, Trouble
from app.permissions import Role
from app.rules.errors import Invalid
from app.rules.telegram import Source
from app.services import telegram
from app.services.telegram import Button, Keeper
from app.services.telegram.limits import Limits
from app.tenancy import tenant_scope
from app.wiring import redis
from jobs import registry
from jobs.outbox import Drainer
from jobs.sender import Sender
from tests.telegram import NUMBER, TOKEN, bot_of, forget_limits, linked, speaking_to, standing_in
from tests.world import World

CHAT = 1001


@dataclass
class Setting:
    twin: State
    keeper: Keeper
    sender: Sender
    bot: UUID
    superuser: Engine

    def said(self, chat: int = CHAT) -> list[str]:
        return [one.text for one in self.twin.chats[chat].messages if not one.mine]

    def go_on(self) -> None:
        """Whatever had to wait need not any more."""
        forget_limits()
        with self.superuser.begin() as connection:
            connection.execute(text("UPDATE telegram_messages SET due_at = now() WHERE state = 'pending'"))
        for chats in self.twin.limits.values():
            chats.chats.clear()
            chats.shut.clear()

    def send(self, times: int = 1) -> None:
        for _ in range(times):
            self.go_on()
            self.sender.turn()

    def rows(self) -> list[Any]:
        with self.superuser.connect() as connection:
            return list(connection.execute(text("SELECT key, part, state, attempts, uncertain, reason FROM telegram_messages ORDER BY number")))


@pytest.fixture
def setting(app: Any, world: World, superuser: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    with standing_in() as (twin, address), app.app_context():
        forget_limits()
        keeper = speaking_to(app, monkeypatch, address)
        twin.says(NUMBER, CHAT, "/start")
        owner = world.a.people[Role.OWNER]
        bot = bot_of(world.a, keeper)
        linked(superuser, world.a, bot, CHAT, user_id=owner.user_id)
        yield Setting(twin, keeper, Sender(app, keeper, Limits(redis(), hold=2), patience=0.3), bot, superuser)


def queue(world: World, body: str, key: str, *, html: bool = False, **options: Any) -> UUID | None:
    with tenant_scope(world.a.org_id) as session:
        return telegram.queue_message(session, user_id=world.a.people[Role.OWNER].user_id, purpose="personal", text=body, html=html, key=key, **options)


def test_a_chat_gets_each_message_once_and_in_order_whatever_goes_wrong(world: World, setting: Setting) -> None:
    wanted = [f"Message {number}" for number in range(6)]
    for number, body in enumerate(wanted):
        assert queue(world, body, f"key {number}") == queue(world, body, f"key {number}"), "asked for twice, it is one"
    for trouble in (Trouble(too_many=1), Trouble(server_error=1), Trouble()):
        setting.twin.trouble = trouble
        setting.send(2)
    assert setting.said() == wanted[:2]
    setting.twin.trouble = Trouble(dropped=1)
    setting.send()
    setting.twin.trouble = Trouble()
    setting.send(4)
    assert list(dict.fromkeys(setting.said())) == wanted
    assert len(setting.said()) == len(wanted) + 1, "of a lost answer nobody knows: it is said again rather than never"
    rows = setting.rows()
    assert {row.state for row in rows} == {"sent"}
    assert [row.uncertain for row in rows[:3]] == [2, 0, 1], "a server error is as uncertain"


def test_nothing_goes_before_its_time(world: World, setting: Setting) -> None:
    for number in range(2):
        queue(world, "Hello", f"key {number}")
    setting.sender.turn()
    assert len(setting.said()) == 1, "one in a second"
    setting.twin.always_too_many[CHAT] = 5
    setting.send()
    assert setting.sender.turn() > 0, "and after a refusal not before Telegram says"
    assert setting.twin.limits[NUMBER].early == 0
    assert len(setting.said()) == 1


def test_long_texts_and_html_arrive_whole(world: World, setting: Setting) -> None:
    queue(world, "<b>" + "word &amp; " * 900 + "</b>", "long", html=True, buttons=[[Button("Claim", "claim:1")]])
    queue(world, "<b>5 < 6", "broken", html=True)
    setting.send(6)
    *long, last = setting.said()
    assert len(long) == 3
    assert "".join(long).count("&amp;") == 900
    assert last == "5 < 6", "as plain text rather than not at all"
    with_buttons = [bool(one.buttons) for one in setting.twin.chats[CHAT].messages if not one.mine]
    assert with_buttons == [False, False, True, False]


def test_a_chat_that_took_the_bot_away_is_switched_off_and_its_owner_told(world: World, setting: Setting) -> None:
    registry.load()
    setting.twin.blocks(NUMBER, CHAT)
    queue(world, "Hello", "one")
    queue(world, "Hello", "two")
    setting.send()
    assert [row.state for row in setting.rows()] == ["failed", "failed"]
    assert queue(world, "Hello", "three") is None
    Drainer.new().drain()
    with setting.superuser.connect() as connection:
        told = connection.execute(text("SELECT user_id, kind FROM notifications WHERE kind LIKE 'telegram%'")).all()
    assert [tuple(row) for row in told] == [(world.a.people[Role.OWNER].user_id, "telegram.chat_gone")]


def test_a_broken_bot_says_so_and_no_other_speaks_for_it(world: World, setting: Setting) -> None:
    owner = world.a.people[Role.OWNER].user_id
    with tenant_scope(world.a.org_id) as session:
        assert telegram.in_force(session, setting.keeper, owner) == telegram.Resolved(Source.ORGANIZATION, setting.bot, f"twin_{NUMBER}_bot")
    own = TOKEN.replace("123456789:", "987654321:")
    bot_of(world.a, setting.keeper, owner, own)
    queue(world, "Hello", "no chat of this bot")
    assert setting.rows() == []
    setting.twin.revoked.add(own)
    with tenant_scope(world.a.org_id) as session:
        mine = telegram.in_force(session, setting.keeper, owner)
        assert mine is not None
        assert mine.source is Source.USER
        assert mine.bot_id is not None
        assert not telegram.check_bot(session, setting.keeper, mine.bot_id)
    with tenant_scope(world.a.org_id) as session:
        found = telegram.in_force(session, setting.keeper, owner)
        assert found is not None
        assert found.source is Source.USER
        assert "does not know its token" in found.broken
    assert queue(world, "Hello", "still mine") is None
    with tenant_scope(world.b.org_id) as session:
        assert telegram.in_force(session, setting.keeper, None) is None, "what another organization has is nobody else's"


def test_a_token_is_verified_kept_sealed_and_serves_one_owner(world: World, setting: Setting) -> None:
    setting.twin.revoked.add(TOKEN[:-1] + "9")
    for wrong in ("12345", TOKEN[:-1] + "9"):
        with pytest.raises(Invalid):
            bot_of(world.a, setting.keeper, None, wrong)
    with pytest.raises(Exception, match="in use already"):
        bot_of(world.b, setting.keeper)
    with setting.superuser.connect() as connection:
        everything = str(connection.execute(text("SELECT * FROM telegram_bots")).all()) + str(connection.execute(text("SELECT * FROM audit_log")).all())
        everything += str(connection.execute(text("SELECT * FROM outbox")).all())
    assert TOKEN not in everything
    assert TOKEN.partition(":")[2] not in everything
    assert TOKEN not in repr(setting.keeper)
