"""Attempts are counted in one place, whichever web process a stranger comes to, and for the address that is theirs."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json

import pytest

from app.gateways import proof
from tests.browser.windows import free_port
from tests.faults.processes import wait_until

pytestmark = pytest.mark.fault
_API = "/v1/inquiries"


@pytest.fixture
def ports(faults):
    """Two web processes on one database, behind one proxy."""
    faults.settings = dataclasses.replace(faults.settings, trusted_proxies=1)
    found = [free_port(), free_port()]
    for port in found:
        faults.start("-m", "gunicorn", "app:create_app()", "--bind", f"127.0.0.1:{port}", "--no-control-socket")
    for port in found:
        wait_until(lambda port=port: _answers(port))
    return found


def _answers(port):
    with contextlib.suppress(OSError):
        return _ask(port, "GET", "/readyz")[0] == 200
    return False


def _ask(port, method, path, body=None, address="192.0.2.1"):
    """The status, headers and JSON of an answer to a client at `address`, who says to the proxy that they are another."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, json.dumps(body) if body else None, {
        "Content-Type": "application/json", "Accept": "application/json", "X-Forwarded-For": f"198.51.100.9, {address}"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(text) if "json" in answer.headers.get("Content-Type", "") else None


def test_the_fourth_attempt_waits_whichever_process_it_comes_to(ports):
    def send(number, address, *, honest=True):
        port = ports[number % 2]
        work = proof.solve(_ask(port, "GET", f"{_API}/challenge?organization=asha")[2]) if honest else "made up"
        given = {"organization": "asha", "full_name": "Meera", "phone": f"+91987650000{number}", "altcha": work}
        return _ask(port, "POST", _API, given, address)[:2]

    answers = [send(number, "203.0.113.7") for number in range(4)]
    assert [status for status, _ in answers] == [200, 200, 200, 429]
    assert 3000 < int(answers[3][1]["Retry-After"]) <= 3600
    assert send(5, "203.0.113.8")[0] == 200
    household = [send(number, f"2001:db8:1:2::{number}", honest=False)[0] for number in range(1, 5)]
    assert household == [422, 422, 422, 429]
    assert send(6, "2001:db8:1:3::1", honest=False)[0] == 422
