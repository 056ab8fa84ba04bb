"""How errors leave the console: one way for programs, one for people, and nothing of a bug in either."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from flask import Flask, Response, abort, redirect
from flask.testing import FlaskClient
from flask_babel import Babel
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from werkzeug.exceptions import TooManyRequests

import app as package
from app import logs
from app.gateways.objects import StoreUnavailable
from app.problems import register_error_handlers, translate_database_error
from app.rules.errors import Conflict, Invalid, NotFound
from app.rules.refusals import Unavailable

JSON = {"Accept": "application/json"}
SECRET = "hunter2 of asha@example.org"


def refused(sqlstate: str | None, message: str = SECRET) -> DatabaseError:
    """SQLAlchemy's error around psycopg2's, as a refusing server would cause it (without the names involved)."""
    original = psycopg2.DatabaseError(message)
    original.__setstate__({"pgcode": sqlstate, "pgerror": message})  # type: ignore[no-untyped-call]
    kind = DatabaseError if sqlstate else OperationalError
    return kind("SELECT secret", {}, original)


def raising(error: Exception) -> Callable[[], Response]:
    def view() -> Response:
        raise error

    return view


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    logs.init_logging("INFO", json=True, stream=stream)
    yield stream
    root.handlers, root.level = handlers, level
    logs.unbind()
    logs.init_logging("INFO")  # as every other test finds it


@pytest.fixture
def client(log: io.StringIO) -> FlaskClient:
    folder = Path(package.__file__).parent
    app = Flask("console", template_folder=folder / "templates", static_folder=folder / "static")
    Babel(app)
    register_error_handlers(app)

    @app.before_request
    def begin() -> None:
        logs.bind_request("0123456789abcdef")

    for prefix in ("", "/api"):
        for name, error in {
            "missing": NotFound("There is no such room."),
            "invalid": Invalid("A name is needed <b>here</b>.", field="name"),
            "store": StoreUnavailable("The file store does not answer."),
            "claimed": refused("VR409"),
            "deadlock": refused("40P01"),
            "bug": ZeroDivisionError(SECRET),
            "database-bug": refused("42P01"),
            "slow": refused("57014"),
            "limited": TooManyRequests(retry_after=60),
        }.items():
            path = f"{prefix}/{name}"
            app.add_url_rule(path, path, raising(error))
    app.add_url_rule("/slash/", "slash", lambda: "here")
    app.add_url_rule("/moved", "moved", lambda: abort(redirect("/elsewhere")))
    app.add_url_rule("/gone", "gone", lambda: abort(410))
    return app.test_client()


def test_a_program_gets_a_problem_by_the_book(client: FlaskClient) -> None:
    answer = client.get("/api/invalid")
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert json.loads(answer.text) == {
        "type": "urn:viramah:problem:invalid",
        "title": "Invalid",
        "status": 422,
        "detail": "A name is needed <b>here</b>.",
        "code": "invalid",
        "request_id": "0123456789abcdef",
        "field": "name",
    }


@pytest.mark.parametrize(
    "accept", ["application/json", "application/problem+json", "application/json, text/html;q=0.5"]
)
def test_who_asks_for_json_gets_json_anywhere(client: FlaskClient, accept: str) -> None:
    assert client.get("/missing", headers={"Accept": accept}).mimetype == "application/problem+json"


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", ""])
def test_a_person_gets_a_page_with_the_sentence_and_the_number_to_name(
    client: FlaskClient, accept: str
) -> None:
    answer = client.get("/missing", headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "<h1>There is no such room.</h1>" in answer.text
    assert "0123456789abcdef" in answer.text


def test_a_sentence_cannot_write_into_the_page(client: FlaskClient) -> None:
    assert "<b>" not in client.get("/invalid").text


@pytest.mark.parametrize(("path", "status"), [("claimed", 409), ("deadlock", 409), ("slow", 503)])
def test_what_the_database_refuses_is_told_in_words_for_people(
    client: FlaskClient, path: str, status: int
) -> None:
    answer = client.get(f"/api/{path}")
    assert answer.status_code == status
    assert SECRET not in answer.text


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("path", ["bug", "database-bug"])
def test_a_bug_is_answered_without_detail_and_logged_with_it(
    client: FlaskClient, log: io.StringIO, prefix: str, path: str
) -> None:
    answer = client.get(f"{prefix}/{path}")
    assert answer.status_code == 500
    assert "on our side" in answer.text
    for planted in ("hunter2", "asha", "SELECT", "Traceback", "Error"):
        assert planted not in answer.text
    (logged,) = [json.loads(line) for line in log.getvalue().splitlines() if '"error"' in line]
    assert logged["request_id"] == "0123456789abcdef"
    assert "raise error" in logged["exception"]
    assert "asha@" not in log.getvalue()


@pytest.mark.parametrize(("path", "seconds"), [("store", "5"), ("slow", "5"), ("limited", "60")])
def test_who_should_come_back_is_told_when(client: FlaskClient, path: str, seconds: str) -> None:
    assert client.get(f"/api/{path}").headers["Retry-After"] == seconds


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/api/nowhere", 404, "not_found"), ("POST", "/api/bug", 405, "method_not_allowed")],
)
def test_errors_of_the_framework_look_the_same(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, json.loads(answer.text)["code"]) == (status, code)


def test_what_is_allowed_is_still_told(client: FlaskClient) -> None:
    assert "GET" in client.post("/bug").headers["Allow"]


def test_redirects_are_no_errors(client: FlaskClient) -> None:
    assert client.get("/slash").status_code == 308
    assert client.get("/moved").headers["Location"] == "/elsewhere"


def test_an_error_is_never_cached(client: FlaskClient) -> None:
    assert client.get("/gone").headers["Cache-Control"] == "no-store"


def test_a_refusal_is_logged_with_its_code(client: FlaskClient, log: io.StringIO) -> None:
    client.get("/missing")
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["event"], line["problem"], line["status"], line["level"]) == (
        "refused",
        "not_found",
        404,
        "info",
    )


def test_a_server_that_went_away_is_a_matter_of_waiting() -> None:
    assert isinstance(translate_database_error(refused(None)), Unavailable)
    cut_off = InterfaceError("SELECT 1", {}, psycopg2.InterfaceError("closed"), connection_invalidated=True)
    assert isinstance(translate_database_error(cut_off), Unavailable)


def test_a_driver_used_wrongly_is_a_bug() -> None:
    assert (
        translate_database_error(InterfaceError("SELECT 1", {}, psycopg2.InterfaceError("cursor closed")))
        is None
    )


def test_a_refusal_without_a_request_is_translated_too() -> None:
    assert isinstance(translate_database_error(refused("23505")), Conflict)
