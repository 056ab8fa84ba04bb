"""The Bot API as bots see it: /bot<token>/<method>, answers in Telegram's form, its limits, and trouble if asked for."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, Final

from flask import Blueprint, Response, request

from app.local.telegram_twin.state import Bot, Chat, Limits, Message, State, state

_TOKEN = re.compile(r"(\d{6,12}):[A-Za-z0-9_-]{35}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_TEXT_MAX = 4096  # UTF-16 units
_DATA_MAX = 64  # bytes
_LONGEST_POLL = 50  # seconds
_TAGS: Final = frozenset({"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a", "tg-spoiler", "blockquote", "span"})
protocol = Blueprint("bot_api", __name__)
Answer = tuple[int, dict[str, Any]]


class Wrong(Exception):
    """What is refused, as Telegram says it."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.answer = {"ok": False, "error_code": code, "description": description, **({"parameters": parameters} if parameters else {})}
        self.code = code


@protocol.route("/bot<token>/<method>", methods=["GET", "POST"])
def call(token: str, method: str) -> Any:
    """One question of a bot."""
    known = state()
    known.seen[method] += 1
    with known.lock:
        trouble = known.trouble.draw() if method == "sendMessage" else ""
    try:
        result = _done(known, token, method, trouble)
    except Wrong as wrong:
        return _answered(wrong.code, wrong.answer, "")
    return _answered(200, {"ok": True, "result": result}, trouble)


def _done(known: State, token: str, method: str, trouble: str) -> Any:
    bot = _bot(known, token)
    if method not in METHODS:
        raise Wrong(404, "Not Found")
    if trouble == "server_error":
        known.seen[trouble] += 1
        raise Wrong(500, "Internal Server Error")
    asked = {**request.args, **(request.get_json(silent=True) or request.form.to_dict())}
    return METHODS[method](known, bot, {**asked, "_unlucky": trouble == "too_many"})


@protocol.route("/file/bot<token>/<path:path>")
def file(token: str, path: str) -> Any:
    """What somebody sent."""
    try:
        bot = _bot(state(), token)
    except Wrong as wrong:
        return _answered(wrong.code, wrong.answer, "")
    return bytes.fromhex(bot.files.get(path.removeprefix("photos/"), ""))


def _answered(status: int, answer: dict[str, Any], trouble: str) -> Response:
    body = json.dumps(answer).encode()
    response = Response(body, status, mimetype="application/json")
    if trouble in {"silent", "dropped", "repeated"}:
        state().seen[trouble] += 1
    if trouble == "silent":
        time.sleep(state().trouble.silence)
    elif trouble == "dropped":
        request.environ["werkzeug.socket"].shutdown(2)
    elif trouble == "repeated":
        line = request.environ["werkzeug.socket"]
        again = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        response.call_on_close(lambda: line.sendall(again))
    return response


def _bot(known: State, token: str) -> Bot:
    found = _TOKEN.fullmatch(token)
    if not found:
        raise Wrong(404, "Not Found")
    if token in known.revoked:
        raise Wrong(401, "Unauthorized")
    return known.bot(int(found[1]))


