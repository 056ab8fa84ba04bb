"""Postings that one person proposes and another decides: what waits, and the page of each with both names (W8)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, request
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_

from app.models.wallet import LedgerProposal
from app.permissions import Action, Portal, Resource
from app.rules.wallet import REASON_MAX, ProposalState, ProposedKind
from app.services import timeline, wallet
from app.views import formats
from app.views.base import Ask, ConsoleInterface, ConsoleModelView, Step, expose, has_access, service_call
from app.views.filters import Flag
from app.views.wallet.parts import party_name, source_link


class ForMe(Flag):
    """What waits, and was neither proposed by the caller nor is about their own money."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """Nobody decides on their own."""
        me = g.identity.user_id
        return and_(LedgerProposal.status == ProposalState.PROPOSED.value, LedgerProposal.proposed_by.is_distinct_from(me), LedgerProposal.user_id.is_distinct_from(me))


class ProposalView(ConsoleModelView):
    """They are made on the page of a wallet, or by what else may not be decided by one person."""

    route_base = "/wallet/proposals"
    datamodel = ConsoleInterface(LedgerProposal)
    resource = Resource.WALLET
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Proposed posting", "Proposed postings"
    counter = "proposals"
    method_actions: ClassVar[dict[str, Action]] = {"approve": Action.APPROVE, "reject": Action.APPROVE, "withdraw": Action.CREATE}
    list_columns: ClassVar[list[str]] = ["kind", "amount_paise", "about", "status", "proposer", "created_at", "hostel"]
    optional_columns: ClassVar[list[str]] = ["decider", "decided_at", "reason"]
    search_columns: ClassVar[list[str]] = ["member.name", "reason", "status", "kind", "hostel", "created_at"]
    number_columns = ("amount_paise",)
    quick_filters = ((lazy_gettext("For you to decide"), {"waiting": "yes"}), (lazy_gettext("Waiting"), {"status": ProposalState.PROPOSED.value}))
    show_columns: ClassVar[list[str]] = ["status", "amount_paise", "about", "hostel", "reason", "proposer", "created_at", "decider", "decided_at",
                                         "decision", "source"]
    key_facts = ("about", "hostel", "proposer")
    filled_facts = ("decision", "decided_at", "source")
    label_columns: ClassVar[dict[str, Any]] = {"amount_paise": "Amount", "about": "Whose account", "proposer": "Proposed by", "decider": "Decided by",
                                               "created_at": "Proposed", "decided_at": "Decided", "decision": "Note", "reason": "Why", "source": "For",
                                               "deciders": lazy_gettext("Who can approve it")}
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    enums: ClassVar[dict[str, Any]] = {"status": ProposalState, "kind": ProposedKind}
    state_column = "status"
    eager = ("member", "hostel", "proposer", "decider")
    base_order = ("created_at", "desc")
    empty_hint = lazy_gettext("Open a wallet to propose a posting; a second person then decides here.")

    def _init_forms(self) -> None:
        super()._init_forms()
        self.filter_bar.filters += [ForMe(self.datamodel, "waiting", lazy_gettext("For you to decide"))]

    def display(self, item: LedgerProposal, column: str, *, short: bool = False) -> Any:
        """Money with its sign, names of the platform where it acted, and a link to what it is for."""
        if column == "amount_paise":
            return formats.money(item.amount_paise, item.currency)
        if column == "about":
            return item.member.name if item.member else party_name(item.party) if item.party else formats.missing()
        if column == "decider" and item.decided_by is not None and item.decider is None:
            return gettext("The platform")
        if column == "deciders":
            people = wallet.deciders(self.session(), item)
            return ", ".join(sorted(timeline.names(self.session(), item.org_id, people).values())) or gettext("The platform")
        if column == "source":
            link = source_link(item.source, item.source_id) if item.source_id else ""
            words = formats.human(item.source)
            return Markup('<a href="{}">{}</a>').format(link, words) if link else words
        return super().display(item, column, short=short)

    def _sections(self, item: LedgerProposal) -> list[tuple[Any, list[str]]]:
        """Who can approve it while it waits, then who decided."""
        waits = item.standing is ProposalState.PROPOSED
        return [(heading, [*(one for one in columns if one != "decider"), "deciders"] if waits else columns) for heading, columns in super()._sections(item)]

    def heading(self, item: LedgerProposal) -> str:
        """What and how much."""
        return f"{formats.human(ProposedKind(item.kind))}, {formats.money(item.amount_paise, item.currency)}"

    def steps(self, item: LedgerProposal) -> list[Step]:
        """Decided by others, withdrawn by who proposed it."""
        pk, can = self.key_of(item), g.identity.can
        if item.standing is not ProposalState.PROPOSED:
            return []
        if item.proposed_by == g.identity.user_id:
            return [Step("withdraw", gettext("Withdraw"), self.url("withdraw", pk=pk), "undo", question=gettext("Withdraw this proposal? Nothing is booked."))]
        if not can(Resource.WALLET, Action.APPROVE, item.hostel_id):
            return []
        reject = Step("reject", gettext("Reject"), self.url("reject", pk=pk), "close", kind="danger", asks=(Ask("note", gettext("Why?"), most=REASON_MAX),))
        if item.user_id == g.identity.user_id:
            return [reject]
        return [
            Step("approve", gettext("Approve"), self.url("approve", pk=pk), "check", question=gettext(
                "%(amount)s is booked at once. This cannot be undone, only booked back.", amount=formats.money(item.amount_paise, item.currency)),
                asks=(Ask("note", gettext("Note"), required=False, most=REASON_MAX),)), reject]

    @expose("/approve/<pk>", methods=["POST"])
    @has_access
    def approve(self, pk: str) -> Any:
        """Book it."""
        return self._decide(pk, "approve", gettext("Approved and booked."))

    @expose("/reject/<pk>", methods=["POST"])
    @has_access
    def reject(self, pk: str) -> Any:
        """Nothing is booked."""
        return self._decide(pk, "reject", gettext("Rejected. Nothing was booked."))

    @expose("/withdraw/<pk>", methods=["POST"])
    @has_access
    def withdraw(self, pk: str) -> Any:
        """By who proposed it."""
        return self._decide(pk, "withdraw", gettext("Withdrawn. Nothing was booked."))

    def _decide(self, pk: str, event: str, done: str) -> Any:
        item = self.find(pk)
        with service_call(done) as call:
            wallet.decide(call.session, item.id, event, request.form.get("note", ""))
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))
