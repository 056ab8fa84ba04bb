"""What the screens of amenities share: which amenity and week are meant, and that what was free is forgotten after a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_time
from flask import g, request
from flask_babel import gettext

from app.models.amenities import Amenity
from app.permissions import Portal
from app.rules.amenities import AmenityKind
from app.rules.errors import NotFound
from app.services.amenities import calendar, hours
from app.services.amenities.calendar import Span
from app.views import formats
from app.views.canteen.parts import chosen_day, house
from app.views.edge import given_id
from app.views.forms import chosen_hostel
from app.wiring import redis

STAFF = frozenset({Portal.ADMIN, Portal.AMENITY})
TABLES = "amenity_slots amenity_bookings amenity_waits amenities"  # that a calendar follows
_ICONS = {AmenityKind.GYM: "dumbbell", AmenityKind.LAUNDRY: "refresh", AmenityKind.STUDY: "briefcase", AmenityKind.TV: "monitor"}
_WEEK = 7
_FAR = timedelta(days=366)


def changed(session: Any) -> None:
    """Once this is committed, nobody is shown what was free before."""
    calendar.forget_later(session, redis(), g.identity.org_id)


def icon_of(amenity: Amenity) -> str:
    """Its picture."""
    return _ICONS.get(AmenityKind(amenity.kind), "star")


def times(one: Any, zone: ZoneInfo) -> str:
    """`06:00–07:00`, by the clock of the house."""
    return "–".join(format_time(moment.astimezone(zone), "HH:mm", locale=formats.language()) for moment in (one.starts_at, one.ends_at))


def day_and_times(one: Any, zone: ZoneInfo) -> str:
    """`Mon 3 March, 06:00–07:00`."""
    return f"{format_datetime(one.starts_at.astimezone(zone), 'EEE d MMMM', locale=formats.language())}, {times(one, zone)}"


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """`3 March, 06:00`."""
    return str(format_datetime(moment.astimezone(zone), "d MMMM, HH:mm", locale=formats.language()))


class Week:
    """What the calendar's address asks for: a house, one of its amenities, a day and the week around it."""

    def __init__(self, session: Any) -> None:
        self.hostel_id: UUID = chosen_hostel(request.values.get("hostel"))
        self.zone = hours.zone_of(session, self.hostel_id)
        self.house = house(self.hostel_id)
        self.now = formats.now()
        self.today: date = self.now.astimezone(self.zone).date()
        self.day = min(max(chosen_day(self.today), self.today - _FAR), self.today + _FAR)
        self.first = self.day - timedelta(days=self.day.weekday())
        self.amenities: Sequence[Amenity] = hours.amenities(session, self.hostel_id)
        self.amenity = self._chosen(request.values.get("amenity"))
        self.days: dict[date, list[Span]] = calendar.week(session, redis(), g.identity.org_id, self.amenity.id, self.first) if self.amenity else {}

    def _chosen(self, text: str | None) -> Amenity | None:
        if not text:
            return self.amenities[0] if self.amenities else None
        missing = gettext("There is no such amenity.")
        key = given_id(text, missing)
        found = next((one for one in self.amenities if one.id == key), None)
        if found is None:
            raise NotFound(missing)
        return found

    @property
    def link(self) -> dict[str, Any]:
        """The parameters of its address."""
        return {"hostel": self.hostel_id, "amenity": self.amenity.id if self.amenity else None, "day": self.day}

    def to(self, **other: Any) -> dict[str, Any]:
        """The same, but for some."""
        return self.link | other

    @property
    def weeks(self) -> tuple[date, date]:
        """The same day of the week before, and after."""
        return self.day - timedelta(days=_WEEK), self.day + timedelta(days=_WEEK)

    def times(self, one: Any) -> str:
        """`06:00–07:00`."""
        return times(one, self.zone)

    def weekday(self, day: date) -> str:
        """`Mon 3 Mar`."""
        return str(format_datetime(datetime(day.year, day.month, day.day), "EEE d MMM", locale=formats.language()))  # noqa: DTZ001 - a day

    def short(self, day: date) -> str:
        """`Mon 3`."""
        return str(format_datetime(datetime(day.year, day.month, day.day), "EEE d", locale=formats.language()))  # noqa: DTZ001 - a day

    def past(self, span: Span) -> bool:
        """Whether it has begun."""
        return span.starts_at <= self.now
