"""Telegram: two workers together against the stand-in that fails at random, and how much refused chats slow others down."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, create_engine, text

from app.local.telegram_twin.state import State, Trouble
from app.services.telegram import keeper_of
from bench._compare import heading, line
from bench._console import Console, console
from bench._durable import durable_servers
from tests.faults.processes import Faults, wait_until
from tests.telegram import NUMBER, bot_of, standing_in

RATE = 30
CHATS, EACH = 125, 18  # messages of each chat: more than a minute's worth
WARM, SECONDS = 5.0, 60.0
OTHERS, REFUSED, WINDOW = 60, 12, 20.0
TROUBLE = {"too_many": 0.03, "server_error": 0.02, "silent": 0.002, "dropped": 0.004, "repeated": 0.01, "silence": 12.0}


@dataclass
class Ground:
    """A console whose Telegram is the stand-in, with a bot, and workers to be started."""

    house: Console
    twin: State
    engine: Engine
    faults: Faults
    bot: UUID
    used: int = 0

    def fill(self, chats: int, each: int) -> list[int]:
        """New chats with messages that wait, told apart by their texts; the chats' numbers."""
        numbers = list(range(10_000 + self.used, 10_000 + self.used + chats))
        self.used += chats
        for number in numbers:
            self.twin.chat(number, bot=NUMBER)
        with self.engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))  # chats of nobody: only the way is measured
            connection.execute(text("""
                INSERT INTO telegram_chats (org_id, user_id, bot_id, purpose, number, linked_at)
                SELECT :org, -n, :bot, 'alerts', n, now() FROM unnest(CAST(:numbers AS bigint[])) n"""),
                {"org": self.house.world.a.org_id, "bot": self.bot, "numbers": numbers})
            connection.execute(text("""
                INSERT INTO telegram_messages (org_id, chat_id, key, body, html)
                SELECT c.org_id, c.id, 'bench ' || c.number || ' ' || i, c.number || ':' || i, false
                FROM generate_series(1, :each) i, telegram_chats c WHERE c.number = ANY (:numbers) ORDER BY i, c.number"""),
                {"each": each, "numbers": numbers})
        return numbers

    def said(self, numbers: list[int]) -> list[tuple[float, int, int]]:
        """What has arrived: when, in which chat, its number there."""
        with self.twin.lock:
            return [(one.at, number, int(one.text.partition(":")[2])) for number in numbers for one in self.twin.chats[number].messages]

    def waiting(self) -> int:
        with self.engine.connect() as connection:
            found: int = connection.execute(text("SELECT count(*) FROM telegram_messages WHERE state = 'pending'")).scalar_one()
        return found

    def states(self) -> dict[str, int]:
        with self.engine.connect() as connection:
            return dict(connection.execute(text("SELECT state, count(*) FROM telegram_messages GROUP BY state")).tuples().all())

    def start(self) -> Any:
        return self.faults.start("-m", "jobs.worker", "--processes", "1")


def first_of_each(said: list[tuple[float, int, int]]) -> dict[tuple[int, int], float]:
    """When each message arrived first."""
    found: dict[tuple[int, int], float] = {}
    for at, chat, number in sorted(said):
        found.setdefault((chat, number), at)
    return found


def in_order(said: list[tuple[float, int, int]]) -> bool:
    """Whether each chat got its messages one after the other, repetitions left out."""
    last: Counter[int] = Counter()
    for (chat, number), _ in sorted(first_of_each(said).items(), key=lambda one: one[1]):
        if number != last[chat] + 1:
            return False
        last[chat] = number
    return True


def busiest_second(said: list[tuple[float, int, int]]) -> int:
    times = sorted(at for at, _, _ in said)
    first = most = 0
    for place, at in enumerate(times):
        while times[first] <= at - 1:
            first += 1
        most = max(most, place - first + 1)
    return most


