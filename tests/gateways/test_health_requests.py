"""Every request has an id, in the answer, in the logs and in the error page, and is counted."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import Babel

from app import health, logs, metrics
from app.problems import register_error_handlers
from app.rules.errors import NotFound


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    logs.init_logging("INFO", stream=stream)
    yield stream
    root.handlers, root.level = handlers, level
    logs.init_logging("INFO")  # as every other test finds it


@pytest.fixture
def client(log: io.StringIO) -> FlaskClient:
    app = Flask("console")
    Babel(app)
    health.init_requests(app)
    register_error_handlers(app)

    @app.get("/api/rooms/<name>")
    def room(name: str) -> str:
        if name == "missing":
            raise NotFound("There is no such room.")
        return "here"

    return app.test_client()


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_the_same_id_is_in_the_answer_the_problem_and_every_line(
    client: FlaskClient, log: io.StringIO
) -> None:
    answer = client.get("/api/rooms/missing")
    request_id = answer.headers["X-Request-ID"]
    assert answer.get_json()["request_id"] == request_id
    assert [(line["event"], line["request_id"]) for line in lines(log)] == [
        ("refused", request_id),
        ("answered", request_id),
    ]


def test_a_caller_cannot_choose_the_id(client: FlaskClient) -> None:
    chosen = "0123456789abcdef"
    assert client.get("/api/rooms/1", headers={"X-Request-ID": chosen}).headers["X-Request-ID"] != chosen


def test_no_two_requests_share_an_id_and_none_outlives_its_request(client: FlaskClient) -> None:
    assert len({client.get("/api/rooms/1").headers["X-Request-ID"] for _ in range(3)}) == 3
    assert logs.current_request_id() is None


def test_a_line_tells_what_was_answered_and_no_secret_of_the_address(
    client: FlaskClient, log: io.StringIO
) -> None:
    secret = "Zk3vN8qLx0_WmT5yRbJc-7HsDgPu2EaFo9KiX4VtYhQ"
    client.get(f"/api/rooms/{secret}?phone=9876543210")
    (line,) = lines(log)
    assert (line["method"], line["path"], line["endpoint"], line["status"]) == (
        "GET",
        "/api/rooms/[masked]",
        "room",
        200,
    )
    assert "9876543210" not in log.getvalue()


def test_an_answer_is_counted(client: FlaskClient) -> None:
    series = 'viramah_requests_total{endpoint="room",method="GET",status="404"}'
    before = metrics.metrics_response().get_data(as_text=True)
    client.get("/api/rooms/missing")
    assert series not in before or before != metrics.metrics_response().get_data(as_text=True)
    assert series in metrics.metrics_response().get_data(as_text=True)
