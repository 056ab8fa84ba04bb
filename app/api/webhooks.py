"""`/webhooks/<gateway>/<path>`: what gateways send is kept as it came, and answered; a job looks at it (docs/payments.md).

A WSGI application in front of the console's: a gateway has no session, no language and no form, and is answered after
one statement that the database keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy.exc import DBAPIError
from werkzeug import Request

from app import logs, metrics
from app.health.requests import Asked
from app.problems import RETRY_SECONDS, translate_database_error
from app.rules.errors import DomainError
from app.rules.payments import BODY_MAX, Verdict
from app.services import payments
from app.tenancy import unbound_connection
from app.wakeup import wake_soon

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from config import Settings

_PATH = re.compile("/webhooks/([^/]+)/([^/]+)")
_ENDPOINT = "webhooks.receive"  # as the figures call it


class Webhooks:
    """Kept, committed, answered. An address that names no account is nobody's: the console says so, and nothing of it is kept."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._console: WSGIApplication = app.wsgi_app
        self._doors = payments.Doors(payments.keeper_of(settings))
        self._trusted = bool(settings.trusted_proxies)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found = _PATH.fullmatch(environ["PATH_INFO"])
        if found is None or environ["REQUEST_METHOD"] != "POST":
            return self._console(environ, start_response)
        request = Request(environ)
        asked = Asked.begin(request, trusted=self._trusted)
        try:
            with self._app.app_context():
                status = self._status(request, *found.groups())
            if status is None:
                return self._console(environ, start_response)
            asked.answered(request, _ENDPOINT, status)
        except Exception:
            metrics.count_server_error(metrics.tier_of(_ENDPOINT))
            raise
        finally:
            logs.unbind()
        headers = [("X-Request-ID", asked.id), ("Cache-Control", "no-store"), ("Content-Length", "0")]
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append(("Retry-After", str(RETRY_SECONDS)))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return []

    def _status(self, request: Request, gateway: str, path: str) -> int | None:
        announced = request.content_length or 0
        body = request.stream.read(BODY_MAX + 1) if announced <= BODY_MAX else b""
        came = payments.Arrived(dict(request.headers), body, max(announced, len(body)), request.mimetype, request.remote_addr or "")
        try:
            verdict = self._kept(gateway, path, came)
        except DBAPIError as error:
            meaning = translate_database_error(error)
            if meaning is None:
                raise
            return meaning.status
        except DomainError as error:  # the key of its secrets is missing
            return error.status
        if verdict is Verdict.ACCEPTED:
            wake_soon(self._app)
        return verdict and verdict.status

    def _kept(self, gateway: str, path: str, came: payments.Arrived) -> Verdict | None:
        try:
            with unbound_connection() as connection:
                return self._doors.keep(connection, gateway, path, came, datetime.now(UTC))
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        with unbound_connection() as connection:  # the database was started anew; to keep it twice does no harm
            return self._doors.keep(connection, gateway, path, came, datetime.now(UTC))
