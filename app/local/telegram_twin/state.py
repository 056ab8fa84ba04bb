"""What the stand-in knows: bots, chats, messages, updates on their way, limits, and the trouble that tests ask for."""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import requests
from flask import current_app

from app.gateways.telegram import SECRET_HEADER

BOT_RATE = 33  # messages in a second, of one bot: about 30, as they say
CHAT_PAUSE = 1.0  # seconds between two messages of one chat
GROUP_RATE, GROUP_SECONDS = 20, 60.0
TRIES = 10
_OK = 200


@dataclass
class Trouble:
    """How often something goes wrong, each from 0 to 1, and how it does."""

    too_many: float = 0.0
    server_error: float = 0.0
    silent: float = 0.0  # it is done, and the answer comes too late
    dropped: float = 0.0  # it is done, and the connection breaks
    repeated: float = 0.0  # the answer is sent twice
    retry_after: int = 2
    silence: float = 3.0
    seed: int = 1

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - chance that can be repeated

    def draw(self) -> str:
        """What goes wrong this time; nothing mostly."""
        value = self.dice.random()
        for name in ("too_many", "server_error", "silent", "dropped", "repeated"):
            value -= getattr(self, name)
            if value < 0:
                return name
        return ""


@dataclass
class Bot:
    """A bot by its number; the rest of its token is whatever it was first called with."""

    id: int
    webhook: str = ""
    secret: str = ""
    next_update: int = 1
    updates: list[dict[str, Any]] = field(default_factory=list)
    tries: int = 0
    failed_at: int = 0
    failure: str = ""
    files: dict[str, str] = field(default_factory=dict)  # what people sent, in hex

    @property
    def username(self) -> str:
        return f"twin_{self.id}_bot"

    def as_user(self) -> dict[str, Any]:
        return {"id": self.id, "is_bot": True, "first_name": f"Bot {self.id}", "username": self.username}


@dataclass
class Message:
    """One message of a chat; `bot` wrote it, or a person to that bot."""

    id: int
    bot: int
    text: str
    mine: bool  # a person's
    at: float
    html: bool = False
    buttons: list[list[dict[str, str]]] = field(default_factory=list)
    answer: str = ""  # of the last button that was pressed


@dataclass
class Chat:
    """A person (a positive number) or a group (a negative one)."""

    id: int
    name: str
    bots: list[int] = field(default_factory=list)  # that may write here
    blocked: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    @property
    def is_group(self) -> bool:
        return self.id < 0

    def as_chat(self) -> dict[str, Any]:
        return {"id": self.id, "type": "group", "title": self.name} if self.is_group else {"id": self.id, "type": "private", "first_name": self.name}

    def as_user(self) -> dict[str, Any]:
        return {"id": abs(self.id), "is_bot": False, "first_name": self.name}


class Limits:
    """What Telegram allows a bot: about 30 messages in a second, one per chat and second, 20 per group and minute."""

    def __init__(self) -> None:
        self.sent: deque[float] = deque()
        self.chats: dict[int, deque[float]] = {}
        self.shut: dict[int | None, float] = {}  # until when; None is the bot itself
        self.early = 0  # questions that came before a retry_after was over

    def wait(self, chat: Chat, now: float) -> float:
        """Seconds until the bot may write to the chat; 0 if it may now."""
        for shut in (None, chat.id):
            if now < self.shut.get(shut, 0.0):
                self.early += 1
                return self.shut[shut] - now
        while self.sent and self.sent[0] <= now - 1:
            self.sent.popleft()
        before = self.chats.setdefault(chat.id, deque(maxlen=GROUP_RATE))
        waits = [0.0, *([self.sent[0] + 1 - now] if len(self.sent) >= BOT_RATE else []), *([before[-1] + CHAT_PAUSE - now] if before else [])]
        if chat.is_group and len(before) == GROUP_RATE:
            waits.append(before[0] + GROUP_SECONDS - now)
        if (found := max(waits)) > 0:
            self.shut[None if found == waits[1] and len(self.sent) >= BOT_RATE else chat.id] = now + math.ceil(found)
        else:
            self.sent.append(now)
            before.append(now)
        return found


