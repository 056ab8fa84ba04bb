"""What a kitchen has to buy, for the market and for suppliers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from app.services.inventory import Wanted

CSV_HEADS = ("supplier", "item", "category", "in_stock", "bought_from", "to_buy", "unit", "last_price", "estimated_cost")


@dataclass(frozen=True)
class PurchaseList:
    """Of a house, as of a moment."""

    organization: str
    made_by: str
    made_at: datetime
    day: date
    hostel: str
    lines: Sequence[Wanted]

    @property
    def cost_paise(self) -> int:
        """As far as prices are known."""
        return sum(line.cost_paise or 0 for line in self.lines)


def csv_rows(paper: PurchaseList) -> Iterator[tuple[object, ...]]:
    """One item a line."""
    for line in paper.lines:
        item = line.item
        cost = line.cost_paise
        yield (item.supplier, item.name, item.category, item.stock, item.reorder_level, line.quantity, item.unit,
               Decimal(item.price_paise) / 100 if item.price_paise else "", "" if cost is None else Decimal(cost) / 100)


def filename(paper: PurchaseList, ending: str) -> str:
    """What the download is called."""
    return f"To buy {paper.day} {paper.hostel}.{ending}"
