"""How the amenities of a house were used in a period, for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from app.services.amenities.usage import Used

CSV_HEADS = ("from", "to", "amenity", "weekday", "hour", "places", "booked", "came", "did_not_come", "cancelled", "full_percent")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class UsageReport:
    """Of a house, both days included."""

    hostel: str
    first: date
    last: date
    used: Mapping[UUID, Used]


def csv_rows(report: UsageReport) -> Iterator[tuple[object, ...]]:
    """One amenity, day of the week and hour a line."""
    for used in report.used.values():
        for (weekday, hour), one in sorted(used.times.items()):
            yield (report.first, report.last, used.name, WEEKDAYS[weekday], hour, one.places, one.booked, one.attended, one.missed, one.cancelled,
                   round(100 * (one.share or 0)))


def filename(report: UsageReport) -> str:
    """What the download is called."""
    return f"Amenities {report.first} to {report.last} {report.hostel}.csv"
