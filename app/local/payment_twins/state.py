"""What the stand-ins know: orders, refunds, and webhooks that are on their way."""

from __future__ import annotations

import json
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import requests
from flask import current_app

from app.gateways.payments.sandbox import twin_webhook_path

LATE = 20  # seconds
TRIES = 10
_LONGEST_PAUSE = 60
NEWS = ("at once", "later", "three times", "never")  # how the shop is told
STATEMENTS = ("right", "missing", "short", "twice")  # how the settlement tells of it


@dataclass
class Order:
    """Something to be paid; times are seconds since 1970."""

    gateway: str
    label: str
    id: str
    reference: str
    amount: int
    currency: str
    description: str
    return_url: str
    created: int
    expires: int
    asked: str = ""  # what was asked for, to tell a repetition from another order
    state: str = "open"  # paid, failed, expired
    payment_id: str = ""
    paid_at: int = 0
    pays_at: int = 0  # a payment that is on its way
    failures: list[tuple[str, int]] = field(default_factory=list)  # payment id and time of attempts that failed
    news: str = "at once"
    statement: str = "right"

    @property
    def fee(self) -> int:
        """Two percent, before tax."""
        return self.amount * 2 // 100

    @property
    def tax(self) -> int:
        return self.fee * 18 // 100


@dataclass
class Refund:
    gateway: str
    label: str
    id: str
    key: str
    order_id: str
    amount: int
    created: int
    state: str = "pending"  # done, failed


@dataclass
class Delivery:
    """A webhook that is to be sent; it is signed when it goes, as the real ones are."""

    gateway: str
    label: str
    event: dict[str, Any]
    due: float
    tries: int = 0
    status: int = 0


