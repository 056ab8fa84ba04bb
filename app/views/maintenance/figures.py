"""The figures of maintenance: what is open, how long things take, how often too long, what keeps breaking."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar

from flask import g, request
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.services.maintenance import figures
from app.views import charts, formats
from app.views.base import ConsoleView, expose, has_access
from app.views.paging import BadListRequest

WEEKS = (4, 12, 26, 52)


class FiguresView(ConsoleView):
    """Charts, each with its table."""

    resource = Resource.MAINTENANCE
    portals = frozenset({Portal.ADMIN, Portal.MANAGEMENT})
    route_base = "/maintenance/figures"
    default_view = "show"
    method_actions: ClassVar[dict[str, Action]] = {"show": Action.READ}

    @expose("/")
    @has_access
    def show(self) -> Any:
        """Of the hostel chosen in the top bar, or of all the reader's hostels."""
        weeks = request.args.get("weeks", str(WEEKS[1]))
        if weeks not in map(str, WEEKS):
            raise BadListRequest(gettext("“%(text)s” is not a value of %(label)s.", text=weeks[:40], label="weeks"))
        now = formats.now()
        found = figures.figures(self.session(), g.identity.hostel_id, _monday(now, int(weeks)), now + timedelta(minutes=1))
        return self.page("maintenance/figures.html", title=gettext("Figures"), figures=found, weeks=int(weeks), choices=WEEKS,
                         **charts.helpers())


def _monday(now: datetime, weeks: int) -> datetime:
    """The beginning, in the reader's zone, of the week in which the period begins."""
    today = now.astimezone(formats.zone()).date()
    first = today - timedelta(days=today.weekday(), weeks=weeks - 1)
    return datetime.combine(first, time(), formats.zone()).astimezone(UTC)