def _get_me(_known: State, bot: Bot, _asked: dict[str, Any]) -> Any:
    return {**bot.as_user(), "can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}


def _send(known: State, bot: Bot, asked: dict[str, Any]) -> Any:
    with known.lock:
        chat = _chat(known, bot, asked)
        text, html = _text(asked)
        _limited(known, bot, chat, unlucky=asked["_unlucky"])
        message = known.add(chat, bot.id, text, mine=False, html=html, buttons=_buttons(asked))
    return _told(bot, chat, message)


def _edit(known: State, bot: Bot, asked: dict[str, Any]) -> Any:
    with known.lock:
        chat = _chat(known, bot, asked)
        message = next((one for one in chat.messages if str(one.id) == str(asked.get("message_id")) and one.bot == bot.id and not one.mine), None)
        if message is None:
            raise Wrong(400, "Bad Request: message to edit not found")
        text, html = _text(asked)
        buttons = _buttons(asked)
        if (message.text, message.buttons) == (text, buttons):
            raise Wrong(400, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content "
                             "and reply markup of the message")
        message.text, message.html, message.buttons, known.dirty = text, html, buttons, True
    return _told(bot, chat, message)


def _answer_query(known: State, _bot: Bot, asked: dict[str, Any]) -> Any:
    chat, _, rest = str(asked.get("callback_query_id", "")).partition(":")
    found = known.chats.get(int(chat)) if chat.lstrip("-").isdigit() else None
    message = next((one for one in found.messages if str(one.id) == rest.partition(":")[0]), None) if found else None
    if message is None:
        raise Wrong(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
    message.answer = str(asked.get("text", ""))
    return True


def _set_webhook(known: State, bot: Bot, asked: dict[str, Any]) -> Any:
    url, secret = str(asked.get("url", "")), str(asked.get("secret_token", ""))
    if url and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise Wrong(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if secret and not _SECRET.fullmatch(secret):
        raise Wrong(400, "Bad Request: secret token contains unallowed characters")
    with known.lock:
        bot.webhook, bot.secret, bot.failed_at, bot.failure, known.dirty = url, secret, 0, "", True
    return True


def _webhook_info(_known: State, bot: Bot, _asked: dict[str, Any]) -> Any:
    return {"url": bot.webhook, "has_custom_certificate": False, "pending_update_count": len(bot.updates),
            **({"last_error_date": bot.failed_at, "last_error_message": bot.failure} if bot.failed_at else {})}


def _updates(known: State, bot: Bot, asked: dict[str, Any]) -> Any:
    offset, until = int(asked.get("offset") or 0), time.monotonic() + min(int(asked.get("timeout") or 0), _LONGEST_POLL)
    with known.lock:
        if bot.webhook:
            raise Wrong(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
        known.pollers[bot.id] += 1
        mine = known.pollers[bot.id]
        known.news.notify_all()
        while True:
            bot.updates = [one for one in bot.updates if one["update_id"] >= offset]
            if known.pollers[bot.id] != mine:
                raise Wrong(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
            if bot.updates or time.monotonic() >= until:
                return bot.updates[: int(asked.get("limit") or 100)]
            known.news.wait(max(until - time.monotonic(), 0))


def _get_file(_known: State, bot: Bot, asked: dict[str, Any]) -> Any:
    number = str(asked.get("file_id", ""))
    if number not in bot.files:
        raise Wrong(400, "Bad Request: invalid file_id")
    return {"file_id": number, "file_unique_id": number, "file_size": len(bot.files[number]) // 2, "file_path": f"photos/{number}"}


METHODS: Final[dict[str, Callable[[State, Bot, dict[str, Any]], Any]]] = {
    "getMe": _get_me, "sendMessage": _send, "editMessageText": _edit, "answerCallbackQuery": _answer_query, "setWebhook": _set_webhook,
    "deleteWebhook": lambda known, bot, _: _set_webhook(known, bot, {}), "getWebhookInfo": _webhook_info, "getUpdates": _updates, "getFile": _get_file,
}


def _chat(known: State, bot: Bot, asked: dict[str, Any]) -> Chat:
    number = str(asked.get("chat_id", ""))
    chat = known.chats.get(int(number)) if number.lstrip("-").isdigit() else None
    if chat is None or bot.id not in chat.bots:
        raise Wrong(400, "Bad Request: chat not found")
    if bot.id in chat.blocked:
        raise Wrong(403, "Forbidden: bot was kicked from the group chat" if chat.is_group else "Forbidden: bot was blocked by the user")
    return chat


def _limited(known: State, bot: Bot, chat: Chat, *, unlucky: bool) -> None:
    limits, now = known.limits.setdefault(bot.id, Limits()), known.clock()
    wait = limits.wait(chat, now)
    if wait <= 0 and (unlucky or chat.id in known.always_too_many):
        wait = known.always_too_many.get(chat.id, known.trouble.retry_after)
        limits.shut[chat.id] = now + wait
        limits.sent.pop()
        limits.chats[chat.id].pop()
        known.seen["too_many"] += 1
    if wait > 0:
        known.seen["refused"] += 1
        seconds = math.ceil(wait)
        raise Wrong(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _text(asked: dict[str, Any]) -> tuple[str, bool]:
    text, html = str(asked.get("text", "")), str(asked.get("parse_mode", "")).lower() == "html"
    if not text.strip():
        raise Wrong(400, "Bad Request: message text is empty")
    shown = _Html.read(text) if html else text
    if len(shown.encode("utf-16-le")) // 2 > _TEXT_MAX:
        raise Wrong(400, "Bad Request: message is too long")
    return text, html


def _buttons(asked: dict[str, Any]) -> list[list[dict[str, str]]]:
    markup = asked.get("reply_markup") or {}
    markup = json.loads(markup) if isinstance(markup, str) else markup
    rows: list[list[dict[str, str]]] = markup.get("inline_keyboard", [])
    if any(len(button.get("callback_data", "").encode()) > _DATA_MAX for row in rows for button in row):
        raise Wrong(400, "Bad Request: BUTTON_DATA_INVALID")
    return rows


def _told(bot: Bot, chat: Chat, message: Message) -> dict[str, Any]:
    return {"message_id": message.id, "date": int(message.at), "chat": chat.as_chat(), "from": bot.as_user(), "text": message.text}


class _Html(HTMLParser):
    """Tags as strictly as Telegram takes them: known ones, each closed in its turn."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.shown = ""

    @classmethod
    def read(cls, text: str) -> str:
        """What is shown of it."""
        found = cls()
        if re.search(r"<(?![a-z/])|&(?!(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-f]{1,6});)", text, re.IGNORECASE):
            raise Wrong(400, "Bad Request: can't parse entities: Unsupported start tag")
        found.feed(text)
        found.close()
        if found.open:
            raise Wrong(400, f'Bad Request: can\'t parse entities: Can\'t find end tag corresponding to start tag "{found.open[-1]}"')
        return found.shown

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise Wrong(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Wrong(400, f'Bad Request: can\'t parse entities: Unmatched end tag "{tag}"')

    def handle_data(self, data: str) -> None:
        self.shown += data
