"""Fetches updates where Telegram cannot bring them, as the console has no public address: one loop of all workers at a time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from app import wakeup
from app.crypto import Undecryptable
from app.gateways.telegram import BotApi, BotTaken, Line, TelegramError
from app.services import work
from app.services.telegram import incoming
from app.services.telegram.bots import Keeper, keeper_of
from app.tenancy import queue_scope
from app.wiring import redis, settings

MINE = "tg:poller"
MINE_SECONDS = 90  # after which another loop takes over from one that was killed
LONG = 25  # seconds for which Telegram keeps a question open, shared by all bots
IDLE = 5.0
_log = structlog.get_logger(__name__)


@dataclass
class Poller:
    """One loop; whoever holds the key in Redis asks."""

    app: Flask
    keeper: Keeper
    redis: Redis
    name: str = field(default_factory=lambda: secrets.token_hex(8))

    def run(self, stopping: Callable[[], bool], wait: Callable[[float], Any] = time.sleep) -> None:
        """Fetch until asked to stop."""
        with self.app.app_context():
            while not stopping():
                try:
                    asked = self.turn()
                except (DBAPIError, RedisError) as error:
                    _log.warning("telegram_not_fetched", error=type(error).__name__)
                    asked = 0
                if not asked:
                    wait(IDLE)

    def turn(self, longest: int = LONG) -> int:
        """Ask once for each bot; how many were asked."""
        held = self.redis.set(MINE, self.name, nx=True, ex=MINE_SECONDS) or self.redis.get(MINE) == self.name.encode()
        if not held:
            return 0
        with queue_scope() as session:
            bots: list[tuple[UUID | None, UUID | None, str | None]] = [*incoming.polled(session)]
        if self.keeper.global_token:
            bots.append((None, None, None))
        for org_id, bot_id, sealed in bots:
            self.redis.expire(MINE, MINE_SECONDS)
            self._fetch(org_id, bot_id, sealed, longest // len(bots))
        return len(bots)

    def _fetch(self, org_id: UUID | None, bot_id: UUID | None, sealed: str | None, seconds: int) -> None:
        line = Line(self.keeper.base_url)
        try:
            token = self.keeper.token(org_id, bot_id, sealed) if org_id else self.keeper.global_token
            with queue_scope() as session:
                after = incoming.last_update(session, bot_id)
            updates = BotApi(line, token or "").get_updates(after, seconds)
        except (TelegramError, Undecryptable) as error:
            _log.info("telegram_not_fetched", bot_id=str(bot_id), error=type(error).__name__)
            if isinstance(error, BotTaken) and org_id and bot_id:
                with queue_scope() as session:  # who took it is looked at, once in ten minutes
                    work.enqueue_for(session, [org_id], "telegram.guard", {"bot_id": str(bot_id)}, key=f"{bot_id} {int(time.time() // 600)}")
            return
        finally:
            line.close()
        if updates:
            with queue_scope() as session:
                for update in updates:
                    incoming.keep(session, bot_id, update)
            wakeup.wake()


def fetches_nothing(app: Flask) -> bool:
    """Whether Telegram brings updates here."""
    found = app.config["SETTINGS"]
    return incoming.reachable(found.public_url, found.telegram_api_base)


def new_poller(app: Flask) -> Poller:
    """A loop for this process."""
    with app.app_context():
        return Poller(app, keeper_of(settings()), redis())
