"""Planted personal data and secrets do not come out of the logs, whatever way they went in."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
import sentry_sdk
import structlog
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from app import logs
from app.masking import MASK, MAX_TEXT, mask, mask_text

BOT_TOKEN = "123456789:AAF" + "x1Y_-" * 6 + "zz"
LINK = "WyIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMSIsMTc3MjQ1MzcwMF0.9Xh3bQm-kLq0Vt7Zr_2sYpEwNcA1dGf5HjUoKxMiRlT"
ONE_TIME = "Zk3vN8qLx0_WmT5yRbJc-7HsDgPu2EaFo9KiX4VtYhQ"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

TEXTS = [
    ("mail to asha.rao+home@example.co.in failed", "asha.rao"),
    ("<asha@example.org>", "asha@"),
    ("called +91 98765 43210 twice", "43210"),
    ("called +14155552671.", "4155552671"),
    ("tel:9876543210", "9876543210"),
    ("phone 98765-43210", "43210"),
    ("09876543210", "9876543210"),
    ("919876543210,", "9876543210"),
    ("Aadhaar 2345 6789 0123", "6789"),
    ("Authorization: Bearer abcdef123456", "abcdef123456"),
    ("Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    (f"POST https://api.telegram.org/bot{BOT_TOKEN}/sendMessage", BOT_TOKEN),
    (f"GET /files/open?link={LINK}", LINK),
    (f"GET /f/{LINK} 200", LINK[:40]),
    (f"GET /invitations/{ONE_TIME}/accept", ONE_TIME),
    (f"token {JWT}", JWT[-20:]),
    ("postgresql+psycopg2://viramah_web:hunter2@db:5432/viramah", "hunter2"),
    ("redis://:hunter2@cache:6379/0", "hunter2"),
    ("smtp://console:p:w!d@mail", "p:w!d"),
    ("password=hunter2 given", "hunter2"),
    ("{'password': 'hunter 2', 'x': 1}", "hunter 2"),
    ('{"new_password":"hunter2"}', "hunter2"),
    ("X-Api-Key: hunter2", "hunter2"),
    ("/callback?code=hunter2&state=hunter3", "hunter"),
    ("your code is 482913", "482913"),
    ("OTP: 482913", "482913"),
    ("DETAIL:  Key (full_name)=(Asha (Rao)) already exists.", "Asha"),
    ("DETAIL:  Failing row contains (1, Asha Rao, Room 4, \nnext line).\n[SQL: INSERT]", "Asha"),
    ("[SQL: INSERT]\n[parameters: {'name': 'Asha Rao', 'n': [1]}]\n(Background on", "Asha"),
]
HARMLESS = [
    "0198f3a2-9c4e-7b1a-8d2f-918273645546",
    "request 0198f3a29c4e7b1a8d2f918273645546 took 0.9876543210 s",
    "2026-03-02T12:00:00.123456Z",
    "moved from submitted to assigned, state=assigned",
    "HTTP status code: 409",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "app.services.maintenance.claim_request_for_somebody",
    "paid 250000 paise for 3 beds in 2026",
    "10.0.3.1:5432",
    'File "app/services/maintenance.py", line 120, in claim',
    'relation "maintenance_requests" does not exist',
]


@contextmanager
def captured(level: str = "INFO") -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, as the process would write it."""
    root = logging.getLogger()
    handlers, before = root.handlers, root.level
    stream = io.StringIO()
    logs.init_logging(level, json=True, stream=stream)
    try:
        yield stream
    finally:
        root.handlers, root.level = handlers, before
        logs.unbind()
        logs.init_logging("INFO")  # as every other test finds it


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(("text", "planted"), TEXTS)
def test_what_looks_personal_or_secret_is_masked(text: str, planted: str) -> None:
    assert planted in text
    assert planted not in mask_text(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_helps_to_find_an_error_stays(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "newPassword",
        "API_TOKEN",
        "X-Api-Key",
        "phone",
        "phone_number",
        "guardianPhone",
        "email",
        "Authorization",
        "Cookie",
        "Set-Cookie",
        "otp",
        "totp_secret",
        "code",
        "recovery_codes",
        "aadhaar_number",
        "dsn",
    ],
)
def test_a_telling_name_masks_its_value_whatever_it_is(name: str) -> None:
    for value in ("x", 9876543210, ["x"], {"x": "y"}, b"x"):
        assert mask({name: value}) == {name: MASK}


@pytest.mark.parametrize(
    "name", ["status_code", "error_code", "problem", "encode", "tokenizer", "pinned", "panel", "event"]
)
def test_a_name_that_only_sounds_alike_does_not(name: str) -> None:
    assert mask({name: "x"}) == {name: "x"}


def test_values_are_masked_at_any_depth_and_in_any_object() -> None:
    class Person:
        def __repr__(self) -> str:
            return "<Person asha@example.org>"

    masked = mask(
        {"a": [{"b": ({"phone": 1}, "9876543210", Person())}], "id": UUID(int=7), "n": 3, "x": b"123"}
    )
    assert masked == {
        "a": [{"b": [{"phone": MASK}, MASK, f"<Person {MASK}>"]}],
        "id": "00000000-0000-0000-0000-000000000007",
        "n": 3,
        "x": "[3 bytes]",
    }


def test_something_that_contains_itself_does_not_hang() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert MASK in str(mask(endless))


