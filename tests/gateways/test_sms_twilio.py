"""Text messages through Twilio's API, against a server that speaks it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest

from app.gateways.mail import FolderMailer
from app.gateways.sms import FolderTexter, Text, TextRefused, TextUnavailable, Twilio

TEXT = Text("+919876543210", "पानी बंद है", "delivery 1")


@pytest.fixture
def server() -> Iterator[Any]:
    class Handler(BaseHTTPRequestHandler):
        answer: tuple[int, bytes] = (201, json.dumps({"sid": "SM1", "status": "queued"}).encode())
        asked: list[tuple[str, str, dict[str, list[str]]]] = []

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.asked.append((self.path, self.headers["Authorization"], parse_qs(body)))
            self.send_response(self.answer[0])
            self.end_headers()
            self.wfile.write(self.answer[1])

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    Handler.asked = []
    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found, Handler
    found.shutdown()
    found.server_close()
    thread.join()


def twilio(server: Any, sender: str = "+15005550006") -> Twilio:
    return Twilio(f"http://127.0.0.1:{server[0].server_port}", "AC1", "token", sender)


def test_a_message_is_a_form_with_a_login(server: Any) -> None:
    assert twilio(server).send(TEXT) == "SM1"
    twilio(server, "MG1").send(TEXT)
    first, second = server[1].asked
    assert first == ("/2010-04-01/Accounts/AC1/Messages.json", "Basic " + base64.b64encode(b"AC1:token").decode(),
                     {"To": ["+919876543210"], "Body": ["पानी बंद है"], "From": ["+15005550006"]})
    assert second[2] == {"To": ["+919876543210"], "Body": ["पानी बंद है"], "MessagingServiceSid": ["MG1"]}


@pytest.mark.parametrize(("status", "body", "error"), [
    (400, b'{"code": 21211, "message": "Invalid To", "status": 400}', TextRefused), (401, b"{}", TextUnavailable), (429, b"{}", TextUnavailable),
    (503, b"busy", TextUnavailable), (201, b"<html>", TextUnavailable)])
def test_what_stays_and_what_may_pass_are_told_apart(server: Any, status: int, body: bytes, error: type[Exception]) -> None:
    server[1].answer = (status, body)
    with pytest.raises(error):
        twilio(server).send(TEXT)


def test_a_provider_that_is_away_is_asked_later(closed_port: int) -> None:
    with pytest.raises(TextUnavailable):
        Twilio(f"http://127.0.0.1:{closed_port}", "AC1", "token", "Viramah").send(TEXT)


def test_the_demo_keeps_messages_in_its_mailbox(tmp_path: Any) -> None:
    mailer = FolderMailer(tmp_path)
    FolderTexter(mailer).send(TEXT)
    [kept] = mailer.list()
    assert (kept.to, kept.text.strip()) == ("+919876543210@sms.localhost", "पानी बंद है")
