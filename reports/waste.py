"""What a kitchen threw away in a period, for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.services.inventory import Waste

CSV_HEADS = ("from", "to", "item", "reason", "quantity", "unit", "cost")


@dataclass(frozen=True)
class WasteReport:
    """Of a house, both days included."""

    hostel: str
    first: date
    last: date
    waste: Waste


def csv_rows(report: WasteReport) -> Iterator[tuple[object, ...]]:
    """One item and reason a line."""
    for line in report.waste.lines:
        yield report.first, report.last, line.name, line.reason.value, line.quantity, line.unit.value, Decimal(line.value_paise) / 100


def filename(report: WasteReport) -> str:
    """What the download is called."""
    return f"Waste {report.first} to {report.last} {report.hostel}.csv"
