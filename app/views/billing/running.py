"""A month looked at before it is charged, how a house bills, who owes how much for how long, and statements of account."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal, DecimalException
from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, request, url_for
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.billing import LATE_FLAT_MAX_PAISE, LATE_MAX_BP, TAX_MAX_BP, read_month
from app.rules.errors import DomainError, Invalid, NotFound
from app.rules.progress import TaskKind
from app.services import progress
from app.services.billing import runs, terms
from app.services.billing.terms import Settings
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, service_call, submission_id
from app.views.billing import parts
from app.views.edge import given_id, problem_page
from app.views.forms import only_hostel, reachable
from reports.ageing import HEADS
from reports.period import read_period

_RATES = {"rent_tax_bp": TAX_MAX_BP, "food_tax_bp": TAX_MAX_BP, "other_tax_bp": TAX_MAX_BP, "late_percent_bp": LATE_MAX_BP}
_DAYS = {"bill_day": (1, 28), "due_days": (0, 60), "grace_days": (0, 60)}


class BillingView(ConsoleView):
    """What a run would do stands here before it does it."""

    resource = Resource.BILLING
    portals = frozenset({Portal.ADMIN})
    route_base = "/billing"
    default_view = "index"
    singular_name, plural_name = "Billing", "Billing"
    method_actions: ClassVar[dict[str, Action]] = {
        "index": Action.READ, "run": Action.CREATE, "terms": Action.READ, "change": Action.APPROVE, "ageing": Action.READ, "ageing_file": Action.EXPORT,
        "account": Action.READ, "account_file": Action.EXPORT}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """Choose a house and a month; with both, what would be issued."""
        return self._index(request.args)

    @expose("/run", methods=["POST"])
    @has_access
    def run(self) -> Any:
        """Have a worker issue the invoices of a month."""
        with service_call(gettext("The invoices are being issued. You can do something else meanwhile.")) as call:
            hostel, month = _hostel(request.form.get("hostel", "")), read_month(request.form.get("month", ""))
            asked = {"hostel": str(hostel), "month": f"{month:%Y-%m}"}
            task_id = progress.start(call.session, TaskKind.BILLING, task_id=submission_id(), total=runs.count(call.session, hostel, month), asked=asked,
                                     title={**asked, "hostel": terms.house_of(call.session, hostel).name})
        if call.error is not None:
            return self._index(request.form, call.error)
        return call.respond(url_for("TasksView.show", pk=task_id))

    def _index(self, given: Any, error: DomainError | None = None) -> Any:
        month, found, hostel = given.get("month", ""), None, given.get("hostel", "") or str(only_hostel() or "")
        if month and error is None:
            try:
                found = runs.preview(self.session(), _hostel(hostel), read_month(month))
            except DomainError as refused:
                error = refused
        page = self.page("billing/run.html", title=gettext("Billing"), hostel=hostel, error=error, found=found, once=submission_id(),
                         month=month or f"{formats.now().astimezone(formats.zone()):%Y-%m}")
        return make_response(page, error.status if error else 200)

    # -- how a house bills --------------------------------------------------------------------------------------------

    @expose("/terms/<pk>")
    @has_access
    def terms(self, pk: str) -> Any:
        """As it is now."""
        return self._terms(pk)

    @expose("/change/<pk>", methods=["POST"])
    @has_access
    def change(self, pk: str) -> Any:
        """From now on."""
        with service_call(gettext("Saved. It counts for what is issued from now on.")) as call:
            terms.change_settings(call.session, _hostel(pk), _given_settings())
        return call.respond(self.url("terms", pk=pk), failed=lambda: self._terms(pk, call.error))

    def _terms(self, pk: str, error: DomainError | None = None) -> str:
        house = terms.house_of(self.session(), _hostel(pk))
        now = asdict(house.settings)
        shown = {name: f"{value / 100:g}" if name in _RATES else value for name, value in now.items()}
        shown["late_flat_paise"] = formats.amount(now["late_flat_paise"])
        if error is not None:
            shown |= {**dict.fromkeys(("interstate", "automatic"), ""), **request.form}
        return self.page("billing/terms.html", title=gettext("How %(hostel)s bills", hostel=house.name), house=house, now=shown, error=error)

    # -- what is owed -------------------------------------------------------------------------------------------------

    @expose("/ageing/")
    @has_access
    def ageing(self) -> Any:
        """Of a house, today."""
        hostel = request.args.get("hostel", "") or str(only_hostel() or (g.identity.hostels[0].id if g.identity.hostels else ""))
        try:
            report = parts.ageing_report(self.session(), _hostel(hostel))
        except DomainError as error:
            return problem_page(error, self.url("index"))
        return self.page("billing/ageing.html", title=gettext("What is owed"), report=report, heads=HEADS, hostel=hostel,
                         linked=lambda row: self.url("account", pk=row.resident_id))

    @expose("/ageing/<ending>")
    @has_access
    def ageing_file(self, ending: str) -> Any:
        """The same to take along."""
        try:
            return parts.ageing_file(parts.ageing_report(self.session(), _hostel(request.args.get("hostel", ""))), _ending(ending))
        except DomainError as error:
            return problem_page(error, self.url("ageing"))

    @expose("/account/<pk>")
    @has_access
    def account(self, pk: str) -> Any:
        """The statement of account of a resident, this financial year."""
        today = formats.today()
        first = date(today.year if today.month >= 4 else today.year - 1, 4, 1)  # noqa: PLR2004 - April
        try:
            found = parts.account(self.session(), _resident(pk), first, today)
        except DomainError as error:
            return problem_page(error, self.url("ageing"))
        return self.page("billing/account.html", title=found.resident.member.name, statement=found)

    @expose("/account/<pk>/<ending>")
    @has_access
    def account_file(self, pk: str, ending: str) -> Any:
        """Of a period, to take along."""
        try:
            first, last = read_period(request.args, formats.today() + timedelta(days=1))
            return parts.account_file(self.session(), _resident(pk), first, last, _ending(ending))
        except DomainError as error:
            return problem_page(error, self.url("account", pk=pk))


def _hostel(text: str) -> UUID:
    return reachable(given_id(text, gettext("There is no such hostel.")))


def _resident(text: str) -> UUID:
    return given_id(text, gettext("There is no such resident."))


def _ending(text: str) -> str:
    if text not in {"pdf", "csv"}:
        raise NotFound(gettext("There is no such file."))
    return text


def _given_settings() -> Settings:
    form = request.form
    flat = parts.given_amount("late_flat_paise", least=0)
    if flat > LATE_FLAT_MAX_PAISE:
        raise Invalid(gettext("This amount is too large."), field="late_flat_paise")
    return Settings(
        legal_name=form.get("legal_name", "").strip()[:200], gstin=form.get("gstin", "").strip().upper(), interstate="interstate" in form,
        exempt_reason=form.get("exempt_reason", "").strip()[:200], automatic="automatic" in form, late_flat_paise=flat,
        **{name: _rate(name, most) for name, most in _RATES.items()}, **{name: _days(name, *bounds) for name, bounds in _DAYS.items()})


def _rate(name: str, most: int) -> int:
    try:
        found = Decimal(request.form.get(name, "").strip() or "0") * 100
    except DecimalException as error:  # no number, or one beyond all that can be counted
        raise Invalid(gettext("Please give a number of percent."), field=name) from error
    if not found.is_finite() or found != int(found) or not 0 <= found <= most:
        raise Invalid(gettext("Between 0 and %(most)s percent, with two decimals at most.", most=most // 100), field=name)
    return int(found)


def _days(name: str, least: int, most: int) -> int:
    text = request.form.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 4 and least <= int(text) <= most):  # noqa: PLR2004 - digits
        raise Invalid(gettext("Please give a number from %(least)s to %(most)s.", least=least, most=most), field=name)
    return int(text)
