"""A resident's own invoices: made for a phone, works without scripts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, request, url_for
from flask_babel import gettext
from sqlalchemy import select

from app.models.residents import Resident
from app.models.wallet import Wallet
from app.permissions import Action, Portal, Resource
from app.rules.billing import InvoiceKind, PaymentMethod
from app.rules.errors import DomainError, NotFound
from app.rules.payments import TOP_UP_LEAST_PAISE, TOP_UP_MOST_PAISE
from app.services import wallet
from app.services.billing import invoices
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, service_call, submission_id
from app.views.billing import parts
from app.views.edge import given_id, problem_page
from reports.invoice import Document


class MyInvoicesView(ConsoleView):
    """What is to be paid, what was paid, and paying it from the wallet."""

    resource = Resource.BILLING
    portals = frozenset({Portal.RESIDENT})
    route_base = "/my/invoices"
    default_view = "index"
    singular_name, plural_name = "My invoice", "My invoices"
    method_actions: ClassVar[dict[str, Action]] = dict.fromkeys(("index", "show", "pdf", "receipt", "pay", "choose", "account"), Action.READ)

    @expose("/")
    @has_access
    def index(self) -> Any:
        """The newest first."""
        session, me = self.session(), g.identity.user_id
        homes = list(session.scalars(select(Resident.hostel_id).where(Resident.user_id == me)))
        found = invoices.own(session, me)
        return self.page("billing/mine.html", title=gettext("My invoices"), found=found, year=formats.today(),
                         wallets=self._wallets(), choices={hostel: invoices.pays_from_wallet(session, hostel, me) for hostel in homes})

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """One, with what was paid of it."""
        return self._show(pk)

    @expose("/pay/<pk>", methods=["POST"])
    @has_access
    def pay(self, pk: str) -> Any:
        """From the wallet, all of it or a part."""
        key = _key(pk)
        with service_call(gettext("Paid. Thank you.")) as call:
            item = self._find(key)
            invoices.pay(call.session, submission_id(), item.hostel_id, g.identity.user_id, PaymentMethod.WALLET, parts.given_amount(), invoices=[key])
        return call.respond(self.url("show", pk=pk), failed=lambda: self._show(pk, call.error))

    @expose("/choose", methods=["POST"])
    @has_access
    def choose(self) -> Any:
        """Whether the wallet pays by itself."""
        with service_call(gettext("Saved.")) as call:
            invoices.choose_paying(call.session, given_id(request.form.get("hostel", ""), gettext("There is no such hostel.")),
                                   from_wallet="from_wallet" in request.form)
        return call.respond(self.url("index"))

    @expose("/pdf/<pk>")
    @has_access
    def pdf(self, pk: str) -> Any:
        """As a document."""
        return self._file(lambda: parts.invoice_pdf(self.session(), _key(pk)))

    @expose("/receipt/<pk>")
    @has_access
    def receipt(self, pk: str) -> Any:
        """Of a payment."""
        return self._file(lambda: parts.receipt_pdf(self.session(), given_id(pk, gettext("There is no such receipt."))))

    @expose("/account")
    @has_access
    def account(self) -> Any:
        """The statement of account of the last twelve months."""
        today = formats.today()
        resident = self.session().scalar(select(Resident.id).where(Resident.user_id == g.identity.user_id).order_by(Resident.moved_in_on.desc()).limit(1))
        return self._file(lambda: parts.account_file(self.session(), _known(resident), _year_before(today), today, "pdf"))

    def _file(self, make: Any) -> Any:
        try:
            return make()
        except DomainError as error:
            return problem_page(error, self.url("index"))

    def _find(self, key: UUID) -> Any:
        found = invoices.find(self.session(), key)
        if found.user_id != g.identity.user_id:
            raise NotFound(gettext("There is no such invoice."))
        return found

    def _show(self, pk: str, error: DomainError | None = None) -> Any:
        session = self.session()
        try:
            item = self._find(_key(pk))
        except DomainError as missing:
            return problem_page(missing, self.url("index"))
        document = Document("", "", formats.now(), item, invoices.lines_of(session, item.id), invoices.payments_of(session, item.id),
                            invoices.notes_of(session, item.id), None)
        held = wallet.wallet_of(session, item.hostel_id, g.identity.user_id)
        balance, frozen = (held.balance_paise, held.frozen) if held else (0, False)
        lacking = item.open_paise - max(balance, 0)
        page = self.page("billing/my_invoice.html", title=item.reference, item=item, document=document, error=error, once=submission_id(),
                         balance=balance, proposed=request.form.get("amount") or formats.amount(min(balance, item.open_paise), item.currency),
                         lacking=lacking, frozen=frozen, by_itself=lacking > 0 and not frozen and invoices.pays_from_wallet(session, item.hostel_id, g.identity.user_id),
                         top_up=url_for("TopUpView.index", hostel=item.hostel_id, amount=formats.amount(
                             min(max(lacking, TOP_UP_LEAST_PAISE), TOP_UP_MOST_PAISE), item.currency)),
                         credit=item.kind == InvoiceKind.CREDIT_NOTE)
        return page if error else make_response(page)

    def _wallets(self) -> dict[UUID, int]:
        rows = self.session().execute(select(Wallet.hostel_id, Wallet.balance_paise).where(Wallet.user_id == g.identity.user_id))
        return {row.hostel_id: row.balance_paise for row in rows}


def _key(pk: str) -> UUID:
    return given_id(pk, gettext("There is no such invoice."))


def _known(resident: UUID | None) -> UUID:
    if resident is None:
        raise NotFound(gettext("There is no such resident."))
    return resident


def _year_before(today: date) -> date:
    return today - timedelta(days=365)
