"""Orders as those see them who cook, carry and answer for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from flask import g, request
from flask_babel import gettext, lazy_gettext

from app.lifecycle import Transition
from app.models.canteen import CanteenOrder
from app.permissions import Action, Resource
from app.rules.canteen import NEXT_STEP, ORDER, Meal, OrderStatus, RefundState
from app.services.canteen import ordering
from app.services.search import Sought
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleModelView, Step, expose, has_access, service_call
from app.views.canteen import parts


class OrderView(ConsoleModelView):
    """All orders of the houses, the newest first."""

    route_base = "/canteen/orders"
    datamodel = ConsoleInterface(CanteenOrder)
    resource = Resource.CANTEEN
    portals = parts.KITCHEN
    singular_name, plural_name = "Order", "Orders"
    palette = Sought(("reference",), ("meal", "served_on", "status"), number="number", series="CO", recent="placed_at")
    # Any step needs the capability of the lifecycle; here it takes one to work in the kitchen at all.
    method_actions: ClassVar[dict[str, Action]] = {"move": Action.CREATE}
    list_columns: ClassVar[list[str]] = ["reference", "status", "served_on", "meal", "room", "total_paise", "refund", "placed_at"]
    optional_columns: ClassVar[list[str]] = ["hostel", "note", "moved_at"]
    show_columns: ClassVar[list[str]] = ["status", "room", "served_on", "meal", "total_paise", "placed_at", "refund", "hostel", "note"]
    search_columns: ClassVar[list[str]] = ["reference", "status", "meal", "served_on", "refund", "room", "hostel"]
    quick_filters = (
        (lazy_gettext("To do"), {"status": [OrderStatus.PLACED.value, OrderStatus.CONFIRMED.value, OrderStatus.PREPARING.value, OrderStatus.READY.value]}),
        (lazy_gettext("Refunds to decide"), {"refund": RefundState.ASKED.value}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name", "room": "number"}
    sort_by: ClassVar[dict[str, str]] = {"reference": "number"}
    enums: ClassVar[dict[str, Any]] = {"status": OrderStatus, "meal": Meal, "refund": RefundState}
    formatters_columns: ClassVar[dict[str, Any]] = {
        "meal": formats.human, "refund": lambda state: formats.badge(RefundState(state)) if state != RefundState.NONE else formats.missing()}
    label_columns: ClassVar[dict[str, Any]] = {"total_paise": "Price", "served_on": "Day", "placed_at": "Ordered", "moved_at": "Last step"}
    state_column = "status"
    key_facts = ("room", "meal", "served_on", "total_paise")
    filled_facts = ("note",)
    base_order = ("placed_at", "desc")
    empty_hint = lazy_gettext("Residents order from their phones.")
    show_template = "canteen/order.html"

    def show_context(self, item: CanteenOrder) -> dict[str, Any]:
        """Whom it is for, and what it holds."""
        return {"guest": ordering.guests(self.session(), [item.id])[item.id]}

    def steps(self, item: CanteenOrder) -> list[Step]:
        """The next one in the kitchen, then what calls it off."""
        found = [self.lifecycle_step(item, move, gettext("Why?") if move.needs_note else "", danger=move.to is OrderStatus.CANCELLED)
                 for move in _moves(item)]
        return [replace(one, question=gettext("Cancel this order? The money goes back to the wallet at once.")) if one.name == "cancel" else one
                for one in found]

    @expose("/move/<pk>", methods=["POST"])
    @has_access
    def move(self, pk: str) -> Any:
        """A step."""
        item = self.find(pk)
        with service_call(gettext("Saved.")) as call:
            ordering.move(call.session, item.id, request.form.get("event", ""), request.form.get("note", "").strip())
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))


def _moves(item: CanteenOrder) -> Iterable[Transition[OrderStatus]]:
    capabilities = frozenset(needs for move in ORDER if (needs := move.needs) and g.identity.can(*needs, item.hostel_id))
    found = ORDER.available(item.state, capabilities)
    return sorted(found, key=lambda move: move is not NEXT_STEP.get(item.state))
