"""How an error leaves the console: problem+json for programs (RFC 9457), a page with a sentence for people."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, current_app, request
from flask_babel import get_locale
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError

from app import metrics
from app.languages import SOURCE, sentence
from app.logs import current_request_id
from app.money import amounts_written
from app.rules.errors import DomainError, Invalid
from app.rules.refusals import DatabaseRefusal, Unavailable, meaning_of
from app.text import N_

RETRY_SECONDS = 5
_API_PATHS = ("/api/", "/v1/")
_AGAIN_LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_OUR_FAULT = "Something went wrong on our side. It was recorded; please try again."
_BACK = N_("Back to the start")
_NUMBER = N_("If you ask for help, please name this number:")
# Werkzeug's own sentences speak to programmers.
_SENTENCES = {
    400: "The request could not be understood.",
    401: "Please sign in.",
    403: "You may not do this.",
    404: "There is nothing at this address.",
    405: "This cannot be done here.",
    410: "This is no longer here.",
    413: "The file is too large.",
    415: "This kind of file or content is not accepted.",
    429: "Too many requests; please wait a moment.",
    503: "The console is busy; please try again in a moment.",
}
_log = structlog.get_logger(__name__)


def translate_database_error(error: DBAPIError) -> DomainError | None:
    """What the database's refusal means to a person; None if it is a bug (then raise it, so that it is recorded)."""
    original = error.orig
    sqlstate = getattr(original, "pgcode", None)
    if not sqlstate:  # refused before there was a server to say why, or cut off in the middle
        if isinstance(error, OperationalError) or error.connection_invalidated:
            return Unavailable("The database does not answer; please try again in a moment.")
        return None
    details = getattr(original, "diag", None)
    refusal = DatabaseRefusal(
        sqlstate=sqlstate,
        message=amounts_written(getattr(details, "message_primary", None) or ""),
        constraint=getattr(details, "constraint_name", None),
        column=getattr(details, "column_name", None),
    )
    meaning = meaning_of(refusal)
    if meaning is not None:
        _log.info(
            "database_refused", sqlstate=sqlstate, constraint=refusal.constraint, refusal=refusal.message
        )
    return meaning


def problem(status: int, code: str, detail: str, request_id: str | None, **extra: Any) -> Response:
    """An answer of type application/problem+json; `extra` become members of their own."""
    body = {
        "type": f"urn:viramah:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        **extra,
    }
    return Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/problem+json")


def wants_problem() -> bool:
    """Whether the caller is a program: by the path, or because it asks for JSON rather than for a page."""
    if request.path.startswith(_API_PATHS):
        return True
    kinds = ["text/html", "application/json", "application/problem+json"]
    return request.accept_mimetypes.best_match(kinds, default="text/html") != "text/html"


def register_error_handlers(app: Flask) -> None:
    """Give every error that leaves a view one way out."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(ValueError, _value_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(InternalServerError, _server_error)


def _domain_error(error: DomainError) -> Response:
    metrics.count_domain_error(error.code)
    _log.log(_level(error.status), "refused", problem=error.code, status=error.status)
    field = getattr(error, "field", None)
    return _answer(error.status, error.code, sentence(error.message), {"field": field} if field else {})


def _database_error(error: DBAPIError) -> Response:
    meaning = translate_database_error(error)
    if meaning is None:
        raise error  # Flask records it and asks _server_error
    return _domain_error(meaning)


def _value_error(error: ValueError) -> Response:
    """No keyboard types NUL, and the driver refuses it before the database could; every other ValueError is a bug."""
    if "NUL (0x00)" not in str(error):
        raise error
    return _domain_error(Invalid("The text contains characters that cannot be stored."))


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error  # abort(response), or a redirect: somebody has answered already
    code = HTTPStatus(error.code).phrase.lower().replace(" ", "_").replace("-", "_")
    answer = _answer(error.code, code, sentence(_SENTENCES.get(error.code, "This request cannot be answered.")), {})
    for name, value in error.get_headers():  # Allow, Retry-After, WWW-Authenticate
        if name.lower() not in {"content-type", "content-length"}:
            answer.headers[name] = value
    return answer


def _server_error(_error: InternalServerError) -> Response:
    """Flask has logged the exception with its traceback by now; nothing of it is told."""
    metrics.count_server_error(metrics.tier_of(request.endpoint))
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", sentence(_OUR_FAULT), {})


def _answer(status: int, code: str, detail: str, extra: dict[str, Any]) -> Response:
    request_id = current_request_id()
    if wants_problem():
        answer = problem(status, code, detail, request_id, **extra)
    else:
        # Without context processors: they load the user, and the transaction may be what has failed.
        page = current_app.jinja_env.get_template("errors/error.html")
        answer = Response(page.render(
            status=status, sentence=detail, language=str(get_locale() or SOURCE), back=sentence(_BACK),
            number=sentence(_NUMBER), request_id=request_id), status)
    if status in _AGAIN_LATER:
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _level(status: int) -> int:
    """A refusal is information, a part that fails is a warning."""
    return logging.WARNING if status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
