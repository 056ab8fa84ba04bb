"""How amenities are used: bookings, who did not come, and how full they are by hour and by day of the week."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# Within what policies show. Slots that had begun by then alone: what is still to come says nothing.
_USAGE = text("""
    SELECT s.amenity_id, a.name, extract(isodow FROM s.starts_at AT TIME ZONE h.timezone)::integer - 1 AS weekday,
      extract(hour FROM s.starts_at AT TIME ZONE h.timezone)::integer AS hour, sum(s.capacity)::integer AS places, sum(s.booked_count)::integer AS booked,
      coalesce(sum(b.attended), 0)::integer AS attended, coalesce(sum(b.missed), 0)::integer AS missed, coalesce(sum(b.cancelled), 0)::integer AS cancelled
    FROM amenity_slots s JOIN amenities a ON a.org_id = s.org_id AND a.id = s.amenity_id JOIN hostels h ON h.org_id = s.org_id AND h.id = s.hostel_id
    LEFT JOIN (SELECT org_id, slot_id, count(*) FILTER (WHERE status = 'attended') AS attended, count(*) FILTER (WHERE status = 'no_show') AS missed,
                 count(*) FILTER (WHERE status = 'cancelled') AS cancelled FROM amenity_bookings WHERE hostel_id = :hostel AND day BETWEEN :first AND :last
               GROUP BY 1, 2) b ON b.org_id = s.org_id AND b.slot_id = s.id
    WHERE s.hostel_id = :hostel AND s.day BETWEEN :first AND :last AND s.starts_at <= app.now() AND s.state = 'open'
    GROUP BY 1, 2, 3, 4 ORDER BY lower(a.name), 1, 3, 4""")


@dataclass
class Sum:
    """Places there were, and what became of them."""

    places: int = 0
    booked: int = 0
    attended: int = 0
    missed: int = 0
    cancelled: int = 0

    def add(self, other: Sum) -> None:
        """Both together."""
        for name in ("places", "booked", "attended", "missed", "cancelled"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def share(self) -> float | None:
        """How full it was, of 1; None where it was not open."""
        return self.booked / self.places if self.places else None


@dataclass
class Used:
    """One amenity: all of it, and by (day of the week, hour)."""

    name: str
    total: Sum = field(default_factory=Sum)
    times: dict[tuple[int, int], Sum] = field(default_factory=lambda: defaultdict(Sum))

    @property
    def hours(self) -> list[int]:
        """At which slots begin."""
        return sorted({hour for _, hour in self.times})

    def at(self, *, weekday: int | None = None, hour: int | None = None) -> Sum:
        """Together, of a day of the week or of an hour."""
        found = Sum()
        for (day, begins), one in self.times.items():
            if weekday in {None, day} and hour in {None, begins}:
                found.add(one)
        return found


def usage(session: Session, hostel_id: UUID, first: date, last: date) -> Mapping[UUID, Used]:
    """Of each amenity of a house that was open on these days, by name."""
    found: dict[UUID, Used] = {}
    for amenity_id, name, weekday, hour, *numbers in session.execute(_USAGE, {"hostel": hostel_id, "first": first, "last": last}):
        used = found.setdefault(amenity_id, Used(name))
        one = Sum(*numbers)
        used.times[weekday, hour].add(one)
        used.total.add(one)
    return found
