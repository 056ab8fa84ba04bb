"""What is sent to Telegram: purposes, the split of long texts, plain text instead of HTML, pauses after failures."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Final

from app.rules.errors import Invalid
from app.text import N_

TEXT_MAX: Final = 4096  # UTF-16 units of a message
ATTEMPTS_MAX: Final = 20
CODE_LIFETIME: Final = timedelta(minutes=15)
KEPT: Final = timedelta(days=30)  # texts of messages
_LONGEST_PAUSE = 300  # seconds
_TOKEN = re.compile(r"(\d{6,12}):[A-Za-z0-9_-]{35}")
_CODE = re.compile(r"(?:/(?:start|link)(?:@\w+)?\s+)?([A-Za-z0-9_-]{16})")
_PIECE = re.compile(r"<[^<>]*>|&(?:#?\w{1,10});|.", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-z-]+)[^>]*>")
_BREAKS = ("\n", " ")


class Purpose(StrEnum):
    """What a chat is for."""

    PERSONAL = "personal"
    ORDERS = "orders"
    INVENTORY = "inventory"
    SUMMARY = "summary"
    ALERTS = "alerts"


class MessageState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class Health(StrEnum):
    """Of a bot; nobody has asked yet, it works, or Telegram refuses it."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    BROKEN = "broken"


class Mode(StrEnum):
    """How updates come."""

    WEBHOOK = "webhook"
    POLLING = "polling"


class HealthKind(StrEnum):
    """What is remembered of a bot: when it happened last, and how often."""

    SENT = "sent"
    FAILED = "failed"
    CHAT_GONE = "chat_gone"
    RECEIVED = "received"
    CHECKED = "checked"
    REFUSED = "refused"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - a word
    TAKEN = "taken"


class Source(StrEnum):
    """Whose bot is in force."""

    USER = "user"
    ORGANIZATION = "organization"
    GLOBAL = "global"


def bot_number(token: str) -> int:
    """The public half of a token. Errors: Invalid."""
    found = _TOKEN.fullmatch(token.strip())
    if not found:
        raise Invalid(N_("A token looks like 123456789:AA…, as the BotFather shows it."), field="token")
    return int(found[1])


def code_in(text: str) -> str | None:
    """The one-time code that somebody sends to a bot, alone or after /start or /link."""
    found = _CODE.fullmatch(text.strip())
    return found[1] if found else None


def pause_after(attempts: int) -> timedelta:
    """Until the next attempt, where Telegram does not say it."""
    return timedelta(seconds=min(2 ** min(attempts, 10), _LONGEST_PAUSE))


def escaped(text: str) -> str:
    """A value inside HTML."""
    return html.escape(text, quote=False)


def plain(text: str) -> str:
    """What is shown of HTML."""
    return html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", "", text))


def units(text: str) -> int:
    """Its length as Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parts(text: str, *, marked: bool, most: int = TEXT_MAX) -> list[str]:
    """The text in pieces that fit, broken after a line or a word if one is near; `marked` text (HTML) is not cut inside a tag
    or an entity, and what is open at the break is closed, and opened again in the next piece.
    """
    found = [piece for piece in (_marked(text, most) if marked else _unmarked(text, most)) if piece.strip()]
    return found or [text]


def _unmarked(text: str, most: int) -> Iterator[str]:
    yield from _filled(list(text), most, marked=False)


def _marked(text: str, most: int) -> Iterator[str]:
    yield from _filled(_PIECE.findall(text), most, marked=True)


def _filled(pieces: list[str], most: int, *, marked: bool) -> Iterator[str]:
    taken: list[str] = []
    opened: list[str] = []  # tags that are open after `taken`
    length = closing = 0
    for piece in pieces:
        size = units(piece)
        after, close = _after(opened, piece) if marked and piece.startswith("<") else (opened, closing)
        if length + size + close > most and taken:
            cut = _cut(taken, most)
            rest = taken[cut:]
            begun = _opened(taken[:cut]) if marked else []
            yield "".join(taken[:cut]) + _ends(begun)
            taken = [*begun, *_stripped(rest)]
            length = sum(map(units, taken))
        taken.append(piece)
        length += size
        opened, closing = after, close
    yield "".join(taken)


def _cut(taken: list[str], most: int) -> int:
    """Where to break: after the last line or word that ends in the last quarter, else at the end."""
    for mark in _BREAKS:
        length = 0
        for place in range(len(taken) - 1, 0, -1):
            length += units(taken[place])
            if length > most // 4:
                break
            if taken[place] == mark:
                return place + 1
    return len(taken)


def _stripped(rest: list[str]) -> list[str]:
    while rest and rest[0] in _BREAKS:
        rest = rest[1:]
    return rest


def _after(opened: list[str], tag: str) -> tuple[list[str], int]:
    found = _TAG.fullmatch(tag)
    if found and found[1]:
        opened = opened[:-1]
    elif found:
        opened = [*opened, tag]
    return opened, units(_ends(opened))


def _opened(pieces: list[str]) -> list[str]:
    opened: list[str] = []
    for piece in pieces:
        if piece.startswith("<"):
            opened = _after(opened, piece)[0]
    return opened


def _ends(opened: list[str]) -> str:
    return "".join(f"</{found[2]}>" for tag in reversed(opened) if (found := _TAG.fullmatch(tag)))
