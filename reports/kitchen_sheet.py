"""The sheet that whoever carries the food takes along: floor by floor, room by room, what is for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.rules.canteen import Meal
from app.services.canteen.kitchen import Line, Storey


@dataclass(frozen=True)
class Sheet:
    """A meal of a day in a house; the orders are those that were not delivered yet."""

    organization: str
    made_by: str
    made_at: datetime
    hostel: str
    day: date
    meal: Meal
    storeys: Sequence[Storey]

    @property
    def orders(self) -> int:
        """How many there are."""
        return sum(len(storey.tickets) for storey in self.storeys)

    @property
    def totals(self) -> list[Line]:
        """Portions of each dish, the most first."""
        found: dict[str, int] = {}
        for line in (line for storey in self.storeys for ticket in storey.tickets for line in ticket.lines):
            found[line.name] = found.get(line.name, 0) + line.quantity
        return sorted((Line(name, count) for name, count in found.items()), key=lambda line: (-line.quantity, line.name))


def filename(sheet: Sheet) -> str:
    """What the download is called."""
    return f"{sheet.meal.value.capitalize()} {sheet.day} {sheet.hostel}.pdf"
