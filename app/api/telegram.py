"""`/webhooks/telegram/<bot>`: updates that Telegram brings are kept once, and answered; a job looks at them (docs/telegram.md).

In front of the console, as app/api/webhooks.py: one statement for each. What is kept, or was refused, is its own record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg2
import structlog
from flask import Flask
from werkzeug.wsgi import get_input_stream

from app.gateways.telegram import SECRET_HEADER
from app.services.telegram import incoming
from app.tenancy import Line
from app.wakeup import wake_soon
from app.wiring import engines

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from config import Settings

BODY_MAX = 1024 * 1024
_PATH = re.compile("/webhooks/telegram/([^/]+)")
_SECRET = f"HTTP_{SECRET_HEADER.upper().replace('-', '_')}"
# What cannot be read, or was kept before, is taken: Telegram would bring it again and again.
_ANSWERS = {"kept": HTTPStatus.OK, "known": HTTPStatus.OK, "unreadable": HTTPStatus.OK, "wrong": HTTPStatus.FORBIDDEN,
            "unknown": HTTPStatus.NOT_FOUND}
_log = structlog.get_logger(__name__)


class TelegramUpdates:
    """The secret in a header says that it is Telegram; a wrong one is refused, and the webhook is set anew by a job."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._console: WSGIApplication = app.wsgi_app
        token = settings.telegram_bot_token
        self._secret = incoming.installation_secret(settings.secret_key, token) if token else None
        with app.app_context():
            self._line = Line(engines().doors)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found = _PATH.fullmatch(environ["PATH_INFO"])
        if found is None or environ["REQUEST_METHOD"] != "POST":
            return self._console(environ, start_response)
        status = self._status(environ, found[1])
        if status is None:
            return self._console(environ, start_response)
        start_response(f"{status.value} {status.phrase}", [("Cache-Control", "no-store"), ("Content-Length", "0")])
        return []

    def _status(self, environ: WSGIEnvironment, name: str) -> HTTPStatus | None:
        try:
            bot_id = None if name == incoming.INSTALLATION else UUID(name)
        except ValueError:
            return None
        update = _object(get_input_stream(environ).read(BODY_MAX + 1))
        try:
            became = incoming.receive(self._line, bot_id, environ.get(_SECRET, ""), self._secret, update)
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            _log.warning("telegram_not_kept", error=type(error).__name__)
            return HTTPStatus.SERVICE_UNAVAILABLE
        if became in {"kept", "wrong"}:
            wake_soon(self._app)
        return _ANSWERS[became]


def _object(body: bytes) -> dict[str, Any] | None:
    if len(body) <= BODY_MAX:
        with suppress(ValueError, RecursionError):
            found = json.loads(body)
            return found if isinstance(found, dict) else None
    return None
