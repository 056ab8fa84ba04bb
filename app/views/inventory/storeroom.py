"""The storeroom on a phone: book what is used, thrown away, bought and given back; count what is there; see what to buy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, request
from flask_babel import gettext, ngettext

from app.models.inventory import InventoryItem
from app.permissions import Action, Resource
from app.rules.errors import DomainError, Invalid
from app.rules.inventory import BOOKED, DAYS_BACK, INCOMING, Category, MoveKind, WasteReason, read_quantity
from app.services import inventory
from app.services.beds import house_day
from app.services.inventory import Counted
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, service_call, submission_id
from app.views.canteen.parts import house
from app.views.edge import paper, saved_before
from app.views.forms import chosen_hostel
from app.views.inventory import parts
from app.views.rooms import asking
from reports import purchase_list
from reports.render import to_csv, to_html, to_pdf


class StoreroomView(ConsoleView):
    """Of one house; whoever may only read is led to the purchase list."""

    resource = Resource.INVENTORY
    portals = parts.STORE
    route_base = "/canteen/storeroom"
    default_view = "book"
    singular_name, plural_name = "Storeroom", "Storeroom"
    method_actions: ClassVar[dict[str, Action]] = {"book": Action.READ, "move": Action.UPDATE, "count": Action.UPDATE, "buy": Action.READ,
                                                   "paper": Action.EXPORT, "csv": Action.EXPORT}

    @expose("/")
    @has_access
    def book(self) -> Any:
        """What is booked most, ready to be typed."""
        return self._book() if self.allowed("move") else self.buy()

    @expose("/move", methods=["POST"])
    @has_access
    def move(self) -> Any:
        """All that was typed, or nothing; touched twice, it is one."""
        if (before := saved_before()) is not None:
            return before
        hostel_id, kind = chosen_hostel(request.form.get("hostel")), parts.given_kind(request.form.get("kind"))
        with service_call() as call:
            about = {name: request.form.get(name, "").strip() for name in ("supplier", "bill", "reason", "note")}
            booked = inventory.book(call.session, hostel_id, kind, parts.given_lines(kind), asking.given_day("on"), submission_id(), **about)
            call.done = ngettext("%(num)s item was booked.", "%(num)s items were booked.", booked)
        return call.respond(self.url("book", hostel=hostel_id, kind=kind.value), failed=lambda: self._book(call.error))

    @expose("/count", methods=["GET", "POST"])
    @has_access
    def count(self) -> Any:
        """A sheet of everything; sent, the differences are booked in one piece."""
        hostel_id = chosen_hostel(request.values.get("hostel"))
        if request.method == "GET":
            return self._count(hostel_id)
        if (before := saved_before()) is not None:
            return before
        with service_call() as call:
            lines = [Counted(key, read_quantity(request.form.get(f"{parts.SEEN}{key}", "")), counted) for key, counted in parts.given_quantities().items()]
            if not lines:
                raise Invalid(gettext("Count at least one item."))
            differed = inventory.count(call.session, hostel_id, lines, submission_id(), request.form.get("note", "").strip())
            call.done = gettext("Counted: %(items)s, of which %(differed)s differed.", items=len(lines), differed=differed)
        return call.respond(self.url("count", hostel=hostel_id), failed=lambda: self._count(hostel_id, call.error))

    @expose("/buy")
    @has_access
    def buy(self) -> Any:
        """What has reached its level, and how much of it to buy."""
        hostel_id = chosen_hostel(request.args.get("hostel"))
        return self.page("inventory/buy.html", title=gettext("To buy"), found=inventory.to_buy(self.session(), hostel_id), **self._frame(hostel_id, "buy"))

    @expose("/buy/pdf")
    @has_access
    def paper(self) -> Any:
        """To take to the market."""
        found = self._list()
        return paper(to_pdf(to_html("reports/purchase_list.html", paper=found, made_at=formats.made_at(found.made_at))), purchase_list.filename(found, "pdf"))

    @expose("/buy/csv")
    @has_access
    def csv(self) -> Any:
        """To send to suppliers."""
        found = self._list()
        return paper(to_csv(purchase_list.CSV_HEADS, purchase_list.csv_rows(found)), purchase_list.filename(found, "csv"))

    def _list(self) -> purchase_list.PurchaseList:
        hostel_id = chosen_hostel(request.args.get("hostel"))
        return purchase_list.PurchaseList(g.identity.org_name, g.identity.name, formats.now(), formats.today(), house(hostel_id),
                                          inventory.to_buy(self.session(), hostel_id))

    def _book(self, error: DomainError | None = None) -> Any:
        hostel_id, kind = chosen_hostel(request.values.get("hostel")), parts.given_kind(request.values.get("kind"))
        session = self.session()
        items, today = inventory.items(session, hostel_id), house_day(session, hostel_id)
        short = {item.id for item in items if kind not in INCOMING and error and parts.typed_quantity(item.id) > item.stock}
        page = self.page(
            "inventory/book.html", title=gettext("Storeroom"), shelves=_shelves(items), kind=kind, priced=kind in INCOMING, error=error, today=today,
            wrong=parts.row_of(error), short=short, earliest=today - timedelta(days=DAYS_BACK), typed=request.form if error else {}, reasons=list(WasteReason),
            suppliers=sorted({item.supplier for item in items if item.supplier}), once=submission_id(), **self._frame(hostel_id, kind.value))
        return make_response(page, error.status if error else 200)

    def _count(self, hostel_id: UUID, error: DomainError | None = None) -> Any:
        session = self.session()
        items, counts = inventory.items(session, hostel_id), inventory.last_counts(session, hostel_id)
        typed = request.form if error else {}
        seen = {item.id: typed.get(f"{parts.SEEN}{item.id}") for item in items}
        moved = {item.id for item in items if typed.get(f"{parts.QUANTITY}{item.id}") and seen[item.id] != parts.plain(item.stock)}
        page = self.page(
            "inventory/count.html", title=gettext("Count"), shelves=_shelves(items), error=error, wrong=parts.row_of(error), typed=typed, moved=moved,
            seen=seen, counts=counts, people=inventory.people(session, [one.id for one in counts]), once=submission_id(), **self._frame(hostel_id, "count"))
        return make_response(page, error.status if error else 200)

    def _frame(self, hostel_id: UUID, here: str) -> dict[str, Any]:
        """What the pages have in common: the house, and the ways between them."""
        book = {kind: (kind.value, formats.human(kind), self.url("book", hostel=hostel_id, kind=kind.value)) for kind in BOOKED if self.allowed("move")}
        first = [book.pop(MoveKind.OPENING)] if book else []  # once in the life of an item
        counting = [("count", gettext("Count"), self.url("count", hostel=hostel_id))] if self.allowed("count") else []
        return {"hostel": hostel_id, "house": house(hostel_id), "here": here,
                "ways": [*book.values(), *counting, ("buy", gettext("To buy"), self.url("buy", hostel=hostel_id)), *first]}


def _shelves(items: Sequence[InventoryItem]) -> dict[Category, list[InventoryItem]]:
    """Items by category, in its order."""
    return {shelf: found for shelf in Category if (found := [item for item in items if item.category == shelf])}
