"""The chart of accounts of a hostel with what each account holds: a trial balance of any day."""

from __future__ import annotations

from flask import g, request
from flask_babel import gettext

from app.rules.errors import DomainError
from app.views import formats
from app.views.forms import only_hostel, reachable
from app.views.wallet.parts import party_name
from app.views.wallet.report import LedgerReportView
from reports import trial_balance as trial


class ChartView(LedgerReportView):
    """Debits and credits of each account, and that they are equal."""

    route_base = "/accounts"
    report, template = trial, "reports/trial_balance.html"

    def _given(self) -> dict[str, str]:
        places = g.identity.hostels
        usual = str(only_hostel() or (places[0].id if places else ""))
        return {"hostel": request.args.get("hostel") or usual,
                "day": request.args.get("day") or formats.today().isoformat()}

    def _report(self) -> trial.TrialBalance | None:
        if not g.identity.hostels:
            return None
        parameters = trial.read_parameters(self._given())
        reachable(parameters.hostel_id)
        return trial.query(self.session(), parameters, organization=g.identity.org_name, made_by=g.identity.name, now=formats.now())

    def _page(self, report: trial.TrialBalance | None = None, error: DomainError | None = None) -> str:
        return self.page("wallet/accounts.html", title=gettext("Accounts"), given=self._given(), report=report, party_name=party_name, error=error)