@pytest.mark.parametrize(
    "piece", ["a", "a-", "a.", "a@", "password", "1", "+1 ", "Aa", "Key (", "://", "[parameters: ", "=("]
)
def test_no_text_takes_long(piece: str) -> None:
    hostile = piece * (MAX_TEXT // len(piece) + 1)
    before = time.process_time()
    mask_text(hostile)
    assert time.process_time() - before < 2  # some milliseconds; a quadratic pattern takes minutes


def test_a_line_carries_request_organization_and_person() -> None:
    with captured() as stream:
        logs.bind_request("0123456789abcdef")
        logs.bind_person(UUID(int=1), 7)
        structlog.get_logger("app.x").info("claimed", number=12)
    (line,) = lines(stream)
    assert {
        name: line[name] for name in ("event", "level", "logger", "request_id", "org_id", "user_id", "number")
    } == {
        "event": "claimed",
        "level": "info",
        "logger": "app.x",
        "request_id": "0123456789abcdef",
        "org_id": "00000000-0000-0000-0000-000000000001",
        "user_id": "7",
        "number": 12,
    }


def test_the_next_request_does_not_inherit_the_person() -> None:
    with captured() as stream:
        logs.bind_request("first---")
        logs.bind_person(UUID(int=1), 7)
        logs.bind_request("second--")
        structlog.get_logger().info("x")
    assert lines(stream)[0]["request_id"] == "second--"
    assert "user_id" not in lines(stream)[0]


def test_planted_values_are_not_in_the_logs_by_either_logger() -> None:
    with captured() as stream:
        structlog.get_logger().info(
            "sent to asha@example.org", password="hunter2", person={"phone": "9876543210"}
        )
        logging.getLogger("some.library").warning(
            "login of %s with %r", "asha@example.org", {"password": "hunter2"}
        )
        logging.getLogger("some.library").info("extra", extra={"otp": "482913", "sender": "+919876543210"})
    assert len(lines(stream)) == 3
    for planted in ("asha", "hunter2", "9876543210", "482913"):
        assert planted not in stream.getvalue()


@pytest.mark.parametrize("logger", [structlog.get_logger("a"), logging.getLogger("b")])
def test_planted_values_are_not_in_a_traceback_nor_in_its_causes(logger: Any) -> None:
    with captured() as stream:
        try:
            try:
                raise KeyError("asha@example.org")  # noqa: TRY301 - its traceback is the test
            except KeyError as error:
                raise ValueError(f"no bot {BOT_TOKEN} for +919876543210") from error
        except ValueError:
            logger.exception("failed", stack_info=True)
    (line,) = lines(stream)
    assert "ValueError: no bot [masked] for [masked]" in line["exception"]
    for planted in ("asha@", BOT_TOKEN, "9876543210"):
        assert planted not in stream.getvalue().replace('raise KeyError(\\"asha@example.org\\")', "")


def test_one_event_is_one_line_whatever_it_says() -> None:
    with captured() as stream:
        structlog.get_logger().info('a\nb"}\n{"event":"forged')
    assert len(stream.getvalue().splitlines()) == 1


def test_the_level_counts() -> None:
    with captured("WARNING") as stream:
        structlog.get_logger().info("quiet")
        structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


@pytest.mark.parametrize("header", ["abcdef0123456789", "0198f3a2-9c4e-7b1a-8d2f-918273645546"])
def test_a_request_id_from_the_proxy_is_kept(header: str) -> None:
    assert logs.request_id_of(header) == header


@pytest.mark.parametrize(
    "header", [None, "", "short", "x" * 65, "abc\ndef012345", "<script>alert</script>", "é" * 10]
)
def test_a_request_id_that_is_none_is_replaced(header: str | None) -> None:
    assert logs.request_id_of(header) != header
    assert logs.request_id_of(header).isalnum()


class Captured(Transport):
    """Where reports go instead of over the wire."""

    def __init__(self) -> None:
        super().__init__({"dsn": None})
        self.sent: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        if event is not None:
            self.sent.append(dict(event))


@pytest.fixture
def reports() -> Iterator[list[dict[str, Any]]]:
    transport = Captured()
    logs.init_error_reports("https://public@sentry.example/1", transport=transport)
    try:
        yield transport.sent
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.init()


def without_source(report: dict[str, Any]) -> str:
    """The report as text but for the lines of code around each frame, which hold this test's own words."""
    for exception in report["exception"]["values"]:
        for frame in exception["stacktrace"]["frames"]:
            for name in ("pre_context", "context_line", "post_context"):
                frame.pop(name, None)
    return json.dumps(report)


def test_an_error_report_is_masked_like_the_logs(reports: list[dict[str, Any]]) -> None:
    with captured():
        logs.bind_request("0123456789abcdef")
        sentry_sdk.set_user({"id": "7", "email": "asha@example.org", "ip_address": "10.0.0.1"})
        structlog.get_logger().info("breadcrumb for +919876543210", otp="482913")
        try:
            local_secret = "hunter2"
            raise ValueError(f"no bot {BOT_TOKEN}, {len(local_secret)}")  # noqa: TRY301 - its traceback is the test
        except ValueError:
            logging.getLogger("app").exception("password=%s for asha@example.org", "hunter2")
    (report,) = reports
    text = without_source(report)
    for planted in ("asha@", "9876543210", BOT_TOKEN, "10.0.0.1", "hunter2", "482913"):
        assert planted not in text
    assert report["tags"]["request_id"] == "0123456789abcdef"
    assert report["user"] == {"id": "7"}
    assert report["exception"]["values"][0]["value"] == "no bot [masked], 7"
    assert "breadcrumb" in text


def test_an_unhandled_error_of_structlog_is_reported_too(reports: list[dict[str, Any]]) -> None:
    with captured():
        try:
            raise ValueError("asha@example.org")  # noqa: TRY301 - its traceback is the test
        except ValueError:
            structlog.get_logger().exception("failed", password="hunter2")
    (report,) = reports
    text = without_source(report)
    assert "hunter2" not in text
    assert "asha@" not in text
