"""Breaks between gateways and the ledger: both sides beside each other, and what may be decided."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, request, url_for
from flask_babel import gettext, lazy_gettext

from app.models.reconciliation import ReconciliationBreak
from app.permissions import Action, Portal, Resource
from app.rules.payments import Gateway
from app.rules.reconciliation import NOTE_MAX, BreakState, Cause
from app.rules.wallet import ProposalState, ProposedKind
from app.services import reconciliation
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
from app.views.edge import given_id


class BreakView(ConsoleModelView):
    """Found by the nightly matching; closed by hand, or by two people where money is booked."""

    route_base = "/reconciliation"
    datamodel = ConsoleInterface(ReconciliationBreak)
    resource = Resource.PAYMENTS
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Break", "Reconciliation"
    method_actions: ClassVar[dict[str, Action]] = {"match": Action.APPROVE, "propose": Action.CREATE, "resolve": Action.APPROVE}
    list_columns: ClassVar[list[str]] = ["cause", "amount_paise", "gateway", "status", "hostel", "created_at"]
    optional_columns: ClassVar[list[str]] = ["closed_at", "closer", "note"]
    search_columns: ClassVar[list[str]] = ["cause", "status", "gateway", "hostel", "amount_paise", "created_at"]
    number_columns = ("amount_paise",)
    quick_filters = ((lazy_gettext("Open"), {"status": BreakState.OPEN.value}),)
    show_columns: ClassVar[list[str]] = ["cause", "amount_paise", "gateway", "hostel", "created_at", "proposal", "closer", "closed_at", "note"]
    key_facts = ("amount_paise", "gateway", "created_at")
    filled_facts = ("proposal", "closer", "closed_at", "note")
    label_columns: ClassVar[dict[str, Any]] = {
        "amount_paise": lazy_gettext("Difference"), "created_at": lazy_gettext("Found"), "cause": lazy_gettext("Cause"), "closer": lazy_gettext("Closed by"),
        "closed_at": lazy_gettext("Closed"), "note": lazy_gettext("Why"), "proposal": lazy_gettext("Proposed posting"), "gateway": lazy_gettext("Gateway")}
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    enums: ClassVar[dict[str, Any]] = {"cause": Cause, "status": BreakState, "gateway": Gateway}
    state_column = "status"
    eager = ("hostel",)
    base_order = ("created_at", "desc")
    empty_hint = lazy_gettext("Every night the statements of gateways are compared with the ledger. What does not agree appears here.")
    list_template = "reconciliation/breaks.html"
    show_template = "reconciliation/show.html"

    def heading(self, item: ReconciliationBreak) -> str:
        """What is wrong."""
        return str(formats.human(Cause(item.cause)))

    def show_context(self, item: ReconciliationBreak) -> dict[str, Any]:
        """Both sides, and what the line could be."""
        return {"line": item.stated, "confirmation": item.confirmation, "refund": item.refund, "candidates": self._candidates(item)}

    def _candidates(self, item: ReconciliationBreak) -> list[reconciliation.Candidate]:
        line = item.stated
        if item.standing is not BreakState.OPEN or line is None or line.confirmation_id or line.refund_id or item.cause == Cause.DUPLICATE:
            return []
        return reconciliation.candidates(self.session(), line)

    def steps(self, item: ReconciliationBreak) -> list[Step]:
        """Money is booked by proposal alone; what has nothing to book is closed with a note."""
        pk, found = self.key_of(item), []
        if item.proposal is not None:
            found.append(Step("proposal", gettext("Proposed posting"), url_for("ProposalView.show", pk=item.proposal_id), "arrow-right", link=True))
        waits = item.proposal is not None and item.proposal.status == ProposalState.PROPOSED.value
        if item.standing is not BreakState.OPEN or waits:
            return found
        offered = self._candidates(item) if g.identity.can(Resource.WALLET, Action.APPROVE, item.hostel_id) else []
        if offered:
            found.append(Step("match", gettext("Match"), self.url("match", pk=pk), "check", asks=(
                Ask("other", gettext("Which is it?"), "choice", choices=[
                    (str(one.id), f"{one.name}, {formats.money(one.amount_paise, one.currency)}, {one.number}") for one in offered]),
                Ask("note", gettext("Note"), required=False, most=NOTE_MAX))))
        if item.amount_paise and item.cause != Cause.CLEARING_DIFFERS:
            found += [self._proposing(item, pk, ProposedKind.ADJUSTMENT, gettext("Propose a correction"))]
            if item.amount_paise > 0:
                found += [self._proposing(item, pk, ProposedKind.WRITE_OFF, gettext("Propose to write it off"))]
        elif g.identity.can(Resource.WALLET, Action.APPROVE, item.hostel_id):
            found.append(Step("resolve", gettext("Close"), self.url("resolve", pk=pk), "check", asks=(Ask("note", gettext("Why?"), most=NOTE_MAX),)))
        return found

    def _proposing(self, item: ReconciliationBreak, pk: str, kind: ProposedKind, label: str) -> Step:
        asks = [] if item.hostel_id else [Ask("hostel", gettext("Hostel"), "choice", choices=[(str(place.id), place.name) for place in g.identity.hostels])]
        return Step(kind.value, label, self.url("propose", pk=pk), "edit", fields={"_once": str(submission_id()), "kind": kind.value}, asks=(
            *asks, Ask("note", gettext("Why?"), most=NOTE_MAX, help=gettext("Somebody else has to approve it."))))

    def _write(self, pk: str, done: str, work: Any) -> Any:
        item = self.find(pk)
        with service_call(done) as call:
            work(call.session, item)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/match/<pk>", methods=["POST"])
    @has_access
    def match(self, pk: str) -> Any:
        """The line is this payment."""
        return self._write(pk, gettext("Matched."), lambda session, item: reconciliation.match_by_hand(
            session, item.id, given_id(request.form.get("other", ""), gettext("There is no such payment.")), request.form.get("note", "")))

    @expose("/propose/<pk>", methods=["POST"])
    @has_access
    def propose(self, pk: str) -> Any:
        """A second person decides."""
        kind = ProposedKind.WRITE_OFF if request.form.get("kind") == ProposedKind.WRITE_OFF.value else ProposedKind.ADJUSTMENT
        hostel = request.form.get("hostel", "")
        return self._write(pk, gettext("Proposed. Somebody else has to approve it."), lambda session, item: reconciliation.propose(
            session, item.id, kind, request.form.get("note", ""), submission_id(),
            given_id(hostel, gettext("There is no such hostel.")) if hostel else None))

    @expose("/resolve/<pk>", methods=["POST"])
    @has_access
    def resolve(self, pk: str) -> Any:
        """Nothing is booked."""
        return self._write(pk, gettext("Closed."), lambda session, item: reconciliation.resolve(session, item.id, request.form.get("note", "")))