class State:
    """Everything, kept in `file` if there is one. `trouble` is what tests make go wrong, `ahead` moves the clock."""

    def __init__(self, file: Path | None = None, console: str = "") -> None:
        self.lock = threading.RLock()
        self.speakers: dict[str, ModuleType] = {}
        self.console = console
        self.urls: dict[tuple[str, str], str] = {}
        self.trouble = ""
        self.ahead = 0
        self.file = file
        self.orders: dict[str, Order] = {}
        self.refunds: dict[str, Refund] = {}
        self.kept: dict[str, Any] = {}  # answers by idempotency key
        self.outgoing: list[Delivery] = []
        if file and file.exists():
            self._load(json.loads(file.read_text()))

    def now(self) -> int:
        return int(time.time()) + self.ahead

    def order(self, gateway: str, label: str, number: str) -> Order | None:
        """An order by its id, its reference or its payment, as it stands now."""
        found = (one for one in self.orders.values() if number and number in (one.id, one.reference, one.payment_id))
        order = next((one for one in found if (one.gateway, one.label) == (gateway, label)), None)
        if order:
            self._move(order)
        return order

    def refund(self, gateway: str, label: str, number: str) -> Refund | None:
        """A refund by its id or its key."""
        found = (one for one in self.refunds.values() if number and number in (one.id, one.key))
        return next((one for one in found if (one.gateway, one.label) == (gateway, label)), None)

    def refundable(self, order: Order, amount: int) -> bool:
        given = sum(one.amount for one in self.refunds.values() if one.order_id == order.id and one.state != "failed")
        return order.state == "paid" and 0 < amount <= order.amount - given

    def add_refund(self, order: Order, number: str, key: str, amount: int, *, at_once: bool) -> Refund:
        """Give money back, at once or in a second; the shop is told."""
        refund = Refund(order.gateway, order.label, number, key, order.id, amount, self.now())
        self.refunds[number] = refund
        if at_once:
            self.finish(refund)
        self.save()
        return refund

    def finish(self, refund: Refund) -> None:
        refund.state = "done"
        self.tell(self.orders[refund.order_id], self.speakers[refund.gateway].refunded(self, refund))

    def pay(self, order: Order) -> None:
        """The money came; also for an order that had ended, as happens with the real ones."""
        order.state, order.payment_id, order.paid_at, order.pays_at = "paid", self.speakers[order.gateway].payment_number(), self.now(), 0
        self.tell(order, self.speakers[order.gateway].paid(order))
        self.save()

    def fail(self, order: Order) -> None:
        """One attempt failed; whether the order ends with it is the gateway's way."""
        order.failures.append((self.speakers[order.gateway].payment_number(), self.now()))
        if self.speakers[order.gateway].ENDS_WITH_A_FAILURE:
            order.state = "failed"
        self.tell(order, self.speakers[order.gateway].failed(order))
        self.save()

    def tell(self, order: Order, events: list[dict[str, Any]]) -> None:
        """Put webhooks on their way: now, later, repeated and out of order, or not at all."""
        now = time.time() + (LATE if order.news == "later" else 0)
        if order.news == "three times":
            events = [event for event in reversed(events) for _ in range(3)]
        if order.news != "never":
            self.outgoing += [Delivery(order.gateway, order.label, event, now) for event in events]

    def tick(self) -> None:
        """Whatever time has brought."""
        with self.lock:
            for order in self.orders.values():
                self._move(order)
            for refund in self.refunds.values():
                if refund.state == "pending" and refund.created < self.now():
                    self.finish(refund)
                    self.save()

    def _move(self, order: Order) -> None:
        if order.pays_at and order.pays_at <= self.now():
            self.pay(order)
        elif order.state == "open" and order.expires <= self.now() and not order.pays_at:
            order.state = "expired"
            self.tell(order, self.speakers[order.gateway].failed(order))
            self.save()

    def told_where(self, gateway: str, label: str, url: str) -> None:
        """Have a merchant's webhooks sent there; with no address, to the console of this demo."""
        self.urls.pop((gateway, label), None)
        if url:
            self.urls[gateway, label] = url
        self.save()

    def address(self, gateway: str, label: str) -> str:
        """Where the webhooks of a merchant go."""
        own = f"{self.console}/webhooks/{gateway}/{twin_webhook_path(gateway, label)}" if self.console else ""
        return self.urls.get((gateway, label), own)

    def deliver(self) -> None:
        """Send what is due; what isn't taken is sent again, later and later."""
        with self.lock:
            due = [one for one in self.outgoing if one.due <= time.time()]
            self.outgoing = [one for one in self.outgoing if one not in due]
        for one in due:
            url = self.address(one.gateway, one.label)
            headers, body = self.speakers[one.gateway].signed(one.label, one.event)
            one.tries, one.status = one.tries + 1, 0
            if url:
                with suppress(requests.RequestException):
                    one.status = requests.post(url, data=body, headers=headers, timeout=5, allow_redirects=False).status_code
            if url and one.status // 100 != 2 and one.tries < TRIES:  # noqa: PLR2004 - HTTP
                one.due = time.time() + min(2.0 ** one.tries, _LONGEST_PAUSE)
                with self.lock:
                    self.outgoing.append(one)

    def save(self) -> None:
        if self.file:
            known = {"orders": [asdict(one) for one in self.orders.values()], "kept": self.kept,
                     "refunds": [asdict(one) for one in self.refunds.values()],
                     "urls": [[*merchant, url] for merchant, url in self.urls.items()]}
            fresh = self.file.with_suffix(".new")
            fresh.write_text(json.dumps(known))
            fresh.replace(self.file)

    def _load(self, known: dict[str, Any]) -> None:
        self.orders = {one["id"]: Order(**one) for one in known["orders"]}
        self.refunds = {one["id"]: Refund(**one) for one in known["refunds"]}
        self.kept = known["kept"]
        self.urls = {(gateway, label): url for gateway, label, url in known["urls"]}


def state() -> State:
    found: State = current_app.extensions["payment_twins"]
    return found


def number(prefix: str, length: int = 14) -> str:
    """An id as they look."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return prefix + "".join(secrets.choice(letters) for _ in range(length))
