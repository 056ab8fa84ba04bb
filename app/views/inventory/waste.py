"""What was thrown away in a period: why, of what, and what it had cost; on the screen and for a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import make_response, request
from flask_babel import gettext

from app.permissions import Action, Resource
from app.rules.errors import DomainError
from app.services import inventory
from app.services.beds import house_day
from app.views.base import ConsoleView, expose, has_access
from app.views.canteen.parts import house
from app.views.edge import paper
from app.views.forms import chosen_hostel
from app.views.inventory import parts
from reports import waste
from reports.period import read_period
from reports.render import to_csv


class WasteView(ConsoleView):
    """Of one house, this month where nothing else is asked for."""

    resource = Resource.INVENTORY
    portals = parts.STORE
    route_base = "/canteen/waste"
    default_view = "index"
    singular_name, plural_name = "Waste", "Waste"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "csv": Action.EXPORT}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """By reason and by item."""
        try:
            return self._page(self._report())
        except DomainError as error:
            return make_response(self._page(error=error), error.status)

    @expose("/csv")
    @has_access
    def csv(self) -> Any:
        """By item and reason."""
        try:
            found = self._report()
        except DomainError as error:
            return make_response(self._page(error=error), error.status)
        return paper(to_csv(waste.CSV_HEADS, waste.csv_rows(found)), waste.filename(found))

    def _report(self) -> waste.WasteReport:
        session, given = self.session(), self._given()
        hostel_id = chosen_hostel(given["hostel"])
        first, last = read_period(given, house_day(session, hostel_id))
        return waste.WasteReport(house(hostel_id), first, last, inventory.waste(session, hostel_id, first, last))

    def _given(self) -> Mapping[str, str]:
        hostel_id = chosen_hostel(request.args.get("hostel"))
        today = house_day(self.session(), hostel_id)
        return {"first": request.args.get("first", today.replace(day=1).isoformat()), "last": request.args.get("last", today.isoformat()),
                "hostel": str(hostel_id)}

    def _page(self, report: waste.WasteReport | None = None, error: DomainError | None = None) -> str:
        given = self._given()
        return self.page("inventory/waste.html", title=gettext("Waste"), report=report, error=error, given=given, house=house(chosen_hostel(given["hostel"])))
