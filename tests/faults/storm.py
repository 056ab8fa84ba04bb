"""Payments that all three gateways tell of, in copies and in no order, to processes that are killed: used by a test and by the soak."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any
from uuid import uuid4

import psutil
from redis import Redis
from sqlalchemy import text

from app.gateways.payments.sandbox import twin_keys, twin_webhook_path
from app.local.payment_twins import create_twins, serve
from app.local.payment_twins.state import Order, State
from app.services import payments
from app.wiring import settings
from tests.browser.windows import free_port
from tests.faults.processes import wait_until
from tests.maintenance import scope

GATEWAYS = ("razorpay", "stripe", "phonepe")
MERCHANT, SENDERS = "storm", 4
_LEFT = "SELECT state, count(*) FROM outbox WHERE kind LIKE 'payments.%' AND state <> 'done' GROUP BY state"
_SEEN = "SELECT count(*) FROM webhook_deliveries WHERE processed_at IS NOT NULL"


@contextlib.contextmanager
def gateways() -> Iterator[tuple[State, dict[str, str]]]:
    """The stand-ins for all three, and the settings that say where they are."""
    known = State()
    server = serve(create_twins(known), 0)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield known, {f"{name}_api_base": f"http://127.0.0.1:{server.server_port}/{name}" for name in GATEWAYS}
    finally:
        server.shutdown()
        server.server_close()


def open_accounts(owner: Any) -> dict[str, Any]:
    """An account of the organization at each gateway."""
    with scope(owner) as session:
        return {name: payments.put_account(session, payments.keeper_of(settings()).ring, uuid4(), payments.GivenAccount(
            name, name.capitalize(), keys.key_id, secret=keys.secret, webhook_secret=keys.webhook_secret, extra=keys.extra,
            webhook_path=twin_webhook_path(name, MERCHANT))) for name in GATEWAYS for keys in [twin_keys(name, MERCHANT)]}


def paid_orders(engine: Any, known: State, accounts: dict[str, Any], resident: Any, count: int) -> list[Order]:
    """So many payments that we wait for and the gateways have received, shared out among the gateways."""
    with engine.begin() as connection:
        rows = connection.execute(text("""
            INSERT INTO payment_intents (org_id, id, hostel_id, user_id, account_id, gateway, reference, gateway_id, amount_paise, currency, expires_at)
            SELECT :org, id, :hostel, :user, CAST((CAST(:accounts AS jsonb) ->> gateway) AS uuid), gateway, 'vr' || replace(id::text, '-', ''),
                   'order_' || replace(id::text, '-', ''), 10000 + n, 'INR', now() + interval '1 day'
            FROM (SELECT n, uuidv7() AS id, (CAST(:names AS text[]))[1 + n % 3] AS gateway FROM generate_series(1, :count) n) x RETURNING *"""),
            {"org": resident.org_id, "hostel": resident.hostel_id, "user": resident.user_id, "count": count, "names": list(GATEWAYS),
             "accounts": json.dumps({name: str(found) for name, found in accounts.items()})}).all()
    then = int(time.time()) - 6 * 3600  # so that also where days begin earlier than ours it was not tomorrow, and is settled
    orders = [Order(row.gateway, MERCHANT, row.gateway_id, row.reference, row.amount_paise, "INR", "", "http://localhost/", then, then + 3600, state="paid",
                    payment_id=known.speakers[row.gateway].payment_number(), paid_at=then) for row in rows]
    known.orders.update({order.id: order for order in orders})
    return orders


class House:
    """The product's processes, one of which is killed now and then. `redis` is a server that may be killed, else it only forgets."""

    def __init__(self, faults: Any, processes: int = 1, redis: Any = None) -> None:
        self.faults, self._redis, self.port = faults, redis, free_port()
        self._begin = {
            "web": lambda: faults.start("-m", "gunicorn", "app:create_app()", "--bind", f"127.0.0.1:{self.port}", "--workers", str(processes),
                                        "--config", "python:app.gunicorn", "--no-control-socket"),
            "worker": lambda: faults.start_worker(processes)}
        self._running = {name: start() for name, start in self._begin.items()}
        self.killed: Counter[str] = Counter()

    def kill_one(self, chance: random.Random) -> None:
        """Kill -9: Redis, all of the web or of the workers, or one process of them, which their parent replaces."""
        name = chance.choice(("web", "worker", "redis"))
        if name == "redis":
            self._kill_redis()
        elif children := chance.choice(([], psutil.Process(self._running[name].pid).children())):
            name = f"one {name} process"
            with contextlib.suppress(psutil.NoSuchProcess):
                chance.choice(children).kill()
        else:
            self.faults.kill(self._running[name])
            self._running[name] = self._begin[name]()
        self.killed[name] += 1

    def _kill_redis(self) -> None:
        if self._redis is None:
            with Redis.from_url(self.faults.redis_url) as redis:
                redis.flushall()
        else:
            self._redis.process.send_signal(signal.SIGKILL)
            self._redis.process.wait()
            self._redis.start()


