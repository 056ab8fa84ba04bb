"""Webhooks through HTTP against the floor: the same row inserted and committed by the driver alone, over as many connections.

On a PostgreSQL that keeps what is committed. The application runs under gunicorn; another process sends signed deliveries of
Razorpay over connections that stay open, and measures when each is acknowledged.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import signal
import socket
import statistics
import tempfile
import time
from http import HTTPStatus
from http.client import HTTPConnection
from multiprocessing import get_context
from typing import Any
from uuid import uuid4

import psycopg2
from gunicorn.app.base import BaseApplication

from app.services import payments
from app.tenancy import tenant_scope
from app.wiring import db, engines, settings
from bench._compare import heading, line, milliseconds
from bench._console import Console, console
from bench._durable import durable_servers

ROUNDS, SECONDS, CLIENTS, SECRET = 5, 4, 2, "webhook-secret"
_INSERT = ("INSERT INTO webhook_deliveries (org_id, account_id, gateway, received_at, address, headers, body, size, verdict) "
           "VALUES (%s, %s, 'razorpay', clock_timestamp(), '127.0.0.1', %s, %s, %s, 'accepted')")


def _body(number: int) -> bytes:
    return json.dumps({"event": "payment_link.paid", "created_at": number, "payload": {"payment": {"entity": {"id": f"pay_{uuid4().hex[:14]}"}}}}).encode()


def _headers(body: bytes) -> dict[str, str]:
    return {"Content-Type": "application/json", "X-Razorpay-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


def _send(port: int, path: str, results: Any) -> None:
    """Deliver for some seconds; each acknowledgement's time."""
    connection, taken, until = HTTPConnection("127.0.0.1", port), [], time.perf_counter() + SECONDS
    while (begin := time.perf_counter()) < until:
        body = _body(len(taken))
        connection.request("POST", path, body, _headers(body))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == HTTPStatus.OK, answer.status
        taken.append(time.perf_counter() - begin)
    results.put(taken)


def _insert(url: str, org: str, account: str, results: Any) -> None:
    connection, taken, until = psycopg2.connect(url), 0, time.perf_counter() + SECONDS
    with connection.cursor() as cursor:
        while time.perf_counter() < until:
            body = _body(taken)
            cursor.execute(_INSERT, (org, account, json.dumps(_headers(body)), body, len(body)))
            connection.commit()
            taken += 1
    results.put(taken)


def _together(target: Any, *args: Any) -> list[Any]:
    """What as many processes at once found."""
    context = get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=target, args=(*args, results)) for _ in range(CLIENTS)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return found


def _serve(house: Console, port: int) -> int:
    class Server(BaseApplication):  # type: ignore[misc]
        """As app/gunicorn.py runs it, with as many workers as there are clients."""

        def load_config(self) -> None:
            for name, value in {"bind": f"127.0.0.1:{port}", "workers": CLIENTS, "worker_class": "gthread", "threads": 1, "keepalive": 30,
                                "loglevel": "critical", "worker_tmp_dir": tempfile.gettempdir()}.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return house.app.wsgi_app

    with house.app.app_context():
        db.engine.dispose()
        engines().dispose()
    child = os.fork()
    if child == 0:
        Server().run()
    return child


def main() -> None:
    """Print deliveries per second of both, and how soon they are acknowledged."""
    logging.disable(logging.WARNING)
    with durable_servers() as servers, console(servers, 0) as house:
        with house.app.app_context(), tenant_scope(house.world.a.org_id) as session:
            account = payments.put_account(session, payments.keeper_of(settings()).ring, uuid4(), payments.GivenAccount(
                "razorpay", "Bench", "key", secret="secret", webhook_secret=SECRET, webhook_path="bench"))  # noqa: S106
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        child = _serve(house, port)
        try:
            while True:
                try:
                    _probe(port)
                    break
                except OSError:
                    time.sleep(0.1)
            ours, peer, taken = [], [], list[float]()
            for _ in range(ROUNDS):
                sent = _together(_send, port, "/webhooks/razorpay/bench")
                taken += [one for found in sent for one in found]
                ours.append(sum(map(len, sent)) / SECONDS)
                peer.append(sum(_together(_insert, house.admin_url.replace("+psycopg2", ""), str(house.world.a.org_id), str(account))) / SECONDS)
        finally:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
    ratios = [mine / floor for mine, floor in zip(ours, peer, strict=True)]
    late = sorted(taken)[int(len(taken) * 0.99)]
    heading()
    line("webhooks kept, through HTTP", f"{statistics.median(ours):.0f}/s", f"{statistics.median(peer):.0f}/s",
         f"{statistics.median(ratios):.2f} [{min(ratios):.2f}–{max(ratios):.2f}]", "≥ 0.5", statistics.median(ratios) >= 0.5)
    line("acknowledged, 99 of 100 within", milliseconds(late), "", "", "≤ 50 ms", late <= 0.05)


def _probe(port: int) -> None:
    HTTPConnection("127.0.0.1", port).connect()


if __name__ == "__main__":
    main()
