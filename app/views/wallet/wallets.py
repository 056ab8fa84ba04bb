"""Wallets of the residents, for staff: their list, and the page of one with its statement, its freezes and what can be proposed."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, request, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement
from wtforms import Form

from app.models.wallet import Wallet
from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, Invalid
from app.rules.wallet import (
    AMOUNT_MAX_PAISE,
    LOW_PAISE,
    REASON_MAX,
    Holding,
    ProposedKind,
    TransactionKind,
    WalletState,
)
from app.services import audit, timeline, wallet
from app.services import wallet_reading as reading
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
from app.views.edge import problem_page
from app.views.filters import ChoiceFilter
from app.views.inputs import MoneyField
from app.views.wallet import parts

# What can be proposed on a wallet's page: the kind, and whether the amount counts against the resident.
MOTIONS: dict[str, tuple[Any, ProposedKind, int]] = {
    "add": (lazy_gettext("Add money to the wallet"), ProposedKind.ADJUSTMENT, 1),
    "take": (lazy_gettext("Take money from the wallet"), ProposedKind.ADJUSTMENT, -1),
    "payout": (lazy_gettext("Pay out to the resident"), ProposedKind.PAYOUT, 1),
    "discount": (lazy_gettext("Discount on what is owed"), ProposedKind.DISCOUNT, 1),
    "write_off": (lazy_gettext("Write off what is owed"), ProposedKind.WRITE_OFF, 1),
}


class HoldingFilter(ChoiceFilter):
    """By how much is there."""

    multiple = False

    def condition(self, _parameter: str, value: Holding) -> ColumnElement[bool]:
        """Of the balance as it is kept."""
        return {Holding.BELOW_ZERO: Wallet.balance_paise < 0, Holding.EMPTY: Wallet.balance_paise == 0,
                Holding.LOW: Wallet.balance_paise.between(0, LOW_PAISE - 1)}[value]

    def any_of(self, parameter: str, values: Any) -> ColumnElement[bool]:
        """One at a time."""
        return self.condition(parameter, values[0])


class WalletView(ConsoleModelView):
    """A wallet comes with the resident; what is in it moves by postings alone."""

    route_base = "/wallets"
    datamodel = ConsoleInterface(Wallet)
    resource = Resource.WALLET
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Wallet", "Wallets"
    palette = Sought(("member.name",), ("hostel.name",))
    method_actions: ClassVar[dict[str, Action]] = {
        "freeze": Action.UPDATE, "unfreeze": Action.APPROVE, "propose": Action.CREATE, "pdf": Action.EXPORT, "csv": Action.EXPORT}
    list_columns: ClassVar[list[str]] = ["member", "room", "balance_paise", "state", "hostel", "last_computed_at"]
    search_columns: ClassVar[list[str]] = ["member.name", "hostel", "frozen"]
    number_columns = ("balance_paise",)
    quick_filters = ((lazy_gettext("Below zero"), {"holding": Holding.BELOW_ZERO.value}), (lazy_gettext("Low"), {"holding": Holding.LOW.value}),
                     (lazy_gettext("Frozen"), {"frozen": "yes"}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    enums: ClassVar[dict[str, Any]] = {"state": WalletState}
    state_column = "state"
    show_columns: ClassVar[list[str]] = ["state", "hostel", "room", "last_computed_at", "balance_paise"]
    key_facts = ("room", "hostel", "last_computed_at")
    label_columns: ClassVar[dict[str, Any]] = {"member": "Person", "room": "Bed", "balance_paise": "Balance", "last_computed_at": "Last movement",
                                               "state": "State"}
    eager = ("member", "hostel")
    show_template = "wallet/show.html"
    empty_hint = lazy_gettext("Everybody who moves in has a wallet.")

    def _init_forms(self) -> None:
        super()._init_forms()
        self.filter_bar.filters += [HoldingFilter(self.datamodel, "holding", "Balance", Holding)]

    # -- reading ----------------------------------------------------------------------------------------------

    def prepare(self, items: Any) -> None:
        """Where they live, of all at once."""
        g.wallet_beds = reading.beds_of(self.session(), items)

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """The bed of today; money in the hostel's currency; of states the one that needs somebody."""
        if column == "state" and not item.frozen:
            return ""
        if column == "room":
            stay = g.wallet_beds.get((item.hostel_id, item.user_id))
            return stay.bed.called if stay else formats.missing()
        if column == "balance_paise":
            return formats.money(item.balance_paise, item.currency)
        if column == "last_computed_at" and not item.version:
            return formats.missing()
        return super().display(item, column, short=short)

    def heading(self, item: Wallet) -> str:
        """Whose."""
        return item.member.name

    def render_show(self, pk: str) -> str:
        """With the bed known."""
        self.prepare([self._shown(pk)])
        return super().render_show(pk)

    def _sections(self, item: Any) -> list[tuple[Any, list[str]]]:
        """All that is to be said stands above the statement."""
        return []

    def show_context(self, item: Wallet) -> dict[str, Any]:
        """Its statement, and when it was frozen."""
        session, freezes = self.session(), wallet.freezes(self.session(), item.id)
        people = {person for one in freezes for person in (one.created_by, one.lifted_by) if person is not None}
        return {"statement": parts.statement_page(session, item), "freezes": freezes, "names": timeline.names(session, item.org_id, people), "kinds": list(TransactionKind),
                "month": parts.this_month(formats.zone()), "key": self.key_of(item)}

    def steps(self, item: Wallet) -> list[Step]:
        """Frozen or freed, and what a second person has to approve."""
        pk, found = self.key_of(item), list[Step]()
        can = g.identity.can
        if can(Resource.WALLET, Action.CREATE, item.hostel_id):
            found.append(Step("propose", gettext("Propose a posting"), self.url("propose", pk=pk), "edit", asks=(
                Ask("motion", gettext("What?"), "choice", choices=[(name, str(words)) for name, (words, _, _) in MOTIONS.items()]),
                Ask("amount", gettext("Amount"), "line", most=20, help=gettext("In %(currency)s, such as %(example)s.", currency=item.currency,
                                                                            example=formats.amount(150000, item.currency))),
                Ask("reason", gettext("Why?"), most=REASON_MAX, help=gettext("A second person reads this and decides. Nothing moves before."))),
            ))
        why = (Ask("note", gettext("Why?"), most=REASON_MAX, help=gettext("The resident sees that the wallet is frozen, not why.")),)
        if item.frozen and can(Resource.WALLET, Action.APPROVE, item.hostel_id):
            found.append(Step("unfreeze", gettext("Unfreeze"), self.url("unfreeze", pk=pk), "play", asks=(Ask("note", gettext("Why?"), most=REASON_MAX),)))
        if not item.frozen and can(Resource.WALLET, Action.UPDATE, item.hostel_id):
            found.append(Step("freeze", gettext("Freeze"), self.url("freeze", pk=pk), "pause", kind="danger", asks=why,
                              question=gettext("Nothing can be taken from a frozen wallet; what comes in still does.")))
        return found

    # -- writing ----------------------------------------------------------------------------------------------

    def _write(self, pk: str, done: str, work: Any) -> Any:
        item = self.find(pk, columns=("member", "hostel"))
        with service_call(done) as call:
            work(call.session, item)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/freeze/<pk>", methods=["POST"])
    @has_access
    def freeze(self, pk: str) -> Any:
        """Until somebody has looked into it."""
        return self._write(pk, gettext("The wallet is frozen."), lambda session, item: wallet.freeze(session, item.id, request.form.get("note", "")))

    @expose("/unfreeze/<pk>", methods=["POST"])
    @has_access
    def unfreeze(self, pk: str) -> Any:
        """It can be used again."""
        return self._write(pk, gettext("The wallet can be used again."), lambda session, item: wallet.unfreeze(session, item.id, request.form.get("note", "")))

    @expose("/propose/<pk>", methods=["POST"])
    @has_access
    def propose(self, pk: str) -> Any:
        """What a second person then approves."""
        item = self.find(pk, columns=("member", "hostel"))
        with service_call(gettext("Proposed. Somebody else has to approve it.")) as call:
            _words, kind, sign = MOTIONS.get(request.form.get("motion", "")) or _refuse(gettext("Choose one from the list."), "motion")
            wallet.propose(call.session, item.hostel_id, kind, sign * given_amount(), request.form.get("reason", ""), user_id=item.user_id,
                           proposal_id=submission_id())
        return call.respond(url_for("ProposalView.show", pk=submission_id()), failed=lambda: self.render_show(pk))

    # -- files ------------------------------------------------------------------------------------------------

    @expose("/statement/<pk>/pdf")
    @has_access
    def pdf(self, pk: str) -> Any:
        """The statement of a period as a document."""
        return self._file(pk, "pdf")

    @expose("/statement/<pk>/csv")
    @has_access
    def csv(self, pk: str) -> Any:
        """The same for a spreadsheet."""
        return self._file(pk, "csv")

    def _file(self, pk: str, ending: str) -> Any:
        item = self.find(pk, columns=("member", "hostel"))
        try:
            response = parts.statement_file(self.session(), item, ending)
        except DomainError as error:
            return problem_page(error, self.url("show", pk=pk))
        with service_call() as call:
            audit.note_export(call.session, subject="ledger_entries", taken={"wallet_id": str(item.id), "as": ending})
        return response


def given_amount() -> int:
    """A positive amount in the smallest unit; Invalid for what is none."""
    amount = MoneyField().bind(form=Form(), name="amount")
    try:
        amount.process_formdata([request.form.get("amount", "")])
    except ValueError as error:
        raise Invalid(str(error), field="amount") from error
    if not amount.data or amount.data < 0:
        raise Invalid(gettext("Please give an amount."), field="amount")
    if amount.data > AMOUNT_MAX_PAISE:
        raise Invalid(gettext("This amount is too large."), field="amount")
    return int(amount.data)


def _refuse(message: str, field: str) -> Any:
    raise Invalid(message, field=field)
