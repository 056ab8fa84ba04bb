"""What reports of the ledger share: on the screen, as a document, for a spreadsheet; who takes one along is written down."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any, ClassVar

from flask import make_response
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, NotFound
from app.services import audit
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.edge import paper
from app.views.wallet.parts import party_name
from reports.render import to_csv, to_html, to_pdf


class LedgerReportView(ConsoleView):
    """`report` is a module of reports/, `template` that of its document."""

    resource = Resource.WALLET
    portals = frozenset({Portal.ADMIN})
    default_view = "index"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "pdf": Action.EXPORT, "csv": Action.EXPORT}
    report: ClassVar[ModuleType]
    template: ClassVar[str]

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
        return self._file("pdf", self._document)

    @expose("/csv")
    @has_access
    def csv(self) -> Any:
        """For a spreadsheet."""
        return self._file("csv", lambda found: to_csv(self.report.CSV_HEADS, self.report.csv_rows(found)))

    def _file(self, ending: str, make: Any) -> Any:
        try:
            found = self._report()
            if found is None:
                raise NotFound(gettext("There is no such hostel."))
        except DomainError as error:
            return make_response(self._page(error=error), error.status)
        content: bytes | Iterable[str] = make(found)
        with service_call() as call:
            audit.note_export(call.session, subject="ledger_accounts", taken={"hostel_id": str(found.parameters.hostel_id), "as": ending})
        return paper(content, self.report.filename(found, ending))

    def _document(self, found: Any) -> bytes:
        return to_pdf(to_html(self.template, report=found, party_name=party_name, made_at=f"{formats.made_at(found.made_at, found.zone)} ({found.timezone})"))

    def _report(self) -> Any:
        """What was asked for; None where there is no hostel. Errors: Invalid, NotFound."""
        raise NotImplementedError

    def _page(self, report: Any = None, error: DomainError | None = None) -> str:
        raise NotImplementedError
