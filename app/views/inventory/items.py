"""What a storeroom keeps: how much of it, what it is worth, when it is bought, and each of its moves."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, request
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from sqlalchemy.orm import Session
from wtforms.validators import Optional

from app.models.inventory import InventoryItem
from app.permissions import Action, Resource
from app.rules.canteen import Allergen
from app.rules.inventory import INCOMING, Category, MoveKind, Unit, WasteReason, read_quantity
from app.services import inventory
from app.services.beds import house_day
from app.services.inventory import Line
from app.services.search import Sought
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
from app.views.canteen.menu import AllergensField
from app.views.edge import saved_before
from app.views.inventory import parts
from app.views.inventory.moves import StockMoveView

_ALLERGENS = AllergensField(lazy_gettext("Allergens"), validators=[Optional()])
_MEASURED = frozenset({"stock", "reorder_level", "fill_to"})


class StockItemView(ConsoleModelView):
    """One item of one house; stock moves through steps and the storeroom's pages, never by editing."""

    route_base = "/canteen/stock"
    datamodel = ConsoleInterface(InventoryItem)
    resource = Resource.INVENTORY
    portals = parts.STORE
    singular_name, plural_name = "Stock item", "Stock"
    palette = Sought(("name",), ("category",))
    counter = "low_stock"
    method_actions: ClassVar[dict[str, Action]] = {"take": Action.UPDATE}
    list_columns: ClassVar[list[str]] = ["name", "category", "stock", "reorder_level", "supplier", "value_paise", "hostel"]
    optional_columns: ClassVar[list[str]] = ["unit", "fill_to", "price_paise", "low", "allergens", "note", "created_at"]
    show_columns: ClassVar[list[str]] = ["stock", "reorder_level", "fill_to", "value_paise", "average_paise", "price_paise", "supplier", "category", "unit",
                                         "allergens", "hostel", "note"]
    add_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("The item"), {"fields": ["hostel", "name", "category", "unit", "allergens"]}),
        (lazy_gettext("When it is bought"), {"fields": ["reorder_level", "fill_to", "supplier", "note"]})]
    edit_columns: ClassVar[list[str]] = ["name", "category", "reorder_level", "fill_to", "supplier", "allergens", "note"]
    search_columns: ClassVar[list[str]] = ["name", "supplier", "category", "low", "hostel"]
    quick_filters = ((lazy_gettext("To be bought"), {"low": "yes"}),)
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    enums: ClassVar[dict[str, Any]] = {"category": Category, "unit": Unit}
    formatters_columns: ClassVar[dict[str, Any]] = {
        "category": formats.human, "unit": formats.human,
        "allergens": lambda found: ", ".join(formats.human(Allergen(one)) for one in found) or formats.missing()}
    label_columns: ClassVar[dict[str, Any]] = {
        "stock": "In stock", "reorder_level": "Buy again at", "fill_to": "Filled up to", "value_paise": "Stock value", "price_paise": "Last price of a unit",
        "average_paise": "Average cost of a unit", "low": "To be bought", "unit": "Measured in"}
    description_columns: ClassVar[dict[str, Any]] = {
        "reorder_level": lazy_gettext("At this quantity it is on the purchase list, and the canteen is told. 0: never."),
        "fill_to": lazy_gettext("Empty: twice the quantity above."), "unit": lazy_gettext("It stays as it is: moves are written in it.")}
    add_form_extra_fields: ClassVar[dict[str, Any]] = {"allergens": _ALLERGENS}
    edit_form_extra_fields: ClassVar[dict[str, Any]] = {"allergens": _ALLERGENS}
    submit_text = lazy_gettext("Keep it in the storeroom")
    key_facts = ("stock", "reorder_level", "value_paise")
    filled_facts = ("fill_to", "allergens", "note", "supplier", "price_paise")
    base_order = ("name", "asc")
    related_views: ClassVar[list[Any]] = [StockMoveView]
    empty_hint = lazy_gettext("Write down what the kitchen keeps; then book what is there at first.")
    list_template = "inventory/items.html"

    def worth(self) -> int:
        """What all of it had cost, in the houses that the list shows."""
        return inventory.worth(self.session(), g.identity.org_id, g.identity.hostel_id)

    def create(self, session: Session, data: dict[str, Any]) -> InventoryItem:
        """Nothing of it is there yet."""
        return inventory.add(session, data, submission_id())

    def update(self, session: Session, item: InventoryItem, data: dict[str, Any]) -> None:
        """What it is, and when it is bought."""
        inventory.change(session, item, data)

    def remove(self, session: Session, item: InventoryItem) -> None:
        """Only what is used up."""
        inventory.remove(session, item)

    def restore_item(self, session: Session, item: InventoryItem) -> None:
        """Kept again."""
        inventory.restore(session, item)

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """Quantities with their unit, and a word beside what has to be bought."""
        value = getattr(item, column, None)
        if column not in _MEASURED or value is None:
            return super().display(item, column, short=short)
        words = Markup('<span class="number">{}</span>').format(parts.quantity(value, item.unit))
        return words + " " + formats.badge("low", "warning", gettext("Low")) if column == "stock" and item.low else words

    def steps(self, item: InventoryItem) -> list[Step]:
        """What is done with it every day comes first."""
        found = super().steps(item)
        if self.is_deleted(item) or not self.allowed("take"):
            return found
        url = self.url("take", pk=self.key_of(item))
        return [Step(kind.value, _VERBS[kind], url, _GLYPHS[kind], fields={"kind": kind.value}, asks=_asks(kind, item)) for kind in _VERBS] + found

    @expose("/take/<pk>", methods=["POST"])
    @has_access
    def take(self, pk: str) -> Any:
        """One move of one item, today."""
        item, kind = self.find(pk), parts.given_kind(request.form.get("kind"))
        if (before := saved_before()) is not None:
            return before
        with service_call(gettext("Booked.")) as call:
            line = Line(item.id, read_quantity(request.form.get("quantity", ""), "quantity"), parts.given_price("price") if kind in INCOMING else None)
            about = {name: request.form.get(name, "").strip() for name in ("supplier", "bill", "reason", "note")}
            inventory.book(call.session, item.hostel_id, kind, [line], house_day(call.session, item.hostel_id), submission_id(), **about)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))


_VERBS = {MoveKind.USE: lazy_gettext("Use"), MoveKind.PURCHASE: lazy_gettext("Buy"), MoveKind.WASTE: lazy_gettext("Throw away")}
_GLYPHS = {MoveKind.USE: "utensils", MoveKind.PURCHASE: "plus", MoveKind.WASTE: "trash"}


def _asks(kind: MoveKind, item: InventoryItem) -> list[Ask]:
    """How much, and what belongs to it."""
    found = [Ask("quantity", gettext("How much, in %(unit)s", unit=formats.human(Unit(item.unit))), "line", most=12)]
    if kind is MoveKind.PURCHASE:
        found += [Ask("price", gettext("Price of a unit"), "line", most=16, value=formats.amount(item.price_paise) if item.price_paise else ""),
                  Ask("supplier", gettext("Supplier"), "line", required=False, most=120, value=item.supplier),
                  Ask("bill", gettext("Bill number"), "line", required=False, most=60)]
    if kind is MoveKind.WASTE:
        found.append(Ask("reason", gettext("Why?"), "choice", choices=[(reason.value, formats.human(reason)) for reason in WasteReason]))
    return [*found, Ask("note", gettext("Note"), "line", required=False, most=200)]
