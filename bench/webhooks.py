"""Webhooks through HTTP against the floor: the same row inserted and committed by the driver alone, over as many connections.

On a PostgreSQL that keeps what is committed. The application runs under gunicorn, as `python3 run.py` starts it; two other
processes send signed deliveries of Razorpay, written before, each over a connection of its own, and measure when it is
acknowledged. The floor sends rows that were written before as well.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import statistics
import time
from multiprocessing import get_context
from uuid import uuid4

import psycopg2

from app.services import payments
from app.tenancy import tenant_scope
from app.wiring import settings
from bench._compare import heading, line, milliseconds
from bench._console import PROCESSES, console, exchange, served
from bench._durable import durable_servers

ROUNDS, SECONDS, WRITTEN, SECRET = 8, 4, 1_000, "webhook-secret"
_INSERT = ("INSERT INTO webhook_deliveries (org_id, account_id, gateway, received_at, address, headers, body, size, verdict) "
           "VALUES (%s, %s, 'razorpay', clock_timestamp(), '127.0.0.1', %s, %s, %s, 'accepted')")


def _delivery(number: int) -> tuple[dict[str, str], bytes]:
    body = json.dumps({"event": "payment_link.paid", "created_at": number, "payload": {"payment": {"entity": {"id": f"pay_{uuid4().hex[:14]}"}}}}).encode()
    return {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body)),
            "X-Razorpay-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}, body


def _send(address: str) -> list[float]:
    """Deliver for some seconds; each acknowledgement's time."""
    written = ["POST /webhooks/razorpay/bench HTTP/1.1\r\n{}\r\n\r\n".format("\r\n".join(f"{name}: {value}" for name, value in headers.items())).encode() + body
               for headers, body in map(_delivery, range(WRITTEN))]
    taken: list[float] = []
    until = time.perf_counter() + SECONDS
    while (begin := time.perf_counter()) < until:
        answer = exchange(address, written[len(taken) % WRITTEN])
        assert answer.startswith(b"HTTP/1.1 200"), answer
        taken.append(time.perf_counter() - begin)
    return taken


def _insert(url: str, org: str, account: str) -> int:
    written = [(org, account, json.dumps(headers), body, len(body)) for headers, body in map(_delivery, range(WRITTEN))]
    connection, inserted = psycopg2.connect(url), 0
    with connection.cursor() as cursor:
        until = time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            cursor.execute(_INSERT, written[inserted % WRITTEN])
            connection.commit()
            inserted += 1
    connection.close()
    return inserted


def main() -> None:
    """Print deliveries per second of both, and how soon they are acknowledged."""
    with get_context("spawn").Pool(PROCESSES) as clients, durable_servers() as servers, console(servers, 0) as house:
        with house.app.app_context(), tenant_scope(house.world.a.org_id) as session:
            account = payments.put_account(session, payments.keeper_of(settings()).ring, uuid4(), payments.GivenAccount(
                "razorpay", "Bench", "key", secret="secret", webhook_secret=SECRET, webhook_path="bench"))  # noqa: S106
        floor = (house.admin_url.replace("+psycopg2", ""), str(house.world.a.org_id), str(account))
        ours: list[float] = []
        peer: list[float] = []
        taken: list[float] = []

        def send(address: str) -> None:
            sent = clients.starmap(_send, [(address,)] * PROCESSES, 1)
            taken.extend(one for found in sent for one in found)
            ours.append(sum(map(len, sent)) / SECONDS)

        def insert() -> None:
            peer.append(sum(clients.starmap(_insert, [floor] * PROCESSES, 1)) / SECONDS)

        with served(house) as address:
            for number in range(ROUNDS + 1):
                for way in (lambda: send(str(address)), insert)[:: 1 if number % 2 else -1]:
                    way()
                if number == 0:  # a warm-up
                    for kept in (ours, peer, taken):
                        kept.clear()
    _print(ours, peer, taken)


def _print(ours: list[float], peer: list[float], taken: list[float]) -> None:
    ratios = [mine / floor for mine, floor in zip(ours, peer, strict=True)]
    ratio, late = statistics.median(ratios), sorted(taken)[int(len(taken) * 0.99)]
    heading()
    line("webhooks kept, through HTTP", f"{statistics.median(ours):.0f}/s", f"{statistics.median(peer):.0f}/s",
         f"{ratio:.2f} [{min(ratios):.2f}–{max(ratios):.2f}]", "≥ 0.5", ratio >= 0.5)
    line("acknowledged, 99 of 100 within", milliseconds(late), "", "", "≤ 50 ms", late <= 0.05)


if __name__ == "__main__":
    main()
