"""Invoices of the houses: their list, the page of one with what paid it and what can be done about it."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, request
from flask_babel import gettext, lazy_gettext

from app.models.billing import Invoice
from app.permissions import Action, Portal, Resource
from app.rules.billing import InvoiceKind, InvoiceState, PaymentMethod
from app.rules.errors import DomainError, Invalid
from app.services.billing import invoices
from app.services.search import Sought
from app.views import formats
from app.views.base import (
    Ask,
    ConsoleInterface,
    ConsoleModelView,
    Step,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.views.billing import parts
from app.views.edge import given_id, problem_page
from reports.invoice import Document


class InvoiceView(ConsoleModelView):
    """Issued by runs alone, and never changed: a credit note corrects."""

    route_base = "/invoices"
    datamodel = ConsoleInterface(Invoice)
    resource = Resource.BILLING
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Invoice", "Invoices"
    palette = Sought(("reference",), ("member.name", "hostel.name"))
    method_actions: ClassVar[dict[str, Action]] = {"pay": Action.CREATE, "credit": Action.UPDATE, "discount": Action.UPDATE, "pdf": Action.READ,
                                                   "receipt": Action.READ}
    list_columns: ClassVar[list[str]] = ["reference", "member", "status", "kind", "total_paise", "paid_paise", "due_on", "hostel"]
    optional_columns: ClassVar[list[str]] = ["issued_on", "month"]
    show_columns: ClassVar[list[str]] = ["status", "member", "hostel", "issued_on", "due_on", "kind", "note"]
    search_columns: ClassVar[list[str]] = ["reference", "member.name", "status", "kind", "hostel", "due_on"]
    quick_filters = ((lazy_gettext("To be paid"), {"status": [InvoiceState.OPEN.value, InvoiceState.PART_PAID.value]}),
                     (lazy_gettext("Credit notes"), {"kind": InvoiceKind.CREDIT_NOTE.value}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    enums: ClassVar[dict[str, Any]] = {"status": InvoiceState, "kind": InvoiceKind}
    formatters_columns: ClassVar[dict[str, Any]] = {"kind": formats.human}
    label_columns: ClassVar[dict[str, Any]] = {"reference": "Number", "member": "Person", "total_paise": "Total", "paid_paise": "Paid", "due_on": "Due",
                                               "issued_on": "Issued", "note": "Remark"}
    state_column = "status"
    key_facts = ("member", "hostel", "due_on")
    filled_facts = ("note",)
    eager = ("member", "hostel", "resident")
    base_order = ("issued_on", "desc")
    empty_hint = lazy_gettext("Invoices are issued by a run: choose a month under Billing.")
    show_template = "billing/show.html"

    def heading(self, item: Invoice) -> str:
        """Its number."""
        return item.reference

    def show_context(self, item: Invoice) -> dict[str, Any]:
        """Its lines, payments and credit notes."""
        session = self.session()
        return {"document": Document("", "", formats.now(), item, invoices.lines_of(session, item.id), invoices.payments_of(session, item.id),
                                     invoices.notes_of(session, item.id), None)}

    def steps(self, item: Invoice) -> list[Step]:
        """Paper, money, and what corrects."""
        pk, can = self.key_of(item), g.identity.can
        found = [Step("pdf", gettext("PDF"), self.url("pdf", pk=pk), "download", link=True)]
        if item.kind == InvoiceKind.CREDIT_NOTE:
            return found
        amount = Ask("amount", gettext("Amount"), "line", most=20, value=formats.amount(item.open_paise, item.currency) if item.open_paise else "")
        if item.open_paise and can(Resource.BILLING, Action.CREATE, item.hostel_id):
            found.insert(0, Step("pay", gettext("Record a payment"), self.url("pay", pk=pk), "check", asks=(
                amount, Ask("method", gettext("With"), "choice", choices=[(one.value, parts.method_name(one)) for one in (PaymentMethod.CASH, PaymentMethod.BANK)]),
                Ask("note", gettext("Remark"), "line", required=False, most=200, help=gettext("Such as the number of the slip.")))))
        if item.open_paise and can(Resource.BILLING, Action.UPDATE, item.hostel_id):
            found.append(Step("discount", gettext("Propose a discount"), self.url("discount", pk=pk), "edit", asks=(
                amount, Ask("reason", gettext("Why?"), most=500, help=gettext("A second person reads this and decides. Nothing moves before.")))))
        if can(Resource.BILLING, Action.UPDATE, item.hostel_id):
            lines = [(line.id, f"{parts.charge_name(line.kind)}: {formats.money(line.amount_paise, item.currency)}")
                     for line in invoices.lines_of(self.session(), item.id)]
            found.append(Step("credit", gettext("Propose a credit note"), self.url("credit", pk=pk), "edit", kind="danger", asks=(
                Ask("line", gettext("What is credited"), "choice", choices=lines),
                Ask("amount", gettext("Amount"), "line", most=20, help=gettext("Before tax; the tax follows.")),
                Ask("note", gettext("Why?"), most=500, help=gettext("A second person reads this and decides. Nothing moves before.")))))
        return found

    def _write(self, pk: str, done: str, work: Any) -> Any:
        item = self.find(pk)
        with service_call(done) as call:
            work(call.session, item)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/pay/<pk>", methods=["POST"])
    @has_access
    def pay(self, pk: str) -> Any:
        """Cash or a transfer that somebody took."""
        return self._write(pk, gettext("The payment is written down."), lambda session, item: invoices.pay(
            session, submission_id(), item.hostel_id, item.user_id, _method(), parts.given_amount(), invoices=[item.id], note=request.form.get("note", "")))

    @expose("/discount/<pk>", methods=["POST"])
    @has_access
    def discount(self, pk: str) -> Any:
        """Less to pay, if somebody else agrees."""
        return self._write(pk, gettext("Proposed. Somebody else has to approve it."), lambda session, item: invoices.propose_discount(
            session, submission_id(), item.id, parts.given_amount(), request.form.get("reason", "")))

    @expose("/credit/<pk>", methods=["POST"])
    @has_access
    def credit(self, pk: str) -> Any:
        """A part of a line is taken back, if somebody else agrees."""
        return self._write(pk, gettext("Proposed. Somebody else has to approve it."), lambda session, _item: invoices.propose_credit(
            session, submission_id(), given_id(request.form.get("line", ""), gettext("There is no such invoice.")), parts.given_amount(),
            request.form.get("note", "")))

    @expose("/pdf/<pk>")
    @has_access
    def pdf(self, pk: str) -> Any:
        """As a document."""
        try:
            return parts.invoice_pdf(self.session(), given_id(pk, gettext("There is no such invoice.")))
        except DomainError as error:
            return problem_page(error, self.url("list"))

    @expose("/receipt/<pk>")
    @has_access
    def receipt(self, pk: str) -> Any:
        """Of a payment."""
        try:
            return parts.receipt_pdf(self.session(), given_id(pk, gettext("There is no such receipt.")))
        except DomainError as error:
            return problem_page(error, self.url("list"))


def _method() -> PaymentMethod:
    try:
        return PaymentMethod(request.form.get("method", ""))
    except ValueError as error:
        raise Invalid(gettext("Choose one from the list."), field="method") from error


