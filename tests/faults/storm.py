"""Payments that all three gateways tell of, in copies and in no order, to processes that are killed: used by a test and by the soak."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import random
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import stripe
from redis import Redis
from sqlalchemy import text

from tests.faults.processes import wait_until
from tests.payments import SECRETS, account, captured, path_of, signed

_GATEWAYS = ("razorpay", "stripe", "phonepe")
_LEFT = "SELECT count(*) FROM outbox WHERE kind LIKE 'payments.%' AND state <> 'done'"


class Asked(BaseHTTPRequestHandler):
    """PhonePe, which says of every order that it is paid; `amounts` by reference."""

    amounts: dict[str, int] = {}

    def do_POST(self) -> None:
        self._answer({"access_token": "t", "expires_at": int(time.time()) + 3600, "token_type": "O-Bearer"})

    def do_GET(self) -> None:
        reference = self.path.split("/order/")[1].split("/")[0]
        now = int(time.time() * 1000)
        self._answer({"orderId": "OMO" + reference, "state": "COMPLETED", "amount": self.amounts[reference], "expireAt": now, "paymentDetails": [
            {"transactionId": "OM" + reference, "state": "COMPLETED", "amount": self.amounts[reference], "timestamp": now, "paymentMode": "UPI"}]})

    def _answer(self, found: dict[str, Any]) -> None:
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def phonepe() -> Any:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def intents(engine: Any, owner: Any, resident: Any, count: int) -> list[Any]:
    """So many payments that are waited for, shared out among the gateways."""
    accounts = {gateway: account(owner, gateway) for gateway in _GATEWAYS}
    with engine.begin() as connection:
        rows = connection.execute(text("""
            INSERT INTO payment_intents (org_id, id, hostel_id, user_id, account_id, gateway, reference, gateway_id, amount_paise, currency, expires_at)
            SELECT :org, id, :hostel, :user, CAST((CAST(:accounts AS jsonb) ->> gateway) AS uuid), gateway, 'vr' || replace(id::text, '-', ''),
                   'OMOvr' || replace(id::text, '-', ''), 10000 + n, 'INR', now() + interval '1 hour'
            FROM (SELECT n, uuidv7() AS id, (CAST(:names AS text[]))[1 + n % 3] AS gateway FROM generate_series(1, :count) n) x RETURNING *"""),
            {"org": resident.org_id, "hostel": resident.hostel_id, "user": resident.user_id, "count": count, "names": list(_GATEWAYS),
             "accounts": json.dumps({name: str(found) for name, found in accounts.items()})}).all()
    Asked.amounts.update({row.reference: row.amount_paise for row in rows})
    return rows


def told(row: Any) -> tuple[bytes, dict[str, str]]:
    """The webhook of one payment, as its gateway sends it."""
    if row.gateway == "razorpay":
        body = captured(row)
        return body, signed(body)
    now = int(time.time())
    if row.gateway == "stripe":
        body = json.dumps({"id": f"evt_{row.id.hex}", "object": "event", "type": "checkout.session.completed", "created": now, "data": {"object": {
            "id": row.gateway_id, "object": "checkout.session", "client_reference_id": row.reference, "payment_intent": f"pi_{row.id.hex}",
            "payment_status": "paid", "amount_total": row.amount_paise, "currency": "inr", "created": now}}})
        signature = stripe.WebhookSignature._compute_signature(f"{now}.{body}", SECRETS["stripe"])
        return body.encode(), {"Content-Type": "application/json", "Stripe-Signature": f"t={now},v1={signature}"}
    body = json.dumps({"event": "checkout.order.completed", "payload": {
        "orderId": row.gateway_id, "merchantId": "M", "merchantOrderId": row.reference, "state": "COMPLETED", "amount": row.amount_paise, "expireAt": now,
        "timestamp": now * 1000, "paymentDetails": [{"transactionId": "OM" + row.reference, "state": "COMPLETED", "amount": row.amount_paise, "timestamp": now * 1000}]}})
    return body.encode(), {"Content-Type": "application/json", "Authorization": hashlib.sha256(f"us:{SECRETS['phonepe']}".encode()).hexdigest()}


def storm(faults: Any, rows: list[Any], port: int, copies: int, kills: int) -> None:
    """Deliver all in copies and in no order, while workers and the web die and Redis forgets; then wait until nothing is left to do."""
    chance = random.Random(5)  # noqa: S311 - an order
    paths = {row.account_id: path_of(row.account_id) for row in rows}
    sent = [row for row in rows for _ in range(copies)]
    chance.shuffle(sent)
    begin = {"web": lambda: faults.start("-m", "gunicorn", "app:create_app()", "--bind", f"127.0.0.1:{port}", "--no-control-socket"),
             "worker": faults.start_worker}
    running = {name: start() for name, start in begin.items()}
    moments = set(chance.sample(range(len(sent)), kills))
    for number, row in enumerate(sent):
        if number in moments:
            name = chance.choice(("web", "worker", "worker", "redis"))
            if name == "redis":
                with Redis.from_url(faults.redis_url) as redis:
                    redis.flushall()
            else:
                faults.kill(running[name])
                running[name] = begin[name]()
        body, headers = told(row)
        wait_until(lambda body=body, headers=headers, path=paths[row.account_id]: _deliver(port, path, body, headers))
    with faults.engine.connect() as connection:
        wait_until(lambda: connection.execute(text(_LEFT)).scalar_one() == 0, 60 + len(sent) / 20)


def _deliver(port: int, path: str, body: bytes, headers: dict[str, str]) -> bool:
    """Whether it was acknowledged; what was not is sent again."""
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status == 200
    return False


def check(engine: Any, rows: list[Any], user_id: int) -> None:
    """Each was posted once, to the paisa."""
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*), count(DISTINCT payment_id) FROM payment_confirmations")).one() == (len(rows), len(rows))
        assert connection.execute(text("SELECT count(*) FROM ledger_transactions WHERE kind = 'top_up'")).scalar_one() == len(rows)
        assert set(connection.execute(text("SELECT status FROM payment_intents")).scalars()) == {"paid"}
        assert connection.execute(text("SELECT balance_paise FROM wallet_balance_cache WHERE user_id = :user"), {"user": user_id}).scalar_one() == sum(
            row.amount_paise for row in rows)
        assert connection.execute(text("SELECT count(*) FROM payment_flags")).scalar_one() == 0


