"""Can anybody tell by the time of an answer whether a phone is on file? 500 new inquiries and 500 of known people, mixed."""

from __future__ import annotations

import logging
import time
from random import Random
from typing import Any

from app.gateways import proof
from bench._compare import heading, line, milliseconds
from bench._console import console
from tests.servers import running_servers

EACH = 500
GOAL = 0.55  # area under the curve of a classifier that knows the time; 0.5 is a coin


def auc(one: list[float], other: list[float]) -> float:
    """How often a time of `other` is above one of `one`; below a half the classifier would turn round."""
    above = sum(theirs > mine for mine in one for theirs in other) / (len(one) * len(other))
    return max(above, 1 - above)


class Sender:
    """Sends inquiries, each from an address and a browser of its own; proofs are worked out before the clock starts."""

    def __init__(self, house: Any) -> None:
        self.house, self.client, self.count = house, house.app.test_client(use_cookies=False), 0
        self.work = [proof.solve(self._get()) for _ in range(2 * EACH + 120)]

    def _get(self) -> Any:
        return self.client.get(f"/v1/inquiries/challenge?organization={self.house.world.a.slug}").get_json()

    def send(self, number: int) -> float:
        """Seconds until the answer to an inquiry with phone `number`."""
        self.count += 1
        given = {"organization": self.house.world.a.slug, "full_name": f"Somebody {number:05}", "phone": f"+9198{number:08}",
                 "email": f"somebody{number:05}@example.org", "altcha": self.work.pop()}
        address = f"10.{self.count >> 16}.{self.count >> 8 & 255}.{self.count & 255}"
        begin = time.perf_counter()
        answer = self.client.post("/v1/inquiries", json=given, environ_overrides={"REMOTE_ADDR": address})
        taken = time.perf_counter() - begin
        assert answer.get_json() == {"status": "received", "duplicate": False}, answer.text[:300]
        return taken


def main() -> None:
    """Print the medians and how well they can be told apart."""
    logging.disable(logging.WARNING)
    proof.WORK = 50  # it is not the browser's time that is measured
    random = Random(4)  # noqa: S311 - an order
    with running_servers() as servers, console(servers, 0) as house:
        sender = Sender(house)
        for number in range(100):  # known people, and a warm-up
            sender.send(number)
        order = [True] * EACH + [False] * EACH
        random.shuffle(order)
        fresh, new, known = 1000, list[float](), list[float]()
        for is_new in order:
            fresh += is_new
            (new if is_new else known).append(sender.send(fresh if is_new else random.randrange(100)))
    heading()
    found = auc(new, known)
    line("a new inquiry, against one of somebody known", milliseconds(sorted(new)[EACH // 2]), milliseconds(sorted(known)[EACH // 2]),
         f"AUC {found:.3f}", f"≤ {GOAL}", found <= GOAL)


if __name__ == "__main__":
    main()