def storm(house: House, known: State, orders: Sequence[Order], copies: int, kills: int, said: Callable[[str], None] = lambda _line: None) -> None:
    """Deliver all in copies and in no order, while processes die; then wait until nothing is left to do."""
    chance = random.Random(5)  # noqa: S311 - an order
    sent = [(order, event) for order in orders for event in known.speakers[order.gateway].paid(order)[-1:] * copies]
    chance.shuffle(sent)
    with ThreadPoolExecutor(SENDERS) as senders, house.faults.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        told = [senders.submit(_tell, known, house.port, *one) for one in sent]
        try:
            for moment in sorted(chance.sample(range(len(sent)), kills)):
                wait_until(lambda moment=moment: connection.execute(text(_SEEN)).scalar_one() >= moment, 300, pause=0.1)
                time.sleep(chance.random() / 5)
                house.kill_one(chance)
                said(f"{moment:,} of {len(sent):,} seen, killed {house.killed.total()}")
            for one in told:
                one.result()
            wait_until(lambda: not connection.execute(text(_LEFT)).all(), 60 + len(sent) / 20, pause=0.1)
        finally:
            senders.shutdown(cancel_futures=True)


def _tell(known: State, port: int, order: Order, event: dict[str, Any]) -> None:
    """Until it is acknowledged: what is not is sent again, signed anew."""
    path = f"/webhooks/{order.gateway}/{twin_webhook_path(order.gateway, order.label)}"
    wait_until(lambda: _deliver(port, path, *known.speakers[order.gateway].signed(order.label, event)))


def _deliver(port: int, path: str, headers: dict[str, str], body: bytes) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status == 200
    return False


def check(engine: Any, orders: Sequence[Order], user_id: int) -> None:
    """Each was posted once, to the paisa."""
    with engine.connect() as connection:
        posted = connection.execute(text("""
            SELECT t.key, e.amount_paise FROM ledger_transactions t JOIN ledger_entries e ON e.org_id = t.org_id AND e.transaction_id = t.id
            WHERE t.kind = 'top_up' AND e.user_id = :user"""), {"user": user_id}).all()
        assert sorted(map(tuple, posted)) == sorted((f"payment:{order.gateway}:{order.payment_id}", order.amount) for order in orders)
        assert connection.execute(text("SELECT count(*), count(DISTINCT payment_id) FROM payment_confirmations")).one() == (len(orders), len(orders))
        assert set(connection.execute(text("SELECT status FROM payment_intents")).scalars()) == {"paid"}
        assert connection.execute(text("SELECT balance_paise FROM wallet_balance_cache WHERE user_id = :user"), {"user": user_id}).scalar_one() == sum(
            order.amount for order in orders)
        assert connection.execute(text("SELECT count(*) FROM payment_flags")).scalar_one() == 0
