"""Events as iCalendar (RFC 5545): the file of one, and what a subscribed calendar is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from app.rules.events import EventStatus, ReplyState
from app.services.events.feeds import Entry

_ZONES_AROUND = timedelta(days=400)  # before and after what is shown, the rules of its time zones are sent along
_REFRESH = "PT1H"


def to_ics(entries: Sequence[Entry], name: str, host: str) -> bytes:
    """A calendar that says the same as long as the events do. `host` makes the ids of events unique in the world."""
    calendar = Calendar()
    calendar.add("prodid", "-//Viramah Console//Events//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("x-published-ttl", _REFRESH)
    for entry in entries:
        calendar.add_component(_event(entry, host))
    if entries:
        days = [moment.date() for entry in entries for moment in (entry.starts_at, entry.ends_at)]
        calendar.add_missing_timezones(first_date=min(days) - _ZONES_AROUND, last_date=max(days) + _ZONES_AROUND)
    content: bytes = calendar.to_ical()
    return content


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """By the clock of the house; of an hour that comes twice a TZID names the first alone, so the second is said in UTC."""
    local = moment.astimezone(zone)
    return moment.astimezone(UTC) if local.fold else local


def _event(entry: Entry, host: str) -> Event:
    event, zone = Event(), ZoneInfo(entry.timezone)
    event.add("uid", f"{entry.id}@{host}")
    event.add("dtstamp", entry.changed_at.astimezone(UTC))
    event.add("last-modified", entry.changed_at.astimezone(UTC))
    event.add("sequence", entry.sequence)
    event.add("summary", entry.title)
    event.add("dtstart", _local(entry.starts_at, zone))
    event.add("dtend", _local(entry.ends_at, zone))
    if where := ", ".join(filter(None, (entry.place, entry.house))):
        event.add("location", where)
    if said := "\n\n".join(filter(None, (entry.reason, entry.description))):
        event.add("description", said)
    event.add("status", "CANCELLED" if entry.status is EventStatus.CANCELLED else "CONFIRMED")
    event.add("transp", "OPAQUE" if entry.answer is ReplyState.COMING else "TRANSPARENT")
    return event
