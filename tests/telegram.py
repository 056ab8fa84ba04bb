"""What tests of Telegram share: the stand-in on a port, a bot of an organization, chats that were linked, a sender."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from app.local.telegram_twin import create_twin, serve
from app.local.telegram_twin.state import State
from app.services import telegram
from app.services.telegram import Keeper
from app.tenancy import tenant_scope
from app.wiring import redis
from tests.world import Organization

NUMBER = 123456789
TOKEN = f"{NUMBER}:AAplantedPLANTEDplanted_planted-123"


@contextmanager
def standing_in() -> Iterator[tuple[State, str]]:
    """The stand-in, and its address."""
    state = State()
    server = serve(create_twin(state), 0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield state, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def speaking_to(app: Any, monkeypatch: pytest.MonkeyPatch, address: str) -> Keeper:
    """The application asks Telegram there."""
    settings = replace(app.config["SETTINGS"], telegram_api_base=address)
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    return telegram.keeper_of(settings)


def forget_limits() -> None:
    """Nothing was sent yet."""
    for key in redis().scan_iter("tg:*"):
        redis().delete(key)


def bot_of(organization: Organization, keeper: Keeper, user_id: int | None = None, token: str = TOKEN) -> UUID:
    """Their bot, verified."""
    with tenant_scope(organization.org_id) as session:
        return telegram.keep_bot(session, keeper, user_id, token)


def linked(superuser: Engine, organization: Organization, bot_id: UUID | None, number: int, *, user_id: int | None = None, purpose: str = "personal") -> UUID:
    """A chat as it is once somebody sent its code."""
    with superuser.begin() as connection:
        found: UUID = connection.execute(text(
            "INSERT INTO telegram_chats (org_id, user_id, bot_id, purpose, number, is_group, linked_at, created_by) "
            "VALUES (:org, :user, :bot, :purpose, :number, :number < 0, now(), :user) RETURNING id"),
            {"org": organization.org_id, "user": user_id, "bot": bot_id, "purpose": purpose, "number": number}).scalar_one()
    return found
