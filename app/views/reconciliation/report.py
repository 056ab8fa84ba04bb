"""The ledger reconciliation of a period: a form, the result, and the same as PDF or CSV."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from flask import Response, g, make_response, request
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, NotFound
from app.rules.files import content_disposition
from app.services import audit
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.forms import only_hostel
from app.views.wallet.parts import party_name
from reports import ledger_reconciliation as ledger
from reports.render import to_csv, to_html, to_pdf


class ReconciliationReportView(ConsoleView):
    """This month, unless another period is asked for."""

    resource = Resource.WALLET
    portals = frozenset({Portal.ADMIN})
    route_base = "/reconciliation/report"
    default_view = "index"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "pdf": Action.EXPORT, "csv": Action.EXPORT}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """On the screen."""
        try:
            return self._page(self._report())
        except DomainError as error:
            return make_response(self._page(error=error), error.status)

    @expose("/pdf")
    @has_access
    def pdf(self) -> Any:
        """As a document."""
        return self._file("pdf", "application/pdf", lambda report: to_pdf(document(report)))

    @expose("/csv")
    @has_access
    def csv(self) -> Any:
        """For a spreadsheet."""
        return self._file("csv", "text/csv", lambda report: to_csv(ledger.CSV_HEADS, ledger.csv_rows(report)))

    def _given(self) -> dict[str, str]:
        today, places = formats.now().astimezone(formats.zone()).date(), g.identity.hostels
        usual = {"hostel": str(only_hostel() or (places[0].id if places else "")), "first": today.replace(day=1).isoformat(), "last": today.isoformat()}
        return {name: request.args.get(name) or value for name, value in usual.items()}

    def _report(self) -> ledger.Reconciliation:
        parameters = ledger.read_parameters(self._given(), formats.now().astimezone(formats.zone()).date() + timedelta(days=1))
        if parameters.hostel_id not in {place.id for place in g.identity.hostels}:
            raise NotFound(gettext("There is no such hostel."))
        return ledger.query(self.session(), parameters, organization=g.identity.org_name, made_by=g.identity.name, now=formats.now())

    def _file(self, ending: str, mimetype: str, make: Any) -> Any:
        try:
            report = self._report()
        except DomainError as error:
            return make_response(self._page(error=error), error.status)
        response = Response(make(report), mimetype=mimetype)
        response.headers["Content-Disposition"] = content_disposition(ledger.filename(report, ending))
        response.cache_control.no_store = True
        with service_call() as call:
            audit.note_export(call.session, subject="ledger_accounts", taken={"hostel_id": str(report.parameters.hostel_id), "as": ending})
        return response

    def _page(self, report: ledger.Reconciliation | None = None, error: DomainError | None = None) -> str:
        return self.page("reconciliation/report.html", title=gettext("Ledger reconciliation"), given=self._given(), report=report, party_name=party_name, error=error)


def document(report: ledger.Reconciliation) -> str:
    """The report's HTML, ready to become a PDF."""
    local = report.made_at.astimezone(report.zone)
    return to_html("reports/ledger_reconciliation.html", report=report, party_name=party_name, made_at=f"{formats.plain_day(local)}, {local:%H:%M} ({report.timezone})")
