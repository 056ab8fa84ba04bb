"""The chart of accounts of a hostel with what each account holds: a trial balance of any day."""

from __future__ import annotations

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
from reports import trial_balance as trial
from reports.render import to_csv, to_html, to_pdf


class ChartView(ConsoleView):
    """Debits and credits of each account, and that they are equal."""

    resource = Resource.WALLET
    portals = frozenset({Portal.ADMIN})
    route_base = "/accounts"
    default_view = "index"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "pdf": Action.EXPORT, "csv": Action.EXPORT}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """The accounts as of the end of a day: today, unless another is asked for."""
        try:
            return self._page(self._report())
        except DomainError as error:
            return make_response(self._page(error=error), error.status)

    @expose("/pdf")
    @has_access
    def pdf(self) -> Any:
        """The same as a document."""
        return self._file("pdf", "application/pdf", lambda report: to_pdf(document(report)))

    @expose("/csv")
    @has_access
    def csv(self) -> Any:
        """The same for a spreadsheet."""
        return self._file("csv", "text/csv", lambda report: to_csv(trial.CSV_HEADS, trial.csv_rows(report)))

    def _given(self) -> dict[str, str]:
        places = g.identity.hostels
        usual = str(only_hostel() or (places[0].id if places else ""))
        return {"hostel": request.args.get("hostel") or usual,
                "day": request.args.get("day") or formats.now().astimezone(formats.zone()).date().isoformat()}

    def _report(self) -> trial.TrialBalance | None:
        if not g.identity.hostels:
            return None
        parameters = trial.read_parameters(self._given())
        if parameters.hostel_id not in {place.id for place in g.identity.hostels}:
            raise NotFound(gettext("There is no such hostel."))
        return trial.query(self.session(), parameters, organization=g.identity.org_name, made_by=g.identity.name, now=formats.now())

    def _file(self, ending: str, mimetype: str, make: Any) -> Any:
        try:
            report = self._report()
            if report is None:
                raise NotFound(gettext("There is no such hostel."))
        except DomainError as error:
            return make_response(self._page(error=error), error.status)
        response = Response(make(report), mimetype=mimetype)
        response.headers["Content-Disposition"] = content_disposition(trial.filename(report, ending))
        response.cache_control.no_store = True
        with service_call() as call:
            audit.note_export(call.session, subject="ledger_accounts", taken={"hostel_id": str(report.parameters.hostel_id), "as": ending})
        return response

    def _page(self, report: trial.TrialBalance | None = None, error: DomainError | None = None) -> str:
        return self.page("wallet/accounts.html", title=gettext("Accounts"), given=self._given(), report=report, party_name=party_name, error=error)


def document(report: trial.TrialBalance) -> str:
    """The report's HTML, ready to become a PDF."""
    local = report.made_at.astimezone(report.zone)
    return to_html("reports/trial_balance.html", report=report, party_name=party_name, made_at=f"{formats.plain_day(local)}, {local:%H:%M} ({report.timezone})")
