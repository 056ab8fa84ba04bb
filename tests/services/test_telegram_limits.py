"""A minute of two workers by a clock of its own: the limits give what Telegram allows, and nothing too early."""

from __future__ import annotations

import heapq
import itertools
import random
from typing import Any

import pytest

from app.local.telegram_twin.state import Chat
from app.local.telegram_twin.state import Limits as Telegram
from app.services.telegram.limits import NEW_REFUSALS, Effect, Limits, Place
from app.wiring import redis
from tests.telegram import forget_limits

ROUND_TRIP = 0.02  # seconds of a question


@pytest.fixture
def limits(app: Any) -> Limits:
    with app.app_context():
        forget_limits()
        return Limits(redis(), hold=10)


def places(count: int, *, bot: str = "bot", group: bool = False) -> list[Place]:
    return [Place(bot, number + 1, group) for number in range(count)]


def test_two_workers_send_29_in_a_second_or_more_and_telegram_never_sees_one_too_early(limits: Limits) -> None:
    """With refusals at random; each of the workers asks one thing at a time, and answers take their time."""
    dice, telegram = random.Random(5), Telegram()  # noqa: S311 - chance that can be repeated
    chats = places(90)
    begin = now = 1_000_000.0
    order = itertools.count()
    moments = [(now, next(order), worker) for worker in range(2)]
    sent: list[float] = []
    while moments[0][0] < begin + 20:
        now, _, worker = heapq.heappop(moments)
        dice.shuffle(chats)
        chosen, waits = limits.decide(chats[:30], now)
        if chosen is None:
            heapq.heappush(moments, (now + max(min(waits), 0.001), next(order), worker))
            continue
        place, arrives = chats[chosen], now + dice.random() * ROUND_TRIP
        assert telegram.wait(Chat(place.chat, ""), arrives) <= 0, "too early"
        if dice.random() < 0.05:
            telegram.sent.pop()
            telegram.chats[place.chat].pop()
            telegram.shut[place.chat] = arrives + 2
            limits.done(place, Effect.REFUSED, 2, now + ROUND_TRIP)
        else:
            sent.append(arrives)
            limits.done(place, Effect.SENT, 0, now + ROUND_TRIP)
        heapq.heappush(moments, (now + ROUND_TRIP, next(order), worker))
    assert telegram.early == 0
    assert len(sent) / 20 >= 30 * 0.98


def test_a_group_waits_a_minute_after_twenty_and_what_was_not_sent_does_not_count(limits: Limits) -> None:
    group, now = places(1, group=True), 1_000_000.0
    for _ in range(20):
        now += 1
        assert limits.decide(group, now)[0] == 0
        limits.done(group[0], Effect.SENT, 0, now)
    chosen, waits = limits.decide(group, now + 1)
    assert chosen is None
    assert waits[0] == pytest.approx(40, abs=0.01)
    limits.decide(places(1, bot="another"), now)
    limits.done(places(1, bot="another")[0], Effect.UNSENT, 0, now)
    assert limits.decide(places(1, bot="another"), now)[0] == 0


def test_a_refusal_holds_up_its_chat_alone_until_it_is_plain_that_it_is_the_bot(limits: Limits) -> None:
    first, second, *more = places(NEW_REFUSALS)
    now = 1_000_000.0
    assert limits.decide([first], now)[0] == 0
    assert limits.decide([first], now)[1] == [10.0], "while its question is open, nobody else asks"
    limits.done(first, Effect.REFUSED, 30, now)
    assert limits.decide([first, second], now + 1) == (1, [29.0, 0.0])
    for place in [second, *more]:
        now += 1
        limits.decide([place], now)
        limits.done(place, Effect.REFUSED, 30, now)
    chosen, waits = limits.decide(places(99)[50:], now + 1)
    assert chosen is None
    assert min(waits) == pytest.approx(29), "all of its chats wait"
    assert limits.decide(places(1, bot="another"), now + 1)[0] == 0, "and no other bot"
