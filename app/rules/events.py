"""Events of a house: what an event goes through, who comes, when it is too late to answer, when people are reminded (N3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.lifecycle import Machine, T
from app.permissions import Action, Resource
from app.rules.errors import Invalid

TITLE_MAX = 120
PLACE_MAX = 120
TEXT_MAX = 4000
CAPACITY_MAX = 10_000
GUESTS_MAX = 10
LONGEST = timedelta(days=31)
WEEK = 7
FEED_PAST = timedelta(days=90)  # how far back a subscribed calendar shows what was


class EventStatus(StrEnum):
    """Where an event stands."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class Answer(StrEnum):
    """What somebody says to an event."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


class ReplyState(StrEnum):
    """What an answer comes to: a yes has its places, or waits for them in line."""

    COMING = "coming"
    WAITING = "waiting"
    MAYBE = "maybe"
    DECLINED = "declined"


class Reminder(StrEnum):
    """When those who come are told that an event begins soon."""

    DAY = "day"
    HOUR = "hour"


REMIND_BEFORE = {Reminder.DAY: timedelta(days=1), Reminder.HOUR: timedelta(hours=1)}
CONCERNED = (ReplyState.COMING, ReplyState.WAITING, ReplyState.MAYBE)  # who hears that an event changes or is cancelled
REMINDED = (ReplyState.COMING, ReplyState.MAYBE)
ANSWERED = {ReplyState.COMING: Answer.YES, ReplyState.WAITING: Answer.YES, ReplyState.MAYBE: Answer.MAYBE, ReplyState.DECLINED: Answer.NO}

S = EventStatus
_DECIDE = (Resource.EVENTS, Action.APPROVE)
HOSTEL_EVENT = Machine("hostel_event", S, initial=S.DRAFT, transitions=[
    T("publish", {S.DRAFT}, S.PUBLISHED, needs=_DECIDE),
    T("cancel", {S.PUBLISHED}, S.CANCELLED, needs=_DECIDE, needs_note=True, label="Cancel the event"),
])


def check_times(starts_at: datetime, ends_at: datetime, reply_until: datetime | None, now: datetime) -> None:
    """Invalid unless the event lies ahead, ends after it begins, and is answered before."""
    if starts_at <= now:
        raise Invalid("An event begins in the future.", field="starts_at")
    if ends_at <= starts_at:
        raise Invalid("An event ends after it begins.", field="ends_at")
    if ends_at - starts_at > LONGEST:
        raise Invalid("An event lasts at most 31 days.", field="ends_at")
    if reply_until is not None and reply_until > starts_at:
        raise Invalid("Answers are given before the event begins.", field="reply_until")


def time_said(starts_at: datetime, zone: ZoneInfo) -> str:
    """When it begins by the clock of the house, as messages say it: `5 Mar 2026, 18:30`."""
    local = starts_at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def month_of(day: date) -> tuple[date, date]:
    """The Mondays between which the weeks of a month lie: the first that is shown, and the first that is not."""
    first = day.replace(day=1)
    following = (first + timedelta(days=WEEK * 5)).replace(day=1)
    start = first - timedelta(days=first.weekday())
    return start, following + timedelta(days=-following.weekday() % WEEK)


def weeks(start: date, until: date) -> Sequence[Sequence[date]]:
    """The days between two Mondays, week by week."""
    return [[start + timedelta(days=place + day) for day in range(WEEK)] for place in range(0, (until - start).days, WEEK)]


def days_of(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> Sequence[date]:
    """The days that an event touches by the clock of the house; what ends at midnight does not touch the next."""
    first, last = starts_at.astimezone(zone).date(), (ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    return [first + timedelta(days=place) for place in range((last - first).days + 1)]
