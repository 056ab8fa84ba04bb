"""Sends what waits for Telegram: one loop per worker process, limits shared by all of them (app/services/telegram/limits.py).

A loop asks Telegram one thing at a time, so that a process that is killed leaves one message of which nobody knows whether it
arrived; it is sent again. A question that takes long is left to itself while others go on.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillOpen
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from os import getpid
from typing import Any

import structlog
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from app.crypto import Undecryptable
from app.gateways.telegram import (
    BotApi,
    BotUnknown,
    ChatGone,
    ChatMoved,
    Line,
    Refused,
    ServerError,
    TelegramError,
    TooManyRequests,
    Uncertain,
    Unparsable,
    Unreached,
)
from app.gateways.telegram.api import PATIENCE
from app.rules.telegram import ATTEMPTS_MAX, pause_after, plain
from app.services.telegram import outgoing
from app.services.telegram.bots import Keeper, keeper_of
from app.services.telegram.limits import Effect, Limits, Place
from app.services.telegram.outgoing import Begun, Head, Outcome
from app.tenancy import queue_scope
from app.wiring import redis, settings

HELD = timedelta(seconds=8)  # a handful; what a killed worker held goes on after that
LEASE = timedelta(seconds=15)  # a question, which ends before
HANDFUL = 30  # chats of which the next message is held
ROUND = 5.0  # seconds after which a handful is given back
IDLE = 1.0  # seconds between two looks where nothing waits
SLOW = 0.5  # seconds after which a question is left to itself
OPEN_MAX = 4  # questions that are left to themselves
AWAY = 5.0  # seconds to wait where Redis or the database is away
_SHORT = 0.05  # seconds that are waited for with the handful in hand
_BROKEN = timedelta(minutes=5)  # until a bot that Telegram refuses is tried again
_log = structlog.get_logger(__name__)


@dataclass
class Sender:
    """One loop; `name` is unique among all that ever were."""

    app: Flask
    keeper: Keeper
    limits: Limits
    patience: float = PATIENCE
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{getpid()}:{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(OPEN_MAX, "telegram")
        self._own = threading.local()
        self._open: set[Future[None]] = set()

    def run(self, stopping: Callable[[], bool], wait: Callable[[float], Any] = time.sleep) -> None:
        """Send until asked to stop; what is away is waited for."""
        with self.app.app_context():
            while not stopping():
                try:
                    pause = self.turn(stopping)
                except (DBAPIError, RedisError) as error:
                    _log.warning("telegram_waits", error=type(error).__name__)
                    pause = AWAY
                if pause:
                    wait(pause)
        self._pool.shutdown()

    def turn(self, stopping: Callable[[], bool] = lambda: False) -> float:
        """Take a handful and send of it what may be sent; seconds to wait before the next."""
        with queue_scope() as session:
            heads = outgoing.claim(session, self.name, HANDFUL, HELD)
        if not heads:
            return IDLE
        until, waits, sent = time.monotonic() + ROUND, dict.fromkeys((head.id for head in heads), 0.0), False
        try:
            while heads and not stopping() and time.monotonic() < until:
                chosen, found = self.limits.decide([_place(head) for head in heads])
                waits.update({head.id: wait for head, wait in zip(heads, found, strict=False)})
                if chosen is not None:
                    self._send(heads.pop(chosen))
                    sent = True
                elif (pause := min(found)) <= _SHORT:
                    time.sleep(pause)
                else:
                    return 0.0 if sent else min(pause, IDLE / 10)
        finally:
            if heads:
                with queue_scope() as session:
                    outgoing.release(session, {head.id: waits[head.id] for head in heads}, self.name)
        return 0.0

    def _send(self, head: Head) -> None:
        with queue_scope() as session:
            begun = outgoing.begin(session, head.id, self.name, LEASE)
        if begun is None:
            self.limits.done(_place(head), Effect.UNSENT)
            return
        while len(self._open) >= OPEN_MAX:
            time.sleep(0.01)
        asked = self._pool.submit(self._ask, head, begun)
        self._open.add(asked)
        asked.add_done_callback(self._open.discard)
        with suppress(StillOpen):
            asked.result(SLOW)

    def _ask(self, head: Head, begun: Begun) -> None:
        effect, pause, outcome = self._asked(head, begun)
        with self.app.app_context():
            with suppress(RedisError):  # then the hold of the question ends by itself
                self.limits.done(_place(head), effect, pause)
            with queue_scope() as session:
                outgoing.settle(session, head.id, self.name, outcome)
        if outcome.word != "sent":
            _log.info("telegram_not_sent", message_id=str(head.id), outcome=outcome.word, attempts=begun.attempts, reason=outcome.reason)

    def _asked(self, head: Head, begun: Begun) -> tuple[Effect, float, Outcome]:
        try:
            token = self.keeper.token(head.org_id, head.bot_id, begun.sealed)
        except Undecryptable as error:
            return Effect.UNSENT, 0, Outcome("later", pause=_BROKEN, reason=error.message)
        if token is None:
            return Effect.UNSENT, 0, Outcome("failed", reason="The installation has no bot any more.")
        try:
            sent = BotApi(self._line(), token).send_message(head.chat_number, begun.body, html=begun.html, buttons=begun.buttons)
        except TelegramError as error:
            return _meaning(error, begun)
        return Effect.SENT, 0, Outcome("sent", number=sent.message_id)

    def _line(self) -> Line:
        """The connection of this thread."""
        if not hasattr(self._own, "line"):
            self._own.line = Line(self.keeper.base_url, self.patience)
        found: Line = self._own.line
        return found


def _place(head: Head) -> Place:
    return Place(str(head.bot_id or "installation"), head.chat_number, head.is_group)


def _meaning(error: TelegramError, begun: Begun) -> tuple[Effect, float, Outcome]:
    """What a refusal does to the limits, and to the message."""
    said = str(error)
    if isinstance(error, TooManyRequests):
        return Effect.REFUSED, error.retry_after, Outcome("later", pause=timedelta(seconds=error.retry_after), code=429, reason=said)
    if isinstance(error, Refused):
        return Effect.UNSENT, 0, _refused(error, begun)
    unsent = isinstance(error, ServerError | Unreached)
    word = "later" if begun.attempts < ATTEMPTS_MAX or isinstance(error, Unreached) else "failed"
    return (Effect.UNSENT if unsent else Effect.UNKNOWN), 0, Outcome(word, pause=pause_after(begun.attempts), uncertain=isinstance(error, Uncertain), reason=said)


def _refused(error: Refused, begun: Begun) -> Outcome:
    outcome = Outcome("failed", code=error.code, reason=error.description)
    if isinstance(error, Unparsable) and begun.html:
        return replace(outcome, word="plain", text=plain(begun.body))
    if isinstance(error, ChatMoved):
        return replace(outcome, word="moved", number=error.chat)
    if isinstance(error, BotUnknown):
        return replace(outcome, word="broken", pause=_BROKEN)
    return replace(outcome, word="gone") if isinstance(error, ChatGone) else outcome


def new_sender(app: Flask, patience: float = PATIENCE) -> Sender:
    """A loop for this process."""
    with app.app_context():
        return Sender(app, keeper_of(settings()), Limits(redis(), hold=patience + 1), patience)
