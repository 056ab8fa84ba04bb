"""The client: one method for each that the console uses. Its answers are read whole, up to a size and a moment."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from app.gateways.bounded import Bounded
from app.gateways.telegram.words import (
    ALLOWED_UPDATES,
    Bot,
    Markup,
    Sent,
    ServerError,
    TelegramError,
    Uncertain,
    Unreached,
    WebhookInfo,
    meaning,
)

PATIENCE: Final = 10.0  # seconds for one question
_LARGEST: Final = 21 * 1024 * 1024  # bytes: bots get files of 20 MB at most
_SERVER_ERROR: Final = 500


class Line:
    """A connection to a Bot API that is kept open between questions; for one thread at a time, and for any number of bots."""

    def __init__(self, base_url: str, patience: float = PATIENCE) -> None:
        self.base_url = base_url.rstrip("/")
        self.patience = patience
        self._session = requests.Session()
        self._session.trust_env = urlsplit(base_url).scheme == "https"  # proxies are for the outside
        self._session.auth = _as_it_is
        self._adapter = _Kept(patience, patience, _LARGEST)
        self._session.mount(f"{urlsplit(base_url).scheme}://", self._adapter)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None, patience: float) -> requests.Response:
        """Errors: Unreached if nothing was sent, Uncertain otherwise. What goes wrong inside names the address: none of it gets out."""
        trouble: TelegramError
        self._adapter.begin(patience)
        try:
            return self._session.request(method, self.base_url + path, json=body, allow_redirects=False)
        except (requests.ConnectTimeout, requests.exceptions.ProxyError, requests.exceptions.SSLError) as error:
            trouble = Unreached(type(error).__name__)
        except requests.ConnectionError as error:
            trouble = Unreached("no connection") if _never_connected(error) else Uncertain("connection lost")
        except requests.RequestException as error:
            trouble = Uncertain(type(error).__name__)
        raise trouble  # here, where no address is among its causes

    def close(self) -> None:
        self._session.close()


class _Kept(Bounded):
    """With a deadline of its own for each question."""

    def begin(self, patience: float) -> None:
        self._pause = patience
        self._deadline = time.monotonic() + patience


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps a .netrc of this machine from adding a header."""
    return request


def _never_connected(error: requests.ConnectionError) -> bool:
    inner = getattr(error.args[0] if error.args else None, "reason", None)
    return type(inner).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}


class BotApi:
    """One bot. Errors of everything: those of `words`."""

    def __init__(self, line: Line, token: str) -> None:
        self._line = line
        self._token = token

    def __repr__(self) -> str:
        return "BotApi(…)"

    def get_me(self) -> Bot:
        found = self._object("getMe", {})
        return Bot(_whole(found.get("id")), str(found.get("username", "")), str(found.get("first_name", "")))

    def send_message(self, chat: int, text: str, *, html: bool = False, buttons: Markup = ()) -> Sent:
        found = self._object("sendMessage", {"chat_id": chat, **_said(text, html=html, buttons=buttons)})
        return Sent(_whole(found.get("message_id")), chat)

    def edit_message_text(self, chat: int, message_id: int, text: str, *, html: bool = False, buttons: Markup = ()) -> None:
        """A text that is there already counts as done."""
        try:
            self._call("editMessageText", {"chat_id": chat, "message_id": message_id, **_said(text, html=html, buttons=buttons)})
        except TelegramError as error:
            if "message is not modified" not in str(error):
                raise

    def answer_callback_query(self, query_id: str, text: str = "", *, alert: bool = False) -> None:
        self._call("answerCallbackQuery", {"callback_query_id": query_id, "text": text[:200], "show_alert": alert})

    def set_webhook(self, url: str, secret: str) -> None:
        """Have updates brought to `url` with `secret` in SECRET_HEADER; those that wait are kept."""
        self._call("setWebhook", {"url": url, "secret_token": secret, "allowed_updates": ALLOWED_UPDATES})

    def delete_webhook(self) -> None:
        self._call("deleteWebhook", {})

    def get_webhook_info(self) -> WebhookInfo:
        found = self._object("getWebhookInfo", {})
        failed = found.get("last_error_date")
        return WebhookInfo(str(found.get("url", "")), _whole(found.get("pending_update_count", 0)),
                           datetime.fromtimestamp(failed, UTC) if isinstance(failed, int) else None, str(found.get("last_error_message", ""))[:200])

    def get_updates(self, after: int, wait_seconds: int = 0, most: int = 100) -> Sequence[dict[str, Any]]:
        """Updates with a larger number than `after`; the others are forgotten by Telegram. BotTaken where there is a webhook."""
        found = self._call("getUpdates", {"offset": after + 1, "timeout": wait_seconds, "limit": most, "allowed_updates": ALLOWED_UPDATES},
                           patience=self._line.patience + wait_seconds)
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def get_file(self, file_id: str) -> bytes:
        """What somebody sent: asked for by id, then fetched."""
        path = str(self._object("getFile", {"file_id": file_id}).get("file_path", ""))
        if not path or ".." in path:
            raise Uncertain("answer")
        answer = self._line.ask("GET", f"/file/bot{self._token}/{path}", None, self._line.patience)
        if not answer.ok:
            raise meaning(answer.status_code, {})
        return answer.content

    def _object(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        found = self._call(method, body)
        if not isinstance(found, dict):
            raise Uncertain("answer")
        return found

    def _call(self, method: str, body: Mapping[str, Any], *, patience: float | None = None) -> Any:
        answer = self._line.ask("POST", f"/bot{self._token}/{method}", body, patience or self._line.patience)
        try:
            found = answer.json()
        except ValueError:
            found = None
        if isinstance(found, dict) and found.get("ok") is True:
            return found.get("result")
        if answer.status_code >= _SERVER_ERROR:
            raise ServerError(f"status {answer.status_code}")
        if not isinstance(found, dict) or "ok" not in found:
            raise Uncertain(f"answer with status {answer.status_code}")
        raise meaning(answer.status_code, {**found, "description": str(found.get("description", "")).replace(self._token, "…")})


def _said(text: str, *, html: bool, buttons: Markup) -> dict[str, Any]:
    rows = [[button.to_wire() for button in row] for row in buttons]
    return {"text": text, "link_preview_options": {"is_disabled": True}, **({"parse_mode": "HTML"} if html else {}),
            **({"reply_markup": {"inline_keyboard": rows}} if rows else {})}


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Uncertain("answer")
    return value
