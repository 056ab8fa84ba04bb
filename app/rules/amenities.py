"""Amenities: when they are open, the slots that come of it, what becomes of bookings and of those who wait (B1–B4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.lifecycle import By, Machine, T
from app.permissions import Action, Resource
from app.rules.errors import Invalid

DAYS_AHEAD = 14  # for which slots are made, beside today (B1)
EVERY_DAY = 0b111_1111  # Monday is the lowest bit
CAPACITY_MAX = 500
PER_DAY = 2  # bookings of a person on a day, of one amenity
PER_DAY_MAX = 48
SLOT_MINUTES_MIN, SLOT_MINUTES_MAX = 10, 24 * 60
OFFER_MINUTES, OFFER_MINUTES_MAX = 30, 24 * 60  # how long a freed place is kept for the next in line
RULE_MAX = 366  # days, of the rule about those who do not come
KEPT = timedelta(seconds=30)  # how long it is remembered what is free (B2)


class AmenityKind(StrEnum):
    """What it is, for its picture."""

    GYM = "gym"
    LAUNDRY = "laundry"
    STUDY = "study"
    TV = "tv"
    OTHER = "other"


class TemplateKind(StrEnum):
    """What a template says: what is usual in a week, what is different on some days, or that it is closed on them."""

    WEEKLY = "weekly"
    SPECIAL = "special"
    CLOSED = "closed"


class SlotState(StrEnum):
    """Whether a slot can be booked. One that is withdrawn had bookings once, and stays for their sake."""

    OPEN = "open"
    MAINTENANCE = "maintenance"
    WITHDRAWN = "withdrawn"


class BookingStatus(StrEnum):
    """What became of a booking."""

    BOOKED = "booked"
    ATTENDED = "attended"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class WaitStatus(StrEnum):
    """Where somebody in line stands; a place that is offered is kept for them."""

    WAITING = "waiting"
    OFFERED = "offered"
    TAKEN = "taken"
    LAPSED = "lapsed"
    LEFT = "left"


B, W = BookingStatus, WaitStatus
_BOOK, _WORK = (Resource.AMENITIES, Action.CREATE), (Resource.AMENITIES, Action.UPDATE)
BOOKING = Machine("amenity_booking", B, initial=B.BOOKED, transitions=[
    T("attend", {B.BOOKED, B.NO_SHOW}, B.ATTENDED, needs=_WORK, label="Came"),
    T("miss", {B.BOOKED, B.ATTENDED}, B.NO_SHOW, needs=_WORK, label="Did not come"),
    T("cancel", {B.BOOKED}, B.CANCELLED, needs=_BOOK, by=By.EITHER),
])
WAIT = Machine("amenity_wait", W, initial=W.WAITING, transitions=[
    T("offer", {W.WAITING}, W.OFFERED, by=By.SYSTEM),
    T("take", {W.OFFERED}, W.TAKEN, needs=_BOOK),
    T("leave", {W.WAITING, W.OFFERED}, W.LEFT, needs=_BOOK),
    T("lapse", {W.WAITING, W.OFFERED}, W.LAPSED, by=By.SYSTEM),
])


@dataclass(frozen=True, slots=True)
class Opening:
    """A template as the arithmetic sees it; one that closes has no hours. `days` are bits, Monday the lowest."""

    kind: TemplateKind
    days: int = EVERY_DAY
    first_on: date | None = None
    last_on: date | None = None
    opens: time = time(0)
    closes: time = time(0)
    slot_minutes: int = 60
    capacity: int = 1
    per_day: int = PER_DAY

    def covers(self, day: date) -> bool:
        """Whether it says something about a day."""
        within = (self.first_on is None or self.first_on <= day) and (self.last_on is None or day <= self.last_on)
        return within and (self.kind is not TemplateKind.WEEKLY or bool(self.days >> day.weekday() & 1))

    def check(self) -> None:
        """Invalid where it cannot be meant."""
        if self.kind is TemplateKind.WEEKLY and not 0 < self.days <= EVERY_DAY:
            raise Invalid("Choose at least one day of the week.", field="days")
        if self.kind is not TemplateKind.WEEKLY and (self.first_on is None or self.last_on is None):
            raise Invalid("Please give a date.", field="first_on" if self.first_on is None else "last_on")
        if self.first_on and self.last_on and self.last_on < self.first_on:
            raise Invalid("The last day must not be before the first.", field="last_on")
        if self.kind is TemplateKind.CLOSED:
            return
        if not SLOT_MINUTES_MIN <= self.slot_minutes <= SLOT_MINUTES_MAX:
            raise Invalid("A slot lasts 10 minutes to a day.", field="slot_minutes")
        if not 1 <= self.capacity <= CAPACITY_MAX:
            raise Invalid("Give a number of places from 1 to 500.", field="capacity")
        if not 1 <= self.per_day <= PER_DAY_MAX:
            raise Invalid("Give a number of bookings from 1 to 48.", field="per_day")
        if self.minutes_open < self.slot_minutes:
            raise Invalid("Not one slot fits between opening and closing.", field="closes")

    @property
    def minutes_open(self) -> int:
        """By the clock on the wall; closing at or before the opening is on the next day."""
        opens, closes = (at.hour * 60 + at.minute for at in (self.opens, self.closes))
        return closes - opens if closes > opens else closes - opens + 24 * 60


@dataclass(frozen=True, slots=True)
class Slot:
    """One span of an amenity that can be booked, in UTC; `day` is the day of the house on which it opened."""

    day: date
    starts_at: datetime
    ends_at: datetime
    capacity: int
    per_day: int


def instant(day: date, minutes: int, zone: ZoneInfo) -> datetime | None:
    """When a clock on the wall shows this, minutes after a day's midnight; the first time if it does twice, None if never."""
    wall = datetime.combine(day, time(0)) + timedelta(minutes=minutes)
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == wall else None


