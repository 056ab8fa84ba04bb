"""Workers killed while they send to Telegram: nothing is lost, order is kept, at most one message is sent twice per kill.

`python -m bench.soak.telegram [kills]`. PostgreSQL runs with fsync; the stand-in does nothing wrong, so that what is said twice is the kills'.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from bench._compare import heading, line
from bench._console import console
from bench._durable import durable_servers
from bench.telegram import first_of_each, ground_of, in_order
from tests.faults.processes import wait_until
from tests.telegram import standing_in

KILLS, CHATS = 40, 100


def main() -> None:
    """Send, kill, and count."""
    kills = next((int(word) for word in sys.argv[1:] if word.isdigit()), KILLS)
    each = max(6, kills)
    chance = random.Random(kills)  # noqa: S311 - moments
    heading()
    with (durable_servers() as servers, console(servers, 0) as house, standing_in() as (twin, address), tempfile.TemporaryDirectory() as folder,
          ground_of(house, twin, address, Path(folder)) as ground):
        numbers = ground.fill(CHATS, each)
        workers = [ground.start(), ground.start()]
        wait_until(lambda: ground.said(numbers))
        for number in range(kills):
            before = len(ground.said(numbers))
            wait_until(lambda before=before: len(ground.said(numbers)) > before + 20)
            time.sleep(chance.random() / 10)
            ground.faults.kill(workers[number % 2])
            workers[number % 2] = ground.start()
        wait_until(lambda: not ground.waiting(), 600)
        said = ground.said(numbers)
        lost, twice = CHATS * each - len(first_of_each(said)), len(said) - len(first_of_each(said))
        line(f"{CHATS * each:,} messages, {kills} × kill -9: lost", str(lost), "", f"{ground.states()}", "0", lost == 0)
        line("sent twice", str(twice), str(kills), "", "<= one per kill", twice <= kills)
        line("order kept in each chat", "yes" if in_order(said) else "no", "", "", "yes", in_order(said))
        if lost or twice > kills or not in_order(said):
            sys.exit(1)


if __name__ == "__main__":
    main()
