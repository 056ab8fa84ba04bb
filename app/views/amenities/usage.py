"""How amenities were used in a period: bookings, who did not come, how full by hour and day of the week; and for a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from flask import make_response, request
from flask_babel import gettext

from app.permissions import Action, Resource
from app.rules.errors import DomainError
from app.services import audit
from app.services.amenities import usage
from app.services.beds import house_day
from app.views.amenities import parts
from app.views.amenities.setup import WEEKDAYS, weekday
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.canteen.parts import house
from app.views.edge import paper
from app.views.forms import chosen_hostel
from reports import amenity_usage
from reports.period import read_period
from reports.render import to_csv

_USUAL = timedelta(days=27)  # four weeks: each day of the week as often as any other


class AmenityUsageView(ConsoleView):
    """Of one house, the last four weeks where nothing else is asked for."""

    resource = Resource.AMENITIES
    portals = parts.STAFF
    route_base = "/amenities/usage"
    default_view = "index"
    singular_name, plural_name = "Usage", "Usage"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "csv": Action.EXPORT}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """By amenity, hour and day of the week."""
        try:
            return self._page(self._report())
        except DomainError as error:
            return make_response(self._page(error=error), error.status)

    @expose("/csv")
    @has_access
    def csv(self) -> Any:
        """For a spreadsheet; who takes it along is written down."""
        try:
            found = self._report()
        except DomainError as error:
            return make_response(self._page(error=error), error.status)
        with service_call() as call:
            audit.note_export(call.session, subject="amenity_bookings", taken={"hostel_id": self._given()["hostel"], "as": "csv"})
        return paper(to_csv(amenity_usage.CSV_HEADS, amenity_usage.csv_rows(found)), amenity_usage.filename(found))

    def _report(self) -> amenity_usage.UsageReport:
        session, given = self.session(), self._given()
        hostel_id = chosen_hostel(given["hostel"])
        first, last = read_period(given, house_day(session, hostel_id))
        return amenity_usage.UsageReport(house(hostel_id), first, last, usage.usage(session, hostel_id, first, last))

    def _given(self) -> Mapping[str, str]:
        hostel_id = chosen_hostel(request.args.get("hostel"))
        today = house_day(self.session(), hostel_id)
        return {"first": request.args.get("first", (today - _USUAL).isoformat()), "last": request.args.get("last", today.isoformat()), "hostel": str(hostel_id)}

    def _page(self, report: amenity_usage.UsageReport | None = None, error: DomainError | None = None) -> str:
        given = self._given()
        return self.page("amenities/usage.html", title=gettext("Usage"), report=report, error=error, given=given, house=house(chosen_hostel(given["hostel"])),
                         weekdays=WEEKDAYS, weekday=weekday, steps=_steps)


def _steps(share: float | None) -> int:
    """How dark a square is, 0 to 4."""
    return 0 if not share else min(4, 1 + int(share * 4))
