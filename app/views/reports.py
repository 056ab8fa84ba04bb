"""Reports: a form of parameters, the result on the screen, and the same as PDF or CSV."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from flask import Response, current_app, g, make_response, request
from flask_appbuilder import AppBuilder
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, NotFound
from app.rules.files import content_disposition
from app.rules.maintenance import SLA_TARGETS, human_duration
from app.views import formats
from app.views.base import ConsoleView, expose, has_access
from app.views.maintenance.parts import only_hostel
from reports import maintenance_sla as sla
from reports.render import to_csv, to_html, to_pdf


class ReportsView(ConsoleView):
    """The maintenance SLA report; later reports come beside it."""

    resource = Resource.REPORTS
    portals = frozenset({Portal.ADMIN})
    route_base = "/reports"
    default_view = "maintenance_sla"
    method_actions: ClassVar[dict[str, Action]] = {"maintenance_sla": Action.READ, "pdf": Action.EXPORT, "csv": Action.EXPORT}

    @expose("/maintenance-sla/")
    @has_access
    def maintenance_sla(self) -> Any:
        """The form; with parameters also what they give."""
        if "first" not in request.args:
            return self._form(_last_month())
        try:
            return self._form(request.args, report=self._report())
        except DomainError as error:
            return self._refused(error)

    @expose("/maintenance-sla/pdf")
    @has_access
    def pdf(self) -> Any:
        """The report as a document."""
        return self._file("pdf", "application/pdf", lambda report: to_pdf(sla_document(report)))

    @expose("/maintenance-sla/csv")
    @has_access
    def csv(self) -> Any:
        """Its requests, one a line."""
        return self._file("csv", "text/csv", lambda report: to_csv(sla.CSV_HEADS, sla.csv_rows(report)))

    def _file(self, ending: str, mimetype: str, make: Callable[[sla.SlaReport], Any]) -> Any:
        try:
            report = self._report()
        except DomainError as error:
            return self._refused(error)
        response = Response(make(report), mimetype=mimetype)
        response.headers["Content-Disposition"] = content_disposition(sla.filename(report, ending))
        response.cache_control.no_store = True
        return response

    def _report(self) -> sla.SlaReport:
        now, identity = formats.now(), g.identity
        parameters = sla.read_parameters(request.args, now.astimezone(formats.zone()).date() + timedelta(days=1))
        if parameters.hostel_id not in {place.id for place in identity.hostels}:
            raise NotFound(gettext("There is no such hostel."))
        return sla.query(self.session(), parameters, organization=identity.org_name, made_by=identity.name, now=now)

    def _refused(self, error: DomainError) -> Any:
        return make_response(self._form(request.args, error=error), error.status)

    def _form(self, given: Any, **context: Any) -> str:
        return self.page("reports/maintenance_sla_screen.html", title=gettext("Maintenance SLA"),
                         given={"hostel": str(only_hostel() or ""), "first": "", "last": "", **given}, **context)


def sla_document(report: sla.SlaReport) -> str:
    """The report's HTML, ready to become a PDF."""
    return to_html("reports/maintenance_sla.html", report=report, late_rows=report.late_rows, listed=sla.LISTED,
                   targets=SLA_TARGETS, made_at=_in_zone(report.made_at, report))


def _in_zone(moment: datetime, report: sla.SlaReport) -> str:
    local = moment.astimezone(report.zone)
    return f"{local.day} {local:%b %Y, %H:%M} ({report.timezone})"


def _last_month() -> dict[str, str]:
    today: date = formats.now().astimezone(formats.zone()).date()
    last = today.replace(day=1) - timedelta(days=1)
    return {"first": last.replace(day=1).isoformat(), "last": last.isoformat()}


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(ReportsView, "Maintenance SLA", icon="fa-file", category="Reports")
    current_app.jinja_env.filters["duration"] = human_duration