def slots_of(day: date, openings: Iterable[Opening], zone: ZoneInfo) -> list[Slot]:
    """The slots of a day: what closes wins, then what is special, then the week.

    A slot begins when the clock on the wall says so and lasts its length in time that passes. So when clocks change there
    is none in an hour that does not exist, none twice in one that comes twice, and none that begins before the one before ends.
    """
    said = [one for one in openings if one.covers(day)]
    if any(one.kind is TemplateKind.CLOSED for one in said):
        return []
    chosen = [one for one in said if one.kind is TemplateKind.SPECIAL] or said
    starts = sorted(((one.opens.hour * 60 + one.opens.minute + place * one.slot_minutes, one) for one in chosen
                     for place in range(one.minutes_open // one.slot_minutes)), key=lambda pair: pair[0])
    found: list[Slot] = []
    for minutes, one in starts:
        begins = instant(day, minutes, zone)
        if begins is not None and (not found or begins >= found[-1].ends_at):
            found.append(Slot(day, begins, begins + timedelta(minutes=one.slot_minutes), one.capacity, one.per_day))
    return found


def coming_slots(first: date, last: date, openings: Iterable[Opening], zone: ZoneInfo) -> list[Slot]:
    """The slots of some days, both included; what opens overnight keeps its end, whatever the next morning says."""
    known, found = list(openings), list[Slot]()
    for place in range((last - first).days + 1):
        found += [slot for slot in slots_of(first + timedelta(days=place), known, zone) if not found or slot.starts_at >= found[-1].ends_at]
    return found


@dataclass(frozen=True, slots=True)
class NoShowRule:
    """Who does not come `missed` times within `within_days` books nothing for `blocked_days` after the last time; 0 is no rule."""

    missed: int = 3
    within_days: int = 30
    blocked_days: int = 7

    def blocked_until(self, times: Iterable[datetime]) -> datetime | None:
        """Until when somebody is blocked who did not come at these times; also one that is past."""
        if not self.missed:
            return None
        known = sorted(times)
        ends = [late + timedelta(days=self.blocked_days) for early, late in zip(known, known[self.missed - 1:], strict=False)
                if late - early <= timedelta(days=self.within_days)]
        return max(ends, default=None)


def mask(days: Iterable[int]) -> int:
    """Days of the week, Monday is 0, as bits."""
    return sum({1 << day for day in days})
