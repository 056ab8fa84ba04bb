"""Move-outs of the houses: who leaves when, what the inspection found, what is settled."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from flask import request
from flask_babel import gettext, lazy_gettext
from wtforms import Form

from app.languages import sentence
from app.models.moveout import MoveOut
from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, Invalid
from app.rules.files import PHOTOS
from app.rules.moveout import OPEN, Condition, MoveOutStatus, days_short
from app.services import files, moveout
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
from app.views.edge import given_id, problem_page
from app.views.inputs import MoneyField
from app.views.moveout.parts import statement_pdf
from app.views.rooms import asking
from app.wiring import objects


class MoveOutView(ConsoleModelView):
    """Notice is given on the page of a resident, or by residents themselves."""

    route_base = "/move-outs"
    datamodel = ConsoleInterface(MoveOut)
    resource = Resource.MOVE_OUTS
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Move-out", "Moving out"
    palette = Sought(("member.name",), ("status", "hostel.name"))
    method_actions: ClassVar[dict[str, Action]] = {
        "give": Action.CREATE, "withdraw": Action.UPDATE, "change": Action.UPDATE, "inspect": Action.UPDATE, "more": Action.UPDATE, "finish": Action.UPDATE,
        "settle": Action.APPROVE, "statement": Action.READ}
    list_columns: ClassVar[list[str]] = ["member", "status", "hostel", "leaves_on", "noticed_on"]
    optional_columns: ClassVar[list[str]] = ["created_at"]
    show_columns: ClassVar[list[str]] = ["status", "hostel", "noticed_on", "leaves_on", "notice_days", "why"]
    search_columns: ClassVar[list[str]] = ["member.name", "status", "hostel"]
    quick_filters = (
        (lazy_gettext("Under way"), {"status": [MoveOutStatus.NOTICED.value, MoveOutStatus.INSPECTED.value, MoveOutStatus.SETTLED.value]}),
        (lazy_gettext("To inspect"), {"status": MoveOutStatus.NOTICED.value}), (lazy_gettext("To settle"), {"status": MoveOutStatus.INSPECTED.value}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    label_columns: ClassVar[dict[str, Any]] = {"member": "Person", "leaves_on": "Leaves on", "noticed_on": "Notice given",
                                               "notice_days": "Days of notice agreed", "why": "Why"}
    enums: ClassVar[dict[str, Any]] = {"status": MoveOutStatus}
    state_column = "status"
    key_facts = ("hostel", "leaves_on", "noticed_on")
    filled_facts = ("why",)
    eager = ("member",)
    base_order = ("leaves_on", "desc")
    empty_hint = lazy_gettext("Notice is given on the page of a resident, or by residents themselves.")
    show_template = "moveout/show.html"

    def heading(self, item: MoveOut) -> str:
        """Who leaves."""
        return item.member.name

    def show_context(self, item: MoveOut) -> dict[str, Any]:
        """What was found, and the settlement: made, or as it would be for the day that was asked about."""
        session, settled = self.session(), item.settlement
        paid, made, refusal = item.paid_until, settled, ""
        if settled is None and item.standing is MoveOutStatus.INSPECTED and self.allowed("settle") and "paid_until" in request.values:
            try:
                paid = date.fromisoformat(request.values["paid_until"])
                made = moveout.draft(session, item, paid)
            except ValueError:
                paid, refusal = None, gettext("Please give a date.")
            except DomainError as error:
                refusal = sentence(error.message)
        return {"refusal": refusal, "items": moveout.items_of(session, item.id), "photos": moveout.photos_of(session, item.id), "settlement": made,
                "settled": settled is not None, "paid_until": paid, "short": days_short(item.noticed_on, item.notice_days, item.leaves_on),
                "may_inspect": item.standing in OPEN and self.allowed("inspect"), "conditions": list(Condition), "accept": ",".join(sorted(PHOTOS)),
                "may_settle": item.standing is MoveOutStatus.INSPECTED and self.allowed("settle"), "key": self.key_of(item),
                "amount": formats.amount, "currency_symbol": formats.currency_symbol}

    def steps(self, item: MoveOut) -> list[Step]:
        """What its state allows."""
        pk, found = self.key_of(item), []
        if item.standing is MoveOutStatus.NOTICED and self.allowed("inspect"):
            found = [
                Step("finish", gettext("Inspection done"), self.url("finish", pk=pk), "check"),
                Step("more", gettext("Another thing to inspect"), self.url("more", pk=pk), "plus", asks=(Ask("name", gettext("What?"), "line", most=80),)),
                Step("withdraw", gettext("Withdraw"), self.url("withdraw", pk=pk), "close", kind="danger", question=gettext("Withdraw the notice? They stay."))]
        if item.standing in OPEN and self.allowed("change"):
            found.insert(2, Step("change", gettext("Another day"), self.url("change", pk=pk), "calendar", asks=(
                asking.day_ask("leaves_on", gettext("First day without them"), help=gettext("A later day only if nobody else has the bed by then.")),)))
        if item.settlement is not None:
            found.append(Step("statement", gettext("Statement (PDF)"), self.url("statement", pk=pk), "download", link=True))
        return found

    def _write(self, pk: str, done: str, work: Any) -> Any:
        item = self.find(pk)
        with service_call(done) as call:
            work(call.session, item)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/give/<stay>", methods=["POST"])
    @has_access
    def give(self, stay: str) -> Any:
        """For a resident who said so."""
        once = submission_id()
        with service_call(gettext("The notice is written down.")) as call:
            moveout.give_notice(call.session, given_id(stay, gettext("There is no such stay.")), asking.given_day("on"), asking.given_note(), once)
        return call.respond(self.url("show", pk=once))

    @expose("/withdraw/<pk>", methods=["POST"])
    @has_access
    def withdraw(self, pk: str) -> Any:
        """They stay."""
        return self._write(pk, gettext("The notice is withdrawn."), lambda session, item: moveout.withdraw(session, item.id))

    @expose("/change/<pk>", methods=["POST"])
    @has_access
    def change(self, pk: str) -> Any:
        """Earlier or later."""
        return self._write(pk, gettext("Saved. The bed is free from that day on."), lambda session, item: moveout.change_day(
            session, item.id, asking.given_day("leaves_on")))

    @expose("/inspect/<pk>", methods=["POST"])
    @has_access
    def inspect(self, pk: str) -> Any:
        """Everything on the list at once."""
        return self._write(pk, gettext("Saved."), lambda session, item: moveout.inspect(
            session, objects(), item.id, [_finding(one.id) for one in moveout.items_of(session, item.id) if f"condition-{one.id}" in request.form]))

    @expose("/more/<pk>", methods=["POST"])
    @has_access
    def more(self, pk: str) -> Any:
        """Something that is not on the list."""
        return self._write(pk, gettext("Saved."), lambda session, item: moveout.add_item(session, item.id, request.form.get("name", "")))

    @expose("/finish/<pk>", methods=["POST"])
    @has_access
    def finish(self, pk: str) -> Any:
        """All was looked at."""
        return self._write(pk, gettext("The inspection is done."), lambda session, item: moveout.finish_inspection(session, item.id))

    @expose("/settle/<pk>", methods=["POST"])
    @has_access
    def settle(self, pk: str) -> Any:
        """As it was seen."""
        return self._write(pk, gettext("Settled."), lambda session, item: moveout.settle(
            session, item.id, asking.given_day("paid_until"), _paise(request.form.get("balance", ""))))

    @expose("/statement/<pk>")
    @has_access
    def statement(self, pk: str) -> Any:
        """The settlement as a document."""
        try:
            return statement_pdf(self.session(), given_id(pk, gettext("There is no such move-out.")))
        except DomainError as error:
            return problem_page(error, self.url("list"))


def _finding(item_id: UUID) -> moveout.Finding:
    try:
        condition = Condition(request.form[f"condition-{item_id}"])
        if condition is Condition.UNSEEN and "rest" in request.form:
            condition = Condition.OK
    except ValueError as error:
        raise Invalid(gettext("Choose one from the list."), field="condition") from error
    amount = MoneyField().bind(form=Form(), name="deduction")
    try:
        amount.process_formdata([request.form.get(f"deduction-{item_id}", "")])
    except ValueError as error:
        raise Invalid(str(error), field="deduction") from error
    photos = [files.Upload(sent.filename or "", sent.mimetype, sent.stream) for sent in request.files.getlist(f"files-{item_id}") if sent.filename]
    return moveout.Finding(item_id, condition, amount.data or 0, request.form.get(f"note-{item_id}", "").strip(), photos)


def _paise(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise Invalid(gettext("Work the settlement out first.")) from error
