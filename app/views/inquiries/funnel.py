"""The funnel of inquiries on the screen, and the same as PDF or CSV."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, ClassVar

from flask import g, make_response, request
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError
from app.rules.inquiries import Source
from app.views import charts, formats
from app.views.base import ConsoleView, expose, has_access
from app.views.edge import paper
from reports import inquiry_funnel as funnel_report
from reports.inquiry_funnel import Funnel
from reports.render import to_csv, to_html, to_pdf


class FunnelView(ConsoleView):
    """Of the hostel chosen in the top bar, or of all the reader's hostels."""

    resource = Resource.INQUIRIES
    portals = frozenset({Portal.ADMIN, Portal.SALES})
    route_base = "/inquiries/funnel"
    default_view = "funnel"
    method_actions: ClassVar[dict[str, Action]] = {"funnel": Action.READ, "pdf": Action.EXPORT, "csv": Action.EXPORT}

    @expose("/")
    @has_access
    def funnel(self) -> Any:
        """The last ninety days, or the period that is asked for."""
        given = request.args if "first" in request.args else _lately()
        try:
            return self._form(given, report=self._report(given))
        except DomainError as error:
            return make_response(self._form(given, error=error), error.status)

    @expose("/pdf")
    @has_access
    def pdf(self) -> Any:
        """The report as a document."""
        return self._file("pdf", lambda report: to_pdf(document(report)))

    @expose("/csv")
    @has_access
    def csv(self) -> Any:
        """Its inquiries, one a line, without names and numbers."""
        return self._file("csv", lambda report: to_csv(funnel_report.CSV_HEADS, funnel_report.csv_rows(report)))

    def _file(self, ending: str, make: Callable[[Funnel], Any]) -> Any:
        try:
            report = self._report(request.args)
        except DomainError as error:
            return make_response(self._form(request.args, error=error), error.status)
        return paper(make(report), funnel_report.filename(report, ending))

    def _report(self, given: Any) -> Funnel:
        now = formats.now()
        parameters = funnel_report.read_parameters(given, now.astimezone(formats.zone()).date() + timedelta(days=1))
        return funnel_report.query(
            self.session(), parameters, org_id=g.identity.org_id, hostel_id=g.identity.hostel_id, organization=g.identity.org_name,
            made_by=g.identity.name, timezone=str(formats.zone()), now=now)

    def _form(self, given: Any, **context: Any) -> str:
        return self.page("inquiries/funnel_screen.html", title=gettext("Funnel"), given={"first": "", "last": "", **given}, **_words(),
                         **charts.helpers(), **context)


def document(report: Funnel) -> str:
    """The report's HTML, ready to become a PDF."""
    return to_html("inquiries/funnel.html", report=report, made_at=f"{formats.made_at(report.made_at, report.zone)} ({report.timezone})", **_words())


def _words() -> dict[str, Any]:
    return {"stages": funnel_report.REACHED, "days": _days, "plain": str, "source_words": lambda name: (
        formats.human(Source(name)) if name in set(Source) else name)}


def _days(length: float | None) -> str:
    return "–" if length is None else formats.number(round(length, 1))


def _lately() -> dict[str, str]:
    today: date = formats.today()
    return {"first": (today - timedelta(days=89)).isoformat(), "last": today.isoformat()}
