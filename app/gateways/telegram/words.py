"""What is said to Telegram and what it answers: values and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a name
ALLOWED_UPDATES: Final = ("message", "callback_query", "my_chat_member")
_LONGEST = 200  # characters of what Telegram says of itself
# 400s that stay, whoever asks: https://core.telegram.org/bots/api#making-requests gives no list, these are what it says.
_GONE = ("chat not found", "user is deactivated", "group chat was deactivated", "bot was kicked", "bot was blocked", "peer_id_invalid",
         "not enough rights to send", "have no rights to send", "chat_write_forbidden", "bot is not a member", "need administrator rights", "topic_closed")


class TelegramError(Exception):
    """It was not done, or nobody knows whether it was."""


class Uncertain(TelegramError):
    """No answer in time, or a broken one: it may have been done. `sendMessage` has no key that would make asking again safe."""


class ServerError(Uncertain):
    """Telegram says that the fault is its own (5xx); most likely nothing was done."""


class Unreached(TelegramError):
    """Nothing was done: no connection came about."""


class TooManyRequests(TelegramError):
    """Not done; nothing may be asked for this chat, or by this bot, for `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"retry after {retry_after:g} s")
        self.retry_after = retry_after


class Refused(TelegramError):
    """Not done, and asking the same again changes nothing."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


class BadRequest(Refused):
    """Something is wrong with what was asked."""


class Unparsable(BadRequest):
    """The text is not the HTML that Telegram takes: as plain text it can be sent."""


class ChatGone(Refused):
    """The bot was blocked or removed, or the chat is no more: nothing will ever arrive there until its owner links it anew."""


class ChatMoved(Refused):
    """The group became a supergroup, with an id of its own."""

    def __init__(self, code: int, description: str, chat: int) -> None:
        super().__init__(code, description)
        self.chat = chat


class BotUnknown(Refused):
    """Telegram does not know this token (any more)."""


class BotTaken(Refused):
    """Somebody else reads this bot's updates: another program, or a webhook."""


@dataclass(frozen=True)
class Bot:
    """What `getMe` says."""

    id: int
    username: str
    name: str


@dataclass(frozen=True)
class Button:
    """A button below a message; `data` comes back when it is pressed (64 bytes at most)."""

    text: str
    data: str = ""
    url: str = ""

    def to_wire(self) -> dict[str, str]:
        return {"text": self.text, **({"url": self.url} if self.url else {"callback_data": self.data})}


Markup = Sequence[Sequence[Button]]
"""Rows of buttons."""


@dataclass(frozen=True)
class Sent:
    """A message as it is in the chat."""

    message_id: int
    chat: int


@dataclass(frozen=True)
class WebhookInfo:
    """Where Telegram brings updates; `url` is empty where it keeps them for `getUpdates`."""

    url: str
    waiting: int
    failed_at: datetime | None
    error: str


def meaning(status: int, answer: Mapping[str, Any]) -> TelegramError:
    """The error that an answer without `ok` stands for."""
    code = answer.get("error_code")
    code = code if isinstance(code, int) else status
    said = " ".join(str(answer.get("description") or "").split())[:_LONGEST]
    more = answer.get("parameters")
    more = more if isinstance(more, Mapping) else {}
    lower = said.lower()
    if code == 429:  # noqa: PLR2004 - HTTP
        pause = more.get("retry_after")
        return TooManyRequests(pause if isinstance(pause, int | float) and pause > 0 else 1)
    if code >= 500:  # noqa: PLR2004 - HTTP
        return ServerError(f"status {code}")
    if isinstance(moved := more.get("migrate_to_chat_id"), int):
        return ChatMoved(code, said, moved)
    # 404 is what a token of the wrong form gets.
    kind = {401: BotUnknown, 404: BotUnknown, 403: ChatGone, 409: BotTaken}.get(code, BadRequest)
    if kind is BadRequest and any(words in lower for words in _GONE):
        kind = ChatGone
    elif kind is BadRequest and "can't parse entities" in lower:
        kind = Unparsable
    return kind(code, said)
