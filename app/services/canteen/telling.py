"""Tells the kitchen of orders and of dishes that run low, residents of what became of theirs, and both of a day's end."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models.canteen import CanteenOrder, Dish
from app.permissions import Action, Resource
from app.rules.canteen import OrderStatus, RefundState
from app.services.canteen.kitchen import complete_delivered, summary
from app.services.notifications import Message, people_who_can, tell

S = OrderStatus
_TO_RESIDENT = {S.READY: "Your order is ready.", S.DELIVERED: "Your order was brought to your room."}
_CANCELLED = {RefundState.DONE.value: "Your order was cancelled, and the money is back in your wallet.",
              RefundState.ASKED.value: "Your order was cancelled. Somebody in charge decides whether the money comes back."}
_DECIDED = {RefundState.DONE.value: "The money of your cancelled order is back in your wallet.",
            RefundState.REFUSED.value: "The money of your cancelled order does not come back."}


def _kitchen(session: Session, hostel_id: UUID) -> set[int]:
    return people_who_can(session, Resource.CANTEEN, Action.UPDATE, hostel_id)


def tell_of_step(session: Session, order_id: UUID, state: OrderStatus, by: int | None) -> None:
    """The kitchen hears of what comes and goes, residents of what others did with theirs; nobody of their own doing."""
    order = session.scalars(select(CanteenOrder).where(CanteenOrder.id == order_id)).one_or_none()
    if order is None:
        return
    key = f"canteen:{order.id}:{state}"
    if state in {S.PLACED, S.CANCELLED}:
        said = f"{order.reference} was ordered." if state is S.PLACED else f"{order.reference} was cancelled."
        tell(session, _kitchen(session, order.hostel_id) - {by}, Message(
            f"canteen.{state}", key, said, order.hostel_id, f"/canteen/orders/show/{order.id}"))
    own = _CANCELLED.get(order.refund, "") if state is S.CANCELLED else _TO_RESIDENT.get(state, "")
    if own and by != order.user_id:
        tell(session, {order.user_id}, Message(f"canteen.{state}", f"{key}:own", own, order.hostel_id, f"/my/canteen/orders/{order.id}"))


def tell_of_refund(session: Session, order_id: UUID) -> None:
    """Whoever ordered hears what was decided."""
    order = session.scalars(select(CanteenOrder).where(CanteenOrder.id == order_id)).one_or_none()
    if order is not None and order.refund in _DECIDED:
        tell(session, {order.user_id}, Message("canteen.refund", f"canteen:{order.id}:refund", _DECIDED[order.refund], order.hostel_id,
                                               f"/my/canteen/orders/{order.id}"))


def tell_of_low_stock(session: Session, dish_id: UUID) -> None:
    """The kitchen hears once of each dish."""
    dish = session.scalars(select(Dish).where(Dish.id == dish_id)).one_or_none()
    if dish is not None:
        tell(session, _kitchen(session, dish.hostel_id), Message(
            "canteen.low_stock", f"canteen:low:{dish.id}", f"{dish.name} runs low: {dish.stock} left.", dish.hostel_id, f"/canteen/menu/show/{dish.id}"))


def tell_of_day(session: Session, hostel_id: UUID, day: date) -> None:
    """The summary of a day, and the end of what was delivered."""
    complete_delivered(session, session.scalar(select(func.app.now())))  # type: ignore[arg-type]
    found = summary(session, hostel_id, day)
    said = [f"{found.orders} orders, {found.portions} portions, {found.cancelled} cancelled"]
    if found.best:
        said.append(", ".join(f"{one.quantity} × {one.name}" for one in found.best))
    tell(session, _kitchen(session, hostel_id), Message(
        "canteen.summary", f"canteen:summary:{hostel_id}:{day}", "The canteen's day is summed up.", hostel_id,
        f"/canteen/orders/list/?served_on.from={day}&served_on.to={day}", "\n".join(said)))
