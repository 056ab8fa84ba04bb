"""The ledger reconciliation of a period: a form, the result, and the same as PDF or CSV."""

from __future__ import annotations

from datetime import timedelta

from flask import g, request
from flask_babel import gettext

from app.rules.errors import DomainError
from app.views import formats
from app.views.forms import only_hostel, reachable
from app.views.wallet.parts import party_name
from app.views.wallet.report import LedgerReportView
from reports import ledger_reconciliation as ledger


class ReconciliationReportView(LedgerReportView):
    """This month, unless another period is asked for."""

    route_base = "/reconciliation/report"
    report, template = ledger, "reports/ledger_reconciliation.html"

    def _given(self) -> dict[str, str]:
        today, places = formats.today(), g.identity.hostels
        usual = {"hostel": str(only_hostel() or (places[0].id if places else "")), "first": today.replace(day=1).isoformat(), "last": today.isoformat()}
        return {name: request.args.get(name) or value for name, value in usual.items()}

    def _report(self) -> ledger.Reconciliation:
        parameters = ledger.read_parameters(self._given(), formats.today() + timedelta(days=1))
        reachable(parameters.hostel_id)
        return ledger.query(self.session(), parameters, organization=g.identity.org_name, made_by=g.identity.name, now=formats.now())

    def _page(self, report: ledger.Reconciliation | None = None, error: DomainError | None = None) -> str:
        return self.page("reconciliation/report.html", title=gettext("Ledger reconciliation"), given=self._given(), report=report, party_name=party_name, error=error)