class State:
    """Everything, kept in `file` if there is one. Tests set `trouble`, `per_chat` and `clock`, and count `seen`."""

    def __init__(self, file: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.lock = threading.RLock()
        self.news = threading.Condition(self.lock)
        self.clock = clock
        self.file = file
        self.dirty = False
        self.trouble = Trouble()
        self.always_too_many: dict[int, int] = {}  # seconds of retry_after by chat
        self.repeat_updates = False
        self.revoked: set[str] = set()
        self.seen: Counter[str] = Counter()
        self.bots: dict[int, Bot] = {}
        self.chats: dict[int, Chat] = {}
        self.limits: dict[int, Limits] = {}
        self.pollers: Counter[int] = Counter()  # which getUpdates of a bot is the last one
        self.next_message = 1
        if file and file.exists():
            self._load(json.loads(file.read_text()))

    def bot(self, number: int) -> Bot:
        return self.bots.setdefault(number, Bot(number))

    def chat(self, number: int, name: str = "", bot: int | None = None) -> Chat:
        """A chat, made if there is none; with `bot`, that may write there from now on."""
        found = self.chats.setdefault(number, Chat(number, name or f"Somebody {number}"))
        if bot is not None and bot not in found.bots:
            found.bots.append(bot)
        return found

    def add(self, chat: Chat, bot: int, text: str, **more: Any) -> Message:
        """A message that is in the chat now."""
        message = Message(self.next_message, bot, text, at=self.clock(), **more)
        self.next_message += 1
        chat.messages.append(message)
        self.dirty = True
        return message

    # -- what people do

    def says(self, bot: int, chat: int, text: str, *, name: str = "", file: bytes = b"") -> int:
        """Somebody writes to a bot, with a photo perhaps; the number of the update."""
        with self.lock:
            found = self.chat(chat, name, bot)
            message = self.add(found, bot, text, mine=True)
            told = {"message_id": message.id, "date": int(message.at), "chat": found.as_chat(), "from": found.as_user(), "text": text}
            if text.startswith("/"):
                told["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
            if file:
                number = f"file{message.id}"
                self.bot(bot).files[number] = file.hex()
                told["photo"] = [{"file_id": number, "file_unique_id": number, "width": 800, "height": 600, "file_size": len(file)}]
                told["caption"] = told.pop("text")
            return self.tell(bot, {"message": told})

    def presses(self, bot: int, chat: int, message_id: int, data: str) -> int:
        """Somebody presses a button; the number of the update."""
        with self.lock:
            found = self.chats[chat]
            message = next(one for one in found.messages if one.id == message_id)
            return self.tell(bot, {"callback_query": {
                "id": f"{chat}:{message_id}:{self.bot(bot).next_update}", "from": found.as_user(), "chat_instance": str(chat), "data": data,
                "message": {"message_id": message_id, "date": int(message.at), "chat": found.as_chat(), "from": self.bot(bot).as_user(), "text": message.text}}})

    def blocks(self, bot: int, chat: int, *, blocked: bool = True) -> int:
        """Somebody blocks a bot, or lets it write again; the number of the update."""
        with self.lock:
            found = self.chats[chat]
            found.blocked = [one for one in found.blocked if one != bot] + ([bot] if blocked else [])
            user = self.bot(bot).as_user()
            old, new = ("member", "kicked") if blocked else ("kicked", "member")
            return self.tell(bot, {"my_chat_member": {
                "chat": found.as_chat(), "from": found.as_user(), "date": int(self.clock()),
                "old_chat_member": {"user": user, "status": old}, "new_chat_member": {"user": user, "status": new, "until_date": 0}}})

    def tell(self, bot: int, update: dict[str, Any]) -> int:
        found = self.bot(bot)
        number = found.next_update
        found.next_update += 1
        found.updates.append({"update_id": number, **update})
        self.dirty = True
        self.news.notify_all()
        return number

    # -- how updates travel

    def deliver(self) -> None:
        """Bring the updates of bots with a webhook, in order; what is not taken is brought again."""
        with self.lock:
            due = [(bot, list(bot.updates)) for bot in self.bots.values() if bot.webhook and bot.updates]
        for bot, updates in due:
            for update in updates:
                if not self._bring(bot, update):
                    break
                if self.repeat_updates:
                    self._bring(bot, update)
                with self.lock:
                    bot.updates = [one for one in bot.updates if one["update_id"] != update["update_id"]]

    def _bring(self, bot: Bot, update: dict[str, Any]) -> bool:
        status = 0
        with suppress(requests.RequestException):
            status = requests.post(bot.webhook, json=update, headers={SECRET_HEADER: bot.secret} if bot.secret else {}, timeout=5, allow_redirects=False).status_code
        with self.lock:
            if status == _OK:
                bot.tries = 0
                return True
            bot.tries, bot.failed_at = bot.tries + 1, int(self.clock())
            bot.failure = f"Wrong response from the webhook: {status}" if status else "Connection refused"
            return bot.tries >= TRIES  # then it is given up

    def save(self) -> None:
        if self.file and self.dirty:
            with self.lock:
                known = json.dumps({"next": self.next_message, "bots": [asdict(one) for one in self.bots.values()],
                                    "chats": [asdict(one) for one in self.chats.values()]})
                self.dirty = False
            fresh = self.file.with_suffix(".new")
            fresh.write_text(known)
            fresh.replace(self.file)

    def _load(self, known: dict[str, Any]) -> None:
        self.next_message = known["next"]
        self.bots = {one["id"]: Bot(**one) for one in known["bots"]}
        self.chats = {one["id"]: Chat(**{**one, "messages": [Message(**said) for said in one["messages"]]}) for one in known["chats"]}


def state() -> State:
    found: State = current_app.extensions["telegram_twin"]
    return found
