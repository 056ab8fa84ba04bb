"""`/webhooks/<gateway>/<path>`: what gateways send is kept as it came, and answered; a job looks at it (docs/payments.md).

A WSGI application in front of the console's: a gateway has no session, no language and no form, and is answered after
one statement that the database keeps. What is kept is its own record: the log tells only of what could not be.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import psycopg2
import structlog
from flask import Flask
from werkzeug.datastructures import EnvironHeaders
from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_content_length, get_input_stream

from app import metrics
from app.problems import RETRY_SECONDS
from app.rules.errors import DomainError
from app.rules.payments import BODY_MAX, Verdict
from app.services import payments
from app.tenancy import Line
from app.wakeup import wake_soon
from app.wiring import engines

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from config import Settings

_PATH = re.compile("/webhooks/([^/]+)/([^/]+)")
_ENDPOINT = "webhooks.receive"  # as the figures call it
_log = structlog.get_logger(__name__)


class Webhooks:
    """Kept, committed, answered. An address that names no account is nobody's: the console says so, and nothing of it is kept."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._console: WSGIApplication = app.wsgi_app
        self._doors = payments.Doors(payments.keeper_of(settings))
        with app.app_context():
            self._line = Line(engines().doors)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found = _PATH.fullmatch(environ["PATH_INFO"])
        if found is None or environ["REQUEST_METHOD"] != "POST":
            return self._console(environ, start_response)
        began = time.perf_counter()
        try:
            status = self._status(environ, *found.groups())
        except Exception:
            metrics.count_server_error(metrics.tier_of(_ENDPOINT))
            raise
        if status is None:
            return self._console(environ, start_response)
        metrics.observe_request(_ENDPOINT, "POST", status, time.perf_counter() - began)
        headers = [("Cache-Control", "no-store"), ("Content-Length", "0")]
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append(("Retry-After", str(RETRY_SECONDS)))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return []

    def _status(self, environ: WSGIEnvironment, gateway: str, path: str) -> int | None:
        announced = get_content_length(environ) or 0
        body = get_input_stream(environ).read(BODY_MAX + 1) if announced <= BODY_MAX else b""
        came = payments.Arrived(dict(EnvironHeaders(environ)), body, max(announced, len(body)),
                                parse_options_header(environ.get("CONTENT_TYPE"))[0].lower(), environ.get("REMOTE_ADDR", ""))
        try:
            verdict = self._doors.keep(self._line, gateway, path, came, datetime.now(UTC))
        except (psycopg2.OperationalError, psycopg2.InterfaceError, DomainError) as error:  # no database, or the key of the secrets is missing
            _log.warning("webhook_not_kept", error=type(error).__name__)
            return HTTPStatus.SERVICE_UNAVAILABLE
        if verdict is Verdict.ACCEPTED:
            wake_soon(self._app)
        return verdict and verdict.status