def sustained(ground: Ground) -> None:
    """30 messages in a second, for a minute, whatever goes wrong."""
    ground.twin.trouble = Trouble(**TROUBLE)
    numbers = ground.fill(CHATS, EACH)
    workers = [ground.start() for _ in range(2)]
    wait_until(lambda: ground.said(numbers))
    time.sleep(WARM)
    begin = time.time()
    time.sleep(SECONDS)
    arrived = sum(begin <= at < begin + SECONDS for at in first_of_each(ground.said(numbers)).values())
    share = arrived / SECONDS / RATE
    line("messages in a second, two workers, faults", f"{arrived / SECONDS:.2f}", str(RATE), f"{share:.1%}", ">= 98 %", share >= 0.98)
    wait_until(lambda: not ground.waiting(), 300)
    said, wrong = ground.said(numbers), ground.twin.seen
    lost, twice = CHATS * EACH - len(first_of_each(said)), len(said) - len(first_of_each(said))
    unknown = wrong["silent"] + wrong["dropped"]
    line("lost", str(lost), f"{CHATS * EACH:,}", f"{ground.states()}", "0", lost == 0)
    line("sent twice, of answers that never came", str(twice), str(unknown), f"{dict(wrong)}", "<= answers lost", twice <= unknown)
    line("order kept in each chat", "yes" if in_order(said) else "no", "", "", "yes", in_order(said))
    early = ground.twin.limits[NUMBER].early
    line("sent before retry_after was over", str(early), str(wrong["too_many"]), "", "0", early == 0)
    busiest = busiest_second(said)
    line("messages in the busiest second", str(busiest), str(RATE), "", "<= 33", busiest <= RATE * 1.1)
    for worker in workers:
        ground.faults.kill(worker)


def slowed(ground: Ground) -> None:
    """What others get while some chats are refused all the time."""
    ground.twin.trouble = Trouble()
    counts = []
    for refused in (0, REFUSED):
        numbers = ground.fill(OTHERS + refused, int(2 * WINDOW))
        ground.twin.always_too_many = dict.fromkeys(numbers[OTHERS:], 5)
        workers = [ground.start() for _ in range(2)]
        wait_until(lambda numbers=numbers: ground.said(numbers))
        time.sleep(WARM)
        begin = time.time()
        time.sleep(WINDOW)
        counts.append(sum(begin <= at < begin + WINDOW for at, _, _ in ground.said(numbers[:OTHERS])))
        for worker in workers:
            ground.faults.kill(worker)
        with ground.engine.begin() as connection:
            connection.execute(text("DELETE FROM telegram_messages WHERE state = 'pending'"))
    slower = 1 - counts[1] / counts[0]
    line(f"slower for {REFUSED} chats that are refused", f"{counts[1] / WINDOW:.2f}/s", f"{counts[0] / WINDOW:.2f}/s", f"{slower:.1%}", "<= 2 %", slower <= 0.02)
    early = ground.twin.limits[NUMBER].early
    line("sent before retry_after was over", str(early), "", "", "0", early == 0)


@contextmanager
def ground_of(house: Console, twin: State, address: str, folder: Path) -> Iterator[Ground]:
    """The ground of one run; processes end with it."""
    settings = dataclasses.replace(house.app.config["SETTINGS"], telegram_api_base=address)
    house.app.config["SETTINGS"] = settings
    engine = create_engine(house.admin_url, pool_pre_ping=True)
    with house.app.app_context():
        bot = bot_of(house.world.a, keeper_of(settings))
    faults = Faults(settings, engine, house.world.a.org_id, folder)
    try:
        yield Ground(house, twin, engine, faults, bot)
    finally:
        faults.end()
        engine.dispose()


def main() -> None:
    """Measure both."""
    heading()
    with (durable_servers() as servers, console(servers, 0) as house, standing_in() as (twin, address), tempfile.TemporaryDirectory() as folder,
          ground_of(house, twin, address, Path(folder)) as ground):
        sustained(ground)
        slowed(ground)


if __name__ == "__main__":
    main()
