"""Telegram's limits, kept in Redis for all workers together: each decision is one script, by Redis's own clock.

A bot may send 30 messages in a second, evenly; to one chat one a second; to a group 20 in a minute. While a question about a chat
is open, nobody else asks for that chat, and the second begins with the answer: so jitter on the way brings nothing too early.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from redis import Redis

BOT_RATE: Final = 30  # messages in a second
BURST: Final = 2  # that may go at once beyond the even pace, to make up for a worker that came late
CHAT_PAUSE: Final = 1.0  # seconds
GROUP_RATE, GROUP_SECONDS = 20, 60.0
# When it is plain that it is the bot that has to wait: so many refusals without a success between them, of chats that were not
# refused before; or a second of nothing but refusals, whatever the chats.
NEW_REFUSALS, REFUSALS = 5, 30
_CLOCK = """
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return t[1] * 1000 + t[2] / 1000
end
local function number(key) return tonumber(redis.call('GET', key) or 0) end
local function keep(key, value, now) redis.call('SET', key, string.format('%.3f', value), 'PX', math.max(1, math.ceil(value - now) + 60000)) end
"""
# Which of several messages may go now; takes its place. Returns its index (0: none) and the wait of each in milliseconds.
_DECIDE = _CLOCK + """
local now, interval, burst, hold = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local waits = {}
for i, one in ipairs(cjson.decode(ARGV[5])) do
  local bot, chat = 'tg:' .. one[1], 'tg:' .. one[1] .. ':' .. one[2]
  local paced = number(bot .. ':paced')
  local wait = math.max(number(bot .. ':shut') - now, paced - burst * interval - now, number(chat) - now, 0)
  if one[3] then
    local first = redis.call('LINDEX', chat .. ':group', tonumber(ARGV[6]) - 1)
    if first then wait = math.max(wait, tonumber(first) + tonumber(ARGV[7]) - now) end
  end
  waits[i] = math.ceil(wait)
  if wait <= 0 then
    keep(bot .. ':paced', math.max(paced, now) + interval, now)
    keep(chat, now + hold, now)
    return {i, waits}
  end
end
return {0, waits}
"""
# What became of it: 'sent', 'refused' (for ARGV[4] ms), 'unsent' (its place is free again), 'unknown' (perhaps sent).
_DONE = _CLOCK + """
local now, interval, outcome, pause = clock(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local bot, chat = 'tg:' .. ARGV[5], 'tg:' .. ARGV[5] .. ':' .. ARGV[6]
if outcome == 'refused' or outcome == 'unsent' then
  keep(bot .. ':paced', number(bot .. ':paced') - interval, now)
end
if outcome == 'refused' then
  keep(chat, now + pause, now)
  local new = redis.call('SET', chat .. ':bad', 1, 'NX', 'PX', 120000)
  local fresh = redis.call('INCRBY', bot .. ':new', new and 1 or 0)
  if fresh >= tonumber(ARGV[8]) or redis.call('INCR', bot .. ':refused') >= tonumber(ARGV[12]) then
    keep(bot .. ':shut', math.max(number(bot .. ':shut'), now + pause), now)
    redis.call('DEL', bot .. ':new', bot .. ':refused')
  end
elseif outcome == 'unsent' then
  keep(chat, now, now)
else
  keep(chat, now + tonumber(ARGV[7]), now)
  redis.call('DEL', bot .. ':new', bot .. ':refused', chat .. ':bad')
  if ARGV[9] == '1' then
    redis.call('LPUSH', chat .. ':group', string.format('%.3f', now))
    redis.call('LTRIM', chat .. ':group', 0, tonumber(ARGV[10]) - 1)
    redis.call('PEXPIRE', chat .. ':group', tonumber(ARGV[11]) + 60000)
  end
end
return 1
"""


class Effect(StrEnum):
    """What a question did, as limits see it."""

    SENT = "sent"
    REFUSED = "refused"
    UNSENT = "unsent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Place:
    """Where a message goes: a bot by what it is known by here, a chat by its number."""

    bot: str
    chat: int
    is_group: bool


class Limits:
    """For any number of bots. Tests give `now` in seconds; else Redis's clock counts. Errors: RedisError."""

    def __init__(self, redis: Redis, hold: float, rate: float = BOT_RATE) -> None:
        self._decide: Any = redis.register_script(_DECIDE)
        self._done: Any = redis.register_script(_DONE)
        self._hold = hold  # seconds for which an open question is believed in
        self._interval = 1000 / rate

    def decide(self, places: Sequence[Place], now: float | None = None) -> tuple[int | None, list[float]]:
        """Which of them may be sent now, the first that may; and the seconds that each before it, or all, have to wait."""
        chosen, waits = self._decide(args=[_ms(now), self._interval, BURST, self._hold * 1000, json.dumps([[one.bot, str(one.chat), one.is_group] for one in places]),
                                           GROUP_RATE, GROUP_SECONDS * 1000])
        return (chosen - 1 if chosen else None), [wait / 1000 for wait in waits]

    def done(self, place: Place, effect: Effect, pause: float = 0.0, now: float | None = None) -> None:
        """Tell what became of it; `pause` is Telegram's retry_after in seconds."""
        self._done(args=[_ms(now), self._interval, effect.value, pause * 1000, place.bot, place.chat, CHAT_PAUSE * 1000, NEW_REFUSALS,
                         "1" if place.is_group else "0", GROUP_RATE, GROUP_SECONDS * 1000, REFUSALS])


def _ms(now: float | None) -> str:
    return "" if now is None else f"{now * 1000:.3f}"
