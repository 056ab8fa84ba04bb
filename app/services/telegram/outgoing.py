"""Messages on their way: asked for in the transaction that wants them, taken and settled by the sender."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.gateways.telegram import Button
from app.rules.telegram import Purpose, parts

_QUEUE = text("SELECT app.queue_telegram(:user, :hostel, :purpose, :key, :parts, :html, CAST(:buttons AS jsonb))")
_CLAIM = text("SELECT org_id, id, bot_id, chat_id, chat_number, is_group FROM app.claim_telegram(:worker, :most, :lease)")
_BEGIN = text("SELECT body, html, buttons, attempts, token FROM app.begin_telegram(:id, :worker, :lease)")
_SETTLE = text("SELECT app.settle_telegram(:id, :worker, :outcome, :number, :pause, :uncertain, :code, :reason, :text)")
_RELEASE = text("SELECT app.release_telegram(:ids, :pauses, :worker)")
_FORGET = text("SELECT app.forget_telegram(:before, :most)")


def queue_message(session: Session, *, user_id: int | None, purpose: str, text: str, html: bool, key: str, buttons: Sequence[Sequence[Button]] = (),  # noqa: PLR0913 - a message
                  hostel_id: UUID | None = None) -> UUID | None:
    """Put a message on its way, as the product itself; its id, the same for the same `key`.

    None where nothing can arrive: nobody linked a chat for this, it took the bot away, or the bot in force is broken.
    With no `user_id` it goes to the organization's chat of that purpose, the hostel's own before that of all.
    Values in HTML are escaped by the caller (rules.telegram.escaped). A long text goes in several messages, the buttons below the last.
    """
    found: UUID | None = session.execute(_QUEUE, {
        "user": user_id, "hostel": hostel_id, "purpose": Purpose(purpose).value, "key": key,
        "parts": parts(text, marked=html), "html": html,
        "buttons": json.dumps([[{"text": one.text, "data": one.data, "url": one.url} for one in row] for row in buttons])}).scalar()
    return found


@dataclass(frozen=True)
class Head:
    """The next message of a chat, held by a sender. `bot` and `chat` are what limits are counted by."""

    org_id: UUID
    id: UUID
    bot_id: UUID | None
    chat_id: UUID
    chat_number: int
    is_group: bool


@dataclass(frozen=True)
class Begun:
    """A message whose attempt is counted."""

    body: str
    html: bool
    buttons: list[list[Button]]
    attempts: int
    sealed: str | None


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt; the words are those of app.settle_telegram."""

    word: str
    number: int | None = None
    pause: timedelta | None = None
    uncertain: bool = False
    code: int | None = None
    reason: str = ""
    text: str | None = None


def claim(session: Session, worker: str, most: int, lease: timedelta) -> list[Head]:
    """Hold the next message of chats that have one, the longest due first."""
    return [Head(*row) for row in session.execute(_CLAIM, {"worker": worker, "most": most, "lease": lease})]


def begin(session: Session, message_id: UUID, worker: str, lease: timedelta) -> Begun | None:
    """Count an attempt; None if the message is somebody else's by now."""
    row = session.execute(_BEGIN, {"id": message_id, "worker": worker, "lease": lease}).one_or_none()
    return Begun(row.body, row.html, [[_button(one) for one in line] for line in row.buttons], row.attempts, row.token) if row else None


def _button(kept: Mapping[str, Any]) -> Button:
    return Button(kept["text"], kept["data"], kept["url"])


def settle(session: Session, message_id: UUID, worker: str, outcome: Outcome) -> bool:
    """Write down what became of an attempt; False if the message is somebody else's by now."""
    return bool(session.execute(_SETTLE, {
        "id": message_id, "worker": worker, "outcome": outcome.word, "number": outcome.number, "pause": outcome.pause, "uncertain": outcome.uncertain,
        "code": outcome.code, "reason": outcome.reason, "text": outcome.text}).scalar_one())


def release(session: Session, pauses: Mapping[UUID, float], worker: str) -> None:
    """Give back messages that were not begun, each not to be taken for some seconds."""
    session.execute(_RELEASE, {"ids": list(pauses), "pauses": list(pauses.values()), "worker": worker})


def forget(session: Session, before: datetime, most: int = 1_000) -> int:
    """On the service login: empty texts of messages that were made before, and forget updates; how many texts, `most` at most."""
    gone: int = session.execute(_FORGET, {"before": before, "most": most}).scalar_one()
    return gone
