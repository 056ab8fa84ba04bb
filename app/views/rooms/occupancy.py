"""The occupancy of a hostel: beds by day, floor by floor."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby
from typing import Any, ClassVar
from uuid import UUID

from babel.dates import format_date
from flask import g, request, url_for
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.errors import NotFound
from app.rules.residents import BedState
from app.services import occupancy
from app.services.occupancy import Span
from app.views import formats
from app.views.base import ConsoleView, expose, has_access
from app.views.paging import BadListRequest
from app.views.rooms import asking

SPANS = (14, 30, 60)
AT_ONCE = 120  # beds up to which a house is drawn whole
_YEARS = 2


class OccupancyView(ConsoleView):
    """Rows are beds, columns days; read in one statement, drawn a floor at a time where the house is large."""

    resource = Resource.ROOMS
    portals = asking.LETTING
    route_base = "/occupancy"
    default_view = "grid"
    method_actions: ClassVar[dict[str, Action]] = {"grid": Action.READ}

    @expose("/")
    @has_access
    def grid(self) -> Any:
        """The grid of the hostel, first day, number of days and floor that the link asks for."""
        today = formats.today()
        place = _hostel()
        if place is None:
            return self.page("rooms/occupancy.html", title=gettext("Occupancy"), place=None)
        first, days = _first(today), _days()
        storeys = occupancy.grid(self.session(), place.id, first, days, today)
        beds = sum(storey.beds for storey in storeys)
        chosen = _chosen(storeys) if beds > AT_ONCE else None
        return self.page(
            "rooms/occupancy.html", title=gettext("Occupancy"), place=place, first=first, days=days, spans=SPANS, today=today, beds=beds,
            storeys=storeys, shown=[chosen] if chosen else storeys, chosen=chosen, totals=occupancy.totals(storeys), states=BedState,
            dates=[first + timedelta(days=number) for number in range(days)], months=_months(first, days),
            link=self._link, span_link=_span_link, said=_said, weekend=lambda day: day.weekday() >= 5)  # noqa: PLR2004

    def _link(self, **changes: Any) -> str:
        """This grid with something changed."""
        kept = {name: request.args[name] for name in ("hostel", "from", "days", "floor") if request.args.get(name)}
        return self.url("grid", **{name: value for name, value in (kept | changes).items() if value is not None})


def _hostel() -> Any:
    hostels = g.identity.hostels
    wanted = request.args.get("hostel") or (str(g.identity.hostel_id) if g.identity.hostel_id else "")
    if not wanted:
        return hostels[0] if hostels else None
    found = next((one for one in hostels if str(one.id) == wanted), None)
    if found is None:
        raise NotFound(gettext("There is no such hostel."))
    return found


def _first(today: date) -> date:
    text = request.args.get("from", "")
    if not text:
        return today - timedelta(days=1)
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise BadListRequest(gettext("Please give a date.")) from error
    if abs((found - today).days) > _YEARS * 366:
        raise BadListRequest(gettext("Choose a day within two years."))
    return found


def _days() -> int:
    text = request.args.get("days", "")
    return int(text) if text in map(str, SPANS) else SPANS[1]


def _chosen(storeys: list[occupancy.Storey]) -> occupancy.Storey:
    wanted = request.args.get("floor", "")
    return next((one for one in storeys if str(one.floor_id) == wanted), storeys[0])


def _months(first: date, days: int) -> list[tuple[str, int]]:
    """(name of a month, how many of its days are shown)."""
    dates = [first + timedelta(days=number) for number in range(days)]
    return [(format_date(date(*month, 1), "LLLL y", locale=formats.language()), len(list(some)))
            for month, some in groupby(dates, key=lambda day: (day.year, day.month))]


def _span_link(bed_id: UUID, span: Span) -> str:
    """Where more about it is said, for those who may read that."""
    residents = g.identity.can(Resource.RESIDENTS, Action.READ) and g.identity.portal in asking.LETTING
    if span.state is BedState.TAKEN and residents:
        return url_for("ResidentView.show", pk=span.resident_id)
    if span.state is BedState.HELD and residents:
        return url_for("HoldView.show", pk=span.hold_id)
    if span.request_id and g.identity.portal is Portal.ADMIN and g.identity.can(Resource.MAINTENANCE, Action.READ):
        return url_for("RequestView.show", pk=span.request_id)
    return url_for("BedView.show", pk=bed_id)


def _said(called: str, span: Span) -> str:
    """A cell in words: 101-A, taken by Aarav Patil from 5 Mar 2026 to 9 Mar 2026."""
    last = span.first + timedelta(days=span.days - 1)
    words = {"bed": called, "state": formats.human(span.state), "first": formats.plain_day(span.first), "last": formats.plain_day(last)}
    if span.who:
        return gettext("%(bed)s: %(state)s, %(who)s, %(first)s – %(last)s", who=span.who, **words)
    return gettext("%(bed)s: %(state)s, %(first)s – %(last)s", **words)
