"""The canteen in the background: who is told what, and the summary of each house's day at its own time."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from app.rules.canteen import OrderStatus
from app.services.canteen import kitchen, telling
from jobs.registry import Payload, handles


@handles("canteen.moved")
def moved(session: Session, payload: Payload) -> None:
    """An order took a step."""
    telling.tell_of_step(session, UUID(payload["order_id"]), OrderStatus(payload["state"]), payload["by"])


@handles("canteen.refunded")
def refunded(session: Session, payload: Payload) -> None:
    """Whether the money of a cancelled order comes back was decided."""
    telling.tell_of_refund(session, UUID(payload["order_id"]))


@handles("canteen.low_stock")
def low_stock(session: Session, payload: Payload) -> None:
    """Few portions of a dish are left."""
    telling.tell_of_low_stock(session, UUID(payload["dish_id"]))


@handles("canteen.sweep")
def sweep(session: Session, _payload: Payload) -> None:
    """Ask for the summaries that are due, each in its organization."""
    kitchen.ask_summaries(session)


@handles("canteen.summary")
def summary(session: Session, payload: Payload) -> None:
    """Sum up the day of a house."""
    telling.tell_of_day(session, UUID(payload["hostel_id"]), date.fromisoformat(payload["day"]))
