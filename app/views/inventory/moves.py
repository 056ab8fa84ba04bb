"""Everything that came into a storeroom or went out of it; a mistake is turned round, never taken out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g, request
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup

from app.models.inventory import InventoryMove
from app.permissions import Action, Resource
from app.rules.inventory import MoveKind, WasteReason
from app.services import inventory
from app.views import formats
from app.views.base import (
    Ask,
    ConsoleInterface,
    ConsoleModelView,
    Step,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.views.inventory import parts


class StockMoveView(ConsoleModelView):
    """The newest day first."""

    route_base = "/canteen/stock-moves"
    datamodel = ConsoleInterface(InventoryMove)
    resource = Resource.INVENTORY
    portals = parts.STORE
    singular_name, plural_name = "Stock move", "Stock moves"
    method_actions: ClassVar[dict[str, Action]] = {"reverse": Action.APPROVE}
    list_columns: ClassVar[list[str]] = ["happened_on", "item", "kind", "quantity", "value_paise", "stock_after", "who"]
    optional_columns: ClassVar[list[str]] = ["reason", "supplier", "bill_number", "price_paise", "item.unit", "note", "hostel", "created_at"]
    show_columns: ClassVar[list[str]] = ["kind", "item", "quantity", "value_paise", "happened_on", "stock_after", "price_paise", "reason", "supplier",
                                         "bill_number", "note", "who", "created_at", "hostel"]
    search_columns: ClassVar[list[str]] = ["supplier", "bill_number", "item.name", "kind", "reason", "happened_on", "item", "hostel"]
    quick_filters = ((lazy_gettext("Purchases"), {"kind": MoveKind.PURCHASE.value}), (lazy_gettext("Waste"), {"kind": MoveKind.WASTE.value}),
                     (lazy_gettext("Differences"), {"kind": MoveKind.COUNT.value}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name", "item": "name"}
    enums: ClassVar[dict[str, Any]] = {"kind": MoveKind, "reason": WasteReason}
    formatters_columns: ClassVar[dict[str, Any]] = {"reason": lambda reason: formats.human(WasteReason(reason)) if reason else formats.missing()}
    label_columns: ClassVar[dict[str, Any]] = {"happened_on": "Day", "value_paise": "Value", "stock_after": "In stock after", "price_paise": "Price of a unit",
                                               "who": "Booked by", "created_at": "Booked", "item.unit": "Measured in"}
    eager = ("item",)
    state_column = "kind"
    key_facts = ("item", "quantity", "value_paise", "happened_on")
    filled_facts = ("price_paise", "reason", "supplier", "bill_number", "note")
    base_order = ("happened_on", "desc")
    empty_hint = lazy_gettext("What is bought, used and thrown away is booked in the storeroom.")

    def prepare(self, items: Sequence[InventoryMove]) -> None:
        """Who booked, of all rows at once."""
        g.stock_people = inventory.people(self.session(), [item.id for item in items])

    def render_show(self, pk: str) -> str:
        """With who booked it."""
        self.prepare([self.find(pk)])
        return super().render_show(pk)

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """Quantities with their sign and unit; a correction says that it is one."""
        if column == "who":
            return g.stock_people.get(item.id) or formats.missing()
        if column in {"quantity", "stock_after"}:
            sign = "+" if column == "quantity" and item.quantity > 0 else ""
            return Markup('<span class="number">{}{}</span>').format(sign, parts.quantity(getattr(item, column), item.item.unit))
        shown = super().display(item, column, short=short)
        return shown + " " + formats.badge("correction", "info", gettext("Correction")) if column == "kind" and item.reverses_id else shown

    def steps(self, item: InventoryMove) -> list[Step]:
        """To take it back, where that was not done."""
        if item.reverses_id or not self.allowed("reverse") or inventory.corrected(self.session(), item.id):
            return []
        return [Step("reverse", gettext("Correct"), self.url("reverse", pk=self.key_of(item)), "undo", kind="danger", asks=(
            Ask("note", gettext("What was wrong?"), "line", most=200, help=gettext("It is turned round, also in the stock. Then book what is right.")),))]

    @expose("/reverse/<pk>", methods=["POST"])
    @has_access
    def reverse(self, pk: str) -> Any:
        """Turn it round, once."""
        item = self.find(pk)
        with service_call(gettext("Corrected. Now book what is right.")) as call:
            inventory.reverse(call.session, item.id, request.form.get("note", "").strip(), submission_id())
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))
