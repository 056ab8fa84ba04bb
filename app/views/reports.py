"""Reports: a form of parameters, the result on the screen, and the same as PDF or CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import uuid4

from flask import g, make_response, request, url_for
from flask_appbuilder import AppBuilder
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError
from app.rules.maintenance import SLA_TARGETS
from app.rules.progress import AT_ONCE_REQUESTS, TaskKind
from app.services import progress
from app.views import charts, formats
from app.views.base import ConsoleView, expose, has_access, service_call, submission_id
from app.views.edge import paper
from app.views.forms import only_hostel, reachable
from reports import maintenance_sla as sla
from reports.render import to_csv, to_html, to_pdf


class ReportsView(ConsoleView):
    """The maintenance SLA report; later reports come beside it."""

    resource = Resource.REPORTS
    portals = frozenset({Portal.ADMIN})
    route_base = "/reports"
    default_view = "maintenance_sla"
    method_actions: ClassVar[dict[str, Action]] = {"maintenance_sla": Action.READ, "pdf": Action.EXPORT, "csv": Action.EXPORT,
                                                   "make": Action.EXPORT}

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
        return self._file("pdf", lambda report: to_pdf(sla_document(report)))

    @expose("/maintenance-sla/csv")
    @has_access
    def csv(self) -> Any:
        """Its requests, one a line."""
        return self._file("csv", lambda report: to_csv(sla.CSV_HEADS, sla.csv_rows(report)))

    @expose("/maintenance-sla/make", methods=["POST"])
    @has_access
    def make(self) -> Any:
        """Have a large report made by a worker, to be found under long work."""
        ending = "csv" if request.form.get("ending") == "csv" else "pdf"
        with service_call(gettext("The report is being made. You find it here when it is ready.")) as call:
            parameters = self._parameters(request.form)
            hostel, count = sla.size(call.session, parameters)
            asked = {"hostel": str(parameters.hostel_id), "first": parameters.first.isoformat(), "last": parameters.last.isoformat(),
                     "ending": ending}
            task_id = progress.start(call.session, TaskKind.REPORT, task_id=submission_id(), total=count, title={**asked, "hostel": hostel},
                                     asked={**asked, "locale": str(formats.language())})
        if call.error is not None:
            return make_response(self._form(request.form, error=call.error), call.error.status)
        return call.respond(url_for("TasksView.show", pk=task_id))

    def _file(self, ending: str, make: Callable[[sla.SlaReport], Any]) -> Any:
        """At once, or, if that would keep people waiting, the offer to make it while they do something else."""
        try:
            _, count = sla.size(self.session(), self._parameters(request.args))
            if count > AT_ONCE_REQUESTS:
                return self._form(request.args, large=count, ending=ending, once=uuid4())
            report = self._report()
        except DomainError as error:
            return self._refused(error)
        return paper(make(report), sla.filename(report, ending))

    def _report(self) -> sla.SlaReport:
        return sla.query(self.session(), self._parameters(request.args), organization=g.identity.org_name, made_by=g.identity.name,
                         now=formats.now())

    def _parameters(self, given: Mapping[str, str]) -> sla.Parameters:
        found = sla.read_parameters(given, formats.today() + timedelta(days=1))
        reachable(found.hostel_id)
        return found

    def _refused(self, error: DomainError) -> Any:
        return make_response(self._form(request.args, error=error), error.status)

    def _form(self, given: Any, **context: Any) -> str:
        return self.page("reports/maintenance_sla_screen.html", title=gettext("Maintenance SLA"),
                         given={"hostel": str(only_hostel() or ""), "first": "", "last": "", **given}, **charts.helpers(), **context)


def sla_document(report: sla.SlaReport) -> str:
    """The report's HTML, ready to become a PDF."""
    return to_html("reports/maintenance_sla.html", report=report, late_rows=report.late_rows, listed=sla.LISTED,
                   targets=SLA_TARGETS, made_at=f"{formats.made_at(report.made_at, report.zone)} ({report.timezone})")


def _last_month() -> dict[str, str]:
    today: date = formats.today()
    last = today.replace(day=1) - timedelta(days=1)
    return {"first": last.replace(day=1).isoformat(), "last": last.isoformat()}


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(ReportsView, "Maintenance SLA", icon="fa-file", category="Reports")
