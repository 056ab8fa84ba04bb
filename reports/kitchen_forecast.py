"""How many will eat on the next days, for the wall of the kitchen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.services.meals import Forecast


@dataclass(frozen=True)
class Paper:
    """The forecast of a house."""

    organization: str
    made_by: str
    made_at: datetime
    hostel: str
    forecast: Forecast


def filename(paper: Paper) -> str:
    """What the download is called."""
    return f"Forecast {min(paper.forecast.days)} {paper.hostel}.pdf"
